/*
 * What lies where, for `bulkhead where`: one line per file, and one per class and site for the
 * observations, which share the files under keys of their own.
 */
#include "store/embedded/embedded.h"

enum { PLACES_MAX = 256 };

struct place {
    const struct store_stream *meta; /* of the first stream with this class and site */
    struct store_copy copy;
};

static struct place *
place_of(struct place *place, size_t *count, const struct store_stream *meta)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(place[i].meta->class_name, meta->class_name) == 0 &&
            strcmp(place[i].meta->site, meta->site) == 0)
            return &place[i];
    }
    if (*count == PLACES_MAX)
        return NULL;
    struct place *p = &place[(*count)++];
    *p = (struct place){.meta = meta};
    p->copy.file = "store.db";
    p->copy.class_name = meta->class_name;
    p->copy.site = meta->site;
    return p;
}

static void
count_stream(const struct stream *st, uint64_t bytes, struct store_copy *copy)
{
    copy->bytes += bytes;
    copy->keys_live += st->row.has_key ? 1 + st->row.keys_older : 0;
    copy->keys_destroyed += st->row.keys_destroyed;
    if (st->row.meta.keep_s == 0 || st->span.count == 0)
        return;
    int64_t expires_us = st->span.first_us + (int64_t)st->row.meta.keep_s * 1000000;
    if (copy->expires_us == 0 || expires_us < copy->expires_us)
        copy->expires_us = expires_us;
}

static void
each_file(struct store *s, store_copy_fn *each, void *ctx)
{
    struct store_copy copy = {.class_name = "", .site = ""};
    for (uint32_t i = 0; i < s->meta.segment_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "journal.%u", i);
        copy.file = name;
        copy.bytes = s->meta.segment_bytes;
        copy.keys_live = s->journal.segment[i].sequence != 0;
        each(ctx, &copy);
    }
    copy.keys_live = 1; /* the key of the commitments */
    copy.file = "leaves";
    copy.bytes = leaves_bytes(s, s->tree.size);
    each(ctx, &copy);
    copy.file = "store.db"; /* the entities' key */
    copy.bytes = sealed_bytes(s->sealed);
    each(ctx, &copy);
}

enum err
store_each_copy(struct store *s, store_copy_fn *each, void *ctx)
{
    struct place *place = calloc(PLACES_MAX, sizeof *place);
    if (!place)
        return ERR_LIMIT;
    size_t count = 0;
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < s->stream_count; i++) {
        struct stream *st = &s->stream[i];
        e = st->span_stale ? span_recount(s, st) : OK;
        struct place *p = place_of(place, &count, &st->row.meta);
        struct sealed_totals totals = {0};
        if (e == OK)
            e = p ? sealed_stream_totals(s->sealed, st->row.id, &totals) : ERR_LIMIT;
        if (e == OK)
            count_stream(st, totals.bytes, &p->copy);
    }
    if (e == OK)
        each_file(s, each, ctx);
    for (size_t i = 0; e == OK && i < count; i++)
        each(ctx, &place[i].copy);
    free(place);
    return e;
}
