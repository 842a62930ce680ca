#include "programs/start.h"

#include "programs/messages.h"

#include <sodium.h>

/* The next free row of a list, or NULL when it is full. */
#define NEXT_ROW(list, count) ((count) < ARRAY_COUNT(list) ? &(list)[(count)] : NULL)

#define COPY(from, to)                                                                             \
    do {                                                                                           \
        enum err copy_e_ = bytes_copy_text(from, to, sizeof(to));                                  \
        if (copy_e_ != OK)                                                                         \
            return copy_e_;                                                                        \
    } while (0)

/* Decode `name` into m, or leave the function. */
#define DECODE(name)                                                                               \
    struct name m;                                                                                 \
    do {                                                                                           \
        enum err decode_e_ = name##_decode(body, &m);                                              \
        if (decode_e_ != OK)                                                                       \
            return decode_e_;                                                                      \
    } while (0)

static enum err
take_zone(struct start *s, struct bytes body)
{
    DECODE(give_zone);
    COPY(m.name, s->zone);
    COPY(m.service, s->service);
    COPY(m.city, s->city);
    COPY(m.origin, s->origin);
    COPY(m.site, s->site);
    if (m.charter_digest.len != sizeof(s->charter_digest))
        return ERR_MALFORMED;
    memcpy(s->charter_digest, m.charter_digest.p, sizeof(s->charter_digest));
    s->tier = m.tier;
    s->zone_line = m.line;
    s->memory_bytes = m.memory_bytes;
    s->disk_bytes = m.disk_bytes;
    s->messages_per_s = m.messages_per_s;
    return OK;
}

static enum err
take_class(struct start *s, struct bytes body)
{
    DECODE(give_class);
    struct start_class *row = NEXT_ROW(s->classes, s->classes_count);
    if (!row)
        return ERR_LIMIT;
    COPY(m.name, row->name);
    COPY(m.purposes, row->purposes);
    row->personal = m.personal != 0;
    row->keep_s = m.keep_s;
    row->line = m.line;
    s->classes_count++;
    return OK;
}

static enum err
take_caller(struct start *s, struct bytes body)
{
    DECODE(give_caller);
    struct start_caller *row = NEXT_ROW(s->callers, s->callers_count);
    if (!row)
        return ERR_LIMIT;
    COPY(m.name, row->name);
    COPY(m.role, row->role);
    COPY(m.zones, row->zones);
    COPY(m.purposes, row->purposes);
    row->line = m.line;
    s->callers_count++;
    return OK;
}

static enum err
take_writes(struct start *s, struct bytes body)
{
    DECODE(give_writes);
    for (size_t i = 0; i < s->callers_count; i++)
        if (bytes_are(m.caller, s->callers[i].name))
            return bytes_copy_text(m.classes, s->callers[i].writes, sizeof(s->callers[i].writes));
    return ERR_NOT_FOUND;
}

static enum err
take_topics(struct start *s, struct bytes body)
{
    DECODE(give_topics);
    if (s->topics_count == START_TOPICS_MAX)
        return ERR_LIMIT;
    struct start_topics row = {.who = m.who,
                               .qos = m.qos,
                               .retained = m.retained,
                               .size_bytes = m.size_bytes,
                               .line = m.line};
    enum err e = bytes_copy_text(m.filter, row.filter, sizeof(row.filter));
    if (e == OK)
        e = bytes_copy_text(m.class_name, row.class_name, sizeof(row.class_name));
    if (e == OK)
        e = bytes_copy_text(m.except, row.except, sizeof(row.except));
    if (e == OK)
        s->topics[s->topics_count++] = row;
    return e;
}

static enum err
take_command(struct start *s, struct bytes body)
{
    DECODE(give_command);
    struct start_command *row = NEXT_ROW(s->commands, s->commands_count);
    if (!row)
        return ERR_LIMIT;
    COPY(m.name, row->name);
    row->lease_ms = m.lease_ms;
    row->rate_per_hour = m.rate_per_hour;
    row->people = m.people;
    row->line = m.line;
    s->commands_count++;
    return OK;
}

static enum err
take_envelope(struct start *s, struct bytes body)
{
    DECODE(give_envelope);
    struct start_envelope *row = NEXT_ROW(s->envelope, s->envelope_count);
    if (!row)
        return ERR_LIMIT;
    COPY(m.name, row->name);
    row->value = m.value;
    row->line = m.line;
    s->envelope_count++;
    return OK;
}

static enum err
take_conduit(struct start *s, struct bytes body)
{
    DECODE(give_conduit);
    struct start_conduit *row = NEXT_ROW(s->conduits, s->conduits_count);
    if (!row)
        return ERR_LIMIT;
    COPY(m.name, row->name);
    COPY(m.from, row->from);
    COPY(m.to, row->to);
    COPY(m.carries, row->carries);
    COPY(m.purpose, row->purpose);
    row->group_min = m.group_min;
    row->rate_per_hour = m.rate_per_hour;
    row->line = m.line;
    s->conduits_count++;
    return OK;
}

/* The newest word about a zone holds. */
static enum err
take_island(struct start *s, struct bytes body)
{
    DECODE(cut_off);
    struct start_island row;
    COPY(m.zone, row.zone);
    COPY(m.reason, row.reason);
    size_t i = 0;
    while (i < s->islands_count && strcmp(s->islands[i].zone, row.zone) != 0)
        i++;
    if (!m.cut && i < s->islands_count)
        s->islands[i] = s->islands[--s->islands_count];
    if (!m.cut)
        return OK;
    if (i == START_ISLANDS_MAX)
        return ERR_LIMIT;
    s->islands[i] = row;
    s->islands_count += i == s->islands_count;
    return OK;
}

static enum err
take_hold(struct start *s, struct bytes body)
{
    DECODE(hold_store);
    s->hold_ms = m.ms;
    s->holds++;
    return OK;
}

struct start_key *
start_key_new(struct start *s)
{
    if (!s->keys && sodium_init() >= 0) {
        s->keys = sodium_allocarray(START_KEYS_MAX, sizeof(*s->keys));
        s->keys_count = 0;
    }
    if (!s->keys || s->keys_count == START_KEYS_MAX)
        return NULL;
    return memset(&s->keys[s->keys_count++], 0, sizeof(*s->keys));
}

static enum err
take_key(struct start *s, struct bytes body)
{
    DECODE(give_key);
    char name[sizeof(s->keys->name)];
    COPY(m.name, name);
    struct start_key *row = start_key_new(s);
    if (!row)
        return ERR_LIMIT;
    memcpy(row->name, name, sizeof(name));
    row->role = (enum start_key_role)m.role;
    row->len = m.key.len;
    if (m.key.len)
        memcpy(row->key, m.key.p, m.key.len);
    return OK;
}

static enum err
take_tls_key(struct start *s, struct bytes pem)
{
    if (s->tls_key || pem.len == 0)
        return ERR_MALFORMED;
    s->tls_key = sodium_init() >= 0 ? sodium_malloc(pem.len) : NULL;
    if (!s->tls_key)
        return ERR_LIMIT;
    memcpy(s->tls_key, pem.p, pem.len);
    s->tls_key_len = pem.len;
    return OK;
}

static enum err
take_text(struct start *s, struct bytes body)
{
    DECODE(give_text);
    if (m.role == TEXT_TLS_KEY_PEM)
        return take_tls_key(s, m.text);
    if (s->texts_count == START_TEXTS_MAX)
        return ERR_LIMIT;
    struct buf *text = &s->texts[s->texts_count].text;
    buf_init(text, m.text.len + 1);
    buf_put(text, m.text);
    if (buf_error(text) != OK)
        return ERR_LIMIT;
    s->texts[s->texts_count++].role = (enum start_text_role)m.role;
    return OK;
}

static enum err
take_number(struct start *s, struct bytes body)
{
    DECODE(give_number);
    s->numbers[m.role] = m.value;
    return OK;
}

static enum err
take_descriptor(struct start *s, struct bytes body, int fd)
{
    DECODE(give_descriptor);
    struct start_fd *row = NEXT_ROW(s->fds, s->fds_count);
    if (!row)
        return ERR_LIMIT;
    if (fd < 0)
        return ERR_MALFORMED;
    COPY(m.name, row->name);
    row->role = (enum start_fd_role)m.role;
    row->fd = fd;
    s->fds_count++;
    return OK;
}

enum err
start_take(struct start *s, uint16_t id, struct bytes body, int fd)
{
    if (id == give_descriptor_id)
        return take_descriptor(s, body, fd);
    if (fd >= 0)
        return ERR_MALFORMED;
    switch (id) {
    case give_zone_id:
        return take_zone(s, body);
    case give_class_id:
        return take_class(s, body);
    case give_caller_id:
        return take_caller(s, body);
    case give_writes_id:
        return take_writes(s, body);
    case give_topics_id:
        return take_topics(s, body);
    case give_command_id:
        return take_command(s, body);
    case give_envelope_id:
        return take_envelope(s, body);
    case give_conduit_id:
        return take_conduit(s, body);
    case cut_off_id:
        return take_island(s, body);
    case hold_store_id:
        return take_hold(s, body);
    case give_key_id:
        return take_key(s, body);
    case give_text_id:
        return take_text(s, body);
    case give_number_id:
        return take_number(s, body);
    default:
        return ERR_MALFORMED;
    }
}

int
start_fd(const struct start *s, enum start_fd_role role, const char *name)
{
    for (size_t i = 0; i < s->fds_count; i++)
        if (s->fds[i].role == role && (!name || strcmp(s->fds[i].name, name) == 0))
            return s->fds[i].fd;
    return -1;
}

const struct start_key *
start_key(const struct start *s, enum start_key_role role, const char *name)
{
    for (size_t i = 0; i < s->keys_count; i++)
        if (s->keys[i].role == role && (!name || strcmp(s->keys[i].name, name) == 0))
            return &s->keys[i];
    return NULL;
}

struct bytes
start_text(const struct start *s, enum start_text_role role)
{
    if (role == TEXT_TLS_KEY_PEM)
        return bytes_of(s->tls_key, s->tls_key_len);
    for (size_t i = 0; i < s->texts_count; i++)
        if (s->texts[i].role == role)
            return buf_bytes(&s->texts[i].text);
    return (struct bytes){0};
}

/* The row of a list whose name is `wanted`. */
#define FIND_ROW(list, count, wanted)                                                              \
    for (size_t i = 0; i < (count); i++)                                                           \
        if (bytes_are(wanted, (list)[i].name))                                                     \
            return &(list)[i];                                                                     \
    return NULL

const struct start_class *
start_class(const struct start *s, struct bytes name)
{
    FIND_ROW(s->classes, s->classes_count, name);
}

const struct start_caller *
start_caller(const struct start *s, struct bytes name)
{
    FIND_ROW(s->callers, s->callers_count, name);
}

const struct start_command *
start_command(const struct start *s, struct bytes name)
{
    FIND_ROW(s->commands, s->commands_count, name);
}

const struct start_island *
start_island(const struct start *s, struct bytes zone)
{
    for (size_t i = 0; i < s->islands_count; i++)
        if (bytes_are(zone, s->islands[i].zone))
            return &s->islands[i];
    return NULL;
}

bool
start_list_has(const char *list, struct bytes name)
{
    struct bytes rest = bytes_text(list);
    while (rest.len) {
        size_t end = bytes_find(rest, ' ');
        if (bytes_equal(bytes_of(rest.p, end), name))
            return true;
        rest = bytes_skip(rest, end < rest.len ? end + 1 : end);
    }
    return false;
}

void
start_wipe(struct start *s)
{
    sodium_free(s->keys);
    sodium_free(s->tls_key);
    s->keys = NULL;
    s->tls_key = NULL;
    s->keys_count = s->tls_key_len = 0;
}
