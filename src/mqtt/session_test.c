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
    mqtt_session_init(&x->s, bytes_text("pump-7"), 0);
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

static void
bring_up(struct side *x, uint8_t version)
{
    side_init(x);
    if (version == MQTT_V5)
        GIVE(x, connect5);
    else
        GIVE(x, connect311);
    CHECK(x->event.kind == MQTT_EVENT_UP && x->s.state == MQTT_UP);
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
    CHECK(x.event.kind == MQTT_EVENT_UP);
    static const char expected[] = "\x20\x29\0\0\x26"
                                   "\x11\0\0\0\0\x21\0\x40\x24\1\x25\0\x27\0\0\xea\x60"
                                   "\x12\0\6pump-7\x22\0\0\x28\0\x29\0\x2a\0\x13\4\xb0";
    CHECK(bytes_equal(buf_bytes(&x.out), bytes_of(expected, sizeof(expected) - 1)));
    side_fini(&x);
    bring_up(&x, MQTT_V311);
    CHECK(WROTE(&x, "\x20\2\0\0"));
    side_fini(&x);
}

TEST(connects_that_are_refused_say_why)
{
    static const struct {
        const char *bytes;
        size_t len;
        uint8_t reason;
        const char *answer;
        size_t answer_len;
    } rows[] = {
#define ROW(bytes, reason, answer) {bytes, sizeof(bytes) - 1, reason, answer, sizeof(answer) - 1}
        ROW("\x10\x12\0\4MQTT\4\2\0\x0a\0\6pump-8", MQTT_BAD_CLIENT_ID, "\x20\2\0\2"),
        ROW("\x10\x13\0\4MQTT\5\2\0\x0a\0\0\6pump-8", MQTT_BAD_CLIENT_ID, "\x20\3\0\x85\0"),
        ROW("\x10\x0c\0\4MQTT\4\0\0\x0a\0\0", MQTT_BAD_CLIENT_ID, "\x20\2\0\2"),
        ROW("\x10\x18\0\4MQTT\4\6\0\x0a\0\6pump-7\0\1w\0\1x", MQTT_IMPLEMENTATION, "\x20\2\0\5"),
        ROW("\x10\x1a\0\4MQTT\5\6\0\x0a\0\0\6pump-7\0\0\1w\0\1x", MQTT_IMPLEMENTATION,
            "\x20\3\0\x83\0"),
        ROW("\x10\x1a\0\4MQTT\5\x26\0\x0a\0\0\6pump-7\0\0\1w\0\1x", MQTT_RETAIN_UNSUPPORTED,
            "\x20\3\0\x9a\0"),
        ROW("\x10\x1a\0\4MQTT\5\x16\0\x0a\0\0\6pump-7\0\0\1w\0\1x", MQTT_QOS_UNSUPPORTED,
            "\x20\3\0\x9b\0"),
        ROW("\x10\x17\0\4MQTT\5\2\0\x0a\4\x15\0\1k\0\6pump-7", MQTT_BAD_AUTH_METHOD,
            "\x20\3\0\x8c\0"),
        ROW("\x10\x12\0\4MQTT\3\2\0\x0a\0\6pump-7", MQTT_BAD_VERSION, "\x20\2\0\1"),
        ROW("\x10\x12\0\4MQTT\4\3\0\x0a\0\6pump-7", MQTT_MALFORMED, ""),
        ROW("\xc0\0", MQTT_PROTOCOL_ERROR, ""),             /* PINGREQ first */
        ROW("\x32\x06\0\1a\0\1x", MQTT_PROTOCOL_ERROR, ""), /* PUBLISH first */
        ROW("\x10\xff\xff\x7f", MQTT_PACKET_TOO_LARGE, ""), /* too long for a stranger */
        ROW("\xf0\0", MQTT_PROTOCOL_ERROR, ""),             /* AUTH */
        ROW("\0\0", MQTT_MALFORMED, ""),
#undef ROW
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct side x;
        side_init(&x);
        CHECK_OK(give(&x, rows[i].bytes, rows[i].len));
        CHECK(x.event.kind == MQTT_EVENT_CLOSE && x.event.reason == rows[i].reason);
        CHECK(bytes_equal(buf_bytes(&x.out), bytes_of(rows[i].answer, rows[i].answer_len)));
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
        ROW("\x34\x07\0\1a\0\1\0x", MQTT_QOS_UNSUPPORTED),
        ROW("\x33\x07\0\1a\0\1\0x", MQTT_RETAIN_UNSUPPORTED),
        ROW("\x30\x07\0\0\3\x23\0\1x", MQTT_TOPIC_ALIAS_INVALID),
        ROW("\x30\x14\0\x11////////////////a\0", MQTT_TOPIC_INVALID), /* 17 levels */
        ROW("\x82\x0e\0\5\0\0\x08$share/a\0", MQTT_SHARED_UNSUPPORTED),
        ROW("\x82\x09\0\5\2\x0b\1\0\1a\0", MQTT_SUBSCRIPTION_IDS_UNSUPPORTED),
        ROW("\x40\2\0\1", MQTT_PROTOCOL_ERROR),                             /* PUBACK of nothing */
        ROW("\x10\x13\0\4MQTT\5\2\0\x0a\0\0\6pump-7", MQTT_PROTOCOL_ERROR), /* again */
        ROW("\x62\2\0\1", MQTT_PROTOCOL_ERROR),                             /* PUBREL */
        ROW("\x30\xe1\xd4\3", MQTT_PACKET_TOO_LARGE),                       /* 60,001 */
        ROW("\x30\3\0\1+", MQTT_MALFORMED),
#undef ROW
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct side x;
        bring_up(&x, MQTT_V5);
        CHECK_OK(give(&x, rows[i].bytes, rows[i].len));
        CHECK(x.event.kind == MQTT_EVENT_CLOSE && x.event.reason == rows[i].reason);
        uint8_t goodbye[] = {0xE0, 1, rows[i].reason};
        CHECK(bytes_equal(buf_bytes(&x.out), bytes_of(goodbye, 3)));
        side_fini(&x);
    }
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
    CHECK(WROTE(&x, "\xe0\1\x93"));
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
    GIVE(&x, "\x82\x0f\0\5\0\0\1a\1\0\1b\1\0\1#\1");
    CHECK(x.event.kind == MQTT_EVENT_SUBSCRIBE && x.event.packet.filters.count == 3);
    uint32_t ref = x.event.ref;
    CHECK_OK(ANSWER(&x, mqtt_ref_add(ref, 1), MQTT_TOPIC_INVALID));
    CHECK_OK(ANSWER(&x, ref, 1));
    CHECK(x.out.len == 0);
    CHECK_OK(ANSWER(&x, mqtt_ref_add(ref, 2), 0xA2));
    CHECK(WROTE(&x, "\x90\6\0\5\0\1\x8f\xa2"));
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
    side_init(&x); /* receive maximum 1, packets up to 20 bytes */
    GIVE(&x, "\x10\x1b\0\4MQTT\5\2\0\x0a\x08\x21\0\1\x27\0\0\0\x14\0\6pump-7");
    buf_reset(&x.out);
    struct bytes topic = bytes_text("t");
    CHECK_OK(mqtt_session_deliver(&x.s, topic, bytes_text("one"), 1, &x.out));
    CHECK_OK(mqtt_session_deliver(&x.s, topic, bytes_text("two"), 1, &x.out));
    CHECK_OK(mqtt_session_deliver(&x.s, topic, bytes_text("a payload too long"), 1, &x.out));
    CHECK(x.s.dropped == 1);
    CHECK(WROTE(&x, "\x32\x09\0\1t\0\1\0one"));
    GIVE(&x, "\x40\2\0\1");
    CHECK(WROTE(&x, "\x32\x09\0\1t\0\2\0two"));
    GIVE(&x, "\x40\4\0\2\0\0"); /* the long form of PUBACK */
    CHECK(x.out.len == 0 && x.s.delivering == 0);
    CHECK_OK(mqtt_session_deliver(&x.s, topic, bytes_text("x"), 0, &x.out));
    CHECK(WROTE(&x, "\x30\5\0\1t\0x"));
    enum err e = OK;
    for (int i = 0; e == OK && i < 100000; i++)
        e = mqtt_session_deliver(&x.s, topic, bytes_text("x"), 1, &x.out);
    CHECK(e == ERR_LIMIT); /* a client that does not acknowledge */
    side_fini(&x);
    side_init(&x);
    CHECK(mqtt_session_deliver(&x.s, topic, bytes_text("x"), 0, &x.out) == ERR_WRONG_STATE);
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
    GIVE(&x, "\xe0\0");
    CHECK(x.event.kind == MQTT_EVENT_CLOSE && x.out.len == 0 && x.event.reason == 0);
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
    for (enum mqtt_type t = MQTT_CONNECT; t < MQTT_TYPE_COUNT; t++) {
        size_t len = 2 + (size_t)(uint8_t)packets[t][1];
        struct side x;
        side_init(&x);
        CHECK_OK(give(&x, packets[t], len));
        CHECK((x.event.kind == MQTT_EVENT_UP) == (t == MQTT_CONNECT));
        CHECK((x.event.kind == MQTT_EVENT_CLOSE) == (t != MQTT_CONNECT));
        side_fini(&x);
        bring_up(&x, MQTT_V5);
        CHECK_OK(give(&x, packets[t], len));
        bool served =
            t == MQTT_PUBLISH || t == MQTT_SUBSCRIBE || t == MQTT_UNSUBSCRIBE || t == MQTT_PINGREQ;
        CHECK((x.event.kind == MQTT_EVENT_CLOSE) == !served);
        side_fini(&x);
    }
}
