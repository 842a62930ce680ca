/*
 * tasking.h -- what a TaskingCapability says it takes, and whether a Task fits (17-079r1).
 *
 * taskingParameters of a TaskingCapability is a SWE Common 2.0 DataRecord as JSON (08-094r1, JSON
 * as in 17-079r1 table 3):
 *
 *   {"type": "DataRecord", "field": [
 *     {"name": "phase", "label": "Phase", "type": "Count",
 *      "constraint": {"type": "AllowedValues", "interval": [[1, 8]]}},
 *     {"name": "mode", "type": "Category", "optional": true,
 *      "constraint": {"type": "AllowedTokens", "value": ["soft", "hard"]}}]}
 *
 * Served: Boolean, Text, Category, Count, Quantity, Time, CountRange, QuantityRange, TimeRange and
 * DataRecord inside DataRecord. A field is asked for unless it is `optional` or has a `value`,
 * which then stands for it. Units stand in the record; a Task gives bare values in them.
 *
 * All texts are checked JSON (sta_json_check()). Refusals name the field.
 */
#ifndef SENSORTHINGS_TASKING_H
#define SENSORTHINGS_TASKING_H

#include "base/arena.h"
#include "base/buf.h"
#include "sensorthings/create.h"

enum {
    STA_TASKING_FIELDS_MAX = 64, /* of one record */
    STA_TASKING_DEPTH_MAX = 4,   /* records inside records */
    STA_TASKS_MAX = 1000,        /* of one TaskingCapability; the oldest go, the ledger keeps all */
};

/* Is it a DataRecord that we can hold Tasks to? 400, and 501 for a type that is not served. */
enum err sta_tasking_check(struct bytes record, struct arena *arena,
                           struct sta_error *error) MUST_USE;

/* Does the object `values` give what the record asks for, and nothing else? `record` passed
 * sta_tasking_check(). 400. */
enum err sta_task_check(struct bytes record, struct bytes values, struct arena *arena,
                        struct sta_error *error) MUST_USE;

/*
 * Checked values as the parameters of a command: "hold-s 5\nphase 3\n", in order of names, each a
 * name and a whole number (grant/lease.h); true is 1. Defaults of the record are in it. 400 for a
 * value that no command can carry.
 */
enum err sta_task_parameters(struct bytes record, struct bytes values, struct arena *arena,
                             struct buf *out, struct sta_error *error) MUST_USE;

/* ---- the Task itself ------------------------------------------------------------------------ */

/*
 * Plan a new Task: `values` as they came, `properties` an object of ours (what became of it). It
 * belongs to the owner of its capability. When the capability has STA_TASKS_MAX, the oldest go.
 * *out is one plan of create.h. 413.
 */
enum err sta_plan_task(struct sta_graph *g, uint64_t capability, struct bytes values,
                       struct bytes properties, int64_t now_us, struct arena *arena,
                       struct sta_plan *out, struct sta_error *error) MUST_USE;

/* Plan other properties for a Task that is there. */
enum err sta_plan_task_properties(struct sta_graph *g, uint64_t id, struct bytes properties,
                                  struct arena *arena, struct sta_plan *out,
                                  struct sta_error *error) MUST_USE;

#endif
