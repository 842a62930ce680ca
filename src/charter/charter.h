/*
 * charter.h -- the city's signed policy, as a value.
 *
 * charter_parse() turns text into a struct charter or into one error that names line, column,
 * what stood there, what was expected, and the nearest known word. charter_check() then looks
 * for what the promises forbid; every finding names a line. Both are pure: no input or output,
 * no allocation beyond the struct, bounded depth and counts. The same text gives the same value.
 *
 * Grammar (whitespace separates, '#' comments to the end of the line):
 *
 *   charter   = { city | purpose | class | vendor | rule | caller | zone | conduit | never }
 *   city      = "city" string "{" ["number" integer] ["origin" host] "sites" name+
 *               "signers" name+ "need" integer "}"
 *   purpose   = "purpose" name string
 *   class     = "class" name "{" "personal" yes-no "sites" name+ ["keep" duration]
 *               ["purposes" name+] ["biometric" yes-no] "}"
 *   vendor    = "vendor" name "{" "seat" country "owner" country "state-linked" yes-no
 *               "support" country+ ["firmware-signed" yes-no] "}"
 *   rule      = "rule" tier "{" { "forbid" "state-linked" | "require" "firmware-signed"
 *               | "seats" country+ | "support" country+ } "}"
 *   caller    = "caller" name "{" "role" name "zones" name+ "purposes" name+ ["writes" name+] "}"
 *   zone      = "zone" name "{" { "service" name | "tier" tier | "vendors" name+ | "sites" name+
 *               | "holds" name+ | "listen" { ("mqtts"|"https") address } | "limits" { limit }
 *               | "envelope" { name quantity } | "command" name { "lease" duration | "rate" rate
 *               | "people" integer } | "topics" string "class" name { "publish" "devices"
 *               | "subscribe" { "devices" | "callers" } | "except" string | "qos" integer
 *               | "retained" integer | "size" bytes } } "}"
 *   conduit   = "conduit" name "{" "from" name "to" name "carries" name+ ["group" integer]
 *               ["rate" rate] "purpose" name "reason" string ["approved-by" name] "}"
 *   never     = "never" string "{" "reason" string "owner" string "}"
 *
 * DESIGN section 5 gives the outline; docs/charter.md is the reader's page. Statements of a
 * block may come in any order; each at most once, but for "envelope", "listen", "command" and
 * "topics". The words of the language are nobody's names, so that a list of names ends at the next
 * word. Without "number" it is 1; without "origin" it is the city's name in lower-case letters,
 * digits and dashes, and ".example". Text is UTF-8; control characters and characters that turn the
 * reading direction around are refused, also in comments: what is read is what is meant.
 */
#ifndef CHARTER_CHARTER_H
#define CHARTER_CHARTER_H

#include "base/base.h"
#include "base/buf.h"
#include "charter/vocabulary.h"

enum {
    CHARTER_NAME_SIZE = 49,  /* a name and its NUL: text.h TEXT_NAME_MAX */
    CHARTER_TEXT_SIZE = 201, /* a quoted string and its NUL */
    CHARTER_ADDRESS_SIZE = 64,
    CHARTER_BYTES_MAX = 256 * 1024,
    CHARTER_SITES_MAX = 16,
    CHARTER_SIGNERS_MAX = 16,
    CHARTER_PURPOSES_MAX = 64,
    CHARTER_CLASSES_MAX = 64,
    CHARTER_VENDORS_MAX = 64,
    CHARTER_CALLERS_MAX = 64,
    CHARTER_ZONES_MAX = 32,
    CHARTER_CONDUITS_MAX = 64,
    CHARTER_NEVER_MAX = 64,
    CHARTER_LISTEN_MAX = 4,
    CHARTER_ENVELOPE_MAX = 16,
    CHARTER_COMMANDS_MAX = 16,
    CHARTER_CARRIES_MAX = 8,
    CHARTER_TOPICS_MAX = 16, /* statements in a zone */
    CHARTER_EXCEPT_MAX = 4,  /* in one of them */
    CHARTER_COUNTRIES_MAX = 16,
    CHARTER_FINDINGS_MAX = 64,
};

enum charter_tier {
    TIER_ORDINARY,
    TIER_IMPORTANT,
    TIER_CRITICAL,
    TIER_PROTECTED, /* readings in, nothing else: no command, no inbound conduit */
    TIER_COUNT
};
const char *charter_tier_text(enum charter_tier t);

/* Where something stands in the file; lines and columns count from 1. 0 = not given. */
struct charter_place {
    uint32_t line;
    uint32_t column;
};

/* References between blocks are indices into the charter's arrays; bit sets are over indices. */

struct charter_purpose {
    char name[CHARTER_NAME_SIZE];
    char text[CHARTER_TEXT_SIZE];
    struct charter_place place;
};

struct charter_class {
    char name[CHARTER_NAME_SIZE];
    struct charter_place place;
    bool personal;
    bool biometric;
    struct charter_place biometric_place;
    uint32_t sites;    /* bit set over charter.sites */
    uint64_t keep_s;   /* 0: for ever */
    uint64_t purposes; /* bit set over charter.purposes; 0: not stated: every purpose of the
                          charter for a class that is not personal, none for one that is */
};

struct charter_vendor {
    char name[CHARTER_NAME_SIZE];
    struct charter_place place;
    char seat[3], owner[3]; /* ISO 3166-1 alpha-2 */
    char support[CHARTER_COUNTRIES_MAX][3];
    uint32_t support_count;
    bool state_linked;
    bool firmware_signed;
};

/* What the city asks of vendors in a tier. In "critical" and "protected" state-linked vendors are
 * forbidden with or without a rule. `seats` binds a vendor's seat and its owner's. */
struct charter_rule {
    bool given;
    struct charter_place place;
    bool forbid_state_linked;
    bool require_firmware_signed;
    char seats[CHARTER_COUNTRIES_MAX][3];
    uint32_t seats_count; /* 0: any */
    char support[CHARTER_COUNTRIES_MAX][3];
    uint32_t support_count; /* 0: any */
};

/* A person or an app that may ask: the certificate that the people's issuer gave NAME. */
struct charter_caller {
    char name[CHARTER_NAME_SIZE];
    struct charter_place place;
    char role[CHARTER_NAME_SIZE];
    uint32_t zones;    /* bit set over charter.zones */
    uint64_t purposes; /* bit set over charter.purposes */
    uint64_t writes;   /* bit set over charter.classes: what they may change, not only read */
    struct charter_place writes_place;
};

struct charter_listen {
    struct charter_place place;
    bool https;                      /* else mqtts */
    char host[CHARTER_ADDRESS_SIZE]; /* IPv4, or IPv6 without brackets */
    uint16_t port;
};

/* A quantity of the safety envelope: seconds become milliseconds, kW become W, percent become
 * 1/100 of a percent. charter_check() demands the unit of the service's vocabulary. */
struct charter_envelope {
    char name[CHARTER_NAME_SIZE];
    struct charter_place place;
    enum word_unit unit;
    int64_t value;
};

struct charter_command {
    char name[CHARTER_NAME_SIZE];
    struct charter_place place;
    uint32_t lease_ms;      /* a zone with a command without a lease time does not check */
    uint32_t rate_per_hour; /* leases per device; 0: one at a time, no other bound */
    uint32_t people;        /* approvals that a lease needs */
};

/*
 * A tree of plain MQTT topics: what the filter matches, without the exceptions. A level "%d" stands
 * for the name of the device that publishes or subscribes. Messages are of one data class; nobody
 * may publish or subscribe who is not named.
 */
struct charter_topics {
    char filter[CHARTER_TEXT_SIZE];
    struct charter_place place;
    int32_t class_index; /* -1: missing (a finding) */
    struct charter_place class_place;
    bool publish_devices, subscribe_devices, subscribe_callers;
    struct charter_place subscribe_place;
    uint32_t qos;      /* the highest; default 2 */
    uint32_t retained; /* messages; default 0: none */
    struct charter_place retained_place;
    uint32_t size_bytes; /* of a payload; default 16 KiB */
    char except[CHARTER_EXCEPT_MAX][CHARTER_TEXT_SIZE];
    struct charter_place except_place[CHARTER_EXCEPT_MAX];
    uint32_t except_count;
};

struct charter_zone {
    char name[CHARTER_NAME_SIZE];
    struct charter_place place;
    char service[CHARTER_NAME_SIZE];
    enum charter_tier tier;
    struct charter_place tier_place;
    struct charter_place service_place;
    uint64_t vendors; /* bit set over charter.vendors */
    struct charter_place vendors_place;
    uint32_t sites; /* bit set over charter.sites */
    struct charter_place sites_place;
    uint64_t holds; /* bit set over charter.classes */
    struct charter_place holds_place;
    struct charter_listen listen[CHARTER_LISTEN_MAX];
    uint32_t listen_count;
    uint64_t memory_bytes;   /* default 256 MiB */
    uint32_t cpu_percent;    /* default 100 */
    uint32_t messages_per_s; /* default 20000 */
    uint64_t disk_bytes;     /* default 4 GiB */
    struct charter_envelope envelope[CHARTER_ENVELOPE_MAX];
    uint32_t envelope_count;
    struct charter_command commands[CHARTER_COMMANDS_MAX];
    uint32_t commands_count;
    struct charter_topics topics[CHARTER_TOPICS_MAX];
    uint32_t topics_count;
};

struct charter_conduit {
    char name[CHARTER_NAME_SIZE];
    struct charter_place place;
    uint32_t from, to;                                    /* indices of zones */
    char carries[CHARTER_CARRIES_MAX][CHARTER_NAME_SIZE]; /* message kinds, or commands of `to` */
    struct charter_place carries_place[CHARTER_CARRIES_MAX];
    uint32_t carries_count;
    uint32_t group;         /* the smallest group that a count may tell of; 0 or 1: none */
    uint32_t rate_per_hour; /* messages; 0 is never allowed to reach a running city */
    struct charter_place rate_place;
    int32_t purpose; /* index; -1: missing (a finding) */
    char reason[CHARTER_TEXT_SIZE];
    char approved_by[CHARTER_NAME_SIZE];
};

struct charter_never {
    char what[CHARTER_TEXT_SIZE];
    char reason[CHARTER_TEXT_SIZE];
    char owner[CHARTER_TEXT_SIZE];
    struct charter_place place;
};

struct charter {
    char city[CHARTER_TEXT_SIZE];
    struct charter_place city_place;
    char origin[CHARTER_ADDRESS_SIZE]; /* scheme-less host (and path) that names the ledgers */
    uint64_t number;                   /* counts upward with every charter of this city; from 1 */
    char sites[CHARTER_SITES_MAX][CHARTER_NAME_SIZE];
    uint32_t sites_count;
    char signers[CHARTER_SIGNERS_MAX][CHARTER_NAME_SIZE];
    uint32_t signers_count;
    uint32_t need; /* signatures, 1 .. signers_count */
    struct charter_place need_place;
    struct charter_purpose purposes[CHARTER_PURPOSES_MAX];
    uint32_t purposes_count;
    struct charter_class classes[CHARTER_CLASSES_MAX];
    uint32_t classes_count;
    struct charter_vendor vendors[CHARTER_VENDORS_MAX];
    uint32_t vendors_count;
    struct charter_rule rules[TIER_COUNT];
    struct charter_caller callers[CHARTER_CALLERS_MAX];
    uint32_t callers_count;
    struct charter_zone zones[CHARTER_ZONES_MAX];
    uint32_t zones_count;
    struct charter_conduit conduits[CHARTER_CONDUITS_MAX];
    uint32_t conduits_count;
    struct charter_never nevers[CHARTER_NEVER_MAX];
    uint32_t nevers_count;
};

/* One thing that is wrong, in words: "expected a duration such as 24h, found 'soon'". */
struct charter_finding {
    struct charter_place place;
    char text[320];
};

struct charter_findings {
    struct charter_finding list[CHARTER_FINDINGS_MAX];
    uint32_t count;
    bool more; /* there were more than fit */
};

/*
 * Parse. On ERR_MALFORMED (or ERR_LIMIT) `out_findings` holds exactly one finding and *out is
 * undefined. References are resolved here, so blocks may come in any order.
 * *out is about 2 MB: give it a heap object.
 */
enum err charter_parse(struct bytes text, struct charter *out,
                       struct charter_findings *out_findings) MUST_USE;

/*
 * Everything that the promises forbid. OK when nothing was found; else ERR_DENIED and the
 * findings, in the order of lines. Rules: see charters/bad/, one file a refusal.
 */
enum err charter_check(const struct charter *c, struct charter_findings *out_findings) MUST_USE;

/* "demo.charter:12:5: ..." -- one finding as a line for a person, without a newline. */
void charter_put_finding(struct buf *b, const char *file, const struct charter_finding *f);

/*
 * The canonical form: the same policy gives the same bytes, whatever the order of blocks and the
 * white space were. Its SHA-256 is what signers sign and what stands in the ledger.
 */
void charter_put_canonical(struct buf *b, const struct charter *c);
void charter_digest(const struct charter *c, uint8_t out[static 32]);

/* One more finding, in words; sets `more` when the list is full. */
void charter_add_finding(struct charter_findings *f, struct charter_place place, const char *format,
                         ...) PRINTF_LIKE(3, 4);

/* Index of a name, or -1. */
int32_t charter_find_zone(const struct charter *c, struct bytes name);
int32_t charter_find_class(const struct charter *c, struct bytes name);
int32_t charter_find_purpose(const struct charter *c, struct bytes name);
int32_t charter_find_caller(const struct charter *c, struct bytes name);

/* For what a class may be read: what is stated; else every purpose, or none for a personal one. */
uint64_t charter_class_purposes(const struct charter *c, uint32_t class_index);

/* What a city means in plain words, for a councillor: one paragraph a block. */
void charter_put_explanation(struct buf *b, const struct charter *c);

#endif
