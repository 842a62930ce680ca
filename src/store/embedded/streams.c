#include "store/embedded/embedded.h"

#include <sodium.h>

enum { RUN_BITS = 12 };

/* Ids come in runs, and stay in runs here: neighbours share a line of the cache. */
static uint32_t
slot_of(uint32_t id)
{
    uint32_t run = (uint32_t)(((uint64_t)(id >> RUN_BITS) * 0x9e3779b97f4a7c15u) >> 40);
    return ((run << RUN_BITS) + (id & ((1U << RUN_BITS) - 1))) % HASH_SIZE;
}

void
store_keep_class(struct store *s, const char *class_name, uint64_t keep_s)
{
    ASSERT(keep_s <= INT64_MAX / 1000000);
    for (uint32_t i = 0; i < s->stream_count; i++)
        if (strcmp(s->stream[i].row.meta.class_name, class_name) == 0)
            s->stream[i].row.meta.keep_s = keep_s;
}

struct stream *
streams_find(const struct store *s, uint32_t id)
{
    for (uint32_t at = slot_of(id);; at = (at + 1) % HASH_SIZE) {
        struct stream_slot slot = s->hash[at];
        if (slot.index_1 == 0)
            return NULL;
        if (slot.id == id)
            return &s->stream[slot.index_1 - 1];
    }
}

static void
hash_put(struct store *s, uint32_t index)
{
    uint32_t at = slot_of(s->stream[index].row.id);
    while (s->hash[at].index_1)
        at = (at + 1) % HASH_SIZE;
    s->hash[at] = (struct stream_slot){s->stream[index].row.id, index + 1};
}

struct stream *
streams_add(struct store *s, const struct sealed_stream *row)
{
    if (s->stream_count == STORE_STREAMS_MAX)
        return NULL;
    ASSERT(!streams_find(s, row->id));
    uint32_t index = s->stream_count++;
    struct stream *st = &s->stream[index];
    *st = (struct stream){.row = *row, .newest_us = INT64_MIN, .version_us = INT64_MAX};
    hash_put(s, index);
    return st;
}

void
streams_drop_last(struct store *s, uint32_t count)
{
    if (count == 0)
        return;
    ASSERT(count <= s->stream_count);
    s->stream_count -= count;
    sodium_memzero(s->keys->stream[s->stream_count], (size_t)count * KEY_SIZE);
    memset(s->hash, 0, HASH_SIZE * sizeof s->hash[0]);
    for (uint32_t i = 0; i < s->stream_count; i++)
        hash_put(s, i);
}

uint32_t
stream_index(const struct store *s, const struct stream *st)
{
    return (uint32_t)(st - s->stream);
}

struct seal_name
stream_key_name(const struct store *s, const struct sealed_stream *row)
{
    return (struct seal_name){SEAL_STREAM_KEY, s->config.zone, {row->id, row->epoch}};
}

void
stream_new_key(struct store *s, struct stream *st)
{
    uint8_t *key = s->keys->stream[stream_index(s, st)];
    st->row.key_from_us = clock_wall_us(&s->config.clock);
    st->row.has_key = true;
    random_fill(&s->config.random, key, KEY_SIZE);
    struct seal_name name = stream_key_name(s, &st->row);
    seal_put(st->row.wrapped, s->keys->wrap, &s->config.random, &name, bytes_of(key, KEY_SIZE));
}

struct observation
point_observation(const struct point *p)
{
    struct observation o = {.time_us = p->time_us,
                            .time_end_us = p->time_us,
                            .result_time_us = p->result_us,
                            .kind = (enum result_kind)p->kind,
                            .number = p->number,
                            .feature_id = p->feature_id};
    if (p->more) {
        o.time_end_us = p->more->time_end_us;
        o.text = bytes_of(p->more->bytes, p->more->text_len);
        o.extra = bytes_of(p->more->bytes + p->more->text_len, p->more->extra_len);
    }
    return o;
}

static size_t
more_size(const struct more *m)
{
    return sizeof *m + m->text_len + m->extra_len;
}

static enum err
more_new(struct store *s, const struct observation *o, struct more **out)
{
    *out = NULL;
    if (o->time_end_us == o->time_us && o->text.len == 0 && o->extra.len == 0)
        return OK;
    size_t size = sizeof(struct more) + o->text.len + o->extra.len;
    if (s->tail_bytes + size > TAIL_BYTES_MAX)
        return ERR_LIMIT;
    struct more *m = malloc(size);
    if (!m)
        return ERR_LIMIT;
    m->time_end_us = o->time_end_us;
    m->text_len = (uint32_t)o->text.len;
    m->extra_len = (uint32_t)o->extra.len;
    if (o->text.len)
        memcpy(m->bytes, o->text.p, o->text.len);
    if (o->extra.len)
        memcpy(m->bytes + o->text.len, o->extra.p, o->extra.len);
    s->tail_bytes += size;
    *out = m;
    return OK;
}

static void
more_free(struct store *s, struct more *m)
{
    if (!m)
        return;
    s->tail_bytes -= more_size(m);
    sodium_memzero(m, more_size(m));
    free(m);
}

enum err
point_new(struct store *s, const struct observation *o, struct point *out)
{
    struct point point = {.time_us = o->time_us,
                          .result_us = o->result_time_us,
                          .number = o->number,
                          .feature_id = o->feature_id,
                          .kind = (uint8_t)o->kind};
    enum err e = more_new(s, o, &point.more);
    if (e == OK)
        *out = point;
    return e;
}

void
point_fini(struct store *s, struct point *p)
{
    more_free(s, p->more);
    uint32_t segment = p->segment;
    sodium_memzero(p, sizeof *p);
    p->segment = segment;
}

enum err
tail_push(struct store *s, struct stream *st, const struct observation *o)
{
    if (s->tail_points >= TAIL_POINTS_MAX)
        return ERR_LIMIT;
    if (st->tail_count == st->tail_capacity) {
        uint32_t capacity = st->tail_capacity ? 2 * st->tail_capacity : 16;
        struct point *p = realloc(st->tail, capacity * sizeof *p);
        if (!p)
            return ERR_LIMIT;
        st->tail = p;
        st->tail_capacity = capacity;
    }
    struct point point;
    enum err e = point_new(s, o, &point);
    if (e != OK)
        return e;
    st->tail[st->tail_count++] = point;
    st->pending++;
    s->tail_points++;
    if (o->time_us > st->newest_us)
        st->newest_us = o->time_us;
    return OK;
}

void
tail_pop(struct store *s, struct stream *st, uint32_t count)
{
    ASSERT(count <= st->pending);
    for (uint32_t i = 0; i < count; i++)
        more_free(s, st->tail[st->tail_count - 1 - i].more);
    st->tail_count -= count;
    st->pending -= count;
    s->tail_points -= count;
}

void
stream_oldest(struct store *s, struct stream *st)
{
    uint64_t active = s->journal.active;
    uint64_t tail =
        tail_committed(st) ? active - (uint32_t)((uint32_t)active - st->tail[0].segment) : 0;
    uint64_t edits = edits_oldest(st);
    s->oldest[stream_index(s, st)] = tail == 0 || (edits && edits < tail) ? edits : tail;
}

void
tail_shift(struct store *s, struct stream *st, uint32_t count)
{
    ASSERT(count <= tail_committed(st));
    for (uint32_t i = 0; i < count; i++)
        more_free(s, st->tail[i].more);
    uint32_t left = st->tail_count - count;
    if (left)
        memmove(st->tail, st->tail + count, left * sizeof st->tail[0]);
    st->tail_count = left;
    s->tail_points -= count;
    stream_oldest(s, st);
    if (left == 0 && st->tail) { /* a quiet stream costs nothing, and leaves nothing behind */
        sodium_memzero(st->tail, st->tail_capacity * sizeof st->tail[0]);
        free(st->tail);
        st->tail = NULL;
        st->tail_capacity = 0;
    }
}

void
span_add(struct store_span *span, const struct observation *o)
{
    if (span->count == 0 || o->time_us < span->first_us)
        span->first_us = o->time_us;
    if (span->count == 0 || o->time_us > span->last_us)
        span->last_us = o->time_us;
    if (span->count == 0 || o->result_time_us < span->first_result_us)
        span->first_result_us = o->result_time_us;
    if (span->count == 0 || o->result_time_us > span->last_result_us)
        span->last_result_us = o->result_time_us;
    span->count++;
}

void
tail_commit(struct store *s, struct stream *st, uint32_t count, uint64_t segment)
{
    ASSERT(count <= st->pending);
    uint32_t first = tail_committed(st);
    uint32_t index = stream_index(s, st);
    for (uint32_t i = first; i < first + count; i++) {
        struct point *p = &st->tail[i];
        p->segment = (uint32_t)segment;
        struct observation o = {.time_us = p->time_us, .result_time_us = p->result_us};
        span_add(&st->span, &o);
    }
    st->pending -= count;
    if (s->oldest[index] == 0 && count)
        s->oldest[index] = segment;
    if (!st->queued && tail_committed(st) >= CHUNK_POINTS_MAX) {
        ASSERT(s->queue_count < STORE_STREAMS_MAX);
        s->queue[(s->queue_head + s->queue_count++) % STORE_STREAMS_MAX] = index;
        st->queued = true;
    }
}

/* The list, moved or not, with room for one item more; NULL: there is no memory, it stands as it
 * did. */
static void *
with_room(void *list, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return list;
    uint32_t more = *capacity ? 2 * *capacity : 8;
    void *moved = realloc(list, more * size);
    if (moved)
        *capacity = more;
    return moved;
}

enum err
edits_room(struct edits *edits)
{
    struct patch *patch =
        with_room(edits->patch, edits->patch_count, &edits->patch_capacity, sizeof(*patch));
    if (!patch)
        return ERR_LIMIT;
    edits->patch = patch;
    struct version *version =
        with_room(edits->version, edits->version_count, &edits->version_capacity, sizeof(*version));
    if (!version)
        return ERR_LIMIT;
    edits->version = version;
    return OK;
}
