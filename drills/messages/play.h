/*
 * play.h -- one receiver of messages, its real handlers in this process, and somebody breached at
 * the other end. Each receiver is a program of its own: messages-NAME [--messages N] [--seed N].
 */
#ifndef DRILLS_MESSAGES_PLAY_H
#define DRILLS_MESSAGES_PLAY_H

#include "base/test.h"
#include "drills/messages/maker.h"

struct play {
    struct maker maker;
    uint64_t taken, refused; /* frames that the receiver accepted, and those that it did not */
    uint64_t effects;        /* stored, granted, passed, acknowledged: what the checks look at */
    uint64_t checks;
};
extern struct play play;

/* What must be true after every step; says where, with the seed, and ends. */
#define HOLDS(x) (play.checks++, (x) ? (void)0 : test_fail(#x, __FILE__, __LINE__))

/* Defined by the receiver. step() uses at least one message. */
struct receiver {
    const char *name;
    const char *who_is_breached;
    const struct field_row *table;
    uint16_t first_id, last_id; /* of the messages that it takes */
    maker_fill_fn *fill;
    void (*start)(void);
    void (*step)(void);
    void (*stop)(void);
};
extern const struct receiver receiver_this;

/* Count what a handler said of one frame. */
void play_count(enum err e);

#endif
