#include "store/store.h"

#include "store/embedded/embedded.h"
#include "store/embedded/vfs.h"

#include <sodium.h>

enum { BATCH_END = BATCH_HEAD_MAX + 16 }; /* kept for the tree's head and the count of leaves */

void
batch_restart(struct store *s)
{
    batch_init(&s->batch, s->journal.frame + JOURNAL_PLAIN_AT, JOURNAL_PLAIN_MAX - BATCH_END);
    s->leaf_count = 0;
    s->touched_count = 0;
    s->streams_pending = 0;
    s->hot_pending = 0;
}

int64_t
store_known_us(const struct store *s)
{
    int64_t latest = INT64_MIN;
    for (uint64_t q = s->journal.low; q <= s->journal.active; q++) {
        struct segment *segment = journal_segment((struct journal *)(uintptr_t)&s->journal, q);
        if (segment && segment->opened_us > latest)
            latest = segment->opened_us;
    }
    return latest;
}

bool
store_dirty(const struct store *s)
{
    return s->batch.len > 0 || s->leaf_count > 0;
}

enum err
store_room(const struct store *s)
{
    if (s->dead != OK)
        return s->dead;
    uint64_t journal = s->meta.segment_count * s->meta.segment_bytes;
    uint64_t used = s->disk_used + journal + leaves_bytes(s, s->tree.size + s->leaf_count);
    return used < s->config.disk_bytes ? OK : ERR_LIMIT;
}

enum err
hot_push(struct store *s, uint8_t type, uint64_t id, struct bytes record)
{
    if (s->tail_bytes + record.len > TAIL_BYTES_MAX)
        return ERR_LIMIT;
    if (s->hot_count == s->hot_capacity) {
        size_t capacity = s->hot_capacity ? 2 * s->hot_capacity : 64;
        struct hot_entity *p = realloc(s->hot, capacity * sizeof *p);
        if (!p)
            return ERR_LIMIT;
        s->hot = p;
        s->hot_capacity = capacity;
    }
    struct hot_entity *hot = &s->hot[s->hot_count];
    *hot = (struct hot_entity){type, id, malloc(record.len ? record.len : 1), record.len};
    if (!hot->record)
        return ERR_LIMIT;
    if (record.len)
        memcpy(hot->record, record.p, record.len);
    s->hot_count++;
    s->hot_pending++;
    s->tail_bytes += record.len;
    return OK;
}

static void
hot_pop(struct store *s)
{
    ASSERT(s->hot_count > 0 && s->hot_pending > 0);
    struct hot_entity *h = &s->hot[--s->hot_count];
    s->hot_pending--;
    s->tail_bytes -= h->len;
    free(h->record);
}

enum err
store_put_entity(struct store *s, uint8_t type, uint64_t id, struct bytes record)
{
    ASSERT(type >= 1 && type <= STORE_TYPE_MAX);
    if (record.len > STORE_ENTITY_BYTES_MAX || id > INT64_MAX)
        return ERR_LIMIT;
    enum err e = record.len ? store_room(s) : s->dead;
    if (e == OK)
        e = hot_push(s, type, id, record);
    if (e != OK)
        return e;
    struct record r = {.tag = RECORD_ENTITY, .entity = {type, id, record}};
    e = batch_put(&s->batch, &r);
    if (e != OK)
        hot_pop(s);
    return e;
}

enum err
store_add_stream(struct store *s, uint32_t stream, const struct store_stream *meta)
{
    if (streams_find(s, stream))
        return ERR_EXISTS;
    if (meta->keep_s > INT64_MAX / 1000000)
        return ERR_LIMIT;
    enum err e = store_room(s);
    if (e != OK)
        return e;
    struct sealed_stream row = {.id = stream, .meta = *meta};
    row.meta.class_name[STORE_NAME_SIZE - 1] = 0;
    row.meta.site[STORE_NAME_SIZE - 1] = 0;
    struct stream *st = streams_add(s, &row);
    if (!st)
        return ERR_LIMIT;
    stream_new_key(s, st);
    struct record r = {.tag = RECORD_STREAM,
                       .stream = {stream, st->row.meta, bytes_of(st->row.wrapped, WRAPPED_SIZE)}};
    e = batch_put(&s->batch, &r);
    if (e != OK)
        streams_drop_last(s, 1);
    else
        s->streams_pending++;
    return e;
}

enum err
store_append(struct store *s, uint32_t stream, const struct observation *o, bool once,
             uint64_t *out_n)
{
    struct stream *st = streams_find(s, stream);
    if (!st)
        return ERR_NOT_FOUND;
    if (st->row.erased)
        return ERR_EXPIRED;
    if (!observation_valid(o))
        return ERR_MALFORMED;
    enum err e = store_room(s);
    if (e != OK)
        return e;
    if (once && o->time_us <= st->newest_us) {
        e = find_same(s, st, o, out_n);
        if (e != ERR_NOT_FOUND)
            return e == OK ? ERR_EXISTS : e;
    }
    uint64_t n = stream_next_n(st);
    struct record r = {.tag = RECORD_OBSERVATION,
                       .observation = {.stream = stream, .n = n, .o = *o, .at_us = 0}};
    struct batch before = s->batch;
    e = batch_put(&s->batch, &r);
    if (e != OK)
        return e;
    e = tail_push(s, st, o);
    if (e != OK) {
        s->batch = before;
        return e;
    }
    if (st->pending == 1)
        s->touched[s->touched_count++] = stream_index(s, st);
    *out_n = n;
    return OK;
}

enum err
store_decide(struct store *s, struct bytes record)
{
    enum err e = store_room(s);
    if (e != OK)
        return e;
    if (s->batch.max - s->batch.len < BATCH_LEAF_SIZE)
        return ERR_LIMIT;
    uint8_t entry[TREE_HASH_SIZE];
    commitment(&s->keys->commitment, record, entry);
    tree_leaf(s->leaves + s->leaf_count * BATCH_LEAF_SIZE, entry);
    s->leaf_count++;
    s->batch.max -= BATCH_LEAF_SIZE;
    return OK;
}

uint64_t
store_head_size(const struct store *s)
{
    return s->tree.size;
}

void
store_head(const struct store *s, uint64_t *out_size, uint8_t out_root[static 32])
{
    *out_size = s->tree.size;
    tree_root(&s->tree, out_root);
}

void
store_abandon(struct store *s)
{
    for (uint32_t i = 0; i < s->touched_count; i++) {
        struct stream *st = &s->stream[s->touched[i]];
        tail_pop(s, st, st->pending);
    }
    streams_drop_last(s, s->streams_pending);
    while (s->hot_pending)
        hot_pop(s);
    edits_abandon(s);
    batch_restart(s);
}

/* Leaves and the tree's head end the batch. */
static void
finish_batch(struct store *s, struct tree *next)
{
    *next = s->tree;
    if (s->leaf_count == 0)
        return;
    for (size_t i = 0; i < s->leaf_count; i++)
        tree_add(next, s->leaves + i * BATCH_LEAF_SIZE);
    uint8_t root[TREE_HASH_SIZE];
    tree_root(next, root);
    s->batch.max = JOURNAL_PLAIN_MAX;
    struct record leaves = {.tag = RECORD_LEAVES,
                            .leaves = bytes_of(s->leaves, s->leaf_count * BATCH_LEAF_SIZE)};
    struct record head = {.tag = RECORD_HEAD, .head = {next->size, bytes_of(root, sizeof root)}};
    bool fits = batch_put(&s->batch, &leaves) == OK && batch_put(&s->batch, &head) == OK;
    ASSERT(fits); /* store_decide() kept the room */
}

/* When upkeep did not keep up, the writer seals before it goes on: slower, never wrong. */
static enum err
make_room(struct store *s)
{
    while (journal_free_count(&s->journal) == 0) {
        bool done = false;
        enum err e = seal_recycle(s, &done);
        bool more = true;
        while (e == OK && !done && more)
            e = seal_step(s, s->journal.low, &more);
        if (e != OK)
            return e;
    }
    return journal_advance(&s->journal, &s->tree);
}

static enum err
relieve(struct store *s)
{
    enum err e = OK;
    bool more = true;
    while (e == OK && more &&
           (s->tail_points > TAIL_POINTS_MAX / 8 * 7 || s->tail_bytes > TAIL_BYTES_MAX / 8 * 7 ||
            s->edits_held > EDITS_MAX / 8 * 7))
        e = seal_step(s, s->journal.active, &more);
    return e;
}

/* The batch is durable: from here on it can be read. */
static enum err
apply_batch(struct store *s, const struct tree *next)
{
    enum err e = OK;
    if (s->leaf_count)
        e = leaves_write(s, s->tree.size, bytes_of(s->leaves, s->leaf_count * BATCH_LEAF_SIZE));
    s->tree = *next;
    for (uint32_t i = s->stream_count - s->streams_pending; i < s->stream_count; i++)
        s->stream[i].committed = true;
    s->streams_unstored += s->streams_pending;
    for (uint32_t i = 0; i < s->touched_count; i++) {
        struct stream *st = &s->stream[s->touched[i]];
        tail_commit(s, st, st->pending, s->journal.active);
    }
    if (e == OK)
        e = edits_commit(s, s->journal.next_batch - 1);
    batch_restart(s);
    return e;
}

enum err
store_commit(struct store *s)
{
    if (s->dead != OK) {
        store_abandon(s);
        return s->dead;
    }
    if (!store_dirty(s))
        return OK;
    struct tree next;
    finish_batch(s, &next);
    enum err e = leaves_room(s, next.size);
    if (e == OK && !journal_fits(&s->journal, s->batch.len))
        e = make_room(s);
    if (e == OK)
        e = journal_append(&s->journal, s->batch.len);
    if (e == OK)
        e = apply_batch(s, &next);
    if (e == OK)
        e = relieve(s) == ERR_CRYPTO ? ERR_CRYPTO : OK; /* a full disk stops appends, not this */
    if (e == OK)
        return OK;
    s->dead = e;
    store_abandon(s);
    return e;
}

enum err
store_erase_stream(struct store *s, uint32_t stream)
{
    struct stream *st = streams_find(s, stream);
    if (!st)
        return ERR_NOT_FOUND;
    enum err e = store_commit(s);
    if (e != OK || st->row.erased)
        return e;
    uint32_t index = stream_index(s, st);
    struct sealed_stream before = st->row;
    struct sealed_meta meta = s->meta;
    meta.shred_upto = s->journal.offset > JOURNAL_FIRST ? s->journal.active : s->journal.active - 1;
    st->row.erased = true;
    st->row.has_key = false;
    st->row.keys_destroyed += 1 + st->row.keys_older;
    st->row.keys_older = 0;
    st->row.sealed_n += st->tail_count;
    memset(st->row.wrapped, 0, WRAPPED_SIZE);
    uint32_t dropped;
    e = sealed_begin(s->sealed);
    if (e == OK)
        e = sealed_put_stream(s->sealed, &st->row);
    if (e == OK)
        e = sealed_drop_keys(s->sealed, stream, st->row.epoch, true, &dropped);
    if (e == OK)
        e = sealed_put_meta(s->sealed, &meta);
    if (e == OK)
        e = sealed_commit(s->sealed);
    if (e != OK) {
        sealed_rollback(s->sealed);
        st->row = before;
        container_failed(s, e);
        return e;
    }
    s->meta = meta;
    s->streams_unstored -= !st->stored;
    st->stored = true;
    sodium_memzero(s->keys->stream[index], KEY_SIZE);
    sodium_memzero(&before, sizeof before);
    edits_drop(s, st);
    tail_shift(s, st, st->tail_count);
    st->span = (struct store_span){0};
    st->span_stale = false;
    st->sweep = st->sealed_count > 0 || st->version_us != INT64_MAX;
    st->sealed_count = 0;
    cache_forget(s, 0);
    e = sealed_checkpoint(s->sealed); /* old pages held the wrapped key */
    container_failed(s, e);
    return e;
}
