"""The areas of the OGC conformance suite for SensorThings 1.0 (ets-sta10, 22 tests), in own words and for any version.

Reading 6, changing 8, filtering 8. Theirs expects a service to itself and deletes what is there; here everything is
asked of entities that the suite made, and of whole sets where that does not matter. The outside suite is also run as it is.
"""
from kit import HUGE_ID, case, check, equal, has, ids, key, lacks, location_body, refused, same_time

READ, STATUS = 'resource-path/resource-path-to-entities', 'request-data/status-code'
CONTROL = 'datamodel/entity-control-information/common-control-information'
TYPES = {
    'Things': (['name', 'description'], ['Locations', 'HistoricalLocations', 'Datastreams']),
    'Locations': (['name', 'description', 'encodingType', 'location'], ['Things', 'HistoricalLocations']),
    'HistoricalLocations': (['time'], ['Thing', 'Locations']),
    'Datastreams': (['name', 'description', 'unitOfMeasurement', 'observationType'], ['Thing', 'Sensor', 'ObservedProperty', 'Observations']),
    'Sensors': (['name', 'description', 'encodingType', 'metadata'], ['Datastreams']),
    'ObservedProperties': (['name', 'definition', 'description'], ['Datastreams']),
    'Observations': (['phenomenonTime', 'result', 'resultTime'], ['Datastream', 'FeatureOfInterest']),
    'FeaturesOfInterest': (['name', 'description', 'encodingType', 'feature'], ['Observations']),
}
SET_OF = {'Thing': 'Things', 'Sensor': 'Sensors', 'ObservedProperty': 'ObservedProperties', 'Datastream': 'Datastreams',
          'FeatureOfInterest': 'FeaturesOfInterest'}


class World:
    pass


def world(s):
    """Two Things with two Datastreams each, ten Observations with resultTime in each, and where to find one of each type."""
    w = World()
    w.things, w.streams, w.rows = [], [], []
    for t in range(2):
        thing = s.thing(properties={'reference': 'first' if t == 0 else 'second'}, Locations=[location_body(s, -117.05 + t, 51.05)])
        w.things.append(thing)
        for d in range(2):
            stream = s.datastream(thing)
            w.streams.append(stream)
            for o in range(10):
                at = '2015-03-%02dT0%d:00:00Z' % (d * 10 + o + 1, t)
                w.rows.append((s.observe(stream, o, at, resultTime=at), stream, o, at))
    first = 'Datastreams(%s)/' % key(w.streams[0])
    w.one = {'Things': w.things[0], 'Datastreams': w.streams[0], 'Observations': w.rows[0][0],
             'Locations': s.list('Things(%s)/Locations' % key(w.things[0]))[0]['@iot.id'],
             'HistoricalLocations': s.list('Things(%s)/HistoricalLocations' % key(w.things[0]))[0]['@iot.id'],
             'Sensors': s.get(first + 'Sensor')['@iot.id'], 'ObservedProperties': s.get(first + 'ObservedProperty')['@iot.id'],
             'FeaturesOfInterest': s.get('Observations(%s)/FeatureOfInterest' % key(w.rows[0][0]))['@iot.id']}
    return w


def whole(entity, entity_set, relations=True):
    properties, links = TYPES[entity_set]
    has(entity, ['@iot.id', '@iot.selfLink'] + properties, entity_set)
    if relations:
        has(entity, [name + '@iot.navigationLink' for name in links], entity_set)


# ---- reading: 6 --------------------------------------------------------------------------------------

@case(READ, CONTROL)
def read_sets(s):
    for entity_set in TYPES:
        for entity in s.list(entity_set, top=20):
            has(entity, ['@iot.id', '@iot.selfLink'] + [n for n in TYPES[entity_set][0] if n != 'resultTime'], entity_set)


@case(STATUS)
def read_what_is_not_there(s):
    for entity_set in TYPES:
        equal(s.ask('%s(%d)' % (entity_set, HUGE_ID)).status, 404, entity_set)


@case(READ, CONTROL)
def read_entities(s):
    for entity_set, entity_id in s.world.one.items():
        whole(s.get('%s(%s)' % (entity_set, key(entity_id))), entity_set)


@case(READ)
def read_properties(s):
    for entity_set, entity_id in s.world.one.items():
        for name in TYPES[entity_set][0]:
            path = '%s(%s)/%s' % (entity_set, key(entity_id), name)
            answer = s.get(path)
            equal(list(answer), [name], path)
            check(answer[name] is not None, path + ' is null')
            value = s.ask(path + '/$value')
            equal(value.status, 200, path + '/$value')
            equal(value.text.startswith('{'), isinstance(answer[name], dict), path + '/$value looks like an object')


@case(READ)
def read_paths_of_four_steps(s):
    def step(path, entity_set, depth):
        rows = s.list(path, top=2)
        check(rows, path + ' is empty')
        for row in s.list(path + '/$ref', top=2):
            equal(list(row), ['@iot.selfLink'], path + '/$ref')
        if depth == 4:
            return
        at = '%s(%s)' % (path, key(rows[0]['@iot.id']))
        for name in TYPES[entity_set][1]:
            if name in SET_OF:
                whole(s.get(at + '/' + name), SET_OF[name], False)
            else:
                step(at + '/' + name, name, depth + 1)
    for entity_set, entity_id in s.world.one.items():
        at = '%s(%s)' % (entity_set, key(entity_id))
        for name in TYPES[entity_set][1]:
            if name in SET_OF:
                whole(s.get(at + '/' + name), SET_OF[name], False)
            else:
                step(at + '/' + name, name, 2)


@case(READ)
def read_the_root(s):
    rows = s.get('')['value']
    equal([r for r in rows if not r['url'].endswith('/' + r['name'])], [], 'urls that do not end with their name')
    extra = {r['name'] for r in rows} - set(TYPES)
    check(extra <= {'MultiDatastreams'} or s.server.claims('http://www.opengis.net/spec/iot_tasking/1.0/req/'), 'sets of no standard: %s' % extra)


# ---- changing: 8 ---------------------------------------------------------------------------------------

CREATE, DEEP, UPDATE = ('create-update-delete/' + n for n in ('create-entity', 'deep-insert', 'update-entity'))
LINK, PUT, DELETE = ('create-update-delete/' + n for n in ('link-to-existing-entities', 'update-entity-put', 'delete-entity'))


def made_by_links(s):
    """One of each type, each by its own POST, linked by ids."""
    out = {'Things': s.make('Things', {'name': s.name(), 'description': 'd'}), 'Locations': s.location(-114.05, 51.05),
           'Sensors': s.sensor(), 'ObservedProperties': s.observed_property(), 'FeaturesOfInterest': s.feature(10, 10)}
    out['Datastreams'] = s.make('Datastreams', {
        'name': s.name(), 'description': 'd', 'observationType': 'http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement',
        'unitOfMeasurement': {'name': 'Celsius', 'symbol': 'degC', 'definition': 'http://qudt.org/vocab/unit#DegreeCelsius'},
        'Thing': {'@iot.id': out['Things']}, 'ObservedProperty': {'@iot.id': out['ObservedProperties']}, 'Sensor': {'@iot.id': out['Sensors']}})
    out['Observations'] = s.make('Observations', {'phenomenonTime': '2015-03-01T00:40:00.000Z', 'result': 8, 'Datastream': {
        '@iot.id': out['Datastreams']}, 'FeatureOfInterest': {'@iot.id': out['FeaturesOfInterest']}})
    s.patch('Things(%s)' % key(out['Things']), {'Locations': [{'@iot.id': out['Locations']}]})
    out['HistoricalLocations'] = s.make('HistoricalLocations', {'time': '2015-03-01T00:40:00.000Z', 'Thing': {'@iot.id': out['Things']},
                                                                'Locations': [{'@iot.id': out['Locations']}]})
    return out


@case(CREATE, LINK)
def create(s):
    for entity_set, entity_id in made_by_links(s).items():
        entity = s.get('%s(%s)' % (entity_set, key(entity_id)))
        has(entity, ['@iot.id', '@iot.selfLink'] + [n for n in TYPES[entity_set][0] if n != 'resultTime'], entity_set)


@case(CREATE)
def a_feature_by_itself(s):
    out = made_by_links(s)
    made = s.make('Observations', {'phenomenonTime': '2015-03-01T00:00:00.000Z', 'result': 100, 'Datastream': {'@iot.id': out['Datastreams']}})
    equal(s.get('Observations(%s)/FeatureOfInterest' % key(made))['feature'], s.get('Locations(%s)' % key(out['Locations']))['location'], 'feature')


@case(DEEP)
def create_deep(s):
    body = {'name': s.name(), 'description': 'd', 'Locations': [location_body(s, -117.05, 51.05)], 'Datastreams': [{
        'name': s.name(), 'description': 'd', 'unitOfMeasurement': {'name': 'Lumen', 'symbol': 'lm', 'definition': 'http://qudt.org/lumen'},
        'observationType': 'http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement',
        'ObservedProperty': {'name': 'Luminous Flux', 'definition': 'http://qudt.org/flux', 'description': 'd'},
        'Sensor': {'name': 'Acme', 'description': 'd', 'encodingType': 'http://schema.org/description', 'metadata': 'Light flux sensor'}}]}
    path = 'Things(%s)' % key(s.make('Things', body))
    equal(s.list(path + '/Locations')[0]['location'], body['Locations'][0]['location'], 'location')
    stream = s.list(path + '/Datastreams', expand='Sensor,ObservedProperty')[0]
    equal((stream['Sensor']['metadata'], stream['ObservedProperty']['name']), ('Light flux sensor', 'Luminous Flux'), 'the Datastream')


@case('create-update-delete/deep-insert-status-code')
def create_deep_that_is_wrong(s):
    body = {'name': s.name(), 'description': 'd', 'Datastreams': [{'name': 'x', 'description': 'd'}]}
    refused(s.post('Things', body), 400)
    equal(s.list('Things', filter="name eq '%s'" % body['name']), [], 'Things')


@case(CREATE)
def create_without_what_is_needed(s):
    out = made_by_links(s)
    refused(s.post('Observations', {'result': 1, 'FeatureOfInterest': {'@iot.id': out['FeaturesOfInterest']}}), 400)
    refused(s.post('Datastreams', {'name': 'x', 'description': 'd', 'Sensor': {'@iot.id': out['Sensors']}}), 400)
    refused(s.post('Things', {'name': 'x'}), 400)


PATCHES = {'Things': {'description': 'PATCHED'}, 'Locations': {'location': {'type': 'Point', 'coordinates': [114.05, -50]}},
           'HistoricalLocations': {'time': '2015-07-01T00:00:00.000Z'}, 'Sensors': {'metadata': 'PATCHED'}, 'ObservedProperties': {'description': 'PATCHED'},
           'FeaturesOfInterest': {'feature': {'type': 'Point', 'coordinates': [114.05, -51.05]}}, 'Datastreams': {'description': 'PATCHED'},
           'Observations': {'phenomenonTime': '2015-07-01T00:40:00.000Z'}}


def same(got, want, what):
    for name, value in want.items():
        if name in ('time', 'phenomenonTime'):
            same_time(got[name], value, what + name)
        else:
            equal(got[name], value, what + '/' + name)


@case(UPDATE)
def patch(s):
    for entity_set, entity_id in made_by_links(s).items():
        path = '%s(%s)' % (entity_set, key(entity_id))
        before = s.get(path)
        s.patch(path, PATCHES[entity_set])
        after = s.get(path)
        same(after, PATCHES[entity_set], path)
        equal({k: v for k, v in after.items() if k not in PATCHES[entity_set]}, {k: v for k, v in before.items() if k not in PATCHES[entity_set]},
              path + ': what was not named')


@case(PUT)
def put(s):
    bodies = {'Things': {'name': 'n', 'description': 'UPDATED'}, 'HistoricalLocations': {'time': '2015-08-01T00:00:00.000Z'},
              'Locations': {'name': 'n', 'encodingType': 'UPDATED ENCODING', 'description': 'UPDATED', 'location': {'type': 'Point', 'coordinates': [-114.05, 50]}},
              'Sensors': {'name': 'n', 'description': 'UPDATED', 'encodingType': 'http://schema.org/description', 'metadata': 'UPDATED'},
              'ObservedProperties': {'name': 'QWERTY', 'definition': 'ZXCVB', 'description': 'POIUYTREW'},
              'FeaturesOfInterest': {'name': 'n', 'encodingType': 'SQUARE', 'feature': {'type': 'Point', 'coordinates': [-114.05, 51.05]}, 'description': 'P'},
              'Datastreams': {'name': 'n', 'description': 'UPDATED', 'observationType': 'http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement',
                              'unitOfMeasurement': {'name': 'Entropy', 'symbol': 'S', 'definition': 'http://qudt.org/vocab/unit#Entropy'}},
              'Observations': {'result': 99, 'phenomenonTime': '2015-08-01T00:40:00.000Z'}}
    for entity_set, entity_id in made_by_links(s).items():
        path = '%s(%s)' % (entity_set, key(entity_id))
        s.put(path, bodies[entity_set])
        same(s.get(path), bodies[entity_set], path)


@case(DELETE)
def delete(s):
    out = made_by_links(s)
    for entity_set in ('Observations', 'FeaturesOfInterest', 'Datastreams', 'ObservedProperties', 'Sensors', 'HistoricalLocations', 'Locations', 'Things'):
        path = '%s(%s)' % (entity_set, key(out[entity_set]))
        s.delete(path)
        equal(s.ask(path).status, 404, path)


# ---- filtering: 8 ----------------------------------------------------------------------------------------

def rows_of(s, n=0):
    return [r for r in s.world.rows if r[1] == s.world.streams[n]]


@case('request-data/select')
def select(s):
    for entity_set, entity_id in s.world.one.items():
        names = TYPES[entity_set][0]
        for name in names:
            row = s.get('%s(%s)' % (entity_set, key(entity_id)), select=name)
            has(row, [name], entity_set)
            lacks(row, [n for n in names if n != name], '%s?$select=%s' % (entity_set, name))
        has(s.get('%s(%s)' % (entity_set, key(entity_id)), select=','.join(names)), names, entity_set)


@case('request-data/expand')
def expand(s):
    for entity_set, entity_id in s.world.one.items():
        links = TYPES[entity_set][1]
        row = s.get('%s(%s)' % (entity_set, key(entity_id)), expand=','.join(links))
        for name in links:
            for inner in row[name] if isinstance(row[name], list) else [row[name]]:
                whole(inner, SET_OF.get(name, name))


@case('request-data/top', 'request-data/pagination')
def top(s):
    for number in (1, 2, 9, 10, 11):
        page = s.get('Datastreams(%s)/Observations' % key(s.world.streams[0]), top=number)
        equal(len(page['value']), min(number, 10), '$top=%d' % number)
        equal('@iot.nextLink' in page, number < 10, '@iot.nextLink after $top=%d' % number)


@case('request-data/skip')
def skip_some(s):
    for number in (0, 1, 9, 10, 20):
        rows = s.list('Datastreams(%s)/Observations' % key(s.world.streams[0]), skip=number)
        equal(len(rows), max(0, 10 - number), '$skip=%d' % number)


@case('request-data/orderby')
def orderby(s):
    path = 'Datastreams(%s)/Observations' % key(s.world.streams[0])
    for name, index in (('result', 2), ('phenomenonTime', 3), ('resultTime', 3)):
        for words, down in ((name, False), (name + ' asc', False), (name + ' desc', True)):
            equal(ids(s.list(path, orderby=words)), [r[0] for r in sorted(rows_of(s), key=lambda r: r[index], reverse=down)], words)


@case('request-data/count')
def count(s):
    for entity_set in TYPES:
        has(s.get(entity_set, count='true', top=1), ['@iot.count'], entity_set)
        lacks(s.get(entity_set, count='false', top=1), ['@iot.count'], entity_set)
        lacks(s.get(entity_set, top=1), ['@iot.count'], entity_set)
    equal(s.get('Datastreams(%s)/Observations' % key(s.world.streams[0]), count='true')['@iot.count'], 10, '@iot.count')


@case('request-data/filter')
def filter_by_each_property(s):
    for entity_set, entity_id in s.world.one.items():
        row = s.get('%s(%s)' % (entity_set, key(entity_id)))
        for name in TYPES[entity_set][0]:
            value = row[name]
            if isinstance(value, dict):
                continue
            text = "'%s'" % value.replace("'", "''") if isinstance(value, str) and 'ime' not in name else str(value)
            found = ids(s.pages(entity_set, filter='%s eq %s and id eq %s' % (name, text, key(entity_id))))
            equal(found, [entity_id], '%s?$filter=%s eq %s' % (entity_set, name, text))


@case('request-data/built-in-filter-operations')
def filter_by_each_operator(s):
    path = 'Datastreams(%s)/Observations' % key(s.world.streams[0])
    for op, python in (('eq', lambda r: r == 5), ('ne', lambda r: r != 5), ('lt', lambda r: r < 5), ('le', lambda r: r <= 5),
                       ('gt', lambda r: r > 5), ('ge', lambda r: r >= 5)):
        equal(sorted(ids(s.list(path, filter='result %s 5' % op))), sorted(r[0] for r in rows_of(s) if python(r[2])), op)
    middle = rows_of(s)[4][3]
    for op, python in (('lt', lambda t: t < middle), ('ge', lambda t: t >= middle)):
        equal(sorted(ids(s.list(path, filter='phenomenonTime %s %s' % (op, middle)))), sorted(r[0] for r in rows_of(s) if python(r[3])), op)
