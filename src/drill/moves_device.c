/* moves_device.c -- what somebody does with a device's certificate. */
#include "drill/moves.h"

#include "base/text.h"

#include <time.h>

enum { STREAM_JSON_SIZE = 1600, PAYLOAD_MAX = 400000, FLOOD_BATCH = 200, FLOOD_WAIT_MS = 3000 };

static struct outcome
refused(const struct client_answer *a)
{
    return move_answer(ANSWER_REFUSED, "reason 0x%02x%s%s", a->reason, a->why[0] ? ": " : "",
                       a->why);
}

/* A session of the device in the zone; NULL with the outcome in *out. */
static struct client *
session_of(struct stage *s, const struct story_move *m, struct outcome *out)
{
    const char *device = move_word(m, "as", "");
    const char *zone = move_word(m, "zone", "");
    char why[CLIENT_WHY_SIZE] = "";
    struct client_identity who;
    struct client_answer a;
    struct client *c = NULL;
    struct buf b;
    uint16_t port = range_port(s->range, zone, false);
    stage_device(s, device, &who);
    if (port == 0) {
        *out = move_answer(ANSWER_FAILED, "zone %s has no port for devices", zone);
        return NULL;
    }
    /* The server's own issuer is public: a thief has it too. */
    snprintf(who.issuer, sizeof(who.issuer), "%s/pki/issuer-%s.pem", range_state(s->range), zone);
    enum err e = client_open(&who, port, &c, why);
    buf_init(&b, 4096);
    client_put_connect(&b, move_word(m, "id", device));
    if (e == OK)
        e = client_exchange(c, buf_bytes(&b), CLIENT_CONNACK, &a);
    buf_fini(&b);
    if (e == OK && a.kind == CLIENT_CONNACK && a.reason < 0x80)
        return c;
    *out = e != OK ? move_answer(ANSWER_REFUSED, "no session in zone %s: %s", zone,
                                 why[0] ? why : "the gate closed the connection")
                   : refused(&a);
    client_close(c);
    return NULL;
}

static struct outcome
run_session(struct stage *s, const struct story_move *m)
{
    struct outcome o;
    struct client *c = session_of(s, m, &o);
    if (!c)
        return o;
    client_close(c);
    return move_answer(ANSWER_ESCAPED, "a session as %s", move_word(m, "as", ""));
}

/* ---- joining --------------------------------------------------------------------------------- */

/* What a crossing of two one-way streets says of itself (services/signals/model.h). */
static const char crossing[] =
    "\"properties\":{\"phases\":[\"Gr\",\"rG\"],\"links\":[{\"lane\":\"north\",\"exit\":\"south\"},"
    "{\"lane\":\"east\",\"exit\":\"west\"}],\"lanes\":[\"north\",\"east\"],\"exits\":[\"south\","
    "\"west\"],\"plan\":[{\"phase\":0,\"seconds\":30}]},";

static void
put_thing(char *to, size_t size, const struct story_move *m, const char *device, const char *name,
          const char *class_name)
{
    bool crosses = strcmp(move_word(m, "crossing", "no"), "yes") == 0;
    snprintf(
        to, size,
        "{\"name\":\"%s\",\"description\":\"a device of this "
        "story\",%s\"Locations\":[{\"name\":\"%s\","
        "\"description\":\"where it stands\",\"encodingType\":\"application/geo+json\","
        "\"location\":{\"type\":\"Point\",\"coordinates\":[-75.7,45.4]}}],\"Datastreams\":[{"
        "\"name\":\"%s\",\"description\":\"what it measures\",\"observationType\":"
        "\"http://www.opengis.net/def/observationType/OGC-OM/2.0/%s\","
        "\"unitOfMeasurement\":{\"name\":null,\"symbol\":null,\"definition\":null},"
        "\"properties\":{\"class\":\"%s\"},\"ObservedProperty\":{\"name\":\"p\",\"definition\":"
        "\"p\",\"description\":\"p\"},\"Sensor\":{\"name\":\"s\",\"description\":\"s\","
        "\"encodingType\":\"text/plain\",\"metadata\":\"none\"}}]}",
        device, crosses ? crossing : "", device, name,
        strcmp(name, "level") == 0 ? "OM_Measurement" : "OM_Observation", class_name);
}

/* One HTTP question with the device's certificate. */
static enum err
ask_as_device(struct stage *s, const char *device, const char *zone, const struct client_request *r,
              int *status, struct buf *out)
{
    char why[CLIENT_WHY_SIZE];
    struct client_identity who;
    struct client *c = NULL;
    stage_device(s, device, &who);
    enum err e = client_open(&who, range_port(s->range, zone, true), &c, why);
    if (e == OK)
        e = client_ask(c, r, status, out);
    client_close(c);
    return e;
}

static uint32_t
number_after(struct buf *text, const char *before)
{
    const char *at = text->len ? strstr(buf_string(text), before) : NULL;
    return at ? (uint32_t)strtoul(at + strlen(before), NULL, 10) : 0;
}

static struct outcome
run_join(struct stage *s, const struct story_move *m)
{
    const char *device = move_word(m, "as", ""), *zone = move_word(m, "zone", "");
    char body[STREAM_JSON_SIZE];
    int status = 0;
    struct buf out;
    put_thing(body, sizeof(body), m, device, move_word(m, "stream", "level"),
              move_word(m, "class", ""));
    struct client_request post = {.method = "POST", .target = "/v1.1/Things", .body = body};
    buf_init(&out, CLIENT_ANSWER_MAX);
    enum err e = ask_as_device(s, device, zone, &post, &status, &out);
    if (e != OK || status != 201) {
        struct outcome o =
            move_answer(ANSWER_REFUSED, "%d: %s", status, out.len ? buf_string(&out) : err_text(e));
        buf_fini(&out);
        return o;
    }
    buf_reset(&out);
    struct client_request get = {.method = "GET", .target = "/v1.1/Datastreams?$select=id"};
    e = ask_as_device(s, device, zone, &get, &status, &out);
    uint32_t stream = e == OK ? number_after(&out, "\"@iot.id\":") : 0;
    buf_fini(&out);
    if (!stream || s->streams_count == STAGE_STREAMS_MAX)
        return move_answer(ANSWER_FAILED, "no Datastream of %s was found", device);
    snprintf(s->streams[s->streams_count].device, STORY_NAME_SIZE, "%s", device);
    snprintf(s->streams[s->streams_count].zone, STORY_NAME_SIZE, "%s", zone);
    s->streams[s->streams_count++].stream = stream;
    return move_answer(ANSWER_ESCAPED, "its own Datastream %u", stream);
}

/* ---- publishing ------------------------------------------------------------------------------ */

static void
put_topic(const struct stage *s, const struct story_move *m, char *to, size_t size)
{
    const char *topic = story_arg(m, "topic");
    if (topic)
        snprintf(to, size, "%s", topic);
    else
        snprintf(to, size, "v1.1/Datastreams(%u)/Observations",
                 stage_stream(s, move_word(m, "to", move_word(m, "as", ""))));
}

/* result=, time=+SECONDS, size=BYTES of padding, body=TEXT as it stands */
static void
put_payload(const struct story_move *m, struct buf *b)
{
    const char *body = story_arg(m, "body");
    const char *time_s = story_arg(m, "time");
    if (body) {
        buf_text(b, body);
        return;
    }
    buf_text(b, "{");
    if (time_s) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        buf_text(b, "\"phenomenonTime\":\"");
        text_put_time(b, ((int64_t)now.tv_sec + strtol(time_s, NULL, 10)) * 1000000 +
                             now.tv_nsec / 1000000 * 1000);
        buf_text(b, "\",");
    }
    for (long left = move_number(m, "size", 0), i = 0; i < left; i++)
        buf_byte(b, i == 0 ? ' ' : i % 2 ? '\t' : ' ');
    buf_format(b, "\"result\":%s}", move_word(m, "result", "1"));
}

static struct outcome
run_publish(struct stage *s, const struct story_move *m)
{
    struct outcome o;
    struct client_answer a = {0};
    char topic[300];
    struct buf payload, packet;
    struct client *c = session_of(s, m, &o);
    if (!c)
        return o;
    long times = move_number(m, "times", 1);
    put_topic(s, m, topic, sizeof(topic));
    buf_init(&payload, PAYLOAD_MAX);
    buf_init(&packet, 2 * PAYLOAD_MAX);
    put_payload(m, &payload);
    enum err e = buf_error(&payload);
    for (long i = 0; e == OK && i < times; i++) {
        buf_reset(&packet);
        client_put_publish(&packet, topic, (uint16_t)(i + 1), buf_bytes(&payload));
        e = client_exchange(c, buf_bytes(&packet), CLIENT_PUBACK, &a);
        if (e != OK || a.kind != CLIENT_PUBACK || a.reason >= 0x80)
            break;
        s->taken++;
    }
    client_close(c);
    buf_fini(&payload);
    buf_fini(&packet);
    if (e != OK)
        return move_answer(ANSWER_REFUSED, "%s",
                           e == ERR_AGAIN ? "not acknowledged" : "the gate closed the connection");
    if (a.kind != CLIENT_PUBACK || a.reason >= 0x80)
        return refused(&a);
    return move_answer(ANSWER_ESCAPED, "acknowledged%s", times > 1 ? " each time" : "");
}

/* As fast as it goes, without waiting; the one message more that asks for an answer tells. */
static struct outcome
run_flood(struct stage *s, const struct story_move *m)
{
    struct outcome o;
    struct client_answer a = {0};
    char topic[100], payload[60];
    struct buf packet;
    struct client *c = session_of(s, m, &o);
    if (!c)
        return o;
    long count = move_number(m, "count", 30000);
    enum err e = OK;
    put_topic(s, m, topic, sizeof(topic));
    buf_init(&packet, PAYLOAD_MAX);
    for (long i = 0; e == OK && i < count; i += FLOOD_BATCH) {
        buf_reset(&packet);
        for (long k = 0; k < FLOOD_BATCH; k++) {
            snprintf(payload, sizeof(payload), "{\"result\":%ld}", i + k);
            client_put_publish(&packet, topic, 0, bytes_text(payload));
        }
        e = client_write(c, buf_bytes(&packet));
        range_turn(s->range, 0);
    }
    buf_reset(&packet);
    client_put_publish(&packet, topic, 1, bytes_text("{\"result\":-1}"));
    if (e == OK)
        e = client_exchange(c, buf_bytes(&packet), CLIENT_PUBACK, &a);
    buf_fini(&packet);
    client_close(c);
    if (e == OK && a.kind == CLIENT_PUBACK && a.reason < 0x80)
        return move_answer(ANSWER_ESCAPED, "the message after %ld others was taken", count);
    return move_answer(ANSWER_REFUSED, "after %ld messages: %s (reason 0x%02x)", count,
                       e == OK          ? a.why
                       : e == ERR_AGAIN ? "not acknowledged in time"
                                        : "the gate closed the connection",
                       a.reason);
}

static struct outcome
run_subscribe(struct stage *s, const struct story_move *m)
{
    struct outcome o;
    struct client_answer a;
    char filter[300];
    struct buf packet;
    struct client *c = session_of(s, m, &o);
    if (!c)
        return o;
    put_topic(s, m, filter, sizeof(filter));
    buf_init(&packet, 4096);
    client_put_subscribe(&packet, filter, 1);
    enum err e = client_exchange(c, buf_bytes(&packet), CLIENT_SUBACK, &a);
    buf_fini(&packet);
    client_close(c);
    if (e != OK)
        return move_answer(ANSWER_REFUSED, "the gate closed the connection");
    return a.reason >= 0x80 ? refused(&a) : move_answer(ANSWER_ESCAPED, "subscribed");
}

/* Bytes that are no MQTT: a length that promises 256 MB, a packet only servers send, plain noise.
 */
static struct outcome
run_garbage(struct stage *s, const struct story_move *m)
{
    static const uint8_t longest[] = {0x30, 0xff, 0xff, 0xff, 0x7f, 'x'};
    static const uint8_t from_server[] = {0x20, 0x03, 0, 0, 0};
    static const uint8_t noise[] = {0xff, 0x00, 0xff, 0x13, 0x37, 0x00, 0x00};
    static const struct bytes all[] = {
        {longest, sizeof(longest)}, {from_server, sizeof(from_server)}, {noise, sizeof(noise)}};
    struct outcome o;
    struct client_answer a = {0};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        struct client *c = session_of(s, m, &o);
        if (!c)
            return o;
        enum err e = client_write(c, all[i]);
        if (e == OK)
            e = client_next(c, FLOOD_WAIT_MS, &a);
        client_close(c);
        if (e == ERR_AGAIN || (e == OK && a.kind != CLIENT_DISCONNECT))
            return move_answer(ANSWER_ESCAPED, "the gate went on listening after sample %zu", i);
    }
    return move_answer(ANSWER_REFUSED, "%zu samples, each ended the connection", ARRAY_COUNT(all));
}

/* A question over HTTP with the device's certificate: how many Things does it see? */
static struct outcome
run_look(struct stage *s, const struct story_move *m)
{
    int status = 0;
    struct buf out;
    struct client_request r = {.method = "GET", .target = move_word(m, "target", "/v1.1/Things")};
    buf_init(&out, CLIENT_ANSWER_MAX);
    enum err e =
        ask_as_device(s, move_word(m, "as", ""), move_word(m, "zone", ""), &r, &status, &out);
    unsigned rows = 0;
    for (const char *p = out.len ? buf_string(&out) : ""; (p = strstr(p, "\"@iot.id\"")); p++)
        rows++;
    struct outcome o = e != OK || status >= 400 ? move_answer(ANSWER_REFUSED, "%d: %.300s", status,
                                                              out.len ? buf_string(&out) : "")
                                                : move_answer(ANSWER_ESCAPED, "%u rows", rows);
    buf_fini(&out);
    return o;
}

const struct move moves_device[] = {
    {"join", run_join, "as= zone= class= stream= crossing=: introduces itself with one Datastream"},
    {"session", run_session, "as= zone=: opens an MQTT session"},
    {"publish", run_publish, "as= zone= to=|topic= result=|body= time= size= times=: publishes"},
    {"flood", run_flood, "as= zone= count=: publishes as fast as it goes"},
    {"subscribe", run_subscribe, "as= zone= to=|topic=: listens to a topic"},
    {"garbage", run_garbage, "as= zone=: sends what is no MQTT"},
    {"look", run_look, "as= zone= target=: asks over HTTP what it may see"},
    {0},
};
