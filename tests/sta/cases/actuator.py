"""actuator: name, description, encodingType, metadata, properties; TaskingCapabilities."""
from kit import case, equal, key, table
from model import keeps, needs, to_many, wrong_kind
from tasking_world import actuator_body, capability_body, make as world, not_claimed

PROPERTIES, RELATIONS = 'tasking:actuator/properties', 'tasking:actuator/relations'
skip = not_claimed('actuator')
assert world


@case(PROPERTIES)
def keeps_what_was_sent(s):
    body = dict(actuator_body(s), properties={'serial': 1})
    keeps(s, 'Actuators', body, ['name', 'description', 'encodingType', 'metadata', 'properties'])


@table(PROPERTIES, ['name', 'description', 'encodingType', 'metadata'])
def mandatory(s, name):
    needs(s, 'Actuators', actuator_body(s), name)


@table(PROPERTIES, [('a number as name', 'name', 1), ('text as properties', 'properties', 'x')])
def kinds(s, row):
    wrong_kind(s, 'Actuators', actuator_body(s), row[1], row[2])


@case(RELATIONS)
def capabilities(s):
    actuator = s.make('Actuators', actuator_body(s))
    made = [s.make('TaskingCapabilities', dict(capability_body(s), Thing={'@iot.id': s.world.thing}, Actuator={'@iot.id': actuator}))
            for _ in range(2)]
    to_many(s, 'Actuators(%s)' % key(actuator), 'TaskingCapabilities', made)


@case(RELATIONS)
def may_stand_alone(s):
    equal(s.list('Actuators(%s)/TaskingCapabilities' % key(s.make('Actuators', actuator_body(s)))), [], 'TaskingCapabilities')
