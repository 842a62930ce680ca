#include "programs/warden/envelope.h"
#include "base/test.h"

enum { GREEN = 5000, YELLOW = 3000, ALL_RED = 2000, CHANGE = 10000, MAX_RED = 120000 };
enum { LEASE = 10000, FLASH_LEASE = 600000, COOL_DOWN = 60000 };

static void
add(struct start *s, const char *name, int64_t value)
{
    struct start_envelope *e = &s->envelope[s->envelope_count++];
    CHECK_OK(bytes_copy_text(bytes_text(name), e->name, sizeof(e->name)));
    e->value = value;
    e->line = 40 + (uint32_t)s->envelope_count;
}

static void
add_command(struct start *s, const char *name, uint32_t lease_ms)
{
    struct start_command *c = &s->commands[s->commands_count++];
    CHECK_OK(bytes_copy_text(bytes_text(name), c->name, sizeof(c->name)));
    c->lease_ms = lease_ms;
    c->line = 60 + (uint32_t)s->commands_count;
}

/* The words that must be there, and all commands. */
static struct start *
charter(void)
{
    struct start *s = calloc(1, sizeof(*s));
    CHECK(s);
    s->zone_line = 30;
    add(s, "minimum-green", GREEN);
    add(s, "yellow", YELLOW);
    add(s, "all-red", ALL_RED);
    add(s, "maximum-red", MAX_RED);
    add_command(s, "phase-request", LEASE);
    add_command(s, "preempt", LEASE);
    add_command(s, "manual", LEASE);
    add_command(s, "all-red", LEASE);
    add_command(s, "all-flash", FLASH_LEASE);
    return s;
}

/* An envelope of this charter, which is freed. */
static void *
begin(struct start *s)
{
    char why[ENVELOPE_WHY_SIZE] = "";
    void *e = calloc(1, envelope_this.size);
    CHECK(e);
    CHECK_OK(envelope_this.init(e, s, why));
    free(s);
    return e;
}

/* Of so many intersections that share, or that with approvals, may be commanded at one time. */
static void *
shares(int64_t intersections, int64_t share, int64_t approved)
{
    struct start *s = charter();
    if (intersections)
        add(s, "intersections", intersections);
    if (share >= 0)
        add(s, "maximum-command-share", share);
    if (approved >= 0)
        add(s, "maximum-approved-share", approved);
    return begin(s);
}

static struct lease
command(const char *name, const char *device, const char *parameters)
{
    struct lease l = {0};
    CHECK_OK(lease_parse_parameters(bytes_text(parameters), &l));
    CHECK_OK(bytes_copy_text(bytes_text(name), l.command, sizeof(l.command)));
    CHECK_OK(bytes_copy_text(bytes_text(device), l.device, sizeof(l.device)));
    return l;
}

static struct lease
request(const char *device, int64_t phase)
{
    struct lease l = command("phase-request", device, "phase 0\n");
    l.parameters[0].value = phase;
    return l;
}

/* Ask with so many approvals, and grant when the envelope says so. */
static bool
ask_people(void *e, struct lease l, uint32_t people, uint64_t now, uint64_t lease_ms)
{
    struct envelope_verdict v;
    enum err got = envelope_this.check(e, &l, people, now, lease_ms, &v);
    if (got == OK) {
        envelope_this.granted(e, &l, now, lease_ms);
        return true;
    }
    CHECK(got == ERR_DENIED && v.rule[0] != '\0' && v.reason[0] != '\0');
    return false;
}

static bool
ask(void *e, struct lease l, uint64_t now, uint64_t lease_ms)
{
    return ask_people(e, l, 0, now, lease_ms);
}

/* Nobody is asked: which rule would refuse it. */
static bool
refused_by(void *e, struct lease l, uint32_t people, uint64_t now, const char *words)
{
    struct envelope_verdict v;
    enum err got = envelope_this.check(e, &l, people, now, LEASE, &v);
    return got == ERR_DENIED && (strstr(v.rule, words) || strstr(v.reason, words));
}

#define FLASH(device) command("all-flash", device, "")
#define RED(device) command("all-red", device, "")
#define MANUAL(device, phase) command("manual", device, "phase " #phase "\n")
#define PREEMPT(device, phase) command("preempt", device, "phase " #phase "\n")

TEST(a_charter_without_a_value_or_with_an_absurd_one_is_refused)
{
    void *e = calloc(1, envelope_this.size);
    CHECK(e);
    for (size_t i = 0; i < 4; i++) {
        char why[ENVELOPE_WHY_SIZE] = "";
        struct start *s = charter();
        s->envelope[i].name[0] = 'X';
        CHECK(envelope_this.init(e, s, why) == ERR_MALFORMED && why[0]);
        free(s);
        s = charter();
        s->envelope[i].value = -1;
        CHECK(envelope_this.init(e, s, why) == ERR_MALFORMED);
        free(s);
    }
    static const char *const shares_of[] = {"maximum-flash-share", "maximum-command-share",
                                            "maximum-approved-share", "maximum-preempt-share"};
    char why[ENVELOPE_WHY_SIZE] = "";
    for (size_t i = 0; i < ARRAY_COUNT(shares_of); i++) {
        struct start *s = charter();
        add(s, shares_of[i], 10001);
        CHECK(envelope_this.init(e, s, why) == ERR_MALFORMED && strstr(why, shares_of[i]));
        free(s);
    }
    struct start *s = charter();
    s->envelope[3].value = CHANGE;
    CHECK(envelope_this.init(e, s, why) == ERR_MALFORMED);
    free(s);
    s = charter();
    add(s, "maximum-command-share", 3000);
    add(s, "maximum-approved-share", 2999);
    CHECK(envelope_this.init(e, s, why) == ERR_MALFORMED && strstr(why, "approved"));
    free(s);
    free(e);
}

TEST(a_change_waits_for_yellow_all_red_and_minimum_green)
{
    void *e = begin(charter());
    CHECK(ask(e, request("a", 0), 1000, LEASE));
    CHECK(!ask(e, request("a", 1), 1000 + CHANGE - 1, LEASE));
    CHECK(ask(e, request("b", 1), 1000 + CHANGE - 1, LEASE)); /* another intersection */
    CHECK(ask(e, request("a", 0), 1000 + CHANGE - 1, LEASE)); /* a renewal is no change */
    CHECK(ask(e, request("a", 1), 1000 + CHANGE, LEASE));
    CHECK(!ask(e, request("a", 0), 1000 + CHANGE + 1, LEASE));
    free(e);
}

TEST(a_higher_command_may_come_early_once_and_counts_from_when_the_green_is_over)
{
    void *e = begin(charter());
    CHECK(ask(e, request("a", 0), 1000, LEASE));
    CHECK(ask(e, PREEMPT("a", 1), 2000, LEASE)); /* it begins at 11000 */
    CHECK(refused_by(e, MANUAL("a", 2), 1, 10999, "still to come"));
    CHECK(refused_by(e, RED("a"), 0, 10999, "still to come"));
    CHECK(ask_people(e, MANUAL("a", 2), 1, 11000, 1)); /* it begins at 21000 */
    CHECK(!ask(e, RED("a"), 20999, 1));
    CHECK(!ask(e, request("a", 3), 30999, LEASE)); /* a request is never early */
    CHECK(ask(e, request("a", 3), 31000, LEASE));
    free(e);
}

TEST(parameters_are_exactly_what_the_command_takes)
{
    static const struct {
        const char *command, *parameters;
        uint32_t people;
        bool good;
    } rows[] = {
        {"phase-request", "phase 0\n", 0, true},
        {"phase-request", "phase 31\n", 0, true},
        {"phase-request", "phase 32\n", 0, false},
        {"phase-request", "phase -1\n", 0, false},
        {"phase-request", "phase -9223372036854775808\n", 0, false},
        {"phase-request", "phase 9223372036854775807\n", 0, false},
        {"phase-request", "", 0, false},
        {"phase-request", "phase-a 1\n", 0, false},
        {"phase-request", "hold 1\nphase 1\n", 0, false},
        {"phase-request", "beyond-share 1\nphase 1\n", 2, false},
        {"preempt", "phase 3\n", 0, true},
        {"preempt", "", 0, false},
        {"preempt", "phase 32\n", 0, false},
        {"preempt", "beyond-share 1\nphase 1\n", 2, false},
        {"manual", "phase 3\n", 1, true},
        {"manual", "phase 3\n", 0, false}, /* a program is nobody */
        {"manual", "", 1, false},
        {"manual", "beyond-share 1\nphase 3\n", 2, true},
        {"manual", "beyond-share 1\nphase 3\n", 1, false},
        {"manual", "beyond-share 1\n", 2, false},
        {"all-red", "", 0, true},
        {"all-red", "phase 1\n", 0, false},
        {"all-red", "beyond-share 1\n", 2, true},
        {"all-red", "beyond-share 1\n", 1, false},
        {"all-flash", "", 0, true},
        {"all-flash", "phase 1\n", 0, false},
        {"all-flash", "beyond-share 1\n", 2, true},
        {"all-flash", "beyond-share 1\n", 0, false},
        {"all-flash", "beyond-share 0\n", 2, false},
        {"all-flash", "beyond-share 2\n", 2, false},
        {"all-flash", "beyond-share 1\nphase 1\n", 2, false},
        {"open-door", "", 2, false},
        {"", "", 2, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        void *e = shares(10, 10000, 10000);
        struct lease l = command(rows[i].command, "a", rows[i].parameters);
        CHECK(ask_people(e, l, rows[i].people, 1000, LEASE) == rows[i].good);
        free(e);
    }
    void *e = begin(charter());
    CHECK(!ask(e, request("a", 0), 1000, MAX_RED + 1));
    CHECK(ask(e, request("a", 0), 1000, MAX_RED));
    free(e);
}

TEST(a_phase_is_not_held_past_maximum_red)
{
    void *e = begin(charter());
    uint64_t now = 1000;
    for (; now + LEASE - 1000 <= MAX_RED; now += 5000)
        CHECK(ask(e, request("a", 3), now, LEASE));
    CHECK(!ask(e, request("a", 3), now, LEASE));
    CHECK(!ask(e, request("a", 3), now, 1000 + MAX_RED - now + 1)); /* to the millisecond */
    CHECK(ask(e, request("a", 3), now, 1000 + MAX_RED - now));
    CHECK(!ask(e, PREEMPT("a", 3), now, LEASE)); /* nor by another command */
    CHECK(!ask_people(e, MANUAL("a", 3), 2, now, LEASE));
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

TEST(all_red_is_not_held_past_maximum_red)
{
    void *e = shares(10, 10000, -1);
    uint64_t now = 1000;
    CHECK(!ask(e, RED("a"), now, MAX_RED + 1));
    for (; now + LEASE - 1000 <= MAX_RED; now += 5000)
        CHECK(ask(e, RED("a"), now, LEASE));
    CHECK(refused_by(e, RED("a"), 2, now, "all-red would be held"));
    CHECK(refused_by(e, request("a", 1), 0, now, "under all-red"));
    CHECK(ask(e, request("a", 1), now + 5000, LEASE));
    free(e);
}

TEST(a_lower_command_waits_for_a_higher_one)
{
    static const char *const names[] = {"phase-request", "preempt", "manual", "all-red",
                                        "all-flash"};
    static const char *const with[] = {"phase 0\n", "phase 0\n", "phase 0\n", "", ""};
    for (size_t standing = 0; standing < ARRAY_COUNT(names); standing++)
        for (size_t wished = 0; wished < ARRAY_COUNT(names); wished++) {
            void *e = shares(10, 10000, -1);
            CHECK(ask_people(e, command(names[standing], "a", with[standing]), 1, 1000, 30000));
            CHECK(ask_people(e, command(names[wished], "a", with[wished]), 1, 20000, LEASE) ==
                  (wished >= standing));
            CHECK(
                ask_people(e, command(names[wished], "a", with[wished]), 1, 80000 + 31000, LEASE));
            free(e);
        }
}

TEST(one_budget_for_flashing_all_red_and_manual_together)
{
    void *e = shares(20, 2000, -1); /* four */
    CHECK(ask(e, FLASH("a"), 1000, LEASE));
    CHECK(ask(e, RED("b"), 1000, LEASE));
    CHECK(ask_people(e, MANUAL("c", 1), 1, 1000, LEASE));
    CHECK(ask(e, FLASH("d"), 1000, LEASE));
    CHECK(refused_by(e, FLASH("e"), 2, 1000, "maximum-command-share"));
    CHECK(refused_by(e, RED("e"), 2, 1000, "5 intersections of 20"));
    CHECK(refused_by(e, MANUAL("e", 1), 2, 1000, "maximum-command-share"));
    CHECK(ask(e, FLASH("d"), 2000, LEASE));       /* renewed, not one more */
    CHECK(ask(e, FLASH("b"), 2000, LEASE));       /* in another way, not one more */
    CHECK(!ask(e, request("a", 0), 2000, LEASE)); /* E4 */
    CHECK(!ask(e, request("a", 0), 1000 + LEASE - 1, LEASE));
    CHECK(ask(e, request("a", 0), 1000 + LEASE, LEASE));
    CHECK(ask(e, FLASH("e"), 1000 + LEASE, LEASE)); /* a and c are over, b and d are not */
    CHECK(ask(e, RED("f"), 1000 + LEASE, LEASE));
    CHECK(!ask(e, RED("g"), 1000 + LEASE, LEASE));
    free(e);
    e = shares(20, 0, -1);
    CHECK(!ask(e, FLASH("a"), 1000, LEASE) && !ask(e, RED("a"), 1000, LEASE));
    free(e);
}

TEST(beyond_the_share_only_with_two_people_and_only_to_the_second_share)
{
    static const char beyond[] = "beyond-share 1\n";
    void *e = shares(10, 2000, 5000); /* two, five */
    char name[2] = "a";
    CHECK(ask_people(e, FLASH("a"), 2, 1000, LEASE));
    CHECK(ask_people(e, FLASH("b"), 2, 1000, LEASE));
    /* Approvals of what does not say so do not reach beyond. */
    CHECK(refused_by(e, FLASH("c"), 2, 1000, "maximum-command-share"));
    CHECK(refused_by(e, command("all-flash", "c", beyond), 1, 1000, "2 different people"));
    CHECK(refused_by(e, command("all-red", "c", beyond), 0, 1000, "maximum-approved-share"));
    CHECK(ask_people(e, command("all-flash", "c", beyond), 2, 1000, LEASE));
    CHECK(ask_people(e, command("all-red", "d", beyond), 2, 1000, LEASE));
    CHECK(ask_people(e, command("manual", "e", "beyond-share 1\nphase 2\n"), 3, 1000, LEASE));
    CHECK(refused_by(e, command("all-flash", "f", beyond), 16, 1000, "maximum-approved-share"));
    free(e);
    e = shares(10, 2000, -1); /* no second share: two people move nothing */
    CHECK(ask(e, FLASH("a"), 1000, LEASE) && ask(e, FLASH("b"), 1000, LEASE));
    CHECK(!ask_people(e, command("all-flash", "c", beyond), 2, 1000, LEASE));
    free(e);
    e = shares(10, 2000, 10000); /* the charter says that it may be all */
    for (name[0] = 'a'; name[0] < 'a' + 10; name[0]++)
        CHECK(ask_people(e, command("all-flash", name, beyond), 2, 1000, LEASE));
    free(e);
}

TEST(flashing_is_a_share_of_the_known_and_ends)
{
    struct start *s = charter(); /* the older word: it is the budget */
    add(s, "intersections", 10);
    add(s, "maximum-flash-share", 1000);
    void *e = begin(s);
    CHECK(ask(e, FLASH("a"), 1000, LEASE));
    CHECK(refused_by(e, FLASH("b"), 2, 1000, "maximum-flash-share"));
    CHECK(refused_by(e, RED("b"), 2, 1000, "maximum-flash-share"));
    free(e);
    s = charter(); /* both: each holds */
    add(s, "intersections", 10);
    add(s, "maximum-flash-share", 1000);
    add(s, "maximum-command-share", 3000);
    e = begin(s);
    CHECK(ask(e, FLASH("a"), 1000, LEASE) && ask(e, RED("b"), 1000, LEASE));
    CHECK(refused_by(e, FLASH("c"), 2, 1000, "maximum-flash-share"));
    CHECK(ask(e, RED("c"), 1000, LEASE));
    CHECK(refused_by(e, RED("d"), 2, 1000, "maximum-command-share"));
    free(e);
}

/* A breached core: intersections that it invents, forgets and makes known again. */
TEST(the_whole_of_a_share_is_the_charters_not_what_a_core_made_known)
{
    void *e = shares(10, 2000, -1); /* two */
    char name[32];
    uint64_t now = 1000;
    for (int i = 0; i < ENVELOPE_DEVICES_MAX - 20; i++) {
        snprintf(name, sizeof(name), "invented-%d", i);
        CHECK(ask(e, request(name, 0), now, LEASE));
    }
    CHECK(ask(e, FLASH("a"), now, FLASH_LEASE) && ask(e, FLASH("b"), now, FLASH_LEASE));
    CHECK(!ask(e, FLASH("c"), now, FLASH_LEASE));
    /* The table fills up, what is spent is forgotten: what flashes is not. */
    for (int round = 0; round < 4; round++) {
        now += LEASE + MAX_RED;
        for (int i = 0; i < ENVELOPE_DEVICES_MAX - 2; i++) {
            snprintf(name, sizeof(name), "other-%d-%d", round, i);
            CHECK(ask(e, request(name, 0), now, LEASE));
        }
        CHECK(!ask(e, FLASH("c"), now, FLASH_LEASE));
    }
    free(e);
    e = begin(charter()); /* 20 % of nobody knows how many */
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "invented-%d", i);
        CHECK(ask(e, request(name, 0), 1000, LEASE));
    }
    CHECK(ask(e, FLASH("a"), 1000, LEASE));
    CHECK(refused_by(e, FLASH("b"), 2, 1000, "does not say"));
    free(e);
    e = shares(0, 0, -1); /* none is none */
    CHECK(!ask(e, FLASH("a"), 1000, LEASE));
    free(e);
    e = shares(0, 10000, -1); /* and all are all, however many they are */
    CHECK(ask(e, FLASH("a"), 1000, LEASE) && ask(e, FLASH("b"), 1000, LEASE));
    free(e);
}

TEST(a_restart_forgets_no_budget)
{
    void *e = shares(10, 2000, 10000);
    envelope_this.restarted(e, 1000);
    CHECK(refused_by(e, request("a", 0), 0, 1000 + 2 * CHANGE - 1, "started anew"));
    CHECK(ask(e, request("a", 0), 1000 + 2 * CHANGE, LEASE));
    CHECK(refused_by(e, PREEMPT("b", 0), 0, 1000 + LEASE + COOL_DOWN - 1, "started anew"));
    CHECK(ask(e, PREEMPT("b", 0), 1000 + LEASE + COOL_DOWN, LEASE));
    /* All three for as long as the longest of them may stand, and two people change nothing. */
    CHECK(refused_by(e, RED("c"), 2, 1000 + FLASH_LEASE - 1, "started anew"));
    CHECK(refused_by(e, MANUAL("c", 0), 2, 1000 + FLASH_LEASE - 1, "started anew"));
    CHECK(refused_by(e, command("all-flash", "c", "beyond-share 1\n"), 2, 1000 + FLASH_LEASE - 1,
                     "started anew"));
    CHECK(ask(e, FLASH("c"), 1000 + FLASH_LEASE, LEASE));
    CHECK(ask(e, RED("d"), 1000 + FLASH_LEASE, LEASE));
    free(e);
}

TEST(a_phase_is_not_pre_empted_again_and_again)
{
    void *e = begin(charter());
    uint64_t now = 1000;
    CHECK(ask(e, PREEMPT("a", 1), now, LEASE));
    CHECK(ask(e, PREEMPT("a", 1), now + 5000, LEASE));                     /* it goes on */
    CHECK(refused_by(e, PREEMPT("a", 2), 0, now + 5000, "is pre-empted")); /* the first wins */
    CHECK(refused_by(e, request("a", 1), 0, now + 5000, "under preempt"));
    now += 5000 + LEASE;
    CHECK(ask(e, PREEMPT("a", 2), now, LEASE)); /* the other one waited */
    CHECK(!ask(e, PREEMPT("a", 1), now + LEASE, LEASE));
    CHECK(refused_by(e, PREEMPT("a", 1), 0, now + COOL_DOWN - 1, "preempt-cool-down"));
    CHECK(ask(e, PREEMPT("a", 1), now + COOL_DOWN, LEASE));
    free(e);
}

TEST(a_pre_emption_ends_at_maximum_red)
{
    void *e = begin(charter());
    uint64_t now = 1000;
    for (; now + LEASE - 1000 <= MAX_RED; now += 5000)
        CHECK(ask(e, PREEMPT("a", 1), now, LEASE));
    CHECK(refused_by(e, PREEMPT("a", 1), 0, now, "maximum-red"));
    free(e);
}

/* Two phases that take turns: the third would wait for ever, for an executor counts no red then. */
TEST(pre_emptions_that_follow_each_other_end_at_maximum_red)
{
    void *e = begin(charter());
    uint64_t now = 1000, end;
    for (uint64_t i = 0; now + LEASE <= 1000 + MAX_RED; i++, now += LEASE) {
        struct lease l = PREEMPT("a", 0);
        l.parameters[0].value = (int64_t)i; /* each another one: none rests */
        CHECK(ask(e, l, now, LEASE));
    }
    CHECK(refused_by(e, PREEMPT("a", 20), 0, now, "follow each other"));
    CHECK(!ask(e, PREEMPT("a", 20), now, 1)); /* to the millisecond */
    end = now;
    CHECK(ask(e, request("a", 21), now + CHANGE, LEASE)); /* who waits is served */
    now = end + COOL_DOWN - 1;
    CHECK(refused_by(e, PREEMPT("a", 20), 0, now, "follow each other"));
    CHECK(ask(e, PREEMPT("a", 20), now + 1, LEASE));
    CHECK(ask(e, PREEMPT("a", 22), now + 1 + LEASE, LEASE));
    free(e);
}

TEST(pre_empted_intersections_are_a_share_and_at_least_one)
{
    struct start *s = charter();
    add(s, "intersections", 20);
    add(s, "preempt-cool-down", 10000);
    void *e = begin(s); /* 10 %: two */
    CHECK(ask(e, PREEMPT("a", 1), 1000, LEASE) && ask(e, PREEMPT("b", 1), 1000, LEASE));
    CHECK(refused_by(e, PREEMPT("c", 1), 0, 1000, "maximum-preempt-share"));
    CHECK(ask(e, PREEMPT("c", 1), 1000 + LEASE, LEASE));
    CHECK(!ask(e, PREEMPT("a", 1), 1000 + LEASE + 9999, LEASE));
    CHECK(ask(e, PREEMPT("a", 1), 1000 + LEASE + 10000, LEASE));
    free(e);
    e = shares(5, -1, -1); /* half an intersection is one */
    CHECK(ask(e, PREEMPT("a", 1), 1000, LEASE) && !ask(e, PREEMPT("b", 1), 1000, LEASE));
    free(e);
}

TEST(a_full_table_refuses_strangers_and_forgets_only_the_spent)
{
    void *e = begin(charter());
    char name[32];
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

TEST(a_full_table_forgets_no_cool_down)
{
    struct start *s = charter();
    add(s, "preempt-cool-down", 600000);
    void *e = begin(s);
    char name[32];
    uint64_t now = 1000;
    CHECK(ask(e, PREEMPT("a", 1), now, LEASE));
    for (int round = 0; round < 4; round++, now += LEASE + MAX_RED)
        for (int i = 0; i < ENVELOPE_DEVICES_MAX - 1; i++) {
            snprintf(name, sizeof(name), "r%d-%d", round, i);
            CHECK(ask(e, request(name, 0), now, LEASE));
        }
    CHECK(refused_by(e, PREEMPT("a", 1), 0, now, "preempt-cool-down"));
    free(e);
}
