"""request-data/built-in-query-functions: every function, on literals and on properties.

Distances are published ones: the Australian Geodetic Datum's test line (Flinders Peak to Buninyong), GeographicLib's
example of nearly antipodes (Wellington to Salamanca), and lengths of the WGS84 ellipsoid's equator and meridian.
"""
from kit import case, check, equal, ids, key, refused, table
from query_world import holds, make as world, observations_that, things_that

FUNCTIONS = 'request-data/built-in-query-functions'
assert world


def both(s, text):
    """True here, and its negation is not."""
    check(holds(s, text), text + ' is not true here')
    check(not holds(s, 'not (%s)' % text), 'not (%s) is true here' % text)


TEXT = ["substringof('nsor Th',description)", "substringof('b','abc')", "not substringof('abc','b')", "not substringof('SENSOR',description)",
        "substringof('','abc')", "endswith(description,'Things')", "not endswith(description,'things')", "endswith('abc','')",
        "startswith(description,'Sensor')", "not startswith(description,'sensor')", "not startswith('ab','abc')",
        "length(description) eq 13", "length('') eq 0", "length('ü☂𝄞') eq 3", "length('it''s') eq 4",
        "indexof(description,'Things') eq 7", "indexof(description,'Sensor') eq 0", "indexof(description,'x') eq -1",
        "indexof('ü☂a','a') eq 2", "substring(description,1) eq 'ensor Things'", "substring(description,2,4) eq 'nsor'",
        "substring('abc',3) eq ''", "substring('abc',0,2) eq 'ab'", "substring('ü☂a',1,1) eq '☂'", "substring('abc',1,100) eq 'bc'",
        "tolower(description) eq 'sensor things'", "toupper(description) eq 'SENSOR THINGS'", "tolower('ABC1ü') eq 'abc1ü'",
        "trim('  a b ') eq 'a b'", "trim('') eq ''", "concat('a','b') eq 'ab'", "concat(concat('a',', '),'b') eq 'a, b'",
        "concat('','') eq ''", "length(concat(description,name)) gt 13", "substringof('brien',tolower(properties/text))",
        "startswith(properties/nested/deep/x,'y')", "indexof(concat('a','b'),'b') add 1 eq 2", "toupper(trim(' a ')) eq 'A'"]


@table(FUNCTIONS, TEXT)
def text(s, expression):
    both(s, expression)


T = '2015-02-28T13:14:15.678Z'
TIME = ['year(%s) eq 2015' % T, 'month(%s) eq 2' % T, 'day(%s) eq 28' % T, 'hour(%s) eq 13' % T, 'minute(%s) eq 14' % T,
        'second(%s) eq 15' % T, 'fractionalseconds(%s) gt 0.6779 and fractionalseconds(%s) lt 0.6781' % (T, T),
        'fractionalseconds(2015-01-01T00:00:00Z) eq 0', 'date(%s) eq date(2015-02-28T00:00:00Z)' % T,
        'date(%s) ne date(2015-03-01T00:00:00Z)' % T, 'date(%s) lt date(2015-03-01T00:00:00Z)' % T,
        'time(%s) eq time(2020-12-31T13:14:15.678Z)' % T, 'time(%s) gt time(2020-12-31T13:14:15Z)' % T,
        'now() gt 2020-01-01T00:00:00Z', 'now() lt 2200-01-01T00:00:00Z', 'mindatetime() lt now()', 'maxdatetime() gt now()',
        'mindatetime() lt 1000-01-01T00:00:00Z', 'maxdatetime() gt 9999-12-30T00:00:00Z', 'year(now()) ge 2020',
        'totaloffsetminutes(%s) eq 0' % T, 'year(2015-12-31T23:30:00-01:00) ge 2015', "now() sub duration'P1D' lt now()",
        'year(1969-12-31T23:59:59Z) eq 1969', 'second(1969-12-31T23:59:59Z) eq 59', 'day(2000-02-29T00:00:00Z) eq 29',
        'day(2100-03-01T00:00:00Z) eq 1', 'month(0001-01-01T00:00:00Z) eq 1']


@table(FUNCTIONS, TIME)
def time(s, expression):
    both(s, expression)


OF_READINGS = [
    ('year(phenomenonTime) eq 2020', lambda r: r.phenomenonTime.startswith('2020')),
    ('month(phenomenonTime) eq 6', lambda r: r.phenomenonTime[5:7] == '06'),
    ('day(phenomenonTime) eq 31', lambda r: r.phenomenonTime[8:10] == '31'),
    ('hour(phenomenonTime) eq 12', lambda r: r.phenomenonTime[11:13] == '12'),
    ('minute(phenomenonTime) eq 30', lambda r: r.phenomenonTime[14:16] == '30'),
    ('second(phenomenonTime) eq 15', lambda r: r.phenomenonTime[17:19] == '15'),
    ('fractionalseconds(phenomenonTime) gt 0.4', lambda r: float('0' + r.phenomenonTime[19:-1]) > 0.4),
    ('year(resultTime) eq 2021', lambda r: (r.resultTime or '').startswith('2021')),
    ('date(resultTime) ne date(phenomenonTime) and resultTime ne null',
     lambda r: r.resultTime and r.resultTime[:10] != r.phenomenonTime[:10]),
    ('time(phenomenonTime) eq time(2000-01-01T00:00:00Z)', lambda r: r.phenomenonTime[11:23] == '00:00:00.000'),
    ('totaloffsetminutes(phenomenonTime) eq 0', lambda r: True),
    ('phenomenonTime lt now()', lambda r: True), ('phenomenonTime gt mindatetime()', lambda r: True),
    ('phenomenonTime lt maxdatetime()', lambda r: True),
    ('round(result) eq 21', lambda r: r.result == 20.5), ('round(result) eq 4', lambda r: r.result == 3.5),
    ('floor(result) eq 20', lambda r: r.result == 20.5), ('ceiling(result) eq 21', lambda r: r.result == 20.5),
    ('floor(result) eq ceiling(result)', lambda r: r.result == int(r.result)),
]


@table(FUNCTIONS, OF_READINGS)
def of_observations(s, row):
    text_, python = row
    equal(observations_that(s, text_), sorted(r.id for r in s.world.readings if python(r)), text_)


NUMBER = ['round(8.4) eq 8', 'round(8.5) eq 9', 'round(-8.5) eq -9', 'round(-8.4) eq -8', 'round(0.49999999999999994) eq 0',
          'floor(8.9) eq 8', 'floor(-8.1) eq -9', 'floor(8) eq 8', 'ceiling(8.1) eq 9', 'ceiling(-8.9) eq -8', 'ceiling(8) eq 8',
          'round(properties/n) eq 5', 'floor(properties/n div 2) eq 2', 'ceiling(properties/n div 2) eq 3', 'round(1e15) eq 1e15']


@table(FUNCTIONS, NUMBER)
def number(s, expression):
    both(s, expression)


DISTANCES = [
    ('Flinders Peak to Buninyong', '144.4248678889 -37.9510334167', '143.9264955278 -37.6528211389', 54972.271),
    ('Wellington to Salamanca, nearly antipodes', '174.81 -41.32', '-5.50 40.96', 19959679.267),
    ('one degree of the equator', '0 0', '1 0', 111319.491), ('one degree of the first meridian', '0 0', '0 1', 110574.389),
    ('a quarter of a meridian', '0 0', '0 90', 10001965.729), ('pole to pole', '0 -90', '0 90', 20003931.459),
    ('antipodes on the equator go over a pole', '0 0', '180 0', 20003931.459),
    ('over the date line', '179.5 0', '-179.5 0', 111319.491), ('nowhere', '8.4 49', '8.4 49', 0),
    ('the pole has all longitudes', '10 90', '-120 90', 0),
]


@table(FUNCTIONS, DISTANCES)
def distance(s, row):
    _, one, other, metres = row
    for a, b in ((one, other), (other, one)):
        text_ = "geo.distance(geography'POINT (%s)',geography'POINT (%s)')" % (a, b)
        both(s, '%s lt %.3f' % (text_, metres + 0.05))
        both(s, '%s gt %.3f' % (text_, metres - 0.05))


LENGTHS = [('LINESTRING (0 0, 0 1)', 110574.389), ('LINESTRING (0 0, 1 0, 2 0)', 222638.982),
           ('LINESTRING (179.5 0, -179.5 0)', 111319.491), ('LINESTRING (0 0, 0 90)', 10001965.729)]


@table(FUNCTIONS, LENGTHS)
def length(s, row):
    line, metres = row
    both(s, "geo.length(geography'%s') gt %.3f" % (line, metres - 0.05))
    both(s, "geo.length(geography'%s') lt %.3f" % (line, metres + 0.05))


SQUARE = 'POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))'
RING = 'POLYGON ((0 0, 6 0, 6 6, 0 6, 0 0), (2 2, 2 4, 4 4, 4 2, 2 2))'
# name, expression over A and B, A, B, whether it holds
SHAPES = [
    ('geo.intersects', 'geo.intersects', 'POINT (1 1)', SQUARE, True), ('geo.intersects not', 'geo.intersects', 'POINT (9 9)', SQUARE, False),
    ('equals', 'st_equals', 'POINT (1 2)', 'POINT (1 2)', True), ('equals not', 'st_equals', 'POINT (1 2)', 'POINT (2 1)', False),
    ('equals turned', 'st_equals', SQUARE, 'POLYGON ((4 4, 0 4, 0 0, 4 0, 4 4))', True),
    ('equals the other way round', 'st_equals', SQUARE, 'POLYGON ((0 0, 0 4, 4 4, 4 0, 0 0))', True),
    ('equals a part', 'st_equals', SQUARE, 'POLYGON ((0 0, 4 0, 4 3, 0 3, 0 0))', False),
    ('disjoint', 'st_disjoint', 'POINT (9 9)', SQUARE, True), ('disjoint not', 'st_disjoint', 'POINT (1 1)', SQUARE, False),
    ('disjoint in the hole', 'st_disjoint', 'POINT (3 3)', RING, True),
    ('disjoint on the edge', 'st_disjoint', 'POINT (0 2)', SQUARE, False),
    ('touches', 'st_touches', 'POINT (0 2)', SQUARE, True), ('touches inside', 'st_touches', 'POINT (1 1)', SQUARE, False),
    ('touches along an edge', 'st_touches', SQUARE, 'POLYGON ((4 0, 8 0, 8 4, 4 4, 4 0))', True),
    ('touches at a corner', 'st_touches', 'POINT (4 4)', SQUARE, True),
    ('within', 'st_within', 'POINT (1 1)', SQUARE, True), ('within not', 'st_within', 'POINT (5 1)', SQUARE, False),
    ('within on the edge', 'st_within', 'POINT (0 2)', SQUARE, False),
    ('within a polygon', 'st_within', 'POLYGON ((1 1, 2 1, 2 2, 1 2, 1 1))', SQUARE, True),
    ('within the hole', 'st_within', 'POINT (3 3)', RING, False), ('within a line', 'st_within', 'LINESTRING (1 1, 2 2)', SQUARE, True),
    ('overlaps', 'st_overlaps', SQUARE, 'POLYGON ((2 2, 6 2, 6 6, 2 6, 2 2))', True),
    ('overlaps contained', 'st_overlaps', SQUARE, 'POLYGON ((1 1, 2 1, 2 2, 1 2, 1 1))', False),
    ('overlaps apart', 'st_overlaps', SQUARE, 'POLYGON ((9 9, 10 9, 10 10, 9 10, 9 9))', False),
    ('crosses', 'st_crosses', 'LINESTRING (-1 2, 5 2)', SQUARE, True), ('crosses inside', 'st_crosses', 'LINESTRING (1 2, 3 2)', SQUARE, False),
    ('crosses lines', 'st_crosses', 'LINESTRING (0 0, 2 2)', 'LINESTRING (0 2, 2 0)', True),
    ('crosses lines that end there', 'st_crosses', 'LINESTRING (0 0, 1 1)', 'LINESTRING (1 1, 2 0)', False),
    ('intersects', 'st_intersects', 'LINESTRING (-1 2, 5 2)', SQUARE, True),
    ('intersects on the edge', 'st_intersects', 'POINT (4 4)', SQUARE, True),
    ('intersects apart', 'st_intersects', 'POINT (4.001 4)', SQUARE, False),
    ('intersects in the hole', 'st_intersects', 'POINT (3 3)', RING, False),
    ('contains', 'st_contains', SQUARE, 'POINT (1 1)', True), ('contains not', 'st_contains', SQUARE, 'POINT (5 1)', False),
    ('contains its edge', 'st_contains', SQUARE, 'POINT (0 2)', False),
    ('contains a line', 'st_contains', SQUARE, 'LINESTRING (1 1, 3 3)', True),
    ('contains many points', 'st_contains', SQUARE, 'MULTIPOINT ((1 1), (2 2))', True),
    ('within many polygons', 'st_within', 'POINT (8.5 8.5)', 'MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((8 8, 9 8, 9 9, 8 9, 8 8)))', True),
]


@table(FUNCTIONS, SHAPES)
def shapes(s, row):
    _, function, a, b, good = row
    text_ = "%s(geography'%s',geography'%s')" % (function, a, b)
    both(s, text_ if good else 'not ' + text_)


RELATES = [('POINT (1 1)', SQUARE, 'T*F**F***', True), ('POINT (0 2)', SQUARE, 'T*F**F***', False),
           ('POINT (0 2)', SQUARE, 'FT*******', True), ('POINT (0 2)', SQUARE, 'F0FFFF212', True),
           (SQUARE, 'POLYGON ((2 2, 6 2, 6 6, 2 6, 2 2))', 'T*T***T**', True), (SQUARE, SQUARE, 'T*F**FFF*', True),
           ('LINESTRING (-1 2, 5 2)', SQUARE, 'T*T******', True)]


@table(FUNCTIONS, [('%s of %s and %s' % (r[2], r[0], r[1]),) + r for r in RELATES])
def relate(s, row):
    _, a, b, pattern, good = row
    text_ = "st_relate(geography'%s',geography'%s','%s')" % (a, b, pattern)
    both(s, text_ if good else 'not ' + text_)


# The places of the world: (8.4 49) (9 50) (-114.06 51.05) (0 0) (151.2 -33.9)
PLACES = [("geo.distance(Locations/location,geography'POINT (8.4 49.0)') lt 1000", ['alpha']),
          ("geo.distance(Locations/location,geography'POINT (8.4 49.0)') lt 200000", ['alpha', 'beta']),
          ("st_within(Locations/location,geography'POLYGON ((8 48, 10 48, 10 51, 8 51, 8 48))')", ['alpha', 'beta']),
          ("geo.intersects(Locations/location,geography'POLYGON ((-115 51, -114 51, -114 52, -115 52, -115 51))')", ['gamma']),
          ("st_equals(Locations/location,geography'POINT (0 0)')", ['delta']),
          ("not st_disjoint(Locations/location,geography'POLYGON ((150 -35, 152 -35, 152 -33, 150 -33, 150 -35))')", ['epsilon']),
          ("st_contains(geography'POLYGON ((-1 -1, 1 -1, 1 1, -1 1, -1 -1))',Locations/location)", ['delta'])]


@table(FUNCTIONS, PLACES)
def places_of_things(s, row):
    equal(things_that(s, row[0]), sorted(row[1]), row[0])


@case(FUNCTIONS)
def places(s):
    rows = s.list('Locations', filter="startswith(name,'%s') and st_within(location,geography'POLYGON ((8 48, 10 48, 10 51, 8 51, 8 48))')"
                  % s.world.prefix)
    equal(sorted(r['name'][len(s.world.prefix):] for r in rows), ['alpha place', 'beta place'], 'Locations in the square')


@case(FUNCTIONS)
def nearest_first(s):
    rows = s.ask('Locations', filter="startswith(name,'%s')" % s.world.prefix, select='name',
                 orderby="geo.distance(location,geography'POINT (8.4 49)')")
    if rows.status in (400, 501):
        refused(rows, 400, 501)  # $orderby takes properties; functions are an offer
        return
    equal([r['name'][len(s.world.prefix):] for r in rows.value][:2], ['alpha place', 'beta place'], 'the nearest two')


@table(FUNCTIONS, ["POINT (1)", "POINT 1 1", "POINT (1 x)", "POLYGON ((0 0, 1 1))", "CIRCLE (1 1)", "",
                   "POINT (1 1", "LINESTRING (1 1)", "POINT (0 91)", "POINT EMPTY)"])
def not_a_shape(s, wkt):
    refused(s.ask('Things', filter="st_intersects(geography'%s',geography'POINT (1 1)')" % wkt), 400)


@case(FUNCTIONS)
def vertices_are_bounded(s):
    ring = ', '.join('%.3f %.3f' % (i / 1000, (i * 7919 % 1000) / 1000) for i in range(250))
    answer = s.ask('Locations', filter="st_intersects(location,geography'POLYGON ((%s, 0.000 0.000))')" % ring, top=1)
    check(answer.status in (200, 400, 413, 414, 431), 'got %d' % answer.status)


@case(FUNCTIONS)
def of_no_value(s):
    missing = sorted(r.id for r in s.world.readings if r.resultTime is None)
    check(not set(missing) & set(observations_that(s, 'year(resultTime) gt 0')), 'null has a year')
    equal(things_that(s, 'length(properties/mixed) gt 0 and properties/mixed ne null'), ['gamma'], 'text that is there')


@case(FUNCTIONS)
def functions_in_an_expand(s):
    row = s.get('Things(%s)' % key(s.world.things[0].id),
                expand="Datastreams($filter=endswith(name,'numbers') and length(description) eq 1)")
    equal(ids(row['Datastreams']), [s.world.numbers], 'the Datastreams')
