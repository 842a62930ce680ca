"""will.py -- the will and its delay (3.1.2.5, 3.1.3.2)."""
import time

from client import DISCONNECT, Closed, packet
from kit import both, case, check, equal, payloads, published, subscribed


def listener(s, *levels):
    c = s.client()
    subscribed(c, s.topic(*levels))
    return c


@both
def published_when_the_network_fails(s):
    ear = listener(s)
    s.client(will=(s.topic(), b'gone', 1)).drop()
    got = ear.messages(1)
    equal([(m.payload, m.qos, m.retain) for m in got], [(b'gone', 1, 0)], 'the will')


@both
def forgotten_at_a_normal_end(s):
    ear = listener(s)
    s.client(will=(s.topic(), b'gone', 1)).disconnect()
    equal(ear.quiet(0.5), [], 'a will')


@both
def each_qos(s):
    ear = listener(s, '+')
    for qos in (0, 1, 2):
        s.client(will=(s.topic('q%d' % qos), b'', qos)).drop()
    equal(sorted(m.qos for m in ear.messages(3)), [0, 1, 2], 'QoS of wills')


@both
def retained_or_not(s):
    for retain in (True, False):
        ear = listener(s, str(retain))
        s.client(will=(s.topic(str(retain)), b'gone', 1, retain, None)).drop()
        equal(len(ear.messages(1)), 1, 'wills')
        c = listener(s, str(retain))
        equal([m.retain for m in c.messages(1, 1 if retain else 0.3)], [1] if retain else [], 'retained wills')
        published(s.client(), s.topic(str(retain)), b'', 1, retain=True)


@both
def empty_payload(s):
    ear = listener(s)
    s.client(will=(s.topic(), b'', 1)).drop()
    equal(payloads(ear.messages(1)), [b''], 'the will')


@both
def published_when_the_keep_alive_ends(s):
    ear = listener(s)
    c = s.client(keep_alive=1, will=(s.topic(), b'gone', 1))
    c.closed(6)
    equal(len(ear.messages(1)), 1, 'wills')


@both
def published_after_a_protocol_error(s):
    ear = listener(s)
    c = s.client(will=(s.topic(), b'gone', 1))
    c.send(b'\0\0')
    c.closed()
    equal(len(ear.messages(1)), 1, 'wills')


@both
def published_when_taken_over(s):
    ear = listener(s)
    name = s.name()
    s.client(name, will=(s.topic(), b'gone', 1))
    s.client(name)
    equal(len(ear.messages(1, more=0.3)), 1, 'wills')


@case
def asked_for_in_disconnect(s):
    ear = listener(s)
    c = s.client(will=(s.topic(), b'gone', 1))
    c.send(packet(DISCONNECT << 4, b'\x04'))
    equal(len(ear.messages(1, more=0.3)), 1, 'wills')


@case
def with_its_properties(s):
    sent = {'format': 1, 'content_type': 'text/plain', 'response_topic': s.topic('r'), 'correlation': b'\1\2',
            'user': [('a', '1'), ('b', '2'), ('a', '3')]}
    ear = listener(s)
    s.client(will=(s.topic(), b'gone', 1, False, dict(sent, will_delay=0))).drop()
    equal(ear.messages(1)[0].properties, sent, 'properties')


@case
def delayed(s):
    ear = listener(s)
    c = s.client(will=(s.topic(), b'gone', 1, False, {'will_delay': 2}), props={'session_expiry': 60})
    begin = time.monotonic()
    c.drop()
    equal(ear.quiet(1.0), [], 'a will before its time')
    got = ear.messages(1, 5)
    took = time.monotonic() - begin
    equal(len(got), 1, 'wills')
    check(1.8 < took < 4, 'the will came after %.1f s' % took)
    s.client(c.name).disconnect()


@case
def delay_ends_with_the_session(s):
    ear = listener(s)
    begin = time.monotonic()
    s.client(will=(s.topic(), b'gone', 1, False, {'will_delay': 30})).drop()  # a session without expiry
    equal(len(ear.messages(1, 3)), 1, 'wills')
    check(time.monotonic() - begin < 2.5, 'the will came late')
    s.client(will=(s.topic(), b'two', 1, False, {'will_delay': 30}), props={'session_expiry': 1}).drop()
    equal(payloads(ear.messages(1, 4)), [b'two'], 'wills of a session of 1 s')


@case
def cancelled_by_coming_back(s):
    ear = listener(s)
    c = s.client(will=(s.topic(), b'gone', 1, False, {'will_delay': 1}), props={'session_expiry': 60})
    c.drop()
    d = s.client(c.name, clean=False, props={'session_expiry': 60})
    equal(d.connack.present, True, 'session present')
    equal(ear.quiet(2.2), [], 'wills')
    d.disconnect(props={'session_expiry': 0})


@case
def published_once(s):
    ear = listener(s)
    c = s.client(will=(s.topic(), b'gone', 1), props={'session_expiry': 60})
    c.drop()
    equal(len(ear.messages(1)), 1, 'wills')
    d = s.client(c.name, clean=False, props={'session_expiry': 60})
    d.drop()
    equal(ear.quiet(0.5), [], 'wills of a connection that had none')
    s.client(c.name).disconnect()


@both
def refused_where_it_may_not_be_published(s):
    c = s.new()
    c.send(c.connect_packet(s.name(), will=('$forbidden/' + s.word, b'x', 1)))
    got = c.receive_connack()
    check(got.reason != 0, 'the will was taken')
    if s.version == 5:
        check(got.properties.get('reason_string'), 'no sentence')
    c.closed()


@both
def wildcards_in_its_topic(s):
    c = s.new()
    c.send(c.connect_packet(s.name(), will=('a/#', b'x', 1)))
    try:
        got = c.receive(5)
        check(got is not None and got.reason != 0, 'it was taken')
    except Closed:
        pass
