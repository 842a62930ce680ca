"""resource-path: the root, sets, entities, properties, values, links, references, nested paths to any depth."""
from kit import HUGE_ID, case, check, equal, has, ids, key, lacks, location_body, refused, same_time, table

PATHS = 'resource-path/resource-path-to-entities'
SETS = ['Things', 'Locations', 'HistoricalLocations', 'Datastreams', 'Sensors', 'ObservedProperties', 'Observations',
        'FeaturesOfInterest']


class World:
    pass


def world(s):
    w = World()
    w.thing = s.thing(Locations=[location_body(s)], properties={'a': 1})
    w.stream = s.datastream(w.thing)
    w.observation = s.observe(w.stream, 7.5, '2020-01-01T00:00:00Z')
    w.other_thing = s.thing(Locations=[location_body(s, 1, 1)])
    w.other_stream = s.datastream(w.other_thing)
    w.other_observation = s.observe(w.other_stream, 8, '2020-01-01T00:00:01Z')
    return w


def paths(w):
    return {'T': 'Things(%s)' % key(w.thing), 'D': 'Datastreams(%s)' % key(w.stream),
            'O': 'Observations(%s)' % key(w.observation), 'D2': 'Datastreams(%s)' % key(w.other_stream),
            'T2': 'Things(%s)' % key(w.other_thing), 'O2': 'Observations(%s)' % key(w.other_observation)}


@case(PATHS)
def root(s):
    answer = s.get('')
    has(answer, ['value', 'serverSettings'], 'the root')
    urls = {row['name']: row['url'] for row in answer['value']}
    for name in SETS:
        equal(urls.get(name), s.server.url + '/' + name, 'the url of ' + name)
    has(answer['serverSettings'], ['conformance'], 'serverSettings')


@case(PATHS)
def root_lists_what_it_claims(s):
    names = {row['name'] for row in s.get('')['value']}
    equal('MultiDatastreams' in names, s.server.claims('http://www.opengis.net/spec/iot_sensing/1.1/req/multi-datastream'),
          'MultiDatastreams listed and claimed')
    equal('Tasks' in names, s.server.claims('http://www.opengis.net/spec/iot_tasking/1.0/req/task'), 'Tasks listed and claimed')


@case(PATHS)
def root_names_the_mqtt_endpoint(s):
    mqtt = 'http://www.opengis.net/spec/iot_sensing/1.1/req/receive-updates-via-mqtt'
    settings = s.get('')['serverSettings']
    if not s.server.claims(mqtt):
        return
    names = [c for c in s.server.conformance() if c.startswith(mqtt)]
    check(any(isinstance(settings.get(n), dict) and settings[n].get('endpoints') for n in names),
          'serverSettings holds no endpoints for ' + names[0])


@table(PATHS, SETS)
def sets(s, name):
    answer = s.get(name, top=1)
    check(isinstance(answer.get('value'), list), 'no list "value"')


@table(PATHS, SETS)
def url_of_the_root_leads_there(s, name):
    urls = {row['name']: row['url'] for row in s.get('')['value']}
    check(isinstance(s.get(urls[name]).get('value'), list), 'no list "value"')


@table(PATHS, [('a property', '{T}/properties', {'properties': {'a': 1}}),
               ('a number', '{O}/result', {'result': 7.5})])
def property_of_an_entity(s, row):
    equal(s.get(row[1].format(**paths(s.world))), row[2], row[1])


@case(PATHS)
def value_of_a_text(s):
    thing = s.get(paths(s.world)['T'])
    answer = s.ask(paths(s.world)['T'] + '/name/$value')
    equal((answer.status, answer.text), (200, thing['name']), 'name/$value')
    check(answer.headers.get('Content-Type', '').startswith('text/plain'), 'its type is ' + str(answer.headers.get('Content-Type')))


@case(PATHS)
def value_of_a_number(s):
    equal(s.ask(paths(s.world)['O'] + '/result/$value').text, '7.5', 'result/$value')


@case(PATHS)
def value_of_a_time(s):
    same_time(s.ask(paths(s.world)['O'] + '/phenomenonTime/$value').text, '2020-01-01T00:00:00Z', 'phenomenonTime/$value')


@case(PATHS)
def a_property_without_value(s):
    answer = s.ask(paths(s.world)['O'] + '/resultTime')
    check(answer.status == 204 or (answer.status == 200 and answer.json == {'resultTime': None}),
          'wanted 204, or 200 with null, got %d %s' % (answer.status, answer.text))
    equal(s.ask(paths(s.world)['O'] + '/resultTime/$value').status, 204, 'resultTime/$value')


NAVIGATION = ['{T}/Locations', '{T}/HistoricalLocations', '{T}/Datastreams', '{D}/Thing', '{D}/Sensor',
              '{D}/ObservedProperty', '{D}/Observations', '{O}/Datastream', '{O}/FeatureOfInterest']


@table(PATHS, NAVIGATION)
def navigation(s, shape):
    answer = s.get(shape.format(**paths(s.world)))
    if shape.endswith('s'):
        check(len(answer['value']) >= 1, 'nothing there')
        check('@iot.selfLink' in answer['value'][0], 'not entities')
    else:
        has(answer, ['@iot.id', '@iot.selfLink'], shape)


@table(PATHS, NAVIGATION + ['Things', 'Observations'])
def references(s, shape):
    path = shape.format(**paths(s.world))
    answer = s.get(path + '/$ref')
    rows = answer['value'] if 'value' in answer else [answer]
    check(rows, 'nothing there')
    for row in rows:
        equal(list(row), ['@iot.selfLink'], 'members of a reference')
        check(row['@iot.selfLink'].startswith(s.server.url + '/'), 'the link is ' + row['@iot.selfLink'])
    has(s.get(rows[0]['@iot.selfLink']), ['@iot.id'], 'what it leads to')


@case(PATHS)
def references_take_options(s):
    rows = s.list('Things/$ref', filter='id eq %s' % key(s.world.thing))
    equal(rows, [{'@iot.selfLink': s.server.url + '/' + paths(s.world)['T']}], 'Things/$ref with a filter')


NESTED = ['{T}/{D}', '{T}/{D}/{O}', '{T}/{D}/{O}/FeatureOfInterest', '{T}/{D}/Sensor', '{D}/{O}/result',
          '{D}/{O}/result/$value', '{O}/Datastream/Thing/Locations', '{O}/Datastream/Thing/Datastreams/$ref',
          '{O}/FeatureOfInterest/Observations', '{D}/Thing/HistoricalLocations', '{O}/Datastream/Sensor/name',
          '{O}/Datastream/Thing/{D}/{O}/Datastream/Thing/{D}/{O}/FeatureOfInterest/name/$value']


@table(PATHS, NESTED)
def nested(s, shape):
    answer = s.ask(shape.format(**paths(s.world)))
    equal(answer.status, 200, answer.what)
    check(answer.body, 'an empty answer')


BROKEN = ['{T}/{D2}', '{T2}/{D}', '{T}/{D2}/{O2}', '{T}/{D}/{O2}', '{D}/{O2}/result', '{D}/{O2}/FeatureOfInterest',
          '{T}/{D2}/$ref', '{T}/{D2}/name/$value', '{O}/Datastream/Thing/{D2}']


@table(PATHS, BROKEN)
def a_step_that_does_not_hold(s, shape):
    equal(s.ask(shape.format(**paths(s.world))).status, 404, 'status')


@table(PATHS, SETS)
def an_id_that_is_not_there(s, name):
    equal(s.ask('%s(%d)' % (name, HUGE_ID)).status, 404, 'status')


@table(PATHS, ['Things(%d)/name' % HUGE_ID, 'Things(%d)/Datastreams' % HUGE_ID, 'Things(%d)/$ref' % HUGE_ID,
               'Things(%d)/Datastreams(1)' % HUGE_ID, 'Observations(%d)/FeatureOfInterest' % HUGE_ID,
               "Things('no such')", "Things('')", "Things('a''b')"])
def below_what_is_not_there(s, path):
    status = s.ask(path).status
    check(status in (404, 400), 'wanted 404, got %d' % status)


@table(PATHS, ['Things(9223372036854775808)', 'Things(99999999999999999999999999)', 'Things(-1)', 'Things()', 'Things(1',
               'Things1)', 'Things(1))', 'Things(1.5)', 'Things(1e3)', 'Things(0x1)', "Things('1)", 'Things(1,2)', 'Things(id=1)',
               'Things( 1)', 'Things(NULL)', 'Things(+1)', 'Things%281', '(1)', 'Things(1)(2)', 'Things//Datastreams',
               'Things/1', '$value', '$ref', 'Things/$value', 'things', 'Thing', 'Thing(1)', 'NoSuchSet', 'Things/name',
               'Things/Datastreams', 'Things(1)/$value', '..', 'Things(1)/../Things', '%00', 'Things(%00)', 'Things(1)/%FF'])
def nonsense(s, path):
    answer = s.raw('GET', path)
    check(answer.status in (400, 404), '%s: wanted 400 or 404, got %d' % (answer.what, answer.status))


@table(PATHS, ['{T}/noSuchProperty', '{T}/result', '{O}/name', '{T}/Observations', '{T}/Sensor', '{D}/Locations',
               '{T}/name/first', '{T}/name/$value/$value', '{T}/$value', '{T}/Datastreams/$value', '{T}/$ref/name', '{O}/Thing'])
def not_of_that_type(s, shape):
    refused(s.ask(shape.format(**paths(s.world))), 404, 400)


@case(PATHS)
def percent_encoding_is_undone_once(s):
    t = paths(s.world)['T']
    for written in (t.replace('(', '%28').replace(')', '%29'), t.replace('T', '%54', 1), '%54hings' + t[6:]):
        equal(s.raw('GET', written).status, 200, 'GET ' + written)
    check(s.raw('GET', t.replace('(', '%2528')).status in (400, 404), 'percent-encoding was undone twice')


@case(PATHS)
def a_slash_at_the_end(s):
    check(s.raw('GET', 'Things/').status in (200, 301, 308, 400, 404), 'an odd answer to a slash at the end')


@case(PATHS)
def a_hundred_steps_are_bounded(s):
    t, d, o = (paths(s.world)[n] for n in 'TDO')
    path = '/'.join([t, d, o] + ['Datastream', 'Thing', d, o] * 40)
    check(s.ask(path).status in (200, 400, 404, 413, 414), 'an odd answer to a very long path')
    s.get(t)


@case(PATHS)
def a_very_long_target_is_refused(s):
    answer = s.raw('GET', 'Things', filter="name eq '%s'" % ('x' * 60000))
    check(answer.status in (400, 413, 414, 431), 'wanted 400, 413, 414 or 431, got %d' % answer.status)
    s.get('')


@case(PATHS)
def what_was_deleted(s):
    thing = s.thing()
    s.delete('Things(%s)' % key(thing))
    s.gone('Things(%s)' % key(thing))
    s.gone('Things(%s)/name' % key(thing))
    s.gone('Things(%s)/Datastreams' % key(thing))


@case(PATHS)
def head_is_get_without_a_body(s):
    answer = s.raw('HEAD', paths(s.world)['T'])
    equal((answer.status, answer.body), (200, b''), 'HEAD')


@table(PATHS, ['OPTIONS', 'TRACE', 'FROB'])
def other_methods(s, method):
    answer = s.raw(method, 'Things')
    check(answer.status in (200, 204, 400, 404, 405, 501), '%s: got %d' % (method, answer.status))


@case(PATHS)
def json_says_so(s):
    for path in ('', 'Things', paths(s.world)['T'], paths(s.world)['T'] + '/name'):
        kind = s.ask(path).headers.get('Content-Type', '')
        check(kind.startswith('application/json'), '%s is %s' % (path or 'the root', kind))


@case(PATHS)
def an_error_is_json_with_a_sentence(s):
    answer = s.ask('Things(%d)' % HUGE_ID)
    text = str(answer.json)
    check(len(text) > 20, 'the answer says nothing: ' + text)
    lacks(answer.json, ['value', '@iot.id'], 'an error')


@case(PATHS)
def ids_in_the_set(s):
    check(s.world.thing in ids(s.pages('Things')), 'the Thing is not among all Things')
