"""flow.py -- receive maximum, flow control, maximum packet size (3.1.2.11, 3.3.4, 4.9)."""
import struct

from client import DISCONNECT, PUBACK, PUBCOMP, PUBREC, PUBREL, Closed, packet
from kit import both, case, check, equal, payloads, published, subscribed


def window_of(s, qos):
    """A client that takes two at a time, and six messages for it."""
    c = s.client(props={'receive_maximum': 2})
    c.manual = True
    subscribed(c, s.topic('#'))
    sender = s.client()
    for i in range(6):
        published(sender, s.topic(), b'%d' % i, qos)
    return c


@case
def deliveries_wait_qos_1(s):
    c = window_of(s, 1)
    seen = []
    for _ in range(3):
        got = c.messages(2, more=0.2)
        equal(len(got), 2, 'messages in flight')
        seen += payloads(got)
        for m in got:
            c.send(packet(PUBACK << 4, struct.pack('>H', m.id)))
    equal(seen, [b'%d' % i for i in range(6)], 'messages')


@case
def deliveries_wait_qos_2(s):
    """PUBREC does not make room; PUBCOMP does, and so does a PUBREC that refuses."""
    c = window_of(s, 2)
    got = c.messages(2, more=0.2)
    equal(len(got), 2, 'messages in flight')
    c.acknowledge(got[0])
    equal(c.wait(PUBREL).id, got[0].id, 'PUBREL')
    equal(c.quiet(0.2), [], 'messages after PUBREC')
    c.send(packet(PUBCOMP << 4, struct.pack('>H', got[0].id)))
    equal(payloads(c.messages(1, more=0.2)), [b'2'], 'messages after PUBCOMP')
    c.send(packet(PUBREC << 4, struct.pack('>H', got[1].id) + b'\x83'))
    equal(payloads(c.messages(1, more=0.2)), [b'3'], 'messages after a PUBREC that refuses')


@case
def other_packets_do_not_wait(s):
    """With a full window the server still answers; whether what has QoS 0 waits is left open."""
    c = window_of(s, 1)
    c.messages(2)
    c.ping()
    subscribed(c, s.topic('other'))
    c.unsubscribe(s.topic('other'))
    published(c, s.topic('mine'), b'', 1)
    published(c, s.topic('mine'), b'', 2)


@case
def window_is_of_the_connection(s):
    name = s.name()
    c = s.client(name, props={'receive_maximum': 1, 'session_expiry': 30})
    c.manual = True
    subscribed(c, s.topic())
    for i in range(3):
        published(s.client(), s.topic(), b'%d' % i, 1)
    equal(len(c.messages(1, more=0.2)), 1, 'messages')
    c.drop()
    c = s.client(name, clean=False, props={'receive_maximum': 3, 'session_expiry': 30})
    equal(payloads(c.messages(3, more=0.2)), [b'0', b'1', b'2'], 'messages in a wider window')
    s.client(name).disconnect()


@case
def client_exceeds_the_window(s):
    c = s.client()
    most = c.connack.properties.get('receive_maximum', 65535)
    if most > 1000:
        return
    for i in range(most + 1):
        c.send(c.publish_packet(s.topic(), b'', 2, packet_id=i + 1))
    answers, goodbye = 0, None
    try:
        while True:
            got = c.receive(5)
            answers += got.kind == PUBREC
            goodbye = got if got.kind == DISCONNECT else goodbye
    except Closed:
        pass
    equal(answers <= most, True, 'PUBRECs')
    check(goodbye is not None and goodbye.reason == 0x93, 'the end is %r' % goodbye)


@case
def client_fills_the_window(s):
    """Exactly receive maximum at a time is right, again and again."""
    c = s.client()
    most = min(c.connack.properties.get('receive_maximum', 65535), 200)
    for _ in range(3):
        for i in range(most):
            c.send(c.publish_packet(s.topic(), b'', 2, packet_id=i + 1))
        for i in range(most):
            equal(c.wait(PUBREC).id, i + 1, 'PUBREC')
        for i in range(most):
            c.release(i + 1)


@both
def many_at_once(s):
    """3.1.1 knows no window: what is too much at a time waits, and all is answered."""
    c = s.client()
    count = 120 if s.version == 4 else 60
    for i in range(count):
        c.send(c.publish_packet(s.topic(), b'', 2, packet_id=i + 1))
    for i in range(count):
        equal(c.wait(PUBREC).id, i + 1, 'PUBREC')
    for i in range(count):
        c.send(packet(PUBREL << 4 | 2, struct.pack('>H', i + 1)))
    for i in range(count):
        equal(c.wait(PUBCOMP).id, i + 1, 'PUBCOMP')


@case
def nothing_larger_than_the_client_takes(s):
    c = s.client(props={'maximum_packet_size': 200, 'receive_maximum': 1})
    subscribed(c, s.topic())
    sender = s.client()
    for qos in (0, 1, 2):
        published(sender, s.topic(), b'x' * 300, qos)
        published(sender, s.topic(), b'fits', qos)
    got = c.messages(3, more=0.3)
    equal(payloads(got), [b'fits'] * 3, 'payloads')
    check(all(m.whole <= 200 for m in got), 'sizes %r' % [m.whole for m in got])


@case
def exactly_as_large_as_the_client_takes(s):
    c = s.client(props={'maximum_packet_size': 200, 'topic_alias_maximum': 5})
    subscribed(c, s.topic())
    body = 2 + len(s.topic()) + 1  # topic and property length
    published(s.client(), s.topic(), b'x' * (200 - 3 - body), 0)
    got = c.messages(1, 2)
    equal([m.whole for m in got], [200], 'sizes')


@case
def client_sends_too_large_a_packet(s):
    c = s.client()
    most = c.connack.properties.get('maximum_packet_size')
    if not most or most > 1 << 22:
        return
    try:
        c.send(c.publish_packet(s.topic(), b'.' * most, 0))
    except Closed:
        pass
    goodbye = c.closed()
    check(goodbye is not None and goodbye.reason == 0x95, 'the end is %r' % goodbye)


@both
def who_does_not_read_is_let_go(s):
    """The server's memory is bounded, and others are served meanwhile."""
    c = s.client()
    subscribed(c, [(s.topic(), 0)])
    sender, other = s.client(), s.client()
    subscribed(other, [(s.topic('b'), 0)])
    for _ in range(150):
        sender.publish(s.topic(), b'x' * 40000, 0)
    sender.send(sender.publish_packet(s.topic('b'), b'y', 1))
    sender.wait(PUBACK, 30)
    equal(payloads(other.messages(1, 8)), [b'y'], 'messages of another')
