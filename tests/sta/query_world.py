"""query_world.py -- what the questions are asked about: a few entities of known content, and the same as Python values."""
from kit import CELSIUS, OM, PERCENT, ids, key, location_body

THINGS = [
    # stem, description, properties
    ('alpha', 'Sensor Things', {'n': 5, 'text': "O'Brien", 'flag': True, 'nested': {'deep': {'x': 'yes'}}, 'list': [1, 2]}),
    ('beta', 'sensor things', {'n': 12.5, 'text': 'green', 'flag': False, 'nested': {'deep': {'x': 'no'}}}),
    ('gamma', '  padded  ', {'n': -3, 'text': '100% & more', 'mixed': 'five'}),
    ('delta', 'nothing else', None),
    ('epsilon', 'Ünïcode ☂ 気', {'n': 5, 'text': '', 'mixed': 7}),
]
PLACES = [(8.4, 49.0), (9.0, 50.0), (-114.06, 51.05), (0.0, 0.0), (151.2, -33.9)]
# result, phenomenonTime, resultTime
READINGS = [
    (20.5, '2020-01-01T00:00:00.000Z', None),
    (3.5, '2020-01-01T01:00:00.000Z', '2020-01-01T01:00:05.250Z'),
    (-7, '2020-01-01T02:30:15.500Z', '2021-06-07T08:09:10.000Z'),
    (100, '2020-06-15T12:00:00.000Z', '2020-06-15T12:00:00.000Z'),
    (0, '2020-12-31T23:59:59.999Z', None),
    (9, '2019-02-28T06:07:08.000Z', '2019-02-28T06:07:08.000Z'),
    (10, '2019-02-28T06:07:08.000Z', '2019-03-01T00:00:00.000Z'),
    (20.5, '2018-07-04T00:00:00.000Z', '2018-07-04T00:00:00.000Z'),
]
WORDS = ['dry', 'Wet', 'damp', '10', '9']


class Row(dict):
    __getattr__ = dict.get


class World:
    pass


def make(s):
    w = World()
    w.prefix = s.name('q') + ' '
    w.things = []
    for number, (stem, description, properties) in enumerate(THINGS):
        more = {'name': w.prefix + stem, 'description': description,
                'Locations': [dict(location_body(s, *PLACES[number]), name=w.prefix + stem + ' place')]}
        if properties is not None:
            more['properties'] = properties
        w.things.append(Row(id=s.thing(**more), stem=stem, description=description, properties=properties or {},
                            place=PLACES[number]))
    alpha, beta, gamma = (t.id for t in w.things[:3])
    w.numbers = s.datastream(alpha, name=w.prefix + 'numbers', description='a', unitOfMeasurement=dict(CELSIUS))
    w.words = s.datastream(alpha, name=w.prefix + 'words', description='b', observationType=OM + 'OM_CategoryObservation',
                           unitOfMeasurement=dict(PERCENT))
    w.mixed = s.datastream(beta, name=w.prefix + 'mixed', description='a', observationType=OM + 'OM_Observation',
                           unitOfMeasurement=dict(PERCENT))
    w.empty = s.datastream(gamma, name=w.prefix + 'empty', description='c')
    w.readings = []
    for result, when, known in READINGS:
        more = {'resultTime': known} if known else {}
        w.readings.append(Row(id=s.observe(w.numbers, result, when, parameters={'even': result % 2 == 0}, **more),
                              result=result, phenomenonTime=when, resultTime=known))
    w.sayings = [Row(id=s.observe(w.words, word, '2020-01-0%dT00:00:00Z' % (n + 1)), result=word)
                 for n, word in enumerate(WORDS)]
    w.spans = [Row(id=s.observe(w.mixed, n, span), span=span) for n, span in enumerate(
        ['2020-01-01T00:00:00Z/2020-01-02T00:00:00Z', '2020-01-03T00:00:00Z/2020-01-04T00:00:00Z'])]
    return w


def things_that(s, text):
    """The stems of the Things of this world that fit the filter."""
    rows = s.pages('Things', filter="startswith(name,'%s') and (%s)" % (s.world.prefix, text))
    return sorted(r['name'][len(s.world.prefix):] for r in rows)


def observations_that(s, text, stream=None):
    return sorted(ids(s.pages('Datastreams(%s)/Observations' % key(stream or s.world.numbers), filter=text)))


def holds(s, text):
    """Whether an expression is true of the Thing alpha."""
    return len(s.list('Things', filter='id eq %s and (%s)' % (key(s.world.things[0].id), text))) == 1
