/*
 * exchange.h -- SensorThings as a folder of pages: what GET answers, page by page, and back.
 *
 *   DIR/SET.N.json               entities of a set, with the ids of what they are linked to
 *   DIR/Observations-STREAM.N.json   rows of one Datastream; or any file with dataArray groups, or
 *                                with Observations that name their Datastream
 *
 * Where the new server gave other ids, MAP says so, a line each: "SET OLD NEW", OLD as JSON; and
 * "rows FILE GROUP COUNT": so many rows of that group are there.
 */
#ifndef CLI_EXCHANGE_H
#define CLI_EXCHANGE_H

#include "base/buf.h"
#include "cli/city_client.h"

struct exchange_counts {
    uint64_t entities, rows, refused;
};

/* False after a sentence. */
bool exchange_export(struct city_client *from, const char *directory,
                     struct exchange_counts *out) MUST_USE;

struct exchange_import {
    const char *directory;
    const char *map;        /* the file */
    const char *class_name; /* for streams that name none; NULL: they stay without */
};
bool exchange_import(struct city_client *to, const struct exchange_import *how,
                     struct exchange_counts *out) MUST_USE;

/* One entity's JSON as it is posted: without what a server keeps, links by their new ids. `links`
 * answers the new id of what the old one was, 0 when it is not known. For tests and fuzzing, too.
 */
typedef uint64_t exchange_link_fn(void *ctx, const char *set, struct bytes old_id);
enum err exchange_put_entity(struct buf *out, const char *set, struct bytes entity,
                             const char *class_name, exchange_link_fn *links, void *ctx) MUST_USE;

/* Rows [from, to) of a group as one of CreateObservations. */
enum err exchange_put_rows(struct buf *out, struct bytes group, uint64_t stream, uint64_t from,
                           uint64_t to, exchange_link_fn *links, void *ctx) MUST_USE;

/* The sets in the order in which they are made, and their links. */
struct exchange_link {
    const char *name; /* of the navigation property */
    const char *set;
};
struct exchange_set {
    const char *name;
    struct exchange_link links[3];
};
enum { EXCHANGE_SETS = 7 };
extern const struct exchange_set exchange_sets[EXCHANGE_SETS];

#endif
