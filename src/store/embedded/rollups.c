/*
 * Sums and rollups: out of the chunks' heads where they know enough, else out of the points. A
 * chunk with patches is decoded, for its head does not know of them; patches and the tail are
 * added.
 *
 * Rollups are made ROLLUP_BUCKETS at a time, whatever the range; where nothing lies for long, the
 * next buckets begin where something does.
 */
#include "store/embedded/embedded.h"

struct summing {
    struct store *s;
    struct stream *st;
    int64_t from_us, to_us;
    struct store_aggregate sum;
    enum err e;
};

static bool
patched(const struct stream *st, const struct chunk_row *row)
{
    uint32_t first;
    return patches_of(st, row->n0, row->n, &first) > 0;
}

static void
sum_point(struct summing *q, const struct observation *o)
{
    if (o->time_us >= q->from_us && o->time_us < q->to_us)
        aggregate_add(&q->sum, o);
}

static bool
sum_chunk(void *ctx, const struct chunk_row *row)
{
    struct summing *q = ctx;
    if (row->t0 >= q->from_us && row->t1 < q->to_us && !patched(q->st, row)) {
        q->e = chunk_head_load(q->s, q->st, row);
        if (q->e == OK)
            aggregate_merge(&q->sum, &q->s->chunk_head.all);
        return q->e == OK;
    }
    struct decoded *d;
    q->e = chunk_load(q->s, q->st, row, &d);
    for (size_t i = 0; q->e == OK && i < d->count; i++)
        sum_point(q, &d->o[i]);
    return q->e == OK;
}

/* What is in memory only: the tail and the patches. */
typedef void point_fn(void *ctx, uint64_t n, const struct observation *o);
static void
each_in_memory(const struct stream *st, point_fn *each, void *ctx)
{
    for (uint32_t i = 0; i < tail_committed(st); i++) {
        struct observation o = point_observation(&st->tail[i]);
        each(ctx, st->row.sealed_n + i, &o);
    }
    for (uint32_t i = 0; st->edits && i < st->edits->patch_count; i++) {
        struct observation o = point_observation(&st->edits->patch[i].now);
        each(ctx, st->edits->patch[i].n, &o);
    }
}

static void
sum_in_memory(void *ctx, uint64_t n, const struct observation *o)
{
    (void)n;
    sum_point(ctx, o);
}

enum err
store_aggregate(struct store *s, uint32_t stream, int64_t from_us, int64_t to_us,
                struct store_aggregate *out)
{
    struct summing q = {.s = s, .from_us = from_us, .to_us = to_us};
    enum err e = stream_readable(s, stream, &q.st);
    if (e != OK)
        return e;
    int64_t oldest_us = stream_not_before(s, q.st);
    if (q.from_us < oldest_us)
        q.from_us = oldest_us;
    e = sealed_each_chunk(s->sealed, stream, q.from_us, to_us, false, sum_chunk, &q);
    if (e == OK)
        e = q.e;
    if (e == OK)
        each_in_memory(q.st, sum_in_memory, &q);
    if (e == OK)
        *out = q.sum;
    return e;
}

struct rolling {
    struct store *s;
    struct stream *st;
    enum store_step step;
    int64_t us;             /* of a step */
    int64_t from_us, to_us; /* these buckets are made now: starts, to_us excluded */
    int64_t next_us;        /* something lies here, behind them; INT64_MAX: nothing known */
    enum err e;
};

/* The bucket of this time; NULL when it is not one of those. */
static struct bucket *
bucket_of(struct rolling *q, int64_t t)
{
    int64_t start_us;
    if (!step_start(q->step, t, &start_us) || start_us < q->from_us)
        return NULL;
    if (start_us >= q->to_us) {
        q->next_us = start_us < q->next_us ? start_us : q->next_us;
        return NULL;
    }
    uint64_t at = ((uint64_t)start_us - (uint64_t)q->from_us) / (uint64_t)q->us;
    ASSERT(at < ROLLUP_BUCKETS);
    return &q->s->bucket[at];
}

static void
roll_point(void *ctx, uint64_t n, const struct observation *o)
{
    struct bucket *b = o->kind == RESULT_NUMBER ? bucket_of(ctx, o->time_us) : NULL;
    if (b)
        bucket_add(b, o, n);
}

static bool
roll_chunk(void *ctx, const struct chunk_row *row)
{
    struct rolling *q = ctx;
    struct head *h = &q->s->chunk_head;
    bool raw = patched(q->st, row);
    if (!raw) {
        q->e = chunk_head_load(q->s, q->st, row);
        raw = h->all.count > 0 && (h->step == 0 || h->step > q->step);
    }
    if (q->e != OK)
        return false;
    for (size_t i = 0; !raw && i < h->count; i++) {
        h->bucket[i].first_n = h->bucket[i].last_n = row->n0; /* chunks share no ordinals */
        struct bucket *b = bucket_of(q, h->bucket[i].start_us);
        if (b)
            bucket_merge(b, &h->bucket[i]);
    }
    struct decoded *d = NULL;
    if (raw)
        q->e = chunk_load(q->s, q->st, row, &d);
    for (size_t i = 0; q->e == OK && raw && i < d->count; i++)
        roll_point(q, row->n0 + i, &d->o[i]);
    return q->e == OK;
}

/* The buckets from q->from_us on. */
static enum err
roll_window(struct rolling *q)
{
    struct store *s = q->s;
    size_t count = (size_t)(((uint64_t)q->to_us - (uint64_t)q->from_us) / (uint64_t)q->us);
    for (size_t i = 0; i < count; i++)
        s->bucket[i] = (struct bucket){.start_us = q->from_us + (int64_t)i * q->us};
    q->next_us = INT64_MAX;
    q->e = OK;
    enum err e =
        sealed_each_chunk(s->sealed, q->st->row.id, q->from_us, q->to_us, false, roll_chunk, q);
    if (e == OK)
        e = q->e;
    if (e != OK)
        return e;
    each_in_memory(q->st, roll_point, q);
    int64_t start_us;
    int64_t bucket_us;
    e = sealed_next_start(s->sealed, q->st->row.id, q->to_us, &start_us);
    if (e == OK && step_start(q->step, start_us, &bucket_us) && bucket_us < q->next_us)
        q->next_us = bucket_us;
    return e == ERR_NOT_FOUND ? OK : e;
}

static bool
answer(const struct rolling *q, store_rollup_fn *each, void *ctx)
{
    size_t count = (size_t)(((uint64_t)q->to_us - (uint64_t)q->from_us) / (uint64_t)q->us);
    for (size_t i = 0; i < count; i++) {
        const struct bucket *b = &q->s->bucket[i];
        if (b->count == 0)
            continue;
        struct store_rollup r = {b->start_us, b->count, b->min, b->max, b->sum, b->first, b->last};
        if (!each(ctx, &r))
            return false;
    }
    return true;
}

/* The first bucket start at or after t; false: there is none. */
static bool
start_at_or_after(enum store_step step, int64_t t, int64_t *out)
{
    int64_t us = step_us(step);
    if (!step_start(step, t, out)) {
        int64_t rest = t % us;
        *out = t - rest; /* next to INT64_MIN: towards zero */
        return true;
    }
    return *out >= t || !__builtin_add_overflow(*out, us, out);
}

enum err
store_rollups(struct store *s, uint32_t stream, enum store_step step, int64_t from_us,
              int64_t to_us, store_rollup_fn *each, void *ctx)
{
    ASSERT(step >= STORE_MINUTE && step <= STORE_DAY);
    struct rolling q = {.s = s, .step = step, .us = step_us(step)};
    enum err e = stream_readable(s, stream, &q.st);
    int64_t oldest_us = e == OK ? stream_not_before(s, q.st) : 0;
    /* A bucket of which a part has expired is not answered. */
    if (from_us < oldest_us)
        from_us = oldest_us;
    bool go_on = e == OK && start_at_or_after(step, from_us, &q.from_us);
    while (go_on && q.from_us < to_us) {
        int64_t most_us = (int64_t)ROLLUP_BUCKETS * q.us;
        int64_t end_us;
        if (!start_at_or_after(step, to_us, &end_us))
            end_us = INT64_MAX / q.us * q.us;
        if (__builtin_add_overflow(q.from_us, most_us, &q.to_us) || q.to_us > end_us)
            q.to_us = end_us;
        if (q.to_us <= q.from_us)
            break;
        e = roll_window(&q);
        go_on = e == OK && answer(&q, each, ctx) && q.next_us != INT64_MAX;
        q.from_us = q.next_us;
    }
    return e;
}
