#include "sensorthings/index.h"

#include <math.h>

#include "base/hash.h"
#include "base/text.h"
#include "sensorthings/json.h"

#define CELL_DEGREES 0.01

enum {
    FIRST_BUCKETS = 1024,
    SPACE_BYTES = 1024 * 1024, /* a geometry of the largest entity */
};

struct sta_index_node {
    uint64_t key;
    uint64_t id;
    uint32_t next; /* in the bucket, or of the free ones; 0: the last */
};

/* ---- keys ---------------------------------------------------------------------------------- */

/* At the end of a hash: keys fill a table, and a false match only costs a look. */
static uint64_t
mix(uint64_t h)
{
    h = (h ^ h >> 32) * 0xd6e8feb86659fd93;
    return h ^ h >> 32;
}

static uint64_t
hash_of(enum sta_type type, int property, uint8_t what, struct bytes member)
{
    uint8_t head[3] = {(uint8_t)type, (uint8_t)property, what};
    return hash_bytes(hash_bytes(HASH_START, bytes_of(head, sizeof(head))), member);
}

uint64_t
sta_index_text_key(enum sta_type type, int property, struct bytes member, struct bytes text)
{
    return mix(hash_bytes(hash_byte(hash_of(type, property, 't', member), 0), text));
}

uint64_t
sta_index_number_key(enum sta_type type, int property, struct bytes member, double number)
{
    number += 0.0; /* -0 is 0 */
    return mix(hash_bytes(hash_of(type, property, 'n', member), bytes_of(&number, sizeof(number))));
}

uint64_t
sta_index_cell_key(enum sta_type type, int property, int32_t x, int32_t y)
{
    int32_t at[2] = {x, y};
    return mix(
        hash_bytes(hash_of(type, property, 'c', (struct bytes){0}), bytes_of(at, sizeof(at))));
}

uint64_t
sta_index_large_key(enum sta_type type, int property)
{
    return mix(hash_of(type, property, 'l', (struct bytes){0}));
}

int
sta_index_geometry(enum sta_type type)
{
    switch (type) {
    case STA_LOCATION:
        return sta_property_index(type, bytes_text("location"));
    case STA_FEATURE_OF_INTEREST:
        return sta_property_index(type, bytes_text("feature"));
    case STA_DATASTREAM: /* their observedArea is worked out: area.h */
    case STA_MULTI_DATASTREAM:
    case STA_NONE:
    case STA_THING:
    case STA_HISTORICAL_LOCATION:
    case STA_SENSOR:
    case STA_OBSERVED_PROPERTY:
    case STA_OBSERVATION:
    case STA_ACTUATOR:
    case STA_TASKING_CAPABILITY:
    case STA_TASK:
    case STA_TYPE_COUNT:
        break;
    }
    return -1;
}

int32_t
sta_index_cell(double degrees)
{
    return (int32_t)floor(degrees / CELL_DEGREES);
}

/* ---- the table ------------------------------------------------------------------------------ */

static void
grow_buckets(struct sta_graph *g)
{
    struct sta_index *x = &g->index;
    uint32_t count = x->buckets_count ? x->buckets_count * 2 : FIRST_BUCKETS;
    uint32_t *buckets = calloc(count, sizeof(*buckets));
    ASSERT(buckets); /* within the limits that were set at start */
    for (uint32_t i = 0; i < x->buckets_count; i++)
        for (uint32_t at = x->buckets[i], next; at; at = next) {
            struct sta_index_node *n = &x->nodes[at];
            next = n->next;
            n->next = buckets[n->key & (count - 1)];
            buckets[n->key & (count - 1)] = at;
        }
    g->bytes += (count - x->buckets_count) * sizeof(*buckets);
    free(x->buckets);
    x->buckets = buckets;
    x->buckets_count = count;
}

static uint32_t
take_node(struct sta_graph *g)
{
    struct sta_index *x = &g->index;
    if (x->free) {
        uint32_t at = x->free;
        x->free = x->nodes[at].next;
        return at;
    }
    if (x->nodes_count == x->nodes_capacity) {
        uint32_t capacity = x->nodes_capacity ? x->nodes_capacity * 2 : FIRST_BUCKETS;
        struct sta_index_node *nodes = realloc(x->nodes, capacity * sizeof(*nodes));
        ASSERT(nodes);
        g->bytes += (capacity - x->nodes_capacity) * sizeof(*nodes);
        x->nodes = nodes;
        x->nodes_capacity = capacity;
        x->nodes_count += x->nodes_count == 0; /* 0 is nobody */
    }
    return x->nodes_count++;
}

static void
insert(struct sta_graph *g, uint64_t key, uint64_t id)
{
    struct sta_index *x = &g->index;
    if (x->used >= x->buckets_count)
        grow_buckets(g);
    uint32_t at = take_node(g);
    uint32_t *bucket = &x->buckets[key & (x->buckets_count - 1)];
    x->nodes[at] = (struct sta_index_node){key, id, *bucket};
    *bucket = at;
    x->used++;
}

static void
erase(struct sta_graph *g, uint64_t key, uint64_t id)
{
    struct sta_index *x = &g->index;
    uint32_t *link = x->buckets_count ? &x->buckets[key & (x->buckets_count - 1)] : NULL;
    while (link && *link) {
        struct sta_index_node *n = &x->nodes[*link];
        if (n->key == key && n->id == id) {
            uint32_t at = *link;
            *link = n->next;
            n->next = x->free;
            x->free = at;
            x->used--;
            return;
        }
        link = &n->next;
    }
    ASSERT(!"an entity is taken out that was never put in");
}

bool
sta_index_each(const struct sta_graph *g, uint64_t key, sta_index_fn *each, void *ctx)
{
    const struct sta_index *x = &g->index;
    uint32_t at = x->buckets_count ? x->buckets[key & (x->buckets_count - 1)] : 0;
    for (; at; at = x->nodes[at].next)
        if (x->nodes[at].key == key && !each(ctx, x->nodes[at].id))
            return false;
    return true;
}

void
sta_index_fini(struct sta_graph *g)
{
    struct sta_index *x = &g->index;
    free(x->buckets);
    free(x->nodes);
    arena_fini(&x->space);
    *x = (struct sta_index){0};
}

/* ---- an entity's keys ------------------------------------------------------------------------ */

struct keys {
    struct sta_graph *g;
    const struct sta_entity *e;
    void (*act)(struct sta_graph *g, uint64_t key, uint64_t id);
};

static void
value_keys(const struct keys *k, int property, struct bytes member, struct bytes json)
{
    struct bytes text;
    double number;
    enum sta_json_kind kind = sta_json_kind(json);
    arena_reset(&k->g->index.space);
    if (kind == STA_JSON_NUMBER && text_double(json, &number) == OK)
        k->act(k->g, sta_index_number_key(k->e->type, property, member, number), k->e->id);
    else if (kind == STA_JSON_TEXT && sta_json_text(json, &k->g->index.space, &text) == OK &&
             text.len <= STA_INDEX_TEXT_MAX)
        k->act(k->g, sta_index_text_key(k->e->type, property, member, text), k->e->id);
}

static void
geometry_keys(const struct keys *k, int property, struct bytes json)
{
    struct sta_geometry at;
    arena_reset(&k->g->index.space);
    enum err e = sta_geometry_json(json, &k->g->index.space, &at);
    if (e != OK && e != ERR_LIMIT)
        return; /* no geometry: no function holds for it */
    if (e == OK) {
        int32_t x0 = sta_index_cell(at.low.x), x1 = sta_index_cell(at.high.x);
        int32_t y0 = sta_index_cell(at.low.y), y1 = sta_index_cell(at.high.y);
        if ((int64_t)(x1 - x0 + 1) * (y1 - y0 + 1) <= STA_INDEX_CELLS_MAX) {
            for (int32_t x = x0; x <= x1; x++)
                for (int32_t y = y0; y <= y1; y++)
                    k->act(k->g, sta_index_cell_key(k->e->type, property, x, y), k->e->id);
            return;
        }
    }
    k->act(k->g, sta_index_large_key(k->e->type, property), k->e->id);
}

static void
entity_keys(const struct keys *k)
{
    const struct sta_type_info *info = sta_type_info(k->e->type);
    int geometry = sta_index_geometry(k->e->type);
    if (!k->g->index.space.p)
        arena_init(&k->g->index.space, SPACE_BYTES);
    for (uint32_t i = 0; i < info->properties_count; i++) {
        struct bytes value = k->e->property[i], member, of;
        if (value.len == 0)
            continue;
        if ((int)i == geometry) {
            geometry_keys(k, geometry, value);
            continue;
        }
        value_keys(k, (int)i, (struct bytes){0}, value);
        struct sta_json_walk w = {value, 0};
        bool object = sta_json_kind(value) == STA_JSON_OBJECT;
        while (object && sta_json_next_member(&w, &member, &of))
            value_keys(k, (int)i, member, of);
    }
}

void
sta_index_add(struct sta_graph *g, const struct sta_entity *e)
{
    entity_keys(&(struct keys){g, e, insert});
}

void
sta_index_remove(struct sta_graph *g, const struct sta_entity *e)
{
    entity_keys(&(struct keys){g, e, erase});
}
