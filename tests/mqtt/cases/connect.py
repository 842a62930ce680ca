"""connect.py -- CONNECT, CONNACK, keep alive, DISCONNECT, AUTH (3.1, 3.2, 3.12, 3.14, 3.15, 4.12)."""
import struct
import time

from client import AUTH, CONNACK, CONNECT, DISCONNECT, Broken, Closed, binary, packet, properties
from kit import both, case, case311, check, equal, published, refused, subscribed

MALFORMED, PROTOCOL = 0x81, 0x82


def answer(s, raw, version=5):
    """CONNACK's reason, or None when the connection ends without one."""
    c = s.new(version)
    c.send(raw)
    try:
        got = c.receive(5)
    except (Closed, Broken):
        return None
    check(got is not None, 'neither an answer nor an end to %r' % raw)
    equal(got.kind, CONNACK, 'the kind of the answer')
    if got.reason:
        equal(got.present, False, 'session present in a refusal')
        c.closed()
    return got.reason


@both
def first_packet(s):
    for raw in (b'\xc0\0', packet(0x30, binary('a') + b'\0'), b'\xe0\0', b'\x82\6\0\1\0\0\1a\0'):
        c = s.new()
        c.send(raw)
        equal(c.closed(), None, 'an answer before CONNECT')


@both
def second_connect(s):
    c = s.client()
    refused(c, c.connect_packet(c.name), PROTOCOL, 'a second CONNECT')


@both
def protocol_name(s):
    for name in ('mqtt', 'MQTX', 'hj', ''):
        reason = answer(s, s.new().connect_packet(s.name(), name=name), s.version)
        check(reason in (None, 1, 0x84), 'the protocol name %r got %r' % (name, reason))


@case
def protocol_version(s):
    equal(answer(s, s.new().connect_packet(s.name(), version=6)), 0x84, 'version 6')
    c = s.new(4)
    got = answer(s, packet(CONNECT << 4, binary('MQIsdp') + b'\3\2\0\x0a' + binary('a')), 4)
    check(got in (None, 1), 'version 3 got %r' % got)
    c.stream.close()


@both
def reserved_connect_flag(s):
    reason = answer(s, s.new().connect_packet(s.name(), flags=3), s.version)
    check(reason in (None, MALFORMED, PROTOCOL), 'the reserved flag got %r' % reason)


@both
def will_flags_without_will(s):
    for flags in (2 | 8, 2 | 16, 2 | 32):
        reason = answer(s, s.new().connect_packet(s.name(), flags=flags), s.version)
        check(reason in (None, MALFORMED, PROTOCOL), 'flags %02x got %r' % (flags, reason))


@both
def will_qos_3(s):
    c = s.new()
    raw = c.connect_packet(s.name(), will=(s.topic(), b'x', 3, False, None))
    check(answer(s, raw, s.version) in (None, MALFORMED, PROTOCOL), 'will QoS 3 was taken')


@both
def will_fields_missing(s):
    c = s.new()
    raw = c.connect_packet(s.name(), flags=2 | 4)
    check(answer(s, raw, s.version) in (None, MALFORMED, PROTOCOL), 'a will without fields was taken')


@both
def user_and_password_as_the_flags_say(s):
    for flags in (2 | 128, 2 | 64 | 128):
        raw = s.new().connect_packet(s.name(), flags=flags)
        check(answer(s, raw, s.version) in (None, MALFORMED, PROTOCOL), 'a missing field was taken')
    raw = s.new().connect_packet(s.name(), user='u', flags=2)  # the field without its flag
    check(answer(s, raw, s.version) in (None, MALFORMED, PROTOCOL), 'a field too many was taken')
    raw = s.new().connect_packet(s.name(), user=b'u\xff')
    check(answer(s, raw, s.version) in (None, MALFORMED, PROTOCOL), 'a user name that is no UTF-8 was taken')


@case311
def password_needs_a_user_in_311(s):
    raw = s.new().connect_packet(s.name(), password='p')
    equal(answer(s, raw, 4), None, 'a password without a user name')


@case
def order_of_the_payload(s):
    """All fields at once, in their order."""
    c = s.client(user='someone', will=(s.topic(), b'gone', 1, False, {'will_delay': 0}))
    c.ping()
    c.disconnect()


@both
def client_id_missing(s):
    c = s.new()
    head = binary('MQTT') + bytes([s.version, 2, 0, 10]) + c.props(None)
    check(answer(s, packet(CONNECT << 4, head), s.version) in (None, MALFORMED, PROTOCOL), 'it was taken')


@both
def client_id_is_utf8(s):
    raw = s.new().connect_packet(b'a\xff')
    check(answer(s, raw, s.version) in (None, MALFORMED, PROTOCOL, 2, 0x85), 'it was taken')


@both
def client_ids_that_must_be_taken(s):
    for name in ('0123456789ABCDEFGHIJKLM', 'abcdefghijklmnopqrstuvw', 'NOPQRSTUVWXYZxyz'):
        s.client(name + s.word[-6:] if len(name) < 18 else name[:17] + s.word[-6:]).disconnect()


@both
def client_ids_that_are_refused(s):
    for name in ('a/b', 'a+b', 'a#b', 'x' * 300):
        equal(answer(s, s.new().connect_packet(name), s.version), 0x85 if s.version == 5 else 2, 'the id %.20r' % name)


@case
def empty_client_id(s):
    a, b = s.client(''), s.client('')
    names = [c.connack.properties.get('assigned_client_id') for c in (a, b)]
    check(all(names) and names[0] != names[1], 'the assigned ids are %r' % names)
    c = s.client(names[0] + 'x')
    check('assigned_client_id' not in c.connack.properties, 'an id was assigned to one who has one')
    d = s.client('', clean=False, props={'session_expiry': 60})
    name = d.connack.properties['assigned_client_id']
    d.drop()
    again = s.client(name, clean=False, props={'session_expiry': 60})
    check(again.connack.present, 'the session of an assigned id is not found again')
    again.disconnect(props={'session_expiry': 0})


@case311
def empty_client_id_311(s):
    s.client('').disconnect()
    equal(answer(s, s.new().connect_packet('', clean=False), 4), 2, 'an empty id that wants to be kept')


@both
def taken_over(s):
    name = s.name()
    a = s.client(name)
    b = s.client(name)
    goodbye = a.closed()
    if s.version == 5:
        equal(goodbye.reason, 0x8E, 'DISCONNECT of the older connection')
    b.ping()


@both
def nothing_is_processed_after_a_refusal(s):
    topic = s.topic()
    listener = s.client()
    subscribed(listener, topic)
    c = s.new()
    c.send(c.connect_packet('a/b') + c.publish_packet(topic, b'never', 0))
    c.closed()
    equal(listener.quiet(), [], 'messages')


@both
def packets_before_connack(s):
    """A client need not wait for CONNACK; what it sends is answered after it."""
    c = s.new()
    c.send(c.connect_packet(s.name()) + b'\xc0\0')
    equal([c.receive().kind, c.receive().kind], [CONNACK, 13], 'answers')


@both
def one_connack(s):
    c = s.client()
    c.ping()
    equal(c.receive(0.3), None, 'a packet that nobody asked for')


@case
def what_connack_says(s):
    p = s.client(keep_alive=30).connack.properties
    check('response_info' not in p and 'auth_method' not in p, 'CONNACK says %r' % p)
    check(p.get('receive_maximum', 65535) > 0, 'receive maximum 0')
    check(p.get('maximum_packet_size', 1 << 28) > 0, 'maximum packet size 0')
    check('server_keep_alive' not in p, 'a keep alive of 30 s is changed')
    check('session_expiry' not in p or p['session_expiry'] == 0, 'an expiry of 0 is changed')
    check(p.get('maximum_qos', 2) == 2 and p.get('retain_available', 1) == 1, 'CONNACK says %r' % p)


@case
def response_information(s):
    for wanted in (0, 1):
        p = s.client(props={'request_response': wanted}).connack.properties
        check(wanted or 'response_info' not in p, 'response information was not asked for')


@case
def connect_properties_are_checked(s):
    for name, value in (('receive_maximum', 0), ('maximum_packet_size', 0), ('request_problem', 2),
                        ('request_response', 2)):
        raw = s.new().connect_packet(s.name(), props={name: value})
        equal(answer(s, raw), PROTOCOL, '%s %d' % (name, value))
    for name, value in (('topic_alias', 1), ('will_delay', 5), ('server_keep_alive', 5)):
        raw = s.new().connect_packet(s.name(), props={name: value})
        equal(answer(s, raw), MALFORMED, 'the property %s in CONNECT' % name)
    raw = s.new().connect_packet(s.name(), props=[('session_expiry', 1), ('session_expiry', 1)])
    equal(answer(s, raw), PROTOCOL, 'session expiry twice')
    raw = s.new().connect_packet(s.name(), props={'auth_data': b'x'})
    equal(answer(s, raw), PROTOCOL, 'authentication data without a method')


@case
def enhanced_authentication_is_refused(s):
    c = s.new()
    c.send(c.connect_packet(s.name(), props={'auth_method': 'SCRAM-SHA-1', 'auth_data': b'x'}))
    got = c.receive_connack()
    check(got.reason in (0x8C, 0x87), 'reason 0x%02x' % got.reason)
    check(got.properties.get('reason_string'), 'no sentence')
    c.closed()


@case
def auth_without_a_method(s):
    refused(s.client(), packet(AUTH << 4, b'\x18\0'), PROTOCOL, 'AUTH')
    refused(s.client(), packet(AUTH << 4, b''), PROTOCOL, 'AUTH')


@both
def pings(s):
    c = s.client()
    for _ in range(3):
        c.ping()


@both
def keep_alive_ends_the_silent(s):
    c = s.client(keep_alive=1)
    begin = time.monotonic()
    goodbye = c.closed(6)
    took = time.monotonic() - begin
    check(1.3 < took < 3, 'closed after %.1f s' % took)
    if s.version == 5:
        equal(goodbye.reason, 0x8D, 'DISCONNECT')


@both
def keep_alive_counts_every_packet(s):
    c = s.client(keep_alive=1)
    for _ in range(4):
        time.sleep(0.8)
        c.publish(s.topic(), b'', 0)
    c.ping()


@both
def keep_alive_is_not_half_a_packet(s):
    c = s.client(keep_alive=1)
    begin = time.monotonic()
    try:
        while time.monotonic() - begin < 6:
            c.send(b'\x30' if time.monotonic() - begin < 0.1 else b'\x20')
            time.sleep(0.5)
            if c.receive(0):
                break
    except Closed:
        pass
    check(time.monotonic() - begin < 4, 'a client that never ends a packet is kept')


@case
def keep_alive_of_the_server(s):
    p = s.client(keep_alive=65535).connack.properties
    check(0 < p.get('server_keep_alive', 65535) <= 65535, 'CONNACK says %r' % p)
    off = s.client(keep_alive=0)
    off.ping()


@both
def disconnect_ends_the_connection(s):
    c = s.client()
    c.send(b'\xe0\0')
    equal(c.closed(3), None, 'a packet after DISCONNECT')


@both
def nothing_after_disconnect(s):
    topic = s.topic()
    listener = s.client()
    subscribed(listener, topic)
    c = s.client()
    c.send(b'\xe0\0' + c.publish_packet(topic, b'never', 0))
    c.closed(3)
    equal(listener.quiet(), [], 'messages')


@case
def disconnect_expiry_after_none(s):
    refused(s.client(), packet(DISCONNECT << 4, b'\0' + properties({'session_expiry': 10})), PROTOCOL,
            'an expiry where CONNECT had none')


@case
def disconnect_forms(s):
    for body in (b'', b'\0', b'\0\0', b'\x04', b'\0' + properties({'reason_string': 'bye', 'user': [('a', 'b')]})):
        c = s.client()
        c.send(packet(DISCONNECT << 4, body))
        equal(c.closed(3), None, 'an answer to DISCONNECT %r' % body)


@case
def problem_information_is_left_out(s):
    c = s.client(props={'request_problem': 0})
    got = c.publish('$forbidden/' + s.word, b'', 1)
    check(got.reason >= 0x80, 'it was taken')
    check('reason_string' not in got.properties and 'user' not in got.properties, 'PUBACK says %r' % got)
    got = c.subscribe('$forbidden/' + s.word)
    check(got.codes[0] >= 0x80 and not got.properties, 'SUBACK says %r' % got)
    got = s.client().publish('$forbidden/' + s.word, b'', 1)
    check(got.properties.get('reason_string'), 'a refused PUBLISH has no sentence')


@case
def small_clients_hear_no_sentences(s):
    c = s.client(props={'maximum_packet_size': 40})
    check(c.connack.whole <= 40, 'a CONNACK of %d bytes' % c.connack.whole)
    got = c.publish('$forbidden/' + s.word, b'', 1)
    check(got.reason >= 0x80 and got.whole <= 40, 'PUBACK %r of %d bytes' % (got, got.whole))
    got = c.publish('$forbidden/' + s.word, b'', 2)
    check(got.reason >= 0x80 and got.whole <= 40, 'PUBREC %r of %d bytes' % (got, got.whole))
    got = c.subscribe('$forbidden/' + s.word)
    check(got.codes[0] >= 0x80 and got.whole <= 40, 'SUBACK %r of %d bytes' % (got, got.whole))
    got = c.unsubscribe('$forbidden/' + s.word)
    check(got.whole <= 40, 'UNSUBACK of %d bytes' % got.whole)
    c.send(b'\0\0')
    check(c.closed().whole <= 40, 'a long DISCONNECT')
    d = s.new()  # a CONNACK that refuses
    d.send(d.connect_packet('a/b', props={'maximum_packet_size': 20}))
    check(d.receive_connack().whole <= 20, 'a long CONNACK')


@case
def unserved_connections_end(s):
    """Who says nothing is not waited for."""
    c = s.new()
    begin = time.monotonic()
    equal(c.closed(10), None, 'an answer')
    check(time.monotonic() - begin < 9, 'a silent connection is kept')


def number(n):
    return struct.pack('>H', n)


@both
def published_and_gone(s):
    """What was acknowledged before DISCONNECT is delivered."""
    listener = s.client()
    subscribed(listener, s.topic())
    c = s.client()
    published(c, s.topic(), b'x')
    c.disconnect()
    equal(len(listener.messages(1)), 1, 'messages')
