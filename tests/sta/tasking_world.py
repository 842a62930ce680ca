"""tasking_world.py -- what the files of Tasking Core share."""
import time

from kit import TASKING, equal, key, thing_body


def not_claimed(name):
    """The skip() of a class that a server may not have."""
    def skip(server):
        return '' if server.claims(TASKING + name) else 'the server does not claim tasking (%s%s)' % (TASKING, name)
    return skip


def actuator_body(s):
    return {'name': s.name('actuator'), 'description': 'it acts', 'encodingType': 'application/pdf',
            'metadata': 'https://example.org/actuator.pdf'}


PARAMETERS = {'type': 'DataRecord', 'field': [
    {'name': 'status', 'label': 'On or off', 'type': 'Category', 'constraint': {'type': 'AllowedTokens', 'value': ['on', 'off']}},
    {'name': 'level', 'label': 'Level', 'type': 'Quantity', 'uom': {'code': '%'}, 'optional': True,
     'constraint': {'type': 'AllowedValues', 'interval': [[0, 100]]}}]}


def capability_body(s):
    """Without a Thing."""
    return {'name': s.name('capability'), 'description': 'what it can be asked', 'taskingParameters': PARAMETERS,
            'Actuator': actuator_body(s)}


class World:
    pass


def make(s):
    w = World()
    w.thing = s.make('Things', thing_body(s))
    w.capability = s.make('TaskingCapabilities', dict(capability_body(s), Thing={'@iot.id': w.thing}))
    w.path = 'TaskingCapabilities(%s)' % key(w.capability)
    w.actuator = s.get(w.path + '/Actuator')['@iot.id']
    return w


def tasks(s, many, seconds=3.0):
    end = time.monotonic() + seconds
    while True:
        rows = s.list(s.world.path + '/Tasks', orderby='id')
        if len(rows) >= many or time.monotonic() > end:
            equal(len(rows), many, 'Tasks')
            return rows
        time.sleep(0.02)
