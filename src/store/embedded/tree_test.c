#include "store/embedded/tree.h"

#include "base/test.h"
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
