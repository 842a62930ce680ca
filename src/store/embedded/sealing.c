/*
 * From the journal's tails into the container: by fullness (a whole chunk is there), and by age,
 * pressure or destruction (everything of old segments). A partial chunk that is the last of its
 * stream is taken back and filled up, so that quiet streams do not end in crumbs.
 */
#include "store/embedded/embedded.h"

#include <sodium.h>

enum { MERGE_BYTES_MAX = 64 * 1024 };

enum err
seal_hot(struct store *s)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && s->streams_unstored && i < s->stream_count; i++) {
        struct stream *st = &s->stream[i];
        if (st->committed && !st->stored)
            e = sealed_put_stream(s->sealed, &st->row);
    }
    struct buf *to = &s->body;
    for (size_t i = 0; e == OK && i < s->hot_count - s->hot_pending; i++) {
        const struct hot_entity *h = &s->hot[i];
        struct seal_name name = {SEAL_ENTITY, s->config.zone, {h->type, h->id}};
        buf_reset(to);
        if (h->len) {
            uint8_t *p = buf_room(to, h->len + SEAL_OVERHEAD);
            if (!p)
                return ERR_LIMIT;
            seal_put(p, s->keys->entity, &s->config.random, &name, bytes_of(h->record, h->len));
            buf_filled(to, h->len + SEAL_OVERHEAD);
        }
        e = sealed_put_entity(s->sealed, h->type, h->id, buf_bytes(to));
    }
    return e;
}

/* What seal_hot() wrote is in the container now. */
static void
forget_hot(struct store *s)
{
    for (uint32_t i = 0; s->streams_unstored && i < s->stream_count; i++)
        s->stream[i].stored |= s->stream[i].committed;
    s->streams_unstored = 0;
    size_t done = s->hot_count - s->hot_pending;
    for (size_t i = 0; i < done; i++) {
        s->tail_bytes -= s->hot[i].len;
        free(s->hot[i].record);
    }
    if (done)
        memmove(s->hot, s->hot + done, s->hot_pending * sizeof s->hot[0]);
    s->hot_count = s->hot_pending;
}

static enum err
begin(struct store *s)
{
    s->changed_count = 0;
    enum err e = sealed_begin(s->sealed);
    return e == OK ? seal_hot(s) : e;
}

/* Only when the transaction is durable does memory follow. */
static enum err
end(struct store *s, enum err e)
{
    if (e == OK)
        e = sealed_commit(s->sealed);
    if (e != OK)
        sealed_rollback(s->sealed);
    else
        forget_hot(s);
    for (uint32_t i = 0; i < s->changed_count; i++) {
        struct stream *st = &s->stream[s->changed[i]];
        uint32_t sealing = st->sealing;
        st->sealing = 0;
        st->changed = false;
        if (e == OK) {
            tail_shift(s, st, sealing);
            st->sealed_count += sealing;
        } else {
            st->row.sealed_n -= sealing;
        }
        edits_settle(s, st, e == OK);
    }
    if (e != OK)
        cache_forget(s, 0);
    s->changed_count = 0;
    return e;
}

enum err
seal_entities_now(struct store *s)
{
    return end(s, begin(s));
}

/* The open transaction changes this stream. */
static void
changed(struct store *s, struct stream *st)
{
    if (!st->changed)
        s->changed[s->changed_count++] = stream_index(s, st);
    st->changed = true;
}

enum err
seal_edits_now(struct store *s)
{
    enum err e = begin(s);
    for (uint32_t i = 0; e == OK && i < s->stream_count; i++) {
        uint32_t chunks = 0;
        if (!s->stream[i].edits)
            continue;
        changed(s, &s->stream[i]);
        e = fold_stream(s, &s->stream[i], &chunks);
    }
    return end(s, e);
}

/* The last chunk's points into scratch, if it is worth filling up. */
static enum err
take_back(struct store *s, struct stream *st, struct chunk_row *last, size_t *out_count)
{
    *out_count = 0;
    enum err e = sealed_find_chunk(s->sealed, st->row.id, INT64_MAX, last);
    if (e == ERR_NOT_FOUND)
        return OK;
    if (e != OK || last->n >= CHUNK_POINTS_MAX || last->epoch != st->row.epoch ||
        last->n0 + last->n != st->row.sealed_n)
        return e;
    struct decoded *d;
    e = chunk_load(s, st, last, &d);
    if (e != OK || d->plain.len > MERGE_BYTES_MAX)
        return e;
    e = fold_load(s, st, last, 0);
    *out_count = last->n;
    return e;
}

/* Data of a class that expires get a new key now and then, so that expiry can destroy the old. */
static void
change_key(struct store *s, struct stream *st)
{
    uint64_t span_s = st->row.meta.keep_s / KEY_SPANS;
    if (st->row.meta.keep_s == 0)
        return;
    if (span_s < KEY_SPAN_MIN_S)
        span_s = KEY_SPAN_MIN_S;
    if (clock_wall_us(&s->config.clock) - st->row.key_from_us < (int64_t)span_s * 1000000)
        return;
    st->row.epoch++;
    st->row.keys_older++;
    stream_new_key(s, st);
}

/* One chunk from the front of the tail. */
static enum err
seal_chunk(struct store *s, struct stream *st)
{
    struct chunk_row last = {0};
    size_t count = 0;
    change_key(s, st);
    enum err e = take_back(s, st, &last, &count);
    if (e != OK)
        return e;
    size_t old = count;
    size_t texts = 0;
    uint64_t n0 = st->row.sealed_n - old;
    uint32_t at = st->sealing;
    while (at < tail_committed(st) && count < CHUNK_POINTS_MAX && texts < CHUNK_TEXT_MAX) {
        s->scratch[count] = point_observation(&st->tail[at++]);
        texts += s->scratch[count].text.len + s->scratch[count].extra.len;
        count++;
    }
    if (count == old)
        return OK;
    changed(s, st);
    if (old)
        e = sealed_delete_chunk(s->sealed, last.id);
    if (e == OK)
        e = chunk_write(s, st, n0, 0, count, st->row.epoch);
    if (e == OK)
        e = versions_write(s, st, n0 + old, count - old, st->row.epoch);
    if (old)
        cache_forget(s, last.id); /* scratch pointed into it until now */
    if (e != OK)
        return e;
    st->row.sealed_n += at - st->sealing;
    st->sealing = at;
    return OK;
}

/* Seal the stream's whole chunks, or with `all` everything that is committed. */
static enum err
seal_stream(struct store *s, struct stream *st, bool all, uint32_t *chunks)
{
    uint32_t before = st->sealing;
    enum err e = OK;
    uint32_t most = tail_committed(st);
    while (e == OK && st->sealing < most && *chunks < SEAL_STEP_CHUNKS &&
           (all || most - st->sealing >= CHUNK_POINTS_MAX)) {
        e = seal_chunk(s, st);
        (*chunks)++;
    }
    if (e == OK && st->sealing != before)
        e = sealed_put_stream(s->sealed, &st->row);
    if (e != OK || !all || !st->edits)
        return e;
    changed(s, st);
    return fold_stream(s, st, chunks);
}

static enum err
seal_queue(struct store *s, uint64_t until_ms, uint32_t *chunks)
{
    enum err e = OK;
    while (e == OK && s->queue_count && *chunks < SEAL_STEP_CHUNKS &&
           clock_mono_ms(&s->config.clock) <= until_ms) {
        struct stream *st = &s->stream[s->queue[s->queue_head]];
        e = seal_stream(s, st, false, chunks);
        if (e != OK || tail_committed(st) - st->sealing >= CHUNK_POINTS_MAX)
            break;
        st->queued = false;
        s->queue_head = (s->queue_head + 1) % STORE_STREAMS_MAX;
        s->queue_count--;
    }
    return e;
}

static enum err
seal_old(struct store *s, uint64_t target, uint64_t until_ms, uint32_t *chunks)
{
    enum err e = OK;
    uint32_t looked = 0;
    for (; e == OK && looked < s->stream_count && *chunks < SEAL_STEP_CHUNKS; looked++) {
        if (s->seal_cursor >= s->stream_count)
            s->seal_cursor = 0;
        uint64_t oldest = s->oldest[s->seal_cursor];
        if (oldest && oldest <= target) {
            if (clock_mono_ms(&s->config.clock) > until_ms)
                break;
            struct stream *st = &s->stream[s->seal_cursor];
            e = seal_stream(s, st, true, chunks);
            if (*chunks >= SEAL_STEP_CHUNKS)
                break; /* more of the same next time */
        }
        s->seal_cursor++;
    }
    return e;
}

static bool
anything_up_to(const struct store *s, uint64_t target)
{
    for (uint32_t i = 0; i < s->stream_count; i++) {
        if (s->oldest[i] && s->oldest[i] <= target)
            return true;
    }
    return false;
}

enum err
seal_step(struct store *s, uint64_t target, bool *out_more)
{
    *out_more = false;
    bool hot = s->streams_unstored || s->hot_count > s->hot_pending;
    bool old = target && anything_up_to(s, target);
    if (!hot && !old && s->queue_count == 0)
        return OK;
    uint64_t until_ms = clock_mono_ms(&s->config.clock) + SEAL_STEP_MS;
    uint32_t chunks = 0;
    enum err e = begin(s);
    if (e == OK)
        e = seal_queue(s, until_ms, &chunks);
    if (e == OK && old)
        e = seal_old(s, target, until_ms, &chunks);
    e = end(s, e);
    *out_more = e == OK && (s->queue_count > 0 || (old && anything_up_to(s, target)));
    return e;
}

enum err
seal_leaves(struct store *s)
{
    uint64_t size = s->tree.size;
    enum err e = size > s->leaves_synced ? disk_sync(&s->config.disk, s->leaves_fd) : OK;
    if (e == OK)
        s->leaves_synced = size;
    else
        s->dead = e;
    return e;
}

enum err
seal_recycle(struct store *s, bool *out_done)
{
    *out_done = false;
    struct journal *j = &s->journal;
    if (j->low >= j->active || s->streams_unstored || s->hot_count > s->hot_pending ||
        anything_up_to(s, j->low))
        return OK;
    enum err e = seal_leaves(s);
    if (e != OK)
        return e;
    struct sealed_meta meta = s->meta;
    meta.low = j->low + 1;
    e = sealed_begin(s->sealed);
    if (e == OK)
        e = sealed_put_meta(s->sealed, &meta);
    if (e == OK)
        e = sealed_commit(s->sealed);
    if (e != OK) {
        sealed_rollback(s->sealed);
        return e;
    }
    s->meta = meta;
    *out_done = true;
    s->dead = journal_recycle(j);
    return s->dead;
}

void
container_failed(struct store *s, enum err e)
{
    if (e != OK && e != ERR_LIMIT && e != ERR_NO_SPACE)
        s->dead = e;
}

static uint64_t
greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t
seal_target(struct store *s, bool *out_leave)
{
    struct journal *j = &s->journal;
    uint64_t target = s->meta.shred_upto >= j->low ? s->meta.shred_upto : 0;
    uint32_t half = j->segment_count / 2;
    if (j->active - j->low + 1 > half)
        target = greater(target, j->active - half);
    int64_t old_us = clock_wall_us(&s->config.clock) - (int64_t)SEAL_AGE_S * 1000000;
    for (uint64_t q = j->active; q >= j->low && q > target; q--) {
        const struct segment *segment = journal_segment(j, q);
        ASSERT(segment);
        if (segment->opened_us <= old_us && (q < j->active || j->offset > JOURNAL_FIRST))
            target = q;
    }
    *out_leave = target >= j->active && j->offset > JOURNAL_FIRST;
    if (s->tail_points > TAIL_POINTS_MAX / 4 * 3 || s->tail_bytes > TAIL_BYTES_MAX / 4 * 3 ||
        s->edits_held > EDITS_MAX / 4 * 3)
        target = j->active;
    return target;
}
