#include "base/buf.h"

#include <stdarg.h>

void
buf_init(struct buf *b, size_t max)
{
    ASSERT(max > 0 && max < SIZE_MAX / 4);
    *b = (struct buf){.max = max};
}

void
buf_fini(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.max = b->max};
}

void
buf_reset(struct buf *b)
{
    b->len = 0;
    b->overflow = false;
}

/* One byte more than asked is always kept, for buf_string(). */
static bool
reserve(struct buf *b, size_t n)
{
    if (b->overflow)
        return false;
    if (n > b->max - b->len) {
        b->overflow = true;
        return false;
    }
    size_t need = b->len + n + 1;
    if (need <= b->capacity)
        return true;
    size_t capacity = b->capacity ? b->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    if (capacity > b->max + 1)
        capacity = b->max + 1;
    uint8_t *p = realloc(b->p, capacity);
    if (!p) {
        b->overflow = true;
        return false;
    }
    b->p = p;
    b->capacity = capacity;
    return true;
}

void
buf_put_slow(struct buf *b, struct bytes what)
{
    if (!reserve(b, what.len))
        return;
    if (what.len)
        memcpy(b->p + b->len, what.p, what.len);
    b->len += what.len;
}

void
buf_format(struct buf *b, const char *format, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(small, sizeof(small), format, ap);
    va_end(ap);
    ASSERT(n >= 0);
    if ((size_t)n < sizeof(small)) {
        buf_put(b, bytes_of(small, (size_t)n));
        return;
    }
    if (!reserve(b, (size_t)n))
        return;
    va_start(ap, format);
    vsnprintf((char *)b->p + b->len, (size_t)n + 1, format, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void
buf_u64_decimal(struct buf *b, uint64_t v)
{
    /* Two digits a division. */
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    uint8_t digits[20];
    size_t at = sizeof(digits);
    while (v >= 10) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v > 0 || at == sizeof(digits))
        digits[--at] = (uint8_t)('0' + v);
    buf_put(b, bytes_of(digits + at, sizeof(digits) - at));
}

uint8_t *
buf_room(struct buf *b, size_t n)
{
    return reserve(b, n) ? b->p + b->len : NULL;
}

void
buf_filled(struct buf *b, size_t n)
{
    ASSERT(n <= b->capacity - b->len);
    b->len += n;
    ASSERT(b->len <= b->max);
}

void
buf_drop(struct buf *b, size_t n)
{
    ASSERT(n <= b->len);
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->len - n);
    b->len -= n;
}

enum err
buf_error(const struct buf *b)
{
    return b->overflow ? ERR_LIMIT : OK;
}

const char *
buf_string(struct buf *b)
{
    ASSERT(!b->overflow);
    if (!b->p) {
        bool ok = reserve(b, 0);
        ASSERT(ok);
    }
    b->p[b->len] = 0;
    return (const char *)b->p;
}
