/*
 * plain.c -- topics that are not SensorThings: trees of the charter, each of one data class.
 *
 * Who is not named there may neither publish nor hear. Every message is a decision with a leaf; it
 * is kept while a session that is kept waits for it, or as the retained one of its topic, never
 * longer than its class is.
 */
#include "programs/core/core.h"

#include "base/text.h"
#include "mqtt/property.h"
#include "mqtt/topic.h"

bool
plain_topic(struct bytes topic)
{
    return !bytes_start(topic, "v1.1/");
}

/* ---- trees ----------------------------------------------------------------------------------- */

enum { FILTER_SIZE = 201 + 16 * START_NAME_SIZE };

/* The row's filter for this device: its name for "%d", or any name. */
static struct bytes
filter_for(const struct start_topics *row, const char *name, char to[static FILTER_SIZE])
{
    struct mqtt_levels levels = mqtt_levels_of(bytes_text(row->filter));
    struct bytes level;
    size_t at = 0, count = 0;
    if (!strstr(row->filter, "%d"))
        return bytes_text(row->filter);
    while (mqtt_level_next(&levels, &level)) {
        struct bytes put = bytes_are(level, "%d") ? bytes_text(name) : level;
        int n =
            snprintf(to + at, FILTER_SIZE - at, "%s%.*s", count++ ? "/" : "", BYTES_PRINTF(put));
        if (n < 0 || at + (size_t)n >= FILTER_SIZE)
            return (struct bytes){0}; /* more names than fit: matches nothing */
        at += (size_t)n;
    }
    return bytes_of(to, at);
}

/* One of the row's exceptions matches, or covers, this. */
static bool
excepted(const struct start_topics *row, struct bytes what)
{
    struct bytes rest = bytes_text(row->except);
    while (rest.len) {
        size_t n = bytes_find(rest, '\n');
        if (mqtt_filter_covers(bytes_of(rest.p, n), what))
            return true;
        rest = bytes_skip(rest, n < rest.len ? n + 1 : n);
    }
    return false;
}

/* What Bulkhead itself says there is in no tree, whatever the filter. */
static bool
reserved(struct bytes topic)
{
    return bytes_start(topic, "v1.1/") || bytes_are(topic, "v1.1") ||
           bytes_start(topic, "leases/") || bytes_are(topic, "leases") || bytes_start(topic, "$");
}

static bool
row_holds(const struct start_topics *row, const char *name, struct bytes topic)
{
    char text[FILTER_SIZE];
    struct bytes filter = filter_for(row, name, text);
    return filter.len && mqtt_filter_matches(filter, topic) && !excepted(row, topic);
}

int
plain_row(const struct core *c, struct bytes topic)
{
    for (size_t i = 0; i < c->start->topics_count && !reserved(topic); i++)
        if (row_holds(&c->start->topics[i], "+", topic))
            return (int)i;
    return -1;
}

static bool
may_subscribe(const struct core *c, const struct start_topics *row, const struct speaker *who)
{
    if (who->kind == PEER_DEVICE)
        return row->who & TOPICS_DEVICES_SUBSCRIBE;
    return who->kind == PEER_CALLER && (row->who & TOPICS_CALLERS_SUBSCRIBE) &&
           class_allows(start_class(c->start, bytes_text(row->class_name)), who->purpose);
}

/* "%d" is oneself for a device; a caller hears all of them. */
static const char *
self_of(const struct speaker *who)
{
    return who->kind == PEER_DEVICE ? who->name : "+";
}

bool
plain_may_hear(const struct core *c, const struct speaker *who, struct bytes topic)
{
    static const char leases[] = "leases/";
    if (bytes_start(topic, leases)) /* its own, and nobody else's */
        return who->kind == PEER_DEVICE &&
               bytes_are(bytes_skip(topic, sizeof(leases) - 1), who->name);
    if (reserved(topic))
        return false;
    for (size_t i = 0; i < c->start->topics_count; i++) {
        const struct start_topics *row = &c->start->topics[i];
        if (may_subscribe(c, row, who) && row_holds(row, self_of(who), topic))
            return true;
    }
    return false;
}

int
plain_filter_qos(const struct core *c, const struct speaker *who, struct bytes filter)
{
    int qos = PLAIN_NOTHING;
    for (size_t i = 0; i < c->start->topics_count && !reserved(filter); i++) {
        const struct start_topics *row = &c->start->topics[i];
        char text[FILTER_SIZE];
        struct bytes tree = filter_for(row, self_of(who), text);
        if (!may_subscribe(c, row, who) || !tree.len || !mqtt_filters_overlap(tree, filter))
            continue;
        if (!excepted(row, filter))
            qos = row->qos > qos ? row->qos : qos;
        else if (qos == PLAIN_NOTHING)
            qos = PLAIN_EXCEPTED;
    }
    return qos;
}

bool
plain_filter_touches(const struct core *c, const struct speaker *who, struct bytes text,
                     const char *class_name)
{
    struct bytes group, filter;
    if (mqtt_share_split(text, &group, &filter) != OK)
        return false;
    for (size_t i = 0; i < c->start->topics_count; i++) {
        const struct start_topics *row = &c->start->topics[i];
        char tree[FILTER_SIZE];
        if (strcmp(row->class_name, class_name) == 0 && may_subscribe(c, row, who) &&
            mqtt_filters_overlap(filter_for(row, self_of(who), tree), filter))
            return true;
    }
    return false;
}

/* ---- publishing ------------------------------------------------------------------------------ */

static enum err
check_payload(const struct start_topics *row, const struct plain *m, struct refusal *why)
{
    struct mqtt_property p;
    if (m->qos > row->qos)
        return refuse(why, 403, REASON_QOS, "the charter allows QoS %u on these topics", row->qos);
    if (m->retain && row->retained == 0)
        return refuse(why, 403, REASON_RETAIN,
                      "the charter lets no message of these topics be kept");
    if (m->payload.len > row->size_bytes)
        return refuse(why, 413, REASON_QUOTA, "a message here has at most %u bytes",
                      row->size_bytes);
    if (mqtt_property_find(m->properties, MQTT_PROPERTY_PAYLOAD_FORMAT, &p) && p.number == 1 &&
        !text_is_utf8(m->payload))
        return refuse(why, 400, REASON_PAYLOAD_INVALID, "the payload says UTF-8 and is none");
    return OK;
}

enum err
plain_check(const struct core *c, const struct speaker *who, const struct plain *m,
            const struct start_topics **out, struct refusal *why)
{
    if (who->kind != PEER_DEVICE)
        return refuse(why, 403, REASON_NOT_AUTHORISED, "only devices of this zone publish");
    if (!mqtt_topic_is_name(m->topic))
        return refuse(why, 400, REASON_TOPIC_INVALID, "a topic to publish to has no wildcard");
    for (size_t i = 0; i < c->start->topics_count && !reserved(m->topic); i++) {
        const struct start_topics *row = &c->start->topics[i];
        if ((row->who & TOPICS_DEVICES_PUBLISH) && row_holds(row, who->name, m->topic)) {
            *out = row;
            return check_payload(row, m, why);
        }
    }
    refuse(why, 403, REASON_NOT_AUTHORISED,
           "the charter has no topics of zone %s where this device may publish that",
           c->start->zone);
    refusal_rule(why, c->start->zone_line, "zone", c->start->zone);
    return ERR_DENIED;
}

/* No longer than its class is kept. */
static int64_t
expires_us(const struct core *c, const struct start_topics *row, int64_t now_us)
{
    const struct start_class *class_row = start_class(c->start, bytes_text(row->class_name));
    if (!class_row || class_row->keep_s == 0 || class_row->keep_s > INT32_MAX)
        return INT64_MAX;
    return now_us + (int64_t)class_row->keep_s * 1000000;
}

static enum err
route(struct core *c, const struct start_topics *row, const struct speaker *who,
      const struct plain *m, struct refusal *why)
{
    int64_t now_us = clock_wall_us(&c->clock);
    struct broker_message_parts parts = {.qos = m->qos,
                                         .retain = m->retain,
                                         .expires_us = expires_us(c, row, now_us),
                                         .topic = m->topic,
                                         .properties = m->properties,
                                         .payload = m->payload};
    struct broker_message *message = NULL;
    enum err e = message_new(&c->broker.budget, &parts, now_us, &message);
    if (e == OK && m->retain)
        e = broker_retain(&c->broker, message, (uint8_t)(row - c->start->topics), row->retained,
                          now_us);
    if (e == OK)
        e = broker_publish(&c->broker, BROKER_PLAIN, message, who->session, now_us);
    if (e != OK)
        refuse(why, 507, REASON_QUOTA,
               "no more messages of these topics can wait or be kept; try again later");
    if (message)
        message_release(&c->broker.budget, message);
    return e;
}

enum err
plain_publish(struct core *c, const struct speaker *who, const struct plain *m, struct refusal *why)
{
    const struct start_topics *row = NULL;
    round_room(c, m->topic.len + m->properties.len + m->payload.len);
    enum err e = plain_check(c, who, m, &row, why);
    if (e == OK && row)
        e = route(c, row, who, m, why);
    c->count.refused += e != OK;
    round_decide_topic(c, who->name, m->topic, e == OK ? NULL : why->why);
    return e;
}

enum err
plain_publish_by(struct core *c, struct peer *peer, const struct speaker *who,
                 const struct plain *m, struct refusal *why)
{
    enum err e = peer->kind == PEER_DEVICE ? ingest_rate(c, peer, why) : OK;
    if (e == OK)
        return plain_publish(c, who, m, why);
    uint64_t now_ms = clock_mono_ms(&c->clock);
    c->count.refused++;
    if (peer->device->quota_leaf_ms && now_ms - peer->device->quota_leaf_ms < 1000)
        return e; /* once a second is enough */
    peer->device->quota_leaf_ms = now_ms;
    round_room(c, 0);
    round_decide_topic(c, who->name, m->topic, why->why);
    return e;
}
