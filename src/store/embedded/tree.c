/* The low-level SHA-256 calls cost no fetch and no allocation for each of a million hashes. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "store/embedded/tree.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

static void
state_put(uint8_t out[static 32], const SHA256_CTX *c)
{
    for (size_t i = 0; i < 8; i++) {
        out[4 * i] = (uint8_t)(c->h[i] >> 24);
        out[4 * i + 1] = (uint8_t)(c->h[i] >> 16);
        out[4 * i + 2] = (uint8_t)(c->h[i] >> 8);
        out[4 * i + 3] = (uint8_t)c->h[i];
    }
}

/*
 * SHA-256 of one or two blocks that are padded here: what is hashed has two lengths only, and the
 * general calls cost as much as the hash. RFC 6962 section 2.1 says what stands in them.
 */
static void
hash_blocks(uint8_t out[static 32], const uint8_t *blocks, size_t count)
{
    SHA256_CTX c;
    SHA256_Init(&c);
    for (size_t i = 0; i < count; i++)
        SHA256_Transform(&c, blocks + i * SHA256_CBLOCK);
    state_put(out, &c);
}

void
commitment_key(struct commitment_key *out, const uint8_t key[static 32])
{
    uint8_t block[SHA256_CBLOCK] = {0};
    SHA256_CTX c;
    memcpy(block, key, TREE_HASH_SIZE);
    SHA256_Init(&c);
    SHA256_Transform(&c, block);
    memcpy(out->state, c.h, sizeof out->state);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(&c, sizeof c);
}

void
commitment(const struct commitment_key *key, struct bytes words, uint8_t out[static 32])
{
    enum { LEN_AT = 56 };
    SHA256_CTX c;
    SHA256_Init(&c);
    memcpy(c.h, key->state, sizeof c.h);
    if (words.len < LEN_AT) { /* nearly always: one block, padded here */
        uint8_t block[SHA256_CBLOCK] = {0};
        uint64_t bits = 8 * (SHA256_CBLOCK + (uint64_t)words.len);
        if (words.len)
            memcpy(block, words.p, words.len);
        block[words.len] = 0x80;
        block[62] = (uint8_t)(bits >> 8);
        block[63] = (uint8_t)bits;
        SHA256_Transform(&c, block);
        state_put(out, &c);
        return;
    }
    c.Nl = 8 * SHA256_CBLOCK; /* so long is what was hashed */
    SHA256_Update(&c, words.p, words.len);
    SHA256_Final(out, &c);
}

void
tree_leaf(uint8_t out[static 32], const uint8_t entry[static 32])
{
    enum { BITS = 8 * (1 + TREE_HASH_SIZE) };
    uint8_t block[SHA256_CBLOCK] = {0};
    memcpy(block + 1, entry, TREE_HASH_SIZE);
    block[1 + TREE_HASH_SIZE] = 0x80;
    block[62] = BITS >> 8;
    block[63] = BITS & 255;
    hash_blocks(out, block, 1);
}

static void
join(uint8_t out[static 32], const uint8_t left[static 32], const uint8_t right[static 32])
{
    enum { BITS = 8 * (1 + 2 * TREE_HASH_SIZE) };
    uint8_t blocks[2 * SHA256_CBLOCK] = {1};
    memcpy(blocks + 1, left, TREE_HASH_SIZE);
    memcpy(blocks + 1 + TREE_HASH_SIZE, right, TREE_HASH_SIZE);
    blocks[1 + 2 * TREE_HASH_SIZE] = 0x80;
    blocks[126] = BITS >> 8;
    blocks[127] = BITS & 255;
    hash_blocks(out, blocks, 2);
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
