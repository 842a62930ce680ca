/*
 * format_test.c -- a store of an earlier format opens with this program, whatever happens
 * meanwhile.
 *
 * The old store is made of a new one: its tables are put back as commit 3e7c7ed made them (format
 * 1: chunks without gaps, heads of 32 bytes, no versions), and its journal holds no edits.
 */
#include "store/embedded/place.h"

#include "base/test.h"
#include "store/embedded/embedded.h"
#include "store/embedded/vfs.h"

#include <sqlite3.h>

enum { POINTS = 3000, FILES_MAX = 12, STREAM = 4 };

static struct observation
point(uint64_t i)
{
    int64_t t = T0 + (int64_t)i * 60 * 1000000;
    return (struct observation){.kind = RESULT_NUMBER,
                                .number = (double)(i % 100) / 10,
                                .time_us = t,
                                .time_end_us = t,
                                .result_time_us = t};
}

static void
append(struct place *p, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        struct observation o = point(i);
        uint64_t n;
        CHECK_OK(store_append(p->s, STREAM, &o, false, &n));
        CHECK(n == i);
    }
    CHECK_OK(store_decide(p->s, bytes_text("appended")));
    CHECK_OK(store_put_entity(p->s, 1, 7, bytes_text("seven")));
    CHECK_OK(store_commit(p->s));
}

static void
maintain(struct place *p)
{
    bool more = true;
    while (more)
        CHECK_OK(store_maintain(p->s, &more));
}

static void
sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(db));
    CHECK(sqlite3_errcode(db) == SQLITE_OK);
}

/* Format 1 had no more in a head than this. */
static void
old_head(struct store *s, const struct chunk_row *row)
{
    uint8_t plain[32];
    uint8_t sealed[sizeof plain + SEAL_OVERHEAD];
    const uint8_t *key;
    struct stream *st = streams_find(s, row->stream);
    CHECK_OK(chunk_head_load(s, st, row));
    CHECK(s->chunk_head.step == STORE_HOUR && row->gaps == 0);
    le64_put(plain, s->chunk_head.all.count);
    memcpy(plain + 8, &s->chunk_head.all.min, 8);
    memcpy(plain + 16, &s->chunk_head.all.max, 8);
    memcpy(plain + 24, &s->chunk_head.all.sum, 8);
    CHECK_OK(chunk_key(s, st, row->epoch, &key));
    struct seal_name name = chunk_name(s, SEAL_HEAD, row);
    seal_put(sealed, key, &s->config.random, &name, bytes_of(plain, sizeof plain));
    sqlite3_stmt *update = NULL;
    CHECK(sqlite3_prepare_v2(sealed_handle(s->sealed), "UPDATE chunk SET head=?1 WHERE id=?2", -1,
                             &update, NULL) == SQLITE_OK);
    sqlite3_bind_blob(update, 1, sealed, sizeof sealed, SQLITE_STATIC);
    sqlite3_bind_int64(update, 2, row->id);
    CHECK(sqlite3_step(update) == SQLITE_DONE);
    sqlite3_finalize(update);
}

static bool
see_row(void *ctx, const struct chunk_row *row)
{
    struct chunk_row **next = ctx;
    *(*next)++ = *row;
    return true;
}

static void
make_old(struct place *p)
{
    struct chunk_row rows[16];
    struct chunk_row *end = rows;
    sqlite3 *db = sealed_handle(p->s->sealed);
    CHECK_OK(sealed_each_chunk(p->s->sealed, STREAM, INT64_MIN, INT64_MAX, false, see_row, &end));
    CHECK(end - rows >= 2);
    for (const struct chunk_row *row = rows; row < end; row++)
        old_head(p->s, row);
    sql(db, "DROP TABLE version; DROP INDEX chunk_t; ALTER TABLE chunk DROP COLUMN gaps;"
            "CREATE INDEX chunk_t ON chunk(stream, t0, t1, n0, n, r0, r1, epoch, bytes);"
            "UPDATE meta SET format=1; PRAGMA user_version=1;");
}

struct seen {
    uint64_t count, rolled;
    uint64_t corrected;
};
static bool
see(void *ctx, uint64_t n, const struct observation *o)
{
    struct seen *seen = ctx;
    struct observation want = point(n);
    CHECK(n == seen->count++ && o->time_us == want.time_us);
    CHECK(n < seen->corrected ? o->number == -1 : o->number == want.number);
    return true;
}

static bool
see_rollup(void *ctx, const struct store_rollup *r)
{
    struct seen *seen = ctx;
    CHECK(r->count <= 60);
    seen->rolled += r->count;
    return true;
}

static void
check_all(struct place *p, uint64_t points, uint64_t corrected)
{
    struct seen seen = {.corrected = corrected};
    struct store_range all = {.from_us = INT64_MIN, .to_us = INT64_MAX};
    struct store_aggregate sum;
    uint64_t decided;
    uint8_t root[32];
    CHECK_OK(store_range(p->s, STREAM, &all, see, &seen));
    CHECK(seen.count == points);
    CHECK_OK(store_rollups(p->s, STREAM, STORE_HOUR, INT64_MIN, INT64_MAX, see_rollup, &seen));
    CHECK(seen.rolled == points);
    CHECK_OK(store_aggregate(p->s, STREAM, INT64_MIN, INT64_MAX, &sum));
    CHECK(sum.count == points);
    store_head(p->s, &decided, root);
    CHECK(decided >= 2);
}

static struct {
    char name[32];
    size_t len;
    uint8_t *p;
} saved[FILES_MAX];
static size_t saved_count;

static void
save(const struct place *p)
{
    static const char *const names[] = {"leaves",    "store.db",  "store.db-wal", "journal.0",
                                        "journal.1", "journal.2", "journal.3"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct stat s;
        int fd = openat(p->fd, names[i], O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0 && fstat(fd, &s) == 0);
        saved[i].len = (size_t)s.st_size;
        saved[i].p = malloc(saved[i].len + 1);
        CHECK(saved[i].p && pread(fd, saved[i].p, saved[i].len, 0) == s.st_size);
        snprintf(saved[i].name, sizeof saved[i].name, "%s", names[i]);
        close(fd);
    }
    saved_count = ARRAY_COUNT(names);
}

static void
put_back(const struct place *p)
{
    for (size_t i = 0; i < saved_count; i++) {
        int fd = openat(p->fd, saved[i].name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        CHECK(fd >= 0 && pwrite(fd, saved[i].p, saved[i].len, 0) == (ssize_t)saved[i].len);
        close(fd);
    }
}

static int64_t writes_left;
static enum err
failing_write(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    (void)ctx;
    struct disk real = disk_system();
    if (writes_left-- > 0)
        return disk_write_at(&real, fd, what, offset);
    what.len /= 2; /* torn */
    enum err e = what.len ? disk_write_at(&real, fd, what, offset) : OK;
    return e == OK ? ERR_IO : e;
}

/* True if the disk failed before the store was open. */
static bool
opened_on_a_failing_disk(struct place *p, int64_t writes)
{
    put_back(p);
    p->config.disk.write_at = failing_write;
    writes_left = writes;
    enum err e = store_open(&p->config, &p->s);
    CHECK(e == OK || e == ERR_IO);
    if (e == OK)
        store_close(p->s);
    p->config.disk = disk_system();
    place_open(p);
    check_all(p, POINTS + 100, 0);
    store_close(p->s);
    return e != OK;
}

TEST(a_store_of_format_1_opens_and_is_brought_to_this_one)
{
    struct place p;
    struct store_stream meta = {"meter", "hall", 0, false};
    place_init(&p);
    store_close(p.s);
    place_empty(&p);
    p.config.disk_bytes = 16 * 1024 * 1024;
    place_open(&p);
    CHECK_OK(store_add_stream(p.s, STREAM, &meta));
    append(&p, 0, POINTS);
    p.clock.wall_us += (int64_t)3600 * 1000000;
    maintain(&p);
    append(&p, POINTS, POINTS + 100); /* in the journal */
    make_old(&p);
    store_close(p.s);
    save(&p);
    int64_t writes = 0;
    while (opened_on_a_failing_disk(&p, writes))
        writes++;
    printf("brought over in %lld writes, each of which failed once\n", (long long)writes);
    CHECK(writes > 3);
    put_back(&p);
    for (int round = 0; round < 3; round++) {
        place_open(&p);
        check_all(&p, POINTS + 100, round ? 50 : 0);
        for (uint64_t n = 0; round == 0 && n < 50; n++) {
            struct observation o = point(n);
            o.number = -1;
            CHECK_OK(store_correct(p.s, STREAM, n, &o));
        }
        CHECK_OK(store_commit(p.s));
        p.clock.wall_us += (int64_t)3600 * 1000000;
        maintain(&p);
        check_all(&p, POINTS + 100, 50);
        store_close(p.s);
    }
    place_open(&p);
    sql(sealed_handle(p.s->sealed), "UPDATE meta SET format=99");
    store_close(p.s);
    p.s = NULL;
    CHECK(store_open(&p.config, &p.s) == ERR_UNSUPPORTED); /* of a newer program */
    for (size_t i = 0; i < saved_count; i++)
        free(saved[i].p);
    place_fini(&p);
}
