/*
 * fields.h -- the field kinds of messages: big-endian, bounded, every byte accounted for.
 *
 * The reader never fails loudly: the first bad field makes it sticky-bad, and reader_finish()
 * says so; so a decoder is a straight line. Text and blobs borrow from the packet.
 */
#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

#include "base/base.h"
#include "base/buf.h"

struct reader {
    struct bytes rest;
    bool bad;
};

/* The width is a constant wherever this is called: what is left is one load and a swap. */
static inline uint64_t
reader_unsigned(struct reader *r, size_t width, uint64_t max)
{
    uint64_t v = 0;
    if (r->bad || r->rest.len < width) {
        r->bad = true;
        return 0;
    }
    for (size_t i = 0; i < width; i++)
        v = v << 8 | r->rest.p[i];
    r->rest = bytes_of(r->rest.p + width, r->rest.len - width);
    r->bad = v > max;
    return r->bad ? 0 : v;
}
int64_t reader_signed(struct reader *r, int64_t min, int64_t max);
/* UTF-8 without NUL, at most max bytes. */
struct bytes reader_text(struct reader *r, size_t max);
struct bytes reader_blob(struct reader *r, size_t max);
/* OK when nothing was bad and no byte is left over. */
enum err reader_finish(const struct reader *r) MUST_USE;

static inline void
field_unsigned(struct buf *b, size_t width, uint64_t v)
{
    uint8_t raw[8];
    ASSERT(width <= sizeof(raw));
    for (size_t i = 0; i < width; i++)
        raw[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
    buf_put(b, bytes_of(raw, width));
}
void field_blob(struct buf *b, struct bytes v);

/* One row per field of every table: what the digest of the tables is made of. */
struct field_row {
    const char *message;
    uint16_t id;
    const char *field;
    char kind; /* 1 2 4 8 unsigned of that width, i signed, t text, b blob, m: the message itself */
    int64_t min;
    uint64_t max;
};

#endif
