"""datamodel/datastream: one series of a Thing, a Sensor and an ObservedProperty; extents kept by the server."""
from kit import case, check, datastream_body, equal, feature_body, has, key, location_body, OM, refused, same_time, table
from model import keeps, needs, to_many, to_one, wrong_kind

PROPERTIES = 'datamodel/datastream/properties'
RELATIONS = 'datamodel/datastream/relations'


def whole(s):
    return dict(datastream_body(s), Thing={'@iot.id': s.thing(Locations=[location_body(s)])})


@case(PROPERTIES)
def keeps_what_was_sent(s):
    body = dict(whole(s), properties={'calibrated': '2024-01-01'})
    keeps(s, 'Datastreams', body, ['name', 'description', 'observationType', 'unitOfMeasurement', 'properties'])


@table(PROPERTIES, ['name', 'description', 'observationType', 'unitOfMeasurement'])
def mandatory(s, name):
    needs(s, 'Datastreams', whole(s), name)


@table(PROPERTIES, [('a number as name', 'name', 1), ('text as unitOfMeasurement', 'unitOfMeasurement', 'degC'),
                    ('text as properties', 'properties', 'x'), ('a number as observationType', 'observationType', 3)])
def kinds(s, row):
    wrong_kind(s, 'Datastreams', whole(s), row[1], row[2])


@case(PROPERTIES)
def a_unit_may_have_no_values(s):
    unit = {'name': None, 'symbol': None, 'definition': None}
    stream = s.make('Datastreams', dict(whole(s), observationType=OM + 'OM_TruthObservation', unitOfMeasurement=unit))
    equal(s.get('Datastreams(%s)' % key(stream))['unitOfMeasurement'], unit, 'unitOfMeasurement')


@table(PROPERTIES, [('OM_Measurement', 21.5, True), ('OM_CountObservation', 7, True), ('OM_CategoryObservation', 'dry', True),
                    ('OM_TruthObservation', True, True), ('OM_Observation', {'any': ['thing', 1]}, True),
                    ('OM_Measurement is not text', 'warm', False), ('OM_CountObservation is whole', 7.5, False),
                    ('OM_TruthObservation is no number', 1, False)])
def observation_types(s, row):
    kind, result, good = row
    stream = s.make('Datastreams', dict(whole(s), observationType=OM + kind.split(' ')[0]))
    path = 'Datastreams(%s)/Observations' % key(stream)
    if good:
        made = s.make(path, {'result': result})
        equal(s.get('Observations(%s)' % key(made))['result'], result, 'result')
    else:
        refused(s.post(path, {'result': result}), 400)


@table(RELATIONS, ['Thing', 'Sensor', 'ObservedProperty'])
def a_link_is_mandatory(s, name):
    body = whole(s)
    del body[name]
    answer = refused(s.post('Datastreams', body), 400)
    check(name in answer.text, 'the answer does not name %s: %s' % (name, answer.text))


@case(RELATIONS)
def thing_sensor_property(s):
    thing, sensor, prop = s.thing(), s.sensor(), s.observed_property()
    stream = s.datastream(thing, Sensor={'@iot.id': sensor}, ObservedProperty={'@iot.id': prop})
    path = 'Datastreams(%s)' % key(stream)
    to_one(s, path, 'Thing', thing)
    to_one(s, path, 'Sensor', sensor)
    to_one(s, path, 'ObservedProperty', prop)


@case(RELATIONS)
def observations(s):
    stream = s.datastream()
    made = [s.observe(stream, i, '2020-01-01T00:00:0%dZ' % i) for i in range(3)]
    to_many(s, 'Datastreams(%s)' % key(stream), 'Observations', made)


@case(PROPERTIES)
def no_extent_without_observations(s):
    stream = s.get('Datastreams(%s)' % key(s.datastream()))
    for name in ('phenomenonTime', 'resultTime', 'observedArea'):
        check(stream.get(name) is None, '%s of an empty Datastream is %r' % (name, stream.get(name)))


@case(PROPERTIES)
def phenomenon_time_is_kept(s):
    stream = s.datastream()
    path = 'Datastreams(%s)' % key(stream)
    s.observe(stream, 1, '2020-01-02T00:00:00Z')
    one = s.get(path)['phenomenonTime']
    same_time(one if '/' in one else one + '/' + one, '2020-01-02T00:00:00Z/2020-01-02T00:00:00Z', 'after one')
    s.observe(stream, 2, '2020-01-05T00:00:00Z')
    same_time(s.get(path)['phenomenonTime'], '2020-01-02T00:00:00Z/2020-01-05T00:00:00Z', 'after two')
    s.observe(stream, 3, '2020-01-01T00:00:00Z')
    same_time(s.get(path)['phenomenonTime'], '2020-01-01T00:00:00Z/2020-01-05T00:00:00Z', 'after a late one')


@case(PROPERTIES)
def phenomenon_time_of_intervals(s):
    stream = s.datastream()
    s.observe(stream, 1, '2020-01-02T00:00:00Z/2020-01-03T00:00:00Z')
    s.observe(stream, 1, '2020-01-02T12:00:00Z/2020-01-02T13:00:00Z')
    same_time(s.get('Datastreams(%s)' % key(stream))['phenomenonTime'],
              '2020-01-02T00:00:00Z/2020-01-03T00:00:00Z', 'phenomenonTime')


@case(PROPERTIES)
def phenomenon_time_after_a_delete(s):
    stream = s.datastream()
    s.observe(stream, 1, '2020-01-02T00:00:00Z')
    s.observe(stream, 1, '2020-01-03T00:00:00Z')
    last = s.observe(stream, 2, '2020-01-05T00:00:00Z')
    s.delete('Observations(%s)' % key(last))
    same_time(s.get('Datastreams(%s)' % key(stream))['phenomenonTime'],
              '2020-01-02T00:00:00Z/2020-01-03T00:00:00Z', 'phenomenonTime')


@case(PROPERTIES)
def result_time_is_kept(s):
    stream = s.datastream()
    for day in (3, 1, 2):
        s.observe(stream, day, '2020-01-01T00:00:00Z', resultTime='2020-02-0%dT00:00:00Z' % day)
    same_time(s.get('Datastreams(%s)' % key(stream))['resultTime'],
              '2020-02-01T00:00:00Z/2020-02-03T00:00:00Z', 'resultTime')


@case(PROPERTIES)
def observed_area_is_kept(s):
    stream = s.datastream()
    for longitude, latitude in ((8, 49), (9, 50), (8.5, 48)):
        s.observe(stream, 1, '2020-01-01T00:00:00Z', FeatureOfInterest=feature_body(s, longitude, latitude))
    area = s.get('Datastreams(%s)' % key(stream)).get('observedArea')
    has(area, ['type', 'coordinates'], 'observedArea')
    corners = [c for ring in area['coordinates'] for c in ring] if area['type'] == 'Polygon' else area['coordinates']
    equal((min(c[0] for c in corners), min(c[1] for c in corners), max(c[0] for c in corners),
           max(c[1] for c in corners)), (8, 48, 9, 50), 'the bounds of observedArea')


@case(RELATIONS)
def made_through_its_thing(s):
    thing = s.thing()
    stream = s.make('Things(%s)/Datastreams' % key(thing), datastream_body(s))
    to_one(s, 'Datastreams(%s)' % key(stream), 'Thing', thing)


@case(RELATIONS)
def moved_to_another_thing(s):
    first, second = s.thing(), s.thing()
    stream = s.datastream(first)
    s.patch('Datastreams(%s)' % key(stream), {'Thing': {'@iot.id': second}})
    to_one(s, 'Datastreams(%s)' % key(stream), 'Thing', second)
    to_many(s, 'Things(%s)' % key(first), 'Datastreams', [])
    to_many(s, 'Things(%s)' % key(second), 'Datastreams', [stream])
