#include "field/lights/dual_ring.h"
#include "base/test.h"

static struct dual_ring
ordinary(bool walks)
{
    struct dual_ring r;
    for (uint32_t i = 0; i < DUAL_RING_PHASES; i++)
        r.phases[i] = (struct ring_phase){5, 3, 1, 20, walks && i % 2 ? 100 : 0, i % 2 == 0};
    return r;
}

TEST(two_phases_go_together_on_the_same_side_in_different_rings)
{
    static const char *const rows[DUAL_RING_PHASES] = {"10001100", "01001100", "00100011",
                                                       "00010011", "11001000", "11000100",
                                                       "00110010", "00110001"};
    for (uint32_t a = 1; a <= DUAL_RING_PHASES; a++) {
        for (uint32_t b = 1; b <= DUAL_RING_PHASES; b++)
            CHECK(dual_ring_compatible(a, b) == (rows[a - 1][b - 1] == '1'));
    }
}

TEST(a_dual_ring_becomes_an_intersection_that_fits)
{
    static const char *const phases[] = {"GrrrGrrrrrrr", "GrrrrGrrrrGr", "rGrrGrrrGrrr",
                                         "gGrrgGrrGrGr", "rrGrrrGrrrrr", "rrGrrrrGrrrG",
                                         "rrrGrrGrrGrr", "rrgGrrgGrGrG"};
    struct dual_ring r = ordinary(true);
    struct intersection x;
    char why[LIGHTS_WHY_SIZE];
    CHECK_OK(dual_ring_build(&r, &x));
    CHECK_OK(intersection_check(&x, why));
    CHECK(x.phases_count == 8 && x.lanes_count == 12 && x.cover_count <= 4);
    for (uint32_t p = 0; p < 8; p++)
        CHECK(strcmp(x.phases[p], phases[p]) == 0);
    /* 10 m at 1.07 m/s */
    CHECK(x.links[9].walk && x.links[9].clearance_s == 10);
    memcpy(x.phases[1], "GrrrrGrrGrGr", 12); /* the walk beside 2 while 1 turns into it */
    CHECK(intersection_check(&x, why) == ERR_DENIED);
    CHECK(strcmp(why, "phase 1 (GrrrrGrrGrGr): links 0 and 8 cross and neither yields") == 0);
}

TEST(a_ring_without_walks_has_none)
{
    struct dual_ring r = ordinary(false);
    struct intersection x;
    char why[LIGHTS_WHY_SIZE];
    CHECK_OK(dual_ring_build(&r, &x));
    CHECK_OK(intersection_check(&x, why));
    CHECK(x.lanes_count == 8 && strcmp(x.phases[3], "gGrrgGrrrrrr") == 0);
    r.phases[3].yellow_s = 2;
    CHECK_OK(dual_ring_build(&r, &x));
    CHECK(intersection_check(&x, why) == ERR_DENIED);
}
