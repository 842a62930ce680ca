#include "field/common/session.h"

#include <time.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "grant/lease.h"

enum { KEEP_ALIVE_S = 30, IN_FLIGHT_MAX = 64, REASON_FAILED = 0x80, PACKETS_A_STEP = 64 };

enum { PACKET_IDS = UINT16_MAX + 1 };

static uint64_t
mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000U + (uint64_t)t.tv_nsec / 1000U;
}

/* Keep the reason string of a refusal, or the library's words for the code. */
static void
keep_why(struct session *s, int code, const mosquitto_property *properties)
{
    char *text = NULL;
    if (properties)
        mosquitto_property_read_string(properties, MQTT_PROP_REASON_STRING, &text, false);
    snprintf(s->why, sizeof(s->why), "%s", text ? text : mosquitto_reason_string(code));
    free(text);
}

static void
on_connect(struct mosquitto *client, void *ctx, int code, int flags, const mosquitto_property *p)
{
    (void)flags;
    struct session *s = ctx;
    if (code != 0) {
        keep_why(s, code, p);
        return;
    }
    s->connected = true;
    s->connects++;
    s->why[0] = '\0';
    if (s->lease_topic[0])
        mosquitto_subscribe_v5(client, NULL, s->lease_topic, 1, 0, NULL);
}

static void
on_disconnect(struct mosquitto *client, void *ctx, int code, const mosquitto_property *p)
{
    (void)client;
    (void)code;
    (void)p;
    struct session *s = ctx;
    s->connected = false;
}

static void
on_publish(struct mosquitto *client, void *ctx, int mid, int code, const mosquitto_property *p)
{
    (void)client;
    struct session *s = ctx;
    ASSERT(s->acknowledged + s->refused < s->published);
    if (s->sent_us && mid > 0 && mid < PACKET_IDS)
        s->on_settled(s->ctx, s->sent_us[mid], mono_us() - s->sent_us[mid], code < REASON_FAILED);
    if (code < REASON_FAILED) {
        s->acknowledged++;
        return;
    }
    s->refused++;
    keep_why(s, code, p);
}

static void
on_subscribe(struct mosquitto *client, void *ctx, int mid, int count, const int *codes,
             const mosquitto_property *p)
{
    (void)client;
    (void)mid;
    struct session *s = ctx;
    if (count == 1 && codes[0] >= REASON_FAILED)
        keep_why(s, codes[0], p);
}

static void
on_message(struct mosquitto *client, void *ctx, const struct mosquitto_message *m,
           const mosquitto_property *p)
{
    (void)client;
    (void)p;
    struct session *s = ctx;
    if (!s->on_lease || !bytes_are(bytes_text(m->topic), s->lease_topic) || m->payloadlen < 0 ||
        m->payloadlen > LEASE_BYTES_MAX)
        return;
    s->on_lease(s->ctx, bytes_of(m->payload, (size_t)m->payloadlen));
}

enum err
session_init(struct session *s, const char *device, const struct fetch_identity *identity,
             const struct field_address *at, void (*on_lease)(void *, struct bytes), void *ctx)
{
    *s = (struct session){.at = at, .on_lease = on_lease, .ctx = ctx};
    if (on_lease)
        snprintf(s->lease_topic, sizeof(s->lease_topic), "leases/%s", device);
    s->client = mosquitto_new(device, true, s);
    ASSERT(s->client);
    int rc = mosquitto_tls_set(s->client, identity->issuer, NULL, identity->certificate,
                               identity->key, NULL);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_tls_opts_set(s->client, 1, "tlsv1.3", NULL); /* 1: verify the server */
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_int_option(s->client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_int_option(s->client, MOSQ_OPT_SEND_MAXIMUM, IN_FLIGHT_MAX);
    if (rc == MOSQ_ERR_SUCCESS) /* a second small message would wait 40 ms for the first's answer */
        rc = mosquitto_int_option(s->client, MOSQ_OPT_TCP_NODELAY, 1);
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "%s: %s\n", device, mosquitto_strerror(rc));
        session_fini(s);
        return ERR_IO;
    }
    mosquitto_connect_v5_callback_set(s->client, on_connect);
    mosquitto_disconnect_v5_callback_set(s->client, on_disconnect);
    mosquitto_publish_v5_callback_set(s->client, on_publish);
    mosquitto_subscribe_v5_callback_set(s->client, on_subscribe);
    mosquitto_message_v5_callback_set(s->client, on_message);
    return OK;
}

void
session_fini(struct session *s)
{
    if (s->client)
        mosquitto_destroy(s->client);
    s->client = NULL;
    free(s->sent_us);
    s->sent_us = NULL;
}

void
session_time(struct session *s, void (*on_settled)(void *, uint64_t, uint64_t, bool))
{
    ASSERT(!s->sent_us);
    s->sent_us = calloc(PACKET_IDS, sizeof(*s->sent_us));
    ASSERT(s->sent_us);
    s->on_settled = on_settled;
}

bool
session_open(const struct session *s)
{
    return s->client && mosquitto_socket(s->client) >= 0;
}

void
session_connect(struct session *s)
{
    ASSERT(s->client && !session_open(s));
    s->connected = false;
    int rc =
        mosquitto_connect_bind_v5(s->client, s->at->host, s->at->port, KEEP_ALIVE_S, NULL, NULL);
    if (rc != MOSQ_ERR_SUCCESS)
        snprintf(s->why, sizeof(s->why), "%s", mosquitto_strerror(rc));
}

void
session_close(struct session *s)
{
    if (session_open(s))
        mosquitto_disconnect(s->client);
    s->connected = false;
}

struct pollfd
session_poll(const struct session *s)
{
    struct pollfd p = {.fd = -1};
    if (!session_open(s))
        return p;
    p.fd = mosquitto_socket(s->client);
    p.events = POLLIN;
    if (mosquitto_want_write(s->client))
        p.events |= POLLOUT;
    return p;
}

void
session_step(struct session *s, short revents)
{
    if (!session_open(s))
        return;
    int rc = MOSQ_ERR_SUCCESS;
    if (revents & (POLLIN | POLLHUP | POLLERR))
        rc = mosquitto_loop_read(s->client, PACKETS_A_STEP);
    if (rc == MOSQ_ERR_SUCCESS && (revents & POLLOUT) && session_open(s))
        rc = mosquitto_loop_write(s->client, PACKETS_A_STEP);
    if (rc == MOSQ_ERR_SUCCESS && session_open(s))
        rc = mosquitto_loop_misc(s->client);
    if (rc != MOSQ_ERR_SUCCESS) {
        s->connected = false;
        snprintf(s->why, sizeof(s->why), "%s", mosquitto_strerror(rc));
    }
}

enum err
session_publish(struct session *s, const char *topic, struct bytes payload)
{
    ASSERT(s->client && payload.len <= INT32_MAX);
    /* Counted first: the acknowledgement may come while the call still runs. */
    s->published++;
    uint64_t now_us = s->sent_us ? mono_us() : 0;
    int mid = 0;
    int rc = mosquitto_publish(s->client, &mid, topic, (int)payload.len, payload.p, 1, false);
    if (s->sent_us && mid > 0 && mid < PACKET_IDS)
        s->sent_us[mid] = now_us; /* nothing is read inside the call: no acknowledgement yet */
    /* With a number the message is in the library's queue, whatever became of sending it now: a
     * lost connection has many names, and it is sent when there is another. */
    if (rc == MOSQ_ERR_SUCCESS || (mid > 0 && rc != MOSQ_ERR_NOMEM))
        return OK;
    s->published--;
    snprintf(s->why, sizeof(s->why), "%s", mosquitto_strerror(rc));
    return ERR_IO;
}

uint64_t
session_outstanding(const struct session *s)
{
    return s->published - s->acknowledged - s->refused;
}
