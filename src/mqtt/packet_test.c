#include "base/random.h"
#include "base/test.h"
#include "mqtt/packet.h"

static enum err
decode(uint8_t version, const void *p, size_t len, struct mqtt_packet *out)
{
    struct mqtt_frame frame;
    static struct bytes kept; /* the packet borrows from it until the next call */
    test_exact_free(kept);
    kept = test_exact(bytes_of(p, len));
    enum err e = mqtt_frame_find(kept, MQTT_PACKET_MAX, &frame);
    if (e != OK)
        return e;
    CHECK(frame.size == len);
    return mqtt_decode(&frame, version, out);
}

#define DECODE(version, literal, out) decode(version, literal, sizeof(literal) - 1, out)

TEST(frames_are_bounded_before_anything_is_kept)
{
    struct mqtt_frame f;
    uint8_t huge[] = {0x10, 0xFF, 0xFF, 0xFF, 0x7F};
    CHECK(mqtt_frame_find(bytes_of(huge, 5), MQTT_PACKET_MAX, &f) == ERR_LIMIT);
    uint8_t five[] = {0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x01};
    CHECK(mqtt_frame_find(bytes_of(five, 6), MQTT_PACKET_MAX, &f) == ERR_MALFORMED);
    uint8_t padded[] = {0x10, 0x80, 0x00};
    CHECK(mqtt_frame_find(bytes_of(padded, 3), MQTT_PACKET_MAX, &f) == ERR_MALFORMED);
    CHECK(mqtt_frame_find(bytes_of(padded, 0), MQTT_PACKET_MAX, &f) == ERR_AGAIN);
    CHECK(mqtt_frame_find(bytes_of(padded, 2), MQTT_PACKET_MAX, &f) == ERR_AGAIN);
    uint8_t beyond[] = {0x10, 0xFF, 0x0F}; /* 2047 and a header of 3 */
    CHECK(mqtt_frame_find(bytes_of(beyond, 3), 2049, &f) == ERR_LIMIT);
    CHECK(mqtt_frame_find(bytes_of(beyond, 3), 2050, &f) == ERR_AGAIN);
}

TEST(types_and_flags_that_no_client_sends_are_refused)
{
    struct mqtt_frame f;
    for (unsigned first = 0; first < 256; first++) {
        uint8_t p[] = {(uint8_t)first, 0};
        enum err e = mqtt_frame_find(bytes_of(p, 2), 100, &f);
        unsigned type = first >> 4, flags = first & 15;
        bool known = type != MQTT_CONNACK && type != MQTT_SUBACK && type != MQTT_UNSUBACK &&
                     type != MQTT_PINGRESP;
        bool two = type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE || type == MQTT_PUBREL;
        unsigned right = two ? 2 : 0;
        if (type == 0)
            CHECK(e == ERR_MALFORMED);
        else if (!known)
            CHECK(e == ERR_WRONG_STATE);
        else
            CHECK(e == (type == MQTT_PUBLISH || flags == right ? OK : ERR_MALFORMED));
    }
}

TEST(connect_is_read_in_both_versions)
{
    struct mqtt_packet p;
    CHECK_OK(DECODE(0, "\x10\x12\0\4MQTT\4\2\0\x3c\0\6pump-7", &p));
    CHECK(p.connect.version == MQTT_V311 && p.connect.clean_start && p.connect.keep_alive_s == 60);
    CHECK(bytes_are(p.connect.client_id, "pump-7") && !p.connect.has_will);
    CHECK_OK(DECODE(0, "\x10\x18\0\4MQTT\5\2\0\x3c\5\x11\0\0\0\7\0\6pump-7", &p));
    struct mqtt_property x;
    CHECK(mqtt_property_find(p.connect.properties, MQTT_PROPERTY_SESSION_EXPIRY, &x));
    CHECK(x.number == 7);
    CHECK(DECODE(0, "\x10\x12\0\4MQTT\3\2\0\x3c\0\6pump-7", &p) == ERR_UNSUPPORTED);
    CHECK(DECODE(0, "\x10\x14\0\6MQIsdp\3\2\0\x3c\0\6pump-7", &p) == ERR_UNSUPPORTED);
    CHECK(DECODE(0, "\x10\x12\0\4MQTT\4\3\0\x3c\0\6pump-7", &p) == ERR_MALFORMED);   /* reserved */
    CHECK(DECODE(0, "\x10\x12\0\4MQTT\4\x0a\0\x3c\0\6pump-7", &p) == ERR_MALFORMED); /* will QoS */
    CHECK(DECODE(0, "\x10\x12\0\4MQTT\4\x42\0\x3c\0\6pump-7", &p) == ERR_MALFORMED);
    CHECK(DECODE(0, "\x10\x12\0\4MQTT\4\x82\0\x3c\0\6pump-7", &p) == ERR_MALFORMED); /* no name */
    CHECK(DECODE(0, "\x10\x12\0\4MQTT\4\2\0\x3c\0\6pum\0-7", &p) == ERR_MALFORMED);
    CHECK(DECODE(0, "\x10\x12\0\4MQTT\4\2\0\x3c\0\6pump\xc0\x80", &p) == ERR_MALFORMED);
    CHECK(DECODE(0, "\x10\x13\0\4MQTT\4\2\0\x3c\0\6pump-7!", &p) == ERR_MALFORMED); /* left over */
}

TEST(properties_are_strict)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum mqtt_type in;
        enum err expected;
    } rows[] = {
        {"\x11\0\0\0\0", 5, MQTT_CONNECT, OK},
        {"\x11\0\0\0\0\x11\0\0\0\0", 10, MQTT_CONNECT, ERR_WRONG_STATE}, /* twice */
        {"\x11\0\0\0", 4, MQTT_CONNECT, ERR_MALFORMED},                  /* torn */
        {"\x11\0\0\0\0", 5, MQTT_PUBLISH, ERR_MALFORMED},                /* not there */
        {"\x04\0", 2, MQTT_PUBLISH, ERR_MALFORMED},                      /* unknown */
        {"\x80\1", 2, MQTT_PUBLISH, ERR_MALFORMED},
        {"\x01\2", 2, MQTT_PUBLISH, ERR_WRONG_STATE},
        {"\x21\0\0", 3, MQTT_CONNECT, ERR_WRONG_STATE}, /* receive maximum 0 */
        {"\x27\0\0\0\0", 5, MQTT_CONNECT, ERR_WRONG_STATE},
        {"\x0b\0", 2, MQTT_SUBSCRIBE, ERR_WRONG_STATE},
        {"\x0b\1", 2, MQTT_SUBSCRIBE, OK},
        {"\x0b\1", 2, MQTT_PUBLISH, ERR_MALFORMED}, /* only servers send it there */
        {"\x0b\x80\0", 3, MQTT_SUBSCRIBE, ERR_MALFORMED},
        {"\x26\0\1a\0\1b\x26\0\1a\0\1b", 14, MQTT_PUBLISH, OK}, /* may be repeated */
        {"\x26\0\1a\0\1\0", 7, MQTT_PUBLISH, ERR_MALFORMED},    /* NUL */
        {"\x16\0\0", 3, MQTT_CONNECT, ERR_WRONG_STATE},         /* data without a method */
        {"\x12\0\1a", 4, MQTT_CONNECT, ERR_MALFORMED},          /* a server's */
        {"\x18\0\0\0\1", 5, MQTT_WILL, OK},
        {"\x18\0\0\0\1", 5, MQTT_CONNECT, ERR_MALFORMED},
        {"\x0b\1\x0b\2", 4, MQTT_DELIVERY, OK}, /* one of each subscription */
        {"\x0b\1\x0b\2", 4, MQTT_SUBSCRIBE, ERR_WRONG_STATE},
        {"\x23\0\1", 3, MQTT_DELIVERY, ERR_MALFORMED}, /* the connection's, not the message's */
        {"\x1f\0\1a", 4, MQTT_PUBCOMP, OK},
        {"\x1f\0\1a", 4, MQTT_SUBSCRIBE, ERR_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bytes exact = test_exact(bytes_of(rows[i].bytes, rows[i].len));
        CHECK(mqtt_properties_check(exact, rows[i].in) == rows[i].expected);
        test_exact_free(exact);
    }
    struct buf many;
    buf_init(&many, 4096);
    for (int i = 0; i <= MQTT_USER_PROPERTIES_MAX; i++) {
        CHECK_OK(mqtt_properties_check(buf_bytes(&many), MQTT_PUBLISH));
        buf_put(&many, bytes_of("\x26\0\0\0\0", 5));
    }
    CHECK(mqtt_properties_check(buf_bytes(&many), MQTT_PUBLISH) == ERR_LIMIT);
    buf_fini(&many);
}

TEST(publish_refuses_what_a_topic_must_not_hold)
{
    struct mqtt_packet p;
    CHECK_OK(DECODE(MQTT_V311, "\x32\x08\0\3a/b\0\1x", &p));
    CHECK(p.publish.qos == 1 && p.publish.packet_id == 1 && bytes_are(p.publish.payload, "x"));
    CHECK(DECODE(MQTT_V311, "\x32\x08\0\3a/+\0\1x", &p) == ERR_MALFORMED);
    CHECK(DECODE(MQTT_V311, "\x32\x08\0\3a/#\0\1x", &p) == ERR_MALFORMED);
    CHECK(DECODE(MQTT_V311, "\x32\x08\0\3a\0b\0\1x", &p) == ERR_MALFORMED);
    CHECK(DECODE(MQTT_V311, "\x32\x08\0\3a\nb\0\1x", &p) == ERR_MALFORMED);
    CHECK(DECODE(MQTT_V311, "\x32\x08\0\3a/b\0\0x", &p) == ERR_WRONG_STATE); /* packet id 0 */
    CHECK(DECODE(MQTT_V311, "\x30\x03\0\0x", &p) == ERR_WRONG_STATE);        /* empty topic */
    CHECK(DECODE(MQTT_V5, "\x30\x04\0\0\0x", &p) == ERR_WRONG_STATE);
    CHECK_OK(DECODE(MQTT_V5, "\x30\x07\0\0\3\x23\0\1x", &p)); /* an alias; the session refuses it */
    CHECK(DECODE(MQTT_V311, "\x36\x08\0\3a/b\0\1x", &p) == ERR_MALFORMED); /* QoS 3 */
    CHECK(DECODE(MQTT_V311, "\x38\x06\0\3a/bx", &p) == ERR_MALFORMED);     /* DUP with QoS 0 */
    CHECK(DECODE(MQTT_V311, "\x32\x04\0\3a/", &p) == ERR_MALFORMED);       /* length beyond */
    CHECK_OK(DECODE(MQTT_V5, "\x30\x0a\0\1a\4\x08\0\1bxy", &p));
    CHECK(DECODE(MQTT_V5, "\x30\x0a\0\1a\4\x08\0\1+xy", &p) == ERR_WRONG_STATE);
}

TEST(filters_are_counted_and_their_options_checked)
{
    struct mqtt_packet p;
    CHECK_OK(DECODE(MQTT_V311, "\x82\x0c\0\5\0\1a\0\0\3b/#\1", &p));
    CHECK(p.filters.count == 2 && p.filters.packet_id == 5);
    CHECK(bytes_are(p.filters.filter[1].text, "b/#") && p.filters.filter[1].options == 1);
    CHECK(DECODE(MQTT_V311, "\x82\x02\0\5", &p) == ERR_WRONG_STATE); /* none */
    CHECK(DECODE(MQTT_V311, "\x82\x06\0\0\0\1a\0", &p) == ERR_WRONG_STATE);
    CHECK(DECODE(MQTT_V311, "\x82\x05\0\5\0\0\0", &p) == ERR_MALFORMED); /* empty filter */
    CHECK(DECODE(MQTT_V311, "\x82\x06\0\5\0\1a\3", &p) == ERR_MALFORMED);
    CHECK(DECODE(MQTT_V311, "\x82\x06\0\5\0\1a\4", &p) == ERR_MALFORMED);
    CHECK_OK(DECODE(MQTT_V5, "\x82\x07\0\5\0\0\1a\x2d", &p));
    CHECK(DECODE(MQTT_V5, "\x82\x07\0\5\0\0\1a\x30", &p) ==
          ERR_WRONG_STATE); /* retain handling 3 */
    CHECK(DECODE(MQTT_V5, "\x82\x07\0\5\0\0\1a\x40", &p) == ERR_MALFORMED);
    CHECK(DECODE(MQTT_V311, "\x82\x05\0\5\0\1a", &p) == ERR_MALFORMED); /* no options */
    CHECK_OK(DECODE(MQTT_V311, "\xa2\x05\0\5\0\1a", &p));
    struct mqtt_packet many = {.type = MQTT_UNSUBSCRIBE};
    many.filters.packet_id = 1;
    many.filters.count = MQTT_FILTERS_MAX;
    for (size_t i = 0; i < MQTT_FILTERS_MAX; i++)
        many.filters.filter[i].text = bytes_text("a");
    struct buf b;
    buf_init(&b, 1000);
    _Static_assert(2 + 3 * (MQTT_FILTERS_MAX + 1) < 128, "one byte of length");
    mqtt_put(&b, MQTT_V311, &many);
    CHECK_OK(decode(MQTT_V311, b.p, b.len, &p));
    buf_put(&b, bytes_of("\0\1a", 3));
    b.p[1] = (uint8_t)(b.p[1] + 3);
    CHECK(decode(MQTT_V311, b.p, b.len, &p) == ERR_LIMIT);
    buf_fini(&b);
}

TEST(the_reasons_of_acknowledgements_are_those_of_the_standard)
{
    struct mqtt_packet p;
    CHECK_OK(DECODE(MQTT_V5, "\x40\3\0\1\x10", &p));
    CHECK(p.type == MQTT_PUBACK && p.ack.reason == 0x10);
    CHECK(DECODE(MQTT_V5, "\x40\3\0\1\x92", &p) == ERR_WRONG_STATE);
    CHECK_OK(DECODE(MQTT_V5, "\x50\4\0\1\x99\0", &p));
    CHECK_OK(DECODE(MQTT_V5, "\x62\3\0\1\x92", &p));
    CHECK(DECODE(MQTT_V5, "\x62\3\0\1\x10", &p) == ERR_WRONG_STATE);
    CHECK_OK(DECODE(MQTT_V5, "\x70\2\0\1", &p));
    CHECK(DECODE(MQTT_V311, "\x70\3\0\1\0", &p) == ERR_MALFORMED); /* 3.1.1 has none */
    CHECK(DECODE(MQTT_V5, "\x70\1\0", &p) == ERR_MALFORMED);
    CHECK_OK(DECODE(MQTT_V5, "\xe0\1\4", &p));
    CHECK(DECODE(MQTT_V5, "\xe0\1\x8b", &p) == ERR_WRONG_STATE); /* a server's */
}

TEST(answers_have_the_bytes_of_the_standard)
{
    struct buf b;
    buf_init(&b, 1000);
    struct bytes none = {NULL, 0};
    mqtt_put_connack(&b, MQTT_V311, true, 0, none);
    mqtt_put_connack(&b, MQTT_V5, false, 0x87, none);
    mqtt_put_codes(&b, MQTT_V311, MQTT_SUBACK, 5, none, bytes_of("\1\x80", 2));
    mqtt_put_codes(&b, MQTT_V5, MQTT_SUBACK, 5, none, bytes_of("\1\x87", 2));
    mqtt_put_codes(&b, MQTT_V311, MQTT_UNSUBACK, 5, none, bytes_of("\0", 1));
    mqtt_put_codes(&b, MQTT_V5, MQTT_UNSUBACK, 5, bytes_of("\x1f\0\1w", 4), bytes_of("\x11", 1));
    mqtt_put_pingresp(&b);
    struct mqtt_packet p = {.type = MQTT_PUBREL, .ack = {.packet_id = 7}};
    mqtt_put(&b, MQTT_V5, &p);
    p.ack.reason = 0x92;
    mqtt_put(&b, MQTT_V5, &p);
    mqtt_put(&b, MQTT_V311, &p);
    p = (struct mqtt_packet){.type = MQTT_PUBLISH, .publish = {.alias = 3}};
    mqtt_put(&b, MQTT_V5, &p);
    static const char expected[] = "\x20\2\1\0"
                                   "\x20\3\0\x87\0"
                                   "\x90\4\0\5\1\x80"
                                   "\x90\5\0\5\0\1\x87"
                                   "\xb0\2\0\5"
                                   "\xb0\x08\0\5\4\x1f\0\1w\x11"
                                   "\xd0\0"
                                   "\x62\2\0\7"
                                   "\x62\3\0\7\x92"
                                   "\x62\2\0\7"
                                   "\x30\6\0\0\3\x23\0\3";
    CHECK(bytes_equal(buf_bytes(&b), bytes_of(expected, sizeof(expected) - 1)));
    buf_fini(&b);
}

/* A packet of any kind from random parts. */
static void
random_packet(const struct random_source *r, struct buf *b, uint8_t version)
{
    static const char *const words[] = {"a", "v1.1/Datastreams(1)/Observations", "x/y", "\xc3\xa9"};
    struct bytes word = bytes_text(words[random_below(r, ARRAY_COUNT(words))]);
    struct bytes props = version == MQTT_V5 && random_below(r, 2) ? bytes_of("\x26\0\1a\0\1b", 7)
                                                                  : (struct bytes){NULL, 0};
    struct mqtt_packet p = {0};
    switch (random_below(r, 4)) {
    case 0:
        p.type = MQTT_CONNECT;
        p.connect = (struct mqtt_connect){.version = version,
                                          .has_will = random_below(r, 2),
                                          .has_user = true,
                                          .has_password = random_below(r, 2),
                                          .properties = props,
                                          .client_id = word,
                                          .user = word};
        if (p.connect.has_will)
            p.connect.will_topic = word;
        break;
    case 1:
        p.type = MQTT_PUBLISH;
        p.publish = (struct mqtt_publish){
            .qos = 1, .packet_id = 77, .topic = word, .payload = word, .properties = props};
        break;
    case 2:
        p.type = MQTT_SUBSCRIBE;
        p.filters.packet_id = 9;
        p.filters.properties = props;
        p.filters.count = 1 + random_below(r, 3);
        for (size_t i = 0; i < p.filters.count; i++)
            p.filters.filter[i] = (struct mqtt_filter){word, 1};
        break;
    default:
        p.type = MQTT_PUBACK;
        p.ack = (struct mqtt_ack){.packet_id = 3};
    }
    mqtt_put(b, version, &p);
}

TEST(every_truncation_and_extension_is_refused)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct buf b, again;
    buf_init(&b, 4096);
    buf_init(&again, 4096);
    for (int round = 0; round < 500; round++) {
        uint8_t version = random_below(&r, 2) ? MQTT_V5 : MQTT_V311;
        buf_reset(&b);
        buf_reset(&again);
        random_packet(&r, &b, version);
        struct mqtt_packet p;
        CHECK_OK(decode(version, b.p, b.len, &p));
        mqtt_put(&again, version, &p);
        CHECK(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
        for (size_t n = 0; n < b.len; n++)
            CHECK(decode(version, b.p, n, &p) == ERR_AGAIN);
        if (p.type == MQTT_PUBLISH || b.len > 100)
            continue;                                  /* a longer payload is a payload */
        for (size_t cut = 1; cut < b.len - 2; cut++) { /* the same with a smaller length */
            b.p[1]--;
            enum err e = decode(version, b.p, b.len - cut, &p);
            CHECK(e != OK || p.type == MQTT_SUBSCRIBE);
        }
    }
    buf_fini(&b);
    buf_fini(&again);
}
