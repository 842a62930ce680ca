/*
 * envelope_wishes_test.c -- millions of wishes, random, late, said twice and hostile, against a
 * checker that knows the rules in its own words and shares no code with the envelope.
 *
 * BULKHEAD_WISHES=10000000 is the long form.
 */
#include "programs/warden/envelope.h"
#include "base/random.h"
#include "base/test.h"

enum {
    CHANGE = 10000, /* 5 s green, 3 s yellow, 2 s all-red */
    MAX_RED = 120000,
    COOL_DOWN = 60000,
    KNOWN = 12,
    INVENTED = 28,
    DEVICES = KNOWN + INVENTED,
    SHARE = 3,    /* 30 % of `intersections`, 10 */
    APPROVED = 5, /* 50 % */
    FLASHING = 2, /* 20 % */
    PREEMPTED = 2,
    LATER = 64, /* wishes that wait to be said again */
    WISHES = 1000000,
    RED = 99, /* what a device shows, beside phases */
    NOTHING = -1,
};

/* A device that does what it is told, as the rules say that it may. */
struct device {
    int shows, waits;          /* `waits`: what it was told and may not show yet, or NOTHING */
    uint64_t since, waits_for; /* when it began to show it, when it may show the next */
    uint64_t told_since, told_until;
    uint64_t flash, red, manual, preempt; /* until when */
    int preempt_phase;
    uint64_t row_since; /* of pre-emptions without a cool-down between them */
    uint64_t preempt_over[32];
};

static struct device devices[DEVICES];
static uint64_t changes, early, budgets, beyond;

static void
add(struct start *s, const char *name, int64_t value)
{
    struct start_envelope *e = &s->envelope[s->envelope_count++];
    CHECK_OK(bytes_copy_text(bytes_text(name), e->name, sizeof(e->name)));
    e->value = value;
    e->line = 40;
}

static void *
begin(void)
{
    static const char *const names[] = {"phase-request", "preempt", "manual", "all-red",
                                        "all-flash"};
    char why[ENVELOPE_WHY_SIZE] = "";
    struct start *s = calloc(1, sizeof(*s));
    void *e = calloc(1, envelope_this.size);
    CHECK(s && e);
    add(s, "minimum-green", 5000);
    add(s, "yellow", 3000);
    add(s, "all-red", 2000);
    add(s, "maximum-red", MAX_RED);
    add(s, "intersections", 10);
    add(s, "maximum-command-share", 3000);
    add(s, "maximum-approved-share", 5000);
    add(s, "maximum-flash-share", 2000);
    add(s, "maximum-preempt-share", 2000);
    add(s, "preempt-cool-down", COOL_DOWN);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        CHECK_OK(bytes_copy_text(bytes_text(names[i]), s->commands[s->commands_count++].name,
                                 START_NAME_SIZE));
    CHECK_OK(envelope_this.init(e, s, why));
    free(s);
    for (size_t i = 0; i < DEVICES; i++)
        devices[i] = (struct device){.shows = NOTHING, .waits = NOTHING};
    return e;
}

/* ---- wishes ---------------------------------------------------------------------------------- */

static const char *
one_of(const struct random_source *r, const char *const words[], size_t count)
{
    return words[random_below(r, count)];
}
#define ONE_OF(r, words) one_of(r, words, ARRAY_COUNT(words))

static int64_t
some_phase(const struct random_source *r, const struct device *d)
{
    if (d->shows != NOTHING && d->shows != RED && random_below(r, 2))
        return d->shows;
    return random_below(r, 20) ? (int64_t)random_below(r, 5) : (int64_t)random_below(r, 40) - 4;
}

static struct lease
some_wish(const struct random_source *r)
{
    static const char *const names[] = {"phase-request", "phase-request", "phase-request",
                                        "preempt",       "manual",        "all-red",
                                        "all-flash",     "phase-Request", "release"};
    static const char *const extras[] = {"beyond-share", "phase", "hold", "Phase", "expiry"};
    struct lease l = {0};
    size_t at = (size_t)(random_below(r, 5) ? random_below(r, KNOWN) : random_below(r, DEVICES));
    snprintf(l.device, sizeof(l.device), "%s-%zu", at < KNOWN ? "junction" : "invented", at);
    snprintf(l.command, sizeof(l.command), "%s", ONE_OF(r, names));
    bool phase = l.command[0] == 'p' || l.command[0] == 'm';
    if (phase != (random_below(r, 50) == 0)) {
        snprintf(l.parameters[0].name, LEASE_NAME_SIZE, "phase");
        l.parameters[l.parameters_count++].value = some_phase(r, &devices[at]);
    }
    if (random_below(r, 8) == 0) {
        struct lease_parameter *p = &l.parameters[l.parameters_count++];
        snprintf(p->name, LEASE_NAME_SIZE, "%s",
                 random_below(r, 3) ? extras[0] : ONE_OF(r, extras));
        p->value = random_below(r, 10) ? 1 : (int64_t)random_below(r, 3) - 1;
    }
    return l;
}

/* ---- the checker ----------------------------------------------------------------------------- */

static bool
takes(const struct lease *l, const char *name, int64_t *out)
{
    for (uint32_t i = 0; i < l->parameters_count; i++)
        if (strcmp(l->parameters[i].name, name) == 0) {
            *out = l->parameters[i].value;
            return true;
        }
    return false;
}

static size_t
commanded(uint64_t now)
{
    size_t n = 0;
    for (size_t i = 0; i < DEVICES; i++)
        n += devices[i].flash > now || devices[i].red > now || devices[i].manual > now;
    return n;
}

static size_t
count(uint64_t now, size_t offset)
{
    size_t n = 0;
    for (size_t i = 0; i < DEVICES; i++)
        n += *(const uint64_t *)(const void *)((const char *)&devices[i] + offset) > now;
    return n;
}

/* Time goes by at a device: what waited is shown when what stood has had its time. */
static void
turn(struct device *d, uint64_t now)
{
    if (d->waits == NOTHING || now < d->waits_for)
        return;
    d->shows = d->waits;
    d->since = d->waits_for;
    d->waits = NOTHING;
}

/* A device is told to show something until then. */
static void
tell(struct device *d, int what, bool request, uint64_t now, uint64_t until)
{
    turn(d, now);
    int last = d->waits != NOTHING ? d->waits : d->shows;
    bool rested = now >= d->told_until + MAX_RED;
    if (what != last) {
        CHECK(d->waits == NOTHING); /* one change at a time */
        uint64_t from = d->shows == NOTHING ? 0 : d->since + CHANGE;
        CHECK(!request || now >= from); /* never closer than the time of a change */
        changes++;
        early += now < from;
        d->waits = what;
        d->waits_for = now < from ? from : now;
        turn(d, now);
    }
    if (what != last || rested)
        d->told_since = now;
    if (until > d->told_until)
        d->told_until = until;
    CHECK(until - d->told_since <= MAX_RED); /* nobody waits longer */
}

static void
check_preempt(struct device *d, int phase, uint64_t now, uint64_t until)
{
    if (d->preempt > now)
        CHECK(phase == d->preempt_phase); /* the first one wins */
    else
        CHECK(d->preempt_over[phase] == 0 || now >= d->preempt_over[phase] + COOL_DOWN);
    if (d->preempt == 0 || now >= d->preempt + COOL_DOWN)
        d->row_since = now;
    CHECK(until - d->row_since <= MAX_RED);
    d->preempt = d->preempt_over[phase] = until;
    d->preempt_phase = phase;
    CHECK(count(now, offsetof(struct device, preempt)) <= PREEMPTED);
}

/* It was granted: may it have been? */
static void
check_granted(const struct lease *l, uint32_t people, uint64_t now, uint64_t lease_ms)
{
    const char *digits = strrchr(l->device, '-') + 1;
    struct device *d = &devices[strtoul(digits, NULL, 10)];
    uint64_t until = now + lease_ms;
    int64_t phase = RED, further = 0;
    bool has_phase = takes(l, "phase", &phase), goes_beyond = takes(l, "beyond-share", &further);
    bool request = strcmp(l->command, "phase-request") == 0;
    bool preempt = strcmp(l->command, "preempt") == 0;
    bool manual = strcmp(l->command, "manual") == 0, red = strcmp(l->command, "all-red") == 0;
    bool flash = strcmp(l->command, "all-flash") == 0;
    CHECK(request || preempt || manual || red || flash);
    CHECK(has_phase == (request || preempt || manual));
    CHECK(!has_phase || (phase >= 0 && phase < 32));
    CHECK(l->parameters_count == (uint32_t)has_phase + (uint32_t)goes_beyond);
    CHECK(!goes_beyond || (further == 1 && people >= 2 && !request && !preempt));
    CHECK(!manual || people >= 1);
    CHECK(flash || d->flash <= now); /* who stands higher goes first */
    CHECK(flash || red || d->red <= now);
    CHECK(flash || red || manual || d->manual <= now);
    CHECK(!request || d->preempt <= now);
    if (flash)
        d->flash = until;
    else
        tell(d, (int)phase, request, now, until);
    if (red)
        d->red = until;
    if (manual)
        d->manual = until;
    if (preempt)
        check_preempt(d, (int)phase, now, until);
    if (flash || red || manual) {
        CHECK(commanded(now) <= (goes_beyond ? APPROVED : SHARE));
        CHECK(!flash || goes_beyond || count(now, offsetof(struct device, flash)) <= FLASHING);
        budgets++;
        beyond += commanded(now) > SHARE;
    }
}

TEST(a_million_random_wishes_break_no_rule)
{
    const char *asked = getenv("BULKHEAD_WISHES");
    uint64_t wishes = asked ? strtoull(asked, NULL, 10) : test_sanitized() ? WISHES / 10 : WISHES;
    static struct lease later[LATER];
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    uint64_t now = 1000, granted = 0, refused = 0;
    void *e = begin();
    for (uint64_t i = 0; i < wishes; i++) {
        now += random_below(&r, random_below(&r, 5000) == 0 ? 300000 : 900);
        struct lease *kept = &later[random_below(&r, LATER)];
        bool again = kept->command[0] && random_below(&r, 5) == 0; /* twice, and late */
        struct lease l = again ? *kept : some_wish(&r);
        *kept = l;
        uint64_t lease_ms = 1 + random_below(&r, random_below(&r, 8) ? 20000 : 130000);
        uint32_t people = (uint32_t)random_below(&r, 4);
        struct envelope_verdict v;
        enum err got = envelope_this.check(e, &l, people, now, lease_ms, &v);
        if (got != OK) {
            CHECK(got == ERR_DENIED && v.rule[0] && v.reason[0]);
            refused++;
            continue;
        }
        envelope_this.granted(e, &l, now, lease_ms);
        check_granted(&l, people, now, lease_ms);
        granted++;
    }
    fprintf(stderr,
            "%llu wishes: %llu granted (%llu changes, %llu of them early, %llu of the budget, %llu "
            "beyond the first share), %llu refused\n",
            (unsigned long long)wishes, (unsigned long long)granted, (unsigned long long)changes,
            (unsigned long long)early, (unsigned long long)budgets, (unsigned long long)beyond,
            (unsigned long long)refused);
    CHECK(granted > wishes / 50 && refused > wishes / 50);
    CHECK(changes > wishes / 1000 && early > wishes / 10000);
    CHECK(budgets > wishes / 1000 && beyond > wishes / 10000);
    free(e);
}
