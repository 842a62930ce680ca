/*
 * turns.h -- who turns round where no signal stands, and a demand without them. Pure.
 *
 * Two that change lanes on a street of a few metres to turn round can lock each other, whatever
 * the lights do (specs: signals 2.6). They can be left out for every controller alike: vehicles
 * whose way leads from a street of at most so many metres straight back, over a connection that
 * the network calls a turnaround (dir "t") and that no signal drives.
 *
 * A vehicle has its route inside or names one; of a trip, which has none, the caller says who
 * turns round (duarouter's ways, turns_read_ways()). A flow or a distribution of routes of which
 * some turn round cannot be counted and is refused.
 *
 * What was read is borrowed for the life of `turns`.
 */
#ifndef BENCH_SIGNALS_TURNS_H
#define BENCH_SIGNALS_TURNS_H

#include "base/base.h"
#include "base/buf.h"

/* A turn from a to b; or a name, and b is empty. In order once `sorted`. */
struct turns_key {
    struct bytes a, b;
};
struct turns_set {
    struct turns_key *keys;
    uint32_t count, room;
    bool sorted;
};

struct turns {
    struct turns_set turnarounds; /* where the network has them */
    struct turns_set routes;      /* names of those that lead over one */
    struct turns_set vehicles;    /* trips that do, or what a flow makes */
    bool mixed;                   /* a distribution has one that does */
    bool trips;                   /* some have no route */
    const char *why;              /* after ERR_UNSUPPORTED */
};

void turns_init(struct turns *t);
void turns_fini(struct turns *t);

/* Where one turns round in this network. ERR_MALFORMED, ERR_LIMIT. */
enum err turns_read_network(struct turns *t, struct bytes xml, double longest_m) MUST_USE;
/* The routes that have names; of all files, before the first turns_leave_out(). ERR_LIMIT. */
enum err turns_read_routes(struct turns *t, struct bytes xml) MUST_USE;
/* duarouter's output: vehicles and their routes. ERR_LIMIT. */
enum err turns_read_ways(struct turns *t, struct bytes xml) MUST_USE;

/*
 * The file without them. *out_count grows by those who depart from begin_s until before end_s, or
 * who knows when. ERR_UNSUPPORTED: t->why says what; ERR_MALFORMED, ERR_LIMIT.
 */
enum err turns_leave_out(struct turns *t, struct bytes xml, double begin_s, double end_s,
                         struct buf *out, uint32_t *out_count) MUST_USE;

#endif
