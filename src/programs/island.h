/*
 * island.h -- a zone that is cut off: its record on disk, and what two people sign to join it
 * again. Pure.
 *
 * An island works on locally: devices, controller, warden, store, journal. Nothing crosses its
 * border: its conduits pass nothing, the judge gives no token for it, its core answers no caller.
 *
 * STATE/cut/ZONE, and what is approved with `bulkhead token --approve-file`:
 *
 *   bulkhead cut v1                        bulkhead rejoin v1
 *   since 2026-11-28T14:00:00.000Z         zone bikes
 *   by-uid 0                               since 2026-11-28T14:00:00.000Z
 *   reason the bike app was breached
 */
#ifndef PROGRAMS_ISLAND_H
#define PROGRAMS_ISLAND_H

#include "base/base.h"
#include "base/buf.h"

enum { ISLAND_REASON_SIZE = 201, ISLAND_TEXT_MAX = 512, ISLAND_PEOPLE = 2 };

struct island {
    char reason[ISLAND_REASON_SIZE];
    int64_t since_us; /* whole milliseconds, so that its text is its value */
    uint32_t by_uid;  /* the user whose tool asked */
};

/* One line of 1 to 200 bytes of UTF-8 without control characters, no blank at its ends. */
bool island_is_reason(struct bytes reason);

void island_put_text(struct buf *b, const struct island *i);
/* ERR_MALFORMED; what is accepted is written again to the byte. */
enum err island_parse_text(struct bytes text, struct island *out) MUST_USE;

/* The bytes that ISLAND_PEOPLE people approve. */
void island_put_rejoin(struct buf *b, struct bytes zone, int64_t since_us);

#endif
