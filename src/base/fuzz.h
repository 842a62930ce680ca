/*
 * fuzz.h -- for fuzz targets only: one input, cut into the parts that a target needs.
 *
 * A target whose subject reads more than one thing (four files, frames in turn) cuts its input with
 * fuzz_part(), so that a corpus file stays something that a person can make with a script.
 */
#ifndef BASE_FUZZ_H
#define BASE_FUZZ_H

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next byte; 0 behind the end. */
static inline uint8_t
fuzz_byte(struct bytes *rest)
{
    uint8_t c = rest->len ? rest->p[0] : 0;
    *rest = bytes_skip(*rest, rest->len ? 1 : 0);
    return c;
}

/* The next bytes behind their length (16 bits, big-endian), fewer when the input ends. */
static inline struct bytes
fuzz_part(struct bytes *rest)
{
    size_t len = (size_t)fuzz_byte(rest) << 8;
    len |= fuzz_byte(rest);
    struct bytes part = bytes_of(rest->p, len < rest->len ? len : rest->len);
    *rest = bytes_skip(*rest, part.len);
    return part;
}

/* A heap copy of exactly these bytes: a sanitizer sees a read one past the end. Freed by free(). */
static inline uint8_t *
fuzz_exact(struct bytes from)
{
    uint8_t *p = malloc(from.len ? from.len : 1);
    ASSERT(p);
    if (from.len)
        memcpy(p, from.p, from.len);
    return p;
}

#endif
