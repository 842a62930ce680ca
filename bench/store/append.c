/*
 * append -- durable observations a second through the store, one thread: decide, append, commit.
 *
 * append DIRECTORY BATCH OBSERVATIONS STREAMS: the store is made in DIRECTORY, which must be
 * empty. Upkeep (sealing) runs between the batches, as in a core, and is in the time.
 */
#include "store/store.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static double
now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

enum { COMMITS_MAX = 1000000 };
static double commit_s[COMMITS_MAX];

struct load {
    uint64_t batch, observations, streams, commits;
    double work_s, upkeep_s, upkeep_longest_s;
};

static enum err
one_batch(struct store *s, const struct load *l, uint64_t from, const struct random_source *r)
{
    enum err e = OK;
    for (uint64_t i = from; e == OK && i < from + l->batch; i++) {
        int64_t t = 1700000000000000 + (int64_t)(i / l->streams) * 1000000 +
                    (int64_t)random_below(r, 10000);
        struct observation o = {.time_us = t,
                                .time_end_us = t,
                                .result_time_us = t + 20000,
                                .kind = RESULT_NUMBER,
                                .number = (double)(2000 + random_below(r, 50)) / 100,
                                .feature_id = 1 + i % l->streams};
        uint64_t n;
        e = store_append(s, (uint32_t)(i % l->streams), &o, true, &n);
        if (e == OK)
            e = store_decide(s, bytes_text("accepted device=meter-12345 stream=4711 n=12345678"));
    }
    return e;
}

static enum err
run(struct store *s, struct load *l)
{
    struct random_seeded seeded = {1};
    struct random_source r = random_seeded_source(&seeded);
    struct store_stream meta = {"meter-reading", "hall", 0, true};
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < l->streams; i++) {
        e = store_add_stream(s, i, &meta);
        if (e == OK && (i % 1000 == 999 || i + 1 == l->streams))
            e = store_commit(s);
    }
    for (uint64_t i = 0; e == OK && i < l->observations; i += l->batch) {
        bool more;
        double t0 = now_s();
        e = one_batch(s, l, i, &r);
        double t1 = now_s();
        if (e == OK)
            e = store_commit(s);
        double t2 = now_s();
        if (e == OK)
            e = store_maintain(s, &more);
        double t3 = now_s();
        if (l->commits < COMMITS_MAX)
            commit_s[l->commits++] = t2 - t1;
        l->work_s += t2 - t0;
        l->upkeep_s += t3 - t2;
        l->upkeep_longest_s = t3 - t2 > l->upkeep_longest_s ? t3 - t2 : l->upkeep_longest_s;
    }
    return e;
}

int
main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: append DIRECTORY BATCH OBSERVATIONS STREAMS\n");
        return 2;
    }
    struct store_config config = {.zone = "bench",
                                  .directory_fd = open(argv[1], O_RDONLY | O_DIRECTORY),
                                  .disk_bytes = 8ULL << 30,
                                  .clock = clock_system(),
                                  .random = random_system(),
                                  .disk = disk_system()};
    struct load l = {.batch = strtoull(argv[2], NULL, 10),
                     .observations = strtoull(argv[3], NULL, 10),
                     .streams = strtoull(argv[4], NULL, 10)};
    struct store *s;
    if (config.directory_fd < 0 || l.batch == 0 || l.streams == 0 ||
        store_open(&config, &s) != OK) {
        fprintf(stderr, "append: cannot open a store in %s\n", argv[1]);
        return 1;
    }
    enum err e = run(s, &l);
    if (e != OK) {
        fprintf(stderr, "append: %s\n", err_text(e));
        return 1;
    }
    qsort(commit_s, l.commits, sizeof commit_s[0], compare);
    double all = l.work_s + l.upkeep_s;
    printf("batch %5llu  streams %5llu  %5.2f M obs/s  (%5.2f M without upkeep)  commit p50 %.2f "
           "ms p99 %.2f ms  longest upkeep %.0f ms\n",
           (unsigned long long)l.batch, (unsigned long long)l.streams,
           (double)l.observations / all / 1e6, (double)l.observations / l.work_s / 1e6,
           commit_s[l.commits / 2] * 1e3, commit_s[l.commits * 99 / 100] * 1e3,
           l.upkeep_longest_s * 1e3);
    store_close(s);
    return 0;
}
