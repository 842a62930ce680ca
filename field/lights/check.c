/* What intersection_check() refuses, and what it derives. */
#include "field/lights/intersection.h"

#include <stdarg.h>

static enum err refuse(char *why, const char *format, ...) PRINTF_LIKE(2, 3);
static enum err
refuse(char *why, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(why, LIGHTS_WHY_SIZE, format, list);
    va_end(list);
    return ERR_DENIED;
}

static bool
within(uint32_t value, uint32_t low, uint32_t high)
{
    return value >= low && value <= high;
}

static enum err
check_link(const struct intersection *x, uint32_t i, char *why)
{
    const struct lights_link *l = &x->links[i];
    if (l->walk) {
        if (l->walk_s < LIGHTS_WALK_MIN_S || l->yellow_s != 0 ||
            l->all_red_s < LIGHTS_WALK_BUFFER_S ||
            !within(l->clearance_s, LIGHTS_CLEARANCE_MIN_S, LIGHTS_CLEARANCE_MAX_S))
            return refuse(
                why, "link %u: a walk of %u s with a clearance of %u s: at least %d and %d",
                (unsigned)i, l->walk_s, l->clearance_s, LIGHTS_WALK_MIN_S, LIGHTS_CLEARANCE_MIN_S);
    } else if (!within(l->yellow_s, LIGHTS_YELLOW_MIN_S, LIGHTS_YELLOW_MAX_S)) {
        return refuse(why, "link %u: a yellow of %u s is not within %d to %d", (unsigned)i,
                      l->yellow_s, LIGHTS_YELLOW_MIN_S, LIGHTS_YELLOW_MAX_S);
    }
    if (l->all_red_s > LIGHTS_ALL_RED_MAX_S)
        return refuse(why, "link %u: an all-red of %u s is more than %d", (unsigned)i, l->all_red_s,
                      LIGHTS_ALL_RED_MAX_S);
    if (!within(l->minimum_green_s, LIGHTS_GREEN_MIN_S, LIGHTS_GREEN_MAX_S))
        return refuse(why, "link %u: a minimum green of %u s is not within %d to %d", (unsigned)i,
                      l->minimum_green_s, LIGHTS_GREEN_MIN_S, LIGHTS_GREEN_MAX_S);
    return OK;
}

static enum err
check_numbers(const struct intersection *x, char *why)
{
    if (x->phases_count < 2 || x->plans_count == 0)
        return refuse(why, "%u phases and %u plans: two phases and a plan are needed",
                      (unsigned)x->phases_count, (unsigned)x->plans_count);
    if (!within(x->maximum_red_s, LIGHTS_RED_MIN_S, LIGHTS_RED_MAX_S) ||
        !within(x->pedestrian_wait_s, LIGHTS_RED_MIN_S, LIGHTS_RED_MAX_S))
        return refuse(why, "a longest red of %u s and of %u s on foot: not within %d to %d",
                      x->maximum_red_s, x->pedestrian_wait_s, LIGHTS_RED_MIN_S, LIGHTS_RED_MAX_S);
    if (x->preempt_minimum_s < LIGHTS_GREEN_MIN_S || x->box_wait_s > LIGHTS_BOX_MAX_S ||
        x->preempt_longest_s == 0 || x->silence_s == 0 || x->passage_s == 0 ||
        x->quiet_s <= x->passage_s)
        return refuse(why,
                      "pre-emption after %u s for %u s, a full junction for %u s, silence of %u s, "
                      "a gap of %u s and quiet of %u s",
                      x->preempt_minimum_s, x->preempt_longest_s, x->box_wait_s, x->silence_s,
                      x->passage_s, x->quiet_s);
    return OK;
}

static enum err
check_phase(const struct intersection *x, uint32_t p, char *why)
{
    const char *letters = x->phases[p];
    uint32_t a, b;
    bool green = false;
    for (uint32_t i = 0; i < x->links_count; i++) {
        green = green || letter_strength(letters[i]) > 1;
        if (x->links[i].walk && letters[i] != 'G' && letters[i] != 'r')
            return refuse(why, "phase %u (%s): link %u is a walk and shows %c", (unsigned)p,
                          letters, (unsigned)i, letters[i]);
    }
    if (!green)
        return refuse(why, "phase %u (%s): nobody has green", (unsigned)p, letters);
    if (!intersection_fits(x, letters, letters, &a, &b))
        return refuse(why, "phase %u (%s): links %u and %u cross and neither yields", (unsigned)p,
                      letters, (unsigned)a, (unsigned)b);
    return OK;
}

static enum err
check_between(const struct intersection *x, uint32_t from, uint32_t to, char *why)
{
    char shown[LIGHTS_LINKS_MAX + 1];
    uint32_t a, b;
    for (enum lights_stage stage = STAGE_CLEARANCE; stage <= STAGE_RED; stage++) {
        intersection_between(x, x->phases[from], to, stage, shown);
        if (!intersection_fits(x, shown, x->phases[from], &a, &b))
            return refuse(why,
                          "between phases %u and %u (%s): links %u and %u cross and neither yields",
                          (unsigned)from, (unsigned)to, shown, (unsigned)a, (unsigned)b);
    }
    return OK;
}

static enum err
check_plan(const struct intersection *x, uint32_t p, char *why)
{
    const struct lights_plan *plan = &x->plans[p];
    if (plan->rows_count == 0 || plan->from_s >= LIGHTS_DAY_S)
        return refuse(why, "plan %u has no rows, or begins at no second of the day", (unsigned)p);
    for (uint32_t r = 0; r < plan->rows_count; r++) {
        if (plan->rows[r].phase >= x->phases_count)
            return refuse(why, "plan %u row %u: there is no phase %u", (unsigned)p, (unsigned)r,
                          plan->rows[r].phase);
    }
    return OK;
}

static void
derive_phase(struct intersection *x, uint32_t p)
{
    uint16_t plain = 0, walk = 0, clears = 0;
    bool vehicles = false;
    for (uint32_t i = 0; i < x->links_count; i++) {
        const struct lights_link *l = &x->links[i];
        if (letter_strength(x->phases[p][i]) < 2)
            continue;
        link_add(&x->goes[p], i);
        if (l->walk) {
            link_add(&x->walks[p], i);
            walk = l->walk_s > walk ? l->walk_s : walk;
            clears = l->clearance_s > clears ? l->clearance_s : clears;
            continue;
        }
        vehicles = true;
        plain = l->minimum_green_s > plain ? l->minimum_green_s : plain;
    }
    x->plain_s[p] = plain;
    x->walk_s[p] = walk;
    x->clears_s[p] = clears;
    x->early_s[p] = plain < x->preempt_minimum_s ? plain : x->preempt_minimum_s;
    /* a walk may be begun while the phase stands: choice.c asks whether that leaves all in time */
    x->minimum_s[p] = plain > walk ? plain : walk;
    x->walks_only[p] = !vehicles;
    for (uint32_t i = 0; i < x->links_count; i++) {
        if (letter_strength(x->phases[p][i]) == 0)
            continue;
        link_add(&x->lets[p], i);
        for (uint32_t l = 0; l < x->lanes_count; l++)
            x->link_lanes[i] |= (uint64_t)link_in(&x->lane_links[l], i) << l;
        x->serves[p] |= x->link_lanes[i];
    }
}

static void
derive_whole(struct intersection *x, uint32_t lane)
{
    struct link_set ever = {0};
    for (uint32_t p = 0; p < x->phases_count; p++) {
        for (uint32_t w = 0; w < LIGHTS_WORDS; w++)
            ever.word[w] |= x->goes[p].word[w] & x->lane_links[lane].word[w];
    }
    for (uint32_t p = 0; p < x->phases_count; p++) {
        uint64_t missing = 0;
        for (uint32_t w = 0; w < LIGHTS_WORDS; w++)
            missing |= ever.word[w] & ~x->goes[p].word[w];
        if (!missing)
            x->whole[lane] = ever;
    }
}

static uint32_t
change_s(const struct intersection *x, const struct lights_change *c)
{
    return (uint32_t)c->clearance_s + c->yellow_s + c->all_red_s +
           (c->all_stop ? x->box_wait_s : 0u);
}

/* The first of the phases that let most of these links go. */
static uint8_t
most_let(const struct intersection *x, const struct link_set *links)
{
    uint8_t best = 0;
    int most = 0;
    for (uint32_t p = 0; p < x->phases_count; p++) {
        int n = 0;
        for (uint32_t w = 0; w < LIGHTS_WORDS; w++)
            n += __builtin_popcountll(x->lets[p].word[w] & links->word[w]);
        if (n > most) {
            most = n;
            best = (uint8_t)p;
        }
    }
    ASSERT(most > 0);
    return best;
}

/* Phases that let every link go: the one that lets most of those left, again and again. */
static void
derive_cover(struct intersection *x)
{
    struct link_set left = {0};
    for (uint32_t i = 0; i < x->links_count; i++) {
        if (x->link_lanes[i])
            link_add(&left, i);
    }
    while (link_any(&left)) {
        uint8_t best = most_let(x, &left);
        for (uint32_t i = 0; i < x->links_count; i++) {
            if (link_in(&left, i) && link_in(&x->lets[best], i))
                x->serving[i] = best;
        }
        for (uint32_t w = 0; w < LIGHTS_WORDS; w++)
            left.word[w] &= ~x->lets[best].word[w];
        x->cover[x->cover_count++] = best;
    }
}

/* A phase may show all of its walks, some, or none: the worst of each time. */
static struct lights_change
worst_change(const struct intersection *x, uint32_t from, uint32_t to)
{
    char letters[LIGHTS_LINKS_MAX + 1];
    struct lights_change full = intersection_change(x, x->phases[from], to), plain;
    for (uint32_t i = 0; i < x->links_count; i++)
        letters[i] = x->links[i].walk ? 'r' : x->phases[from][i];
    plain = intersection_change(x, letters, to);
    if (plain.yellow_s > full.yellow_s)
        full.yellow_s = plain.yellow_s;
    if (plain.all_red_s > full.all_red_s)
        full.all_red_s = plain.all_red_s;
    full.all_stop = full.all_stop || plain.all_stop;
    return full;
}

static void
derive_changes(struct intersection *x)
{
    for (uint32_t to = 0; to < x->phases_count; to++) {
        for (uint32_t from = 0; from < x->phases_count; from++) {
            struct lights_change c = worst_change(x, from, to);
            uint32_t s = change_s(x, &c);
            x->change_s[from][to] = (uint16_t)s;
            if (from != to && s > x->into_s[to])
                x->into_s[to] = (uint16_t)s;
        }
    }
}

/* One that is under way, the longest there is, and then all of the cover. */
static uint32_t
derive_round(const struct intersection *x)
{
    uint32_t change = 0, minimum = 0, round = 0;
    for (uint32_t p = 0; p < x->phases_count; p++) {
        struct lights_change c = intersection_change(x, x->phases[p], LIGHTS_NO_PHASE);
        if (c.all_red_s == 0)
            c.all_red_s = 1; /* one that was turned, machine.c */
        uint32_t longest = change_s(x, &c);
        change = longest > change ? longest : change;
        minimum = x->minimum_s[p] > minimum ? x->minimum_s[p] : minimum;
    }
    for (uint32_t i = 0; i < x->cover_count; i++)
        round += (uint32_t)x->into_s[x->cover[i]] + x->minimum_s[x->cover[i]];
    return change + minimum + round;
}

static enum err
derive_limits(struct intersection *x, char *why)
{
    uint64_t served = 0;
    for (uint32_t p = 0; p < x->phases_count; p++)
        served |= x->serves[p];
    for (uint32_t l = 0; l < x->lanes_count; l++) {
        if (!(served >> l & 1))
            return refuse(why, "lane %u: no phase serves it", (unsigned)l);
        x->best[l] = most_let(x, &x->lane_links[l]);
    }
    derive_cover(x);
    derive_changes(x);
    uint32_t round = derive_round(x);
    if (round > LIGHTS_ROUND_MAX_S)
        return refuse(
            why, "%u phases are needed to let everybody go: a round may take %u s, more than %d",
            (unsigned)x->cover_count, (unsigned)round, LIGHTS_ROUND_MAX_S);
    x->round_s = (uint16_t)round;
    for (uint32_t i = 0; i < x->links_count; i++) {
        uint16_t asked = x->links[i].walk ? x->pedestrian_wait_s : x->maximum_red_s;
        if (x->strict && x->link_lanes[i] && x->round_s > asked)
            return refuse(why, "link %u: a round may take %u s, and its longest red is %u s",
                          (unsigned)i, x->round_s, asked);
        x->asked_s[i] = asked;
        x->limit_s[i] = x->round_s > asked ? x->round_s : asked;
    }
    return OK;
}

static void
forget(struct intersection *x)
{
    x->checked = false;
    memset(x->goes, 0, sizeof(x->goes));
    memset(x->walks, 0, sizeof(x->walks));
    memset(x->lets, 0, sizeof(x->lets));
    memset(x->serves, 0, sizeof(x->serves));
    memset(x->link_lanes, 0, sizeof(x->link_lanes));
    memset(x->whole, 0, sizeof(x->whole));
    memset(x->into_s, 0, sizeof(x->into_s));
    memset(&x->pushed, 0, sizeof(x->pushed));
    x->cover_count = 0;
}

enum err
intersection_check(struct intersection *x, char *why)
{
    forget(x);
    enum err e = check_numbers(x, why);
    for (uint32_t i = 0; i < x->links_count && e == OK; i++)
        e = check_link(x, i, why);
    for (uint32_t p = 0; p < x->phases_count && e == OK; p++)
        e = check_phase(x, p, why);
    for (uint32_t a = 0; a < x->phases_count && e == OK; a++) {
        for (uint32_t b = 0; b < x->phases_count && e == OK; b++)
            e = check_between(x, a, b, why);
        if (e == OK)
            e = check_between(x, a, LIGHTS_NO_PHASE, why);
    }
    for (uint32_t p = 0; p < x->plans_count && e == OK; p++)
        e = check_plan(x, p, why);
    for (uint32_t p = 0; p < x->phases_count && e == OK; p++)
        derive_phase(x, p);
    for (uint32_t l = 0; l < x->lanes_count && e == OK; l++) {
        derive_whole(x, l);
        for (uint32_t i = 0; i < x->links_count; i++) {
            if (x->links[i].walk && link_in(&x->lane_links[l], i))
                link_add(&x->pushed, i);
        }
    }
    if (e == OK)
        e = derive_limits(x, why);
    x->checked = e == OK;
    return e;
}
