"""request-data: the query options, their order, operators, literals, paths, pages and refusals."""
from kit import HUGE_ID, case, check, equal, has, ids, key, lacks, location_body, refused, table
from query_world import holds, make as world, observations_that, things_that

ORDER, EXPAND, SELECT = 'request-data/order', 'request-data/expand', 'request-data/select'
ORDERBY, TOP, SKIP, COUNT = 'request-data/orderby', 'request-data/top', 'request-data/skip', 'request-data/count'
FILTER, OPERATORS = 'request-data/filter', 'request-data/built-in-filter-operations'
PAGES, STATUS, QUERY_STATUS = 'request-data/pagination', 'request-data/status-code', 'request-data/query-status-code'
assert world


def here(s):
    return 'Datastreams(%s)/Observations' % key(s.world.numbers)


def mine(s):
    return "startswith(name,'%s')" % s.world.prefix


# ---- $filter over Things, checked against the same question in Python ---------------------------

THINGS = [
    ("description eq 'Sensor Things'", lambda t: t.description == 'Sensor Things'),
    ("description ne 'Sensor Things'", lambda t: t.description != 'Sensor Things'),
    ("description gt 'o'", lambda t: t.description > 'o'),
    ("properties/n eq 5", lambda t: t.properties.get('n') == 5),
    ("5 eq properties/n", lambda t: t.properties.get('n') == 5),
    ("properties/n gt 4.5 and properties/n lt 6", lambda t: 4.5 < t.properties.get('n', 0) < 6),
    ("properties/n lt 0", lambda t: t.properties.get('n', 0) < 0),
    ("properties/text eq 'O''Brien'", lambda t: t.properties.get('text') == "O'Brien"),
    ("properties/text eq '100% & more'", lambda t: t.properties.get('text') == '100% & more'),
    ("properties/text eq ''", lambda t: t.properties.get('text') == ''),
    ("properties/flag eq true", lambda t: t.properties.get('flag') is True),
    ("properties/flag eq false", lambda t: t.properties.get('flag') is False),
    ("properties/nested/deep/x eq 'yes'", lambda t: t.stem == 'alpha'),
    ("properties/nothing/there eq 'yes'", lambda t: False),
    ("properties/mixed eq 'five'", lambda t: t.stem == 'gamma'),
    ("properties/mixed eq 7", lambda t: t.stem == 'epsilon'),
    ("description eq 'Ünïcode ☂ 気'", lambda t: t.stem == 'epsilon'),
    ("startswith(description,'Sensor') or startswith(description,'nothing')", lambda t: t.stem in ('alpha', 'delta')),
    ("not startswith(description,'Sensor')", lambda t: t.stem != 'alpha'),
    ("not (properties/n eq 5 or properties/n eq 12.5)", lambda t: t.properties.get('n') not in (5, 12.5)),
    ("properties/n eq 5 or properties/n eq 12.5 and description eq 'no'", lambda t: t.properties.get('n') == 5),
    ("(properties/n eq 5 or properties/n eq 12.5) and description eq 'no'", lambda t: False),
    ("Datastreams/name eq 'no such name'", lambda t: False),
    ("Locations/location/type eq 'Point'", lambda t: True),
]


@table(FILTER, THINGS)
def things(s, row):
    text, python = row
    equal(things_that(s, text), sorted(t.stem for t in s.world.things if python(t)), text)


@case(FILTER)
def by_a_path_to_many(s):
    equal(things_that(s, "Datastreams/name eq '%snumbers'" % s.world.prefix), ['alpha'], 'Datastreams/name')
    equal(things_that(s, 'Datastreams/id eq %s' % key(s.world.mixed)), ['beta'], 'Datastreams/id')
    equal(things_that(s, 'Datastreams/Observations/result eq 100'), ['alpha'], 'Datastreams/Observations/result')


@case(FILTER)
def by_a_path_to_one(s):
    rows = s.list('Datastreams', filter="Thing/name eq '%salpha'" % s.world.prefix)
    equal(sorted(ids(rows)), sorted([s.world.numbers, s.world.words]), 'Thing/name')
    rows = s.list('Observations', filter="Datastream/Thing/name eq '%sbeta'" % s.world.prefix)
    equal(sorted(ids(rows)), sorted(r.id for r in s.world.spans), 'Datastream/Thing/name')
    rows = s.list('Observations', filter="Datastream/id eq %s and result gt 50" % key(s.world.numbers))
    equal(ids(rows), [r.id for r in s.world.readings if r.result > 50], 'Datastream/id and result')


@case(FILTER)
def by_a_unit(s):
    text = "unitOfMeasurement/name eq 'percent' and %s" % mine(s)
    equal(sorted(ids(s.list('Datastreams', filter=text))), sorted([s.world.words, s.world.mixed]), text)


@table(FILTER, ['id', '@iot.id'])
def by_id(s, name):
    alpha = s.world.things[0].id
    equal(ids(s.list('Things', filter='%s eq %s' % (name, key(alpha)))), [alpha], name)


@case(FILTER)
def inside_a_nested_path(s):
    path = 'Things(%s)/Datastreams(%s)/Observations' % (key(s.world.things[0].id), key(s.world.numbers))
    equal(sorted(ids(s.list(path, filter='result lt 0'))), sorted(r.id for r in s.world.readings if r.result < 0), path)


@case(FILTER)
def null_is_no_value(s):
    missing = sorted(r.id for r in s.world.readings if r.resultTime is None)
    equal(observations_that(s, 'resultTime eq null'), missing, 'resultTime eq null')
    equal(observations_that(s, 'resultTime ne null'), sorted(r.id for r in s.world.readings if r.resultTime), 'ne null')


# ---- $filter over Observations --------------------------------------------------------------------

NUMBERS = [
    ('result eq 20.5', lambda r: r.result == 20.5), ('result ne 20.5', lambda r: r.result != 20.5),
    ('result gt 9', lambda r: r.result > 9), ('result ge 9', lambda r: r.result >= 9),
    ('result lt 9', lambda r: r.result < 9), ('result le 9', lambda r: r.result <= 9),
    ('result eq -7', lambda r: r.result == -7), ('result lt 1e1', lambda r: r.result < 10),
    ('result add 5 gt 14', lambda r: r.result + 5 > 14), ('result sub 5 gt 10', lambda r: r.result - 5 > 10),
    ('result mul 2 eq 41', lambda r: r.result * 2 == 41), ('result div 2 eq 5', lambda r: r.result / 2 == 5),
    ('result mod 3 eq 0', lambda r: r.result % 3 == 0 and r.result == int(r.result)),
    ('result mul result gt 400', lambda r: r.result ** 2 > 400),
    ('(result sub 5) gt 10', lambda r: r.result - 5 > 10), 
    ('not (result gt 9) and result gt 0', lambda r: 0 < r.result <= 9),
    ('result gt 9 and result lt 50 or result eq 0', lambda r: 9 < r.result < 50 or r.result == 0),
    ('result eq 0 or result gt 9 and result lt 50', lambda r: 9 < r.result < 50 or r.result == 0),
    ('result gt 3 add 2 mul 3', lambda r: r.result > 9), ('result gt 10 sub 4 sub 3', lambda r: r.result > 3),
    ('result gt (10 sub (4 sub 3))', lambda r: r.result > 9), ('result lt 24 div 2 mul 2', lambda r: r.result < 24),
    ('parameters/even eq true', lambda r: r.result % 2 == 0),
    ('phenomenonTime lt 2020-01-01T00:00:00Z', lambda r: r.phenomenonTime < '2020-01-01T00:00:00.000Z'),
    ('phenomenonTime ge 2020-01-01T01:00:00+01:00', lambda r: r.phenomenonTime >= '2020-01-01T00:00:00.000Z'),
    ('phenomenonTime eq 2020-01-01T02:30:15.500Z', lambda r: r.result == -7),
    ('phenomenonTime eq 2020-01-01T02:30:15.5Z', lambda r: r.result == -7),
    ('phenomenonTime gt 2020-12-31T23:59:59.998Z', lambda r: r.result == 0),
    ('resultTime gt phenomenonTime', lambda r: r.resultTime and r.resultTime > r.phenomenonTime),
    ('resultTime lt 2020-01-01T00:00:00Z', lambda r: r.resultTime and r.resultTime < '2020-01-01T00:00:00.000Z'),
    ("phenomenonTime add duration'PT1H' gt 2020-12-31T23:59:59Z", lambda r: r.result == 0),
    ("phenomenonTime sub duration'P1D' lt 2018-07-04T00:00:00Z", lambda r: r.phenomenonTime < '2018-07-05'),
    ("resultTime sub phenomenonTime gt duration'P100D'", lambda r: r.result == -7),
]


@table(OPERATORS, NUMBERS)
def numbers(s, row):
    text, python = row
    equal(observations_that(s, text), sorted(r.id for r in s.world.readings if python(r)), text)


WORDS = [("result eq 'dry'", ['dry']), ("result eq 'DRY'", []), ("result gt 'a'", ['dry', 'damp']), ("result eq '10'", ['10']),
         ("tolower(result) eq 'wet'", ['Wet']), ("result ne 'dry'", ['Wet', 'damp', '10', '9']),
         ("startswith(result,'d')", ['dry', 'damp'])]


@table(OPERATORS, WORDS)
def words(s, row):
    equal(observations_that(s, row[0], s.world.words), sorted(r.id for r in s.world.sayings if r.result in row[1]), row[0])


SPANS = [('phenomenonTime eq 2020-01-01T00:00:00Z/2020-01-02T00:00:00Z', [0]),
         ('phenomenonTime lt 2020-01-02T12:00:00Z', [0]), ('phenomenonTime gt 2020-01-02T12:00:00Z', [1]),
         ('phenomenonTime lt 2019-12-31T00:00:00Z', []), ('phenomenonTime gt 2020-01-05T00:00:00Z', [])]


@table(OPERATORS, SPANS)
def spans(s, row):
    equal(observations_that(s, row[0], s.world.mixed), sorted(s.world.spans[i].id for i in row[1]), row[0])


LITERALS = ['true', 'not false', '1 eq 1.0', '1e3 eq 1000', '-1 lt 0', '0.1 lt 0.2', "'a' lt 'b'", "'it''s' eq 'it''s'", "'' ne 'a'",
            'null eq null', '2020-01-01T00:00:00Z eq 2020-01-01T01:00:00+01:00', "duration'PT60M' eq duration'PT1H'",
            '7 mod 3 eq 1', '7 div 2 eq 3.5', '2 add 3 mul 4 eq 14', '(2 add 3) mul 4 eq 20', 'true or false and false',
            'not (true and false)', '(((((1 eq 1)))))', '2020-01-01T00:00:00Z lt 2020-01-01T00:00:00.001Z']


@table(OPERATORS, LITERALS)
def literals(s, text):
    check(holds(s, text), text + ' is not true here')
    check(not holds(s, 'not (%s)' % text), 'not (%s) is true here' % text)


WRONG = ['name eq', 'eq 5', 'name eq \'a', "name eq a'", '(name eq \'a\'', 'name eq \'a\')', 'noSuchProperty eq 5', 'name eq 5 5', 'and',
         "name eq 'a' and", "name like 'a'", "noSuchFunction(name)", "startswith(name)", "startswith('a','b','c')", "length()",
         "length(5) eq 1", "name add 5 eq 6", "year(name) eq 2020", "substringof(5,name)", "not name", "name", "5", "not id gt 9",
         "phenomenonTime gt 1", "Datastreams", "NoSuchSet/name eq 'a'", "Datastreams/noSuch eq 1", "name eq 2020-13-01T00:00:00Z",
         "1 div 0 eq", "name eq 'a';drop", "name == 'a'", "name = 'a'", "geo.distance(name,1) lt 5", "$name eq 'a'", "''''",
         "name eq \u0000", "name eq 'a' name eq 'b'", "geography'POINT (1' eq 1", "duration'x' eq duration'y'", "()"]


@table(FILTER, WRONG)
def not_a_filter(s, text):
    answer = refused(s.ask('Things', filter=text), 400)
    check(answer.json, 'no JSON')


@case(FILTER)
def an_error_says_where(s):
    answer = refused(s.ask('Things', filter="name eq 'a' and description frob 'b'"), 400)
    check(any(c.isdigit() for c in answer.json['message']), 'the answer does not say where: ' + answer.text)


@table(FILTER, [('parentheses', '(' * 3000 + "1 eq 1" + ')' * 3000), ('not', 'not ' * 3000 + 'true'),
                ('sums', '1' + ' add 1' * 3000 + ' gt 0'), ('functions', 'tolower(' * 800 + 'name' + ')' * 800 + " eq 'a'"),
                ('or', ' or '.join(["name eq 'a'"] * 700)), ('paths', '/'.join(['Datastreams/Thing'] * 300) + "/name eq 'a'")])
def nesting_is_bounded(s, row):
    answer = s.ask('Things', top=1, filter=row[1])
    check(answer.status in (200, 400, 413, 414, 431), 'got %d' % answer.status)
    s.get('Things', top=1)


@case(FILTER)
def an_empty_filter_is_refused(s):
    refused(s.raw('GET', 'Things?$filter='), 400)


# ---- $orderby ---------------------------------------------------------------------------------------

def ordered(s, by, **more):
    return ids(s.pages(here(s), orderby=by, **more))


def sorted_by(s, *keys):
    rows = sorted(s.world.readings, key=lambda r: r.id)
    for name, down in reversed(keys):
        # nulls first when ascending, so last when descending
        rows.sort(key=lambda r: (r[name] is not None, r[name] or 0 if name == 'result' else r[name] or ''), reverse=down)
    return [r.id for r in rows]


def same_order(s, by, keys, got):
    """Ties may stand in the order of ids, ascending or descending with the key."""
    values = {r.id: tuple(r[k] for k, _ in keys) for r in s.world.readings}
    equal([values[i] for i in got], [values[i] for i in sorted_by(s, *keys)], by)
    equal(sorted(got), sorted(values), by + ': all of them, once')


ORDERS = [('result', [('result', False)]), ('result asc', [('result', False)]), ('result desc', [('result', True)]),
          ('phenomenonTime', [('phenomenonTime', False)]), ('phenomenonTime desc', [('phenomenonTime', True)]),
          ('phenomenonTime,result desc', [('phenomenonTime', False), ('result', True)]),
          ('phenomenonTime desc,result', [('phenomenonTime', True), ('result', False)]),
          ('resultTime', [('resultTime', False)]), ('resultTime desc', [('resultTime', True)]),
          ('id desc', [('id', True)]), ('id', [('id', False)])]


@table(ORDERBY, ORDERS)
def orderby(s, row):
    same_order(s, row[0], row[1], ordered(s, row[0]))


@table(ORDERBY, [r for r in ORDERS if r[0] not in ('result asc', 'id')])
def orderby_over_pages_of_two(s, row):
    same_order(s, row[0], row[1], ordered(s, row[0], top=2))


@case(ORDERBY)
def by_name_of_another_entity(s):
    rows = s.pages('Datastreams', filter=mine(s), orderby='Thing/name desc,name')
    equal([r['name'][len(s.world.prefix):] for r in rows], ['empty', 'mixed', 'numbers', 'words'], 'Thing/name desc,name')


@case(ORDERBY)
def by_a_member_of_json(s):
    rows = s.pages('Things', filter=mine(s), orderby='properties/n,name desc')
    equal([r['name'][len(s.world.prefix):] for r in rows], ['delta', 'gamma', 'epsilon', 'alpha', 'beta'], 'properties/n')


@case(ORDERBY)
def by_a_function(s):
    rows = s.pages('Things', filter=mine(s), orderby='length(name),name')
    equal([r['name'][len(s.world.prefix):] for r in rows], ['beta', 'alpha', 'delta', 'gamma', 'epsilon'], 'length(name),name')


@case(ORDERBY)
def nulls_first(s):
    rows = s.pages(here(s), orderby='resultTime')
    firsts = [r['@iot.id'] for r in rows[:2]]
    equal(sorted(firsts), sorted(r.id for r in s.world.readings if r.resultTime is None), 'the first two')


@case(ORDERBY)
def ties_keep_their_order(s):
    want = s.pages('Things', filter=mine(s), orderby='properties/n')
    for top in (1, 2, 3):
        equal(ids(s.pages('Things', filter=mine(s), orderby='properties/n', top=top)), ids(want), 'pages of %d' % top)


@table(ORDERBY, ['noSuch', 'result up', 'result asc desc', ',', 'result,', 'result;id', 'Datastream', 'result desc,noSuch'])
def not_an_order(s, text):
    refused(s.ask(here(s), orderby=text), 400)


# ---- $top, $skip, $count, pages -----------------------------------------------------------------------

@table(TOP, [0, 1, 3, 8, 100])
def top(s, number):
    rows = s.list(here(s), top=number, orderby='id')
    equal(ids(rows), sorted(r.id for r in s.world.readings)[:number], '$top=%d' % number)


@table(TOP, ['-1', 'a', '', '1.5', '1e2', '99999999999999999999', '+1', 'null'])
def not_a_top(s, text):
    refused(s.raw('GET', here(s) + '?$top=' + text), 400)


@table(SKIP, [0, 1, 5, 8, 100])
def skip_some(s, number):
    rows = s.list(here(s), skip=number, orderby='id')
    equal(ids(rows), sorted(r.id for r in s.world.readings)[number:], '$skip=%d' % number)


@table(SKIP, ['-1', 'a', '', '1.5', '99999999999999999999'])
def not_a_skip(s, text):
    refused(s.raw('GET', here(s) + '?$skip=' + text), 400)


@case(COUNT)
def count_true(s):
    answer = s.get(here(s), count='true')
    equal(answer.get('@iot.count'), len(s.world.readings), '@iot.count')


@case(COUNT)
def count_false(s):
    lacks(s.get(here(s), count='false'), ['@iot.count'], '$count=false')


@case(COUNT)
def count_is_of_the_filtered_set(s):
    for more in ({}, {'top': 0}, {'top': 1}, {'skip': 2}, {'top': 1, 'skip': 3}):
        answer = s.get(here(s), count='true', filter='result gt 9', **more)
        equal(answer.get('@iot.count'), len([r for r in s.world.readings if r.result > 9]), '@iot.count with %r' % more)


@case(COUNT)
def count_of_none(s):
    equal(s.get(here(s), count='true', filter='result eq 12345').get('@iot.count'), 0, '@iot.count')


@case(COUNT)
def count_in_an_expand(s):
    thing = s.get('Datastreams(%s)' % key(s.world.numbers), expand='Observations($count=true;$top=1)')
    equal(thing.get('Observations@iot.count'), len(s.world.readings), 'Observations@iot.count')


@table(COUNT, ['1', 'yes', '', 'TRUE ', 'null'])
def not_a_count(s, text):
    refused(s.raw('GET', here(s) + '?$count=' + text), 400)


@case(ORDER)
def order_of_evaluation(s):
    want = sorted([r for r in s.world.readings if r.result >= 0], key=lambda r: -r.result)
    answer = s.get(here(s), filter='result ge 0', count='true', orderby='result desc,id', skip=2, top=2, select='result')
    equal([r['result'] for r in answer['value']], [r.result for r in want[2:4]], 'filtered, ordered, skipped, cut')
    equal(answer.get('@iot.count'), len(want), '@iot.count')


@case(ORDER)
def the_order_they_are_written_in_does_not_matter(s):
    texts = ['$top=2', '$skip=1', '$orderby=result', "$filter=result%20gt%200", '$count=true', '$select=result']
    first = s.raw('GET', here(s) + '?' + '&'.join(texts)).json
    last = s.raw('GET', here(s) + '?' + '&'.join(reversed(texts))).json
    equal((first['value'], first['@iot.count']), (last['value'], last['@iot.count']), 'the answers')


@case(PAGES)
def next_link_only_when_there_is_more(s):
    lacks(s.get(here(s), top=8), ['@iot.nextLink'], 'a page that holds all')
    lacks(s.get(here(s)), ['@iot.nextLink'], 'a page that holds all')
    has(s.get(here(s), top=7), ['@iot.nextLink'], 'a page that was cut')


@case(PAGES)
def pages_keep_all_options(s):
    page = s.get(here(s), top=2, filter='result gt 0', orderby='result desc', select='id,result', count='true',
                 expand='Datastream($select=name)')
    while True:
        equal(page.get('@iot.count'), len([r for r in s.world.readings if r.result > 0]), '@iot.count')
        check(len(page['value']) <= 2, 'more than $top on a page')
        for row in page['value']:
            check(row['result'] > 0, 'the filter was forgotten')
            lacks(row, ['phenomenonTime'], 'a row, after $select')
            has(row, ['Datastream'], 'a row, after $expand')
        if '@iot.nextLink' not in page:
            break
        page = s.get(page['@iot.nextLink'])


@case(PAGES)
def pages_are_stable_under_inserts(s):
    thing = s.thing(Locations=[location_body(s)])
    stream = s.datastream(thing)
    old = [s.observe(stream, n * 2, '2020-01-01T00:00:%02dZ' % n) for n in range(20)]
    for by in ('result', 'result desc', 'id', 'phenomenonTime desc'):
        page = s.get('Datastreams(%s)/Observations' % key(stream), top=3, orderby=by)
        seen = ids(page['value'])
        n = 0
        while '@iot.nextLink' in page:
            n += 1
            s.observe(stream, n * 5 - 3, '2020-01-01T00:00:%02dZ' % n)
            page = s.get(page['@iot.nextLink'])
            seen += ids(page['value'])
        equal(len(seen), len(set(seen)), by + ': rows that came twice')
        equal([o for o in old if o not in seen], [], by + ': rows that were lost')


@case(PAGES)
def pages_of_a_skip(s):
    rows = s.pages(here(s), top=2, skip=3, orderby='id')
    equal(ids(rows), sorted(r.id for r in s.world.readings)[3:], '$skip once, not on every page')


@case(PAGES)
def a_huge_page_is_cut(s):
    answer = s.get('Observations', top=2000000000)
    check(len(answer['value']) <= 100000, 'a page without bound')


@case(PAGES)
def a_forged_next_link_is_refused_or_harmless(s):
    link = s.get(here(s), top=2, orderby='result')['@iot.nextLink']
    for bad in (link[:-1], link + 'x', link + '%00', link.replace('=', '=%FF', 1)):
        status = s.ask(bad).status
        check(status < 500, 'got %d for %s' % (status, bad))


@case(PAGES)
def pages_of_an_expand(s):
    stream = s.get('Datastreams(%s)' % key(s.world.numbers), expand='Observations($top=3;$orderby=id)')
    equal(len(stream['Observations']), 3, 'the first page')
    has(stream, ['Observations@iot.nextLink'], 'the Datastream')
    rest = s.pages(stream['Observations@iot.nextLink'])
    equal(ids(stream['Observations']) + ids(rest), sorted(r.id for r in s.world.readings), 'all of them')


# ---- $select ------------------------------------------------------------------------------------------

@case(SELECT)
def select_one(s):
    row = s.list('Things', select='name', filter=mine(s))[0]
    has(row, ['name'], '$select=name')
    lacks(row, ['description', 'properties', 'Datastreams@iot.navigationLink'], '$select=name')


@case(SELECT)
def select_several(s):
    row = s.get(here(s), select='result,phenomenonTime', top=1)['value'][0]
    has(row, ['result', 'phenomenonTime'], '$select')
    lacks(row, ['parameters', 'resultTime'], '$select')


@table(SELECT, ['id', '@iot.id'])
def select_id(s, name):
    row = s.get('Things(%s)' % key(s.world.things[0].id), select=name)
    equal(row.get('@iot.id'), s.world.things[0].id, '@iot.id')
    lacks(row, ['name'], '$select=' + name)


@case(SELECT)
def select_a_link(s):
    row = s.get('Things(%s)' % key(s.world.things[0].id), select='name,Datastreams')
    has(row, ['name', 'Datastreams@iot.navigationLink'], '$select')
    lacks(row, ['Locations@iot.navigationLink', 'description'], '$select')


@case(SELECT)
def select_and_expand(s):
    row = s.get('Things(%s)' % key(s.world.things[0].id), select='name', expand='Datastreams($select=description)')
    lacks(row, ['description'], 'the Thing')
    has(row, ['Datastreams'], 'the Thing')
    lacks(row['Datastreams'][0], ['name', 'unitOfMeasurement'], 'its Datastream')


@table(SELECT, ['noSuch', 'name,noSuch', ',', 'name,', '', 'Datastreams/name/x', 'name desc'])
def not_a_select(s, text):
    refused(s.raw('GET', 'Things?$select=' + text.replace(' ', '%20')), 400)


# ---- $expand ------------------------------------------------------------------------------------------

@case(EXPAND)
def expand_one(s):
    rows = s.list('Datastreams', filter=mine(s), expand='Thing')
    for row in rows:
        check(row['Thing']['name'].startswith(s.world.prefix), 'the Thing is not there')
        equal(row['Thing']['@iot.selfLink'].split('/')[-1], 'Things(%s)' % key(row['Thing']['@iot.id']), 'its selfLink')


@case(EXPAND)
def expand_several(s):
    row = s.get('Datastreams(%s)' % key(s.world.numbers), expand='Thing,Sensor,ObservedProperty,Observations')
    has(row, ['Thing', 'Sensor', 'ObservedProperty', 'Observations'], '$expand')
    equal(len(row['Observations']), len(s.world.readings), 'Observations')


@table(EXPAND, ['Datastreams/Observations', 'Datastreams($expand=Observations)'])
def expand_a_path(s, text):
    row = s.get('Things(%s)' % key(s.world.things[0].id), expand=text)
    streams = {d['@iot.id']: len(d['Observations']) for d in row['Datastreams']}
    equal(streams, {s.world.numbers: len(s.world.readings), s.world.words: len(s.world.sayings)}, 'Observations')


@case(EXPAND)
def expand_two_paths_of_one_root(s):
    row = s.get('Things(%s)' % key(s.world.things[0].id), expand='Datastreams/Sensor,Datastreams/ObservedProperty')
    for stream in row['Datastreams']:
        has(stream, ['Sensor', 'ObservedProperty'], 'an expanded Datastream')


@case(EXPAND)
def expand_with_options(s):
    row = s.get('Things(%s)' % key(s.world.things[0].id), expand=(
        "Datastreams($filter=description eq 'a';$select=name,id;"
        "$expand=Observations($orderby=result desc;$top=2;$skip=1;$filter=result gt 0;$select=result;$count=true))"))
    equal(ids(row['Datastreams']), [s.world.numbers], 'the Datastreams')
    want = sorted((r.result for r in s.world.readings if r.result > 0), reverse=True)
    equal([o['result'] for o in row['Datastreams'][0]['Observations']], want[1:3], 'the Observations')


@case(EXPAND)
def expand_quotes_inside_options(s):
    row = s.get('Things(%s)' % key(s.world.things[0].id), expand="Datastreams($filter=name eq 'a;b)''(c,' or description eq 'a')")
    equal(ids(row['Datastreams']), [s.world.numbers], 'the Datastreams')


@case(EXPAND)
def expand_there_and_back(s):
    row = s.get('Things(%s)' % key(s.world.things[0].id), expand='Datastreams/Thing/Datastreams')
    equal(len(row['Datastreams'][0]['Thing']['Datastreams']), 2, 'and back')


@case(EXPAND)
def expand_of_nothing(s):
    equal(s.get('Datastreams(%s)' % key(s.world.empty), expand='Observations')['Observations'], [], 'Observations')


@case(EXPAND)
def expand_below_a_path(s):
    row = s.get('Observations(%s)/Datastream' % key(s.world.readings[0].id), expand='Thing/Locations')
    equal(row['Thing']['Locations'][0]['location']['coordinates'], list(s.world.things[0].place), 'the Location')


@table(EXPAND, ['noSuch', 'name', 'Datastreams/noSuch', 'Datastreams,', '', 'Datastreams(', 'Datastreams($top=1', 'Datastreams($frob=1)',
                'Datastreams($top=-1)', 'Datastreams($top=1;$top=2)', 'Datastreams(top=1)', 'Datastreams()x', 'Datastreams/'])
def not_an_expand(s, text):
    refused(s.raw('GET', 'Things?$expand=' + text), 400)


@table(EXPAND, [('deep', '/'.join(['Datastreams', 'Thing'] * 60)),
                ('nested', '($expand='.join(['Datastreams', 'Thing'] * 60) + ')' * 119),
                ('wide', ','.join(['Datastreams/Observations'] * 300))])
def expand_is_bounded(s, row):
    answer = s.raw('GET', 'Things?$expand=' + row[1])
    check(answer.status in (200, 400, 413, 414, 431), 'got %d' % answer.status)


# ---- what becomes of the request ------------------------------------------------------------------------

@table(QUERY_STATUS, ['$frob=1', '$Filter=true', '$filtre=true', '$=1', '$top', '$', '$top=1&$frob'])
def unknown_options(s, text):
    refused(s.raw('GET', 'Things?' + text), 400, 501)


@table(QUERY_STATUS, ['$search=a', '$apply=groupby((name))', '$compute=1', '$format=xml', '$resultFormat=frob'])
def options_that_are_not_there(s, text):
    refused(s.raw('GET', 'Things?' + text), 501, 400)


@table(QUERY_STATUS, ['$top=1&$top=1', '$filter=true&$filter=true', '$skip=0&$skip=1', '$count=true&$count=true', '$select=name&$select=id',
                      '$expand=Datastreams&$expand=Locations', '$orderby=id&$orderby=name', '$top=1&%24top=1'])
def the_same_option_twice(s, text):
    refused(s.raw('GET', 'Things?' + text), 400)


@case(QUERY_STATUS)
def options_may_be_percent_encoded(s):
    answer = s.raw('GET', 'Things?%24filter=id%20eq%20' + key(s.world.things[0].id) + '&%24top=1')
    equal(ids(answer.value), [s.world.things[0].id], 'the Thing')


@case(QUERY_STATUS)
def a_plus_is_a_space_or_refused(s):
    answer = s.raw('GET', 'Things?$filter=id+eq+' + key(s.world.things[0].id))
    check(answer.status == 400 or ids(answer.value) == [s.world.things[0].id], 'an odd reading of +')


@table(STATUS, [('Things(%d)' % HUGE_ID, 404), ('NoSuch', 404), ('Things?$top=x', 400), ('Things?$filter=x', 400)])
def statuses(s, row):
    equal(s.raw('GET', row[0]).status, row[1], row[0])


@table(STATUS, ['Things(%d)?$filter=true', 'Things(%d)?$top=1', 'Things(%d)?$count=true', 'Things(%d)/name?$filter=true'])
def options_that_make_no_sense_there(s, text):
    answer = s.raw('GET', text % s.world.things[0].id if '%d' in text else text)
    check(answer.status in (200, 400, 501), 'got %d' % answer.status)


@case(STATUS)
def bad_percent_encoding(s):
    for text in ('Things?$filter=%', 'Things?$filter=%zz', 'Things?$filter=%C3%28', 'Things?$filter=%00'):
        refused(s.raw('GET', text), 400)
