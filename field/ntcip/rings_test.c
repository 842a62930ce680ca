#include "base/test.h"
#include "field/ntcip/sample.h"

/* All pairs of a dual ring, written out: a row a phase, a column the other. */
TEST(a_dual_ring_lets_go_together_who_may)
{
    static const char *const together[NTCIP_PHASES] = {
        "1...11..", /* 1 with 5, 6 */
        ".1..11..", "..1...11", "...1..11", "11..1...", "11...1..", "..11..1.", "..11...1",
    };
    struct cabinet c = sample_cabinet();
    for (uint32_t a = 1; a <= NTCIP_PHASES; a++)
        for (uint32_t b = 1; b <= NTCIP_PHASES; b++)
            CHECK(rings_compatible(&c.rings, a, b) == (together[a - 1][b - 1] == '1'));
    for (uint32_t shown = 0; shown <= UINT8_MAX; shown++) {
        uint32_t a = 0, b = 0;
        bool bad = false;
        for (uint32_t i = 0; i < NTCIP_PHASES; i++)
            for (uint32_t k = 0; k < NTCIP_PHASES; k++)
                bad = bad || ((shown >> i & 1) && (shown >> k & 1) && together[i][k] != '1');
        CHECK(rings_conflict(&c.rings, (uint8_t)shown, &a, &b) == bad);
        CHECK(!bad || (a < b && together[a - 1][b - 1] != '1'));
    }
}

TEST(a_phase_that_is_in_no_ring_goes_with_nobody)
{
    struct cabinet c = sample_cabinet();
    c.rings.ring[8] = c.rings.side[8] = 0;
    uint32_t a = 0, b = 0;
    CHECK(rings_phases(&c.rings) == 0x7f && !rings_compatible(&c.rings, 4, 8));
    CHECK(rings_conflict(&c.rings, 0x80, &a, &b) && a == 8 && b == 8);
}
