"""receive-updates-via-mqtt: who subscribes to a set, an entity or a property hears of each change, as HTTP would answer."""
from kit import HUGE_ID, case, check, datastream_body, equal, feature_body, has, key, lacks, location_body, multi_body, table, thing_body
from mqtt import Client, Closed

RECEIVE = 'receive-updates-via-mqtt/receive-updates'
CLAIM = 'http://www.opengis.net/spec/iot_sensing/1.1/req/receive-updates-via-mqtt'


class World:
    pass


def world(s):
    w = World()
    w.thing = s.thing(Locations=[location_body(s)])
    return w


def skip(server):
    return '' if server.mqtt else 'no MQTT endpoint was named (--mqtt HOST:PORT)'


def stream_of(s):
    stream = s.datastream(s.world.thing)
    return stream, 'Datastreams(%s)' % key(stream)


@case(RECEIVE)
def it_is_claimed(s):
    check(s.server.claims(CLAIM), 'serverSettings.conformance does not list receive-updates-via-mqtt')


@table(RECEIVE, [0, 1, 2])
def a_new_observation(s, qos):
    stream, path = stream_of(s)
    with Client(s.server) as c:
        c.follow(path + '/Observations', qos)
        made = s.observe(stream, 5, '2020-01-01T00:00:00Z', parameters={'a': 1})
        topic, message = c.hear()
        equal(topic, path + '/Observations', 'the topic')
        equal(message, s.get('Observations(%s)' % key(made)), 'the message and what HTTP answers')
        c.quiet()


@case(RECEIVE)
def one_that_came_by_mqtt(s):
    _, path = stream_of(s)
    with Client(s.server) as c, Client(s.server) as other:
        c.follow(path + '/Observations')
        other.publish(path + '/Observations', {'result': 8})
        equal(c.hear()[1]['result'], 8, 'result')
        c.publish(path + '/Observations', {'result': 9})
        equal(c.hear()[1]['result'], 9, 'its own')


@case(RECEIVE)
def of_all_observations(s):
    stream, _ = stream_of(s)
    with Client(s.server) as c:
        c.follow('Observations')
        made = s.observe(stream, 5, '2020-01-01T00:00:00Z')
        message = c.hear()[1]
        while message['@iot.id'] != made:  # somebody else's
            message = c.hear()[1]
        has(message, ['Datastream@iot.navigationLink'], 'the message')


@case(RECEIVE)
def in_order(s):
    stream, path = stream_of(s)
    with Client(s.server) as c:
        c.follow(path + '/Observations', 1)
        for n in range(30):
            s.observe(stream, n, '2020-01-01T00:00:%02dZ' % n)
        equal([c.hear()[1]['result'] for _ in range(30)], list(range(30)), 'the results')


@case(RECEIVE)
def not_of_another_datastream(s):
    _, path = stream_of(s)
    other, _ = stream_of(s)
    with Client(s.server) as c:
        c.follow(path + '/Observations')
        s.observe(other, 5)
        c.quiet()


@case(RECEIVE)
def with_select(s):
    stream, path = stream_of(s)
    with Client(s.server) as c:
        c.follow(path + '/Observations?$select=phenomenonTime,result')
        s.observe(stream, 5, '2020-01-01T00:00:00Z', parameters={'a': 1})
        topic, message = c.hear()
        equal(topic, path + '/Observations?$select=phenomenonTime,result', 'the topic')
        equal(sorted(message), ['phenomenonTime', 'result'], 'members')


@case(RECEIVE)
def with_select_of_a_new_thing(s):
    with Client(s.server) as c:
        c.follow('Things?$select=name')
        body = thing_body(s)
        s.make('Things', body)
        message = c.hear()[1]
        while message.get('name') != body['name']:
            message = c.hear()[1]
        lacks(message, ['description', '@iot.selfLink'], 'the message')


SETS = {'Things': thing_body, 'Locations': location_body, 'FeaturesOfInterest': feature_body}


@table(RECEIVE, list(SETS))
def a_new_entity(s, entity_set):
    with Client(s.server) as c:
        c.follow(entity_set)
        made = s.make(entity_set, SETS[entity_set](s))
        message = c.hear()[1]
        while message['@iot.id'] != made:
            message = c.hear()[1]
        equal(message, s.get('%s(%s)' % (entity_set, key(made))), 'the message')


@case(RECEIVE)
def a_new_datastream_of_a_thing(s):
    thing = s.thing()
    with Client(s.server) as c:
        c.follow('Things(%s)/Datastreams' % key(thing))
        s.datastream(s.world.thing)
        body = datastream_body(s)
        s.make('Things(%s)/Datastreams' % key(thing), body)
        equal(c.hear()[1]['name'], body['name'], 'name')
        c.quiet()


@case(RECEIVE)
def deep_inserted(s):
    with Client(s.server) as c:
        c.follow('Datastreams?$select=name')
        body = dict(thing_body(s), Datastreams=[datastream_body(s), datastream_body(s)])
        s.make('Things', body)
        heard = set()
        while not heard >= {d['name'] for d in body['Datastreams']}:
            heard.add(c.hear()[1]['name'])


@case(RECEIVE)
def a_change_of_an_entity(s):
    thing = s.thing()
    path = 'Things(%s)' % key(thing)
    with Client(s.server) as c:
        c.follow(path)
        s.patch(path, {'description': 'changed'})
        topic, message = c.hear()
        equal((topic, message), (path, s.get(path)), 'the message')
        c.quiet()


@case(RECEIVE)
def a_change_by_put(s):
    path = 'Things(%s)' % key(s.thing())
    with Client(s.server) as c:
        c.follow(path)
        body = thing_body(s)
        s.put(path, body)
        equal(c.hear()[1]['name'], body['name'], 'name')


@case(RECEIVE)
def a_change_is_heard_by_the_set(s):
    path = 'Things(%s)' % key(s.thing())
    with Client(s.server) as c:
        c.follow('Things')
        s.patch(path, {'description': 'changed, says ' + path})
        message = c.hear()[1]
        while message['description'] != 'changed, says ' + path:
            message = c.hear()[1]


@case(RECEIVE)
def not_a_change_of_another_entity(s):
    one, other = ('Things(%s)' % key(s.thing()) for _ in range(2))
    with Client(s.server) as c:
        c.follow(one)
        s.patch(other, {'description': 'changed'})
        c.quiet()


@case(RECEIVE)
def a_change_of_a_property(s):
    path = 'Things(%s)' % key(s.thing())
    with Client(s.server) as c:
        c.follow(path + '/description')
        s.patch(path, {'description': 'changed'})
        topic, message = c.hear()
        equal((topic, message), (path + '/description', {'description': 'changed'}), 'the message')


@case(RECEIVE)
def not_a_change_of_another_property(s):
    path = 'Things(%s)' % key(s.thing())
    with Client(s.server) as c:
        c.follow(path + '/description')
        s.patch(path, {'name': s.name()})
        c.quiet()


@case(RECEIVE)
def by_a_path_through_relations(s):
    stream, path = stream_of(s)
    with Client(s.server) as c:
        c.follow('Things(%s)/%s/Observations' % (key(s.world.thing), path))
        s.observe(stream, 6)
        equal(c.hear()[1]['result'], 6, 'result')


@case(RECEIVE)
def of_a_feature(s):
    stream, _ = stream_of(s)
    feature = s.feature()
    with Client(s.server) as c:
        c.follow('FeaturesOfInterest(%s)/Observations' % key(feature))
        s.observe(stream, 1)
        s.observe(stream, 2, FeatureOfInterest={'@iot.id': feature})
        equal(c.hear()[1]['result'], 2, 'result')
        c.quiet()


@case(RECEIVE)
def of_a_multi_datastream(s):
    multi = s.make('MultiDatastreams', dict(multi_body(s), Thing={'@iot.id': s.world.thing}))
    path = 'MultiDatastreams(%s)/Observations' % key(multi)
    with Client(s.server) as c:
        c.follow(path)
        s.make(path, {'result': [1, 2, 'x']})
        equal(c.hear()[1]['result'], [1, 2, 'x'], 'result')


@case(RECEIVE)
def of_a_new_place(s):
    thing = s.thing(Locations=[location_body(s)])
    with Client(s.server) as c:
        c.follow('Things(%s)/HistoricalLocations' % key(thing))
        s.make('Things(%s)/Locations' % key(thing), location_body(s, 9, 9))
        has(c.hear()[1], ['time', '@iot.id'], 'a HistoricalLocation')


@case(RECEIVE)
def of_rows_made_together(s):
    stream, path = stream_of(s)
    with Client(s.server) as c:
        c.follow(path + '/Observations?$select=result')
        s.send('POST', 'CreateObservations', [{'Datastream': {'@iot.id': stream}, 'components': ['phenomenonTime', 'result'],
                                              'dataArray': [['2020-01-01T00:00:0%dZ' % n, n] for n in range(5)]}])
        equal([c.hear()[1] for _ in range(5)], [{'result': n} for n in range(5)], 'the messages')


@case(RECEIVE)
def nothing_after_unsubscribe(s):
    stream, path = stream_of(s)
    with Client(s.server) as c:
        c.follow(path + '/Observations')
        c.unsubscribe(path + '/Observations')
        s.observe(stream, 1)
        c.quiet()


@case(RECEIVE)
def nothing_of_what_was_refused(s):
    _, path = stream_of(s)
    with Client(s.server) as c:
        c.follow(path + '/Observations')
        s.post(path + '/Observations', {'result': 'no number'})
        c.quiet()


@case(RECEIVE)
def two_who_follow_the_same(s):
    stream, path = stream_of(s)
    with Client(s.server) as a, Client(s.server) as b:
        for c in (a, b):
            c.follow(path + '/Observations')
        s.observe(stream, 3)
        equal([c.hear()[1]['result'] for c in (a, b)], [3, 3], 'the results')


@case(RECEIVE)
def two_subscriptions_of_one(s):
    stream, path = stream_of(s)
    with Client(s.server) as c:
        c.follow(path + '/Observations')
        c.follow(path + '/Observations?$select=result')
        s.observe(stream, 3)
        topics = {c.hear()[0] for _ in range(2)}
        equal(topics, {path + '/Observations', path + '/Observations?$select=result'}, 'the topics')


@table(RECEIVE, ['Datastreams(1)/Observations/+', '+/Observations', '#', 'Things/#', '+', 'NoSuch', 'Things(1)/noSuch',
                 'Things(1)/Observations', 'Things(', 'Things()', 'Datastreams(%d)/Observations' % HUGE_ID, 'Things?$filter=true', 'Things?$top=1',
                 'Things?$frob=1', 'Things?$select=noSuch', 'Things?$select=', '$ref', 'Things(1)/name/$value', 'Things/$ref', ''])
def refused(s, topic):
    """0x80, and the connection goes on."""
    with Client(s.server) as c:
        equal(c.subscribe(topic), 0x80, 'the return code')
        c.settle()


@case(RECEIVE)
def a_wildcard_within_a_level(s):
    """That is no topic filter at all (MQTT-4.7.1-3): 0x80, or the end of the connection."""
    try:
        with Client(s.server) as c:
            equal(c.subscribe('Datastreams(+)/Observations'), 0x80, 'the return code')
    except Closed:
        pass


@case(RECEIVE)
def without_the_version(s):
    """No topic of SensorThings: refused, or a plain topic on which no change is told."""
    with Client(s.server) as c:
        if c.subscribe(b'Things') != 0x80:
            s.thing()
            c.quiet()


@case(RECEIVE)
def a_percent_encoded_topic_is_the_same_or_none(s):
    stream, path = stream_of(s)
    with Client(s.server) as c:
        code = c.subscribe(path.replace('(', '%28') + '/Observations')
        if code != 0x80:
            s.observe(stream, 1)
            equal(c.hear()[1]['result'], 1, 'result')
