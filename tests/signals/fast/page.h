/*
 * page.h -- the time of a fast city: one page of memory that all its programs share. See README.md.
 *
 * FLOWING  The page is all zeros, or the street has ended: time is the machine's, plus offset_ms.
 * STEPPED  Time stands at base_ms until the street moves it on. Should the street take longer than
 *          PAGE_PATIENCE_MS of the machine for that, it has died, and time flows.
 *
 * The page also says when the city has nothing left to do. Each program that waits for events has
 * a slot; in it stands what it was asked last while it had no event and no timer due, and how often
 * it had had some by then. If all have answered, and then all again with the same counts, nobody
 * was at work when the second question was put, and nothing was on its way: it would have been an
 * event before the second answer (after the four counters of Mattern, 1987).
 */
#ifndef TESTS_SIGNALS_FAST_PAGE_H
#define TESTS_SIGNALS_FAST_PAGE_H

#include <stdatomic.h>

#include "base/base.h"

/* Stands in every program that links it; it is never printed. */
#define FAST_MARK "this program's clock is another's to move: for tests only"
#define PAGE_FILE "city.clock" /* beside the programs */

enum { PAGE_SLOTS_MAX = 64, PAGE_PATIENCE_MS = 10000, PAGE_DEAD_MS = 1000, PAGE_BYTES = 4096 };

struct page_slot {
    atomic_uint_fast64_t answered; /* the last question that found it idle */
    atomic_uint_fast64_t work;     /* rounds of its loop that had an event, when it was */
};

struct page {
    atomic_uint_fast64_t sequence; /* odd: the times below are being changed */
    atomic_uint_fast64_t stepped, offset_ms, base_ms, moved_ms;
    atomic_int_fast64_t wall_less_mono_us;
    atomic_uint_fast64_t steps; /* how often time was moved on */
    atomic_uint_fast64_t question;
    atomic_uint_fast64_t slots_count;
    struct page_slot slots[PAGE_SLOTS_MAX];
};

/* Ends the program when the file is not there: a fast program has no other clock. */
struct page *page_open(void);

uint64_t page_mono_ms(const struct page *p);
int64_t page_wall_us(const struct page *p);
/* The machine's own. */
uint64_t page_machine_us(void);

/* The street's side. */
void page_stop_flowing(struct page *p);
/* To this time, or to now if that is later. */
void page_move(struct page *p, uint64_t to_ms);
void page_flow(struct page *p);

#endif
