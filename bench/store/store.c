/*
 * store -- one engine, one shape: durable ingest, then in a process of its own every question.
 *
 * store bulkhead|sqlite DIRECTORY ingest STREAMS EACH   the series of series.h, in batches of 1,000
 * store bulkhead|sqlite DIRECTORY ask    STREAMS EACH   what is asked of it; prints name=value
 * store bulkhead DIRECTORY files FILE...                the columns of CSV files, a stream each
 * store rows FROM COUNT STREAMS EACH                    the same series as tab-separated rows
 */
#include "store/store.h"

#include "base/text.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 1000, POINTS = 2000, RANGES = 500, RANGE_ROWS = 100, COLUMNS_MAX = 64 };
static const int64_t begin_us = 1700000000000000;
static const int64_t span_us = INT64_C(31) * 86400 * 1000000;

static double
now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the series: whatever the shape, a stream lasts 31 days ------------------------------- */

static int64_t
time_of(uint64_t n, uint64_t each)
{
    return begin_us + (int64_t)n * (span_us / (int64_t)each);
}

/* A level that wanders by hundredths, another one for each stream; a pure function of both. */
static double
value_of(uint64_t stream, uint64_t n)
{
    uint64_t slow = n / 16, x = stream * 2654435761u + slow * 40503u;
    x ^= x >> 13;
    return (double)(2000 + (int64_t)(x % 97) + (int64_t)(n % 16) * 3) / 100;
}

/* ---- figures ------------------------------------------------------------------------------ */

static double spent_us[1000000];
static size_t spent_count;

static int
upwards(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void
put_percentiles(const char *name)
{
    qsort(spent_us, spent_count, sizeof spent_us[0], upwards);
    printf("%s_p50_us=%.1f %s_p99_us=%.1f ", name, spent_us[spent_count / 2], name,
           spent_us[spent_count * 99 / 100]);
    spent_count = 0;
}

static void
put_memory(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("memory_mib=%.0f\n", (double)u.ru_maxrss / 1024);
}

static void
fail(const char *what, const char *why)
{
    fprintf(stderr, "store: %s: %s\n", what, why);
    exit(1);
}

static void
must(enum err e, const char *what)
{
    if (e != OK)
        fail(what, err_text(e));
}

/* ---- ours --------------------------------------------------------------------------------- */

static int64_t ahead_us; /* an hour, when everything shall be sealed by age */

static int64_t
wall(void *ctx)
{
    struct clock_source c = clock_system();
    (void)ctx;
    return clock_wall_us(&c) + ahead_us;
}

static uint64_t
mono(void *ctx)
{
    struct clock_source c = clock_system();
    (void)ctx;
    return clock_mono_ms(&c);
}

static struct store *
open_ours(const char *directory)
{
    struct store_config config = {.zone = "bench",
                                  .directory_fd = open(directory, O_RDONLY | O_DIRECTORY),
                                  .disk_bytes = 64ULL << 30,
                                  .clock = {.mono_ms = mono, .wall_us = wall},
                                  .random = random_system(),
                                  .disk = disk_system()};
    struct store *s = NULL;
    if (config.directory_fd < 0)
        fail(directory, "cannot be opened");
    must(store_open(&config, &s), "open");
    return s;
}

static void
add_streams(struct store *s, uint64_t streams)
{
    struct store_stream meta = {"meter-reading", "hall", 0, true};
    for (uint32_t i = 0; i < streams; i++) {
        must(store_add_stream(s, i + 1, &meta), "a stream");
        if (i % 1000 == 999 || i + 1 == streams)
            must(store_commit(s), "commit");
    }
}

/* The journal may be full for a moment: upkeep makes room. */
static void
append_ours(struct store *s, uint64_t stream, int64_t at_us, double v)
{
    struct observation o = {.time_us = at_us,
                            .time_end_us = at_us,
                            .result_time_us = at_us,
                            .kind = RESULT_NUMBER,
                            .number = v};
    uint64_t n;
    bool more;
    enum err e;
    while ((e = store_append(s, (uint32_t)stream, &o, true, &n)) == ERR_LIMIT) {
        must(store_commit(s), "commit");
        must(store_maintain(s, &more), "upkeep");
    }
    must(e, "append");
}

static void
seal_all(const char *directory, struct store *s)
{
    bool more = true;
    ahead_us = INT64_C(3600) * 1000000;
    for (int quiet = 0; quiet < 3;) {
        must(store_maintain(s, &more), "upkeep");
        quiet = more ? 0 : quiet + 1;
    }
    store_close(s);
    store_close(
        open_ours(directory)); /* moves what lies in the write-ahead file, as a restart does */
}

static void
ingest_ours(const char *directory, uint64_t streams, uint64_t each)
{
    struct store *s = open_ours(directory);
    bool more;
    add_streams(s, streams);
    double begin = now_s();
    for (uint64_t i = 0; i < streams * each; i++) {
        append_ours(s, 1 + i % streams, time_of(i / streams, each),
                    value_of(i % streams, i / streams));
        if (i % BATCH == BATCH - 1 || i + 1 == streams * each) {
            must(store_commit(s), "commit");
            must(store_maintain(s, &more), "upkeep");
        }
    }
    printf("ingest_per_s=%.0f ", (double)(streams * each) / (now_s() - begin));
    seal_all(directory, s);
    put_memory();
}

struct counting {
    uint64_t rows;
    double sum;
};

static bool
count_row(void *ctx, uint64_t n, const struct observation *o)
{
    struct counting *c = ctx;
    (void)n;
    c->sum += o->number;
    return ++c->rows < RANGE_ROWS;
}

static bool
one_row(void *ctx, uint64_t n, const struct observation *o)
{
    struct counting *c = ctx;
    (void)n;
    c->rows++;
    c->sum += o->number;
    return false;
}

struct bins {
    int64_t bin;
    uint64_t count, bins;
    double sum;
};

static bool
fold_minute(void *ctx, const struct store_rollup *r)
{
    struct bins *b = ctx;
    int64_t bin = r->start_us / (INT64_C(300) * 1000000);
    b->bins += bin != b->bin;
    b->bin = bin;
    b->count += r->count;
    b->sum += r->sum;
    return true;
}

static void
ask_ours(const char *directory, uint64_t streams, uint64_t each)
{
    struct random_seeded seeded = {7};
    struct random_source r = random_seeded_source(&seeded);
    double t = now_s();
    struct store *s = open_ours(directory);
    printf("start_ms=%.1f ", (now_s() - t) * 1e3);
    for (int i = 0; i < POINTS; i++) {
        struct observation o;
        uint64_t stream = random_below(&r, streams), n = random_below(&r, each);
        t = now_s();
        must(store_get(s, (uint32_t)stream + 1, n, &o), "a point");
        spent_us[spent_count++] = (now_s() - t) * 1e6;
        if (o.number < value_of(stream, n) || o.number > value_of(stream, n))
            fail("a point", "it is another one");
    }
    put_percentiles("point");
    for (int i = 0; i < RANGES; i++) {
        struct counting c = {0};
        int64_t from = time_of(random_below(&r, each - RANGE_ROWS), each);
        struct store_range range = {.from_us = from, .to_us = INT64_MAX};
        uint32_t stream = 1 + (uint32_t)random_below(&r, streams);
        t = now_s();
        must(store_range(s, stream, &range, count_row, &c), "a range");
        spent_us[spent_count++] = (now_s() - t) * 1e6;
        if (c.rows != RANGE_ROWS)
            fail("a range", "rows are missing");
    }
    put_percentiles("range");
    struct counting last = {0};
    struct store_range newest = {.from_us = INT64_MIN, .to_us = INT64_MAX, .descending = true};
    t = now_s();
    for (uint32_t i = 1; i <= streams; i++)
        must(store_range(s, i, &newest, one_row, &last), "the last value");
    printf("last_ms=%.1f ", (now_s() - t) * 1e3);
    for (int i = 0; i < 20; i++) {
        struct bins b = {.bin = INT64_MIN};
        uint32_t stream = 1 + (uint32_t)random_below(&r, streams);
        t = now_s();
        must(store_rollups(s, stream, STORE_MINUTE, begin_us,
                           begin_us + INT64_C(30) * 86400 * 1000000, fold_minute, &b),
             "rollups");
        spent_us[spent_count++] = (now_s() - t) * 1e6;
    }
    put_percentiles("aggregate");
    put_memory();
    store_close(s);
}

/* ---- SQLite rows -------------------------------------------------------------------------- */

static sqlite3 *
open_rows(const char *directory)
{
    char path[600];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/rows.db", directory);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(
            db,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;"
            "CREATE TABLE IF NOT EXISTS observation(stream INTEGER, t INTEGER, result REAL,"
            " PRIMARY KEY(stream, t)) WITHOUT ROWID",
            NULL, NULL, NULL) != SQLITE_OK)
        fail(path, sqlite3_errmsg(db));
    return db;
}

static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        fail(sql, sqlite3_errmsg(db));
    return st;
}

static uint64_t
step_all(sqlite3_stmt *st)
{
    uint64_t rows = 0;
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        rows++;
    if (rc != SQLITE_DONE)
        fail("SQLite", sqlite3_errstr(rc));
    sqlite3_reset(st);
    return rows;
}

static void
ingest_rows(const char *directory, uint64_t streams, uint64_t each)
{
    sqlite3 *db = open_rows(directory);
    sqlite3_stmt *put = prepare(db, "INSERT INTO observation VALUES(?1,?2,?3)");
    sqlite3_stmt *begin = prepare(db, "BEGIN"), *commit = prepare(db, "COMMIT");
    double t = now_s();
    for (uint64_t i = 0; i < streams * each; i++) {
        if (i % BATCH == 0)
            step_all(begin);
        sqlite3_bind_int64(put, 1, 1 + (int64_t)(i % streams));
        sqlite3_bind_int64(put, 2, time_of(i / streams, each));
        sqlite3_bind_double(put, 3, value_of(i % streams, i / streams));
        step_all(put);
        if (i % BATCH == BATCH - 1 || i + 1 == streams * each)
            step_all(commit);
    }
    printf("ingest_per_s=%.0f ", (double)(streams * each) / (now_s() - t));
    sqlite3_finalize(put), sqlite3_finalize(begin), sqlite3_finalize(commit);
    sqlite3_close(db);
    put_memory();
}

static void
ask_rows(const char *directory, uint64_t streams, uint64_t each)
{
    struct random_seeded seeded = {7};
    struct random_source r = random_seeded_source(&seeded);
    double t = now_s();
    sqlite3 *db = open_rows(directory);
    sqlite3_stmt *point = prepare(db, "SELECT result FROM observation WHERE stream=?1 AND t=?2");
    printf("start_ms=%.1f ", (now_s() - t) * 1e3);
    sqlite3_stmt *range = prepare(
        db, "SELECT t,result FROM observation WHERE stream=?1 AND t>=?2 ORDER BY t LIMIT 100");
    sqlite3_stmt *last =
        prepare(db, "SELECT t,result FROM observation WHERE stream=?1 ORDER BY t DESC LIMIT 1");
    sqlite3_stmt *bins = prepare(
        db, "SELECT t/300000000,COUNT(*),MIN(result),MAX(result),SUM(result) FROM observation"
            " WHERE stream=?1 AND t>=?2 AND t<?2+2592000000000 GROUP BY 1");
    for (int i = 0; i < POINTS; i++) {
        sqlite3_bind_int64(point, 1, 1 + (int64_t)random_below(&r, streams));
        sqlite3_bind_int64(point, 2, time_of(random_below(&r, each), each));
        t = now_s();
        if (step_all(point) != 1)
            fail("a point", "it is not there");
        spent_us[spent_count++] = (now_s() - t) * 1e6;
    }
    put_percentiles("point");
    for (int i = 0; i < RANGES; i++) {
        sqlite3_bind_int64(range, 2, time_of(random_below(&r, each - RANGE_ROWS), each));
        sqlite3_bind_int64(range, 1, 1 + (int64_t)random_below(&r, streams));
        t = now_s();
        if (step_all(range) != RANGE_ROWS)
            fail("a range", "rows are missing");
        spent_us[spent_count++] = (now_s() - t) * 1e6;
    }
    put_percentiles("range");
    t = now_s();
    for (uint64_t i = 1; i <= streams; i++) {
        sqlite3_bind_int64(last, 1, (int64_t)i);
        step_all(last);
    }
    printf("last_ms=%.1f ", (now_s() - t) * 1e3);
    for (int i = 0; i < 20; i++) {
        sqlite3_bind_int64(bins, 1, 1 + (int64_t)random_below(&r, streams));
        sqlite3_bind_int64(bins, 2, begin_us);
        t = now_s();
        step_all(bins);
        spent_us[spent_count++] = (now_s() - t) * 1e6;
    }
    put_percentiles("aggregate");
    put_memory();
    sqlite3_finalize(point), sqlite3_finalize(range), sqlite3_finalize(last),
        sqlite3_finalize(bins);
    sqlite3_close(db);
}

/* ---- files -------------------------------------------------------------------------------- */

/* A date and a time that begin a row, if they do; else a row an hour. */
static int64_t
row_time(const char *cell, uint64_t row)
{
    struct tm tm = {0};
    const char *end = strptime(cell, "%Y-%m-%d %H:%M:%S", &tm);
    if (end && (*end == 0 || *end == '+' || *end == '.'))
        return (int64_t)timegm(&tm) * 1000000;
    return begin_us + (int64_t)row * 3600 * 1000000;
}

static uint64_t
ingest_file(struct store *s, const char *path, uint32_t *streams)
{
    static char line[65536];
    uint64_t rows = 0, observations = 0;
    uint32_t first = *streams;
    FILE *f = fopen(path, "re");
    if (!f)
        fail(path, "cannot be opened");
    while (fgets(line, sizeof line, f)) {
        char *rest = line, *cell;
        line[strcspn(line, "\r\n")] = 0;
        int64_t at_us = row_time(line, rows);
        for (uint32_t column = 0; column < COLUMNS_MAX && (cell = strsep(&rest, ",;")); column++) {
            double v;
            while (*cell == ' ')
                cell++;
            if (text_double(bytes_text(cell), &v) != OK)
                continue;
            if (first + column >= *streams) {
                struct store_stream meta = {"meter-reading", "hall", 0, true};
                for (; *streams <= first + column; ++*streams)
                    must(store_add_stream(s, *streams + 1, &meta), "a stream");
                must(store_commit(s), "commit");
            }
            append_ours(s, first + column + 1, at_us, v);
            observations++;
        }
        bool more;
        if (++rows % 100 == 0) {
            must(store_commit(s), "commit");
            must(store_maintain(s, &more), "upkeep");
        }
    }
    fclose(f);
    must(store_commit(s), "commit");
    return observations;
}

static void
ingest_files(const char *directory, char **files, int count)
{
    struct store *s = open_ours(directory);
    uint64_t observations = 0;
    uint32_t streams = 0;
    for (int i = 0; i < count; i++)
        observations += ingest_file(s, files[i], &streams);
    seal_all(directory, s);
    printf("observations=%llu streams=%u\n", (unsigned long long)observations, streams);
}

int
main(int argc, char **argv)
{
    bool ours = argc > 3 && strcmp(argv[1], "bulkhead") == 0;
    if (ours && strcmp(argv[3], "files") == 0) {
        ingest_files(argv[2], argv + 4, argc - 4);
        return 0;
    }
    if (argc != 6) {
        fprintf(stderr, "usage: store bulkhead|sqlite DIRECTORY ingest|ask STREAMS EACH\n");
        return 2;
    }
    uint64_t streams = strtoull(argv[4], NULL, 10), each = strtoull(argv[5], NULL, 10);
    if (streams == 0 || each <= RANGE_ROWS || (uint64_t)span_us / each == 0)
        fail("the shape", "too small or too large");
    if (strcmp(argv[1], "rows") == 0) {
        uint64_t from = strtoull(argv[2], NULL, 10), count = strtoull(argv[3], NULL, 10);
        for (uint64_t i = from; i < from + count && i < streams * each; i++)
            printf("%llu\t%lld\t%.2f\n", (unsigned long long)(1 + i % streams),
                   (long long)time_of(i / streams, each), value_of(i % streams, i / streams));
    } else if (strcmp(argv[3], "ingest") == 0) {
        ours ? ingest_ours(argv[2], streams, each) : ingest_rows(argv[2], streams, each);
    } else {
        ours ? ask_ours(argv[2], streams, each) : ask_rows(argv[2], streams, each);
    }
    return 0;
}
