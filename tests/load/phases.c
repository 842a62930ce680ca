/*
 * phases.c -- latencies of a probe, cut into time windows and compared.
 *
 *   phases now                        the monotonic clock, in milliseconds: a border of a window
 *   phases PHASES PROBE-OUTPUT...     PHASES: lines `FROM-MS TO-MS LABEL`
 *
 * Prints for every window and file `LABEL FILE count N p50_us A p99_us B max_us C`; and, when the
 * labels are "without" and "with", for each file `ratio FILE p50 R p99 R rounds N`: each window
 * "with" against the mean of its neighbours "without", and the median of these ratios. Windows
 * that alternate see the same machine, the same neighbours, the same warm or cold caches.
 */
#include "base/base.h"

#include <time.h>

enum { PHASES_MAX = 256, LINE_SIZE = 256 };

struct phase {
    unsigned long long from_ms, to_ms;
    char label[64];
    double p50, p99; /* of the file in hand; 0: nothing was acknowledged */
};

struct latencies {
    double *us;
    size_t count, room;
};

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t
read_phases(const char *path, struct phase phases[static PHASES_MAX])
{
    FILE *f = fopen(path, "re");
    char line[LINE_SIZE];
    size_t n = 0;
    while (f && n < PHASES_MAX && fgets(line, sizeof(line), f))
        if (sscanf(line, "%llu %llu %63s", &phases[n].from_ms, &phases[n].to_ms, phases[n].label) ==
            3)
            n++;
    if (f)
        fclose(f);
    return n;
}

static bool
read_window(const char *path, const struct phase *phase, struct latencies *l)
{
    FILE *f = fopen(path, "re");
    char line[LINE_SIZE];
    l->count = 0;
    if (!f)
        return false;
    while (fgets(line, sizeof(line), f)) {
        unsigned long long sent_ms, latency_us;
        if (sscanf(line, "%llu %llu", &sent_ms, &latency_us) != 2 || sent_ms < phase->from_ms ||
            sent_ms >= phase->to_ms)
            continue;
        if (l->count == l->room) {
            l->room = l->room ? 2 * l->room : 4096;
            l->us = reallocarray(l->us, l->room, sizeof(*l->us));
            ASSERT(l->us);
        }
        l->us[l->count++] = (double)latency_us;
    }
    fclose(f);
    qsort(l->us, l->count, sizeof(*l->us), compare);
    return true;
}

static double
percentile(const struct latencies *l, size_t percent)
{
    return l->count ? l->us[(l->count - 1) * percent / 100] : 0;
}

/* Mean of the nearest windows "without" before and after this one; 0 when there is none. */
static double
beside(const struct phase *phases, size_t n, size_t at, bool p99)
{
    double sum = 0;
    int found = 0;
    for (size_t i = at; i-- > 0;) {
        if (strcmp(phases[i].label, "without") != 0)
            continue;
        sum += p99 ? phases[i].p99 : phases[i].p50;
        found++;
        break;
    }
    for (size_t i = at + 1; i < n; i++) {
        if (strcmp(phases[i].label, "without") != 0)
            continue;
        sum += p99 ? phases[i].p99 : phases[i].p50;
        found++;
        break;
    }
    return found ? sum / found : 0;
}

static void
print_ratio(const char *file, const struct phase *phases, size_t n)
{
    double p50s[PHASES_MAX], p99s[PHASES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        double p50 = beside(phases, n, i, false), p99 = beside(phases, n, i, true);
        if (strcmp(phases[i].label, "with") != 0 || p50 <= 0 || p99 <= 0)
            continue;
        /* Nothing at all came through: as bad as can be. */
        p50s[count] = phases[i].p50 > 0 ? phases[i].p50 / p50 : 9999;
        p99s[count++] = phases[i].p99 > 0 ? phases[i].p99 / p99 : 9999;
    }
    if (!count)
        return;
    qsort(p50s, count, sizeof(*p50s), compare);
    qsort(p99s, count, sizeof(*p99s), compare);
    double p50 = (p50s[(count - 1) / 2] + p50s[count / 2]) / 2;
    double p99 = (p99s[(count - 1) / 2] + p99s[count / 2]) / 2;
    printf("ratio %s p50 %.3f p99 %.3f rounds %zu\n", file, p50, p99, count);
}

int
main(int argc, char **argv)
{
    static struct phase phases[PHASES_MAX];
    if (argc == 2 && strcmp(argv[1], "now") == 0) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        printf("%llu\n",
               (unsigned long long)t.tv_sec * 1000 + (unsigned long long)t.tv_nsec / 1000000);
        return 0;
    }
    size_t n = argc > 2 ? read_phases(argv[1], phases) : 0;
    if (n == 0) {
        fprintf(stderr, "usage: phases now | phases PHASES PROBE-OUTPUT...\n");
        return 2;
    }
    struct latencies l = {0};
    for (int k = 2; k < argc; k++) {
        for (size_t i = 0; i < n; i++) {
            if (!read_window(argv[k], &phases[i], &l)) {
                fprintf(stderr, "phases: cannot read %s\n", argv[k]);
                return 1;
            }
            phases[i].p50 = percentile(&l, 50);
            phases[i].p99 = percentile(&l, 99);
            printf("%s %s count %zu p50_us %.0f p99_us %.0f max_us %.0f\n", phases[i].label,
                   argv[k], l.count, phases[i].p50, phases[i].p99, percentile(&l, 100));
        }
        print_ratio(argv[k], phases, n);
    }
    free(l.us);
    return 0;
}
