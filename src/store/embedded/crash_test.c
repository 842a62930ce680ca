/*
 * Kill -9 at any moment, a disk that stops or tears at any write, bytes that were changed.
 *
 * The writer numbers its observations 0, 1, 2, ... over three streams; each carries the number
 * of its batch (time) and the size of that batch (feature), so that one look at what is stored
 * tells what is missing, doubled or half there. Each batch corrects one observation of its own (its
 * resultTime is then 1 later than its time) and, in a stream apart, takes back what the batch
 * before wrote there.
 */
#include "store/embedded/place.h"

#include "base/test.h"
#include "store/embedded/journal.h"
#include "store/embedded/vfs.h"

#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <time.h>

enum { STREAMS = 3, CHANGED = 3, MOST = 400000 };

struct tally {
    uint64_t observations, batches;
};

struct audit {
    uint64_t count, last_batch, last_batch_size, last_batch_count, corrected;
    uint8_t seen[MOST];
};
static struct audit audit;

static bool
audit_one(void *ctx, uint64_t n, const struct observation *o)
{
    (void)ctx;
    (void)n;
    uint64_t i = (uint64_t)o->number;
    CHECK(i < MOST && !audit.seen[i]); /* none twice */
    audit.seen[i] = 1;
    audit.count++;
    audit.corrected += o->result_time_us == o->time_us + 1;
    uint64_t batch = (uint64_t)o->time_us;
    if (batch > audit.last_batch || audit.last_batch_count == 0) {
        audit.last_batch = batch;
        audit.last_batch_size = o->feature_id;
        audit.last_batch_count = 0;
    }
    audit.last_batch_count += batch == audit.last_batch;
    return true;
}

static bool
count_version(void *ctx, int64_t corrected_us, const struct observation *was)
{
    (void)corrected_us;
    CHECK(was->number == -1);
    (*(uint64_t *)ctx)++;
    return true;
}

/* Of the stream apart the newest is there, with one version, and of the others nothing. */
static void
check_changed(struct store *s, uint64_t batches)
{
    struct store_span span;
    struct observation o;
    uint64_t versions = 0;
    if (batches == 0)
        return;
    CHECK_OK(store_span(s, CHANGED, &span));
    CHECK(span.count == 1 && span.first_us == (int64_t)batches - 1);
    CHECK_OK(store_get(s, CHANGED, batches - 1, &o));
    CHECK(o.number == (double)batches - 1);
    CHECK_OK(store_versions(s, CHANGED, batches - 1, count_version, &versions));
    CHECK(versions == 1);
    CHECK(batches == 1 || store_get(s, CHANGED, batches - 2, &o) == ERR_NOT_FOUND);
}

/* All acknowledged is there, nothing twice, no batch half. */
static struct tally
check_store(struct store *s, struct tally acknowledged)
{
    memset(&audit, 0, sizeof audit);
    for (uint32_t stream = 0; stream < STREAMS; stream++) {
        struct store_range r = {.from_us = INT64_MIN, .to_us = INT64_MAX};
        enum err e = store_range(s, stream, &r, audit_one, NULL);
        CHECK(e == OK || (e == ERR_NOT_FOUND && acknowledged.batches == 0));
        struct store_span span = {0};
        if (e == OK)
            CHECK_OK(store_span(s, stream, &span));
    }
    CHECK(audit.count >= acknowledged.observations);
    for (uint64_t i = 0; i < audit.count; i++)
        CHECK(audit.seen[i]); /* none missing before the last */
    CHECK(audit.last_batch_count == audit.last_batch_size);
    struct tally now = {audit.count, 0};
    uint8_t root[32];
    store_head(s, &now.batches, root);
    CHECK(now.batches == acknowledged.batches || now.batches == acknowledged.batches + 1);
    CHECK(audit.count == 0 || audit.last_batch == now.batches - 1);
    CHECK(audit.corrected == now.batches);
    check_changed(s, now.batches);
    return now;
}

static enum err
change(struct store *s, uint64_t batch)
{
    struct observation o = {.kind = RESULT_NUMBER, .number = -1, .time_us = (int64_t)batch};
    uint64_t n;
    enum err e = store_append(s, CHANGED, &o, true, &n);
    if (e == OK && n != batch)
        e = ERR_CRYPTO;
    if (e == OK && batch)
        e = store_withdraw(s, CHANGED, batch - 1);
    o.number = (double)batch;
    return e == OK ? store_correct(s, CHANGED, n, &o) : e;
}

/* One batch: streams at first, observations, a decision. */
static enum err
write_batch(struct store *s, const struct random_source *r, struct tally *t)
{
    uint64_t size = 1 + random_below(r, random_below(r, 8) ? 40 : 2000);
    enum err e = OK;
    struct store_stream meta = {"c", "s", 0, false};
    for (uint32_t i = 0; e == OK && t->batches == 0 && i <= CHANGED; i++)
        e = store_add_stream(s, i, &meta);
    for (uint64_t i = 0; e == OK && i < size; i++) {
        struct observation o = {.kind = RESULT_NUMBER,
                                .number = (double)(t->observations + i),
                                .time_us = (int64_t)t->batches,
                                .time_end_us = (int64_t)t->batches,
                                .result_time_us = (int64_t)t->batches,
                                .feature_id = size};
        uint64_t n;
        uint32_t stream = (uint32_t)random_below(r, STREAMS);
        e = store_append(s, stream, &o, false, &n);
        o.result_time_us++;
        if (e == OK && i == 0)
            e = store_correct(s, stream, n, &o);
    }
    if (e == OK)
        e = change(s, t->batches);
    if (e == OK)
        e = store_put_entity(s, 1, t->batches % 10, bytes_of(&t->batches, sizeof t->batches));
    if (e == OK)
        e = store_decide(s, bytes_of(t, sizeof *t));
    if (e == OK)
        e = store_commit(s);
    if (e == OK) {
        t->observations += size;
        t->batches++;
    }
    return e;
}

static void
write_until_killed(struct place *p, struct tally t, uint64_t seed, int ack)
{
    struct random_seeded seeded = {seed};
    struct random_source r = random_seeded_source(&seeded);
    p->config.random = random_system();
    enum err e = store_open(&p->config, &p->s);
    bool more;
    while (e == OK && t.observations < MOST - 4000) {
        e = write_batch(p->s, &r, &t);
        if (e == OK && write(ack, &t, sizeof t) != sizeof t)
            _exit(3);
        if (random_below(&r, 50) == 0)
            p->clock.wall_us += (int64_t)20 * 60 * 1000000;
        if (e == OK && random_below(&r, 3) == 0)
            e = store_maintain(p->s, &more);
    }
    for (;;)
        pause();
}

static pid_t
start_writer(struct place *p, struct tally t, uint64_t seed, int *out_ack)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        write_until_killed(p, t, seed, ends[1]);
    }
    close(ends[1]);
    *out_ack = ends[0];
    return pid;
}

TEST(killed_at_fifty_random_moments_nothing_acknowledged_is_lost)
{
    struct place p;
    struct tally t = {0};
    struct random_seeded seeded = {test_seed() + 50};
    struct random_source r = random_seeded_source(&seeded);
    place_init(&p);
    store_close(p.s);
    enum { KILLS = 50, KILLS_MAX = 500, LEAST = 1000 };
    uint64_t all = 0;
    int kills = 0;
    /* On a busy machine a writer is killed before it wrote much: more kills, later ones, never less
     * data. */
    for (; kills < KILLS || (kills < KILLS_MAX && all + t.observations <= LEAST); kills++) {
        if (t.observations > MOST / 2) { /* begin anew, so that some kills meet the creation */
            all += t.observations;
            place_open(&p);
            place_fini(&p);
            place_init(&p);
            store_close(p.s);
            t = (struct tally){0};
        }
        int ack;
        pid_t pid = start_writer(&p, t, random_u64(&r), &ack);
        uint64_t window_ms = kills < KILLS ? 60 : 60 + (uint64_t)kills;
        struct timespec wait = {0, (long)random_below(&r, window_ms) * 1000000 + 1000};
        nanosleep(&wait, NULL);
        kill(pid, SIGKILL);
        CHECK(waitpid(pid, NULL, 0) == pid);
        struct tally got;
        while (read(ack, &got, sizeof got) == (ssize_t)sizeof got)
            t = got;
        close(ack);
        place_open(&p);
        t = check_store(p.s, t);
        store_close(p.s);
    }
    all += t.observations;
    printf("killed %d times, %llu observations stored, 0 acknowledged lost\n", kills,
           (unsigned long long)all);
    CHECK(all > LEAST);
    place_open(&p);
    place_fini(&p);
}

/* A disk that stops at the k-th write, having written a part of it; SQLite's writes count too. */
static int64_t writes_left = INT64_MAX;
static uint64_t tear;

static enum err
faulty_write_at(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    (void)ctx;
    struct disk real = disk_system();
    if (--writes_left > 0)
        return disk_write_at(&real, fd, what, offset);
    if (writes_left == 0 && what.len) {
        what.len = (size_t)(tear % what.len);
        if (what.len && disk_write_at(&real, fd, what, offset) != OK)
            return ERR_IO;
    }
    return ERR_IO;
}

TEST(a_disk_that_tears_at_any_write_leaves_whole_batches)
{
    struct random_seeded seeded = {test_seed() + 60};
    struct random_source r = random_seeded_source(&seeded);
    struct place p;
    place_init(&p);
    struct tally t = {0};
    struct random_source system = random_system();
    p.config.random = system;
    size_t torn = 0;
    for (int64_t round = 0; round < 150 && t.observations < MOST - 8000; round++) {
        store_close(p.s);
        p.config.disk.write_at = faulty_write_at;
        writes_left = INT64_MAX;
        place_open(&p);
        writes_left = 1 + (int64_t)random_below(&r, 40);
        tear = random_u64(&r);
        enum err e = OK;
        for (int i = 0; i < 60 && e == OK; i++) {
            e = write_batch(p.s, &r, &t);
            bool more;
            if (random_below(&r, 10) == 0)
                p.clock.wall_us += (int64_t)20 * 60 * 1000000;
            if (e == OK)
                e = store_maintain(p.s, &more);
        }
        torn += e != OK;
        if (e == ERR_IO && store_commit(p.s) == OK)
            CHECK(!store_dirty(p.s));
        store_close(p.s);
        writes_left = INT64_MAX;
        p.config.disk = disk_system();
        place_open(&p);
        t = check_store(p.s, t);
    }
    CHECK(torn > 50);
    place_fini(&p);
}

static void
flip(struct place *p, const char *file, uint64_t offset)
{
    int fd = openat(p->fd, file, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    uint8_t c;
    CHECK(pread(fd, &c, 1, (off_t)offset) == 1);
    c ^= 0x20;
    CHECK(pwrite(fd, &c, 1, (off_t)offset) == 1);
    close(fd);
}

TEST(a_changed_byte_in_the_journal_is_noticed)
{
    struct place p;
    struct tally t = {0};
    struct random_seeded seeded = {9};
    struct random_source r = random_seeded_source(&seeded);
    place_init(&p);
    for (int i = 0; i < 20; i++)
        CHECK_OK(write_batch(p.s, &r, &t));
    store_close(p.s);
    const uint64_t places[] = {3,    9,    100,  1500, JOURNAL_FIRST, JOURNAL_FIRST + 9,
                               4120, 4200, 5000, 9000, 4000};
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        flip(&p, "journal.0", places[i]);
        p.s = NULL;
        CHECK(store_open(&p.config, &p.s) == ERR_CRYPTO);
        flip(&p, "journal.0", places[i]);
    }
    place_open(&p);
    check_store(p.s, t);
    place_fini(&p);
}

static void
change_chunk(struct place *p, const char *sql)
{
    sqlite3 *db;
    vfs_allow(p->fd, &p->config.disk);
    CHECK(sqlite3_open(VFS_DIRECTORY "/store.db", &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    unlinkat(p->fd, "store.db-shm", 0);
    vfs_deny();
}

TEST(a_changed_chunk_does_not_open)
{
    struct place p;
    struct tally t = {0};
    struct random_seeded seeded = {10};
    struct random_source r = random_seeded_source(&seeded);
    place_init(&p);
    while (t.observations < 20000)
        CHECK_OK(write_batch(p.s, &r, &t));
    p.clock.wall_us += (int64_t)20 * 60 * 1000000; /* no edit is left to be replayed into a chunk */
    bool more = true;
    while (more)
        CHECK_OK(store_maintain(p.s, &more));
    static const char *const changes[][2] = {
        {"UPDATE chunk SET t1=t1+1 WHERE id=(SELECT MIN(id) FROM chunk)",
         "UPDATE chunk SET t1=t1-1 WHERE id=(SELECT MIN(id) FROM chunk)"},
        {"UPDATE chunk SET n0=n0+1 WHERE id=(SELECT MIN(id) FROM chunk)",
         "UPDATE chunk SET n0=n0-1 WHERE id=(SELECT MIN(id) FROM chunk)"},
        {"UPDATE chunk SET epoch=1 WHERE id=(SELECT MIN(id) FROM chunk)",
         "UPDATE chunk SET epoch=0 WHERE id=(SELECT MIN(id) FROM chunk)"},
        {"UPDATE chunk SET body=substr(body,1,30)||x'00'||substr(body,32) WHERE id=(SELECT MIN(id) "
         "FROM chunk)",
         ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        store_close(p.s);
        change_chunk(&p, changes[i][0]);
        place_open(&p);
        enum err e = OK;
        for (uint32_t stream = 0; e == OK && stream < STREAMS; stream++) {
            struct store_range all = {.from_us = INT64_MIN, .to_us = INT64_MAX};
            memset(&audit, 0, sizeof audit);
            e = store_range(p.s, stream, &all, audit_one, NULL);
        }
        CHECK(e == ERR_CRYPTO);
        store_close(p.s);
        change_chunk(&p, changes[i][1]);
        place_open(&p);
    }
    place_fini(&p);
}

static void
forbid(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    const int calls[] = {
        SCMP_SYS(open),      SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(unlink),
        SCMP_SYS(unlinkat),  SCMP_SYS(fcntl),  SCMP_SYS(socket),  SCMP_SYS(access),
        SCMP_SYS(faccessat), SCMP_SYS(stat),   SCMP_SYS(lstat),   SCMP_SYS(newfstatat),
        SCMP_SYS(readlink),  SCMP_SYS(getcwd), SCMP_SYS(rename),  SCMP_SYS(fallocate),
        SCMP_SYS(mlock),     SCMP_SYS(execve), SCMP_SYS(clone),   SCMP_SYS(geteuid),
        SCMP_SYS(fchown),    SCMP_SYS(mkdir),  SCMP_SYS(dup),     SCMP_SYS(ioctl),
        SCMP_SYS(sysinfo)};
    bool ok = filter != NULL;
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++)
        ok = ok && seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, calls[i], 0) == 0;
    if (!ok || seccomp_load(filter) != 0)
        _exit(4);
}

static void
work_confined(struct place *p)
{
    struct random_seeded seeded = {11};
    struct random_source r = random_seeded_source(&seeded);
    struct tally t = {0};
    struct store_stream meta = {"c", "s", 1, false};
    bool more;
    p->config.random = random_system();
    if (store_open(&p->config, &p->s) != OK)
        _exit(5);
    forbid();
    enum err e = store_add_stream(p->s, 99, &meta);
    for (int i = 0; e == OK && i < 600; i++) {
        struct observation o = {.kind = RESULT_NUMBER, .time_us = i};
        uint64_t n;
        e = store_append(p->s, 99, &o, true, &n);
        if (e == OK)
            e = write_batch(p->s, &r, &t);
        if (e == OK)
            e = store_maintain(p->s, &more);
        if (i % 100 == 99)
            p->clock.wall_us += (int64_t)1000 * 1000000;
    }
    struct store_range all = {.from_us = INT64_MIN, .to_us = INT64_MAX, .descending = true};
    struct store_aggregate sum;
    memset(&audit, 0, sizeof audit);
    for (uint32_t stream = 0; e == OK && stream < STREAMS; stream++)
        e = store_range(p->s, stream, &all, audit_one, NULL);
    if (e == OK)
        e = store_aggregate(p->s, 1, 0, INT64_MAX, &sum);
    if (e == OK)
        e = store_erase_stream(p->s, 1);
    for (int i = 0; e == OK && i < 100; i++)
        e = store_maintain(p->s, &more);
    _exit(e == OK && audit.count == t.observations ? 0 : 6);
}

TEST(confined_it_opens_locks_and_removes_nothing)
{
    struct place p;
    place_init(&p);
    store_close(p.s);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        work_confined(&p);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    place_open(&p);
    struct store_span span;
    CHECK_OK(store_span(p.s, 1, &span));
    CHECK(span.count == 0);
    place_fini(&p);
}

TEST(a_store_is_open_once)
{
    struct place p;
    place_init(&p);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct store *second = NULL;
        _exit(store_open(&p.config, &second) == ERR_IO ? 0 : 1);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    place_fini(&p);
}
