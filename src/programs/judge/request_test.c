#include "authority/certificate.h"
#include "base/clock.h"
#include "base/test.h"
#include "programs/judge/request.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <unistd.h>

/* A people's issuer, another issuer, and some certificates, in a folder of this test. */
static char folder[] = "/tmp/judge-test-XXXXXX";
static struct request_issuer *issuer;
static struct start *start;

enum { PATH_SIZE = 128 };

static const char *
path(const char *name)
{
    static char paths[4][PATH_SIZE];
    static size_t turn;
    char *p = paths[turn++ % ARRAY_COUNT(paths)];
    snprintf(p, PATH_SIZE, "%s/%s", folder, name);
    return p;
}

static struct buf
read_file(const char *name)
{
    struct buf b;
    buf_init(&b, 16384);
    FILE *f = fopen(path(name), "re");
    CHECK(f);
    uint8_t *room = buf_room(&b, 8192);
    CHECK(room);
    buf_filled(&b, fread(room, 1, 8192, f));
    fclose(f);
    return b;
}

/* FILE.key and FILE.pem of `by`. */
static void
issue(const char *by, const char *file, const char *name, const char *uri, bool server)
{
    struct certificate_wish wish = {.common_name = name, .uri = uri, .server = server, .days = 7};
    char by_key[PATH_SIZE], by_pem[PATH_SIZE], key[PATH_SIZE], pem[PATH_SIZE];
    snprintf(by_key, sizeof(by_key), "%s/%s.key", folder, by);
    snprintf(by_pem, sizeof(by_pem), "%s/%s.pem", folder, by);
    snprintf(key, sizeof(key), "%s/%s.key", folder, file);
    snprintf(pem, sizeof(pem), "%s/%s.pem", folder, file);
    CHECK_OK(certificate_issue(by_key, by_pem, &wish, false, key, pem));
}

static void
set_up(void)
{
    if (issuer)
        return;
    CHECK(sodium_init() >= 0 && mkdtemp(folder));
    CHECK_OK(certificate_make_issuer(path("people.key"), path("people.pem"), "people"));
    CHECK_OK(certificate_make_issuer(path("other.key"), path("other.pem"), "people"));
    issue("people", "auditor", "auditor", "urn:bulkhead:city:caller:auditor", false);
    issue("people", "clerk", "clerk", "urn:bulkhead:city:caller:clerk", false);
    issue("people", "device", "auditor", "urn:bulkhead:bikes:device:auditor", false);
    issue("people", "server", "auditor", "urn:bulkhead:city:caller:auditor", true);
    issue("other", "forged", "auditor", "urn:bulkhead:city:caller:auditor", false);
    struct buf pem = read_file("people.pem");
    CHECK_OK(request_issuer_new(buf_bytes(&pem), &issuer));
    buf_fini(&pem);
    start = calloc(1, sizeof(*start));
    CHECK(start);
    start->callers_count = 1;
    struct start_caller *row = &start->callers[0];
    snprintf(row->name, sizeof(row->name), "auditor");
    snprintf(row->role, sizeof(row->role), "inspector");
    snprintf(row->zones, sizeof(row->zones), "bikes water");
    snprintf(row->purposes, sizeof(row->purposes), "compliance");
    row->line = 17;
}

/* An ask with the certificate and key of FILE, the proof over `nonce`; what it borrows is static.
 */
static struct token_ask
make_ask(const char *file, struct bytes nonce)
{
    static uint8_t der[4096], proof[512];
    char name[64];
    struct token_ask ask = {.caller = bytes_text("auditor"),
                            .zone = bytes_text("bikes"),
                            .purpose = bytes_text("compliance"),
                            .seconds = 60};
    snprintf(name, sizeof(name), "%s.pem", file);
    FILE *f = fopen(path(name), "re");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    CHECK(x);
    fclose(f);
    uint8_t *at = der;
    int len = i2d_X509(x, NULL);
    CHECK(len > 0 && (size_t)len <= sizeof(der) && i2d_X509(x, &at) == len);
    ask.certificate = bytes_of(der, (size_t)len);
    X509_free(x);
    snprintf(name, sizeof(name), "%s.key", file);
    f = fopen(path(name), "re");
    EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    CHECK(key);
    fclose(f);
    struct buf what;
    buf_init(&what, REQUEST_SIGNED_MAX);
    request_put_signed(&what, nonce, ask.zone, ask.purpose, ask.approves);
    size_t proof_len = sizeof(proof);
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    CHECK(EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, key) == 1);
    CHECK(EVP_DigestSign(sign, proof, &proof_len, what.p, what.len) == 1);
    EVP_MD_CTX_free(sign);
    EVP_PKEY_free(key);
    buf_fini(&what);
    ask.proof = bytes_of(proof, proof_len);
    return ask;
}

static int64_t
now_us(void)
{
    struct clock_source clock = clock_system();
    return clock_wall_us(&clock);
}

static const uint8_t nonce_bytes[REQUEST_NONCE_SIZE] = {1, 2, 3};

static enum err
prove(const struct token_ask *ask, int64_t at_us)
{
    uint8_t digest[32];
    char why[REQUEST_WHY_SIZE] = "";
    enum err e =
        request_prove(issuer, ask, bytes_of(nonce_bytes, sizeof(nonce_bytes)), at_us, digest, why);
    CHECK((e == OK) == (why[0] == 0)); /* every refusal has a sentence */
    return e;
}

TEST(the_text_that_is_proved_is_fixed)
{
    struct buf b;
    buf_init(&b, REQUEST_SIGNED_MAX);
    request_put_signed(&b, bytes_text("NONCE"), bytes_text("bikes"), bytes_text("operate"),
                       bytes_of(NULL, 0));
    CHECK(bytes_are(buf_bytes(&b), "bulkhead token request v1\nNONCEbikes\noperate\n-\n"));
    buf_reset(&b);
    request_put_signed(&b, bytes_text("NONCE"), bytes_text("bikes"), bytes_text("operate"),
                       bytes_text("\x01\xff"));
    CHECK(bytes_are(buf_bytes(&b), "bulkhead token request v1\nNONCEbikes\noperate\n01ff\n"));
    buf_fini(&b);
}

TEST(only_the_owner_of_the_key_is_believed)
{
    set_up();
    struct bytes nonce = bytes_of(nonce_bytes, sizeof(nonce_bytes));
    struct token_ask ask = make_ask("auditor", nonce);
    CHECK_OK(prove(&ask, now_us()));
    struct token_ask other = ask;
    other.zone = bytes_text("water"); /* the proof is for one zone, one purpose, one approval */
    CHECK(prove(&other, now_us()) == ERR_CRYPTO);
    other = ask;
    other.purpose = bytes_text("operate");
    CHECK(prove(&other, now_us()) == ERR_CRYPTO);
    other = ask;
    other.approves = nonce;
    CHECK(prove(&other, now_us()) == ERR_CRYPTO);
    other = ask;
    other.approves = bytes_of(nonce_bytes, 5);
    CHECK(prove(&other, now_us()) == ERR_CRYPTO);
    other = ask;
    other.caller = bytes_text("clerk");
    CHECK(prove(&other, now_us()) == ERR_CRYPTO);
    other = ask;
    other.proof.len--;
    CHECK(prove(&other, now_us()) == ERR_CRYPTO);
    ask = make_ask("auditor", bytes_text("another nonce, of another hour....")); /* a replay */
    CHECK(prove(&ask, now_us()) == ERR_CRYPTO);
}

TEST(only_certificates_of_the_people_issuer_for_callers_count)
{
    set_up();
    struct bytes nonce = bytes_of(nonce_bytes, sizeof(nonce_bytes));
    static const char *const bad[] = {"clerk", "device", "server", "forged", "people"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct token_ask ask = make_ask(bad[i], nonce);
        CHECK(prove(&ask, now_us()) == ERR_CRYPTO);
    }
    struct token_ask ask = make_ask("auditor", nonce);
    CHECK(prove(&ask, now_us() + (int64_t)8 * 86400 * 1000000) == ERR_CRYPTO); /* expired */
    CHECK(prove(&ask, now_us() - (int64_t)8 * 86400 * 1000000) == ERR_CRYPTO);
    static uint8_t longer[5000];
    memcpy(longer, ask.certificate.p, ask.certificate.len);
    ask.certificate = bytes_of(longer, ask.certificate.len + 1); /* a byte behind it */
    CHECK(prove(&ask, now_us()) == ERR_CRYPTO);
    ask.certificate.len = 0;
    CHECK(prove(&ask, now_us()) == ERR_CRYPTO);
}

TEST(the_charter_row_decides_and_refusals_name_its_line)
{
    set_up();
    struct token t;
    char why[REQUEST_WHY_SIZE] = "";
    struct token_ask ask = {.caller = bytes_text("auditor"),
                            .zone = bytes_text("water"),
                            .purpose = bytes_text("compliance")};
    int64_t now = 1795543200000123;
    CHECK_OK(request_allow(start, &ask, now, &t, why));
    CHECK(strcmp(t.role, "inspector") == 0 && strcmp(t.zone, "water") == 0 && !t.approval);
    CHECK(t.expiry_us == 1795543200000000 + (int64_t)TOKEN_LIFE_S_MAX * 1000000);
    ask.seconds = 60;
    CHECK_OK(request_allow(start, &ask, now, &t, why));
    CHECK(t.expiry_us == 1795543200000000 + (int64_t)60 * 1000000);
    struct token_ask other = ask;
    other.zone = bytes_text("signals");
    CHECK(request_allow(start, &other, now, &t, why) == ERR_DENIED);
    CHECK(strcmp(why, "charter line 17: auditor may ask in these zones: bikes water") == 0);
    other.zone = bytes_text("bikes water");
    CHECK(request_allow(start, &other, now, &t, why) == ERR_DENIED);
    other = ask;
    other.purpose = bytes_text("operate");
    CHECK(request_allow(start, &other, now, &t, why) == ERR_DENIED);
    CHECK(strcmp(why, "charter line 17: auditor may ask for these purposes: compliance") == 0);
    other = ask;
    other.caller = bytes_text("mayor");
    CHECK(request_allow(start, &other, now, &t, why) == ERR_DENIED);
    CHECK(strcmp(why, "the charter names no caller 'mayor'") == 0);
    other = ask;
    other.approves = bytes_of(nonce_bytes, sizeof(nonce_bytes));
    CHECK_OK(request_allow(start, &other, now, &t, why));
    CHECK(t.approval && memcmp(t.approves, nonce_bytes, 32) == 0);
}

/* Last: tests run in the order of the file. */
TEST(nothing_is_left_behind)
{
    static const char *const names[] = {"people", "other",  "auditor", "clerk",
                                        "device", "server", "forged"};
    char name[64];
    set_up();
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        snprintf(name, sizeof(name), "%s.key", names[i]);
        unlink(path(name));
        snprintf(name, sizeof(name), "%s.pem", names[i]);
        unlink(path(name));
    }
    CHECK(rmdir(folder) == 0);
    request_issuer_free(issuer);
    issuer = NULL;
    free(start);
    start = NULL;
}
