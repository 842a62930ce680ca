/*
 * tree.h -- who subscribed to what: a trie of filters, one node a level.
 *
 * A node that ends a filter carries two numbers of its owner's: the heads of a list of
 * subscriptions and of a list of groups that share. Publishing walks only what can match: the level
 * itself, '+' and '#'. With 100,000 filters a match costs what its levels cost, about a microsecond
 * (tree_test.c counts the nodes visited).
 *
 * T1  tree_match() visits exactly the nodes whose filter matches, each once.
 * T2  A node without numbers and without children is gone: what was unsubscribed costs nothing.
 */
#ifndef BROKER_TREE_H
#define BROKER_TREE_H

#include "base/base.h"
#include "broker/budget.h"

enum {
    TREE_NODES_MAX = 262144,
    TREE_LEVELS_MAX = 32, /* of a filter; a topic may have more, only '#' matches them */
    TREE_BUCKETS = 131072,
};

struct tree_node {
    uint8_t *text; /* of the level */
    uint32_t text_len;
    uint32_t parent;
    uint32_t plus, hash;    /* children that are wildcards; 0: none */
    uint32_t children;      /* all of them */
    uint32_t value, groups; /* the owner's; both 0: no filter ends here */
    uint32_t next;          /* in the hash chain, or in the free list */
};

struct tree {
    struct tree_node *node; /* [TREE_NODES_MAX]; 0 is the root */
    uint32_t *bucket;       /* [TREE_BUCKETS] */
    uint32_t high, free, count;
    uint64_t seed; /* of the hash: random, so that nobody can choose collisions */
    uint64_t visited;
    struct budget *budget;
};

/* Takes its tables at once (untouched pages cost nothing); the texts come from the budget. */
void tree_init(struct tree *t, struct budget *budget, uint64_t seed);
void tree_fini(struct tree *t);

/* The node of a filter (checked before: mqtt_topic_is_filter), made if it is not there. ERR_LIMIT:
 * too many nodes, levels or bytes; nothing was made. */
enum err tree_insert(struct tree *t, struct bytes filter, uint32_t *out_node) MUST_USE;
/* 0: there is none. */
uint32_t tree_find(const struct tree *t, struct bytes filter);
/* After the numbers of a node became 0: take away what nobody needs any more. */
void tree_prune(struct tree *t, uint32_t node);

/* Every node whose filter matches the topic. `each` must not change the tree. */
typedef void tree_match_fn(void *ctx, const struct tree_node *node);
void tree_match(struct tree *t, struct bytes topic, tree_match_fn *each, void *ctx);

#endif
