/*
 * index.h -- inside this folder: which entities may pass a filter, without looking at all of them.
 *
 * One hash table over the graph's entities, kept with every change. It holds
 *   - each text or number that stands in a property or in a member of a property's object
 *     (name, definition, properties/owner; a text of at most STA_INDEX_TEXT_MAX bytes), and
 *   - the cells of a grid of 0.01 degrees that the box around a geometry touches (location,
 * feature, observedArea); what touches more than STA_INDEX_CELLS_MAX stands in one list of large
 * ones.
 *
 * I1  An answer is a superset: everything that passes the filter is in it. Whoever asks evaluates
 *     the filter on each of them, under the rights as always.
 * I2  What is in the table is what the graph's entities say; memory counts in graph.bytes.
 */
#ifndef SENSORTHINGS_INDEX_H
#define SENSORTHINGS_INDEX_H

#include "sensorthings/filter.h"
#include "sensorthings/model.h"

enum {
    STA_INDEX_TEXT_MAX = 256,
    STA_INDEX_CELLS_MAX = 16,    /* of one entity */
    STA_INDEX_LOOKED_AT = 16384, /* cells of one question; beyond, all entities are looked at */
    STA_INDEX_WORTH_IT = 64,     /* entities of the type; fewer are looked at one by one */
};

void sta_index_add(struct sta_graph *g, const struct sta_entity *e);
void sta_index_remove(struct sta_graph *g, const struct sta_entity *e);
void sta_index_fini(struct sta_graph *g);

/*
 * Ids of this type that may pass, ascending, each once, in the arena. False: the index does not
 * know, look at all.
 */
bool sta_index_candidates(const struct sta_graph *g, enum sta_type type,
                          const struct sta_expr *filter, struct arena *arena,
                          struct sta_ids *out) MUST_USE;

/* What stands under a key; for index_ask.c. `each` answers false to end. */
typedef bool sta_index_fn(void *ctx, uint64_t id);
bool sta_index_each(const struct sta_graph *g, uint64_t key, sta_index_fn *each, void *ctx);

/* Keys, with the type and the property in them. `member`: of the property's object, or empty. */
uint64_t sta_index_text_key(enum sta_type type, int property, struct bytes member,
                            struct bytes text);
uint64_t sta_index_number_key(enum sta_type type, int property, struct bytes member, double number);
uint64_t sta_index_cell_key(enum sta_type type, int property, int32_t x, int32_t y);
uint64_t sta_index_large_key(enum sta_type type, int property);
/* The index of the property that holds a geometry; -1: none does. */
int sta_index_geometry(enum sta_type type);
/* The column or row of the grid that a coordinate lies in. */
int32_t sta_index_cell(double degrees);

#endif
