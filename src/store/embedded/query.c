/*
 * Reading: sealed chunks and the tail as one series.
 *
 * Chunks of a stream may overlap in time (late data), so a range is answered in windows: the
 * first keys (time, n) after the last one answered are gathered from every chunk that may hold
 * them, sorted, answered, and so on. Memory is one window, whatever the range.
 */
#include "store/embedded/embedded.h"

enum { WINDOW_ENOUGH = CHUNK_POINTS_MAX };

struct seal_name
chunk_name(const struct store *s, enum seal_use use, const struct chunk_row *r)
{
    return (struct seal_name){use,
                              s->config.zone,
                              {r->stream, r->n0, r->n | r->gaps << 32, (uint64_t)r->t0,
                               (uint64_t)r->t1, (uint64_t)r->r0, (uint64_t)r->r1, r->epoch}};
}

void
cache_forget(struct store *s, int64_t id)
{
    for (size_t i = 0; i < CACHE_CHUNKS; i++) {
        if (id == 0 || s->cache[i].id == id)
            s->cache[i].id = 0;
    }
}

static struct decoded *
cache_place(struct store *s, int64_t id)
{
    struct decoded *oldest = &s->cache[0];
    for (size_t i = 0; i < CACHE_CHUNKS; i++) {
        struct decoded *d = &s->cache[i];
        if (d->id == id)
            return d;
        if (d->id == 0 || (oldest->id != 0 && d->used < oldest->used))
            oldest = d;
    }
    return oldest;
}

/* The key of an epoch: the one at hand, or an older one out of the container. */
enum err
chunk_key(struct store *s, const struct stream *st, uint64_t epoch, const uint8_t **out)
{
    *out = s->keys->stream[stream_index(s, st)];
    if (epoch == st->row.epoch)
        return OK;
    struct sealed_stream older = {.id = st->row.id, .epoch = epoch};
    enum err e = sealed_get_key(s->sealed, st->row.id, epoch, older.wrapped);
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_CRYPTO : e;
    struct seal_name name = stream_key_name(s, &older);
    *out = s->keys->scratch;
    return seal_get(s->keys->scratch, s->keys->wrap, &name, bytes_of(older.wrapped, WRAPPED_SIZE));
}

/* What is patched is not in the chunk any more. */
static void
hide_patched(const struct stream *st, struct decoded *d)
{
    uint32_t at;
    if (patches_of(st, d->n0, d->count, &at) == 0)
        return;
    for (; at < st->edits->patch_count && st->edits->patch[at].n - d->n0 < d->count; at++)
        if (!st->edits->patch[at].folded)
            d->o[st->edits->patch[at].n - d->n0] = (struct observation){0};
}

static size_t
count_gaps(const struct decoded *d)
{
    size_t gaps = 0;
    for (size_t i = 0; i < d->count; i++)
        gaps += observation_gap(&d->o[i]);
    return gaps;
}

enum err
chunk_load(struct store *s, const struct stream *st, const struct chunk_row *row,
           struct decoded **out)
{
    struct decoded *d = cache_place(s, row->id);
    d->used = ++s->cache_clock;
    *out = d;
    if (d->id == row->id)
        return OK;
    d->id = 0;
    buf_reset(&s->body);
    buf_reset(&d->plain);
    const uint8_t *key;
    enum err e = chunk_key(s, st, row->epoch, &key);
    if (e != OK)
        return e;
    e = sealed_get_chunk(s->sealed, row->id, NULL, &s->body);
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_CRYPTO : e;
    struct seal_name name = chunk_name(s, SEAL_BODY, row);
    uint8_t *zipped = s->body.p + SEAL_NONCE_SIZE;
    e = seal_get(zipped, key, &name, buf_bytes(&s->body));
    if (e == OK)
        e = chunk_unzip(s->zipper, bytes_of(zipped, s->body.len - SEAL_OVERHEAD), &d->plain);
    if (e == OK)
        e = chunk_decode(buf_bytes(&d->plain), d->o, &d->count);
    if (e != OK || d->count != row->n || count_gaps(d) != row->gaps)
        return ERR_CRYPTO;
    d->id = row->id;
    d->stream = row->stream;
    d->n0 = row->n0;
    hide_patched(st, d);
    return OK;
}

enum err
chunk_head_load(struct store *s, const struct stream *st, const struct chunk_row *row)
{
    const uint8_t *key;
    buf_reset(&s->head);
    enum err e = chunk_key(s, st, row->epoch, &key);
    if (e == OK)
        e = sealed_get_chunk(s->sealed, row->id, &s->head, NULL);
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_CRYPTO : e;
    if (s->head.len < SEAL_OVERHEAD)
        return ERR_CRYPTO;
    struct seal_name name = chunk_name(s, SEAL_HEAD, row);
    uint8_t *plain = s->head.p + SEAL_NONCE_SIZE;
    e = seal_get(plain, key, &name, buf_bytes(&s->head));
    if (e == OK)
        e = head_decode(bytes_of(plain, s->head.len - SEAL_OVERHEAD), &s->chunk_head);
    return e == ERR_MALFORMED ? ERR_CRYPTO : e;
}

static int64_t
after_instant(int64_t t)
{
    return t == INT64_MAX ? t : t + 1;
}

struct same_search {
    struct store *s;
    struct stream *st;
    const struct observation *o;
    uint64_t n;
    enum err e; /* ERR_NOT_FOUND until found or failed */
};

static bool
same_in_chunk(void *ctx, const struct chunk_row *row)
{
    struct same_search *q = ctx;
    struct decoded *d;
    enum err e = chunk_load(q->s, q->st, row, &d);
    if (e != OK) {
        q->e = e;
        return false;
    }
    for (size_t i = 0; i < d->count; i++) {
        if (d->o[i].time_us == q->o->time_us && observation_same(&d->o[i], q->o)) {
            q->n = row->n0 + i;
            q->e = OK;
            return false;
        }
    }
    return true;
}

enum err
find_same(struct store *s, struct stream *st, const struct observation *o, uint64_t *out_n)
{
    for (uint32_t i = st->tail_count; i-- > 0;) {
        if (st->tail[i].time_us != o->time_us)
            continue;
        struct observation other = point_observation(&st->tail[i]);
        if (observation_same(&other, o)) {
            *out_n = st->row.sealed_n + i;
            return OK;
        }
    }
    for (uint32_t i = 0; st->edits && i < st->edits->patch_count; i++) {
        struct observation other = point_observation(&st->edits->patch[i].now);
        if (observation_same(&other, o)) {
            *out_n = st->edits->patch[i].n;
            return OK;
        }
    }
    if (st->sealed_count == 0)
        return ERR_NOT_FOUND;
    struct same_search q = {s, st, o, 0, ERR_NOT_FOUND};
    enum err e = sealed_each_chunk(s->sealed, st->row.id, o->time_us, after_instant(o->time_us),
                                   false, same_in_chunk, &q);
    if (e != OK)
        return e;
    if (q.e == OK)
        *out_n = q.n;
    return q.e;
}

enum err
stream_readable(struct store *s, uint32_t id, struct stream **out)
{
    struct stream *st = streams_find(s, id);
    if (!st || !st->committed)
        return ERR_NOT_FOUND;
    *out = st;
    return st->row.erased ? ERR_EXPIRED : OK;
}

/* What is older than the class allows is not answered, even if it is not deleted yet. */
int64_t
stream_not_before(const struct store *s, const struct stream *st)
{
    if (st->row.meta.keep_s == 0)
        return INT64_MIN;
    return clock_wall_us(&s->config.clock) - (int64_t)st->row.meta.keep_s * 1000000;
}

static enum err
observation_sealed(struct store *s, const struct stream *st, uint64_t n, struct observation *out)
{
    struct chunk_row row;
    struct decoded *d;
    enum err e = sealed_find_chunk(s->sealed, st->row.id, n, &row);
    if (e != OK)
        return e;
    if (n - row.n0 >= row.n)
        return ERR_NOT_FOUND;
    e = chunk_load(s, st, &row, &d);
    if (e == OK)
        *out = d->o[n - row.n0];
    return e;
}

enum err
observation_now(struct store *s, const struct stream *st, uint64_t n, struct observation *out)
{
    struct observation o = {0};
    const struct patch *patch = patch_find(st, n);
    enum err e = OK;
    if (n >= st->row.sealed_n) {
        if (n - st->row.sealed_n >= st->tail_count)
            return ERR_NOT_FOUND;
        o = point_observation(&st->tail[n - st->row.sealed_n]);
    } else if (patch) {
        o = point_observation(&patch->now);
    } else {
        e = observation_sealed(s, st, n, &o);
    }
    if (e == OK && observation_gap(&o))
        e = ERR_NOT_FOUND;
    if (e == OK)
        *out = o;
    return e;
}

enum err
store_get(struct store *s, uint32_t stream, uint64_t n, struct observation *out)
{
    struct stream *st;
    struct observation o;
    enum err e = stream_readable(s, stream, &st);
    if (e != OK)
        return e;
    if (n >= st->row.sealed_n + tail_committed(st))
        return ERR_NOT_FOUND;
    e = observation_now(s, st, n, &o);
    if (e != OK)
        return e;
    if (o.time_us < stream_not_before(s, st))
        return ERR_NOT_FOUND;
    *out = o;
    return OK;
}

struct gather {
    struct store *s;
    struct stream *st;
    struct store_range range;
    struct key_time *key; /* WINDOW_KEYS */
    size_t count;
    bool bounded;          /* there may be more behind `bound` */
    struct key_time bound; /* nothing behind it belongs into this window */
    struct key_time last;  /* of the window so far */
    enum err e;
};

static int
order(const struct key_time *a, const struct key_time *b)
{
    if (a->time_us != b->time_us)
        return a->time_us < b->time_us ? -1 : 1;
    return a->n == b->n ? 0 : a->n < b->n ? -1 : 1;
}
/* True if b comes before a in the order that was asked for. */
static bool
later(const struct gather *g, const struct key_time *a, const struct key_time *b)
{
    return g->range.descending ? order(a, b) < 0 : order(a, b) > 0;
}

static void
sift_down(const struct gather *g, size_t at, size_t count)
{
    struct key_time k = g->key[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && later(g, &g->key[child + 1], &g->key[child]))
            child++;
        if (!later(g, &g->key[child], &k))
            break;
        g->key[at] = g->key[child];
    }
    g->key[at] = k;
}

/* Heapsort: no memory, and no system call as in glibc's qsort (it asks how much memory there is,
 * which a confined core dies of). Keys that are in order already cost one look. */
static void
sort_window(struct gather *g)
{
    bool sorted = true;
    for (size_t i = 1; sorted && i < g->count; i++)
        sorted = !later(g, &g->key[i - 1], &g->key[i]);
    if (sorted)
        return;
    for (size_t i = g->count / 2; i-- > 0;)
        sift_down(g, i, g->count);
    for (size_t left = g->count - 1; left > 0; left--) {
        struct key_time k = g->key[0];
        g->key[0] = g->key[left];
        g->key[left] = k;
        sift_down(g, 0, left);
    }
}

static void
gather_key(struct gather *g, const struct key_time *k)
{
    const struct store_range *r = &g->range;
    if (k->time_us < r->from_us || k->time_us >= r->to_us)
        return;
    struct key_time cursor = {.time_us = r->after_us, .n = r->after_n};
    if (r->after && (r->descending ? order(k, &cursor) >= 0 : order(k, &cursor) <= 0))
        return;
    if (g->bounded && (r->descending ? order(k, &g->bound) < 0 : order(k, &g->bound) > 0))
        return;
    if (g->count == WINDOW_KEYS) {
        sort_window(g);
        g->count = WINDOW_KEYS / 2;
        g->bounded = true;
        g->bound = g->last = g->key[g->count - 1];
        gather_key(g, k); /* once: now there is room */
        return;
    }
    if (g->count == 0 || (r->descending ? order(k, &g->last) < 0 : order(k, &g->last) > 0))
        g->last = *k;
    g->key[g->count++] = *k;
}

static bool
gather_chunk(void *ctx, const struct chunk_row *row)
{
    struct gather *g = ctx;
    if (g->count >= WINDOW_ENOUGH &&
        (g->range.descending ? row->t1 < g->last.time_us : row->t0 > g->last.time_us)) {
        g->bounded = true; /* this chunk and all after it lie behind the window */
        g->bound = g->last;
        return false;
    }
    struct decoded *d;
    g->e = chunk_load(g->s, g->st, row, &d);
    if (g->e != OK)
        return false;
    for (size_t i = 0; i < d->count; i++) {
        struct key_time k = {d->o[i].time_us, row->n0 + i, row->id, row->n0};
        if (!observation_gap(&d->o[i]))
            gather_key(g, &k);
    }
    return true;
}

static enum err
gather_window(struct gather *g)
{
    g->count = 0;
    g->bounded = false;
    g->e = OK;
    const struct store_range *r = &g->range;
    int64_t from_us = r->from_us;
    int64_t to_us = r->to_us;
    if (r->after && !r->descending && r->after_us > from_us)
        from_us = r->after_us;
    if (r->after && r->descending && r->after_us < to_us)
        to_us = after_instant(r->after_us);
    enum err e = OK;
    if (g->st->sealed_count)
        e = sealed_each_chunk(g->s->sealed, g->st->row.id, from_us, to_us, r->descending,
                              gather_chunk, g);
    if (e == OK)
        e = g->e;
    for (uint32_t i = 0; e == OK && i < tail_committed(g->st); i++) {
        struct key_time k = {g->st->tail[i].time_us, g->st->row.sealed_n + i, 0, 0};
        if (!point_gap(&g->st->tail[i]))
            gather_key(g, &k);
    }
    for (uint32_t i = 0; e == OK && g->st->edits && i < g->st->edits->patch_count; i++) {
        const struct patch *patch = &g->st->edits->patch[i];
        struct key_time k = {patch->now.time_us, patch->n, 0, 0};
        if (!point_gap(&patch->now))
            gather_key(g, &k);
    }
    sort_window(g);
    return e;
}

/* Answers the window; *out_go_on is false when the caller has enough. */
static enum err
answer_window(struct gather *g, store_observation_fn *each, void *ctx, bool *out_go_on)
{
    *out_go_on = true;
    for (size_t i = 0; i < g->count && *out_go_on; i++) {
        const struct key_time *k = &g->key[i];
        struct observation o;
        if (k->chunk == 0) {
            enum err e = observation_now(g->s, g->st, k->n, &o);
            if (e != OK)
                return e;
        } else {
            struct decoded *d = cache_place(g->s, k->chunk);
            if (d->id != k->chunk) { /* it fell out of the cache */
                struct chunk_row row;
                enum err e = sealed_find_chunk(g->s->sealed, g->st->row.id, k->n0, &row);
                if (e == OK)
                    e = chunk_load(g->s, g->st, &row, &d);
                if (e != OK)
                    return e;
            }
            o = d->o[k->n - k->n0];
        }
        *out_go_on = each(ctx, k->n, &o);
    }
    return OK;
}

enum err
store_range(struct store *s, uint32_t stream, const struct store_range *range,
            store_observation_fn *each, void *ctx)
{
    struct gather g = {.s = s, .range = *range, .key = s->window};
    enum err e = stream_readable(s, stream, &g.st);
    if (e != OK)
        return e;
    int64_t oldest_us = stream_not_before(s, g.st);
    if (g.range.from_us < oldest_us)
        g.range.from_us = oldest_us;
    bool go_on = g.range.from_us < g.range.to_us;
    while (go_on) {
        e = gather_window(&g);
        if (e != OK)
            return e;
        e = answer_window(&g, each, ctx, &go_on);
        if (e != OK || !g.bounded || g.count == 0)
            return e;
        g.range.after = true;
        g.range.after_us = g.key[g.count - 1].time_us;
        g.range.after_n = g.key[g.count - 1].n;
    }
    return OK;
}
