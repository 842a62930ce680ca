#include "services/signals/optimize/ladder.h"
#include "base/test.h"

static const uint64_t START_MS = 5000000;

/* A sight that allows exactly this rung, with a fresh reading unless it is RUNG_LOCAL. */
static struct ladder_sight
sight_for(enum control_rung rung, uint64_t now_ms)
{
    struct ladder_sight s = {.heard = true, .heard_ms = now_ms, .lanes = 8, .feeders = 2};
    if (rung == RUNG_VIRTUAL)
        s.blind = 4;
    else if (rung == RUNG_RATES)
        s.blind = 5;
    else if (rung == RUNG_LOCAL)
        s.heard_ms = now_ms - CONTROL_STALE_MS - 1;
    s.blind_why = "is silent";
    return s;
}

TEST(allows_what_the_sight_bears)
{
    for (uint32_t blind = 0; blind <= 8; blind++) {
        struct ladder_sight s = {.heard = true, .heard_ms = START_MS, .lanes = 8, .blind = blind};
        enum control_rung want = blind == 0   ? RUNG_PLAN
                                 : blind <= 4 ? RUNG_VIRTUAL
                                 : blind < 8  ? RUNG_RATES
                                              : RUNG_LOCAL;
        CHECK(ladder_allows(&s, START_MS) == want);
        CHECK(ladder_allows(&s, START_MS + CONTROL_STALE_MS) == want);
        CHECK(ladder_allows(&s, START_MS + CONTROL_STALE_MS + 1) == RUNG_LOCAL);
        s.heard = false;
        CHECK(ladder_allows(&s, START_MS) == RUNG_LOCAL);
    }
    struct ladder_sight s = {.heard = true, .lanes = 8, .feeders = 2, .silent = 1};
    CHECK(ladder_allows(&s, 0) == RUNG_VIRTUAL);
    struct ladder_sight walk = {.heard = true}; /* crossings only: no loop can be blind */
    CHECK(ladder_allows(&walk, 0) == RUNG_PLAN);
}

/* A ladder that stands on a rung, as if it had been there since START_MS. */
static struct ladder
standing_on(enum control_rung rung)
{
    struct ladder l;
    ladder_init(&l);
    struct ladder_sight s = sight_for(rung == RUNG_LOCAL ? RUNG_PLAN : rung, START_MS);
    s.blind = rung == RUNG_LOCAL ? s.lanes : s.blind;
    CHECK(ladder_step(&l, &s, START_MS) == rung);
    return l;
}

TEST(every_rung_with_every_sight_and_every_wait)
{
    static const uint64_t waits[] = {1000, LADDER_GOOD_MS - 1, LADDER_GOOD_MS, 10 * LADDER_GOOD_MS};
    for (enum control_rung from = RUNG_PLAN; from < RUNGS_COUNT; from++) {
        for (enum control_rung allowed = RUNG_PLAN; allowed < RUNGS_COUNT; allowed++) {
            for (uint32_t w = 0; w < sizeof(waits) / sizeof(waits[0]); w++) {
                struct ladder l = standing_on(from);
                uint64_t now = START_MS + waits[w];
                struct ladder_sight s = sight_for(allowed, now);
                enum control_rung want = from; /* up by one at most, and only after a while */
                if (allowed >= from)
                    want = allowed;
                else if (waits[w] >= LADDER_GOOD_MS)
                    want = (enum control_rung)(from - 1);
                CHECK(ladder_step(&l, &s, now) == want);
                CHECK(l.why[0] != 0);
            }
        }
    }
}

TEST(climbs_one_rung_in_ten_minutes_and_a_relapse_starts_anew)
{
    struct ladder l = standing_on(RUNG_LOCAL);
    uint64_t now = START_MS;
    enum control_rung seen = RUNG_LOCAL;
    for (uint32_t i = 1; i <= 3 * LADDER_GOOD_MS / 1000; i++) {
        now += 1000;
        struct ladder_sight s = sight_for(RUNG_PLAN, now);
        enum control_rung rung = ladder_step(&l, &s, now);
        CHECK(rung == seen - (i % (LADDER_GOOD_MS / 1000) == 0 ? 1 : 0));
        seen = rung;
    }
    CHECK(seen == RUNG_PLAN);

    l = standing_on(RUNG_RATES);
    for (uint32_t i = 1; i < 2 * LADDER_GOOD_MS / 1000; i++) { /* each time a little too early */
        now = START_MS + i * 1000;
        struct ladder_sight s = sight_for(i % 599 == 0 ? RUNG_RATES : RUNG_PLAN, now);
        CHECK(ladder_step(&l, &s, now) == RUNG_RATES);
    }
}

/* Readings stop for a while and come again: the rung at once after it. */
static enum control_rung
gap(struct ladder *l, uint64_t *now_ms, uint64_t length_ms)
{
    uint64_t last = *now_ms;
    while (*now_ms < last + CONTROL_STALE_MS + length_ms) {
        *now_ms += 1000;
        struct ladder_sight s = {.heard = true, .heard_ms = last, .lanes = 8};
        bool stale = *now_ms > last + CONTROL_STALE_MS;
        enum control_rung rung = ladder_step(l, &s, *now_ms);
        CHECK(!stale || rung == RUNG_LOCAL);
    }
    *now_ms += 1000;
    struct ladder_sight s = sight_for(RUNG_PLAN, *now_ms);
    return ladder_step(l, &s, *now_ms);
}

TEST(one_gap_is_forgiven_a_second_or_a_long_one_is_not)
{
    for (enum control_rung from = RUNG_PLAN; from < RUNG_LOCAL; from++) {
        struct ladder l = standing_on(from);
        uint64_t now = START_MS;
        CHECK(gap(&l, &now, 5000) == from);
        CHECK(gap(&l, &now, 5000) == RUNG_LOCAL);

        l = standing_on(from);
        now = START_MS;
        CHECK(gap(&l, &now, LADDER_GAP_MS + 2000) == RUNG_LOCAL);
    }
    struct ladder l = standing_on(RUNG_PLAN);
    uint64_t now = START_MS;
    CHECK(gap(&l, &now, 5000) == RUNG_PLAN);
    now += LADDER_GOOD_MS;
    struct ladder_sight s = sight_for(RUNG_PLAN, now);
    CHECK(ladder_step(&l, &s, now) == RUNG_PLAN);
    CHECK(gap(&l, &now, 5000) == RUNG_PLAN);
}

TEST(a_gap_never_leads_above_what_is_seen)
{
    struct ladder l = standing_on(RUNG_PLAN);
    struct ladder_sight stale = sight_for(RUNG_LOCAL, START_MS + 5000);
    CHECK(ladder_step(&l, &stale, START_MS + 5000) == RUNG_LOCAL);
    struct ladder_sight s = sight_for(RUNG_RATES, START_MS + 6000);
    CHECK(ladder_step(&l, &s, START_MS + 6000) == RUNG_RATES);
}

TEST(says_why_with_counts)
{
    struct ladder l = standing_on(RUNG_PLAN);
    CHECK(strcmp(l.why, "all sensors are good") == 0);
    struct ladder_sight s = sight_for(RUNG_PLAN, START_MS + 1000);
    s.blind = 3;
    s.blind_lane = 1;
    s.blind_ms = START_MS + 1000 - 6 * 60000;
    ladder_step(&l, &s, START_MS + 1000);
    CHECK(strcmp(l.why, "3 of 8 lanes dead: lane 1 is silent, for 6 min") == 0);
    s.blind = 0;
    s.silent = 1;
    ladder_step(&l, &s, START_MS + 1000);
    CHECK(strcmp(l.why, "1 of 2 neighbours silent") == 0);
    s.silent = 0;
    ladder_step(&l, &s, START_MS + 1000);
    CHECK(strcmp(l.why, "all is good again, for 0 min; one rung up at 10 min") == 0);
    ladder_step(&l, &s, START_MS + 65000);
    CHECK(strcmp(l.why, "no reading for 1 min") == 0);
}

/* Random sights, a million seconds: the header's three laws. */
TEST(keeps_its_laws_for_any_sequence)
{
    struct ladder l;
    ladder_init(&l);
    uint64_t now = START_MS, heard = START_MS, up_ms = 0, x = 88172645463325252ULL;
    enum control_rung last = RUNG_LOCAL;
    bool fresh_before = false;
    for (uint32_t i = 0; i < 1000000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        now += 1000;
        struct ladder_sight s = {.heard = true, .lanes = 8, .feeders = 2};
        heard = x % 2000 < 1996 ? now : heard > now - 10000 ? heard : now;
        s.heard_ms = heard;
        s.blind = (x >> 20) % 3000 == 0 ? (uint32_t)(x >> 40) % 9 : 0;
        enum control_rung rung = ladder_step(&l, &s, now);
        CHECK(rung >= ladder_allows(&s, now)); /* L1, L2 */
        bool fresh = now <= heard + CONTROL_STALE_MS;
        if (rung < last && fresh_before) {
            CHECK(rung == last - 1);
            CHECK(now - up_ms >= LADDER_GOOD_MS); /* L3 */
            up_ms = now;
        } else if (rung != last) {
            up_ms = now;
        }
        fresh_before = fresh;
        last = rung;
    }
}
