#include "broker/trie.h"

#include "base/hash.h"
#include "mqtt/topic.h"

void
trie_init(struct trie *t, struct budget *budget, uint64_t seed, uint32_t nodes_max)
{
    ASSERT(nodes_max > 1 && nodes_max <= TRIE_NODES_MAX);
    *t = (struct trie){.high = 1, .seed = seed, .budget = budget, .nodes_max = nodes_max};
    t->node = calloc(nodes_max, sizeof(*t->node));
    t->bucket = calloc(TRIE_BUCKETS, sizeof(*t->bucket));
    ASSERT(t->node && t->bucket);
}

void
trie_fini(struct trie *t)
{
    for (uint32_t i = 1; i < t->high; i++)
        budget_give(t->budget, t->node[i].text, t->node[i].text_len + 1);
    free(t->node);
    free(t->bucket);
}

/* FNV-1a over the parent and the level, begun with a number that nobody outside knows. */
static uint32_t
bucket_of(const struct trie *t, uint32_t parent, struct bytes level)
{
    uint64_t h = hash_bytes((t->seed ^ parent) * 0x9E3779B97F4A7C15u, level);
    h ^= h >> 29;
    h *= 0xBF58476D1CE4E5B9u;
    return (uint32_t)(h >> 40) % TRIE_BUCKETS;
}

static bool
is_one(struct bytes level, uint8_t c)
{
    return level.len == 1 && level.p[0] == c;
}

static uint32_t
child_of(const struct trie *t, uint32_t parent, struct bytes level)
{
    if (is_one(level, '+'))
        return t->node[parent].plus;
    if (is_one(level, '#'))
        return t->node[parent].hash;
    uint32_t i = t->bucket[bucket_of(t, parent, level)];
    while (i && (t->node[i].parent != parent ||
                 !bytes_equal(bytes_of(t->node[i].text, t->node[i].text_len), level)))
        i = t->node[i].next;
    return i;
}

static uint32_t
make_child(struct trie *t, uint32_t parent, struct bytes level)
{
    if (!t->free && t->high == t->nodes_max)
        return 0;
    uint8_t *text = budget_take(t->budget, level.len + 1);
    if (!text)
        return 0;
    if (level.len)
        memcpy(text, level.p, level.len);
    uint32_t i = t->free ? t->free : t->high++;
    if (t->free)
        t->free = t->node[i].next;
    t->node[i] =
        (struct trie_node){.text = text, .text_len = (uint32_t)level.len, .parent = parent};
    t->node[parent].children++;
    t->count++;
    if (is_one(level, '+')) {
        t->node[parent].plus = i;
    } else if (is_one(level, '#')) {
        t->node[parent].hash = i;
    } else {
        uint32_t *bucket = &t->bucket[bucket_of(t, parent, level)];
        t->node[i].next = *bucket;
        *bucket = i;
    }
    return i;
}

static void
drop_node(struct trie *t, uint32_t i)
{
    struct trie_node *n = &t->node[i];
    struct trie_node *parent = &t->node[n->parent];
    if (parent->plus == i) {
        parent->plus = 0;
    } else if (parent->hash == i) {
        parent->hash = 0;
    } else {
        uint32_t *at = &t->bucket[bucket_of(t, n->parent, bytes_of(n->text, n->text_len))];
        while (*at != i)
            at = &t->node[*at].next;
        *at = n->next;
    }
    parent->children--;
    budget_give(t->budget, n->text, n->text_len + 1);
    *n = (struct trie_node){.next = t->free};
    t->free = i;
    t->count--;
}

void
trie_prune(struct trie *t, uint32_t node)
{
    while (node && !t->node[node].value && !t->node[node].groups && !t->node[node].children) {
        uint32_t parent = t->node[node].parent;
        drop_node(t, node);
        node = parent;
    }
}

enum err
trie_add(struct trie *t, struct bytes filter, uint32_t *out_node)
{
    struct mqtt_levels levels = mqtt_levels_of(filter);
    struct bytes level;
    uint32_t at = 0, depth = 0;
    while (mqtt_level_next(&levels, &level)) {
        uint32_t child = ++depth > TRIE_LEVELS_MAX ? 0 : child_of(t, at, level);
        if (!child && depth <= TRIE_LEVELS_MAX)
            child = make_child(t, at, level);
        if (!child) {
            trie_prune(t, at);
            return ERR_LIMIT;
        }
        at = child;
    }
    *out_node = at;
    return OK;
}

uint32_t
trie_find(const struct trie *t, struct bytes filter)
{
    struct mqtt_levels levels = mqtt_levels_of(filter);
    struct bytes level;
    uint32_t at = 0;
    while (mqtt_level_next(&levels, &level)) {
        at = child_of(t, at, level);
        if (!at)
            return 0;
    }
    return at;
}

struct walk {
    struct trie *tree;
    trie_match_fn *each;
    void *ctx;
};

static void
visit(const struct walk *w, uint32_t node)
{
    const struct trie_node *n = &w->tree->node[node];
    if (node && (n->value || n->groups))
        w->each(w->ctx, n);
}

/* `levels` stands behind the level that led to `node`. Depth: TRIE_LEVELS_MAX, as deep as filters.
 */
static void
walk_from(const struct walk *w, uint32_t node, struct mqtt_levels levels, bool wild)
{
    const struct trie_node *n = &w->tree->node[node];
    struct bytes level;
    w->tree->visited++;
    if (wild)
        visit(w, n->hash); /* '#' matches the level before it too */
    if (!mqtt_level_next(&levels, &level)) {
        visit(w, node);
        return;
    }
    if (n->plus && wild)
        walk_from(w, n->plus, levels, true);
    uint32_t same = is_one(level, '+') || is_one(level, '#') ? 0 : child_of(w->tree, node, level);
    if (same)
        walk_from(w, same, levels, true);
}

void
trie_match(struct trie *t, struct bytes topic, trie_match_fn *each, void *ctx)
{
    struct walk w = {t, each, ctx};
    bool hidden = topic.len && topic.p[0] == '$'; /* MQTT-4.7.2-1 */
    if (t->count)
        walk_from(&w, 0, mqtt_levels_of(topic), !hidden);
}
