#include "field/sumo/executor.h"

/* --- an intersection of a site --- */

static void
put_link(struct intersection *x, const struct site *s, uint32_t letter,
         const struct executor_times *t)
{
    double crossing_m = 0;
    bool walks = true, used = false;
    for (uint32_t k = 0; k < s->links_count; k++) {
        if (s->links[k].letter != letter)
            continue;
        uint8_t lane = s->links[k].lane;
        used = true;
        walks = walks && s->lane_walks[lane];
        crossing_m = s->lane_length_m[lane] > crossing_m ? s->lane_length_m[lane] : crossing_m;
    }
    if (used && walks) {
        intersection_walk(x, letter, site_crossing_dm(crossing_m));
        return;
    }
    x->links[letter] = (struct lights_link){.yellow_s = (uint8_t)t->yellow_s,
                                            .all_red_s = (uint8_t)t->all_red_s,
                                            .minimum_green_s = (uint8_t)t->minimum_green_s};
}

/* Of the connections of two letters: does one way cross, and does `a` give way wherever it does? */
static bool
letters_cross(const struct site *s, uint32_t a, uint32_t b, bool *out_yields)
{
    bool cross = false;
    *out_yields = true;
    for (uint32_t i = 0; i < s->links_count; i++) {
        for (uint32_t k = 0; k < s->links_count && s->links[i].letter == a; k++) {
            if (s->links[k].letter != b || !site_has(&s->conflicts[i], k))
                continue;
            cross = true;
            *out_yields = *out_yields && site_has(&s->gives_way[i], k);
        }
    }
    return cross;
}

void
executor_cross_by_street(struct intersection *x, const struct site *s)
{
    bool yields;
    memset(x->crosses, 0, sizeof(x->crosses));
    memset(x->yields, 0, sizeof(x->yields));
    memset(x->blocks, 0, sizeof(x->blocks));
    for (uint32_t i = 0; i < s->links_count; i++) {
        for (uint32_t k = 0; k < s->links_count; k++) {
            if (site_has(&s->gives_way_inside[i], k))
                link_add(&x->blocks[s->links[i].letter], s->links[k].letter);
        }
    }
    for (uint32_t a = 0; a < s->letters_count; a++) {
        for (uint32_t b = 0; b < s->letters_count; b++) {
            if (a == b || !letters_cross(s, a, b, &yields))
                continue;
            intersection_cross(x, a, b);
            if (yields)
                intersection_yield(x, a, b);
        }
    }
}

static void
cross_by_phases(struct intersection *x)
{
    memset(x->crosses, 0, sizeof(x->crosses));
    memset(x->yields, 0, sizeof(x->yields));
    memset(x->blocks, 0, sizeof(x->blocks));
    for (uint32_t a = 0; a < x->links_count; a++) {
        for (uint32_t b = 0; b < a; b++) {
            bool together = false;
            for (uint32_t p = 0; p < x->phases_count && !together; p++)
                together =
                    letter_strength(x->phases[p][a]) > 0 && letter_strength(x->phases[p][b]) > 0;
            if (!together)
                intersection_cross(x, a, b);
        }
    }
}

/* Lanes that no phase serves call in vain and are left out. */
static enum err
put_lanes(struct executor *x)
{
    const struct site *s = x->site;
    enum err e = OK;
    for (uint32_t l = 0; l < s->lanes_count && e == OK; l++) {
        bool served = false;
        uint32_t lane;
        for (uint32_t p = 0; p < s->phases_count && !served; p++)
            served = site_serves(s, p, l);
        if (!served)
            continue;
        e = intersection_add_lane(&x->intersection, &lane);
        if (e != OK)
            break;
        x->lane_of[lane] = (uint8_t)l;
        x->intersection.lane_walk[lane] = s->lane_walks[l];
        for (uint32_t k = 0; k < s->links_count; k++) {
            if (s->links[k].lane == l)
                link_add(&x->intersection.lane_links[lane], s->links[k].letter);
        }
    }
    return e;
}

static enum err
put_phases(struct intersection *x, const struct site *s)
{
    enum err e = OK;
    for (uint32_t p = 0; p < s->phases_count && e == OK; p++)
        e = intersection_add_phase(x, bytes_text(s->phases[p]));
    if (e == OK)
        e = intersection_add_plan(x, 0);
    for (uint32_t r = 0; r < s->plan_count && e == OK; r++)
        e = intersection_add_row(x, s->plan[r].phase, s->plan[r].seconds);
    return e;
}

static enum err
build(struct executor *x, const struct executor_times *t)
{
    const struct site *s = x->site;
    struct intersection *in = &x->intersection;
    intersection_init(in, s->letters_count);
    in->maximum_red_s = (uint16_t)t->maximum_red_s;
    for (uint32_t i = 0; i < s->letters_count; i++)
        put_link(in, s, i, t);
    enum err e = put_phases(in, s);
    if (e == OK)
        e = put_lanes(x);
    if (e != OK) {
        snprintf(x->why, sizeof(x->why), "%s", err_text(e));
        return ERR_DENIED;
    }
    snprintf(x->why, sizeof(x->why), "the network does not say who crosses whom");
    executor_cross_by_street(in, s);
    x->by_matrix = s->has_conflicts && intersection_check(in, x->why) == OK;
    if (x->by_matrix)
        return OK;
    char again[LIGHTS_WHY_SIZE];
    cross_by_phases(in);
    e = intersection_check(in, again);
    if (e != OK)
        memcpy(x->why, again, sizeof(again));
    return e;
}

/* --- its lights --- */

/* SUMO's people on foot know green and red; while they clear the crossing it is red to the others.
 */
static void
copy_shown(struct executor *x)
{
    const struct machine *m = &x->machine;
    for (uint32_t i = 0; i < x->site->letters_count; i++) {
        bool clearing = m->shown[i] == 'y' && x->intersection.links[i].walk;
        x->shown[i] = clearing ? 'r' : m->shown[i];
    }
    bool stands = m->state == MACHINE_GREEN || m->state == MACHINE_WALK ||
                  m->state == MACHINE_PREEMPT || m->state == MACHINE_MANUAL;
    x->mode = stands ? EXECUTOR_GREEN : EXECUTOR_BETWEEN;
    x->phase = m->phase;
    x->elapsed_s = m->elapsed_s;
    x->green_s = stands ? m->elapsed_s : x->green_s;
    x->fallbacks = m->fallbacks;
    x->forced = m->forced;
    x->doubts = m->doubts;
}

static enum err
send(struct executor *x, struct lights_event e)
{
    if (e.kind != LIGHTS_TICK)
        e.now_us = x->machine.now_us;
    return machine_event(&x->machine, &e);
}

/* What is always accepted while the lights are held. */
static void
must(enum err e)
{
    ASSERT(e == OK);
}

static void
watch(struct executor *x)
{
    if (!monitor_observe(&x->monitor, x->machine.shown, machine_preempting(&x->machine)) &&
        x->machine.state != MACHINE_FAULT)
        must(send(x, (struct lights_event){.kind = LIGHTS_TRIP}));
    copy_shown(x);
}

enum err
executor_init(struct executor *x, const struct site *site, const struct executor_times *times)
{
    ASSERT(site->phases_count >= 2 && site->plan_count >= 1);
    *x = (struct executor){.site = site};
    enum err e = build(x, times);
    if (e != OK)
        return e;
    machine_init(&x->machine, &x->intersection);
    coming_init(&x->coming, site);
    monitor_init(&x->monitor, &x->intersection);
    return OK;
}

bool
executor_take_over(struct executor *x, struct bytes shown)
{
    int32_t phase = site_phase_of(x->site, shown);
    if (!x->intersection.checked)
        return false;
    if (x->mode == EXECUTOR_NATIVE && phase >= 0) {
        must(send(x, (struct lights_event){.kind = LIGHTS_TAKE_OVER, .phase = (uint32_t)phase}));
        executor_lease_flash(x, x->flash_until_us);
        watch(x);
    }
    return x->mode != EXECUTOR_NATIVE;
}

/* A lease for a phase as an event of the machine. */
static enum err
send_phase(struct executor *x, enum lights_kind kind, int64_t phase, int64_t until_us)
{
    if (!x->intersection.checked || phase < 0 || phase >= (int64_t)x->site->phases_count)
        return ERR_DENIED;
    return send(x, (struct lights_event){.kind = kind,
                                         .phase = (uint32_t)phase,
                                         .source = (uint32_t)phase, /* one way, one source */
                                         .sequence = ++x->sequence,
                                         .until_us = until_us});
}

enum err
executor_lease(struct executor *x, int64_t phase, int64_t until_us)
{
    return send_phase(x, LIGHTS_WISH, phase, until_us);
}

enum err
executor_preempt(struct executor *x, int64_t phase, int64_t until_us)
{
    if (machine_ordered(&x->machine))
        return ERR_DENIED;
    return until_us > 0 ? send_phase(x, LIGHTS_PREEMPT_CALL, phase, until_us) : ERR_EXPIRED;
}

enum err
executor_manual(struct executor *x, int64_t phase, int64_t until_us)
{
    return send_phase(x, LIGHTS_MANUAL_ON, phase, until_us);
}

enum err
executor_all_red(struct executor *x, int64_t until_us)
{
    return send_phase(x, LIGHTS_RED_ON, 0, until_us);
}

void
executor_lease_flash(struct executor *x, int64_t until_us)
{
    x->flash_until_us = until_us;
    if (x->intersection.checked) {
        enum err e = send(x, (struct lights_event){.kind = LIGHTS_FLASH_ON, .until_us = until_us});
        (void)e; /* expired, or asked for again when the lights are held */
    }
}

void
executor_silence(struct executor *x)
{
    if (x->machine.wished)
        must(send(x, (struct lights_event){.kind = LIGHTS_EXPIRY}));
}

bool
executor_step(struct executor *x, const uint16_t *waiting, const struct loops_counts *counts,
              const struct site_links *inside, int64_t now_us)
{
    char before[SITE_LETTERS_MAX + 1];
    uint64_t lanes = 0, coming = 0;
    uint64_t counted = counts ? coming_second(&x->coming, x->site, counts) : 0;
    ASSERT(x->mode != EXECUTOR_NATIVE);
    memcpy(before, x->shown, sizeof(before));
    for (uint32_t l = 0; l < x->intersection.lanes_count; l++) {
        lanes |= (uint64_t)(waiting[x->lane_of[l]] > 0) << l;
        coming |= (counted >> x->lane_of[l] & 1) << l;
    }
    must(send(x, (struct lights_event){
                     .kind = LIGHTS_SENSORS, .lanes = lanes, .coming = counts ? coming : lanes}));
    struct lights_event tick = {.kind = LIGHTS_TICK, .now_us = now_us};
    for (uint32_t k = 0; inside && k < x->site->links_count; k++) {
        if (site_has(inside, k))
            link_add(&tick.inside, x->site->links[k].letter);
    }
    must(send(x, tick));
    watch(x);
    return memcmp(before, x->shown, x->site->letters_count) != 0;
}

/* While its walk is cleared the phase's vehicles still have green: it stands, and is being left. */
struct site_lights
executor_lights(const struct executor *x)
{
    struct site_lights now = {.phase = -1, .age_s = x->elapsed_s};
    if (x->mode == EXECUTOR_NATIVE)
        return now;
    now.hold_s = machine_hold_s(&x->machine);
    now.leaves = x->machine.state == MACHINE_CLEARANCE;
    if (x->mode == EXECUTOR_GREEN || now.leaves)
        now.phase = (int32_t)x->phase;
    if (now.leaves)
        now.age_s += x->green_s + 1;
    return now;
}

void
executor_put_properties(const struct executor *x, const struct executor_times *times, struct buf *b)
{
    ASSERT(x->intersection.checked);
    struct site_times kept = {times->yellow_s, times->all_red_s, times->minimum_green_s,
                              x->intersection.minimum_s, x->intersection.clears_s};
    site_put_properties(x->site, &kept, b);
}

const char *
executor_word(const struct executor *x)
{
    const struct machine *m = &x->machine;
    if (m->state == MACHINE_GREEN || m->state == MACHINE_WALK)
        return m->obeying ? "lease" : m->doubt_s > 0 ? "plan: leases are doubted" : "plan";
    return machine_word(m->state);
}
