#include "programs/judge/request.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#define REQUEST_TITLE "bulkhead token request v1\n"
#define CALLER_URI "urn:bulkhead:city:caller:"

struct request_issuer {
    X509 *certificate;
    X509_STORE *store;
};

static X509 *
read_pem(struct bytes pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return x;
}

enum err
request_issuer_new(struct bytes pem, struct request_issuer **out)
{
    struct request_issuer *issuer = calloc(1, sizeof(*issuer));
    if (!issuer || pem.len == 0 || pem.len > INT32_MAX) {
        free(issuer);
        return pem.len ? ERR_LIMIT : ERR_MALFORMED;
    }
    issuer->certificate = read_pem(pem);
    issuer->store = X509_STORE_new();
    if (!issuer->certificate || !issuer->store ||
        X509_STORE_add_cert(issuer->store, issuer->certificate) != 1) {
        request_issuer_free(issuer);
        return ERR_MALFORMED;
    }
    /* Every algorithm that a check needs is fetched by one check of the issuer itself. */
    (void)X509_verify(issuer->certificate, X509_get0_pubkey(issuer->certificate));
    *out = issuer;
    return OK;
}

void
request_issuer_free(struct request_issuer *issuer)
{
    if (!issuer)
        return;
    X509_free(issuer->certificate);
    X509_STORE_free(issuer->store);
    free(issuer);
}

void
request_put_signed(struct buf *b, struct bytes nonce, struct bytes zone, struct bytes purpose,
                   struct bytes approves)
{
    buf_text(b, REQUEST_TITLE);
    buf_put(b, nonce);
    buf_put(b, zone);
    buf_byte(b, '\n');
    buf_put(b, purpose);
    buf_byte(b, '\n');
    if (approves.len)
        text_put_hex(b, approves);
    else
        buf_byte(b, '-');
    buf_byte(b, '\n');
}

/* Signed by the issuer, valid now, for clients. */
static bool
is_issued(const struct request_issuer *issuer, X509 *certificate, int64_t now_us)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    bool good = false;
    if (check && X509_STORE_CTX_init(check, issuer->store, certificate, NULL) == 1) {
        X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(check);
        X509_VERIFY_PARAM_set_time(rules, now_us / 1000000);
        X509_VERIFY_PARAM_set_depth(rules, 0); /* the issuer itself, nobody between */
        good = X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_CLIENT) == 1 &&
               X509_verify_cert(check) == 1;
    }
    X509_STORE_CTX_free(check);
    return good;
}

static bool
has_common_name(X509 *certificate, struct bytes caller)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return false;
    ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    return bytes_equal(bytes_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)),
                       caller);
}

/* Exactly one alternative name, and that one the caller's URI. */
static bool
has_caller_uri(X509 *certificate, struct bytes caller)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool good = false;
    if (names && sk_GENERAL_NAME_num(names) == 1) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
        if (name->type == GEN_URI) {
            const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
            struct bytes text =
                bytes_of(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
            good = bytes_start(text, CALLER_URI) &&
                   bytes_equal(bytes_skip(text, strlen(CALLER_URI)), caller);
        }
    }
    GENERAL_NAMES_free(names);
    return good;
}

/* Only the two kinds of key that the city gives to people. */
static const EVP_MD *
digest_for(EVP_PKEY *key, bool *out_good)
{
    char group[32] = "";
    size_t len = 0;
    *out_good = true;
    if (EVP_PKEY_is_a(key, "ED25519"))
        return NULL;
    *out_good = EVP_PKEY_is_a(key, "EC") &&
                EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
                strcmp(group, "prime256v1") == 0;
    return EVP_sha256();
}

static bool
is_proof(EVP_PKEY *key, struct bytes proof, struct bytes what)
{
    bool good = false;
    const EVP_MD *digest = digest_for(key, &good);
    EVP_MD_CTX *check = good ? EVP_MD_CTX_new() : NULL;
    good = check && EVP_DigestVerifyInit(check, NULL, digest, NULL, key) == 1 &&
           EVP_DigestVerify(check, proof.p, proof.len, what.p, what.len) == 1;
    EVP_MD_CTX_free(check);
    return good;
}

static bool
digest_key(X509 *certificate, uint8_t out[static 32])
{
    uint8_t *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (len <= 0)
        return false;
    crypto_hash_sha256(out, der, (unsigned long long)len);
    OPENSSL_free(der);
    return true;
}

static const char *
find_fault(const struct request_issuer *issuer, X509 *certificate, const struct token_ask *ask,
           struct bytes signed_bytes, int64_t now_us)
{
    if (!certificate)
        return "the certificate is not one DER certificate";
    if (!is_issued(issuer, certificate, now_us))
        return "the certificate is not from the people's issuer, or not valid now";
    if (!text_is_name(ask->caller) || !has_common_name(certificate, ask->caller) ||
        !has_caller_uri(certificate, ask->caller))
        return "the certificate belongs to another caller";
    if (!is_proof(X509_get0_pubkey(certificate), ask->proof, signed_bytes))
        return "the proof does not fit the certificate's key and this request";
    return NULL;
}

enum err
request_prove(const struct request_issuer *issuer, const struct token_ask *ask, struct bytes nonce,
              int64_t now_us, uint8_t out_key_digest[static 32],
              char out_why[static REQUEST_WHY_SIZE])
{
    const uint8_t *at = ask->certificate.p;
    struct buf signed_bytes;
    uint8_t digest[32];
    if (nonce.len != REQUEST_NONCE_SIZE || (ask->approves.len != 0 && ask->approves.len != 32)) {
        snprintf(out_why, REQUEST_WHY_SIZE, "what is approved is named by 32 bytes");
        return ERR_CRYPTO;
    }
    X509 *certificate = d2i_X509(NULL, &at, (long)ask->certificate.len);
    if (certificate && at != ask->certificate.p + ask->certificate.len) {
        X509_free(certificate);
        certificate = NULL;
    }
    buf_init(&signed_bytes, REQUEST_SIGNED_MAX);
    request_put_signed(&signed_bytes, nonce, ask->zone, ask->purpose, ask->approves);
    const char *fault =
        buf_error(&signed_bytes) != OK
            ? "the request is too long"
            : find_fault(issuer, certificate, ask, buf_bytes(&signed_bytes), now_us);
    if (!fault && !digest_key(certificate, digest))
        fault = "the certificate has no key";
    X509_free(certificate);
    buf_fini(&signed_bytes);
    if (fault) {
        snprintf(out_why, REQUEST_WHY_SIZE, "%s", fault);
        return ERR_CRYPTO;
    }
    memcpy(out_key_digest, digest, sizeof(digest));
    return OK;
}

enum err
request_allow(const struct start *start, const struct token_ask *ask, int64_t now_us,
              struct token *out, char out_why[static REQUEST_WHY_SIZE])
{
    const struct start_caller *row = start_caller(start, ask->caller);
    if (!row) {
        snprintf(out_why, REQUEST_WHY_SIZE, "the charter names no caller '%.*s'",
                 BYTES_PRINTF(ask->caller));
        return ERR_DENIED;
    }
    if (!text_is_name(ask->zone) || !start_list_has(row->zones, ask->zone)) {
        snprintf(out_why, REQUEST_WHY_SIZE, "charter line %u: %s may ask in these zones: %.100s",
                 row->line, row->name, row->zones);
        return ERR_DENIED;
    }
    const struct start_island *island = start_island(start, ask->zone);
    if (island && ask->approves.len == 0) { /* an approval reads nothing, and joining needs two */
        snprintf(out_why, REQUEST_WHY_SIZE, "zone %s is cut off: %s", island->zone, island->reason);
        return ERR_DENIED;
    }
    if (!text_is_name(ask->purpose) || !start_list_has(row->purposes, ask->purpose)) {
        snprintf(out_why, REQUEST_WHY_SIZE,
                 "charter line %u: %s may ask for these purposes: %.100s", row->line, row->name,
                 row->purposes);
        return ERR_DENIED;
    }
    struct token t;
    memset(&t, 0, sizeof(t));
    enum err e = bytes_copy_text(ask->caller, t.caller, sizeof(t.caller));
    if (e == OK)
        e = bytes_copy_text(bytes_text(row->role), t.role, sizeof(t.role));
    if (e == OK)
        e = bytes_copy_text(ask->zone, t.zone, sizeof(t.zone));
    if (e == OK)
        e = bytes_copy_text(ask->purpose, t.purpose, sizeof(t.purpose));
    ASSERT(e == OK); /* they are names, and names fit */
    uint32_t seconds =
        ask->seconds > 0 && ask->seconds < TOKEN_LIFE_S_MAX ? ask->seconds : TOKEN_LIFE_S_MAX;
    /* Whole milliseconds, so that the text of the token stays short. */
    t.expiry_us = (now_us / 1000 + (int64_t)seconds * 1000) * 1000;
    t.approval = ask->approves.len == 32;
    if (t.approval)
        memcpy(t.approves, ask->approves.p, 32);
    *out = t;
    return OK;
}
