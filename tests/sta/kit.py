"""kit.py -- what every case uses: an HTTP client, makers of entities, and assertions that say what was expected.

A case is a function of one argument, a Session. What it creates is deleted after it; what a class
of cases shares is made once by its module's world() and deleted after the last of them.
"""
import http.client
import json
import re
import ssl
import time
import urllib.parse

SENSING = 'http://www.opengis.net/spec/iot_sensing/1.1/req/'
TASKING = 'http://www.opengis.net/spec/iot_tasking/1.0/req/'
OM = 'http://www.opengis.net/def/observationType/OGC-OM/2.0/'
MEASUREMENT = OM + 'OM_Measurement'
COMPLEX = OM + 'OM_ComplexObservation'
HUGE_ID = 9223372036854775807
# Everything that may stand in a path or a query as itself.
SAFE = "/()$=&,;'@:!*-._~?"


class Failure(Exception):
    """A case does not hold."""


class Skip(Exception):
    """The server does not claim what the case is about."""


cases = []  # (name, requirement ids, function, argument or None), in order of definition


def case(*requirements):
    """Register a function as a case of these requirement ids."""
    def register(function):
        module = function.__module__.rsplit('.', 1)[-1]
        cases.append((module + '.' + function.__name__, requirements, function, None))
        return function
    return register


def table(requirement, rows):
    """Register one case for each row; the function is given the session and the row."""
    def register(function):
        module = function.__module__.rsplit('.', 1)[-1]
        for row in rows:
            label = row[0] if isinstance(row, tuple) else row
            name = '%s.%s: %s' % (module, function.__name__, label)
            cases.append((name, (requirement,), function, row))
        return function
    return register


# ---- assertions ---------------------------------------------------------------------------------

def show(value, most=300):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else text[:most] + '...'


def check(good, what):
    if not good:
        raise Failure(what)


def equal(got, want, what):
    if got != want:
        raise Failure('%s: wanted %s, got %s' % (what, show(want), show(got)))


def within(got, want, tolerance, what):
    if not isinstance(got, (int, float)) or abs(got - want) > tolerance:
        raise Failure('%s: wanted %r +- %r, got %r' % (what, want, tolerance, got))


def has(mapping, names, what):
    for name in names:
        if not isinstance(mapping, dict) or name not in mapping:
            raise Failure('%s: no %s in %s' % (what, name, show(mapping)))


def lacks(mapping, names, what):
    for name in names:
        if name in mapping:
            raise Failure('%s: %s should not be in %s' % (what, name, show(mapping)))


def refused(answer, *statuses):
    """A refusal: one of these statuses, and a sentence that a person can read."""
    wanted = statuses or (400,)
    if answer.status not in wanted:
        raise Failure('%s: wanted status %s, got %s %s' % (
            answer.what, ' or '.join(map(str, wanted)), answer.status, show(answer.text)))
    check(len(answer.text.strip()) > 10, '%s: status %d without a sentence' % (answer.what, answer.status))
    return answer


def parse_time(text):
    """An ISO 8601 instant as seconds since 1970, with its fraction."""
    m = re.fullmatch(r'(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)', text or '')
    check(m, 'not an ISO 8601 instant with a zone: %r' % (text,))
    import calendar
    seconds = calendar.timegm(tuple(int(m.group(i)) for i in range(1, 7)) + (0, 0, 0))
    zone = m.group(8)
    if zone != 'Z':
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        seconds -= (minutes if zone[0] == '+' else -minutes) * 60
    return seconds + float(m.group(7) or 0)


def same_time(got, want, what):
    """The same instants, however they are written; intervals part by part."""
    gots, wants = (got or '').split('/'), want.split('/')
    if len(gots) != len(wants) or any(abs(parse_time(g) - parse_time(w)) > 0.0005 for g, w in zip(gots, wants)):
        raise Failure('%s: wanted %s, got %s' % (what, want, got))


# ---- HTTP ---------------------------------------------------------------------------------------

class Answer:
    def __init__(self, what, status, headers, body):
        self.what, self.status, self.headers, self.body = what, status, headers, body

    @property
    def text(self):
        return self.body.decode('utf-8', 'replace')

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            raise Failure('%s: not JSON: %s' % (self.what, show(self.text))) from None

    @property
    def value(self):
        value = self.json
        check(isinstance(value, dict) and isinstance(value.get('value'), list),
              '%s: no list "value" in %s' % (self.what, show(self.text)))
        return value['value']


class Server:
    """One service root, e.g. http://127.0.0.1:8080/v1.1, and how to reach it."""

    def __init__(self, url, mqtt=None, headers=(), context=None):
        self.url = url.rstrip('/')
        parts = urllib.parse.urlsplit(self.url)
        self.host, self.path, self.secure = parts.netloc, parts.path, parts.scheme == 'https'
        self.mqtt = mqtt
        self.headers = dict(headers)
        self.context = context
        self.connection = None
        self.requests = 0
        self.run = 'sta%x' % (time.time_ns() // 1000 % 0xffffffffff)
        self.count = 0
        self.root = None

    def _connect(self):
        if self.secure:
            return http.client.HTTPSConnection(self.host, timeout=30, context=self.context or ssl.create_default_context())
        return http.client.HTTPConnection(self.host, timeout=30)

    def request(self, method, target, body=None, headers=None):
        all_headers = dict(self.headers)
        all_headers.update(headers or {})
        self.requests += 1
        for attempt in (0, 1):
            if self.connection is None:
                self.connection = self._connect()
            try:
                self.connection.request(method, target, body, all_headers)
                r = self.connection.getresponse()
                data = r.read()
                answer = Answer('%s %s' % (method, show(target, 200)), r.status, r.headers, data)
                if r.will_close:
                    self.close()
                return answer
            except (http.client.HTTPException, OSError) as e:
                self.close()
                if attempt:
                    raise Failure('%s %s: no answer (%s)' % (method, show(target, 200), e)) from None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def conformance(self):
        if self.root is None:
            self.root = self.request('GET', self.path).json
        return self.root.get('serverSettings', {}).get('conformance', [])

    def claims(self, prefix):
        return any(c.startswith(prefix) for c in self.conformance())


def key(entity_id):
    return "'%s'" % entity_id.replace("'", "''") if isinstance(entity_id, str) else str(entity_id)


def ids(rows):
    return [r['@iot.id'] for r in rows]


class Session:
    """A server as one case sees it: it remembers what it made."""

    def __init__(self, server, world=None):
        self.server, self.world, self.made = server, world, []

    # -- asking --
    def target(self, path, **options):
        if path.startswith('http'):
            check(path.startswith(self.server.url), 'the link %s does not begin with %s' % (path, self.server.url))
            target = self.server.path + path[len(self.server.url):]
        else:
            target = self.server.path + ('/' + urllib.parse.quote(path, safe=SAFE + '%') if path else '')
        if options:
            target += '?' + '&'.join('$%s=%s' % (name, urllib.parse.quote(str(value), safe="/()$=,;'@:!*-._~"))
                                     for name, value in options.items())
        return target

    def raw(self, method, path, body=None, headers=None, **options):
        return self.server.request(method, self.target(path, **options), body, headers)

    def ask(self, path, **options):
        """GET, whatever the answer."""
        return self.raw('GET', path, **options)

    def get(self, path, **options):
        """GET that must succeed: the JSON."""
        answer = self.ask(path, **options)
        if answer.status != 200:
            raise Failure('%s: status %d %s' % (answer.what, answer.status, show(answer.text)))
        return answer.json

    def list(self, path, **options):
        answer = self.get(path, **options)
        check(isinstance(answer.get('value'), list), '%s: no list "value"' % path)
        return answer['value']

    def pages(self, path, most=1000, **options):
        """All rows, following @iot.nextLink."""
        page = self.get(path, **options)
        rows, count = list(page['value']), 1
        while '@iot.nextLink' in page:
            count += 1
            check(count <= most, '%s: more than %d pages' % (path, most))
            page = self.get(page['@iot.nextLink'])
            rows += page['value']
        return rows

    def send(self, method, path, body, content_type='application/json'):
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        if isinstance(data, str):
            data = data.encode()
        return self.raw(method, path, data, {'Content-Type': content_type})

    def post(self, path, body, content_type='application/json'):
        """POST, whatever the answer; what it made is remembered."""
        answer = self.send('POST', path, body, content_type)
        location = answer.headers.get('Location')
        if answer.status == 201 and location:
            self.made.append(location)
        return answer

    def make(self, path, body):
        """POST that must make an entity: its id."""
        answer = self.post(path, body)
        if answer.status not in (201, 204):
            raise Failure('%s: wanted 201, got %d %s' % (answer.what, answer.status, show(answer.text)))
        location = answer.headers.get('Location')
        check(location, '%s: no Location header' % answer.what)
        m = re.search(r"\(('?)(.*)\1\)$", location)
        check(m, '%s: no id in Location %s' % (answer.what, location))
        return m.group(2).replace("''", "'") if m.group(1) else int(m.group(2))

    def patch(self, path, body, content_type='application/json'):
        answer = self.send('PATCH', path, body, content_type)
        if answer.status not in (200, 204):
            raise Failure('%s: wanted 200 or 204, got %d %s' % (answer.what, answer.status, show(answer.text)))
        return answer

    def put(self, path, body):
        answer = self.send('PUT', path, body)
        if answer.status not in (200, 204):
            raise Failure('%s: wanted 200 or 204, got %d %s' % (answer.what, answer.status, show(answer.text)))
        return answer

    def delete(self, path):
        answer = self.raw('DELETE', path)
        if answer.status not in (200, 204):
            raise Failure('%s: wanted 200 or 204, got %d %s' % (answer.what, answer.status, show(answer.text)))
        return answer

    def gone(self, path):
        answer = self.ask(path)
        check(answer.status in (404, 410), '%s: wanted 404 or 410, got %d' % (answer.what, answer.status))

    def clean(self):
        for link in reversed(self.made):
            try:
                self.server.request('DELETE', self.target(link))
            except Failure:
                pass
        self.made = []

    # -- making --
    def name(self, stem='it'):
        """A name that no other case of this or any other run has."""
        self.server.count += 1
        return '%s %s %d' % (self.server.run, stem, self.server.count)

    def thing(self, **more):
        return self.make('Things', dict(thing_body(self), **more))

    def location(self, longitude=8.4, latitude=49.0, **more):
        return self.make('Locations', dict(location_body(self, longitude, latitude), **more))

    def sensor(self, **more):
        return self.make('Sensors', dict(sensor_body(self), **more))

    def observed_property(self, **more):
        return self.make('ObservedProperties', dict(observed_property_body(self), **more))

    def feature(self, longitude=8.4, latitude=49.0, **more):
        return self.make('FeaturesOfInterest', dict(feature_body(self, longitude, latitude), **more))

    def datastream(self, thing=None, **more):
        """A Datastream on its own Thing (with a Location) or on that one."""
        body = dict(datastream_body(self), **more)
        if 'Thing' in body:
            return self.make('Datastreams', body)
        if thing is None:
            thing = self.thing(Locations=[location_body(self)])
        return self.make('Things(%s)/Datastreams' % key(thing), body)

    def observe(self, datastream, result, time_text=None, **more):
        body = dict(result=result, **more)
        if time_text:
            body['phenomenonTime'] = time_text
        return self.make('Datastreams(%s)/Observations' % key(datastream), body)


# ---- bodies -------------------------------------------------------------------------------------

def thing_body(s):
    return {'name': s.name('thing'), 'description': 'a thing of the suite'}


def point(longitude, latitude):
    return {'type': 'Point', 'coordinates': [longitude, latitude]}


def location_body(s, longitude=8.4, latitude=49.0):
    return {'name': s.name('location'), 'description': 'a place', 'encodingType': 'application/geo+json',
            'location': point(longitude, latitude)}


def feature_body(s, longitude=8.4, latitude=49.0):
    return {'name': s.name('feature'), 'description': 'what is watched', 'encodingType': 'application/geo+json',
            'feature': point(longitude, latitude)}


def sensor_body(s):
    return {'name': s.name('sensor'), 'description': 'it measures', 'encodingType': 'application/pdf',
            'metadata': 'https://example.org/datasheet.pdf'}


def observed_property_body(s):
    return {'name': s.name('property'), 'definition': 'http://www.qudt.org/qudt/owl/1.0.0/quantity/Instances.html#Temperature',
            'description': 'what is measured'}


CELSIUS = {'name': 'degree Celsius', 'symbol': 'degC', 'definition': 'http://www.qudt.org/vocab/unit/DEG_C'}
PERCENT = {'name': 'percent', 'symbol': '%', 'definition': 'http://www.qudt.org/vocab/unit/PERCENT'}
NO_UNIT = {'name': None, 'symbol': None, 'definition': None}


def datastream_body(s):
    """Without a Thing."""
    return {'name': s.name('datastream'), 'description': 'a series', 'observationType': MEASUREMENT,
            'unitOfMeasurement': dict(CELSIUS), 'Sensor': sensor_body(s), 'ObservedProperty': observed_property_body(s)}


def multi_body(s):
    """A MultiDatastream of temperature, humidity and weather, without a Thing."""
    return {'name': s.name('multi'), 'description': 'three at a time', 'observationType': COMPLEX,
            'multiObservationDataTypes': [MEASUREMENT, MEASUREMENT, OM + 'OM_CategoryObservation'],
            'unitOfMeasurements': [dict(CELSIUS), dict(PERCENT), dict(NO_UNIT)],
            'Sensor': sensor_body(s),
            'ObservedProperties': [observed_property_body(s), observed_property_body(s), observed_property_body(s)]}
