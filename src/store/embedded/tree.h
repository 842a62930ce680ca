/*
 * tree.h -- the frontier of a Merkle tree (RFC 6962 section 2.1): enough to add and to know the
 * root.
 */
#ifndef STORE_EMBEDDED_TREE_H
#define STORE_EMBEDDED_TREE_H

#include "base/base.h"

enum { TREE_HASH_SIZE = 32, TREE_LEVELS = 48 };

struct tree {
    uint64_t size;
    uint8_t node[TREE_LEVELS][TREE_HASH_SIZE]; /* node[i] counts when bit i of size is set */
};

/*
 * What a leaf says of a decision: SHA-256(key, 32 zeros, words). The key fills a block, so it is
 * hashed once (BLAKE2b with a key takes six times as long for a decision). Nobody is shown more
 * than the hash of it, so that a hash can be lengthened does not matter here.
 */
struct commitment_key {
    uint32_t state[8];
};
void commitment_key(struct commitment_key *out, const uint8_t key[static 32]);
void commitment(const struct commitment_key *key, struct bytes words, uint8_t out[static 32]);

/* SHA-256(0x00, entry): the leaf of an entry of 32 bytes. */
void tree_leaf(uint8_t out[static 32], const uint8_t entry[static 32]);
void tree_add(struct tree *t, const uint8_t leaf[static 32]);
void tree_root(const struct tree *t, uint8_t out[static 32]);
bool tree_equal(const struct tree *a, const struct tree *b);

#endif
