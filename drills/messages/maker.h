/*
 * maker.h -- makes messages that a breached process would send: it knows the tables.
 *
 * A frame is fresh (every field at, inside or beyond its bounds, or what the receiver's own model
 * finds plausible), foreign (of another table, or in the wrong direction), or a replay of one of
 * the last; then perhaps bytes of it are changed, cut off or added. Everything follows from the
 * seed.
 */
#ifndef DRILLS_MESSAGES_MAKER_H
#define DRILLS_MESSAGES_MAKER_H

#include "base/buf.h"
#include "wire/fields.h"

enum { MAKER_HISTORY = 64, MAKER_TEXT_MAX = 300 };

struct frame {
    uint16_t id;
    struct buf body;
};

/* What a field shall hold: number for integers, bytes for text and blobs. */
struct value {
    uint64_t number;
    struct bytes bytes;
};

struct maker;
/* The receiver's idea of a plausible value; false: none, a random one will do. */
typedef bool maker_fill_fn(struct maker *m, const char *message, const char *field,
                           struct value *out);

struct maker {
    uint64_t state;
    const struct field_row *table;
    maker_fill_fn *fill;
    uint16_t first_id, last_id; /* mostly: the table's other half goes the other way */
    unsigned plausible;         /* percent, of this message's fields */
    struct frame history[MAKER_HISTORY];
    uint64_t made, fresh, foreign, replayed, changed;
};

/* The receiver expects the messages first_id to last_id of the table. */
void maker_init(struct maker *m, uint64_t seed, const struct field_row *table, uint16_t first_id,
                uint16_t last_id, maker_fill_fn *fill);
void maker_fini(struct maker *m);

uint64_t maker_random(struct maker *m, uint64_t below);
bool maker_chance(struct maker *m, unsigned percent);
/* One of a list of texts. */
struct bytes maker_word(struct maker *m, const char *const words[], size_t count);

/* The next frame; good until MAKER_HISTORY more were made. */
const struct frame *maker_next(struct maker *m);

/* A packet of 1 to 4 frames, sometimes torn, as it comes out of a socket. */
void maker_packet(struct maker *m, struct buf *packet);

#endif
