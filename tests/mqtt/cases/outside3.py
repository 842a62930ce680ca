"""outside3.py -- what the Eclipse Paho interoperability suite asks of a 3.1.1 server, in our own words."""
import time

from client import Broken, Closed
from kit import case311, check, equal, payloads, published, subscribed


def tree(s):
    """The names that the suite uses, below one of ours."""
    return s.topic('TopicA'), s.topic('TopicA', 'B'), s.topic('Topic', 'C'), s.topic('TopicA', 'C')


@case311
def basic(s):
    s.client().disconnect()
    c = s.client()
    subscribed(c, s.topic())
    for qos in (0, 1, 2):
        published(c, s.topic(), b'qos %d' % qos, qos)
    equal(len(c.messages(3, more=0.2)), 3, 'messages')
    c.send(c.connect_packet(c.name))
    c.closed()
    d = s.new()
    d.send(d.connect_packet(s.name(), name='hj'))
    d.closed()


@case311
def retained_messages(s):
    a, b, c, d = tree(s)
    sender = s.client()
    for topic, qos in ((b, 0), (c, 1), (d, 2)):
        published(sender, topic, b'qos %d' % qos, qos, retain=True)
    time.sleep(0.2)
    subscribed(sender, s.topic('+', '+'))
    equal(len(sender.messages(3, more=0.2)), 3, 'retained messages')
    for topic, qos in ((b, 0), (c, 1), (d, 2)):
        published(sender, topic, b'', qos, retain=True)
    time.sleep(0.2)
    other = s.client()
    subscribed(other, s.topic('+', '+'))
    equal(other.quiet(), [], 'retained messages after they were cleared')


@case311
def offline_message_queueing(s):
    a, b, c, d = tree(s)
    name = s.name()
    ear = s.client(name, clean=False)
    subscribed(ear, s.topic('+', '+'))
    ear.disconnect()
    sender = s.client()
    for topic, qos in ((b, 0), (c, 1), (d, 2)):
        published(sender, topic, b'qos %d' % qos, qos)
    sender.disconnect()
    ear = s.client(name, clean=False)
    check(len(ear.messages(3, 1)) in (2, 3), 'messages')
    ear.disconnect()
    s.client(name).disconnect()


@case311
def will_message(s):
    ear = s.client(clean=False)
    subscribed(ear, s.topic())
    s.client(keep_alive=2, will=(s.topic(), b'client not disconnected', 0)).drop()
    equal(len(ear.messages(1)), 1, 'wills')
    s.client(ear.name).disconnect()


@case311
def overlapping_subscriptions(s):
    a, b, c, d = tree(s)
    client = s.client()
    subscribed(client, [(s.topic('TopicA', '#'), 2), (s.topic('TopicA', '+'), 1)])
    published(client, d, b'overlapping topic filters', 2)
    got = sorted(m.qos for m in client.messages(1, more=0.5))
    check(got in ([2], [1, 2]), 'QoS of what came: %r' % got)


@case311
def keepalive(s):
    ear = s.client(keep_alive=0)
    subscribed(ear, s.topic())
    s.client(keep_alive=2, will=(s.topic(), b'keepalive expiry', 0))
    equal(len(ear.messages(1, 6)), 1, 'wills')


@case311
def redelivery_on_reconnect(s):
    a, b, c, d = tree(s)
    name = s.name()
    ear = s.client(name, clean=False)
    subscribed(ear, s.topic('TopicA', '#'))
    ear.manual = True
    sender = s.client()
    published(sender, b, b'', 1)
    published(sender, d, b'', 2)
    equal(len(ear.messages(2)), 2, 'messages that are not acknowledged')
    ear.disconnect()
    ear = s.client(name, clean=False)
    equal(len(ear.messages(2, more=0.3)), 2, 'messages again')
    ear.disconnect()
    s.client(name).disconnect()


@case311
def zero_length_clientid(s):
    c = s.new()
    c.send(c.connect_packet('', clean=False))
    try:
        check(c.receive().reason != 0, 'an empty id that wants to be kept')
    except Closed:
        pass
    s.client('', clean=True).disconnect()


@case311
def subscribe_failure(s):
    equal(s.client().subscribe('test/nosubscribe').codes, [0x80], 'SUBACK')


@case311
def dollar_topics(s):
    c = s.client(keep_alive=0)
    c.subscribe('+/+')
    c.quiet(0.3)
    try:
        c.publish('$' + s.word + '/B', b'', 1)
        check(all(not m.topic.startswith('$') for m in c.quiet(0.2)), 'a message')
    except (Closed, Broken):
        pass


@case311
def unsubscribe(s):
    a, b, c, d = tree(s)
    ear = s.client()
    for topic in (a, b, c):
        subscribed(ear, topic)
    ear.unsubscribe(a)
    sender = s.client()
    for topic in (a, b, c):
        published(sender, topic, b'', 1)
    equal(len(ear.messages(2, more=0.3)), 2, 'messages')
