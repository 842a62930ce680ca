#include "base/test.h"
#include "mqtt/session.h"

struct side {
    struct mqtt_session s;
    struct buf out;
    struct mqtt_event event;
    size_t used;
    uint64_t now_ms;
};

static void
side_init(struct side *x)
{
    memset(x, 0, sizeof(*x));
    buf_init(&x->out, 1 << 20);
    mqtt_session_init(&x->s, MQTT_KEEP_ALIVE_S_MAX, 0);
}

static void
side_fini(struct side *x)
{
    mqtt_session_fini(&x->s);
    buf_fini(&x->out);
}

static enum err
give(struct side *x, const void *p, size_t len)
{
    buf_reset(&x->out);
    return mqtt_session_take(&x->s, bytes_of(p, len), x->now_ms, &x->out, &x->used, &x->event);
}
#define GIVE(x, literal) CHECK_OK(give(x, literal, sizeof(literal) - 1))
#define WROTE(x, literal) bytes_equal(buf_bytes(&(x)->out), bytes_of(literal, sizeof(literal) - 1))
#define ANSWER(x, ref, reason)                                                                     \
    mqtt_session_answer(&(x)->s, ref, reason, (struct bytes){NULL, 0}, &(x)->out)

static const char connect311[] = "\x10\x12\0\4MQTT\4\2\0\x0a\0\6pump-7";
static const char connect5[] = "\x10\x13\0\4MQTT\5\2\0\x0a\0\0\6pump-7";

/* The core's word to CONNECT. */
static void
open_session(struct side *x)
{
    struct mqtt_opened m = {.expiry_s = x->event.expiry_s};
    CHECK(x->event.kind == MQTT_EVENT_OPEN && x->s.state == MQTT_OPENING && x->out.len == 0);
    CHECK(give(x, "\xc0\0", 2) == ERR_AGAIN); /* S1 */
    CHECK_OK(mqtt_session_opened(&x->s, &m, x->now_ms, &x->out));
    CHECK(x->s.state == MQTT_UP);
    CHECK(mqtt_session_opened(&x->s, &m, x->now_ms, &x->out) == ERR_WRONG_STATE);
}

static void
bring_up(struct side *x, uint8_t version)
{
    side_init(x);
    if (version == MQTT_V5)
        GIVE(x, connect5);
    else
        GIVE(x, connect311);
    open_session(x);
}

static enum err
deliver(struct side *x, const char *topic, const char *payload, uint8_t qos, uint16_t packet_id)
{
    struct mqtt_publish m = {.qos = qos,
                             .packet_id = packet_id,
                             .topic = bytes_text(topic),
                             .payload = bytes_text(payload)};
    return mqtt_session_deliver(&x->s, &m, &x->out);
}

/* The packet in `out` is this one of v5 with this reason, whatever it says besides. */
static bool
wrote_reason(const struct side *x, uint8_t first, size_t at, uint8_t reason)
{
    return x->out.len > at && x->out.p[0] == first && x->out.p[at] == reason;
}

static void
publish(struct side *x, uint16_t id)
{
    uint8_t p[] = {0x32, 6, 0, 1, 'a', (uint8_t)(id >> 8), (uint8_t)id, 'x'};
    uint8_t p5[] = {0x32, 7, 0, 1, 'a', (uint8_t)(id >> 8), (uint8_t)id, 0, 'x'};
    if (x->s.version == MQTT_V5)
        CHECK_OK(give(x, p5, sizeof(p5)));
    else
        CHECK_OK(give(x, p, sizeof(p)));
}

TEST(connack_names_every_limit)
{
    struct side x;
    side_init(&x);
    GIVE(&x, "\x10\x0d\0\4MQTT\5\2\0\0\0\0\0"); /* empty id, keep alive off */
    CHECK(x.event.kind == MQTT_EVENT_OPEN && x.s.nameless && x.event.expiry_s == 0);
    struct mqtt_opened m = {.client_id = bytes_text("pump-7"), .expiry_s = 9};
    CHECK_OK(mqtt_session_opened(&x.s, &m, 0, &x.out));
    static const char expected[] = "\x20\x1f\0\0\x1c"
                                   "\x11\0\0\0\x09\x21\0\x40\x27\0\0\xea\x60"
                                   "\x12\0\6pump-7\x22\0\x10\x13\4\xb0";
    CHECK(bytes_equal(buf_bytes(&x.out), bytes_of(expected, sizeof(expected) - 1)));
    side_fini(&x);
    bring_up(&x, MQTT_V311);
    CHECK(WROTE(&x, "\x20\2\0\0"));
    side_fini(&x);
    side_init(&x); /* what is kept longer: 3.1.1 says it with one bit */
    GIVE(&x, "\x10\x12\0\4MQTT\4\0\0\x0a\0\6pump-7");
    CHECK(x.event.expiry_s == UINT32_MAX);
    m = (struct mqtt_opened){.session_present = true, .expiry_s = 60};
    CHECK_OK(mqtt_session_opened(&x.s, &m, 0, &x.out));
    CHECK(WROTE(&x, "\x20\2\1\0"));
    side_fini(&x);
}

TEST(the_core_refuses_with_a_reason)
{
    static const struct {
        uint8_t reason, v5, v311;
    } rows[] = {{0x87, 0x87, 5}, {0x85, 0x85, 2}, {0x97, 0x97, 3}, {0x89, 0x89, 3},
                {0x86, 0x86, 4}, {0x8E, 0x80, 5}, {0x99, 0x99, 5}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct mqtt_opened m = {.reason = rows[i].reason, .why = bytes_text("no")};
        struct side x;
        side_init(&x);
        GIVE(&x, connect5);
        CHECK(mqtt_session_opened(&x.s, &m, 0, &x.out) == ERR_CLOSED);
        uint8_t five[] = {0x20, 8, 0, rows[i].v5, 5, 0x1f, 0, 2, 'n', 'o'};
        CHECK(bytes_equal(buf_bytes(&x.out), bytes_of(five, sizeof(five))));
        CHECK(x.s.state == MQTT_CLOSED);
        side_fini(&x);
        side_init(&x);
        GIVE(&x, connect311);
        CHECK(mqtt_session_opened(&x.s, &m, 0, &x.out) == ERR_CLOSED);
        uint8_t four[] = {0x20, 2, 0, rows[i].v311};
        CHECK(bytes_equal(buf_bytes(&x.out), bytes_of(four, sizeof(four))));
        side_fini(&x);
    }
    struct side x; /* the server ends while the core thinks: no DISCONNECT before CONNACK */
    side_init(&x);
    GIVE(&x, connect5);
    mqtt_session_close(&x.s, MQTT_SHUTTING_DOWN, &x.out);
    CHECK(WROTE(&x, "\x20\3\0\x88\0"));
    side_fini(&x);
    side_init(&x); /* a client that takes 20 bytes cannot even hear the limits */
    GIVE(&x, "\x10\x18\0\4MQTT\5\2\0\x0a\5\x27\0\0\0\x14\0\6pump-7");
    struct mqtt_opened m = {.expiry_s = 1, .client_id = bytes_text("a-name-that-is-long")};
    CHECK(mqtt_session_opened(&x.s, &m, 0, &x.out) == ERR_CLOSED && x.out.len == 0);
    side_fini(&x);
}

TEST(connects_that_are_refused_say_why)
{
    static const struct {
        const char *bytes;
        size_t len;
        uint8_t reason;
        uint8_t version, code; /* of the CONNACK; 0: none */
    } rows[] = {
#define ROW(bytes, reason, version, code) {bytes, sizeof(bytes) - 1, reason, version, code}
        ROW("\x10\x12\0\4MQTT\4\2\0\x0a\0\6pump/8", MQTT_BAD_CLIENT_ID, 4, 2),
        ROW("\x10\x12\0\4MQTT\4\2\0\x0a\0\6pump+8", MQTT_BAD_CLIENT_ID, 4, 2),
        ROW("\x10\x12\0\4MQTT\4\2\0\x0a\0\6pump\n8", MQTT_BAD_CLIENT_ID, 4, 2),
        ROW("\x10\x13\0\4MQTT\5\2\0\x0a\0\0\6pump#8", MQTT_BAD_CLIENT_ID, 5, 0x85),
        ROW("\x10\x0c\0\4MQTT\4\0\0\x0a\0\0", MQTT_BAD_CLIENT_ID, 4, 2),
        ROW("\x10\x17\0\4MQTT\5\2\0\x0a\4\x15\0\1k\0\6pump-7", MQTT_BAD_AUTH_METHOD, 5, 0x8c),
        ROW("\x10\x12\0\4MQTT\3\2\0\x0a\0\6pump-7", MQTT_BAD_VERSION, 4, 1),
        ROW("\x10\x13\0\4MQTT\6\2\0\x0a\0\0\6pump-7", MQTT_BAD_VERSION, 5, 0x84),
        ROW("\x10\x14\0\6MQIsdp\3\2\0\x3c\0\6pump-7", MQTT_BAD_VERSION, 4, 1),
        ROW("\x10\x12\0\4MQTT\4\3\0\x0a\0\6pump-7", MQTT_MALFORMED, 0, 0),
        ROW("\x10\x13\0\4MQTT\5\3\0\x0a\0\0\6pump-7", MQTT_MALFORMED, 5, 0x81),
        ROW("\x10\x16\0\4MQTT\5\2\0\x0a\3\x21\0\0\0\6pump-7", MQTT_PROTOCOL_ERROR, 5, 0x82),
        ROW("\xc0\0", MQTT_PROTOCOL_ERROR, 0, 0),             /* PINGREQ first */
        ROW("\x32\x06\0\1a\0\1x", MQTT_PROTOCOL_ERROR, 0, 0), /* PUBLISH first */
        ROW("\x10\xff\xff\x7f", MQTT_PACKET_TOO_LARGE, 0, 0),
        ROW("\xf0\0", MQTT_PROTOCOL_ERROR, 0, 0), /* AUTH */
        ROW("\0\0", MQTT_MALFORMED, 0, 0),
#undef ROW
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct side x;
        side_init(&x);
        CHECK_OK(give(&x, rows[i].bytes, rows[i].len));
        CHECK(x.event.kind == MQTT_EVENT_CLOSE && x.event.reason == rows[i].reason);
        CHECK((x.out.len == 0) == (rows[i].version == 0));
        if (rows[i].version)
            CHECK(wrote_reason(&x, 0x20, 3, rows[i].code) && x.out.p[2] == 0);
        CHECK(rows[i].version == 5 ? x.out.p[5] == MQTT_PROPERTY_REASON_STRING
                                   : x.out.len == (rows[i].version ? 4 : 0));
        CHECK(x.s.state == MQTT_CLOSED);
        CHECK(give(&x, connect5, sizeof(connect5) - 1) == ERR_CLOSED);
        side_fini(&x);
    }
}

TEST(packets_that_are_refused_close_with_the_reason)
{
    static const struct {
        const char *bytes;
        size_t len;
        uint8_t reason;
    } rows[] = {
#define ROW(bytes, reason) {bytes, sizeof(bytes) - 1, reason}
        ROW("\x30\x07\0\0\3\x23\0\1x", MQTT_PROTOCOL_ERROR), /* an alias for nothing */
        ROW("\x30\x08\0\1a\3\x23\0\0x", MQTT_TOPIC_ALIAS_INVALID),
        ROW("\x30\x08\0\1a\3\x23\0\x11x", MQTT_TOPIC_ALIAS_INVALID),
        ROW("\x82\x0d\0\5\0\0\x07$share/\0", MQTT_MALFORMED),
        ROW("\x82\x10\0\5\0\0\x0a$share/g/a\4", MQTT_PROTOCOL_ERROR), /* no local */
        ROW("\x82\x0a\0\5\0\0\4a/b#\0", MQTT_MALFORMED),
        ROW("\x82\x0a\0\5\0\0\4a/b+\0", MQTT_MALFORMED),
        ROW("\xa2\x09\0\5\0\0\4#/ab", MQTT_MALFORMED),
        ROW("\x10\x13\0\4MQTT\5\2\0\x0a\0\0\6pump-7", MQTT_PROTOCOL_ERROR), /* again */
        ROW("\x30\xe1\xd4\3", MQTT_PACKET_TOO_LARGE),                       /* 60,001 */
        ROW("\x30\3\0\1+", MQTT_MALFORMED),
        ROW("\x60\2\0\1", MQTT_MALFORMED),          /* the flags of PUBREL */
        ROW("\x62\2\0\0", MQTT_PROTOCOL_ERROR),     /* packet id 0 */
        ROW("\x40\3\0\1\x55", MQTT_PROTOCOL_ERROR), /* no reason of PUBACK */
        ROW("\xf0\0", MQTT_PROTOCOL_ERROR),
        ROW("\xf1\0", MQTT_MALFORMED),
        ROW("\xe0\7\0\5\x11\0\0\0\1", MQTT_PROTOCOL_ERROR), /* expiry was 0 */
#undef ROW
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct side x;
        bring_up(&x, MQTT_V5);
        CHECK_OK(give(&x, rows[i].bytes, rows[i].len));
        CHECK(x.event.kind == MQTT_EVENT_CLOSE && x.event.reason == rows[i].reason);
        CHECK(wrote_reason(&x, 0xE0, 2, rows[i].reason));
        CHECK(x.out.len > 8 && x.out.p[4] == MQTT_PROPERTY_REASON_STRING);
        side_fini(&x);
    }
}

TEST(what_no_core_could_take_is_answered_here)
{
    struct side x;
    static const char deep[] = "//////////////////////////////////////////////////////////////////";
    uint8_t p[128] = {0x32, sizeof(deep) - 1 + 5, 0, sizeof(deep) - 1};
    memcpy(p + 4, deep, sizeof(deep) - 1);
    size_t n = 4 + sizeof(deep) - 1;
    p[n + 1] = 9;
    bring_up(&x, MQTT_V5);
    CHECK_OK(give(&x, p, n + 3));
    CHECK(x.event.kind == MQTT_EVENT_NONE && x.s.window == 0);
    CHECK(wrote_reason(&x, 0x40, 4, MQTT_TOPIC_INVALID) && x.s.state == MQTT_UP);
    p[0] = 0x34;
    CHECK_OK(give(&x, p, n + 3));
    CHECK(wrote_reason(&x, 0x50, 4, MQTT_TOPIC_INVALID) && x.s.window == 0);
    p[0] = 0x30; /* nothing could tell who published with QoS 0 */
    CHECK_OK(give(&x, p, n + 3));
    CHECK(x.event.kind == MQTT_EVENT_CLOSE && wrote_reason(&x, 0xE0, 2, MQTT_TOPIC_INVALID));
    side_fini(&x);
    bring_up(&x, MQTT_V311);
    p[0] = 0x32;
    p[1]--;
    CHECK_OK(give(&x, p, n + 2));
    CHECK(x.event.kind == MQTT_EVENT_CLOSE && x.out.len == 0);
    side_fini(&x);
}

TEST(aliases_of_the_client_become_topics)
{
    struct side x;
    bring_up(&x, MQTT_V5);
    GIVE(&x, "\x30\x0a\0\3a/b\3\x23\0\1x");
    CHECK(x.event.kind == MQTT_EVENT_PUBLISH && x.event.packet.publish.properties.len == 0);
    GIVE(&x, "\x30\x07\0\0\3\x23\0\1y");
    CHECK(bytes_are(x.event.packet.publish.topic, "a/b"));
    CHECK(bytes_are(x.event.packet.publish.payload, "y"));
    GIVE(&x, "\x30\x0b\0\1c\6\x01\1\x23\0\1\0z"); /* torn properties */
    CHECK(x.event.kind == MQTT_EVENT_CLOSE);
    side_fini(&x);
    bring_up(&x, MQTT_V5);
    GIVE(&x, "\x30\x0b\0\1c\7\x01\1\x23\0\1\x01\1"); /* twice the format */
    CHECK(x.event.kind == MQTT_EVENT_CLOSE);
    side_fini(&x);
    bring_up(&x, MQTT_V5); /* the alias first, last, and between others */
    static const char *const lists[] = {"\x23\0\2\x01\1\x02\0\0\0\5", "\x01\1\x02\0\0\0\5\x23\0\2",
                                        "\x01\1\x23\0\2\x02\0\0\0\5"};
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        uint8_t p[] = {0x30, 14, 0, 1, 'c', 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        memcpy(p + 6, lists[i], 10);
        CHECK_OK(give(&x, p, sizeof(p)));
        CHECK(x.event.kind == MQTT_EVENT_PUBLISH);
        CHECK(bytes_equal(x.event.packet.publish.properties, bytes_of("\x01\1\x02\0\0\0\5", 7)));
    }
    GIVE(&x, "\x30\x07\0\0\3\x23\0\2y");
    CHECK(bytes_are(x.event.packet.publish.topic, "c"));
    GIVE(&x, "\x30\x08\0\1d\3\x23\0\2y"); /* given anew */
    GIVE(&x, "\x30\x07\0\0\3\x23\0\2y");
    CHECK(bytes_are(x.event.packet.publish.topic, "d"));
    side_fini(&x);
}

TEST(qos_2_is_two_questions)
{
    struct side x;
    bring_up(&x, MQTT_V5);
    GIVE(&x, "\x34\7\0\1a\0\x09\0x");
    CHECK(x.event.kind == MQTT_EVENT_PUBLISH && x.event.packet.publish.qos == 2 && x.out.len == 0);
    uint32_t ref = x.event.ref;
    CHECK(mqtt_session_waits(&x.s, ref) == MQTT_PUBLISH);
    CHECK_OK(ANSWER(&x, ref, 0x10));
    CHECK(WROTE(&x, "\x50\3\0\x09\x10") && x.s.window == 1);
    GIVE(&x, "\x3c\7\0\1a\0\x09\0x"); /* again: the core knows it */
    CHECK(x.event.kind == MQTT_EVENT_PUBLISH && x.event.packet.publish.dup);
    CHECK_OK(ANSWER(&x, x.event.ref, 0));
    CHECK(WROTE(&x, "\x50\2\0\x09") && x.s.window == 1);
    GIVE(&x, "\x62\2\0\x09");
    CHECK(x.event.kind == MQTT_EVENT_RELEASE && x.event.packet.ack.packet_id == 9);
    CHECK(mqtt_session_waits(&x.s, x.event.ref) == MQTT_PUBREL && x.out.len == 0);
    CHECK_OK(ANSWER(&x, x.event.ref, 0));
    CHECK(WROTE(&x, "\x70\2\0\x09") && x.s.window == 0);
    GIVE(&x, "\x62\2\0\x09"); /* of an exchange before this connection */
    CHECK_OK(ANSWER(&x, x.event.ref, 0x92));
    CHECK(WROTE(&x, "\x70\3\0\x09\x92") && x.s.window == 0);
    GIVE(&x, "\x34\7\0\1a\0\x0a\0x");
    CHECK_OK(mqtt_session_answer(&x.s, x.event.ref, 0x87, bytes_text("no"), &x.out));
    CHECK(WROTE(&x, "\x50\x09\0\x0a\x87\5\x1f\0\2no") && x.s.window == 0);
    side_fini(&x);
    bring_up(&x, MQTT_V311);
    GIVE(&x, "\x34\6\0\1a\0\x09x");
    CHECK_OK(ANSWER(&x, x.event.ref, 0));
    CHECK(WROTE(&x, "\x50\2\0\x09") && x.s.window == 0); /* PUBREL may stand behind others */
    GIVE(&x, "\x62\2\0\x09");
    CHECK_OK(ANSWER(&x, x.event.ref, 0x92));
    CHECK(WROTE(&x, "\x70\2\0\x09"));
    GIVE(&x, "\x34\6\0\1a\0\x0ax");
    CHECK(ANSWER(&x, x.event.ref, 0x87) == ERR_CLOSED && x.s.state == MQTT_CLOSED); /* S3 */
    side_fini(&x);
}

TEST(goodbye_says_what_becomes_of_the_session)
{
    struct side x;
    side_init(&x);
    GIVE(&x, "\x10\x18\0\4MQTT\5\2\0\x0a\5\x11\0\0\0\x3c\0\6pump-7");
    open_session(&x);
    GIVE(&x, "\xe0\7\4\5\x11\0\0\0\7");
    CHECK(x.event.kind == MQTT_EVENT_DISCONNECT && x.event.reason == MQTT_WITH_WILL);
    CHECK(x.event.has_expiry && x.event.expiry_s == 7 && x.out.len == 0);
    side_fini(&x);
    bring_up(&x, MQTT_V311);
    GIVE(&x, "\xe0\0");
    CHECK(x.event.kind == MQTT_EVENT_DISCONNECT && x.event.reason == 0 && !x.event.has_expiry);
    side_fini(&x);
}

TEST(pubacks_wait_for_the_core_and_keep_their_order)
{
    struct side x;
    bring_up(&x, MQTT_V5);
    uint32_t ref[3];
    for (uint16_t i = 0; i < 3; i++) {
        publish(&x, (uint16_t)(10 + i));
        CHECK(x.event.kind == MQTT_EVENT_PUBLISH && x.event.ref && x.out.len == 0);
        ref[i] = x.event.ref;
    }
    CHECK_OK(ANSWER(&x, ref[2], 0));
    CHECK(x.out.len == 0); /* S2 */
    CHECK(ANSWER(&x, ref[2], 0) == ERR_NOT_FOUND);
    CHECK_OK(ANSWER(&x, ref[0], 0));
    CHECK(WROTE(&x, "\x40\2\0\x0a"));
    CHECK_OK(mqtt_session_answer(&x.s, ref[1], 0x87, bytes_text("no"), &x.out));
    CHECK(WROTE(&x, "\x40\2\0\x0a\x40\x09\0\x0b\x87\5\x1f\0\2no\x40\2\0\x0c"));
    CHECK(ANSWER(&x, ref[1], 0) == ERR_NOT_FOUND);
    CHECK(ANSWER(&x, 0, 0) == ERR_NOT_FOUND);
    publish(&x, 10);
    CHECK_OK(ANSWER(&x, x.event.ref, 0x55)); /* not a reason of PUBACK */
    CHECK(WROTE(&x, "\x40\3\0\x0a\x80"));
    side_fini(&x);
}

TEST(a_refused_publish_closes_3_1_1_without_an_acknowledgement)
{
    struct side x;
    bring_up(&x, MQTT_V311);
    publish(&x, 1);
    uint32_t first = x.event.ref;
    publish(&x, 2);
    CHECK_OK(ANSWER(&x, x.event.ref, 0x87)); /* waits for its turn */
    CHECK(ANSWER(&x, first, 0) == ERR_CLOSED);
    CHECK(WROTE(&x, "\x40\2\0\1"));
    CHECK(x.s.state == MQTT_CLOSED);
    side_fini(&x);
}

TEST(the_window_is_enforced_in_v5_and_waits_in_3_1_1)
{
    struct side x;
    bring_up(&x, MQTT_V5);
    for (uint16_t i = 1; i <= MQTT_WINDOW; i++)
        publish(&x, i);
    CHECK(x.event.kind == MQTT_EVENT_PUBLISH);
    publish(&x, MQTT_WINDOW + 1);
    CHECK(x.event.kind == MQTT_EVENT_CLOSE && x.event.reason == MQTT_RECEIVE_MAXIMUM_EXCEEDED);
    CHECK(wrote_reason(&x, 0xE0, 2, 0x93));
    side_fini(&x);

    bring_up(&x, MQTT_V311);
    publish(&x, 1);
    uint32_t first = x.event.ref;
    for (uint16_t i = 2; i <= MQTT_WINDOW; i++)
        publish(&x, i);
    CHECK(give(&x, "\x32\6\0\1a\7\7x", 8) == ERR_AGAIN);
    GIVE(&x, "\x30\4\0\1ax"); /* QoS 0 needs no room */
    CHECK_OK(ANSWER(&x, first, 0));
    GIVE(&x, "\x32\6\0\1a\7\7x");
    CHECK(x.event.kind == MQTT_EVENT_PUBLISH);
    side_fini(&x);
}

TEST(a_packet_id_that_is_open_is_not_taken_twice)
{
    struct side x;
    bring_up(&x, MQTT_V5);
    publish(&x, 5);
    publish(&x, 5);
    CHECK(x.event.kind == MQTT_EVENT_CLOSE && x.event.reason == MQTT_PROTOCOL_ERROR);
    side_fini(&x);
}

TEST(one_suback_for_all_filters)
{
    struct side x;
    bring_up(&x, MQTT_V5);
    GIVE(&x, "\x82\x0f\0\5\0\0\1a\2\0\1b\1\0\1#\1");
    CHECK(x.event.kind == MQTT_EVENT_SUBSCRIBE && x.event.packet.filters.count == 3);
    uint32_t ref = x.event.ref;
    CHECK_OK(ANSWER(&x, mqtt_ref_add(ref, 1), MQTT_TOPIC_INVALID));
    CHECK_OK(ANSWER(&x, ref, 2));
    CHECK(x.out.len == 0);
    CHECK_OK(mqtt_session_answer(&x.s, mqtt_ref_add(ref, 2), 0xA2, bytes_text("no"), &x.out));
    CHECK(WROTE(&x, "\x90\x0b\0\5\5\x1f\0\2no\2\x8f\xa2"));
    GIVE(&x, "\x82\x0b\0\5\0\0\1a\1\0\1b\1"); /* the sentence of the one that is refused */
    ref = x.event.ref;
    CHECK_OK(mqtt_session_answer(&x.s, ref, 0x87, bytes_text("no"), &x.out));
    CHECK_OK(ANSWER(&x, mqtt_ref_add(ref, 1), 1));
    CHECK(WROTE(&x, "\x90\x0a\0\5\5\x1f\0\2no\x87\1"));
    GIVE(&x, "\x82\x07\0\7\0\0\1a\1"); /* and not of one before */
    CHECK_OK(ANSWER(&x, x.event.ref, 1));
    CHECK(WROTE(&x, "\x90\4\0\7\0\1"));
    GIVE(&x, "\xa2\x06\0\6\0\0\1a");
    CHECK(x.event.kind == MQTT_EVENT_UNSUBSCRIBE);
    CHECK_OK(ANSWER(&x, x.event.ref, 0));
    CHECK(WROTE(&x, "\xb0\4\0\6\0\0"));
    side_fini(&x);
    bring_up(&x, MQTT_V311);
    GIVE(&x, "\x82\x06\0\5\0\1a\1");
    CHECK_OK(ANSWER(&x, x.event.ref, 0x87));
    CHECK(WROTE(&x, "\x90\3\0\5\x80")); /* 3.1.1 has one code */
    side_fini(&x);
}

TEST(refs_go_round_without_becoming_zero)
{
    struct side x;
    bring_up(&x, MQTT_V5);
    x.s.head = x.s.next = UINT32_MAX;
    publish(&x, 1);
    CHECK(x.event.ref == UINT32_MAX);
    GIVE(&x, "\x82\x0b\0\5\0\0\1a\1\0\1b\1");
    uint32_t ref = x.event.ref;
    CHECK(ref == 1);
    CHECK_OK(ANSWER(&x, 2, 0));
    CHECK_OK(ANSWER(&x, 1, 0));
    CHECK(x.out.len == 0);
    CHECK_OK(ANSWER(&x, UINT32_MAX, 0));
    CHECK(WROTE(&x, "\x40\2\0\1\x90\5\0\5\0\0\0"));
    CHECK(x.s.head == 3);
    x.s.head = x.s.next = UINT32_MAX; /* one SUBSCRIBE across the end */
    GIVE(&x, "\x82\x0b\0\5\0\0\1a\1\0\1b\1");
    CHECK(x.event.ref == UINT32_MAX && mqtt_ref_add(x.event.ref, 1) == 1);
    CHECK_OK(ANSWER(&x, 1, 0));
    CHECK_OK(ANSWER(&x, UINT32_MAX, 1));
    CHECK(WROTE(&x, "\x90\5\0\5\0\1\0"));
    side_fini(&x);
}

TEST(deliveries_respect_the_client)
{
    struct side x;
    side_init(&x); /* receive maximum 1, packets up to 40 bytes */
    CHECK(deliver(&x, "t", "x", 0, 0) == ERR_WRONG_STATE);
    CHECK(mqtt_session_release(&x.s, 3, &x.out) == ERR_WRONG_STATE);
    GIVE(&x, "\x10\x1b\0\4MQTT\5\2\0\x0a\x08\x21\0\1\x27\0\0\0\x28\0\6pump-7");
    CHECK(x.s.client_receive_maximum == 1 && x.s.client_packet_max == 40);
    open_session(&x);
    buf_reset(&x.out);
    CHECK_OK(deliver(&x, "t", "one", 1, 1));
    CHECK(WROTE(&x, "\x32\x09\0\1t\0\1\0one"));
    CHECK(deliver(&x, "t", "thirty-three bytes of payload, !!", 1, 2) == ERR_LIMIT);
    CHECK(x.s.too_large == 1 && x.out.len == 11);
    CHECK_OK(deliver(&x, "t", "exactly so much as there is room", 1, 2));
    CHECK(x.out.len == 11 + 40);
    GIVE(&x, "\x40\2\0\1");
    CHECK(x.event.kind == MQTT_EVENT_ACK && x.event.packet.type == MQTT_PUBACK);
    GIVE(&x, "\x50\3\0\2\x87"); /* PUBREC: the core knows what to do with it */
    CHECK(x.event.kind == MQTT_EVENT_ACK && x.event.packet.ack.reason == 0x87 && x.out.len == 0);
    CHECK_OK(mqtt_session_release(&x.s, 2, &x.out));
    CHECK(WROTE(&x, "\x62\2\0\2"));
    GIVE(&x, "\x70\2\0\2");
    CHECK(x.event.packet.type == MQTT_PUBCOMP);
    struct mqtt_publish m = {.dup = true,
                             .retain = true,
                             .qos = 2,
                             .packet_id = 5,
                             .topic = bytes_text("t"),
                             .properties = bytes_of("\x0b\1\x0b\2", 4),
                             .payload = bytes_text("x")};
    buf_reset(&x.out);
    CHECK_OK(mqtt_session_deliver(&x.s, &m, &x.out));
    CHECK(WROTE(&x, "\x3d\x0b\0\1t\0\5\4\x0b\1\x0b\2x"));
    side_fini(&x);
    side_init(&x); /* packets up to 25 bytes: a SUBACK of 21 codes has 26 */
    GIVE(&x, "\x10\x18\0\4MQTT\5\2\0\x0a\5\x27\0\0\0\x19\0\6pump-7");
    open_session(&x);
    uint8_t p[] = {0x82, 3 + 4 * 21, 0, 5, 0, [5 ... 4 + 4 * 21] = 0};
    for (size_t i = 0; i < 21; i++)
        memcpy(p + 5 + 4 * i, "\0\1a\0", 4);
    CHECK_OK(give(&x, p, sizeof(p)));
    CHECK(x.event.packet.filters.count == 21);
    for (uint32_t i = 0; i < 20; i++)
        CHECK_OK(ANSWER(&x, mqtt_ref_add(x.event.ref, i), 0));
    CHECK(ANSWER(&x, mqtt_ref_add(x.event.ref, 20), 0) == ERR_CLOSED && x.out.len == 0); /* S6 */
    side_fini(&x);
    bring_up(&x, MQTT_V311);
    buf_reset(&x.out);
    CHECK_OK(mqtt_session_deliver(&x.s, &m, &x.out));
    CHECK(WROTE(&x, "\x3d\6\0\1t\0\5x"));
    side_fini(&x);
}

TEST(aliases_towards_the_client_are_as_many_as_it_allows)
{
    struct side x;
    side_init(&x);
    GIVE(&x, "\x10\x16\0\4MQTT\5\2\0\x0a\3\x22\0\2\0\6pump-7");
    open_session(&x);
    buf_reset(&x.out);
    CHECK_OK(deliver(&x, "a/b", "1", 0, 0));
    CHECK_OK(deliver(&x, "a/b", "2", 0, 0));
    CHECK_OK(deliver(&x, "c", "3", 0, 0));
    CHECK_OK(deliver(&x, "d", "4", 0, 0));
    CHECK_OK(deliver(&x, "c", "5", 0, 0));
    CHECK(WROTE(&x, "\x30\x0a\0\3a/b\3\x23\0\1"
                    "1"
                    "\x30\7\0\0\3\x23\0\1"
                    "2"
                    "\x30\x08\0\1c\3\x23\0\2"
                    "3"
                    "\x30\5\0\1d\0"
                    "4"
                    "\x30\7\0\0\3\x23\0\2"
                    "5"));
    side_fini(&x);
}

TEST(keep_alive_counts_whole_packets)
{
    struct side x;
    side_init(&x);
    CHECK(mqtt_session_deadline_ms(&x.s) == UINT64_MAX);
    side_fini(&x);
    bring_up(&x, MQTT_V5);
    CHECK(mqtt_session_deadline_ms(&x.s) == 15000);
    x.now_ms = 9000;
    CHECK(give(&x, "\xc0", 1) == ERR_AGAIN);
    CHECK(mqtt_session_deadline_ms(&x.s) == 15000);
    GIVE(&x, "\xc0\0");
    CHECK(WROTE(&x, "\xd0\0") && mqtt_session_deadline_ms(&x.s) == 24000);
    side_fini(&x);
    side_init(&x); /* what v5 is told, and what 3.1.1 cannot be told */
    mqtt_session_init(&x.s, 60, 0);
    GIVE(&x, "\x10\x13\0\4MQTT\5\2\0\x78\0\0\6pump-7");
    open_session(&x);
    CHECK(x.out.p[x.out.len - 3] == MQTT_PROPERTY_SERVER_KEEP_ALIVE &&
          x.out.p[x.out.len - 1] == 60);
    CHECK(mqtt_session_deadline_ms(&x.s) == 90000);
    side_fini(&x);
    side_init(&x);
    mqtt_session_init(&x.s, 60, 0);
    GIVE(&x, "\x10\x12\0\4MQTT\4\2\0\x78\0\6pump-7");
    open_session(&x);
    CHECK(mqtt_session_deadline_ms(&x.s) == 180000);
    side_fini(&x);
}

/* Every type in every state: only what the table holds is served. */
TEST(every_state_and_type)
{
    static const char *const packets[MQTT_TYPE_COUNT] = {[MQTT_CONNECT] = connect5,
                                                         [MQTT_CONNACK] = "\x20\2\0\0",
                                                         [MQTT_PUBLISH] = "\x30\4\0\1a\0",
                                                         [MQTT_PUBACK] = "\x40\2\0\1",
                                                         [MQTT_PUBREC] = "\x50\2\0\1",
                                                         [MQTT_PUBREL] = "\x62\2\0\1",
                                                         [MQTT_PUBCOMP] = "\x70\2\0\1",
                                                         [MQTT_SUBSCRIBE] = "\x82\7\0\5\0\0\1a\1",
                                                         [MQTT_SUBACK] = "\x90\3\0\5\0",
                                                         [MQTT_UNSUBSCRIBE] = "\xa2\6\0\5\0\0\1a",
                                                         [MQTT_UNSUBACK] = "\xb0\2\0\5",
                                                         [MQTT_PINGREQ] = "\xc0\0",
                                                         [MQTT_PINGRESP] = "\xd0\0",
                                                         [MQTT_DISCONNECT] = "\xe0\0",
                                                         [MQTT_AUTH] = "\xf0\0"};
    for (enum mqtt_type t = MQTT_CONNECT; t <= MQTT_AUTH; t++) {
        size_t len = 2 + (size_t)(uint8_t)packets[t][1];
        struct side x;
        side_init(&x);
        CHECK_OK(give(&x, packets[t], len));
        CHECK((x.event.kind == MQTT_EVENT_OPEN) == (t == MQTT_CONNECT));
        CHECK((x.event.kind == MQTT_EVENT_CLOSE) == (t != MQTT_CONNECT));
        side_fini(&x);
        bring_up(&x, MQTT_V5);
        CHECK_OK(give(&x, packets[t], len));
        bool refused = t == MQTT_CONNECT || t == MQTT_CONNACK || t == MQTT_SUBACK ||
                       t == MQTT_UNSUBACK || t == MQTT_PINGRESP || t == MQTT_AUTH;
        CHECK((x.event.kind == MQTT_EVENT_CLOSE) == refused);
        CHECK((x.event.kind == MQTT_EVENT_DISCONNECT) == (t == MQTT_DISCONNECT));
        side_fini(&x);
    }
}
