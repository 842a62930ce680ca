"""form.py -- bytes that are no packets, and how the server ends the connection (chapters 1, 2, 4.13)."""
from client import (AUTH, CONNECT, DISCONNECT, PINGREQ, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBSCRIBE,
                    UNSUBSCRIBE, binary, one_property, packet, properties, varint)
from kit import both, case, check, equal, published, refused, subscribed

MALFORMED, PROTOCOL, ALIAS = 0x81, 0x82, 0x94


def bad_topic(raw):
    return packet(PUBLISH << 4, binary(raw) + b'\0x')


@both
def text_is_utf8(s):
    for raw in (b'a\xff', b'\xc0\x80', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'\xe2\x82'):
        refused(s.client(), bad_topic(raw), MALFORMED, 'the topic %r' % raw)


@both
def text_has_no_nul(s):
    refused(s.client(), bad_topic(b'a\0b'), MALFORMED, 'NUL in a topic')


@both
def byte_order_mark_stays(s):
    c = s.client()
    topic = s.topic('\ufeffa')
    subscribed(c, topic)
    published(c, topic, b'x')
    published(c, s.topic('a'), b'y')
    got = c.messages(1, more=0.3)
    equal([m.full_topic for m in got], [topic], 'topics')


@both
def length_of_one_byte_too_many(s):
    refused(s.client(), b'\xc0\x80\x00', MALFORMED, 'a padded length')


@both
def length_of_five_bytes(s):
    refused(s.client(), b'\x30\xff\xff\xff\xff\x01', MALFORMED, 'five bytes of length')


@case
def property_number_too_long(s):
    body = b'\0\1' + varint(3) + b'\x0b\x81\x00' + binary('a') + b'\0'
    refused(s.client(), packet(SUBSCRIBE << 4 | 2, body), MALFORMED, 'a padded subscription identifier')


@case
def pairs_are_texts(s):
    for pair in ((b'a\xff', b'b'), (b'a', b'b\xff'), (b'\0', b'b')):
        raw = b'\x26' + binary(pair[0]) + binary(pair[1])
        refused(s.client(), packet(PUBLISH << 4, binary('a') + properties(raw)), MALFORMED, 'a user property')


@both
def reserved_flags(s):
    for first, body in ((PUBACK << 4 | 1, b'\0\1'), (PUBREC << 4 | 2, b'\0\1'), (PUBREL << 4, b'\0\1'),
                        (PUBREL << 4 | 3, b'\0\1'), (PUBCOMP << 4 | 8, b'\0\1'), (PINGREQ << 4 | 1, b''),
                        (DISCONNECT << 4 | 1, b''), (SUBSCRIBE << 4, b'\0\1\0\0\1a\0'),
                        (SUBSCRIBE << 4 | 3, b'\0\1\0\0\1a\0'), (UNSUBSCRIBE << 4, b'\0\1\0\0\1a')):
        refused(s.client(), packet(first, body), MALFORMED, 'the first byte 0x%02x' % first)


@case
def reserved_flags_of_auth(s):
    refused(s.client(), packet(AUTH << 4 | 1, b''), MALFORMED, 'AUTH with a flag')


@both
def types_of_servers(s):
    for first in (0x20, 0x90, 0xb0, 0xd0):
        refused(s.client(), packet(first, b'\0\1'), (MALFORMED, PROTOCOL), 'the type of 0x%02x' % first)


@both
def type_zero(s):
    refused(s.client(), b'\0\0', MALFORMED, 'the type 0')


@both
def packet_id_zero(s):
    refused(s.client(), s.new().publish_packet('a', b'', 1, packet_id=0), (MALFORMED, PROTOCOL), 'PUBLISH')
    c = s.client()
    refused(c, c.subscribe_packet('a', packet_id=0), (MALFORMED, PROTOCOL), 'SUBSCRIBE')


@both
def qos_0_has_no_packet_id(s):
    c = s.client()
    subscribed(c, s.topic())
    c.send(c.publish_packet(s.topic(), b'\0\x09', 0))  # would be an id: it is payload
    equal([m.payload for m in c.messages(1)], [b'\0\x09'], 'payload')


@both
def packet_shorter_than_it_says(s):
    for raw in (packet(PUBLISH << 4, b'\0\5ab'), packet(SUBSCRIBE << 4 | 2, b'\0'),
                packet(PUBLISH << 4 | 2, b'\0\1a\0'), packet(PUBREL << 4 | 2, b'\0')):
        refused(s.client(), raw, MALFORMED, repr(raw))


@both
def bytes_left_over(s):
    refused(s.client(), packet(PINGREQ << 4, b'x'), MALFORMED, 'PINGREQ with a byte')


@case
def no_properties_is_a_zero(s):
    c = s.client()
    got = subscribed(c, s.topic())
    equal(got.size, 2 + 1 + 1, 'bytes of a SUBACK without properties')
    refused(s.client(), packet(SUBSCRIBE << 4 | 2, b'\0\1\0\1a\2'), MALFORMED, 'SUBSCRIBE without a property length')


@case
def unknown_property(s):
    for raw in (b'\x04\0', b'\x2b\0', b'\x7f\0', b'\x80\1'):
        refused(s.client(), packet(PUBLISH << 4, binary('a') + properties(raw)), MALFORMED, repr(raw))


@case
def property_of_another_packet(s):
    for raw in (b'\x11\0\0\0\1', b'\x21\0\1', b'\x12\0\1a', b'\x24\1', b'\x0b\1'):
        refused(s.client(), packet(PUBLISH << 4, binary('a') + properties(raw)), MALFORMED, 'in PUBLISH %r' % raw)
    c = s.client()
    refused(c, c.subscribe_packet('a', b'\x01\1'), MALFORMED, 'a payload format in SUBSCRIBE')


@case
def property_twice(s):
    for name, value in (('format', 1), ('message_expiry', 5), ('content_type', 'a'), ('response_topic', 'a'),
                        ('correlation', b'x'), ('topic_alias', 1)):
        twice = one_property(name, value) * 2
        refused(s.client(), packet(PUBLISH << 4, binary('a') + properties(twice)), PROTOCOL, name)
    c = s.client()
    refused(c, c.subscribe_packet('a', [('subscription_id', 1), ('subscription_id', 2)]), PROTOCOL, 'two identifiers')


@case
def property_out_of_range(s):
    refused(s.client(), packet(PUBLISH << 4, binary('a') + properties(b'\x01\2')), PROTOCOL, 'payload format 2')
    c = s.client()
    refused(c, c.subscribe_packet('a', [('subscription_id', 0)]), PROTOCOL, 'subscription identifier 0')


@case
def acknowledgement_reasons(s):
    for kind, reason in ((PUBACK << 4, 0x92), (PUBREC << 4, 0x01), (PUBREL << 4 | 2, 0x10), (PUBCOMP << 4, 0x80),
                         (DISCONNECT << 4, 0x8B)):
        body = bytes([reason]) if kind == DISCONNECT << 4 else b'\0\1' + bytes([reason])
        refused(s.client(), packet(kind, body), (MALFORMED, PROTOCOL), 'reason 0x%02x' % reason)


@case
def refusals_say_what_is_wrong(s):
    c = s.client()
    c.send(b'\0\0')
    goodbye = c.closed()
    check(len(goodbye.properties.get('reason_string', '')) > 10, 'no sentence in %r' % goodbye)


@both
def fragments_of_a_packet(s):
    """A packet may come byte by byte."""
    c = s.client()
    for byte in c.subscribe_packet(s.topic()):
        c.send(bytes([byte]))
    got = c.receive()
    equal(len(got.codes), 1, 'codes')


@both
def two_packets_at_once(s):
    c = s.client()
    c.send(b'\xc0\0\xc0\0')
    equal([c.receive().kind, c.receive().kind], [13, 13], 'answers to two pings')

