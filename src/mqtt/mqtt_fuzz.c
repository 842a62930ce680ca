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
    bool shorter = p.type == MQTT_DISCONNECT || p.type == MQTT_PUBACK;
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

/* More than the client's window takes, and one message that may be too large for it. */
static void
deliver(struct mqtt_session *s, struct buf *out)
{
    static const uint8_t large[8192];
    for (int i = 0; i < MQTT_DELIVERIES_MAX + 2; i++) {
        enum err e = mqtt_session_deliver(s, bytes_text("lease"), bytes_text("x"), 1, out);
        ASSERT(e == OK);
    }
    enum err e =
        mqtt_session_deliver(s, bytes_text("lease"), bytes_of(large, sizeof(large)), 0, out);
    ASSERT(e == OK);
    for (int i = 0; e == OK && i < 32; i++)
        e = mqtt_session_deliver(s, bytes_text("l"), bytes_of(large, sizeof(large)), 1, out);
    ASSERT(e == OK || e == ERR_LIMIT);
}

static void
run_session(struct bytes in)
{
    static struct mqtt_session s;
    struct buf out;
    struct mqtt_event event;
    buf_init(&out, 1 << 20);
    mqtt_session_init(&s, bytes_text("pump-7"), 0);
    ASSERT(mqtt_session_deliver(&s, bytes_text("a"), bytes_text("b"), 1, &out) == ERR_WRONG_STATE);
    size_t used;
    bool up = false;
    while (mqtt_session_take(&s, in, 0, &out, &used, &event) == OK) {
        ASSERT(used > 0 && used <= in.len);
        in = bytes_skip(in, used);
        up |= event.kind == MQTT_EVENT_UP;
        ASSERT(up || event.kind == MQTT_EVENT_NONE || event.kind == MQTT_EVENT_CLOSE); /* S1 */
        ASSERT(s.publishes <= MQTT_WINDOW);
        bool filters = event.kind == MQTT_EVENT_SUBSCRIBE || event.kind == MQTT_EVENT_UNSUBSCRIBE;
        uint32_t refs = filters ? (uint32_t)event.packet.filters.count : event.ref ? 1 : 0;
        if (event.kind != MQTT_EVENT_PUBLISH && !filters)
            refs = 0;
        for (uint32_t i = refs; i-- > 0;) {
            enum err e = mqtt_session_answer(&s, mqtt_ref_add(event.ref, i), (uint8_t)(i & 0x87),
                                             bytes_text("why"), &out);
            ASSERT(e == OK || e == ERR_CLOSED);
        }
        if (event.kind == MQTT_EVENT_UP)
            deliver(&s, &out);
        ASSERT(mqtt_session_answer(&s, 0, 0, bytes_text(""), &out) != OK);
    }
    uint64_t deadline_ms = mqtt_session_deadline_ms(&s);
    ASSERT((deadline_ms == UINT64_MAX) == (s.state != MQTT_UP));
    ASSERT(s.delivering <= MQTT_DELIVERIES_MAX && s.waiting.len <= MQTT_DELIVERY_BYTES_MAX);
    if (in.len && in.p[0] & 1)
        mqtt_session_close(&s, 0x8e, &out);
    ASSERT(buf_error(&out) == OK || in.len > 1000);
    mqtt_session_fini(&s);
    buf_fini(&out);
}

/* What we say when we close: read back, its reason is there, its text when there was room. */
static void
check_goodbye(struct bytes text)
{
    struct buf b;
    struct mqtt_frame frame;
    buf_init(&b, MQTT_PACKET_MAX);
    mqtt_put_disconnect(&b, MQTT_V5, 0x8b, text);
    struct mqtt_packet p;
    enum err e = mqtt_frame_find(buf_bytes(&b), MQTT_PACKET_MAX, &frame);
    ASSERT(e == OK && frame.size == b.len);
    if (text_is_utf8(text)) {
        e = mqtt_decode(&frame, MQTT_V5, &p);
        ASSERT(e == OK && p.type == MQTT_DISCONNECT && p.ack.reason == 0x8b);
    }
    buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    check_goodbye(bytes_of(data, size));
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
