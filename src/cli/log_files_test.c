#include "base/test.h"
#include "cli/log_files.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {"entries", "offsets", "hashes", "checkpoint"};
static char state[] = "/tmp/log-files-test-XXXXXX";

static const char *
path(const char *name)
{
    static char p[256];
    snprintf(p, sizeof(p), "%s/%s", state, name);
    return p;
}

/* A state directory with one log "bikes" of these entries, signed. */
static void
make_state(const char *const *entries, size_t count)
{
    uint8_t seed[32] = {5}, secret[64];
    struct log_config config = {.disk = disk_system(), .origin = "city.example/bikes"};
    int fds[4];
    struct log log;
    struct buf key;
    memcpy(state + strlen(state) - 6, "XXXXXX", 6);
    CHECK(sodium_init() >= 0 && mkdtemp(state));
    CHECK(mkdir(path("ledger"), 0700) == 0 && mkdir(path("ledger/bikes"), 0700) == 0 &&
          mkdir(path("keys"), 0700) == 0);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        char name[64];
        snprintf(name, sizeof(name), "ledger/bikes/%s", files[i]);
        fds[i] = open(path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fds[i] >= 0);
    }
    config.entries_fd = fds[0];
    config.offsets_fd = fds[1];
    config.hashes_fd = fds[2];
    config.checkpoint_fd = fds[3];
    CHECK(crypto_sign_seed_keypair(config.public_key, secret, seed) == 0);
    buf_init(&key, 512);
    note_put_verifier_key(&key, config.origin, config.public_key);
    FILE *f = fopen(path("keys/ledger-bikes.vkey"), "we");
    CHECK(f && fprintf(f, "%s\n", buf_string(&key)) > 0 && fclose(f) == 0);
    buf_fini(&key);
    CHECK_OK(log_open(&log, &config));
    for (size_t i = 0; i < count; i++) {
        uint64_t index = 0;
        CHECK_OK(log_append(&log, bytes_text(entries[i]), &index));
    }
    CHECK_OK(log_commit(&log));
    CHECK_OK(log_sign(&log, secret, ""));
    log_close(&log);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++)
        close(fds[i]);
}

static void
remove_state(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        char name[64];
        snprintf(name, sizeof(name), "ledger/bikes/%s", files[i]);
        CHECK(unlink(path(name)) == 0);
    }
    CHECK(unlink(path("keys/ledger-bikes.vkey")) == 0);
    CHECK(rmdir(path("keys")) == 0 && rmdir(path("ledger/bikes")) == 0 &&
          rmdir(path("ledger")) == 0 && rmdir(state) == 0);
}

#define ROOT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ROOT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ANCHOR(size, root)                                                                         \
    "{\"event\":\"anchor\",\"zone\":\"bikes\",\"size\":" size ",\"root\":\"" root "\"}"

static enum err
verify_of(const char *const *entries, size_t count, struct log_verdict *v)
{
    static struct log_files f;
    make_state(entries, count);
    CHECK(log_files_open(state, "bikes", NULL, &f) == 0);
    enum err e = log_files_verify(&f, v);
    log_files_close(&f);
    remove_state();
    return e;
}

TEST(anchored_journal_heads_may_only_grow)
{
    struct log_verdict v;
    static const char *const good[] = {"{\"event\":\"read\"}", ANCHOR("3", ROOT_A),
                                       ANCHOR("3", ROOT_A), ANCHOR("9", ROOT_B)};
    CHECK_OK(verify_of(good, ARRAY_COUNT(good), &v));
    CHECK(v.entries == 4 && v.anchors == 3);
    static const char *const shrunk[] = {ANCHOR("3", ROOT_A), ANCHOR("2", ROOT_B)};
    CHECK(verify_of(shrunk, ARRAY_COUNT(shrunk), &v) == ERR_CRYPTO);
    CHECK(strstr(v.why, "from size 3 to 2"));
    static const char *const rewritten[] = {ANCHOR("3", ROOT_A), ANCHOR("3", ROOT_B)};
    CHECK(verify_of(rewritten, ARRAY_COUNT(rewritten), &v) == ERR_CRYPTO);
    CHECK(strstr(v.why, "another root"));
    static const char *const none[] = {"{\"event\":\"anchor\"}"};
    CHECK(verify_of(none, ARRAY_COUNT(none), &v) == ERR_CRYPTO);
    static const char *const broken[] = {"{\"event\":\"anchor\",\"size\":"};
    CHECK(verify_of(broken, ARRAY_COUNT(broken), &v) == ERR_CRYPTO);
}

TEST(the_logs_of_a_city_are_found_and_other_names_are_not)
{
    static const char *const entries[] = {"{}"};
    static struct log_files f;
    struct log_names names;
    make_state(entries, 1);
    CHECK(log_files_names(state, &names) && names.count == 1);
    CHECK(strcmp(names.list[0], "bikes") == 0);
    CHECK(log_files_open(state, "../bikes", NULL, &f) == 3);
    CHECK(log_files_open(state, "water", NULL, &f) == 3);
    CHECK(log_files_open(state, "bikes", "nonsense", &f) == 3);
    remove_state();
}
