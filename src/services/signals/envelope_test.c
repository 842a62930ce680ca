#include "programs/warden/envelope.h"
#include "base/random.h"
#include "base/test.h"

enum { GREEN = 5000, YELLOW = 3000, ALL_RED = 2000, CHANGE = 10000, MAX_RED = 120000 };
enum { LEASE = 10000 };

static void
add(struct start *s, const char *name, int64_t value)
{
    struct start_envelope *e = &s->envelope[s->envelope_count++];
    CHECK_OK(bytes_copy_text(bytes_text(name), e->name, sizeof(e->name)));
    e->value = value;
    e->line = 40;
}

static struct start *
charter(int64_t share)
{
    struct start *s = calloc(1, sizeof(*s));
    CHECK(s);
    s->zone_line = 30;
    add(s, "minimum-green", GREEN);
    add(s, "yellow", YELLOW);
    add(s, "all-red", ALL_RED);
    add(s, "maximum-red", MAX_RED);
    if (share >= 0)
        add(s, "maximum-flash-share", share);
    static const char *const commands[] = {"phase-request", "all-flash"};
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        struct start_command *c = &s->commands[s->commands_count++];
        CHECK_OK(bytes_copy_text(bytes_text(commands[i]), c->name, sizeof(c->name)));
        c->line = 50 + (uint32_t)i;
    }
    return s;
}

static void *
state(int64_t share)
{
    char why[ENVELOPE_WHY_SIZE] = "";
    struct start *s = charter(share);
    void *e = calloc(1, envelope_this.size);
    CHECK(e);
    CHECK_OK(envelope_this.init(e, s, why));
    free(s);
    return e;
}

static struct lease
request(const char *device, int64_t phase)
{
    struct lease l = {.command = "phase-request", .parameters = {{"phase", phase}}};
    l.parameters_count = 1;
    CHECK_OK(bytes_copy_text(bytes_text(device), l.device, sizeof(l.device)));
    return l;
}

static struct lease
flash(const char *device)
{
    struct lease l = {.command = "all-flash"};
    CHECK_OK(bytes_copy_text(bytes_text(device), l.device, sizeof(l.device)));
    return l;
}

/* Ask, and grant when the envelope says so. */
static bool
ask(void *e, struct lease l, uint64_t now, uint64_t lease_ms)
{
    struct envelope_verdict v;
    enum err got = envelope_this.check(e, &l, now, lease_ms, &v);
    if (got == OK) {
        envelope_this.granted(e, &l, now, lease_ms);
        return true;
    }
    CHECK(got == ERR_DENIED && v.rule[0] != '\0' && v.reason[0] != '\0');
    return false;
}

TEST(a_charter_without_a_value_or_with_an_absurd_one_is_refused)
{
    void *e = calloc(1, envelope_this.size);
    CHECK(e);
    for (size_t i = 0; i < 4; i++) {
        char why[ENVELOPE_WHY_SIZE] = "";
        struct start *s = charter(-1);
        s->envelope[i].name[0] = 'X';
        CHECK(envelope_this.init(e, s, why) == ERR_MALFORMED && why[0]);
        free(s);
        s = charter(-1);
        s->envelope[i].value = -1;
        CHECK(envelope_this.init(e, s, why) == ERR_MALFORMED);
        free(s);
    }
    char why[ENVELOPE_WHY_SIZE] = "";
    struct start *s = charter(10001);
    CHECK(envelope_this.init(e, s, why) == ERR_MALFORMED);
    free(s);
    s = charter(-1);
    s->envelope[3].value = CHANGE;
    CHECK(envelope_this.init(e, s, why) == ERR_MALFORMED);
    free(s);
    free(e);
}

TEST(a_change_waits_for_yellow_all_red_and_minimum_green)
{
    void *e = state(-1);
    CHECK(ask(e, request("a", 0), 1000, LEASE));
    CHECK(!ask(e, request("a", 1), 1000 + CHANGE - 1, LEASE));
    CHECK(ask(e, request("b", 1), 1000 + CHANGE - 1, LEASE)); /* another intersection */
    CHECK(ask(e, request("a", 0), 1000 + CHANGE - 1, LEASE)); /* a renewal is no change */
    CHECK(ask(e, request("a", 1), 1000 + CHANGE, LEASE));
    CHECK(!ask(e, request("a", 0), 1000 + CHANGE + 1, LEASE));
    free(e);
}

TEST(parameters_are_exactly_one_phase_in_range)
{
    void *e = state(-1);
    static const int64_t bad[] = {-1, 32, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(!ask(e, request("a", bad[i]), 1000, LEASE));
    struct lease l = request("a", 0);
    l.parameters_count = 0;
    CHECK(!ask(e, l, 1000, LEASE));
    l.parameters_count = 2;
    CHECK(!ask(e, l, 1000, LEASE));
    l = request("a", 0);
    memcpy(l.parameters[0].name, "pHase", 6);
    CHECK(!ask(e, l, 1000, LEASE));
    l = flash("a");
    l.parameters_count = 1;
    CHECK(!ask(e, l, 1000, LEASE));
    l = request("a", 0);
    memcpy(l.command, "open-door", 10);
    CHECK(!ask(e, l, 1000, LEASE));
    CHECK(!ask(e, request("a", 0), 1000, MAX_RED + 1));
    CHECK(ask(e, request("a", 31), 1000, LEASE));
    free(e);
}

TEST(a_phase_is_not_held_past_maximum_red)
{
    void *e = state(-1);
    uint64_t now = 1000;
    for (; now + LEASE - 1000 <= MAX_RED; now += 5000)
        CHECK(ask(e, request("a", 3), now, LEASE));
    CHECK(!ask(e, request("a", 3), now, LEASE));
    /* A short gap does not start the hold anew. */
    CHECK(!ask(e, request("a", 3), now + 60000, LEASE));
    /* Another phase does. */
    CHECK(ask(e, request("a", 4), now + 60000, LEASE));
    CHECK(ask(e, request("a", 3), now + 60000 + CHANGE, LEASE));
    /* And so does a whole maximum-red without a lease. */
    CHECK(!ask(e, request("a", 3), now + 60000 + CHANGE + LEASE + MAX_RED - 1, LEASE));
    CHECK(ask(e, request("a", 3), now + 60000 + CHANGE + LEASE + MAX_RED, LEASE));
    free(e);
}

TEST(flashing_is_a_share_of_the_known_and_ends)
{
    void *e = state(-1); /* 20 % */
    char name[2] = "a";
    CHECK(!ask(e, flash("a"), 1000, LEASE)); /* nothing is known */
    for (name[0] = 'a'; name[0] < 'a' + 10; name[0]++)
        CHECK(ask(e, request(name, 0), 1000, LEASE));
    CHECK(ask(e, flash("a"), 2000, LEASE) && ask(e, flash("b"), 2000, LEASE));
    CHECK(!ask(e, flash("c"), 2000, LEASE));
    CHECK(ask(e, flash("b"), 3000, LEASE));       /* renewed, not one more */
    CHECK(!ask(e, request("a", 0), 3000, LEASE)); /* E4 */
    CHECK(!ask(e, request("a", 0), 2000 + LEASE - 1, LEASE));
    CHECK(ask(e, request("a", 0), 2000 + LEASE, LEASE));
    CHECK(ask(e, flash("c"), 2000 + LEASE, LEASE));
    free(e);
    e = state(0);
    CHECK(ask(e, request("a", 0), 1000, LEASE) && !ask(e, flash("a"), 1000, LEASE));
    free(e);
    e = state(10000);
    CHECK(ask(e, request("a", 0), 1000, LEASE) && ask(e, flash("a"), 1000, LEASE));
    free(e);
}

TEST(a_full_table_refuses_strangers_and_forgets_only_the_spent)
{
    void *e = state(-1);
    char name[16];
    for (int i = 0; i < ENVELOPE_DEVICES_MAX; i++) {
        snprintf(name, sizeof(name), "j%d", i);
        CHECK(ask(e, request(name, 0), 1000, LEASE));
    }
    CHECK(!ask(e, request("new", 0), 1000, LEASE));
    CHECK(!ask(e, request("new", 0), 1000 + LEASE + MAX_RED - 1, LEASE));
    CHECK(ask(e, request("j7", 1), 1000 + LEASE + MAX_RED - 1, LEASE));
    CHECK(ask(e, request("new", 0), 1000 + LEASE + MAX_RED, LEASE));
    CHECK(!ask(e, request("j7", 0), 1000 + LEASE + MAX_RED, LEASE)); /* j7 was not forgotten */
    free(e);
}

/* What the property test believes, kept apart from the code under test. */
struct belief {
    int64_t phase;
    uint64_t changed, held, until, flash_until;
    bool known;
};

TEST(a_million_random_wishes_break_no_rule)
{
    enum { DEVICES = 7 };
    static const char *const names[DEVICES] = {"a", "b", "c", "d", "e", "f", "g"};
    void *e = state(3000);
    struct belief b[DEVICES] = {0};
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    uint64_t now = 1000, granted = 0, refused = 0;
    for (int i = 0; i < 1000000; i++) {
        now += random_below(&r, random_below(&r, 5000) == 0 ? 300000 : 900);
        size_t d = (size_t)random_below(&r, DEVICES);
        bool flashes = random_below(&r, 50) == 0;
        uint64_t lease_ms = flashes ? 1 + random_below(&r, 60000) : 1 + random_below(&r, 130000);
        int64_t phase =
            b[d].known && random_below(&r, 3) ? b[d].phase : (int64_t)random_below(&r, 36) - 2;
        if (!ask(e, flashes ? flash(names[d]) : request(names[d], phase), now, lease_ms)) {
            refused++;
            continue;
        }
        granted++;
        if (flashes) {
            b[d].flash_until = now + lease_ms;
            uint64_t lit = 0;
            for (size_t k = 0; k < DEVICES; k++)
                lit += b[k].flash_until > now;
            CHECK(lit * 100 <= 30 * DEVICES); /* E3 */
            continue;
        }
        CHECK(phase >= 0 && phase < 32 && b[d].flash_until <= now); /* E5, E4 */
        if (!b[d].known || phase != b[d].phase) {
            CHECK(!b[d].known || now - b[d].changed >= CHANGE); /* E1 */
            b[d].changed = b[d].held = now;
        } else if (now >= b[d].until + MAX_RED) {
            b[d].held = now;
        }
        b[d].until = now + lease_ms;
        CHECK(b[d].until - b[d].held <= MAX_RED); /* E2 */
        b[d].phase = phase;
        b[d].known = true;
    }
    CHECK(granted > 10000 && refused > 10000);
    free(e);
}
