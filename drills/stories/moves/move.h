/*
 * move.h -- small helps for moves: what a breached compartment does in a story.
 *
 * A move answers like any attempt (drills/payload.h): 1 it got what it wanted, 0 it was refused,
 * 2 it cannot be tried here. note() writes what the report quotes. A move may use only calls that
 * its compartment's filter lets through, or die of it: that is the point.
 */
#ifndef DRILLS_STORIES_MOVE_H
#define DRILLS_STORIES_MOVE_H

#include "base/base.h"
#include "drills/payload.h"
#include "programs/messages.h"
#include "programs/program.h"
#include "wire/channel.h"

enum { REFUSED = 0, REACHED = 1, NOT_APPLICABLE = 2 };

/* The value of a key, or `otherwise`. */
const char *given(const char *const targets[], const char *key, const char *otherwise);
long given_number(const char *const targets[], const char *key, long otherwise);

/* "note: ..." on standard error; the last one counts. */
void note(const char *format, ...) PRINTF_LIKE(1, 2);

uint64_t mono_ms(void);
/* Waits, with the one call that every compartment has for it. */
void rest_ms(uint32_t ms);

/* The only channel of this role (and name), or false. */
bool held_channel(enum start_fd_role role, const char *name, struct channel *out);

/* Frames until `each` says ERR_CLOSED (done), for at most so long. False: time is over. */
bool hear_until(struct channel *c, uint32_t ms, channel_frame_fn *each, void *ctx);

/* The frames of one packet, if there is one. */
void hear_now(struct channel *c, channel_frame_fn *each, void *ctx);

#define MOVE(id, function, what) int function(const char *const targets[]);
#include "drills/stories/moves/moves.def"
#undef MOVE

#endif
