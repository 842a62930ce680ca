#include "programs/warden/verdict.h"

#include "base/test.h"
#include "grant/token.h"
#include "programs/wish.h"

#include <sodium.h>

static const int64_t now_us = 1764000000LL * 1000000;

/* An envelope that allows everything but parameter "bad", and counts. */
struct tally {
    uint32_t granted, restarts, people; /* who approved the last one that was checked */
};

static enum err
tally_init(void *state, const struct start *start, char *why)
{
    (void)state, (void)start, (void)why;
    return OK;
}

static enum err
tally_check(const void *state, const struct lease *lease, uint32_t people, uint64_t now_ms,
            uint64_t lease_ms, struct envelope_verdict *out)
{
    int64_t value;
    (void)now_ms, (void)lease_ms;
    ((struct tally *)(uintptr_t)state)->people = people;
    if (lease_parameter(lease, "bad", &value) != OK)
        return OK;
    snprintf(out->rule, sizeof(out->rule), "charter line 9: envelope");
    return ERR_DENIED;
}

static void
tally_granted(void *state, const struct lease *lease, uint64_t now_ms, uint64_t lease_ms)
{
    (void)lease, (void)now_ms, (void)lease_ms;
    ((struct tally *)state)->granted++;
}

static void
tally_restarted(void *state, uint64_t now_ms)
{
    CHECK(now_ms == 1000);
    ((struct tally *)state)->restarts++;
}

static const struct envelope envelope = {"test",      sizeof(struct tally), tally_init,
                                         tally_check, tally_granted,        tally_restarted};

struct fixture {
    struct start start;
    struct verdict_state verdict;
    uint8_t judge_public[32], judge_secret[64];
};

static void
add_caller(struct start *s, const char *name, const char *role, const char *purposes)
{
    struct start_caller *c = &s->callers[s->callers_count++];
    snprintf(c->name, sizeof(c->name), "%s", name);
    snprintf(c->role, sizeof(c->role), "%s", role);
    snprintf(c->purposes, sizeof(c->purposes), "%s", purposes);
}

static struct fixture *
make(bool first_start)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char why[ENVELOPE_WHY_SIZE];
    CHECK(f && sodium_init() >= 0);
    crypto_sign_keypair(f->judge_public, f->judge_secret);
    snprintf(f->start.zone, sizeof(f->start.zone), "signals");
    f->start.commands[0] = (struct start_command){"phase-request", 10000, 3600, 0, 5};
    f->start.commands[1] = (struct start_command){"all-flash", 600000, 0, 2, 6};
    f->start.commands_count = 2;
    add_caller(&f->start, "ann", "operator", "operate");
    add_caller(&f->start, "ben", "engineer", "operate compliance");
    add_caller(&f->start, "cid", "engineer", "operate");
    add_caller(&f->start, "dee", "auditor", "compliance");
    CHECK_OK(
        verdict_init(&f->verdict, &f->start, &envelope, f->judge_public, first_start, 1000, why));
    return f;
}

static void
drop(struct fixture *f)
{
    free(f->verdict.envelope_state);
    free(f);
}

static struct wish
wish_of(const char *device, const char *command, const char *parameters)
{
    return (struct wish){.ref = 1,
                         .device = bytes_text(device),
                         .command = bytes_text(command),
                         .parameters = bytes_text(parameters),
                         .asked_by = bytes_text("controller")};
}

static enum err
decide(struct fixture *f, const struct wish *wish, uint64_t now_ms)
{
    struct lease lease;
    struct envelope_verdict verdict;
    enum err e = verdict_decide(&f->verdict, wish, now_ms, now_us, &lease, &verdict);
    CHECK(e == OK || verdict.rule[0]);
    return e;
}

/* A line of approvals: NAME approves exactly `wish` for a purpose. */
static void
approve(const struct fixture *f, struct buf *lines, const struct wish *wish, const char *name,
        const char *role, const char *purpose, int64_t expiry_us)
{
    struct token t = {.approval = true, .expiry_us = expiry_us};
    snprintf(t.caller, sizeof(t.caller), "%s", name);
    snprintf(t.role, sizeof(t.role), "%s", role);
    snprintf(t.zone, sizeof(t.zone), "signals");
    snprintf(t.purpose, sizeof(t.purpose), "%s", purpose);
    crypto_hash_sha256(t.key_digest, (const uint8_t *)name, strlen(name));
    wish_digest("signals", wish, t.approves);
    CHECK_OK(token_sign(&t, f->judge_secret, lines));
    buf_byte(lines, '\n');
}

TEST(what_the_charter_does_not_name_is_refused)
{
    struct fixture *f = make(true);
    struct wish w = wish_of("junction-a0", "open-valve", "");
    CHECK(decide(f, &w, 2000) == ERR_DENIED);
    w = wish_of("../etc", "phase-request", "phase 1\n");
    CHECK(decide(f, &w, 2000) == ERR_DENIED);
    w = wish_of("junction-a0", "phase-request", "phase one\n");
    CHECK(decide(f, &w, 2000) == ERR_DENIED);
    w = wish_of("junction-a0", "phase-request", "bad 1\n");
    CHECK(decide(f, &w, 2000) == ERR_DENIED);
    CHECK(((struct tally *)f->verdict.envelope_state)->granted == 0);
    w = wish_of("junction-a0", "phase-request", "phase 1\n");
    CHECK(decide(f, &w, 2000) == OK);
    CHECK(((struct tally *)f->verdict.envelope_state)->granted == 1);
    drop(f);
}

TEST(after_a_restart_nothing_is_granted_until_old_leases_are_over)
{
    struct fixture *f = make(false);
    struct wish w = wish_of("junction-a0", "phase-request", "phase 1\n");
    CHECK(decide(f, &w, 1000) == ERR_DENIED);
    CHECK(decide(f, &w, 1000 + VERDICT_QUIET_MAX_MS - 1) == ERR_DENIED);
    CHECK(decide(f, &w, 1000 + VERDICT_QUIET_MAX_MS) == OK);
    drop(f);
}

TEST(the_rate_is_per_device_and_over_any_hour)
{
    struct fixture *f = make(true);
    struct wish a = wish_of("junction-a0", "phase-request", "phase 1\n");
    struct wish b = wish_of("junction-b0", "phase-request", "phase 1\n");
    uint32_t granted = 0;
    for (uint64_t ms = 2000; ms < 2000 + 3600000; ms += 100)
        granted += decide(f, &a, ms) == OK;
    CHECK(granted >= 3600 && granted <= 3602);
    CHECK(decide(f, &b, 3602000) == OK);
    drop(f);
}

TEST(dangerous_commands_need_two_people_over_these_bytes)
{
    struct fixture *f = make(true);
    struct wish w = wish_of("junction-a0", "all-flash", ""), other = w;
    struct buf lines;
    int64_t soon = now_us + 60 * 1000000LL;
    buf_init(&lines, 8192);
    other.device = bytes_text("junction-b0");
    static const struct {
        const char *names[2], *roles[2], *purposes[2];
        bool other_bytes, expired, granted;
    } cases[] = {
        {{"ann", "ben"}, {"operator", "engineer"}, {"operate", "operate"}, false, false, true},
        {{"ann", "ann"}, {"operator", "operator"}, {"operate", "operate"}, false, false, false},
        {{"ben", "cid"}, {"engineer", "engineer"}, {"operate", "operate"}, false, false, false},
        {{"ann", "dee"}, {"operator", "auditor"}, {"operate", "compliance"}, false, false, false},
        {{"ann", "dee"}, {"operator", "auditor"}, {"operate", "operate"}, false, false, false},
        {{"ann", "eve"}, {"operator", "engineer"}, {"operate", "operate"}, false, false, false},
        {{"ann", "ben"}, {"operator", "operator"}, {"operate", "operate"}, false, false, false},
        {{"ann", "ben"}, {"operator", "engineer"}, {"operate", "operate"}, true, false, false},
        {{"ann", "ben"}, {"operator", "engineer"}, {"operate", "operate"}, false, true, false},
    };
    CHECK(decide(f, &w, 2000) == ERR_DENIED);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        buf_reset(&lines);
        for (int p = 0; p < 2; p++)
            approve(f, &lines, cases[i].other_bytes ? &other : &w, cases[i].names[p],
                    cases[i].roles[p], cases[i].purposes[p], cases[i].expired ? now_us - 1 : soon);
        struct wish asked = w;
        asked.approvals = buf_bytes(&lines);
        CHECK((decide(f, &asked, 2000) == OK) == cases[i].granted);
    }
    buf_fini(&lines);
    drop(f);
}

/* A breached core invents names until every bucket is in use, and stops. */
TEST(invented_names_do_not_keep_real_devices_out)
{
    struct fixture *f = make(true);
    char name[START_NAME_SIZE];
    f->start.commands[0].rate_per_hour = 360;
    for (uint32_t i = 0; i < ENVELOPE_DEVICES_MAX; i++) {
        snprintf(name, sizeof(name), "invented-%u", i);
        struct wish w = wish_of(name, "phase-request", "phase 1\n");
        CHECK(decide(f, &w, 2000) == OK);
    }
    struct wish w = wish_of("junction-a0", "phase-request", "phase 1\n");
    CHECK(decide(f, &w, 2000) == ERR_DENIED);
    CHECK(decide(f, &w, 2000 + 9999) == ERR_DENIED);
    CHECK(decide(f, &w, 2000 + 10000) == OK); /* their buckets are full again */
    for (uint32_t granted = 1; granted < 4; granted++)
        CHECK((decide(f, &w, 2000 + 10000) == OK) == (granted < 2)); /* its own is not */
    drop(f);
}

TEST(an_envelope_hears_of_a_restart_and_of_approvals_that_nobody_asked_for)
{
    struct fixture *f = make(true);
    struct tally *tally = f->verdict.envelope_state;
    struct wish w = wish_of("junction-a0", "phase-request", "phase 1\n");
    struct buf lines;
    buf_init(&lines, 8192);
    CHECK(tally->restarts == 0);
    CHECK(decide(f, &w, 2000) == OK && tally->people == 0);
    approve(f, &lines, &w, "ann", "operator", "operate", now_us + 60000000);
    approve(f, &lines, &w, "ann", "operator", "operate", now_us + 60000000);
    w.approvals = buf_bytes(&lines);
    CHECK(decide(f, &w, 3000) == OK && tally->people == 1);
    approve(f, &lines, &w, "ben", "engineer", "operate", now_us + 60000000);
    w.approvals = buf_bytes(&lines);
    CHECK(decide(f, &w, 4000) == OK && tally->people == 2);
    buf_fini(&lines);
    drop(f);
    f = make(false);
    CHECK(((struct tally *)f->verdict.envelope_state)->restarts == 1);
    drop(f);
}
