/*
 * query.h -- query options (18-088 section 9.3): text to values, nothing evaluated.
 *
 * Percent-decoded once; '+' is a space. An option twice, an unknown option or a bad value is 400;
 * what the standard has and we do not yet is 501 with a sentence. Everything lives in the arena.
 */
#ifndef SENSORTHINGS_QUERY_H
#define SENSORTHINGS_QUERY_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "sensorthings/filter.h"
#include "sensorthings/model.h"

enum {
    STA_QUERY_BYTES_MAX = 8 * 1024, /* before decoding */
    STA_TOP_DEFAULT = 100,
    STA_TOP_MAX = 1000, /* of a page; a larger $top is cut into pages */
    STA_SKIP_MAX = 100000,
    STA_ORDER_KEYS_MAX = 4,
    STA_EXPAND_MAX = 16,      /* items in one list */
    STA_EXPAND_DEPTH_MAX = 4, /* Datastreams/Observations is 2 */
    STA_CURSOR_BYTES_MAX = 2 * 1024,
};

struct sta_order_key {
    const struct sta_expr *expr; /* a path */
    bool descending;
};

struct sta_query;

struct sta_expand {
    uint8_t relation;        /* of the type that the query is about */
    struct sta_query *query; /* for the entities expanded; never NULL */
    struct sta_expand *next;
};

struct sta_query {
    enum sta_type type;
    bool has_top, has_skip, has_select, count, data_array;
    uint64_t top; /* as asked; pages are cut at STA_TOP_MAX */
    uint64_t skip;
    uint32_t select;           /* bit set over the type's properties */
    uint32_t select_relations; /* bit set over the type's relations */
    bool select_id;
    struct sta_order_key order[STA_ORDER_KEYS_MAX];
    uint32_t order_count;
    bool order_implicit;           /* Observations without $orderby come by phenomenonTime */
    const struct sta_expr *filter; /* NULL: none */
    struct sta_expand *expand;
    /* The position after which this page starts; values for each order key, then the id. */
    bool has_cursor;
    struct sta_value cursor[STA_ORDER_KEYS_MAX];
    uint64_t cursor_id;
};

/* Parse what stands behind '?' (may be empty) for entities of this type. `text` must outlive it. */
enum err sta_query_parse(struct bytes text, enum sta_type type, struct arena *arena,
                         struct sta_query *out, struct sta_error *error) MUST_USE;

/* The names of all options, for those who describe the service; NULL behind the last. */
const char *sta_option_name(uint32_t index);

/* All options but $skip and the cursor, canonical and percent-encoded, without '?'. For nextLink.
 */
void sta_query_print(const struct sta_query *query, struct buf *out);

/* The cursor behind a row, as the value of $skiptoken: opaque to clients, read strictly. */
void sta_cursor_print(const struct sta_value *keys, uint32_t count, uint64_t id, struct buf *out);

/* Percent-decode into the arena; `plus` makes '+' a space. ERR_MALFORMED on a bad escape, NUL or
 * invalid UTF-8; ERR_LIMIT. */
enum err sta_percent_decode(struct bytes text, bool plus, struct arena *arena,
                            struct bytes *out) MUST_USE;
void sta_percent_encode(struct buf *out, struct bytes text);

#endif
