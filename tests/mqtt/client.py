"""client.py -- an MQTT 3.1.1 and 5 client that does what it is told, also what no client should.

Packets are made and read here, byte by byte, so that a case can send any of them wrong. There is no
thread: a client reads when a case asks it to.
"""
import base64
import os
import select
import socket
import ssl
import struct
import time

(CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK,
 PINGREQ, PINGRESP, DISCONNECT, AUTH) = range(1, 16)
NAMES = ['', 'CONNECT', 'CONNACK', 'PUBLISH', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP', 'SUBSCRIBE', 'SUBACK',
         'UNSUBSCRIBE', 'UNSUBACK', 'PINGREQ', 'PINGRESP', 'DISCONNECT', 'AUTH']

# name: (identifier, how it is written)
PROPERTIES = {
    'format': (1, 'B'), 'message_expiry': (2, 'I'), 'content_type': (3, 's'), 'response_topic': (8, 's'),
    'correlation': (9, 'b'), 'subscription_id': (11, 'v'), 'session_expiry': (17, 'I'),
    'assigned_client_id': (18, 's'), 'server_keep_alive': (19, 'H'), 'auth_method': (21, 's'), 'auth_data': (22, 'b'),
    'request_problem': (23, 'B'), 'will_delay': (24, 'I'), 'request_response': (25, 'B'), 'response_info': (26, 's'),
    'server_reference': (28, 's'), 'reason_string': (31, 's'), 'receive_maximum': (33, 'H'),
    'topic_alias_maximum': (34, 'H'), 'topic_alias': (35, 'H'), 'maximum_qos': (36, 'B'), 'retain_available': (37, 'B'),
    'user': (38, 'p'), 'maximum_packet_size': (39, 'I'), 'wildcards_available': (40, 'B'),
    'subscription_ids_available': (41, 'B'), 'shared_available': (42, 'B')}
BY_ID = {i: (name, how) for name, (i, how) in PROPERTIES.items()}
REPEATED = ('user', 'subscription_id')


class Closed(Exception):
    """The server ended the connection."""


class Broken(Exception):
    """The server sent what no server may send."""


# ---- writing ------------------------------------------------------------------------------------

def varint(n):
    out = b''
    while True:
        n, low = n >> 7, n & 127
        out += bytes([low | (128 if n else 0)])
        if not n:
            return out


def binary(value):
    raw = value.encode() if isinstance(value, str) else bytes(value)
    return struct.pack('>H', len(raw)) + raw


def one_property(name, value):
    identifier, how = PROPERTIES[name]
    head = bytes([identifier])
    if how in 'BHI':
        return head + struct.pack('>' + how, value)
    if how == 'v':
        return head + varint(value)
    if how == 'p':
        return head + binary(value[0]) + binary(value[1])
    return head + binary(value)


def properties(values):
    """Bytes of a property list with its length; a list of pairs, a dict, or bytes as they are."""
    if isinstance(values, (bytes, bytearray)):
        return varint(len(values)) + bytes(values)
    out = b''
    for name, value in (values.items() if isinstance(values, dict) else values or ()):
        many = name in REPEATED and isinstance(value, list)
        for one in value if many else [value]:
            out += one_property(name, one)
    return varint(len(out)) + out


def packet(first_byte, body):
    return bytes([first_byte]) + varint(len(body)) + body


# ---- reading ------------------------------------------------------------------------------------

class Reader:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, n):
        if self.at + n > len(self.raw):
            raise Broken('a packet that is shorter than it says')
        self.at += n
        return self.raw[self.at - n:self.at]

    def number(self, how):
        return struct.unpack('>' + how, self.take(struct.calcsize('>' + how)))[0]

    def varint(self):
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.number('B')
            value |= (byte & 127) << shift
            if not byte & 128:
                if byte == 0 and shift:
                    raise Broken('a number longer than needed')
                return value
        raise Broken('a number of more than four bytes')

    def binary(self):
        return self.take(self.number('H'))

    def text(self):
        value = self.binary().decode('utf-8')
        if '\0' in value:
            raise Broken('NUL in a text')
        return value

    def rest(self):
        return self.take(len(self.raw) - self.at)

    def properties(self):
        inner = Reader(self.take(self.varint()))
        out = {}
        while inner.at < len(inner.raw):
            identifier = inner.number('B')
            if identifier not in BY_ID:
                raise Broken('unknown property %d' % identifier)
            name, how = BY_ID[identifier]
            if how in 'BHI':
                value = inner.number(how)
            elif how == 'v':
                value = inner.varint()
            elif how == 'p':
                value = (inner.text(), inner.text())
            else:
                value = inner.text() if how == 's' else inner.binary()
            if name in REPEATED:
                out.setdefault(name, []).append(value)
            elif name in out:
                raise Broken('the property %s twice' % name)
            else:
                out[name] = value
        return out


class Packet:
    def __init__(self, first_byte, body, version):
        self.kind, self.flags, self.size = first_byte >> 4, first_byte & 15, len(body)
        self.properties, self.reason, self.id = {}, 0, 0
        self.codes, self.present = [], False
        r = Reader(body)
        read = getattr(self, '_' + NAMES[self.kind].lower(), None)
        if not read:
            raise Broken('a server may not send %s' % NAMES[self.kind])
        read(r, version)
        if r.at != len(body):
            raise Broken('%s with bytes left over' % NAMES[self.kind])

    def __repr__(self):
        shown = {k: v for k, v in vars(self).items() if v and k not in ('kind', 'flags')}
        return '%s %s' % (NAMES[self.kind], shown)

    def _flags(self, wanted):
        if self.flags != wanted:
            raise Broken('%s with the flags %d' % (NAMES[self.kind], self.flags))

    def _connack(self, r, version):
        self._flags(0)
        acknowledge = r.number('B')
        if acknowledge > 1:
            raise Broken('reserved flags in CONNACK')
        self.present, self.reason = acknowledge == 1, r.number('B')
        if version == 5:
            self.properties = r.properties()

    def _publish(self, r, version):
        self.dup, self.qos, self.retain = self.flags >> 3, self.flags >> 1 & 3, self.flags & 1
        if self.qos == 3 or (self.qos == 0 and self.dup):
            raise Broken('PUBLISH with the flags %d' % self.flags)
        self.topic = r.text()
        self.id = r.number('H') if self.qos else 0
        if self.qos and not self.id:
            raise Broken('a packet id of 0')
        if version == 5:
            self.properties = r.properties()
        self.payload = r.rest()

    def _ack(self, r, version):
        self._flags(2 if self.kind == PUBREL else 0)
        self.id = r.number('H')
        if version == 5 and r.at < len(r.raw):
            self.reason = r.number('B')
            if r.at < len(r.raw):
                self.properties = r.properties()

    _puback = _pubrec = _pubrel = _pubcomp = _ack

    def _suback(self, r, version):
        self._flags(0)
        self.id = r.number('H')
        if version == 5:
            self.properties = r.properties()
        self.codes = list(r.rest())

    _unsuback = _suback

    def _pingresp(self, r, version):
        self._flags(0)

    def _disconnect(self, r, version):
        self._flags(0)
        if version != 5:
            raise Broken('a 3.1.1 server may not send DISCONNECT')
        if r.at < len(r.raw):
            self.reason = r.number('B')
            if r.at < len(r.raw):
                self.properties = r.properties()


# ---- the connection -----------------------------------------------------------------------------

class Stream:
    """TCP, or TLS with a client certificate, or either with a WebSocket in it."""

    def __init__(self, server):
        self.sock = socket.create_connection((server.host, server.web_port if server.web else server.port), 10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = server.context is not None
        if self.tls:
            self.sock = server.context.wrap_socket(self.sock, server_hostname='localhost')
        self.web, self.raw, self.closed_with = server.web, b'', None
        if self.web:
            self.open_web(server)

    def open_web(self, server):
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(('GET /mqtt HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                           'Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n'
                           'Sec-WebSocket-Protocol: mqtt\r\n\r\n' % (server.host, server.web_port, key)).encode())
        head = b''
        while b'\r\n\r\n' not in head:
            more = self.sock.recv(4096)
            if not more:
                raise Closed('no answer to the upgrade: %r' % head)
            head += more
        head, _, self.raw = head.partition(b'\r\n\r\n')
        if not head.startswith(b'HTTP/1.1 101 '):
            raise Closed(head.decode('latin-1').partition('\r\n')[0])
        self.head = head.decode('latin-1')

    def send(self, raw):
        try:
            self.sock.sendall(self.frame(2, raw) if self.web else raw)
        except OSError as e:
            raise Closed(str(e))

    @staticmethod
    def frame(opcode, payload, fin=True, mask=True, rsv=0):
        n = len(payload)
        head = bytes([(128 if fin else 0) | rsv | opcode])
        bit = 128 if mask else 0
        if n < 126:
            head += bytes([bit | n])
        elif n < 65536:
            head += bytes([bit | 126]) + struct.pack('>H', n)
        else:
            head += bytes([bit | 127]) + struct.pack('>Q', n)
        if not mask:
            return head + payload
        key = os.urandom(4)
        return head + key + bytes(b ^ key[i & 3] for i, b in enumerate(payload))

    def send_raw(self, raw):
        self.sock.sendall(raw)

    def receive(self, seconds):
        """Some bytes; b'' when none came in time; Closed."""
        if not (self.tls and self.sock.pending()):
            ready, _, _ = select.select([self.sock], [], [], max(0, seconds))
            if not ready:
                return b''
        try:
            raw = self.sock.recv(65536)
        except (ssl.SSLWantReadError, BlockingIOError):
            return b''
        except OSError as e:
            raise Closed(str(e))
        if not raw:
            raise Closed('end of file')
        return self.unwrap(raw) if self.web else raw

    def unwrap(self, raw):
        self.raw += raw
        out = b''
        while len(self.raw) >= 2:
            n, at = self.raw[1], 2
            if self.raw[1] & 128:
                raise Broken('a masked frame from the server')
            if n == 126:
                if len(self.raw) < 4:
                    break
                n, at = struct.unpack('>H', self.raw[2:4])[0], 4
            elif n == 127:
                raise Broken('a frame longer than this server sends')
            if len(self.raw) < at + n:
                break
            opcode, payload = self.raw[0] & 15, self.raw[at:at + n]
            self.raw = self.raw[at + n:]
            if opcode == 8:
                self.closed_with = struct.unpack('>H', payload[:2])[0] if payload else 0
                raise Closed('WebSocket close %s' % self.closed_with)
            if opcode == 10:
                self.pong = payload
            elif opcode in (0, 2):
                out += payload
            else:
                raise Broken('WebSocket opcode %d' % opcode)
        return out

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


class Client:
    def __init__(self, server, version=5):
        self.version = version
        self.stream = Stream(server)
        self.raw, self.inbox, self.next_id = b'', [], 0
        self.aliases = {}
        self.manual = False  # True: deliveries are not acknowledged by this client

    # -- bytes --

    def send(self, raw):
        self.stream.send(raw)

    def receive(self, seconds=5):
        """The next packet; None when none came in time; Closed."""
        until = time.monotonic() + seconds
        while True:
            got = self._parse()
            if got:
                return got
            left = until - time.monotonic()
            if left < 0:
                return None
            self.raw += self.stream.receive(left)

    def _parse(self):
        if len(self.raw) < 2:
            return None
        length, at, shift = 0, 1, 0
        while True:
            if at == len(self.raw):
                return None
            byte = self.raw[at]
            length |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if not byte & 128:
                break
        if len(self.raw) < at + length:
            return None
        first, body = self.raw[0], self.raw[at:at + length]
        whole = at + length
        self.raw = self.raw[whole:]
        got = Packet(first, body, self.version)
        got.whole = whole
        if got.kind == PUBLISH:
            self._resolve(got)
        return got

    def _resolve(self, p):
        alias = p.properties.get('topic_alias')
        if alias is None:
            if not p.topic:
                raise Broken('PUBLISH without a topic')
        elif p.topic:
            self.aliases[alias] = p.topic
        elif alias not in self.aliases:
            raise Broken('an alias that was never given')
        p.full_topic = p.topic or self.aliases[alias]

    def wait(self, kind, seconds=5):
        """The next packet of this kind; PUBLISH, PUBREL and what belongs to them are dealt with meanwhile."""
        until = time.monotonic() + seconds
        while True:
            got = self.receive(until - time.monotonic())
            if got is None:
                raise Broken('no %s within %.1f s' % (NAMES[kind], seconds))
            if got.kind == kind:
                return got
            self._deal(got)

    def _deal(self, got):
        if got.kind == PUBLISH:
            self.inbox.append(got)
            if not self.manual:
                self.acknowledge(got)
        elif got.kind == PUBREL:
            if not self.manual:
                self.send(packet(PUBCOMP << 4, struct.pack('>H', got.id)))
        elif got.kind == DISCONNECT:
            raise Closed('DISCONNECT 0x%02x %s' % (got.reason, got.properties.get('reason_string', '')))
        elif got.kind not in (PINGRESP,):
            raise Broken('unexpected %r' % got)

    def acknowledge(self, p):
        if p.qos == 1:
            self.send(packet(PUBACK << 4, struct.pack('>H', p.id)))
        elif p.qos == 2:
            self.send(packet(PUBREC << 4, struct.pack('>H', p.id)))

    def messages(self, count, seconds=5, more=0.0):
        """`count` messages, or as many as came in time; with `more` also waits that long for one too many."""
        until = time.monotonic() + seconds
        while len(self.inbox) < count and time.monotonic() < until:
            self._some(until - time.monotonic())
        until = time.monotonic() + more
        while time.monotonic() < until:
            self._some(until - time.monotonic())
        out, self.inbox = self.inbox, []
        return out

    def _some(self, seconds):
        got = self.receive(seconds)
        if got:
            self._deal(got)

    def quiet(self, seconds=0.4):
        """Deal with what comes for so long."""
        return self.messages(0, 0, seconds)

    def closed(self, seconds=5):
        """The DISCONNECT (or None) with which the server ends the connection; Broken when it does not."""
        goodbye = None
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                got = self.receive(until - time.monotonic())
                if got is not None:
                    goodbye = got if got.kind in (DISCONNECT, CONNACK) else goodbye
        except Closed:
            return goodbye
        raise Broken('the server did not close the connection within %.1f s' % seconds)

    # -- packets --

    def id(self):
        self.next_id = self.next_id % 65535 + 1
        return self.next_id

    def props(self, values):
        return properties(values) if self.version == 5 else b''

    def connect_packet(self, client_id='', clean=True, keep_alive=60, props=None, will=None, user=None, password=None,
                       name='MQTT', version=None, flags=None):
        """will: (topic, payload, qos, retain, properties)"""
        bits = 2 if clean else 0
        payload = binary(client_id)
        if will:
            topic, message, qos, retain, will_props = (tuple(will) + (0, False, None))[:5] if len(will) < 5 else will
            bits |= 4 | qos << 3 | (32 if retain else 0)
            payload += self.props(will_props) + binary(topic) + binary(message)
        if user is not None:
            bits |= 128
            payload += binary(user)
        if password is not None:
            bits |= 64
            payload += binary(password)
        head = binary(name) + bytes([self.version if version is None else version, bits if flags is None else flags])
        return packet(CONNECT << 4, head + struct.pack('>H', keep_alive) + self.props(props) + payload)

    def connect(self, client_id='', **more):
        self.send(self.connect_packet(client_id, **more))
        return self.receive_connack()

    def receive_connack(self, seconds=10):
        got = self.receive(seconds)
        if got is None or got.kind != CONNACK:
            raise Broken('wanted CONNACK, got %r' % got)
        self.connack = got
        return got

    def publish_packet(self, topic, payload=b'', qos=0, retain=False, dup=False, packet_id=None, props=None):
        body = binary(topic)
        if qos:
            body += struct.pack('>H', packet_id if packet_id is not None else self.id())
        body += self.props(props) + (payload.encode() if isinstance(payload, str) else payload)
        return packet(PUBLISH << 4 | (8 if dup else 0) | qos << 1 | (1 if retain else 0), body)

    def publish(self, topic, payload=b'', qos=0, **more):
        """The whole exchange; the acknowledgement that ended it (None with QoS 0)."""
        packet_id = more.pop('packet_id', None)
        packet_id = packet_id if packet_id is not None or not qos else self.id()
        self.send(self.publish_packet(topic, payload, qos, packet_id=packet_id, **more))
        if qos == 0:
            return None
        got = self.wait(PUBACK if qos == 1 else PUBREC)
        if got.id != packet_id:
            raise Broken('an acknowledgement of %d, not of %d' % (got.id, packet_id))
        if qos == 1 or got.reason >= 0x80:
            return got
        return self.release(packet_id)

    def release(self, packet_id):
        self.send(packet(PUBREL << 4 | 2, struct.pack('>H', packet_id)))
        got = self.wait(PUBCOMP)
        if got.id != packet_id:
            raise Broken('PUBCOMP of %d, not of %d' % (got.id, packet_id))
        return got

    def subscribe_packet(self, filters, props=None, packet_id=None):
        body = struct.pack('>H', self.id() if packet_id is None else packet_id) + self.props(props)
        for one in filters if isinstance(filters, list) else [filters]:
            text, options = one if isinstance(one, tuple) else (one, 2)
            body += binary(text) + bytes([options])
        return packet(SUBSCRIBE << 4 | 2, body)

    def subscribe(self, filters, props=None):
        self.send(self.subscribe_packet(filters, props))
        got = self.wait(SUBACK)
        if got.id != self.next_id:
            raise Broken('SUBACK of %d, not of %d' % (got.id, self.next_id))
        return got

    def unsubscribe(self, filters, props=None):
        packet_id = self.id()
        body = struct.pack('>H', packet_id) + self.props(props)
        for text in filters if isinstance(filters, list) else [filters]:
            body += binary(text)
        self.send(packet(UNSUBSCRIBE << 4 | 2, body))
        got = self.wait(UNSUBACK)
        if got.id != packet_id:
            raise Broken('UNSUBACK of %d, not of %d' % (got.id, packet_id))
        return got

    def ping(self):
        self.send(b'\xc0\x00')
        return self.wait(PINGRESP)

    def disconnect(self, reason=0, props=None):
        body = b''
        if self.version == 5 and (reason or props):
            body = bytes([reason]) + properties(props)
        self.send(packet(DISCONNECT << 4, body))
        try:
            self.closed(5)
        finally:
            self.stream.close()

    def drop(self):
        """As if the network had failed."""
        self.stream.close()
