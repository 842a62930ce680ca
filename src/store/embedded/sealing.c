/*
 * From the journal's tails into the container: by fullness (a whole chunk is there), and by age,
 * pressure or destruction (everything of old segments). A step is one transaction, and ends when
 * its time is over.
 *
 * What is sealed before a chunk is full is a small chunk. When a stream has SMALL_CHUNKS of them at
 * its end, or what they hold with the tail makes a whole one, they are written as one: so a point
 * is written about twice however little of its stream comes at a time.
 */
#include "store/embedded/embedded.h"

#include <sodium.h>

enum { MERGE_BYTES_MAX = 64 * 1024, CHUNK_UNITS = 8, STREAM_UNITS = 2 };
_Static_assert((int)SMALL_CHUNKS < (int)CACHE_CHUNKS, "texts of all that is merged stay decoded");

bool
step_over(const struct store *s)
{
    return s->step_units >= SEAL_STEP_UNITS || clock_mono_ms(&s->config.clock) > s->step_until_ms;
}

static enum err
seal_streams(struct store *s)
{
    enum err e = OK;
    s->storing_to = s->unstored_from;
    while (e == OK && s->streams_unstored && s->storing_to < s->stream_count && !step_over(s)) {
        struct stream *st = &s->stream[s->storing_to];
        if (!st->committed)
            break;
        if (!st->stored)
            e = sealed_put_stream(s->sealed, &st->row);
        s->storing_to++;
        s->step_units += STREAM_UNITS;
    }
    return e;
}

static enum err
seal_entity(struct store *s, const struct hot_entity *h)
{
    struct buf *to = &s->body;
    struct seal_name name = {SEAL_ENTITY, s->config.zone, {h->type, h->id}};
    buf_reset(to);
    if (h->len) {
        uint8_t *p = buf_room(to, h->len + SEAL_OVERHEAD);
        if (!p)
            return ERR_LIMIT;
        seal_put(p, s->keys->entity, &s->config.random, &name, bytes_of(h->record, h->len));
        buf_filled(to, h->len + SEAL_OVERHEAD);
    }
    return sealed_put_entity(s->sealed, h->type, h->id, buf_bytes(to));
}

/* New streams and entities, in order, as far as the step goes. */
static enum err
seal_hot(struct store *s)
{
    enum err e = seal_streams(s);
    s->hot_sealing = 0;
    while (e == OK && s->hot_sealing < s->hot_count - s->hot_pending && !step_over(s)) {
        e = seal_entity(s, &s->hot[s->hot_sealing]);
        s->hot_sealing++;
        s->step_units++;
    }
    return e;
}

static void
stored(struct store *s, struct stream *st)
{
    s->streams_unstored -= !st->stored;
    st->stored = true;
}

/* What seal_hot() wrote is in the container now. */
static void
forget_hot(struct store *s)
{
    for (; s->unstored_from < s->storing_to; s->unstored_from++)
        stored(s, &s->stream[s->unstored_from]);
    size_t done = s->hot_sealing;
    for (size_t i = 0; i < done; i++) {
        s->tail_bytes -= s->hot[i].len;
        free(s->hot[i].record);
    }
    if (done)
        memmove(s->hot, s->hot + done, (s->hot_count - done) * sizeof s->hot[0]);
    s->hot_count -= done;
}

static enum err
begin(struct store *s)
{
    s->changed_count = 0;
    s->step_units = 0;
    s->step_until_ms = clock_mono_ms(&s->config.clock) + SEAL_STEP_MS;
    s->storing_to = s->unstored_from;
    s->hot_sealing = 0;
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
            if (sealing)
                stored(s, st);
        } else {
            st->row.sealed_n -= sealing;
            st->small_known = false;
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
    enum err e = OK;
    while (e == OK && (s->hot_count > s->hot_pending || s->streams_unstored))
        e = end(s, begin(s));
    return e;
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
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < s->stream_count; i++) {
        struct stream *st = &s->stream[i];
        for (bool patches = true; e == OK && st->edits && patches;) {
            e = begin(s);
            changed(s, st);
            if (e == OK)
                e = fold_stream(s, st);
            e = end(s, e);
            patches = st->edits && st->edits->patch_count > 0;
        }
    }
    return e;
}

enum err
seal_trim(struct store *s, struct stream *st, const struct chunk_row *row, int64_t cutoff_us)
{
    enum err e = begin(s);
    changed(s, st);
    if (e == OK)
        e = fold_trim(s, st, row, cutoff_us);
    return end(s, e);
}

/* The small chunks at the stream's end, the last one first. */
static enum err
small_chunks(struct store *s, const struct stream *st, struct chunk_row rows[static SMALL_CHUNKS],
             uint32_t *out_count)
{
    uint32_t count = 0;
    enum err e = sealed_last_chunks(s->sealed, st->row.id, SMALL_CHUNKS, rows, &count);
    uint64_t n = st->row.sealed_n;
    *out_count = 0;
    for (uint32_t i = 0; e == OK && i < count; i++) {
        if (rows[i].n >= CHUNK_POINTS_MAX || rows[i].epoch != st->row.epoch ||
            rows[i].n0 + rows[i].n != n || rows[i].bytes > MERGE_BYTES_MAX)
            break;
        n = rows[i].n0;
        (*out_count)++;
    }
    return e;
}

/* How many there are, without asking each time. */
static enum err
small_know(struct store *s, struct stream *st)
{
    struct chunk_row rows[SMALL_CHUNKS];
    uint32_t count;
    enum err e = st->small_known ? OK : small_chunks(s, st, rows, &count);
    if (e != OK || st->small_known)
        return e;
    st->small_known = true;
    st->small_count = (uint8_t)count;
    st->small_points = 0;
    for (uint32_t i = 0; i < count; i++)
        st->small_points += (uint32_t)rows[i].n;
    return OK;
}

/* The small chunks into scratch and out of the container, if it is time to make one of them. */
static enum err
take_back(struct store *s, struct stream *st, size_t *out_count)
{
    struct chunk_row rows[SMALL_CHUNKS];
    uint32_t count = 0;
    uint64_t waiting = tail_committed(st) - st->sealing;
    *out_count = 0;
    enum err e = small_know(s, st);
    bool merge = st->small_count >= SMALL_CHUNKS ||
                 (st->small_count && st->small_points + waiting >= CHUNK_POINTS_MAX);
    if (e != OK || !merge)
        return e;
    e = small_chunks(s, st, rows, &count);
    st->small_count = 0;
    st->small_points = 0;
    uint64_t points = 0;
    for (uint32_t i = 0; i < count; i++) { /* the last ones, as many as fit */
        points += rows[i].n;
        if (points > CHUNK_POINTS_MAX)
            count = i;
    }
    while (e == OK && count-- > 0) {
        e = fold_load(s, st, &rows[count], *out_count);
        *out_count += rows[count].n;
        if (e == OK)
            e = sealed_delete_chunk(s->sealed, rows[count].id);
        s->step_units += CHUNK_UNITS / 2;
    }
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
    st->small_known = true; /* none yet */
    st->small_count = 0;
    st->small_points = 0;
    stream_new_key(s, st);
}

/* One chunk from the front of the tail. */
static enum err
seal_chunk(struct store *s, struct stream *st)
{
    size_t count = 0;
    changed(s, st);
    change_key(s, st);
    enum err e = take_back(s, st, &count);
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
    e = chunk_write(s, st, n0, 0, count, st->row.epoch);
    if (e == OK)
        e = versions_write(s, st, n0 + old, count - old, st->row.epoch);
    if (old)
        cache_forget(s, 0); /* scratch pointed into them until now */
    if (e != OK)
        return e;
    bool small = count < CHUNK_POINTS_MAX && texts < MERGE_BYTES_MAX / 2;
    st->small_count = small ? (uint8_t)(st->small_count + 1) : 0;
    st->small_points = small ? st->small_points + (uint32_t)count : 0;
    st->row.sealed_n += at - st->sealing;
    st->sealing = at;
    return OK;
}

/* Seal the stream's whole chunks, or with `all` everything that is committed. */
static enum err
seal_stream(struct store *s, struct stream *st, bool all)
{
    uint32_t before = st->sealing;
    enum err e = OK;
    uint32_t most = tail_committed(st);
    while (e == OK && st->sealing < most && !step_over(s) &&
           (all || most - st->sealing >= CHUNK_POINTS_MAX)) {
        e = seal_chunk(s, st);
        s->step_units += CHUNK_UNITS;
    }
    if (e == OK && st->sealing != before)
        e = sealed_put_stream(s->sealed, &st->row);
    if (e != OK || !all || !st->edits)
        return e;
    changed(s, st);
    return fold_stream(s, st);
}

static enum err
seal_queue(struct store *s)
{
    enum err e = OK;
    while (e == OK && s->queue_count && !step_over(s)) {
        struct stream *st = &s->stream[s->queue[s->queue_head]];
        e = seal_stream(s, st, false);
        if (e != OK || tail_committed(st) - st->sealing >= CHUNK_POINTS_MAX)
            break;
        st->queued = false;
        s->queue_head = (s->queue_head + 1) % STORE_STREAMS_MAX;
        s->queue_count--;
    }
    return e;
}

static enum err
seal_old(struct store *s, uint64_t target)
{
    enum err e = OK;
    for (uint32_t looked = 0; e == OK && looked < s->stream_count; looked++) {
        if (s->seal_cursor >= s->stream_count)
            s->seal_cursor = 0;
        uint64_t oldest = s->oldest[s->seal_cursor];
        if (oldest && oldest <= target) {
            e = seal_stream(s, &s->stream[s->seal_cursor], true);
            if (step_over(s))
                break; /* more of the same next time, perhaps */
        }
        s->seal_cursor++;
    }
    return e;
}

static bool
hot_left(const struct store *s)
{
    return s->streams_unstored || s->hot_count > s->hot_pending;
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
    bool old = target && anything_up_to(s, target);
    if (!hot_left(s) && !old && s->queue_count == 0)
        return OK;
    enum err e = begin(s);
    if (e == OK)
        e = seal_queue(s);
    if (e == OK && old)
        e = seal_old(s, target);
    e = end(s, e);
    *out_more =
        e == OK && (hot_left(s) || s->queue_count > 0 || (old && anything_up_to(s, target)));
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
    if (j->low >= j->active || hot_left(s) || anything_up_to(s, j->low))
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
