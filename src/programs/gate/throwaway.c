#include "programs/gate/throwaway.h"

#include <openssl/bn.h>
#include <openssl/x509v3.h>

static EVP_PKEY *
new_key(const char *type)
{
    if (strcmp(type, "ED25519") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (strcmp(type, "RSA") == 0)
        return EVP_RSA_gen(2048);
    return EVP_EC_gen(type);
}

static bool
set_basics(X509 *x, EVP_PKEY *key, const char *common_name, long from_s, long until_s)
{
    X509_NAME *name = X509_get_subject_name(x);
    BIGNUM *number = BN_new();
    bool good = number && BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) &&
                X509_set_version(x, X509_VERSION_3) &&
                X509_gmtime_adj(X509_getm_notBefore(x), from_s) &&
                X509_gmtime_adj(X509_getm_notAfter(x), until_s) && X509_set_pubkey(x, key) &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                           (const unsigned char *)common_name, -1, -1, 0);
    BN_free(number);
    return good;
}

static bool
add(X509 *x, X509 *issuer, int nid, const char *value)
{
    if (!value)
        return true;
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool good = extension && X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    return good;
}

static bool
add_raw_uri(X509 *x, const uint8_t *p, size_t len)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *uri = ASN1_IA5STRING_new();
    bool good = names && name && uri && ASN1_STRING_set(uri, p, (int)len);
    if (good) {
        GENERAL_NAME_set0_value(name, GEN_URI, uri);
        good = sk_GENERAL_NAME_push(names, name) > 0 &&
               X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    }
    ASSERT(good);
    GENERAL_NAMES_free(names);
    return good;
}

/* Ed25519 signs without a digest of its own. */
static bool
sign(X509 *x, EVP_PKEY *key)
{
    return X509_sign(x, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) > 0;
}

enum err
throwaway_issuer(const char *common_name, struct throwaway *out)
{
    struct throwaway t = {new_key("P-256"), X509_new()};
    X509 *x = t.certificate;
    if (t.key && x && set_basics(x, t.key, common_name, -3600, 3600) &&
        X509_set_issuer_name(x, X509_get_subject_name(x)) &&
        add(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add(x, x, NID_subject_key_identifier, "hash") && sign(x, t.key)) {
        *out = t;
        return OK;
    }
    throwaway_free(&t);
    return ERR_CRYPTO;
}

enum err
throwaway_issue(const struct throwaway *issuer, const struct throwaway_wish *wish,
                struct throwaway *out)
{
    struct throwaway t = {new_key(wish->key_type ? wish->key_type : "P-256"), X509_new()};
    X509 *x = t.certificate, *by = issuer->certificate;
    bool dated = wish->from_s || wish->until_s;
    if (t.key && x &&
        set_basics(x, t.key, "leaf", dated ? wish->from_s : -3600, dated ? wish->until_s : 3600) &&
        X509_set_issuer_name(x, X509_get_subject_name(by)) &&
        add(x, by, NID_basic_constraints, wish->basic ? wish->basic : "critical,CA:FALSE") &&
        add(x, by, NID_key_usage,
            wish->key_usage ? wish->key_usage : "critical,digitalSignature") &&
        add(x, by, NID_ext_key_usage, wish->usage) &&
        add(x, by, NID_subject_alt_name, wish->names) &&
        (!wish->raw_uri || add_raw_uri(x, wish->raw_uri, wish->raw_uri_len)) &&
        sign(x, issuer->key)) {
        *out = t;
        return OK;
    }
    throwaway_free(&t);
    return ERR_CRYPTO;
}

void
throwaway_free(struct throwaway *t)
{
    EVP_PKEY_free(t->key);
    X509_free(t->certificate);
    *t = (struct throwaway){NULL, NULL};
}
