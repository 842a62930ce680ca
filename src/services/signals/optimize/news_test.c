#include "services/signals/optimize/news.h"
#include "base/test.h"

enum { MINIMUM_S = 7, YELLOW_S = 3, ALL_RED_S = 1, PAST_S = 40 };

static const struct signals_model model = {.phases_count = 3,
                                           .yellow_s = YELLOW_S,
                                           .all_red_s = ALL_RED_S,
                                           .minimum_s = {MINIMUM_S, MINIMUM_S, MINIMUM_S}};

/* Lights as they are: greens of 7 to 26 s, yellow, all red, each with its own age. */
struct lights {
    int32_t phase, next;
    uint32_t age_s, ends_s;
    bool red;
    uint64_t random;
};

static uint32_t
below(struct lights *l, uint32_t limit)
{
    l->random = l->random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(l->random >> 33) % limit;
}

static void
step(struct lights *l)
{
    if (++l->age_s < l->ends_s)
        return;
    l->age_s = 0;
    if (l->phase >= 0) {
        l->next = (l->phase + 1 + (int32_t)below(l, 2)) % 3;
        l->phase = -1;
        l->ends_s = YELLOW_S;
        l->red = false;
    } else if (!l->red) {
        l->red = true;
        l->ends_s = ALL_RED_S;
    } else {
        l->phase = l->next;
        l->ends_s = MINIMUM_S + below(l, 20);
    }
}

static struct lights
begin(uint64_t seed)
{
    return (struct lights){.phase = 0, .ends_s = MINIMUM_S, .random = seed};
}

TEST(what_lights_do_is_always_news)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct lights l = begin(seed);
        struct news n = {0};
        for (uint64_t s = 1; s < 2000; s++, step(&l)) {
            uint64_t late_ms = below(&l, 400);
            if (below(&l, 10) > 0) /* the others get lost */
                CHECK(news_hear(&n, &model, l.phase, l.age_s, 1000 * s + late_ms));
        }
    }
}

TEST(none_is_heard_twice_in_a_second)
{
    struct news n = {0};
    CHECK(news_hear(&n, &model, 0, 3, 1000));
    for (uint64_t i = 0; i < NEWS_PAUSE_MS; i++)
        CHECK(!news_hear(&n, &model, 0, 3, 1000 + i)); /* N1 */
    CHECK(!news_hear(&n, &model, 0, 3, 500));
    CHECK(news_hear(&n, &model, 0, 4, 2000));
}

/* Every third is an old one in place of the true one. */
static void
replay(uint64_t seed, uint32_t old_s, uint32_t *out_old, uint32_t *out_true, uint32_t *out_all)
{
    struct lights l = begin(seed), past[PAST_S];
    struct news n = {0};
    for (uint64_t s = 0; s < 3000; s++, step(&l)) {
        bool old = s > PAST_S && s % 3 == 0;
        past[s % PAST_S] = l;
        const struct lights *r = old ? &past[(s - old_s) % PAST_S] : &l;
        bool heard = news_hear(&n, &model, r->phase, r->age_s, 1000 * s + 1000);
        *out_all += old;
        *out_old += old && heard;
        *out_true += !old && !heard;
    }
}

TEST(old_ones_are_found_and_the_truth_is_heard_all_the_same)
{
    for (uint32_t old_s = 5; old_s <= 30; old_s++) {
        uint32_t old = 0, untrue = 0, all = 0;
        for (uint64_t seed = 1; seed <= 10; seed++)
            replay(seed, old_s, &old, &untrue, &all);
        CHECK(old * 5 < all);
        CHECK(untrue == 0);
    }
}

TEST(in_between_and_green_again_too_soon_are_old)
{
    struct news n = {0};
    for (uint32_t s = 0; s < 12; s++)
        CHECK(news_hear(&n, &model, 1, s, 1000 * (uint64_t)s + 1000));
    CHECK(!news_hear(&n, &model, -1, 2, 13000)); /* it did not begin now */
    CHECK(news_hear(&n, &model, 1, 13, 14000));
    CHECK(news_hear(&n, &model, -1, 0, 15000));
    CHECK(!news_hear(&n, &model, 1, 5, 16000)); /* it stood longer */
    CHECK(news_hear(&n, &model, -1, 2, 17000));
    CHECK(!news_hear(&n, &model, 2, 20, 18000)); /* no green is that old */
    CHECK(news_hear(&n, &model, 2, 0, 19000));
    CHECK(news_hear(&n, &model, 2, 1, 20000));
    CHECK(!news_hear(&n, &model, -1, 0, 21000)); /* before its minimum */
}

TEST(no_phase_follows_upon_itself)
{
    struct news n = {0};
    for (uint32_t s = 0; s < 12; s++)
        CHECK(news_hear(&n, &model, 1, s, 1000 * (uint64_t)s + 1000));
    for (uint32_t s = 0; s < 4; s++)
        CHECK(news_hear(&n, &model, -1, s, 1000 * (uint64_t)s + 13000));
    CHECK(!news_hear(&n, &model, 1, 0, 17000)); /* N4: its change would have been in vain */
    CHECK(news_hear(&n, &model, 2, 1, 18000));
    for (uint32_t s = 2; s < 9; s++)
        CHECK(news_hear(&n, &model, 2, s, 1000 * (uint64_t)s + 17000));
    CHECK(news_hear(&n, &model, -1, 0, 26000));
    CHECK(!news_hear(&n, &model, 2, 0, 29000)); /* of -1 nothing was heard but its first second */
    CHECK(news_hear(&n, &model, 2, 1, 30000));  /* N2 */
}

TEST(what_was_said_word_for_word_before_is_no_news)
{
    struct signals_model m = {.lanes_count = 4, .loops_count = NEWS_PLACES_LEAST - 4};
    struct signals_reading quiet = {.phase = 0, .age_s = 3, .stop_on = {true}}, r = quiet;
    struct news n = {0};
    CHECK(!news_repeats(&n, &m, &quiet) && !news_repeats(&n, &m, &quiet)); /* nobody was counted */
    r.stop[1] = 1;
    CHECK(!news_repeats(&n, &m, &r));
    CHECK(news_repeats(&n, &m, &r));  /* N5 */
    CHECK(!news_repeats(&n, &m, &r)); /* no two in a row */
    struct signals_reading others[] = {r, r, r, r, r, r};
    others[0].age_s = 4;
    others[1].phase = -1;
    others[2].stop[1] = 2;
    others[3].stop_on[0] = false;
    others[4].advance[0] = 1;
    others[5].advance_on[0] = true;
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        CHECK(!news_repeats(&n, &m, &others[i]) && news_repeats(&n, &m, &others[i]));
    CHECK(!news_repeats(&n, &m, &quiet) && news_repeats(&n, &m, &r));
    for (others[0].age_s = 10; others[0].age_s < 10 + NEWS_KEPT; others[0].age_s++)
        CHECK(!news_repeats(&n, &m, &others[0]));
    CHECK(!news_repeats(&n, &m, &r)); /* forgotten */
    m.loops_count--;
    CHECK(!news_repeats(&n, &m, &r) && !news_repeats(&n, &m, &r)); /* few loops say too little */
}

TEST(who_starts_again_is_heard_with_the_second_reading)
{
    for (int32_t phase = -1; phase < 3; phase++) {
        for (uint32_t age = 0; age < 60; age++) {
            struct news n = {0};
            for (uint32_t s = 0; s < 5; s++)
                CHECK(news_hear(&n, &model, 0, 10 + s, 1000 + 1000 * (uint64_t)s));
            news_hear(&n, &model, phase, age, 6000);
            CHECK(news_hear(&n, &model, phase, age + 1, 7000)); /* N2 */
        }
    }
    struct news n = {0};
    CHECK(news_hear(&n, &model, 0, 10, 1000));
    CHECK(news_hear(&n, &model, 2, 90, 1000 + NEWS_FORGOTTEN_MS + 1)); /* N3 */
}

TEST(one_lie_does_not_make_the_truth_a_lie)
{
    struct news n = {0};
    for (uint32_t s = 0; s < 12; s++)
        CHECK(news_hear(&n, &model, 1, s, 1000 * (uint64_t)s + 1000));
    CHECK(news_hear(&n, &model, -1, 0, 13000)); /* it might be */
    CHECK(news_hear(&n, &model, 1, 13, 14000)); /* but was not */
    CHECK(news_hear(&n, &model, 1, 14, 15000));
}

TEST(ages_that_begin_at_some_seconds_are_understood)
{
    struct lights l = begin(7);
    struct news n = {0};
    uint32_t refused = 0;
    for (uint64_t s = 1; s < 1000; s++, step(&l)) {
        refused += !news_hear(&n, &model, l.phase, l.age_s + 5, 1000 * s);
        CHECK(s < 100 || l.phase < 0 || news_age(&n, 1000 * s) == l.age_s);
    }
    CHECK(refused <= 2);
    l = begin(7);
    n = (struct news){0};
    for (uint64_t s = 1; s < 1000; s++, step(&l)) {
        CHECK(news_hear(&n, &model, l.phase, l.age_s < 5 ? 0 : l.age_s - 5, 1000 * s));
        CHECK(s < 100 || l.phase < 0 || news_age(&n, 1000 * s) == l.age_s);
        CHECK(s < 100 || l.phase < 0 || news_age(&n, 1000 * s + 1000) == l.age_s + 1);
    }
}
