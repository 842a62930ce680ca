#include "cli/report/corridor.h"

#include <math.h>

enum { BAND_STEP_US = 1000000, BAND_LEAST_US = 3000000 };
#define EARTH_M 6371000.0
#define RADIANS (3.14159265358979323846 / 180)
#define TURN_MAX 40.0 /* degrees: more is a corner */

/* ---- neighbours --------------------------------------------------------------------------------
 */

struct way {                      /* from one intersection to a neighbour */
    bool links[REPORT_LINKS_MAX]; /* of the first, that lead there */
    uint64_t lanes;               /* of the neighbour, that are reached */
    uint32_t metres;              /* 0: not said */
};

static uint64_t
lane_of_name(const struct report_junction *j, const char *name)
{
    for (uint32_t l = 0; l < j->lanes_count; l++)
        if (strcmp(j->lane[l], name) == 0)
            return 1ULL << l;
    return 0;
}

static bool
find_way(const struct report_junction *a, const struct report_junction *b, struct way *out)
{
    *out = (struct way){.lanes = 0};
    for (uint32_t x = 0; x < a->exits_count; x++) {
        uint64_t lanes = b->feeders_count ? 0 : lane_of_name(b, a->exit[x]);
        for (uint32_t f = 0; f < b->feeders_count; f++) {
            if (strcmp(b->feeders[f].exit, a->exit[x]) != 0)
                continue;
            lanes |= b->feeders[f].lanes;
            if (out->metres == 0 || b->feeders[f].metres < out->metres)
                out->metres = b->feeders[f].metres;
        }
        for (uint32_t k = 0; lanes && k < a->links_count; k++)
            out->links[k] |= a->link_exit[k] == x;
        out->lanes |= lanes;
    }
    return out->lanes != 0;
}

static double
metres_between(const struct report_junction *a, const struct report_junction *b)
{
    double dy = (b->latitude - a->latitude) * RADIANS;
    double dx =
        (b->longitude - a->longitude) * RADIANS * cos((a->latitude + b->latitude) / 2 * RADIANS);
    return EARTH_M * sqrt(dx * dx + dy * dy);
}

static double
bearing(const struct report_junction *a, const struct report_junction *b)
{
    double dy = b->latitude - a->latitude;
    double dx = (b->longitude - a->longitude) * cos((a->latitude + b->latitude) / 2 * RADIANS);
    return atan2(dx, dy) / RADIANS;
}

static double
turn_between(double a, double b)
{
    double d = fabs(a - b);
    return d > 180 ? 360 - d : d;
}

/* ---- movements along the street ----------------------------------------------------------------
 */

/* Links of `j` from lanes that `before` feeds to what leads to `after`; either may be NULL. */
static struct report_links
through(const struct report_junction *before, const struct report_junction *j,
        const struct report_junction *after)
{
    struct way in, on, back;
    struct report_links links = {{false}};
    bool some = false;
    bool from = before && find_way(before, j, &in);
    bool to = after && find_way(j, after, &on);
    bool returns = before && find_way(j, before, &back);
    for (int strict = 1; strict >= 0 && !some; strict--)
        for (uint32_t k = 0; k < j->links_count; k++) {
            bool fed = !from || (in.lanes >> j->link_lane[k] & 1) != 0;
            bool leads = !to || on.links[k];
            bool turns_round = returns && back.links[k];
            links.is[k] = strict ? fed && leads && !turns_round : to ? leads : fed;
            some = some || links.is[k];
        }
    return links;
}

/* At an end of the street nobody says which of the links to the neighbour comes straight: those
 * that are green with the other direction's. */
static void
narrow(const struct report_junction *j, struct report_links *links,
       const struct report_links *other)
{
    struct report_links narrowed = {{false}};
    bool some = false;
    for (uint32_t p = 0; p < j->phases_count; p++) {
        bool with = false;
        for (uint32_t k = 0; k < j->links_count; k++)
            with = with || (other->is[k] && j->phase[p][k] == 'G');
        for (uint32_t k = 0; with && k < j->links_count; k++) {
            if (!links->is[k] || j->phase[p][k] != 'G')
                continue;
            narrowed.is[k] = true;
            some = true;
        }
    }
    if (some)
        *links = narrowed;
}

static double
speed_of(const struct report_junction *to, uint64_t lanes)
{
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t l = 0; l < to->lanes_count; l++) {
        if (!(lanes >> l & 1) || to->lane_kmh[l] == 0)
            continue;
        sum += to->lane_kmh[l];
        n++;
    }
    return (n ? sum / n : CORRIDOR_KMH) / 3.6;
}

static double
leg(struct corridor *c, uint32_t i)
{
    const struct report_junction *a = c->stops[i - 1].junction, *b = c->stops[i].junction;
    struct way out, in;
    bool goes = find_way(a, b, &out), returns = find_way(b, a, &in);
    double metres = goes && out.metres ? out.metres : returns ? in.metres : 0;
    if (metres == 0 && a->placed && b->placed)
        metres = metres_between(a, b);
    if (metres == 0) {
        metres = REPORT_METRES_UNKNOWN;
        c->measured = false;
    }
    c->stops[i].out_s = metres / speed_of(b, out.lanes);
    c->stops[i].in_s = metres / speed_of(a, in.lanes);
    return metres;
}

static void
complete(struct corridor *c)
{
    c->measured = true;
    for (uint32_t i = 0; i < c->count; i++) {
        struct corridor_stop *s = &c->stops[i];
        const struct report_junction *before = i ? c->stops[i - 1].junction : NULL;
        const struct report_junction *after = i + 1 < c->count ? s[1].junction : NULL;
        s->at_m = i ? c->stops[i - 1].at_m + leg(c, i) : 0;
        s->out = through(before, s->junction, after);
        s->in = through(after, s->junction, before);
        if (!before)
            narrow(s->junction, &s->out, &s->in);
        if (!after)
            narrow(s->junction, &s->in, &s->out);
    }
}

/* ---- which street ------------------------------------------------------------------------------
 */

enum err
corridor_named(const struct report *r, const char *names, struct corridor *out,
               char out_missing[static REPORT_NAME_SIZE])
{
    struct bytes rest = bytes_text(names);
    *out = (struct corridor){.count = 0};
    while (rest.len) {
        size_t end = bytes_find(rest, ',');
        struct bytes name = bytes_of(rest.p, end);
        uint32_t i = 0;
        while (i < r->count && !bytes_are(name, r->junctions[i]->name))
            i++;
        if (i == r->count) {
            name.len = name.len < REPORT_NAME_SIZE - 1 ? name.len : REPORT_NAME_SIZE - 1;
            return bytes_copy_text(name, out_missing, REPORT_NAME_SIZE) == OK ? ERR_NOT_FOUND
                                                                              : ERR_LIMIT;
        }
        if (out->count == CORRIDOR_MAX)
            return ERR_LIMIT;
        out->stops[out->count++].junction = r->junctions[i];
        rest = bytes_skip(rest, end < rest.len ? end + 1 : end);
    }
    complete(out);
    return OK;
}

static bool
holds(const struct corridor *c, const struct report_junction *j)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->stops[i].junction == j)
            return true;
    return false;
}

/* The neighbour that lies straightest ahead; NULL: the street ends. */
static const struct report_junction *
next_ahead(const struct report *r, const struct corridor *c)
{
    const struct report_junction *here = c->stops[c->count - 1].junction;
    const struct report_junction *before = c->stops[c->count - 2].junction;
    const struct report_junction *best = NULL;
    double least = TURN_MAX;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct report_junction *j = r->junctions[i];
        struct way way;
        if (holds(c, j) || !find_way(here, j, &way))
            continue;
        bool known = before->placed && here->placed && j->placed;
        double turn = known ? turn_between(bearing(before, here), bearing(here, j)) : 0;
        if (turn >= least)
            continue;
        best = j;
        least = turn;
        if (!known)
            break;
    }
    return best;
}

enum err
corridor_find(const struct report *r, struct corridor *out)
{
    static struct corridor c; /* large */
    out->count = 0;
    for (uint32_t a = 0; a < r->count; a++) {
        for (uint32_t b = 0; b < r->count; b++) {
            struct way way;
            if (a == b || !find_way(r->junctions[a], r->junctions[b], &way))
                continue;
            c = (struct corridor){.count = 2};
            c.stops[0].junction = r->junctions[a];
            c.stops[1].junction = r->junctions[b];
            const struct report_junction *next;
            while (c.count < CORRIDOR_MAX && (next = next_ahead(r, &c)) != NULL)
                c.stops[c.count++].junction = next;
            if (c.count > out->count)
                *out = c;
        }
    }
    if (out->count == 0)
        return ERR_NOT_FOUND;
    complete(out);
    return OK;
}

/* ---- bands -------------------------------------------------------------------------------------
 */

struct walk {
    uint32_t at[CORRIDOR_MAX]; /* places in the lists of lights */
};

static bool
passes(const struct corridor *c, uint32_t first, uint32_t last, int64_t at_us, struct walk *w)
{
    bool out = last >= first;
    for (uint32_t i = first;; i = out ? i + 1 : i - 1) {
        const struct corridor_stop *s = &c->stops[i];
        if (report_colour_at(s->junction, out ? &s->out : &s->in, at_us, &w->at[i]) != REPORT_GREEN)
            return false;
        if (i == last)
            return true;
        at_us += (int64_t)((out ? c->stops[i + 1].out_s : s->in_s) * 1e6);
    }
}

uint32_t
corridor_bands(const struct corridor *c, const struct report *r, uint32_t first, uint32_t last,
               struct corridor_band *out, uint32_t max)
{
    struct walk w = {{0}};
    uint32_t n = 0;
    int64_t begin = INT64_MIN;
    ASSERT(first < c->count && last < c->count);
    for (int64_t t = r->from_us; t <= r->to_us; t += BAND_STEP_US) {
        bool green = t < r->to_us && passes(c, first, last, t, &w);
        if (green && begin == INT64_MIN)
            begin = t;
        if (green || begin == INT64_MIN)
            continue;
        if (t - begin >= BAND_LEAST_US && n < max)
            out[n++] = (struct corridor_band){begin, t};
        begin = INT64_MIN;
    }
    return n;
}
