/*
 * mistrust.h -- how long a neighbour that talked nonsense is not heard.
 *
 * A pair outlives the processes at its ends: the one that was breached is replaced, and its
 * successor shall be heard without a restart of the one who was right to hear nothing more.
 *
 * M1  From the nonsense on the channel is deaf for a pause: what comes then is never handled.
 * M2  The pause is MISTRUST_FIRST_MS, twice as long at each further nonsense, at most
 *     MISTRUST_MOST_MS; the first again after MISTRUST_GOOD_MS of being heard without any.
 * M3  Before it is heard again everything that waits in it is thrown away, in bounded turns.
 */
#ifndef PROGRAMS_MISTRUST_H
#define PROGRAMS_MISTRUST_H

#include "base/base.h"
#include "wire/channel.h"

enum {
    MISTRUST_FIRST_MS = 1000,
    MISTRUST_MOST_MS = 60000,
    MISTRUST_GOOD_MS = 60000,
    MISTRUST_PACKETS = 256, /* thrown away in one turn */
};

/* All zero: it has never talked nonsense. */
struct mistrust {
    bool deaf;
    uint32_t pause_ms; /* of the last nonsense; 0: there was none */
    uint64_t since_ms; /* when it went deaf, or was taken up again; monotonic */
};

/* Nothing more is heard from now on. No matter while it is deaf. */
void mistrust_nonsense(struct mistrust *m, uint64_t now_ms);
/* It is deaf, and the pause is over. */
bool mistrust_over(const struct mistrust *m, uint64_t now_ms);
/* It is heard again. */
void mistrust_heard(struct mistrust *m, uint64_t now_ms);

/*
 * For the holder's timer: false while it is not deaf, or must stay so. True: the pause is over,
 * the channel is empty in both directions, watch it now.
 */
bool mistrust_take_up(struct mistrust *m, struct channel *c, uint64_t now_ms) MUST_USE;

#endif
