/*
 * cabinet.h -- what a person wrote about one cabinet: who answers there, how the phases lie, what
 * the city's envelope demands, which stage a lease means. Pure.
 *
 *   cabinet    crossing-12                  also the device's name
 *   agent      192.0.2.7:161                an address, no name: nothing is looked up
 *   user       bulkhead
 *   auth       sha-256                      sha-256, sha-384 or sha-512
 *   privacy    aes-128                      aes-128 or aes-256
 *   keys       /etc/bulkhead/crossing-12    two pass phrases (keys_read()), mode 0600
 *   backup     5s                           unitBackupTime
 *   replays    serial                       serial: the agent has snmpSetSerialNo, which makes a
 *                                           request work once; window: it has not, and what was
 *                                           recorded works for USM's 150 s
 *   envelope   minimum-green 5s yellow 3s all-red 1.5s maximum-green 60s maximum-red 120s
 *   ring       1 2 3 4                      phases of one ring, in order
 *   ring       5 6 7 8
 *   side       1 2 5 6                      phases between the same barriers
 *   side       3 4 7 8
 *   crossing   2 walk 7s clearance 12s      a phase with people on foot: no less than that
 *   stage      2 6                          phase-request 0; the next line is 1
 *   stage      4 8
 *   properties /etc/bulkhead/crossing-12.json   the Thing's (services/signals/model.h)
 *   lane       2                            detectors at the stop line of lane 0, or `-`
 *   loop       10                           the detector of loop 0, or `-`
 *
 * `#` begins a remark. An unknown word, a word twice, a missing one or a number out of range is an
 * error that names the line. There is no word for a community, a version or a security level.
 */
#ifndef FIELD_NTCIP_CABINET_H
#define FIELD_NTCIP_CABINET_H

#include "field/ntcip/rings.h"

enum {
    CABINET_BYTES_MAX = 16 * 1024,
    CABINET_NAME_SIZE = 65,
    CABINET_USER_SIZE = 33, /* RFC 3414: 32 octets */
    CABINET_PATH_SIZE = 256,
    CABINET_HOST_SIZE = 64,
    CABINET_STAGES_MAX = 16,
    CABINET_LANES_MAX = 64,
    CABINET_LOOPS_MAX = 64,
    CABINET_WHY_SIZE = 160,
    CABINET_YELLOW_MIN_DS = 30, /* MUTCD 4D.26 */
};

enum cabinet_auth { AUTH_NONE, AUTH_SHA_256, AUTH_SHA_384, AUTH_SHA_512 };
enum cabinet_replays { REPLAYS_NONE, REPLAYS_SERIAL, REPLAYS_WINDOW };
enum cabinet_privacy { PRIVACY_NONE, PRIVACY_AES_128, PRIVACY_AES_256 };

struct cabinet {
    char name[CABINET_NAME_SIZE];
    char host[CABINET_HOST_SIZE];
    uint16_t port;
    char user[CABINET_USER_SIZE];
    enum cabinet_auth auth;
    enum cabinet_privacy privacy;
    enum cabinet_replays replays;
    char keys[CABINET_PATH_SIZE], properties[CABINET_PATH_SIZE]; /* properties may be empty */
    uint16_t backup_s;
    /* The envelope; ds: tenths of a second. */
    uint16_t minimum_green_s, maximum_green_s, maximum_red_s, yellow_ds, all_red_ds;
    uint8_t crossings;                                                   /* bits of phases */
    uint8_t walk_s[NTCIP_PHASES + 1], ped_clearance_s[NTCIP_PHASES + 1]; /* by phase */
    struct rings rings;
    uint32_t stages_count, lanes_count, loops_count;
    uint8_t stage[CABINET_STAGES_MAX]; /* bits of phases */
    uint64_t lane[CABINET_LANES_MAX];  /* bits of detectors: bit 0 is detector 1 */
    uint64_t loop[CABINET_LOOPS_MAX];  /* one bit or none */
    uint64_t detectors;                /* all of them */
};

/* ERR_MALFORMED with a sentence in why; *out is written on OK only. */
enum err cabinet_parse(struct bytes text, struct cabinet *out,
                       char why[static CABINET_WHY_SIZE]) MUST_USE;

/*
 * The file of keys: two lines, `auth PHRASE` and `privacy PHRASE`, 12 to 64 printable characters
 * without blanks, not the same.
 */
enum { KEYS_PHRASE_SIZE = 65, KEYS_PHRASE_MIN = 12, KEYS_BYTES_MAX = 256 };
struct keys {
    char auth[KEYS_PHRASE_SIZE], privacy[KEYS_PHRASE_SIZE];
};
enum err keys_parse(struct bytes text, struct keys *out) MUST_USE;

#endif
