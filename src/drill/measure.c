/* measure.c -- one round for every compartment: breached, heard, outlived by its neighbours. */
#include "drill/measure.h"

#include "base/clock.h"
#include "drill/interrupt.h"
#include "drill/survey.h"
#include "programs/conduit/valve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PART_MS = 8000, /* of the attempt, on a loaded machine */
    STEP_MS = 10,
    BEAT_MS = 3000,
    BEATS_MAX = 4, /* that a count which was said may take to be counted */
    END_MS = 3000,
    CELL_MIDDLE = 9000,
    CELL_SPREAD = 31, /* the valve knows cells that are near each other */
    LOG_BYTES_MAX = 64 << 20,
};

/* ---- before ------------------------------------------------------------------------------------
 */

static void
make_mark(struct survey *s, const char *prefix, char out[static SURVEY_MARK_SIZE])
{
    int n = snprintf(out, SURVEY_MARK_SIZE, "%s-%016llx", prefix,
                     (unsigned long long)random_u64(&s->random));
    ASSERT(n > 0 && n < SURVEY_MARK_SIZE);
}

static enum err
prepare(struct survey *s)
{
    for (uint32_t i = 0; i < s->m->count; i++)
        make_mark(s, "canary", s->marks[i]);
    for (uint32_t i = 0; i < s->charter->conduits_count; i++)
        s->columns[i] = CELL_MIDDLE + (uint32_t)random_below(&s->random, CELL_SPREAD);
    enum err e = range_start(s->range);
    if (e == OK)
        e = voices_plant(s);
    if (e == OK && !voices_tokens(s)) {
        fprintf(stderr, "bulkhead: the judge grants no token in the copy of the city\n");
        e = ERR_DENIED;
    }
    return e;
}

static bool
leads_to(const struct survey *s, uint32_t conduit, const struct matrix_compartment *core)
{
    return core->kind == MATRIX_CORE && (int32_t)s->charter->conduits[conduit].to == core->zone;
}

static bool
begins_in(const struct survey *s, uint32_t conduit, const struct matrix_compartment *core)
{
    return core->kind == MATRIX_CORE && (int32_t)s->charter->conduits[conduit].from == core->zone;
}

static bool
hears_counts(const struct survey *s, const struct matrix_compartment *k)
{
    for (uint32_t i = 0; i < s->charter->conduits_count; i++)
        if (leads_to(s, i, k))
            return true;
    return false;
}

/* Who shares a pair with `x`: it may have dropped its channel. */
static bool
is_neighbour(const struct survey *s, const struct matrix_compartment *x,
             const struct matrix_compartment *k)
{
    if (x->zone >= 0 && x->zone == k->zone)
        return true;
    return x->kind == MATRIX_CONDUIT &&
           (leads_to(s, (uint32_t)x->conduit, k) || begins_in(s, (uint32_t)x->conduit, k));
}

/*
 * All as at first: who was breached and its neighbours are started anew, with nothing waiting in
 * their pairs; so are the ledger, which dropped a channel, and conduits and who hears them, for a
 * fresh rate and no counts.
 */
static enum err
renew(struct survey *s, uint32_t x)
{
    for (uint32_t i = 0; i < s->m->count; i++) {
        const struct matrix_compartment *k = &s->m->compartments[i];
        bool anew = i == x || k->kind == MATRIX_LEDGER || k->kind == MATRIX_CONDUIT ||
                    hears_counts(s, k) || is_neighbour(s, &s->m->compartments[x], k) ||
                    range_pid(s->range, k->name) <= 0;
        if (!anew)
            continue;
        range_stop(s->range, k->name);
        if (k->kind == MATRIX_CORE)
            s->leases[k->zone] = 0;
        /* A warden that was never started grants at once; else it waits for old leases to end. */
        int state = range_end(s->range, k->name, FD_WARDEN_STATE, NULL);
        if (state >= 0 && ftruncate(state, 0) != 0)
            return ERR_IO;
    }
    range_forget(s->range);
    return range_start(s->range);
}

/* ---- one round --------------------------------------------------------------------------------
 */

static void
effect(struct survey *s, uint32_t x, uint32_t to, unsigned e)
{
    if (x != to)
        s->m->cells[x][to] = (uint8_t)(s->m->cells[x][to] | e);
}

static uint32_t
index_of(const struct survey *s, enum matrix_kind kind, int32_t zone, int32_t conduit)
{
    for (uint32_t i = 0; i < s->m->count; i++) {
        const struct matrix_compartment *k = &s->m->compartments[i];
        if (k->kind == kind && k->zone == zone && k->conduit == conduit)
            return i;
    }
    return MATRIX_MAX;
}

static bool
wait_for_part(struct survey *s, const char *compartment, const char *part)
{
    struct clock_source clock = clock_system();
    uint64_t end = clock_mono_ms(&clock) + PART_MS;
    while (!strstr(range_said(s->range, compartment), part)) {
        if (clock_mono_ms(&clock) > end || range_pid(s->range, compartment) <= 0)
            return false;
        range_turn(s->range, STEP_MS);
    }
    return true;
}

static enum err
breach(struct survey *s, uint32_t x, const struct measure_config *config)
{
    static const char *const kinds[MATRIX_KINDS] = {"ledger", "judge",  "gate",
                                                    "core",   "warden", "conduit"};
    const struct matrix_compartment *k = &s->m->compartments[x];
    uint32_t neighbour = x == 0 ? 1 : 0;
    char targets[300];
    make_mark(s, "nonce", s->nonce);
    snprintf(targets, sizeof(targets), "nonce=%s\nkind=%s\ndevice=keeper\npid=%d\ntrick=%u\n",
             s->nonce, kinds[k->kind], range_pid(s->range, s->m->compartments[neighbour].name), x);
    struct range_breach b = {.compartment = k->name,
                             .payload = config->payload,
                             .attempt = "EVERYTHING",
                             .targets = targets};
    return range_breach(s->range, &b);
}

/* How long the slowest conduit may hold a count back. */
static uint32_t
longest_tick_ms(const struct survey *s)
{
    uint32_t longest = 0;
    for (uint32_t i = 0; i < s->charter->conduits_count; i++) {
        uint32_t tick_ms = valve_tick_ms(s->charter->conduits[i].rate_per_hour);
        if (matrix_conduit_passes(s->charter, i) && tick_ms > longest)
            longest = tick_ms;
    }
    return longest;
}

/* True if the attempt in x may hear this conduit's counts: then they are said while it listens,
 * else when it has done its worst. */
static bool
may_hear(const struct survey *s, uint32_t x, uint32_t conduit)
{
    const struct matrix_compartment *k = &s->m->compartments[x];
    return k->conduit == (int32_t)conduit || leads_to(s, conduit, k);
}

/* True if anything was said. */
static bool
say_counts(struct survey *s, uint32_t x, bool heard)
{
    bool any = false;
    for (uint32_t i = 0; i < s->charter->conduits_count; i++)
        if (matrix_conduit_passes(s->charter, i) && may_hear(s, x, i) == heard) {
            voices_count(s, i);
            any = true;
        }
    return any;
}

/* Until every count that was said at since_ms has passed its conduit. */
static void
wait_for_counts(struct survey *s, uint64_t since_ms)
{
    struct clock_source clock = clock_system();
    uint64_t end = since_ms + longest_tick_ms(s) + 5 * STEP_MS, now = clock_mono_ms(&clock);
    if (now < end)
        range_turn(s->range, (uint32_t)(end - now));
}

/* ---- what arrived ----------------------------------------------------------------------------
 */

static void
judge_marks(struct survey *s, uint32_t x)
{
    const char *said = range_said(s->range, s->m->compartments[x].name);
    char line[SURVEY_MARK_SIZE + 8];
    for (uint32_t i = 0; i < s->m->count; i++) {
        snprintf(line, sizeof(line), "saw %s\n", s->marks[i]);
        if (strstr(said, line))
            effect(s, x, i, MATRIX_READ);
    }
    for (uint32_t i = 0; i < s->charter->conduits_count; i++) {
        snprintf(line, sizeof(line), "saw cell-%u-%u\n", 12000 + i, s->columns[i]);
        if (!strstr(said, line))
            continue;
        effect(s, x, index_of(s, MATRIX_CORE, (int32_t)s->charter->conduits[i].from, -1),
               MATRIX_READ);
        effect(s, x, index_of(s, MATRIX_CONDUIT, -1, (int32_t)i), MATRIX_READ);
    }
}

static bool
log_holds(const struct survey *s, const char *log, const char *what)
{
    char path[400];
    struct buf text;
    snprintf(path, sizeof(path), "%s/ledger/%s/entries", range_state(s->range), log);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    buf_init(&text, LOG_BYTES_MAX);
    for (ssize_t n = 1; fd >= 0 && n > 0;) {
        uint8_t *room = buf_room(&text, 65536);
        n = room ? read(fd, room, 65536) : 0;
        buf_filled(&text, n > 0 ? (size_t)n : 0);
    }
    if (fd >= 0)
        close(fd);
    bool holds = text.len && memmem(text.p, text.len, what, strlen(what));
    buf_fini(&text);
    return holds;
}

static void
judge_logs(struct survey *s, uint32_t x)
{
    if (log_holds(s, "city", s->nonce))
        effect(s, x, 0, MATRIX_WRITE);
    for (uint32_t z = 0; z < s->charter->zones_count; z++) {
        char lease[200];
        const char *name = s->charter->zones[z].name;
        if (log_holds(s, name, s->nonce))
            effect(s, x, 0, MATRIX_WRITE);
        snprintf(lease, sizeof(lease), "{\"event\":\"lease\",\"zone\":\"%s\",\"device\":\"%s\"",
                 name, s->nonce);
        if (log_holds(s, name, lease))
            effect(s, x, index_of(s, MATRIX_WARDEN, (int32_t)z, -1), MATRIX_COMMAND);
    }
}

/* Stores, with the gates standing still; a core that does not hear its gate any more is asked after
 * a restart. */
static enum err
judge_stores(struct survey *s, uint32_t x)
{
    for (uint32_t z = 0; z < s->charter->zones_count; z++) {
        uint32_t core = index_of(s, MATRIX_CORE, (int32_t)z, -1);
        const char *name = s->m->compartments[core].name;
        bool answered = false, holds = false;
        if (core == x)
            continue;
        bool deaf = index_of(s, MATRIX_GATE, (int32_t)z, -1) == x; /* its channel was dropped */
        for (int tries = deaf ? 1 : 0; !answered && tries < 2; tries++) {
            if (tries) {
                range_stop(s->range, name);
                range_forget(s->range);
                enum err e = range_restart(s->range, name);
                if (e != OK)
                    return e;
            }
            holds = voices_core_holds(s, z, &answered);
        }
        if (!answered)
            fprintf(stderr, "bulkhead: %s does not say what it holds\n", name);
        if (holds)
            effect(s, x, core, MATRIX_WRITE);
    }
    return OK;
}

/* What a core counted of its conduits: the nonce, and which honest counts. */
static void
judge_counts(struct survey *s, uint32_t x, bool arrived[static CHARTER_CONDUITS_MAX])
{
    for (uint32_t i = 0; i < s->m->count; i++) {
        const struct matrix_compartment *k = &s->m->compartments[i];
        if (i == x || !hears_counts(s, k))
            continue;
        uint64_t shown = range_counter(s->range, k->name, "shown");
        if (shown >= SURVEY_NONCE_COUNT) {
            effect(s, x, i, MATRIX_WRITE);
            shown -= SURVEY_NONCE_COUNT;
        }
        for (uint32_t c = s->charter->conduits_count; c-- > 0;)
            if (leads_to(s, c, k) && shown >= voices_count_of(s, c)) {
                shown -= voices_count_of(s, c);
                arrived[c] = true;
            }
    }
}

/* Counters that are new; and newer ones while an honest count may still be on its way. */
static void
wait_for_counters(struct survey *s, uint32_t x)
{
    bool all = false;
    for (int i = 0; !all && i < BEATS_MAX; i++) {
        bool arrived[CHARTER_CONDUITS_MAX] = {false};
        range_beats(s->range, BEAT_MS);
        judge_counts(s, x, arrived);
        all = true;
        for (uint32_t c = 0; c < s->charter->conduits_count; c++)
            all = all && (arrived[c] || !matrix_conduit_passes(s->charter, c) ||
                          leads_to(s, c, &s->m->compartments[x]));
    }
}

static void
judge_conduits(struct survey *s, uint32_t x)
{
    bool arrived[CHARTER_CONDUITS_MAX] = {false};
    judge_counts(s, x, arrived);
    for (uint32_t i = 0; i < s->charter->conduits_count; i++) {
        uint32_t conduit = index_of(s, MATRIX_CONDUIT, -1, (int32_t)i);
        uint32_t to = index_of(s, MATRIX_CORE, (int32_t)s->charter->conduits[i].to, -1);
        bool heard = to == x && (s->m->cells[x][conduit] & MATRIX_READ);
        uint64_t honest = arrived[i] || heard;
        if (range_counter(s->range, s->m->compartments[conduit].name, "passed") > honest)
            effect(s, x, conduit, MATRIX_WRITE);
        if (matrix_conduit_passes(s->charter, i) && !honest)
            effect(s, x, to, MATRIX_DISTURB);
    }
}

static void
judge_leases(struct survey *s, uint32_t x)
{
    for (uint32_t z = 0; z < s->charter->zones_count; z++) {
        uint32_t core = index_of(s, MATRIX_CORE, (int32_t)z, -1);
        if (core != x &&
            range_counter(s->range, s->m->compartments[core].name, "leases") > s->leases[z])
            effect(s, x, core, MATRIX_COMMAND);
    }
}

/* ---- who is still served ----------------------------------------------------------------------
 */

/* Asked twice before it counts as disturbed: a machine with much to do is late at times. Without a
 * ledger most are disturbed, and once is enough. */
static bool
served(struct survey *s, uint32_t x, uint32_t zone, bool (*ask)(struct survey *s, uint32_t zone))
{
    bool patient = s->m->compartments[x].kind != MATRIX_LEDGER;
    return ask(s, zone) || (patient && ask(s, zone));
}

static void
ask_zone(struct survey *s, uint32_t x, uint32_t z)
{
    uint32_t gate = index_of(s, MATRIX_GATE, (int32_t)z, -1);
    uint32_t core = index_of(s, MATRIX_CORE, (int32_t)z, -1);
    uint32_t warden = index_of(s, MATRIX_WARDEN, (int32_t)z, -1);
    if (gate != x && matrix_has_https(s->charter, z)) {
        if (!served(s, x, z, voices_gate_serves))
            effect(s, x, gate, MATRIX_DISTURB);
        else if (!served(s, x, z, voices_core_reads) || !served(s, x, z, voices_core_commands))
            effect(s, x, core, MATRIX_DISTURB);
    }
    /* A warden serves its own core only: that one's channel is no news. */
    if (warden != MATRIX_MAX && warden != x && core != x && !served(s, x, z, voices_warden_grants))
        effect(s, x, warden, MATRIX_DISTURB);
}

static void
ask_all(struct survey *s, uint32_t x)
{
    for (uint32_t z = 0; z < s->charter->zones_count; z++)
        ask_zone(s, x, z);
    uint32_t judge = index_of(s, MATRIX_JUDGE, -1, -1);
    if (judge != x && !voices_judge_grants(s))
        effect(s, x, judge, MATRIX_DISTURB);
}

/* Strangers whose question the breached core answers itself: what it chose reaches them. */
static void
ask_strangers(struct survey *s, uint32_t x)
{
    for (uint32_t z = 0; z < s->charter->zones_count; z++) {
        uint32_t gate = index_of(s, MATRIX_GATE, (int32_t)z, -1);
        if (gate != x && matrix_has_https(s->charter, z) && voices_stranger(s, z))
            effect(s, x, gate, MATRIX_WRITE);
    }
}

static void
judge_ends(struct survey *s, uint32_t x, const pid_t *before)
{
    for (uint32_t i = 0; i < s->m->count; i++)
        if (i != x && range_pid(s->range, s->m->compartments[i].name) != before[i])
            effect(s, x, i, MATRIX_DISTURB);
}

static enum err
run_round(struct survey *s, uint32_t x, const struct measure_config *config)
{
    const char *name = s->m->compartments[x].name;
    struct clock_source clock = clock_system();
    pid_t before[MATRIX_MAX];
    s->breached = x;
    enum err e = breach(s, x, config);
    if (e != OK)
        return e;
    for (uint32_t i = 0; i < s->m->count; i++)
        before[i] = range_pid(s->range, s->m->compartments[i].name);
    bool done = wait_for_part(s, name, "part 1\n");
    voices_say(s);
    ask_strangers(s, x);
    if (say_counts(s, x, true))
        wait_for_counts(s, clock_mono_ms(&clock));
    range_turn(s->range, 2 * STEP_MS);
    range_tell(s->range, name);
    done = done && wait_for_part(s, name, "part 2\n");
    uint64_t said_ms = clock_mono_ms(&clock);
    bool counts = say_counts(s, x, false);
    ask_all(s, x);
    if (counts)
        wait_for_counts(s, said_ms);
    wait_for_counters(s, x);
    judge_marks(s, x);
    judge_logs(s, x);
    judge_leases(s, x);
    judge_conduits(s, x);
    judge_ends(s, x, before);
    e = judge_stores(s, x);
    for (uint32_t i = 0; i < s->m->count; i++)
        before[i] = range_pid(s->range, s->m->compartments[i].name);
    range_tell(s->range, name);
    struct outcome o = range_answer(s->range, name, END_MS);
    judge_ends(s, x, before);
    if (!done || o.answer != ANSWER_REFUSED) {
        fprintf(stderr, "bulkhead: the attempt in %s gave no answer: %s\n", name, o.how);
        return ERR_IO;
    }
    return e;
}

/* The ledger last: its own files are looked at by all others' rounds. */
static enum err
run_rounds(struct survey *s, const struct measure_config *config)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < s->m->count; i++) {
        uint32_t x = (i + 1) % s->m->count;
        if (config->only && strcmp(s->m->compartments[x].name, config->only) != 0)
            continue;
        if (config->progress)
            fprintf(stderr, "\r%-60s", s->m->compartments[x].name);
        e = run_round(s, x, config);
        if (e == OK && interrupt_seen())
            e = ERR_CLOSED;
        if (e == OK && i + 1 < s->m->count && !config->only)
            e = renew(s, x);
    }
    if (config->progress)
        fprintf(stderr, "\r%60s\r", "");
    return e;
}

enum err
measure_matrix(const struct measure_config *config, struct matrix *out)
{
    struct range_config city = {.charter = config->charter,
                                .libexec = config->libexec,
                                .drill_libexec = config->drill_libexec,
                                .verbose = config->verbose};
    struct survey *s = calloc(1, sizeof(*s));
    ASSERT(s);
    *s = (struct survey){.charter = config->charter, .m = out, .random = random_system()};
    matrix_list(out, config->charter);
    interrupt_watch();
    enum err e = range_open(&city, &s->range);
    if (e == OK)
        e = prepare(s);
    const struct measure_mistake *wrong = config->mistake;
    if (e == OK && wrong)
        e = range_misplan(s->range, wrong->to, wrong->of, wrong->role, NULL);
    if (e == OK)
        e = run_rounds(s, config);
    range_close(s->range);
    free(s);
    return e;
}
