/*
 * A token's request to the judge. The certificate is one of ours (good, of another caller, of
 * another issuer, for servers) or any DER; the proof is made for the very request or is any bytes;
 * the fields are any text. Who is believed holds the caller's certificate and its key, and what is
 * allowed stands in the charter. With the first byte 0xff the rest is an issuer's PEM.
 */
#include "base/fuzz.h"
#include "programs/gate/throwaway.h"
#include "programs/judge/request.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <time.h>

enum { GOOD, GOOD_TOO, FOREIGN, OTHER_NAME, TWO_NAMES, SERVER, EXPIRED, MADE };

static struct throwaway people, other, made[MADE];
static struct request_issuer *issuer;
static struct start start;

static int64_t
wall_us(void)
{
    return (int64_t)time(NULL) * 1000000;
}

static void
make(size_t which, const struct throwaway *by, struct throwaway_wish wish)
{
    enum err e = throwaway_issue(by, &wish, &made[which]);
    ASSERT(e == OK);
}

static struct bytes
pem_of(X509 *x, BIO *bio)
{
    char *p = NULL;
    int good = PEM_write_bio_X509(bio, x);
    long len = BIO_get_mem_data(bio, &p);
    ASSERT(good == 1 && len > 0);
    return bytes_of(p, (size_t)len);
}

static void
set_up(void)
{
    static const char uri[] = "URI:urn:bulkhead:city:caller:leaf"; /* all have the name "leaf" */
    BIO *bio = BIO_new(BIO_s_mem());
    enum err e = throwaway_issuer("people", &people);
    if (e == OK)
        e = throwaway_issuer("people", &other);
    ASSERT(e == OK && bio);
    make(GOOD, &people, (struct throwaway_wish){.usage = "clientAuth", .names = uri});
    make(GOOD_TOO, &people,
         (struct throwaway_wish){.usage = "clientAuth", .names = uri, .key_type = "ED25519"});
    make(FOREIGN, &other, (struct throwaway_wish){.usage = "clientAuth", .names = uri});
    make(OTHER_NAME, &people,
         (struct throwaway_wish){.usage = "clientAuth", .names = "URI:urn:bulkhead:city:caller:x"});
    make(TWO_NAMES, &people,
         (struct throwaway_wish){.usage = "clientAuth",
                                 .names = "URI:urn:bulkhead:city:caller:leaf,DNS:leaf"});
    make(SERVER, &people, (struct throwaway_wish){.usage = "serverAuth", .names = uri});
    make(EXPIRED, &people,
         (struct throwaway_wish){
             .usage = "clientAuth", .names = uri, .from_s = -7200, .until_s = -3600});
    e = request_issuer_new(pem_of(people.certificate, bio), &issuer);
    ASSERT(e == OK);
    BIO_free(bio);
    start.callers_count = 1;
    start.callers[0] = (struct start_caller){
        .name = "leaf", .role = "inspector", .zones = "bikes water", .purposes = "compliance"};
}

static size_t
sign(EVP_PKEY *key, const struct token_ask *ask, struct bytes nonce, uint8_t out[static 512])
{
    struct buf b;
    size_t len = 512;
    buf_init(&b, 4096);
    request_put_signed(&b, nonce, ask->zone, ask->purpose, ask->approves);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    bool good = buf_error(&b) == OK && ctx &&
                EVP_DigestSignInit(ctx, NULL, digest, NULL, key) == 1 &&
                EVP_DigestSign(ctx, out, &len, b.p, b.len) == 1;
    EVP_MD_CTX_free(ctx);
    buf_fini(&b);
    return good ? len : 0;
}

static void
check_allowed(const struct token_ask *ask)
{
    struct token t;
    char why[REQUEST_WHY_SIZE] = "";
    enum err e = request_allow(&start, ask, wall_us(), &t, why);
    ASSERT((e == OK) == (why[0] == '\0'));
    if (e != OK)
        return;
    ASSERT(bytes_are(ask->caller, "leaf") && bytes_are(ask->purpose, "compliance"));
    ASSERT(bytes_are(ask->zone, "bikes") || bytes_are(ask->zone, "water"));
    ASSERT(t.expiry_us <= wall_us() + (int64_t)TOKEN_LIFE_S_MAX * 1000000);
}

static void
check_ask(struct bytes in)
{
    uint8_t flags = fuzz_byte(&in);
    size_t which = fuzz_byte(&in);
    uint8_t nonce[REQUEST_NONCE_SIZE] = {fuzz_byte(&in)}, proof[512], digest[32], *der = NULL;
    char why[REQUEST_WHY_SIZE] = "";
    struct token_ask ask = {.seconds = fuzz_byte(&in)};
    ask.caller = fuzz_part(&in);
    ask.zone = fuzz_part(&in);
    ask.purpose = fuzz_part(&in);
    ask.approves = fuzz_part(&in);
    if (which < MADE) {
        int len = i2d_X509(made[which].certificate, &der);
        ASSERT(len > 0);
        ask.certificate = bytes_of(der, (size_t)len - (flags & 2 ? 1 : 0));
    } else {
        ask.certificate = fuzz_part(&in);
    }
    ask.proof = fuzz_part(&in);
    if (flags & 1 && which < MADE)
        ask.proof = bytes_of(proof, sign(made[which].key, &ask, bytes_of(nonce, 32), proof));
    if (flags & 4)
        nonce[1] ^= 1; /* a proof of another time */
    enum err e = request_prove(issuer, &ask, bytes_of(nonce, 32), wall_us(), digest, why);
    ASSERT((e == OK) == (why[0] == '\0'));
    ASSERT(e != OK || ((which == GOOD || which == GOOD_TOO) && bytes_are(ask.caller, "leaf") &&
                       (flags & 7) == 1));
    check_allowed(&ask);
    OPENSSL_free(der);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request_issuer *any = NULL;
    if (!issuer)
        set_up();
    if (size > 0 && data[0] == 0xff) {
        if (request_issuer_new(bytes_of(data + 1, size - 1), &any) == OK)
            request_issuer_free(any);
        return 0;
    }
    check_ask(bytes_of(data, size));
    return 0;
}
