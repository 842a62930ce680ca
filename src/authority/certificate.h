/*
 * certificate.h -- issuers and the certificates that they issue (X.509, P-256, SHA-256).
 *
 * Names: the identity is one URI in subjectAltName (specs: devices section 1):
 *   urn:bulkhead:ZONE:device:NAME     issued by the zone's issuer
 *   urn:bulkhead:city:caller:NAME     issued by the people's issuer
 *   urn:bulkhead:ZONE:gate            issued by the zone's issuer, with addresses for clients
 * Files are PEM; private keys are created with mode 0600 and never overwritten.
 */
#ifndef AUTHORITY_CERTIFICATE_H
#define AUTHORITY_CERTIFICATE_H

#include "base/base.h"

enum { CERTIFICATE_ADDRESSES_MAX = 8 };

struct certificate_wish {
    const char *common_name;
    const char *uri;
    bool server; /* extended key usage: server, else client */
    /* For a server: "127.0.0.1", "localhost"; addresses are recognised as such. */
    const char *addresses[CERTIFICATE_ADDRESSES_MAX];
    size_t addresses_count;
    uint32_t days;
};

/* A new self-signed issuer, valid 10 years. ERR_EXISTS when the key file is there. */
enum err certificate_make_issuer(const char *key_path, const char *certificate_path,
                                 const char *common_name) MUST_USE;

/* A new key and a certificate for it. ERR_EXISTS as above; `replace` renews both instead. */
enum err certificate_issue(const char *issuer_key_path, const char *issuer_certificate_path,
                           const struct certificate_wish *wish, bool replace, const char *key_path,
                           const char *certificate_path) MUST_USE;

#endif
