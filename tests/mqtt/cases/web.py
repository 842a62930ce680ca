"""web.py -- MQTT over WebSocket (chapter 6; RFC 6455)."""
import base64
import os
import socket

from client import Closed, Stream
from kit import Skip, both, case, check, equal, payloads, published, subscribed


@both
def the_whole_of_it(s):
    c = s.client(web=True)
    check('sec-websocket-protocol: mqtt' in c.stream.head.lower(), 'the head of the answer is %r' % c.stream.head)
    subscribed(c, s.topic())
    for qos in (0, 1, 2):
        published(c, s.topic(), b'x' * 30000, qos)
    equal([len(p) for p in payloads(c.messages(3))], [30000] * 3, 'sizes')
    c.disconnect()


@case
def packets_need_no_frames_of_their_own(s):
    c = s.client(web=True)
    raw = c.subscribe_packet(s.topic()) + b'\xc0\0'
    for i, byte in enumerate(raw[:-2]):
        c.stream.send_raw(Stream.frame(2 if i == 0 else 0, bytes([byte]), fin=i == len(raw) - 3))
    c.stream.send_raw(Stream.frame(2, raw[-2:] + b'\xc0\0'))
    kinds = sorted(c.receive().kind for _ in range(3))  # SUBACK waits for the core, PINGRESP does not
    equal(kinds, [9, 13, 13], 'answers')


def ended(s, raw):
    c = s.client(web=True)
    c.stream.send_raw(raw)
    try:
        while c.receive(5):
            pass
    except Closed:
        return c.stream.closed_with
    check(False, 'the connection goes on')


@case
def text_frames(s):
    check(ended(s, Stream.frame(1, b'hello')) in (1003, 1002, None), 'status')


@case
def frames_that_break_the_rules(s):
    for raw in (Stream.frame(2, b'x', mask=False), Stream.frame(2, b'x', rsv=64), Stream.frame(3, b''),
                Stream.frame(0, b'x'), Stream.frame(9, b'x' * 126), Stream.frame(9, b'', fin=False),
                Stream.frame(2, b'x', fin=False) + Stream.frame(2, b'x')):
        equal(ended(s, raw), 1002, 'status after %r' % raw[:2])


@case
def ping_and_close(s):
    c = s.client(web=True)
    c.stream.send_raw(Stream.frame(9, b'are you there'))
    c.ping()
    equal(getattr(c.stream, 'pong', None), b'are you there', 'pong')
    c.stream.send_raw(Stream.frame(8, b'\x03\xe8'))
    try:
        c.receive(3)
    except Closed:
        pass
    equal(c.stream.closed_with, 1000, 'status of the answer to a close')


@case
def end_without_disconnect_is_a_failure(s):
    ear = s.client()
    subscribed(ear, s.topic())
    c = s.client(web=True, will=(s.topic(), b'gone', 1))
    c.stream.send_raw(Stream.frame(8, b'\x03\xe8'))
    equal(payloads(ear.messages(1)), [b'gone'], 'wills')


def handshake(s, path='/mqtt', **fields):
    server = s.server.over_web()
    if server.context:
        raise Skip('over TLS this is tested elsewhere')
    head = {'Host': '%s:%d' % (server.host, server.web_port), 'Upgrade': 'websocket', 'Connection': 'Upgrade',
            'Sec-WebSocket-Key': base64.b64encode(os.urandom(16)).decode(), 'Sec-WebSocket-Version': '13',
            'Sec-WebSocket-Protocol': 'mqtt'}
    head.update({k.replace('_', '-'): v for k, v in fields.items()})
    sock = socket.create_connection((server.host, server.web_port), 5)
    lines = ['GET %s HTTP/1.1' % path] + ['%s: %s' % kv for kv in head.items() if kv[1] is not None]
    sock.sendall(('\r\n'.join(lines) + '\r\n\r\n').encode())
    got = sock.recv(65536).decode('latin-1')
    sock.close()
    return int(got.split(' ')[1]), got


@case
def subprotocol_must_be_offered(s):
    for offered, wanted in (('mqtt', 101), ('mqttv3.1, mqtt', 101), ('mqttv3.1', 400), (None, 400), ('MQTT', 400)):
        equal(handshake(s, Sec_WebSocket_Protocol=offered)[0], wanted, 'status for %r' % offered)


@case
def subprotocol_is_answered(s):
    check('\r\nSec-WebSocket-Protocol: mqtt\r\n' in handshake(s)[1], 'the answer names no subprotocol')


@case
def heads_that_are_no_upgrade(s):
    for fields, wanted in (({'Sec_WebSocket_Version': '8'}, 426), ({'Upgrade': None}, 426), ({'Upgrade': 'h2c'}, 426),
                           ({'Connection': 'close'}, 426), ({'Sec_WebSocket_Key': 'short'}, 400),
                           ({'Sec_WebSocket_Key': None}, 400), ({'Content_Length': '3'}, 400)):
        status, head = handshake(s, **fields)
        equal(status, wanted, 'status for %r' % fields)
        check(wanted != 426 or '\r\nSec-WebSocket-Version: 13\r\n' in head, '426 without the version: %r' % head)


@case
def pages_of_other_origins(s):
    equal(handshake(s, Origin='https://evil.example')[0], 403, 'status for another origin')
    equal(handshake(s, Origin='null')[0], 403, 'status for a page without an origin')
    server = s.server.over_web()
    equal(handshake(s, Origin='https://%s:%d' % (server.host, server.web_port))[0], 101, 'status for its own')
