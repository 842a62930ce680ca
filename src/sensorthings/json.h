/*
 * json.h -- JSON (RFC 8259) read in place: strict, no tree, no allocation.
 *
 * sta_json_check() looks at a whole text once: syntax, UTF-8, depth, no key twice in one object,
 * no NUL and no lone surrogate in a string. The walkers below are for checked text only, and
 * assert what the check promised.
 */
#ifndef SENSORTHINGS_JSON_H
#define SENSORTHINGS_JSON_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"

enum {
    STA_JSON_DEPTH_MAX = 24,
    STA_JSON_MEMBERS_MAX = 512, /* of one object: keys are compared pairwise */
    STA_JSON_KEY_MAX = 256,     /* bytes of a key */
};

/* True if the text is exactly one value; else *out_bad is the offset where it stops being one. */
bool sta_json_check(struct bytes text, size_t *out_bad) MUST_USE;

/* The end of the value that starts at `at` (no space before it), checked as above; 0 when it is
 * none. *out_bad is set then. */
size_t sta_json_value_end(struct bytes text, size_t at, uint32_t depth, size_t *out_bad) MUST_USE;
/* The first offset from `at` on that is not white space. */
size_t sta_json_space(struct bytes text, size_t at);

enum sta_json_kind {
    STA_JSON_NULL,
    STA_JSON_BOOL,
    STA_JSON_NUMBER,
    STA_JSON_TEXT,
    STA_JSON_OBJECT,
    STA_JSON_ARRAY
};
/* By the first byte of a checked value. */
enum sta_json_kind sta_json_kind(struct bytes value);

/* Walk an object or array: start with {value, 0}; false at the end. Keys come without quotes,
 * as written; a key with escapes equals no name of ours. */
struct sta_json_walk {
    struct bytes value;
    size_t at;
};
bool sta_json_next_member(struct sta_json_walk *w, struct bytes *out_key, struct bytes *out_value);
bool sta_json_next_item(struct sta_json_walk *w, struct bytes *out_value);

/* The member of that name; len 0 when the value is no object or has none. */
struct bytes sta_json_member(struct bytes object, struct bytes name);

/* One step of a path into JSON: a member of an object, or "0", "1", ... of an array; len 0: none.
 */
struct bytes sta_json_step(struct bytes value, struct bytes name);

/* A plain decimal of at most 15 digits, the usual number, exactly; false: ask text_double(). */
bool sta_json_decimal(struct bytes number, double *out);

/* Checked JSON on several lines, two blanks a level, for people. */
void sta_json_pretty(struct bytes json, struct buf *out);

/* The text of a string value (with its quotes): borrowed when it has no escapes, else made in the
 * arena. ERR_MALFORMED when it is no string, ERR_LIMIT when the arena is full. */
enum err sta_json_text(struct bytes value, struct arena *arena, struct bytes *out) MUST_USE;

#endif
