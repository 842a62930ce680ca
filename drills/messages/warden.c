/*
 * warden.c -- a breached core and a breached ledger at the signals' warden: whatever they say, a
 * lease is for a command of the charter, inside the envelope, approved where people must approve,
 * numbered upwards, signed once for one wish, and never before its entry was recorded.
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
    LEASE_MS = 10000,
    FLASH_LEASE_MS = 600000,
    DEVICES = 6,
    APPROVED = 2,
    EPISODE = 5000,
    PHASES_MAX = 16,
    NUMBERS_MAX = EPISODE + 64,
};

extern const struct field_row core_warden_rows[], ledger_rows[];
static struct warden *warden;
static struct start *given;
static struct clock_fake clock_now = {1000000, 1790000000LL * 1000000};
static struct channel core, ledger; /* the other ends */
static uint8_t warden_public[32], judge_secret[64];
static struct maker ledger_maker; /* the breached ledger's own lies */
static unsigned steps;
static uint64_t good_answers, leases;

static const char *const devices[DEVICES] = {"a1", "a2", "a3", "a4", "a5", "a6"};

/* Approvals that people really gave: for all-flash of the first devices, nothing else. */
static char approvals[APPROVED][2200];

/* What was granted, by device. */
struct light {
    int64_t changed_us, flash_expiry_us;
    int64_t flash_begin_us, phase;
};
static struct light lights[DEVICES];
static uint64_t numbers[NUMBERS_MAX]; /* of the leases of this episode */
static size_t numbers_count;

static bool
fill(struct maker *m, const char *message, const char *field, struct value *out)
{
    static const char *const commands[] = {"phase-request", "phase-request", "phase-request",
                                           "all-flash",     "release",       "set-price"};
    static const char *const words[] = {"controller", "ann", "ben", "nobody"};
    static const char *const parameters[] = {
        "phase 0\n",          "phase 1\n",  "phase 2\n",
        "phase 3\n",          "",           "",
        "phase 99\n",         "phase -1\n", "phase 1",
        "phase 1\nphase 2\n", "hold 5\n",   "phase 1\nsequence 9\n",
        "expiry 99\n",        "\n"};
    (void)message;
    if (strcmp(field, "ref") == 0)
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
        out->bytes = bytes_text(maker_chance(m, 50) ? "" : approvals[maker_random(m, APPROVED)]);
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

/* One approval by `name` of all-flash for a device, as the judge signs it. */
static void
put_approval(char *to, size_t size, const char *name, const char *role, const char *device)
{
    struct wish wish = {.device = bytes_text(device), .command = bytes_text("all-flash")};
    struct token t = {.approval = true, .expiry_us = INT64_MAX / 4};
    struct buf b;
    snprintf(t.caller, sizeof(t.caller), "%s", name);
    snprintf(t.role, sizeof(t.role), "%s", role);
    snprintf(t.zone, sizeof(t.zone), "signals");
    snprintf(t.purpose, sizeof(t.purpose), "operate");
    t.expiry_us = clock_now.wall_us + 900LL * 1000000;
    wish_digest("signals", &wish, t.approves);
    buf_init(&b, TOKEN_BYTES_MAX);
    CHECK_OK(token_sign(&t, judge_secret, &b));
    size_t used = strlen(to);
    snprintf(to + used, size - used, "%.*s\n", BYTES_PRINTF(buf_bytes(&b)));
    buf_fini(&b);
}

static void
begin_warden(void)
{
    int core_fds[2], ledger_fds[2];
    uint8_t judge_public[32];
    char why[ENVELOPE_WHY_SIZE] = "";
    struct disk disk = disk_system();
    CHECK(sodium_init() >= 0);
    warden = calloc(1, sizeof(*warden));
    given = calloc(1, sizeof(*given));
    CHECK(warden && given);
    snprintf(given->zone, sizeof(given->zone), "signals");
    given->commands[0] = (struct start_command){"phase-request", LEASE_MS, 3600, 0, 5};
    given->commands[1] = (struct start_command){"all-flash", FLASH_LEASE_MS, 0, 2, 6};
    given->commands_count = 2;
    add_envelope("minimum-green", MINIMUM_GREEN_MS);
    add_envelope("yellow", YELLOW_MS);
    add_envelope("all-red", ALL_RED_MS);
    add_envelope("maximum-red", MAXIMUM_RED_MS);
    add_envelope("maximum-flash-share", 10000);
    add_caller("ann", "operator");
    add_caller("ben", "engineer");
    crypto_sign_keypair(judge_public, judge_secret);
    memset(approvals, 0, sizeof(approvals));
    put_approval(approvals[0], sizeof(approvals[0]), "ann", "operator", devices[0]);
    put_approval(approvals[0], sizeof(approvals[0]), "ben", "engineer", devices[0]);
    put_approval(approvals[1], sizeof(approvals[1]), "ann", "operator", devices[1]);
    put_approval(approvals[1], sizeof(approvals[1]), "ann", "operator",
                 devices[1]); /* one person */
    CHECK_OK(channel_pair(core_fds));
    CHECK_OK(channel_pair(ledger_fds));
    warden->start = given;
    warden->clock = clock_fake_source(&clock_now);
    warden->random = random_system();
    warden->secret = sodium_malloc(64);
    CHECK(warden->secret);
    crypto_sign_keypair(warden_public, warden->secret);
    snprintf(warden->signer, sizeof(warden->signer), "city.example/signals/warden");
    CHECK_OK(sequence_open(&warden->sequence, &disk, memfd_create("state", MFD_CLOEXEC)));
    CHECK_OK(verdict_init(&warden->verdict, given, &envelope_this, judge_public,
                          warden->sequence.first_start, clock_now.mono_ms, why));
    channel_init(&warden->core, core_fds[0]);
    channel_init(&core, core_fds[1]);
    ledger_client_init(&warden->ledger, ledger_fds[0], warden->clock, warden->random);
    clock_guard_init(&warden->guard, warden->clock, "warden", given->zone);
    channel_init(&ledger, ledger_fds[1]);
    for (size_t i = 0; i < DEVICES; i++)
        lights[i] = (struct light){.phase = -1, .changed_us = INT64_MIN / 2};
    numbers_count = 0;
    maker_init(&ledger_maker, maker_random(&play.maker, UINT64_MAX), ledger_rows, 0x0381, 0x0382,
               fill_ledger);
    steps = 0;
    good_answers = leases = 0;
}

static void
end_warden(void)
{
    close(warden->sequence.fd);
    channel_fini(&warden->core);
    channel_fini(&core);
    channel_fini(&warden->ledger.channel);
    channel_fini(&ledger);
    sodium_free(warden->secret);
    free(warden->verdict.envelope_state);
    free(warden);
    free(given);
    maker_fini(&ledger_maker);
}

/* ---- the ledger ------------------------------------------------------------------------------ */

/*
 * E1, over what the warden decided: a lease that never left (its entry failed, or the core keeps
 * it back) counts, for the warden cannot know; a light that hears of a change late has a minimum
 * green of its own (field/sumo/executor.c).
 */
static void
check_changes(struct bytes entry)
{
    static const char lease[] = "{\"event\":\"lease\"", phase[] = "\"parameters\":\"phase ";
    if (entry.len < sizeof(lease) || memcmp(entry.p, lease, sizeof(lease) - 1) != 0)
        return;
    const uint8_t *at = memmem(entry.p, entry.len, phase, sizeof(phase) - 1);
    for (size_t i = 0; at && i < DEVICES; i++) {
        char device[32];
        int n = snprintf(device, sizeof(device), "\"device\":\"%s\"", devices[i]);
        if (!memmem(entry.p, entry.len, device, (size_t)n))
            continue;
        int64_t wanted = at[sizeof(phase) - 1] - '0';
        if (wanted == lights[i].phase)
            continue;
        HOLDS(clock_now.wall_us - lights[i].changed_us >=
              (MINIMUM_GREEN_MS + YELLOW_MS + ALL_RED_MS) * 1000LL);
        lights[i].changed_us = clock_now.wall_us;
        lights[i].phase = wanted;
    }
}

static enum err
take_record(void *ctx, uint16_t id, struct bytes body)
{
    uint64_t *ref = ctx;
    struct record m;
    HOLDS(id == record_id && record_decode(body, &m) == OK);
    HOLDS(m.entry.len && m.entry.p[0] == '{' && m.entry.p[m.entry.len - 1] == '}');
    check_changes(m.entry);
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
    int64_t phase = -1, length_us = l->expiry_us - l->not_before_us;
    HOLDS(strcmp(l->zone, "signals") == 0);
    for (size_t i = 0; i < numbers_count; i++)
        HOLDS(numbers[i] != l->sequence); /* none is used twice */
    HOLDS(numbers_count < NUMBERS_MAX && l->sequence < warden->sequence.next);
    numbers[numbers_count++] = l->sequence;
    if (strcmp(l->command, "all-flash") == 0) {
        HOLDS(device == 0); /* the only one that two people approved */
        HOLDS(l->parameters_count == 0 && length_us <= FLASH_LEASE_MS * 1000LL);
        light->flash_begin_us = l->not_before_us;
        light->flash_expiry_us = l->expiry_us;
        return;
    }
    HOLDS(strcmp(l->command, "phase-request") == 0 && length_us <= LEASE_MS * 1000LL);
    HOLDS(l->parameters_count == 1 && lease_parameter(l, "phase", &phase) == OK);
    HOLDS(phase >= 0 && phase < PHASES_MAX);
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
    if (maker_chance(&play.maker, 10))
        on_check(&warden->ledger); /* patience ends */
    if (maker_chance(&play.maker, 10))
        tell_unheard(warden);
    if (steps >= EPISODE) {
        end_warden();
        begin_warden();
    }
}

static void
stop(void)
{
    end_warden();
    HOLDS(play.effects > 0);
}

const struct receiver receiver_this = {
    "warden", "core and ledger", core_warden_rows, 0x0201, 0x027f, fill, begin_warden, step, stop};
