"""publish.py -- PUBLISH and its acknowledgements, properties, aliases, request and response (3.3 to 3.7, 4.3, 4.10)."""
import struct

from client import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Closed, binary, packet, properties
from kit import both, case, case311, check, equal, payloads, published, refused, subscribed

MALFORMED, PROTOCOL, ALIAS = 0x81, 0x82, 0x94


@both
def each_qos_has_its_answer(s):
    c = s.client()
    subscribed(c, s.topic())
    for qos in (0, 1, 2):
        published(c, s.topic(), b'%d' % qos, qos)
    equal(payloads(c.messages(3, more=0.2)), [b'0', b'1', b'2'], 'payloads')


@both
def qos_1_is_acknowledged_with_its_id(s):
    c = s.client()
    for packet_id in (1, 65535, 7):
        equal(published(c, s.topic(), b'', 1, packet_id=packet_id).id, packet_id, 'the id of PUBACK')


@both
def qos_1_id_may_be_used_again(s):
    c = s.client()
    subscribed(c, s.topic())
    for dup in (False, True):
        published(c, s.topic(), b'x', 1, packet_id=5, dup=dup)
    equal(len(c.messages(2, more=0.2)), 2, 'two messages with one id, one after the other')


@both
def qos_2_exactly_once(s):
    """PUBLISH again before PUBREL is the same message; after PUBCOMP it is a new one."""
    c = s.client()
    subscribed(c, s.topic())
    for dup in (False, True, True):
        c.send(c.publish_packet(s.topic(), b'x', 2, packet_id=9, dup=dup))
        equal(c.wait(PUBREC).id, 9, 'the id of PUBREC')
    equal(c.release(9).reason, 0, 'PUBCOMP')
    equal(len(c.messages(1, more=0.4)), 1, 'messages')
    published(c, s.topic(), b'y', 2, packet_id=9)
    equal(payloads(c.messages(1, more=0.2)), [b'y'], 'payloads after the id is free')


@both
def qos_2_refused_id_is_free(s):
    if s.version == 4:
        return  # a refused PUBLISH ends a 3.1.1 connection
    c = s.client()
    subscribed(c, s.topic())
    check(c.publish('$forbidden/' + s.word, b'', 2, packet_id=3).reason >= 0x80, 'it was taken')
    published(c, s.topic(), b'x', 2, packet_id=3)
    equal(len(c.messages(1, more=0.2)), 1, 'messages')


@both
def pubrel_of_nothing(s):
    c = s.client()
    got = c.release(77)
    equal((got.id, got.reason), (77, 0x92 if s.version == 5 else 0), 'PUBCOMP')


@both
def qos_3(s):
    c = s.client()
    refused(c, packet(PUBLISH << 4 | 6, binary(s.topic()) + b'\0\1' + c.props(None)), MALFORMED, 'QoS 3')


@both
def dup_with_qos_0(s):
    c = s.client()
    refused(c, c.publish_packet(s.topic(), b'', 0, dup=True), (MALFORMED, PROTOCOL), 'DUP with QoS 0')


@both
def dup_is_not_passed_on(s):
    c = s.client()
    subscribed(c, s.topic())
    published(c, s.topic(), b'x', 1, dup=True)
    equal([m.dup for m in c.messages(1)], [0], 'DUP')


@both
def wildcards_in_a_topic(s):
    for topic in ('a/+', 'a/#', '+', '#'):
        c = s.client()
        refused(c, c.publish_packet(topic), (MALFORMED, 0x90), 'the topic ' + topic)


@both
def empty_topic(s):
    c = s.client()
    refused(c, c.publish_packet(''), (MALFORMED, PROTOCOL, 0x90), 'an empty topic')


@both
def large_and_empty_payloads(s):
    c = s.client()
    subscribed(c, s.topic())
    for payload in (b'', bytes(range(256)) * 40):
        published(c, s.topic(), payload, 1)
        equal(payloads(c.messages(1)), [payload], 'payload of %d bytes' % len(payload))


@case
def properties_are_passed_on(s):
    c = s.client()
    subscribed(c, s.topic())
    sent = {'format': 1, 'content_type': 'text/plain', 'response_topic': s.topic('answer'),
            'correlation': b'\0\1\2\xff', 'user': [('a', '2'), ('c', '3'), ('a', '1'), ('', '')]}
    for qos in (0, 1, 2):
        published(c, s.topic(), 'grün', qos, props=sent)
        got = c.messages(1)
        equal(len(got), 1, 'messages of QoS %d' % qos)
        equal(got[0].properties, sent, 'properties of QoS %d' % qos)


@case
def properties_are_not_for_311(s):
    old = s.client(version=4)
    subscribed(old, s.topic())
    published(s.client(), s.topic(), b'x', 1, props={'user': [('a', 'b')], 'content_type': 'c'})
    equal(payloads(old.messages(1)), [b'x'], 'payloads')


@case
def response_topic_has_no_wildcards(s):
    for topic in ('a/+', '#', ''):
        c = s.client()
        refused(c, c.publish_packet(s.topic(), props={'response_topic': topic}), (MALFORMED, PROTOCOL, 0x90),
                'the response topic %r' % topic)


@case
def response_topic_is_utf8(s):
    for name in ('response_topic', 'content_type'):
        c = s.client()
        refused(c, c.publish_packet(s.topic(), props={name: b'a\xff'}), MALFORMED, name)


@case
def request_and_response(s):
    asker, answerer = s.client(), s.client()
    subscribed(answerer, s.topic('question'))
    subscribed(asker, s.topic('answer'))
    published(asker, s.topic('question'), b'?', 1,
              props={'response_topic': s.topic('answer'), 'correlation': b'c7'})
    question = answerer.messages(1)[0]
    published(answerer, question.properties['response_topic'], b'!', 1,
              props={'correlation': question.properties['correlation']})
    answer = asker.messages(1)[0]
    equal((answer.payload, answer.properties), (b'!', {'correlation': b'c7'}), 'the answer')


@case
def client_may_not_send_subscription_ids(s):
    c = s.client()
    refused(c, c.publish_packet(s.topic(), props=[('subscription_id', 1)]), (MALFORMED, PROTOCOL), 'it')


@case
def message_expiry_is_told(s):
    c = s.client()
    subscribed(c, s.topic())
    published(c, s.topic(), b'x', 1, props={'message_expiry': 100})
    left = c.messages(1)[0].properties.get('message_expiry')
    check(left in (99, 100), 'message expiry %r' % left)


# ---- aliases ----

@case
def aliases_of_the_client(s):
    c = s.client()
    most = c.connack.properties.get('topic_alias_maximum', 0)
    check(most >= 1, 'no topic alias is allowed')
    subscribed(c, s.topic('#'))
    for alias in sorted({1, most}):
        for qos in (0, 1, 2):
            published(c, s.topic('a%d' % alias), b'first', qos, props={'topic_alias': alias})
            published(c, '', b'second', qos, props={'topic_alias': alias})
    got = c.messages(6 if most == 1 else 12, more=0.2)
    equal(len(got), 6 if most == 1 else 12, 'messages')
    check(all(m.full_topic == s.topic('a1') for m in got[:6]), 'topics %r' % [m.full_topic for m in got])
    published(c, s.topic('b'), b'', 1, props={'topic_alias': 1})  # given anew
    published(c, '', b'', 1, props={'topic_alias': 1})
    equal([m.full_topic for m in c.messages(2)], [s.topic('b')] * 2, 'topics after the alias changed')


@case
def aliases_end_with_the_connection(s):
    name = s.name()
    c = s.client(name, props={'session_expiry': 30})
    published(c, s.topic(), b'', 1, props={'topic_alias': 1})
    c.drop()
    c = s.client(name, clean=False, props={'session_expiry': 30})
    refused(c, c.publish_packet('', props={'topic_alias': 1}), PROTOCOL, 'an alias of the last connection')


@case
def alias_zero_and_beyond(s):
    c = s.client()
    most = c.connack.properties.get('topic_alias_maximum', 0)
    refused(c, c.publish_packet(s.topic(), props={'topic_alias': 0}), (ALIAS, PROTOCOL), 'alias 0')
    c = s.client()
    refused(c, c.publish_packet(s.topic(), props={'topic_alias': most + 1}), ALIAS, 'alias %d' % (most + 1))


@case
def alias_without_a_topic(s):
    c = s.client()
    refused(c, c.publish_packet('', props={'topic_alias': 1}), PROTOCOL, 'an alias that was never given')


@case
def aliases_of_the_server(s):
    c = s.client(props={'topic_alias_maximum': 2})
    subscribed(c, s.topic('#'))
    for round_ in range(2):
        for level in 'abc':
            published(c, s.topic(level), b'', 1)
    got = c.messages(6)
    equal([m.full_topic for m in got], [s.topic(x) for x in 'abcabc'], 'topics')
    used = [m.properties.get('topic_alias', 0) for m in got]
    check(max(used) <= 2, 'aliases %r' % used)
    check(any(not m.topic for m in got), 'no alias is used')


@case
def no_alias_where_none_is_allowed(s):
    for props in (None, {'topic_alias_maximum': 0}):
        c = s.client(props=props)
        subscribed(c, s.topic())
        for _ in range(3):
            published(c, s.topic(), b'', 1)
        check(all('topic_alias' not in m.properties for m in c.messages(3)), 'an alias')


# ---- refusals ----

@case
def refused_with_a_reason(s):
    c = s.client()
    for qos in (1, 2):
        got = c.publish('$forbidden/' + s.word, b'', qos)
        check(got.reason in (0x87, 0x90), 'reason 0x%02x' % got.reason)
        check(len(got.properties.get('reason_string', '')) > 10, 'no sentence')
    c.publish('$forbidden/' + s.word, b'', 0)
    c.ping()


@case311
def refused_in_311_is_not_acknowledged(s):
    c = s.client()
    c.send(c.publish_packet('$forbidden/' + s.word, b'', 1))
    equal(c.closed(), None, 'an answer')


@case
def topic_too_long(s):
    c = s.client()
    for qos in (1, 2):
        got = c.publish(s.topic('x' * 3000), b'', qos)
        check(got.reason in (0x90, 0x97), 'reason 0x%02x' % got.reason)
    c.ping()


@case
def packet_too_large(s):
    c = s.client()
    most = c.connack.properties.get('maximum_packet_size')
    if most:
        refused(c, b'\x30' + b'\xff\xff\x7f' + b'\0\1a', 0x95, 'a packet of 2 MiB')


@both
def acknowledgements_keep_their_order(s):
    c = s.client()
    for i in range(1, 21):
        c.send(c.publish_packet(s.topic(), b'', 1 + i % 2, packet_id=i))
    got = [c.receive() for _ in range(20)]
    equal([p.id for p in got if p.kind == PUBACK], list(range(2, 21, 2)), 'PUBACKs')
    equal([p.id for p in got if p.kind == PUBREC], list(range(1, 21, 2)), 'PUBRECs')
    for i in range(1, 21, 2):
        c.send(packet(PUBREL << 4 | 2, struct.pack('>H', i)))
    equal([c.wait(PUBCOMP).id for _ in range(10)], list(range(1, 21, 2)), 'PUBCOMPs')


@both
def order_of_a_topic(s):
    c, listener = s.client(), s.client()
    subscribed(listener, s.topic())
    for qos in (1, 2):
        for i in range(30):
            c.send(c.publish_packet(s.topic(), b'%d' % i, qos))
            got = c.wait(PUBACK if qos == 1 else PUBREC)
            if qos == 2:
                c.send(packet(PUBREL << 4 | 2, struct.pack('>H', got.id)))
                c.wait(PUBCOMP)
        equal(payloads(listener.messages(30)), [b'%d' % i for i in range(30)], 'order with QoS %d' % qos)


@both
def acknowledgements_of_nothing(s):
    """Ids that nobody gave do no harm."""
    c = s.client()
    for raw in (packet(PUBACK << 4, b'\x12\x34'), packet(PUBREC << 4, b'\x12\x34'), packet(PUBCOMP << 4, b'\x12\x34')):
        c.send(raw)
    try:
        c.receive(0.2)
        c.ping()
    except Closed:
        pass  # an end is allowed, too
    s.client().ping()


@case
def properties_too_many(s):
    """More than the server keeps is refused, and not cut."""
    c = s.client()
    raw = properties([('user', ('a' * 400, 'b' * 400))] * 30)
    c.send(packet(PUBLISH << 4 | 2, binary(s.topic()) + b'\0\1' + raw))
    got = c.receive()
    check(got.kind == PUBACK and got.reason in (0, 0x97), 'answer %r' % got)
