/*
 * zone_client.h -- a city_client for a zone of a city whose state directory is at hand, and answers
 * of several pages.
 */
#ifndef CLI_ZONE_CLIENT_H
#define CLI_ZONE_CLIENT_H

#include "cli/city_client.h"

enum { ZONE_CLIENT_TARGET_SIZE = 4096 };

/* The zone's first https listener; false after a sentence. */
bool zone_client_url(const char *state, const char *zone, char to[static 256]) MUST_USE;

/* As a caller of the charter, whose credentials lie in STATE/callers/NAME. `url` NULL: the zone's
 * first. NULL after a sentence. Strings are borrowed. */
struct city_client *zone_client_open(const char *state, const char *caller, const char *zone,
                                     const char *purpose, const char *url);

/* The path of a page's nextLink, for the connection that we have. False: there is none. */
bool zone_client_next(struct bytes page, char target[static ZONE_CLIENT_TARGET_SIZE]);

/* Ask for `target` and all pages that follow; `each` for every item of their "value" lists, which
 * is checked JSON. False after a sentence. */
typedef void zone_client_item_fn(void *ctx, struct bytes item);
bool zone_client_each(struct city_client *c, const char *target, zone_client_item_fn *each,
                      void *ctx) MUST_USE;

#endif
