/*
 * corridor.h -- intersections that lie behind each other along a street, and bands of green.
 *
 * Who is a neighbour stands in what intersections say of themselves: a feeder is a lane that leaves
 * another one; where nobody names feeders, a lane that both name. Out is the direction in which the
 * list runs, in the other one.
 */
#ifndef CLI_REPORT_CORRIDOR_H
#define CLI_REPORT_CORRIDOR_H

#include "cli/report/report.h"

enum { CORRIDOR_MAX = 32, CORRIDOR_BANDS_MAX = 4096, CORRIDOR_KMH = 50 };

struct corridor_stop {
    const struct report_junction *junction;
    double at_m;                 /* from the first */
    struct report_links out, in; /* of the movement along the street */
    double out_s, in_s;          /* from the previous one to here, and from here back to it */
};

struct corridor {
    uint32_t count;
    bool measured; /* every distance was said or follows from places */
    struct corridor_stop stops[CORRIDOR_MAX];
};

/* By names, "A,B,C". ERR_NOT_FOUND with the name in out_missing (a prefix of it); ERR_LIMIT. */
enum err corridor_named(const struct report *r, const char *names, struct corridor *out,
                        char out_missing[static REPORT_NAME_SIZE]) MUST_USE;
/* The longest that goes fairly straight on. ERR_NOT_FOUND: no two are neighbours. */
enum err corridor_find(const struct report *r, struct corridor *out) MUST_USE;

/* Whoever leaves `first` between the two instants while it is green meets green at all stops up to
 * `last`, at the speed of the street. In direction in, first > last. Returns how many. */
struct corridor_band {
    int64_t from_us, to_us;
};
uint32_t corridor_bands(const struct corridor *c, const struct report *r, uint32_t first,
                        uint32_t last, struct corridor_band *out, uint32_t max);

#endif
