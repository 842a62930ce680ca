/*
 * tiles.h -- what a C2SP tlog-tiles (v0.1.0) client asks for: paths, tiles, entry bundles. Pure.
 *
 *   tile/<L>/<N>[.p/<W>]         W hashes of tree level 8 L, from node 256 N on
 *   tile/entries/<N>[.p/<W>]     W entries from 256 N on, each behind its length (16 bits,
 * big-endian)
 *
 * N is written in groups of three digits, all but the last behind an 'x': 1234067 is x001/x234/067.
 * A tile without ".p" has 256. One tile has one path.
 */
#ifndef LEDGER_TILES_H
#define LEDGER_TILES_H

#include "base/base.h"
#include "base/buf.h"
#include "ledger/tree.h"

enum {
    TILE_WIDTH = 256,
    TILE_LEVEL_MAX = 63,
    TILE_PATH_MAX = 64,
    TILE_ENTRY_BYTES_MAX = 65535,
};

enum tile_kind { TILE_HASHES, TILE_ENTRIES };

struct tile {
    enum tile_kind kind;
    uint32_t level; /* 0 for entries */
    uint64_t n;
    uint32_t width; /* 1 .. 256 */
};

/* ERR_MALFORMED for everything that tile_put_path() would not write. */
enum err tile_parse_path(struct bytes path, struct tile *out) MUST_USE;
void tile_put_path(struct buf *b, const struct tile *t);

/* How wide tile n of this level is in a tree of `size` leaves; 0 when it is not there. */
uint32_t tile_width(uint32_t level, uint64_t n, uint64_t size);

/* The bytes of a tile of hashes. ERR_NOT_FOUND when the tree of `size` leaves does not fill it. */
enum err tile_put_hashes(const struct tree_reader *r, uint64_t size, const struct tile *t,
                         struct buf *out) MUST_USE;

/* The other way round, for who has only tiles: the widest tile in which this complete node of a
 * tree of `size` leaves can be found, */
void tile_of_node(uint32_t level, uint64_t index, uint64_t size, struct tile *out);
/* and the node out of that tile's bytes. ERR_MALFORMED when these are not such a tile's. */
enum err tile_take_node(const struct tile *t, struct bytes hashes, uint32_t level, uint64_t index,
                        struct tree_hash *out) MUST_USE;

/* One entry as it stands in a bundle. */
void tile_put_entry(struct buf *b, struct bytes entry);
/* Takes one entry off the front of *bundle; ERR_MALFORMED when it is cut short. */
enum err tile_take_entry(struct bytes *bundle, struct bytes *out_entry) MUST_USE;

/*
 * Every tile that a client of a tree of `size` leaves may ask for: full ones and the partial ones
 * at the right edge, levels upward, entries last. For export. Stops at the first error of `each`.
 */
typedef enum err tile_each_fn(void *ctx, const struct tile *t);
enum err tile_each(uint64_t size, tile_each_fn *each, void *ctx) MUST_USE;

#endif
