"""data-array: Observations as rows, when read and when made."""
from kit import HUGE_ID, case, check, equal, has, ids, key, location_body, multi_body, refused, same_time, table

ARRAY = 'data-array/data-array'
CLAIM = 'http://www.opengis.net/spec/iot_sensing/1.1/req/data-array'


class World:
    pass


def world(s):
    w = World()
    w.thing = s.thing(Locations=[location_body(s)])
    w.streams = [s.datastream(w.thing), s.datastream(w.thing)]
    w.rows = [(s.observe(w.streams[n % 2], n, '2020-01-01T00:00:0%dZ' % n), n) for n in range(6)]
    return w


def at(s, n=0):
    return 'Datastreams(%s)/Observations' % key(s.world.streams[n])


def array(s, path, **options):
    return s.list(path, resultFormat='dataArray', **options)


@case(ARRAY)
def it_is_claimed(s):
    check(s.server.claims(CLAIM), 'serverSettings.conformance does not list data-array')


@case(ARRAY)
def of_one_datastream(s):
    blocks = array(s, at(s))
    equal(len(blocks), 1, 'blocks')
    has(blocks[0], ['Datastream@iot.navigationLink', 'components', 'dataArray'], 'a block')
    components = blocks[0]['components']
    for name in ('id', 'phenomenonTime', 'result', 'resultTime'):
        check(name in components or '@iot.' + name in components, 'no component ' + name)
    equal(len(blocks[0]['dataArray']), 3, 'rows')
    check(all(len(row) == len(components) for row in blocks[0]['dataArray']), 'a row is not as long as components')
    equal(sorted(row[components.index('result')] for row in blocks[0]['dataArray']), [0, 2, 4], 'the results')
    if 'dataArray@iot.count' in blocks[0]:
        equal(blocks[0]['dataArray@iot.count'], 3, 'dataArray@iot.count')


@case(ARRAY)
def the_link_leads_to_the_datastream(s):
    link = array(s, at(s))[0]['Datastream@iot.navigationLink']
    equal(s.get(link)['@iot.id'], s.world.streams[0], 'what the link leads to')


@case(ARRAY)
def of_several_datastreams(s):
    text = 'Datastream/Thing/id eq %s' % key(s.world.thing)
    blocks = array(s, 'Observations', filter=text, orderby='Datastream/id')
    by_stream = {}
    for block in blocks:
        stream = s.get(block['Datastream@iot.navigationLink'])['@iot.id']
        by_stream.setdefault(stream, []).extend(row[block['components'].index('result')] for row in block['dataArray'])
    equal({k: sorted(v) for k, v in by_stream.items()}, {s.world.streams[0]: [0, 2, 4], s.world.streams[1]: [1, 3, 5]}, 'the results')


@case(ARRAY)
def select_chooses_components(s):
    block = array(s, at(s), select='result,phenomenonTime')[0]
    equal(sorted(block['components']), ['phenomenonTime', 'result'], 'components')
    for row in block['dataArray']:
        same_time(row[block['components'].index('phenomenonTime')], '2020-01-01T00:00:0%dZ' % row[block['components'].index('result')],
                  'phenomenonTime')


@case(ARRAY)
def with_all_other_options(s):
    answer = s.get(at(s), resultFormat='dataArray', filter='result gt 0', orderby='result desc', top=1, count='true', select='result')
    equal(answer.get('@iot.count'), 2, '@iot.count')
    equal(answer['value'][0]['dataArray'], [[4]], 'the row')
    has(answer, ['@iot.nextLink'], 'a page that was cut')
    rest = s.get(answer['@iot.nextLink'])
    equal(rest['value'][0]['dataArray'], [[2]], 'the next page, in the same form')


@case(ARRAY)
def of_nothing(s):
    blocks = array(s, at(s), filter='result gt 1000')
    check(all(not b['dataArray'] for b in blocks), 'rows where there are none')


@case(ARRAY)
def not_with_expand(s):
    answer = s.ask(at(s), resultFormat='dataArray', expand='FeatureOfInterest')
    check(answer.status in (200, 400, 501), 'got %d' % answer.status)


@table(ARRAY, ['Things', 'Datastreams', 'Sensors'])
def only_of_observations(s, entity_set):
    refused(s.ask(entity_set, resultFormat='dataArray'), 400, 501)


@case(ARRAY)
def of_a_multi_datastream(s):
    multi = s.make('MultiDatastreams', dict(multi_body(s), Thing={'@iot.id': s.world.thing}))
    for n in range(2):
        s.make('MultiDatastreams(%s)/Observations' % key(multi), {'result': [n, 2, 'x'], 'phenomenonTime': '2020-01-01T00:00:0%dZ' % n})
    block = array(s, 'MultiDatastreams(%s)/Observations' % key(multi), select='result')[0]
    has(block, ['MultiDatastream@iot.navigationLink'], 'a block')
    equal(sorted(block['dataArray']), [[[0, 2, 'x']], [[1, 2, 'x']]], 'rows')


# ---- making them ------------------------------------------------------------------------------------

def create(s, body):
    answer = s.send('POST', 'CreateObservations', body)
    equal(answer.status, 201, answer.what + ' ' + answer.text[:200])
    return answer.json


@case(ARRAY)
def make_some(s):
    thing = s.thing(Locations=[location_body(s)])
    streams = [s.datastream(thing), s.datastream(thing)]
    links = create(s, [{'Datastream': {'@iot.id': streams[n]}, 'components': ['phenomenonTime', 'result'], 'dataArray@iot.count': 2,
                        'dataArray': [['2020-01-01T00:00:00Z', n * 10], ['2020-01-01T00:00:01Z', n * 10 + 1]]} for n in range(2)])
    equal(len(links), 4, 'answers')
    equal([s.get(link)['result'] for link in links], [0, 1, 10, 11], 'the results, in order')
    for n in range(2):
        equal(len(s.list('Datastreams(%s)/Observations' % key(streams[n]))), 2, 'Observations')


@case(ARRAY)
def with_features_and_parameters(s):
    stream, feature = s.datastream(), s.feature(4, 4)
    links = create(s, [{'Datastream': {'@iot.id': stream}, 'components': ['result', 'phenomenonTime', 'resultTime', 'FeatureOfInterest/id', 'parameters'],
                        'dataArray': [[1, '2020-01-01T00:00:00Z', '2020-01-01T00:00:02Z', feature, {'a': 1}]]}])
    row = s.get(links[0], expand='FeatureOfInterest')
    equal((row['result'], row['parameters'], row['FeatureOfInterest']['@iot.id']), (1, {'a': 1}, feature), 'the Observation')
    same_time(row['resultTime'], '2020-01-01T00:00:02Z', 'resultTime')


@case(ARRAY)
def a_row_that_fails_is_alone(s):
    stream = s.datastream()
    links = create(s, [{'Datastream': {'@iot.id': stream}, 'components': ['phenomenonTime', 'result'],
                        'dataArray': [['2020-01-01T00:00:00Z', 1], ['no time', 2], ['2020-01-01T00:00:02Z', 'no number'],
                                      ['2020-01-01T00:00:03Z', 4], ['2020-01-01T00:00:04Z']]}])
    equal([link if link.startswith('error') else 'good' for link in links], ['good', 'error', 'error', 'good', 'error'], 'the answers')
    equal(sorted(o['result'] for o in s.list('Datastreams(%s)/Observations' % key(stream))), [1, 4], 'what was kept')


@case(ARRAY)
def a_datastream_that_is_not_there(s):
    stream = s.datastream()
    links = create(s, [{'Datastream': {'@iot.id': HUGE_ID}, 'components': ['phenomenonTime', 'result'], 'dataArray': [['2020-01-01T00:00:00Z', 1]]},
                       {'Datastream': {'@iot.id': stream}, 'components': ['phenomenonTime', 'result'], 'dataArray': [['2020-01-01T00:00:00Z', 2]]}])
    check(links[0].startswith('error'), 'the first row was kept: ' + links[0])
    equal(s.get(links[1])['result'], 2, 'the second row')


@case(ARRAY)
def for_a_multi_datastream(s):
    multi = s.make('MultiDatastreams', dict(multi_body(s), Thing={'@iot.id': s.thing(Locations=[location_body(s)])}))
    links = create(s, [{'MultiDatastream': {'@iot.id': multi}, 'components': ['phenomenonTime', 'result'],
                        'dataArray': [['2020-01-01T00:00:00Z', [1, 2, 'x']], ['2020-01-01T00:00:01Z', [1, 2]]]}])
    equal(s.get(links[0])['result'], [1, 2, 'x'], 'the result')
    check(links[1].startswith('error'), 'a row of two values was kept')


@case(ARRAY)
def without_time_it_is_now(s):
    stream = s.datastream()
    links = create(s, [{'Datastream': {'@iot.id': stream}, 'components': ['result'], 'dataArray': [[5]]}])
    has(s.get(links[0]), ['phenomenonTime'], 'the Observation')


@table(ARRAY, [('an object', {}), ('text', 'x'), ('no components', [{'Datastream': {'@iot.id': 1}, 'dataArray': [[1]]}]),
               ('no dataArray', [{'Datastream': {'@iot.id': 1}, 'components': ['result']}]),
               ('no Datastream', [{'components': ['result'], 'dataArray': [[1]]}]),
               ('an unknown component', [{'Datastream': {'@iot.id': 1}, 'components': ['frob'], 'dataArray': [[1]]}]),
               ('components are no list', [{'Datastream': {'@iot.id': 1}, 'components': 'result', 'dataArray': [[1]]}]),
               ('rows are no list', [{'Datastream': {'@iot.id': 1}, 'components': ['result'], 'dataArray': 5}])])
def malformed(s, row):
    answer = s.send('POST', 'CreateObservations', row[1])
    if answer.status == 201:
        check(all(str(a).startswith('error') for a in answer.json), 'it was taken: ' + answer.text[:200])
    else:
        refused(answer, 400)


@case(ARRAY)
def a_thousand_rows(s):
    stream = s.datastream()
    links = create(s, [{'Datastream': {'@iot.id': stream}, 'components': ['phenomenonTime', 'result'],
                        'dataArray': [['2020-01-01T%02d:%02d:%02dZ' % (n // 3600, n // 60 % 60, n % 60), n] for n in range(1000)]}])
    equal(len([link for link in links if link.startswith('http')]), 1000, 'rows that were kept')
    equal(s.get('Datastreams(%s)/Observations' % key(stream), count='true', top=0)['@iot.count'], 1000, '@iot.count')
    equal(len(set(ids(s.pages('Datastreams(%s)/Observations' % key(stream), top=300)))), 1000, 'rows of all pages')


@case(ARRAY)
def only_by_post(s):
    check(s.ask('CreateObservations').status in (400, 404, 405, 501), 'GET CreateObservations')
