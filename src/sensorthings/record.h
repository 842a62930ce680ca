/*
 * record.h -- inside this folder: the record of an entity, and changing the graph.
 *
 * A record is one JSON object of ours: "@owner", "@class", the properties as the client wrote
 * them, and "@links" with the stored relations as lists of ids.
 */
#ifndef SENSORTHINGS_RECORD_H
#define SENSORTHINGS_RECORD_H

#include "base/buf.h"
#include "sensorthings/model.h"

#define STA_RECORD_OWNER "@owner"
#define STA_RECORD_CLASS "@class"
#define STA_RECORD_LINKS "@links"

void sta_record_write(struct buf *out, enum sta_type type, struct bytes owner,
                      struct bytes class_name,
                      const struct bytes property[static STA_PROPERTIES_MAX],
                      const struct sta_ids links[static STA_RELATIONS_MAX]);

/* True if so many more entities and bytes stay within the graph's limits. */
bool sta_graph_fits(const struct sta_graph *g, uint32_t entities, uint64_t bytes);

/* Insert or replace from a record of ours; the caller then calls sta_entity_link() for each. */
struct sta_entity *sta_entity_put(struct sta_graph *g, enum sta_type type, uint64_t id,
                                  struct bytes record);
enum err sta_entity_link(struct sta_graph *g, struct sta_entity *e) MUST_USE;
void sta_entity_drop(struct sta_graph *g, enum sta_type type, uint64_t id);

#endif
