/*
 * city_keys.h -- everything secret that a city needs, made at its first start.
 *
 *   STATE/keys/judge.key ledger-LOG.key warden-ZONE.key    64 bytes, libsodium Ed25519, mode 0600
 *   STATE/keys/store-ZONE.key                              32 random bytes
 *   STATE/keys/judge.pub warden-ZONE.vkey ledger-LOG.vkey  public halves, for devices and verifiers
 *   STATE/pki/issuer-ZONE.{key,pem} issuer-people.{key,pem} gate-ZONE.{key,pem}
 *   STATE/callers/NAME/{key,cert,ca}.pem
 *
 * What is there stays; gate certificates are made anew when they have less than a week left.
 */
#ifndef AUTHORITY_CITY_KEYS_H
#define AUTHORITY_CITY_KEYS_H

#include "charter/charter.h"

enum { CITY_GATE_DAYS = 60, CITY_DEVICE_DAYS = 7, CITY_CALLER_DAYS = 7 };

/* ERR_IO with a sentence in `out_why`. */
enum err city_keys_make(const struct charter *c, const char *state, char *out_why,
                        size_t why_size) MUST_USE;

struct city_device {
    uint32_t zone; /* index in the charter */
    const char *name;
    const char *out; /* the folder for its files; made when it is not there */
};

/*
 * key.pem, cert.pem, ca.pem (and warden.vkey where the zone has commands) for a new device.
 * ERR_EXISTS: a device of this name was enrolled before (STATE/devices/ZONE/NAME).
 */
enum err city_keys_enrol(const struct charter *c, const char *state, const struct city_device *d,
                         char *out_why, size_t why_size) MUST_USE;

/*
 * The same files with a new key, for a name that was enrolled; what stands in `out` is replaced.
 * The certificate before it stays good until it expires. ERR_NOT_FOUND: never enrolled.
 */
enum err city_keys_renew(const struct charter *c, const char *state, const struct city_device *d,
                         char *out_why, size_t why_size) MUST_USE;

/* True when a device of this name was enrolled in the zone. */
bool city_keys_enrolled(const struct charter *c, const char *state, const struct city_device *d);

#endif
