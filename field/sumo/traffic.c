#include "field/sumo/traffic.h"

#include "base/hash.h"

enum { VEHICLE_ID_SIZE = 96 };

enum vehicle_state { VEHICLE_NONE, VEHICLE_PENDING, VEHICLE_RUNNING, VEHICLE_ARRIVED };

struct lane_use {
    uint16_t site;
    uint8_t index; /* of the site's lanes, exits or links */
    enum { USE_LANE, USE_EXIT, USE_BOX, USE_ACROSS } kind;
};

struct vehicle {
    char id[VEHICLE_ID_SIZE];
    enum vehicle_state state;
    double pending_since_s, depart_delay_s, time_loss_s;
    struct loops_track track;
    uint64_t junction;          /* where he is inside; 0: in none */
    const struct lane_use *way; /* the link that he came in by; NULL: not known */
    bool past_line;             /* its stop line inside */
};

struct lane {
    const char *id;  /* NULL: free */
    double length_m; /* 0: only ever an exit */
    uint32_t uses_count;
    struct lane_use uses[TRAFFIC_LANE_USES_MAX];
};

struct traffic {
    double now_s;
    struct loops *loops;
    uint64_t by_state[VEHICLE_ARRIVED + 1];
    uint64_t arrived_before; /* the mark */
    double sum_s;            /* time losses and depart delays of all that departed */
    double pending_since_s;  /* the sum over those that wait */
    struct vehicle vehicles[TRAFFIC_VEHICLES_MAX];
    struct lane lanes[TRAFFIC_LANES_MAX];
    uint32_t lanes_count;
    struct site_counts counts[TRAFFIC_SITES_MAX];
    const struct site *sites;
    uint32_t sites_count;
};

static uint64_t
hash(struct bytes id)
{
    return hash_folded(hash_bytes(HASH_START, id));
}

static struct lane *
find_lane(struct traffic *t, struct bytes id)
{
    uint64_t at = hash(id);
    for (;; at++) {
        struct lane *l = &t->lanes[at % TRAFFIC_LANES_MAX];
        if (!l->id || bytes_are(id, l->id))
            return l;
    }
}

static enum err
add_use(struct traffic *t, const char *id, double length_m, struct lane_use use)
{
    struct lane *l = find_lane(t, bytes_text(id));
    if (!l->id && ++t->lanes_count > TRAFFIC_LANES_MAX / 2)
        return ERR_LIMIT;
    l->id = id;
    if (length_m > 0)
        l->length_m = length_m;
    if (l->uses_count == TRAFFIC_LANE_USES_MAX)
        return ERR_LIMIT;
    l->uses[l->uses_count++] = use;
    return OK;
}

static enum err
add_site(struct traffic *t, const struct site *s, uint16_t index)
{
    enum err e = OK;
    for (uint32_t l = 0; l < s->lanes_count && e == OK; l++) {
        if (!s->lane_walks[l])
            e = add_use(t, s->lanes[l], s->lane_length_m[l],
                        (struct lane_use){index, (uint8_t)l, USE_LANE});
    }
    for (uint32_t x = 0; x < s->exits_count && e == OK; x++)
        e = add_use(t, s->exits[x], 0, (struct lane_use){index, (uint8_t)x, USE_EXIT});
    for (uint32_t k = 0; k < s->links_count && e == OK; k++) {
        const char *across = s->across[k];
        if (*across && !find_lane(t, bytes_text(across))->id)
            e = add_use(t, across, 0, (struct lane_use){index, (uint8_t)k, USE_ACROSS});
    }
    for (uint32_t i = 0; i < s->boxes_count && e == OK; i++)
        e = add_use(t, s->boxes[i], 0, (struct lane_use){index, (uint8_t)i, USE_BOX});
    return e;
}

struct traffic *
traffic_new(const struct site *sites, uint32_t sites_count)
{
    ASSERT(sites_count <= TRAFFIC_SITES_MAX);
    struct traffic *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->sites = sites;
    t->sites_count = sites_count;
    t->loops = loops_new(sites, sites_count);
    enum err e = t->loops ? OK : ERR_LIMIT;
    for (uint32_t i = 0; i < sites_count && e == OK; i++)
        e = add_site(t, &sites[i], (uint16_t)i);
    if (e == OK)
        return t;
    traffic_free(t);
    return NULL;
}

void
traffic_free(struct traffic *t)
{
    if (t)
        loops_free(t->loops);
    free(t);
}

void
traffic_begin(struct traffic *t, double now_s)
{
    t->now_s = now_s;
    memset(t->counts, 0, t->sites_count * sizeof(t->counts[0]));
    loops_begin(t->loops);
}

/* The vehicle; a free place when it is new; NULL when half the table is used. */
static struct vehicle *
find_vehicle(struct traffic *t, struct bytes id)
{
    if (id.len == 0 || id.len >= VEHICLE_ID_SIZE || bytes_find(id, 0) != id.len)
        return NULL;
    uint64_t used =
        t->by_state[VEHICLE_PENDING] + t->by_state[VEHICLE_RUNNING] + t->by_state[VEHICLE_ARRIVED];
    uint64_t at = hash(id);
    for (;; at++) {
        struct vehicle *v = &t->vehicles[at % TRAFFIC_VEHICLES_MAX];
        if (v->state == VEHICLE_NONE)
            return used < TRAFFIC_VEHICLES_MAX / 2 ? v : NULL;
        if (bytes_are(id, v->id))
            return v;
    }
}

static void
to_state(struct traffic *t, struct vehicle *v, enum vehicle_state state)
{
    if (v->state != VEHICLE_NONE) {
        ASSERT(t->by_state[v->state] > 0);
        t->by_state[v->state]--;
    }
    v->state = state;
    t->by_state[state]++;
}

enum err
traffic_pending(struct traffic *t, struct bytes id)
{
    struct vehicle *v = find_vehicle(t, id);
    if (!v)
        return ERR_LIMIT;
    if (v->state != VEHICLE_NONE)
        return OK;
    enum err e = bytes_copy_text(id, v->id, sizeof(v->id));
    ASSERT(e == OK);
    v->pending_since_s = t->now_s;
    t->pending_since_s += t->now_s;
    to_state(t, v, VEHICLE_PENDING);
    return OK;
}

enum err
traffic_departed(struct traffic *t, struct bytes id)
{
    struct vehicle *v = find_vehicle(t, id);
    if (!v)
        return ERR_LIMIT;
    if (v->state == VEHICLE_PENDING) {
        v->depart_delay_s = t->now_s - v->pending_since_s;
        t->pending_since_s -= v->pending_since_s;
        t->sum_s += v->depart_delay_s;
    } else if (v->state == VEHICLE_NONE) {
        enum err e = bytes_copy_text(id, v->id, sizeof(v->id));
        ASSERT(e == OK);
    } else {
        return OK;
    }
    to_state(t, v, VEHICLE_RUNNING);
    return OK;
}

/* By which link he came in; a lane behind a stop line inside belongs to no link by its name. */
static void
follow(struct vehicle *v, const struct lane *lane, struct bytes box)
{
    uint64_t junction = box.len > 0 ? hash(box) : 0;
    const struct lane_use *way = NULL;
    for (uint32_t i = 0; lane->id && i < lane->uses_count; i++) {
        if (lane->uses[i].kind == USE_ACROSS)
            way = &lane->uses[i];
    }
    if (way || junction != v->junction)
        v->way = way;
    v->past_line = !way;
    v->junction = junction;
}

static bool
stays(const struct traffic *t, const struct vehicle *v, double speed_m_s)
{
    if (!v->way)
        return speed_m_s < TRAFFIC_STUCK_M_S;
    const struct site *s = &t->sites[v->way->site];
    uint32_t link = v->way->index;
    if (v->past_line && site_has(&s->inner_line, link))
        return false;
    return speed_m_s < (s->links[link].turn == 's' ? TRAFFIC_STARTS_M_S : TRAFFIC_STUCK_M_S);
}

static void
count_inside(struct traffic *t, const struct vehicle *v, const struct lane *box, double speed_m_s)
{
    if (!box->id || !stays(t, v, speed_m_s))
        return;
    for (uint32_t i = 0; i < box->uses_count; i++) {
        const struct lane_use *u = &box->uses[i];
        struct site_links *inside = &t->counts[u->site].inside;
        if (u->kind != USE_BOX)
            continue;
        if (v->way && v->way->site == u->site)
            site_put(inside, v->way->index);
        else
            memset(inside, 0xff, sizeof(*inside));
    }
}

static void
count(struct traffic *t, const struct lane *lane, double position_m, double speed_m_s)
{
    bool standing = speed_m_s < TRAFFIC_STANDING_M_S;
    for (uint32_t i = 0; i < lane->uses_count; i++) {
        const struct lane_use *u = &lane->uses[i];
        struct site_counts *c = &t->counts[u->site];
        if (u->kind == USE_EXIT) {
            if (standing && position_m <= SITE_NEAR_M)
                c->exit_standing[u->index]++;
        } else if (u->kind == USE_LANE && lane->length_m - position_m <= SITE_NEAR_M) {
            c->near[u->index]++;
            if (standing)
                c->standing[u->index]++;
        }
    }
}

enum err
traffic_moved(struct traffic *t, struct bytes id, struct bytes lane, double position_m,
              double speed_m_s, double time_loss_s)
{
    enum err e = traffic_departed(t, id);
    if (e != OK)
        return e;
    struct vehicle *v = find_vehicle(t, id);
    ASSERT(v);
    t->sum_s += time_loss_s - v->time_loss_s;
    v->time_loss_s = time_loss_s;
    loops_moved(t->loops, &v->track, lane, position_m);
    struct bytes box = site_box_of(lane);
    const struct lane *l = find_lane(t, lane);
    if (l->id)
        count(t, l, position_m, speed_m_s);
    follow(v, l, box);
    if (box.len > 0)
        count_inside(t, v, find_lane(t, box), speed_m_s);
    return OK;
}

void
traffic_arrived(struct traffic *t, struct bytes id)
{
    struct vehicle *v = find_vehicle(t, id);
    if (v && v->state == VEHICLE_RUNNING)
        to_state(t, v, VEHICLE_ARRIVED);
}

void
traffic_measured(struct traffic *t, struct bytes id, double length_m)
{
    struct vehicle *v = find_vehicle(t, id);
    if (v && v->state != VEHICLE_NONE)
        v->track.length_m = length_m;
}

void
traffic_waits(struct traffic *t, struct bytes crossing_edge)
{
    loops_waits(t->loops, crossing_edge);
    for (uint32_t i = 0; i < t->sites_count; i++) {
        const struct loops_counts *c = loops_counts(t->loops, i);
        for (uint32_t l = 0; l < t->sites[i].lanes_count; l++) {
            if (t->sites[i].lane_walks[l] && c->stop_on[l])
                t->counts[i].standing[l] = t->counts[i].near[l] = 1;
        }
    }
}

struct loops *
traffic_loops(struct traffic *t)
{
    return t->loops;
}

const struct site_counts *
traffic_counts(const struct traffic *t, uint32_t site)
{
    ASSERT(site < t->sites_count);
    return &t->counts[site];
}

void
traffic_totals(const struct traffic *t, struct traffic_totals *out)
{
    *out = (struct traffic_totals){.running = t->by_state[VEHICLE_RUNNING],
                                   .pending = t->by_state[VEHICLE_PENDING],
                                   .arrived = t->by_state[VEHICLE_ARRIVED] - t->arrived_before};
    out->vehicles = out->running + out->pending + out->arrived;
    double waiting = (double)out->pending * t->now_s - t->pending_since_s;
    if (out->vehicles > 0)
        out->delay_s = (t->sum_s + waiting) / (double)out->vehicles;
}

/* Time losses are added as they grow, so forgetting the sum is enough for who is under way. */
void
traffic_mark(struct traffic *t)
{
    t->sum_s = 0;
    t->arrived_before = t->by_state[VEHICLE_ARRIVED];
    t->pending_since_s = 0;
    for (size_t i = 0; i < TRAFFIC_VEHICLES_MAX; i++) {
        if (t->vehicles[i].state == VEHICLE_PENDING) {
            t->vehicles[i].pending_since_s = t->now_s;
            t->pending_since_s += t->now_s;
        }
    }
}
