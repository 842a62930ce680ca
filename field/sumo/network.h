/*
 * network.h -- ask a SUMO for its signalled intersections.
 */
#ifndef FIELD_SUMO_NETWORK_H
#define FIELD_SUMO_NETWORK_H

#include <stdio.h>

#include "field/sumo/process.h"
#include "field/sumo/site.h"

/*
 * Fill sites[0 .. *out_count-1]; what cannot be steered is told in *out_left. ERR_LIMIT
 * with more than `max`. Sites are in the order of SUMO's names.
 */
enum err network_read(struct sumo_process *s, struct site *sites, uint32_t max, uint32_t *out_count,
                      struct site_left *out_left) MUST_USE;

/* A line for each of the first of them, as `program` says it. */
void network_tell_left(const struct site_left *left, const char *program, FILE *out);

/*
 * Split an answer to one get: the reader stands at the value's type. ERR_DENIED: SUMO refused, its
 * sentence is in s->why.
 */
enum err network_get(struct sumo_process *s, uint8_t command, uint8_t variable, struct bytes object,
                     struct bytes *out_value) MUST_USE;

#endif
