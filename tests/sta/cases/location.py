"""datamodel/location: name, description, encodingType, location, properties; Things, HistoricalLocations."""
from kit import case, equal, key, location_body, point, refused, table
from model import keeps, needs, to_many, wrong_kind

PROPERTIES = 'datamodel/location/properties'
RELATIONS = 'datamodel/location/relations'


@case(PROPERTIES)
def keeps_what_was_sent(s):
    body = dict(location_body(s), properties={'level': -1})
    keeps(s, 'Locations', body, ['name', 'description', 'encodingType', 'location', 'properties'])


@table(PROPERTIES, ['name', 'description', 'encodingType', 'location'])
def mandatory(s, name):
    needs(s, 'Locations', location_body(s), name)


@table(PROPERTIES, [('a number as name', 'name', 1), ('a list as encodingType', 'encodingType', []),
                    ('text as properties', 'properties', 'x')])
def kinds(s, row):
    wrong_kind(s, 'Locations', location_body(s), row[1], row[2])


SHAPES = [
    ('Point', point(-114.06, 51.05)),
    ('Point with height', {'type': 'Point', 'coordinates': [8.4, 49.0, 115.5]}),
    ('LineString', {'type': 'LineString', 'coordinates': [[0, 0], [1, 1], [2, 0.5]]}),
    ('Polygon with a hole', {'type': 'Polygon', 'coordinates': [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]],
                                                                 [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]]}),
    ('MultiPoint', {'type': 'MultiPoint', 'coordinates': [[0, 0], [1, 1]]}),
    ('MultiPolygon', {'type': 'MultiPolygon', 'coordinates': [[[[0, 0], [1, 0], [1, 1], [0, 0]]],
                                                              [[[5, 5], [6, 5], [6, 6], [5, 5]]]]}),
    ('GeometryCollection', {'type': 'GeometryCollection', 'geometries': [
        point(1, 2), {'type': 'LineString', 'coordinates': [[0, 0], [1, 1]]}]}),
    ('Feature', {'type': 'Feature', 'properties': {}, 'geometry': point(-114.06, 51.05)}),
]


@table(PROPERTIES, SHAPES)
def geojson(s, row):
    place = s.make('Locations', dict(location_body(s), location=row[1]))
    equal(s.get('Locations(%s)' % key(place))['location'], row[1], 'location')


@table(PROPERTIES, [('text', 'somewhere'), ('a number', 5)])
def geojson_must_be_an_object(s, row):
    refused(s.post('Locations', dict(location_body(s), location=row[1])), 400)


@case(RELATIONS)
def things(s):
    place = s.location()
    things_there = [s.thing(Locations=[{'@iot.id': place}]) for _ in range(2)]
    to_many(s, 'Locations(%s)' % key(place), 'Things', things_there)


@case(RELATIONS)
def historical_locations(s):
    place = s.location()
    thing = s.thing(Locations=[{'@iot.id': place}])
    history = [h['@iot.id'] for h in s.list('Things(%s)/HistoricalLocations' % key(thing))]
    equal(len(history), 1, 'HistoricalLocations')
    to_many(s, 'Locations(%s)' % key(place), 'HistoricalLocations', history)


@case(RELATIONS)
def may_stand_alone(s):
    place = s.location()
    equal(s.list('Locations(%s)/Things' % key(place)), [], 'Things')
    equal(s.list('Locations(%s)/HistoricalLocations' % key(place)), [], 'HistoricalLocations')


@case(RELATIONS)
def made_through_a_thing(s):
    thing = s.thing()
    place = s.make('Things(%s)/Locations' % key(thing), location_body(s))
    to_many(s, 'Things(%s)' % key(thing), 'Locations', [place])
    to_many(s, 'Locations(%s)' % key(place), 'Things', [thing])
