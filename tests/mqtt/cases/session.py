"""session.py -- what outlives a connection (3.1.2.4, 3.1.2.11.2, 4.1, 4.3, 4.4, 4.5)."""
import struct
import time

from client import PUBACK, PUBCOMP, PUBREC, PUBREL, packet
from kit import both, case, case311, check, equal, payloads, published, subscribed

KEEP = {'session_expiry': 60}


def keeping(s, name, clean=False, **more):
    """A client whose session outlives the connection."""
    return s.client(name, clean=clean, props=dict(KEEP, **more.pop('extra', {})) if s.version == 5 else None, **more)


def forget(s, name):
    s.client(name, clean=True).disconnect()


@both
def kept_and_found_again(s):
    name = s.name()
    c = keeping(s, name)
    equal(c.connack.present, False, 'session present at first')
    subscribed(c, s.topic())
    c.disconnect()
    c = keeping(s, name)
    equal(c.connack.present, True, 'session present')
    published(s.client(), s.topic(), b'x', 1)
    equal(len(c.messages(1)), 1, 'messages of the old subscription')
    forget(s, name)


@both
def clean_start_begins_anew(s):
    name = s.name()
    c = keeping(s, name)
    subscribed(c, s.topic())
    c.disconnect()
    published(s.client(), s.topic(), b'old', 1)
    c = keeping(s, name, clean=True)
    equal(c.connack.present, False, 'session present with clean start')
    published(s.client(), s.topic(), b'x', 1)
    equal(c.quiet(0.3), [], 'messages')
    forget(s, name)


@case
def no_expiry_ends_with_the_connection(s):
    name = s.name()
    c = s.client(name)
    subscribed(c, s.topic())
    c.disconnect()
    c = s.client(name, clean=False)
    equal(c.connack.present, False, 'session present')


@case311
def clean_session_ends_with_the_connection_311(s):
    name = s.name()
    subscribed(s.client(name), s.topic())
    s.client(name, clean=False)
    d = s.client(name, clean=False)
    d.disconnect()
    forget(s, name)


@case
def expiry_ends_a_session(s):
    name = s.name()
    s.client(name, props={'session_expiry': 1}).disconnect()
    c = s.client(name, clean=False, props={'session_expiry': 1})
    equal(c.connack.present, True, 'session present at once')
    c.disconnect()
    time.sleep(2.6)
    c = s.client(name, clean=False, props={'session_expiry': 1})
    equal(c.connack.present, False, 'session present after 2.6 s')


@case
def expiry_waits_for_the_end(s):
    """It counts from the end of the connection."""
    name = s.name()
    c = s.client(name, props={'session_expiry': 1})
    subscribed(c, s.topic())
    time.sleep(2.5)
    published(s.client(), s.topic(), b'x', 1)
    equal(len(c.messages(1)), 1, 'messages')
    c.drop()
    c = s.client(name, clean=False, props={'session_expiry': 1})
    equal(c.connack.present, True, 'session present')


@case
def expiry_in_disconnect(s):
    name = s.name()
    s.client(name, props={'session_expiry': 60}).disconnect(props={'session_expiry': 0})
    c = s.client(name, clean=False, props={'session_expiry': 1})
    equal(c.connack.present, False, 'session present after an expiry of 0')
    c.disconnect(props={'session_expiry': 60})
    time.sleep(2.5)
    c = s.client(name, clean=False, props={'session_expiry': 0})
    equal(c.connack.present, True, 'session present after a longer expiry')
    c.disconnect()


@both
def messages_wait(s):
    name = s.name()
    c = keeping(s, name)
    subscribed(c, s.topic('#'))
    c.disconnect()
    sender = s.client()
    for i in range(20):
        published(sender, s.topic('a'), b'%d' % i, 1 + i % 2)
    c = keeping(s, name)
    got = c.messages(20)
    for rest in (0, 1):
        mine = [int(m.payload) for m in got if int(m.payload) % 2 == rest]
        equal(mine, list(range(rest, 20, 2)), 'messages of QoS %d, in order' % (1 + rest))
    equal([m.dup for m in got], [0] * 20, 'DUP of messages that were never sent')
    forget(s, name)


@both
def qos_1_again_after_a_break(s):
    name = s.name()
    c = keeping(s, name)
    c.manual = True
    subscribed(c, [(s.topic(), 1)])
    for i in range(3):
        published(s.client(), s.topic(), b'%d' % i, 1)
    first = c.messages(3)
    equal([m.dup for m in first], [0, 0, 0], 'DUP')
    c.send(packet(PUBACK << 4, struct.pack('>H', first[1].id)))
    c.ping()
    equal(c.quiet(0.3), [], 'messages again on the same connection')
    c.drop()
    c = keeping(s, name)
    again = c.messages(2, more=0.3)
    equal([(m.payload, m.id, m.dup) for m in again], [(m.payload, m.id, 1) for m in (first[0], first[2])],
          'what was not acknowledged, in order')
    c.disconnect()
    c = keeping(s, name)
    equal(c.quiet(0.3), [], 'messages after all was acknowledged')
    forget(s, name)


@both
def qos_2_again_after_a_break(s):
    name = s.name()
    c = keeping(s, name)
    c.manual = True
    subscribed(c, s.topic())
    for i in range(2):
        published(s.client(), s.topic(), b'%d' % i, 2)
    first, second = c.messages(2)
    c.acknowledge(first)
    equal(c.wait(PUBREL).id, first.id, 'PUBREL')
    c.drop()
    c = keeping(s, name)
    c.manual = True
    releases, again = [], []
    for _ in range(2):
        got = c.receive()
        (releases if got.kind == PUBREL else again).append(got)
    equal([p.id for p in releases], [first.id], 'PUBREL again')
    equal([(m.id, m.dup, m.payload) for m in again], [(second.id, 1, b'1')], 'PUBLISH again')
    c.send(packet(PUBCOMP << 4, struct.pack('>H', first.id)))
    c.acknowledge(again[0])
    equal(c.wait(PUBREL).id, second.id, 'PUBREL')
    c.send(packet(PUBCOMP << 4, struct.pack('>H', second.id)))
    c.disconnect()
    c = keeping(s, name)
    equal(c.quiet(0.3), [], 'what is left')
    forget(s, name)


@both
def qos_2_towards_the_server_survives(s):
    """PUBLISH, a break, PUBLISH again, PUBREL: one message."""
    name = s.name()
    listener = s.client()
    subscribed(listener, s.topic())
    c = keeping(s, name)
    c.send(c.publish_packet(s.topic(), b'x', 2, packet_id=4))
    c.wait(PUBREC)
    c.drop()
    c = keeping(s, name)
    c.send(c.publish_packet(s.topic(), b'x', 2, packet_id=4, dup=True))
    equal(c.wait(PUBREC).id, 4, 'PUBREC')
    equal(c.release(4).reason, 0, 'PUBCOMP')
    equal(payloads(listener.messages(1, more=0.4)), [b'x'], 'messages')
    forget(s, name)


@both
def release_after_a_break(s):
    name = s.name()
    listener = s.client()
    subscribed(listener, s.topic())
    c = keeping(s, name)
    c.send(c.publish_packet(s.topic(), b'x', 2, packet_id=4))
    c.wait(PUBREC)
    c.drop()
    c = keeping(s, name)
    equal(c.release(4).reason, 0, 'PUBCOMP')
    equal(len(listener.messages(1, more=0.3)), 1, 'messages')
    forget(s, name)


@both
def a_session_is_not_lost_while_connected(s):
    name = s.name()
    c = keeping(s, name)
    subscribed(c, s.topic())
    d = keeping(s, name)  # takes it over
    equal(d.connack.present, True, 'session present')
    published(s.client(), s.topic(), b'x', 1)
    equal(len(d.messages(1)), 1, 'messages')
    forget(s, name)


@case
def message_expiry_of_what_waits(s):
    name = s.name()
    c = keeping(s, name)
    subscribed(c, s.topic())
    c.disconnect()
    sender = s.client()
    for qos in (1, 2):
        published(sender, s.topic(), b'short', qos, props={'message_expiry': 1})
        published(sender, s.topic(), b'long', qos, props={'message_expiry': 30})
    time.sleep(2.3)
    c = keeping(s, name)
    got = c.messages(2, more=0.2)
    equal(payloads(got), [b'long', b'long'], 'payloads')
    left = [m.properties.get('message_expiry') for m in got]
    check(all(n in (27, 28, 29) for n in left), 'message expiry %r after 2.3 s of 30' % left)
    forget(s, name)


@case
def expiry_does_not_stop_an_exchange(s):
    """A QoS 2 exchange goes on to its end whatever expires meanwhile, in both directions."""
    c = s.client()
    c.manual = True
    subscribed(c, s.topic())
    sender = s.client()
    sender.send(sender.publish_packet(s.topic(), b'x', 2, packet_id=3, props={'message_expiry': 1}))
    sender.wait(PUBREC)
    got = c.messages(1, 1.5)
    time.sleep(1.5)
    equal(sender.release(3).reason, 0, 'PUBCOMP')
    if not got:
        got = c.messages(1, 1)
    if got:  # a server that delivers at PUBREL may have dropped it
        c.acknowledge(got[0])
        equal(c.wait(PUBREL).id, got[0].id, 'PUBREL')
        c.send(packet(PUBCOMP << 4, struct.pack('>H', got[0].id)))
    c.ping()


@case
def nobody_gets_another_ones_session(s):
    """Names that differ in a letter's case or a blank are different sessions."""
    name = s.name()
    keeping(s, name).disconnect()
    for other in (name.upper(), name + ' ', name[:-1]):
        c = keeping(s, other)
        equal(c.connack.present, False, 'session present for %r' % other)
        c.disconnect(props={'session_expiry': 0})
    forget(s, name)


@both
def ids_of_deliveries_are_not_zero_and_free(s):
    c = s.client()
    c.manual = True
    subscribed(c, s.topic())
    sender = s.client()
    for i in range(10):
        published(sender, s.topic(), b'', 1 + i % 2)
    ids = [m.id for m in c.messages(10)]
    check(len(set(ids)) == 10 and 0 not in ids, 'packet ids %r' % ids)
