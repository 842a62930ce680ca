#include "witness/witness.h"
#include "base/random.h"
#include "base/test.h"
#include "base/text.h"
#include "ledger/checkpoint.h"
#include "ledger/submission.h"
#include "witness/key.h"

#include <sodium.h>

enum { SIZE_MAX_HERE = 40, STORED_MAX = 2 * SIZE_MAX_HERE, NOW_S = 1700000000 };

/* ---- two histories of one log: they differ from entry 20 on ---------------------------------- */

struct history {
    struct tree_hash stored[STORED_MAX];
    struct tree_edge edges[SIZE_MAX_HERE + 1];
};
static struct history straight, forked;
static uint8_t log_key[32], log_secret[64], own_key[32], own_secret[64];

static void
grow(struct history *h, const char *after_20)
{
    struct tree_edge edge = {.size = 0};
    uint64_t count = 0;
    h->edges[0] = edge;
    for (uint64_t i = 0; i < SIZE_MAX_HERE; i++) {
        struct tree_hash leaf, done[TREE_LEVELS_MAX];
        char entry[32];
        snprintf(entry, sizeof(entry), "%s %u", i < 20 ? "entry" : after_20, (unsigned)i);
        tree_hash_leaf(bytes_text(entry), &leaf);
        uint32_t n = tree_edge_append(&edge, &leaf, done);
        CHECK(count + n <= STORED_MAX);
        memcpy(h->stored + count, done, n * sizeof(done[0]));
        count += n;
        h->edges[i + 1] = edge;
    }
}

static enum err
read_node(void *ctx, uint32_t level, uint64_t index, struct tree_hash *out)
{
    const struct history *h = ctx;
    *out = h->stored[tree_stored_position(level, index)];
    return OK;
}

static struct tree_proof
prove(struct history *h, uint64_t from, uint64_t to)
{
    struct tree_reader r = {read_node, h};
    struct tree_proof proof = {.count = 0};
    if (from > 0)
        CHECK_OK(tree_prove_consistency(&r, from, to, &proof));
    return proof;
}

static void
put_note(struct buf *b, const char *origin, const struct history *h, uint64_t size,
         const uint8_t secret[static 64])
{
    struct checkpoint c = {.size = size};
    struct buf text;
    buf_init(&text, CHECKPOINT_TEXT_MAX);
    snprintf(c.origin, sizeof(c.origin), "%s", origin);
    tree_edge_root(&h->edges[size], &c.root);
    CHECK_OK(checkpoint_put_text(&text, &c));
    CHECK_OK(note_sign(buf_bytes(&text), origin, secret, b));
    buf_fini(&text);
}

/* ---- a witness that keeps in memory ------------------------------------------------------------
 */

struct memory {
    char file[WITNESS_FILE_SIZE + 8];
    struct buf note;
    enum err result;
    uint32_t calls;
};
static struct memory memory;
static struct witness w;
static struct witness_answer a;

static enum err
keep(void *ctx, const char *file, struct bytes note)
{
    struct memory *m = ctx;
    m->calls++;
    if (m->result != OK)
        return m->result;
    snprintf(m->file, sizeof(m->file), "%s", file);
    buf_reset(&m->note);
    buf_put(&m->note, note);
    return OK;
}

static void
setup(void)
{
    uint8_t seed[32] = {1}, own_seed[32] = {2};
    struct buf key;
    CHECK(sodium_init() >= 0);
    CHECK(crypto_sign_seed_keypair(log_key, log_secret, seed) == 0);
    CHECK(crypto_sign_seed_keypair(own_key, own_secret, own_seed) == 0);
    grow(&straight, "entry");
    grow(&forked, "other");
    memset(&w, 0, sizeof(w));
    memset(&memory, 0, sizeof(memory));
    buf_init(&memory.note, WITNESS_NOTE_MAX);
    snprintf(w.name, sizeof(w.name), "w.example");
    memcpy(w.key, own_key, sizeof(w.key));
    w.secret = own_secret;
    w.keep = keep;
    w.ctx = &memory;
    buf_init(&key, 512);
    note_put_verifier_key(&key, "city.example/log", log_key);
    CHECK_OK(witness_add_log(&w, buf_bytes(&key)));
    CHECK(witness_add_log(&w, buf_bytes(&key)) == ERR_EXISTS);
    buf_fini(&key);
    witness_answer_init(&a);
}

static void
teardown(void)
{
    witness_answer_fini(&a);
    witness_fini(&w);
    buf_fini(&memory.note);
}

static uint16_t
submit_bytes(struct bytes body)
{
    struct bytes exact = test_exact(body);
    witness_answer_fini(&a);
    witness_answer_init(&a);
    witness_add_checkpoint(&w, exact, NOW_S, &a);
    test_exact_free(exact);
    return a.status;
}

/* Offer `size` of a history, with a proof from `old` of the history `from`. */
static uint16_t
submit_proof(struct history *h, uint64_t old, uint64_t size, struct tree_proof proof)
{
    struct buf note, body;
    buf_init(&note, NOTE_BYTES_MAX);
    buf_init(&body, SUBMISSION_BYTES_MAX);
    put_note(&note, "city.example/log", h, size, log_secret);
    submission_put(&body, &(struct submission){old, proof, buf_bytes(&note)});
    uint16_t status = submit_bytes(buf_bytes(&body));
    buf_fini(&note);
    buf_fini(&body);
    return status;
}

static uint16_t
submit(struct history *h, uint64_t old, uint64_t size)
{
    return submit_proof(h, old, size, prove(h, old <= size ? old : 0, size));
}

TEST(what_grows_is_cosigned_and_kept_before)
{
    setup();
    static const uint64_t sizes[] = {1, 2, 3, 8, 13, 13, 16, 31, 40};
    uint64_t old = 0;
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct note note;
        struct cosigner self = {.name = "w.example"};
        uint64_t time_s = 0;
        CHECK(submit(&straight, old, sizes[i]) == 200);
        CHECK(memory.calls == i + 1 && strcmp(memory.file, w.logs[0].file) == 0);
        /* What was kept holds the log's signature and the very line that is the answer. */
        memcpy(self.key, own_key, 32);
        CHECK_OK(note_parse(buf_bytes(&memory.note), &note));
        CHECK_OK(cosignature_check(&note, &self, &time_s));
        CHECK(time_s == NOW_S && note.signatures_count == 2);
        CHECK(a.body.len < memory.note.len &&
              memcmp(memory.note.p + memory.note.len - a.body.len, a.body.p, a.body.len) == 0);
        old = sizes[i];
    }
    teardown();
}

TEST(every_status_of_the_protocol)
{
    setup();
    CHECK(submit(&straight, 0, 10) == 200);
    CHECK(strcmp(a.content_type, "text/plain; charset=utf-8") == 0);
    CHECK(submit(&straight, 11, 10) == 400);
    CHECK(submit(&straight, 0, 12) == 409);
    CHECK(strcmp(a.content_type, "text/x.tlog.size") == 0);
    CHECK(bytes_are(buf_bytes(&a.body), "10\n"));
    CHECK(submit(&straight, 9, 12) == 409);
    CHECK(submit_proof(&straight, 10, 12, prove(&straight, 9, 12)) == 422);
    CHECK(submit_proof(&straight, 10, 12, (struct tree_proof){.count = 0}) == 422);
    CHECK(submit_proof(&straight, 10, 10, prove(&straight, 9, 10)) == 422);
    CHECK(submit_bytes(bytes_text("old 10\n")) == 400);
    CHECK(submit_bytes(bytes_text("")) == 400);
    CHECK(submit(&straight, 10, 12) == 200);
    CHECK(memory.calls == 2); /* of all these, two were kept */
    teardown();
}

TEST(unknown_logs_and_strangers_signatures)
{
    struct buf note, body;
    setup();
    buf_init(&note, NOTE_BYTES_MAX);
    buf_init(&body, SUBMISSION_BYTES_MAX);
    put_note(&note, "other.example/log", &straight, 5, log_secret);
    submission_put(&body, &(struct submission){.checkpoint = buf_bytes(&note)});
    CHECK(submit_bytes(buf_bytes(&body)) == 404);
    buf_reset(&note);
    buf_reset(&body);
    put_note(&note, "city.example/log", &straight, 5, own_secret);
    submission_put(&body, &(struct submission){.checkpoint = buf_bytes(&note)});
    CHECK(submit_bytes(buf_bytes(&body)) == 403);
    /* A good line and a bad one of the same key: refused; of a stranger: ignored and not kept. */
    uint8_t zeros[64] = {0};
    buf_reset(&note);
    buf_reset(&body);
    put_note(&note, "city.example/log", &straight, 5, log_secret);
    note_put_signature(&note, "city.example/log", note_key_id("city.example/log", log_key),
                       bytes_of(zeros, 64));
    submission_put(&body, &(struct submission){.checkpoint = buf_bytes(&note)});
    CHECK(submit_bytes(buf_bytes(&body)) == 403);
    CHECK(memory.calls == 0);
    buf_reset(&note);
    buf_reset(&body);
    put_note(&note, "city.example/log", &straight, 5, log_secret);
    note_put_signature(&note, "stranger", 7, bytes_of(zeros, 64));
    submission_put(&body, &(struct submission){.checkpoint = buf_bytes(&note)});
    CHECK(submit_bytes(buf_bytes(&body)) == 200);
    CHECK(!strstr(buf_string(&memory.note), "stranger"));
    buf_fini(&note);
    buf_fini(&body);
    teardown();
}

TEST(the_empty_tree)
{
    setup();
    struct history wrong = straight;
    wrong.edges[0] = straight.edges[1]; /* size 0 with the root of one entry */
    CHECK(submit(&wrong, 0, 0) == 422);
    CHECK(submit(&straight, 0, 0) == 200);
    CHECK(submit(&straight, 0, 0) == 200);
    CHECK(submit_proof(&straight, 0, 5, prove(&straight, 3, 5)) == 422); /* none may be there */
    CHECK(submit(&straight, 0, 5) == 200);
    teardown();
}

TEST(a_fork_is_refused_and_its_proof_kept)
{
    setup();
    CHECK(submit(&straight, 0, 30) == 200);
    CHECK(submit(&forked, 30, 30) == 422);
    CHECK(a.event && strcmp(a.event, "fork_refused") == 0);
    /* Both signed by the log, one size, two roots: enough for anybody. */
    char file[WITNESS_FILE_SIZE + 8];
    snprintf(file, sizeof(file), "%s.fork", w.logs[0].file);
    CHECK(strcmp(memory.file, file) == 0);
    struct checkpoint mine, theirs;
    CHECK_OK(checkpoint_open(buf_bytes(&memory.note), "city.example/log", log_key, &theirs));
    CHECK_OK(checkpoint_open(buf_bytes(&w.logs[0].note), "city.example/log", log_key, &mine));
    CHECK(mine.size == theirs.size && !tree_hash_equal(&mine.root, &theirs.root));
    CHECK(submit(&forked, 30, 40) == 422);
    CHECK(submit_proof(&forked, 30, 40, prove(&straight, 30, 40)) == 422);
    CHECK(submit(&forked, 20, 25) == 409);
    CHECK(submit(&straight, 30, 40) == 200); /* the first history goes on */
    teardown();
}

/*
 * The race of the specification: A (to 15) and B (to 25) were both proved from 10; B is kept
 * first. A must not roll the log back.
 */
TEST(an_older_request_that_comes_late_rolls_nothing_back)
{
    setup();
    CHECK(submit(&straight, 0, 10) == 200);
    CHECK(submit(&straight, 10, 25) == 200);
    CHECK(submit(&straight, 10, 15) == 409);
    CHECK(bytes_are(buf_bytes(&a.body), "25\n"));
    CHECK(submit(&straight, 25, 15) == 400);
    CHECK(w.logs[0].size == 25 && memory.calls == 2);
    teardown();
}

TEST(what_could_not_be_kept_is_not_cosigned)
{
    setup();
    CHECK(submit(&straight, 0, 10) == 200);
    memory.result = ERR_IO;
    CHECK(submit(&straight, 10, 12) == 500);
    CHECK(!strstr(buf_string(&a.body), "—"));
    CHECK(w.failed && w.logs[0].size == 10);
    teardown();
}

TEST(the_state_is_taken_up_again_if_both_signed_it)
{
    struct buf kept;
    setup();
    CHECK(submit(&straight, 0, 10) == 200);
    buf_init(&kept, WITNESS_NOTE_MAX);
    buf_put(&kept, buf_bytes(&memory.note));
    w.logs[0].size = 0;
    CHECK_OK(witness_restore(&w, &w.logs[0], buf_bytes(&kept)));
    CHECK(w.logs[0].size == 10 && submit(&straight, 10, 11) == 200);
    for (size_t i = 0; i < kept.len; i++) {
        kept.p[i] ^= 1;
        CHECK(witness_restore(&w, &w.logs[0], buf_bytes(&kept)) == ERR_CRYPTO);
        kept.p[i] ^= 1;
    }
    CHECK(witness_restore(&w, &w.logs[0], bytes_of(kept.p, kept.len - 1)) == ERR_CRYPTO);
    buf_reset(&kept);
    put_note(&kept, "city.example/log", &straight, 5, log_secret);
    CHECK(witness_restore(&w, &w.logs[0], buf_bytes(&kept)) == ERR_CRYPTO); /* not cosigned */
    CHECK(w.logs[0].size == 11);
    buf_fini(&kept);
    teardown();
}

TEST(monitors_get_the_newest_cosigned_checkpoint)
{
    char target[100];
    setup();
    snprintf(target, sizeof(target), "/%s/checkpoint", w.logs[0].file);
    witness_get_checkpoint(&w, bytes_text(target), &a);
    CHECK(a.status == 404);
    CHECK(submit(&straight, 0, 10) == 200);
    witness_answer_fini(&a);
    witness_answer_init(&a);
    witness_get_checkpoint(&w, bytes_text(target), &a);
    CHECK(a.status == 200 && bytes_equal(buf_bytes(&a.body), buf_bytes(&memory.note)));
    target[1] ^= 1;
    witness_answer_fini(&a);
    witness_answer_init(&a);
    witness_get_checkpoint(&w, bytes_text(target), &a);
    CHECK(a.status == 404);
    teardown();
}

/* ---- the key's file ------------------------------------------------------------------------- */

TEST(a_key_is_read_back_and_nothing_else_is)
{
    struct buf text;
    char name[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32], secret[64];
    CHECK(sodium_init() >= 0);
    buf_init(&text, KEY_FILE_MAX);
    CHECK(key_make("two words", &text) == ERR_MALFORMED);
    CHECK_OK(key_make("w.example/1", &text));
    CHECK_OK(key_parse(buf_bytes(&text), name, key, secret));
    CHECK(strcmp(name, "w.example/1") == 0 && memcmp(secret + 32, key, 32) == 0);
    for (size_t cut = 0; cut < text.len; cut++) {
        struct bytes exact = test_exact(bytes_of(text.p, cut));
        CHECK(key_parse(exact, name, key, secret) == ERR_MALFORMED);
        test_exact_free(exact);
    }
    text.p[text.len - 4] ^= 1; /* the seed: then the id does not fit */
    CHECK(key_parse(buf_bytes(&text), name, key, secret) == ERR_MALFORMED);
    buf_fini(&text);
}

/* ---- any order of submissions -------------------------------------------------------------------
 */

/*
 * Thousands of submissions of both histories, with old sizes right and wrong and proofs of either:
 * the size never shrinks, every 200 was kept, and beyond entry 20 only one history is cosigned.
 */
TEST(no_order_of_submissions_makes_it_sign_two_histories)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source random = random_seeded_source(&seeded);
    for (int round = 0; round < 40; round++) {
        bool beyond[2] = {false, false};
        setup();
        for (int i = 0; i < 100; i++) {
            uint64_t before = w.logs[0].size, kept = memory.calls;
            uint64_t which = random_below(&random, 2);
            struct history *h = which ? &forked : &straight;
            struct history *prover = random_below(&random, 4) ? h : which ? &straight : &forked;
            uint64_t size = random_below(&random, SIZE_MAX_HERE + 1);
            uint64_t old = random_below(&random, 4) ? before : random_below(&random, 40);
            struct tree_proof proof = prove(prover, old <= size ? old : 0, size);
            uint16_t status = submit_proof(h, old, size, proof);
            CHECK(w.logs[0].size >= before && !w.failed);
            if (status == 200) {
                CHECK(old == before && w.logs[0].size == size && memory.calls == kept + 1);
                beyond[which] |= size > 20;
            } else {
                CHECK(w.logs[0].size == before);
            }
            CHECK(!(beyond[0] && beyond[1]));
        }
        teardown();
    }
}
