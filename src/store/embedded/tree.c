/* The low-level SHA-256 calls cost no fetch and no allocation for each of a million hashes. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "store/embedded/tree.h"

#include <openssl/sha.h>

static void
hash(uint8_t out[static 32], uint8_t prefix, struct bytes a, struct bytes b)
{
    SHA256_CTX c;
    SHA256_Init(&c);
    SHA256_Update(&c, &prefix, 1);
    SHA256_Update(&c, a.p, a.len);
    if (b.len)
        SHA256_Update(&c, b.p, b.len);
    SHA256_Final(out, &c);
}

void
tree_leaf(uint8_t out[static 32], const uint8_t entry[static 32])
{
    hash(out, 0, bytes_of(entry, TREE_HASH_SIZE), (struct bytes){0});
}

static void
join(uint8_t out[static 32], const uint8_t left[static 32], const uint8_t right[static 32])
{
    hash(out, 1, bytes_of(left, TREE_HASH_SIZE), bytes_of(right, TREE_HASH_SIZE));
}

void
tree_add(struct tree *t, const uint8_t leaf[static 32])
{
    uint8_t carry[TREE_HASH_SIZE];
    memcpy(carry, leaf, sizeof carry);
    size_t level = 0;
    for (; t->size >> level & 1; level++) {
        ASSERT(level < TREE_LEVELS);
        join(carry, t->node[level], carry);
    }
    ASSERT(level < TREE_LEVELS);
    memcpy(t->node[level], carry, sizeof carry);
    t->size++;
}

void
tree_root(const struct tree *t, uint8_t out[static 32])
{
    if (t->size == 0) {
        SHA256_CTX c;
        SHA256_Init(&c);
        SHA256_Final(out, &c);
        return;
    }
    bool have = false;
    for (size_t level = 0; level < TREE_LEVELS; level++) {
        if (!(t->size >> level & 1))
            continue;
        if (have)
            join(out, t->node[level], out);
        else
            memcpy(out, t->node[level], TREE_HASH_SIZE);
        have = true;
    }
}

bool
tree_equal(const struct tree *a, const struct tree *b)
{
    uint8_t ra[TREE_HASH_SIZE];
    uint8_t rb[TREE_HASH_SIZE];
    tree_root(a, ra);
    tree_root(b, rb);
    return a->size == b->size && memcmp(ra, rb, sizeof ra) == 0;
}
