#include "store/embedded/chunk.h"

#include "store/embedded/codec.h"

#include <math.h>
#include <zstd.h>

enum { CHUNK_VERSION = 1, ZSTD_LEVEL = 3 };
enum {
    HAS_RESULT_TIMES = 1, /* a result time differs from its phenomenon time */
    HAS_ENDS = 2,
    HAS_FEATURES = 4,
    HAS_EXTRAS = 8,
    HAS_MIXED_KINDS = 16,
    HAS_GAPS = 32, /* ordinals that hold nothing (since format 2) */
    FLAGS_ALL = 63,
};

_Static_assert((int)CHUNK_POINTS_MAX <= (int)CODEC_COUNT_MAX, "codec limits");

static bool
is_number(enum result_kind kind)
{
    return kind == RESULT_NUMBER || kind == RESULT_BOOL;
}

bool
observation_same(const struct observation *a, const struct observation *b)
{
    if (a->time_us != b->time_us || a->time_end_us != b->time_end_us || a->kind != b->kind)
        return false;
    if (is_number(a->kind) ? memcmp(&a->number, &b->number, sizeof a->number) != 0
                           : !bytes_equal(a->text, b->text))
        return false;
    return bytes_equal(a->extra, b->extra);
}

bool
observation_valid(const struct observation *o)
{
    if (o->text.len > STORE_TEXT_MAX || o->extra.len > STORE_TEXT_MAX)
        return false;
    switch (o->kind) {
    case RESULT_NUMBER:
        return isfinite(o->number) && o->text.len == 0;
    case RESULT_BOOL:
        return (o->number == 1 || (o->number == 0 && !signbit(o->number))) && o->text.len == 0;
    case RESULT_TEXT:
    case RESULT_JSON:
        return o->number == 0;
    }
    return false;
}

static uint8_t
flags_of(const struct observation *o, size_t count)
{
    uint8_t flags = 0;
    for (size_t i = 0; i < count; i++) {
        if (o[i].result_time_us != o[i].time_us)
            flags |= HAS_RESULT_TIMES;
        if (o[i].time_end_us != o[i].time_us)
            flags |= HAS_ENDS;
        if (o[i].feature_id)
            flags |= HAS_FEATURES;
        if (o[i].extra.len)
            flags |= HAS_EXTRAS;
        if (o[i].kind != o[0].kind)
            flags |= HAS_MIXED_KINDS;
    }
    return flags;
}

enum column { COLUMN_TIME, COLUMN_RESULT, COLUMN_END, COLUMN_FEATURE };

static void
column_put(struct buf *out, const struct observation *o, size_t count, enum column which)
{
    int64_t v[CHUNK_POINTS_MAX];
    for (size_t i = 0; i < count; i++) {
        uint64_t time = (uint64_t)o[i].time_us;
        switch (which) {
        case COLUMN_TIME:
            v[i] = o[i].time_us;
            break;
        case COLUMN_RESULT:
            v[i] = (int64_t)((uint64_t)o[i].result_time_us - time);
            break;
        case COLUMN_END:
            v[i] = (int64_t)((uint64_t)o[i].time_end_us - time);
            break;
        case COLUMN_FEATURE:
            v[i] = (int64_t)o[i].feature_id;
            break;
        }
    }
    series_put(out, v, count);
}

static enum err
column_get(struct bytes *r, struct observation *o, size_t count, enum column which, bool there)
{
    int64_t v[CHUNK_POINTS_MAX];
    if (there) {
        enum err e = series_get(r, v, count);
        if (e != OK)
            return e;
    } else {
        memset(v, 0, count * sizeof v[0]);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t time = (uint64_t)o[i].time_us;
        switch (which) {
        case COLUMN_TIME:
            o[i].time_us = v[i];
            break;
        case COLUMN_RESULT:
            o[i].result_time_us = (int64_t)(time + (uint64_t)v[i]);
            break;
        case COLUMN_END:
            o[i].time_end_us = (int64_t)(time + (uint64_t)v[i]);
            break;
        case COLUMN_FEATURE:
            o[i].feature_id = (uint64_t)v[i];
            break;
        }
    }
    return OK;
}

static void
texts_put(struct buf *out, const struct observation *o, size_t count, bool extras)
{
    for (size_t i = 0; i < count; i++) {
        if (extras)
            varint_buf(out, o[i].extra.len);
        else if (!is_number(o[i].kind))
            varint_buf(out, o[i].text.len);
    }
    for (size_t i = 0; i < count; i++) {
        if (extras)
            buf_put(out, o[i].extra);
        else if (!is_number(o[i].kind))
            buf_put(out, o[i].text);
    }
}

static enum err
texts_get(struct bytes *r, struct observation *o, size_t count, bool extras)
{
    enum err e = OK;
    for (size_t i = 0; e == OK && i < count; i++) {
        struct bytes *to = extras ? &o[i].extra : &o[i].text;
        uint64_t len = 0;
        if (extras || !is_number(o[i].kind))
            e = varint_get(r, &len);
        if (e == OK && len > STORE_TEXT_MAX)
            e = ERR_MALFORMED;
        if (e == OK)
            *to = (struct bytes){NULL, (size_t)len};
    }
    for (size_t i = 0; e == OK && i < count; i++) {
        struct bytes *to = extras ? &o[i].extra : &o[i].text;
        e = bytes_get(r, to->len, to);
    }
    return e;
}

/* How many of the ordinals hold nothing. */
static size_t
gaps_of(const struct observation *o, size_t count)
{
    size_t gaps = 0;
    for (size_t i = 0; i < count; i++)
        gaps += observation_gap(&o[i]);
    return gaps;
}

/* Where the gaps are; what is between them goes to `present`. */
static void
gaps_put(struct buf *out, const struct observation *o, size_t count, size_t gaps,
         struct observation *present)
{
    size_t next = 0;
    varint_buf(out, gaps);
    for (size_t i = 0; i < count; i++) {
        if (!observation_gap(&o[i])) {
            *present++ = o[i];
            continue;
        }
        varint_buf(out, i - next);
        next = i + 1;
    }
}

static enum err
gaps_get(struct bytes *r, size_t count, bool *gap, size_t *out_gaps)
{
    uint64_t gaps;
    enum err e = varint_get(r, &gaps);
    if (e != OK || gaps == 0 || gaps >= count)
        return ERR_MALFORMED;
    size_t next = 0;
    for (uint64_t i = 0; i < gaps; i++) {
        uint64_t step;
        if (varint_get(r, &step) != OK || step >= count - next)
            return ERR_MALFORMED;
        next += (size_t)step;
        gap[next++] = true;
    }
    *out_gaps = (size_t)gaps;
    return OK;
}

/* From the front of the array to their ordinals. */
static void
spread(struct observation *o, size_t count, size_t gaps, const bool *gap)
{
    size_t from = count - gaps;
    for (size_t i = count; i-- > 0;) {
        if (gap[i])
            o[i] = (struct observation){0};
        else
            o[i] = o[--from];
    }
}

static enum err
rest_put(struct buf *out, const struct observation *o, size_t count, uint8_t flags)
{
    if (flags & HAS_RESULT_TIMES)
        column_put(out, o, count, COLUMN_RESULT);
    if (flags & HAS_ENDS)
        column_put(out, o, count, COLUMN_END);
    if (flags & HAS_FEATURES)
        column_put(out, o, count, COLUMN_FEATURE);
    double number[CHUNK_POINTS_MAX];
    size_t numbers = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || flags & HAS_MIXED_KINDS)
            buf_byte(out, (uint8_t)o[i].kind);
        if (is_number(o[i].kind))
            number[numbers++] = o[i].number;
    }
    if (numbers)
        numbers_put(out, number, numbers);
    texts_put(out, o, count, false);
    if (flags & HAS_EXTRAS)
        texts_put(out, o, count, true);
    return buf_error(out);
}

enum err
chunk_encode(const struct observation *o, size_t count, struct buf *out)
{
    static struct observation present[CHUNK_POINTS_MAX]; /* one thread; too long for the stack */
    ASSERT(count >= 1 && count <= CHUNK_POINTS_MAX);
    size_t gaps = gaps_of(o, count);
    ASSERT(gaps < count);
    size_t flags_at = out->len + 1;
    buf_byte(out, CHUNK_VERSION);
    buf_byte(out, 0);
    varint_buf(out, count);
    if (gaps) {
        gaps_put(out, o, count, gaps, present);
        o = present;
        count -= gaps;
    }
    uint8_t flags = (uint8_t)(flags_of(o, count) | (gaps ? HAS_GAPS : 0u));
    if (buf_error(out) == OK)
        out->p[flags_at] = flags;
    column_put(out, o, count, COLUMN_TIME);
    return rest_put(out, o, count, flags);
}

static enum err
kinds_get(struct bytes *r, struct observation *o, size_t count, bool mixed, size_t *out_numbers)
{
    size_t numbers = 0;
    uint8_t kind = 0;
    for (size_t i = 0; i < count; i++) {
        if ((i == 0 || mixed) && byte_get(r, &kind) != OK)
            return ERR_MALFORMED;
        if (kind < RESULT_NUMBER || kind > RESULT_JSON)
            return ERR_MALFORMED;
        o[i].kind = (enum result_kind)kind;
        numbers += is_number(o[i].kind);
    }
    *out_numbers = numbers;
    return OK;
}

static enum err
values_get(struct bytes *r, struct observation *o, size_t count, uint8_t flags)
{
    size_t numbers = 0;
    enum err e = kinds_get(r, o, count, flags & HAS_MIXED_KINDS, &numbers);
    double number[CHUNK_POINTS_MAX];
    if (e == OK && numbers)
        e = numbers_get(r, number, numbers);
    if (e == OK)
        e = texts_get(r, o, count, false);
    if (e == OK && flags & HAS_EXTRAS)
        e = texts_get(r, o, count, true);
    if (e != OK)
        return e;
    numbers = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_number(o[i].kind))
            o[i].number = number[numbers++];
        if (!observation_valid(&o[i]))
            return ERR_MALFORMED;
    }
    return OK;
}

enum err
chunk_decode(struct bytes plain, struct observation *out, size_t *out_count)
{
    struct bytes r = plain;
    uint8_t version;
    uint8_t flags;
    uint64_t count;
    if (byte_get(&r, &version) != OK || version != CHUNK_VERSION)
        return ERR_MALFORMED;
    if (byte_get(&r, &flags) != OK || flags & ~FLAGS_ALL)
        return ERR_MALFORMED;
    if (varint_get(&r, &count) != OK || count < 1 || count > CHUNK_POINTS_MAX)
        return ERR_MALFORMED;
    size_t n = (size_t)count;
    size_t gaps = 0;
    bool gap[CHUNK_POINTS_MAX] = {false};
    enum err e = flags & HAS_GAPS ? gaps_get(&r, n, gap, &gaps) : OK;
    n -= gaps;
    memset(out, 0, n * sizeof *out);
    if (e == OK)
        e = column_get(&r, out, n, COLUMN_TIME, true);
    if (e == OK)
        e = column_get(&r, out, n, COLUMN_RESULT, flags & HAS_RESULT_TIMES);
    if (e == OK)
        e = column_get(&r, out, n, COLUMN_END, flags & HAS_ENDS);
    if (e == OK)
        e = column_get(&r, out, n, COLUMN_FEATURE, flags & HAS_FEATURES);
    if (e == OK)
        e = values_get(&r, out, n, flags);
    if (e == OK && r.len != 0)
        e = ERR_MALFORMED;
    if (e == OK && (flags & ~HAS_GAPS) != flags_of(out, n))
        e = ERR_MALFORMED; /* a column that says nothing is never written */
    if (e != OK)
        return e;
    if (gaps)
        spread(out, (size_t)count, gaps, gap);
    *out_count = (size_t)count;
    return OK;
}

struct zipper {
    ZSTD_CCtx *compress;
    ZSTD_DCtx *decompress;
};

struct zipper *
zipper_new(void)
{
    struct zipper *z = calloc(1, sizeof *z);
    if (!z)
        return NULL;
    z->compress = ZSTD_createCCtx();
    z->decompress = ZSTD_createDCtx();
    if (z->compress && z->decompress)
        return z;
    zipper_free(z);
    return NULL;
}

void
zipper_free(struct zipper *z)
{
    if (!z)
        return;
    ZSTD_freeCCtx(z->compress);
    ZSTD_freeDCtx(z->decompress);
    free(z);
}

enum err
chunk_zip(struct zipper *z, struct bytes plain, struct buf *out)
{
    size_t bound = ZSTD_compressBound(plain.len);
    uint8_t *to = buf_room(out, bound);
    if (!to)
        return ERR_LIMIT;
    size_t n = ZSTD_compressCCtx(z->compress, to, bound, plain.p, plain.len, ZSTD_LEVEL);
    if (ZSTD_isError(n))
        return ERR_LIMIT;
    buf_filled(out, n);
    return OK;
}

enum err
chunk_unzip(struct zipper *z, struct bytes zipped, struct buf *out)
{
    unsigned long long size = ZSTD_getFrameContentSize(zipped.p, zipped.len);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size == 0 ||
        size > CHUNK_PLAIN_MAX)
        return ERR_MALFORMED;
    uint8_t *to = buf_room(out, (size_t)size);
    if (!to)
        return ERR_LIMIT;
    size_t n = ZSTD_decompressDCtx(z->decompress, to, (size_t)size, zipped.p, zipped.len);
    if (ZSTD_isError(n) || n != size)
        return ERR_MALFORMED;
    buf_filled(out, n);
    return OK;
}
