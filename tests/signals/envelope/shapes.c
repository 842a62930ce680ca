#include "tests/signals/envelope/shapes.h"
#include "field/lights/dual_ring.h"

enum { RANDOM_LINKS_MAX = 24, RANDOM_PHASES_MAX = 10, DRAWS_MAX = 10000 };

const char *
shape_name(enum shape shape)
{
    static const char *const names[SHAPES_COUNT] = {
        "two phases", "permissive lefts", "dual ring", "dual ring, walks", "crossings", "arrow",
        "random"};
    return names[shape];
}

static void
phase(struct intersection *x, const char *letters, uint32_t seconds)
{
    ASSERT(intersection_add_phase(x, bytes_text(letters)) == OK);
    ASSERT(intersection_add_row(x, x->phases_count - 1, seconds) == OK);
}

static void
lane(struct intersection *x, uint64_t links, bool walk)
{
    uint32_t l;
    ASSERT(intersection_add_lane(x, &l) == OK);
    x->lane_links[l].word[0] = links;
    x->lane_walk[l] = walk;
}

static void
two_phases(struct intersection *x)
{
    intersection_init(x, 4);
    for (uint32_t a = 0; a < 2; a++) {
        for (uint32_t b = 2; b < 4; b++)
            intersection_cross(x, a, b);
    }
    ASSERT(intersection_add_plan(x, 0) == OK);
    phase(x, "GGrr", 30);
    phase(x, "rrGG", 25);
    for (uint32_t l = 0; l < 4; l++)
        lane(x, UINT64_C(1) << l, false);
}

/* Links n: straight, left, w: straight, left, s: straight, left, e: straight, left; 8: a turn on
 * red. */
static void
permissive_lefts(struct intersection *x)
{
    static const uint8_t crossing[][2] = {{0, 2}, {0, 3}, {0, 6}, {0, 7}, {1, 2}, {1, 3}, {1, 6},
                                          {1, 7}, {4, 2}, {4, 3}, {4, 6}, {4, 7}, {5, 2}, {5, 3},
                                          {5, 6}, {5, 7}, {1, 4}, {5, 0}, {3, 6}, {7, 2}, {8, 2}};
    static const uint8_t yields[][2] = {{1, 4}, {5, 0}, {3, 6}, {7, 2}};
    intersection_init(x, 9);
    for (size_t i = 0; i < ARRAY_COUNT(crossing); i++)
        intersection_cross(x, crossing[i][0], crossing[i][1]);
    for (size_t i = 0; i < ARRAY_COUNT(yields); i++)
        intersection_yield(x, yields[i][0], yields[i][1]);
    for (uint32_t i = 0; i < 9; i++) {
        x->links[i].yellow_s = i % 2 ? 3 : 4;
        x->links[i].all_red_s = (uint8_t)(i % 3);
        x->links[i].minimum_green_s = i % 2 ? 5 : 7;
    }
    ASSERT(intersection_add_plan(x, 6 * 3600) == OK);
    phase(x, "GgrrGgrrG", 31);
    phase(x, "rGrrrGrrr", 6);
    phase(x, "rrGgrrGgs", 31);
    phase(x, "rrrGrrrGs", 6);
    ASSERT(intersection_add_plan(x, 20 * 3600) == OK);
    ASSERT(intersection_add_row(x, 2, 20) == OK && intersection_add_row(x, 0, 20) == OK);
    for (uint32_t l = 0; l < 8; l += 2)
        lane(x, (UINT64_C(1) << l) | (l == 0 ? UINT64_C(1) << 8 : 0), false);
    for (uint32_t l = 1; l < 8; l += 2)
        lane(x, UINT64_C(1) << l, false);
    x->lane_approach[4] =
        0; /* a bus on the left lane comes from where one on the other comes from */
}

static void
dual_ring(struct intersection *x, bool walks)
{
    struct dual_ring r;
    for (uint32_t i = 0; i < DUAL_RING_PHASES; i++) {
        bool turn = i % 2 == 0;
        r.phases[i] =
            (struct ring_phase){.minimum_green_s = turn ? 5 : 8,
                                .yellow_s = turn ? 3 : 4,
                                .all_red_s = turn ? 1 : 2,
                                .plan_s = turn ? 12 : 30,
                                .crossing_dm = walks && !turn ? (uint16_t)(90 + i * 10) : 0,
                                .permissive = turn};
    }
    ASSERT(dual_ring_build(&r, x) == OK);
}

/* Vehicles 0 and 1 cross; walks 2 beside 0, 3 beside 1 with a turn of 1 (link 4) that yields to it.
 */
static void
crossings(struct intersection *x)
{
    intersection_init(x, 5);
    static const uint8_t crossing[][2] = {{0, 1}, {0, 3}, {1, 2}, {0, 4}, {4, 3}, {4, 2}};
    for (size_t i = 0; i < ARRAY_COUNT(crossing); i++)
        intersection_cross(x, crossing[i][0], crossing[i][1]);
    intersection_yield(x, 4, 3);
    intersection_walk(x, 2, 75);
    intersection_walk(x, 3, 120);
    ASSERT(intersection_add_plan(x, 0) == OK);
    phase(x, "GrGrr", 40);
    phase(x, "rGrGg", 30);
    phase(x, "rrGGr", 12);
    phase(x, "Grrrr", 15);
    for (uint32_t l = 0; l < 5; l++)
        lane(x, UINT64_C(1) << l, l == 2 || l == 3);
}

/* Lane 0: straight on (0) and right (1), which has an arrow while lane 1 (2) goes; lane 2 (3). */
static void
arrow(struct intersection *x)
{
    static const uint8_t crossing[][2] = {{0, 2}, {0, 3}, {1, 3}, {2, 3}};
    intersection_init(x, 4);
    for (size_t i = 0; i < ARRAY_COUNT(crossing); i++)
        intersection_cross(x, crossing[i][0], crossing[i][1]);
    ASSERT(intersection_add_plan(x, 0) == OK);
    phase(x, "GGrr", 20);
    phase(x, "rGGr", 20);
    phase(x, "rrrG", 20);
    lane(x, 1 | 2, false);
    lane(x, 4, false);
    lane(x, 8, false);
}

static uint32_t
draw(const struct random_source *r, uint32_t low, uint32_t high)
{
    return low + (uint32_t)random_below(r, high - low + 1);
}

static void
draw_links(const struct random_source *r, struct intersection *x)
{
    uint32_t dense = draw(r, 2, 8);
    for (uint32_t i = 0; i < x->links_count; i++) {
        x->links[i] = (struct lights_link){.yellow_s = (uint8_t)draw(r, 3, 6),
                                           .all_red_s = (uint8_t)draw(r, 0, 4),
                                           .minimum_green_s = (uint8_t)draw(r, 4, 15)};
        if (random_below(r, 5) == 0)
            intersection_walk(x, i, draw(r, 30, 250));
        for (uint32_t k = 0; k < i; k++) {
            if (random_below(r, 10) >= dense)
                continue;
            intersection_cross(x, i, k);
            if (random_below(r, 3) == 0 && !x->links[i].walk)
                intersection_yield(x, i, k);
        }
    }
}

/* In a random order each link gets the strongest letter that fits what is there. */
static void
draw_phase(const struct random_source *r, struct intersection *x, uint32_t first)
{
    char letters[LIGHTS_LINKS_MAX + 1] = {0};
    memset(letters, 'r', x->links_count);
    for (uint32_t n = 0; n < x->links_count * 2; n++) {
        uint32_t i = n == 0 ? first : (uint32_t)random_below(r, x->links_count), a, b;
        static const char choices[] = "Ggs";
        for (uint32_t c = 0; c < 3 && letters[i] == 'r'; c++) {
            letters[i] = choices[c];
            bool odd = x->links[i].walk && c > 0;
            bool lazy = choices[c] == 's' && random_below(r, 4) != 0;
            if (odd || lazy || !intersection_fits(x, letters, letters, &a, &b))
                letters[i] = 'r';
        }
    }
    ASSERT(intersection_add_phase(x, bytes_text(letters)) == OK);
}

static bool
draw_random(const struct random_source *r, struct intersection *x)
{
    char why[LIGHTS_WHY_SIZE];
    intersection_init(x, draw(r, 2, RANDOM_LINKS_MAX));
    draw_links(r, x);
    uint32_t phases = draw(r, 2, RANDOM_PHASES_MAX);
    for (uint32_t p = 0; p < phases; p++)
        draw_phase(r, x, (uint32_t)random_below(r, x->links_count));
    for (uint32_t plan = draw(r, 1, 3); plan > 0; plan--) {
        ASSERT(intersection_add_plan(x, draw(r, 0, LIGHTS_DAY_S - 1)) == OK);
        for (uint32_t row = draw(r, 1, 8); row > 0; row--)
            ASSERT(intersection_add_row(x, draw(r, 0, phases - 1), draw(r, 0, 60)) == OK);
    }
    for (uint32_t l = 0; l < x->links_count; l++) {
        uint64_t links = UINT64_C(1) << l;
        if (!x->links[l].walk && random_below(r, 2))
            links |= UINT64_C(1) << random_below(r, x->links_count);
        lane(x, links, x->links[l].walk);
        x->lane_approach[l] = (uint8_t)random_below(r, x->links_count);
    }
    x->box_wait_s = (uint16_t)draw(r, 0, 10);
    x->maximum_red_s = (uint16_t)draw(r, 60, 180);
    return intersection_check(x, why) == OK;
}

void
shape_make(enum shape shape, const struct random_source *r, struct intersection *out)
{
    char why[LIGHTS_WHY_SIZE];
    if (shape == SHAPE_RANDOM) {
        for (int i = 0; i < DRAWS_MAX; i++) {
            if (draw_random(r, out))
                return;
        }
        ASSERT(false);
    }
    if (shape == SHAPE_TWO_PHASES)
        two_phases(out);
    else if (shape == SHAPE_PERMISSIVE_LEFTS)
        permissive_lefts(out);
    else if (shape == SHAPE_CROSSINGS)
        crossings(out);
    else if (shape == SHAPE_ARROW)
        arrow(out);
    else
        dual_ring(out, shape == SHAPE_RINGS_WALKS);
    enum err e = intersection_check(out, why);
    if (e != OK)
        fprintf(stderr, "%s: %s\n", shape_name(shape), why);
    ASSERT(e == OK);
}
