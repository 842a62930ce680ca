"""receive-updates-via-mqtt of Tasking Core: Tasks are heard of like everything else."""
from kit import case, equal
from mqtt import Client
from tasking_world import make as world, not_claimed

RECEIVE = 'tasking:receive-updates-via-mqtt/receive-updated'
skip = not_claimed('receive-updates-via-mqtt')
assert world


@case(RECEIVE)
def a_new_task_of_a_capability(s):
    with Client(s.server) as c:
        c.follow(s.world.path + '/Tasks')
        s.make(s.world.path + '/Tasks', {'taskingParameters': {'status': 'on'}})
        equal(c.hear()[1]['taskingParameters'], {'status': 'on'}, 'taskingParameters')


@case(RECEIVE)
def a_new_task_of_all(s):
    with Client(s.server) as c:
        c.follow('Tasks')
        made = s.make(s.world.path + '/Tasks', {'taskingParameters': {'status': 'off'}})
        message = c.hear()[1]
        while message['@iot.id'] != made:
            message = c.hear()[1]
        equal(message['taskingParameters'], {'status': 'off'}, 'taskingParameters')
