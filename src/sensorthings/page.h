/*
 * page.h -- inside this folder: rows and pages of rows as JSON.
 */
#ifndef SENSORTHINGS_PAGE_H
#define SENSORTHINGS_PAGE_H

#include "sensorthings/collect.h"

/* Where a page is found again: a path of the request, or a relation of a row. */
struct sta_place {
    const struct sta_path *path;
    const struct sta_row *row; /* when path is NULL */
    const char *relation;
};

enum sta_page_kind {
    STA_PAGE_ROWS,
    STA_PAGE_REFS,       /* {"@iot.selfLink": ...} for each */
    STA_PAGE_DATA_ARRAY, /* groups of rows as lists, one for each Datastream */
};

/* A comma, unless what stands before opens something. */
void sta_separate(struct buf *out);
uint64_t sta_row_id(const struct sta_row *row);

/* The row with its links, properties and expansions. */
enum err sta_row_put(struct sta_run *run, const struct sta_query *q, const struct sta_row *row,
                     struct buf *out, uint32_t depth) MUST_USE;
/* The JSON of one property of an entity; false when there is none. */
bool sta_property_put(struct sta_run *run, const struct sta_entity *e, uint32_t property,
                      struct buf *out);

/* Count, rows and next link, as members; `name` is the relation when it is an expansion. */
enum err sta_page_put(struct sta_run *run, const struct sta_query *q, const struct sta_set *set,
                      enum sta_page_kind kind, const char *name, const struct sta_place *place,
                      struct buf *out, uint32_t depth) MUST_USE;

#endif
