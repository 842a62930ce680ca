#include "sensorthings/batch.h"

static bool
on_row(void *ctx, uint64_t n, const struct observation *o)
{
    struct sta_batch *b = ctx;
    if (b->count == STA_BATCH_ROWS || (b->count && b->bytes > STA_BATCH_BYTES)) {
        b->ended = false;
        return false;
    }
    struct sta_batch_row *row = &b->rows[b->count];
    row->n = n;
    row->o = *o;
    row->o.text = arena_dup(b->arena, o->text);
    row->o.extra = arena_dup(b->arena, o->extra);
    if (!row->o.text.p || !row->o.extra.p) {
        b->full = true;
        return false;
    }
    b->bytes += o->text.len + o->extra.len;
    b->count++;
    return true;
}

enum err
sta_batch_next(struct sta_batch *b, const struct sta_source *source, uint32_t stream,
               struct arena *arena)
{
    b->rows = arena_take(arena, STA_BATCH_ROWS * sizeof(*b->rows));
    if (!b->rows)
        return ERR_LIMIT;
    b->arena = arena;
    b->count = 0;
    b->bytes = 0;
    b->ended = true;
    enum err e = source->range(source->ctx, stream, &b->range, on_row, b);
    if (e == ERR_NOT_FOUND || e == ERR_EXPIRED)
        return OK;
    if (e != OK)
        return e;
    if (b->full)
        return ERR_LIMIT;
    if (b->count) {
        b->range.after = true;
        b->range.after_us = b->rows[b->count - 1].o.time_us;
        b->range.after_n = b->rows[b->count - 1].n;
    }
    return OK;
}
