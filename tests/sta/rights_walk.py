"""rights_walk.py -- started by tests/sta/rights: walks every shape of path to hidden entities, and compares.

Hidden and never-existing entities have ids of as many digits. Of two answers the dates are left out, and the
ids that were asked for are written as #; everything else must be the same bytes.
"""
import argparse
import json
import os
import re
import ssl
import struct
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kit  # noqa: E402
import mqtt  # noqa: E402

passed, failed = 0, []


def check(what, good, why=''):
    global passed
    if good:
        passed += 1
    else:
        failed.append(what)
        print('FAILED: %s\n    %s' % (what, why))


class Person:
    """Somebody with a certificate, and a token when they are no device."""

    def __init__(self, name, folder, https, mqtts, token=''):
        self.name, self.token = name, token
        context = ssl.create_default_context(cafile=os.path.join(folder, 'ca.pem'))
        context.load_cert_chain(os.path.join(folder, 'cert.pem'), os.path.join(folder, 'key.pem'))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context = context
        headers = {'Authorization': 'Bearer ' + token} if token else {}
        self.server = kit.Server('https://%s/v1.1' % https, mqtts, headers, context)
        self.session = kit.Session(self.server)

    def make(self, path, body):
        return self.session.make(path, body)

    def ask(self, method, path, body=None, content_type='application/json', options=''):
        target = self.session.target(path) + (('?' + options) if options else '')
        headers = {'Content-Type': content_type} if body is not None else {}
        return self.server.request(method, target, body, headers)


class TlsClient(mqtt.Client):
    """A person's token is the password."""

    def __init__(self, person):
        super().__init__(person.server, person.name, connect=False)
        self.socket = person.context.wrap_socket(self.socket, server_hostname='127.0.0.1')
        flags, more = (0xc2, mqtt.text(person.name) + mqtt.text(person.token)) if person.token else (2, b'')
        self.send(mqtt.packet(mqtt.CONNECT, 0, mqtt.text('MQTT') + bytes([4, flags]) + struct.pack('!H', 60) +
                              mqtt.text(person.name) + more))
        code = self.wait(mqtt.CONNACK)[1][1]
        if code:
            raise kit.Failure('CONNECT was refused with code %d' % code)


# ---- what is there ----------------------------------------------------------------------------------

def family(person, stem, class_name):
    """A Thing with everything, of one class: the ids by letter."""
    s = person.session
    body = {'name': stem + ' thing', 'description': stem, 'Locations': [dict(kit.location_body(s), name=stem + ' place')]}
    thing = person.make('Things', body)
    stream = dict(kit.datastream_body(s), name=stem + ' stream', properties={'class': class_name, 'mark': stem})
    stream['Sensor']['name'] = stem + ' sensor'
    stream['ObservedProperty']['name'] = stem + ' property'
    d = person.make('Things(%d)/Datastreams' % thing, stream)
    return {'T': thing, 'D': d, 'O': person.make('Datastreams(%d)/Observations' % d, {'result': 21})}


def with_multi(person, ids, class_name):
    """And a MultiDatastream of what is there already, so that no id gets longer."""
    stream = person.session.get('Datastreams(%d)' % ids['D'], expand='Sensor,ObservedProperty')
    ids['M'] = person.make('Things(%d)/MultiDatastreams' % ids['T'], {
        'name': 'multi', 'description': 'd', 'observationType': kit.COMPLEX, 'multiObservationDataTypes': [kit.MEASUREMENT],
        'unitOfMeasurements': [kit.CELSIUS], 'properties': {'class': class_name}, 'Sensor': {'@iot.id': stream['Sensor']['@iot.id']},
        'ObservedProperties': [{'@iot.id': stream['ObservedProperty']['@iot.id']}]})
    return ids


def all_ids(bob_or_ann, ids):
    """The other ids of a family, as somebody sees them who may."""
    s = bob_or_ann.session
    stream = s.get('Datastreams(%d)' % ids['D'], expand='Sensor,ObservedProperty')
    thing = s.get('Things(%d)' % ids['T'], expand='Locations,HistoricalLocations')
    ids.update(S=stream['Sensor']['@iot.id'], P=stream['ObservedProperty']['@iot.id'], L=thing['Locations'][0]['@iot.id'],
               H=thing['HistoricalLocations'][0]['@iot.id'],
               F=s.get('Observations(%d)/FeatureOfInterest' % ids['O'])['@iot.id'])
    return ids


SETS = {'T': 'Things', 'L': 'Locations', 'H': 'HistoricalLocations', 'D': 'Datastreams', 'S': 'Sensors', 'P': 'ObservedProperties',
        'O': 'Observations', 'F': 'FeaturesOfInterest', 'M': 'MultiDatastreams'}
RELATIONS = {'T': ['Locations', 'HistoricalLocations', 'Datastreams', 'MultiDatastreams', 'TaskingCapabilities'],
             'L': ['Things', 'HistoricalLocations'], 'H': ['Thing', 'Locations'], 'D': ['Thing', 'Sensor', 'ObservedProperty', 'Observations'],
             'S': ['Datastreams', 'MultiDatastreams'], 'P': ['Datastreams', 'MultiDatastreams'],
             'O': ['Datastream', 'MultiDatastream', 'FeatureOfInterest'], 'F': ['Observations'],
             'M': ['Thing', 'Sensor', 'ObservedProperties', 'Observations']}
PROPERTIES = {'T': ['name', 'properties'], 'L': ['location'], 'H': ['time'], 'D': ['name', 'phenomenonTime', 'observedArea', 'unitOfMeasurement'],
              'S': ['metadata'], 'P': ['definition'], 'O': ['result', 'phenomenonTime', 'resultTime', 'parameters'], 'F': ['feature'],
              'M': ['name', 'phenomenonTime', 'unitOfMeasurements']}


def never(ids):
    """Ids of as many digits that nothing ever had."""
    out = {k: int('9' * len(str(v))) for k, v in ids.items() if k != 'O'}
    out['O'] = ids['O'] + (9 << 32)
    assert len(str(out['O'])) == len(str(ids['O'])), 'the ids of Observations do not have as many digits'
    return out


def shapes(open_ids):
    """(method, path, options, body): {X} is the hidden id, everything else is visible."""
    for letter, entity_set in SETS.items():
        at = '%s({%s})' % (entity_set, letter)
        paths = [at, at + '/$ref', at + '/noSuch', at + '/$value', at + '/$count']
        paths += ['%s/%s' % (at, p) for p in PROPERTIES[letter]] + ['%s/%s/$value' % (at, p) for p in PROPERTIES[letter]]
        paths += ['%s/%s' % (at, r) for r in RELATIONS[letter]] + ['%s/%s/$ref' % (at, r) for r in RELATIONS[letter]]
        for p in paths:
            yield 'GET', p, '', None
        yield 'HEAD', at, '', None
        for r in RELATIONS[letter]:
            yield 'GET', at, '$expand=' + r, None
            if r.endswith('s'):
                yield 'GET', at + '/' + r, '$count=true&$top=0', None
                yield 'GET', at + '/' + r, '$filter=id%20gt%200&$orderby=id%20desc&$top=1', None
        yield 'GET', at, '$select=id', None
        yield 'GET', entity_set, '$filter=id%%20eq%%20{%s}' % letter, None
        yield 'GET', entity_set, '$filter=id%%20eq%%20{%s}&$count=true&$top=0' % letter, None
        yield 'GET', entity_set, '$filter=not%%20(id%%20ne%%20{%s})' % letter, None
        yield 'GET', entity_set + '/$ref', '$filter=id%%20eq%%20{%s}' % letter, None
        yield 'PATCH', at, '', {'description': 'x'}
        yield 'PUT', at, '', {'name': 'x', 'description': 'x'}
        yield 'DELETE', at, '', None
    yield from by_relations(open_ids)


def by_relations(v):
    """Through what is visible, and through links in bodies."""
    walks = ['Things(%d)/Datastreams({D})' % v['T'], 'Things(%d)/Locations({L})' % v['T'], 'Things(%d)/HistoricalLocations({H})' % v['T'],
             'Things(%d)/Datastreams({D})/Observations' % v['T'], 'Things(%d)/Datastreams(%d)/Observations({O})' % (v['T'], v['D']),
             'Datastreams(%d)/Observations({O})' % v['D'], 'Datastreams(%d)/Observations({O})/result' % v['D'],
             'Sensors(%d)/Datastreams({D})' % v['S'], 'ObservedProperties(%d)/Datastreams({D})' % v['P'],
             'FeaturesOfInterest(%d)/Observations({O})' % v['F'], 'Locations(%d)/Things({T})' % v['L'],
             'Datastreams(%d)/Thing/Datastreams({D})' % v['D'], 'Observations(%d)/Datastream/Thing/Datastreams({D})/name/$value' % v['O']]
    for w in walks:
        yield 'GET', w, '', None
        yield 'GET', w + '/$ref', '', None
    filters = [('Things', 'Datastreams/id', 'D'), ('Things', 'Locations/id', 'L'), ('Things', 'Datastreams/Observations/id', 'O'),
               ('Sensors', 'Datastreams/id', 'D'), ('ObservedProperties', 'Datastreams/id', 'D'), ('Locations', 'Things/id', 'T'),
               ('Datastreams', 'Thing/id', 'T'), ('Datastreams', 'Sensor/id', 'S'), ('Datastreams', 'Observations/id', 'O'),
               ('Observations', 'Datastream/id', 'D'), ('Observations', 'FeatureOfInterest/id', 'F'), ('Observations', 'Datastream/Thing/id', 'T'),
               ('FeaturesOfInterest', 'Observations/id', 'O'), ('HistoricalLocations', 'Thing/id', 'T')]
    for entity_set, path, letter in filters:
        for op in ('eq', 'ne'):
            yield 'GET', entity_set, '$filter=%s%%20%s%%20{%s}&$count=true' % (path, op, letter), None
        yield 'GET', 'Things(%d)' % v['T'], '$expand=Datastreams($filter=id%20eq%20{D};$count=true;$expand=Observations)', None
    yield 'POST', 'Things({T})/Datastreams', '', {'name': 'x', 'description': 'x'}
    yield 'POST', 'Things({T})/Locations', '', {'name': 'x', 'description': 'x'}
    yield 'POST', 'Datastreams({D})/Observations', '', {'result': 1}
    yield 'POST', 'MultiDatastreams({M})/Observations', '', {'result': [1]}
    yield 'GET', 'Things(%d)/MultiDatastreams({M})' % v['T'], '', None
    yield 'GET', 'Sensors', '$filter=MultiDatastreams/id%20eq%20{M}&$count=true', None
    yield 'POST', 'Observations', '', {'result': 1, 'Datastream': {'@iot.id': '{D}'}}
    yield 'POST', 'Datastreams(%d)/Observations' % v['D'], '', {'result': 1, 'FeatureOfInterest': {'@iot.id': '{F}'}}
    yield 'POST', 'Things', '', {'name': 'x', 'description': 'x', 'Locations': [{'@iot.id': '{L}'}]}
    yield 'POST', 'CreateObservations', '', [{'Datastream': {'@iot.id': '{D}'}, 'components': ['result'], 'dataArray': [[1]]}]
    for method, url, body in (('get', 'Things({T})', None), ('get', 'Observations?$filter=Datastream/id%20eq%20{D}&$count=true', None),
                              ('patch', 'Datastreams({D})', {'description': 'x'}), ('delete', 'Observations({O})', None),
                              ('post', 'Datastreams({D})/Observations', {'result': 1})):
        one = {'id': 'a', 'method': method, 'url': url}
        yield 'POST', '$batch', '', {'requests': [dict(one, body=body) if body else one]}
        if method != 'get':
            yield 'POST', '$batch', '', {'requests': [dict(one, atomicityGroup='g', **({'body': body} if body else {}))]}


def filled(text, ids):
    for letter, number in ids.items():
        text = text.replace('{%s}' % letter, str(number))
    return text


def answer(person, shape, ids):
    """The whole answer, without its date, with the ids that were asked for as #."""
    method, path, options, body = shape
    data = None
    if body is not None:
        data = re.sub(r'"(\d+)"', r'\1', filled(json.dumps(body), ids)).encode()
    got = person.ask(method, filled(path, ids), data, options=filled(options, ids))
    head = sorted((n.lower(), v) for n, v in got.headers.items() if n.lower() != 'date')
    text = '%d %r %s' % (got.status, head, urllib.parse.unquote(got.text))
    asked = path + options + json.dumps(body)
    for letter in (k for k in ids if '{%s}' % k in asked):
        number = str(ids[letter])
        text = text.replace('%s(%s)' % (SETS[letter], number), SETS[letter] + '(#)')
        text = text.replace(number, '#') if letter == 'O' else re.sub(r'(?<= )%s(?=[) &,;"]|$)' % number, '#', text)
    return text


def walk(person, hidden, open_ids, reads=True):
    other = never(hidden)
    for shape in shapes(open_ids):
        if shape[0] in ('GET', 'HEAD') and not reads:
            continue
        one, two = answer(person, shape, hidden), answer(person, shape, other)
        check('%s: %s %s?%s' % (person.name, shape[0], shape[1], shape[2]), one == two, 'hidden: %s\n    never:  %s' % (one[:400], two[:400]))
        if one.startswith(('201', '204')) and '["error"]' not in one:
            check('%s changed something hidden by %s %s' % (person.name, shape[0], shape[1]), False, one[:200])


# ---- lists, and what filters may let through -------------------------------------------------------------

def lists(person, seen):
    """Every list holds exactly what this person may see: by pages of one, by count, in any order."""
    s = person.session
    for letter, entity_set in SETS.items():
        want = sorted(seen[letter])
        for options in ({}, {'top': 1}, {'top': 1, 'orderby': 'id desc'}, {'orderby': 'id'}, {'filter': 'id gt 0'}):
            got = sorted(kit.ids(s.pages(entity_set, **options)))
            check('%s: %s with %r' % (person.name, entity_set, options), got == want, 'wanted %s, got %s' % (want, got))
        count = s.get(entity_set, count='true', top=0).get('@iot.count')
        check('%s: count of %s' % (person.name, entity_set), count == len(want), 'wanted %d, got %r' % (len(want), count))
        page, pages = s.get(entity_set, top=1), 1
        while '@iot.nextLink' in page:
            check('%s: a page of %s holds a row' % (person.name, entity_set), len(page['value']) == 1, repr(page)[:200])
            page, pages = s.get(page['@iot.nextLink']), pages + 1
        check('%s: as many pages of %s as rows' % (person.name, entity_set), pages <= max(1, len(want)), '%d pages' % pages)


def silent_filters(person, mark):
    """A filter on a hidden value says what one on a value that is nowhere says."""
    nowhere = 'q' * len(mark)
    for entity_set, text in (('Datastreams', "properties/mark eq '%s'"), ('Things', "Datastreams/properties/mark eq '%s'"),
                             ('Sensors', "name eq '%s sensor'"), ('ObservedProperties', "startswith(name,'%s')"), ('Things', "description eq '%s'"),
                             ('Locations', "name eq '%s place'"), ('Observations', "Datastream/properties/mark eq '%s'"),
                             ('Sensors', "Datastreams/Thing/description eq '%s'"), ('Things', "Locations/name eq '%s place'"),
                             ('Datastreams', "Thing/description eq '%s'"), ('FeaturesOfInterest', "Observations/Datastream/properties/mark eq '%s'")):
        for options in ('', '&$count=true', '&$top=1', '&$orderby=id%20desc', '&$expand=' + RELATIONS[[k for k, v in SETS.items() if v == entity_set][0]][0]):
            for form in (text, 'not (' + text + ')'):
                one, two = (person.ask('GET', entity_set, options='$filter=' + urllib.parse.quote(form % m) + options) for m in (mark, nowhere))
                check('%s: %s?$filter=%s%s' % (person.name, entity_set, form % mark, options),
                      (one.status, one.text.replace(mark, nowhere)) == (two.status, two.text), 'hidden: %s\n    nowhere: %s' % (one.text[:300], two.text[:300]))


# ---- MQTT --------------------------------------------------------------------------------------------------

def topics(person, hidden):
    other = never(hidden)
    shapes_ = ['Datastreams({D})/Observations', 'MultiDatastreams({M})/Observations', 'Datastreams({D})', 'Things({T})', 'Things({T})/Datastreams', 'Things({T})/name',
               'FeaturesOfInterest({F})/Observations', 'Observations({O})', 'Datastreams({D})/Observations?$select=result', 'Sensors({S})',
               'Things({T})/Datastreams({D})/Observations', 'Locations({L})/Things']
    for shape in shapes_:
        codes = []
        for ids in (hidden, other):
            with TlsClient(person) as c:
                codes.append(c.subscribe(filled(shape, ids)))
        check('%s: SUBSCRIBE to %s' % (person.name, shape), codes[0] == codes[1] == 0x80, 'hidden 0x%x, never 0x%x' % tuple(codes))
    for shape in ('Datastreams({D})/Observations', 'FeaturesOfInterest({F})/Observations', 'Things({T})/Datastreams({D})/Observations'):
        ends = []
        for ids in (hidden, other):
            try:
                with TlsClient(person) as c:
                    c.publish(filled(shape, ids), {'result': 1}, 1)
                ends.append('acknowledged')
            except mqtt.Closed:
                ends.append('closed')
            except kit.Failure as e:
                ends.append(str(e))
        check('%s: PUBLISH to %s' % (person.name, shape), ends[0] == ends[1] != 'acknowledged', repr(ends))


def hears_nothing(person, path, act, other):
    """What is open is heard, and nothing comes when something hidden changes."""
    with TlsClient(person) as c:
        c.follow(path)
        other()
        try:
            c.hear()
        except kit.Failure as e:
            check('%s hears what is open on %s' % (person.name, path), False, str(e))
            return
        act()
        try:
            c.quiet()
            quiet = True
        except kit.Failure as e:
            quiet = str(e)
        check('%s hears nothing of what is hidden' % person.name, quiet is True, str(quiet))


def main():
    p = argparse.ArgumentParser()
    for option in ('--state', '--https', '--mqtts'):
        p.add_argument(option, required=True)
    o = p.parse_args()
    at = lambda kind, name: os.path.join(o.state, kind, name)
    station, meter, both = (Person(n, at('field', n), o.https, o.mqtts) for n in ('station', 'meter', 'both'))
    ann, bob, clerk = (Person(n, at('callers', n), o.https, o.mqtts, os.environ[n.upper()]) for n in ('ann', 'bob', 'clerk'))
    fill = [family(station, 'fill-weather-%d' % n, 'weather') for n in range(2)]  # ids of Observations get eleven digits
    weather = with_multi(station, family(station, 'open-weather', 'weather'), 'weather')
    home = with_multi(meter, family(meter, 'secret-home', 'home'), 'home')
    mixed = family(both, 'mixed-weather', 'weather')
    inner = dict(kit.datastream_body(both.session), name='mixed-home stream', properties={'class': 'home', 'mark': 'mixed-home'})
    mixed_home = {'D': both.make('Things(%d)/Datastreams' % mixed['T'], inner)}
    mixed_home['O'] = both.make('Datastreams(%d)/Observations' % mixed_home['D'], {'result': 5})
    for person, ids in [(ann, weather), (bob, home), (ann, mixed)] + [(ann, f) for f in fill]:
        all_ids(person, ids)
    stream = bob.session.get('Datastreams(%d)' % mixed_home['D'], expand='Sensor,ObservedProperty')
    mixed_home.update(T=mixed['T'], L=mixed['L'], H=mixed['H'], S=stream['Sensor']['@iot.id'], P=stream['ObservedProperty']['@iot.id'],
                      F=bob.session.get('Observations(%d)/FeatureOfInterest' % mixed_home['O'])['@iot.id'])
    sees = lambda *families: {k: sorted({f[k] for f in families if k in f}) for k in SETS}
    for person in (ann, clerk):  # clerk reads as ann does, and may write what is of the weather
        walk(person, home, weather, person is ann)
        walk(person, dict(home, D=mixed_home['D'], S=mixed_home['S'], P=mixed_home['P'], O=mixed_home['O']), mixed, person is ann)
        lists(person, sees(weather, mixed, *fill))
    for mark in ('secret-home', 'mixed-home'):
        silent_filters(ann, mark)
    walk(bob, weather, home)
    lists(bob, sees(home, mixed_home))
    silent_filters(bob, 'open-weather')
    walk(station, home, weather)
    walk(meter, weather, home)
    topics(station, home)
    topics(meter, weather)
    topics(ann, home)
    topics(ann, dict(home, D=mixed_home['D'], S=mixed_home['S'], O=mixed_home['O']))
    topics(bob, weather)
    secret = lambda: meter.make('Datastreams(%d)/Observations' % home['D'], {'result': 22})
    inner = lambda: both.make('Datastreams(%d)/Observations' % mixed_home['D'], {'result': 23})
    open_one = lambda: station.make('Datastreams(%d)/Observations' % weather['D'], {'result': 24})
    for person, path, act in ((station, 'Datastreams(%d)/Observations' % weather['D'], secret), (station, 'Observations', secret),
                              (ann, 'Observations', secret), (ann, 'Observations', inner)):
        hears_nothing(person, path, act, open_one)
    for person, ids in ((bob, home), (ann, weather)):  # the walks did no harm
        check('everything is still there', person.session.ask('Observations(%d)' % ids['O']).status == 200)
    print('%d passed, %d failed' % (passed, len(failed)))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
