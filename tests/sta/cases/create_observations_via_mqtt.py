"""create-observations-via-mqtt: an Observation published is an Observation made."""
import time

from kit import HUGE_ID, OM, case, check, datastream_body, equal, feature_body, key, location_body, multi_body, same_time, table, thing_body
from mqtt import Client, Closed, Failure

CREATE = 'create-observations-via-mqtt/observations-creation'
CLAIM = 'http://www.opengis.net/spec/iot_sensing/1.1/req/create-observations-via-mqtt'


class World:
    pass


def world(s):
    w = World()
    w.thing = s.thing(Locations=[location_body(s)])
    w.number = 0
    return w


def skip(server):
    return '' if server.mqtt else 'no MQTT endpoint was named (--mqtt HOST:PORT)'


def observations(s, path, many=1, seconds=3.0):
    """The Observations there, once there are so many."""
    end = time.monotonic() + seconds
    while True:
        rows = s.list(path + '/Observations', orderby='id')
        if len(rows) >= many or time.monotonic() > end:
            equal(len(rows), many, 'Observations of ' + path)
            return rows
        time.sleep(0.02)


def stream_of(s, **more):
    stream = s.datastream(s.world.thing, **more)
    return stream, 'Datastreams(%s)' % key(stream)


@case(CREATE)
def it_is_claimed(s):
    check(s.server.claims(CLAIM), 'serverSettings.conformance does not list create-observations-via-mqtt')


@table(CREATE, [0, 1, 2])
def qos(s, level):
    _, path = stream_of(s)
    with Client(s.server) as c:
        c.publish(path + '/Observations', {'result': 5, 'phenomenonTime': '2020-01-01T00:00:00Z'}, level)
        row = observations(s, path)[0]
    equal(row['result'], 5, 'result')
    same_time(row['phenomenonTime'], '2020-01-01T00:00:00Z', 'phenomenonTime')


@case(CREATE)
def acknowledged_means_there(s):
    _, path = stream_of(s)
    with Client(s.server) as c:
        for n in range(20):
            c.publish(path + '/Observations', {'result': n}, 1)
            equal(s.get(path + '/Observations', count='true', top=0)['@iot.count'], n + 1, 'Observations after PUBACK')


@case(CREATE)
def to_the_set(s):
    stream, path = stream_of(s)
    with Client(s.server) as c:
        c.publish('Observations', {'result': 6, 'Datastream': {'@iot.id': stream}})
    equal(observations(s, path)[0]['result'], 6, 'result')


@case(CREATE)
def through_a_feature(s):
    stream, path = stream_of(s)
    feature = s.feature()
    with Client(s.server) as c:
        c.publish('FeaturesOfInterest(%s)/Observations' % key(feature), {'result': 7, 'Datastream': {'@iot.id': stream}})
    row = observations(s, path)[0]
    equal(s.get('Observations(%s)/FeatureOfInterest' % key(row['@iot.id']))['@iot.id'], feature, 'the FeatureOfInterest')


@case(CREATE)
def through_a_multi_datastream(s):
    multi = s.make('MultiDatastreams', dict(multi_body(s), Thing={'@iot.id': s.world.thing}))
    path = 'MultiDatastreams(%s)' % key(multi)
    with Client(s.server) as c:
        c.publish(path + '/Observations', {'result': [1, 2, 'dry'], 'phenomenonTime': '2020-01-01T00:00:00Z'})
    equal(observations(s, path)[0]['result'], [1, 2, 'dry'], 'result')


@case(CREATE)
def through_a_thing(s):
    """A longer path to the same set: taken, or refused; never taken for something else."""
    _, path = stream_of(s)
    _, other_path = stream_of(s)
    try:
        with Client(s.server) as c:
            c.publish('Things(%s)/%s/Observations' % (key(s.world.thing), path), {'result': 8})
        equal(observations(s, path)[0]['result'], 8, 'result')
    except Closed:
        observations(s, path, 0)
    observations(s, other_path, 0)


@case(CREATE)
def with_a_feature_of_its_own(s):
    _, path = stream_of(s)
    body = feature_body(s, 3, 3)
    with Client(s.server) as c:
        c.publish(path + '/Observations', {'result': 9, 'FeatureOfInterest': body})
    row = observations(s, path)[0]
    equal(s.get('Observations(%s)/FeatureOfInterest' % key(row['@iot.id']))['name'], body['name'], 'the FeatureOfInterest')


@case(CREATE)
def with_a_datastream_of_its_own(s):
    body = dict(datastream_body(s), Thing=dict(thing_body(s), Locations=[location_body(s)]))
    with Client(s.server) as c:
        c.publish('Observations', {'result': 10, 'Datastream': body})
    rows = s.list('Datastreams', filter="name eq '%s'" % body['name'], expand='Thing,Observations')
    equal((len(rows), rows[0]['Thing']['name'], rows[0]['Observations'][0]['result']), (1, body['Thing']['name'], 10), 'what was made')
    s.made.append(rows[0]['Thing']['@iot.selfLink'])


@case(CREATE)
def the_feature_comes_from_the_location(s):
    _, path = stream_of(s)
    with Client(s.server) as c:
        c.publish(path + '/Observations', {'result': 1})
    row = observations(s, path)[0]
    equal(s.get('Observations(%s)/FeatureOfInterest' % key(row['@iot.id']))['feature']['coordinates'], [8.4, 49.0], 'its feature')


@case(CREATE)
def all_properties(s):
    _, path = stream_of(s, observationType=OM + 'OM_Observation')
    body = {'result': {'a': 'ü ☂'}, 'phenomenonTime': '2020-01-01T00:00:00Z/2020-01-01T01:00:00Z', 'resultTime': '2020-01-01T02:00:00Z',
            'validTime': '2020-01-01T00:00:00Z/2020-02-01T00:00:00Z', 'parameters': {'p': [1]}, 'resultQuality': 'good'}
    with Client(s.server) as c:
        c.publish(path + '/Observations', body)
    row = observations(s, path)[0]
    equal((row['result'], row['parameters'], row['resultQuality']), (body['result'], body['parameters'], 'good'), 'the Observation')
    for name in ('phenomenonTime', 'resultTime', 'validTime'):
        same_time(row[name], body[name], name)


@case(CREATE)
def a_hundred_in_flight(s):
    _, path = stream_of(s)
    with Client(s.server) as c:
        for n in range(100):
            c.publish(path + '/Observations', {'result': n}, 0)
        c.publish(path + '/Observations', {'result': 100}, 1)
    equal(sorted(r['result'] for r in s.pages(path + '/Observations')), list(range(101)), 'the results')


@case(CREATE)
def several_clients(s):
    _, path = stream_of(s)
    clients = [Client(s.server) for _ in range(5)]
    try:
        for n, c in enumerate(clients):
            c.publish(path + '/Observations', {'result': n})
    finally:
        for c in clients:
            c.close()
    equal(sorted(r['result'] for r in observations(s, path, 5)), [0, 1, 2, 3, 4], 'the results')


REFUSED = [('no JSON', '{path}/Observations', b'{"result":'), ('nothing', '{path}/Observations', b''), ('a list', '{path}/Observations', b'[]'),
           ('no result', '{path}/Observations', b'{"phenomenonTime":"2020-01-01T00:00:00Z"}'),
           ('a wrong kind', '{path}/Observations', b'{"result":"warm"}'), ('no time', '{path}/Observations', b'{"result":1,"phenomenonTime":"x"}'),
           ('no Datastream', 'Observations', b'{"result":1}'),
           ('a Datastream that is not there', 'Datastreams(%d)/Observations' % HUGE_ID, b'{"result":1}'),
           ('an entity', '{path}', b'{"result":1}'), ('a property', '{path}/name', b'"x"'), ('a wildcard', '{path}/+', b'{"result":1}'),
           ('with options', '{path}/Observations?$top=1', b'{"result":1}'), ('not UTF-8', '{path}/Observations', b'{"result":1,"parameters":{"a":"\xff"}}'),
           ('without the version', None, b'{"result":1}')]


@table(CREATE, REFUSED)
def refused(s, row):
    """Nothing is kept; the server may close the connection, and goes on serving others."""
    _, path = stream_of(s)
    before = s.get('Observations', count='true', top=0)['@iot.count']
    topic = row[1].format(path=path) if row[1] else (path + '/Observations').encode()
    for level in (0, 1):
        try:
            with Client(s.server) as c:
                c.publish(topic, row[2], level)
                c.settle()
        except Closed:
            pass
        except Failure as e:
            check('did not come' in str(e), str(e))
    equal(s.get('Observations', count='true', top=0)['@iot.count'], before, 'Observations')
    with Client(s.server) as c:
        c.publish(path + '/Observations', {'result': 1})
    observations(s, path)


@case(CREATE)
def a_thing_is_not_made_by_mqtt(s):
    body = thing_body(s)
    try:
        with Client(s.server) as c:
            c.publish('Things', body, 0)
            c.settle()
    except Closed:
        pass
    equal(s.list('Things', filter="name eq '%s'" % body['name']), [], 'Things')


@case(CREATE)
def retained_is_not_kept(s):
    _, path = stream_of(s)
    try:
        with Client(s.server) as c:
            c.publish(path + '/Observations', {'result': 1}, 0, retain=1)
            c.settle()
    except Closed:
        pass
    with Client(s.server) as c:
        c.follow(path + '/Observations')
        c.quiet()
