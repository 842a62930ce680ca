/*
 * trie.h -- who subscribed to what: a trie of filters, one node a level.
 *
 * A node that ends a filter carries two numbers of its owner's: the heads of a list of
 * subscriptions and of a list of groups that share. Publishing walks only what can match: the level
 * itself, '+' and '#'. With 100,000 filters a match costs what its levels cost (trie_test.c counts
 * the nodes visited).
 *
 * T1  trie_match() visits exactly the nodes whose filter matches, each once.
 * T2  A node without numbers and without children is gone: what was unsubscribed costs nothing.
 */
#ifndef BROKER_TRIE_H
#define BROKER_TRIE_H

#include "base/base.h"
#include "broker/budget.h"

enum {
    TRIE_NODES_MAX = 262144,
    TRIE_LEVELS_MAX = 32, /* of a filter; a topic may have more, only '#' matches them */
    TRIE_BUCKETS = 131072,
};

struct trie_node {
    uint8_t *text; /* of the level */
    uint32_t text_len;
    uint32_t parent;
    uint32_t plus, hash;    /* children that are wildcards; 0: none */
    uint32_t children;      /* all of them */
    uint32_t value, groups; /* the owner's; both 0: no filter ends here */
    uint32_t next;          /* in the hash chain, or in the free list */
};

struct trie {
    struct trie_node *node; /* [TRIE_NODES_MAX]; 0 is the root */
    uint32_t *bucket;       /* [TRIE_BUCKETS] */
    uint32_t high, free, count, nodes_max;
    uint64_t seed; /* of the hash: random, so that nobody can choose collisions */
    uint64_t visited;
    struct budget *budget;
};

/* Takes its tables at once (untouched pages cost nothing); the texts come from the budget. */
void trie_init(struct trie *t, struct budget *budget, uint64_t seed, uint32_t nodes_max);
void trie_fini(struct trie *t);

/* The node of a filter (checked before: mqtt_topic_is_filter), made if it is not there. ERR_LIMIT:
 * too many nodes, levels or bytes; nothing was made. */
enum err trie_add(struct trie *t, struct bytes filter, uint32_t *out_node) MUST_USE;
/* 0: there is none. */
uint32_t trie_find(const struct trie *t, struct bytes filter);
/* After the numbers of a node became 0: take away what nobody needs any more. */
void trie_prune(struct trie *t, uint32_t node);

/* Every node whose filter matches the topic. `each` must not change the tree. */
typedef void trie_match_fn(void *ctx, const struct trie_node *node);
void trie_match(struct trie *t, struct bytes topic, trie_match_fn *each, void *ctx);

#endif
