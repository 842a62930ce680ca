"""multi-datastream: one series of several values, in the order of its ObservedProperties."""
from kit import CELSIUS, HUGE_ID, MEASUREMENT, NO_UNIT, OM, PERCENT, case, check, equal, has, ids, key, lacks, location_body, multi_body
from kit import observed_property_body, refused, same_time, table
from model import keeps, needs, to_many, to_one

PROPERTIES, RELATIONS, CONSTRAINTS = ('multi-datastream/' + n for n in ('properties', 'relations', 'constraints'))
CLAIM = 'http://www.opengis.net/spec/iot_sensing/1.1/req/multi-datastream'


def whole(s):
    return dict(multi_body(s), Thing={'@iot.id': s.thing(Locations=[location_body(s)])})


def multi(s, **more):
    return s.make('MultiDatastreams', dict(whole(s), **more))


def path_of(multi_id):
    return 'MultiDatastreams(%s)' % key(multi_id)


@case(PROPERTIES)
def it_is_claimed(s):
    check(s.server.claims(CLAIM), 'serverSettings.conformance does not list multi-datastream')


@case(PROPERTIES)
def keeps_what_was_sent(s):
    body = dict(whole(s), properties={'a': 1})
    keeps(s, 'MultiDatastreams', body, ['name', 'description', 'observationType', 'multiObservationDataTypes', 'unitOfMeasurements',
                                        'properties'])


@table(PROPERTIES, ['name', 'description', 'multiObservationDataTypes', 'unitOfMeasurements'])
def mandatory(s, name):
    needs(s, 'MultiDatastreams', whole(s), name)


@case(PROPERTIES)
def its_observation_type_is_complex(s):
    equal(s.get(path_of(multi(s)))['observationType'], OM + 'OM_ComplexObservation', 'observationType')
    refused(s.post('MultiDatastreams', dict(whole(s), observationType=MEASUREMENT)), 400)


@table(RELATIONS, ['Thing', 'Sensor', 'ObservedProperties'])
def a_link_is_mandatory(s, name):
    body = whole(s)
    del body[name]
    answer = refused(s.post('MultiDatastreams', body), 400)
    check(name[:-3] in answer.text, 'the answer does not name %s: %s' % (name, answer.text))


@case(RELATIONS)
def thing_and_sensor(s):
    thing, sensor = s.thing(), s.sensor()
    made = multi(s, Thing={'@iot.id': thing}, Sensor={'@iot.id': sensor})
    to_one(s, path_of(made), 'Thing', thing)
    to_one(s, path_of(made), 'Sensor', sensor)
    to_many(s, 'Things(%s)' % key(thing), 'MultiDatastreams', [made])
    to_many(s, 'Sensors(%s)' % key(sensor), 'MultiDatastreams', [made])


@case(RELATIONS, CONSTRAINTS)
def observed_properties_keep_their_order(s):
    props = [s.observed_property() for _ in range(3)]
    for order in (props, props[::-1], [props[1], props[2], props[0]]):
        made = multi(s, ObservedProperties=[{'@iot.id': p} for p in order])
        equal(ids(s.list(path_of(made) + '/ObservedProperties')), order, 'ObservedProperties')
        equal(ids(s.get(path_of(made), expand='ObservedProperties')['ObservedProperties']), order, '$expand=ObservedProperties')


@case(RELATIONS)
def back_from_an_observed_property(s):
    prop = s.observed_property()
    made = multi(s, ObservedProperties=[{'@iot.id': prop}, observed_property_body(s), observed_property_body(s)])
    to_many(s, 'ObservedProperties(%s)' % key(prop), 'MultiDatastreams', [made])


@case(RELATIONS)
def observations(s):
    made = multi(s)
    rows = [s.make(path_of(made) + '/Observations', {'result': [20 + i, 50, 'dry'], 'phenomenonTime': '2020-01-01T00:00:0%dZ' % i})
            for i in range(3)]
    to_many(s, path_of(made), 'Observations', rows)
    to_one(s, 'Observations(%s)' % key(rows[0]), 'MultiDatastream', made)
    equal(s.get('Observations(%s)' % key(rows[1]))['result'], [21, 50, 'dry'], 'result')


@case(RELATIONS)
def an_observation_has_one_series(s):
    made = multi(s)
    row = s.make(path_of(made) + '/Observations', {'result': [1, 2, 'x'], 'phenomenonTime': '2020-01-01T00:00:00Z'})
    check(s.ask('Observations(%s)/Datastream' % key(row)).status in (204, 404), 'it has a Datastream too')
    stream = s.datastream()
    other = s.observe(stream, 1, '2020-01-01T00:00:00Z')
    check(s.ask('Observations(%s)/MultiDatastream' % key(other)).status in (204, 404), 'it has a MultiDatastream too')
    refused(s.post('Observations', {'result': [1, 2, 'x'], 'Datastream': {'@iot.id': stream}, 'MultiDatastream': {'@iot.id': made}}), 400)


@case(RELATIONS)
def through_the_set(s):
    made = multi(s)
    row = s.make('Observations', {'result': [1, 2, 'x'], 'MultiDatastream': {'@iot.id': made}, 'phenomenonTime': '2020-01-01T00:00:00Z'})
    equal(ids(s.list(path_of(made) + '/Observations')), [row], 'Observations')
    refused(s.post('Observations', {'result': [1, 2, 'x'], 'MultiDatastream': {'@iot.id': HUGE_ID}}), 400, 404)


@table(CONSTRAINTS, [('two units', {'unitOfMeasurements': [CELSIUS, PERCENT]}), ('four units', {'unitOfMeasurements': [CELSIUS] * 4}),
                     ('two types', {'multiObservationDataTypes': [MEASUREMENT] * 2}), ('no unit', {'unitOfMeasurements': []}),
                     ('no types', {'multiObservationDataTypes': []}), ('units are no list', {'unitOfMeasurements': CELSIUS}),
                     ('types are no list', {'multiObservationDataTypes': MEASUREMENT}), ('no properties', {'ObservedProperties': []})])
def sizes_must_match(s, row):
    refused(s.post('MultiDatastreams', dict(whole(s), **row[1])), 400)


@case(CONSTRAINTS)
def two_observed_properties_for_three(s):
    body = whole(s)
    body['ObservedProperties'] = body['ObservedProperties'][:2]
    refused(s.post('MultiDatastreams', body), 400)


@table(CONSTRAINTS, [('two values', [1, 2]), ('four values', [1, 2, 'x', 4]), ('none', []), ('a number', 5), ('an object', {'a': 1}),
                     ('text for a number', ['warm', 50, 'dry'])])
def results_must_match(s, row):
    made = multi(s)
    refused(s.post(path_of(made) + '/Observations', {'result': row[1]}), 400)


@case(CONSTRAINTS)
def a_unit_without_values(s):
    equal(s.get(path_of(multi(s)))['unitOfMeasurements'][2], NO_UNIT, 'the unit of a category')


@case(CONSTRAINTS)
def one_value_is_enough(s):
    made = multi(s, multiObservationDataTypes=[MEASUREMENT], unitOfMeasurements=[CELSIUS], ObservedProperties=[observed_property_body(s)])
    row = s.make(path_of(made) + '/Observations', {'result': [7], 'phenomenonTime': '2020-01-01T00:00:00Z'})
    equal(s.get('Observations(%s)' % key(row))['result'], [7], 'result')


@case(PROPERTIES)
def its_times_are_kept(s):
    made = multi(s)
    for day in (2, 1, 3):
        s.make(path_of(made) + '/Observations', {'result': [day, 2, 'x'], 'phenomenonTime': '2020-01-0%dT00:00:00Z' % day})
    same_time(s.get(path_of(made))['phenomenonTime'], '2020-01-01T00:00:00Z/2020-01-03T00:00:00Z', 'phenomenonTime')


@case(PROPERTIES)
def its_control_information(s):
    row = s.get(path_of(multi(s)))
    has(row, ['@iot.id', '@iot.selfLink'] + [n + '@iot.navigationLink' for n in ('Thing', 'Sensor', 'ObservedProperties', 'Observations')],
        'a MultiDatastream')
    lacks(row, ['unitOfMeasurement', 'ObservedProperty@iot.navigationLink'], 'a MultiDatastream')


@case(RELATIONS)
def it_is_in_no_list_of_datastreams(s):
    thing = s.thing()
    made = multi(s, Thing={'@iot.id': thing})
    equal(s.list('Things(%s)/Datastreams' % key(thing)), [], 'Datastreams of its Thing')
    equal(ids(s.list('MultiDatastreams', filter='id eq %s' % key(made))), [made], 'MultiDatastreams')


@case(RELATIONS)
def made_with_its_thing(s):
    thing = s.make('Things', {'name': s.name(), 'description': 'd', 'Locations': [location_body(s)], 'MultiDatastreams': [
        dict(multi_body(s), Observations=[{'result': [1, 2, 'x'], 'phenomenonTime': '2020-01-01T00:00:00Z'}])]})
    row = s.get('Things(%s)' % key(thing), expand='MultiDatastreams/Observations')
    equal(row['MultiDatastreams'][0]['Observations'][0]['result'], [1, 2, 'x'], 'the result')


@case(PROPERTIES)
def changed_by_patch(s):
    made = multi(s)
    s.patch(path_of(made), {'description': 'changed', 'unitOfMeasurements': [CELSIUS, PERCENT, CELSIUS]})
    row = s.get(path_of(made))
    equal((row['description'], row['unitOfMeasurements'][2]['symbol']), ('changed', 'degC'), 'the MultiDatastream')
    refused(s.send('PATCH', path_of(made), {'unitOfMeasurements': [CELSIUS]}), 400)


@case(RELATIONS)
def deleted_with_all_of_it(s):
    thing, sensor = s.thing(Locations=[location_body(s)]), s.sensor()
    made = multi(s, Thing={'@iot.id': thing}, Sensor={'@iot.id': sensor})
    row = s.make(path_of(made) + '/Observations', {'result': [1, 2, 'x']})
    s.delete(path_of(made))
    s.gone(path_of(made))
    s.gone('Observations(%s)' % key(row))
    s.get('Things(%s)' % key(thing))
    s.get('Sensors(%s)' % key(sensor))


@table(RELATIONS, ['Things', 'Sensors', 'ObservedProperties'])
def goes_with(s, entity_set):
    thing, sensor, prop = s.thing(), s.sensor(), s.observed_property()
    made = multi(s, Thing={'@iot.id': thing}, Sensor={'@iot.id': sensor},
                 ObservedProperties=[{'@iot.id': prop}, observed_property_body(s), observed_property_body(s)])
    s.delete('%s(%s)' % (entity_set, key({'Things': thing, 'Sensors': sensor, 'ObservedProperties': prop}[entity_set])))
    s.gone(path_of(made))


@case(CONSTRAINTS)
def filters_on_a_value(s):
    made = multi(s)
    rows = [s.make(path_of(made) + '/Observations', {'result': [n, n * 2, 'x'], 'phenomenonTime': '2020-01-01T00:00:0%dZ' % n})
            for n in (1, 2, 3)]
    answer = s.ask(path_of(made) + '/Observations', filter='result[0] gt 1')
    if answer.status != 400:  # the standard says nothing of it: either refused, or right
        equal(sorted(ids(answer.value)), sorted(rows[1:]), 'result[0] gt 1')
