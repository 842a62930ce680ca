#include "store/embedded/tree.h"

#include "base/test.h"

#include <openssl/sha.h>
#include "base/text.h"

#include <sodium.h>

/* RFC 6962 section 2.1 word for word, for comparison. */
static void
plain_root(uint8_t out[32], uint8_t leaf[][32], size_t n)
{
    if (n == 1) {
        memcpy(out, leaf[0], 32);
        return;
    }
    size_t k = 1;
    while (2 * k < n)
        k *= 2;
    uint8_t both[65] = {1};
    plain_root(both + 1, leaf, k);
    plain_root(both + 33, leaf + k, n - k);
    crypto_hash_sha256(out, both, sizeof both);
}

TEST(frontier_gives_the_root_of_rfc_6962)
{
    static uint8_t leaf[130][32];
    struct tree t = {0};
    uint8_t root[32];
    uint8_t want[32];
    tree_root(&t, root);
    crypto_hash_sha256(want, (const uint8_t *)"", 0);
    CHECK(memcmp(root, want, 32) == 0);
    for (size_t n = 0; n < 130; n++) {
        uint8_t entry[33] = {0, (uint8_t)n, 9};
        tree_leaf(leaf[n], entry + 1);
        crypto_hash_sha256(want, entry, sizeof entry);
        CHECK(memcmp(leaf[n], want, 32) == 0);
        tree_add(&t, leaf[n]);
        tree_root(&t, root);
        plain_root(want, leaf, n + 1);
        CHECK(t.size == n + 1 && memcmp(root, want, 32) == 0);
    }
}

TEST(a_commitment_is_sha_256_of_key_zeros_and_words)
{
    uint8_t text[64 + 200] = {0};
    uint8_t want[32], got[32];
    struct commitment_key key;
    for (size_t i = 0; i < 32; i++)
        text[i] = (uint8_t)(i + 1);
    commitment_key(&key, text);
    for (size_t len = 0; len <= 200; len++) { /* the longest of one block, and all around it */
        memset(text + 64, 'x', len);
        SHA256(text, 64 + len, want);
        commitment(&key, bytes_of(text + 64, len), got);
        CHECK(memcmp(want, got, sizeof want) == 0);
    }
}
