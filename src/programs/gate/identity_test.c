#include "base/test.h"
#include "programs/gate/identity.h"
#include "programs/gate/throwaway.h"
#include "programs/gate/tls.h"

#include <openssl/x509v3.h>

static struct throwaway zone_issuer, people_issuer, foreign_issuer;

static void
set_up(void)
{
    if (zone_issuer.key)
        return;
    CHECK_OK(throwaway_issuer("bikes", &zone_issuer));
    CHECK_OK(throwaway_issuer("people", &people_issuer));
    CHECK_OK(throwaway_issuer("signals", &foreign_issuer));
}

/* The identity of a certificate that `issuer` signs after the wish; the chain is taken as verified.
 */
static enum err
identify(const struct throwaway *issuer, const struct throwaway_wish *wish, struct identity *out)
{
    set_up();
    struct throwaway leaf;
    CHECK_OK(throwaway_issue(issuer, wish, &leaf));
    STACK_OF(X509) *chain = sk_X509_new_null();
    sk_X509_push(chain, leaf.certificate);
    sk_X509_push(chain, issuer->certificate);
    struct identity_issuers issuers = {zone_issuer.certificate, people_issuer.certificate, "bikes"};
    const char *why = NULL;
    enum err e = identity_of(chain, &issuers, out, &why);
    CHECK((e == OK) == (why == NULL));
    sk_X509_free(chain);
    throwaway_free(&leaf);
    return e;
}
#define WISH(...) (&(struct throwaway_wish){.usage = "clientAuth", __VA_ARGS__})

TEST(devices_and_callers_are_named_by_their_issuer)
{
    struct identity id;
    CHECK_OK(identify(&zone_issuer, WISH(.names = "URI:urn:bulkhead:bikes:device:dock-7"), &id));
    CHECK(id.kind == PEER_DEVICE && strcmp(id.name, "dock-7") == 0);
    CHECK_OK(identify(&people_issuer, WISH(.names = "URI:urn:bulkhead:city:caller:auditor"), &id));
    CHECK(id.kind == PEER_CALLER && strcmp(id.name, "auditor") == 0);
    struct identity ed;
    CHECK_OK(identify(&zone_issuer,
                      WISH(.key_type = "ED25519", .names = "URI:urn:bulkhead:bikes:device:dock-7"),
                      &ed));
    CHECK(memcmp(ed.key_digest, id.key_digest, 32) != 0);
}

TEST(the_digest_is_of_the_public_key_info)
{
    set_up();
    struct throwaway leaf;
    CHECK_OK(
        throwaway_issue(&zone_issuer, WISH(.names = "URI:urn:bulkhead:bikes:device:a"), &leaf));
    STACK_OF(X509) *chain = sk_X509_new_null();
    sk_X509_push(chain, leaf.certificate);
    sk_X509_push(chain, zone_issuer.certificate);
    struct identity_issuers issuers = {zone_issuer.certificate, people_issuer.certificate, "bikes"};
    struct identity id;
    const char *why;
    CHECK_OK(identity_of(chain, &issuers, &id, &why));
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(leaf.key, &der);
    uint8_t digest[32];
    CHECK(len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1);
    CHECK(memcmp(digest, id.key_digest, 32) == 0);
    sk_X509_push(chain, zone_issuer.certificate); /* a longer chain */
    CHECK(identity_of(chain, &issuers, &id, &why) == ERR_DENIED);
    sk_X509_free(chain);
    chain = sk_X509_new_null(); /* an issuer as its own leaf */
    sk_X509_push(chain, zone_issuer.certificate);
    CHECK(identity_of(chain, &issuers, &id, &why) == ERR_DENIED);
    sk_X509_free(chain);
    CHECK(identity_of(NULL, &issuers, &id, &why) == ERR_DENIED);
    OPENSSL_free(der);
    throwaway_free(&leaf);
}

TEST(names_of_the_wrong_kind_are_refused)
{
    set_up();
    static const char *const zone_says[] = {
        "URI:urn:bulkhead:city:caller:auditor", /* a zone's issuer makes no callers */
        "URI:urn:bulkhead:signals:device:dock-7",
        "URI:urn:bulkhead:bikes:gate",
        "URI:urn:bulkhead:bikes:gate:x",
        "URI:urn:bulkhead:bikes:device:",
        "URI:urn:bulkhead:bikes:device:dock-7:x",
        "URI:urn:bulkhead:bikes:device:Dock",
        "URI:urn:bulkhead:bikes:device:a/b",
        "URI:urn:bulkhead:bikes:device:+",
        "URI:urn:bulkhead::device:a",
        "URI:URN:bulkhead:bikes:device:a",
        "URI:urn:bulkheadbikes:device:a",
        "DNS:dock-7",
        "URI:urn:bulkhead:bikes:device:a,URI:urn:bulkhead:bikes:device:b",
        "URI:urn:bulkhead:bikes:device:a,DNS:a",
        NULL,
    };
    struct identity id = {.name = "untouched"};
    for (size_t i = 0; i < ARRAY_COUNT(zone_says); i++)
        CHECK(identify(&zone_issuer, WISH(.names = zone_says[i]), &id) == ERR_DENIED);
    CHECK(identify(&people_issuer, WISH(.names = "URI:urn:bulkhead:bikes:device:a"), &id) ==
          ERR_DENIED);
    CHECK(identify(&people_issuer, WISH(.names = "URI:urn:bulkhead:bikes:caller:a"), &id) ==
          ERR_DENIED);
    CHECK(identify(&foreign_issuer, WISH(.names = "URI:urn:bulkhead:bikes:device:a"), &id) ==
          ERR_DENIED);
    CHECK(strcmp(id.name, "untouched") == 0);
}

TEST(a_nul_or_a_long_name_is_refused)
{
    struct identity id;
    static const uint8_t nul[] = "urn:bulkhead:bikes:device:a\0.evil";
    CHECK(identify(&zone_issuer, WISH(.raw_uri = nul, .raw_uri_len = sizeof(nul) - 1), &id) ==
          ERR_DENIED);
    CHECK_OK(identify(&zone_issuer, WISH(.raw_uri = nul, .raw_uri_len = 27), &id));
    static uint8_t huge[10240];
    memset(huge, 'a', sizeof(huge));
    memcpy(huge, nul, 26);
    CHECK(identify(&zone_issuer, WISH(.raw_uri = huge, .raw_uri_len = sizeof(huge)), &id) ==
          ERR_DENIED);
    CHECK_OK(identify(&zone_issuer, WISH(.raw_uri = huge, .raw_uri_len = 26 + 48), &id));
    CHECK(identify(&zone_issuer, WISH(.raw_uri = huge, .raw_uri_len = 26 + 49), &id) == ERR_DENIED);
}

TEST(usages_and_keys_are_exact)
{
    struct identity id;
#define NAMED .names = "URI:urn:bulkhead:bikes:device:a"
    CHECK_OK(identify(&zone_issuer, WISH(NAMED), &id));
    CHECK(identify(&zone_issuer, &(struct throwaway_wish){NAMED}, &id) == ERR_DENIED);
    CHECK(identify(&zone_issuer, &(struct throwaway_wish){NAMED, .usage = "serverAuth"}, &id) ==
          ERR_DENIED);
    CHECK(identify(&zone_issuer, &(struct throwaway_wish){NAMED, .usage = "clientAuth,serverAuth"},
                   &id) == ERR_DENIED);
    CHECK(identify(&zone_issuer, &(struct throwaway_wish){NAMED, .usage = "anyExtendedKeyUsage"},
                   &id) == ERR_DENIED);
    CHECK(identify(&zone_issuer, WISH(NAMED, .key_usage = "keyAgreement"), &id) == ERR_DENIED);
    CHECK(identify(&zone_issuer, WISH(NAMED, .basic = "critical,CA:TRUE"), &id) == ERR_DENIED);
    CHECK(identify(&zone_issuer, WISH(NAMED, .key_type = "P-384"), &id) == ERR_DENIED);
    CHECK(identify(&zone_issuer, WISH(NAMED, .key_type = "RSA"), &id) == ERR_DENIED);
}

TEST(whole_handshakes_work_in_memory) { CHECK_OK(tls_warm_up()); }
