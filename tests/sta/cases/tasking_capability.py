"""tasking-capability: name, description, taskingParameters, properties; one Thing, one Actuator, many Tasks."""
from kit import case, check, equal, has, key, refused, table
from model import keeps, needs, to_many, to_one, wrong_kind
from tasking_world import PARAMETERS, capability_body, make as world, not_claimed

PROPERTIES, RELATIONS = 'tasking:tasking-capability/properties', 'tasking:tasking-capability/relations'
skip = not_claimed('tasking-capability')
assert world


def whole(s):
    return dict(capability_body(s), Thing={'@iot.id': s.world.thing})


@case(PROPERTIES)
def keeps_what_was_sent(s):
    body = dict(whole(s), properties={'a': 1})
    keeps(s, 'TaskingCapabilities', body, ['name', 'description', 'taskingParameters', 'properties'])


@table(PROPERTIES, ['name', 'description', 'taskingParameters'])
def mandatory(s, name):
    needs(s, 'TaskingCapabilities', whole(s), name)


@table(PROPERTIES, [('text', 'x'), ('a list', []), ('not a DataRecord', {'type': 'Quantity'}), ('no fields', {'type': 'DataRecord'}),
                    ('a field without a name', {'type': 'DataRecord', 'field': [{'type': 'Count'}]}),
                    ('a field without a type', {'type': 'DataRecord', 'field': [{'name': 'a'}]}),
                    ('two fields of one name', {'type': 'DataRecord', 'field': [{'name': 'a', 'type': 'Count'}] * 2})])
def parameters_that_are_none(s, row):
    wrong_kind(s, 'TaskingCapabilities', whole(s), 'taskingParameters', row[1])


@table(RELATIONS, ['Thing', 'Actuator'])
def a_link_is_mandatory(s, name):
    body = whole(s)
    del body[name]
    answer = refused(s.post('TaskingCapabilities', body), 400)
    check(name in answer.text, 'the answer does not name ' + name)


@case(RELATIONS)
def thing_and_actuator(s):
    to_one(s, s.world.path, 'Thing', s.world.thing)
    to_one(s, s.world.path, 'Actuator', s.world.actuator)
    to_many(s, 'Actuators(%s)' % key(s.world.actuator), 'TaskingCapabilities', [s.world.capability])


@case(RELATIONS)
def of_a_thing(s):
    has(s.get('Things(%s)' % key(s.world.thing)), ['TaskingCapabilities@iot.navigationLink'], 'a Thing')
    rows = s.list('Things(%s)/TaskingCapabilities' % key(s.world.thing))
    check(s.world.capability in [r['@iot.id'] for r in rows], 'it is not among its Thing\'s')


@case(RELATIONS)
def tasks(s):
    has(s.get(s.world.path), ['Tasks@iot.navigationLink', '@iot.selfLink'], 'a TaskingCapability')
    s.list(s.world.path + '/Tasks')


@case(PROPERTIES)
def in_the_root(s):
    names = [row['name'] for row in s.get('')['value']]
    equal([n for n in ('TaskingCapabilities', 'Tasks', 'Actuators') if n not in names], [], 'sets that the root lacks')
    equal(s.get(s.world.path)['taskingParameters'], PARAMETERS, 'taskingParameters')
