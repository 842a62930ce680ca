"""kit.py -- what every case uses: names of its own, clients that are closed after it, assertions.

A case is a function of one argument, a Session; its name is FILE.FUNCTION. Cases run side by side, so
each uses topics and client ids that nobody else has.
"""
import os
import copy

import client as mqtt

cases = {}  # name: (function, version)


class Failure(Exception):
    """A case does not hold."""


class Skip(Exception):
    """What the case is about is not there to be asked."""


def case(function):
    """A case of MQTT 5."""
    return register(function, 5)


def case311(function):
    """A case of MQTT 3.1.1."""
    return register(function, 4)


def register(function, version):
    name = '%s.%s' % (function.__module__.rsplit('.', 1)[-1], function.__name__)
    if name in cases:
        raise SystemExit('two cases have the name ' + name)
    cases[name] = (function, version)
    return function


def both(function):
    """The same case in both versions: FUNCTION and FUNCTION_311."""
    register(function, 5)
    name = '%s.%s_311' % (function.__module__.rsplit('.', 1)[-1], function.__name__)
    cases[name] = (function, 4)
    return function


def check(good, what):
    if not good:
        raise Failure(what)


def equal(got, want, what):
    if got != want:
        raise Failure('%s: wanted %r, got %r' % (what, want, got))


class Server:
    def __init__(self, host, port, web_port=None, context=None, tree='', prefix=''):
        self.host, self.port, self.web_port, self.context = host, port, web_port, context
        self.tree, self.prefix, self.web = tree, prefix, False

    def over_web(self):
        if not self.web_port:
            raise Skip('no WebSocket address was given')
        other = copy.copy(self)
        other.web = True
        return other


class Session:
    def __init__(self, server, name, version):
        self.server, self.version = server, version
        self.word = '%s-%s' % (name.replace('.', '-').replace('_', '-'), os.urandom(3).hex())
        self.clients, self.names = [], 0

    def topic(self, *levels):
        return '/'.join((self.server.tree + self.word,) + levels)

    def name(self):
        self.names += 1
        return '%s%s-%d' % (self.server.prefix, self.word, self.names)

    def new(self, version=None, web=False):
        """A connection on which nothing was said yet."""
        c = mqtt.Client(self.server.over_web() if web else self.server, version or self.version)
        self.clients.append(c)
        return c

    def client(self, client_id=None, version=None, web=False, **connect):
        """A client that is connected; its CONNACK in .connack."""
        c = self.new(version, web)
        c.name = self.name() if client_id is None else client_id
        got = c.connect(c.name, **connect)
        equal(got.reason, 0, 'CONNACK (%s)' % got.properties.get('reason_string', ''))
        return c

    def end(self):
        for c in self.clients:
            c.stream.close()


def subscribed(c, filters, **more):
    """SUBACK that grants everything."""
    got = c.subscribe(filters, **more)
    check(all(code < 0x80 for code in got.codes), 'SUBACK refuses: %r' % got)
    return got


def published(c, topic, payload=b'', qos=1, **more):
    got = c.publish(topic, payload, qos, **more)
    check(got is None or got.reason < 0x80, 'PUBLISH is refused: %r' % got)
    return got


def payloads(messages):
    return [m.payload for m in messages]


def refused(c, raw, reason, what):
    """The server ends the connection because of these bytes; in v5 with this reason (or one of them)."""
    c.send(raw)
    goodbye = c.closed()
    if c.version != 5:
        equal(goodbye, None, '%s: 3.1.1 has no DISCONNECT from a server' % what)
        return
    check(goodbye is not None, '%s: closed without DISCONNECT' % what)
    wanted = reason if isinstance(reason, tuple) else (reason,)
    check(goodbye.reason in wanted, '%s: wanted %s, got 0x%02x (%s)' % (
        what, ' or '.join('0x%02x' % w for w in wanted), goodbye.reason, goodbye.properties.get('reason_string', '')))
