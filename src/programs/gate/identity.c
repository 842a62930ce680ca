#include "programs/gate/identity.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* The DER of P-256 on a named curve, uncompressed, and of Ed25519: no other form passes. */
enum { P256_SPKI_SIZE = 91, ED25519_SPKI_SIZE = 44, SPKI_SIZE_MAX = 2048 };

static const char *
key_digest(X509 *leaf, uint8_t digest[static 32])
{
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    X509_PUBKEY *spki = X509_get_X509_PUBKEY(leaf);
    int size = key && spki ? i2d_X509_PUBKEY(spki, NULL) : -1;
    if (size <= 0 || size > SPKI_SIZE_MAX)
        return "the key is not readable";
    char group[32] = "";
    size_t group_len = 0;
    bool p256 = EVP_PKEY_is_a(key, "EC") &&
                EVP_PKEY_get_group_name(key, group, sizeof(group), &group_len) == 1 &&
                strcmp(group, "prime256v1") == 0 && size == P256_SPKI_SIZE;
    bool ed25519 = EVP_PKEY_is_a(key, "ED25519") && size == ED25519_SPKI_SIZE;
    if (!p256 && !ed25519)
        return "the key is neither P-256 nor Ed25519";
    uint8_t der[P256_SPKI_SIZE], *at = der;
    if (i2d_X509_PUBKEY(spki, &at) != size)
        return "the key is not readable";
    unsigned len = 32;
    if (EVP_Digest(der, (size_t)size, digest, &len, EVP_sha256(), NULL) != 1 || len != 32)
        return "the key could not be hashed";
    return NULL;
}

static const char *
usage_refusal(X509 *leaf)
{
    uint32_t flags = X509_get_extension_flags(leaf);
    if (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL))
        return "an extension is malformed or unknown and critical";
    if (flags & EXFLAG_CA || X509_check_ca(leaf) != 0)
        return "an issuer's certificate is nobody's identity";
    if (!(flags & EXFLAG_XKUSAGE) || X509_get_extended_key_usage(leaf) != XKU_SSL_CLIENT)
        return "the extended key usage is not exactly client authentication";
    if (!(flags & EXFLAG_KUSAGE) || !(X509_get_key_usage(leaf) & X509v3_KU_DIGITAL_SIGNATURE))
        return "the key usage is not digital signature";
    return NULL;
}

/* The one URI in subjectAltName, copied. */
static const char *
only_uri(X509 *leaf, char uri[static IDENTITY_URI_MAX + 1])
{
    int critical = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, &critical, NULL);
    if (!names)
        return "there is not exactly one subjectAltName";
    const char *why = "the subjectAltName is not exactly one URI";
    if (sk_GENERAL_NAME_num(names) == 1) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
        if (name->type == GEN_URI) {
            const ASN1_IA5STRING *s = name->d.uniformResourceIdentifier;
            int len = ASN1_STRING_length(s);
            struct bytes text = bytes_of(ASN1_STRING_get0_data(s), len > 0 ? (size_t)len : 0);
            why = bytes_copy_text(text, uri, IDENTITY_URI_MAX + 1) == OK
                      ? NULL
                      : "the URI is too long or holds a NUL";
        }
    }
    GENERAL_NAMES_free(names);
    return why;
}

/* The next part of a URN up to ':' or the end. */
static struct bytes
next_part(struct bytes *rest)
{
    size_t n = bytes_find(*rest, ':');
    struct bytes part = bytes_of(rest->p, n);
    *rest = bytes_skip(*rest, n == rest->len ? n : n + 1);
    return part;
}

static const char *
read_uri(const char *uri, X509 *issuer, const struct identity_issuers *issuers,
         struct identity *out)
{
    static const char prefix[] = "urn:bulkhead:";
    struct bytes rest = bytes_text(uri);
    if (!bytes_start(rest, prefix))
        return "the URI is not of this platform";
    rest = bytes_skip(rest, sizeof(prefix) - 1);
    struct bytes scope = next_part(&rest);
    struct bytes kind = next_part(&rest);
    if (!text_is_name(rest) || bytes_copy_text(rest, out->name, sizeof(out->name)) != OK)
        return "the name is not a name";
    if (bytes_are(kind, "device")) {
        out->kind = PEER_DEVICE;
        if (!bytes_are(scope, issuers->zone))
            return "the device is of another zone";
        return X509_cmp(issuer, issuers->device) == 0 ? NULL : "the issuer is not the zone's";
    }
    if (bytes_are(kind, "caller")) {
        out->kind = PEER_CALLER;
        if (!bytes_are(scope, "city"))
            return "the caller is not of the city";
        return X509_cmp(issuer, issuers->people) == 0 ? NULL : "the issuer is not the people's";
    }
    return "the URI names neither a device nor a caller";
}

enum err
identity_of(const STACK_OF(X509) * chain, const struct identity_issuers *issuers,
            struct identity *out, const char **out_why)
{
    struct identity id = {.kind = PEER_STRANGER};
    char uri[IDENTITY_URI_MAX + 1];
    const char *why = NULL;
    if (!chain || sk_X509_num(chain) != 2)
        why = "the chain is not a leaf and its issuer";
    X509 *leaf = why ? NULL : sk_X509_value(chain, 0);
    if (!why)
        why = usage_refusal(leaf);
    if (!why)
        why = only_uri(leaf, uri);
    if (!why)
        why = read_uri(uri, sk_X509_value(chain, 1), issuers, &id);
    if (!why)
        why = key_digest(leaf, id.key_digest);
    if (why) {
        *out_why = why;
        return ERR_DENIED;
    }
    *out = id;
    return OK;
}

enum err
identity_prove(const SSL *session, const struct identity_issuers *issuers, bool needed,
               struct identity *out, const char **out_why)
{
    *out_why = "no certificate";
    if (!SSL_get0_peer_certificate(session))
        return needed ? ERR_DENIED : OK;
    *out_why = "the certificate was not verified";
    if (SSL_get_verify_result(session) != X509_V_OK)
        return ERR_DENIED;
    return identity_of(SSL_get0_verified_chain(session), issuers, out, out_why);
}
