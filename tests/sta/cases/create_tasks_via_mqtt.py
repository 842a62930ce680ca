"""create-tasks-via-mqtt: a Task published is a Task made."""
from kit import case, equal, table
from mqtt import Client, Closed
from tasking_world import make as world, not_claimed, tasks

CREATE = 'tasking:create-tasks-via-mqtt/task-creation'
skip = not_claimed('create-tasks-via-mqtt')
assert world


@case(CREATE)
def through_the_capability(s):
    before = len(s.list(s.world.path + '/Tasks'))
    with Client(s.server) as c:
        c.publish(s.world.path + '/Tasks', {'taskingParameters': {'status': 'on'}})
    equal(tasks(s, before + 1)[-1]['taskingParameters'], {'status': 'on'}, 'taskingParameters')


@case(CREATE)
def through_the_set(s):
    before = len(s.list(s.world.path + '/Tasks'))
    with Client(s.server) as c:
        c.publish('Tasks', {'taskingParameters': {'status': 'off'}, 'TaskingCapability': {'@iot.id': s.world.capability}})
    equal(tasks(s, before + 1)[-1]['taskingParameters'], {'status': 'off'}, 'taskingParameters')


@table(CREATE, [('an unknown field', b'{"taskingParameters":{"status":"on","frob":1}}'), ('no JSON', b'{'), ('nothing', b'')])
def refused(s, row):
    before = len(s.list(s.world.path + '/Tasks'))
    try:
        with Client(s.server) as c:
            c.publish(s.world.path + '/Tasks', row[1], 0)
            c.settle()
    except Closed:
        pass
    tasks(s, before)
