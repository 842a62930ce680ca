/*
 * Corrections and withdrawals. Of what lies in the tail the point itself is changed; of what is
 * sealed a patch stands beside the chunk until fold.c writes it anew. Either way what an
 * observation said before becomes a version, in memory first, then in the container.
 *
 * Replayed after they were folded already they change nothing: a version that is there stays, a
 * chunk gets what it has, and what was withdrawn is not found.
 */
#include "store/embedded/embedded.h"

#include <sodium.h>

enum { VERSION_TIME_SIZE = 8 };
_Static_assert((int)BATCH_EDITS_MAX <= 1 << EDIT_SEQ_BITS, "each edit of a batch has its number");

static uint32_t
patch_index(const struct stream *st, uint64_t n)
{
    uint32_t low = 0;
    uint32_t high = st->edits ? st->edits->patch_count : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (st->edits->patch[middle].n < n)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct patch *
patch_find(const struct stream *st, uint64_t n)
{
    uint32_t at = patch_index(st, n);
    bool there = st->edits && at < st->edits->patch_count && st->edits->patch[at].n == n;
    return there && !st->edits->patch[at].folded ? &st->edits->patch[at] : NULL;
}

uint32_t
patches_of(const struct stream *st, uint64_t n0, uint64_t n, uint32_t *out_first)
{
    uint32_t at = patch_index(st, n0);
    uint32_t count = 0;
    *out_first = at;
    if (!st->edits)
        return 0;
    for (; at < st->edits->patch_count && st->edits->patch[at].n - n0 < n; at++) {
        if (!st->edits->patch[at].folded)
            count++;
        else if (count == 0)
            (*out_first)++;
    }
    return count;
}

uint64_t
edits_oldest(const struct stream *st)
{
    uint64_t oldest = 0;
    const struct edits *e = st->edits;
    for (uint32_t i = 0; e && i < e->patch_count; i++)
        oldest = oldest == 0 || e->patch[i].segment < oldest ? e->patch[i].segment : oldest;
    for (uint32_t i = 0; e && i < e->version_count; i++)
        oldest = oldest == 0 || e->version[i].segment < oldest ? e->version[i].segment : oldest;
    return oldest;
}

/* Chunks that are decoded do not show it any more; the patch does. */
static void
hide_in_cache(struct store *s, const struct stream *st, uint64_t n)
{
    for (size_t i = 0; i < CACHE_CHUNKS; i++) {
        struct decoded *d = &s->cache[i];
        if (d->id && d->stream == st->row.id && n - d->n0 < d->count)
            d->o[n - d->n0] = (struct observation){0};
    }
}

/* The place of n's patch, made if it has none. There is room. */
static struct patch *
patch_place(struct store *s, struct stream *st, uint64_t n)
{
    struct edits *e = st->edits;
    uint32_t at = patch_index(st, n);
    if (at < e->patch_count && e->patch[at].n == n)
        return &e->patch[at];
    memmove(&e->patch[at + 1], &e->patch[at], (e->patch_count - at) * sizeof e->patch[0]);
    e->patch[at] = (struct patch){.n = n};
    e->patch_count++;
    s->edits_held++;
    hide_in_cache(s, st, n);
    return &e->patch[at];
}

static void
span_change(struct stream *st, const struct observation *was, const struct point *now)
{
    struct store_span *span = &st->span;
    span->count -= span->count > 0;
    st->span_stale |= was->time_us <= span->first_us || was->time_us >= span->last_us ||
                      was->result_time_us <= span->first_result_us ||
                      was->result_time_us >= span->last_result_us;
    if (point_gap(now))
        return;
    struct observation o = point_observation(now);
    span_add(span, &o);
    if (now->time_us > st->newest_us)
        st->newest_us = now->time_us;
}

enum err
edit_apply(struct store *s, const struct pending_edit *edit, uint64_t seq, uint64_t segment)
{
    struct stream *st = &s->stream[edit->stream_index];
    struct point now = edit->now;
    struct observation was;
    enum err e = observation_now(s, st, edit->n, &was);
    struct point before = {0};
    if (e == OK)
        e = edits_room(&s->edits_place[edit->stream_index]);
    if (e == OK && !point_gap(&now))
        e = point_new(s, &was, &before);
    if (e != OK) {
        point_fini(s, &now);
        return e == ERR_NOT_FOUND ? OK : e;
    }
    span_change(st, &was, &now);
    struct edits *edits = st->edits = &s->edits_place[edit->stream_index];
    if (!point_gap(&now)) {
        edits->version[edits->version_count++] = (struct version){
            .n = edit->n, .seq = seq, .segment = segment, .at_us = edit->at_us, .was = before};
        s->edits_held++;
    }
    struct point *place;
    if (edit->n >= st->row.sealed_n) {
        place = &st->tail[edit->n - st->row.sealed_n];
        now.segment = place->segment;
    } else {
        struct patch *patch = patch_place(s, st, edit->n);
        patch->segment = segment;
        place = &patch->now;
    }
    point_fini(s, place);
    *place = now;
    if (s->oldest[edit->stream_index] == 0)
        s->oldest[edit->stream_index] = segment;
    return OK;
}

enum err
edits_commit(struct store *s, uint64_t batch)
{
    enum err e = OK;
    for (uint32_t i = 0; i < s->edit_count; i++) {
        if (e == OK)
            e = edit_apply(s, &s->edit[i], edit_seq(batch, i), s->journal.active);
        else
            point_fini(s, &s->edit[i].now);
    }
    s->edit_count = 0;
    return e;
}

void
edits_abandon(struct store *s)
{
    for (uint32_t i = 0; i < s->edit_count; i++)
        point_fini(s, &s->edit[i].now);
    s->edit_count = 0;
}

/* The stream, if n can be changed: it is there, and no edit of the batch took it back. */
static enum err
changeable(struct store *s, uint32_t stream, uint64_t n, struct stream **out)
{
    struct stream *st = streams_find(s, stream);
    if (!st)
        return ERR_NOT_FOUND;
    if (st->row.erased)
        return ERR_EXPIRED;
    if (s->dead != OK)
        return s->dead;
    uint32_t index = stream_index(s, st);
    for (uint32_t i = s->edit_count; i-- > 0;) {
        const struct pending_edit *edit = &s->edit[i];
        if (edit->stream_index != index || edit->n != n)
            continue;
        *out = st;
        return point_gap(&edit->now) ? ERR_NOT_FOUND : OK;
    }
    struct observation o;
    enum err e = observation_now(s, st, n, &o);
    if (e == OK && o.time_us < stream_not_before(s, st))
        e = ERR_NOT_FOUND;
    *out = st;
    return e;
}

static enum err
pend(struct store *s, const struct record *r, struct stream *st, struct point now)
{
    if (s->edit_count == BATCH_EDITS_MAX || s->edits_held + s->edit_count >= EDITS_MAX)
        return ERR_LIMIT;
    enum err e = batch_put(&s->batch, r);
    if (e == OK)
        s->edit[s->edit_count++] =
            (struct pending_edit){stream_index(s, st), r->observation.n, r->observation.at_us, now};
    return e;
}

enum err
store_correct(struct store *s, uint32_t stream, uint64_t n, const struct observation *o)
{
    struct stream *st;
    struct point now;
    if (!observation_valid(o))
        return ERR_MALFORMED;
    enum err e = changeable(s, stream, n, &st);
    if (e == OK)
        e = store_room(s);
    if (e == OK)
        e = point_new(s, o, &now);
    if (e != OK)
        return e;
    struct record r = {.tag = RECORD_CORRECTION,
                       .observation = {stream, n, *o, clock_wall_us(&s->config.clock)}};
    e = pend(s, &r, st, now);
    if (e != OK)
        point_fini(s, &now);
    return e;
}

enum err
store_withdraw(struct store *s, uint32_t stream, uint64_t n)
{
    struct stream *st;
    enum err e = changeable(s, stream, n, &st);
    if (e != OK)
        return e;
    struct record r = {.tag = RECORD_WITHDRAWAL, .observation = {.stream = stream, .n = n}};
    return pend(s, &r, st, (struct point){0});
}

void
edits_settle(struct store *s, struct stream *st, bool ok)
{
    struct edits *e = st->edits;
    uint32_t patches = 0;
    uint32_t versions = 0;
    for (uint32_t i = 0; e && i < e->patch_count; i++) {
        if (ok && e->patch[i].folded) {
            point_fini(s, &e->patch[i].now);
            s->edits_held--;
            continue;
        }
        e->patch[patches] = e->patch[i];
        e->patch[patches++].folded = false;
    }
    for (uint32_t i = 0; e && i < e->version_count; i++) {
        if (ok && e->version[i].written) {
            point_fini(s, &e->version[i].was);
            s->edits_held--;
            continue;
        }
        e->version[versions] = e->version[i];
        e->version[versions++].written = false;
    }
    if (!e)
        return;
    e->patch_count = patches;
    e->version_count = versions;
    if (patches == 0 && versions == 0)
        edits_drop(s, st);
    stream_oldest(s, st);
}

void
edits_drop(struct store *s, struct stream *st)
{
    struct edits *e = st->edits;
    if (!e)
        return;
    for (uint32_t i = 0; i < e->patch_count; i++)
        point_fini(s, &e->patch[i].now);
    for (uint32_t i = 0; i < e->version_count; i++)
        point_fini(s, &e->version[i].was);
    s->edits_held -= e->patch_count + e->version_count;
    if (e->patch)
        sodium_memzero(e->patch, e->patch_capacity * sizeof e->patch[0]);
    if (e->version)
        sodium_memzero(e->version, e->version_capacity * sizeof e->version[0]);
    free(e->patch);
    free(e->version);
    *e = (struct edits){0};
    st->edits = NULL;
}

static struct seal_name
version_name(const struct store *s, const struct version_row *r)
{
    return (struct seal_name){
        SEAL_VERSION, s->config.zone, {r->stream, r->n, r->seq, (uint64_t)r->t, r->epoch}};
}

static enum err
version_write(struct store *s, struct stream *st, const struct version *v, uint64_t epoch)
{
    struct version_row row = {
        .stream = st->row.id, .n = v->n, .seq = v->seq, .t = v->was.time_us, .epoch = epoch};
    struct observation o = point_observation(&v->was);
    const uint8_t *key;
    enum err e = chunk_key(s, st, epoch, &key);
    uint8_t at[VERSION_TIME_SIZE];
    le64_put(at, (uint64_t)v->at_us);
    buf_reset(&s->plain);
    buf_reset(&s->head);
    buf_put(&s->plain, bytes_of(at, sizeof at));
    if (e == OK)
        e = chunk_encode(&o, 1, &s->plain);
    uint8_t *to = e == OK ? buf_room(&s->head, s->plain.len + SEAL_OVERHEAD) : NULL;
    if (!to)
        return e == OK ? ERR_LIMIT : e;
    struct seal_name name = version_name(s, &row);
    seal_put(to, key, &s->config.random, &name, buf_bytes(&s->plain));
    buf_filled(&s->head, s->plain.len + SEAL_OVERHEAD);
    if (v->was.time_us < st->version_us)
        st->version_us = v->was.time_us;
    return sealed_put_version(s->sealed, &row, buf_bytes(&s->head));
}

/* Of what was withdrawn no version is kept. */
static bool
withdrawn(const struct stream *st, uint64_t n)
{
    uint64_t tail_n0 = st->row.sealed_n - st->sealing;
    if (n >= tail_n0)
        return point_gap(&st->tail[n - tail_n0]);
    uint32_t at = patch_index(st, n);
    const struct edits *e = st->edits;
    return at < e->patch_count && e->patch[at].n == n && point_gap(&e->patch[at].now);
}

enum err
versions_write(struct store *s, struct stream *st, uint64_t n0, uint64_t n, uint64_t epoch)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && st->edits && i < st->edits->version_count; i++) {
        struct version *v = &st->edits->version[i];
        if (v->written || v->n - n0 >= n)
            continue;
        if (!withdrawn(st, v->n))
            e = version_write(s, st, v, epoch);
        v->written = e == OK;
    }
    return e;
}

struct version_call {
    struct store *s;
    const struct stream *st;
    store_version_fn *each;
    void *ctx;
    uint64_t last_seq;
    bool done;
};

static enum err
version_open(void *ctx, const struct version_row *row, struct bytes body)
{
    struct version_call *call = ctx;
    struct store *s = call->s;
    const uint8_t *key;
    struct observation o;
    size_t count;
    buf_reset(&s->head);
    buf_put(&s->head, body);
    if (body.len < SEAL_OVERHEAD + VERSION_TIME_SIZE || buf_error(&s->head) != OK)
        return ERR_CRYPTO;
    enum err e = chunk_key(s, call->st, row->epoch, &key);
    if (e != OK)
        return e;
    struct seal_name name = version_name(s, row);
    uint8_t *plain = s->head.p + SEAL_NONCE_SIZE;
    if (seal_get(plain, key, &name, buf_bytes(&s->head)) != OK)
        return ERR_CRYPTO;
    struct bytes left =
        bytes_of(plain + VERSION_TIME_SIZE, body.len - SEAL_OVERHEAD - VERSION_TIME_SIZE);
    if (chunk_decode(left, s->scratch, &count) != OK || count != 1)
        return ERR_CRYPTO;
    o = s->scratch[0];
    call->last_seq = row->seq;
    if (!call->done && o.time_us >= stream_not_before(s, call->st))
        call->done = !call->each(call->ctx, (int64_t)le64_get(plain), &o);
    return OK;
}

enum err
store_versions(struct store *s, uint32_t stream, uint64_t n, store_version_fn *each, void *ctx)
{
    struct stream *st;
    struct observation now;
    enum err e = stream_readable(s, stream, &st);
    if (e == OK)
        e = store_get(s, stream, n, &now);
    if (e != OK)
        return e;
    struct version_call call = {.s = s, .st = st, .each = each, .ctx = ctx};
    e = sealed_each_version(s->sealed, stream, n, version_open, &call);
    for (uint32_t i = 0; e == OK && st->edits && i < st->edits->version_count; i++) {
        const struct version *v = &st->edits->version[i];
        struct observation o = point_observation(&v->was);
        if (v->n == n && v->seq > call.last_seq && !call.done &&
            o.time_us >= stream_not_before(s, st))
            call.done = !each(ctx, v->at_us, &o);
    }
    return e;
}
