/*
 * street.h -- the half of the adapter that talks to the controller: confined, one second after
 * the other.
 *
 * It holds the SNMP keys, one socket to one address and one to the city half. It decides what is
 * written (control.h), so that a breached city half can wish for a stage and nothing else, and a
 * breached street half can lie about one intersection and nothing else.
 *
 * A wish ends by its own clock. When the city half ends, zeros are written and this half ends.
 */
#ifndef FIELD_NTCIP_STREET_H
#define FIELD_NTCIP_STREET_H

#include "field/ntcip/cabinet.h"

enum {
    STREET_TIMINGS_S = 10, /* the controller's timings are read anew */
    STREET_LATE_MS = 2000, /* looks further apart are not compared */
    STREET_MEMORY_MAX = 128 << 20,
};

/*
 * Reads the keys, closes the walls, serves; the process's exit status. `city_fd` is non-blocking.
 */
int street_run(const struct cabinet *c, int city_fd);

#endif
