#include "field/sumo/stages.h"

#include "field/sumo/executor.h"

enum {
    UNITS_MAX = 64,
    SETS_MAX = 1024, /* looked at; an intersection has some tens */
    STEPS_MAX = 20000,
    CANDIDATES_MAX = 256,
};

/* Lanes that share letters, and one picture that the programme shows them. */
struct unit {
    uint32_t group;
    struct link_set letters;
};

struct work {
    struct site *s;
    struct intersection x;    /* the matrix, the phases */
    struct intersection wide; /* the same with one phase wider */
    uint32_t shipped;
    uint32_t most; /* phases, with those of S7 */
    uint32_t group[SITE_LETTERS_MAX];
    struct link_set together[SITE_LETTERS_MAX]; /* those that go in a phase where this one yields */
    struct link_set ever_green, ever_stop_and_go, ever_red; /* G, s, r in some phase */
    uint32_t units_count;
    struct unit units[UNITS_MAX];
    uint64_t fits[UNITS_MAX];
    uint32_t sets, steps;
    uint32_t candidates_count;
    char candidates[CANDIDATES_MAX][SITE_LETTERS_MAX + 1];
};

/* ---- what the programme shows ---------------------------------------------------------------- */

static bool
goes(char letter)
{
    return letter_strength(letter) > 1;
}

static void
group_letters(struct work *w)
{
    const struct site *s = w->s;
    for (uint32_t i = 0; i < s->letters_count; i++)
        w->group[i] = i;
    for (uint32_t a = 0; a < s->links_count; a++) {
        for (uint32_t b = 0; b < a; b++) {
            uint32_t from = w->group[s->links[a].letter], to = w->group[s->links[b].letter];
            for (uint32_t i = 0; s->links[a].lane == s->links[b].lane && i < s->letters_count; i++)
                w->group[i] = w->group[i] == from ? to : w->group[i];
        }
    }
}

static void
read_phases(struct work *w)
{
    const struct site *s = w->s;
    for (uint32_t p = 0; p < w->shipped; p++) {
        const char *letters = s->phases[p];
        for (uint32_t a = 0; a < s->letters_count; a++) {
            if (letters[a] == 'G')
                link_add(&w->ever_green, a);
            else if (letters[a] == 's')
                link_add(&w->ever_stop_and_go, a);
            else if (letters[a] == 'r')
                link_add(&w->ever_red, a);
            for (uint32_t b = 0; letters[a] == 'g' && b < s->letters_count; b++) {
                if (b != a && goes(letters[b]))
                    link_add(&w->together[a], b);
            }
        }
    }
}

static bool
same(const struct link_set *a, const struct link_set *b)
{
    return a->word[0] == b->word[0] && a->word[1] == b->word[1];
}

/* False: more than we look at. */
static bool
add_unit(struct work *w, uint32_t group, const struct link_set *letters)
{
    for (uint32_t u = 0; u < w->units_count; u++) {
        if (same(&w->units[u].letters, letters))
            return true;
    }
    if (w->units_count == UNITS_MAX)
        return false;
    w->units[w->units_count++] = (struct unit){group, *letters};
    return true;
}

/* It goes in every phase, if only after a stop. */
static bool
always_goes(const struct work *w, uint32_t letter)
{
    return link_in(&w->ever_stop_and_go, letter) && !link_in(&w->ever_red, letter);
}

static bool
find_units(struct work *w)
{
    const struct site *s = w->s;
    for (uint32_t p = 0; p < w->shipped; p++) {
        for (uint32_t g = 0; g < s->letters_count; g++) {
            struct link_set letters = {0};
            for (uint32_t i = 0; i < s->letters_count; i++) {
                if (w->group[i] == g && goes(s->phases[p][i]) && !always_goes(w, i))
                    link_add(&letters, i);
            }
            if (link_any(&letters) && !add_unit(w, g, &letters))
                return false;
        }
    }
    return true;
}

/* ---- who may go together --------------------------------------------------------------------- */

/* Of two that cross, `a` gives way, and the programme has them so. */
static bool
yields_as_shipped(const struct work *w, uint32_t a, uint32_t b)
{
    return link_in(&w->x.yields[a], b) && link_in(&w->together[a], b);
}

static bool
letters_fit(const struct work *w, uint32_t a, uint32_t b, bool yielding)
{
    if (!link_in(&w->x.crosses[a], b))
        return true;
    return yielding && (yields_as_shipped(w, a, b) || yields_as_shipped(w, b, a));
}

static bool
units_fit(const struct work *w, const struct unit *u, const struct unit *v, bool yielding)
{
    if (u->group == v->group)
        return false;
    for (uint32_t a = 0; a < w->s->letters_count; a++) {
        for (uint32_t b = 0; link_in(&u->letters, a) && b < w->s->letters_count; b++) {
            if (link_in(&v->letters, b) && !letters_fit(w, a, b, yielding))
                return false;
        }
    }
    return true;
}

static void
find_fits(struct work *w, bool yielding)
{
    memset(w->fits, 0, sizeof(w->fits));
    for (uint32_t u = 0; u < w->units_count; u++) {
        for (uint32_t v = 0; v < w->units_count; v++) {
            if (units_fit(w, &w->units[u], &w->units[v], yielding))
                w->fits[u] |= UINT64_C(1) << v;
        }
    }
}

/* ---- one more phase ---------------------------------------------------------------------------
 */

/* Who goes in every phase anyway need not stop first where his way is free. */
static void
set_free(const struct work *w, struct link_set *set)
{
    for (uint32_t a = 0; a < w->s->letters_count; a++) {
        bool clear = always_goes(w, a) && link_in(&w->ever_green, a);
        for (uint32_t i = 0; clear && i < LIGHTS_WORDS; i++)
            clear = !(w->x.crosses[a].word[i] & set->word[i]);
        if (clear)
            link_add(set, a);
    }
}

/* S2, S3: what each link of the set shows. */
static void
write_letters(const struct work *w, const struct link_set *set, char *out)
{
    uint32_t n = w->s->letters_count;
    for (uint32_t a = 0; a < n; a++) {
        out[a] = always_goes(w, a) ? 's' : 'r';
        if (!link_in(set, a))
            continue;
        out[a] = link_in(&w->ever_green, a) ? 'G' : 'g';
        for (uint32_t b = 0; b < n; b++) {
            if (link_in(set, b) && link_in(&w->x.crosses[a], b) && yields_as_shipped(w, a, b))
                out[a] = 'g';
        }
    }
    out[n] = '\0';
}

/* S5: nothing goes that does not go as well there. */
static bool
covers(const char *by, const char *letters)
{
    for (; *letters; letters++, by++) {
        if (*by != 's' && letter_strength(*by) < letter_strength(*letters))
            return false;
    }
    return true;
}

static uint32_t
green_of(const char *letters)
{
    uint32_t sum = 0;
    for (; *letters; letters++)
        sum += letter_strength(*letters);
    return sum;
}

/* S4: every change from and to each phase, too. */
static bool
changes_fit(struct intersection *x, uint32_t phase)
{
    char shown[LIGHTS_LINKS_MAX + 1];
    uint32_t a, b;
    for (uint32_t p = 0; p <= phase; p++) {
        for (enum lights_stage stage = STAGE_CLEARANCE; stage <= STAGE_RED; stage++) {
            intersection_between(x, x->phases[p], phase, stage, shown);
            if (!intersection_fits(x, shown, x->phases[p], &a, &b))
                return false;
            intersection_between(x, x->phases[phase], p, stage, shown);
            if (!intersection_fits(x, shown, x->phases[phase], &a, &b))
                return false;
        }
    }
    return true;
}

static bool
fits_matrix(struct intersection *x, const char *letters)
{
    uint32_t a, b;
    if (intersection_add_phase(x, bytes_text(letters)) != OK)
        return false;
    bool good =
        intersection_fits(x, letters, letters, &a, &b) && changes_fit(x, x->phases_count - 1);
    x->phases_count -= good ? 0 : 1;
    return good;
}

/* All who come from the street of this lane go, each with `least` at least. */
static bool
lets_street(const struct work *w, const char *letters, uint32_t lane, char least)
{
    const struct site *s = w->s;
    struct bytes edge = site_edge_of(bytes_text(s->lanes[lane]));
    for (uint32_t k = 0; k < s->links_count; k++) {
        uint32_t i = s->links[k].letter;
        bool mine = bytes_equal(site_edge_of(bytes_text(s->lanes[s->links[k].lane])), edge);
        if (mine && !always_goes(w, i) && letter_strength(letters[i]) < letter_strength(least))
            return false;
    }
    return true;
}

/* S6: a street goes as a whole, and in no phase of the programme it does. */
static bool
unites_street(const struct work *w, const char *letters)
{
    for (uint32_t l = 0; l < w->s->lanes_count; l++) {
        bool new = lets_street(w, letters, l, 'G') && !w->s->lane_walks[l];
        for (uint32_t p = 0; p < w->shipped && new; p++)
            new = !lets_street(w, w->s->phases[p], l, 'g');
        if (new)
            return true;
    }
    return false;
}

/* S6: as much as some phase of the programme, or part of one. */
static bool
is_like_shipped(const struct work *w, const char *letters)
{
    for (uint32_t p = 0; p < w->shipped; p++) {
        bool more = true, part = true;
        for (uint32_t i = 0; i < w->s->letters_count; i++) {
            char shipped = w->s->phases[p][i];
            more = more && letter_strength(letters[i]) >= letter_strength(shipped);
            part = part && (!goes(letters[i]) || goes(shipped));
        }
        if (more || part)
            return true;
    }
    return false;
}

/* One that may be added: kept in order of what it shows. */
static void
add_candidate(struct work *w, struct link_set *set)
{
    char letters[SITE_LETTERS_MAX + 1];
    uint32_t at = w->candidates_count;
    set_free(w, set);
    write_letters(w, set, letters);
    for (uint32_t p = 0; p < w->shipped; p++) {
        if (covers(w->s->phases[p], letters))
            return;
    }
    if (!is_like_shipped(w, letters) && !unites_street(w, letters))
        return;
    uint32_t green = green_of(letters);
    while (at > 0 && green_of(w->candidates[at - 1]) < green)
        at--;
    if (at == CANDIDATES_MAX)
        return;
    uint32_t last =
        w->candidates_count < CANDIDATES_MAX ? w->candidates_count++ : CANDIDATES_MAX - 1;
    memmove(w->candidates[at + 1], w->candidates[at], (last - at) * sizeof(w->candidates[0]));
    memcpy(w->candidates[at], letters, sizeof(letters));
}

static void
add_stage(struct work *w, const char *letters)
{
    struct site *s = w->s;
    for (uint32_t p = 0; p < s->phases_count; p++) {
        if (covers(s->phases[p], letters))
            return;
    }
    if (s->phases_count < SITE_PHASES_MAX && s->phases_count < w->shipped + STAGES_ADDED_MAX &&
        fits_matrix(&w->x, letters))
        memcpy(s->phases[s->phases_count++], letters, s->letters_count + 1);
}

/* ---- all largest sets (Bron and Kerbosch 1973, with a pivot) ----------------------------------
 */

static void
find_sets(struct work *w, uint64_t in, uint64_t may, uint64_t done)
{
    if (w->sets >= SETS_MAX || ++w->steps > STEPS_MAX)
        return;
    if (!may && !done) {
        struct link_set set = {0};
        w->sets++;
        for (uint32_t u = 0; u < w->units_count; u++) {
            for (uint32_t i = 0; in >> u & 1 && i < LIGHTS_WORDS; i++)
                set.word[i] |= w->units[u].letters.word[i];
        }
        add_candidate(w, &set);
        return;
    }
    uint64_t pivot = 0;
    int most = -1;
    for (uint32_t u = 0; u < w->units_count; u++) {
        int n = (may | done) >> u & 1 ? __builtin_popcountll(may & w->fits[u]) : -1;
        if (n > most) {
            most = n;
            pivot = w->fits[u];
        }
    }
    for (uint32_t u = 0; u < w->units_count; u++) {
        uint64_t bit = UINT64_C(1) << u;
        if (!(may & ~pivot & bit))
            continue;
        find_sets(w, in | bit, may & w->fits[u], done & w->fits[u]);
        may &= ~bit;
        done |= bit;
    }
}

/* ---- S7 -------------------------------------------------------------------------------------- */

/* The unit may go with all that the phase lets go, by giving way to whom it crosses. */
static bool
gives_way_in(const struct work *w, const struct unit *u, const char *phase)
{
    for (uint32_t b = 0; b < w->s->letters_count; b++) {
        if (!goes(phase[b]) || always_goes(w, b))
            continue;
        if (w->group[b] == u->group)
            return false;
        for (uint32_t a = 0; a < w->s->letters_count; a++) {
            if (link_in(&u->letters, a) && link_in(&w->x.crosses[a], b) &&
                !yields_as_shipped(w, a, b))
                return false;
        }
    }
    return true;
}

static void
add_yielding(const struct work *w, char *phase)
{
    for (uint32_t u = 0; u < w->units_count; u++) {
        bool may = gives_way_in(w, &w->units[u], phase);
        for (uint32_t i = 0; may && i < w->s->letters_count; i++)
            phase[i] = link_in(&w->units[u].letters, i) ? 'g' : phase[i];
    }
}

struct kept {
    uint32_t more, fewer; /* links in all changes */
};

/* Who keeps his green in the change from one phase to the other in `wide`, and not in `x`. */
static void
compare_change(const struct work *w, uint32_t from, uint32_t to, struct kept *k)
{
    char now[LIGHTS_LINKS_MAX + 1], then[LIGHTS_LINKS_MAX + 1];
    intersection_between(&w->x, w->x.phases[from], to, STAGE_RED, now);
    intersection_between(&w->wide, w->wide.phases[from], to, STAGE_RED, then);
    for (uint32_t i = 0; i < w->s->letters_count; i++) {
        bool was = goes(w->x.phases[from][i]);
        k->more += was && goes(then[i]) && !goes(now[i]);
        k->fewer += was && goes(now[i]) && !goes(then[i]);
    }
}

static struct kept
compare_changes(struct work *w, uint32_t phase, const char *wider)
{
    struct kept k = {0};
    w->wide = w->x;
    memcpy(w->wide.phases[phase], wider, w->s->letters_count + 1);
    for (uint32_t p = 0; p < w->x.phases_count; p++) {
        if (p == phase)
            continue;
        compare_change(w, phase, p, &k);
        compare_change(w, p, phase, &k);
    }
    return k;
}

/* In its place if that stops nobody more, and the phase is ours; else beside it. */
static void
widen(struct work *w, uint32_t phase)
{
    struct site *s = w->s;
    char wider[SITE_LETTERS_MAX + 1];
    memcpy(wider, s->phases[phase], s->letters_count + 1);
    add_yielding(w, wider);
    for (uint32_t p = 0; p < s->phases_count; p++) {
        if (covers(s->phases[p], wider))
            return;
    }
    struct kept k = compare_changes(w, phase, wider);
    bool in_place = k.fewer == 0 && phase >= w->shipped;
    if (k.more == 0 || (!in_place && s->phases_count == w->most) || !fits_matrix(&w->x, wider))
        return;
    if (in_place) {
        w->x.phases_count--;
        memcpy(w->x.phases[phase], wider, s->letters_count + 1);
        memcpy(s->phases[phase], wider, s->letters_count + 1);
    } else {
        memcpy(s->phases[s->phases_count++], wider, s->letters_count + 1);
    }
}

static bool
programme_fits(struct work *w)
{
    intersection_init(&w->x, w->s->letters_count);
    executor_cross_by_street(&w->x, w->s);
    for (uint32_t p = 0; p < w->s->phases_count; p++) {
        if (!fits_matrix(&w->x, w->s->phases[p]))
            return false;
    }
    return true;
}

static void
find_candidates(struct work *w)
{
    group_letters(w);
    read_phases(w);
    if (!find_units(w) || w->units_count == 0)
        return;
    uint64_t all = w->units_count == UNITS_MAX ? UINT64_MAX : (UINT64_C(1) << w->units_count) - 1;
    for (int yielding = 1; yielding >= 0; yielding--) {
        find_fits(w, yielding == 1);
        w->steps = w->sets = 0;
        find_sets(w, 0, all, 0);
    }
}

void
stages_add(struct site *s)
{
    const char *why;
    struct work *w = calloc(1, sizeof(*w));
    ASSERT(w);
    w->s = s;
    w->shipped = s->phases_count;
    if (s->has_conflicts && site_usable(s, &why) == OK && programme_fits(w)) {
        find_candidates(w);
        for (uint32_t i = 0; i < w->candidates_count; i++)
            add_stage(w, w->candidates[i]);
        uint32_t all = s->phases_count;
        w->most = all + STAGES_BESIDE_MAX < SITE_PHASES_MAX ? all + STAGES_BESIDE_MAX
                                                            : (uint32_t)SITE_PHASES_MAX;
        for (uint32_t p = 0; p < all; p++)
            widen(w, p);
    }
    free(w);
}
