/*
 * kill.c -- breaks one process of a running city after another, and measures who notices.
 *
 *   kill --state DIR --rounds N --seed S --window MS ZONE=PROBE-OUTPUT ...
 *
 * A round: a quiet window; then a process, drawn from all kinds alike, is killed, stopped or made
 * to loop; then a window of the same length, longer while it is not back. Back means that another
 * process stands in its place, confined, and says that it is up. The probes (tests/load/probe.c)
 * publish in every zone all the time: `gap` is the longest wait of a message in the zone that was
 * hit, `others` are the acknowledgements of all other zones, in quiet windows and in broken ones.
 * A bystander (bystander.h) writes to the same disk: how much his p99 rose is the machine's part,
 * if it stood still for him for longer than from one write to the next.
 *
 * Bars: back within 1 s after a kill, 3 s after a hang; others' p99 at most a tenth higher, beside
 * the machine's part.
 */
#include "base/base.h"
#include "base/random.h"
#include "base/text.h"
#include "drills/kill/bystander.h"
#include "drills/kill/faults.h"
#include "programs/messages.h"
#include "wire/channel.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS_MAX = 4096,
    ZONES_MAX = 32,
    ROWS_MAX = 256,
    BACK_MOST_MS = 15000,
    KILL_BAR_MS = 1000,
    HANG_BAR_MS = 3000,
    SETTLE_MS = 150,
};

struct row {
    char kind[49], name[129], zone[49];
    uint32_t pid;
    bool up;
};

struct rows {
    struct row list[ROWS_MAX];
    size_t count;
    bool ended;
};

struct round {
    uint64_t quiet_ms, broken_ms, end_ms; /* borders of the two windows, monotonic */
    char kind[49], name[129], zone[49];
    enum fault fault;
    uint64_t back_ms;
    double gap_ms; /* of the zone that was hit; 0: no probe there */
};

struct zone {
    const char *name, *file;
    struct sample *samples;
    size_t count;
};

static struct round rounds[ROUNDS_MAX];
static struct zone zones[ZONES_MAX], beside; /* the bystander: of no zone, without a name */
static size_t rounds_count, zones_count;

static uint64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
rest(uint64_t ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* ---- what runs ------------------------------------------------------------------------------- */

static enum err
on_status(void *ctx, uint16_t id, struct bytes body)
{
    struct rows *rows = ctx;
    struct status_row m;
    rows->ended = rows->ended || id == status_end_id;
    if (id != status_row_id)
        return OK;
    enum err e = status_row_decode(body, &m);
    if (e != OK || rows->count == ROWS_MAX)
        return ERR_MALFORMED;
    struct row *row = &rows->list[rows->count++];
    if (bytes_copy_text(m.kind, row->kind, sizeof(row->kind)) != OK ||
        bytes_copy_text(m.name, row->name, sizeof(row->name)) != OK ||
        bytes_copy_text(m.zone, row->zone, sizeof(row->zone)) != OK)
        return ERR_MALFORMED;
    row->pid = m.pid;
    row->up = bytes_are(m.state, "up");
    return OK;
}

static bool
ask(const char *state, struct rows *rows)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct status_ask m;
    struct channel c;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", state);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    rows->count = 0;
    rows->ended = false;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    channel_init(&c, fd);
    enum err e = CHANNEL_SEND(&c, status_ask, &m);
    if (e == OK)
        e = channel_flush(&c);
    while (e == OK && !rows->ended)
        e = channel_receive(&c, on_status, rows);
    channel_fini(&c);
    return e == OK;
}

static const struct row *
find(const struct rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->list[i].name, name) == 0)
            return &rows->list[i];
    return NULL;
}

/* A kind first, then one of it: the one ledger is hit as often as all the gates together. */
static const struct row *
draw(const struct rows *rows, struct random_source *random)
{
    const char *kinds[16];
    size_t kinds_count = 0, candidates = 0;
    for (size_t i = 0; i < rows->count; i++) {
        size_t k = 0;
        while (k < kinds_count && strcmp(kinds[k], rows->list[i].kind) != 0)
            k++;
        if (k == kinds_count && k < ARRAY_COUNT(kinds))
            kinds[kinds_count++] = rows->list[i].kind;
    }
    if (kinds_count == 0)
        return NULL;
    const char *kind = kinds[random_below(random, kinds_count)];
    for (size_t i = 0; i < rows->count; i++)
        candidates += strcmp(rows->list[i].kind, kind) == 0;
    uint64_t left = random_below(random, candidates);
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->list[i].kind, kind) == 0 && left-- == 0)
            return rows->list[i].up ? &rows->list[i] : NULL;
    return NULL;
}

/* ---- one round ------------------------------------------------------------------------------- */

static bool
wait_until_back(const char *state, struct round *r, uint32_t pid)
{
    static struct rows rows;
    while (now_ms() - r->broken_ms < BACK_MOST_MS) {
        const struct row *row = ask(state, &rows) ? find(&rows, r->name) : NULL;
        if (row && row->up && row->pid != pid) {
            r->back_ms = now_ms() - r->broken_ms;
            return true;
        }
        rest(10);
    }
    fprintf(stderr, "kill: %s did not come back\n", r->name);
    return false;
}

static enum fault
draw_fault(struct random_source *random)
{
    uint64_t x = random_below(random, 10); /* hangs take longest: fewer of them */
    return x < 6 ? FAULT_KILL : x < 8 ? FAULT_STOP : FAULT_SPIN;
}

static bool
play(const char *state, struct random_source *random, uint64_t window_ms)
{
    static struct rows rows;
    struct round *r = &rounds[rounds_count];
    const struct row *row = NULL;
    while (!row) {
        if (!ask(state, &rows))
            return false;
        row = draw(&rows, random);
        if (!row)
            rest(20);
    }
    *r = (struct round){.quiet_ms = now_ms(), .fault = draw_fault(random)};
    memcpy(r->kind, row->kind, sizeof(r->kind));
    memcpy(r->name, row->name, sizeof(r->name));
    memcpy(r->zone, row->zone, sizeof(r->zone));
    rest(window_ms);
    r->broken_ms = now_ms();
    enum err e = fault_inject(r->fault, (pid_t)row->pid);
    if (e == ERR_UNSUPPORTED) {
        r->fault = FAULT_STOP;
        e = fault_inject(r->fault, (pid_t)row->pid);
    }
    if (e == ERR_NOT_FOUND)
        return true; /* it ended by itself in between: draw again */
    if (!wait_until_back(state, r, row->pid))
        return false;
    if (r->back_ms < window_ms)
        rest(window_ms - r->back_ms);
    r->end_ms = now_ms();
    rounds_count++;
    rest(SETTLE_MS);
    return true;
}

/* ---- what the probes saw --------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
percentile(double *list, size_t count, double share)
{
    if (count == 0)
        return 0;
    qsort(list, count, sizeof(*list), compare);
    return list[(size_t)((double)(count - 1) * share)];
}

static bool
read_zone(struct zone *z)
{
    unsigned long long sent_ms, latency_us;
    size_t room = 0;
    FILE *f = fopen(z->file, "re");
    if (!f)
        return false;
    while (fscanf(f, "%llu %llu", &sent_ms, &latency_us) == 2) {
        if (z->count == room) {
            room = room ? 2 * room : 4096;
            z->samples = realloc(z->samples, room * sizeof(*z->samples));
            ASSERT(z->samples);
        }
        z->samples[z->count++] = (struct sample){sent_ms, (double)latency_us / 1000};
    }
    fclose(f);
    return z->count > 0;
}

static void
find_gaps(void)
{
    for (size_t z = 0; z < zones_count; z++)
        for (size_t i = 0; i < rounds_count; i++) {
            struct round *r = &rounds[i];
            for (size_t k = 0; strcmp(r->zone, zones[z].name) == 0 && k < zones[z].count; k++) {
                const struct sample *s = &zones[z].samples[k];
                if (s->sent_ms + 50 >= r->broken_ms && s->sent_ms < r->end_ms &&
                    s->latency_ms > r->gap_ms)
                    r->gap_ms = s->latency_ms;
            }
        }
}

static bool
is_hit(const struct zone *z, const struct round *r)
{
    return z->name && strcmp(z->name, r->zone) == 0;
}

/* p99 of those of `list` that were not hit, while something was broken or while all was quiet. */
static double
window_p99(const struct zone *list, size_t list_count, int fault, bool broken)
{
    double *found = NULL;
    size_t count = 0, room = 0;
    for (size_t i = 0; i < rounds_count; i++) {
        const struct round *r = &rounds[i];
        uint64_t from = broken ? r->broken_ms : r->quiet_ms;
        uint64_t to = broken ? r->end_ms : r->broken_ms;
        for (size_t z = 0; (fault < 0 || (int)r->fault == fault) && z < list_count; z++)
            for (size_t k = 0; !is_hit(&list[z], r) && k < list[z].count; k++) {
                const struct sample *s = &list[z].samples[k];
                if (s->sent_ms < from || s->sent_ms >= to)
                    continue;
                if (count == room) {
                    room = room ? 2 * room : 65536;
                    found = realloc(found, room * sizeof(*found));
                    ASSERT(found);
                }
                found[count++] = s->latency_ms;
            }
    }
    double p99 = percentile(found, count, 0.99);
    free(found);
    return p99;
}

/* How much the p99 rose while something was broken; one line of the report. 0: nobody to ask. */
static double
put_rise(const char *who, const struct zone *list, size_t list_count, int fault)
{
    double quiet = window_p99(list, list_count, fault, false);
    double broken = window_p99(list, list_count, fault, true);
    if (quiet <= 0 || broken <= 0)
        return 0;
    printf("%-12s p99: %-5s quiet %.3f ms broken %.3f ms ratio %.2f\n", who,
           fault < 0 ? "all" : fault_text((enum fault)fault), quiet, broken, broken / quiet);
    return broken / quiet;
}

static void
put_row(const char *kind, int fault)
{
    static double back[ROUNDS_MAX], gap[ROUNDS_MAX];
    size_t n = 0, gaps = 0;
    for (size_t i = 0; i < rounds_count; i++) {
        if (strcmp(rounds[i].kind, kind) != 0 || (int)rounds[i].fault != fault)
            continue;
        back[n++] = (double)rounds[i].back_ms;
        if (rounds[i].gap_ms > 0)
            gap[gaps++] = rounds[i].gap_ms;
    }
    if (n == 0)
        return;
    double back_p50 = percentile(back, n, 0.5), gap_p50 = percentile(gap, gaps, 0.5);
    printf("%-8s %-5s %5zu   back p50 %5.0f max %5.0f ms", kind, fault_text((enum fault)fault), n,
           back_p50, back[n - 1]);
    if (gaps)
        printf("   its zone waits p50 %5.0f max %5.0f ms", gap_p50, gap[gaps - 1]);
    printf("\n");
}

static bool
report(uint64_t seed)
{
    static const char *const kinds[] = {"ledger", "judge", "warden", "core", "conduit", "gate"};
    double worst[2] = {0, 0}, ratio = 0, machine = 0;
    find_gaps();
    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++)
        for (int f = 0; f < FAULT_COUNT; f++)
            put_row(kinds[k], f);
    for (size_t i = 0; i < rounds_count; i++) {
        double *w = &worst[rounds[i].fault != FAULT_KILL];
        if ((double)rounds[i].back_ms > *w)
            *w = (double)rounds[i].back_ms;
    }
    for (int f = FAULT_COUNT - 1; f >= -1; f--) {
        ratio = put_rise("other zones,", zones, zones_count, f);
        machine = put_rise("bystander,", &beside, 1, f);
    }
    if (machine > 1 && window_p99(&beside, 1, -1, true) > BYSTANDER_PERIOD_MS)
        ratio /= machine; /* the last of the loop: all faults together */
    bool holds = ratio > 0 && worst[0] < KILL_BAR_MS && worst[1] < HANG_BAR_MS;
    printf("kill: %zu rounds, seed %llu: back after a kill within %.0f ms, after a hang within "
           "%.0f ms (%s); other zones' p99 ratio beside the bystander's %.2f\n",
           rounds_count, (unsigned long long)seed, worst[0], worst[1],
           holds ? "the bars hold" : "THE BARS DO NOT HOLD", ratio);
    return holds;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool
take_words(int argc, char **argv, const char **state, uint64_t numbers[static 3])
{
    static const char *const names[] = {"--rounds", "--seed", "--window"};
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (strcmp(argv[i], "--state") == 0 && i + 1 < argc) {
            *state = argv[++i];
            continue;
        }
        bool known = false;
        for (size_t k = 0; !known && i + 1 < argc && k < 3; k++)
            if (strcmp(argv[i], names[k]) == 0)
                known = text_u64(bytes_text(argv[i + 1]), 1000000, &numbers[k]) == OK;
        if (known) {
            i++;
        } else if (equals && zones_count < ZONES_MAX) {
            char *name = strndup(argv[i], (size_t)(equals - argv[i]));
            zones[zones_count++] = (struct zone){.name = name, .file = equals + 1};
        } else {
            return false;
        }
    }
    return *state && numbers[0] && numbers[0] < ROUNDS_MAX && numbers[2];
}

int
main(int argc, char **argv)
{
    uint64_t numbers[3] = {100, 20261, 700}, begin_ms = now_ms();
    const char *state = NULL;
    if (!take_words(argc, argv, &state, numbers)) {
        fprintf(stderr, "usage: kill --state DIR [--rounds N] [--seed N] [--window MS] "
                        "[ZONE=FILE ...]\n");
        return 2;
    }
    struct random_seeded seeded = {numbers[1]};
    struct random_source random = random_seeded_source(&seeded);
    if (bystander_begin(state) != OK) {
        fprintf(stderr, "kill: nobody can write beside the city in %s\n", state);
        return 1;
    }
    while (rounds_count < numbers[0] && now_ms() - begin_ms < numbers[0] * 10000) {
        if (!play(state, &random, numbers[2]))
            return 1;
        if (isatty(2))
            fprintf(stderr, "\r%zu of %llu rounds ", rounds_count, (unsigned long long)numbers[0]);
    }
    rest(1000); /* what was late comes in */
    beside.samples = bystander_end(&beside.count);
    for (size_t z = 0; z < zones_count; z++)
        if (!read_zone(&zones[z])) {
            fprintf(stderr, "kill: %s holds no acknowledgement\n", zones[z].file);
            return 1;
        }
    return report(numbers[1]) ? 0 : 1;
}
