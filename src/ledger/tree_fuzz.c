/*
 * Proofs against a tree of our own: whatever path is offered, one that is accepted is the one true
 * path, of that leaf at that place in that tree, or from that older tree to this one.
 */
#include "base/fuzz.h"
#include "ledger/tree.h"

enum { LEAVES = 200, NODES_MAX = 2 * LEAVES };

static struct tree_hash nodes[NODES_MAX], leaves[LEAVES], roots[LEAVES + 1];
static struct tree_edge edge;

static void
grow(void)
{
    uint64_t stored = 0;
    tree_edge_root(&edge, &roots[0]);
    for (uint8_t i = 0; i < LEAVES; i++) {
        struct tree_hash done[TREE_LEVELS_MAX];
        tree_hash_leaf(bytes_of(&i, 1), &leaves[i]);
        uint32_t n = tree_edge_append(&edge, &leaves[i], done);
        memcpy(&nodes[stored], done, n * sizeof(done[0]));
        stored += n;
        tree_edge_root(&edge, &roots[i + 1]);
        ASSERT(stored == tree_stored_count(i + 1U));
    }
}

static enum err
read_node(void *ctx, uint32_t level, uint64_t index, struct tree_hash *out)
{
    (void)ctx;
    if (level >= TREE_LEVELS_MAX || index >= (uint64_t)LEAVES >> level)
        return ERR_NOT_FOUND;
    *out = nodes[tree_stored_position(level, index)];
    return OK;
}

static bool
same_proof(const struct tree_proof *a, const struct tree_proof *b)
{
    return a->count == b->count && memcmp(a->hashes, b->hashes, a->count * TREE_HASH_SIZE) == 0;
}

/* The true path, then changed as the rest of the input says: the fuzzer cannot make hashes. */
static struct tree_proof
offer(const struct tree_proof *true_proof, struct bytes *in)
{
    struct tree_proof p = *true_proof;
    while (in->len) {
        uint8_t what = fuzz_byte(in), at = fuzz_byte(in);
        if (what % 4 == 0 && p.count < TREE_PROOF_MAX)
            p.hashes[p.count++] = nodes[at];
        else if (what % 4 == 1 && p.count)
            p.count--;
        else if (what % 4 == 2 && p.count)
            p.hashes[at % p.count] = nodes[((size_t)at + what) % NODES_MAX];
        else if (p.count)
            p.hashes[at % p.count].b[what % TREE_HASH_SIZE] ^= at;
    }
    return p;
}

static void
check_inclusion(uint64_t index, uint64_t size, uint64_t claimed, struct bytes in)
{
    struct tree_reader r = {read_node, NULL};
    struct tree_proof real = {.count = 0};
    enum err e = tree_prove_inclusion(&r, index, size, &real);
    ASSERT((e == OK) == (index < size));
    if (e != OK)
        return;
    ASSERT(tree_verify_inclusion(&leaves[index], index, size, &real, &roots[size]) == OK);
    struct tree_proof p = offer(&real, &in);
    if (tree_verify_inclusion(&leaves[index], claimed, size, &p, &roots[size]) == OK)
        ASSERT(claimed == index && same_proof(&p, &real));
}

static void
check_consistency(uint64_t old_size, uint64_t size, uint64_t claimed, struct bytes in)
{
    struct tree_reader r = {read_node, NULL};
    struct tree_proof real = {.count = 0};
    enum err e = tree_prove_consistency(&r, old_size, size, &real);
    ASSERT((e == OK) == (old_size <= size));
    if (e != OK)
        return;
    e = tree_verify_consistency(old_size, &roots[old_size], size, &roots[size], &real);
    ASSERT(e == OK);
    struct tree_proof p = offer(&real, &in);
    if (tree_verify_consistency(claimed, &roots[old_size], size, &roots[size], &p) == OK)
        ASSERT(claimed == old_size && same_proof(&p, &real));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    if (edge.size == 0)
        grow();
    uint64_t tree = fuzz_byte(&in) % (LEAVES + 1), which = fuzz_byte(&in) % (LEAVES + 1);
    uint64_t claimed = fuzz_byte(&in) & 1 ? which : fuzz_byte(&in);
    if (which < LEAVES)
        check_inclusion(which, tree, claimed, in);
    check_consistency(which, tree, claimed, in);
    struct tree_reader r = {read_node, NULL};
    struct tree_edge again;
    struct tree_hash root;
    enum err e = tree_read_edge(&r, tree, &again);
    tree_edge_root(&again, &root);
    ASSERT(e == OK && tree_hash_equal(&root, &roots[tree]));
    return 0;
}
