"""datamodel/observation: times, result, quality, parameters; one Datastream, one FeatureOfInterest."""
import time

from kit import OM, case, check, equal, feature_body, has, ids, key, location_body, parse_time, refused, same_time, table
from kit import HUGE_ID
from model import to_many, to_one

PROPERTIES = 'datamodel/observation/properties'
RELATIONS = 'datamodel/observation/relations'
CREATE = 'create-update-delete/create-entity'


def world(s):
    """A Datastream that takes any result, on a Thing with a Location."""
    return s.datastream(observationType=OM + 'OM_Observation')


def back(s, **body):
    made = s.make('Datastreams(%s)/Observations' % key(s.world), body)
    return s.get('Observations(%s)' % key(made))


@case(PROPERTIES)
def keeps_what_was_sent(s):
    body = {'phenomenonTime': '2021-03-04T05:06:07Z', 'resultTime': '2021-03-04T05:06:08Z', 'result': 21.25,
            'validTime': '2021-03-04T00:00:00Z/2021-03-05T00:00:00Z', 'parameters': {'depth': 3, 'who': 'me'},
            'resultQuality': {'nameOfMeasure': 'x', 'result': 0.9}}
    got = back(s, **body)
    equal(got['result'], 21.25, 'result')
    equal(got['parameters'], body['parameters'], 'parameters')
    equal(got['resultQuality'], body['resultQuality'], 'resultQuality')
    for name in ('phenomenonTime', 'resultTime', 'validTime'):
        same_time(got[name], body[name], name)


@table(PROPERTIES, [('a whole number', 5), ('zero', 0), ('negative', -273.15), ('large', 1e300), ('small', 5e-324),
                    ('seventeen digits', 0.1234567890123456), ('text', 'dry'), ('empty text', ''),
                    ('text with quotes', 'it\'s "so"\\\n'), ('true', True), ('false', False), ('list', [1, 'two', None]),
                    ('object', {'a': {'b': [1]}}), ('text like a number', '17'), ('a large whole number', 9007199254740991)])
def results(s, row):
    got = back(s, result=row[1], phenomenonTime='2020-01-01T00:00:00Z')['result']
    equal((type(got) is bool, got), (type(row[1]) is bool, row[1]), 'result')


@case(PROPERTIES)
def the_result_is_mandatory(s):
    answer = refused(s.post('Datastreams(%s)/Observations' % key(s.world), {'phenomenonTime': '2020-01-01T00:00:00Z'}), 400)
    check('result' in answer.text, 'the answer does not name result: ' + answer.text)


@case(PROPERTIES, CREATE)
def without_phenomenon_time_it_is_now(s):
    before = time.time()
    at = parse_time(back(s, result=1)['phenomenonTime'].split('/')[0])
    check(before - 120 < at < time.time() + 120, 'phenomenonTime is not now')


@case(PROPERTIES, CREATE)
def without_result_time_it_is_null(s):
    got = back(s, result=1, phenomenonTime='2020-01-01T00:00:00Z')
    check(got.get('resultTime') is None, 'resultTime is %r' % got.get('resultTime'))


TIMES = [
    ('UTC', '2020-02-29T12:00:00Z', '2020-02-29T12:00:00Z'),
    ('east', '2020-02-29T12:00:00+02:00', '2020-02-29T10:00:00Z'),
    ('west over midnight', '2020-02-29T20:30:00-05:00', '2020-03-01T01:30:00Z'),
    ('half an hour', '2020-02-29T12:00:00+05:30', '2020-02-29T06:30:00Z'),
    ('milliseconds', '2020-02-29T12:00:00.123Z', '2020-02-29T12:00:00.123Z'),
    ('one digit', '2020-02-29T12:00:00.5Z', '2020-02-29T12:00:00.500Z'),
    ('before 1970', '1969-07-20T20:17:40Z', '1969-07-20T20:17:40Z'),
    ('interval', '2020-02-29T12:00:00Z/2020-02-29T13:00:00Z', '2020-02-29T12:00:00Z/2020-02-29T13:00:00Z'),
    ('interval with zones', '2020-02-29T12:00:00+01:00/2020-02-29T13:00:00-01:00',
     '2020-02-29T11:00:00Z/2020-02-29T14:00:00Z'),
]


@table(PROPERTIES, TIMES)
def times(s, row):
    same_time(back(s, result=1, phenomenonTime=row[1])['phenomenonTime'], row[2], 'phenomenonTime')


@table(PROPERTIES, ['2020-02-30T12:00:00Z', '2020-01-01T25:00:00Z', '2020-01-01T00:61:00Z', 'now', '', '2020-01-01T00:00:00Z/',
                    '2020-01-02T00:00:00Z/2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z/2020-01-02T00:00:00Z/2020-01-03T00:00:00Z'])
def times_that_are_none(s, text):
    refused(s.post('Datastreams(%s)/Observations' % key(s.world), {'result': 1, 'phenomenonTime': text}), 400)


@table(PROPERTIES, [('text as parameters', 'parameters', 'x'), ('a number as phenomenonTime', 'phenomenonTime', 5),
                    ('an interval as resultTime', 'resultTime', '2020-01-01T00:00:00Z/2020-01-02T00:00:00Z')])
def kinds(s, row):
    refused(s.post('Datastreams(%s)/Observations' % key(s.world), {'result': 1, row[1]: row[2]}), 400)


@case(RELATIONS)
def datastream_and_feature(s):
    feature = s.feature()
    made = s.observe(s.world, 1, '2020-01-01T00:00:00Z', FeatureOfInterest={'@iot.id': feature})
    path = 'Observations(%s)' % key(made)
    to_one(s, path, 'Datastream', s.world)
    to_one(s, path, 'FeatureOfInterest', feature)


@case(RELATIONS)
def a_datastream_is_mandatory(s):
    answer = refused(s.post('Observations', {'result': 1, 'FeatureOfInterest': feature_body(s)}), 400)
    check('Datastream' in answer.text, 'the answer does not name Datastream: ' + answer.text)


@case(RELATIONS)
def a_datastream_that_is_not_there(s):
    refused(s.post('Observations', {'result': 1, 'Datastream': {'@iot.id': HUGE_ID}}), 400, 404)


@case(RELATIONS, CREATE)
def the_feature_comes_from_the_location(s):
    thing = s.thing(Locations=[location_body(s, 11.5, 48.1)])
    stream = s.datastream(thing)
    made = s.observe(stream, 1, '2020-01-01T00:00:00Z')
    feature = s.get('Observations(%s)/FeatureOfInterest' % key(made))
    has(feature, ['feature', 'encodingType', 'name', 'description'], 'the FeatureOfInterest')
    equal(feature['feature'], {'type': 'Point', 'coordinates': [11.5, 48.1]}, 'its feature')


@case(RELATIONS, CREATE)
def the_feature_is_made_once(s):
    thing = s.thing(Locations=[location_body(s)])
    streams = [s.datastream(thing), s.datastream(thing)]
    made = [s.observe(d, i, '2020-01-01T00:00:0%dZ' % i) for i, d in enumerate(streams + streams)]
    features = {s.get('Observations(%s)/FeatureOfInterest' % key(m))['@iot.id'] for m in made}
    equal(len(features), 1, 'FeaturesOfInterest of one place')
    to_many(s, 'FeaturesOfInterest(%s)' % key(features.pop()), 'Observations', made)


@case(RELATIONS, CREATE)
def a_thing_that_moved_is_another_feature(s):
    thing = s.thing(Locations=[location_body(s, 1, 1)])
    stream = s.datastream(thing)
    first = s.observe(stream, 1, '2020-01-01T00:00:00Z')
    s.make('Things(%s)/Locations' % key(thing), location_body(s, 2, 2))
    second = s.observe(stream, 2, '2020-01-01T00:00:01Z')
    places = [s.get('Observations(%s)/FeatureOfInterest' % key(o))['feature']['coordinates'] for o in (first, second)]
    equal(places, [[1, 1], [2, 2]], 'where they were')


@case(RELATIONS, CREATE)
def no_location_no_feature(s):
    stream = s.datastream(s.thing())
    refused(s.post('Datastreams(%s)/Observations' % key(stream), {'result': 1}), 400)
    s.observe(stream, 1, '2020-01-01T00:00:00Z', FeatureOfInterest=feature_body(s))


@case(RELATIONS)
def through_the_set(s):
    made = s.make('Observations', {'result': 4, 'phenomenonTime': '2020-01-01T00:00:00Z', 'Datastream': {'@iot.id': s.world}})
    check(made in ids(s.pages('Datastreams(%s)/Observations' % key(s.world))), 'it is not among its Datastream\'s')


@case(RELATIONS)
def path_and_body_must_agree(s):
    other = s.datastream()
    refused(s.post('Datastreams(%s)/Observations' % key(s.world), {'result': 1, 'Datastream': {'@iot.id': other}}), 400)


@case(RELATIONS)
def moved_to_another_feature(s):
    made = s.observe(s.world, 1, '2020-01-01T00:00:00Z')
    feature = s.feature(3, 3)
    s.patch('Observations(%s)' % key(made), {'FeatureOfInterest': {'@iot.id': feature}})
    to_one(s, 'Observations(%s)' % key(made), 'FeatureOfInterest', feature)


@case(PROPERTIES)
def same_moment_twice_are_two(s):
    stream = s.datastream()
    made = [s.observe(stream, 5, '2020-01-01T00:00:00Z') for _ in range(2)]
    check(made[0] != made[1], 'one id for two Observations')
    equal(sorted(ids(s.list('Datastreams(%s)/Observations' % key(stream)))), sorted(made), 'Observations')
