#!/usr/bin/python3
"""paho_python.py HOST PORT CA CERT KEY WEB VERSION ID TOPIC SCENARIO [COUNT] -- Eclipse Paho in Python (Debian's)."""
import os
import sys
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

host, port, ca, cert, key, web, version, ident, topic, scenario = sys.argv[1:11]
five = version == '5'


class Ear:
    """A client and what it heard."""

    def __init__(self, name, keep=False, will=None, receive_maximum=None):
        v = paho.MQTTv5 if five else paho.MQTTv311
        options = {} if five else {'clean_session': not keep}
        self.c = paho.Client(name, protocol=v, transport='websockets' if web == '1' else 'tcp', **options)
        if web == '1':
            self.c.ws_set_options(path='/mqtt')
        self.c.tls_set(ca, cert, key)
        self.keep, self.receive_maximum, self.heard, self.present = keep, receive_maximum, [], None
        self.up, self.subscribed, self.lock = threading.Event(), threading.Event(), threading.Lock()
        self.c.on_connect = self.on_connect
        self.c.on_subscribe = lambda *_: self.subscribed.set()
        self.c.on_message = self.on_message
        if will:
            self.c.will_set(will, b'gone', 1)

    def on_connect(self, client, data, flags, code, properties=None):
        assert code == 0, 'CONNACK %r' % code
        self.present = flags['session present']
        self.up.set()

    def on_message(self, client, data, m):
        with self.lock:
            self.heard.append((m.topic, m.payload, m.qos, m.retain))

    def connect(self, clean=None):
        self.up.clear()
        more = {}
        if five:
            more['properties'] = p = Properties(PacketTypes.CONNECT)
            p.SessionExpiryInterval = 120 if self.keep else 0
            if self.receive_maximum:
                p.ReceiveMaximum = self.receive_maximum
            more['clean_start'] = (not self.keep) if clean is None else clean
        self.c.connect(host, int(port), 30, **more)
        self.c.loop_start()
        assert self.up.wait(10), 'no CONNACK'
        return self

    def subscribe(self, what, qos=2):
        self.subscribed.clear()
        if five:
            self.c.subscribe(what, options=SubscribeOptions(qos))
        else:
            self.c.subscribe(what, qos)
        assert self.subscribed.wait(10), 'no SUBACK'

    def publish(self, what, payload, qos=0, retain=False):
        done = self.c.publish(what, payload, qos, retain)
        if qos:
            done.wait_for_publish(20)
            assert done.is_published(), 'no acknowledgement'

    def wait(self, count, seconds=15, more=0.3):
        until = time.monotonic() + seconds
        while time.monotonic() < until and len(self.heard) < count:
            time.sleep(0.02)
        time.sleep(more)
        with self.lock:
            out, self.heard = self.heard, []
        return out

    def end(self):
        self.c.disconnect()
        self.c.loop_stop()

    def vanish(self):
        self.c.loop_stop()
        sock = self.c.socket()
        (getattr(sock, '_socket', None) or sock).close()


def equal(got, want, what):
    assert got == want, '%s: wanted %r, got %r' % (what, want, got)


def exchange():
    a, b = Ear(ident + '-a').connect(), Ear(ident + '-b').connect()
    a.subscribe(topic + '/#')
    for qos in (0, 1, 2):
        for i in range(50):
            b.publish('%s/%d' % (topic, qos), b'%d' % i, qos)
    got = a.wait(150)
    for qos in (0, 1, 2):
        equal([int(m[1]) for m in got if m[2] == qos], list(range(50)), 'QoS %d' % qos)
    a.end(), b.end()


def survive():
    a = Ear(ident + '-a', keep=True).connect(clean=True)
    a.subscribe(topic)
    a.end()
    b = Ear(ident + '-b').connect()
    for i in range(30):
        b.publish(topic, b'%d' % i, 1 + i % 2)
    a.connect(clean=False)
    assert a.present, 'no session is present'
    got = a.wait(30)
    for rest in (0, 1):
        mine = [int(m[1]) for m in got if int(m[1]) % 2 == rest]
        equal(mine, list(range(rest, 30, 2)), 'QoS %d' % (1 + rest))
    a.end(), b.end()


def retained():
    b = Ear(ident + '-b').connect()
    b.publish(topic, b'kept', 2, True)
    a = Ear(ident + '-a').connect()
    a.subscribe(topic)
    equal([(m[1], bool(m[3])) for m in a.wait(1)], [(b'kept', True)], 'retained messages')
    b.publish(topic, b'', 1, True)
    c = Ear(ident + '-c').connect()
    c.subscribe(topic)
    equal(c.wait(0), [], 'retained messages after an empty one')
    a.end(), b.end(), c.end()


def will():
    a = Ear(ident + '-a').connect()
    a.subscribe(topic)
    Ear(ident + '-b', will=topic).connect().vanish()
    equal([m[1] for m in a.wait(1)], [b'gone'], 'wills')
    a.end()


def shared():
    ears = [Ear('%s-%d' % (ident, i)).connect() for i in range(2)]
    for e in ears:
        e.subscribe('$share/g/' + topic)
    b = Ear(ident + '-b').connect()
    for i in range(40):
        b.publish(topic, b'%d' % i, 1)
    got = [e.wait(0, more=1) for e in ears]
    equal(sorted(int(m[1]) for g in got for m in g), list(range(40)), 'messages of both')
    assert all(got), 'one member hears nothing'
    [e.end() for e in ears + [b]]


def flow():
    a = Ear(ident + '-a', receive_maximum=2).connect()
    a.subscribe(topic)
    b = Ear(ident + '-b').connect()
    for i in range(60):
        b.publish(topic, b'%d' % i, 2)
    equal([int(m[1]) for m in a.wait(60)], list(range(60)), 'messages')
    a.end(), b.end()


def killed():
    """COUNT messages of QoS 2, while the gate between is killed: each arrives once. Says `half` when half are out."""
    count = int(sys.argv[11])
    a = Ear(ident + '-a', keep=True)
    a.c.reconnect_delay_set(1, 1)
    a.connect(clean=True)
    a.subscribe(topic)
    b = Ear(ident + '-b', keep=True)
    b.c.reconnect_delay_set(1, 1)
    b.c.max_inflight_messages_set(10)
    b.connect(clean=True)
    if five:  # what a library's own reconnect sends
        for e in (a, b):
            e.c._clean_start = False
    done = set()
    b.c.on_publish = lambda client, data, mid: done.add(mid)
    for i in range(count):
        while i - len(done) >= 40:  # after a break this library does not keep to the server's receive maximum of 64
            time.sleep(0.01)
        b.c.publish(topic, b'%d' % i, 2)  # without a connection it waits inside the library
        if i == count // 2:
            print('half', flush=True)
        time.sleep(0.01)
    until = time.monotonic() + 40
    while len(done) < count and time.monotonic() < until:
        time.sleep(0.05)
    equal(len(done), count, 'acknowledged messages')
    got = [int(m[1]) for m in a.wait(count, 40, 1)]
    equal(len(got), len(set(got)), 'messages that came once (of %d that came)' % len(got))
    equal(sorted(got), list(range(count)), 'messages')
    a.end(), b.end()


if scenario in ('shared', 'flow') and not five:
    sys.exit('that is of MQTT 5')
globals()[scenario]()
print('ok')
sys.stdout.flush()
os._exit(0)
