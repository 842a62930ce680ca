"""datamodel/entity-control-information: @iot.id, @iot.selfLink, navigationLinks on every entity, wherever it stands."""
from kit import case, check, equal, has, key, location_body, table

CONTROL = 'datamodel/entity-control-information/common-control-information'
LINKS = {
    'Things': ['Locations', 'HistoricalLocations', 'Datastreams'],
    'Locations': ['Things', 'HistoricalLocations'],
    'HistoricalLocations': ['Thing', 'Locations'],
    'Datastreams': ['Thing', 'Sensor', 'ObservedProperty', 'Observations'],
    'Sensors': ['Datastreams'],
    'ObservedProperties': ['Datastreams'],
    'Observations': ['Datastream', 'FeatureOfInterest'],
    'FeaturesOfInterest': ['Observations'],
}


def world(s):
    """One entity of each type, by its set."""
    thing = s.thing(Locations=[location_body(s)])
    stream = s.datastream(thing)
    observation = s.observe(stream, 1, '2020-01-01T00:00:00Z')
    at = 'Datastreams(%s)/' % key(stream)
    return {'Things': thing, 'Datastreams': stream, 'Observations': observation,
            'Locations': s.list('Things(%s)/Locations' % key(thing))[0]['@iot.id'],
            'HistoricalLocations': s.list('Things(%s)/HistoricalLocations' % key(thing))[0]['@iot.id'],
            'Sensors': s.get(at + 'Sensor')['@iot.id'], 'ObservedProperties': s.get(at + 'ObservedProperty')['@iot.id'],
            'FeaturesOfInterest': s.get('Observations(%s)/FeatureOfInterest' % key(observation))['@iot.id']}


@table(CONTROL, list(LINKS))
def id_and_self_link(s, entity_set):
    path = '%s(%s)' % (entity_set, key(s.world[entity_set]))
    entity = s.get(path)
    equal(entity['@iot.id'], s.world[entity_set], '@iot.id')
    equal(entity['@iot.selfLink'], s.server.url + '/' + path, '@iot.selfLink')
    equal(s.get(entity['@iot.selfLink'])['@iot.id'], entity['@iot.id'], 'what the selfLink leads to')


@table(CONTROL, list(LINKS))
def navigation_links(s, entity_set):
    entity = s.get('%s(%s)' % (entity_set, key(s.world[entity_set])))
    for name in LINKS[entity_set]:
        has(entity, [name + '@iot.navigationLink'], entity_set)
        target = s.get(entity[name + '@iot.navigationLink'])
        check('value' in target if name.endswith('s') else '@iot.id' in target,
              '%s leads to neither one nor many: %s' % (name, target))


@table(CONTROL, list(LINKS))
def in_a_list(s, entity_set):
    rows = s.list(entity_set, filter='id eq %s' % key(s.world[entity_set]))
    equal(len(rows), 1, 'entities with that id')
    has(rows[0], ['@iot.id', '@iot.selfLink'] + [n + '@iot.navigationLink' for n in LINKS[entity_set]], entity_set)


@case(CONTROL)
def ids_are_unique_in_a_set(s):
    made = [s.thing() for _ in range(5)]
    equal(len(set(made)), 5, 'ids')


@case(CONTROL)
def an_id_is_not_given_twice(s):
    first = s.thing()
    s.delete('Things(%s)' % key(first))
    check(s.thing() != first, 'the id of a deleted Thing was given again')


@case(CONTROL)
def inside_an_expand(s):
    whole = s.get('Things(%s)' % key(s.world['Things']), expand='Datastreams/Observations')
    stream = whole['Datastreams'][0]
    has(stream, ['@iot.id', '@iot.selfLink', 'Sensor@iot.navigationLink'], 'an expanded Datastream')
    has(stream['Observations'][0], ['@iot.id', '@iot.selfLink', 'FeatureOfInterest@iot.navigationLink'],
        'an expanded Observation')
    equal(stream['@iot.selfLink'], '%s/Datastreams(%s)' % (s.server.url, key(s.world['Datastreams'])), 'its selfLink')


@case(CONTROL)
def the_self_link_is_the_short_one(s):
    by_way = s.get('Things(%s)/Datastreams(%s)' % (key(s.world['Things']), key(s.world['Datastreams'])))
    equal(by_way['@iot.selfLink'], '%s/Datastreams(%s)' % (s.server.url, key(s.world['Datastreams'])), '@iot.selfLink')


@case(CONTROL)
def links_never_follow_the_host_header(s):
    answer = s.raw('GET', 'Things(%s)' % key(s.world['Things']), headers={'Host': 'evil.example'})
    check('evil.example' not in answer.text, 'the Host header is in the answer')


@case(CONTROL)
def in_the_answer_to_a_post(s):
    answer = s.post('Things', {'name': s.name(), 'description': 'x'})
    equal(answer.status, 201, 'status')
    if answer.body:
        equal(answer.json['@iot.selfLink'], answer.headers['Location'], '@iot.selfLink and Location')
