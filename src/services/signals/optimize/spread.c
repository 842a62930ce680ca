#include "services/signals/optimize/spread.h"

#define DRIVES_S 1.0 /* who is nearer to the line is where he seems to be */

enum { ALL_GUESSES = (1U << SEARCH_SCENARIOS_MAX) - 1 };
_Static_assert(SEARCH_SCENARIOS_MAX == 4, "the halves of four guesses are listed");

/* By how much, to both sides; 0: he is not spread. */
static double
spread_of(double eta_s)
{
    double by_s = SPREAD_SHARE * eta_s < SPREAD_MOST_S ? SPREAD_SHARE * eta_s : SPREAD_MOST_S;
    return eta_s > DRIVES_S && eta_s < SPREAD_FAR_S && by_s > SPREAD_LEAST_S ? by_s : 0;
}

/* The guesses in which he is early: each pair of four as often as another. */
static uint8_t
early_in(double at_s, uint32_t lane)
{
    static const uint8_t halves[] = {0x3, 0xc, 0x5, 0xa, 0x9, 0x6};
    uint32_t who = (uint32_t)(at_s + 0.5) * 7 + lane * 3;
    return halves[who % ARRAY_COUNT(halves)];
}

/* The `i`-th of the old list, but not in the guesses `elsewhere`. */
static void
put(struct search_problem *p, uint32_t lane, const struct search_lane *old, uint32_t i,
    double eta_s, uint8_t elsewhere)
{
    struct search_lane *l = &p->lanes[lane];
    if ((elsewhere & ALL_GUESSES) == ALL_GUESSES)
        return;
    uint32_t at = search_make_room(p, lane, eta_s);
    l->weight[at] = old->weight[i];
    l->elsewhere[at] = elsewhere;
    for (uint32_t c = 0; c < SEARCH_SCENARIOS_MAX; c++)
        l->link[c][at] = old->link[c][i];
}

static void
spread_lane(struct search_problem *p, uint32_t lane, double now_s)
{
    struct search_lane *l = &p->lanes[lane];
    struct search_lane old = *l;
    l->count = 0;
    for (uint32_t i = 0; i < old.count; i++) {
        double eta_s = old.eta_s[i], by_s = spread_of(eta_s);
        uint8_t gone = old.elsewhere[i], early = early_in(now_s + eta_s, lane);
        if (by_s == 0) {
            put(p, lane, &old, i, eta_s, gone);
            continue;
        }
        put(p, lane, &old, i, eta_s - by_s, (uint8_t)(gone | ~early));
        put(p, lane, &old, i, eta_s + by_s, gone | early);
    }
}

/* More guesses than there were: they are what the first one was. */
static void
guess_all(struct search_problem *p)
{
    for (uint32_t l = 0; l < p->model->lanes_count; l++) {
        struct search_lane *lane = &p->lanes[l];
        for (uint32_t c = p->scenarios; c < SEARCH_SCENARIOS_MAX; c++)
            memcpy(lane->link[c], lane->link[0], lane->count * sizeof(lane->link[0][0]));
    }
    p->scenarios = SEARCH_SCENARIOS_MAX;
}

static bool
somebody_drives(const struct search_problem *p)
{
    for (uint32_t l = 0; l < p->model->lanes_count; l++) {
        for (uint32_t i = 0; i < p->lanes[l].count; i++) {
            if (spread_of(p->lanes[l].eta_s[i]) > 0)
                return true;
        }
    }
    return false;
}

void
spread_times(struct search_problem *p, double now_s)
{
    if (p->thrift || !somebody_drives(p))
        return;
    guess_all(p);
    for (uint32_t l = 0; l < p->model->lanes_count; l++) {
        if (2 * p->lanes[l].count <= SEARCH_VEHICLES_MAX)
            spread_lane(p, l, now_s);
    }
}
