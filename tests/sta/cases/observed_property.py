"""datamodel/observed-property: name, definition, description, properties; Datastreams."""
from kit import case, equal, key, observed_property_body, table
from model import keeps, needs, to_many, wrong_kind

PROPERTIES = 'datamodel/observed-property/properties'
RELATIONS = 'datamodel/observed-property/relations'


@case(PROPERTIES)
def keeps_what_was_sent(s):
    body = dict(observed_property_body(s), properties={'group': 'weather'})
    keeps(s, 'ObservedProperties', body, ['name', 'definition', 'description', 'properties'])


@table(PROPERTIES, ['name', 'definition', 'description'])
def mandatory(s, name):
    needs(s, 'ObservedProperties', observed_property_body(s), name)


@table(PROPERTIES, [('a number as name', 'name', 1), ('a number as definition', 'definition', 1),
                    ('text as properties', 'properties', 'x')])
def kinds(s, row):
    wrong_kind(s, 'ObservedProperties', observed_property_body(s), row[1], row[2])


@case(RELATIONS)
def datastreams(s):
    prop = s.observed_property()
    streams = [s.datastream(ObservedProperty={'@iot.id': prop}) for _ in range(2)]
    to_many(s, 'ObservedProperties(%s)' % key(prop), 'Datastreams', streams)


@case(RELATIONS)
def may_stand_alone(s):
    equal(s.list('ObservedProperties(%s)/Datastreams' % key(s.observed_property())), [], 'Datastreams')


@case(RELATIONS)
def two_datastreams_may_differ_in_nothing_else(s):
    thing, sensor = s.thing(), s.sensor()
    props = [s.observed_property(), s.observed_property()]
    for prop in props:
        stream = s.datastream(thing, Sensor={'@iot.id': sensor}, ObservedProperty={'@iot.id': prop})
        to_many(s, 'ObservedProperties(%s)' % key(prop), 'Datastreams', [stream])
