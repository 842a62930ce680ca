#include "field/sumo/traci.h"
#include "base/random.h"
#include "base/test.h"

static bool
holds(const struct buf *b, const void *want, size_t len)
{
    return bytes_equal(buf_bytes(b), bytes_of(want, len));
}

TEST(commands_have_the_bytes_that_the_protocol_asks_for)
{
    struct buf b;
    buf_init(&b, 4096);
    traci_begin(&b);
    traci_put_step(&b);
    CHECK_OK(traci_end(&b));
    CHECK(holds(&b, "\0\0\0\x0e\x0a\x02\0\0\0\0\0\0\0\0", 14));
    traci_begin(&b);
    traci_put_get(&b, TRACI_GET_LIGHT, VAR_LIGHT_STATE, bytes_text("A0"));
    CHECK_OK(traci_end(&b));
    CHECK(holds(&b,
                "\0\0\0\x0d\x09\xa2\x20\0\0\0\x02"
                "A0",
                13));
    traci_begin(&b);
    traci_put_light(&b, bytes_text("A0"), bytes_text("Gr"));
    CHECK_OK(traci_end(&b));
    CHECK(holds(&b,
                "\0\0\0\x14\x10\xc2\x20\0\0\0\x02"
                "A0\x0c\0\0\0\x02Gr",
                20));
    static const uint8_t variables[] = {VAR_SPEED};
    traci_begin(&b);
    traci_put_subscribe(&b, TRACI_SUBSCRIBE_VEHICLE, bytes_text("v"), variables, 1);
    CHECK_OK(traci_end(&b));
    CHECK(b.len == 4 + 2 + 16 + 5 + 2 && b.p[5] == 0xd4 && b.p[b.len - 1] == 0x40);
    buf_fini(&b);
}

TEST(a_long_command_uses_the_long_head_and_reads_back)
{
    char name[300];
    memset(name, 'x', sizeof(name));
    struct buf b;
    buf_init(&b, 4096);
    for (size_t len = 0; len <= sizeof(name); len++) {
        uint8_t id;
        struct bytes content;
        traci_begin(&b);
        traci_put_get(&b, TRACI_GET_LANE, VAR_LENGTH, bytes_of(name, len));
        CHECK_OK(traci_end(&b));
        struct bytes message = bytes_skip(buf_bytes(&b), 4);
        CHECK_OK(traci_next(&message, &id, &content));
        struct traci_reader r = {content, false};
        CHECK(id == TRACI_GET_LANE && traci_u8(&r) == VAR_LENGTH);
        CHECK(bytes_equal(traci_text(&r), bytes_of(name, len)) && !r.bad && r.rest.len == 0);
        CHECK(traci_next(&message, &id, &content) == ERR_NOT_FOUND);
    }
    buf_fini(&b);
}

TEST(a_status_says_yes_or_why_not)
{
    struct bytes why;
    CHECK_OK(traci_status(bytes_of("\0\0\0\0\0", 5), &why));
    CHECK(why.len == 0);
    CHECK(traci_status(bytes_of("\xff\0\0\0\x02no", 7), &why) == ERR_DENIED);
    CHECK(bytes_are(why, "no"));
    CHECK(traci_status(bytes_of("\0\0\0\0\x01", 5), &why) == ERR_MALFORMED);
    CHECK(traci_status(bytes_of("\0\0\0\0\0x", 6), &why) == ERR_MALFORMED);
    CHECK(traci_status((struct bytes){0}, &why) == ERR_MALFORMED);
}

TEST(typed_values_are_what_they_say_or_nothing)
{
    static const uint8_t good[] = "\x09\xff\xff\xff\xfe\x0b\x40\x09\x21\xfb\x54\x44\x2d\x18"
                                  "\x0c\0\0\0\x02hi\x0e\0\0\0\x01\0\0\0\x01x\x0f\0\0\0\x07";
    struct traci_reader r = {bytes_of(good, sizeof(good) - 1), false};
    CHECK(traci_typed_integer(&r) == -2);
    double pi = traci_typed_double(&r);
    CHECK(pi > 3.14159 && pi < 3.1416);
    CHECK(bytes_are(traci_typed_text(&r), "hi"));
    CHECK(traci_typed_list(&r) == 1 && bytes_are(traci_text(&r), "x"));
    CHECK(traci_typed_compound(&r) == 7 && !r.bad && r.rest.len == 0);

    r = (struct traci_reader){bytes_of(good, 5), false};
    CHECK(traci_typed_double(&r) == 0 && r.bad);
    CHECK(traci_u8(&r) == 0 && r.bad); /* it stays bad */
    r = (struct traci_reader){bytes_of("\x0b\x7f\xf8\0\0\0\0\0\0", 9), false};
    CHECK(traci_typed_double(&r) == 0 && r.bad); /* NaN */
    r = (struct traci_reader){bytes_of("\x0e\xff\xff\xff\xff", 5), false};
    CHECK(traci_typed_list(&r) == 0 && r.bad);
    r = (struct traci_reader){bytes_of("\x0c\xff\xff\xff\xff", 5), false};
    CHECK(traci_typed_text(&r).len == 0 && r.bad);
}

TEST(broken_messages_are_refused_and_never_read_past_their_end)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source random = random_seeded_source(&seeded);
    for (int i = 0; i < 20000; i++) {
        uint8_t raw[24];
        size_t len = (size_t)random_below(&random, sizeof(raw));
        random_fill(&random, raw, len);
        if (len > 0 && random_below(&random, 2))
            raw[0] = (uint8_t)random_below(&random, 26);
        struct bytes exact = test_exact(bytes_of(raw, len)), message = exact, content;
        uint8_t id;
        size_t before = message.len;
        while (traci_next(&message, &id, &content) == OK) {
            CHECK(message.len < before);
            before = message.len;
            struct traci_reader r = {content, false};
            uint32_t n = traci_typed_list(&r);
            for (uint32_t k = 0; k < n && !r.bad; k++)
                traci_text(&r);
        }
        test_exact_free(exact);
    }
}
