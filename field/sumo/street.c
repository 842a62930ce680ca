#include "field/sumo/street.h"

#include "base/hash.h"
#include "field/sumo/xml.h"

#define NONE UINT32_MAX

enum edge_kind { EDGE_STREET, EDGE_INSIDE, EDGE_WALK };

struct edge {
    struct bytes id;
    uint32_t first, count; /* lanes */
    enum edge_kind kind;
};
struct lane {
    struct bytes id;
    double length_m, speed_m_s;
    uint32_t edge, index;
    bool on_foot;
    struct bytes inner; /* inside a junction, behind a stop line there: lanes that go first */
    uint32_t out, out_last, in; /* connections from and to it, in the file's order */
};
struct connection {
    uint32_t from, to, via;     /* lanes; via may be NONE */
    uint32_t next_out, next_in; /* NONE: the last */
    struct bytes signal;        /* p == NULL: none */
    uint32_t letter;
    uint32_t junction, request; /* NONE: not known */
    char turn;                  /* as site.h has it */
};
struct junction {
    struct bytes incoming;
    uint32_t first, count; /* requests */
};
struct request {
    struct bytes response, foes;
};
struct counts {
    uint32_t edges, lanes, connections, junctions, requests;
};

struct street {
    struct counts max, n;
    struct edge *edges;
    struct lane *lanes;
    struct connection *connections;
    struct junction *junctions;
    struct request *requests;
    uint32_t *edge_table, *lane_table; /* index + 1 by hash of the id; 0: free */
    uint32_t table_mask;
};

/* ---- names ----------------------------------------------------------------------------------- */

static uint32_t
hash(struct bytes id)
{
    return (uint32_t)hash_folded(hash_bytes(HASH_START, id));
}

/* The place of the id in a table; its own or a free one. */
static uint32_t *
edge_place(const struct street *t, struct bytes id)
{
    for (uint32_t at = hash(id);; at++) {
        uint32_t *place = &t->edge_table[at & t->table_mask];
        if (*place == 0 || bytes_equal(t->edges[*place - 1].id, id))
            return place;
    }
}

static uint32_t *
lane_place(const struct street *t, struct bytes id)
{
    for (uint32_t at = hash(id);; at++) {
        uint32_t *place = &t->lane_table[at & t->table_mask];
        if (*place == 0 || bytes_equal(t->lanes[*place - 1].id, id))
            return place;
    }
}

static uint32_t
find_lane(const struct street *t, struct bytes id)
{
    return id.p ? *lane_place(t, id) - 1 : NONE; /* 0 - 1: NONE */
}

static uint32_t
find_edge_lane(const struct street *t, struct bytes edge, uint32_t index)
{
    uint32_t e = edge.p ? *edge_place(t, edge) - 1 : NONE;
    return e != NONE && index < t->edges[e].count ? t->edges[e].first + index : NONE;
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef enum err tag_fn(struct street *t, struct xml_tag tag);

static enum err
each_tag(struct street *t, struct bytes xml, tag_fn *each)
{
    struct xml_tag tag;
    while (xml_next(&xml, &tag)) {
        enum err e = each(t, tag);
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err
count_tag(struct street *t, struct xml_tag tag)
{
    t->max.edges += bytes_are(tag.name, "edge");
    t->max.lanes += bytes_are(tag.name, "lane");
    t->max.connections += bytes_are(tag.name, "connection");
    t->max.junctions += bytes_are(tag.name, "junction");
    t->max.requests += bytes_are(tag.name, "request");
    bool few = t->max.edges <= STREET_LANES_MAX && t->max.lanes <= STREET_LANES_MAX &&
               t->max.connections <= STREET_CONNECTIONS_MAX &&
               t->max.junctions <= STREET_LANES_MAX && t->max.requests <= STREET_CONNECTIONS_MAX;
    return few ? OK : ERR_LIMIT;
}

static enum err
read_edge(struct street *t, struct xml_tag tag)
{
    struct bytes id = xml_attribute(tag, "id"), function = xml_attribute(tag, "function");
    if (id.len == 0)
        return ERR_MALFORMED;
    uint32_t *place = edge_place(t, id);
    if (*place != 0)
        return ERR_MALFORMED;
    struct edge *e = &t->edges[t->n.edges++];
    *e = (struct edge){.id = id, .first = t->n.lanes};
    if (function.p && !bytes_are(function, "normal") && !bytes_are(function, "connector"))
        e->kind = bytes_are(function, "internal") ? EDGE_INSIDE : EDGE_WALK;
    *place = t->n.edges;
    return OK;
}

static enum err
read_lane(struct street *t, struct xml_tag tag)
{
    struct lane l = {.id = xml_attribute(tag, "id"), .out = NONE, .out_last = NONE, .in = NONE};
    if (t->n.edges == 0 || l.id.len == 0)
        return ERR_MALFORMED;
    enum err e = xml_double(tag, "length", &l.length_m);
    if (e == OK)
        e = xml_double(tag, "speed", &l.speed_m_s);
    uint32_t *place = lane_place(t, l.id);
    if (e != OK || *place != 0 || !(l.length_m >= 0) || !(l.speed_m_s >= 0))
        return ERR_MALFORMED;
    l.edge = t->n.edges - 1;
    l.index = t->edges[l.edge].count++;
    l.on_foot = bytes_are(xml_attribute(tag, "allow"), "pedestrian");
    t->lanes[t->n.lanes++] = l;
    *place = t->n.lanes;
    return OK;
}

static enum err
edge_tag(struct street *t, struct xml_tag tag)
{
    if (bytes_are(tag.name, "edge"))
        return read_edge(t, tag);
    if (bytes_are(tag.name, "lane"))
        return read_lane(t, tag);
    return OK;
}

/* SUMO's letter of a direction: a slight turn is a turn, and one turns round on either side. */
static char
turn_of(struct bytes dir)
{
    static const char letters[] = "sltrLTR", turns[] = "sltrltr";
    const char *at = dir.len == 1 ? memchr(letters, dir.p[0], sizeof(letters) - 1) : NULL;
    return at ? turns[at - letters] : 0;
}

/* Connections of edges that the file does not hold are passed over. */
static enum err
read_connection(struct street *t, struct xml_tag tag)
{
    uint32_t from, to;
    struct connection c = {.next_out = NONE, .next_in = NONE, .junction = NONE, .request = NONE};
    if (xml_u32(tag, "fromLane", &from) != OK || xml_u32(tag, "toLane", &to) != OK)
        return ERR_MALFORMED;
    c.from = find_edge_lane(t, xml_attribute(tag, "from"), from);
    c.to = find_edge_lane(t, xml_attribute(tag, "to"), to);
    c.via = find_lane(t, xml_attribute(tag, "via"));
    c.turn = turn_of(xml_attribute(tag, "dir"));
    c.signal = xml_attribute(tag, "tl");
    if (c.signal.p && xml_u32(tag, "linkIndex", &c.letter) != OK)
        return ERR_MALFORMED;
    if (c.from == NONE || c.to == NONE)
        return OK;
    uint32_t index = t->n.connections++;
    struct lane *l = &t->lanes[c.from];
    if (l->out == NONE)
        l->out = index;
    else
        t->connections[l->out_last].next_out = index;
    l->out_last = index;
    c.next_in = t->lanes[c.to].in;
    t->lanes[c.to].in = index;
    t->connections[index] = c;
    return OK;
}

static enum err
connection_tag(struct street *t, struct xml_tag tag)
{
    return bytes_are(tag.name, "connection") ? read_connection(t, tag) : OK;
}

static bool
leads_to_street(const struct street *t, const struct connection *c)
{
    return t->edges[t->lanes[c->to].edge].kind == EDGE_STREET;
}

/*
 * A junction's connections are numbered as SUMO does: lane by lane as they come in. Those onto the
 * pavement have no number; crossings have theirs by their place among the lanes inside.
 */
static void
number_connections(struct street *t, uint32_t junction, struct bytes inside)
{
    struct bytes incoming = t->junctions[junction].incoming, word;
    uint32_t number = 0;
    while ((word = xml_word(&incoming)).p) {
        uint32_t lane = find_lane(t, word);
        for (uint32_t c = lane == NONE ? NONE : t->lanes[lane].out; c != NONE;
             c = t->connections[c].next_out) {
            if (!leads_to_street(t, &t->connections[c]))
                continue;
            t->connections[c].junction = junction;
            t->connections[c].request = number++;
        }
    }
    for (number = 0; (word = xml_word(&inside)).p; number++) {
        uint32_t lane = find_lane(t, word);
        if (lane == NONE || t->edges[t->lanes[lane].edge].kind != EDGE_WALK)
            continue;
        for (uint32_t c = t->lanes[lane].in; c != NONE; c = t->connections[c].next_in) {
            t->connections[c].junction = junction;
            t->connections[c].request = number;
        }
    }
}

static enum err
junction_tag(struct street *t, struct xml_tag tag)
{
    if (bytes_are(tag.name, "junction")) {
        t->junctions[t->n.junctions++] =
            (struct junction){.incoming = xml_attribute(tag, "incLanes"), .first = t->n.requests};
        uint32_t behind = find_lane(t, xml_attribute(tag, "id"));
        if (!bytes_are(xml_attribute(tag, "type"), "internal"))
            number_connections(t, t->n.junctions - 1, xml_attribute(tag, "intLanes"));
        else if (behind != NONE) /* its id is that of the lane that begins there */
            t->lanes[behind].inner = xml_attribute(tag, "intLanes");
    } else if (bytes_are(tag.name, "request")) {
        uint32_t index;
        if (t->n.junctions == 0 || xml_u32(tag, "index", &index) != OK ||
            index != t->junctions[t->n.junctions - 1].count)
            return ERR_MALFORMED;
        t->junctions[t->n.junctions - 1].count++;
        t->requests[t->n.requests++] =
            (struct request){xml_attribute(tag, "response"), xml_attribute(tag, "foes")};
    }
    return OK;
}

static void *
room(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}

static enum err
make_room(struct street *t)
{
    uint32_t places = 16;
    while (places < 2 * (t->max.lanes > t->max.edges ? t->max.lanes : t->max.edges) + 2)
        places *= 2;
    t->table_mask = places - 1;
    t->edges = room(t->max.edges, sizeof(*t->edges));
    t->lanes = room(t->max.lanes, sizeof(*t->lanes));
    t->connections = room(t->max.connections, sizeof(*t->connections));
    t->junctions = room(t->max.junctions, sizeof(*t->junctions));
    t->requests = room(t->max.requests, sizeof(*t->requests));
    t->edge_table = room(places, sizeof(*t->edge_table));
    t->lane_table = room(places, sizeof(*t->lane_table));
    return t->edges && t->lanes && t->connections && t->junctions && t->requests && t->edge_table &&
                   t->lane_table
               ? OK
               : ERR_LIMIT;
}

enum err
street_read(struct bytes xml, struct street **out)
{
    if (xml.len > STREET_BYTES_MAX)
        return ERR_LIMIT;
    struct street *t = room(1, sizeof(*t));
    if (!t)
        return ERR_LIMIT;
    enum err e = each_tag(t, xml, count_tag);
    if (e == OK && t->max.lanes == 0)
        e = ERR_MALFORMED;
    if (e == OK)
        e = make_room(t);
    if (e == OK)
        e = each_tag(t, xml, edge_tag);
    if (e == OK)
        e = each_tag(t, xml, connection_tag);
    if (e == OK)
        e = each_tag(t, xml, junction_tag);
    if (e == OK)
        *out = t;
    else
        street_free(t);
    return e;
}

void
street_free(struct street *t)
{
    if (!t)
        return;
    free(t->edges);
    free(t->lanes);
    free(t->connections);
    free(t->junctions);
    free(t->requests);
    free(t->edge_table);
    free(t->lane_table);
    free(t);
}

/* ---- who crosses whom ------------------------------------------------------------------------ */

/* The connection that a link of the site is; NONE. */
static uint32_t
connection_of(const struct street *t, const struct site *s, uint32_t link)
{
    const struct site_link *k = &s->links[link];
    bool walks = s->lane_walks[k->lane];
    uint32_t to = find_lane(t, bytes_text(s->exits[k->exit]));
    uint32_t from = walks ? NONE : find_lane(t, bytes_text(s->lanes[k->lane]));
    if (to == NONE || (!walks && from == NONE))
        return NONE;
    for (uint32_t c = t->lanes[to].in; c != NONE; c = t->connections[c].next_in) {
        const struct connection *x = &t->connections[c];
        if (bytes_are(x->signal, s->id) && x->letter == k->letter && (walks || x->from == from))
            return c;
    }
    return NONE;
}

static bool
bit(struct bytes text, uint32_t index)
{
    return index < text.len && text.p[text.len - 1 - index] == '1';
}

/* The lane that follows a lane inside a junction there; NONE: it leads out. */
static uint32_t
next_inside(const struct street *t, uint32_t lane)
{
    uint32_t c = t->lanes[lane].out;
    return c == NONE ? NONE : t->connections[c].via;
}

/* The link's way has a stop line inside the junction: whom it gives way to there. */
static void
describe_inner_line(const struct street *t, struct site *s, uint32_t link, const uint32_t of[])
{
    uint32_t via = t->connections[of[link]].via;
    uint32_t behind = via == NONE ? NONE : next_inside(t, via);
    if (behind == NONE)
        return;
    site_put(&s->inner_line, link);
    struct bytes lanes = t->lanes[behind].inner, word;
    while ((word = xml_word(&lanes)).p) {
        uint32_t lane = find_lane(t, word);
        for (uint32_t b = 0; lane != NONE && b < s->links_count; b++) {
            if (of[b] != NONE && t->connections[of[b]].via == lane)
                site_put(&s->gives_way_inside[link], b);
        }
    }
}

/* False: of some link the network does not say whom it crosses. */
static bool
describe_conflicts(const struct street *t, struct site *s)
{
    uint32_t of[SITE_LINKS_MAX], known = 0;
    for (uint32_t k = 0; k < s->links_count; k++)
        of[k] = connection_of(t, s, k);
    for (uint32_t a = 0; a < s->links_count; a++) {
        const struct connection *x = of[a] == NONE ? NULL : &t->connections[of[a]];
        s->links[a].turn = x ? x->turn : 0;
        if (!x || x->junction == NONE || x->request >= t->junctions[x->junction].count)
            continue;
        known++;
        describe_inner_line(t, s, a, of);
        const struct request *r = &t->requests[t->junctions[x->junction].first + x->request];
        for (uint32_t b = 0; b < s->links_count; b++) {
            const struct connection *y = of[b] == NONE ? NULL : &t->connections[of[b]];
            if (!y || y->junction != x->junction)
                continue;
            if (bit(r->foes, y->request)) {
                site_put(&s->conflicts[a], b);
                site_put(&s->conflicts[b], a);
            }
            if (bit(r->response, y->request))
                site_put(&s->gives_way[a], b);
        }
    }
    return known == s->links_count;
}

/* ---- what lies before the stop lines ------------------------------------------------------ */

/* A lane from which the site is reached without passing a signal. */
struct step {
    uint32_t lane;
    double after_m; /* from its end to the stop line */
    struct site_reach reach;
};
struct walk {
    const struct street *t;
    struct site *s;
    uint32_t count;
    struct step steps[STREET_WALK_MAX]; /* the lanes of one edge follow each other */
};

static void
reach_add(struct site_reach *reach, uint8_t lane)
{
    if (reach->count < SITE_REACH_MAX && !memchr(reach->lanes, lane, reach->count))
        reach->lanes[reach->count++] = lane;
}

static void
reach_add_all(struct site_reach *reach, const struct site_reach *more)
{
    for (uint32_t i = 0; i < more->count; i++)
        reach_add(reach, more->lanes[i]);
}

static struct step *
find_step(struct walk *w, uint32_t lane)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->steps[i].lane == lane)
            return &w->steps[i];
    }
    return NULL;
}

/* Metres inside the junction: `via` and what follows it there. */
static double
inside_m(const struct street *t, const struct connection *c)
{
    double sum = 0;
    uint32_t via = c->via;
    for (int hops = 0; via != NONE && hops < 4; hops++) {
        sum += t->lanes[via].length_m;
        via = next_inside(t, via);
    }
    return sum;
}

/* What is reached from the lane by its own connections; false: nothing. */
static bool
reach_onward(struct walk *w, uint32_t lane, struct step *out)
{
    bool any = false;
    *out = (struct step){.lane = lane};
    for (uint32_t c = w->t->lanes[lane].out; c != NONE; c = w->t->connections[c].next_out) {
        const struct connection *x = &w->t->connections[c];
        const struct step *next = x->signal.p ? NULL : find_step(w, x->to);
        if (!next)
            continue;
        double after = inside_m(w->t, x) + w->t->lanes[x->to].length_m + next->after_m;
        if (!any || after < out->after_m)
            out->after_m = after;
        reach_add_all(&out->reach, &next->reach);
        any = true;
    }
    return any;
}

/* Add what the lane's neighbours reach, the nearest neighbours first: one can change lanes. */
static void
reach_beside(struct walk *w, uint32_t first, uint32_t count, const struct step *own)
{
    for (uint32_t i = 0; i < count; i++) {
        struct step *step = &w->steps[first + i];
        for (uint32_t away = 1; away < count; away++) {
            if (i + away < count)
                reach_add_all(&step->reach, &own[i + away].reach);
            if (i >= away)
                reach_add_all(&step->reach, &own[i - away].reach);
        }
    }
}

/* A street on which one leaves the site: who comes back from it has turned round. */
static bool
leaves_site(const struct walk *w, const struct edge *e)
{
    for (uint32_t l = e->first; l < e->first + e->count; l++) {
        for (uint32_t x = 0; x < w->s->exits_count; x++) {
            if (bytes_are(w->t->lanes[l].id, w->s->exits[x]))
                return true;
        }
    }
    return false;
}

enum { EDGE_LANES_MAX = 16 };

/* All lanes of an edge become steps; `incoming`: its stop lines are the site's own. */
static void
add_edge(struct walk *w, uint32_t edge, bool incoming)
{
    const struct edge *e = &w->t->edges[edge];
    struct step own[EDGE_LANES_MAX];
    uint32_t first = w->count, count = 0;
    double nearest = 0;
    bool any = false;
    for (uint32_t l = e->first; l < e->first + e->count; l++) {
        if (w->t->lanes[l].on_foot || count == EDGE_LANES_MAX || w->count == STREET_WALK_MAX)
            continue;
        bool leads = true;
        if (incoming) {
            own[count] = (struct step){.lane = l};
            for (uint32_t i = 0; i < w->s->lanes_count; i++) {
                if (bytes_are(w->t->lanes[l].id, w->s->lanes[i]))
                    reach_add(&own[count].reach, (uint8_t)i);
            }
        } else {
            leads = reach_onward(w, l, &own[count]);
        }
        if (leads && (!any || own[count].after_m < nearest))
            nearest = own[count].after_m;
        any = any || leads;
        if (!leads)
            own[count].after_m = -1;
        w->steps[w->count++] = own[count++];
    }
    for (uint32_t i = 0; i < count; i++) {
        if (w->steps[first + i].after_m < 0)
            w->steps[first + i].after_m = nearest;
    }
    reach_beside(w, first, count, own);
}

/* The nearest edge that leads into what was walked and was not walked itself; NONE. */
static uint32_t
next_edge(struct walk *w)
{
    uint32_t best = NONE;
    double best_m = STREET_FEED_MAX_M;
    for (uint32_t i = 0; i < w->count; i++) {
        double start = w->steps[i].after_m + w->t->lanes[w->steps[i].lane].length_m;
        for (uint32_t c = w->t->lanes[w->steps[i].lane].in; c != NONE;
             c = w->t->connections[c].next_in) {
            const struct connection *x = &w->t->connections[c];
            const struct lane *from = &w->t->lanes[x->from];
            if (x->signal.p || from->on_foot || w->t->edges[from->edge].kind != EDGE_STREET ||
                find_step(w, x->from) || leaves_site(w, &w->t->edges[from->edge]))
                continue;
            double after = start + inside_m(w->t, x);
            if (after < best_m) {
                best_m = after;
                best = from->edge;
            }
        }
    }
    return best;
}

static void
put_loop(struct walk *w, const struct step *step, double distance)
{
    const struct lane *l = &w->t->lanes[step->lane];
    if (w->s->loops_count == SITE_LOOPS_MAX)
        return;
    struct site_loop *loop = &w->s->loops[w->s->loops_count];
    *loop = (struct site_loop){.position_m = l->length_m - (distance - step->after_m),
                               .distance_m = (uint32_t)(distance + 0.5),
                               .reach = step->reach};
    if (bytes_copy_text(l->id, loop->lane, sizeof(loop->lane)) == OK)
        w->s->loops_count++;
}

/*
 * How far before the line a second loop lies on this lane; 0: none. On our own lane it lies near
 * enough for everybody to have chosen his lane. Where our own lane has no place for two, one lies
 * up the street: near the line if there is no place at all, in the middle of the way if several
 * lanes begin there, each with one.
 */
static double
second_loop_m(const struct walk *w, const struct step *step, double distance)
{
    if (step->after_m <= 0) {
        double near = distance / 2 < STREET_LOOP_NEAR_M ? distance / 2 : STREET_LOOP_NEAR_M;
        return near >= STREET_LOOP_LEAST_M ? near : 0;
    }
    double own_m = w->s->lane_length_m[step->reach.lanes[0]] - 1, up_m = 0;
    if (own_m < STREET_LOOP_LEAST_M)
        up_m = STREET_LOOP_NEAR_M;
    else if (own_m < 2 * STREET_LOOP_LEAST_M && step->reach.count > 1)
        up_m = STREET_LOOP_MIDDLE_M;
    bool lies_here = step->after_m + 1 <= up_m && distance >= up_m + STREET_LOOP_LEAST_M;
    return lies_here ? up_m : 0;
}

/* A loop as far before the stop line as it may lie on this lane, and perhaps another one. */
static void
add_loops(struct walk *w, const struct step *step)
{
    const struct lane *l = &w->t->lanes[step->lane];
    double most = step->after_m + l->length_m - 1;
    double distance = most < SITE_LOOP_MAX_M ? most : SITE_LOOP_MAX_M;
    if (step->reach.count == 0 || step->after_m >= STREET_LOOP_SHORT_M ||
        distance < step->after_m + 1)
        return;
    if (step->after_m > 0 && l->length_m < STREET_LOOP_LANE_MIN_M)
        return;
    put_loop(w, step, distance);
    double second = second_loop_m(w, step, distance);
    if (second > 0)
        put_loop(w, step, second);
}

static void
add_feeder(struct walk *w, const struct step *step)
{
    const struct lane *l = &w->t->lanes[step->lane];
    double distance = step->after_m + l->length_m;
    bool leaves_signal = false;
    for (uint32_t c = l->in; c != NONE && !leaves_signal; c = w->t->connections[c].next_in)
        leaves_signal = w->t->connections[c].signal.p != NULL;
    if (!leaves_signal || step->reach.count == 0 || distance > STREET_FEED_MAX_M ||
        w->s->feeders_count == SITE_FEEDERS_MAX)
        return;
    struct site_feeder *f = &w->s->feeders[w->s->feeders_count];
    *f = (struct site_feeder){.distance_m = distance < 1 ? 1 : (uint32_t)(distance + 0.5),
                              .reach = step->reach};
    if (bytes_copy_text(l->id, f->exit, sizeof(f->exit)) == OK)
        w->s->feeders_count++;
}

static void
describe_approaches(const struct street *t, struct site *s)
{
    struct walk *w = room(1, sizeof(*w));
    if (!w)
        return;
    w->t = t;
    w->s = s;
    for (uint32_t i = 0; i < s->lanes_count; i++) {
        uint32_t lane = find_lane(t, bytes_text(s->lanes[i]));
        if (lane != NONE && !s->lane_walks[i] && !find_step(w, lane))
            add_edge(w, t->lanes[lane].edge, true);
    }
    for (uint32_t edge = next_edge(w); edge != NONE && w->count < STREET_WALK_MAX;
         edge = next_edge(w)) {
        uint32_t before = w->count;
        add_edge(w, edge, false);
        if (w->count == before)
            break;
    }
    s->loops_count = s->feeders_count = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        add_loops(w, &w->steps[i]);
        add_feeder(w, &w->steps[i]);
    }
    free(w);
}

void
street_describe(const struct street *t, struct site *s)
{
    for (uint32_t l = 0; l < s->lanes_count; l++) {
        uint32_t lane = find_lane(t, bytes_text(s->lanes[l]));
        if (lane == NONE)
            continue;
        s->lane_length_m[l] = t->lanes[lane].length_m;
        s->lane_m_s[l] = t->lanes[lane].speed_m_s;
    }
    for (uint32_t x = 0; x < s->exits_count; x++) {
        uint32_t lane = find_lane(t, bytes_text(s->exits[x]));
        if (lane == NONE)
            continue;
        s->exit_length_m[x] = t->lanes[lane].length_m;
        s->exit_m_s[x] = t->lanes[lane].speed_m_s;
    }
    s->has_conflicts = describe_conflicts(t, s);
    describe_approaches(t, s);
    s->has_street = true;
}

void
street_walks(const struct street *t, struct bytes signal, double out_m[static SITE_LETTERS_MAX])
{
    bool vehicles[SITE_LETTERS_MAX] = {false};
    for (size_t k = 0; k < SITE_LETTERS_MAX; k++)
        out_m[k] = -1;
    for (uint32_t i = 0; i < t->n.connections; i++) {
        const struct connection *c = &t->connections[i];
        if (!c->signal.p || c->letter >= SITE_LETTERS_MAX || !bytes_equal(c->signal, signal))
            continue;
        const struct lane *to = &t->lanes[c->to];
        bool walks = t->edges[to->edge].kind == EDGE_WALK;
        vehicles[c->letter] = vehicles[c->letter] || !walks;
        if (vehicles[c->letter])
            out_m[c->letter] = -1;
        else if (to->length_m > out_m[c->letter])
            out_m[c->letter] = to->length_m;
    }
}
