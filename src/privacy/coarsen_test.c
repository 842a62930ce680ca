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
