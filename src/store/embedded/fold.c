/*
 * Writing chunks: from observations in scratch, and anew with what was corrected and without what
 * was withdrawn. All in an open transaction.
 */
#include "store/embedded/embedded.h"

enum { FOLD_UNITS = 16 };

static enum err
seal_into(struct store *s, struct buf *out, const uint8_t key[static 32],
          const struct seal_name *name, struct bytes plain)
{
    buf_reset(out);
    uint8_t *to = buf_room(out, plain.len + SEAL_OVERHEAD);
    if (!to)
        return ERR_LIMIT;
    seal_put(to, key, &s->config.random, name, plain);
    buf_filled(out, plain.len + SEAL_OVERHEAD);
    return OK;
}

static enum err
put(struct store *s, const struct stream *st, const struct chunk_row *row,
    const struct observation *o)
{
    const uint8_t *key;
    enum err e = chunk_key(s, st, row->epoch, &key);
    if (e != OK)
        return e;
    buf_reset(&s->plain);
    buf_reset(&s->zipped);
    e = chunk_encode(o, row->n, &s->plain);
    if (e == OK)
        e = chunk_zip(s->zipper, buf_bytes(&s->plain), &s->zipped);
    struct seal_name name = chunk_name(s, SEAL_BODY, row);
    if (e == OK)
        e = seal_into(s, &s->body, key, &name, buf_bytes(&s->zipped));
    buf_reset(&s->plain);
    head_make(o, row->n, &s->chunk_head);
    if (e == OK)
        e = head_encode(&s->chunk_head, &s->plain);
    name.use = SEAL_HEAD;
    if (e == OK)
        e = seal_into(s, &s->head, key, &name, buf_bytes(&s->plain));
    return e == OK ? sealed_put_chunk(s->sealed, row, buf_bytes(&s->head), buf_bytes(&s->body)) : e;
}

/* Corrected texts may be longer than what a chunk was cut for: then it becomes more than one. */
static size_t
fits(const struct observation *o, size_t count)
{
    size_t texts = 0;
    for (size_t i = 0; i < count; i++) {
        texts += o[i].text.len + o[i].extra.len;
        if (texts > CHUNK_TEXT_MAX + 2 * STORE_TEXT_MAX)
            return i;
    }
    return count;
}

enum err
chunk_write(struct store *s, const struct stream *st, uint64_t n0, size_t from, size_t count,
            uint64_t epoch)
{
    enum err e = OK;
    while (e == OK && count > 0) {
        const struct observation *o = &s->scratch[from];
        size_t here = fits(o, count);
        struct chunk_row row = {.stream = st->row.id, .n0 = n0, .n = here, .epoch = epoch};
        struct store_span span = {0};
        for (size_t i = 0; i < here; i++) {
            if (observation_gap(&o[i]))
                row.gaps++;
            else
                span_add(&span, &o[i]);
        }
        row.t0 = span.first_us;
        row.t1 = span.last_us;
        row.r0 = span.first_result_us;
        row.r1 = span.last_result_us;
        if (row.gaps < row.n)
            e = put(s, st, &row, o);
        n0 += here;
        from += here;
        count -= here;
    }
    return e;
}

enum err
fold_load(struct store *s, struct stream *st, const struct chunk_row *row, size_t at)
{
    struct decoded *d;
    enum err e = chunk_load(s, st, row, &d);
    if (e != OK)
        return e;
    ASSERT(at + d->count <= CHUNK_POINTS_MAX);
    memcpy(s->scratch + at, d->o, d->count * sizeof d->o[0]);
    uint32_t i;
    if (patches_of(st, row->n0, row->n, &i) > 0) {
        for (; i < st->edits->patch_count && st->edits->patch[i].n - row->n0 < row->n; i++) {
            struct patch *patch = &st->edits->patch[i];
            if (patch->folded)
                continue;
            s->scratch[at + patch->n - row->n0] = point_observation(&patch->now);
            patch->folded = true;
            if (point_gap(&patch->now))
                e = sealed_drop_versions(s->sealed, st->row.id, patch->n);
            if (e != OK)
                return e;
        }
    }
    return versions_write(s, st, row->n0, row->n, row->epoch);
}

/* As it is now, without what is before the cutoff. */
enum err
fold_trim(struct store *s, struct stream *st, const struct chunk_row *row, int64_t cutoff_us)
{
    enum err e = fold_load(s, st, row, 0);
    for (uint64_t i = 0; e == OK && i < row->n; i++)
        if (s->scratch[i].time_us < cutoff_us)
            s->scratch[i] = (struct observation){0};
    if (e == OK)
        e = sealed_delete_chunk(s->sealed, row->id);
    if (e == OK)
        e = chunk_write(s, st, row->n0, 0, row->n, row->epoch);
    cache_forget(s, row->id); /* scratch pointed into it until now */
    return e;
}

/* The chunk that holds n, written anew; or nothing, when it is there no more. */
static enum err
fold_chunk(struct store *s, struct stream *st, uint64_t n)
{
    struct chunk_row row;
    enum err e = sealed_find_chunk(s->sealed, st->row.id, n, &row);
    if (e == ERR_NOT_FOUND || (e == OK && n - row.n0 >= row.n))
        return OK;
    return e == OK ? fold_trim(s, st, &row, INT64_MIN) : e;
}

enum err
fold_stream(struct store *s, struct stream *st)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && st->edits && i < st->edits->patch_count; i++) {
        struct patch *patch = &st->edits->patch[i];
        if (patch->folded)
            continue;
        if (step_over(s))
            return OK;
        e = fold_chunk(s, st, patch->n);
        s->step_units += FOLD_UNITS;
        patch->folded |= e == OK;
    }
    /* What is left belongs to what expired meanwhile. */
    for (uint32_t i = 0; e == OK && st->edits && i < st->edits->version_count; i++)
        st->edits->version[i].written |= st->edits->version[i].n < st->row.sealed_n;
    return e;
}
