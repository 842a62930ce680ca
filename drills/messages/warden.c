/*
 * warden.c -- a breached core and a breached ledger at the signals' warden: whatever they say, a
 * lease is for a command of the charter, inside the envelope, approved where people must approve,
 * numbered upwards, signed once for one wish, and never before its entry was recorded.
 *
 * The core also invents intersections, so that a share of them be more, and the warden is started
 * anew in the middle of it: neither gives it one lease above the budget of the charter.
 */
#include "drills/messages/play.h"

#include "grant/token.h"
#include "programs/wish.h"

/* Two files of the program have static functions of one name. */
#define on_frame ledger_client_on_frame
#include "programs/ledger_client.c"
#undef on_frame
#define main warden_program
int warden_program(void);
#include "programs/warden/warden_main.c"
#undef main

#include <sys/mman.h>
#include <unistd.h>

enum {
    MINIMUM_GREEN_MS = 5000,
    YELLOW_MS = 3000,
    ALL_RED_MS = 2000,
    MAXIMUM_RED_MS = 90000,
    CHANGE_US = (MINIMUM_GREEN_MS + YELLOW_MS + ALL_RED_MS) * 1000,
    LEASE_MS = 10000,
    PREEMPT_LEASE_MS = 15000,
    MANUAL_LEASE_MS = 60000,
    FLASH_LEASE_MS = 600000,
    COOL_DOWN_MS = 60000,
    REAL = 6, /* of the devices: the others are invented */
    DEVICES = 12,
    SHARE = 2, /* of six, 34 % */
    APPROVED_SHARE = 3,
    APPROVED = 7,
    EPISODE = 5000,
    LIVES = 4, /* of a warden, over one state file */
    PHASES_MAX = 32,
    NUMBERS_MAX = LIVES * EPISODE + 64,
};

extern const struct field_row core_warden_rows[], ledger_rows[];
static struct warden *warden;
static struct start *given;
static struct clock_fake clock_now = {1000000, 1790000000LL * 1000000};
static struct channel core, ledger; /* the other ends */
static uint8_t warden_public[32], judge_secret[64], judge_public[32];
static struct maker ledger_maker; /* the breached ledger's own lies */
static unsigned steps, lives;
static uint64_t good_answers, leases;

static const char *const devices[DEVICES] = {"a1", "a2", "a3", "a4", "a5", "a6",
                                             "x1", "x2", "x3", "x4", "x5", "x6"};

/* Approvals that people really gave, and of what: nothing else may be granted that needs them. */
static const struct {
    const char *command, *device, *parameters;
    bool two; /* two people: or one of them twice */
} approved[APPROVED] = {
    {"all-flash", "a1", "", true},
    {"all-flash", "a2", "", false},
    {"manual", "a3", "phase 1\n", false},
    {"all-red", "a4", "beyond-share 1\n", true},
    {"all-flash", "a5", "beyond-share 1\n", true},
    {"manual", "a6", "beyond-share 1\nphase 2\n", false},
    {"all-flash", "x1", "beyond-share 1\n", true},
};
static char approvals[APPROVED][2200];

/* What was granted, by device: as the warden's own entries say. */
struct light {
    int64_t changed_us, flash_expiry_us;
    int64_t flash_begin_us, phase;
    int64_t budget_until_us; /* flashing, at red or held by hand */
    int64_t preempt_until_us, preempt_phase, preempt_over_us[PHASES_MAX], row_since_us;
};
static struct light lights[DEVICES];
static uint64_t budgets, beyond, restarts;
static int state_fd = -1;
static int64_t approve_us;            /* when they approve again */
static uint64_t numbers[NUMBERS_MAX]; /* of the leases of this episode */
static size_t numbers_count;

static bool
fill(struct maker *m, const char *message, const char *field, struct value *out)
{
    static const char *const commands[] = {
        "phase-request", "phase-request", "phase-request", "all-flash", "all-red",
        "all-red",       "manual",        "preempt",       "release",   "set-price"};
    static const char *const words[] = {"controller", "ann", "ben", "nobody"};
    static const char *const parameters[] = {"phase 0\n",
                                             "phase 1\n",
                                             "phase 2\n",
                                             "phase 3\n",
                                             "",
                                             "",
                                             "phase 99\n",
                                             "phase -1\n",
                                             "phase 1",
                                             "phase 1\nphase 2\n",
                                             "hold 5\n",
                                             "phase 1\nsequence 9\n",
                                             "expiry 99\n",
                                             "\n",
                                             "beyond-share 1\n",
                                             "beyond-share 1\nphase 2\n"};
    static size_t kept = APPROVED; /* the approved wish that this one repeats, in part */
    (void)message;
    if (strcmp(field, "device") == 0)
        kept = maker_chance(m, 30) ? (size_t)maker_random(m, APPROVED) : APPROVED;
    bool repeats = kept < APPROVED && !maker_chance(m, 10);
    if (repeats && strcmp(field, "device") == 0)
        out->bytes = bytes_text(approved[kept].device);
    else if (repeats && strcmp(field, "command") == 0)
        out->bytes = bytes_text(approved[kept].command);
    else if (repeats && strcmp(field, "parameters") == 0)
        out->bytes = bytes_text(approved[kept].parameters);
    else if (repeats && strcmp(field, "approvals") == 0)
        out->bytes = bytes_text(approvals[kept]);
    else if (strcmp(field, "ref") == 0)
        out->number = maker_random(m, 100);
    else if (strcmp(field, "device") == 0)
        out->bytes = maker_word(m, devices, DEVICES);
    else if (strcmp(field, "command") == 0)
        out->bytes = maker_word(m, commands, ARRAY_COUNT(commands));
    else if (strcmp(field, "parameters") == 0)
        out->bytes = maker_word(m, parameters, ARRAY_COUNT(parameters));
    else if (strcmp(field, "asked_by") == 0)
        out->bytes = maker_word(m, words, ARRAY_COUNT(words));
    else if (strcmp(field, "sequence") == 0)
        out->number = warden->sequence.next + maker_random(m, 2000) - 1000;
    else if (strcmp(field, "approvals") == 0)
        out->bytes = bytes_text(maker_chance(m, 30) ? "" : approvals[maker_random(m, APPROVED)]);
    else
        return false;
    return true;
}

static bool
fill_ledger(struct maker *m, const char *message, const char *field, struct value *out)
{
    (void)message;
    if (strcmp(field, "ref") != 0)
        return false;
    out->number =
        warden->ledger.next_ref - maker_random(m, 20); /* of those that wait, and others */
    return true;
}

static void
add_envelope(const char *name, int64_t value)
{
    struct start_envelope *row = &given->envelope[given->envelope_count++];
    snprintf(row->name, sizeof(row->name), "%s", name);
    row->value = value;
    row->line = 9;
}

static void
add_caller(const char *name, const char *role)
{
    struct start_caller *c = &given->callers[given->callers_count++];
    snprintf(c->name, sizeof(c->name), "%s", name);
    snprintf(c->role, sizeof(c->role), "%s", role);
    snprintf(c->zones, sizeof(c->zones), "signals");
    snprintf(c->purposes, sizeof(c->purposes), "operate");
}

/* One approval by `name`, as the judge signs it. */
static void
put_approval(size_t which, const char *name, const char *role)
{
    struct wish wish = {.device = bytes_text(approved[which].device),
                        .command = bytes_text(approved[which].command),
                        .parameters = bytes_text(approved[which].parameters)};
    char *to = approvals[which];
    size_t size = sizeof(approvals[which]);
    struct token t = {.approval = true, .expiry_us = INT64_MAX / 4};
    struct buf b;
    snprintf(t.caller, sizeof(t.caller), "%s", name);
    snprintf(t.role, sizeof(t.role), "%s", role);
    snprintf(t.zone, sizeof(t.zone), "signals");
    snprintf(t.purpose, sizeof(t.purpose), "operate");
    crypto_hash_sha256(t.key_digest, (const uint8_t *)name, strlen(name));
    t.expiry_us = clock_now.wall_us + 900LL * 1000000;
    wish_digest("signals", &wish, t.approves);
    buf_init(&b, TOKEN_BYTES_MAX);
    CHECK_OK(token_sign(&t, judge_secret, &b));
    size_t used = strlen(to);
    snprintf(to + used, size - used, "%.*s\n", BYTES_PRINTF(buf_bytes(&b)));
    buf_fini(&b);
}

/* Every ten minutes the same people approve the same again. */
static void
give_approvals(void)
{
    memset(approvals, 0, sizeof(approvals));
    for (size_t i = 0; i < APPROVED; i++) {
        put_approval(i, "ann", "operator");
        put_approval(i, approved[i].two ? "ben" : "ann", approved[i].two ? "engineer" : "operator");
    }
    approve_us = clock_now.wall_us + 600LL * 1000000;
}

/* A warden over the state file: the first of it, or one that knows nothing of its predecessor. */
static void
begin_life(void)
{
    int core_fds[2], ledger_fds[2];
    char why[ENVELOPE_WHY_SIZE] = "";
    struct disk disk = disk_system();
    uint8_t *secret = warden ? warden->secret : NULL;
    free(warden);
    warden = calloc(1, sizeof(*warden));
    CHECK(warden);
    CHECK_OK(channel_pair(core_fds));
    CHECK_OK(channel_pair(ledger_fds));
    warden->start = given;
    warden->clock = clock_fake_source(&clock_now);
    warden->random = random_system();
    warden->secret = secret;
    if (!secret) {
        warden->secret = sodium_malloc(64);
        CHECK(warden->secret);
        crypto_sign_keypair(warden_public, warden->secret);
    }
    snprintf(warden->signer, sizeof(warden->signer), "city.example/signals/warden");
    CHECK_OK(sequence_open(&warden->sequence, &disk, state_fd));
    CHECK_OK(verdict_init(&warden->verdict, given, &envelope_this, judge_public,
                          warden->sequence.first_start, clock_now.mono_ms, why));
    channel_init(&warden->core, core_fds[0]);
    channel_init(&core, core_fds[1]);
    ledger_client_init(&warden->ledger, ledger_fds[0], warden->clock, warden->random);
    clock_guard_init(&warden->guard, warden->clock, "warden", given->zone);
    channel_init(&ledger, ledger_fds[1]);
    steps = 0;
    good_answers = leases = 0;
}

static void
end_life(void)
{
    channel_fini(&warden->core);
    channel_fini(&core);
    channel_fini(&warden->ledger.channel);
    channel_fini(&ledger);
    free(warden->verdict.envelope_state);
}

static void
begin_warden(void)
{
    CHECK(sodium_init() >= 0);
    given = calloc(1, sizeof(*given));
    CHECK(given);
    snprintf(given->zone, sizeof(given->zone), "signals");
    given->commands[0] = (struct start_command){"phase-request", LEASE_MS, 3600, 0, 5};
    given->commands[1] = (struct start_command){"all-flash", FLASH_LEASE_MS, 0, 2, 6};
    given->commands[2] = (struct start_command){"all-red", MANUAL_LEASE_MS, 0, 0, 7};
    given->commands[3] = (struct start_command){"manual", MANUAL_LEASE_MS, 0, 0, 8};
    given->commands[4] = (struct start_command){"preempt", PREEMPT_LEASE_MS, 480, 0, 9};
    given->commands_count = 5;
    add_envelope("minimum-green", MINIMUM_GREEN_MS);
    add_envelope("yellow", YELLOW_MS);
    add_envelope("all-red", ALL_RED_MS);
    add_envelope("maximum-red", MAXIMUM_RED_MS);
    add_envelope("intersections", REAL);
    add_envelope("maximum-command-share", 3400);
    add_envelope("maximum-approved-share", 5000);
    add_caller("ann", "operator");
    add_caller("ben", "engineer");
    crypto_sign_keypair(judge_public, judge_secret);
    give_approvals();
    state_fd = memfd_create("state", MFD_CLOEXEC);
    begin_life();
    for (size_t i = 0; i < DEVICES; i++)
        lights[i] = (struct light){.phase = -1, .changed_us = INT64_MIN / 2};
    numbers_count = lives = 0;
    maker_init(&ledger_maker, maker_random(&play.maker, UINT64_MAX), ledger_rows, 0x0381, 0x0382,
               fill_ledger);
}

static void
end_warden(void)
{
    end_life();
    close(state_fd);
    sodium_free(warden->secret);
    free(warden);
    free(given);
    warden = NULL;
    maker_fini(&ledger_maker);
}

/* ---- the ledger ------------------------------------------------------------------------------ */

/* The text of a member of an entry, as far as its closing quote; empty: there is none. */
static struct bytes
member(struct bytes entry, const char *name)
{
    char words[40];
    int n = snprintf(words, sizeof(words), "\"%s\":\"", name);
    const uint8_t *at = memmem(entry.p, entry.len, words, (size_t)n);
    if (!at)
        return (struct bytes){0};
    struct bytes rest = bytes_skip(entry, (size_t)(at - entry.p) + (size_t)n);
    return bytes_of(rest.p, bytes_find(rest, '"'));
}

/* E1: a command above phase-request may be granted once before the green has had its time. */
static void
check_change(struct light *l, int64_t wanted, bool request)
{
    int64_t now = clock_now.wall_us, from = l->changed_us + CHANGE_US;
    if (wanted == l->phase)
        return;
    HOLDS(now >= (request ? from : l->changed_us));
    l->changed_us = now > from ? now : from;
    l->phase = wanted;
}

/* E3, over all devices, invented ones too. */
static void
check_budget(struct light *l, uint32_t lease_ms, bool goes_beyond)
{
    uint32_t count = 0;
    l->budget_until_us = clock_now.wall_us + (int64_t)lease_ms * 1000;
    for (size_t i = 0; i < DEVICES; i++)
        count += lights[i].budget_until_us > clock_now.wall_us;
    HOLDS(count <= (goes_beyond ? APPROVED_SHARE : SHARE));
    budgets++;
    beyond += count > SHARE;
}

/* E6. */
static void
check_preempt(struct light *l, int64_t phase)
{
    int64_t now = clock_now.wall_us;
    uint32_t count = 0;
    if (l->preempt_until_us > now)
        HOLDS(phase == l->preempt_phase);
    else
        HOLDS(now >= l->preempt_over_us[phase] + COOL_DOWN_MS * 1000LL);
    if (now >= l->preempt_until_us + COOL_DOWN_MS * 1000LL)
        l->row_since_us = now;
    HOLDS(now + PREEMPT_LEASE_MS * 1000LL - l->row_since_us <= MAXIMUM_RED_MS * 1000LL);
    l->preempt_phase = phase;
    l->preempt_until_us = l->preempt_over_us[phase] = now + PREEMPT_LEASE_MS * 1000LL;
    for (size_t i = 0; i < DEVICES; i++)
        count += lights[i].preempt_until_us > now;
    HOLDS(count <= 1); /* 10 % of six, and at least one */
}

/* Somebody approved exactly this. */
static bool
is_approved(struct bytes device, struct bytes command, struct bytes parameters, bool by_two)
{
    for (size_t i = 0; i < APPROVED; i++) {
        char escaped[64] = "";
        for (const char *c = approved[i].parameters; *c; c++)
            snprintf(escaped + strlen(escaped), sizeof(escaped) - strlen(escaped),
                     *c == '\n' ? "\\u000a" : "%c", *c);
        if (bytes_are(device, approved[i].device) && bytes_are(command, approved[i].command) &&
            bytes_are(parameters, escaped) && (approved[i].two || !by_two))
            return true;
    }
    return false;
}

/*
 * What the warden decided: a lease that never left (its entry failed, or the core keeps it back)
 * counts, for the warden cannot know; a light that hears of a change late has a minimum green of
 * its own (field/lights/choice.c).
 */
static void
check_entry(struct bytes entry)
{
    struct bytes device = member(entry, "device"), command = member(entry, "command");
    struct bytes parameters = member(entry, "parameters"), rest = parameters;
    struct light *l = NULL;
    if (!bytes_are(member(entry, "event"), "lease"))
        return;
    for (size_t i = 0; i < DEVICES; i++)
        if (bytes_are(device, devices[i]))
            l = &lights[i];
    if (!l)
        return; /* a name out of nothing: its first lease, and its last */
    bool goes_beyond = bytes_start(parameters, "beyond-share 1\\u000a");
    bool flash = bytes_are(command, "all-flash"), manual = bytes_are(command, "manual");
    bool red = bytes_are(command, "all-red"), preempt = bytes_are(command, "preempt");
    HOLDS(!(flash || goes_beyond) || is_approved(device, command, parameters, true));
    HOLDS(!manual || is_approved(device, command, parameters, false));
    if (goes_beyond)
        rest = bytes_skip(rest, strlen("beyond-share 1\\u000a"));
    int64_t phase = red ? PHASES_MAX : -1;
    if (bytes_start(rest, "phase "))
        phase = strtol((const char *)rest.p + strlen("phase "), NULL, 10); /* a quote follows */
    if (phase >= 0)
        check_change(l, phase, !preempt && !manual && !red);
    if (flash || red || manual)
        check_budget(l, flash ? FLASH_LEASE_MS : MANUAL_LEASE_MS, goes_beyond);
    if (preempt)
        check_preempt(l, phase);
}

static enum err
take_record(void *ctx, uint16_t id, struct bytes body)
{
    uint64_t *ref = ctx;
    struct record m;
    HOLDS(id == record_id && record_decode(body, &m) == OK);
    HOLDS(m.entry.len && m.entry.p[0] == '{' && m.entry.p[m.entry.len - 1] == '}');
    check_entry(m.entry);
    *ref = m.ref;
    return OK;
}

static void
ledger_says(uint16_t id, struct bytes body)
{
    size_t before = warden->ledger.pending_count;
    enum err e = ledger_client_on_frame(&warden->ledger, id, body);
    struct recorded m;
    if (e == OK && id == recorded_id && recorded_decode(body, &m) == OK)
        good_answers += before - warden->ledger.pending_count;
    HOLDS(warden->ledger.pending_count + 1 >= before);
}

/* Records are answered well, badly, twice, late or never; and there are lies. */
static void
play_ledger(void)
{
    uint64_t ref = 0;
    ledger_client_flush(&warden->ledger);
    while (channel_receive(&ledger, take_record, &ref) == OK) {
        struct buf b;
        struct recorded good = {ref, steps};
        struct record_failed bad = {ref, bytes_text("disk full")};
        buf_init(&b, 512);
        bool is_good = maker_chance(&ledger_maker, 70);
        if (is_good)
            recorded_encode(&good, &b);
        else
            record_failed_encode(&bad, &b);
        for (uint64_t n = maker_chance(&ledger_maker, 90) + maker_chance(&ledger_maker, 10); n; n--)
            ledger_says(is_good ? recorded_id : record_failed_id, buf_bytes(&b));
        buf_fini(&b);
    }
    if (maker_chance(&ledger_maker, 30)) {
        const struct frame *f = maker_next(&ledger_maker);
        ledger_says(f->id, buf_bytes(&f->body));
    }
}

/* ---- what comes out -------------------------------------------------------------------------- */

static void
check_lease(const struct lease *l, struct light *light, size_t device)
{
    int64_t phase = -1, further = 0, length_us = l->expiry_us - l->not_before_us;
    HOLDS(strcmp(l->zone, "signals") == 0);
    for (size_t i = 0; i < numbers_count; i++)
        HOLDS(numbers[i] != l->sequence); /* none is used twice */
    HOLDS(numbers_count < NUMBERS_MAX && l->sequence < warden->sequence.next);
    numbers[numbers_count++] = l->sequence;
    bool beyond_said = lease_parameter(l, "beyond-share", &further) == OK;
    HOLDS(!beyond_said || further == 1);
    if (strcmp(l->command, "all-flash") == 0) {
        HOLDS(device == 0 || beyond_said); /* the only one that two people approved */
        HOLDS(l->parameters_count == beyond_said && length_us <= FLASH_LEASE_MS * 1000LL);
        light->flash_begin_us = l->not_before_us;
        light->flash_expiry_us = l->expiry_us;
        return;
    }
    if (strcmp(l->command, "all-red") == 0) {
        HOLDS(l->parameters_count == beyond_said && length_us <= MANUAL_LEASE_MS * 1000LL);
    } else {
        bool manual = strcmp(l->command, "manual") == 0;
        HOLDS(manual || strcmp(l->command, "preempt") == 0 ||
              strcmp(l->command, "phase-request") == 0);
        HOLDS(length_us <= (manual ? MANUAL_LEASE_MS : PREEMPT_LEASE_MS) * 1000LL);
        HOLDS(l->parameters_count == 1U + beyond_said && lease_parameter(l, "phase", &phase) == OK);
        HOLDS(phase >= 0 && phase < PHASES_MAX && (manual || !beyond_said));
    }
    HOLDS(l->not_before_us >= light->flash_expiry_us ||
          l->not_before_us <= light->flash_begin_us); /* E4 */
}

static enum err
core_hears(void *ctx, uint16_t id, struct bytes body)
{
    struct lease_granted m;
    struct lease_refused refused;
    struct lease lease;
    (void)ctx;
    HOLDS(id == lease_granted_id || id == lease_refused_id);
    if (id == lease_refused_id) {
        HOLDS(lease_refused_decode(body, &refused) == OK && refused.reason.len);
        return OK;
    }
    HOLDS(lease_granted_decode(body, &m) == OK);
    HOLDS(++leases <= good_answers); /* no entry, no lease */
    for (size_t i = 0; i < DEVICES; i++) {
        if (!bytes_are(m.device, devices[i]))
            continue;
        struct lease_reader reader = {
            .zone = "signals", .device = devices[i], .signer = warden->signer, .last_sequence = 0};
        memcpy(reader.public_key, warden_public, 32);
        enum err opened = lease_open(&reader, m.note, clock_now.wall_us, &lease);
        if (opened == ERR_EXPIRED)
            return OK; /* the ledger answered late: no device obeys it */
        HOLDS(opened == OK);
        check_lease(&lease, &lights[i], i);
        play.effects++;
    }
    return OK;
}

static void
step(void)
{
    for (uint64_t n = 1 + maker_random(&play.maker, 6); n; n--, steps++) {
        const struct frame *f = maker_next(&play.maker);
        struct wish wish;
        struct sequence_seen seen;
        uint64_t next = warden->sequence.next;
        struct bytes exact = test_exact(buf_bytes(&f->body));
        enum err e = on_frame(warden, f->id, exact);
        play_count(e);
        HOLDS(e != OK || (f->id == wish_id && wish_decode(exact, &wish) == OK) ||
              (f->id == sequence_seen_id && sequence_seen_decode(exact, &seen) == OK));
        HOLDS(warden->sequence.next - next <= 1); /* what a core says it saw waits for its entry */
        test_exact_free(exact);
    }
    play_ledger();
    CHECK_OK(channel_flush(&warden->core));
    while (channel_receive(&core, core_hears, NULL) == OK)
        continue;
    uint64_t later_ms = maker_random(&play.maker, 3000);
    clock_now.mono_ms += later_ms;
    clock_now.wall_us += (int64_t)later_ms * 1000;
    if (clock_now.wall_us >= approve_us)
        give_approvals();
    if (maker_chance(&play.maker, 10))
        on_check(&warden->ledger); /* patience ends */
    if (maker_chance(&play.maker, 10))
        tell_unheard(warden);
    if (steps >= EPISODE && ++lives < LIVES) {
        end_life();
        begin_life();
        restarts++;
        for (size_t i = 0; i < DEVICES; i++) /* across a restart E4 is the executor's alone */
            lights[i].flash_begin_us = lights[i].flash_expiry_us = 0;
    } else if (steps >= EPISODE) {
        end_warden();
        begin_warden();
    }
}

static void
stop(void)
{
    end_warden();
    HOLDS(play.effects > 0);
    printf(
        "warden: %llu leases of the budget, %llu of them beyond the first share, %llu restarts\n",
        (unsigned long long)budgets, (unsigned long long)beyond, (unsigned long long)restarts);
}

const struct receiver receiver_this = {
    "warden", "core and ledger", core_warden_rows, 0x0201, 0x027f, fill, begin_warden, step, stop};
