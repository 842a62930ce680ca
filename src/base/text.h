/*
 * text.h -- numbers, hex, base64 and times as text; the only place they are read.
 *
 * Every reader takes all bytes it is given or fails with ERR_MALFORMED; nothing is trimmed,
 * nothing is guessed. Results are untouched on failure.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/base.h"
#include "base/buf.h"

/* Decimal digits only; no sign, no leading zero but in "0" itself; ERR_LIMIT above max. */
enum err text_u64(struct bytes s, uint64_t max, uint64_t *out) MUST_USE;

/* An optional '-', then as above, in the range of int64_t. */
enum err text_i64(struct bytes s, int64_t *out) MUST_USE;

/* A JSON number (RFC 8259 section 6) as a double; infinities cannot result. */
enum err text_double(struct bytes s, double *out) MUST_USE;

/* The shortest text that reads back as the same double ("3", "0.1", "1e+300"). Finite only. */
void text_put_double(struct buf *b, double v);

enum { TEXT_DOUBLE_MAX = 32 };

void text_put_hex(struct buf *b, struct bytes what);
/* Lower or upper case; exactly 2 * size digits. */
enum err text_hex(struct bytes s, uint8_t *out, size_t size) MUST_USE;

/* RFC 4648 section 4, with padding, no line breaks. */
void text_put_base64(struct buf *b, struct bytes what);
/* Strict: canonical padding and zero trailing bits. At most `size` bytes result. */
enum err text_base64(struct bytes s, uint8_t *out, size_t size, size_t *out_len) MUST_USE;

/*
 * ISO 8601 / RFC 3339 date and time with zone ("2026-03-01T12:00:00.5Z", "+02:00") as
 * microseconds since 1970 UTC; years 0000 to 9999; leap seconds (:60) are refused;
 * digits beyond microseconds are dropped.
 */
enum err text_time(struct bytes s, int64_t *out_us) MUST_USE;
/* "2026-03-01T12:00:00.500Z": UTC, milliseconds unless microseconds are needed. */
void text_put_time(struct buf *b, int64_t us);

/* Any bytes as one quoted JSON string: control characters and invalid UTF-8 are escaped. */
void text_put_json(struct buf *b, struct bytes s);

/* True if s is valid UTF-8 (RFC 3629) and holds no NUL. */
bool text_is_utf8(struct bytes s);

/*
 * A name in a charter, a device, a topic level of ours: 1 to 48 of a-z 0-9 and '-', a letter
 * first, no '-' at the end and none doubled. Nothing else ever becomes a path or an identity.
 */
bool text_is_name(struct bytes s);
enum { TEXT_NAME_MAX = 48 };

#endif
