"""datamodel/historical-location: time; one Thing, one or more Locations; made by the server, or by hand."""
import time

from kit import case, check, equal, has, ids, key, location_body, parse_time, refused, same_time
from model import to_many, to_one

PROPERTIES = 'datamodel/historical-location/properties'
RELATIONS = 'datamodel/historical-location/relations'
AUTO = 'create-update-delete/historical-location-auto-creation'
MANUAL = 'create-update-delete/historical-location-manual-creation'


def history(s, thing):
    return s.list('Things(%s)/HistoricalLocations' % key(thing), orderby='time desc')


@case(PROPERTIES, AUTO)
def its_time_is_when_it_happened(s):
    before = time.time()
    thing = s.thing(Locations=[location_body(s)])
    row = history(s, thing)[0]
    has(row, ['time'], 'a HistoricalLocation')
    at = parse_time(row['time'])
    check(before - 120 < at < time.time() + 120, 'its time %s is not now' % row['time'])


@case(PROPERTIES, MANUAL)
def keeps_the_time_that_was_sent(s):
    thing, place = s.thing(), s.location()
    h = s.make('HistoricalLocations', {'time': '2014-06-01T12:00:00.250Z', 'Thing': {'@iot.id': thing},
                                       'Locations': [{'@iot.id': place}]})
    same_time(s.get('HistoricalLocations(%s)' % key(h))['time'], '2014-06-01T12:00:00.250Z', 'time')


@case(PROPERTIES)
def time_is_mandatory(s):
    thing, place = s.thing(), s.location()
    answer = refused(s.post('HistoricalLocations', {'Thing': {'@iot.id': thing}, 'Locations': [{'@iot.id': place}]}), 400)
    check('time' in answer.text, 'the answer does not name time: ' + answer.text)


@case(PROPERTIES)
def time_must_be_a_time(s):
    thing, place = s.thing(), s.location()
    for bad in ('yesterday', '2014-13-01T00:00:00Z', 5, {}):
        refused(s.post('HistoricalLocations', {'time': bad, 'Thing': {'@iot.id': thing},
                                               'Locations': [{'@iot.id': place}]}), 400)


@case(RELATIONS)
def thing_and_locations(s):
    place = s.location()
    thing = s.thing(Locations=[{'@iot.id': place}])
    path = 'HistoricalLocations(%s)' % key(history(s, thing)[0]['@iot.id'])
    to_one(s, path, 'Thing', thing)
    to_many(s, path, 'Locations', [place])


@case(RELATIONS)
def thing_is_mandatory(s):
    place = s.location()
    refused(s.post('HistoricalLocations', {'time': '2014-06-01T12:00:00Z', 'Locations': [{'@iot.id': place}]}), 400)


@case(RELATIONS)
def a_location_is_mandatory(s):
    thing = s.thing()
    refused(s.post('HistoricalLocations', {'time': '2014-06-01T12:00:00Z', 'Thing': {'@iot.id': thing}}), 400)


@case(AUTO)
def none_without_a_location(s):
    equal(history(s, s.thing()), [], 'HistoricalLocations of a Thing that has no Location')


@case(AUTO)
def a_new_location_by_post(s):
    thing = s.thing(Locations=[location_body(s)])
    place = s.make('Things(%s)/Locations' % key(thing), location_body(s, 9, 50))
    rows = history(s, thing)
    equal(len(rows), 2, 'HistoricalLocations after the second Location')
    equal(ids(s.list('HistoricalLocations(%s)/Locations' % key(rows[0]['@iot.id']))), [place], 'the newest one')
    equal(ids(s.list('Things(%s)/Locations' % key(thing))), [place], 'the Thing keeps only the new Location')


@case(AUTO)
def a_new_location_by_patch(s):
    first, second = s.location(), s.location(9, 50)
    thing = s.thing(Locations=[{'@iot.id': first}])
    s.patch('Things(%s)' % key(thing), {'Locations': [{'@iot.id': second}]})
    rows = history(s, thing)
    equal(len(rows), 2, 'HistoricalLocations after the PATCH')
    equal(ids(s.list('HistoricalLocations(%s)/Locations' % key(rows[0]['@iot.id']))), [second], 'the newest one')
    equal(ids(s.list('HistoricalLocations(%s)/Locations' % key(rows[1]['@iot.id']))), [first], 'the older one')


@case(AUTO)
def none_when_the_place_itself_is_corrected(s):
    place = s.location()
    thing = s.thing(Locations=[{'@iot.id': place}])
    s.patch('Locations(%s)' % key(place), {'description': 'spelled better'})
    equal(len(history(s, thing)), 1, 'HistoricalLocations')


@case(AUTO)
def moving_thrice_leaves_three_in_order(s):
    places = [s.location(i, i) for i in range(3)]
    thing = s.thing(Locations=[{'@iot.id': places[0]}])
    for place in places[1:]:
        s.patch('Things(%s)' % key(thing), {'Locations': [{'@iot.id': place}]})
    rows = s.list('Things(%s)/HistoricalLocations' % key(thing), orderby='time', expand='Locations')
    equal([ids(r['Locations']) for r in rows], [[p] for p in places], 'the Locations by time')


@case(MANUAL)
def an_older_one_moves_nothing(s):
    now, before = s.location(), s.location(9, 50)
    thing = s.thing(Locations=[{'@iot.id': now}])
    s.make('HistoricalLocations', {'time': '2001-01-01T00:00:00Z', 'Thing': {'@iot.id': thing},
                                   'Locations': [{'@iot.id': before}]})
    equal(ids(s.list('Things(%s)/Locations' % key(thing))), [now], 'where the Thing is')
    equal(len(history(s, thing)), 2, 'HistoricalLocations')


@case(MANUAL)
def a_newer_one_moves_the_thing(s):
    old, new = s.location(), s.location(9, 50)
    thing = s.thing()
    for when, place in (('2001-01-01T00:00:00Z', old), ('2002-01-01T00:00:00Z', new)):
        s.make('HistoricalLocations', {'time': when, 'Thing': {'@iot.id': thing}, 'Locations': [{'@iot.id': place}]})
    equal(ids(s.list('Things(%s)/Locations' % key(thing))), [new], 'where the Thing is')
    equal(len(history(s, thing)), 2, 'HistoricalLocations: none more than were made')


@case(MANUAL)
def the_first_one_gives_the_thing_its_place(s):
    place, thing = s.location(), s.thing()
    s.make('Things(%s)/HistoricalLocations' % key(thing), {'time': '2010-01-01T00:00:00Z',
                                                           'Locations': [{'@iot.id': place}]})
    equal(ids(s.list('Things(%s)/Locations' % key(thing))), [place], 'where the Thing is')


@case(MANUAL)
def with_a_place_of_its_own(s):
    thing = s.thing()
    h = s.make('HistoricalLocations', {'time': '2010-01-01T00:00:00Z', 'Thing': {'@iot.id': thing},
                                       'Locations': [location_body(s, 7, 46)]})
    places = s.list('HistoricalLocations(%s)/Locations' % key(h))
    equal(places[0]['location']['coordinates'], [7, 46], 'the Location that was made with it')
    equal(ids(s.list('Things(%s)/Locations' % key(thing))), ids(places), 'where the Thing is')


@case(MANUAL)
def its_time_can_be_corrected(s):
    thing = s.thing(Locations=[location_body(s)])
    path = 'HistoricalLocations(%s)' % key(history(s, thing)[0]['@iot.id'])
    s.patch(path, {'time': '2015-05-05T05:05:05Z'})
    same_time(s.get(path)['time'], '2015-05-05T05:05:05Z', 'time')


@case(MANUAL)
def it_can_be_deleted(s):
    place = s.location()
    thing = s.thing(Locations=[{'@iot.id': place}])
    path = 'HistoricalLocations(%s)' % key(history(s, thing)[0]['@iot.id'])
    s.delete(path)
    s.gone(path)
    s.get('Things(%s)' % key(thing))
    s.get('Locations(%s)' % key(place))
