/*
 * mqtt_fuzz.c -- any bytes as a stream of packets: what is decoded is written back as it was, and a
 * session takes the same stream without breaking. The first byte picks the version.
 */
#include "base/text.h"
#include "mqtt/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_properties(struct bytes properties)
{
    struct buf b;
    buf_init(&b, MQTT_PACKET_MAX);
    struct bytes rest = properties;
    struct mqtt_property p;
    while (mqtt_property_next(&rest, &p))
        mqtt_property_put(&b, &p);
    ASSERT(bytes_equal(buf_bytes(&b), properties));
    buf_fini(&b);
}

/* An answer may leave out a reason of 0 and an empty property length; all else is byte for byte. */
static void
check_packet(const struct mqtt_frame *frame, struct bytes whole, uint8_t version)
{
    struct mqtt_packet p;
    if (mqtt_decode(frame, version, &p) != OK)
        return;
    struct buf b;
    buf_init(&b, MQTT_PACKET_MAX);
    if (p.type == MQTT_CONNECT)
        version = p.connect.version;
    mqtt_put(&b, version, &p);
    ASSERT(buf_error(&b) == OK);
    bool shorter = p.type == MQTT_DISCONNECT || (p.type >= MQTT_PUBACK && p.type <= MQTT_PUBCOMP);
    if (shorter)
        ASSERT(b.len <= whole.len);
    else
        ASSERT(bytes_equal(buf_bytes(&b), whole));
    if (p.type == MQTT_CONNECT) {
        check_properties(p.connect.properties);
        check_properties(p.connect.will_properties);
    } else if (p.type == MQTT_PUBLISH) {
        check_properties(p.publish.properties);
    } else if (shorter) {
        check_properties(p.ack.properties);
    }
    buf_fini(&b);
}

/* Nothing is written that the client does not take (S6). Aliases, if it allows them. */
static void
deliver(struct mqtt_session *s, struct buf *out)
{
    static const uint8_t large[8192];
    struct mqtt_publish m = {.topic = bytes_text("lease"), .payload = bytes_text("x")};
    for (uint16_t i = 0; i < 40; i++) {
        m.qos = (uint8_t)(i % 3);
        m.packet_id = m.qos ? i : 0;
        m.payload = i % 7 ? bytes_text("x") : bytes_of(large, sizeof(large));
        m.properties = i % 5 ? (struct bytes){NULL, 0} : bytes_of("\x0b\1", 2);
        m.topic = bytes_text(i % 2 ? "lease" : "another");
        size_t before = out->len;
        enum err e = mqtt_session_deliver(s, &m, out);
        ASSERT(e == OK || (e == ERR_LIMIT && out->len == before));
        ASSERT(out->len - before <= s->client_packet_max);
    }
    enum err e = mqtt_session_release(s, 7, out);
    ASSERT(e == OK);
}

/* The core's word to CONNECT, a refusal now and then. */
static void
open_session(struct mqtt_session *s, const struct mqtt_event *event, struct buf *out)
{
    size_t used, before = out->len;
    struct mqtt_event none;
    struct bytes in = bytes_text("\xc0");
    ASSERT(mqtt_session_take(s, in, 0, out, &used, &none) == ERR_AGAIN);
    ASSERT(event->packet.connect.client_id.len <= MQTT_CLIENT_ID_MAX);
    ASSERT(event->packet.connect.password.len <= MQTT_PASSWORD_MAX);
    struct mqtt_opened m = {.reason = event->packet.connect.keep_alive_s == 0x1234 ? 0x87 : 0,
                            .client_id = bytes_text(s->nameless ? "given" : ""),
                            .expiry_s = event->expiry_s / 2,
                            .why = bytes_text("because")};
    enum err e = mqtt_session_opened(s, &m, 0, out);
    ASSERT((e == OK) == (s->state == MQTT_UP) && (e == OK || e == ERR_CLOSED));
    ASSERT(out->len - before <= s->client_packet_max);
    if (e == OK)
        deliver(s, out);
}

static void
answer(struct mqtt_session *s, const struct mqtt_event *event, struct buf *out)
{
    bool filters = event->kind == MQTT_EVENT_SUBSCRIBE || event->kind == MQTT_EVENT_UNSUBSCRIBE;
    bool one = event->kind == MQTT_EVENT_PUBLISH || event->kind == MQTT_EVENT_RELEASE;
    uint32_t refs = filters ? (uint32_t)event->packet.filters.count : one && event->ref ? 1 : 0;
    for (uint32_t i = refs; i-- > 0;) {
        enum err e = mqtt_session_answer(s, mqtt_ref_add(event->ref, i), (uint8_t)(i & 0x87),
                                         bytes_text("why"), out);
        ASSERT(e == OK || e == ERR_CLOSED);
    }
    ASSERT(mqtt_session_answer(s, 0, 0, bytes_text(""), out) != OK);
}

static void
check_event(const struct mqtt_session *s, const struct mqtt_event *event, bool up)
{
    ASSERT(up || event->kind == MQTT_EVENT_NONE || event->kind == MQTT_EVENT_OPEN ||
           event->kind == MQTT_EVENT_CLOSE);                      /* S1 */
    ASSERT(s->window <= MQTT_WINDOW && s->releases <= s->window); /* S4 */
    if (event->kind != MQTT_EVENT_PUBLISH)
        return;
    const struct mqtt_publish *m = &event->packet.publish;
    struct mqtt_property p;
    ASSERT(m->topic.len > 0 && m->topic.len <= MQTT_TOPIC_MAX);
    ASSERT(m->properties.len <= MQTT_PROPERTIES_MAX);
    ASSERT(!mqtt_property_find(m->properties, MQTT_PROPERTY_TOPIC_ALIAS, &p));
    check_properties(m->properties);
}

static void
run_session(struct bytes in)
{
    static struct mqtt_session s;
    struct buf out;
    struct mqtt_event event;
    struct mqtt_publish early = {.topic = bytes_text("a")};
    buf_init(&out, 1 << 24);
    mqtt_session_init(&s, 60, 0);
    ASSERT(mqtt_session_deliver(&s, &early, &out) == ERR_WRONG_STATE);
    size_t used;
    bool up = false;
    while (mqtt_session_take(&s, in, 0, &out, &used, &event) == OK) {
        ASSERT(used > 0 && used <= in.len);
        in = bytes_skip(in, used);
        check_event(&s, &event, up);
        if (event.kind == MQTT_EVENT_OPEN)
            open_session(&s, &event, &out);
        up = s.state == MQTT_UP;
        answer(&s, &event, &out);
    }
    ASSERT((mqtt_session_deadline_ms(&s) == UINT64_MAX) == (s.state != MQTT_UP));
    if (in.len && in.p[0] & 1)
        mqtt_session_close(&s, 0x8e, &out);
    ASSERT(buf_error(&out) == OK);
    mqtt_session_fini(&s);
    buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t version = data[0] & 1 ? MQTT_V5 : MQTT_V311;
    struct bytes in = bytes_of(data + 1, size - 1);
    run_session(in);
    struct mqtt_frame frame;
    while (mqtt_frame_find(in, MQTT_PACKET_MAX, &frame) == OK) {
        check_packet(&frame, bytes_of(in.p, frame.size), version);
        in = bytes_skip(in, frame.size);
    }
    return 0;
}
