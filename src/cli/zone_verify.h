/*
 * zone_verify.h -- a zone's store against itself and against the anchors in its log.
 */
#ifndef CLI_ZONE_VERIFY_H
#define CLI_ZONE_VERIFY_H

#include "charter/charter.h"

/*
 * Every log of the state directory, and every store (or the one of `only_zone`). Says what was
 * looked at. EXIT_OK, EXIT_DOES_NOT_HOLD, EXIT_CANNOT. `scratch` as in zone_copy.h.
 */
int state_verify(const char *state, const struct charter *c, const char *only_zone, bool running,
                 const char *scratch) MUST_USE;

#endif
