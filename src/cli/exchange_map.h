/*
 * exchange_map.h -- what an import has done, in a file: numbers by name, a line each.
 *
 * A line is durable before exchange_map_keep() returns; one that was torn does not count.
 */
#ifndef CLI_EXCHANGE_MAP_H
#define CLI_EXCHANGE_MAP_H

#include "base/base.h"

enum { EXCHANGE_MAP_KEY_SIZE = 512 };

struct exchange_map;

/* Made if it is not there. *out_resumed: somebody began before. NULL after a sentence. */
struct exchange_map *exchange_map_open(const char *path, bool *out_resumed);
void exchange_map_close(struct exchange_map *m); /* NULL is fine */

/* 0: unknown. "SET OLD" says the new id; "made SET NEW" is 1 for each of these. */
uint64_t exchange_map_find(const struct exchange_map *m, const char *key);
/* False after a sentence. The key has no line break. */
bool exchange_map_keep(struct exchange_map *m, const char *key, uint64_t value) MUST_USE;

#endif
