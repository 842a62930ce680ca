"""create-tasks: a POST makes a Task, when its parameters fit the capability."""
from kit import HUGE_ID, case, check, equal, key, refused, table
from tasking_world import make as world, not_claimed

CREATE = 'tasking:create-tasks/task-creation'
skip = not_claimed('create-tasks')
assert world


@case(CREATE)
def through_the_capability(s):
    answer = s.post(s.world.path + '/Tasks', {'taskingParameters': {'status': 'on'}})
    equal(answer.status, 201, 'status')
    check(answer.headers.get('Location', '').startswith(s.server.url + '/Tasks('), 'Location is %r' % answer.headers.get('Location'))
    equal(s.get(answer.headers['Location'])['taskingParameters'], {'status': 'on'}, 'taskingParameters')


@case(CREATE)
def through_the_set(s):
    made = s.make('Tasks', {'taskingParameters': {'status': 'off'}, 'TaskingCapability': {'@iot.id': s.world.capability}})
    equal(s.get('Tasks(%s)/TaskingCapability' % key(made))['@iot.id'], s.world.capability, 'the TaskingCapability')


@table(CREATE, [('an unknown field', {'status': 'on', 'frob': 1}), ('a missing field', {'level': 5}), ('a token that is not allowed', {'status': 'up'}),
                ('a number for a token', {'status': 1}), ('text for a number', {'status': 'on', 'level': 'high'}),
                ('above the interval', {'status': 'on', 'level': 100.5}), ('below the interval', {'status': 'on', 'level': -1}), ('nothing', {})])
def parameters_that_do_not_fit(s, row):
    refused(s.post(s.world.path + '/Tasks', {'taskingParameters': row[1]}), 400)


@table(CREATE, [('the ends of the interval', {'status': 'on', 'level': 0}), ('its other end', {'status': 'off', 'level': 100}),
                ('without the optional field', {'status': 'on'})])
def parameters_that_fit(s, row):
    s.make(s.world.path + '/Tasks', {'taskingParameters': row[1]})


@table(CREATE, [('text', 'x'), ('a list', []), ('null', None)])
def parameters_of_a_wrong_kind(s, row):
    refused(s.post(s.world.path + '/Tasks', {'taskingParameters': row[1]}), 400)


@case(CREATE)
def without_parameters(s):
    refused(s.post(s.world.path + '/Tasks', {}), 400)


@case(CREATE)
def without_a_capability(s):
    refused(s.post('Tasks', {'taskingParameters': {'status': 'on'}}), 400)
    refused(s.post('Tasks', {'taskingParameters': {'status': 'on'}, 'TaskingCapability': {'@iot.id': HUGE_ID}}), 400, 404)
