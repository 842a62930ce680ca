#include "base/test.h"
#include "base/text.h"
#include "ledger/checkpoint.h"

#include <sodium.h>

static const char ORIGIN[] = "city.example/access-log";
static uint8_t public_key[32], secret[64];

static void
make_key(void)
{
    uint8_t seed[32];
    for (int i = 0; i < 32; i++)
        seed[i] = (uint8_t)i;
    CHECK(crypto_sign_seed_keypair(public_key, secret, seed) == 0);
}

static struct checkpoint
example(void)
{
    struct checkpoint c;
    memset(&c, 0, sizeof(c));
    snprintf(c.origin, sizeof(c.origin), "%s", ORIGIN);
    c.size = 70000;
    size_t len = 0;
    CHECK_OK(text_base64(bytes_text("Gohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4="), c.root.b, 32,
                         &len));
    return c;
}

TEST(a_checkpoint_has_one_text)
{
    struct checkpoint c = example(), back;
    struct buf b;
    buf_init(&b, CHECKPOINT_TEXT_MAX);
    CHECK_OK(checkpoint_put_text(&b, &c));
    CHECK(bytes_are(buf_bytes(&b), "city.example/access-log\n70000\n"
                                   "Gohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=\n"));
    for (size_t n = 0; n < b.len; n++) {
        struct bytes exact = test_exact(bytes_of(b.p, n));
        CHECK(checkpoint_parse_text(exact, &back) == ERR_MALFORMED);
        test_exact_free(exact);
    }
    buf_text(&b, "charter aa\n");
    CHECK_OK(checkpoint_parse_text(buf_bytes(&b), &back));
    CHECK(strcmp(back.extension, "charter aa\n") == 0 && back.size == 70000);
    buf_text(&b, "\n");
    CHECK(checkpoint_parse_text(buf_bytes(&b), &back) == ERR_MALFORMED);
    buf_fini(&b);
    static const char *const bad[] = {
        "a b\n1\nGohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=\n",
        "a+b\n1\nGohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=\n",
        "a\n01\nGohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=\n",
        "a\n1\nGohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp=\n",
        "a\n1\n\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(checkpoint_parse_text(bytes_text(bad[i]), &back) == ERR_MALFORMED);
    CHECK(checkpoint_parse_text(
              bytes_text("a\n99999999999999999999\nGohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=\n"),
              &back) != OK);
}

TEST(a_signed_checkpoint_opens_for_its_origin_and_key_only)
{
    make_key();
    struct checkpoint c = example(), back;
    struct buf text, note;
    buf_init(&text, CHECKPOINT_TEXT_MAX);
    buf_init(&note, CHECKPOINT_NOTE_MAX);
    CHECK_OK(checkpoint_put_text(&text, &c));
    CHECK_OK(note_sign(buf_bytes(&text), ORIGIN, secret, &note));
    CHECK_OK(checkpoint_open(buf_bytes(&note), ORIGIN, public_key, &back));
    CHECK(back.size == c.size && tree_hash_equal(&back.root, &c.root));
    CHECK(checkpoint_open(buf_bytes(&note), "city.example/x", public_key, &back) == ERR_CRYPTO);
    buf_reset(&note);
    CHECK_OK(note_sign(buf_bytes(&text), "city.example/x", secret, &note));
    CHECK(checkpoint_open(buf_bytes(&note), "city.example/x", public_key, &back) == ERR_DENIED);
    buf_fini(&text);
    buf_fini(&note);
}

TEST(a_proof_file_proves_one_entry_offline)
{
    make_key();
    struct tree_edge edge = {.size = 0};
    struct tree_hash leaves[3], done[TREE_LEVELS_MAX];
    static const char *const entries[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        tree_hash_leaf(bytes_text(entries[i]), &leaves[i]);
        CHECK(tree_edge_append(&edge, &leaves[i], done) >= 1);
    }
    struct checkpoint c = example();
    c.size = 3;
    tree_edge_root(&edge, &c.root);
    struct buf text, note, file;
    buf_init(&text, CHECKPOINT_TEXT_MAX);
    buf_init(&note, CHECKPOINT_NOTE_MAX);
    buf_init(&file, CHECKPOINT_PROOF_MAX);
    CHECK_OK(checkpoint_put_text(&text, &c));
    CHECK_OK(note_sign(buf_bytes(&text), ORIGIN, secret, &note));
    struct proof p = {.index = 0, .checkpoint = buf_bytes(&note)}, back;
    p.path.count = 2;
    p.path.hashes[0] = leaves[1];
    p.path.hashes[1] = leaves[2];
    proof_put(&file, &p);
    CHECK_OK(proof_parse(buf_bytes(&file), &back));
    CHECK_OK(proof_verify(&back, bytes_text("a"), ORIGIN, public_key));
    CHECK(proof_verify(&back, bytes_text("b"), ORIGIN, public_key) == ERR_CRYPTO);
    back.index = 1;
    CHECK(proof_verify(&back, bytes_text("a"), ORIGIN, public_key) == ERR_CRYPTO);
    for (size_t n = 0; n < file.len; n++) {
        struct bytes exact = test_exact(bytes_of(file.p, n));
        CHECK(proof_parse(exact, &back) != OK);
        test_exact_free(exact);
    }
    CHECK(proof_parse(bytes_text("c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n\n"), &back) ==
          ERR_UNSUPPORTED);
    buf_fini(&text);
    buf_fini(&note);
    buf_fini(&file);
}
