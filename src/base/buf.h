/*
 * buf.h -- an owned, growing buffer that was told its maximum when it was made.
 *
 * Overflow is sticky: after one put that did not fit, every later put is ignored and
 * buf_error() says ERR_LIMIT; so a writer may put many things and check once.
 * Memory grows by doubling up to the maximum; failing to get it counts as overflow.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
    uint8_t *p;
    size_t len;
    size_t capacity;
    size_t max;
    bool overflow;
};

/* An empty buffer that may hold at most `max` bytes. No memory is taken yet. */
void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);

/* Empty, keeps the memory, forgets an overflow. */
void buf_reset(struct buf *b);

void buf_put_slow(struct buf *b, struct bytes what); /* when memory must grow, or nothing fits */
static inline void
buf_put(struct buf *b, struct bytes what)
{
    if (b->overflow || what.len >= b->capacity - b->len || what.len > b->max - b->len) {
        buf_put_slow(b, what);
        return;
    }
    if (what.len)
        memcpy(b->p + b->len, what.p, what.len);
    b->len += what.len;
}
static inline void
buf_text(struct buf *b, const char *s)
{
    buf_put(b, bytes_text(s));
}
static inline void
buf_byte(struct buf *b, uint8_t c)
{
    buf_put(b, bytes_of(&c, 1));
}
void buf_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_u64_decimal(struct buf *b, uint64_t v);

/* Room for n bytes at the end, for a read(); NULL when it does not fit. */
uint8_t *buf_room(struct buf *b, size_t n);
/* n bytes of that room are now filled. */
void buf_filled(struct buf *b, size_t n);
/* Drop the first n bytes. */
void buf_drop(struct buf *b, size_t n);

/* OK, or ERR_LIMIT after an overflow. */
enum err buf_error(const struct buf *b) MUST_USE;

static inline struct bytes
buf_bytes(const struct buf *b)
{
    return bytes_of(b->p, b->len);
}

/* The content as a C string. The NUL is not counted in len. Asserts that nothing overflowed. */
const char *buf_string(struct buf *b);

#endif
