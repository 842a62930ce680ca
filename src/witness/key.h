/*
 * key.h -- the file of a witness's secret key: one line, "PRIVATE+KEY+<name>+<8 hex>+<base64(0x04
 * || seed)>", as other note tools write it.
 */
#ifndef WITNESS_KEY_H
#define WITNESS_KEY_H

#include "base/base.h"
#include "base/buf.h"
#include "ledger/note.h"

enum { KEY_FILE_MAX = 512 };

/* A new key; ERR_MALFORMED when nobody can be called so. `out` then holds a secret: wipe it. */
enum err key_make(const char *name, struct buf *out) MUST_USE;
/* ERR_MALFORMED unless name, id and key agree. */
enum err key_parse(struct bytes text, char out_name[static NOTE_KEY_NAME_MAX + 1],
                   uint8_t out_key[static 32], uint8_t out_secret[static 64]) MUST_USE;

#endif
