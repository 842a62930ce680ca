#include "services/signals/optimize/places.h"
#include "base/test.h"

enum { MANY = 300 };

TEST(places_are_in_order_and_equal_ones_by_where_they_lie)
{
    struct place p[MANY];
    uint64_t x = 1;
    bool there[MANY] = {false};
    for (uint32_t i = 0; i < MANY; i++) {
        x = x * 6364136223846793005 + 1442695040888963407;
        p[i] = (struct place){(double)(x >> 60), (uint16_t)((i * 7) % MANY)};
    }
    places_sort(p, MANY);
    there[p[0].at] = true;
    for (uint32_t i = 1; i < MANY; i++) {
        CHECK(p[i - 1].rank < p[i].rank || (p[i - 1].rank == p[i].rank && p[i - 1].at < p[i].at));
        CHECK(!there[p[i].at]);
        there[p[i].at] = true;
    }
}

TEST(one_place_and_none_are_in_order)
{
    struct place p = {2, 3};
    places_sort(&p, 1);
    places_sort(NULL, 0);
    CHECK(p.rank == 2 && p.at == 3);
}
