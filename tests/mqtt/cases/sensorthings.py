"""sensorthings.py -- topics of SensorThings and of leases are not plain topics (18-088 14.1; specs of this server)."""
from kit import both, case, check, equal, refused, subscribed
from client import Closed

OBSERVATIONS = 'v1.1/Datastreams(1)/Observations'


@case
def retained_is_refused(s):
    c = s.client()
    for qos in (1, 2):
        got = c.publish(OBSERVATIONS, b'{"result":1}', qos, retain=True)
        check(got.reason >= 0x80 and got.properties.get('reason_string'), 'answer %r' % got)


@both
def wildcards_are_refused(s):
    c = s.client()
    for text in ('v1.1/+/Observations', 'v1.1/#', 'v1.1/Datastreams(1)/+'):
        got = c.subscribe(text)
        check(got.codes[0] >= 0x80, '%s got 0x%02x' % (text, got.codes[0]))


@both
def wills_are_refused(s):
    c = s.new()
    c.send(c.connect_packet(s.name(), will=(OBSERVATIONS, b'{"result":1}', 1)))
    check(c.receive_connack().reason != 0, 'the will was taken')
    c.closed()


@both
def shared_is_refused(s):
    got = s.client().subscribe('$share/g/' + OBSERVATIONS)
    check(got.codes[0] >= 0x80, 'code 0x%02x' % got.codes[0])


@case
def nonsense_is_refused_with_a_sentence(s):
    c = s.client()
    for topic, payload in (('v1.1/Nothing', b'{}'), ('v1.1/Observations', b'not json'), ('leases/other', b'x'),
                           ('v1.1', b''), ('v1.1/', b'')):
        got = c.publish(topic, payload, 1)
        check(got.reason >= 0x80 and len(got.properties.get('reason_string', '')) > 5, '%s got %r' % (topic, got))


@both
def leases_of_others(s):
    got = s.client().subscribe(['leases/somebody-else', 'leases/#', 'leases/+'])
    check(all(code >= 0x80 for code in got.codes), 'codes %r' % got.codes)
