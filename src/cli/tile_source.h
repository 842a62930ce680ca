/*
 * tile_source.h -- a log as the ledger tells it through STATE/ledger.sock: its newest checkpoint,
 * and the tree's nodes out of tiles.
 */
#ifndef CLI_TILE_SOURCE_H
#define CLI_TILE_SOURCE_H

#include "ledger/tiles.h"
#include "wire/channel.h"

enum { TILE_SOURCE_CACHE = 16 };

struct tile_source {
    struct channel channel;
    const char *log; /* borrowed */
    uint64_t size;   /* of the tree whose nodes are read; the caller sets it */
    struct {
        struct tile tile; /* width 0: empty place */
        struct buf bytes;
    } cache[TILE_SOURCE_CACHE];
    size_t next;
};

/* False after a sentence. */
bool tile_source_open(struct tile_source *s, const char *state, const char *log) MUST_USE;
void tile_source_close(struct tile_source *s);

/* "checkpoint" or a tile's path. ERR_NOT_FOUND; ERR_IO: no answer. */
enum err tile_source_ask(struct tile_source *s, struct bytes path, struct buf *out) MUST_USE;
struct tree_reader tile_source_reader(struct tile_source *s);

#endif
