/*
 * collect.h -- inside this folder: from a set of candidates to one page of rows, under rights,
 * filter, order, cursor and budget.
 */
#ifndef SENSORTHINGS_COLLECT_H
#define SENSORTHINGS_COLLECT_H

#include "sensorthings/answer.h"

enum {
    STA_SCRATCH_BYTES = 768 * 1024, /* four sets' batches, and the texts of a row */
    STA_BATCHES_BYTES = 192 * 1024,
};

_Static_assert(STA_SCRATCH_BYTES + STA_BATCHES_BYTES + 4 * STORE_TEXT_MAX <= STA_ARENA_LEAST,
               "an arena that callers may give holds what every answer takes");

/* One answer while it is made. */
struct sta_run {
    const struct sta_view *view;
    struct sta_report report;
    struct sta_error *error;
    struct sta_scope scope;
    struct arena scratch; /* per row; a part of the view's arena */
    struct arena batches; /* rows copied out of the store; likewise */
};

/* What may be in the set: all of a type, or what a parent links to. */
struct sta_set {
    enum sta_type type;
    const struct sta_entity *parent; /* NULL: all */
    uint8_t relation;                /* of the parent */
};

struct sta_slot {
    struct sta_row row; /* an Observation's value is fetched again by sta_slot_row() */
    uint64_t id;
    struct sta_value *keys; /* one per order key */
    uint8_t *texts;         /* STA_ORDER_TEXT_MAX bytes for each key; NULL until one is a text */
};

struct sta_page {
    struct sta_slot **slots;
    uint32_t count;
    bool more;      /* rows follow: the last one's keys are the cursor */
    uint64_t total; /* of the filtered set; valid with $count */
};

/* 413 when a budget is exceeded, 503 when the store fails. */
enum err sta_collect(struct sta_run *run, const struct sta_query *q, const struct sta_set *set,
                     struct sta_page *out) MUST_USE;

/* The row with its observation, borrowed until the next call that reads the store. */
enum err sta_slot_row(struct sta_run *run, const struct sta_slot *slot, struct sta_row *out,
                      struct observation *space) MUST_USE;

bool sta_visible(const struct sta_run *run, enum sta_type type, const struct sta_entity *e);
/* $orderby leads with phenomenonTime, the order in which the store reads. */
bool sta_led_by_time(const struct sta_query *q);
/* The answer for what went wrong in an evaluation; OK when nothing did. 413 or 503. */
enum err sta_trouble_fail(struct sta_run *run);
enum err sta_store_failed(struct sta_run *run);
/* One more row was looked at. */
enum err sta_examine(struct sta_run *run) MUST_USE;
enum err sta_examine_many(struct sta_run *run, uint64_t rows) MUST_USE;
/* A row goes into the answer: it and its data class are reported. */
void sta_count_row(struct sta_run *run, const struct sta_entity *e);

#endif
