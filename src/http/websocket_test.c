#include "http/websocket.h"

#include "base/test.h"

struct side {
    struct websocket w;
    struct buf payload, out;
};

static void
side_init(struct side *x)
{
    websocket_init(&x->w);
    buf_init(&x->payload, 1 << 20);
    buf_init(&x->out, 1 << 17);
}

static void
side_fini(struct side *x)
{
    buf_fini(&x->payload);
    buf_fini(&x->out);
}

static enum err
feed(struct side *x, const void *p, size_t len)
{
    struct bytes exact = test_exact(bytes_of(p, len));
    enum err e = websocket_feed(&x->w, exact, &x->payload);
    test_exact_free(exact);
    return e;
}
#define FEED(x, literal) feed(x, literal, sizeof(literal) - 1)
#define WROTE(x, literal) bytes_equal(buf_bytes(&(x)->out), bytes_of(literal, sizeof(literal) - 1))

TEST(messages_pass_however_they_are_cut)
{
    /* a whole message, one in three fragments with a ping between, an empty one */
    static const char stream[] = "\x82\x85\1\2\3\4\x69\x67\x6f\x68\x6e"
                                 "\x02\x81\0\0\0\0a\x00\x82\1\1\1\1cb"
                                 "\x89\x82\0\0\0\0hi\x80\x81\0\0\0\0d\x82\x80\0\0\0\0";
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        struct side x;
        side_init(&x);
        for (size_t at = 0; at < sizeof(stream) - 1; at += piece) {
            size_t n = sizeof(stream) - 1 - at < piece ? sizeof(stream) - 1 - at : piece;
            CHECK_OK(feed(&x, stream + at, n));
        }
        CHECK(bytes_are(buf_bytes(&x.payload), "helloabcd"));
        CHECK(websocket_put_control(&x.w, &x.out) && WROTE(&x, "\x8a\2hi"));
        CHECK(!websocket_put_control(&x.w, &x.out));
        side_fini(&x);
    }
}

TEST(what_breaks_the_rules_ends_with_the_right_status)
{
    static const struct {
        const char *bytes;
        size_t len;
        uint16_t status;
    } rows[] = {
#define ROW(bytes, status) {bytes, sizeof(bytes) - 1, status}
        ROW("\x82\1a", 1002),  /* not masked */
        ROW("\xc2\x81", 1002), /* an extension's bit */
        ROW("\x81\x81", 1003), /* text */
        ROW("\x83\x81", 1002), /* no such opcode */
        ROW("\x8b\x81", 1002),
        ROW("\x80\x81", 1002),                 /* continues nothing */
        ROW("\x02\x80\0\0\0\0\x82\x80", 1002), /* begins inside another */
        ROW("\x09\x80", 1002),                 /* a ping in fragments */
        ROW("\x89\xfe", 1002),                 /* a ping of over 125 bytes */
        ROW("\x82\xfe\0\x7d\0\0\0\0", 1002),   /* 125, longer than needed */
        ROW("\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", 1002),
        ROW("\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 1009),
        ROW("\x82\xff\0\0\0\0\1\0\0\1\0\0\0\0", 1009),
        ROW("\x88\x81\0\0\0\0x", 1002),            /* half a status */
        ROW("\x88\x82\0\0\0\0\x03\xed", 1002),     /* 1005 is never sent */
        ROW("\x88\x82\0\0\0\0\x03\xe7", 1002),     /* 999 */
        ROW("\x88\x83\0\0\0\0\x03\xe8\xff", 1002), /* not UTF-8 */
#undef ROW
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct side x;
        side_init(&x);
        CHECK(feed(&x, rows[i].bytes, rows[i].len) == ERR_MALFORMED);
        CHECK(x.payload.len == 0);
        CHECK(websocket_put_control(&x.w, &x.out));
        uint8_t expected[] = {0x88, 2, (uint8_t)(rows[i].status >> 8), (uint8_t)rows[i].status};
        CHECK(bytes_equal(buf_bytes(&x.out), bytes_of(expected, 4)));
        CHECK(FEED(&x, "\x82\x80\0\0\0\0") == ERR_CLOSED); /* W3 */
        CHECK(!websocket_put_control(&x.w, &x.out));
        side_fini(&x);
    }
}

TEST(a_close_is_answered_once)
{
    struct side x;
    side_init(&x);
    CHECK(FEED(&x, "\x89\x81\0\0\0\0p\x88\x85\0\0\0\0\x0f\xa0why") == ERR_CLOSED);
    CHECK(websocket_put_control(&x.w, &x.out) && WROTE(&x, "\x88\2\x0f\xa0"));
    CHECK(!websocket_put_control(&x.w, &x.out));
    side_fini(&x);
    side_init(&x); /* ours first */
    websocket_put_close(&x.w, WEBSOCKET_GOING_AWAY, &x.out);
    websocket_put_close(&x.w, WEBSOCKET_NORMAL, &x.out);
    CHECK(FEED(&x, "\x88\x80\0\0\0\0") == ERR_CLOSED);
    CHECK(!websocket_put_control(&x.w, &x.out) && WROTE(&x, "\x88\2\x03\xe9"));
    side_fini(&x);
}

TEST(data_has_the_shortest_head)
{
    static uint8_t bytes[WEBSOCKET_OUT_MAX];
    struct side x;
    side_init(&x);
    websocket_put_data(&x.w, bytes_of(bytes, 125), true, true, &x.out);
    CHECK(x.out.len == 127 && x.out.p[0] == 0x82 && x.out.p[1] == 125);
    buf_reset(&x.out);
    websocket_put_data(&x.w, bytes_of(bytes, 126), true, true, &x.out);
    CHECK(x.out.len == 130 && x.out.p[1] == 126 && x.out.p[3] == 126);
    buf_reset(&x.out);
    websocket_put_data(&x.w, bytes_of(bytes, sizeof(bytes)), true, true, &x.out);
    CHECK(x.out.len == sizeof(bytes) + WEBSOCKET_OUT_HEAD_MAX && x.out.p[2] == 0xff);
    buf_reset(&x.out);
    websocket_put_data(&x.w, bytes_of("a", 1), true, false, &x.out);
    websocket_put_data(&x.w, bytes_of("b", 1), false, false, &x.out);
    websocket_put_data(&x.w, bytes_of("c", 1), false, true, &x.out);
    CHECK(WROTE(&x, "\x02\1a\0\1b\x80\1c"));
    side_fini(&x);
}

TEST(a_full_payload_is_a_limit)
{
    struct side x;
    side_init(&x);
    x.payload.max = 3;
    CHECK(FEED(&x, "\x82\x84\0\0\0\0abcd") == ERR_LIMIT);
    side_fini(&x);
}

TEST(keys_and_lists_of_the_handshake)
{
    char proof[WEBSOCKET_PROOF_LEN];
    CHECK_OK(websocket_proof(bytes_text("dGhlIHNhbXBsZSBub25jZQ=="), proof)); /* RFC 6455 1.3 */
    CHECK(memcmp(proof, "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-", 33) == 0);
    CHECK(websocket_proof(bytes_text("dGhlIHNhbXBsZSBub25jZQ="), proof) == ERR_MALFORMED);
    CHECK(websocket_proof(bytes_text("dGhlIHNhbXBsZSBub25jZWE="), proof) == ERR_MALFORMED);
    CHECK(websocket_proof(bytes_text("dGhlIHNhbXBsZSBub25jZ!=="), proof) == ERR_MALFORMED);
    CHECK(websocket_list_has(bytes_text("mqtt"), "mqtt"));
    CHECK(websocket_list_has(bytes_text("mqttv3.1 ,\tmqtt , x"), "mqtt"));
    CHECK(!websocket_list_has(bytes_text("mqttv3.1,MQTT"), "mqtt"));
    CHECK(!websocket_list_has(bytes_text(""), "mqtt") &&
          !websocket_list_has(bytes_text(","), "mqtt"));
}
