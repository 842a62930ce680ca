/*
 * Background work in small steps: sealing, recycling, retention.
 */
#include "store/embedded/embedded.h"

/* All is expired and gone from the container: what a thief may still find must not open. */
static enum err
rotate_key(struct store *s, struct stream *st)
{
    uint8_t *key = s->keys->scratch;
    struct sealed_stream row = st->row;
    row.epoch++;
    row.keys_destroyed++;
    random_fill(&s->config.random, key, KEY_SIZE);
    struct seal_name name = stream_key_name(s, &row);
    seal_put(row.wrapped, s->keys->wrap, &s->config.random, &name, bytes_of(key, KEY_SIZE));
    enum err e = sealed_put_stream(s->sealed, &row);
    if (e == OK)
        e = sealed_commit(s->sealed);
    if (e != OK)
        return e;
    memcpy(s->keys->stream[stream_index(s, st)], key, KEY_SIZE);
    st->row = row;
    return OK;
}

/* After chunks went: what the stream holds now. */
static enum err
recount(struct store *s, struct stream *st)
{
    struct sealed_totals totals = {0};
    enum err e = sealed_stream_totals(s->sealed, st->row.id, &totals);
    if (e != OK)
        return e;
    struct store_span span = {.count = totals.count,
                              .first_us = totals.t0,
                              .last_us = totals.t1,
                              .first_result_us = totals.r0,
                              .last_result_us = totals.r1};
    for (uint32_t i = 0; i < tail_committed(st); i++) {
        struct observation o = point_observation(&st->tail[i]);
        span_add(&span, &o);
    }
    st->span = span;
    st->sealed_count = totals.count;
    return OK;
}

static enum err
expire_stream(struct store *s, struct stream *st, int64_t cutoff_us, uint32_t *deleted)
{
    enum err e = sealed_begin(s->sealed);
    if (e == OK)
        e = sealed_expire(s->sealed, st->row.id, cutoff_us, EXPIRE_CHUNKS, deleted);
    if (e == OK && *deleted && !st->row.erased)
        e = recount(s, st);
    if (e == OK && *deleted && !st->row.erased && st->span.count == 0 && st->tail_count == 0)
        e = rotate_key(s, st);
    else if (e == OK)
        e = sealed_commit(s->sealed);
    if (e != OK)
        sealed_rollback(s->sealed);
    if (*deleted)
        cache_forget(s, 0);
    return e;
}

static enum err
expire_step(struct store *s, bool *out_more)
{
    enum err e = OK;
    uint32_t deleted = 0;
    uint32_t looked = 0;
    int64_t now_us = clock_wall_us(&s->config.clock);
    for (; e == OK && looked < EXPIRE_STREAMS && looked < s->stream_count; looked++) {
        if (s->expire_cursor >= s->stream_count)
            s->expire_cursor = 0;
        struct stream *st = &s->stream[s->expire_cursor++];
        if (st->sweep) {
            e = expire_stream(s, st, INT64_MAX, &deleted);
            st->sweep = e != OK || deleted > 0;
        } else if (st->row.meta.keep_s && st->sealed_count) {
            int64_t cutoff_us = now_us - (int64_t)st->row.meta.keep_s * 1000000;
            if (st->span.first_us < cutoff_us)
                e = expire_stream(s, st, cutoff_us, &deleted);
        }
        if (deleted)
            break;
    }
    *out_more = deleted > 0;
    return e;
}

enum err
store_maintain(struct store *s, bool *out_more)
{
    *out_more = false;
    if (s->dead)
        return ERR_IO;
    bool leave = false;
    uint64_t target = seal_target(s, &leave);
    enum err e = OK;
    if (leave && journal_free_count(&s->journal) > 0)
        e = journal_advance(&s->journal, &s->tree); /* so that this one can be freed */
    if (e != OK) {
        s->dead = true;
        return e;
    }
    bool sealing = false;
    bool recycled = false;
    bool expiring = false;
    e = seal_step(s, target, &sealing);
    if (e == OK && s->tree.size - s->leaves_synced > LEAVES_STEP) {
        e = seal_leaves(s);
        s->dead = e != OK;
    } else if (e == OK && !sealing) {
        e = seal_recycle(s, &recycled);
        s->dead = e != OK && e != ERR_LIMIT;
    }
    if (e == OK)
        e = expire_step(s, &expiring);
    s->disk_used = sealed_bytes(s->sealed);
    *out_more = sealing || recycled || expiring;
    return e;
}
