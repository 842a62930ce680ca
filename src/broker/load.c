/* load.c -- from the records of the store back to sessions, in the order of their types. */
#include "broker/inside.h"
#include "mqtt/property.h"
#include "mqtt/topic.h"

/* Sessions were made in order of their numbers, in slots that grow. */
static uint32_t
session_of(const struct broker *b, uint64_t number)
{
    uint32_t low = 1, high = b->session_high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (b->session[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->session_high && b->session[low].number == number ? low : 0;
}

static enum err
orphan(struct broker *b, uint8_t type, uint64_t id)
{
    b->orphans++;
    inside_forget(b, type, id);
    return OK;
}

static enum err
load_session(struct broker *b, uint64_t id, struct bytes record, int64_t now_us)
{
    struct kept_session m;
    if (kept_session_decode(record, &m) != OK || m.name.len == 0 || m.client_id.len == 0 ||
        broker_find(b, m.kind, m.name, m.client_id))
        return ERR_MALFORMED;
    uint32_t i = inside_session_new(b, m.kind, m.name, m.client_id);
    if (!i)
        return ERR_LIMIT;
    struct broker_session *s = &b->session[i];
    s->number = id;
    s->kept = true;
    s->version = m.version;
    s->expiry_s = m.expiry_s;
    s->left_us = m.left_us && m.left_us < now_us ? m.left_us : now_us;
    s->window = BROKER_FLIGHT_MAX;
    return OK;
}

static enum err
load_subscription(struct broker *b, uint64_t id, struct bytes record)
{
    struct kept_subscription m;
    if (kept_subscription_decode(record, &m) != OK || m.kind < BROKER_PLAIN || m.filter.len == 0)
        return ERR_MALFORMED;
    uint32_t session = session_of(b, m.session), i;
    if (!session)
        return orphan(b, kept_subscription_id, id);
    bool fresh;
    enum err e = broker_subscribe(b, session, (enum broker_kind)m.kind, m.filter, m.options,
                                  m.identifier, &i, &fresh);
    if (e != OK || !fresh)
        return e != OK ? e : ERR_MALFORMED;
    b->subscription[i].number = id;
    return OK;
}

static enum err
make_message(struct broker *b, const struct broker_message_parts *parts,
             struct broker_message **out)
{
    if (!mqtt_topic_is_name(parts->topic) ||
        mqtt_properties_check(parts->properties, MQTT_PUBLISH) != OK || parts->qos > 2)
        return ERR_MALFORMED;
    /* What was left of its expiry is in expires_us already. */
    enum err e = message_new(&b->budget, parts, INT64_MAX / 2, out);
    if (e == OK)
        (*out)->expires_us = parts->expires_us;
    return e;
}

static enum err
load_message(struct broker *b, uint64_t id, struct bytes record)
{
    struct kept_message m;
    if (kept_message_decode(record, &m) != OK)
        return ERR_MALFORMED;
    if (b->loaded_count == b->loaded_max) {
        uint32_t most = b->loaded_max ? b->loaded_max * 2 : 1024;
        void *p =
            realloc(b->loaded, most * sizeof(struct broker_message *)); /* at the start only */
        if (!p)
            return ERR_LIMIT;
        b->loaded = p;
        b->loaded_max = most;
    }
    struct broker_message_parts parts = {m.flags & 3, (m.flags & 4) != 0, m.expires_us,
                                         m.topic,     m.properties,       m.payload};
    struct broker_message *made;
    enum err e = make_message(b, &parts, &made);
    if (e != OK)
        return e;
    made->number = id;
    b->loaded[b->loaded_count++] = made;
    return OK;
}

static struct broker_message *
loaded_message(const struct broker *b, uint64_t number)
{
    uint32_t low = 0, high = b->loaded_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (b->loaded[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < b->loaded_count && b->loaded[low]->number == number;
    return found ? message_get(b->loaded[low]) : NULL;
}

/* Its message: its own, a shared one, or none any more. ERR_NOT_FOUND: the shared one is gone. */
static enum err
message_of(struct broker *b, const struct kept_entry *m, struct broker_message **out)
{
    *out = NULL;
    if (m->released)
        return OK;
    if (m->message) {
        *out = loaded_message(b, m->message);
        return *out ? OK : ERR_NOT_FOUND;
    }
    struct broker_message_parts parts = {m->message_flags & 3, (m->message_flags & 4) != 0,
                                         m->expires_us,        m->topic,
                                         m->properties,        m->payload};
    return make_message(b, &parts, out);
}

/* Identifiers of subscriptions, as they may stand in a property (3.8.2.1.2). */
static bool
identifiers_good(struct bytes ids)
{
    enum { IDENTIFIER_MAX = 268435455 };
    for (size_t i = 0; i + 4 <= ids.len; i += 4) {
        const uint8_t *p = ids.p + i;
        uint32_t id = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        if (id == 0 || id > IDENTIFIER_MAX)
            return false;
    }
    return ids.len % 4 == 0;
}

static enum err
load_entry(struct broker *b, uint64_t id, struct bytes record)
{
    struct kept_entry m;
    if (kept_entry_decode(record, &m) != OK || m.packet_id == 0 || (m.flags & 3) == 0 ||
        (m.flags & 3) == 3 || !identifiers_good(m.identifiers) ||
        (m.released && (m.flags & 3) != 2))
        return ERR_MALFORMED;
    uint32_t session = session_of(b, m.session);
    uint32_t ids_count = (uint32_t)m.identifiers.len / 4;
    struct broker_message *message = NULL;
    enum err e = session ? message_of(b, &m, &message) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        return orphan(b, kept_entry_id, id);
    size_t size = sizeof(struct broker_entry) + ids_count * sizeof(uint32_t);
    struct broker_entry *entry = e == OK ? budget_take(&b->budget, size) : NULL;
    if (!entry) {
        message_release(&b->budget, message);
        return e == OK ? ERR_LIMIT : e;
    }
    struct broker_session *s = &b->session[session];
    *entry = (struct broker_entry){
        .message = message,
        .number = id,
        .size = size,
        .state = m.released ? FLIGHT_RELEASING : FLIGHT_QUEUED,
        .packet_id = m.packet_id,
        .qos = m.flags & 3,
        .retain = (m.flags & 4) != 0,
        .again = true, /* it may have been sent */
        .refers = m.message != 0 && message,
        .ids_count = (uint8_t)ids_count,
    };
    for (uint32_t i = 0; i < 4 * ids_count; i++)
        entry->ids[i / 4] = entry->ids[i / 4] << 8 | m.identifiers.p[i];
    if (entry->refers)
        message->kept++;
    inside_entry_link(s, entry);
    s->in_flight += m.released;
    s->releasing += m.released;
    s->last_packet_id = m.packet_id;
    return OK;
}

static enum err
load_retained(struct broker *b, uint64_t id, struct bytes record)
{
    struct kept_retained m;
    if (kept_retained_decode(record, &m) != OK)
        return ERR_MALFORMED;
    int class_index = b->ports.class_of(b->ports.ctx, m.topic);
    if (class_index < 0 || b->retained_count + 1 >= b->retained_max)
        return orphan(b, kept_retained_id, id); /* the charter in force holds no such topic */
    struct broker_message_parts parts = {m.flags & 3, true,         m.expires_us,
                                         m.topic,     m.properties, m.payload};
    struct broker_message *made;
    enum err e = make_message(b, &parts, &made);
    if (e == OK)
        inside_retained_put(b, made, id, (uint8_t)class_index);
    return e;
}

static enum err
load_inbox(struct broker *b, uint64_t id, struct bytes record)
{
    struct kept_inbox m;
    if (kept_inbox_decode(record, &m) != OK || m.packet_ids.len % 2 != 0)
        return ERR_MALFORMED;
    uint32_t session = session_of(b, id);
    if (!session)
        return orphan(b, kept_inbox_id, id);
    for (size_t i = 0; i < m.packet_ids.len; i += 2) {
        bool known;
        uint16_t packet_id = (uint16_t)(m.packet_ids.p[i] << 8 | m.packet_ids.p[i + 1]);
        if (packet_id == 0)
            return ERR_MALFORMED;
        enum err e = broker_inbox_add(b, session, packet_id, &known);
        if (e != OK)
            return e;
    }
    return OK;
}

/* Its connection is gone, with the core or before. */
static enum err
load_will(struct broker *b, uint64_t id, struct bytes record)
{
    struct kept_will m;
    if (kept_will_decode(record, &m) != OK || m.name.len == 0)
        return ERR_MALFORMED;
    struct broker_message_parts parts = {m.flags & 3, (m.flags & 4) != 0, INT64_MAX,
                                         m.topic,     m.properties,       m.payload};
    struct broker_message *made;
    enum err e = mqtt_topic_is_name(m.topic) &&
                         mqtt_properties_check(m.properties, MQTT_WILL) == OK && parts.qos <= 2
                     ? message_new(&b->budget, &parts, 0, &made)
                     : ERR_MALFORMED;
    if (e != OK)
        return e;
    made->expires_us = INT64_MAX;
    uint32_t session = session_of(b, m.session);
    struct broker_session *s = session ? &b->session[session] : NULL;
    if (s && s->expiry_s && m.delay_s && !s->will) {
        s->will = made;
        s->will_number = id;
        s->will_delay_s = m.delay_s;
        return OK;
    }
    struct broker_will *w = budget_take(&b->budget, sizeof(*w));
    if (!w) {
        message_release(&b->budget, made);
        return ERR_LIMIT;
    }
    *w = (struct broker_will){.next = b->wills, .kind = m.kind, .number = id, .message = made};
    e = bytes_copy_text(m.name, w->name, sizeof(w->name));
    ASSERT(e == OK); /* as long as the record allows, without NUL */
    b->wills = w;
    return OK;
}

enum err
broker_load(struct broker *b, uint8_t type, uint64_t id, struct bytes record, int64_t now_us)
{
    b->loading = true;
    uint64_t next = b->next_number > id ? b->next_number : id + 1;
    enum err e = ERR_MALFORMED;
    switch (type) {
    case kept_session_id:
        e = load_session(b, id, record, now_us);
        break;
    case kept_subscription_id:
        e = load_subscription(b, id, record);
        break;
    case kept_message_id:
        e = load_message(b, id, record);
        break;
    case kept_entry_id:
        e = load_entry(b, id, record);
        break;
    case kept_retained_id:
        e = load_retained(b, id, record);
        break;
    case kept_inbox_id:
        e = load_inbox(b, id, record);
        break;
    case kept_will_id:
        e = load_will(b, id, record);
        break;
    default:
        break;
    }
    if (e == ERR_LIMIT) /* the zone was given less memory than it had */
        e = orphan(b, type, id);
    b->loading = false;
    b->next_number = b->next_number > next ? b->next_number : next;
    return e;
}

void
broker_loaded(struct broker *b, int64_t now_us)
{
    for (uint32_t i = 0; i < b->loaded_count; i++) {
        struct broker_message *m = b->loaded[i];
        if (m->kept == 0)
            (void)orphan(b, kept_message_id, m->number);
        message_release(&b->budget, m);
    }
    free(b->loaded);
    b->loaded = NULL;
    b->loaded_count = b->loaded_max = 0;
    b->due_us = now_us; /* look at all sessions once */
}
