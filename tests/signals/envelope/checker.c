#include "tests/signals/envelope/checker.h"

enum { LONG_AGO_S = 1000000, SETTLED_S = 90 };

const char *
violation_words(enum violation v)
{
#define WORDS(name, words) [VIOLATION_##name] = words,
    static const char *const all[] = {VIOLATIONS(WORDS)};
    return all[v];
}

static void
violated(struct checker *c, enum violation v, uint32_t a, uint32_t b)
{
    if (!c->first[0])
        snprintf(c->first, sizeof(c->first), "second %lld: %s (%u, %u)", (long long)c->now,
                 violation_words(v), (unsigned)a, (unsigned)b);
    c->violations[v]++;
}

static bool
is_green(char letter)
{
    return letter == 'G' || letter == 'g';
}

void
checker_init(struct checker *c, const struct intersection *x, const char *shown)
{
    *c = (struct checker){.x = x, .flash_end = -LONG_AGO_S, .reason_at = -LONG_AGO_S};
    for (uint32_t i = 0; i < x->links_count; i++) {
        c->shown[i] = shown[i];
        c->links[i] =
            (struct checker_link){is_green(shown[i]) ? shown[i] : 0, 0, -LONG_AGO_S, -LONG_AGO_S};
    }
    for (uint32_t i = 0; i < x->links_count; i++) {
        c->red_since[i] = -1;
        for (uint32_t p = 0; p < x->phases_count; p++)
            c->ever[i] = c->ever[i] || letter_strength(x->phases[p][i]) > 0;
    }
}

void
checker_press(struct checker *c, uint32_t lane)
{
    bool walks = false;
    for (uint32_t i = 0; i < c->x->links_count; i++)
        walks = walks || (link_in(&c->x->lane_links[lane], i) && c->shown[i] == 'G');
    if (!walks)
        c->walkers |= UINT64_C(1) << lane;
}

/* What a link that goes goes as; 0: it stands. */
static char
goes_as(const struct checker *c, const char *shown, uint32_t i)
{
    return shown[i] == 'y'                      ? c->links[i].last_green
           : shown[i] == 'r' || shown[i] == 'o' ? 0
                                                : shown[i];
}

static void
check_pairs(struct checker *c, const char *shown)
{
    const struct intersection *x = c->x;
    for (uint32_t a = 0; a < x->links_count; a++) {
        char as_a = goes_as(c, shown, a);
        for (uint32_t b = 0; as_a && b < a; b++) {
            char as_b = goes_as(c, shown, b);
            if (!as_b || !link_in(&x->crosses[b], a))
                continue;
            bool gives_way = as_a == 's' || as_b == 's' ||
                             (as_a == 'g' && link_in(&x->yields[a], b)) ||
                             (as_b == 'g' && link_in(&x->yields[b], a));
            if (!gives_way)
                violated(c, VIOLATION_CONFLICT, a, b);
        }
    }
}

static void
check_green_begins(struct checker *c, uint32_t i, const char *shown)
{
    if (c->shown[i] == 'y' || c->shown[i] == 'o')
        violated(c, VIOLATION_YELLOW, i, i);
    if (c->now - c->flash_end <= LIGHTS_LEAVE_FLASH_S)
        violated(c, VIOLATION_FLASH, i, i);
    for (uint32_t k = 0; k < c->x->links_count; k++) {
        bool stands = shown[k] == 'r' || shown[k] == 's';
        if (stands && link_in(&c->x->crosses[k], i) &&
            c->now - c->links[k].red_at < c->x->links[k].all_red_s)
            violated(c, VIOLATION_ALL_RED, i, k);
    }
}

static void
check_green_ends(struct checker *c, uint32_t i, const char *shown, bool preempted)
{
    char next = shown[i];
    const struct lights_link *l = &c->x->links[i];
    int64_t stood_s = c->now - c->links[i].green_at;
    int64_t least_s = l->minimum_green_s;
    if (preempted && c->x->preempt_minimum_s < least_s)
        least_s = c->x->preempt_minimum_s;
    if (l->walk ? stood_s < l->walk_s : stood_s < least_s)
        violated(c, l->walk ? VIOLATION_WALK : VIOLATION_GREEN, i, (uint32_t)stood_s);
    if (next != 'y')
        violated(c, l->walk ? VIOLATION_CLEARANCE : VIOLATION_YELLOW, i, i);
    for (uint32_t k = 0; c->shown[i] == 'g' && k < c->x->links_count; k++) {
        if (link_in(&c->x->yields[i], k) && !c->x->links[k].walk && is_green(shown[k]))
            violated(c, VIOLATION_TRAP, i, k);
    }
}

static void
check_link(struct checker *c, uint32_t i, const struct checker_second *s)
{
    const struct lights_link *l = &c->x->links[i];
    struct checker_link *k = &c->links[i];
    char was = c->shown[i], is = s->shown[i];
    if (!is_green(was) && is_green(is)) {
        check_green_begins(c, i, s->shown);
        k->green_at = c->now;
    }
    if (is_green(was) && !is_green(is) && is != 'o')
        check_green_ends(c, i, s->shown, s->preempted);
    if (was != 'y' && is == 'y') {
        if (!is_green(was))
            violated(c, VIOLATION_LETTER, i, i);
        k->yellow_at = c->now;
    }
    if (was == 'y' && is != 'y' && is != 'o') {
        if (c->now - k->yellow_at < (l->walk ? l->clearance_s : l->yellow_s))
            violated(c, l->walk ? VIOLATION_CLEARANCE : VIOLATION_YELLOW, i, i);
        k->red_at = c->now;
    }
    if (is_green(is))
        k->last_green = is;
    else if (is == 'o')
        *k = (struct checker_link){0, 0, -LONG_AGO_S, -LONG_AGO_S};
}

/* No link shows more than some phase gives it while all others that go have at least theirs. */
static void
check_letters(struct checker *c, const char *shown)
{
    const struct intersection *x = c->x;
    bool flashes = shown[0] == 'o';
    for (uint32_t p = 0; p < x->phases_count && !flashes; p++) {
        bool covers = true;
        for (uint32_t i = 0; i < x->links_count && covers; i++)
            covers = letter_strength(shown[i]) <= letter_strength(x->phases[p][i]) &&
                     (shown[i] != 'y' || is_green(x->phases[p][i])) && shown[i] != 'o';
        if (covers)
            return;
    }
    for (uint32_t i = 0; i < x->links_count; i++) {
        if (shown[i] != 'o') {
            violated(c, VIOLATION_LETTER, i, 0);
            return;
        }
    }
}

/* The calls of those on foot who may walk now are over. */
static void
end_walkers(struct checker *c, const char *shown)
{
    for (uint32_t l = 0; l < c->x->lanes_count; l++) {
        for (uint32_t i = 0; i < c->x->links_count && c->x->lane_walk[l]; i++) {
            if (link_in(&c->x->lane_links[l], i) && letter_strength(shown[i]) > 0)
                c->walkers &= ~(UINT64_C(1) << l);
        }
    }
}

/* A lane of this link calls. */
static bool
is_called(const struct checker *c, uint32_t link, uint64_t calls)
{
    for (uint32_t l = 0; l < c->x->lanes_count; l++) {
        if (calls >> l & 1 && link_in(&c->x->lane_links[l], link))
            return true;
    }
    return false;
}

static void
check_reds(struct checker *c, const struct checker_second *s)
{
    const struct intersection *x = c->x;
    bool recall = c->now - c->heard_at > x->silence_s;
    end_walkers(c, s->shown);
    uint64_t calls = recall ? UINT64_MAX : s->calls | c->walkers;
    for (uint32_t i = 0; i < x->links_count; i++) {
        bool goes = letter_strength(s->shown[i]) > 0 || s->shown[i] == 'o';
        if (goes || !s->regular || !c->ever[i] || !is_called(c, i, calls)) {
            c->red_since[i] = -1;
            continue;
        }
        if (c->red_since[i] < 0)
            c->red_since[i] = c->now;
        uint32_t red_s = (uint32_t)(c->now - c->red_since[i]) + 1;
        uint32_t share = red_s * 100 / x->limit_s[i];
        c->longest_red_s = red_s > c->longest_red_s ? red_s : c->longest_red_s;
        c->longest_share = share > c->longest_share ? share : c->longest_share;
        if (red_s > x->limit_s[i])
            violated(c, VIOLATION_RED, i, red_s);
    }
}

void
checker_second(struct checker *c, const struct checker_second *s)
{
    c->now++;
    if (s->heard)
        c->heard_at = c->now;
    for (uint32_t i = 0; i < c->x->links_count; i++) {
        if (s->shown[i] != c->shown[i])
            check_link(c, i, s);
    }
    check_pairs(c, s->shown);
    check_letters(c, s->shown);
    check_reds(c, s);
    memcpy(c->shown, s->shown, c->x->links_count);
    if (c->shown[0] == 'o')
        c->flash_end = c->now;
    if (s->ordered || s->preempted || c->shown[0] == 'o')
        c->reason_at = c->now;
    if (!s->regular && c->now - c->reason_at > SETTLED_S)
        violated(c, VIOLATION_IRREGULAR, 0, 0);
}

uint64_t
checker_violations(const struct checker *c)
{
    uint64_t sum = 0;
    for (int v = 0; v < VIOLATIONS_COUNT; v++)
        sum += c->violations[v];
    return sum;
}
