#include "store/embedded/head.h"

#include "store/embedded/codec.h"
#include "store/embedded/keys.h"

#include <math.h>

enum { HEAD_VERSION = 2, OLD_HEAD_SIZE = 32 };

int64_t
step_us(enum store_step step)
{
    switch (step) {
    case STORE_MINUTE:
        return 60LL * 1000000;
    case STORE_HOUR:
        return 3600LL * 1000000;
    case STORE_DAY:
        return 86400LL * 1000000;
    }
    ASSERT(false);
    return 1;
}

bool
step_start(enum store_step step, int64_t t, int64_t *out)
{
    int64_t us = step_us(step);
    int64_t rest = t % us;
    return !__builtin_sub_overflow(t, rest < 0 ? rest + us : rest, out);
}

void
aggregate_merge(struct store_aggregate *a, const struct store_aggregate *other)
{
    if (other->count == 0)
        return;
    a->min = a->count == 0 || other->min < a->min ? other->min : a->min;
    a->max = a->count == 0 || other->max > a->max ? other->max : a->max;
    a->sum += other->sum;
    a->count += other->count;
}

void
aggregate_add(struct store_aggregate *a, const struct observation *o)
{
    if (o->kind != RESULT_NUMBER)
        return;
    struct store_aggregate one = {1, o->number, o->number, o->number};
    aggregate_merge(a, &one);
}

static bool
before(int64_t t, uint64_t n, int64_t other_us, uint64_t other_n)
{
    return t != other_us ? t < other_us : n < other_n;
}

void
bucket_merge(struct bucket *b, const struct bucket *other)
{
    if (other->count == 0)
        return;
    if (b->count == 0) {
        int64_t start_us = b->start_us;
        *b = *other;
        b->start_us = start_us;
        return;
    }
    b->min = other->min < b->min ? other->min : b->min;
    b->max = other->max > b->max ? other->max : b->max;
    b->sum += other->sum;
    b->count += other->count;
    if (before(other->first_us, other->first_n, b->first_us, b->first_n)) {
        b->first = other->first;
        b->first_us = other->first_us;
        b->first_n = other->first_n;
    }
    if (!before(other->last_us, other->last_n, b->last_us, b->last_n)) {
        b->last = other->last;
        b->last_us = other->last_us;
        b->last_n = other->last_n;
    }
}

void
bucket_add(struct bucket *b, const struct observation *o, uint64_t n)
{
    if (o->kind != RESULT_NUMBER)
        return;
    double v = o->number;
    struct bucket one = {.count = 1,
                         .min = v,
                         .max = v,
                         .sum = v,
                         .first = v,
                         .last = v,
                         .first_us = o->time_us,
                         .last_us = o->time_us,
                         .first_n = n,
                         .last_n = n};
    bucket_merge(b, &one);
}

/* The bucket that starts there, made in its place; NULL: there is no room. */
static struct bucket *
bucket_at(struct head *h, int64_t start_us, size_t most)
{
    size_t at = h->count;
    while (at > 0 && h->bucket[at - 1].start_us > start_us)
        at--;
    if (at > 0 && h->bucket[at - 1].start_us == start_us)
        return &h->bucket[at - 1];
    if (h->count == most)
        return NULL;
    memmove(&h->bucket[at + 1], &h->bucket[at], (h->count - at) * sizeof h->bucket[0]);
    h->bucket[at] = (struct bucket){.start_us = start_us};
    h->count++;
    return &h->bucket[at];
}

/* False when this step needs too many buckets. */
static bool
fill(struct head *h, const struct observation *o, size_t count, enum store_step step)
{
    size_t most = (size_t)(h->all.count / HEAD_WORTH);
    h->count = 0;
    h->step = step;
    for (size_t i = 0; i < count; i++) {
        int64_t start_us;
        if (o[i].kind != RESULT_NUMBER)
            continue;
        struct bucket *b =
            step_start(step, o[i].time_us, &start_us) ? bucket_at(h, start_us, most) : NULL;
        if (!b)
            return false;
        bucket_add(b, &o[i], i);
        if (!isfinite(b->sum))
            return false;
    }
    return true;
}

/*
 * Sums of decimal numbers are exact and then rounded once, so they are decimal again (and short).
 * Without this 0.1 + 0.2 would be 0.30000000000000004, and eight bytes.
 */
static void
exact_sums(struct head *h, const struct observation *o, size_t count)
{
    double v[CHUNK_POINTS_MAX];
    int64_t q[CHUNK_POINTS_MAX];
    int64_t sum[HEAD_BUCKETS_MAX] = {0};
    int64_t all = 0;
    size_t numbers = 0;
    for (size_t i = 0; i < count; i++)
        if (o[i].kind == RESULT_NUMBER)
            v[numbers++] = o[i].number;
    double scale;
    if (numbers == 0 || !numbers_decimal(v, numbers, q, &scale))
        return;
    size_t at = 0;
    size_t k = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t start_us;
        if (o[i].kind != RESULT_NUMBER)
            continue;
        if (__builtin_add_overflow(all, q[k], &all))
            return;
        if (h->step && step_start(h->step, o[i].time_us, &start_us)) {
            while (at > 0 && h->bucket[at].start_us > start_us)
                at--;
            while (h->bucket[at].start_us < start_us)
                at++;
            sum[at] += q[k];
        }
        k++;
    }
    h->all.sum = (double)all / scale;
    for (size_t i = 0; i < h->count; i++)
        h->bucket[i].sum = (double)sum[i] / scale;
}

void
head_make(const struct observation *o, size_t count, struct head *out)
{
    ASSERT(count <= CHUNK_POINTS_MAX);
    out->all = (struct store_aggregate){0};
    for (size_t i = 0; i < count; i++)
        aggregate_add(&out->all, &o[i]);
    bool worth = false;
    for (enum store_step step = STORE_MINUTE; step <= STORE_DAY && !worth; step++)
        worth = fill(out, o, count, step);
    if (!worth || out->count == 0) {
        out->step = 0;
        out->count = 0;
    }
    exact_sums(out, o, count);
}

enum number_column {
    COLUMN_MIN,
    COLUMN_MAX,
    COLUMN_FIRST,
    COLUMN_LAST,
    COLUMN_SUM,
    NUMBER_COLUMNS
};
enum time_column { COLUMN_START, COLUMN_COUNT, COLUMN_FIRST_TIME, COLUMN_LAST_TIME, TIME_COLUMNS };

static double *
number_of(struct bucket *b, enum number_column which)
{
    switch (which) {
    case COLUMN_MIN:
        return &b->min;
    case COLUMN_MAX:
        return &b->max;
    case COLUMN_FIRST:
        return &b->first;
    case COLUMN_LAST:
        return &b->last;
    case COLUMN_SUM:
        return &b->sum;
    case NUMBER_COLUMNS:
        break;
    }
    ASSERT(false);
    return &b->sum;
}

enum err
head_encode(const struct head *h, struct buf *out)
{
    double number[HEAD_BUCKETS_MAX];
    int64_t integer[HEAD_BUCKETS_MAX];
    buf_byte(out, HEAD_VERSION);
    varint_buf(out, h->all.count);
    buf_put(out, bytes_of(&h->all.min, 8));
    buf_put(out, bytes_of(&h->all.max, 8));
    buf_put(out, bytes_of(&h->all.sum, 8));
    buf_byte(out, (uint8_t)h->step);
    if (h->step == 0)
        return buf_error(out);
    int64_t us = step_us(h->step);
    varint_buf(out, h->count);
    for (enum time_column c = COLUMN_START; c < TIME_COLUMNS; c++) {
        for (size_t i = 0; i < h->count; i++) {
            const struct bucket *b = &h->bucket[i];
            integer[i] = c == COLUMN_START        ? b->start_us / us
                         : c == COLUMN_COUNT      ? (int64_t)b->count
                         : c == COLUMN_FIRST_TIME ? b->first_us - b->start_us
                                                  : b->start_us + (us - 1) - b->last_us;
        }
        series_put(out, integer, h->count);
    }
    for (enum number_column c = COLUMN_MIN; c < NUMBER_COLUMNS; c++) {
        for (size_t i = 0; i < h->count; i++) {
            struct bucket b = h->bucket[i];
            number[i] = *number_of(&b, c);
        }
        numbers_put(out, number, h->count);
    }
    return buf_error(out);
}

static enum err
get_times(struct bytes *r, struct head *h)
{
    int64_t us = step_us(h->step);
    int64_t integer[HEAD_BUCKETS_MAX];
    for (enum time_column c = COLUMN_START; c < TIME_COLUMNS; c++) {
        enum err e = series_get(r, integer, h->count);
        if (e != OK)
            return e;
        for (size_t i = 0; i < h->count; i++) {
            struct bucket *b = &h->bucket[i];
            int64_t v = integer[i];
            bool inside = v >= 0 && v < us;
            if (c == COLUMN_START) {
                if (__builtin_mul_overflow(v, us, &b->start_us) || b->start_us > INT64_MAX - us ||
                    (i && b->start_us <= b[-1].start_us))
                    return ERR_MALFORMED;
                continue;
            }
            if (c == COLUMN_COUNT ? v < 1 || v > CHUNK_POINTS_MAX : !inside)
                return ERR_MALFORMED;
            if (c == COLUMN_COUNT)
                b->count = (uint64_t)v;
            else if (c == COLUMN_FIRST_TIME)
                b->first_us = b->start_us + v;
            else
                b->last_us = b->start_us + (us - 1) - v;
        }
    }
    return OK;
}

enum err
head_decode(struct bytes plain, struct head *out)
{
    struct bytes r = plain;
    uint8_t byte = 0;
    struct bytes sums = {0};
    uint64_t count = 0;
    double number[HEAD_BUCKETS_MAX];
    out->step = 0;
    out->count = 0;
    enum err e = OK;
    if (plain.len == OLD_HEAD_SIZE) {
        out->all.count = le64_get(plain.p);
        sums = bytes_skip(plain, 8);
        r.len = 0;
    } else {
        e = byte_get(&r, &byte);
        if (e == OK && byte != HEAD_VERSION)
            e = ERR_MALFORMED;
        if (e == OK)
            e = varint_get(&r, &out->all.count);
        if (e == OK)
            e = bytes_get(&r, 24, &sums);
        if (e == OK)
            e = byte_get(&r, &byte);
        if (e == OK && byte > STORE_DAY)
            e = ERR_MALFORMED;
        out->step = e == OK ? (enum store_step)byte : 0;
    }
    if (e == OK && out->all.count > CHUNK_POINTS_MAX)
        e = ERR_MALFORMED; /* so no head of format 2 has the old one's size */
    if (e != OK)
        return e;
    memcpy(&out->all.min, sums.p, 8);
    memcpy(&out->all.max, sums.p + 8, 8);
    memcpy(&out->all.sum, sums.p + 16, 8);
    if (out->step == 0)
        return r.len == 0 ? OK : ERR_MALFORMED;
    if (varint_get(&r, &count) != OK || count < 1 || count > HEAD_BUCKETS_MAX)
        return ERR_MALFORMED;
    out->count = (size_t)count;
    memset(out->bucket, 0, out->count * sizeof out->bucket[0]);
    e = get_times(&r, out);
    for (enum number_column c = COLUMN_MIN; e == OK && c < NUMBER_COLUMNS; c++) {
        e = numbers_get(&r, number, out->count);
        for (size_t i = 0; e == OK && i < out->count; i++)
            *number_of(&out->bucket[i], c) = number[i];
    }
    return e == OK && r.len != 0 ? ERR_MALFORMED : e;
}
