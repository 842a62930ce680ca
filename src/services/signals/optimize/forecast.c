#include "services/signals/optimize/forecast.h"

enum {
    KIND_CHANGING, /* yellow and all-red on the way to it */
    KIND_NEXT,     /* the next phase of the plan */
    KIND_LATER,    /* a later one */
    KIND_USUAL,    /* not in the plan: as long as its reds usually last */
    KIND_COUNT
};
_Static_assert((int)KIND_COUNT == (int)FORECAST_KINDS, "rows of a histogram");

enum {
    NO_GROUP = FORECAST_GROUPS_MAX,
    MASS = 1024,         /* of one event, so that shares of the zone's are not lost in rounding */
    ZONE_WEIGHT = 64,    /* the zone's histogram counts like so many events of the junction: a green
                            start is about ten of them, so a handful of starts weighs as much */
    RECORD_WEIGHT = 100, /* what was said counts like so many that happened as often as was said */
    COUNTS_MAX = 1 << 13, /* of one row: then all are halved, so that old habits fade */
    PERMILLE_LEAST = 10,
    PERMILLE_MOST = 990,
    GAP_S = 5,            /* without a reading: what turned meanwhile is not known */
    PRIOR_MASS = 8,       /* events at the second that was intended */
    USUAL_DEFAULT_S = 40, /* a red of which nothing is known yet: half of a common 80 s cycle */
};

/* ---- groups ------------------------------------------------------------------------------------
 */

static bool
same_lights(const struct signals_model *m, uint32_t a, uint32_t b)
{
    for (uint32_t p = 0; p < m->phases_count; p++)
        if (m->lights[p][a] != m->lights[p][b])
            return false;
    return true;
}

static uint32_t
served_in(const struct signals_model *m, uint32_t link)
{
    uint32_t bits = 0;
    for (uint32_t p = 0; p < m->phases_count; p++)
        bits |= m->lights[p][link] != LIGHT_RED ? 1U << p : 0;
    return bits;
}
_Static_assert(SIGNALS_PHASES_MAX <= 32, "a bit for each phase");

void
forecast_init(struct forecast *f, const struct signals_model *m)
{
    uint32_t first[FORECAST_GROUPS_MAX]; /* a link of the group */
    memset(f, 0, sizeof(*f));
    f->last_phase = -1;
    for (uint32_t k = 0; k < m->links_count; k++) {
        uint32_t g = 0;
        while (g < f->groups_count && !same_lights(m, first[g], k))
            g++;
        if (g == f->groups_count && (served_in(m, k) == 0 || g == FORECAST_GROUPS_MAX))
            g = NO_GROUP;
        if (g == f->groups_count && g != NO_GROUP) {
            first[g] = k;
            f->served[g] = served_in(m, k);
            f->groups_count++;
        }
        f->group_of_link[k] = (uint8_t)g;
    }
}

/* ---- what was seen -----------------------------------------------------------------------------
 */

static uint32_t
horizon_of(uint32_t seconds)
{
    static const uint8_t ends[FORECAST_HORIZONS - 1] = {1, 2, 4, 7, 12, 20, 30};
    uint32_t h = 0;
    while (h < FORECAST_HORIZONS - 1 && seconds > ends[h])
        h++;
    return h;
}

static uint32_t
bin_of(int32_t error_s)
{
    int32_t bin = error_s + FORECAST_EARLY_S;
    return bin < 0 ? 0 : bin >= FORECAST_BINS ? FORECAST_BINS - 1 : (uint32_t)bin;
}

/* Square seconds within which the prior lies: a change that is under way takes its time to the
 * second; the next phase is a matter of a decision or two; what no plan holds may come any time. */
static const uint32_t prior_wide[FORECAST_KINDS] = {
    [KIND_CHANGING] = 1, [KIND_NEXT] = 9, [KIND_LATER] = 64, [KIND_USUAL] = 400};

void
forecast_seen_init(struct forecast_seen *zone)
{
    memset(zone, 0, sizeof(*zone));
    for (uint32_t row = 0; row < FORECAST_ROWS; row++) {
        for (uint32_t bin = 0; bin < FORECAST_BINS; bin++) {
            int32_t e = (int32_t)bin - FORECAST_EARLY_S;
            uint32_t wide = prior_wide[row / FORECAST_HORIZONS];
            uint32_t mass = PRIOR_MASS * wide / (wide + (uint32_t)(e * e));
            zone->errors[row][bin] = mass;
            zone->errors_count[row] += mass;
        }
    }
}

static void
count_error(struct forecast_seen *s, uint32_t row, uint32_t bin)
{
    s->errors[row][bin]++;
    if (++s->errors_count[row] < COUNTS_MAX)
        return;
    s->errors_count[row] = 0;
    for (uint32_t b = 0; b < FORECAST_BINS; b++) {
        s->errors[row][b] /= 2;
        s->errors_count[row] += s->errors[row][b];
    }
}

static void
count_said(struct forecast_record *r, uint32_t permille, bool happened)
{
    r->said++;
    r->happened += happened;
    r->said_permille += permille;
    if (r->said < COUNTS_MAX)
        return;
    r->said /= 2;
    r->happened /= 2;
    r->said_permille /= 2;
}

static uint32_t
tenth_of(uint32_t permille)
{
    uint32_t t = permille * FORECAST_TENTHS / 1000;
    return t < FORECAST_TENTHS ? t : FORECAST_TENTHS - 1;
}

/* It came true, or can no more. */
static void
record(struct forecast *f, struct forecast_seen *zone, struct forecast_waiting *w, bool happened)
{
    if (w->recorded)
        return;
    count_said(&f->seen.said[w->row], w->raw_permille, happened);
    count_said(&zone->said[w->row], w->raw_permille, happened);
    count_said(&f->said[tenth_of(w->said_permille)], w->said_permille, happened);
    w->recorded = true;
}

/* `after_s` seconds after it was made it turned green, or is so late that it does not matter. */
static void
learn(struct forecast *f, struct forecast_seen *zone, struct forecast_waiting *w, uint32_t after_s)
{
    int32_t off = (int32_t)after_s - w->said_s;
    uint32_t bin = bin_of((int32_t)after_s - w->intended_s);
    count_error(&f->seen, w->row, bin);
    count_error(zone, w->row, bin);
    record(f, zone, w, off >= -FORECAST_WITHIN_S && off <= FORECAST_WITHIN_S);
    w->group = NO_GROUP;
}

static struct forecast_waiting *
waiting_of(struct forecast *f, uint32_t i)
{
    return &f->waiting[(f->waiting_at + FORECAST_WAITING_MAX - f->waiting_count + i) %
                       FORECAST_WAITING_MAX];
}

/* The group turned green: all that was said of it is judged. */
static void
judge(struct forecast *f, struct forecast_seen *zone, uint32_t group, uint32_t start_s)
{
    for (uint32_t i = 0; i < f->waiting_count; i++) {
        struct forecast_waiting *w = waiting_of(f, i);
        if (w->group == group && start_s > w->made_s)
            learn(f, zone, w, start_s - w->made_s);
        else if (w->group == group)
            w->group = NO_GROUP;
    }
}

/* What can no more come true is judged at once: a red that never ends would be learned of too late.
 */
static void
judge_late(struct forecast *f, struct forecast_seen *zone, uint32_t now_s)
{
    for (uint32_t i = 0; i < f->waiting_count; i++) {
        struct forecast_waiting *w = waiting_of(f, i);
        uint32_t after_s = now_s - w->made_s;
        if (w->group == NO_GROUP)
            continue;
        if (after_s > (uint32_t)w->said_s + FORECAST_WITHIN_S + 1)
            record(f, zone, w, false);
        if (after_s >= (uint32_t)w->intended_s + FORECAST_BINS - FORECAST_EARLY_S)
            learn(f, zone, w, after_s);
    }
    while (f->waiting_count && waiting_of(f, 0)->group == NO_GROUP)
        f->waiting_count--;
}

/* ---- saying ------------------------------------------------------------------------------------
 */

static bool
serves(const struct forecast *f, int32_t phase, uint32_t group)
{
    return phase >= 0 && (f->served[group] >> phase & 1) != 0;
}

static uint32_t
clearance_left(const struct signals_model *m, uint32_t age_s)
{
    uint32_t all = (uint32_t)m->yellow_s + m->all_red_s;
    return all > age_s ? all - age_s : 1;
}

/* Where the plan sees the next green of the group, and how that is known. */
static uint32_t
intended(const struct forecast *f, const struct signals_model *m, const struct control_view *v,
         uint32_t group, int32_t phase, uint32_t age_s, uint32_t now_s, uint32_t *out_kind)
{
    uint32_t decided_s = (uint32_t)(v->decided_ms / 1000), ahead = 0;
    for (uint32_t i = 0; i < v->steps_count && v->decided_ms; i++) {
        uint32_t starts_s = decided_s + v->steps[i].starts_s;
        if (starts_s <= now_s) /* it is the one that is shown, or was given up */
            continue;
        if (serves(f, v->steps[i].phase, group)) {
            *out_kind = ahead ? KIND_LATER : phase < 0 ? KIND_CHANGING : KIND_NEXT;
            return starts_s - now_s;
        }
        ahead++;
    }
    if (phase < 0 && serves(f, v->wish, group)) {
        *out_kind = KIND_CHANGING;
        return clearance_left(m, age_s);
    }
    *out_kind = KIND_USUAL;
    uint32_t usual = f->usual_red_s[group] ? f->usual_red_s[group] : USUAL_DEFAULT_S;
    uint32_t red = now_s - f->red_since_s[group];
    return usual > red ? usual - red : 1;
}

/* The junction's own errors, and the zone's as ZONE_WEIGHT of them. */
static uint64_t
mix(const struct forecast_seen *own, const struct forecast_seen *zone, uint32_t row,
    uint64_t mass[static FORECAST_BINS])
{
    uint64_t all = 0, of_zone = zone->errors_count[row] ? zone->errors_count[row] : 1;
    for (uint32_t b = 0; b < FORECAST_BINS; b++) {
        mass[b] = (uint64_t)own->errors[row][b] * MASS +
                  (uint64_t)zone->errors[row][b] * MASS * ZONE_WEIGHT / of_zone;
        all += mass[b];
    }
    return all;
}

/* The window with the most mass, whose middle is not before the next second: its middle bin. Of
 * several that hold as much, the one nearest to where most of it lies. */
static uint32_t
likeliest(const uint64_t mass[static FORECAST_BINS], uint32_t intended_s, uint64_t *out_mass)
{
    uint32_t best = FORECAST_EARLY_S;
    *out_mass = 0;
    for (uint32_t b = FORECAST_WITHIN_S; b + FORECAST_WITHIN_S < FORECAST_BINS; b++) {
        uint64_t sum = 0;
        if (intended_s + b < FORECAST_EARLY_S + 1)
            continue;
        for (uint32_t k = b - FORECAST_WITHIN_S; k <= b + FORECAST_WITHIN_S; k++)
            sum += mass[k];
        if (sum > *out_mass || (sum == *out_mass && mass[b] > mass[best])) {
            *out_mass = sum;
            best = b;
        }
    }
    return best;
}

static uint8_t
quantile(const uint64_t mass[static FORECAST_BINS], uint64_t all, uint32_t percent,
         uint32_t intended_s)
{
    uint64_t sum = 0;
    uint32_t b = 0;
    while (b < FORECAST_BINS - 1 && (sum += mass[b]) * 100 < all * percent)
        b++;
    int32_t at = (int32_t)intended_s + (int32_t)b - FORECAST_EARLY_S;
    return (uint8_t)(at < 1 ? 1 : at > FORECAST_FAR_S ? FORECAST_FAR_S : at);
}

/* How often what this row said happened, in permille; as `prior` while that is little known. */
static uint32_t
rate_of(const struct forecast_record *r, uint32_t prior)
{
    return (uint32_t)(((uint64_t)r->happened * 1000 + (uint64_t)prior * RECORD_WEIGHT) /
                      ((uint64_t)r->said + RECORD_WEIGHT));
}

static uint32_t
corrected(const struct forecast *f, const struct forecast_seen *zone, uint32_t row, uint32_t raw)
{
    uint32_t p = rate_of(&f->seen.said[row], rate_of(&zone->said[row], raw));
    return p < PERMILLE_LEAST ? PERMILLE_LEAST : p > PERMILLE_MOST ? PERMILLE_MOST : p;
}

static void
wait_for(struct forecast *f, const struct forecast_waiting *w)
{
    f->waiting[f->waiting_at] = *w;
    f->waiting_at = (f->waiting_at + 1) % FORECAST_WAITING_MAX;
    if (f->waiting_count < FORECAST_WAITING_MAX) /* else the oldest is never judged */
        f->waiting_count++;
}

static void
say(struct forecast *f, const struct forecast_seen *zone, uint32_t group, uint32_t intended_s,
    uint32_t kind, uint32_t now_s, struct forecast_of_group *out)
{
    uint64_t mass[FORECAST_BINS], window;
    uint32_t at = intended_s < 1 ? 1 : intended_s > FORECAST_FAR_S ? FORECAST_FAR_S : intended_s;
    uint32_t row = kind * FORECAST_HORIZONS + horizon_of(at);
    uint64_t all = mix(&f->seen, zone, row, mass);
    uint32_t bin = likeliest(mass, at, &window);
    uint32_t in_s = at + bin - FORECAST_EARLY_S;
    uint32_t raw = all ? (uint32_t)(window * 1000 / all) : 0;
    uint32_t permille = corrected(f, zone, row, raw);
    *out = (struct forecast_of_group){
        .known = true,
        .in_s = (uint8_t)(in_s > FORECAST_FAR_S ? FORECAST_FAR_S : in_s),
        .permille = (uint16_t)permille,
        .q20_s = quantile(mass, all, 20, at),
        .q50_s = quantile(mass, all, 50, at),
        .q80_s = quantile(mass, all, 80, at),
    };
    if (now_s % FORECAST_EVERY_S == 0)
        wait_for(f,
                 &(struct forecast_waiting){now_s, (uint8_t)group, (uint8_t)row, (uint8_t)at,
                                            out->in_s, (uint16_t)raw, (uint16_t)permille, false});
}

/* ---- a second ----------------------------------------------------------------------------------
 */

/* Robbins-Monro on the median: one second nearer with each red. */
static void
note_red(struct forecast *f, uint32_t group, uint32_t lasted_s)
{
    uint16_t *usual = &f->usual_red_s[group];
    uint32_t far = lasted_s < FORECAST_FAR_S ? lasted_s : FORECAST_FAR_S;
    if (*usual == 0)
        *usual = (uint16_t)far;
    else if (far != *usual)
        *usual = (uint16_t)(far > *usual ? *usual + 1 : *usual - 1);
}

static void
turn(struct forecast *f, struct forecast_seen *zone, uint32_t group, int32_t phase, uint32_t age_s,
     uint32_t now_s)
{
    uint32_t start_s = now_s > age_s ? now_s - age_s : 0;
    if (serves(f, phase, group)) {
        if (f->red[group] && f->seen_red[group])
            note_red(f, group, start_s - f->red_since_s[group]);
        if (f->red[group])
            judge(f, zone, group, start_s);
        f->red[group] = false;
        return;
    }
    bool red = phase >= 0 || (f->last_phase >= 0 && !serves(f, f->last_phase, group));
    if (red && !f->red[group]) {
        f->red[group] = true;
        f->seen_red[group] = f->last_s != 0; /* its beginning, too */
        f->red_since_s[group] = phase >= 0 && start_s > f->last_s ? start_s : now_s;
    }
}

static void
forget_lights(struct forecast *f)
{
    memset(f->red, 0, sizeof(f->red));
    f->waiting_count = 0;
    f->last_phase = -1;
    f->last_s = 0;
}

void
forecast_step(struct forecast *f, struct forecast_seen *zone, const struct signals_model *m,
              const struct control_view *v, int32_t phase, uint32_t age_s, uint32_t now_s,
              struct forecast_of_group out[static FORECAST_GROUPS_MAX])
{
    ASSERT(phase < (int32_t)m->phases_count && now_s >= f->last_s);
    if (now_s - f->last_s > GAP_S)
        forget_lights(f);
    for (uint32_t g = 0; g < f->groups_count; g++) {
        out[g] = (struct forecast_of_group){.green = serves(f, phase, g)};
        turn(f, zone, g, phase, age_s, now_s);
        bool changes_from_it = phase < 0 && serves(f, f->last_phase, g); /* R2 */
        if (!f->red[g] || out[g].green || changes_from_it)
            continue;
        uint32_t kind;
        uint32_t at = intended(f, m, v, g, phase, age_s, now_s, &kind);
        say(f, zone, g, at, kind, now_s, &out[g]);
    }
    judge_late(f, zone, now_s);
    if (phase >= 0)
        f->last_phase = phase;
    f->last_s = now_s;
}
