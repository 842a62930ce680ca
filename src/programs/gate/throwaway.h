/*
 * throwaway.h -- keys and certificates that live in this process only: for the warm-up handshake
 * before the sandbox closes, and for tests. Nothing in here is ever trusted by a running gate.
 */
#ifndef PROGRAMS_GATE_THROWAWAY_H
#define PROGRAMS_GATE_THROWAWAY_H

#include "base/base.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

struct throwaway {
    EVP_PKEY *key;
    X509 *certificate;
};

struct throwaway_wish {
    const char *key_type;   /* NULL: "P-256"; "ED25519", "P-384", "RSA" */
    const char *names;      /* subjectAltName as OpenSSL's configuration writes it; NULL: none */
    const char *usage;      /* extended key usage; NULL: none */
    const char *key_usage;  /* NULL: "critical,digitalSignature" */
    const char *basic;      /* basic constraints; NULL: "critical,CA:FALSE" */
    long from_s, until_s;   /* relative to now; both 0: an hour around it */
    const uint8_t *raw_uri; /* a URI as subjectAltName instead of `names`, byte for byte */
    size_t raw_uri_len;
};

/* A self-signed issuer. ERR_CRYPTO. */
enum err throwaway_issuer(const char *common_name, struct throwaway *out) MUST_USE;
enum err throwaway_issue(const struct throwaway *issuer, const struct throwaway_wish *wish,
                         struct throwaway *out) MUST_USE;
void throwaway_free(struct throwaway *t);

#endif
