/*
 * A certificate as the chain's leaf: any DER, or one of ours with any bytes as its URI or of an odd
 * make. Who it is said to prove has a name, of the issuer's kind, and the digest of the very key.
 */
#include "base/fuzz.h"
#include "base/text.h"
#include "programs/gate/identity.h"
#include "programs/gate/throwaway.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

enum { ISSUERS = 3, WISHES_MAX = 16 };

static struct throwaway issuers[ISSUERS]; /* of the zone's devices, of people, of nobody here */

static const struct throwaway_wish odd[] = {
    {.usage = "clientAuth", .key_type = "ED25519", .names = "URI:urn:bulkhead:bikes:device:a"},
    {.usage = "clientAuth", .key_type = "P-384", .names = "URI:urn:bulkhead:bikes:device:a"},
    {.usage = "clientAuth", .key_type = "RSA", .names = "URI:urn:bulkhead:bikes:device:a"},
    {.usage = "clientAuth", .names = "DNS:a"},
    {.usage = "clientAuth", .names = "URI:urn:bulkhead:bikes:device:a,DNS:a"},
    {.usage = "clientAuth"},
    {.usage = "serverAuth", .names = "URI:urn:bulkhead:bikes:device:a"},
    {.names = "URI:urn:bulkhead:bikes:device:a"},
    {.usage = "clientAuth",
     .basic = "critical,CA:TRUE",
     .names = "URI:urn:bulkhead:bikes:device:a"},
    {.usage = "clientAuth",
     .key_usage = "keyAgreement",
     .names = "URI:urn:bulkhead:bikes:device:a"},
    {.usage = "clientAuth", .names = "URI:urn:bulkhead:city:caller:auditor"},
};
static X509 *made[ARRAY_COUNT(odd)];

static void
set_up(void)
{
    static const char *const names[ISSUERS] = {"bikes", "people", "signals"};
    for (int i = 0; i < ISSUERS; i++) {
        enum err e = throwaway_issuer(names[i], &issuers[i]);
        ASSERT(e == OK);
    }
    for (size_t i = 0; i < ARRAY_COUNT(odd); i++) {
        struct throwaway leaf;
        enum err e = throwaway_issue(&issuers[0], &odd[i], &leaf);
        ASSERT(e == OK);
        made[i] = leaf.certificate;
        EVP_PKEY_free(leaf.key);
    }
}

/* A certificate of ours in which only the URI is the input's; its key is never used. */
static X509 *
with_uri(struct bytes uri)
{
    X509 *x = X509_dup(made[ARRAY_COUNT(odd) - 1]);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    ASSERT(x && names && name && text);
    int good = ASN1_STRING_set(text, uri.p, (int)uri.len);
    GENERAL_NAME_set0_value(name, GEN_URI, text);
    good = good && sk_GENERAL_NAME_push(names, name) > 0 &&
           X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE) == 1;
    ASSERT(good);
    GENERAL_NAMES_free(names);
    return x;
}

static void
check_found(const struct identity *id, X509 *leaf, size_t issuer)
{
    uint8_t digest[32];
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
    ASSERT(len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1);
    OPENSSL_free(der);
    ASSERT(memcmp(digest, id->key_digest, sizeof(digest)) == 0);
    ASSERT(text_is_name(bytes_text(id->name)));
    ASSERT((id->kind == PEER_DEVICE && issuer == 0) || (id->kind == PEER_CALLER && issuer == 1));
}

/* `uri` is what the leaf says, or empty when it is not the input's. */
static void
check_leaf(X509 *leaf, size_t issuer, bool long_chain, struct bytes uri)
{
    struct identity_issuers known = {issuers[0].certificate, issuers[1].certificate, "bikes"};
    struct identity id;
    const char *why = NULL;
    STACK_OF(X509) *chain = sk_X509_new_null();
    ASSERT(chain && sk_X509_push(chain, leaf) > 0);
    ASSERT(sk_X509_push(chain, issuers[issuer].certificate) > 0);
    if (long_chain)
        ASSERT(sk_X509_push(chain, issuers[0].certificate) > 0);
    enum err e = identity_of(chain, &known, &id, &why);
    ASSERT((e == OK) == (why == NULL) && (e == OK || e == ERR_DENIED));
    if (e == OK)
        check_found(&id, leaf, issuer);
    if (e == OK && uri.len) {
        char only[IDENTITY_URI_MAX + 1];
        snprintf(only, sizeof(only), "urn:bulkhead:%s:%s",
                 issuer == 0 ? "bikes:device" : "city:caller", id.name);
        ASSERT(bytes_are(uri, only));
    }
    sk_X509_free(chain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!issuers[0].key)
        set_up();
    struct bytes in = bytes_of(data, size);
    uint8_t flags = fuzz_byte(&in);
    size_t issuer = flags % ISSUERS;
    bool long_chain = flags & 0x80;
    const uint8_t *at = in.p;
    X509 *leaf = flags & 0x40   ? d2i_X509(NULL, &at, (long)in.len)
                 : flags & 0x20 ? X509_dup(made[fuzz_byte(&in) % ARRAY_COUNT(made)])
                                : with_uri(in);
    if (leaf)
        check_leaf(leaf, issuer, long_chain, flags & 0x60 ? (struct bytes){0} : in);
    X509_free(leaf);
    return 0;
}
