/*
 * core.h -- the core of a zone: decides every message and request of its gate, makes decisions
 * durable, and only then answers.
 *
 * One round of the loop: read everything that the gate sent, decide, put it all in one batch of
 * the store, commit once, answer. Reads by people go through the ledger first:
 *
 * C1  `published` 0x00 and 201 leave after store_commit() said OK for what they acknowledge.
 * C2  An answer with data for a caller leaves after the ledger said `recorded`; without a ledger it
 *     is 503, while ingest and local control go on, up to OUTBOX_DECISIONS_MAX decisions that no
 *     anchor covers; then nothing is read from the gate until one does.
 * C3  A device writes to its own Datastreams only; nothing inside a message changes whose they are.
 * C4  A row is shown to a caller only if its class has the token's purpose.
 *
 * The parts: gate.c (dispatch), ingest.c (observations), entities.c (Things), round.c (commit and
 * what follows), asks.c (requests and their answers), read.c (questions), rights.c, record.c (the
 * ledger), changes.c and batches.c (PATCH, DELETE, $batch), tasks.c, commands.c (the warden),
 * conduits.c, topics.c (subscriptions), sessions.c,
 * session_ports.c, plain.c and hears.c (MQTT), state.c and tells.c (a service's).
 */
#ifndef PROGRAMS_CORE_CORE_H
#define PROGRAMS_CORE_CORE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/clock_watch.h"
#include "base/random.h"
#include "broker/broker.h"
#include "grant/token.h"
#include "programs/core/link.h"
#include "programs/core/peers.h"
#include "programs/core/refusal.h"
#include "programs/core/service.h"
#include "programs/program.h"
#include "sensorthings/answer.h"
#include "sensorthings/create.h"

#include <cjson/cJSON.h>

enum {
    ASKS_MAX = 1024,
    ASK_ANSWER_MAX = 16 * 1024 * 1024,
    ASK_BYTES_MAX = 48 * 1024 * 1024, /* bodies and answers of all asks together */
    ASK_WAIT_MS = 5000,               /* for the ledger or the warden */
    ROUND_ACKS_MAX = 4096,
    ROUND_STORED_MAX = 4096,
    ROUND_BYTES = 4 * 1024 * 1024, /* copies of what waits for the commit */
    DELIVERY_BYTES = STA_ARENA_LEAST,
    /* Messages in the last batch: fewer are answered soonest without waiting for others, more need
     * nobody to wait for; in between a pause halves what each costs. */
    ROUND_GATHER_FROM = 8,
    ROUND_GATHER_BELOW = 64,
    ROUND_GATHER_REST = 32,
    ROUND_GATHER_US = 300,
    HEAR_WAITS_MAX = 64,                  /* subscriptions of callers that wait for the ledger */
    SESSION_EXPIRY_S_MAX = 7 * 24 * 3600, /* longer than that no session is kept */
    LEASE_QUEUE_US = 60 * 1000000,        /* how long a lease waits for a device that is away */
    WILLS_A_TICK = 64,
    WISHES_MAX = 512,
    OPEN_TASKS_MAX = 1024,
    CONDUITS_MAX = 16,
    FUTURE_MAX_US = 10 * 60 * 1000000,
    ANCHOR_MS = 100,
    SEEN_MS = 1000, /* at most one of the devices' lease numbers goes to the warden */
    OUTBOX_DECISIONS_MAX = 1 << 20, /* not anchored; less where the zone's disk is small */
    OUTBOX_DISK_BYTES = 1024,       /* of the zone's disk for each of them */
    THINGS_PER_DEVICE_MAX = 4096,
    STREAM_NAME_SIZE = 97,
    GRAPH_ENTITIES_MAX = 400000,
};

/* ---- Datastreams as ingest needs them (streams.c) ------------------------------------------ */

enum stream_rule { RULE_ANY, RULE_NUMBER, RULE_INTEGER, RULE_TEXT, RULE_BOOL };

struct stream {
    bool used;
    bool has_minimum, has_maximum;
    bool multi;          /* a MultiDatastream: results are lists */
    bool to_erase;       /* deleted, and its key is still there */
    bool tells_leases;   /* it is named "lease": each Observation is one that was obeyed */
    bool own;            /* the service's: it is not asked about what it says itself */
    uint8_t rule;        /* enum stream_rule, from observationType */
    int16_t class_index; /* in start->classes; -1: the charter holds it no more */
    uint32_t hears;      /* the first subscription to its Observations; 0: none */
    double minimum, maximum;
    uint64_t thing;
    uint64_t feature; /* that the last Observation was of, by the graph of that generation */
    uint64_t feature_of;
    char owner[STA_OWNER_SIZE];
    char name[STREAM_NAME_SIZE];
};

/* ---- requests ------------------------------------------------------------------------------- */

enum ask_state {
    ASK_FREE,
    ASK_BODY,
    ASK_COMMIT,
    ASK_LEDGER,
    ASK_WARDEN,
    ASK_BATCH, /* its requests run (batches.h) */
    ASK_SENDING
};

struct request {
    enum ask_state state;
    uint32_t generation; /* grows when the slot is freed */
    uint64_t peer;
    uint32_t ref;
    char method[17];
    char body_type[129];
    uint8_t batch;   /* number of its batch from 1; 0: none */
    bool child;      /* one request of that batch, not the one that holds it */
    bool json_patch; /* the body is application/json-patch+json */
    bool change;     /* waits for the record of a change; then it is made */
    bool browser;    /* GET and HEAD: the answer is for a person's eyes */
    struct buf target, token, body;
    uint32_t body_length;
    int status;
    const char *content_type;
    struct buf location, out;
    bool head_sent;
    size_t sent;
    uint64_t wait_ref; /* the ledger's or the warden's */
    uint64_t deadline_ms;
    bool refused;   /* counts as a refused read when it leaves */
    uint16_t place; /* of an ask in use: where asks_used names it */
};

/* Tokens whose signature was verified, so that it is not verified for every question. */
enum { TOKENS_KEPT = 64 };
struct token_kept {
    bool used;
    uint8_t digest[32]; /* BLAKE2b of its bytes; they themselves are not kept */
    struct token token;
};

/* ---- what waits for the commit ----------------------------------------------------------------
 */

enum ack_kind { ACK_PUBLISHED, ACK_SUBSCRIBED, ACK_OPENED, ACK_ASK };

struct ack {
    uint64_t peer;
    uint32_t ref;
    uint8_t kind; /* enum ack_kind */
    uint8_t reason;
    bool present;         /* OPENED */
    uint16_t ask;         /* ASK */
    uint32_t generation;  /* ASK */
    uint32_t expiry_s;    /* OPENED */
    const char *why;      /* in the round's arena, or static */
    const char *given_id; /* OPENED: a client id that we gave */
};

struct stored {
    uint32_t stream;
    uint64_t n;
    struct observation value; /* bytes in the round's arena */
};

struct round {
    struct arena arena;
    struct ack acks[ROUND_ACKS_MAX];
    uint32_t acks_count;
    struct stored stored[ROUND_STORED_MAX];
    uint32_t stored_count;
    uint32_t decided; /* messages in this batch */
    uint32_t bytes;   /* about what the batch holds */
    uint32_t last_batch;
    uint32_t gather_rest; /* rounds without waiting, because it brought little */
};

/* ---- subscriptions ------------------------------------------------------------------------------
 */

/* What a subscription of the broker to a SensorThings topic hears; by its number there. */
struct hear {
    struct sta_topic topic;
    uint32_t stream; /* of "Datastreams(n)/Observations"; 0: any other topic */
    uint32_t next;   /* of that stream, or of all others */
    uint64_t told;   /* of an entity or a property: a digest of what was said last; 0: nothing */
};

/* A caller's subscription until the ledger has it (C2). */
struct hear_wait {
    uint64_t peer; /* 0: free */
    uint64_t wait_ref, deadline_ms;
    uint32_t ref, identifier;
    uint8_t options;
    char filter[1025];
};

/* ---- commands
 * ------------------------------------------------------------------------------------ */

struct wish_wait {
    bool used, person;
    uint64_t ref, service_ref, deadline_ms;
    uint64_t task;      /* what comes of it is written there; 0: no Task */
    uint64_t publisher; /* the peer that asked by MQTT and hears `published`; 0: nobody */
    uint32_t publish_ref;
    char device[START_NAME_SIZE];
    uint16_t ask;
    uint32_t generation;
};

/* ---- Tasks whose end is not known yet ----------------------------------------------------------
 */

struct open_task {
    uint64_t task; /* 0: free */
    uint64_t sequence;
    int64_t expiry_us;
    enum task_end { TASK_OPEN, TASK_DONE, TASK_FAILED } end; /* as its device said */
    char device[START_NAME_SIZE];
};

struct conduit_link {
    struct link link;
    const struct start_conduit *row;
    bool incoming;
    struct core *core;
};

struct core_counters {
    uint64_t stored, refused, reads, reads_refused, leases, leases_refused, obeyed;
    uint64_t not_kept; /* accepted, and by the service's rule deliberately not stored */
    uint64_t again;    /* acknowledged once more, kept before */
    uint64_t told;     /* by the service; not among those stored */
    uint64_t not_told;
};

struct batch;

struct core {
    const struct start *start;
    const struct service *service;
    void *self; /* the service's */
    struct service_ports ports;
    struct store *store;
    struct clock_source clock;
    struct random_source random;
    struct loop *loop;
    struct arena call; /* reset before each frame */
    uint64_t now_ms;   /* for rates: read anew every few messages of a batch */
    int64_t now_us;    /* wall time of the Observation at hand: the clock is read once for each */
    struct arena delivery; /* for what subscribers hear; a commit may come while `call` is in use */
    char base_url[300];
    size_t answer_bytes; /* of the last answer: the next is likely as long */
    uint8_t judge_public[32];
    bool has_judge;

    struct sta_graph graph;
    struct stream *streams; /* [STORE_STREAMS_MAX] */
    struct peers peers;
    struct bucket zone_bucket;
    struct request asks[ASKS_MAX];
    /* Their indices: those in use first, then the free ones. */
    uint16_t asks_used[ASKS_MAX];
    uint32_t asks_count;               /* in use */
    uint32_t to_erase_count, erase_at; /* of streams */
    struct token_kept tokens[TOKENS_KEPT];
    size_t ask_bytes;
    struct round round;
    struct broker broker;
    struct hear **hear; /* [broker.subscriptions_max] */
    uint32_t hears_any; /* the first that is not of one stream */
    struct hear_wait hear_waits[HEAR_WAITS_MAX];
    bool committing; /* inside round_commit() */
    uint64_t lost_told, lost_told_ms;
    struct wish_wait wishes[WISHES_MAX];
    struct open_task open_tasks[OPEN_TASKS_MAX];
    struct batch *batches; /* [BATCHES_MAX] */
    struct tells *tells;   /* NULL: the service says nothing of its own */
    uint64_t next_ref;     /* random start: answers to a predecessor's records match nothing */

    struct link gate, ledger, warden;
    struct conduit_link conduits[CONDUITS_MAX];
    uint32_t conduits_count;
    uint64_t anchored_size, anchor_ref, anchor_deadline_ms;
    uint64_t outbox_from, outbox_max; /* decisions up to the first are anchored; see record.c */
    bool ledger_silent;               /* it refused the last record, or did not answer */
    enum err maintain_error;          /* of the store's last upkeep */
    struct clock_watch watch;
    enum clock_event clock_untold; /* not on record yet; CLOCK_STEADY: none */
    uint64_t clock_ref, clock_deadline_ms;
    uint64_t strangers_refused; /* since they were last written down */
    uint64_t strangers_ms;
    uint64_t seen_ms;             /* when a device's lease number was passed on last */
    uint64_t destroyed_looked_ms; /* 0: never */
    uint64_t destroyed_told;
    bool store_failed;
    uint32_t holds; /* of start->holds, those that the store was told */
    int state_fd;
    uint64_t state_generation;
    uint8_t *state_key; /* 32 bytes of sodium_malloc() */
    struct core_counters count;
};

struct core_config {
    const struct start *start; /* lives as long as the core; keys are read in core_open() only */
    const struct service *service;
    struct store *store;
    struct clock_source clock;
    struct random_source random;
};

/* Allocates everything, loads the graph, starts the service. */
enum err core_open(const struct core_config *config, struct core **out) MUST_USE;
void core_close(struct core *c); /* for tests */
enum err core_serve(struct core *c, struct loop *loop) MUST_USE;
/* The end of a round; answers when to call again at the latest, in ms (loop.h). */
uint32_t core_round(struct core *c);
void core_tick(struct core *c);
/* What keeps the core from its full work, for program_condition(). */
const char *core_condition(const struct core *c);
/* The store is dead: say why, and end. */
void core_store_failed(struct core *c, enum err e);
/* Read what the channels hold (what the loop does, for tests). */
void core_read(struct core *c);
void core_stop(struct core *c);
void core_counters(const struct core *c, uint64_t out[static PROGRAM_COUNTERS]);

/* streams.c: what the graph's Datastream says, for ingest. Uses the call arena's rest. */
void streams_learn(struct core *c, const struct sta_entity *datastream);
void streams_describe(const struct core *c, uint32_t id, struct service_stream *out);
/* Tell the service about a Thing or Datastream; nothing for other types. */
void streams_tell(struct core *c, enum sta_type type, uint64_t id);
/* JSON string text -> plain; ERR_LIMIT when it does not fit. */
enum err json_plain(struct bytes json, char *to, size_t size) MUST_USE;
/* Let cJSON take memory from this arena, and give none back. */
void json_memory(struct arena *arena);

/* gate.c */
enum err gate_frame(void *ctx, uint16_t id, struct bytes body);
void peers_forget(struct core *c, struct peer *peer);
/* A new beginning with the gate: nobody is known here, and it is told to close all connections. */
enum err gate_begin(struct core *c) MUST_USE;

struct view_rights;

/* ingest.c: decide observations and put them into the round. */
/* Kind, range, time and the service's rule: for one that comes by a plan. The value may change. */
enum err ingest_check(struct core *c, uint32_t stream, struct observation *o, bool *out_kept,
                      struct refusal *why) MUST_USE;
struct ingested {
    uint32_t stream;
    uint64_t n;
    bool kept;
};
/*
 * The feature that an Observation is of, which is mostly known: once for each Datastream it is
 * found, or made, stored and remembered. What is made is the maker's.
 */
bool ingest_knows_feature(const struct core *c, struct sta_observation *o) MUST_USE;
enum err ingest_find_feature(struct core *c, struct sta_observation *o,
                             const struct sta_maker *maker, struct refusal *why) MUST_USE;
/* The zone's rate and the device's share of it. */
enum err ingest_rate(struct core *c, struct peer *peer, struct refusal *why) MUST_USE;
/* Decide; the answer is the caller's. */
enum err ingest_message(struct core *c, struct peer *peer, const struct publish *m,
                        struct refusal *why) MUST_USE;
void ingest_publish(struct core *c, struct peer *peer, const struct publish *m);
void ingest_post(struct core *c, struct peer *peer, struct request *ask,
                 const struct sta_path *path);
/* Many rows, each of which may fail alone. `writer`: a person's rights, NULL for a device. */
void ingest_rows(struct core *c, struct peer *peer, struct request *ask,
                 const struct view_rights *writer);

/* entities.c: plans of changes. Records of the store beside the entities: */
enum {
    ENTITY_NEXT_ID = 13,  /* id: the type; the record is the next id of it */
    ENTITY_TO_ERASE = 14, /* id: a stream that was deleted, whose key may still be there */
};
/* Everything in the plan is the maker's to change, and new streams are of a class of the zone. */
enum err entities_check(const struct core *c, const struct view_rights *v,
                        const struct sta_plan *plan, struct refusal *why) MUST_USE;
/*
 * Store and apply a plan now, with a leaf for the decision, in a commit of its own. Observations
 * and corrections go through ingest_check() first, and through the service; each Observation's n is
 * written back: STA_NOT_KEPT for one that the service takes and does not keep.
 */
enum err entities_change(struct core *c, struct sta_plan *plan, struct bytes leaf,
                         struct refusal *why) MUST_USE;
/* The same for a plan without Observations, and without a leaf. */
enum err entities_store(struct core *c, const struct sta_plan *plan, struct refusal *why) MUST_USE;
/* A deleted stream's key is to be destroyed; from now on nothing leads to what it holds. */
void entities_to_erase(struct core *c, uint32_t stream);
/* Destroy one of them, since each takes its time, when nothing waits for a commit. True: do it
 * again soon. */
bool entities_erase(struct core *c);

/* names.c: True: the device has a Thing, or a Datastream below this Thing, of the name in the body,
 * and the answer says which. False with *out: too many, or a name too long. */
bool names_taken(struct core *c, const struct peer *peer, struct request *ask,
                 const struct sta_path *path, struct refusal *why, enum err *out);

/* changes.c: who changes what. Devices at once, people when the ledger has it. */
void changes_run(struct core *c, struct peer *peer, struct request *ask,
                 const struct sta_path *path);
/* The record of an ask that waited for it is durable. */
void changes_recorded(struct core *c, struct request *ask);
/* An Observation of a device that brings a Datastream or feature inside: as by POST to the path. */
enum err changes_observe(struct core *c, struct peer *peer, const struct sta_path *path,
                         struct bytes json, struct ingested *out, struct refusal *why) MUST_USE;

/* round.c */
void round_init(struct core *c);
/* Wait a moment for more, when little came. Only between frames: it reads the gate's next ones. */
void round_gather(struct core *c);
/* Commit what is there and answer. False when the store failed. */
bool round_commit(struct core *c);
/* Make room for one more message of about this size; commits when there is none. */
void round_room(struct core *c, size_t bytes);
void round_ack(struct core *c, uint64_t peer, uint32_t ref, uint8_t reason, const char *why);
/* The same for SUBSCRIBE and UNSUBSCRIBE, and for CONNECT. */
void round_subscribed(struct core *c, uint64_t peer, uint32_t ref, uint8_t reason, const char *why);
void round_opened(struct core *c, uint64_t peer, uint8_t reason, const char *why, bool present,
                  uint32_t expiry_s, const char *given_id);
/* A leaf for a message on a plain topic. */
void round_decide_topic(struct core *c, const char *device, struct bytes topic, const char *reason);
/* The ask's answer is made and leaves after the commit. */
void round_ask(struct core *c, struct request *ask);
void round_decide(struct core *c, const char *device, uint32_t stream, uint64_t n,
                  const char *reason);
/* Rows of one request that are in one batch: they have one leaf together. */
struct round_rows {
    uint32_t kept, not_kept, refused;
    uint32_t stream; /* where the first was kept, and as which */
    uint64_t n;
    char why[REFUSAL_WHY_SIZE]; /* of the first that was refused */
};
void round_decide_rows(struct core *c, const char *by, const struct round_rows *rows);
/* Room for one more row of about this size, and the leaf. False: commit first. */
bool round_row(struct core *c, size_t bytes) MUST_USE;
void round_keep(struct core *c, uint32_t stream, uint64_t n, const struct observation *o);
/* True if round_keep() has room for it. */
bool round_fits(const struct core *c, const struct observation *o);
/* What was kept since the last commit is not told: its batch was abandoned. */
void round_forget(struct core *c);

/* asks.c */
void asks_init(struct core *c);
/* The gate's message; the body may follow in parts. */
void asks_take(struct core *c, struct peer *peer, const struct ask *m);
enum err asks_part(struct core *c, const struct ask_body *m) MUST_USE;
/* Decide one whose body is there. */
void asks_run(struct core *c, struct peer *peer, struct request *ask);
/* A new one of the same peer and token, for one request of a batch; NULL: no room. */
struct request *asks_child(struct core *c, const struct request *of);
void ask_free(struct core *c, struct request *ask);
void asks_of_peer_free(struct core *c, uint64_t peer);
struct request *ask_of(struct core *c, uint16_t index, uint32_t generation);
/* The one that waits for the ledger's answer to this record, or NULL. */
struct request *ask_waiting(struct core *c, uint64_t ref);
/* Give the answer to the gate as fast as it takes it. */
void ask_send(struct core *c, struct request *ask);
/* Put a refusal into the answer (not sent yet). */
void ask_refuse(struct request *ask, const struct refusal *why);
/* The same, sent at once. */
void ask_refuse_now(struct core *c, struct request *ask, const struct refusal *why);
void asks_pump(struct core *c);
void asks_expire(struct core *c);

/* rights.c */
struct view_rights {
    const struct core *core;
    const struct peer *device; /* or a caller: */
    struct bytes purpose;
    const char *caller;    /* their name, for what they made themselves; may be NULL */
    const char *writes;    /* not NULL: what they may change, being of these classes */
    bool own_observations; /* a subscriber's view */
    bool nothing;          /* the service root only */
    bool service;          /* the core itself, for its service: everything */
};
/* A device that begins anew finds what it made: a second entity of the same name is refused. */
bool rights_names_once(const struct peer *peer);
struct sta_rights rights_of(const struct view_rights *v);
void view_of(struct core *c, const struct sta_rights *rights, const struct sta_source *source,
             struct sta_view *out);
struct sta_source source_of(struct core *c);
bool class_allows(const struct start_class *row, struct bytes purpose);
/* The token, the caller's row and the purpose agree; else what to answer. */
enum err caller_check(struct core *c, const struct peer *peer, const struct request *ask,
                      struct token *out, struct refusal *why) MUST_USE;

/* read.c */
void read_run(struct core *c, struct peer *peer, struct request *ask);

/* record.c: the ledger. */
struct reading {
    const char *event; /* "read", "change", "read-refused", "change-refused", "command-refused" */
    const char *caller, *role, *purpose;
    const char *const *classes;
    uint32_t classes_count;
    const char *what;
    uint64_t rows;
    int status;
    const char *rule;
};
/* Queue the record; ERR_CLOSED, ERR_LIMIT: it will not be recorded. */
enum err record_reading(struct core *c, const struct reading *r, uint64_t *out_ref) MUST_USE;
/* Hold the ask until its record is durable; 503 when that cannot be. */
void record_and_send(struct core *c, struct request *ask, const struct reading *r);
enum err record_frame(void *ctx, uint16_t id, struct bytes body);
void record_anchor(struct core *c);
void record_strangers(struct core *c);
void record_destructions(struct core *c);
void record_lost(struct core *c);
/* Its channel is a new one: what was sent is not answered any more, and is said again. */
void record_begin(struct core *c);
/* So many decisions are not anchored that no more may be made: see record.c. */
bool record_outbox_full(const struct core *c);
/* Look at the clocks; what happened to them goes on record. */
void record_clock(struct core *c);
/* While true no caller is answered, no wish is sent, nothing crosses the zone's border. */
bool core_clock_doubt(const struct core *c);

/* commands.c */
enum err commands_wish(void *ctx, struct bytes device, const char *command, struct bytes parameters,
                       uint64_t ref);
/* "leases/NAME/seen" of that device: the highest lease number that it took, for the warden. False:
 * it is no such topic. */
bool commands_seen(struct core *c, struct peer *peer, const struct publish *m);
void commands_post(struct core *c, struct peer *peer, struct request *ask);
/* Approvals as a JSON list of tokens: one a line. */
enum err approvals_of(const cJSON *array, struct buf *out, struct refusal *why) MUST_USE;
/* Who may ask for commands: a caller's token for `operate`. */
enum err commander_check(struct core *c, const struct peer *peer, struct request *ask,
                         struct token *out, struct refusal *why) MUST_USE;
/* The same by MQTT: the token came with CONNECT, and its time may be over. */
enum err commander_publishes(struct core *c, const struct peer *peer, struct refusal *why) MUST_USE;
/* Refuse and put it on record. */
void refuse_command(struct core *c, const struct peer *peer, struct request *ask,
                    const struct token *token, const char *what, const struct refusal *why);
/* Who waits for the verdict on a person's wish: an ask, or a publisher (ask NULL, ref 0: nobody),
 * and the Task, if there is one. */
struct wish_from {
    struct request *ask;
    uint64_t publisher;
    uint32_t publish_ref;
    uint64_t task;
};
/* ERR_LIMIT, ERR_CLOSED: the warden cannot be asked. */
enum err commands_ask(struct core *c, const struct wish_from *from, struct wish *m) MUST_USE;
enum err commands_frame(void *ctx, uint16_t id, struct bytes body);
void commands_expire(struct core *c);

/* tasks.c: Tasks of SensorThings (17-079r1) are wishes that leave a trace. */
void tasks_post(struct core *c, struct peer *peer, struct request *ask,
                const struct sta_path *path);
/* The same by MQTT, of a caller whose token was good at CONNECT. False: the topic is no Task's. */
bool tasks_publish(struct core *c, struct peer *peer, const struct publish *m);
/* At start: what was asked of a predecessor is lost, what was granted is still open. */
void tasks_open(struct core *c);
/* The warden's verdict: a note, or a refusal. `ask`, when somebody still waits, gets the answer. */
void tasks_granted(struct core *c, const struct wish_wait *w, struct request *ask,
                   struct bytes note);
void tasks_refused(struct core *c, const struct wish_wait *w, struct request *ask,
                   struct bytes reason, struct bytes rule);
/* A device's report on a lease was stored: {"sequence":17,"obeyed":true} or 17. */
void tasks_reported(struct core *c, const struct service_stream *stream,
                    const struct observation *o);
/* Write down what was reported and what has expired. */
void tasks_step(struct core *c);

/* conduits.c */
void conduits_open(struct core *c);
enum err conduits_watch(struct core *c) MUST_USE;
enum err conduits_count(void *ctx, const struct zone_count *count);
void conduits_read(struct core *c);
void conduits_flush(struct core *c);
void conduits_take_up(struct core *c);

/* sessions.c: what MQTT clients ask of their sessions (broker/broker.h). */
void sessions_init(struct core *c);
void sessions_fini(struct core *c);
/* A record of the store, of types 32 to 47; then, after the last one, sessions_loaded(). */
enum err sessions_load(struct core *c, uint8_t type, uint64_t id, struct bytes record) MUST_USE;
void sessions_loaded(struct core *c);
void sessions_open(struct core *c, struct peer *peer, const struct session_open *m);
void sessions_close(struct core *c, struct peer *peer, const struct session_close *m);
void sessions_lost(struct core *c, struct peer *peer);
enum err sessions_publish(struct core *c, struct peer *peer,
                          const struct session_publish *m) MUST_USE;
void sessions_release(struct core *c, struct peer *peer, const struct session_release *m);
enum err sessions_ack(struct core *c, struct peer *peer, const struct session_ack *m) MUST_USE;
/* Wills and expiries; tokens that have run out. */
void sessions_tick(struct core *c);
/* After a commit: what may be sent now. */
void sessions_pump(struct core *c);

/* session_ports.c */
extern const struct broker_ports session_ports;

/* plain.c: topics that are not SensorThings. */
struct plain {
    uint8_t qos;
    bool retain;
    struct bytes topic, properties, payload;
};
/* Whoever speaks, when a connection may be gone: a session's name and kind. */
struct speaker {
    uint8_t kind; /* enum peer_kind */
    const char *name;
    uint32_t session;     /* 0: none */
    struct bytes purpose; /* of a caller's token */
};
struct speaker speaker_of(const struct peer *peer);
bool plain_topic(struct bytes topic);
/* Decide, keep and route it; the leaf is written, the answer is the caller's. */
enum err plain_publish(struct core *c, const struct speaker *who, const struct plain *m,
                       struct refusal *why) MUST_USE;
/* The same from a connection, within its rate. */
enum err plain_publish_by(struct core *c, struct peer *peer, const struct speaker *who,
                          const struct plain *m, struct refusal *why) MUST_USE;
/* May it be said at all: also asked when a will is left with us. */
enum err plain_check(const struct core *c, const struct speaker *who, const struct plain *m,
                     const struct start_topics **out, struct refusal *why) MUST_USE;
/* The highest QoS that a filter may have; below 0: nothing that it matches may be heard. */
enum { PLAIN_EXCEPTED = -1, PLAIN_NOTHING = -2 };
int plain_filter_qos(const struct core *c, const struct speaker *who, struct bytes filter);
/* Something that it matches may be of this class. A shared one is asked for as a whole. */
bool plain_filter_touches(const struct core *c, const struct speaker *who, struct bytes text,
                          const char *class_name);
bool plain_may_hear(const struct core *c, const struct speaker *who, struct bytes topic);
/* The row of the charter; -1: none. */
int plain_row(const struct core *c, struct bytes topic);

/* hears.c: what a caller subscribes to stands in the ledger first. */
void hears_ask(struct core *c, struct peer *peer, const struct session_subscribe *m);
/* The ledger's answer, perhaps for somebody else. */
void hears_recorded(struct core *c, uint64_t wait_ref, bool durable);
void hears_expire(struct core *c);
void hears_forget(struct core *c, uint64_t peer);
void hears_lost(struct core *c);

/* topics.c */
void topics_subscribe(struct core *c, struct peer *peer, const struct session_subscribe *m);
/* After the record, if one is needed. */
void topics_subscribe_now(struct core *c, struct peer *peer, const struct session_subscribe *m);
void topics_unsubscribe(struct core *c, struct peer *peer, const struct unsubscribe *m);
/* The broker's word that a subscription to a SensorThings topic came or went. */
void topics_index(struct core *c, uint32_t subscription, bool there);
/* The Datastream whose Observations the topic names, by its id; 0: another kind of topic. */
uint32_t topics_stream(const struct sta_topic *topic);
bool topics_may_hear(const struct core *c, const struct speaker *who, struct bytes topic);
void topics_deliver(struct core *c, const struct stored *s);
/* An entity was made or changed, or an Observation corrected: tell who subscribed. */
void topics_changed(struct core *c, enum sta_type type, uint64_t id);
void topics_lease(struct core *c, struct bytes device, struct bytes note);

/* tells.c: what a service says of its own. */
void tells_open(struct core *c);
void tells_close(struct core *c);
enum err tells_say(void *ctx, uint64_t thing, const struct service_voice *voice, double number,
                   struct bytes text);
void tells_tick(struct core *c);
/* The owner of what a service made. */
bool tells_own(const char *owner);

/* state.c: what a service keeps between starts; AEAD under a key drawn from the store's. */
enum err state_load(struct core *c, struct arena *arena, struct bytes *out) MUST_USE;
enum err state_save(void *ctx, struct bytes state);

#endif
