#include "field/sumo/loops.h"

#include "base/hash.h"

#define CAR_M 5.0 /* SUMO's own default */

enum use_kind { USE_LANE, USE_ACROSS, USE_LOOP, USE_CROSSING };

struct use {
    uint16_t site;
    uint8_t index;     /* of the site's lanes or loops */
    uint8_t kind;      /* enum use_kind */
    double position_m; /* where the loop begins */
    uint32_t next;     /* + 1; 0: the last */
};
struct place {
    const char *id; /* NULL: free */
    size_t len;
    uint32_t first; /* of its uses, + 1 */
};

struct loops {
    const struct site *sites;
    uint32_t sites_count, places_count, uses_count;
    struct place places[LOOPS_PLACES_MAX];
    struct use uses[LOOPS_USES_MAX];
    struct loops_counts counts[];
};

static uint64_t
hash(struct bytes id)
{
    return hash_or_one(hash_folded(hash_bytes(HASH_START, id)));
}

static struct place *
find(struct loops *l, struct bytes id)
{
    for (uint64_t at = hash(id);; at++) {
        struct place *p = &l->places[at % LOOPS_PLACES_MAX];
        if (!p->id || bytes_equal(id, bytes_of(p->id, p->len)))
            return p;
    }
}

static enum err
add(struct loops *l, struct bytes id, struct use use)
{
    struct place *p = find(l, id);
    if (l->uses_count == LOOPS_USES_MAX)
        return ERR_LIMIT;
    if (!p->id && ++l->places_count > LOOPS_PLACES_MAX / 2)
        return ERR_LIMIT;
    p->id = (const char *)id.p;
    p->len = id.len;
    use.next = p->first;
    l->uses[l->uses_count++] = use;
    p->first = l->uses_count;
    return OK;
}

static enum err
add_site(struct loops *l, uint16_t index)
{
    const struct site *s = &l->sites[index];
    enum err e = OK;
    for (uint32_t i = 0; i < s->lanes_count && e == OK; i++) {
        struct use u = {index, (uint8_t)i, USE_LANE, s->lane_length_m[i] - LOOPS_STOP_M, 0};
        struct bytes lane = bytes_text(s->lanes[i]);
        if (s->lane_walks[i]) {
            u.kind = USE_CROSSING;
            lane = site_edge_of(lane);
        }
        e = add(l, lane, u);
    }
    for (uint32_t k = 0; k < s->links_count && e == OK; k++) {
        struct bytes across = bytes_text(s->across[k]);
        if (across.len > 0 && !find(l, across)->id)
            e = add(l, across, (struct use){index, s->links[k].lane, USE_ACROSS, 0, 0});
    }
    for (uint32_t i = 0; i < s->loops_count && e == OK; i++)
        e = add(l, bytes_text(s->loops[i].lane),
                (struct use){index, (uint8_t)i, USE_LOOP, s->loops[i].position_m, 0});
    return e;
}

struct loops *
loops_new(const struct site *sites, uint32_t sites_count)
{
    struct loops *l = calloc(1, sizeof(*l) + sites_count * sizeof(l->counts[0]));
    if (!l)
        return NULL;
    l->sites = sites;
    l->sites_count = sites_count;
    for (uint32_t i = 0; i < sites_count; i++) {
        if (add_site(l, (uint16_t)i) != OK) {
            free(l);
            return NULL;
        }
    }
    return l;
}

void
loops_free(struct loops *l)
{
    free(l);
}

void
loops_begin(struct loops *l)
{
    for (uint32_t i = 0; i < l->sites_count; i++) {
        struct loops_counts *c = &l->counts[i];
        memset(c, 0, offsetof(struct loops_counts, cars));
    }
}

static void
count(uint8_t *counter)
{
    if (*counter < LOOPS_CROSSED_MAX)
        (*counter)++;
}

/* The way of one vehicle in this second. */
struct way {
    bool same_edge; /* it was on this edge a second ago */
    bool same_box;  /* or in this junction */
    bool is_new;
    double from_m; /* on this edge: where it was; else before its start */
    double front_m, back_m;
};

static bool
lies_on(const struct way *w, double from_m, double to_m)
{
    return w->front_m >= from_m && w->back_m < to_m;
}

/* Where it is now: what it lies on, what it passed on this lane, what it left for this lane. */
static void
arrive(struct loops *l, const struct use *u, const struct way *w)
{
    struct loops_counts *c = &l->counts[u->site];
    double end_m = u->position_m + LOOPS_LENGTH_M;
    switch ((enum use_kind)u->kind) {
    case USE_LANE:
        if (w->front_m >= u->position_m)
            c->stop_on[u->index] = true;
        break;
    case USE_ACROSS:
        if (!w->same_box && !w->is_new)
            count(&c->stop[u->index]);
        if (w->back_m < 0)
            c->stop_on[u->index] = true;
        break;
    case USE_LOOP:
        if (lies_on(w, u->position_m, end_m))
            c->advance_on[u->index] = true;
        /* Who begins at a street's beginning came from where the map ends, over what lies before
         * him; who begins farther on came from a house. */
        if (w->is_new ? w->back_m <= LOOPS_BEGIN_M && w->front_m >= u->position_m
                      : w->from_m < u->position_m && w->front_m >= u->position_m)
            count(&c->advance[u->index]);
        break;
    case USE_CROSSING:
        break;
    }
}

/* Where it was: it left the edge, over what was still before it. */
static void
leave(struct loops *l, const struct use *u, const struct way *w, double was_m, bool seen_across)
{
    struct loops_counts *c = &l->counts[u->site];
    if (u->kind == USE_LANE && !seen_across)
        count(&c->stop[u->index]);
    if (u->kind == USE_LANE && w->back_m < 0)
        c->stop_on[u->index] = true;
    if (u->kind == USE_LOOP && was_m < u->position_m)
        count(&c->advance[u->index]);
}

/* It was before the lane a second ago and is behind it now: it passed every loop on it. */
static void
jump_over(struct loops *l, const struct use *across, uint64_t was_edge)
{
    struct bytes lane = bytes_text(l->sites[across->site].lanes[across->index]);
    if (hash(site_edge_of(lane)) == was_edge)
        return;
    const struct place *p = find(l, lane);
    for (uint32_t u = p->id ? p->first : 0; u != 0; u = l->uses[u - 1].next) {
        const struct use *loop = &l->uses[u - 1];
        if (loop->kind == USE_LOOP)
            count(&l->counts[loop->site].advance[loop->index]);
    }
}

void
loops_moved(struct loops *l, struct loops_track *track, struct bytes lane, double position_m)
{
    struct bytes box = site_box_of(lane);
    struct loops_track now = {.edge = hash(site_edge_of(lane)),
                              .box = box.len > 0 ? hash(box) : 0,
                              .position_m = position_m,
                              .length_m = track->length_m};
    bool is_new = track->edge == 0;
    bool same_edge = !is_new && track->edge == now.edge;
    double length_m = track->length_m > 0 ? track->length_m : CAR_M;
    struct way w = {.same_edge = same_edge,
                    .same_box = !is_new && now.box != 0 && track->box == now.box,
                    .is_new = is_new,
                    .from_m = same_edge ? track->position_m : -1,
                    .front_m = position_m,
                    .back_m = position_m - length_m};
    const struct place *p = find(l, lane);
    bool across = false;
    if (p->id) {
        now.place = (uint32_t)(p - l->places) + 1;
        for (uint32_t u = p->first; u != 0; u = l->uses[u - 1].next) {
            bool now_across = l->uses[u - 1].kind == USE_ACROSS;
            arrive(l, &l->uses[u - 1], &w);
            if (now_across && !w.same_box && !is_new)
                jump_over(l, &l->uses[u - 1], track->edge);
            across = across || now_across;
        }
    }
    if (!is_new && !same_edge && track->place != 0) {
        const struct place *was = &l->places[track->place - 1];
        for (uint32_t u = was->first; u != 0; u = l->uses[u - 1].next)
            leave(l, &l->uses[u - 1], &w, track->position_m, across);
    }
    *track = now;
}

void
loops_waits(struct loops *l, struct bytes crossing_edge)
{
    const struct place *p = find(l, crossing_edge);
    for (uint32_t u = p->id ? p->first : 0; u != 0; u = l->uses[u - 1].next) {
        if (l->uses[u - 1].kind == USE_CROSSING)
            l->counts[l->uses[u - 1].site].stop_on[l->uses[u - 1].index] = true;
    }
}

static double
within(double v, double max)
{
    return v < 0 ? 0 : v > max ? max : v;
}

static void
see(struct loops_counts *c, uint32_t lane, int32_t link, double distance_m, double speed_m_s)
{
    if (!(distance_m <= LOOPS_CARS_M) || c->cars_count == LOOPS_CARS_MAX)
        return;
    c->cars[c->cars_count++] =
        (struct loops_car){.lane = (uint8_t)lane,
                           .link = (int16_t)link,
                           .distance_dm = (uint16_t)within(distance_m * 10 + 0.5, 50000),
                           .speed_cm_s = (uint16_t)within(speed_m_s * 100 + 0.5, 7000)};
}

void
loops_camera(struct loops *l, struct bytes signal, struct bytes lane, uint32_t letter,
             double distance_m, double speed_m_s)
{
    uint32_t i = 0;
    while (i < l->sites_count && !bytes_are(signal, l->sites[i].id))
        i++;
    if (i == l->sites_count)
        return;
    const struct site *s = &l->sites[i];
    int32_t link = -1;
    for (uint32_t k = 0; k < s->links_count; k++) {
        if (s->links[k].letter != letter || s->lane_walks[s->links[k].lane])
            continue;
        bool own = bytes_are(lane, s->lanes[s->links[k].lane]);
        if (own || link < 0)
            link = (int32_t)k;
        if (own)
            break;
    }
    if (link >= 0)
        see(&l->counts[i], s->links[link].lane, link, distance_m, speed_m_s);
}

void
loops_camera_ends(struct loops *l, struct bytes lane, double position_m, double speed_m_s)
{
    const struct place *p = find(l, lane);
    int32_t last = -1; /* uses of one site lie together */
    for (uint32_t u = p->id ? p->first : 0; u != 0; u = l->uses[u - 1].next) {
        const struct use *use = &l->uses[u - 1];
        const struct site *s = &l->sites[use->site];
        if (use->site == last)
            continue;
        if (use->kind == USE_LANE) {
            see(&l->counts[use->site], use->index, -1, s->lane_length_m[use->index] - position_m,
                speed_m_s);
        } else if (use->kind == USE_LOOP) {
            const struct site_loop *loop = &s->loops[use->index];
            see(&l->counts[use->site], loop->reach.lanes[0], -1,
                loop->distance_m + loop->position_m - position_m, speed_m_s);
        } else {
            continue;
        }
        last = use->site;
    }
}

const struct loops_counts *
loops_counts(const struct loops *l, uint32_t site)
{
    ASSERT(site < l->sites_count);
    return &l->counts[site];
}

static void
put_counts(struct buf *b, const char *key, const uint8_t *counts, const bool *on, uint32_t n)
{
    buf_format(b, ",\"%s\":[", key);
    for (uint32_t i = 0; i < n; i++)
        buf_format(b, "%s%u", i ? "," : "", counts[i]);
    buf_format(b, "],\"%s_on\":\"", key);
    for (uint32_t i = 0; i < n; i++)
        buf_byte(b, on[i] ? '1' : '0');
    buf_text(b, "\"");
}

void
loops_put_reading(const struct loops *l, uint32_t site, const struct site_lights *lights, bool cars,
                  struct buf *b)
{
    const struct loops_counts *c = loops_counts(l, site);
    const struct site *s = &l->sites[site];
    buf_format(b, "\"phase\":%d,\"age\":%u", (int)lights->phase, (unsigned)lights->age_s);
    if (lights->hold_s > 0)
        buf_format(b, ",\"hold\":%u", (unsigned)lights->hold_s);
    if (lights->leaves)
        buf_text(b, ",\"leaves\":true");
    put_counts(b, "stop", c->stop, c->stop_on, s->lanes_count);
    put_counts(b, "advance", c->advance, c->advance_on, s->loops_count);
    if (!cars)
        return;
    buf_text(b, ",\"cars\":[");
    for (uint32_t i = 0; i < c->cars_count; i++)
        buf_format(b, "%s[%u,%u,%u,%d]", i ? "," : "", c->cars[i].lane, c->cars[i].distance_dm,
                   c->cars[i].speed_cm_s, c->cars[i].link);
    buf_text(b, "]");
}
