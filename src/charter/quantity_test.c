#include "charter/quantity.h"
#include "base/random.h"
#include "base/test.h"
#include "charter/suggest.h"

TEST(quantities_keep_exactly_what_stands_there)
{
    static const struct {
        const char *text;
        enum word_unit unit;
        int64_t value;
    } rows[] = {
        {"5s", UNIT_MS, 5000},       {"1.5s", UNIT_MS, 1500},
        {"2min", UNIT_MS, 120000},   {"24h", UNIT_MS, 86400000},
        {"7d", UNIT_MS, 604800000},  {"0.5kW", UNIT_W, 500},
        {"3MW", UNIT_W, 3000000},    {"12.5%", UNIT_CENTI_PERCENT, 1250},
        {"-5C", UNIT_CENTI_C, -500}, {"21.05C", UNIT_CENTI_C, 2105},
        {"3", UNIT_COUNT, 3},
    };
    static const char *const bad[] = {"",        "s",       "5 s",  "05s", "5S",  "1.s",
                                      ".5s",     "1.2.3s",  "--5s", "5kw", "+5s", "1e3s",
                                      "0.0001s", "12.345%", "1.5",  "5m"};
    enum word_unit unit = UNIT_NONE;
    int64_t v = 0;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CHECK_OK(quantity_read(bytes_text(rows[i].text), &unit, &v));
        CHECK(unit == rows[i].unit && v == rows[i].value);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(quantity_read(bytes_text(bad[i]), &unit, &v) == ERR_MALFORMED);
    CHECK(quantity_read(bytes_text("9999999999999999999d"), &unit, &v) == ERR_LIMIT);
    CHECK(quantity_read(bytes_text("999999999999999d"), &unit, &v) == ERR_LIMIT);
}

TEST(what_is_written_reads_back)
{
    static const enum word_unit units[] = {UNIT_MS, UNIT_W, UNIT_CENTI_PERCENT, UNIT_COUNT,
                                           UNIT_CENTI_C};
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct buf b;
    buf_init(&b, 64);
    for (int i = 0; i < 20000; i++) {
        enum word_unit unit = units[random_below(&r, ARRAY_COUNT(units))], back = UNIT_NONE;
        int64_t value = (int64_t)random_below(&r, UINT64_C(1) << random_below(&r, 49)), v = 0;
        if (i % 2)
            value = -value;
        buf_reset(&b);
        quantity_put(&b, unit, value);
        CHECK_OK(quantity_read(buf_bytes(&b), &back, &v));
        CHECK(back == unit && v == value);

        uint64_t rate = random_below(&r, 36000001), again = 0;
        buf_reset(&b);
        quantity_put_rate(&b, rate);
        CHECK_OK(quantity_rate_per_hour(buf_bytes(&b), 36000000, &again));
        CHECK(again == rate);
    }
    buf_fini(&b);
}

TEST(the_nearest_word_is_one_slip_away)
{
    CHECK(suggest_distance(bytes_text("teir"), bytes_text("tier")) == 1);
    CHECK(suggest_distance(bytes_text(""), bytes_text("tier")) == 4);
    CHECK(suggest_distance(bytes_text("minimum-gren"), bytes_text("minimum-green")) == 1);
    struct suggest s = suggest_for(bytes_text("bike"));
    suggest_offer(&s, "signals");
    CHECK(s.best == NULL);
    suggest_offer(&s, "bikes");
    suggest_offer(&s, "like");
    CHECK(strcmp(s.best, "bikes") == 0);
    s = suggest_for(bytes_text("x"));
    suggest_offer(&s, "y"); /* nothing of it is right */
    CHECK(s.best == NULL);
}
