/*
 * root.h -- inside this folder: answers that hold no row: the service root, and what describes the
 * service. All of it is made from the tables of model.c and query.c.
 */
#ifndef SENSORTHINGS_ROOT_H
#define SENSORTHINGS_ROOT_H

#include "sensorthings/answer.h"

/* Whether the set is part of the service here. */
bool sta_set_shown(const struct sta_view *view, enum sta_type type);
void sta_root_put(const struct sta_view *view, struct buf *out);
/* OpenAPI 3.0.3. */
void sta_openapi_put(const struct sta_view *view, struct buf *out);

#endif
