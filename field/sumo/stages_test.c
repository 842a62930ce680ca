#include "field/sumo/stages.h"

#include "base/random.h"
#include "base/test.h"
#include "field/sumo/executor.h"

static const struct executor_times times = {3, 1, 5, 120};

struct crossing {
    uint8_t a, b;
    bool a_yields;
};

static struct site
site_of(const char *const *states, const char *const *lanes, uint32_t links,
        const struct crossing *crossings, size_t count)
{
    struct site s = {.id = "corner", .has_conflicts = true};
    for (; *states; states++)
        CHECK_OK(site_add_state(&s, bytes_text(*states), 20));
    for (uint32_t i = 0; i < links; i++)
        CHECK_OK(site_add_link(&s, i, bytes_text(lanes[i]), bytes_text("out")));
    for (size_t i = 0; i < count; i++) {
        site_put(&s.conflicts[crossings[i].a], crossings[i].b);
        site_put(&s.conflicts[crossings[i].b], crossings[i].a);
        site_put(&s.gives_way[crossings[i].a_yields ? crossings[i].a : crossings[i].b],
                 crossings[i].a_yields ? crossings[i].b : crossings[i].a);
    }
    return s;
}

static bool
has(const struct site *s, const char *letters)
{
    return site_phase_of(s, bytes_text(letters)) >= 0;
}

/* West straight, west left, east straight, south left, south right: a road that ends on another. */
static const char *const tee_lanes[] = {"w0", "w1", "e0", "s0", "s1"};
static const struct crossing tee[] = {{1, 2, true}, {3, 0, true}, {3, 1, true}, {3, 2, true}};
#define TEE(states, lanes) site_of(states, lanes, 5, tee, ARRAY_COUNT(tee))

TEST(who_crosses_nobody_goes_too)
{
    static const char *const states[] = {"GgGrG", "GGrrr", "rrrGG", NULL};
    struct site s = TEE(states, tee_lanes);
    stages_add(&s);
    CHECK(s.phases_count == 4 && s.plan_count == 3);
    CHECK(has(&s, "GGrrG")); /* the right turn beside the left turn that nobody crosses now */
}

TEST(a_lane_is_shown_no_picture_that_the_programme_does_not_show_it)
{
    static const char *const states[] = {"GgGrr", "GGrrr", "rrrGG", NULL};
    static const char *const shared[] = {"w0", "w1", "e0", "s0", "s0"};
    struct site s = TEE(states, shared);
    stages_add(&s);
    CHECK(s.phases_count == 3);
}

TEST(who_never_had_the_way_to_himself_goes_on_yielding)
{
    static const char *const states[] = {"GgGrG", "rrrGr", NULL};
    struct site s = TEE(states, tee_lanes);
    stages_add(&s);
    CHECK(s.phases_count == 3 && has(&s, "rrrGG"));
    for (uint32_t p = 0; p < s.phases_count; p++)
        CHECK(s.phases[p][1] != 'G');
}

TEST(two_that_cross_go_together_only_as_the_programme_has_it)
{
    static const char *const states[] = {"GrGrG", "GGrrr", "rrrGG", NULL};
    struct site s = TEE(states, tee_lanes);
    stages_add(&s);
    CHECK(s.phases_count == 4 && has(&s, "GGrrG"));
    for (uint32_t p = 0; p < s.phases_count; p++)
        CHECK(s.phases[p][1] == 'r' || s.phases[p][2] == 'r');
}

TEST(a_turn_on_red_is_no_reason_for_a_phase)
{
    static const char *const states[] = {"GgGrG", "GGrrs", "rrrGs", NULL};
    struct site s = TEE(states, tee_lanes);
    stages_add(&s);
    CHECK(s.phases_count == 3);
}

/* Four approaches, each straight on with right, and left; left has an arrow. */
static const char *const four_lanes[] = {"n0", "n1", "e0", "e1", "s0", "s1", "w0", "w1"};
static const struct crossing four[] = {
    {1, 4, true}, {5, 0, true}, {3, 6, true}, {7, 2, true}, /* left before who comes */
    {0, 2, true}, {0, 6, true}, {4, 2, true}, {4, 6, true}, /* straight on */
    {0, 3, true}, {0, 7, true}, {4, 3, true}, {4, 7, true}, {2, 1, true}, {2, 5, true},
    {6, 1, true}, {6, 5, true}, {1, 3, true}, {1, 7, true}, {5, 3, true}, {5, 7, true}};
#define FOUR(states) site_of(states, four_lanes, 8, four, ARRAY_COUNT(four))

/* Does link 0, north straight on, go on when both of its road become the phase? */
static bool
goes_on(const struct executor *x, const struct site *s, const char *letters)
{
    char shown[LIGHTS_LINKS_MAX + 1];
    uint32_t to = (uint32_t)site_phase_of(s, bytes_text(letters));
    intersection_between(&x->intersection, "GgrrGgrr", to, STAGE_RED, shown);
    return shown[0] == 'G';
}

TEST(each_approach_gets_a_phase_of_its_own)
{
    static const char *const states[] = {"GgrrGgrr", "rGrrrGrr", "rrGgrrGg", "rrrGrrrG", NULL};
    struct site s = FOUR(states);
    stages_add(&s);
    CHECK(s.phases_count == 8);
    /* and who turns left from over there may go on waiting for a gap */
    CHECK(has(&s, "GGrrrgrr") && has(&s, "rrGGrrrg") && has(&s, "rgrrGGrr") && has(&s, "rrrgrrGG"));
    struct executor x;
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(x.by_matrix);
    CHECK(goes_on(&x, &s, "GGrrrgrr"));
}

TEST(a_street_whose_left_turns_have_their_own_phase_goes_as_a_whole_too)
{
    static const char *const states[] = {"GrrrGrrr", "rGrrrGrr", "rrGrrrGr", "rrrGrrrG", NULL};
    static const char *const lanes[] = {"n_0", "n_1", "e_0", "e_1", "s_0", "s_1", "w_0", "w_1"};
    struct site s = site_of(states, lanes, 8, four, ARRAY_COUNT(four));
    stages_add(&s);
    CHECK(s.phases_count == 8);
    CHECK(has(&s, "GGrrrrrr") && has(&s, "rrGGrrrr") && has(&s, "rrrrGGrr") && has(&s, "rrrrrrGG"));
    static const char *const apart[] = {"a_0", "b_0", "c_0", "d_0", "e_0", "f_0", "g_0", "h_0"};
    s = site_of(states, apart, 8, four, ARRAY_COUNT(four)); /* eight streets: each goes already */
    stages_add(&s);
    CHECK(s.phases_count == 4);
}

TEST(a_phase_of_the_programme_stays_beside_the_one_that_spares_it_a_stop)
{
    static const char *const states[] = {"GgrrGgrr", "GGrrrrrr", "rrGgrrGg", NULL};
    struct site s = FOUR(states);
    stages_add(&s);
    CHECK(has(&s, "GGrrrrrr") && has(&s, "GGrrrgrr"));
    struct executor x;
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(!goes_on(&x, &s, "GGrrrrrr") && goes_on(&x, &s, "GGrrrgrr"));
}

TEST(who_has_the_lane_with_others_gets_no_gap_of_his_own_if_the_programme_gives_him_none)
{
    static const char *const states[] = {"GgrrGgrr", "GGrrrrrr", "rrGgrrGg", NULL};
    static const char *const shared[] = {"n0", "n1", "e0", "e1", "s0", "s0", "w0", "w1"};
    struct site s = site_of(states, shared, 8, four, ARRAY_COUNT(four));
    stages_add(&s);
    CHECK(has(&s, "GGrrrrrr") && !has(&s, "GGrrrgrr"));
}

TEST(nothing_is_added_where_the_programme_or_the_network_does_not_tell_enough)
{
    static const char *const unfit[] = {"GGGrG", "GGrrr", "rrrGG", NULL};
    static const char *const fit[] = {"GgGrG", "GGrrr", "rrrGG", NULL};
    struct site s = TEE(unfit, tee_lanes);
    stages_add(&s);
    CHECK(s.phases_count == 3);
    s = TEE(fit, tee_lanes);
    s.has_conflicts = false;
    stages_add(&s);
    CHECK(s.phases_count == 3);
}

/* Random conflicts and a random programme that fits them. */
static struct site
random_site(const struct random_source *r)
{
    enum { LINKS = 9 };
    struct crossing crossings[LINKS * LINKS];
    char states[5][LINKS + 1], names[LINKS][4];
    const char *state_list[6] = {0}, *lanes[LINKS];
    size_t count = 0;
    bool cross[LINKS][LINKS] = {0}, yields[LINKS][LINKS] = {0};
    for (uint8_t i = 0; i < LINKS; i++) {
        snprintf(names[i], sizeof(names[i]), "l%u", (unsigned)random_below(r, LINKS));
        lanes[i] = names[i];
        for (uint8_t k = 0; k < i; k++) {
            if (strcmp(names[i], names[k]) == 0 || random_below(r, 2))
                continue;
            bool gives = random_below(r, 2);
            crossings[count++] = (struct crossing){i, k, gives};
            cross[i][k] = cross[k][i] = true;
            yields[gives ? i : k][gives ? k : i] = true;
        }
    }
    for (uint32_t p = 0; p < 5; p++) {
        memset(states[p], 'r', LINKS);
        states[p][LINKS] = '\0';
        uint32_t first = (uint32_t)random_below(r, LINKS);
        for (uint32_t n = 0; n < LINKS; n++) {
            uint32_t i = (first + n) % LINKS;
            bool may = true, gives = false;
            for (uint32_t k = 0; k < LINKS; k++) {
                if (!cross[i][k] || states[p][k] == 'r')
                    continue;
                may = may && yields[i][k] && random_below(r, 2);
                gives = true;
            }
            if (may)
                states[p][i] = gives ? 'g' : 'G';
        }
        state_list[p] = states[p];
    }
    return site_of(state_list, lanes, LINKS, crossings, count);
}

TEST(whatever_is_added_fits_the_matrix_and_only_shows_known_pictures)
{
    struct random_seeded seeded = {.state = test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    uint32_t added = 0;
    for (int n = 0; n < 3000; n++) {
        struct site s = random_site(&r);
        uint32_t shipped = s.phases_count;
        if (shipped < 2)
            continue;
        stages_add(&s);
        added += s.phases_count - shipped;
        CHECK(s.phases_count <= shipped + STAGES_ADDED_MAX + STAGES_BESIDE_MAX);
        struct executor x;
        CHECK_OK(executor_init(&x, &s, &times));
        CHECK(x.by_matrix);
        for (uint32_t p = shipped; p < s.phases_count; p++) {
            for (uint32_t l = 0; l < s.lanes_count; l++) {
                bool known = !site_serves(&s, p, l);
                for (uint32_t q = 0; q < shipped && !known; q++) {
                    known = true;
                    for (uint32_t k = 0; k < s.links_count; k++)
                        known = known && (s.links[k].lane != l ||
                                          (s.phases[p][k] == 'r') == (s.phases[q][k] == 'r'));
                }
                CHECK(known);
            }
        }
    }
    CHECK(added > 1000);
}
