/*
 * start.h -- what a process was given at its start: rows of control.def, kept as values.
 *
 * Everything is copied; keys lie in locked memory between guard pages and are wiped by start_wipe()
 * after the program opened. Descriptors are owned by the program from then on. Names that are
 * looked up and missing are -1 / NULL.
 */
#ifndef PROGRAMS_START_H
#define PROGRAMS_START_H

#include "base/base.h"
#include "base/buf.h"

enum {
    START_NAME_SIZE = 49,
    START_LIST_SIZE = 4097,
    START_CLASSES_MAX = 64,
    START_CALLERS_MAX = 64,
    START_COMMANDS_MAX = 16,
    START_ENVELOPE_MAX = 16,
    START_CONDUITS_MAX = 64,
    START_KEYS_MAX = 64,
    START_ISLANDS_MAX = 32,
    START_TOPICS_MAX = 16,
    START_TEXTS_MAX = 8,
    START_FDS_MAX = 192,
};

enum start_key_role {
    KEY_JUDGE_PUBLIC = 1, /* 32 bytes */
    KEY_JUDGE_SECRET,     /* 64 */
    KEY_LEDGER_SECRET,    /* 64; name: the log's full origin */
    KEY_WARDEN_PUBLIC,    /* 32; name: the key's name */
    KEY_WARDEN_SECRET,    /* 64; name: the key's name */
    KEY_STORE_MASTER,     /* 32 */
};
enum start_text_role {
    TEXT_TLS_KEY_PEM = 1,
    TEXT_TLS_CERTIFICATE_PEM,
    TEXT_DEVICE_ISSUER_PEM,
    TEXT_PEOPLE_ISSUER_PEM,
    TEXT_BASE_URL, /* "https://127.0.0.1:8444", for absolute links */
    TEXT_MQTT_URL, /* "mqtts://127.0.0.1:8884"; empty: the zone has no such listener */
};
enum start_number_role {
    NUMBER_CONNECTIONS_MAX = 1,
    NUMBER_WALLS, /* bit set for sandbox_close; only the drill gives another than all */
    NUMBER_UID,
};
/* What a descriptor is. "name" says which one where there are several. */
enum start_fd_role {
    FD_CORE = 1,     /* channel: gate to its core; conduit to a core: name "from" or "to" */
    FD_GATE,         /* channel: core to its gate */
    FD_WARDEN,       /* channel: core to its warden */
    FD_LEDGER,       /* channel: any process to its log; in the ledger: name = the log */
    FD_CONDUIT,      /* channel: core to a conduit; name = the conduit */
    FD_LISTEN_MQTTS, /* listening TCP socket */
    FD_LISTEN_HTTPS,
    FD_LISTEN_JUDGE, /* listening SEQPACKET socket */
    FD_LISTEN_LEDGER,
    FD_STORE_DIRECTORY, /* closed before the sandbox is */
    FD_LOG_ENTRIES,     /* files of one log; name = the log */
    FD_LOG_OFFSETS,
    FD_LOG_HASHES,
    FD_LOG_CHECKPOINT,
    FD_WARDEN_STATE,  /* file: the warden's sequence numbers, see warden.h */
    FD_SERVICE_STATE, /* file: what a service keeps between starts, e.g. pseudonyms */
};

struct start_class {
    char name[START_NAME_SIZE];
    bool personal;
    uint64_t keep_s;
    char purposes[START_LIST_SIZE]; /* names, one blank between */
    uint32_t line;
};
struct start_caller {
    char name[START_NAME_SIZE];
    char role[START_NAME_SIZE];
    char zones[START_LIST_SIZE];
    char purposes[START_LIST_SIZE];
    char writes[START_LIST_SIZE]; /* data classes that they may change */
    uint32_t line;
};
struct start_command {
    char name[START_NAME_SIZE];
    uint32_t lease_ms, rate_per_hour, people, line;
};
struct start_envelope {
    char name[START_NAME_SIZE];
    int64_t value;
    uint32_t line;
};
struct start_conduit {
    char name[START_NAME_SIZE];
    char from[START_NAME_SIZE], to[START_NAME_SIZE];
    char carries[513];
    char purpose[START_NAME_SIZE];
    uint32_t group_min, rate_per_hour, line;
};
enum { TOPICS_DEVICES_PUBLISH = 1, TOPICS_DEVICES_SUBSCRIBE = 2, TOPICS_CALLERS_SUBSCRIBE = 4 };
struct start_topics { /* a tree of plain MQTT topics */
    char filter[201];
    char class_name[START_NAME_SIZE];
    char except[811]; /* filters, one a line */
    uint8_t who, qos;
    uint32_t retained, size_bytes, line;
};
struct start_island { /* a zone that is cut off */
    char zone[START_NAME_SIZE];
    char reason[201];
};
struct start_key {
    enum start_key_role role;
    char name[129];
    size_t len;
    uint8_t key[64];
};
struct start_fd {
    enum start_fd_role role;
    char name[129];
    int fd;
};

struct start {
    char zone[START_NAME_SIZE]; /* "city" for ledger and judge */
    char service[START_NAME_SIZE];
    uint8_t tier;
    char city[201];
    char origin[64];
    char site[START_NAME_SIZE];
    uint32_t zone_line;
    uint8_t charter_digest[32];
    uint64_t memory_bytes, disk_bytes;
    uint32_t messages_per_s;
    struct start_class classes[START_CLASSES_MAX];
    size_t classes_count;
    struct start_caller callers[START_CALLERS_MAX];
    size_t callers_count;
    struct start_command commands[START_COMMANDS_MAX];
    size_t commands_count;
    struct start_envelope envelope[START_ENVELOPE_MAX];
    size_t envelope_count;
    struct start_conduit conduits[START_CONDUITS_MAX];
    size_t conduits_count;
    struct start_topics topics[START_TOPICS_MAX];
    size_t topics_count;
    struct start_island islands[START_ISLANDS_MAX]; /* changes while the process runs */
    size_t islands_count;
    uint32_t hold_ms; /* of the newest hold_store, and how many there were; while it runs, too */
    uint32_t holds;
    struct start_key *keys; /* of sodium_malloc(): see start_key_new() */
    size_t keys_count;
    uint8_t *tls_key; /* TEXT_TLS_KEY_PEM, of sodium_malloc() */
    size_t tls_key_len;
    struct {
        enum start_text_role role;
        struct buf text;
    } texts[START_TEXTS_MAX];
    size_t texts_count;
    uint64_t numbers[16]; /* by enum start_number_role; 0: not given */
    struct start_fd fds[START_FDS_MAX];
    size_t fds_count;
};

/*
 * Take one message of control.def (give_*). `fd` is the descriptor that came with it or -1.
 * ERR_MALFORMED, ERR_LIMIT; a descriptor that nobody asked for is ERR_MALFORMED too.
 */
enum err start_take(struct start *s, uint16_t id, struct bytes body, int fd) MUST_USE;

/* A new row for a key, or NULL when there are too many. */
struct start_key *start_key_new(struct start *s);

/* The descriptor of a role (and name, unless NULL), or -1. */
int start_fd(const struct start *s, enum start_fd_role role, const char *name);
/* The key of a role (and name, unless NULL), or NULL. */
const struct start_key *start_key(const struct start *s, enum start_key_role role,
                                  const char *name);
/* The text of a role, or empty bytes. */
struct bytes start_text(const struct start *s, enum start_text_role role);
const struct start_class *start_class(const struct start *s, struct bytes name);
const struct start_caller *start_caller(const struct start *s, struct bytes name);
const struct start_command *start_command(const struct start *s, struct bytes name);

/* The zone is cut off: nothing crosses its border. NULL: it is not, as far as we were told. */
const struct start_island *start_island(const struct start *s, struct bytes zone);

/* True if `name` is one of the names in a list of names with one blank between. */
bool start_list_has(const char *list, struct bytes name);

/* Overwrite and free all keys and private texts. */
void start_wipe(struct start *s);

#endif
