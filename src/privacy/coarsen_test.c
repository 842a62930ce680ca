#include "privacy/coarsen.h"

#include <math.h>

#include "base/random.h"
#include "base/test.h"
#include "base/text.h"

TEST(a_place_keeps_four_decimals_and_no_more)
{
    struct place p;
    CHECK_OK(coarsen_place(45.421546, -75.697189, &p));
    CHECK(p.lat_e4 == 454215 && p.lon_e4 == -756972);
    struct place before = p;
    CHECK(coarsen_place(90.1, 0, &p) == ERR_MALFORMED);
    CHECK(coarsen_place(0, -180.1, &p) == ERR_MALFORMED);
    CHECK(coarsen_place((double)NAN, 0, &p) == ERR_MALFORMED);
    CHECK(p.lat_e4 == before.lat_e4 && p.lon_e4 == before.lon_e4);
}

TEST(every_place_has_one_area_about_a_kilometre_wide)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    for (int i = 0; i < 100000; i++) {
        struct place p = {(int32_t)random_below(&r, 1800001) - 900000,
                          (int32_t)random_below(&r, 3600001) - 1800000};
        char name[COARSEN_AREA_SIZE];
        struct area a = coarsen_area(p);
        coarsen_area_name(a, name);
        CHECK(text_is_name(bytes_text(name)));
        /* 1.5 km to the north is never the same row, 300 m at most the next one. */
        if (p.lat_e4 < 899000) {
            struct area far = coarsen_area((struct place){p.lat_e4 + 135, p.lon_e4});
            struct area near = coarsen_area((struct place){p.lat_e4 + 27, p.lon_e4});
            CHECK(far.row > a.row && far.row <= a.row + 2);
            CHECK(near.row == a.row || near.row == a.row + 1);
        }
    }
    CHECK(coarsen_area((struct place){900000, 1800000}).row > 20000);
}

TEST(an_area_is_read_from_its_one_name_only)
{
    static const char *const wrong[] = {"",          "cell-",        "cell-1",    "cell-1-",
                                        "cell-01-2", "cell-1-02",    "cell-1-2-", "cell-1-2-3",
                                        "cell--1-2", "cell-65536-1", "Cell-1-2",  "cell-1-65536",
                                        "cell-1 -2", "old-town",     "cell-+1-2"};
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    for (int i = 0; i < 1000; i++) {
        struct area a = {(uint16_t)random_below(&r, 65536), (uint16_t)random_below(&r, 65536)};
        struct area back;
        char name[COARSEN_AREA_SIZE];
        coarsen_area_name(a, name);
        CHECK_OK(coarsen_area_read(bytes_text(name), &back));
        CHECK(back.row == a.row && back.column == a.column);
    }
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct area a;
        struct bytes exact = test_exact(bytes_text(wrong[i]));
        CHECK(coarsen_area_read(exact, &a) == ERR_MALFORMED);
        test_exact_free(exact);
    }
}
