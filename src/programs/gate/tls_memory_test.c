/* tls_memory_test.c -- OpenSSL's secrets are apart, and it lives on under the gate's filter. */
#include "base/test.h"
#include "programs/gate/tls.h"
#include "programs/secrets.h"
#include "runtime/sandbox_rules.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct sandbox_rule rules[] = {
#include "programs/gate/gate.seccomp.def"
};
static const struct sandbox_profile profile = {"gate", rules, ARRAY_COUNT(rules)};

static void
set_up(void)
{
    static bool done;
    if (!done)
        CHECK_OK(tls_memory());
    done = true;
}

TEST(secrets_of_openssl_are_in_its_secure_heap)
{
    set_up();
    void *secret = OPENSSL_secure_malloc(32), *plain = OPENSSL_malloc(32);
    CHECK(secret && CRYPTO_secure_allocated(secret) && !CRYPTO_secure_allocated(plain));
    plain = OPENSSL_realloc(plain, 100000);
    CHECK(plain);
    memset(plain, 1, 100000);
    plain = OPENSSL_realloc(plain, 10);
    CHECK(plain && memcmp(plain, "\1\1\1\1\1\1\1\1\1\1", 10) == 0);
    OPENSSL_free(plain);
    OPENSSL_secure_free(secret);
    CHECK(geteuid() != 0 || test_sanitized() || secrets_locked());
}

static bool
is_zero(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i])
            return false;
    return true;
}

/* What one connection's records held is not what another's begin with. */
TEST(kept_record_buffers_are_wiped_when_the_round_is_over)
{
    enum { COUNT = 12, SIZE = 16709 };
    uint8_t *p[COUNT];
    if (test_sanitized())
        return; /* freed memory is looked at below */
    set_up();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            p[i] = OPENSSL_malloc(SIZE);
            CHECK(p[i] && (round == 0 || is_zero(p[i], i < 8 ? SIZE : 0)));
            memset(p[i], 7, SIZE);
        }
        for (int i = 0; i < COUNT; i++)
            OPENSSL_free(p[i]);
        tls_memory_settle();
    }
    uint8_t *first = OPENSSL_malloc(SIZE);
    memset(first, 7, SIZE);
    OPENSSL_free(first);
    uint8_t *second = OPENSSL_malloc(SIZE); /* the same, within one round, as it was left */
    CHECK(second == first && second[0] == 7);
    OPENSSL_free(second);
    tls_memory_settle();
    uint8_t *third = OPENSSL_malloc(SIZE);
    CHECK(third == first && is_zero(third, SIZE));
    OPENSSL_free(third);
}

/* What happens after an hour, and in every handshake: in a process that is closed like a gate. */
static int
lives_on(void)
{
    EVP_RAND_CTX *generators[] = {RAND_get0_primary(NULL), RAND_get0_public(NULL),
                                  RAND_get0_private(NULL)};
    uint8_t bytes[1000];
    for (size_t i = 0; i < ARRAY_COUNT(generators); i++)
        if (EVP_RAND_reseed(generators[i], 1, NULL, 0, NULL, 0) != 1)
            return 2;
    for (int i = 0; i < 200; i++) {
        EVP_PKEY *p256 = EVP_EC_gen("P-256"), *x25519 = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
        if (!p256 || !x25519 || RAND_bytes(bytes, sizeof(bytes)) != 1)
            return 3;
        EVP_PKEY_free(p256);
        EVP_PKEY_free(x25519);
    }
    return 0;
}

TEST(openssl_reseeds_and_makes_keys_under_the_filter)
{
    struct sandbox_config config = {.profile = &profile,
                                    .walls = 1U << WALL_NO_NEW_PRIVS | 1U << WALL_SECCOMP};
    struct sandbox_report report;
    const char *step = "";
    int status;
    if (test_sanitized())
        return;
    set_up();
    CHECK_OK(tls_warm_up());
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(sandbox_close(&config, &report, &step) == OK ? lives_on() : 4);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
