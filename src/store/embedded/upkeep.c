/*
 * Background work in small steps: sealing, recycling, retention.
 */
#include "store/embedded/embedded.h"

struct first {
    struct chunk_row row;
    bool there;
};

static bool
take_first(void *ctx, const struct chunk_row *row)
{
    struct first *first = ctx;
    first->row = *row;
    first->there = true;
    return false;
}

/* What expires next; of a long series without looking at all of it. */
static enum err
first_left(struct store *s, struct stream *st, struct first *first)
{
    *first = (struct first){0};
    int64_t first_us = INT64_MAX;
    enum err e =
        sealed_each_chunk(s->sealed, st->row.id, INT64_MIN, INT64_MAX, false, take_first, first);
    st->version_us = INT64_MAX;
    if (e == OK)
        e = sealed_first_version(s->sealed, st->row.id, &st->version_us);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (first->there)
        first_us = first->row.t0;
    else
        st->sealed_count = 0;
    for (uint32_t i = 0; i < tail_committed(st); i++)
        if (st->tail[i].time_us < first_us && !point_gap(&st->tail[i]))
            first_us = st->tail[i].time_us;
    st->span.first_us = first_us;
    st->span_stale = true; /* counted anew when somebody asks */
    return OK;
}

/*
 * Keys without chunks go; what a thief may still find of those chunks must not open. Epochs come
 * one after the other, so while the first chunk is under the oldest key there is nothing to do.
 */
static enum err
drop_keys(struct store *s, struct stream *st, const struct first *first)
{
    if (first->there && first->row.epoch + st->row.keys_older <= st->row.epoch)
        return OK;
    if (!first->there && st->version_us == INT64_MAX && st->tail_count == 0) {
        st->row.epoch++; /* the last key too: nothing lies under it */
        st->row.keys_older++;
        stream_new_key(s, st);
    }
    uint32_t dropped = 0;
    enum err e = sealed_drop_keys(s->sealed, st->row.id, st->row.epoch, false, &dropped);
    if (e != OK)
        return e;
    st->row.keys_destroyed += dropped;
    st->row.keys_older -= dropped < st->row.keys_older ? dropped : st->row.keys_older;
    s->keys_dropped |= dropped > 0;
    return sealed_put_stream(s->sealed, &st->row);
}

/* The main file is written over at once, the write-ahead file when it is emptied. */
static enum err
clean_pages(struct store *s)
{
    int64_t now_us = clock_wall_us(&s->config.clock);
    if (!s->keys_dropped || s->hold_until_ms ||
        llabs(now_us - s->checkpoint_us) < (int64_t)CHECKPOINT_S * 1000000)
        return OK;
    s->keys_dropped = false;
    s->checkpoint_us = now_us;
    return sealed_checkpoint(s->sealed);
}

static enum err
expire_chunks(struct store *s, struct stream *st, int64_t cutoff_us, uint32_t *deleted,
              struct first *first)
{
    enum err e = sealed_begin(s->sealed);
    if (e == OK)
        e = sealed_expire(s->sealed, st->row.id, cutoff_us, EXPIRE_CHUNKS, deleted);
    if (e == OK && !st->row.erased)
        e = first_left(s, st, first);
    if (e == OK && *deleted && !st->row.erased)
        e = drop_keys(s, st, first);
    if (e == OK)
        e = sealed_commit(s->sealed);
    if (e != OK)
        sealed_rollback(s->sealed);
    if (*deleted)
        cache_forget(s, 0);
    st->small_known = false;
    return e;
}

/*
 * What came late or was corrected to another time may lie in one chunk with what is kept much
 * longer: when the chunk's first is long over, it is written anew without what is.
 */
static enum err
expire_stream(struct store *s, struct stream *st, int64_t cutoff_us, uint32_t *deleted)
{
    struct first first = {0};
    enum err e = expire_chunks(s, st, cutoff_us, deleted, &first);
    int64_t slack_us = (int64_t)(st->row.meta.keep_s / KEY_SPANS) * 1000000;
    if (slack_us < (int64_t)KEY_SPAN_MIN_S * 1000000)
        slack_us = (int64_t)KEY_SPAN_MIN_S * 1000000;
    if (e != OK || *deleted || st->row.erased || !first.there ||
        first.row.t0 >= cutoff_us - slack_us)
        return e;
    *deleted = 1;
    e = seal_trim(s, st, &first.row, cutoff_us);
    return e == OK ? first_left(s, st, &first) : e;
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
        int64_t cutoff_us = now_us - (int64_t)st->row.meta.keep_s * 1000000;
        bool due = st->row.meta.keep_s && ((st->sealed_count && st->span.first_us < cutoff_us) ||
                                           st->version_us < cutoff_us);
        if (st->sweep)
            cutoff_us = INT64_MAX;
        if (st->sweep || (due && !st->row.erased))
            e = expire_stream(s, st, cutoff_us, &deleted);
        if (st->sweep)
            st->sweep = e != OK || deleted > 0;
        if (deleted)
            break;
    }
    *out_more = deleted > 0;
    return e;
}

void
store_hold(struct store *s, uint32_t ms)
{
    s->hold_until_ms = ms ? clock_mono_ms(&s->config.clock) + ms : 0;
    sealed_hold(s->sealed, ms > 0);
}

/* One thing that is due, in the order of how urgent it is. */
static enum err
one_step(struct store *s, bool *out_more)
{
    enum err e = sealed_backfill(s->sealed, out_more);
    if (e != OK || *out_more)
        return e;
    bool leave = false;
    uint64_t target = seal_target(s, &leave);
    if (leave && journal_free_count(&s->journal) > 0) {
        *out_more = true;
        s->dead = journal_advance(&s->journal, &s->tree); /* so that this one can be freed */
        return s->dead;
    }
    if (s->tree.size - s->leaves_synced > LEAVES_STEP) {
        *out_more = true;
        return seal_leaves(s);
    }
    if (!s->hold_until_ms) /* a copy is made: it reads what a cut would let go */
        e = leaves_cut_step(s, out_more);
    if (e != OK || *out_more)
        return e;
    e = seal_step(s, target, out_more);
    /* Retention does not wait until a busy zone is quiet. */
    if (e != OK || (*out_more && ++s->steps % EXPIRE_TURN != 0))
        return e;
    bool expiring = false;
    e = expire_step(s, &expiring);
    if (e == OK && !expiring && !*out_more)
        e = seal_recycle(s, &expiring);
    *out_more |= expiring;
    return e == OK ? clean_pages(s) : e;
}

enum err
store_maintain(struct store *s, bool *out_more)
{
    *out_more = false;
    if (s->dead != OK)
        return s->dead;
    if (s->hold_until_ms && clock_mono_ms(&s->config.clock) >= s->hold_until_ms)
        store_hold(s, 0);
    enum err e = one_step(s, out_more);
    container_failed(s, e);
    s->disk_used = sealed_bytes(s->sealed);
    return e;
}
