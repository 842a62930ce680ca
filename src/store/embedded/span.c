/*
 * What a stream holds, counted anew after something of it went.
 */
#include "store/embedded/embedded.h"

struct counting {
    struct store *s;
    struct stream *st;
    struct store_span span;
    uint64_t ordinals;
    enum err e;
};

/* A chunk with patches is looked into; of the others the row says enough. */
static bool
count_chunk(void *ctx, const struct chunk_row *row)
{
    struct counting *q = ctx;
    uint32_t at;
    struct decoded *d;
    q->ordinals += row->n;
    if (patches_of(q->st, row->n0, row->n, &at) == 0) {
        struct observation first = {.time_us = row->t0, .result_time_us = row->r0};
        struct observation last = {.time_us = row->t1, .result_time_us = row->r1};
        span_add(&q->span, &first);
        span_add(&q->span, &last);
        q->span.count += row->n - row->gaps - 2;
        return true;
    }
    q->e = chunk_load(q->s, q->st, row, &d);
    for (size_t i = 0; q->e == OK && i < d->count; i++) {
        if (!observation_gap(&d->o[i]))
            span_add(&q->span, &d->o[i]);
    }
    const struct edits *edits = q->st->edits;
    for (; at < edits->patch_count && edits->patch[at].n - row->n0 < row->n; at++) {
        struct observation o = point_observation(&edits->patch[at].now);
        if (!edits->patch[at].folded && !point_gap(&edits->patch[at].now))
            span_add(&q->span, &o);
    }
    return q->e == OK;
}

enum err
span_recount(struct store *s, struct stream *st)
{
    struct counting q = {.s = s, .st = st};
    enum err e =
        sealed_each_chunk(s->sealed, st->row.id, INT64_MIN, INT64_MAX, false, count_chunk, &q);
    if (e == OK)
        e = q.e;
    if (e != OK)
        return e;
    for (uint32_t i = 0; i < tail_committed(st); i++) {
        struct observation o = point_observation(&st->tail[i]);
        if (!observation_gap(&o))
            span_add(&q.span, &o);
    }
    st->span = q.span;
    st->sealed_count = q.ordinals;
    st->span_stale = false;
    return OK;
}

enum err
store_span(struct store *s, uint32_t stream, struct store_span *out)
{
    struct stream *st = streams_find(s, stream);
    if (!st || !st->committed)
        return ERR_NOT_FOUND;
    enum err e = st->span_stale ? span_recount(s, st) : OK;
    if (e == OK)
        *out = st->span;
    return e;
}
