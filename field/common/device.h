/*
 * device.h -- the devices of one field program: keys, Things, MQTT 5 over TLS, leases.
 *
 * One poll loop, no threads. Call field_turn() often (a turn waits at most wait_ms for the
 * network); the program's own work goes between two turns. Each device has its own key,
 * certificate and connection:
 *
 *   new -> its Thing exists at the city (POST, then the Datastream ids) -> connected -> ...
 *
 * with back-off after every failure. What was published and not acknowledged is sent again after
 * a reconnect, the same bytes; the city knows a message that it has already.
 *
 * A lease that arrives on leases/NAME is verified (grant/lease.h: signature of this zone's warden,
 * device, time, sequence) before the program sees it; see intake.h. Its expiry is in the time of
 * field_lease_us() then. A lease whose number was taken already is answered with the highest one,
 * on leases/NAME/seen: a warden that was restored from an old backup goes on above it.
 */
#ifndef FIELD_DEVICE_H
#define FIELD_DEVICE_H

#include "base/base.h"
#include "base/buf.h"
#include "field/common/options.h"
#include "field/common/thing.h"
#include "grant/lease.h"

enum {
    FIELD_DEVICES_MAX = 256,
    FIELD_OUTSTANDING_MAX = 2000, /* unacknowledged messages of one device; more is ERR_LIMIT */
    FIELD_RESULT_MAX = 30 * 1024, /* bytes of one result */
    FIELD_END_WAIT_MS = 3000,     /* for outstanding acknowledgements when the program ends */
};

struct field;

struct field_calls {
    void *ctx;
    /*
     * A verified lease. OK: obeyed; any error: refused by the device's own limits. Both are
     * counted. May be NULL when no device takes commands.
     */
    enum err (*lease)(void *ctx, uint32_t device, const struct lease *lease);
    /*
     * One message of the device was answered: when it was published (monotonic), how long that
     * took. May be NULL.
     */
    void (*settled)(void *ctx, uint32_t device, uint64_t sent_us, uint64_t latency_us,
                    bool accepted);
    /* More lines for the status file; see status.h. May be NULL. */
    void (*status)(void *ctx, struct buf *lines);
};

struct field_counts {
    uint64_t published;    /* handed to the network; never more than once each */
    uint64_t acknowledged; /* PUBACK with success */
    uint64_t refused;      /* PUBACK with a reason of 0x80 or above */
    uint64_t dropped;      /* not sent: too many outstanding */
    uint64_t leases_obeyed, leases_refused;
    uint64_t reconnects;
    uint32_t devices, connected;
};

/*
 * Start: libraries, signals (SIGTERM and SIGINT end the program in order). NULL with a sentence on
 * standard error when it cannot. `options` and what `calls` points at stay the caller's.
 */
struct field *field_new(const struct field_options *options, const struct field_calls *calls);
void field_free(struct field *f);

/*
 * A device; its files are checked now (ERR_NOT_FOUND with a sentence on standard error), the rest
 * happens in field_turn(). Devices are numbered from 0.
 */
enum err field_add(struct field *f, const struct field_thing *thing, uint32_t *out_device) MUST_USE;

/* The time by which leases end: it runs from the program's start on and cannot be set. */
int64_t field_lease_us(const struct field *f);

/* True once the device's Datastream ids are known, so that field_publish() works. */
bool field_ready(const struct field *f, uint32_t device);

/*
 * One observation, QoS 1: `result` is JSON ("3.5", "true", "{...}"). ERR_AGAIN before the device
 * is ready; ERR_LIMIT when too many are outstanding (counted as dropped).
 */
enum err field_publish(struct field *f, uint32_t device, uint32_t stream, int64_t time_us,
                       struct bytes result) MUST_USE;
enum err field_publish_number(struct field *f, uint32_t device, uint32_t stream, int64_t time_us,
                              double value) MUST_USE;

/* Messages of one device in all: handed over, and answered, with success or not. */
void field_get_answers(const struct field *f, uint32_t device, uint64_t *out_published,
                       uint64_t *out_answered);

/*
 * One turn of the loop; waits at most wait_ms. False when the program is to end (--seconds are
 * over, or a signal came).
 */
bool field_turn(struct field *f, uint32_t wait_ms);

/* Ask for the end from inside: field_turn() answers false from now on. */
void field_stop(struct field *f);

/* Wait for acknowledgements (FIELD_END_WAIT_MS at most), disconnect, write the last status. */
void field_end(struct field *f);

void field_get_counts(const struct field *f, struct field_counts *out);
/* Milliseconds since field_new(), and the time of day in microseconds since 1970. */
uint64_t field_mono_ms(const struct field *f);
int64_t field_wall_us(const struct field *f);

#endif
