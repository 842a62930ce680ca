"""model.py -- what the files of the data model share: the same questions to every entity type."""
from kit import check, equal, has, key, refused


def keeps(s, path, body, names):
    """An entity made of the body answers the same values, at once and when asked again."""
    entity_id = s.make(path, body)
    entity = s.get('%s(%s)' % (path, key(entity_id)))
    for name in names:
        has(entity, [name], path)
        equal(entity[name], body[name], '%s/%s' % (path, name))
    return entity_id


def needs(s, path, body, name):
    """Without the mandatory property the entity is refused, and the answer names it."""
    short = {k: v for k, v in body.items() if k != name}
    answer = refused(s.post(path, short), 400)
    check(name in answer.text, '%s: the answer does not name %s: %s' % (answer.what, name, answer.text))
    refused(s.post(path, dict(body, **{name: None})), 400)


def wrong_kind(s, path, body, name, value):
    refused(s.post(path, dict(body, **{name: value})), 400)


def to_one(s, path, name, wanted_id):
    """A relation to one entity: by its own path, by navigationLink and by $expand."""
    entity = s.get(path)
    has(entity, [name + '@iot.navigationLink'], path)
    equal(s.get(path + '/' + name)['@iot.id'], wanted_id, path + '/' + name)
    equal(s.get(entity[name + '@iot.navigationLink'])['@iot.id'], wanted_id, 'the navigationLink of ' + name)
    equal(s.get(path, expand=name)[name]['@iot.id'], wanted_id, '$expand=' + name)


def to_many(s, path, name, wanted_ids):
    """A relation to many: the same three ways."""
    entity = s.get(path)
    link = name + '@iot.navigationLink'
    has(entity, [link], path)
    ways = {'path': s.list(path + '/' + name), 'navigationLink': s.list(entity[link]),
            '$expand': s.get(path, expand=name)[name]}
    for way, rows in ways.items():
        equal(sorted(r['@iot.id'] for r in rows), sorted(wanted_ids), '%s/%s by %s' % (path, name, way))
