/* The executor that was and the one that is, second by second on the same leases and the same
 * street. */
#include "field/sumo/executor.h"
#include "field/sumo/former.h"
#include "base/random.h"
#include "base/test.h"

enum { SITES = 40, SECONDS = 20000 };

/* Random phases over random letters; no turns on red, which get their yellow only now. */
static bool
draw_site(const struct random_source *r, struct site *s, bool turns)
{
    *s = (struct site){.id = "x"};
    uint32_t letters = 2 + (uint32_t)random_below(r, 20), phases = 2 + (uint32_t)random_below(r, 8);
    for (uint32_t p = 0; p < phases; p++) {
        char state[SITE_LETTERS_MAX + 1] = {0};
        for (uint32_t i = 0; i < letters; i++)
            state[i] = "rrrrGGgs"[random_below(r, turns ? 8 : 7)];
        CHECK_OK(site_add_state(s, bytes_text(state), 5 + (double)random_below(r, 40)));
    }
    for (uint32_t i = 0; i < letters; i++) {
        char lane[16];
        snprintf(lane, sizeof(lane), "l%u", (unsigned)(random_below(r, letters)));
        CHECK_OK(site_add_link(s, i, bytes_text(lane), bytes_text("out")));
    }
    for (uint32_t row = 0; row < s->plan_count; row++) /* the former one never left such rows */
        if (s->plan[row].phase == s->plan[(row + 1) % s->plan_count].phase)
            return false;
    return site_usable(s) == OK;
}

static void
same(const struct site *s, const char *was, const char *is, bool turns, int64_t t)
{
    for (uint32_t i = 0; i < s->letters_count; i++) {
        /* who went from green to a turn on red had no yellow */
        bool turned = turns && was[i] == 's' && is[i] == 'y';
        if (was[i] != is[i] && !turned)
            fprintf(stderr, "second %lld letter %u: %s now %s\n", (long long)t, (unsigned)i, was,
                    is);
        CHECK(was[i] == is[i] || turned);
    }
}

static uint64_t
compare(const struct random_source *r, bool turns)
{
    static struct executor x;
    static struct former f;
    struct site s;
    const struct former_times old = {3 + (uint32_t)random_below(r, 3), (uint32_t)random_below(r, 4),
                                     4 + (uint32_t)random_below(r, 6), 120};
    const struct executor_times times = {old.yellow_s, old.all_red_s, old.minimum_green_s, 120};
    uint16_t waiting[SITE_LANES_MAX] = {0};
    while (!draw_site(r, &s, turns))
        ;
    if (executor_init(&x, &s, &times) != OK)
        return 0;
    former_init(&f, &s);
    CHECK(executor_take_over(&x, bytes_text(s.phases[0])));
    CHECK(former_take_over(&f, bytes_text(s.phases[0])));
    for (int64_t t = 1; t <= SECONDS; t++) {
        if (random_below(r, 12) == 0) {
            int64_t phase = (int64_t)random_below(r, s.phases_count + 1);
            int64_t until = t + 1 + (int64_t)random_below(r, 30);
            CHECK(executor_lease(&x, phase, until) == former_lease(&f, phase, until));
        }
        if (random_below(r, 300) == 0) {
            executor_silence(&x);
            former_silence(&f);
        }
        uint32_t inside = random_below(r, 3) == 0;
        bool changed = executor_step(&x, waiting, inside, t);
        bool did = former_step(&f, &old, waiting, inside, t);
        same(&s, f.shown, x.shown, turns, t);
        CHECK(turns || changed == did);
        CHECK(x.phase == f.phase && x.fallbacks == f.fallbacks);
        CHECK((x.mode == EXECUTOR_GREEN) == (f.mode == FORMER_GREEN));
        CHECK(x.mode != EXECUTOR_GREEN || x.elapsed_s == f.elapsed_s);
        CHECK(!x.monitor.tripped);
    }
    return SECONDS;
}

TEST(the_new_executor_does_what_the_former_one_did)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    uint64_t seconds = 0;
    for (int i = 0; i < SITES; i++)
        seconds += compare(&r, i % 4 == 3);
    fprintf(stderr, "%llu seconds alike\n", (unsigned long long)seconds);
    CHECK(seconds >= SITES / 2 * SECONDS);
}
