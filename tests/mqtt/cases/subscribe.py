"""subscribe.py -- SUBSCRIBE, UNSUBSCRIBE, filters, options, identifiers, shared subscriptions (3.8 to 3.11, 4.7, 4.8)."""
import struct

from client import PUBACK, PUBREC, SUBSCRIBE, UNSUBSCRIBE, binary, packet
from kit import both, case, check, equal, payloads, published, refused, subscribed

MALFORMED, PROTOCOL = 0x81, 0x82
NO_LOCAL, AS_PUBLISHED = 4, 8


@both
def suback_for_each_filter(s):
    c = s.client()
    got = c.subscribe([(s.topic('a'), 0), (s.topic('b'), 1), ('$forbidden/x', 1), (s.topic('c'), 2)])
    equal(got.codes[:2] + got.codes[3:], [0, 1, 2], 'codes')
    check(got.codes[2] >= 0x80, 'a forbidden filter has the code 0x%02x' % got.codes[2])
    if s.version == 4:
        equal(got.codes[2], 0x80, 'the only refusal of 3.1.1')


@both
def no_filter(s):
    c = s.client()
    refused(c, packet(SUBSCRIBE << 4 | 2, b'\0\1' + c.props(None)), (MALFORMED, PROTOCOL), 'SUBSCRIBE')
    c = s.client()
    refused(c, packet(UNSUBSCRIBE << 4 | 2, b'\0\1' + c.props(None)), (MALFORMED, PROTOCOL), 'UNSUBSCRIBE')


@both
def filters_are_utf8(s):
    for raw in (b'a\xff', b'a\0b', b''):
        c = s.client()
        refused(c, c.subscribe_packet(raw), (MALFORMED, PROTOCOL), 'SUBSCRIBE %r' % raw)
        c = s.client()
        refused(c, packet(UNSUBSCRIBE << 4 | 2, b'\0\1' + c.props(None) + binary(raw)), (MALFORMED, PROTOCOL),
                'UNSUBSCRIBE %r' % raw)


@both
def reserved_options(s):
    for options in (0x40, 0x80) if s.version == 5 else (4, 8, 16, 32, 64, 128):
        c = s.client()
        refused(c, c.subscribe_packet([(s.topic(), options)]), MALFORMED, 'options 0x%02x' % options)
    for options in (3, 0x30) if s.version == 5 else (3,):
        c = s.client()
        refused(c, c.subscribe_packet([(s.topic(), options)]), (MALFORMED, PROTOCOL), 'options 0x%02x' % options)


@both
def wildcards_in_wrong_places(s):
    for text in ('a#', 'a/b#', 'a/#/b', '#/', 'a+', 'a/b+/c', '+a'):
        c = s.client()
        c.send(c.subscribe_packet(text))
        try:
            got = c.receive()
            check(got.codes == [0x8F] or got.codes == [0x80] or got.kind == 14, '%s got %r' % (text, got))
        except Exception as e:
            check(type(e).__name__ == 'Closed', '%s: %r' % (text, e))


@both
def what_filters_match(s):
    rows = ((('a', '+'), ('a', 'b'), True), (('a', '+'), ('a',), False), (('a', '+'), ('a', 'b', 'c'), False),
            (('a', '#'), ('a',), True), (('a', '#'), ('a', 'b', 'c'), True), (('+', 'b'), ('a', 'b'), True),
            (('a', '+', 'c'), ('a', '', 'c'), True), (('a', ''), ('a', ''), True), (('a', '+'), ('a', ''), True),
            (('a', ''), ('a',), False), (('A',), ('a',), False), (('a b',), ('a b',), True),
            (('\u00e9',), ('e\u0301',), False), (('a', '+', '#'), ('a',), False), (('+', '+'), ('a', 'b'), True))
    for at, (levels, topic, matches) in enumerate(rows):
        c = s.client()
        base = 'row%d' % at
        subscribed(c, s.topic(base, *levels))
        published(c, s.topic(base, *topic), b'x', 1)
        got = c.messages(1, 2) if matches else c.quiet(0.15)
        equal(len(got), int(matches), '%s against %s' % (levels, topic))
        c.drop()


@both
def dollar_topics_are_apart(s):
    """A filter that begins with a wildcard matches no topic that begins with $."""
    c = s.client()
    got = c.subscribe([('#', 0), ('+/' + s.word, 0)])
    d = s.client()
    try:
        d.publish('$' + s.word + '/' + s.word, b'never', 1)
    except Exception:
        pass  # 3.1.1: a refused publish ends the connection
    check(all(b'never' != m.payload for m in c.quiet(0.3)), 'a $ topic was delivered to #: %r' % got)


@both
def overlapping_is_the_highest_qos(s):
    c = s.client()
    subscribed(c, [(s.topic('#'), 2), (s.topic('+'), 1), (s.topic('a'), 0)])
    published(c, s.topic('a'), b'x', 2)
    got = c.messages(1, more=0.3)
    check(len(got) in (1, 3), '%d messages' % len(got))
    equal(max(m.qos for m in got), 2, 'the highest QoS')


@case
def overlapping_has_all_identifiers(s):
    c = s.client()
    subscribed(c, s.topic('#'), props={'subscription_id': 1})
    subscribed(c, s.topic('+'), props={'subscription_id': 268435455})
    subscribed(c, s.topic('a'))
    published(c, s.topic('a'), b'x', 1)
    got = c.messages(1, more=0.3)
    ids = sorted(i for m in got for i in m.properties.get('subscription_id', []))
    equal(ids, [1, 268435455], 'identifiers in %d messages' % len(got))


@case
def identifiers_change_with_the_subscription(s):
    c = s.client()
    subscribed(c, s.topic('+'), props={'subscription_id': 7})
    published(c, s.topic('a'), b'', 1)
    equal(c.messages(1)[0].properties.get('subscription_id'), [7], 'identifier')
    subscribed(c, s.topic('+'), props={'subscription_id': 8})
    published(c, s.topic('a'), b'', 1)
    equal(c.messages(1)[0].properties.get('subscription_id'), [8], 'identifier')
    subscribed(c, s.topic('+'))
    published(c, s.topic('a'), b'', 1)
    equal(c.messages(1)[0].properties.get('subscription_id'), None, 'identifier')


@both
def replaced_not_added(s):
    c = s.client()
    for qos in (2, 1, 0):
        subscribed(c, [(s.topic(), qos)])
    published(c, s.topic(), b'x', 2)
    got = c.messages(1, more=0.3)
    equal([m.qos for m in got], [0], 'QoS of what came')


@both
def qos_is_the_smaller(s):
    c = s.client()
    for granted in (0, 1, 2):
        subscribed(c, [(s.topic(), granted)])
        for sent in (0, 1, 2):
            published(c, s.topic(), b'', sent)
            equal([m.qos for m in c.messages(1)], [min(granted, sent)], 'sent %d, granted %d' % (sent, granted))


@case
def no_local(s):
    a, b = s.client(), s.client()
    subscribed(a, [(s.topic(), 2 | NO_LOCAL)])
    subscribed(b, [(s.topic(), 2 | NO_LOCAL)])
    published(a, s.topic(), b'x', 1)
    equal(len(b.messages(1)), 1, 'messages of another')
    equal(a.quiet(0.3), [], 'messages of its own')


@case
def retain_as_published(s):
    c = s.client()
    subscribed(c, [(s.topic('kept'), 2 | AS_PUBLISHED), (s.topic('plain'), 2)])
    for level in ('kept', 'plain'):
        for retain in (False, True):
            published(c, s.topic(level), b'x', 1, retain=retain)
    got = [(m.full_topic.rpartition('/')[2], m.retain) for m in c.messages(4)]
    for level in ('kept', 'plain'):
        published(c, s.topic(level), b'', 1, retain=True)
    equal(got, [('kept', 0), ('kept', 1), ('plain', 0), ('plain', 0)], 'retain flags')


@both
def unsuback(s):
    c = s.client()
    subscribed(c, [(s.topic('a'), 1), (s.topic('b'), 1)])
    got = c.unsubscribe([s.topic('a'), s.topic('never'), s.topic('b')])
    equal(got.codes, [0, 0x11, 0] if s.version == 5 else [], 'codes')
    published(s.client(), s.topic('a'), b'x', 1)
    equal(c.quiet(0.3), [], 'messages after UNSUBSCRIBE')


@both
def unsubscribe_compares_characters(s):
    c = s.client()
    subscribed(c, [(s.topic('+'), 1), (s.topic('a'), 1)])
    c.unsubscribe(s.topic('#'))
    c.unsubscribe(s.topic('a'))
    published(c, s.topic('a'), b'x', 1)
    equal(len(c.messages(1, more=0.2)), 1, 'messages of the other filter')
    c.unsubscribe(s.topic('+'))
    published(c, s.topic('a'), b'x', 1)
    equal(c.quiet(0.2), [], 'messages')


@both
def unsubscribe_ends_what_has_begun(s):
    """A QoS 2 delivery that has begun is ended, though its subscription is gone."""
    c = s.client()
    c.manual = True
    subscribed(c, s.topic())
    published(s.client(), s.topic(), b'x', 2)
    got = c.messages(1)
    c.unsubscribe(s.topic())
    c.acknowledge(got[0])
    from client import PUBCOMP, PUBREL
    equal(c.wait(PUBREL).id, got[0].id, 'PUBREL')
    c.send(packet(PUBCOMP << 4, struct.pack('>H', got[0].id)))
    c.ping()


@both
def subscribing_does_not_disturb(s):
    """Messages that were published before are not delivered; those after are."""
    c, other = s.client(), s.client()
    published(other, s.topic(), b'before', 1)
    subscribed(c, s.topic())
    published(other, s.topic(), b'after', 1)
    equal(payloads(c.messages(1, more=0.2)), [b'after'], 'payloads')


# ---- shared subscriptions ----

def share(s, group, *levels):
    return '$share/%s/%s' % (group, s.topic(*levels))


@case
def shared_goes_to_one(s):
    members = [s.client() for _ in range(3)]
    for m in members:
        subscribed(m, share(s, 'g', '+'))
    alone = s.client()
    subscribed(alone, s.topic('+'))
    sender = s.client()
    for i in range(30):
        published(sender, s.topic('a'), b'%d' % i, 1)
    equal(len(alone.messages(30)), 30, 'messages of who is in no group')
    got = [payloads(m.quiet(0.3)) for m in members]
    every = sorted(int(p) for one in got for p in one)
    equal(every, list(range(30)), 'messages of the group')
    check(sum(1 for one in got if one) >= 2, 'only one of three members hears anything: %r' % [len(g) for g in got])


@case
def shared_groups_are_apart(s):
    a, b = s.client(), s.client()
    subscribed(a, share(s, 'g1', 'a'))
    subscribed(b, share(s, 'g2', 'a'))
    for _ in range(3):
        published(s.client(), s.topic('a'), b'', 1)
    equal((len(a.messages(3)), len(b.messages(3))), (3, 3), 'messages')


@case
def shared_syntax(s):
    for text in ('$share//a', '$share/g', '$share/g/', '$share/', '$share/g+/a', '$share/#/a', '$share/+/a'):
        c = s.client()
        c.send(c.subscribe_packet(text))
        try:
            got = c.receive()
            check(got.kind == 14 or got.codes[0] in (0x8F, 0x9E, 0x80), '%s got %r' % (text, got))
        except Exception as e:
            check(type(e).__name__ == 'Closed', '%s: %r' % (text, e))


@case
def shared_without_no_local(s):
    c = s.client()
    refused(c, c.subscribe_packet([(share(s, 'g', 'a'), 2 | NO_LOCAL)]), PROTOCOL, 'no local')


@case
def shared_qos(s):
    c = s.client()
    subscribed(c, [(share(s, 'g', 'a'), 1)])
    published(s.client(), s.topic('a'), b'', 2)
    equal([m.qos for m in c.messages(1)], [1], 'QoS')


@case
def shared_refusal_is_final(s):
    """A message that its member refuses goes to nobody else."""
    a, b = s.client(), s.client()
    a.manual = b.manual = True
    subscribed(a, share(s, 'g', 'a'))
    subscribed(b, share(s, 'g', 'a'))
    published(s.client(), s.topic('a'), b'x', 1)
    got = a.messages(1, 1), b.messages(1, 1)
    equal(len(got[0]) + len(got[1]), 1, 'messages')
    chosen, other = (a, b) if got[0] else (b, a)
    message = (got[0] or got[1])[0]
    chosen.send(packet(PUBACK << 4, struct.pack('>H', message.id) + b'\x83'))
    equal(other.quiet(0.4), [], 'messages of the other')
    equal(chosen.quiet(0.1), [], 'messages again')


@case
def shared_qos_2_stays_with_its_member(s):
    """Begun with one member, ended with it when it comes back; given to nobody else when its session ends."""
    name = s.name()
    a = s.client(name, props={'session_expiry': 30})
    a.manual = True
    subscribed(a, share(s, 'g', 'a'))
    published(s.client(), s.topic('a'), b'x', 2)
    begun = a.messages(1)[0]
    b = s.client()
    subscribed(b, share(s, 'g', 'a'))
    a.drop()
    equal(b.quiet(0.3), [], 'messages of another')
    a = s.client(name, clean=False, props={'session_expiry': 30})
    again = a.messages(1)
    equal([(m.id, m.dup) for m in again], [(begun.id, 1)], 'the delivery')
    a.manual = True
    published(s.client(), s.topic('a'), b'y', 2)
    mine = a.messages(1, 1)
    if mine:  # begun with a again: its session ends
        a.disconnect(props={'session_expiry': 0})
        equal(b.quiet(0.4), [], 'messages of another after the session ended')


@case
def puback_that_refuses_is_an_end(s):
    c = s.client()
    c.manual = True
    subscribed(c, s.topic())
    for qos, kind in ((1, PUBACK), (2, PUBREC)):
        published(s.client(), s.topic(), b'x', qos)
        got = c.messages(1)[0]
        c.send(packet(kind << 4, struct.pack('>H', got.id) + b'\x87'))
        equal(c.quiet(0.2), [], 'what followed')
    c.ping()
