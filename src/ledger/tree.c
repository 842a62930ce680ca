#include "ledger/tree.h"

#include <sodium.h>

_Static_assert(crypto_hash_sha256_BYTES == TREE_HASH_SIZE, "the tree's hash is SHA-256");

void
tree_hash_leaf(struct bytes entry, struct tree_hash *out)
{
    static const uint8_t leaf_prefix = 0x00;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, &leaf_prefix, 1);
    if (entry.len)
        crypto_hash_sha256_update(&state, entry.p, entry.len);
    crypto_hash_sha256_final(&state, out->b);
}

void
tree_hash_node(const struct tree_hash *left, const struct tree_hash *right, struct tree_hash *out)
{
    uint8_t joined[1 + 2 * TREE_HASH_SIZE] = {0x01};
    memcpy(joined + 1, left->b, TREE_HASH_SIZE);
    memcpy(joined + 1 + TREE_HASH_SIZE, right->b, TREE_HASH_SIZE);
    crypto_hash_sha256(out->b, joined, sizeof(joined));
}

uint32_t
tree_edge_append(struct tree_edge *edge, const struct tree_hash *leaf,
                 struct tree_hash out[static TREE_LEVELS_MAX])
{
    ASSERT(edge->size < TREE_SIZE_MAX);
    uint32_t count = 0;
    out[count++] = *leaf;
    uint32_t level = 0;
    for (; edge->size >> level & 1; level++) {
        tree_hash_node(&edge->roots[level], &out[count - 1], &out[count]);
        count++;
    }
    edge->roots[level] = out[count - 1];
    edge->size++;
    return count;
}

void
tree_edge_root(const struct tree_edge *edge, struct tree_hash *out)
{
    if (edge->size == 0) {
        crypto_hash_sha256(out->b, (const uint8_t *)"", 0);
        return;
    }
    bool any = false;
    struct tree_hash root;
    for (uint32_t level = 0; level < TREE_LEVELS_MAX; level++) {
        if (!(edge->size >> level & 1))
            continue;
        if (any)
            tree_hash_node(&edge->roots[level], &root, &root);
        else
            root = edge->roots[level];
        any = true;
    }
    *out = root;
}

uint64_t
tree_stored_count(uint64_t size)
{
    ASSERT(size <= TREE_SIZE_MAX);
    uint64_t count = 0;
    for (; size; size >>= 1)
        count += size;
    return count;
}

uint64_t
tree_stored_position(uint32_t level, uint64_t index)
{
    ASSERT(level < TREE_LEVELS_MAX && index < TREE_SIZE_MAX >> level);
    /* It becomes complete with its last leaf, and stands `level` places behind that. */
    uint64_t last_leaf = ((index + 1) << level) - 1;
    return tree_stored_count(last_leaf) + level;
}

/* The largest power of two below n, as its exponent; n > 1. */
static uint32_t
split_level(uint64_t n)
{
    ASSERT(n > 1);
    return 63U - (uint32_t)__builtin_clzll(n - 1);
}

/*
 * The edge over the leaves [from, to): complete subtrees, largest first. `from` is a multiple of
 * a power of two not below to - from, as every split of RFC 6962 makes it.
 */
static enum err
read_range(const struct tree_reader *r, uint64_t from, uint64_t to, struct tree_edge *out)
{
    struct tree_edge edge = {.size = to - from};
    uint64_t at = from;
    for (uint32_t i = TREE_LEVELS_MAX; i > 0; i--) {
        uint32_t level = i - 1;
        if (!(edge.size >> level & 1))
            continue;
        enum err e = r->read(r->ctx, level, at >> level, &edge.roots[level]);
        if (e != OK)
            return e;
        at += UINT64_C(1) << level;
    }
    *out = edge;
    return OK;
}

static enum err
add_range(const struct tree_reader *r, uint64_t from, uint64_t to, struct tree_proof *proof)
{
    ASSERT(proof->count < TREE_PROOF_MAX && from < to);
    struct tree_edge edge;
    enum err e = read_range(r, from, to, &edge);
    if (e == OK)
        tree_edge_root(&edge, &proof->hashes[proof->count++]);
    return e;
}

/* Proofs are gathered from the root down and told from the leaf up. */
static void
reverse(struct tree_proof *proof)
{
    for (uint32_t i = 0; i < proof->count / 2; i++) {
        struct tree_hash swap = proof->hashes[i];
        proof->hashes[i] = proof->hashes[proof->count - 1 - i];
        proof->hashes[proof->count - 1 - i] = swap;
    }
}

enum err
tree_read_edge(const struct tree_reader *r, uint64_t size, struct tree_edge *out)
{
    ASSERT(size <= TREE_SIZE_MAX);
    return read_range(r, 0, size, out);
}

enum err
tree_prove_inclusion(const struct tree_reader *r, uint64_t index, uint64_t size,
                     struct tree_proof *out)
{
    if (index >= size || size > TREE_SIZE_MAX)
        return ERR_NOT_FOUND;
    struct tree_proof proof = {.count = 0};
    uint64_t from = 0, to = size;
    while (to - from > 1) {
        uint64_t middle = from + (UINT64_C(1) << split_level(to - from));
        enum err e =
            index < middle ? add_range(r, middle, to, &proof) : add_range(r, from, middle, &proof);
        if (e != OK)
            return e;
        if (index < middle)
            to = middle;
        else
            from = middle;
    }
    reverse(&proof);
    *out = proof;
    return OK;
}

enum err
tree_prove_consistency(const struct tree_reader *r, uint64_t old_size, uint64_t new_size,
                       struct tree_proof *out)
{
    if (old_size > new_size || new_size > TREE_SIZE_MAX)
        return ERR_NOT_FOUND;
    struct tree_proof proof = {.count = 0};
    uint64_t from = 0, to = new_size;
    while (old_size > 0 && old_size != to) {
        uint64_t middle = from + (UINT64_C(1) << split_level(to - from));
        enum err e = old_size <= middle ? add_range(r, middle, to, &proof)
                                        : add_range(r, from, middle, &proof);
        if (e != OK)
            return e;
        if (old_size <= middle)
            to = middle;
        else
            from = middle;
    }
    /* The whole old tree is known to the verifier; a part of it is not. */
    if (from > 0) {
        enum err e = add_range(r, from, to, &proof);
        if (e != OK)
            return e;
    }
    reverse(&proof);
    *out = proof;
    return OK;
}

/* RFC 9162 2.1.3.2 step 4.3: to the next level at which this node has a sibling on the left. */
static void
climb(uint64_t *node, uint64_t *last)
{
    while (*node != 0 && !(*node & 1)) {
        *node >>= 1;
        *last >>= 1;
    }
}

enum err
tree_verify_inclusion(const struct tree_hash *leaf, uint64_t index, uint64_t size,
                      const struct tree_proof *proof, const struct tree_hash *root)
{
    ASSERT(proof->count <= TREE_PROOF_MAX);
    if (index >= size)
        return ERR_CRYPTO;
    uint64_t node = index, last = size - 1;
    struct tree_hash hash = *leaf;
    for (uint32_t i = 0; i < proof->count; i++) {
        if (last == 0)
            return ERR_CRYPTO;
        if (node & 1 || node == last) {
            tree_hash_node(&proof->hashes[i], &hash, &hash);
            climb(&node, &last);
        } else {
            tree_hash_node(&hash, &proof->hashes[i], &hash);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && tree_hash_equal(&hash, root) ? OK : ERR_CRYPTO;
}

/* The trivial cases of consistency: nothing grew, or everything is new. */
static enum err
verify_without_path(uint64_t old_size, const struct tree_hash *old_root, uint64_t new_size,
                    const struct tree_hash *new_root, const struct tree_proof *proof)
{
    if (proof->count != 0)
        return ERR_CRYPTO;
    struct tree_hash empty;
    tree_edge_root(&(struct tree_edge){.size = 0}, &empty);
    if (old_size == 0 && !tree_hash_equal(old_root, &empty))
        return ERR_CRYPTO;
    if (old_size == new_size && !tree_hash_equal(old_root, new_root))
        return ERR_CRYPTO;
    return OK;
}

enum err
tree_verify_consistency(uint64_t old_size, const struct tree_hash *old_root, uint64_t new_size,
                        const struct tree_hash *new_root, const struct tree_proof *proof)
{
    ASSERT(proof->count <= TREE_PROOF_MAX);
    if (old_size > new_size)
        return ERR_CRYPTO;
    if (old_size == 0 || old_size == new_size)
        return verify_without_path(old_size, old_root, new_size, new_root, proof);
    if (proof->count == 0)
        return ERR_CRYPTO;
    uint64_t node = old_size - 1, last = new_size - 1;
    while (node & 1) {
        node >>= 1;
        last >>= 1;
    }
    /* Of an old size that is a power of two, the first hash is the old root and not in the path. */
    bool whole = (old_size & (old_size - 1)) == 0;
    struct tree_hash old_hash = whole ? *old_root : proof->hashes[0], new_hash = old_hash;
    for (uint32_t i = whole ? 0 : 1; i < proof->count; i++) {
        const struct tree_hash *next = &proof->hashes[i];
        if (last == 0)
            return ERR_CRYPTO;
        if (node & 1 || node == last) {
            tree_hash_node(next, &old_hash, &old_hash);
            tree_hash_node(next, &new_hash, &new_hash);
            climb(&node, &last);
        } else {
            tree_hash_node(&new_hash, next, &new_hash);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && tree_hash_equal(&old_hash, old_root) && tree_hash_equal(&new_hash, new_root)
               ? OK
               : ERR_CRYPTO;
}
