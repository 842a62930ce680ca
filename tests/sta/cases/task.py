"""task: taskingParameters and creationTime; one TaskingCapability."""
import time

from kit import case, check, equal, has, key, parse_time
from model import to_many, to_one
from tasking_world import make as world, not_claimed

PROPERTIES, RELATIONS = 'tasking:task/properties', 'tasking:task/relations'
skip = not_claimed('task')
assert world


def task(s):
    return s.make(s.world.path + '/Tasks', {'taskingParameters': {'status': 'on', 'level': 50}})


@case(PROPERTIES)
def keeps_what_was_sent(s):
    row = s.get('Tasks(%s)' % key(task(s)))
    equal(row['taskingParameters'], {'status': 'on', 'level': 50}, 'taskingParameters')
    has(row, ['@iot.id', '@iot.selfLink', 'TaskingCapability@iot.navigationLink'], 'a Task')


@case(PROPERTIES)
def its_time_is_now(s):
    at = parse_time(s.get('Tasks(%s)' % key(task(s)))['creationTime'])
    check(abs(at - time.time()) < 120, 'creationTime is not now')


@case(RELATIONS)
def its_capability(s):
    made = task(s)
    to_one(s, 'Tasks(%s)' % key(made), 'TaskingCapability', s.world.capability)


@case(RELATIONS)
def of_its_capability(s):
    before = [r['@iot.id'] for r in s.pages(s.world.path + '/Tasks')]
    to_many(s, s.world.path, 'Tasks', before + [task(s)])
