"""mqtt.py -- a client for MQTT 3.1.1 (OASIS Standard, 29 October 2014), as little of it as the cases need.

One thread: whoever waits for something reads the socket until it came or the time is over.
"""
import json
import socket
import struct
import time

from kit import Failure, check

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = range(1, 12)
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14
WAIT_S = 5.0     # for what must come
QUIET_S = 0.3    # for what must not


def text(value):
    data = value.encode('utf-8') if isinstance(value, str) else value
    return struct.pack('!H', len(data)) + data


def packet(kind, flags, body):
    n, length = len(body), b''
    while True:
        n, digit = n >> 7, n & 127
        length += bytes([digit | (128 if n else 0)])
        if not n:
            return bytes([kind << 4 | flags]) + length + body


class Closed(Failure):
    """The server closed the connection."""


class Client:
    count = 0

    def __init__(self, server, client_id=None, connect=True):
        check(server.mqtt, 'no MQTT endpoint: give --mqtt HOST:PORT')
        host, _, port = server.mqtt.rpartition(':')
        Client.count += 1
        self.client_id = client_id or '%s-%d' % (server.run, Client.count)
        self.socket = socket.create_connection((host, int(port)), timeout=WAIT_S)
        self.prefix = server.path.strip('/') + '/'
        self.buffer, self.packet_id = b'', 0
        self.messages, self.packets = [], []
        if connect:
            self.send(packet(CONNECT, 0, text('MQTT') + bytes([4, 2]) + struct.pack('!H', 60) + text(self.client_id)))
            code = self.wait(CONNACK)[1][1]
            check(code == 0, 'CONNECT of %s was refused with code %d' % (self.client_id, code))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.send(packet(DISCONNECT, 0, b''))
        except Failure:
            pass
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as e:
            raise Closed('the connection is gone: %s' % e) from None

    # -- reading --
    def take(self):
        """One packet from the buffer, or None."""
        length, shift = 0, 0
        for i in range(1, min(5, len(self.buffer))):
            length |= (self.buffer[i] & 127) << shift
            shift += 7
            if not self.buffer[i] & 128:
                end = i + 1 + length
                if len(self.buffer) < end:
                    return None
                head, body = self.buffer[0], self.buffer[i + 1:end]
                self.buffer = self.buffer[end:]
                return head, body
        return None

    def read(self, seconds):
        """Read for at most so long; True when a packet came."""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(65536)
        except (socket.timeout, TimeoutError):
            return False
        except OSError:
            data = b''
        if not data:
            raise Closed('the server closed the connection')
        self.buffer += data
        came = False
        while True:
            one = self.take()
            if one is None:
                return came
            came = True
            self.sort(*one)

    def sort(self, head, body):
        kind, qos = head >> 4, head >> 1 & 3
        if kind == PUBLISH:
            n = struct.unpack('!H', body[:2])[0]
            topic, rest = body[2:2 + n].decode('utf-8'), body[2 + n:]
            if qos:
                self.send(packet(PUBACK if qos == 1 else PUBREC, 0, rest[:2]))
                rest = rest[2:]
            self.messages.append((topic, rest, qos, head & 1))
        elif kind == PUBREL:
            self.send(packet(PUBCOMP, 0, body[:2]))
        else:
            self.packets.append((kind, body))

    def wait(self, kind, seconds=WAIT_S, packet_id=None):
        end = time.monotonic() + seconds
        while True:
            for p in self.packets:
                if p[0] == kind and (packet_id is None or struct.unpack('!H', p[1][:2])[0] == packet_id):
                    self.packets.remove(p)
                    return p
            left = end - time.monotonic()
            check(left > 0, 'packet of kind %d did not come within %.1f s' % (kind, seconds))
            self.read(left)

    # -- what cases do --
    def next_id(self):
        self.packet_id += 1
        return self.packet_id

    def subscribe(self, topic, qos=0):
        """The return code of SUBACK: 0, 1, 2, or 0x80."""
        n = self.next_id()
        self.send(packet(SUBSCRIBE, 2, struct.pack('!H', n) + text(self.prefix + topic if isinstance(topic, str) else topic) + bytes([qos])))
        return self.wait(SUBACK, packet_id=n)[1][2]

    def follow(self, topic, qos=0):
        code = self.subscribe(topic, qos)
        check(code <= qos, 'SUBSCRIBE to %s was refused with code 0x%x' % (topic, code))

    def unsubscribe(self, topic):
        n = self.next_id()
        self.send(packet(UNSUBSCRIBE, 2, struct.pack('!H', n) + text(self.prefix + topic)))
        self.wait(UNSUBACK, packet_id=n)

    def publish(self, topic, payload, qos=1, retain=0):
        """With QoS 1 and 2 until it is acknowledged."""
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        n = self.next_id() if qos else 0
        self.send(packet(PUBLISH, qos << 1 | retain, text(self.prefix + topic if isinstance(topic, str) else topic) +
                         (struct.pack('!H', n) if qos else b'') + data))
        if qos == 1:
            self.wait(PUBACK, packet_id=n)
        elif qos == 2:
            self.wait(PUBREC, packet_id=n)
            self.send(packet(PUBREL, 2, struct.pack('!H', n)))
            self.wait(PUBCOMP, packet_id=n)

    def hear(self, seconds=WAIT_S):
        """The next message: (topic without prefix, JSON)."""
        end = time.monotonic() + seconds
        while not self.messages:
            left = end - time.monotonic()
            check(left > 0, 'no message came within %.1f s' % seconds)
            self.read(left)
        topic, payload, _, _ = self.messages.pop(0)
        check(topic.startswith(self.prefix), 'a message on ' + topic)
        try:
            return topic[len(self.prefix):], json.loads(payload)
        except ValueError:
            raise Failure('the message on %s is no JSON: %r' % (topic, payload[:200])) from None

    def quiet(self, seconds=QUIET_S):
        """Nothing comes for so long."""
        end = time.monotonic() + seconds
        while not self.messages and time.monotonic() < end:
            self.read(end - time.monotonic())
        check(not self.messages, 'a message came: %r' % (self.messages[:1],))

    def settle(self):
        """Everything that was sent before this has been dealt with, as far as a PINGRESP says so."""
        self.send(packet(PINGREQ, 0, b''))
        self.wait(PINGRESP)
