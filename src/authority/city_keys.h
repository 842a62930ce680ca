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

/*
 * key.pem, cert.pem, ca.pem (and warden.vkey where the zone has commands) for a device in `out`.
 * ERR_EXISTS: a device of this name was enrolled before (STATE/devices/ZONE/NAME).
 */
enum err city_keys_enrol(const struct charter *c, uint32_t zone, const char *state,
                         const char *device, const char *out, char *out_why,
                         size_t why_size) MUST_USE;

#endif
