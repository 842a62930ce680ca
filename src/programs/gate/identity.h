/*
 * identity.h -- who a verified certificate proves its holder to be.
 *
 *   urn:bulkhead:ZONE:device:NAME   only when this zone's issuer signed it
 *   urn:bulkhead:city:caller:NAME   only when the people's issuer signed it
 *
 * The chain (signature, dates) is OpenSSL's business and was verified; everything that gives the
 * certificate a meaning here is checked again and strictly: exactly one name, the one extended key
 * usage, a leaf, P-256 or Ed25519. Nothing in a message can change an identity.
 */
#ifndef PROGRAMS_GATE_IDENTITY_H
#define PROGRAMS_GATE_IDENTITY_H

#include "programs/messages.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

enum { IDENTITY_NAME_SIZE = 49, IDENTITY_URI_MAX = 160 };

struct identity {
    enum peer_kind kind; /* PEER_STRANGER: no certificate; the rest is empty then */
    char name[IDENTITY_NAME_SIZE];
    uint8_t key_digest[32]; /* SHA-256 of the DER SubjectPublicKeyInfo */
};

struct identity_issuers {
    X509 *device, *people; /* borrowed */
    const char *zone;
};

/*
 * `chain` is the verified chain, leaf first. ERR_DENIED with a static sentence in *out_why;
 * *out is untouched then.
 */
enum err identity_of(const STACK_OF(X509) * chain, const struct identity_issuers *issuers,
                     struct identity *out, const char **out_why) MUST_USE;

/*
 * Who stands at the other end of an established session. ERR_DENIED as above, when the certificate
 * was not verified, or when there is none and it is `needed`; without need *out is a stranger then.
 */
enum err identity_prove(const SSL *session, const struct identity_issuers *issuers, bool needed,
                        struct identity *out, const char **out_why) MUST_USE;

#endif
