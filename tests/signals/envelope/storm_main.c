/* storm [--wishes N] [--random SHAPES] [--seed S]: each shape, N wishes each, one line each. */
#include "tests/signals/envelope/storm.h"

#include <time.h>

struct arguments {
    uint64_t wishes, shapes, seed;
};

static double
seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool
parse(int argc, char **argv, struct arguments *a)
{
    *a = (struct arguments){100000, 8, 1};
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t *value = strcmp(argv[i], "--wishes") == 0   ? &a->wishes
                          : strcmp(argv[i], "--random") == 0 ? &a->shapes
                          : strcmp(argv[i], "--seed") == 0   ? &a->seed
                                                             : NULL;
        if (!value)
            return false;
        *value = strtoull(argv[i + 1], NULL, 10);
    }
    return argc % 2 == 1;
}

static uint64_t
run(enum shape shape, uint64_t seed, uint64_t wishes)
{
    static struct intersection x;
    static struct storm_result out;
    struct random_seeded seeded = {seed};
    struct random_source r = random_seeded_source(&seeded);
    shape_make(shape, &r, &x);
    double began = seconds_now();
    storm_run(&(struct storm_config){.x = &x, .wishes = wishes, .seed = seed}, &out);
    double took = seconds_now() - began;
    uint64_t bad = checker_violations(&out.checker);
    printf("%-17s %2u links %2u phases %2u lanes  round %3u s  wishes %llu (refused %llu)  "
           "seconds %llu  changes %llu  forced %llu  buses %llu  pre-empted %llu s  "
           "longest red %u s (%u %% of its limit)  violations %llu  %.2f us/s\n",
           shape_name(shape), (unsigned)x.links_count, (unsigned)x.phases_count,
           (unsigned)x.lanes_count, x.round_s, (unsigned long long)out.wishes,
           (unsigned long long)out.refused_wishes, (unsigned long long)out.seconds,
           (unsigned long long)out.changes, (unsigned long long)out.forced,
           (unsigned long long)out.grants, (unsigned long long)out.seconds_in[MACHINE_PREEMPT],
           (unsigned)out.checker.longest_red_s, (unsigned)out.checker.longest_share,
           (unsigned long long)bad, took / (double)out.seconds * 1e6);
    for (enum violation v = 0; v < VIOLATIONS_COUNT && bad; v++) {
        if (out.checker.violations[v])
            printf("  %llu %s\n", (unsigned long long)out.checker.violations[v],
                   violation_words(v));
    }
    if (bad)
        printf("  first: %s\n", out.checker.first);
    fflush(stdout);
    return bad;
}

int
main(int argc, char **argv)
{
    struct arguments a;
    uint64_t bad = 0;
    if (!parse(argc, argv, &a)) {
        fprintf(stderr, "usage: storm [--wishes N] [--random SHAPES] [--seed S]\n"
                        "example: storm --wishes 10000000 --random 4\n");
        return 2;
    }
    for (enum shape shape = 0; shape < SHAPE_RANDOM; shape++)
        bad += run(shape, a.seed, a.wishes);
    for (uint64_t i = 0; i < a.shapes; i++)
        bad += run(SHAPE_RANDOM, a.seed + i, a.wishes);
    printf("%llu violations\n", (unsigned long long)bad);
    return bad > 0;
}
