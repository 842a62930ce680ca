#include "field/lights/dual_ring.h"

enum { SIDE_PHASES = 2 };

static uint32_t
ring_of(uint32_t phase)
{
    return (phase - 1) / 4;
}

static uint32_t
side_of(uint32_t phase)
{
    return (phase - 1) % 4 / SIDE_PHASES;
}

bool
dual_ring_compatible(uint32_t a, uint32_t b)
{
    ASSERT(a >= 1 && a <= DUAL_RING_PHASES && b >= 1 && b <= DUAL_RING_PHASES);
    return a == b || (side_of(a) == side_of(b) && ring_of(a) != ring_of(b));
}

/* The phase that a link belongs to: a walk goes with the phase beside it. */
static uint32_t
phase_of(uint32_t link)
{
    return link < DUAL_RING_PHASES ? link + 1 : (link - DUAL_RING_PHASES + 1) * 2;
}

static bool
is_there(const struct dual_ring *r, uint32_t link)
{
    return link < DUAL_RING_PHASES || r->phases[phase_of(link) - 1].crossing_dm > 0;
}

static void
put_links(const struct dual_ring *r, struct intersection *x)
{
    for (uint32_t i = 0; i < DUAL_RING_LINKS; i++) {
        const struct ring_phase *p = &r->phases[phase_of(i) - 1];
        x->links[i].minimum_green_s = p->minimum_green_s;
        x->links[i].yellow_s = p->yellow_s;
        x->links[i].all_red_s = p->all_red_s;
        if (i >= DUAL_RING_PHASES && is_there(r, i))
            intersection_walk(x, i, p->crossing_dm);
        for (uint32_t k = 0; k < i; k++) {
            if (!dual_ring_compatible(phase_of(i), phase_of(k)))
                intersection_cross(x, i, k);
        }
    }
    /* The turn gives way to the oncoming, and to who walks beside it. */
    for (uint32_t phase = 1; phase < DUAL_RING_PHASES; phase += 2) {
        uint32_t turn = phase - 1, oncoming = phase, walk = DUAL_RING_PHASES + (phase + 1) / 2 - 1;
        intersection_yield(x, turn, oncoming);
        intersection_yield(x, turn, walk);
    }
}

/* Of two phases that go together: theirs and their walks green, permissive turns across them yield.
 */
static enum err
put_pair(const struct dual_ring *r, struct intersection *x, uint32_t a, uint32_t b)
{
    char letters[DUAL_RING_LINKS];
    memset(letters, 'r', sizeof(letters));
    for (uint32_t i = 0; i < DUAL_RING_LINKS; i++) {
        uint32_t own = phase_of(i);
        bool turn = i < DUAL_RING_PHASES && own % 2 == 1;
        if ((own == a || own == b) && is_there(r, i))
            letters[i] = 'G';
        else if (turn && r->phases[i].permissive && (own + 1 == a || own + 1 == b) && a % 2 == 0 &&
                 b % 2 == 0)
            letters[i] = 'g';
    }
    return intersection_add_phase(x, bytes_of(letters, sizeof(letters)));
}

static enum err
put_lanes(const struct dual_ring *r, struct intersection *x)
{
    enum err e = OK;
    for (uint32_t i = 0; i < DUAL_RING_LINKS && e == OK; i++) {
        uint32_t lane;
        if (!is_there(r, i))
            continue;
        e = intersection_add_lane(x, &lane);
        if (e != OK)
            break;
        x->lane_walk[lane] = i >= DUAL_RING_PHASES;
        x->lane_approach[lane] = (uint8_t)lane;
        link_add(&x->lane_links[lane], i);
    }
    return e;
}

/* Pairs are numbered side 0: 1+5, 1+6, 2+5, 2+6; side 1: 3+7, 3+8, 4+7, 4+8. */
static enum err
put_plan(const struct dual_ring *r, struct intersection *x)
{
    enum err e = intersection_add_plan(x, 0);
    for (uint32_t side = 0; side < 2 && e == OK; side++) {
        const struct ring_phase *p = &r->phases[side * SIDE_PHASES];
        uint32_t turns = p[0].plan_s > p[4].plan_s ? p[0].plan_s : p[4].plan_s;
        uint32_t straight = p[1].plan_s > p[5].plan_s ? p[1].plan_s : p[5].plan_s;
        e = intersection_add_row(x, side * 4, turns);
        if (e == OK)
            e = intersection_add_row(x, side * 4 + 3, straight);
    }
    return e;
}

enum err
dual_ring_build(const struct dual_ring *r, struct intersection *out)
{
    intersection_init(out, DUAL_RING_LINKS);
    put_links(r, out);
    enum err e = put_lanes(r, out);
    for (uint32_t side = 0; side < 2; side++) {
        for (uint32_t one = 0; one < SIDE_PHASES && e == OK; one++) {
            for (uint32_t two = 0; two < SIDE_PHASES && e == OK; two++)
                e = put_pair(r, out, 1 + side * SIDE_PHASES + one, 5 + side * SIDE_PHASES + two);
        }
    }
    return e == OK ? put_plan(r, out) : e;
}
