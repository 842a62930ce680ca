/*
 * fault_test.c -- every operation of a store on its disk goes wrong once, in each way there is.
 *
 * A scripted life of a store (streams, batches, sealing, recycling, expiry, erasure, opening anew)
 * is run for n = 1, 2, 3, ... with the n-th operation failing, until a run meets no fault. After
 * each: nothing was acknowledged that is not there on a healthy disk, once; what was acknowledged
 * after the fault survives a power cut too, so no failed sync was taken for a good one.
 */
#include "store/embedded/place.h"

#include "base/test_fault.h"

#include <sqlite3.h>
#include <sys/syscall.h>

/* SQLite syncs with these, and its table of calls has no place for them. */
int fdatasync(int fd);
int fsync(int fd);

static int
modelled_sync(int fd)
{
    enum err e = fault_sync(NULL, fd);
    errno = e == ERR_READ_ONLY ? EROFS : EIO;
    return e == OK ? 0 : -1;
}

static bool modelled;

int
fdatasync(int fd)
{
    return modelled ? modelled_sync(fd) : (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
    return modelled ? modelled_sync(fd) : (int)syscall(SYS_fsync, fd);
}

/* ---- what was promised ------------------------------------------------------------------------
 */

enum {
    KEPT = 0,
    EXPIRING = 1,
    ERASED = 2,
    STREAMS = 3,
    CHANGED = 3,
    NUMBERS_MAX = 4000,
    ENTITIES = 4
};

struct promised {
    bool acknowledged[STREAMS][NUMBERS_MAX]; /* by number: the result */
    bool tried[STREAMS][NUMBERS_MAX];
    uint32_t numbers; /* the next one */
    bool stream_added;
    bool erase_tried, erased;
    uint64_t entity[ENTITIES], entity_tried[ENTITIES]; /* 0: none */
    uint64_t decided, decided_tried;
    uint8_t root[32];
    uint64_t changed, changed_tried; /* so many were written there, all but the last taken back */
    int64_t expired_us;              /* what is older need not be there */
};
static struct promised promised;
static int64_t time_of[NUMBERS_MAX];
static bool seen[NUMBERS_MAX];

static bool
see_one(void *ctx, uint64_t n, const struct observation *o)
{
    (void)ctx, (void)n;
    uint64_t i = (uint64_t)o->number;
    CHECK(i < NUMBERS_MAX && !seen[i]); /* none twice */
    CHECK(o->time_us == time_of[i]);
    seen[i] = true;
    return true;
}

static uint64_t entity_now[ENTITIES];

static void
see_entity(void *ctx, uint8_t type, uint64_t id, struct bytes record)
{
    (void)ctx;
    CHECK(type == 1 && id < ENTITIES && record.len == sizeof(uint64_t));
    memcpy(&entity_now[id], record.p, record.len);
}

static uint64_t
changes_of(struct store *s)
{
    struct observation o;
    if (promised.changed_tried && store_get(s, CHANGED, promised.changed_tried - 1, &o) == OK)
        return promised.changed_tried;
    return promised.changed;
}

static bool
see_version(void *ctx, int64_t corrected_us, const struct observation *was)
{
    (void)corrected_us;
    CHECK(was->number == -1);
    (*(uint64_t *)ctx)++;
    return true;
}

/* One is there, corrected once; those before it were taken back. */
static void
check_changed(struct store *s)
{
    struct observation o;
    struct store_span span;
    uint64_t versions = 0;
    uint64_t count = changes_of(s);
    for (uint64_t n = 0; n + 1 < count; n++)
        CHECK(store_get(s, CHANGED, n, &o) == ERR_NOT_FOUND);
    if (count == 0)
        return;
    CHECK_OK(store_get(s, CHANGED, count - 1, &o));
    CHECK(o.number == (double)count);
    CHECK_OK(store_versions(s, CHANGED, count - 1, see_version, &versions));
    CHECK(versions == 1);
    CHECK_OK(store_span(s, CHANGED, &span));
    CHECK(span.count == 1 && span.first_us == (int64_t)count);
}

/* Everything promised is there, once, and nothing that was never tried. */
static void
check_promises(struct store *s)
{
    for (uint32_t stream = 0; stream < STREAMS; stream++) {
        memset(seen, 0, sizeof seen);
        struct store_range all = {.from_us = INT64_MIN, .to_us = INT64_MAX};
        enum err e = store_range(s, stream, &all, see_one, NULL);
        if (stream == ERASED && promised.erased)
            CHECK(e == ERR_EXPIRED);
        if (e == ERR_NOT_FOUND)
            CHECK(!promised.stream_added);
        else if (e != ERR_EXPIRED || stream != ERASED || !promised.erase_tried)
            CHECK_OK(e);
        for (uint32_t i = 0; e == OK && i < promised.numbers; i++) {
            bool may_be_gone = stream == EXPIRING && time_of[i] < promised.expired_us;
            CHECK(!promised.acknowledged[stream][i] || seen[i] || may_be_gone);
            CHECK(!seen[i] || promised.tried[stream][i]);
        }
    }
    check_changed(s);
    memset(entity_now, 0, sizeof entity_now);
    CHECK_OK(store_each_entity(s, see_entity, NULL));
    for (size_t i = 0; i < ENTITIES; i++)
        CHECK(entity_now[i] == promised.entity[i] || entity_now[i] == promised.entity_tried[i]);
    uint64_t size;
    uint8_t root[32];
    store_head(s, &size, root);
    CHECK(size == promised.decided || size == promised.decided_tried);
    CHECK(size != promised.decided || size == 0 || memcmp(root, promised.root, 32) == 0);
}

/* What a crash made durable though nobody was told: from now on it stays. */
static void
accept_what_is(struct store *s)
{
    for (uint32_t stream = 0; stream < STREAMS; stream++) {
        memset(seen, 0, sizeof seen);
        struct store_range all = {.from_us = INT64_MIN, .to_us = INT64_MAX};
        enum err e = store_range(s, stream, &all, see_one, NULL);
        promised.erased |= stream == ERASED && e == ERR_EXPIRED;
        promised.stream_added |= e != ERR_NOT_FOUND;
        for (uint32_t i = 0; i < promised.numbers; i++)
            promised.acknowledged[stream][i] |= seen[i];
    }
    memcpy(promised.entity, entity_now, sizeof entity_now);
    memcpy(promised.entity_tried, entity_now, sizeof entity_now);
    store_head(s, &promised.decided, promised.root);
    promised.decided_tried = promised.decided;
    promised.changed = promised.changed_tried = changes_of(s);
}

/* ---- the life ----------------------------------------------------------------------------------
 */

static enum err
add_streams(struct store *s)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i <= CHANGED; i++) {
        struct store_stream meta = {"c", "s", i == EXPIRING ? 3600 : 0, false};
        e = store_add_stream(s, i, &meta);
    }
    if (e == OK)
        e = store_commit(s);
    promised.stream_added |= e == OK;
    return e;
}

static void
acknowledge(struct store *s, const uint32_t from[static STREAMS], uint64_t entity)
{
    for (uint32_t stream = 0; stream < STREAMS; stream++)
        for (uint32_t i = from[0]; i < promised.numbers; i++)
            promised.acknowledged[stream][i] |= promised.tried[stream][i];
    promised.entity[entity] = promised.entity_tried[entity];
    promised.changed = promised.changed_tried;
    store_head(s, &promised.decided, promised.root);
    CHECK(promised.decided == promised.decided_tried);
}

/* A new one, corrected at once, and the one before taken back. */
static enum err
change(struct store *s)
{
    promised.changed_tried = promised.changed + 1;
    struct observation o = {
        .kind = RESULT_NUMBER, .number = -1, .time_us = (int64_t)promised.changed_tried};
    uint64_t n;
    enum err e = store_append(s, CHANGED, &o, false, &n);
    if (e == OK && n)
        e = store_withdraw(s, CHANGED, n - 1);
    o.number = (double)promised.changed_tried;
    return e == OK ? store_correct(s, CHANGED, n, &o) : e;
}

/* `count` observations over the streams, an entity, a decision. */
static enum err
write_batch(struct place *p, uint32_t count)
{
    uint32_t from[STREAMS] = {promised.numbers};
    uint64_t entity = promised.numbers % ENTITIES;
    enum err e = OK;
    for (uint32_t k = 0; e == OK && k < count; k++) {
        uint32_t i = promised.numbers++;
        uint32_t stream = count > 100 ? KEPT : i % (promised.erase_tried ? 2 : STREAMS);
        CHECK(i < NUMBERS_MAX);
        time_of[i] = p->clock.wall_us + i;
        struct observation o = {.kind = RESULT_NUMBER,
                                .number = i,
                                .time_us = time_of[i],
                                .time_end_us = time_of[i],
                                .result_time_us = time_of[i]};
        uint64_t n;
        e = store_append(p->s, stream, &o, k % 2, &n);
        promised.tried[stream][i] = e == OK;
    }
    uint64_t value = promised.numbers;
    if (e == OK)
        e = change(p->s);
    if (e == OK)
        e = store_put_entity(p->s, 1, entity, bytes_of(&value, sizeof value));
    if (e == OK)
        promised.entity_tried[entity] = value;
    if (e == OK)
        e = store_decide(p->s, bytes_of(&value, sizeof value));
    promised.decided_tried = promised.decided + 1;
    if (e == OK)
        e = store_commit(p->s);
    if (e == OK)
        acknowledge(p->s, from, entity);
    return e;
}

/* As the core does: it goes on after an error of upkeep, until a commit fails. */
static enum err
maintain(struct place *p)
{
    bool more = true;
    enum err e = OK;
    for (int i = 0; e == OK && more && i < 100; i++)
        e = store_maintain(p->s, &more);
    return e == ERR_LIMIT || e == ERR_NO_SPACE ? OK : e;
}

static void
pass_time(struct place *p, int64_t minutes)
{
    p->clock.wall_us += minutes * 60 * 1000000;
    promised.expired_us = p->clock.wall_us - (int64_t)3600 * 1000000;
}

static enum err
erase(struct place *p)
{
    promised.erase_tried = true;
    enum err e = store_erase_stream(p->s, ERASED);
    promised.erased |= e == OK;
    return e == ERR_LIMIT || e == ERR_NO_SPACE ? OK : e;
}

static enum err
reopen(struct place *p)
{
    store_close(p->s);
    p->s = NULL;
    return store_open(&p->config, &p->s);
}

static enum err
live(struct place *p)
{
    enum err e = promised.stream_added ? OK : add_streams(p->s);
    if (e == OK)
        e = write_batch(p, 40);
    if (e == OK)
        e = write_batch(p, 1100); /* a whole chunk */
    if (e == OK)
        e = maintain(p);
    pass_time(p, 20);
    if (e == OK)
        e = maintain(p); /* seals all, goes to the next segment, frees this one */
    if (e == OK)
        e = write_batch(p, 40);
    if (e == OK)
        e = erase(p);
    if (e == OK)
        e = maintain(p);
    if (e == OK)
        e = reopen(p);
    pass_time(p, 90);
    if (e == OK)
        e = write_batch(p, 40);
    if (e == OK)
        e = maintain(p); /* what expired goes, and its key */
    return e;
}

/* ---- one run --------------------------------------------------------------------------------- */

/* A directory as new: made once, then put back. Journals are zeros but for what was written. */
static void
empty_place(struct place *p)
{
    static const char *const names[] = {
        "leaves",    "store.db",  "store.db-wal", "journal.0", "journal.1", "journal.2",
        "journal.3", "journal.4", "journal.5",    "journal.6", "journal.7", "store.db-journal"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        unlinkat(p->fd, names[i], 0);
}

static const char *const saved_names[] = {"leaves",    "store.db",  "store.db-wal", "journal.0",
                                          "journal.1", "journal.2", "journal.3"};
static struct {
    off_t size;
    size_t len;
    uint8_t p[256 * 1024];
} saved[ARRAY_COUNT(saved_names)];

static void
save_place(const struct place *p)
{
    for (size_t i = 0; i < ARRAY_COUNT(saved_names); i++) {
        int fd = openat(p->fd, saved_names[i], O_RDONLY | O_CLOEXEC);
        struct stat s;
        CHECK(fd >= 0 && fstat(fd, &s) == 0);
        saved[i].size = s.st_size;
        ssize_t n = pread(fd, saved[i].p, sizeof saved[i].p, 0);
        CHECK(n >= 0 && (i > 2 || n == s.st_size)); /* of a journal what is not zeros */
        saved[i].len = (size_t)n;
        close(fd);
    }
}

static void
put_place_back(const struct place *p)
{
    for (size_t i = 0; i < ARRAY_COUNT(saved_names); i++) {
        int fd = openat(p->fd, saved_names[i], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fd >= 0 && ftruncate(fd, 0) == 0 && ftruncate(fd, saved[i].size) == 0);
        CHECK(pwrite(fd, saved[i].p, saved[i].len, 0) == (ssize_t)saved[i].len);
        close(fd);
    }
}

/* A sync or a truncation of SQLite's does not tell more than that it failed. */
static bool
reason_fits(enum fault_kind kind, enum err e)
{
    if (e == OK || (e == ERR_IO && kind != FAULT_FULL))
        return true;
    return (kind == FAULT_FULL && e == ERR_NO_SPACE) ||
           (kind == FAULT_READ_ONLY && e == ERR_READ_ONLY);
}

/* True if the fault struck. `made`: the store is there already; else its making counts too. */
static bool
run(struct place *p, enum fault_kind kind, uint64_t at, enum fault_loss loss, bool made)
{
    memset(&promised, 0, sizeof promised);
    p->clock.wall_us = T0;
    p->s = NULL;
    if (made)
        put_place_back(p);
    else
        empty_place(p);
    p->config.disk = fault_disk(kind, at, test_seed() + at);
    enum err e = store_open(&p->config, &p->s);
    if (e == OK)
        e = live(p);
    bool struck = fault_now.struck;
    if (!struck)
        CHECK_OK(e);
    if (!reason_fits(kind, e))
        fprintf(stderr, "kind %d at %llu: %s\n", (int)kind, (unsigned long long)at, err_text(e));
    CHECK(reason_fits(kind, e));
    store_close(p->s);
    p->s = NULL;
    if (kind == FAULT_POWER)
        fault_power_cut(loss);
    fault_heal();
    place_open(p); /* on a healthy disk it always opens */
    check_promises(p->s);
    accept_what_is(p->s);
    if (!promised.stream_added)
        CHECK_OK(add_streams(p->s));
    CHECK_OK(write_batch(p, 10));
    CHECK_OK(maintain(p));
    store_close(p->s);
    fault_power_cut(LOSS_ALL);
    place_open(p);
    check_promises(p->s);
    store_close(p->s);
    p->s = NULL;
    return struck;
}

static struct place place;

static void
remove_place(void)
{
    test_remove_tree(place.path);
}

static struct place *
faulty_place(void)
{
    modelled = false;
    if (place.fd > 0)
        return &place;
    /* Thousands of small lives: in memory where that is to be had; durable is the model's business.
     */
    place_init_in(&place, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    atexit(remove_place);
    store_close(place.s);
    place.config.disk_bytes = 16 * 1024 * 1024; /* small: four segments of 2 MiB */
    empty_place(&place);
    place_open(&place);
    store_close(place.s);
    save_place(&place);
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    CHECK(vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)fault_truncate) == SQLITE_OK);
    return &place;
}

#ifdef __SANITIZE_ADDRESS__
enum { STEP = 7 }; /* every operation is the business of the plain build */
#else
enum { STEP = 1 };
#endif

static uint64_t
sweep(enum fault_kind kind, bool made, uint64_t most)
{
    static const char *const names[FAULT_KINDS] = {
        "",           "disk full",   "read-only",   "failed write",
        "torn write", "failed sync", "failed read", "power cut"};
    struct place *p = faulty_place();
    modelled = true;
    /* A torn write may leave nothing, and a dead disk is one that went read-only: those two in turn
     * are enough, so of their weaker kin each fourth is tried. */
    uint64_t step = kind == FAULT_WRITE || kind == FAULT_READ_ONLY ? 4 * STEP : STEP;
    uint64_t n = 1;
    while (n <= most && run(p, kind, n, (enum fault_loss)(n % LOSS_KINDS), made))
        n += step;
    fault_fini();
    modelled = false;
    printf("%s: up to operation %llu, in steps of %llu\n", names[kind], (unsigned long long)(n - 1),
           (unsigned long long)step);
    return n - 1;
}

TEST(a_full_disk_at_any_write) { CHECK(sweep(FAULT_FULL, true, UINT64_MAX) > 5); }

TEST(a_failed_write_anywhere) { CHECK(sweep(FAULT_WRITE, true, UINT64_MAX) > 50); }

TEST(a_short_write_anywhere) { CHECK(sweep(FAULT_SHORT, true, UINT64_MAX) > 50); }

TEST(a_file_system_gone_read_only_anywhere)
{
    CHECK(sweep(FAULT_READ_ONLY, true, UINT64_MAX) > 50);
}

TEST(a_failed_sync_anywhere_is_a_lost_batch) { CHECK(sweep(FAULT_SYNC, true, UINT64_MAX) > 20); }

TEST(a_failed_read_anywhere) { CHECK(sweep(FAULT_READ, true, UINT64_MAX) > 50); }

TEST(a_power_cut_anywhere) { CHECK(sweep(FAULT_POWER, true, UINT64_MAX) > 50); }

TEST(a_power_cut_while_the_store_is_made) { CHECK(sweep(FAULT_POWER, false, 60) >= 60); }
