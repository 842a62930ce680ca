"""datamodel/sensor: name, description, encodingType, metadata, properties; Datastreams."""
from kit import case, equal, key, sensor_body, table
from model import keeps, needs, to_many, wrong_kind

PROPERTIES = 'datamodel/sensor/properties'
RELATIONS = 'datamodel/sensor/relations'


@case(PROPERTIES)
def keeps_what_was_sent(s):
    body = dict(sensor_body(s), properties={'serial': 'A-17'})
    keeps(s, 'Sensors', body, ['name', 'description', 'encodingType', 'metadata', 'properties'])


@table(PROPERTIES, ['name', 'description', 'encodingType', 'metadata'])
def mandatory(s, name):
    needs(s, 'Sensors', sensor_body(s), name)


@table(PROPERTIES, [('a number as name', 'name', 1), ('a list as description', 'description', []),
                    ('a number as encodingType', 'encodingType', 2), ('text as properties', 'properties', 'x')])
def kinds(s, row):
    wrong_kind(s, 'Sensors', sensor_body(s), row[1], row[2])


@table(PROPERTIES, [('application/pdf', 'https://example.org/a.pdf'),
                    ('http://www.opengis.net/doc/IS/SensorML/2.0', '<sml:PhysicalSystem/>'),
                    ('text/html', '<p>a "sheet"</p>'), ('application/json', {'range': [0, 50]})])
def encodings(s, row):
    sensor = s.sensor(encodingType=row[0], metadata=row[1])
    equal(s.get('Sensors(%s)/metadata' % key(sensor)), {'metadata': row[1]}, 'metadata')


@case(RELATIONS)
def datastreams(s):
    sensor = s.sensor()
    streams = [s.datastream(Sensor={'@iot.id': sensor}) for _ in range(2)]
    to_many(s, 'Sensors(%s)' % key(sensor), 'Datastreams', streams)


@case(RELATIONS)
def may_stand_alone(s):
    equal(s.list('Sensors(%s)/Datastreams' % key(s.sensor())), [], 'Datastreams')


@case(RELATIONS)
def made_with_its_datastream(s):
    stream = s.datastream()
    sensor = s.get('Datastreams(%s)/Sensor' % key(stream))
    to_many(s, 'Sensors(%s)' % key(sensor['@iot.id']), 'Datastreams', [stream])
