#include "store/embedded/codec.h"

#include <math.h>

enum number_codec { NUMBERS_DECIMAL = 1, NUMBERS_XOR = 2 };
enum { DECIMALS_MAX = 15 };

static const double tens[DECIMALS_MAX + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
static const double two_53 = 9007199254740992.0;

enum err
varint_get(struct bytes *r, uint64_t *out)
{
    if (!r->p)
        return ERR_MALFORMED;
    uint64_t v = 0;
    size_t most = r->len < VARINT_MAX ? r->len : VARINT_MAX;
    for (size_t i = 0; i < most; i++) {
        uint8_t c = r->p[i];
        if (i == VARINT_MAX - 1 && c > 1)
            return ERR_MALFORMED;
        v |= (uint64_t)(c & 0x7f) << (7 * i);
        if (c & 0x80)
            continue;
        if (c == 0 && i > 0)
            return ERR_MALFORMED; /* not the shortest form */
        *r = bytes_skip(*r, i + 1);
        *out = v;
        return OK;
    }
    return ERR_MALFORMED;
}

enum err
byte_get(struct bytes *r, uint8_t *out)
{
    if (r->len < 1 || !r->p)
        return ERR_MALFORMED;
    *out = r->p[0];
    *r = bytes_skip(*r, 1);
    return OK;
}

enum err
bytes_get(struct bytes *r, size_t len, struct bytes *out)
{
    if (r->len < len || (len && !r->p))
        return ERR_MALFORMED;
    *out = len ? bytes_of(r->p, len) : (struct bytes){0};
    *r = bytes_skip(*r, len);
    return OK;
}

void
varint_buf(struct buf *b, uint64_t v)
{
    uint8_t *p = buf_room(b, VARINT_MAX);
    if (p)
        buf_filled(b, varint_put(p, v));
}

void
series_put(struct buf *b, const int64_t *v, size_t count)
{
    uint8_t *p = buf_room(b, count * VARINT_MAX);
    if (!p)
        return;
    size_t len = 0;
    uint64_t last = 0;
    uint64_t step = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t now_step = (uint64_t)v[i] - last; /* modulo 2^64: every value comes back */
        len += varint_put(p + len, zigzag(now_step - step));
        last = (uint64_t)v[i];
        step = i == 0 ? 0 : now_step; /* the first value is no step */
    }
    buf_filled(b, len);
}

enum err
series_get(struct bytes *r, int64_t *v, size_t count)
{
    uint64_t last = 0;
    uint64_t step = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t z;
        enum err e = varint_get(r, &z);
        if (e != OK)
            return e;
        uint64_t now_step = step + unzigzag(z);
        last += now_step;
        step = i == 0 ? 0 : now_step;
        v[i] = (int64_t)last;
    }
    return OK;
}

static uint64_t
bits_of(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

/* True if v is q / 10^k exactly, bit for bit (so -0 is not). */
static bool
decimal(double v, double scale, int64_t *out_q)
{
    double scaled = v * scale;
    if (!(fabs(scaled) < two_53))
        return false;
    double rounded = nearbyint(scaled);
    if (!(fabs(rounded) < two_53))
        return false;
    int64_t q = (int64_t)rounded; /* -0 becomes 0 here, and so is not exact below */
    if (bits_of((double)q / scale) != bits_of(v))
        return false;
    *out_q = q;
    return true;
}

static size_t
exceptions_of(const double *v, size_t count, double scale, size_t most)
{
    size_t bad = 0;
    int64_t q;
    for (size_t i = 0; i < count && bad <= most; i++)
        bad += !decimal(v[i], scale, &q);
    return bad;
}

bool
numbers_decimal(const double *v, size_t count, int64_t *out_q, double *out_scale)
{
    for (size_t k = 0; k <= DECIMALS_MAX; k++) {
        size_t i = 0;
        while (i < count && decimal(v[i], tens[k], &out_q[i]))
            i++;
        if (i == count) {
            *out_scale = tens[k];
            return true;
        }
    }
    return false;
}

static void
decimal_put(struct buf *b, const double *v, size_t count, size_t k, size_t exceptions)
{
    buf_byte(b, NUMBERS_DECIMAL);
    buf_byte(b, (uint8_t)k);
    varint_buf(b, exceptions);
    uint8_t *p = buf_room(b, count * VARINT_MAX);
    if (!p)
        return;
    uint16_t which[CODEC_COUNT_MAX / 8];
    size_t bad = 0;
    size_t len = 0;
    int64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t q = last; /* an exception costs one zero here, and eight bytes below */
        if (!decimal(v[i], tens[k], &q)) {
            ASSERT(bad < ARRAY_COUNT(which));
            which[bad++] = (uint16_t)i;
        }
        len += varint_put(p + len, zigzag((uint64_t)q - (uint64_t)last));
        last = q;
    }
    ASSERT(bad == exceptions);
    buf_filled(b, len);
    size_t before = 0;
    for (size_t i = 0; i < bad; i++) {
        varint_buf(b, which[i] - before);
        before = which[i];
        buf_put(b, bytes_of(&v[which[i]], sizeof v[0]));
    }
}

static void
xor_put(struct buf *b, const double *v, size_t count)
{
    buf_byte(b, NUMBERS_XOR);
    uint8_t *p = buf_room(b, count * 8);
    if (!p)
        return;
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t x = bits_of(v[i]) ^ last;
        last = bits_of(v[i]);
        for (size_t plane = 0; plane < 8; plane++)
            p[plane * count + i] = (uint8_t)(x >> (8 * plane));
    }
    buf_filled(b, count * 8);
}

void
numbers_put(struct buf *b, const double *v, size_t count)
{
    ASSERT(count <= CODEC_COUNT_MAX);
    size_t most = count / 8;
    size_t best = SIZE_MAX;
    size_t best_k = 0;
    for (size_t k = 0; k <= DECIMALS_MAX && best > 0; k++) {
        size_t bad = exceptions_of(v, count, tens[k], most);
        if (bad <= most && bad < best) {
            best = bad;
            best_k = k;
        }
    }
    if (best == SIZE_MAX)
        xor_put(b, v, count);
    else
        decimal_put(b, v, count, best_k, best);
}

static enum err
decimal_get(struct bytes *r, double *v, size_t count)
{
    uint8_t k;
    uint64_t exceptions;
    enum err e = byte_get(r, &k);
    if (e != OK || k > DECIMALS_MAX)
        return ERR_MALFORMED;
    if ((e = varint_get(r, &exceptions)) != OK || exceptions > count / 8)
        return ERR_MALFORMED;
    int64_t q = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t z;
        if ((e = varint_get(r, &z)) != OK)
            return e;
        q = (int64_t)((uint64_t)q + unzigzag(z));
        if (q <= -(1LL << 53) || q >= 1LL << 53)
            return ERR_MALFORMED;
        v[i] = (double)q / tens[k];
    }
    uint64_t at = 0;
    for (uint64_t i = 0; i < exceptions; i++) {
        uint64_t skip;
        struct bytes raw;
        if ((e = varint_get(r, &skip)) != OK || (i > 0 && skip == 0) || skip >= count - at)
            return ERR_MALFORMED;
        at += skip;
        if ((e = bytes_get(r, sizeof v[0], &raw)) != OK)
            return e;
        memcpy(&v[at], raw.p, sizeof v[0]);
    }
    return OK;
}

static enum err
xor_get(struct bytes *r, double *v, size_t count)
{
    struct bytes raw;
    enum err e = bytes_get(r, count * 8, &raw);
    if (e != OK)
        return e;
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t x = 0;
        for (size_t plane = 0; plane < 8; plane++)
            x |= (uint64_t)raw.p[plane * count + i] << (8 * plane);
        last ^= x;
        memcpy(&v[i], &last, sizeof last);
    }
    return OK;
}

enum err
numbers_get(struct bytes *r, double *v, size_t count)
{
    uint8_t codec;
    enum err e = byte_get(r, &codec);
    if (e != OK)
        return e;
    if (codec == NUMBERS_DECIMAL)
        e = decimal_get(r, v, count);
    else if (codec == NUMBERS_XOR)
        e = xor_get(r, v, count);
    else
        e = ERR_MALFORMED;
    for (size_t i = 0; e == OK && i < count; i++) {
        if (!isfinite(v[i]))
            e = ERR_MALFORMED;
    }
    return e;
}
