/*
 * city.h -- the half of the adapter that talks to the city: one device, its leases as wishes for
 * the street half, the street half's reports as observations.
 *
 * It holds the device's key and no SNMP key. When the street half ends, or says nothing for
 * CITY_SILENCE_MS, this one ends too, and whoever started it starts both anew.
 */
#ifndef FIELD_NTCIP_CITY_H
#define FIELD_NTCIP_CITY_H

#include <sys/types.h>

#include "field/common/device.h"
#include "field/ntcip/cabinet.h"

enum { CITY_SILENCE_MS = 10000, CITY_PROPERTIES_MAX = 60 * 1024 };

/* Serve until the field ends; the process's exit status. `properties`: JSON or NULL. */
int city_run(const struct field_options *options, const struct cabinet *c, const char *properties,
             int street_fd, pid_t street);

#endif
