/*
 * patch.h -- changing a JSON text: members merged at the top, and JSON Patch (RFC 6902).
 *
 * Text in, text out, no tree. Both texts were checked (sta_json_check()). Results are whole or
 * absent: a patch that fails has changed nothing. Members keep their order, new ones come last.
 */
#ifndef SENSORTHINGS_PATCH_H
#define SENSORTHINGS_PATCH_H

#include "base/arena.h"
#include "base/base.h"
#include "sensorthings/model.h"

enum {
    STA_PATCH_STEPS_MAX = 256,            /* operations of one JSON Patch */
    STA_PATCH_BYTES_MAX = 256 * 1024,     /* of a text while it is patched */
    STA_PATCH_WORK_MAX = 8 * 1024 * 1024, /* bytes written by all operations together */
    STA_POINTER_DEPTH_MAX = 24,
};

/*
 * The members of `with` in the place of those of `object` that have the same name; null stays, so
 * that the reader decides what may be absent. Both are objects. ERR_LIMIT: arena or budget.
 */
enum err sta_json_merge(struct bytes object, struct bytes with, struct arena *arena,
                        struct bytes *out) MUST_USE;

/*
 * Apply `patch`, a list of operations: add, remove, replace, move, copy, test. 400: not a patch;
 * 409: it does not fit the document, or a test failed; 413: budgets.
 */
enum err sta_json_patch(struct bytes document, struct bytes patch, struct arena *arena,
                        struct bytes *out, struct sta_error *error) MUST_USE;

/* The same value, whatever the order of members and the writing of numbers and texts. */
bool sta_json_same(struct bytes a, struct bytes b, struct arena *arena);

#endif
