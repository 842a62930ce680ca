/*
 * pseudonym.h -- a name for one parking session, drawn at random (specs/privacy.md 2).
 *
 * A vehicle that is first seen parked gets 128 random bits. They stay while it stands (over
 * midnight and over a restart too) and are forgotten when it leaves; when it parks again it gets
 * others. There is nothing to invert: no function leads from the vehicle to the pseudonym.
 *
 * The table that leads from one to the other knows only who stands now. A vehicle is in it under
 * a keyed digest (the key is drawn with the table), never under its own id. A vehicle that shows
 * up elsewhere without having left was moved: that is a new session too.
 */
#ifndef PRIVACY_PSEUDONYM_H
#define PRIVACY_PSEUDONYM_H

#include "base/base.h"
#include "base/buf.h"
#include "base/random.h"
#include "privacy/coarsen.h"

enum {
    PSEUDONYM_SIZE = 16,
    PSEUDONYM_SESSIONS_MAX = 20000,
    PSEUDONYM_SLOTS = 32768, /* a power of two */
    PSEUDONYM_KEY_SIZE = 32,
    PSEUDONYM_MOVED_E4 = 15, /* about 170 m: farther than a position wavers */
    PSEUDONYM_STATE_MAX = 1 + PSEUDONYM_KEY_SIZE + 4 + PSEUDONYM_SESSIONS_MAX * 48,
};

struct pseudonym_session {
    uint8_t tag[16]; /* keyed digest of operator and vehicle */
    uint8_t name[PSEUDONYM_SIZE];
    struct place place; /* where it was first seen; the only place that is ever given out */
    uint64_t seen_s;    /* wall clock; 0: the slot is free */
};

struct pseudonym_table {
    uint8_t *key; /* in locked memory between guard pages */
    struct random_source random;
    uint32_t count;
    struct pseudonym_session slots[PSEUDONYM_SLOTS];
};

/* Empty, with a key of its own. */
void pseudonym_init(struct pseudonym_table *t, struct random_source random);
void pseudonym_fini(struct pseudonym_table *t);

/*
 * The session of a vehicle that stands at `place`: the one it has, or a new one. Borrowed until
 * the next call that changes the table. *out_fresh says that it is new. ERR_LIMIT: the table is
 * full.
 */
enum err pseudonym_park(struct pseudonym_table *t, struct bytes operator_name, struct bytes vehicle,
                        struct place place, uint64_t now_s, const struct pseudonym_session **out,
                        bool *out_fresh) MUST_USE;

/* The vehicle left: its session is overwritten. False when it had none. */
bool pseudonym_leave(struct pseudonym_table *t, struct bytes operator_name, struct bytes vehicle);

/* Forget the sessions not seen since `before_s`; answers how many. */
uint32_t pseudonym_expire(struct pseudonym_table *t, uint64_t before_s);

/* The table as bytes (with the key: the caller overwrites them), and back (ERR_MALFORMED leaves an
 * empty table with a new key). */
void pseudonym_save(const struct pseudonym_table *t, struct buf *out);
enum err pseudonym_load(struct pseudonym_table *t, struct bytes state) MUST_USE;

#endif
