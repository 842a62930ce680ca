#include "base/test.h"
#include "base/text.h"
#include "ledger/tiles.h"
#include "ledger/tree.h"

enum { VECTOR_SIZE = 70000 };

/* All stored hashes of the specification's vector, as the log's file would hold them. */
static struct tree_hash *stored;
static struct tree_edge edge;

static enum err
read_stored(void *ctx, uint32_t level, uint64_t index, struct tree_hash *out)
{
    const uint64_t *size = ctx;
    uint64_t position = tree_stored_position(level, index);
    CHECK((index + 1) << level <= *size);
    *out = stored[position];
    return OK;
}

static struct tree_hash
leaf(uint64_t i)
{
    char entry[64];
    int n = snprintf(entry, sizeof(entry), "{\"who\":\"clerk%llu\",\"what\":\"read\"}",
                     (unsigned long long)i);
    struct tree_hash h;
    tree_hash_leaf(bytes_of(entry, (size_t)n), &h);
    return h;
}

static void
build(void)
{
    if (stored)
        return;
    static struct tree_hash memory[2 * VECTOR_SIZE];
    stored = memory;
    uint64_t count = 0;
    for (uint64_t i = 0; i < VECTOR_SIZE; i++) {
        struct tree_hash h = leaf(i), done[TREE_LEVELS_MAX];
        uint32_t n = tree_edge_append(&edge, &h, done);
        CHECK(count == tree_stored_count(i));
        for (uint32_t level = 0; level < n; level++) {
            CHECK(tree_stored_position(level, i >> level) == count);
            stored[count++] = done[level];
        }
    }
    CHECK(count == tree_stored_count(VECTOR_SIZE));
}

static struct tree_hash
root_of(uint64_t size)
{
    struct tree_reader r = {read_stored, &size};
    struct tree_edge e;
    struct tree_hash root;
    CHECK_OK(tree_read_edge(&r, size, &e));
    tree_edge_root(&e, &root);
    return root;
}

TEST(the_empty_tree_is_the_hash_of_nothing)
{
    struct tree_hash root;
    struct buf b;
    buf_init(&b, 100);
    tree_edge_root(&(struct tree_edge){.size = 0}, &root);
    text_put_hex(&b, bytes_of(root.b, 32));
    CHECK(bytes_are(buf_bytes(&b),
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    buf_fini(&b);
}

TEST(the_vector_has_the_root_that_is_written_down)
{
    build();
    struct tree_hash root = root_of(VECTOR_SIZE), again;
    tree_edge_root(&edge, &again);
    CHECK(tree_hash_equal(&root, &again));
    struct buf b;
    buf_init(&b, 100);
    text_put_base64(&b, bytes_of(root.b, 32));
    CHECK(bytes_are(buf_bytes(&b), "Gohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4="));
    buf_fini(&b);
}

static enum err
count_tile(void *ctx, const struct tile *t)
{
    uint32_t(*seen)[3] = ctx; /* per kind and level: full, partial, width of the partial one */
    uint32_t *row = seen[t->kind == TILE_ENTRIES ? 3 : t->level];
    row[t->width == TILE_WIDTH ? 0 : 1]++;
    if (t->width < TILE_WIDTH)
        row[2] = t->width;
    return OK;
}

TEST(the_vector_has_the_tiles_that_are_written_down)
{
    uint32_t seen[4][3] = {{0}};
    CHECK_OK(tile_each(VECTOR_SIZE, count_tile, seen));
    static const uint32_t expected[4][3] = {{273, 1, 112}, {1, 1, 17}, {0, 1, 1}, {273, 1, 112}};
    CHECK(memcmp(seen, expected, sizeof(seen)) == 0);
}

TEST(inclusion_proofs_hold_at_the_named_indices_and_break_when_changed)
{
    build();
    uint64_t size = VECTOR_SIZE;
    struct tree_reader r = {read_stored, &size};
    struct tree_hash root = root_of(size);
    static const uint64_t indices[] = {0, 255, 256, 65535, 65536, 69999};
    for (size_t i = 0; i < ARRAY_COUNT(indices); i++) {
        struct tree_proof p;
        struct tree_hash h = leaf(indices[i]), other = leaf(1);
        CHECK_OK(tree_prove_inclusion(&r, indices[i], size, &p));
        CHECK_OK(tree_verify_inclusion(&h, indices[i], size, &p, &root));
        CHECK(tree_verify_inclusion(&other, indices[i], size, &p, &root) == ERR_CRYPTO);
        CHECK(tree_verify_inclusion(&h, indices[i] ^ 1, size, &p, &root) == ERR_CRYPTO);
        p.hashes[p.count / 2].b[7] ^= 1;
        CHECK(tree_verify_inclusion(&h, indices[i], size, &p, &root) == ERR_CRYPTO);
        p.hashes[p.count / 2].b[7] ^= 1;
        p.count--;
        CHECK(tree_verify_inclusion(&h, indices[i], size, &p, &root) == ERR_CRYPTO);
        p.count += 2;
        CHECK(tree_verify_inclusion(&h, indices[i], size, &p, &root) == ERR_CRYPTO);
    }
    struct tree_proof p;
    CHECK(tree_prove_inclusion(&r, size, size, &p) == ERR_NOT_FOUND);
}

TEST(every_inclusion_proof_of_every_small_tree_holds)
{
    build();
    for (uint64_t size = 1; size <= 70; size++) {
        struct tree_reader r = {read_stored, &size};
        struct tree_hash root = root_of(size);
        for (uint64_t i = 0; i < size; i++) {
            struct tree_proof p;
            struct tree_hash h = leaf(i);
            CHECK_OK(tree_prove_inclusion(&r, i, size, &p));
            CHECK_OK(tree_verify_inclusion(&h, i, size, &p, &root));
            for (uint64_t j = 0; j < size; j++)
                if (j != i)
                    CHECK(tree_verify_inclusion(&h, j, size, &p, &root) == ERR_CRYPTO);
        }
    }
}

static void
check_consistency(uint64_t old_size, uint64_t new_size)
{
    struct tree_reader r = {read_stored, &new_size};
    struct tree_hash old_root = root_of(old_size), new_root = root_of(new_size);
    struct tree_proof p;
    CHECK_OK(tree_prove_consistency(&r, old_size, new_size, &p));
    CHECK_OK(tree_verify_consistency(old_size, &old_root, new_size, &new_root, &p));
    if (old_size > 0) {
        old_root.b[3] ^= 1;
        CHECK(tree_verify_consistency(old_size, &old_root, new_size, &new_root, &p) == ERR_CRYPTO);
        old_root.b[3] ^= 1;
    }
    for (uint32_t i = 0; i < p.count; i++) {
        p.hashes[i].b[31] ^= 1;
        CHECK(tree_verify_consistency(old_size, &old_root, new_size, &new_root, &p) == ERR_CRYPTO);
        p.hashes[i].b[31] ^= 1;
    }
    if (old_size > 0 && old_size < new_size) {
        new_root.b[3] ^= 1;
        CHECK(tree_verify_consistency(old_size, &old_root, new_size, &new_root, &p) == ERR_CRYPTO);
        new_root.b[3] ^= 1;
        p.count--;
        CHECK(tree_verify_consistency(old_size, &old_root, new_size, &new_root, &p) == ERR_CRYPTO);
    }
}

TEST(consistency_holds_between_all_small_sizes_and_the_named_ones)
{
    build();
    for (uint64_t new_size = 0; new_size <= 40; new_size++)
        for (uint64_t old_size = 0; old_size <= new_size; old_size++)
            check_consistency(old_size, new_size);
    check_consistency(1, VECTOR_SIZE);
    check_consistency(256, VECTOR_SIZE);
    check_consistency(65536, VECTOR_SIZE);
    check_consistency(65537, VECTOR_SIZE);
    uint64_t size = 3;
    struct tree_reader r = {read_stored, &size};
    struct tree_proof p;
    CHECK(tree_prove_consistency(&r, 4, 3, &p) == ERR_NOT_FOUND);
}

TEST(a_tile_holds_the_hashes_of_its_level)
{
    build();
    uint64_t size = VECTOR_SIZE;
    struct tree_reader r = {read_stored, &size};
    struct buf b;
    buf_init(&b, TILE_WIDTH * TREE_HASH_SIZE);
    struct tile t = {.kind = TILE_HASHES, .level = 1, .n = 1, .width = 17};
    CHECK_OK(tile_put_hashes(&r, size, &t, &b));
    CHECK(b.len == 17 * 32);
    CHECK(memcmp(b.p + 32, stored[tree_stored_position(8, 257)].b, 32) == 0);
    buf_reset(&b);
    t.width = 18;
    CHECK(tile_put_hashes(&r, size, &t, &b) == ERR_NOT_FOUND);
    t = (struct tile){.kind = TILE_HASHES, .level = 0, .n = 272, .width = TILE_WIDTH};
    CHECK_OK(tile_put_hashes(&r, size, &t, &b));
    CHECK(b.len == 8192);
    t.n = 273;
    CHECK(tile_put_hashes(&r, size, &t, &b) == ERR_NOT_FOUND);
    buf_fini(&b);
}
