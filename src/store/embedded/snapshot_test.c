/* snapshot_test.c -- a copy made while the store is written, dumped, and brought back elsewhere. */
#include "store/embedded/place.h"

#include "store/embedded/dump.h"
#include "store/embedded/dump_part.h"
#include "store/embedded/embedded.h"
#include "store/embedded/snapshot.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { STREAMS = 64, ROUNDS_LONG = 100, PARTS_MAX = 4096 };

/* ---- another process that writes as fast as it can -------------------------------------- */

struct shared {
    volatile uint64_t acknowledged[STREAMS + 1]; /* observations of each stream */
    volatile uint64_t decisions;
    volatile int hold, stop;
};

static void
write_until_told(struct place *p, struct shared *shared)
{
    struct clock_source system = clock_system();
    bool more;
    for (uint32_t id = 1; id <= STREAMS; id++) {
        struct store_stream meta = {"vehicle-position", "hall", id % 2 ? 0 : 86400, true};
        CHECK_OK(store_add_stream(p->s, id, &meta));
    }
    CHECK_OK(store_commit(p->s));
    for (uint64_t round = 0; !shared->stop; round++) {
        uint64_t n[STREAMS + 1] = {0};
        p->clock.mono_ms = clock_mono_ms(&system);
        p->clock.wall_us += 1000 * 1000;
        store_hold(p->s, shared->hold ? 1000 : 0);
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t id = 1 + (i + (uint32_t)round) % STREAMS;
            struct observation o = {.time_us = p->clock.wall_us + i,
                                    .time_end_us = p->clock.wall_us + i,
                                    .result_time_us = p->clock.wall_us + i,
                                    .kind = RESULT_NUMBER};
            o.number = (double)(shared->acknowledged[id] + (n[id] ? 1 : 0));
            enum err e = store_append(p->s, id, &o, false, &n[0]);
            if (e == ERR_LIMIT)
                break;
            CHECK_OK(e);
            if (store_decide(p->s, bytes_of(&i, sizeof i)) != OK)
                break;
            n[id] = n[0] + 1;
        }
        CHECK_OK(store_put_entity(p->s, 3, 1 + round % 500, bytes_of(n, sizeof n)));
        CHECK_OK(store_commit(p->s));
        for (uint32_t id = 1; id <= STREAMS; id++)
            if (n[id])
                shared->acknowledged[id] = n[id];
        uint8_t root[32];
        uint64_t size;
        store_head(p->s, &size, root);
        shared->decisions = size;
        CHECK_OK(store_maintain(p->s, &more));
    }
}

typedef void writer_fn(struct place *p, struct shared *shared);

static struct shared *
shared_new(void)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    return shared;
}

/* It ends when it is told to, or with us. */
static pid_t
start_writer(struct place *p, struct shared *shared, writer_fn *writes)
{
    store_close(p->s); /* SQLite and its locks belong to one of us */
    p->s = NULL;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    place_open(p);
    writes(p, shared);
    store_close(p->s);
    _exit(0);
}

static void
end_writer(pid_t writer, struct shared *shared)
{
    int status;
    shared->stop = 1;
    CHECK(waitpid(writer, &status, 0) == writer && status == 0);
}

static enum err
try_snapshot(struct place *p, struct place *scratch, struct snapshot **out)
{
    struct snapshot_config config = {.store_fd = p->fd,
                                     .scratch_fd = scratch->fd,
                                     .disk = disk_system(),
                                     .random = random_system()};
    memcpy(config.zone, p->config.zone, sizeof config.zone);
    memcpy(config.master_key, p->config.master_key, sizeof config.master_key);
    return snapshot_open(&config, out);
}

/* A directory alone. */
static void
folder_init(struct place *p)
{
    *p = (struct place){.seeded = {1}};
    snprintf(p->path, sizeof p->path, "/tmp/store-test-XXXXXX");
    CHECK(mkdtemp(p->path));
    p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(p->fd >= 0);
}

static uint32_t
take_snapshot(struct place *p, struct place *scratch, struct snapshot **out)
{
    for (uint32_t tries = 1;; tries++) {
        folder_init(scratch);
        enum err e = try_snapshot(p, scratch, out);
        if (e == OK)
            return tries;
        CHECK(e == ERR_AGAIN || e == ERR_CRYPTO);
        CHECK(tries < 20);
        place_fini(scratch);
    }
}

static void
end_snapshot(struct snapshot *s, struct place *scratch)
{
    snapshot_close(s);
    place_fini(scratch);
}

enum { BATCH = 5000, BATCHES = LEAVES_RING_MIN / BATCH, BATCHES_MORE = 4 };

/* Told to hold still, and its ring of leaves is nearly full; then, with hold 2, over full. */
static void
fill_ring(struct place *p, struct shared *shared)
{
    store_hold(p->s, UINT32_MAX);
    for (uint32_t batch = 0; batch < BATCHES + BATCHES_MORE; batch++) {
        while (batch == BATCHES && shared->hold < 2)
            usleep(1000);
        for (uint32_t i = 0; i < BATCH; i++)
            CHECK_OK(store_decide(p->s, bytes_of(&i, sizeof i)));
        CHECK_OK(store_commit(p->s));
        bool more = batch < BATCHES; /* so that its leaves are no more in the journal */
        while (more)
            CHECK_OK(store_maintain(p->s, &more));
        shared->decisions += BATCH;
    }
    while (!shared->stop)
        usleep(1000);
}

static void
wait_for_decisions(const struct shared *shared, uint64_t count)
{
    for (int ms = 0; shared->decisions < count; ms++) {
        CHECK(ms < 60000);
        usleep(1000);
    }
}

/* N4: a full ring is cut though the store holds still. The next snapshot is behind the cut. */
TEST(leaves_that_were_written_over_are_noticed_and_the_next_snapshot_holds)
{
    struct place p, scratch;
    struct snapshot *s;
    struct dump_verdict v;
    struct shared *shared = shared_new();
    place_init(&p);
    pid_t writer = start_writer(&p, shared, fill_ring);
    wait_for_decisions(shared, BATCHES * BATCH);
    take_snapshot(&p, &scratch, &s);
    shared->hold = 2;
    wait_for_decisions(shared, (BATCHES + BATCHES_MORE) * BATCH);
    CHECK(dump_verify(snapshot_store(s), NULL, NULL, &v) == ERR_CRYPTO);
    CHECK(snapshot_still(s) && strstr(v.why, "leaves"));
    end_snapshot(s, &scratch);
    take_snapshot(&p, &scratch, &s);
    CHECK_OK(dump_verify(snapshot_store(s), NULL, NULL, &v));
    CHECK(v.decisions == shared->decisions && snapshot_store(s)->cut.size > 0);
    end_snapshot(s, &scratch);
    end_writer(writer, shared);
    munmap(shared, sizeof *shared);
    place_fini(&p);
}

TEST(a_snapshot_under_full_load_is_whole_every_time)
{
    struct place p, scratch;
    struct shared *shared = shared_new();
    place_init(&p);
    p.config.disk_bytes = UINT64_C(1) << 36;
    shared->hold = 1;
    const char *rounds = getenv("BULKHEAD_SNAPSHOTS");
    uint32_t tries = 0, unstill = 0, count = rounds ? ROUNDS_LONG : 5;
    pid_t writer = start_writer(&p, shared, write_until_told);
    while (shared->decisions < 20000)
        usleep(1000);
    for (uint32_t round = 0; round < count; round++) {
        struct shared before = *shared;
        struct snapshot *s;
        tries += take_snapshot(&p, &scratch, &s);
        struct dump_verdict v;
        CHECK_OK(dump_verify(snapshot_store(s), NULL, NULL, &v));
        if (!snapshot_still(s)) {
            unstill++;
            end_snapshot(s, &scratch);
            continue;
        }
        CHECK(v.decisions >= before.decisions && v.streams == STREAMS);
        for (uint32_t id = 1; id <= STREAMS; id++) {
            struct store_span span;
            CHECK_OK(store_span(snapshot_store(s), id, &span));
            CHECK(span.count >= before.acknowledged[id]);
        }
        end_snapshot(s, &scratch);
    }
    end_writer(writer, shared);
    printf("%u snapshots, %u tries, %u moved, %llu decisions\n", count, tries, unstill,
           (unsigned long long)shared->decisions);
    CHECK(unstill <= count / 4);
    munmap(shared, sizeof *shared);
    place_fini(&p);
}

/* Without the hold the main file moves, and it is told. */
TEST(a_main_file_that_moved_is_noticed)
{
    struct place p, scratch;
    struct snapshot *s;
    uint8_t byte;
    place_init(&p);
    store_close(p.s);
    p.s = NULL;
    take_snapshot(&p, &scratch, &s);
    CHECK(snapshot_still(s));
    int fd = openat(p.fd, "store.db", O_RDWR);
    CHECK(fd >= 0 && pread(fd, &byte, 1, 0) == 1 && pwrite(fd, &byte, 1, 0) == 1);
    CHECK(!snapshot_still(s));
    close(fd);
    end_snapshot(s, &scratch);
    place_fini(&p);
}

/* ---- dump and back ----------------------------------------------------------------------- */

struct parts {
    struct buf list[PARTS_MAX];
    int64_t until_s[PARTS_MAX];
    size_t count;
};
static struct parts rows, keys, leaves;

static enum err
keep_part(struct parts *to, int64_t until_s, struct bytes part)
{
    CHECK(to->count < PARTS_MAX);
    buf_init(&to->list[to->count], part.len);
    buf_put(&to->list[to->count], part);
    to->until_s[to->count++] = until_s;
    return OK;
}

static enum err
keep_row(void *ctx, struct bytes part)
{
    return keep_part(ctx, 0, part);
}

static enum err
keep_key(void *ctx, int64_t until_s, struct bytes part)
{
    return keep_part(ctx, until_s, part);
}

static void
forget(struct parts *p)
{
    for (size_t i = 0; i < p->count; i++)
        buf_fini(&p->list[i]);
    p->count = 0;
}

static void
dump_all(struct place *p, int64_t now_s)
{
    struct place scratch;
    struct snapshot *s;
    forget(&rows), forget(&keys), forget(&leaves);
    store_close(p->s);
    p->s = NULL;
    take_snapshot(p, &scratch, &s);
    CHECK_OK(dump_rows(snapshot_store(s), keep_row, &rows));
    CHECK_OK(dump_keys(snapshot_store(s), now_s, keep_key, &keys));
    CHECK_OK(dump_leaves(snapshot_store(s), keep_row, &leaves));
    end_snapshot(s, &scratch);
    place_open(p);
}

/* Into a new directory, with the keys that are needed after `now_s`. */
static enum err
bring_back(struct place *p, struct place *to, int64_t now_s)
{
    struct undump *u;
    store_close(p->s); /* one store at a time */
    p->s = NULL;
    folder_init(to);
    to->clock.wall_us = p->clock.wall_us;
    to->config = p->config;
    to->config.directory_fd = to->fd;
    to->config.clock = clock_fake_source(&to->clock);
    to->config.random = random_seeded_source(&to->seeded);
    CHECK_OK(undump_open(&to->config, &u));
    enum err e = OK;
    for (size_t i = 0; e == OK && i < rows.count; i++)
        e = undump_part(u, buf_bytes(&rows.list[i]));
    for (size_t i = 0; e == OK && i < keys.count; i++)
        if (keys.until_s[i] == 0 || keys.until_s[i] > now_s)
            e = undump_part(u, buf_bytes(&keys.list[i]));
    for (size_t i = 0; e == OK && i < leaves.count; i++)
        e = undump_leaves(u, buf_bytes(&leaves.list[i]));
    if (e == OK)
        e = undump_finish(u);
    undump_close(u);
    return e;
}

static uint64_t
append_at(struct place *p, uint32_t stream, int64_t time_us, double number)
{
    struct observation o = {.time_us = time_us,
                            .time_end_us = time_us,
                            .result_time_us = time_us,
                            .kind = RESULT_NUMBER,
                            .number = number};
    uint64_t n;
    CHECK_OK(store_append(p->s, stream, &o, false, &n));
    return n;
}

static void
fill(struct place *p)
{
    for (uint32_t id = 1; id <= 3; id++) {
        struct store_stream meta = {"flow", "hall", 0, false};
        struct store_stream passing = {"vehicle-position", "hall", 86400, true};
        CHECK_OK(store_add_stream(p->s, id, id == 2 ? &passing : &meta));
    }
    for (uint32_t i = 0; i < 3000; i++) {
        append_at(p, 1 + i % 3, p->clock.wall_us + i, i / 10.0);
        CHECK_OK(store_decide(p->s, bytes_of(&i, sizeof i)));
        if (i % 500 == 499)
            CHECK_OK(store_commit(p->s));
    }
    CHECK_OK(store_put_entity(p->s, 2, 9, bytes_text("a thing")));
    CHECK_OK(store_commit(p->s));
}

static void
see_thing(void *ctx, uint8_t type, uint64_t id, struct bytes record)
{
    CHECK(type == 2 && id == 9 && bytes_are(record, "a thing"));
    ++*(int *)ctx;
}

TEST(a_dump_comes_back_as_the_same_store)
{
    struct place p, to;
    struct observation o;
    uint64_t size, size_to, n;
    uint8_t root[32], root_to[32];
    int things = 0;
    place_init(&p);
    fill(&p);
    CHECK_OK(store_erase_stream(p.s, 3));
    dump_all(&p, T0 / 1000000);
    store_head(p.s, &size, root);
    CHECK_OK(bring_back(&p, &to, T0 / 1000000));
    store_close(p.s);
    p.s = NULL;
    place_open(&to);
    store_head(to.s, &size_to, root_to);
    CHECK(size == 3000 && size_to == size && memcmp(root, root_to, 32) == 0);
    CHECK_OK(store_get(to.s, 1, 999, &o));
    CHECK(o.number == 299.7 && o.time_us == T0 + 2997);
    CHECK(store_get(to.s, 3, 0, &o) == ERR_EXPIRED);
    CHECK_OK(store_each_entity(to.s, see_thing, &things));
    CHECK(things == 1);
    n = append_at(&to, 1, T0 + 5000, 1); /* and it goes on */
    CHECK(n == 1000);
    CHECK_OK(store_decide(to.s, bytes_text("again")));
    CHECK_OK(store_commit(to.s));
    place_reopen(&to);
    CHECK_OK(store_get(to.s, 1, 1000, &o));
    place_fini(&to);
    place_fini(&p);
}

TEST(parts_of_rows_that_stay_are_the_same_bytes)
{
    struct place p;
    place_init(&p);
    fill(&p);
    p.clock.wall_us += INT64_C(3600) * 1000000;
    bool more = true;
    while (more)
        CHECK_OK(store_maintain(p.s, &more));
    dump_all(&p, T0 / 1000000);
    struct parts first = rows;
    rows.count = 0;
    append_at(&p, 1, p.clock.wall_us, 5);
    CHECK_OK(store_commit(p.s));
    dump_all(&p, T0 / 1000000);
    size_t same = 0;
    for (size_t i = 0; i < rows.count; i++)
        for (size_t k = 0; k < first.count; k++)
            same += bytes_equal(buf_bytes(&rows.list[i]), buf_bytes(&first.list[k]));
    CHECK(same + 2 >= rows.count && same >= 2); /* chunk and stream changed */
    forget(&first);
    place_fini(&p);
}

/* After a class has expired no key in a later dump opens what an earlier one holds. */
TEST(what_expired_does_not_come_back)
{
    struct place p, to;
    struct store_span span;
    place_init(&p);
    fill(&p);
    bool more = true;
    p.clock.wall_us += INT64_C(3600) * 1000000; /* sealed by age */
    while (more)
        CHECK_OK(store_maintain(p.s, &more));
    dump_all(&p, T0 / 1000000);
    struct parts then = rows, then_leaves = leaves;
    rows.count = leaves.count = 0;
    int64_t later_s = T0 / 1000000 + 3 * 86400;
    p.clock.wall_us = later_s * 1000000;
    for (more = true; more;)
        CHECK_OK(store_maintain(p.s, &more));
    dump_all(&p, later_s);
    forget(&rows), forget(&leaves);
    rows = then, leaves = then_leaves; /* old rows, new keys */
    CHECK_OK(bring_back(&p, &to, later_s));
    store_close(p.s);
    p.s = NULL;
    place_open(&to);
    CHECK_OK(store_span(to.s, 1, &span));
    CHECK(span.count == 1000);
    CHECK_OK(store_span(to.s, 2, &span));
    CHECK(span.count == 0);
    append_at(&to, 2, to.clock.wall_us, 1);
    CHECK_OK(store_commit(to.s));
    place_fini(&to);
    place_fini(&p);
}

/* Even if nobody made a dump since: the time to throw a key away stands with it. */
TEST(keys_say_until_when_they_are_needed)
{
    struct place p, to;
    struct store_span span;
    place_init(&p);
    fill(&p);
    dump_all(&p, T0 / 1000000);
    size_t lasting = 0, passing = 0;
    for (size_t i = 0; i < keys.count; i++) {
        lasting += keys.until_s[i] == 0;
        passing += keys.until_s[i] > T0 / 1000000 + 86400 &&
                   keys.until_s[i] <= T0 / 1000000 + 86400 + 2 * 5400;
    }
    CHECK(lasting == 2 && passing == 1 && keys.count == 3);
    CHECK_OK(bring_back(&p, &to, T0 / 1000000 + 2 * 86400));
    store_close(p.s);
    p.s = NULL;
    place_open(&to);
    CHECK_OK(store_span(to.s, 2, &span));
    CHECK(span.count == 0);
    place_fini(&to);
    place_fini(&p);
}

TEST(half_a_dump_is_no_store)
{
    struct place p, to;
    place_init(&p);
    fill(&p);
    dump_all(&p, T0 / 1000000);
    store_close(p.s);
    p.s = NULL;
    size_t whole = keys.count;
    keys.count = 0; /* without the row `meta` */
    CHECK(bring_back(&p, &to, 0) == ERR_MALFORMED);
    place_fini(&to);
    keys.count = whole;
    struct buf *last = &rows.list[rows.count - 1];
    last->len--;
    CHECK(bring_back(&p, &to, 0) == ERR_MALFORMED);
    place_fini(&to);
    last->len++;
    struct bytes part = buf_bytes(&rows.list[0]);
    struct undump *u;
    folder_init(&to);
    p.config.directory_fd = to.fd;
    CHECK_OK(undump_open(&p.config, &u));
    struct buf sql;
    buf_init(&sql, 1000);
    part_begin_tables(&sql, 1);
    part_put_table(&sql, bytes_text("CREATE TABLE a(b) ; DROP TABLE a"));
    CHECK(undump_part(u, buf_bytes(&sql)) == ERR_MALFORMED);
    part_begin_tables(&sql, 1);
    part_put_table(&sql, bytes_text("ATTACH 'x' AS y"));
    CHECK(undump_part(u, buf_bytes(&sql)) == ERR_MALFORMED);
    buf_fini(&sql);
    CHECK_OK(undump_part(u, part));
    undump_close(u);
    place_fini(&to);
    place_fini(&p);
    forget(&rows), forget(&keys), forget(&leaves);
}
