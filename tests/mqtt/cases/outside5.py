"""outside5.py -- what the Eclipse Paho interoperability suite asks of an MQTT 5 server, in our own words."""
import struct
import time

from client import DISCONNECT, PUBCOMP, PUBREC, PUBREL, Broken, Closed, packet
from kit import case, check, equal, payloads, published, subscribed
from cases.outside3 import tree

LONG = {'session_expiry': 99999}


@case
def basic(s):
    s.client().disconnect()
    c = s.client()
    subscribed(c, s.topic())
    for qos in (0, 1, 2):
        published(c, s.topic(), b'qos %d' % qos, qos)
    equal(len(c.messages(3, more=0.2)), 3, 'messages')
    c.send(c.connect_packet(c.name))
    c.closed()
    d = s.new()
    d.send(d.connect_packet(s.name(), name='hj'))
    try:
        d.closed()
    except Broken:
        pass  # the CONNACK of 3.1.1, which knows the name as little


@case
def retained_message(s):
    a, b, c, d = tree(s)
    user = [('a', '2'), ('c', '3')]
    client = s.client()
    for topic, qos in ((b, 0), (c, 1), (d, 2)):
        published(client, topic, b'qos %d' % qos, qos, retain=True, props={'user': user})
    time.sleep(0.2)
    subscribed(client, s.topic('+', '+'))
    got = client.messages(3, more=0.2)
    equal([m.properties.get('user') for m in got], [user] * 3, 'user properties')
    equal(sorted(m.qos for m in got), [0, 1, 2], 'QoS')
    for topic in (b, c, d):
        published(client, topic, b'', 1, retain=True)


@case
def will_message(s):
    ear = s.client(clean=False)
    subscribed(ear, s.topic())
    user = [('a', '2'), ('c', '3')]
    s.client(will=(s.topic(), b'will message', 0, False, {'user': user}), keep_alive=2).drop()
    got = ear.messages(1)
    equal([m.properties.get('user') for m in got], [user], 'user properties of wills')


@case
def offline_message_queueing(s):
    a, b, c, d = tree(s)
    ear = s.client(props=LONG)
    subscribed(ear, s.topic('+', '+'))
    ear.disconnect()
    sender = s.client()
    for topic, qos in ((b, 0), (c, 1), (d, 2)):
        published(sender, topic, b'qos %d' % qos, qos)
    ear = s.client(ear.name, clean=False)
    check(len(ear.messages(3, 1)) in (2, 3), 'messages')


@case
def overlapping_subscriptions(s):
    a, b, c, d = tree(s)
    client = s.client()
    subscribed(client, [(s.topic('TopicA', '#'), 2), (s.topic('TopicA', '+'), 1)])
    published(client, d, b'overlapping topic filters', 2)
    got = sorted(m.qos for m in client.messages(1, more=0.5))
    check(got in ([2], [1, 2]), 'QoS of what came: %r' % got)


@case
def keepalive(s):
    ear = s.client(keep_alive=0)
    subscribed(ear, s.topic())
    s.client(keep_alive=2, will=(s.topic(), b'keepalive expiry', 0))
    equal(len(ear.messages(1, 6)), 1, 'wills')


@case
def redelivery_on_reconnect(s):
    a, b, c, d = tree(s)
    ear = s.client(props=LONG)
    subscribed(ear, s.topic('TopicA', '#'))
    ear.manual = True
    sender = s.client()
    published(sender, b, b'', 1)
    published(sender, d, b'', 2)
    equal(len(ear.messages(2)), 2, 'messages that are not acknowledged')
    ear.disconnect()
    ear = s.client(ear.name, clean=False)
    equal(len(ear.messages(2, more=0.3)), 2, 'messages again')


@case
def subscribe_failure(s):
    code = s.client().subscribe('test/nosubscribe').codes
    check(code[0] in (0x80, 0x87), 'SUBACK %r' % code)


@case
def subscribe_failure_as_the_suite_wants_it(s):
    equal(s.client().subscribe('test/nosubscribe').codes, [0x80], 'SUBACK')


@case
def dollar_topics(s):
    c = s.client(keep_alive=0)
    c.subscribe('+/+')
    c.quiet(0.3)
    c.publish('$' + s.word + '/B', b'', 1)
    check(all(not m.topic.startswith('$') for m in c.quiet(0.2)), 'a message')


@case
def unsubscribe(s):
    a, b, c, d = tree(s)
    ear = s.client()
    for topic in (a, b, c):
        subscribed(ear, topic)
    ear.unsubscribe(a)
    for topic in (a, b, c):
        published(s.client(), topic, b'', 1)
    equal(len(ear.messages(2, more=0.3)), 2, 'messages')


@case
def session_expiry(s):
    name = s.name()

    def once(present, expiry, clean=False, goodbye=None, wait=0.0):
        c = s.client(name, clean=clean, props={'session_expiry': expiry})
        equal(c.connack.present, present, 'session present (expiry %d)' % expiry)
        subscribed(c, s.topic())
        c.disconnect(props=goodbye)
        time.sleep(wait)

    once(False, 0, clean=True)
    once(False, 0)
    once(False, 5, clean=True, wait=2)
    once(True, 2, wait=3.6)
    once(False, 1, clean=True, goodbye={'session_expiry': 5}, wait=3)
    once(True, 1, goodbye={'session_expiry': 0})
    once(False, 0)


@case
def shared_subscriptions(s):
    a, b = s.client(), s.client()
    for c in (a, b):
        subscribed(c, [('$share/sharename/' + s.topic(), 2), (s.topic(), 2)])
    sender = s.client()
    for i in range(6):
        published(sender, s.topic(), b'%d' % i, i % 3)
    got = [len(c.messages(99, 1.0)) for c in (a, b)]
    equal(sum(got), 18, 'messages: each of its own, and each once for both')
    check(all(n >= 6 for n in got), 'messages %r' % got)


@case
def assigned_clientid(s):
    c = s.client('', clean=False, props=LONG)
    name = c.connack.properties['assigned_client_id']
    check(name, 'an empty id was assigned')
    c.disconnect()
    d = s.client(name, clean=False)
    check(d.connack.present, 'its session is not found again')


@case
def subscribe_options(s):
    a, b = s.client(), s.client()
    for c in (a, b):
        subscribed(c, [(s.topic(), 2 | 4)])
    published(a, s.topic(), b'noLocal test', 1)
    equal((len(b.messages(1)), len(a.quiet(0.3))), (1, 0), 'messages with no local')
    c = s.client()
    subscribed(c, [(s.topic('r'), 2 | 8)])
    published(c, s.topic('r'), b'retain as published false', 1)
    published(c, s.topic('r'), b'retain as published true', 1, retain=True)
    equal([m.retain for m in c.messages(2)], [0, 1], 'retain as published')
    published(c, s.topic('r'), b'', 1, retain=True)
    for qos in (0, 1, 2):
        published(c, s.topic('h', str(qos)), b'x', qos, retain=True)
    for handling, first, second in ((1, 3, 0), (2, 0, 0), (0, 3, 3)):
        d = s.client()
        for wanted in (first, second):
            subscribed(d, [(s.topic('h', '+'), 2 | handling << 4)])
            equal(len(d.messages(wanted, more=0.4)), wanted, 'retain handling %d' % handling)
    for qos in (0, 1, 2):
        published(c, s.topic('h', str(qos)), b'', 1, retain=True)


@case
def subscribe_identifiers(s):
    a, b = s.client(), s.client()
    subscribed(a, s.topic(), props={'subscription_id': 456789})
    subscribed(b, s.topic(), props={'subscription_id': 2})
    subscribed(b, s.topic() + '/#', props={'subscription_id': 3})
    published(b, s.topic(), b'sub identifier test', 1)
    equal(a.messages(1)[0].properties.get('subscription_id'), [456789], 'identifiers of one')
    got = b.messages(1, more=0.3)
    ids = sorted(i for m in got for i in m.properties.get('subscription_id', []))
    equal(ids, [2, 3], 'identifiers of two')


@case
def request_response(s):
    a, b = s.client(), s.client()
    subscribed(a, [(s.topic(), 2 | 4)])
    subscribed(b, [(s.topic(), 2 | 4)])
    published(a, s.topic(), b'request', 1, props={'response_topic': s.topic(), 'correlation': b'334'})
    got = b.messages(1)[0]
    equal((got.properties['response_topic'], got.properties['correlation']), (s.topic(), b'334'), 'the request')
    published(b, got.properties['response_topic'], b'response', 1, props={'correlation': b'334'})
    equal(a.messages(1)[0].properties['correlation'], b'334', 'the response')


@case
def client_topic_alias(s):
    c = s.client()
    most = c.connack.properties.get('topic_alias_maximum', 0)
    check(most >= 1, 'no alias')
    c.send(c.publish_packet(s.topic(), b'topic alias 0', 1, props={'topic_alias': 0}))
    check(c.closed().reason in (0x94, 0x82), 'alias 0')
    c = s.client()
    subscribed(c, s.topic())
    published(c, s.topic(), b'topic alias 1', 1, props={'topic_alias': 1})
    published(c, '', b'topic alias 2', 1, props={'topic_alias': 1})
    equal([m.full_topic for m in c.messages(2)], [s.topic()] * 2, 'topics')
    name = c.name
    c.disconnect()
    d = s.client(name, clean=False)
    d.send(d.publish_packet('', b'', 1, props={'topic_alias': 1}))
    d.closed()


@case
def server_topic_alias(s):
    c = s.client(props={'topic_alias_maximum': 1})
    subscribed(c, s.topic())
    for qos in (0, 1, 2):
        published(c, s.topic(), b'topic alias 1', qos)
    got = c.messages(3)
    equal([m.topic for m in got], [s.topic(), '', ''], 'topics as sent')
    equal([m.properties.get('topic_alias') for m in got], [1, 1, 1], 'aliases')


@case
def maximum_packet_size(s):
    c = s.client()
    most = c.connack.properties.get('maximum_packet_size', 1 << 28)
    if most < 65535:
        c.send(c.publish_packet(s.topic(), b'.' * most, 0))
        equal(c.closed().reason, 0x95, 'DISCONNECT')
    c = s.client(props={'maximum_packet_size': 128})
    subscribed(c, s.topic())
    published(c, s.topic(), b'.' * 32, 0)
    equal(len(c.messages(1)), 1, 'messages that fit')
    published(c, s.topic(), b'.' * 128, 1)
    equal(c.quiet(0.4), [], 'messages that do not fit')


@case
def server_keep_alive(s):
    equal(s.client(keep_alive=120).connack.properties.get('server_keep_alive'), 60, 'server keep alive')


@case
def flow_control1(s):
    c = s.client(props={'receive_maximum': 2})
    c.manual = True
    subscribed(c, s.topic())
    sender = s.client()
    for i in range(1, 10):
        published(sender, s.topic(), b'message %d' % i, 2)
    first = c.messages(2, more=0.4)
    equal(payloads(first), [b'message 1', b'message 2'], 'messages')
    c.acknowledge(first[0])
    equal(c.wait(PUBREL).id, first[0].id, 'PUBREL')
    equal(c.quiet(0.3), [], 'a message before PUBCOMP')
    c.send(packet(PUBCOMP << 4, struct.pack('>H', first[0].id)))
    equal(payloads(c.messages(1, more=0.2)), [b'message 3'], 'messages')


@case
def flow_control2(s):
    c = s.client()
    most = c.connack.properties.get('receive_maximum', 65535)
    try:
        for i in range(most + 1):
            c.send(c.publish_packet(s.topic(), b'message', 2, packet_id=i + 1))
        while True:
            got = c.receive(5)
            check(got is not None, 'neither an answer nor an end')
            if got.kind == DISCONNECT:
                break
    except Closed:
        check(False, 'closed without DISCONNECT')
    equal(got.reason, 0x93, 'DISCONNECT')


@case
def will_delay(s):
    ear = s.client()
    subscribed(ear, s.topic())
    c = s.client(will=(s.topic(), b'test_will_delay', 0, False, {'will_delay': 3}), props={'session_expiry': 5})
    begin = time.monotonic()
    c.drop()
    equal(len(ear.messages(1, 10)), 1, 'wills')
    check(2.5 < time.monotonic() - begin < 5, 'after %.1f s' % (time.monotonic() - begin))
    c = s.client(will=(s.topic(), b'second', 0, False, {'will_delay': 5}), props={'session_expiry': 0})
    begin = time.monotonic()
    c.drop()
    equal(len(ear.messages(1, 10)), 1, 'wills of a session that ends at once')
    check(time.monotonic() - begin < 2, 'after %.1f s' % (time.monotonic() - begin))


@case
def user_properties(s):
    c = s.client()
    subscribed(c, s.topic())
    user = [('a', '2'), ('c', '3')]
    for qos in (0, 1, 2):
        published(c, s.topic(), b'', qos, props={'user': user})
    equal([m.properties.get('user') for m in c.messages(3)], [user] * 3, 'user properties')


@case
def payload_format(s):
    c = s.client()
    subscribed(c, s.topic())
    for qos in (0, 1, 2):
        published(c, s.topic(), b'qos', qos, props={'format': 1, 'content_type': 'My name'})
    got = c.messages(3)
    equal([(m.properties['format'], m.properties['content_type']) for m in got], [(1, 'My name')] * 3, 'properties')


@case
def publication_expiry(s):
    ear = s.client(props=LONG)
    subscribed(ear, s.topic())
    ear.disconnect()
    sender = s.client()
    for seconds in (1, 6):
        for qos in (1, 2):
            published(sender, s.topic(), b'%d' % seconds, qos, props={'message_expiry': seconds})
    time.sleep(3)
    ear = s.client(ear.name, clean=False)
    got = ear.messages(2, more=0.3)
    equal(payloads(got), [b'6', b'6'], 'payloads')
    check(all(m.properties['message_expiry'] < 6 for m in got), 'message expiry')
