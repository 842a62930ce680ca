/*
 * service.h -- what makes a zone's core a bike core or a signal core.
 *
 * Each folder src/services/NAME defines `service_this`; the build links it into
 * bulkhead-core-NAME. A service sees what its own zone's devices publish and may wish commands,
 * nothing else: no descriptor, no clock of its own, no other zone. It decides; the core acts.
 *
 * Order: entity() for what the store holds at start, then start(), then the rest. No call blocks.
 */
#ifndef PROGRAMS_CORE_SERVICE_H
#define PROGRAMS_CORE_SERVICE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/random.h"
#include "programs/messages.h"
#include "programs/start.h"
#include "store/store.h"

/* A Datastream, as a service needs it. Borrowed for the call. */
struct service_stream {
    uint32_t id;         /* Datastream id */
    struct bytes device; /* the device that owns it */
    struct bytes name;   /* Datastream name */
    uint64_t thing;      /* Thing id */
    const char *class_name;
    bool personal;
    bool own_time; /* in admit(): the Observation says its phenomenonTime itself */
};

/*
 * A Datastream of the service's own below a device's Thing, for what it works out itself. Static:
 * it and its words live as long as the process; the words need no escapes in JSON.
 */
struct service_voice {
    const char *name;        /* of the Datastream: "queue" */
    const char *description; /* a sentence or two */
    const char *of;          /* the device's Datastream that it is made from: its class is taken */
    const char *otherwise;   /* the one to take when the device has no such; NULL: none */
    enum result_kind kind;   /* RESULT_NUMBER, RESULT_TEXT or RESULT_JSON */
    const char *unit;        /* NULL: none */
    const char *definition;  /* URI of what is observed; NULL: our own */
    uint32_t every_ms;       /* stored at most that often; 0: TELL_EVERY_MS */
};

enum {
    TELL_BYTES_MAX = STORE_TEXT_MAX, /* of one text */
    TELL_EVERY_MS = 1000,            /* no stream more often */
    TELLS_PER_S = 200,               /* of a zone */
    TELLINGS_MAX = 4096,             /* streams of a zone that a service may speak on */
};

/* What the core does for a service. */
struct service_ports {
    void *ctx;
    /*
     * Wish a command (parameters as in lease.h: "phase 3\n"). `ref` comes back in verdict(). The
     * core sends it to the warden; ERR_LIMIT when too many wishes wait, ERR_UNSUPPORTED when the
     * charter names no such command.
     */
    enum err (*wish)(void *ctx, struct bytes device, const char *command, struct bytes parameters,
                     uint64_t ref);
    /* Send a count through every conduit that carries zone-count from this zone. ERR_NOT_FOUND:
     * none. */
    enum err (*count)(void *ctx, const struct zone_count *count);
    /* Rewrite the service's own small state (FD_SERVICE_STATE), durable before it returns. */
    enum err (*save)(void *ctx, struct bytes state);
    /*
     * Say something of one's own about a Thing: a number, or a text, which is JSON where the voice
     * says so. The newest takes the place of what was not stored yet; it is stored with the next
     * ticks, within the budget above, as an Observation of a Datastream that the core makes when
     * there is none (tells.c). ERR_LIMIT: too long, or more streams than voices_max; ERR_NOT_FOUND:
     * no such Thing; ERR_UNSUPPORTED: voices_max is 0.
     */
    enum err (*tell)(void *ctx, uint64_t thing, const struct service_voice *voice, double number,
                     struct bytes text);
    int64_t (*wall_us)(void *ctx);
    uint64_t (*mono_ms)(void *ctx);
    struct random_source random;
};

enum { SERVICE_WHY_SIZE = 300, SERVICE_STATE_MAX = 1024 * 1024, SERVICE_TICK_MS = 100 };

struct service {
    const char *name;
    /* The service's memory, zeroed; allocated once by the core. */
    size_t size;
    /* How many Datastreams of its own it may speak on; 0: it says nothing. */
    uint32_t voices_max;
    enum err (*start)(void *self, const struct start *start, const struct service_ports *ports,
                      struct bytes saved_state);
    /*
     * A Thing or Datastream that exists (at start) or was made: type "Thing" or "Datastream",
     * `json` its properties as stored (name, description, properties, ...). Never one of its own.
     * May be NULL.
     */
    void (*entity)(void *self, const char *type, uint64_t id, uint64_t thing, struct bytes device,
                   struct bytes json);
    /*
     * An observation that was authorised and is well formed, before it is stored: the service may
     * change it (coarsen, draw a pseudonym; new bytes from the arena) or refuse it with a sentence
     * in `why` (SERVICE_WHY_SIZE bytes) and ERR_DENIED. ERR_EXISTS: accepted, and deliberately not
     * stored (counted only). May be NULL: everything is stored as it came.
     */
    enum err (*admit)(void *self, const struct service_stream *stream, struct observation *o,
                      struct arena *arena, char *why);
    /* The observation is durable. May be NULL. */
    void (*stored)(void *self, const struct service_stream *stream, const struct observation *o);
    /* Every SERVICE_TICK_MS. May be NULL. */
    void (*tick)(void *self);
    /* The warden's answer to a wish; `reason` is empty when it was granted. May be NULL. */
    void (*verdict)(void *self, uint64_t ref, struct bytes device, bool granted,
                    struct bytes reason);
    /* A count came through a conduit. May be NULL. */
    void (*counted)(void *self, const char *conduit, const struct zone_count *count);
    /* For status: vehicles shown, set-points, ... what the service calls "shown". May be NULL. */
    uint64_t (*shown)(void *self);
    /* The last call: give back what was allocated beside the service's memory. May be NULL. */
    void (*end)(void *self);
};

extern const struct service service_this;

#endif
