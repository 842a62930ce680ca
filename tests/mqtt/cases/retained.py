"""retained.py -- retained messages (3.3.1.3, 3.8.3.1)."""
import time

from kit import both, case, check, equal, payloads, published, subscribed


def clear(s, *levels):
    published(s.client(), s.topic(*levels), b'', 1, retain=True)


@both
def kept_for_who_comes_later(s):
    c = s.client()
    for qos in (0, 1, 2):
        published(c, s.topic('a%d' % qos), b'%d' % qos, qos, retain=True)
    c.ping()
    d = s.client()
    subscribed(d, s.topic('+'))
    got = sorted((m.payload, m.qos, m.retain) for m in d.messages(3, more=0.2))
    equal(got, [(b'0', 0, 1), (b'1', 1, 1), (b'2', 2, 1)], 'retained messages')
    for qos in (0, 1, 2):
        clear(s, 'a%d' % qos)


@both
def replaced_by_the_next(s):
    c = s.client()
    for payload in (b'one', b'two'):
        published(c, s.topic(), payload, 1, retain=True)
    d = s.client()
    subscribed(d, s.topic())
    equal(payloads(d.messages(1, more=0.2)), [b'two'], 'retained messages')
    clear(s)


@both
def removed_by_an_empty_one(s):
    listener = s.client()
    subscribed(listener, s.topic())
    c = s.client()
    published(c, s.topic(), b'x', 1, retain=True)
    published(c, s.topic(), b'', 1, retain=True)
    equal(payloads(listener.messages(2)), [b'x', b''], 'what subscribers hear')
    d = s.client()
    subscribed(d, s.topic())
    equal(d.quiet(0.3), [], 'retained messages')


@both
def untouched_by_others(s):
    c = s.client()
    published(c, s.topic(), b'kept', 1, retain=True)
    published(c, s.topic(), b'passing', 1)
    published(c, s.topic(), b'', 1)
    d = s.client()
    subscribed(d, s.topic())
    equal(payloads(d.messages(1, more=0.2)), [b'kept'], 'retained messages')
    clear(s)


@both
def flag_is_only_for_old_ones(s):
    c = s.client()
    subscribed(c, s.topic())
    published(c, s.topic(), b'x', 1, retain=True)
    equal([m.retain for m in c.messages(1)], [0], 'RETAIN of a message that was just published')
    clear(s)


@both
def sent_again_at_each_subscribe(s):
    c = s.client()
    published(c, s.topic(), b'x', 1, retain=True)
    for _ in range(2):
        subscribed(c, s.topic())
        equal([(m.payload, m.retain) for m in c.messages(1, more=0.2)], [(b'x', 1)], 'retained messages')
    clear(s)


@case
def retain_handling(s):
    published(s.client(), s.topic(), b'x', 1, retain=True)
    for handling, first, second in ((0, 1, 1), (1, 1, 0), (2, 0, 0)):
        c = s.client()
        for wanted in (first, second):
            subscribed(c, [(s.topic(), 1 | handling << 4)])
            equal(len(c.messages(1, 1) if wanted else c.quiet(0.3)), wanted, 'retain handling %d' % handling)
    clear(s)


@case
def with_all_their_properties(s):
    sent = {'user': [('a', '1'), ('b', '2')], 'content_type': 'x', 'format': 1}
    published(s.client(), s.topic(), b'x', 1, retain=True, props=sent)
    c = s.client()
    subscribed(c, s.topic(), props={'subscription_id': 5})
    equal(c.messages(1)[0].properties, dict(sent, subscription_id=[5]), 'properties')
    clear(s)


@case
def they_expire(s):
    published(s.client(), s.topic(), b'x', 1, retain=True, props={'message_expiry': 1})
    time.sleep(2.3)
    c = s.client()
    subscribed(c, s.topic())
    equal(c.quiet(0.3), [], 'retained messages after 2.3 s of 1')


@case
def not_for_shared_subscriptions(s):
    published(s.client(), s.topic(), b'x', 1, retain=True)
    c = s.client()
    subscribed(c, '$share/g/' + s.topic())
    equal(c.quiet(0.3), [], 'retained messages')
    clear(s)
