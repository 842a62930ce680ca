/*
 * lease.h -- a command that expires by itself, as a signed note that anyone can read.
 *
 *   bulkhead lease v1
 *   zone signals
 *   device junction-a0
 *   command phase-request
 *   phase 3                                  parameters: name and integer, in order of name
 *   not-before 2026-11-24T18:00:00.000Z
 *   expiry 2026-11-24T18:00:10.000Z
 *   sequence 17
 *
 *   — signals.rivermouth.example/warden <base64 of key id and Ed25519 signature>
 *
 * Written by a warden, and nobody else has its key; read by the device's side, which acts only
 * on a lease that lease_open() accepts: right signature, right zone and device, now between
 * not-before and expiry, sequence above every earlier one. Format: C2SP signed-note v1.0.0.
 */
#ifndef GRANT_LEASE_H
#define GRANT_LEASE_H

#include "base/base.h"
#include "base/buf.h"

enum {
    LEASE_NAME_SIZE = 49,
    LEASE_PARAMETERS_MAX = 8,
    LEASE_BYTES_MAX = 2048,
};

struct lease_parameter {
    char name[LEASE_NAME_SIZE];
    int64_t value;
};

struct lease {
    char zone[LEASE_NAME_SIZE];
    char device[LEASE_NAME_SIZE];
    char command[LEASE_NAME_SIZE];
    struct lease_parameter parameters[LEASE_PARAMETERS_MAX];
    uint32_t parameters_count;
    int64_t not_before_us, expiry_us;
    uint64_t sequence; /* grows by at least 1 with every lease of one warden for one device */
};

/* The value of a parameter, or ERR_NOT_FOUND. */
enum err lease_parameter(const struct lease *l, const char *name, int64_t *out) MUST_USE;

/*
 * "phase 3\nhold-s 5\n" (what a wish carries, in any order) into parameters, in order of name.
 * Empty text: none. ERR_MALFORMED (also for a name twice), ERR_LIMIT; *l is untouched then.
 */
enum err lease_parse_parameters(struct bytes text, struct lease *l) MUST_USE;

/*
 * The text that is signed, and back. One lease has one text: what lease_parse_text() accepts,
 * lease_put_text() writes again to the byte. ERR_MALFORMED when a name is none, when a parameter
 * is out of order, twice there or called not-before, expiry or sequence, when expiry is not after
 * not-before, or when the sequence is 0; lease_put_text() appends nothing then.
 */
enum err lease_put_text(const struct lease *l, struct buf *out) MUST_USE;
enum err lease_parse_text(struct bytes text, struct lease *out) MUST_USE;

/* The signed note. `signer` is the key's name, `secret` libsodium's 64-byte Ed25519 key. */
enum err lease_sign(const struct lease *l, const char *signer, const uint8_t secret[static 64],
                    struct buf *out) MUST_USE;

/*
 * Parse and verify one lease. ERR_MALFORMED: not a lease to the byte; ERR_CRYPTO: not signed by
 * this key under this name; ERR_DENIED: another zone or device; ERR_EXPIRED: not yet or no more
 * valid at now_us; ERR_WRONG_STATE: sequence not above `last_sequence` (a replay).
 */
struct lease_reader {
    const char *zone, *device;
    const char *signer;
    uint8_t public_key[32];
    uint64_t last_sequence;
};
enum err lease_open(const struct lease_reader *reader, struct bytes note, int64_t now_us,
                    struct lease *out) MUST_USE;

#endif
