/*
 * tree.h -- RFC 6962 section 2.1 Merkle tree hashing, proofs and their verification. Pure.
 *
 * Only hashes of complete subtrees are ever stored; node (level, index) covers the leaves
 * index * 2^level to (index + 1) * 2^level - 1. They stand in one file in the order in which they
 * become complete: leaf 0, leaf 1, node (1, 0), leaf 2, leaf 3, node (1, 1), node (2, 0), leaf 4
 * ... so that the file only grows and its first tree_stored_count(size) hashes belong to `size`
 * leaves. Everything else (roots, proofs, tiles) is answered from them through a tree_read_fn.
 */
#ifndef LEDGER_TREE_H
#define LEDGER_TREE_H

#include "base/base.h"

enum {
    TREE_HASH_SIZE = 32,
    TREE_LEVELS_MAX = 56, /* levels of a tree: sizes up to 2^55 - 1 */
    TREE_PROOF_MAX = 63,
};
#define TREE_SIZE_MAX ((UINT64_C(1) << 55) - 1)

struct tree_hash {
    uint8_t b[TREE_HASH_SIZE];
};

void tree_hash_leaf(struct bytes entry, struct tree_hash *out);
void tree_hash_node(const struct tree_hash *left, const struct tree_hash *right,
                    struct tree_hash *out);
static inline bool
tree_hash_equal(const struct tree_hash *a, const struct tree_hash *b)
{
    return memcmp(a->b, b->b, TREE_HASH_SIZE) == 0;
}

/* The right edge of a growing tree: the roots of its complete subtrees, largest first in the tree.
 */
struct tree_edge {
    uint64_t size;
    struct tree_hash roots[TREE_LEVELS_MAX]; /* [level] counts when bit `level` of size is set */
};

/*
 * Append one leaf. out[0 .. result-1] are the hashes that are complete now, in the order in which
 * they are stored: the leaf, then its ancestors upward.
 */
uint32_t tree_edge_append(struct tree_edge *edge, const struct tree_hash *leaf,
                          struct tree_hash out[static TREE_LEVELS_MAX]);
/* The root; of an empty tree SHA-256 of nothing. */
void tree_edge_root(const struct tree_edge *edge, struct tree_hash *out);

/* How many hashes are stored for `size` leaves, and where node (level, index) stands among them. */
uint64_t tree_stored_count(uint64_t size);
uint64_t tree_stored_position(uint32_t level, uint64_t index);

/* Reads one stored node that is complete in the tree in question. */
typedef enum err tree_read_fn(void *ctx, uint32_t level, uint64_t index, struct tree_hash *out);
struct tree_reader {
    tree_read_fn *read;
    void *ctx;
};

/* The edge, and by it the root, of the first `size` leaves. */
enum err tree_read_edge(const struct tree_reader *r, uint64_t size, struct tree_edge *out) MUST_USE;

struct tree_proof {
    struct tree_hash hashes[TREE_PROOF_MAX];
    uint32_t count;
};

/* RFC 6962 2.1.1 and 2.1.2. ERR_NOT_FOUND unless index < size, or old_size <= new_size. */
enum err tree_prove_inclusion(const struct tree_reader *r, uint64_t index, uint64_t size,
                              struct tree_proof *out) MUST_USE;
enum err tree_prove_consistency(const struct tree_reader *r, uint64_t old_size, uint64_t new_size,
                                struct tree_proof *out) MUST_USE;

/* RFC 9162 2.1.3.2 and 2.1.4.2. ERR_CRYPTO when the proof does not hold. */
enum err tree_verify_inclusion(const struct tree_hash *leaf, uint64_t index, uint64_t size,
                               const struct tree_proof *proof,
                               const struct tree_hash *root) MUST_USE;
enum err tree_verify_consistency(uint64_t old_size, const struct tree_hash *old_root,
                                 uint64_t new_size, const struct tree_hash *new_root,
                                 const struct tree_proof *proof) MUST_USE;

#endif
