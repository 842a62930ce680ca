"""datamodel/feature-of-interest: name, description, encodingType, feature, properties; Observations."""
from kit import case, equal, feature_body, key, point, refused, table
from model import keeps, needs, to_many, wrong_kind

PROPERTIES = 'datamodel/feature-of-interest/properties'
RELATIONS = 'datamodel/feature-of-interest/relations'


@case(PROPERTIES)
def keeps_what_was_sent(s):
    body = dict(feature_body(s), properties={'soil': 'clay'})
    keeps(s, 'FeaturesOfInterest', body, ['name', 'description', 'encodingType', 'feature', 'properties'])


@table(PROPERTIES, ['name', 'description', 'encodingType', 'feature'])
def mandatory(s, name):
    needs(s, 'FeaturesOfInterest', feature_body(s), name)


@table(PROPERTIES, [('a number as name', 'name', 1), ('text as properties', 'properties', 'x')])
def kinds(s, row):
    wrong_kind(s, 'FeaturesOfInterest', feature_body(s), row[1], row[2])


@table(PROPERTIES, [('Polygon', {'type': 'Polygon', 'coordinates': [[[0, 0], [1, 0], [1, 1], [0, 0]]]}),
                    ('LineString', {'type': 'LineString', 'coordinates': [[0, 0], [5, 5]]}),
                    ('Feature', {'type': 'Feature', 'properties': {'a': 1}, 'geometry': point(1, 2)})])
def shapes(s, row):
    made = s.feature(feature=row[1])
    equal(s.get('FeaturesOfInterest(%s)' % key(made))['feature'], row[1], 'feature')


@case(PROPERTIES)
def the_feature_must_be_an_object(s):
    refused(s.post('FeaturesOfInterest', dict(feature_body(s), feature='there')), 400)


@case(RELATIONS)
def observations(s):
    feature, stream = s.feature(), s.datastream()
    made = [s.observe(stream, i, '2020-01-01T00:00:0%dZ' % i, FeatureOfInterest={'@iot.id': feature}) for i in range(2)]
    to_many(s, 'FeaturesOfInterest(%s)' % key(feature), 'Observations', made)


@case(RELATIONS)
def of_several_datastreams(s):
    feature = s.feature()
    made = [s.observe(s.datastream(), i, '2020-01-01T00:00:00Z', FeatureOfInterest={'@iot.id': feature}) for i in range(2)]
    to_many(s, 'FeaturesOfInterest(%s)' % key(feature), 'Observations', made)


@case(RELATIONS)
def may_stand_alone(s):
    equal(s.list('FeaturesOfInterest(%s)/Observations' % key(s.feature())), [], 'Observations')
