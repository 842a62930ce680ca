#include "field/sumo/coming.h"

#define CITY_M_S 13.9 /* where the network does not say how fast one may drive */

static bool
lies_on(const struct site *s, uint32_t loop, uint32_t lane)
{
    return strcmp(s->loops[loop].lane, s->lanes[lane]) == 0;
}

/* The loop on this lane that is nearest to its line, though not at it, or -1. */
static int32_t
nearest(const struct site *s, uint32_t lane)
{
    int32_t best = -1;
    for (uint32_t k = 0; k < s->loops_count; k++) {
        uint32_t away_m = s->loops[k].distance_m;
        if (lies_on(s, k, lane) && away_m >= COMING_NEAR_M &&
            (best < 0 || away_m < s->loops[best].distance_m))
            best = (int32_t)k;
    }
    return best;
}

void
coming_init(struct coming *c, const struct site *s)
{
    *c = (struct coming){0};
    memset(c->since_s, 0xff, sizeof(c->since_s));
    for (uint32_t l = 0; l < s->lanes_count; l++) {
        int32_t own = nearest(s, l);
        for (uint32_t k = 0; k < s->loops_count; k++) {
            const struct site_reach *reach = &s->loops[k].reach;
            bool leads = own == (int32_t)k;
            for (uint32_t i = 0; i < reach->count && own < 0; i++)
                leads = leads || reach->lanes[i] == l;
            if (!leads)
                continue;
            double m_s = s->lane_m_s[l] > 0 ? s->lane_m_s[l] : CITY_M_S;
            uint16_t way_s = (uint16_t)(s->loops[k].distance_m / m_s);
            c->lanes[k] |= UINT64_C(1) << l;
            c->way_s[k] = way_s > c->way_s[k] ? way_s : c->way_s[k];
        }
    }
}

uint64_t
coming_second(struct coming *c, const struct site *s, const struct loops_counts *counts)
{
    uint64_t lanes = 0;
    for (uint32_t l = 0; l < s->lanes_count; l++)
        lanes |= (uint64_t)(!s->lane_walks[l] && (counts->stop[l] > 0 || counts->stop_on[l])) << l;
    for (uint32_t k = 0; k < s->loops_count; k++) {
        if (counts->advance[k] > 0 || counts->advance_on[k])
            c->since_s[k] = 0;
        else if (c->since_s[k] < UINT16_MAX)
            c->since_s[k]++;
        if (c->since_s[k] <= c->way_s[k] + COMING_SLACK_S)
            lanes |= c->lanes[k];
    }
    return lanes;
}
