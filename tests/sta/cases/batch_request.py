"""batch-request: several requests in one POST; change sets succeed or fail as a whole, and may refer to what they made."""
import json

from kit import HUGE_ID, Failure, case, check, datastream_body, equal, key, location_body, refused, show, table, thing_body

BATCH = 'batch-request/batch-request'


def part(method, target, body=None, content_id=None, content_type='application/json'):
    head = ['Content-Type: application/http', 'Content-Transfer-Encoding: binary']
    if content_id:
        head.append('Content-ID: ' + content_id)
    lines = ['%s %s HTTP/1.1' % (method, target), 'Host: example.org']
    data = ''
    if body is not None:
        data = body if isinstance(body, str) else json.dumps(body)
        lines += ['Content-Type: ' + content_type, 'Content-Length: %d' % len(data.encode())]
    return '\r\n'.join(head) + '\r\n\r\n' + '\r\n'.join(lines) + '\r\n\r\n' + data


def multipart(parts, boundary):
    return ''.join('--%s\r\n%s\r\n' % (boundary, p) for p in parts) + '--%s--\r\n' % boundary


def change_set(parts, boundary='changeset_1'):
    return 'Content-Type: multipart/mixed; boundary=%s\r\n\r\n%s' % (boundary, multipart(parts, boundary))


def send(s, parts, boundary='batch_36522ad7'):
    return s.send('POST', '$batch', multipart(parts, boundary), 'multipart/mixed; boundary=' + boundary)


def split(text, content_type, what):
    """The parts of a multipart body: (headers, content)."""
    if 'boundary=' not in content_type:
        raise Failure('%s: no boundary in Content-Type %r' % (what, content_type))
    boundary = content_type.split('boundary=', 1)[1].split(';')[0].strip().strip('"')
    pieces = ('\r\n' + text.replace('\r\n', '\n').replace('\n', '\r\n')).split('\r\n--' + boundary)
    check(len(pieces) >= 2 and pieces[-1].startswith('--'), '%s: the last boundary is missing in %s' % (what, show(text)))
    out = []
    for piece in pieces[1:-1]:
        head, _, body = piece.lstrip('\r\n').partition('\r\n\r\n')
        headers = {n.strip().lower(): v.strip() for n, _, v in (line.partition(':') for line in head.split('\r\n'))}
        out.append((headers, body))
    return out


def answers(answer):
    """What each part of a batch was answered: (status, headers, JSON or None), a list for a change set."""
    equal(answer.status, 200, answer.what)
    out = []
    for headers, body in split(answer.text, answer.headers.get('Content-Type', ''), 'the answer'):
        if headers.get('content-type', '').startswith('multipart/mixed'):
            out.append([one(b) for _, b in split(body, headers['content-type'], 'a change set')])
        else:
            out.append(one(body))
    return out


def one(text):
    head, _, body = text.lstrip('\r\n').partition('\r\n\r\n')
    lines = head.split('\r\n')
    check(lines[0].startswith('HTTP/1.'), 'a part does not begin with a status line: ' + show(text))
    headers = {n.strip().lower(): v.strip() for n, _, v in (line.partition(':') for line in lines[1:])}
    body = body.strip()
    return int(lines[0].split(' ')[1]), headers, json.loads(body) if body.startswith(('{', '[')) else None


def made(s, result):
    """The Location of a part that made something."""
    check(result[0] == 201, 'wanted 201, got %r' % (result,))
    location = result[1].get('location', '')
    check(location, 'a part has no Location: %r' % (result,))
    s.made.append(location)
    return location


@case(BATCH)
def two_questions(s):
    things = [s.thing(), s.thing()]
    got = answers(send(s, [part('GET', '%s/Things(%s)' % (s.server.path, key(t))) for t in things]))
    equal([(status, body['@iot.id']) for status, _, body in got], [(200, t) for t in things], 'the answers, in order')


@table(BATCH, [('relative to the root', lambda s, p: p), ('from the server', lambda s, p: s.server.path + '/' + p),
               ('absolute', lambda s, p: s.server.url + '/' + p)])
def targets(s, row):
    thing = s.thing()
    got = answers(send(s, [part('GET', row[1](s, 'Things(%s)' % key(thing)))]))
    equal((got[0][0], got[0][2]['@iot.id']), (200, thing), 'the answer')


@case(BATCH)
def one_that_fails_does_not_stop_the_others(s):
    thing = s.thing()
    got = answers(send(s, [part('GET', 'Things(%d)' % HUGE_ID), part('GET', 'Things(%s)' % key(thing)), part('GET', 'NoSuch'),
                           part('GET', 'Things?$top=x'), part('GET', 'Things(%s)/name' % key(thing))]))
    equal([g[0] for g in got][:2] + [got[3][0], got[4][0]], [404, 200, 400, 200], 'the statuses')
    check(got[2][0] in (400, 404), 'NoSuch: got %d' % got[2][0])


@case(BATCH)
def changes_of_each_kind(s):
    thing = s.thing()
    other = s.thing()
    path = 'Things(%s)' % key(thing)
    got = answers(send(s, [part('POST', 'Things', thing_body(s)), part('PATCH', path, {'description': 'patched'}),
                           part('DELETE', 'Things(%s)' % key(other)), part('GET', path)]))
    made(s, got[0])
    check(got[1][0] in (200, 204) and got[2][0] in (200, 204), 'PATCH and DELETE: %r' % got[1:3])
    equal(got[3][2]['description'], 'patched', 'what a later part sees')
    s.gone('Things(%s)' % key(other))


@case(BATCH)
def a_change_set(s):
    got = answers(send(s, [change_set([part('POST', 'Things', thing_body(s), '1'), part('POST', 'Things', thing_body(s), '2')])]))
    check(isinstance(got[0], list) and len(got[0]) == 2, 'a change set is answered by a multipart of two: %r' % got)
    for result in got[0]:
        s.get(made(s, result))


@case(BATCH)
def a_change_set_refers_to_what_it_made(s):
    stream = datastream_body(s)
    got = answers(send(s, [change_set([
        part('POST', 'Things', dict(thing_body(s), Locations=[location_body(s)]), 'any'),
        part('POST', '$any/Datastreams', stream, 'stream'),
        part('POST', '$stream/Observations', {'result': 5, 'phenomenonTime': '2020-01-01T00:00:00Z'}, 'o')])]))
    locations = [made(s, r) for r in got[0]]
    whole = s.get(locations[0], expand='Datastreams/Observations')
    equal(whole['Datastreams'][0]['name'], stream['name'], 'the Datastream')
    equal(whole['Datastreams'][0]['Observations'][0]['result'], 5, 'the Observation')


@case(BATCH)
def a_change_set_refers_in_bodies(s):
    sensor = {'name': s.name(), 'description': 'd', 'encodingType': 'application/pdf', 'metadata': 'x'}
    stream = {k: v for k, v in datastream_body(s).items() if k != 'Sensor'}
    got = answers(send(s, [change_set([
        part('POST', 'Things', thing_body(s), 't'), part('POST', 'Sensors', sensor, 's'),
        part('POST', 'Datastreams', dict(stream, Thing={'@iot.id': '$t'}, Sensor={'@iot.id': '$s'}), 'd')])]))
    locations = [made(s, r) for r in got[0]]
    whole = s.get(locations[2], expand='Thing,Sensor')
    equal([whole['Thing']['@iot.selfLink'], whole['Sensor']['@iot.selfLink']], locations[:2], 'the links')


@case(BATCH)
def a_change_set_is_all_or_nothing(s):
    body, thing = thing_body(s), s.thing()
    before = s.get('Things(%s)' % key(thing))
    got = answers(send(s, [change_set([part('POST', 'Things', body, '1'),
                                       part('PATCH', 'Things(%s)' % key(thing), {'description': 'changed'}, '2'),
                                       part('POST', 'Things', {'name': 'no description'}, '3')]),
                           part('GET', 'Things(%s)' % key(thing))]))
    failed = got[0][0] if isinstance(got[0], list) else got[0]
    check(failed[0] in (400, 422), 'a change set that fails is answered by one refusal: %r' % (got[0],))
    equal(s.list('Things', filter="name eq '%s'" % body['name']), [], 'Things that were made all the same')
    equal(s.get('Things(%s)' % key(thing)), before, 'the Thing')
    equal(got[1][0], 200, 'what comes after the change set')


@case(BATCH)
def deletes_in_a_failed_change_set_are_undone(s):
    thing = s.thing()
    answers(send(s, [change_set([part('DELETE', 'Things(%s)' % key(thing), None, '1'),
                                 part('PATCH', 'Things(%d)' % HUGE_ID, {'description': 'x'}, '2')])]))
    s.get('Things(%s)' % key(thing))


@case(BATCH)
def two_change_sets_stand_alone(s):
    good = thing_body(s)
    got = answers(send(s, [change_set([part('POST', 'Things', {'name': 'x'}, '1')], 'c1'),
                           change_set([part('POST', 'Things', good, '1')], 'c2')]))
    result = got[1][0] if isinstance(got[1], list) else got[1]
    made(s, result)
    equal(len(s.list('Things', filter="name eq '%s'" % good['name'])), 1, 'Things of the second change set')


@case(BATCH)
def an_unknown_reference(s):
    got = answers(send(s, [change_set([part('POST', '$nobody/Datastreams', datastream_body(s), '1')])]))
    result = got[0][0] if isinstance(got[0], list) else got[0]
    check(400 <= result[0] < 500, 'got %r' % (result,))


@case(BATCH)
def a_question_in_a_change_set_is_refused(s):
    got = send(s, [change_set([part('GET', 'Things?$top=1', None, '1')])])
    if got.status == 200:
        result = answers(got)[0]
        result = result[0] if isinstance(result, list) else result
        check(400 <= result[0] < 500, 'got %r' % (result,))
    else:
        refused(got, 400)


@case(BATCH)
def an_empty_batch(s):
    status = send(s, []).status
    check(status in (200, 400), 'got %d' % status)


GOOD = part('GET', 'Things?$top=1')
BAD = [('no boundary', 'multipart/mixed', multipart([GOOD], 'b')), ('another boundary', 'multipart/mixed; boundary=x', multipart([GOOD], 'b')),
       ('no end', 'multipart/mixed; boundary=b', '--b\r\n' + GOOD), ('nothing', 'multipart/mixed; boundary=b', ''),
       ('a huge boundary', 'multipart/mixed; boundary=' + 'b' * 5000, multipart([GOOD], 'b' * 5000)),
       ('no part', 'multipart/mixed; boundary=b', 'words'), ('JSON', 'text/plain', '{}'),
       ('a part without a request line', 'multipart/mixed; boundary=b', multipart(['Content-Type: application/http\r\n\r\nfrob'], 'b')),
       ('a part of another type', 'multipart/mixed; boundary=b', multipart(['Content-Type: text/plain\r\n\r\nGET Things HTTP/1.1\r\n\r\n'], 'b')),
       ('a batch in a batch', 'multipart/mixed; boundary=b', multipart([part('POST', '$batch', multipart([GOOD], 'c'), None,
                                                                            'multipart/mixed; boundary=c')], 'b')),
       ('a change set in a change set', 'multipart/mixed; boundary=b',
        multipart([change_set([change_set([part('POST', 'Things', {}, '1')], 'd')], 'c')], 'b'))]


@table(BATCH, BAD)
def malformed(s, row):
    answer = s.send('POST', '$batch', row[2], row[1])
    if answer.status == 200:  # each part is refused for itself
        for result in answers(answer):
            for r in result if isinstance(result, list) else [result]:
                check(400 <= r[0] < 600, 'a part was served: %r' % (r,))
    else:
        check(answer.status in (400, 413, 415, 431), 'got %d' % answer.status)


@case(BATCH)
def ten_thousand_parts_are_bounded(s):
    answer = send(s, [part('GET', 'Things(%d)' % HUGE_ID)] * 10000)
    check(answer.status in (200, 400, 413), 'got %d' % answer.status)
    s.get('')


@case(BATCH)
def methods_that_are_none(s):
    got = answers(send(s, [part('FROB', 'Things'), GOOD]))
    check(got[0][0] in (400, 405, 501), 'got %d' % got[0][0])
    equal(got[1][0], 200, 'what comes after it')


@case(BATCH)
def text_of_every_script(s):
    body = dict(thing_body(s), description='気 ☂ \r\n--batch_36522ad7\r\n')
    got = answers(send(s, [part('POST', 'Things', body)]))
    equal(s.get(made(s, got[0]))['description'], body['description'], 'description')


@case(BATCH)
def in_json(s):
    """Not of the standard: an extension that several servers have. A server may refuse it."""
    answer = s.send('POST', '$batch', {'requests': [{'id': 'a', 'method': 'post', 'url': 'Things', 'body': thing_body(s)},
                                                    {'id': 'b', 'method': 'get', 'url': 'Things?$top=1'}]})
    if answer.status in (400, 415, 501):
        return
    equal(answer.status, 200, 'status')
    got = {r['id']: r for r in answer.json['responses']}
    equal((got['a']['status'], got['b']['status']), (201, 200), 'the statuses')
    s.made.append(got['a'].get('location') or got['a']['headers'].get('location') or got['a']['headers'].get('Location'))
