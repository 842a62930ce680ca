"""create-update-delete: POST, deep insert, links, PATCH, PUT, JSON Patch, DELETE and what goes with it."""
from kit import HUGE_ID, MEASUREMENT, case, check, datastream_body, equal, feature_body, has, ids, key, location_body
from kit import observed_property_body, refused, sensor_body, table, thing_body

CREATE, LINK = 'create-update-delete/create-entity', 'create-update-delete/link-to-existing-entities'
DEEP, DEEP_STATUS = 'create-update-delete/deep-insert', 'create-update-delete/deep-insert-status-code'
UPDATE, PUT = 'create-update-delete/update-entity', 'create-update-delete/update-entity-put'
PATCH, DELETE = 'create-update-delete/update-entity-jsonpatch', 'create-update-delete/delete-entity'
JSON_PATCH = 'application/json-patch+json'
BODIES = {'Things': thing_body, 'Locations': location_body, 'Sensors': sensor_body, 'ObservedProperties': observed_property_body,
          'FeaturesOfInterest': feature_body}


def thing_path(s, **more):
    return 'Things(%s)' % key(s.thing(**more))


# ---- create ---------------------------------------------------------------------------------------

@table(CREATE, list(BODIES))
def create(s, entity_set):
    answer = s.post(entity_set, BODIES[entity_set](s))
    equal(answer.status, 201, 'status')
    location = answer.headers.get('Location', '')
    check(location.startswith(s.server.url + '/' + entity_set + '('), 'Location is %r' % location)
    equal(s.get(location)['@iot.selfLink'], location, 'the selfLink of what was made')


@case(CREATE)
def create_a_datastream_through_the_set(s):
    stream = s.make('Datastreams', dict(datastream_body(s), Thing={'@iot.id': s.thing()}))
    has(s.get('Datastreams(%s)' % key(stream)), ['name'], 'the Datastream')


@case(CREATE)
def create_an_observation(s):
    stream = s.datastream()
    answer = s.post('Observations', {'result': 1, 'Datastream': {'@iot.id': stream}})
    equal(answer.status, 201, 'status')
    check(answer.headers.get('Location', '').startswith(s.server.url + '/Observations('), 'no Location')


@table(CREATE, [('no JSON', b'{"name":'), ('nothing', b''), ('a list', b'[]'), ('text', b'"x"'), ('null', b'null'), ('a number', b'5'),
                ('two bodies', b'{"name":"a","description":"b"}{}'), ('not UTF-8', b'{"name":"\xff","description":"b"}'),
                ('a key twice', b'{"name":"a","name":"b","description":"b"}'), ('NUL', b'{"name":"a\\u0000b","description":"b"}'),
                ('deep', b'{"name":"a","description":"b","properties":' + b'{"a":' * 5000 + b'1' + b'}' * 5000 + b'}')])
def not_an_entity(s, row):
    answer = s.post('Things', row[1])
    check(answer.status in (400, 413), 'wanted 400 or 413, got %d' % answer.status)


@case(CREATE)
def an_unknown_property_is_refused(s):
    answer = refused(s.post('Things', dict(thing_body(s), colour='red')), 400)
    check('colour' in answer.text, 'the answer does not name colour: ' + answer.text)


@case(CREATE)
def a_huge_body_is_refused(s):
    answer = s.post('Things', dict(thing_body(s), properties={'x': 'y' * (3 << 20)}))
    check(answer.status in (400, 413), 'wanted 413, got %d' % answer.status)
    s.get('')


@case(CREATE)
def the_client_does_not_choose_the_id(s):
    answer = s.post('Things', {'@iot.id': HUGE_ID - 1, **thing_body(s)})
    if answer.status == 201:
        check('(%d)' % (HUGE_ID - 1) not in answer.headers['Location'], 'the id was taken from the body')
    else:
        refused(answer, 400, 403)


@table(CREATE, ['Things', 'Sensors', 'ObservedProperties', 'Locations'])
def the_same_name_twice_is_two(s, entity_set):
    body = BODIES[entity_set](s)
    check(s.make(entity_set, body) != s.make(entity_set, body), 'one entity for two')


@table(CREATE, ['', 'NoSuch', 'Things(%d)' % HUGE_ID, 'Things(%d)/Datastreams' % HUGE_ID, 'Things/$ref', 'Things(1)/name'])
def nowhere_to_post(s, path):
    answer = s.post(path, thing_body(s))
    check(400 <= answer.status < 500 or answer.status == 501, 'got %d' % answer.status)


# ---- links ------------------------------------------------------------------------------------------

@case(LINK)
def link_to_existing(s):
    thing, sensor, prop = s.thing(), s.sensor(), s.observed_property()
    stream = s.make('Datastreams', dict(datastream_body(s), Thing={'@iot.id': thing}, Sensor={'@iot.id': sensor},
                                        ObservedProperty={'@iot.id': prop}))
    row = s.get('Datastreams(%s)' % key(stream), expand='Thing,Sensor,ObservedProperty')
    equal([row[n]['@iot.id'] for n in ('Thing', 'Sensor', 'ObservedProperty')], [thing, sensor, prop], 'the links')


@case(LINK)
def link_to_several(s):
    places = [s.location(), s.location(9, 50)]
    for many in (places[:1], []):
        thing = s.thing(Locations=[{'@iot.id': p} for p in many])
        equal(ids(s.list('Things(%s)/Locations' % key(thing))), many, 'Locations')


@case(LINK)
def link_through_the_path(s):
    sensor = s.sensor()
    stream = s.make('Sensors(%s)/Datastreams' % key(sensor), {
        k: v for k, v in dict(datastream_body(s), Thing={'@iot.id': s.thing()}).items() if k != 'Sensor'})
    equal(s.get('Datastreams(%s)/Sensor' % key(stream))['@iot.id'], sensor, 'the Sensor')


@case(LINK)
def link_through_a_feature(s):
    feature, stream = s.feature(), s.datastream()
    made = s.make('FeaturesOfInterest(%s)/Observations' % key(feature), {'result': 1, 'Datastream': {'@iot.id': stream}})
    equal(s.get('Observations(%s)/FeatureOfInterest' % key(made))['@iot.id'], feature, 'the FeatureOfInterest')


@table(LINK, ['Thing', 'Sensor', 'ObservedProperty'])
def link_to_what_is_not_there(s, name):
    body = dict(datastream_body(s), Thing={'@iot.id': s.thing()})
    body[name] = {'@iot.id': HUGE_ID}
    refused(s.post('Datastreams', body), 400, 404)


@table(LINK, [('text', 'x'), ('a number', 5), ('a list', []), ('an empty object', {}), ('an odd id', {'@iot.id': {}})])
def not_a_link(s, row):
    refused(s.post('Datastreams', dict(datastream_body(s), Thing=row[1])), 400)


# ---- deep insert ----------------------------------------------------------------------------------------

@case(DEEP, DEEP_STATUS)
def deep_insert(s):
    body = dict(thing_body(s), Locations=[location_body(s)], Datastreams=[
        dict(datastream_body(s), Observations=[{'result': 1, 'phenomenonTime': '2020-01-01T00:00:00Z'},
                                               {'result': 2, 'phenomenonTime': '2020-01-01T00:00:01Z',
                                                'FeatureOfInterest': feature_body(s, 5, 5)}]), datastream_body(s)])
    answer = s.post('Things', body)
    equal(answer.status, 201, 'status')
    whole = s.get(answer.headers['Location'], expand='Locations,Datastreams($orderby=id;$expand=Observations,Sensor,ObservedProperty)')
    equal([d['name'] for d in whole['Datastreams']], [d['name'] for d in body['Datastreams']], 'the Datastreams')
    equal(sorted(o['result'] for o in whole['Datastreams'][0]['Observations']), [1, 2], 'the Observations')
    equal(whole['Datastreams'][0]['Sensor']['name'], body['Datastreams'][0]['Sensor']['name'], 'the Sensor')
    equal(whole['Locations'][0]['name'], body['Locations'][0]['name'], 'the Location')


@case(DEEP)
def deep_insert_of_an_observation(s):
    thing = thing_body(s)
    made = s.make('Observations', {'result': 3, 'phenomenonTime': '2020-01-01T00:00:00Z', 'FeatureOfInterest': feature_body(s),
                                   'Datastream': dict(datastream_body(s), Thing=thing)})
    equal(s.get('Observations(%s)/Datastream/Thing' % key(made))['name'], thing['name'], 'its Thing')


@case(DEEP)
def deep_insert_of_a_datastream(s):
    body = dict(datastream_body(s), Thing=dict(thing_body(s), Locations=[location_body(s)]))
    row = s.get('Datastreams(%s)' % key(s.make('Datastreams', body)), expand='Thing/Locations')
    equal(row['Thing']['name'], body['Thing']['name'], 'the Thing')
    equal(len(row['Thing']['Locations']), 1, 'its Locations')


@case(DEEP)
def links_and_bodies_mixed(s):
    sensor = s.sensor()
    body = dict(datastream_body(s), Thing=thing_body(s), Sensor={'@iot.id': sensor})
    row = s.get('Datastreams(%s)' % key(s.make('Datastreams', body)), expand='Thing,Sensor')
    equal((row['Thing']['name'], row['Sensor']['@iot.id']), (body['Thing']['name'], sensor), 'a new Thing and an old Sensor')


@table(DEEP, [('a Sensor without name', lambda b: b['Datastreams'][1]['Sensor'].pop('name')),
              ('no ObservedProperty', lambda b: b['Datastreams'][1].pop('ObservedProperty')),
              ('a Location without location', lambda b: b['Locations'][0].pop('location')),
              ('a link to nothing', lambda b: b['Datastreams'][1].update(Sensor={'@iot.id': HUGE_ID})),
              ('an unknown property', lambda b: b['Datastreams'][1]['Sensor'].update(frob=1))])
def all_or_nothing(s, row):
    body = dict(thing_body(s), Locations=[location_body(s)], Datastreams=[datastream_body(s), datastream_body(s)])
    names = {'Things': body['name'], 'Sensors': body['Datastreams'][0]['Sensor']['name'], 'Datastreams': body['Datastreams'][0]['name'],
             'ObservedProperties': body['Datastreams'][0]['ObservedProperty']['name'], 'Locations': body['Locations'][0]['name']}
    row[1](body)
    refused(s.post('Things', body), 400, 404)
    for entity_set, name in names.items():
        equal(s.list(entity_set, filter="name eq '%s'" % name), [], entity_set + ' that were made all the same')


@case(DEEP)
def deep_insert_is_bounded(s):
    body = dict(thing_body(s), Datastreams=[datastream_body(s) for _ in range(3000)])
    answer = s.post('Things', body)
    check(answer.status in (201, 400, 413), 'got %d' % answer.status)
    s.get('')


# ---- PATCH ------------------------------------------------------------------------------------------------

@case(UPDATE)
def patch_changes_what_it_names(s):
    path = thing_path(s, properties={'a': 1})
    before = s.get(path)
    s.patch(path, {'description': 'changed'})
    after = s.get(path)
    equal(after, dict(before, description='changed'), 'the Thing')


@table(UPDATE, list(BODIES))
def patch_each_type(s, entity_set):
    path = '%s(%s)' % (entity_set, key(s.make(entity_set, BODIES[entity_set](s))))
    new = s.name('new name')
    s.patch(path, {'name': new, 'properties': {'x': 'y'}})
    row = s.get(path)
    equal((row['name'], row['properties']), (new, {'x': 'y'}), path)


@case(UPDATE)
def patch_replaces_properties(s):
    path = thing_path(s, properties={'a': 1, 'b': 2})
    s.patch(path, {'properties': {'a': 5}})
    equal(s.get(path)['properties'], {'a': 5}, 'properties')


@case(UPDATE)
def patch_with_null(s):
    path = thing_path(s, properties={'a': 1})
    s.patch(path, {'properties': None})
    check(not s.get(path).get('properties'), 'properties are still there')
    refused(s.send('PATCH', path, {'name': None}), 400)


@case(UPDATE)
def patch_ignores_the_id(s):
    path = thing_path(s)
    before = s.get(path)
    answer = s.send('PATCH', path, {'@iot.id': 12345, '@iot.selfLink': 'http://example.org/', 'description': 'd'})
    check(answer.status in (200, 204, 400), 'got %d' % answer.status)
    after = s.get(path)
    equal((after['@iot.id'], after['@iot.selfLink']), (before['@iot.id'], before['@iot.selfLink']), 'who it is')


@case(UPDATE)
def patch_an_observation(s):
    made = s.observe(s.datastream(), 1, '2020-01-01T00:00:00Z')
    path = 'Observations(%s)' % key(made)
    s.patch(path, {'result': 2, 'parameters': {'corrected': True}})
    row = s.get(path)
    equal((row['result'], row['parameters']), (2, {'corrected': True}), 'the Observation')
    check(row['phenomenonTime'].startswith('2020-01-01T00:00:00'), 'phenomenonTime changed')


@case(UPDATE)
def patch_a_datastream(s):
    stream = s.datastream()
    path = 'Datastreams(%s)' % key(stream)
    s.patch(path, {'unitOfMeasurement': {'name': 'kelvin', 'symbol': 'K', 'definition': 'http://www.qudt.org/vocab/unit/K'}})
    equal(s.get(path)['unitOfMeasurement']['symbol'], 'K', 'unitOfMeasurement')
    equal(s.get(path)['observationType'], MEASUREMENT, 'observationType')


@case(UPDATE)
def patch_a_link(s):
    stream, sensor = s.datastream(), s.sensor()
    s.patch('Datastreams(%s)' % key(stream), {'Sensor': {'@iot.id': sensor}})
    equal(s.get('Datastreams(%s)/Sensor' % key(stream))['@iot.id'], sensor, 'the Sensor')


@case(UPDATE)
def patch_a_link_to_nothing(s):
    stream = s.datastream()
    old = s.get('Datastreams(%s)/Sensor' % key(stream))['@iot.id']
    refused(s.send('PATCH', 'Datastreams(%s)' % key(stream), {'Sensor': {'@iot.id': HUGE_ID}}), 400, 404)
    equal(s.get('Datastreams(%s)/Sensor' % key(stream))['@iot.id'], old, 'the Sensor')


@case(UPDATE)
def patch_makes_nothing_new(s):
    stream = s.datastream()
    body = sensor_body(s)
    refused(s.send('PATCH', 'Datastreams(%s)' % key(stream), {'Sensor': body}), 400)
    equal(s.list('Sensors', filter="name eq '%s'" % body['name']), [], 'Sensors that were made')


@case(UPDATE)
def patch_through_a_path(s):
    thing = s.thing()
    stream = s.datastream(thing)
    s.patch('Things(%s)/Datastreams(%s)' % (key(thing), key(stream)), {'description': 'through'})
    equal(s.get('Datastreams(%s)' % key(stream))['description'], 'through', 'description')


@table(UPDATE, [('no JSON', b'{"name":', 400), ('a list', b'[]', 400), ('an unknown property', b'{"frob":1}', 400),
                ('a wrong kind', b'{"name":5}', 400), ('a wrong kind of properties', b'{"properties":"x"}', 400)])
def patch_that_is_none(s, row):
    path = thing_path(s)
    before = s.get(path)
    refused(s.send('PATCH', path, row[1]), row[2])
    equal(s.get(path), before, 'the Thing')


@table(UPDATE, ['Things(%d)' % HUGE_ID, 'Things', 'Datastreams(%d)' % HUGE_ID, 'Observations(%d)' % HUGE_ID])
def patch_nothing(s, path):
    answer = s.send('PATCH', path, {'description': 'x'})
    check(answer.status in (400, 404, 405, 501), 'got %d' % answer.status)


# ---- PUT --------------------------------------------------------------------------------------------------

@case(PUT)
def put_replaces(s):
    path = thing_path(s, properties={'a': 1})
    body = thing_body(s)
    s.put(path, body)
    row = s.get(path)
    equal((row['name'], row['description']), (body['name'], body['description']), 'the Thing')
    check(not row.get('properties'), 'properties survived a PUT without them')


@case(PUT)
def put_needs_what_is_mandatory(s):
    path = thing_path(s)
    before = s.get(path)
    refused(s.send('PUT', path, {'name': 'only a name'}), 400)
    equal(s.get(path), before, 'the Thing')


@case(PUT)
def put_keeps_relations(s):
    thing = s.thing(Locations=[location_body(s)])
    stream = s.datastream(thing)
    s.put('Things(%s)' % key(thing), thing_body(s))
    row = s.get('Things(%s)' % key(thing), expand='Datastreams,Locations')
    equal((ids(row['Datastreams']), len(row['Locations'])), ([stream], 1), 'the relations')


@case(PUT)
def put_nothing(s):
    answer = s.send('PUT', 'Things(%d)' % HUGE_ID, thing_body(s))
    equal(answer.status, 404, 'status')


@table(PUT, list(BODIES))
def put_each_type(s, entity_set):
    path = '%s(%s)' % (entity_set, key(s.make(entity_set, dict(BODIES[entity_set](s), properties={'old': 1}))))
    body = dict(BODIES[entity_set](s), properties={'new': 2})
    s.put(path, body)
    row = s.get(path)
    for name in body:
        equal(row[name], body[name], path + '/' + name)


# ---- JSON Patch ---------------------------------------------------------------------------------------------

PATCHES = [
    ('replace', [{'op': 'replace', 'path': '/description', 'value': 'x'}], {'description': 'x'}),
    ('add', [{'op': 'add', 'path': '/properties/c', 'value': [1]}], {'properties': {'a': 1, 'b': {'x': [1, 2]}, 'c': [1]}}),
    ('remove', [{'op': 'remove', 'path': '/properties/a'}], {'properties': {'b': {'x': [1, 2]}}}),
    ('copy', [{'op': 'copy', 'from': '/properties/a', 'path': '/properties/z'}], {'properties': {'a': 1, 'b': {'x': [1, 2]}, 'z': 1}}),
    ('move', [{'op': 'move', 'from': '/properties/b/x', 'path': '/properties/a'}], {'properties': {'a': [1, 2], 'b': {}}}),
    ('test', [{'op': 'test', 'path': '/properties/a', 'value': 1}, {'op': 'replace', 'path': '/properties/a', 'value': 2}],
     {'properties': {'a': 2, 'b': {'x': [1, 2]}}}),
    ('into a list', [{'op': 'add', 'path': '/properties/b/x/1', 'value': 9}], {'properties': {'a': 1, 'b': {'x': [1, 9, 2]}}}),
    ('at the end of a list', [{'op': 'add', 'path': '/properties/b/x/-', 'value': 9}], {'properties': {'a': 1, 'b': {'x': [1, 2, 9]}}}),
    ('escapes', [{'op': 'add', 'path': '/properties/a~1b~0c', 'value': 1}], {'properties': {'a': 1, 'b': {'x': [1, 2]}, 'a/b~c': 1}}),
    ('several', [{'op': 'remove', 'path': '/properties'}, {'op': 'add', 'path': '/properties', 'value': {'n': 1}}], {'properties': {'n': 1}}),
    ('none', [], {}),
]


@table(PATCH, PATCHES)
def json_patch(s, row):
    path = thing_path(s, properties={'a': 1, 'b': {'x': [1, 2]}})
    before = s.get(path)
    s.patch(path, row[1], JSON_PATCH)
    equal(s.get(path), dict(before, **row[2]), 'the Thing')


BAD_PATCHES = [('a test that fails', [{'op': 'replace', 'path': '/description', 'value': 'x'}, {'op': 'test', 'path': '/properties/a', 'value': 2}]),
               ('nothing to remove', [{'op': 'remove', 'path': '/properties/q'}]), ('no such place', [{'op': 'add', 'path': '/properties/q/r', 'value': 1}]),
               ('a mandatory one', [{'op': 'remove', 'path': '/name'}]), ('an unknown op', [{'op': 'frob', 'path': '/name', 'value': 'x'}]),
               ('no path', [{'op': 'remove'}]), ('no value', [{'op': 'add', 'path': '/properties/q'}]), ('an object', {'op': 'remove', 'path': '/name'}),
               ('a property that is not there', [{'op': 'add', 'path': '/frob', 'value': 1}]), ('a wrong kind', [{'op': 'replace', 'path': '/name', 'value': 1}]),
               ('a bad pointer', [{'op': 'replace', 'path': 'name', 'value': 'x'}]), ('beyond a list', [{'op': 'add', 'path': '/properties/b/7', 'value': 1}])]


@table(PATCH, BAD_PATCHES)
def json_patch_that_fails_changes_nothing(s, row):
    path = thing_path(s, properties={'a': 1, 'b': [1]})
    before = s.get(path)
    refused(s.send('PATCH', path, row[1], JSON_PATCH), 400, 409, 422)
    equal(s.get(path), before, 'the Thing')


@case(PATCH)
def json_patch_of_an_observation(s):
    path = 'Observations(%s)' % key(s.observe(s.datastream(), 1, '2020-01-01T00:00:00Z', parameters={'a': 1}))
    s.patch(path, [{'op': 'replace', 'path': '/result', 'value': 7}, {'op': 'add', 'path': '/parameters/b', 'value': 2}], JSON_PATCH)
    row = s.get(path)
    equal((row['result'], row['parameters']), (7, {'a': 1, 'b': 2}), 'the Observation')


# ---- DELETE -------------------------------------------------------------------------------------------------

class Family:
    def __init__(self, s):
        self.place = s.location()
        self.thing = s.thing(Locations=[{'@iot.id': self.place}])
        self.sensor, self.prop = s.sensor(), s.observed_property()
        self.stream = s.datastream(self.thing, Sensor={'@iot.id': self.sensor}, ObservedProperty={'@iot.id': self.prop})
        self.observations = [s.observe(self.stream, i, '2020-01-01T00:00:0%dZ' % i) for i in range(3)]
        self.feature = s.get('Observations(%s)/FeatureOfInterest' % key(self.observations[0]))['@iot.id']
        self.history = ids(s.list('Things(%s)/HistoricalLocations' % key(self.thing)))

    def paths(self):
        return {'Thing': ['Things(%s)' % key(self.thing)], 'Location': ['Locations(%s)' % key(self.place)],
                'Sensor': ['Sensors(%s)' % key(self.sensor)], 'ObservedProperty': ['ObservedProperties(%s)' % key(self.prop)],
                'Datastream': ['Datastreams(%s)' % key(self.stream)],
                'Observation': ['Observations(%s)' % key(o) for o in self.observations],
                'FeatureOfInterest': ['FeaturesOfInterest(%s)' % key(self.feature)],
                'HistoricalLocation': ['HistoricalLocations(%s)' % key(h) for h in self.history]}


CASCADES = [('Thing', {'Thing', 'Datastream', 'HistoricalLocation', 'Observation'}), ('Location', {'Location', 'HistoricalLocation'}),
            ('Datastream', {'Datastream', 'Observation'}), ('Sensor', {'Sensor', 'Datastream', 'Observation'}),
            ('ObservedProperty', {'ObservedProperty', 'Datastream', 'Observation'}), ('FeatureOfInterest', {'FeatureOfInterest', 'Observation'}),
            ('HistoricalLocation', {'HistoricalLocation'})]


@table(DELETE, CASCADES)
def cascade(s, row):
    kind, with_it = row
    paths = Family(s).paths()
    s.delete(paths[kind][0])
    for name, theirs in paths.items():
        for path in theirs:
            if name in with_it:
                s.gone(path)
            else:
                s.get(path)


@case(DELETE)
def delete_one_observation(s):
    family = Family(s)
    s.delete('Observations(%s)' % key(family.observations[1]))
    s.gone('Observations(%s)' % key(family.observations[1]))
    equal(sorted(ids(s.list('Datastreams(%s)/Observations' % key(family.stream)))),
          sorted([family.observations[0], family.observations[2]]), 'the others')


@case(DELETE)
def what_was_deleted_is_in_no_list(s):
    family = Family(s)
    name = s.get('Things(%s)' % key(family.thing))['name']
    s.delete('Things(%s)' % key(family.thing))
    equal(s.list('Things', filter="name eq '%s'" % name), [], 'Things of that name')
    equal(s.list('Locations(%s)/Things' % key(family.place)), [], 'Things at the Location')
    equal(s.list('Sensors(%s)/Datastreams' % key(family.sensor)), [], 'Datastreams of the Sensor')
    equal(s.get('FeaturesOfInterest(%s)/Observations' % key(family.feature), count='true')['@iot.count'], 0, 'Observations of the feature')


@case(DELETE)
def delete_twice(s):
    path = thing_path(s)
    s.delete(path)
    check(s.raw('DELETE', path).status in (404, 410), 'a second DELETE')


@table(DELETE, ['Things(%d)' % HUGE_ID, 'Observations(%d)' % HUGE_ID, 'Things(%d)/name' % HUGE_ID, 'NoSuch(1)', ''])
def delete_nothing(s, path):
    answer = s.raw('DELETE', path)
    check(answer.status in (400, 404, 405, 501), 'got %d' % answer.status)


@case(DELETE)
def a_whole_set_is_not_deleted_by_accident(s):
    thing = s.thing()
    answer = s.raw('DELETE', 'Things(%s)/Datastreams' % key(thing))
    check(answer.status in (400, 404, 405, 501), 'got %d' % answer.status)


@case(DELETE)
def a_link_of_many_is_taken_away(s):
    """A Location of two Things goes; both Things stay."""
    place = s.location()
    things = [s.thing(Locations=[{'@iot.id': place}]) for _ in range(2)]
    s.delete('Locations(%s)' % key(place))
    for thing in things:
        equal(s.list('Things(%s)/Locations' % key(thing)), [], 'Locations')


@case(DELETE, CREATE)
def a_feature_is_made_anew(s):
    stream = s.datastream()
    first = s.observe(stream, 1, '2020-01-01T00:00:00Z')
    feature = s.get('Observations(%s)/FeatureOfInterest' % key(first))['@iot.id']
    s.delete('FeaturesOfInterest(%s)' % key(feature))
    second = s.observe(stream, 2, '2020-01-01T00:00:01Z')
    check(s.get('Observations(%s)/FeatureOfInterest' % key(second))['@iot.id'] != feature, 'the deleted feature came back')

