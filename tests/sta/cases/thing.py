"""datamodel/thing: name, description, properties; Locations, HistoricalLocations, Datastreams."""
from kit import case, check, datastream_body, equal, has, key, lacks, location_body, multi_body, table, thing_body
from kit import Skip
from model import keeps, needs, to_many, wrong_kind

PROPERTIES = 'datamodel/thing/properties'
RELATIONS = 'datamodel/thing/relations'


@case(PROPERTIES)
def keeps_what_was_sent(s):
    body = dict(thing_body(s), properties={'owner': 'works', 'floor': 3})
    keeps(s, 'Things', body, ['name', 'description', 'properties'])


@table(PROPERTIES, ['name', 'description'])
def mandatory(s, name):
    needs(s, 'Things', thing_body(s), name)


@table(PROPERTIES, [('a number as name', 'name', 5), ('a list as description', 'description', ['x']),
                    ('text as properties', 'properties', 'x'), ('a list as properties', 'properties', [1]),
                    ('a number as properties', 'properties', 7)])
def kinds(s, row):
    wrong_kind(s, 'Things', thing_body(s), row[1], row[2])


@case(PROPERTIES)
def properties_may_be_left_out(s):
    thing = s.get('Things(%s)' % key(s.thing()))
    check(not thing.get('properties'), 'properties appeared by themselves')


@case(PROPERTIES)
def properties_hold_any_json(s):
    value = {'text': 'a "quoted" word\n', 'number': -1.5e3, 'yes': True, 'nothing': None, 'list': [1, [2, {'x': 'y'}]],
             'deep': {'deeper': {'deepest': 'ü ☂ 𝄞'}}, 'empty': {}, 'none': []}
    thing = s.thing(properties=value)
    equal(s.get('Things(%s)' % key(thing))['properties'], value, 'properties')


@case(PROPERTIES)
def names_in_any_script(s):
    name = s.name("Wetterhäuschen ☂ 気象 'quoted' \"twice\" & more % + / ?")
    thing = s.thing(name=name)
    equal(s.get('Things(%s)/name' % key(thing)), {'name': name}, 'name')


@case(PROPERTIES)
def no_property_of_another_type(s):
    thing = s.get('Things(%s)' % key(s.thing()))
    lacks(thing, ['definition', 'encodingType', 'metadata', 'result', 'location'], 'a Thing')


@case(RELATIONS)
def locations(s):
    place = s.location()
    thing = s.thing(Locations=[{'@iot.id': place}])
    to_many(s, 'Things(%s)' % key(thing), 'Locations', [place])


@case(RELATIONS)
def historical_locations(s):
    thing = s.thing(Locations=[location_body(s)])
    rows = s.list('Things(%s)/HistoricalLocations' % key(thing))
    equal(len(rows), 1, 'HistoricalLocations of a new Thing with a Location')
    to_many(s, 'Things(%s)' % key(thing), 'HistoricalLocations', [rows[0]['@iot.id']])


@case(RELATIONS)
def datastreams(s):
    thing = s.thing()
    streams = [s.datastream(thing) for _ in range(3)]
    to_many(s, 'Things(%s)' % key(thing), 'Datastreams', streams)


@case(RELATIONS)
def multi_datastreams(s):
    if not s.server.claims('http://www.opengis.net/spec/iot_sensing/1.1/req/multi-datastream'):
        raise Skip('no MultiDatastreams')
    thing = s.thing()
    multi = s.make('MultiDatastreams', dict(multi_body(s), Thing={'@iot.id': thing}))
    to_many(s, 'Things(%s)' % key(thing), 'MultiDatastreams', [multi])


@case(RELATIONS)
def may_stand_alone(s):
    path = 'Things(%s)' % key(s.thing())
    for name in ('Locations', 'HistoricalLocations', 'Datastreams'):
        equal(s.list(path + '/' + name), [], name)
        has(s.get(path), [name + '@iot.navigationLink'], path)


@case(RELATIONS)
def two_things_at_one_location(s):
    place = s.location()
    things = [s.thing(Locations=[{'@iot.id': place}]) for _ in range(2)]
    to_many(s, 'Locations(%s)' % key(place), 'Things', things)


@case(RELATIONS, PROPERTIES)
def made_with_everything(s):
    body = dict(thing_body(s), Locations=[location_body(s)], Datastreams=[datastream_body(s), datastream_body(s)])
    thing = s.make('Things', body)
    whole = s.get('Things(%s)' % key(thing), expand='Locations,Datastreams($orderby=id),HistoricalLocations')
    equal([d['name'] for d in whole['Datastreams']], [d['name'] for d in body['Datastreams']], 'Datastreams')
    equal([d['name'] for d in whole['Locations']], [d['name'] for d in body['Locations']], 'Locations')
    equal(len(whole['HistoricalLocations']), 1, 'HistoricalLocations')
