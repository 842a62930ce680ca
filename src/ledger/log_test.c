#include "base/random.h"
#include "base/test.h"
#include "ledger/log.h"

#include <sodium.h>

enum { FILES = 4, FILE_MAX = 256 * 1024, PIECE = 64, ATTEMPTS_MAX = 4096 };
enum { FD_ENTRIES, FD_OFFSETS, FD_HASHES, FD_CHECKPOINT };

static const char ORIGIN[] = "city.example/log";
static uint8_t public_key[32], secret[64];

/*
 * A disk that can lose its power: what was synced is durable, of what was written since any
 * 64-byte piece may be there or not, and the last write may be torn at any byte. Or it goes on, and
 * only one operation fails: a sync that failed forgets what it had to write, as Linux does.
 */
struct file {
    uint8_t now[FILE_MAX], durable[FILE_MAX];
    bool dirty[FILE_MAX / PIECE]; /* a sync would write it */
    size_t now_len, durable_len;
};
struct torn_disk {
    struct file files[FILES];
    uint64_t operations; /* done so far */
    uint64_t dies_at;    /* this operation is the last, and only in part; UINT64_MAX: never */
    size_t torn_at;      /* bytes of the last write that are done */
    bool dead;
    bool goes_on; /* that operation fails, and no other */
    uint64_t reads, read_fails_at;
    struct random_source random;
    struct random_seeded seeded;
};
static struct torn_disk disk;

static bool
dies(void)
{
    bool now = !disk.dead && disk.operations++ == disk.dies_at;
    disk.dead |= now && !disk.goes_on;
    return disk.dead || now;
}

static enum err
torn_write(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    (void)ctx;
    bool was_dead = disk.dead;
    struct file *f = &disk.files[fd];
    size_t len = what.len;
    CHECK(offset + len <= FILE_MAX);
    bool fails = dies();
    if (fails)
        len = was_dead ? 0 : len < disk.torn_at ? len : disk.torn_at;
    if (len)
        memcpy(f->now + offset, what.p, len);
    for (size_t at = offset / PIECE; len && at * PIECE < offset + len; at++)
        f->dirty[at] = true;
    if (len && offset + len > f->now_len)
        f->now_len = offset + len;
    return fails ? ERR_IO : OK;
}

static enum err
torn_read(void *ctx, int fd, void *to, size_t len, uint64_t offset, size_t *out_len)
{
    (void)ctx;
    struct file *f = &disk.files[fd];
    if (disk.reads++ == disk.read_fails_at)
        return ERR_IO;
    size_t n = offset >= f->now_len ? 0 : f->now_len - offset;
    n = n < len ? n : len;
    if (n)
        memcpy(to, f->now + offset, n);
    *out_len = n;
    return OK;
}

static enum err
torn_sync(void *ctx, int fd)
{
    (void)ctx;
    struct file *f = &disk.files[fd];
    bool fails = dies();
    if (disk.dead)
        return ERR_IO;
    for (size_t at = 0; at < FILE_MAX / PIECE; at++) {
        if (f->dirty[at] && !fails)
            memcpy(f->durable + at * PIECE, f->now + at * PIECE, PIECE);
        f->dirty[at] = false;
    }
    f->durable_len = f->now_len;
    return fails ? ERR_IO : OK;
}

enum loss { LOSE_NOTHING, LOSE_ALL, LOSE_SOME, LOSSES };

/* The power comes back. */
static void
revive(enum loss loss)
{
    for (int i = 0; i < FILES; i++) {
        struct file *f = &disk.files[i];
        size_t len = loss == LOSE_ALL ? f->durable_len : f->now_len;
        if (loss == LOSE_SOME && f->now_len > f->durable_len)
            len = f->durable_len + random_below(&disk.random, f->now_len - f->durable_len + 1);
        for (size_t at = 0; at < f->now_len; at += PIECE) {
            bool lost = loss == LOSE_ALL || (loss == LOSE_SOME && random_below(&disk.random, 2));
            size_t n = f->now_len - at < PIECE ? f->now_len - at : PIECE;
            if (lost)
                memcpy(f->now + at, f->durable + at, n);
        }
        memset(f->now + len, 0, f->now_len > len ? f->now_len - len : 0);
        memset(f->durable + f->durable_len, 0, FILE_MAX - f->durable_len);
        f->now_len = len;
        memcpy(f->durable, f->now, len);
        memset(f->dirty, 0, sizeof(f->dirty));
        f->durable_len = len;
    }
    disk.dead = disk.goes_on = false;
    disk.read_fails_at = disk.dies_at = UINT64_MAX;
    disk.operations = 0;
}

static void
new_disk(uint64_t seed)
{
    for (int i = 0; i < FILES; i++)
        memset(&disk.files[i], 0, sizeof(disk.files[i]));
    disk.dead = disk.goes_on = false;
    disk.read_fails_at = disk.dies_at = UINT64_MAX;
    disk.operations = disk.reads = 0;
    disk.torn_at = 0;
    disk.seeded.state = seed;
    disk.random = random_seeded_source(&disk.seeded);
}

static struct log_config
config(void)
{
    uint8_t seed[32] = {7};
    CHECK(crypto_sign_seed_keypair(public_key, secret, seed) == 0);
    struct log_config c = {.disk = {torn_write, torn_read, torn_sync, NULL},
                           .entries_fd = FD_ENTRIES,
                           .offsets_fd = FD_OFFSETS,
                           .hashes_fd = FD_HASHES,
                           .checkpoint_fd = FD_CHECKPOINT,
                           .origin = ORIGIN};
    memcpy(c.public_key, public_key, 32);
    return c;
}

/* What the caller was told, over all lives of the log. */
struct told {
    uint32_t acknowledged[ATTEMPTS_MAX]; /* by index: number of the entry + 1 */
    uint64_t size;                       /* every index below is acknowledged */
    uint64_t signed_size;
    struct tree_hash signed_root;
    uint32_t attempts; /* every entry is another one */
};

static void
put_text(struct buf *b, uint32_t attempt)
{
    buf_format(b, "{\"attempt\":%u,\"fill\":\"%.*s\"}", attempt, (int)(attempt % 5 * 3),
               "xxxxxxxxxxxxxxxx");
}

static uint32_t
attempt_of(struct bytes entry)
{
    unsigned attempt = 0;
    char text[128];
    CHECK_OK(bytes_copy_text(entry, text, sizeof(text)));
    CHECK(sscanf(text, "{\"attempt\":%u,", &attempt) == 1);
    return attempt;
}

/* Everything that was acknowledged is at its place, and the tree is that of the entries. */
static void
check_log(const struct log *l, struct told *told)
{
    CHECK(log_size(l) >= told->size);
    struct tree_edge edge = {.size = 0};
    struct tree_hash leaf, root, again, done[TREE_LEVELS_MAX];
    struct buf entry;
    buf_init(&entry, LOG_ENTRY_BYTES_MAX);
    uint32_t last = 0;
    for (uint64_t i = 0; i < log_size(l); i++) {
        buf_reset(&entry);
        CHECK_OK(log_put_entry(l, i, &entry));
        uint32_t attempt = attempt_of(buf_bytes(&entry));
        CHECK(i == 0 || attempt > last); /* in order, and none twice */
        last = attempt;
        if (i < told->size)
            CHECK(told->acknowledged[i] == attempt + 1);
        else
            told->acknowledged[i] = attempt + 1; /* whole, though nobody was told */
        struct buf expected;
        buf_init(&expected, 128);
        put_text(&expected, attempt);
        CHECK(bytes_equal(buf_bytes(&expected), buf_bytes(&entry)));
        buf_fini(&expected);
        tree_hash_leaf(buf_bytes(&entry), &leaf);
        CHECK(tree_edge_append(&edge, &leaf, done) > 0);
        if (i + 1 == told->signed_size) {
            tree_edge_root(&edge, &root);
            CHECK(tree_hash_equal(&root, &told->signed_root));
        }
    }
    told->size = log_size(l);
    /* A checkpoint that was handed out is there still, or a newer one. */
    CHECK(told->signed_size == 0 || l->signed_checkpoint.size >= told->signed_size);
    CHECK(told->size >= told->signed_size);
    tree_edge_root(&edge, &root);
    log_root(l, &again);
    CHECK(tree_hash_equal(&root, &again));
    struct tree_reader r = log_reader(l);
    struct tree_edge stored;
    CHECK_OK(tree_read_edge(&r, log_size(l), &stored));
    tree_edge_root(&stored, &again);
    CHECK(tree_hash_equal(&root, &again));
    buf_fini(&entry);
}

/* Batches of 1 to 4 entries with checkpoints between, until the disk dies or `rounds` are done. */
static void
run(struct log *l, struct told *told, int rounds)
{
    struct buf text;
    buf_init(&text, 128);
    for (int round = 0; round < rounds; round++) {
        uint32_t numbers[4];
        uint64_t index = 0, first = log_size(l);
        int count = 1 + (round + (int)told->attempts) % 4;
        for (int i = 0; i < count; i++) {
            buf_reset(&text);
            numbers[i] = told->attempts++;
            CHECK(told->attempts < ATTEMPTS_MAX);
            put_text(&text, numbers[i]);
            if (log_append(l, buf_bytes(&text), &index) != OK)
                break;
            CHECK(index == first + (uint64_t)i);
        }
        if (log_commit(l) != OK)
            break;
        for (int i = 0; i < count; i++)
            told->acknowledged[first + (uint64_t)i] = numbers[i] + 1;
        told->size = first + (uint64_t)count;
        if (round % 3 == 2 && log_sign(l, secret, "charter aa\n") == OK) {
            told->signed_size = log_size(l);
            log_root(l, &told->signed_root);
        }
    }
    buf_fini(&text);
}

static struct told told;

/* One life that ends at an operation, the next that recovers, and a third after one more crash. */
static void
crash(uint64_t dies_at, size_t torn_at, enum loss loss)
{
    struct log l;
    struct log_config c = config();
    new_disk(test_seed() + dies_at * 1000 + torn_at);
    memset(&told, 0, sizeof(told));
    CHECK_OK(log_open(&l, &c));
    disk.operations = 0;
    disk.dies_at = dies_at;
    disk.torn_at = torn_at;
    run(&l, &told, 9);
    log_close(&l);
    revive(loss);
    /* The recovery is interrupted too. */
    disk.dies_at = dies_at % 5;
    disk.torn_at = torn_at;
    if (log_open(&l, &c) == OK)
        log_close(&l);
    revive(loss);
    CHECK_OK(log_open(&l, &c));
    check_log(&l, &told);
    disk.operations = 0;
    disk.dies_at = dies_at / 2;
    run(&l, &told, 5);
    log_close(&l);
    revive(loss);
    CHECK_OK(log_open(&l, &c));
    check_log(&l, &told);
    run(&l, &told, 3);
    CHECK_OK(log_sign(&l, secret, ""));
    check_log(&l, &told);
    log_close(&l);
}

TEST(a_write_torn_at_any_byte_loses_nothing_that_was_acknowledged)
{
    for (uint64_t operation = 0; operation < 56; operation++)
        for (size_t torn_at = 0; torn_at < 260; torn_at += 1 + torn_at / 48)
            crash(operation, torn_at, (enum loss)((operation + torn_at) % LOSSES));
}

TEST(whatever_piece_of_what_was_not_synced_is_lost_the_log_stands)
{
    for (uint64_t operation = 0; operation < 56; operation++)
        for (int loss = 0; loss < LOSSES; loss++)
            for (size_t i = 0; i < 5; i++)
                crash(operation, 40 * i, (enum loss)loss);
}

/*
 * One operation fails, then the disk works: the ledger opens its files anew and goes on. What it
 * acknowledges from then on must survive a power cut, whatever the kernel forgot before.
 */
static bool
stumble(uint64_t operation, size_t torn_at, bool in_recovery)
{
    struct log l;
    struct log_config c = config();
    new_disk(test_seed() + operation);
    memset(&told, 0, sizeof(told));
    CHECK_OK(log_open(&l, &c));
    disk.goes_on = true;
    disk.torn_at = torn_at;
    if (in_recovery)
        run(&l, &told, 8);
    disk.operations = 0;
    disk.dies_at = operation;
    if (in_recovery)
        log_close(&l);
    if (!in_recovery || log_open(&l, &c) == OK)
        run(&l, &told, in_recovery ? 0 : 8);
    bool struck = disk.operations > operation;
    disk.dies_at = UINT64_MAX;
    if (l.failed == OK || l.failed == ERR_IO)
        log_close(&l);
    CHECK_OK(log_open(&l, &c)); /* as the ledger does, in the same process */
    check_log(&l, &told);
    run(&l, &told, 4);
    log_close(&l);
    revive(LOSE_ALL);
    CHECK_OK(log_open(&l, &c));
    check_log(&l, &told);
    log_close(&l);
    return struck;
}

TEST(one_failed_write_or_sync_loses_nothing_that_is_acknowledged_later)
{
    for (int in_recovery = 0; in_recovery < 2; in_recovery++)
        for (size_t torn_at = 0; torn_at < 200; torn_at += 50) {
            uint64_t operation = 0;
            while (stumble(operation, torn_at, in_recovery))
                operation++;
            CHECK(operation > (in_recovery ? 5 : 40));
        }
}

TEST(a_failed_read_closes_the_log_and_loses_nothing)
{
    struct log l;
    struct log_config c = config();
    new_disk(1);
    memset(&told, 0, sizeof(told));
    CHECK_OK(log_open(&l, &c));
    run(&l, &told, 8);
    log_close(&l);
    enum err e = ERR_IO;
    uint64_t at = 0;
    for (; e != OK; at++) {
        disk.reads = 0;
        disk.read_fails_at = at;
        e = log_open(&l, &c);
        CHECK(e == ERR_IO || e == OK);
    }
    CHECK(at > 20);
    disk.read_fails_at = UINT64_MAX;
    check_log(&l, &told);
    log_close(&l);
}

TEST(tiles_and_bundles_are_answered_from_the_files)
{
    struct log l;
    struct log_config c = config();
    new_disk(1);
    memset(&told, 0, sizeof(told));
    CHECK_OK(log_open(&l, &c));
    run(&l, &told, 160);
    CHECK(log_size(&l) > 300);
    struct buf b;
    buf_init(&b, LOG_BUNDLE_BYTES_MAX);
    struct tile t = {.kind = TILE_ENTRIES, .n = 1, .width = 3};
    CHECK_OK(log_put_tile(&l, &t, &b));
    struct bytes rest = buf_bytes(&b), entry;
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_OK(tile_take_entry(&rest, &entry));
        CHECK(attempt_of(entry) == told.acknowledged[256 + i] - 1);
    }
    CHECK(rest.len == 0);
    buf_reset(&b);
    t = (struct tile){.kind = TILE_HASHES, .level = 1, .n = 0, .width = 1};
    CHECK_OK(log_put_tile(&l, &t, &b));
    CHECK(b.len == 32);
    t.width = 2;
    CHECK(log_put_tile(&l, &t, &b) == ERR_NOT_FOUND);
    CHECK(log_put_entry(&l, log_size(&l), &b) == ERR_NOT_FOUND);
    buf_fini(&b);
    log_close(&l);
}

TEST(a_reader_sees_what_is_signed_and_writes_nothing)
{
    struct log l, reader;
    struct log_config c = config();
    new_disk(1);
    memset(&told, 0, sizeof(told));
    CHECK_OK(log_open(&l, &c));
    run(&l, &told, 4); /* three rounds signed, one not */
    CHECK(told.signed_size < log_size(&l));
    uint64_t operations = disk.operations;
    c.read_only = true;
    CHECK_OK(log_open(&reader, &c));
    CHECK(log_size(&reader) == told.signed_size);
    CHECK(disk.operations == operations);
    struct checkpoint checkpoint;
    CHECK_OK(checkpoint_open(log_note(&reader), ORIGIN, public_key, &checkpoint));
    CHECK(checkpoint.size == told.signed_size);
    CHECK(strcmp(checkpoint.extension, "charter aa\n") == 0);
    log_close(&reader);
    log_close(&l);
}

static enum err
reopen(void)
{
    struct log l;
    struct log_config c = config();
    enum err e = log_open(&l, &c);
    if (e == OK)
        log_close(&l);
    return e;
}

TEST(what_was_changed_under_a_checkpoint_is_refused)
{
    struct log l;
    struct log_config c = config();
    new_disk(1);
    memset(&told, 0, sizeof(told));
    CHECK_OK(log_open(&l, &c));
    run(&l, &told, 12);
    CHECK_OK(log_sign(&l, secret, ""));
    uint64_t size = log_size(&l);
    log_close(&l);
    CHECK_OK(reopen());
    struct file *hashes = &disk.files[FD_HASHES];
    uint32_t top = 63U - (uint32_t)__builtin_clzll(size);
    hashes->now[tree_stored_position(top, 0) * 32] ^= 1;
    CHECK(reopen() == ERR_CRYPTO);
    hashes->now[tree_stored_position(top, 0) * 32] ^= 1;
    for (int fd = FD_ENTRIES; fd <= FD_HASHES; fd++) { /* shorter than what is signed */
        disk.files[fd].now_len--;
        CHECK(reopen() == ERR_CRYPTO);
        disk.files[fd].now_len++;
    }
    CHECK_OK(reopen());
    c = config();
    c.public_key[0] ^= 1;
    CHECK(log_open(&l, &c) == ERR_CRYPTO);
    c = config();
    c.origin = "city.example/other";
    CHECK(log_open(&l, &c) == ERR_CRYPTO);
}

/* The tree stands, and an entry under it says something else; near the end a start sees it. */
TEST(an_edited_entry_is_found)
{
    struct log l;
    struct log_config c = config();
    new_disk(1);
    memset(&told, 0, sizeof(told));
    CHECK_OK(log_open(&l, &c));
    run(&l, &told, 12);
    CHECK_OK(log_sign(&l, secret, ""));
    uint64_t size = log_size(&l);
    CHECK_OK(log_check(&l, 0, size));
    for (size_t at = 0; at < l.entries_end; at++) {
        disk.files[FD_ENTRIES].now[at] ^= 1;
        CHECK(log_check(&l, 0, size) == ERR_CRYPTO);
        if (at % 16 == 0)
            CHECK(reopen() == ERR_CRYPTO);
        disk.files[FD_ENTRIES].now[at] ^= 1;
    }
    for (size_t at = 0; at < size * 8; at++) {
        disk.files[FD_OFFSETS].now[at] ^= 1;
        CHECK(log_check(&l, 0, size) == ERR_CRYPTO);
        disk.files[FD_OFFSETS].now[at] ^= 1;
    }
    CHECK_OK(log_check(&l, 0, size));
    log_close(&l);
}

/* Any three of the four files, put back to an older day; all four together only a witness sees. */
TEST(files_that_were_rolled_back_apart_are_refused)
{
    static struct file old[FILES];
    struct log l;
    struct log_config c = config();
    new_disk(1);
    memset(&told, 0, sizeof(told));
    CHECK_OK(log_open(&l, &c));
    run(&l, &told, 6);
    CHECK_OK(log_sign(&l, secret, ""));
    memcpy(old, disk.files, sizeof(old));
    run(&l, &told, 6);
    CHECK_OK(log_sign(&l, secret, ""));
    log_close(&l);
    CHECK_OK(reopen());
    static struct file newest[FILES];
    memcpy(newest, disk.files, sizeof(newest));
    for (unsigned set = 1; set < (1u << FILES) - 1; set++) {
        if (!(set & 1u << FD_CHECKPOINT)) { /* the checkpoint says more than the files hold */
            for (int fd = 0; fd < FILES; fd++)
                disk.files[fd] = set & 1u << fd ? old[fd] : newest[fd];
            CHECK(reopen() == ERR_CRYPTO);
        }
    }
}

/* Another history under the same key: its checkpoint does not fit our tree, nor ours its tree. */
TEST(a_fork_is_refused)
{
    static struct file ours[FILES];
    struct log l;
    struct log_config c = config();
    uint64_t index = 0;
    for (int history = 0; history < 2; history++) {
        new_disk(1);
        CHECK_OK(log_open(&l, &c));
        for (int i = 0; i < 5; i++)
            CHECK_OK(log_append(&l, bytes_text(i == 2 && history ? "other" : "entry"), &index));
        CHECK_OK(log_commit(&l));
        CHECK_OK(log_sign(&l, secret, ""));
        log_close(&l);
        if (history == 0)
            memcpy(ours, disk.files, sizeof(ours));
    }
    CHECK_OK(reopen());
    disk.files[FD_CHECKPOINT] = ours[FD_CHECKPOINT];
    CHECK(reopen() == ERR_CRYPTO);
    disk.files[FD_HASHES] = ours[FD_HASHES]; /* now the tree fits, and an entry does not */
    CHECK(reopen() == ERR_CRYPTO);
    disk.files[FD_ENTRIES] = ours[FD_ENTRIES];
    CHECK_OK(reopen());
}

/* Killed between write and sync: the kernel has the bytes, the disk has not. */
TEST(what_counts_after_a_start_is_durable)
{
    static const int files[] = {FD_ENTRIES, FD_OFFSETS, FD_HASHES};
    struct log l;
    struct log_config c = config();
    new_disk(1);
    CHECK_OK(log_open(&l, &c));
    uint64_t index = 0;
    CHECK_OK(log_append(&l, bytes_text("one"), &index));
    disk.dies_at = disk.operations + ARRAY_COUNT(files); /* all is written, nothing synced */
    CHECK(log_commit(&l) == ERR_IO);
    log_close(&l);
    CHECK(disk.files[FD_ENTRIES].now_len > disk.files[FD_ENTRIES].durable_len);
    disk.dead = false;
    disk.dies_at = UINT64_MAX;
    CHECK_OK(log_open(&l, &c));
    CHECK(log_size(&l) == 1);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        const struct file *f = &disk.files[files[i]];
        CHECK(f->durable_len == f->now_len && memcmp(f->durable, f->now, f->now_len) == 0);
    }
    log_close(&l);
}

TEST(after_a_failed_write_nothing_more_is_kept)
{
    struct log l;
    struct log_config c = config();
    new_disk(1);
    CHECK_OK(log_open(&l, &c));
    uint64_t index = 0;
    CHECK_OK(log_append(&l, bytes_text("one"), &index));
    disk.dies_at = disk.operations;
    CHECK(log_commit(&l) == ERR_IO);
    disk.dead = false;
    disk.dies_at = UINT64_MAX;
    CHECK(log_append(&l, bytes_text("two"), &index) == ERR_IO);
    CHECK(log_commit(&l) == ERR_IO);
    CHECK(log_sign(&l, secret, "") == ERR_IO);
    CHECK(log_size(&l) == 0);
    log_close(&l);
}

TEST(a_batch_and_an_entry_have_limits)
{
    struct log l;
    struct log_config c = config();
    new_disk(1);
    CHECK_OK(log_open(&l, &c));
    uint64_t index = 0;
    static uint8_t large[LOG_ENTRY_BYTES_MAX + 1];
    CHECK(log_append(&l, bytes_of(NULL, 0), &index) == ERR_MALFORMED);
    CHECK(log_append(&l, bytes_of(large, sizeof(large)), &index) == ERR_MALFORMED);
    for (int i = 0; i < LOG_BATCH_ENTRIES_MAX; i++)
        CHECK_OK(log_append(&l, bytes_text("x"), &index));
    CHECK(log_append(&l, bytes_text("x"), &index) == ERR_LIMIT);
    CHECK_OK(log_commit(&l));
    CHECK(log_size(&l) == LOG_BATCH_ENTRIES_MAX);
    int kept = 0;
    while (log_append(&l, bytes_of(large, LOG_ENTRY_BYTES_MAX), &index) == OK)
        kept++;
    CHECK(kept == LOG_BATCH_BYTES_MAX / (LOG_ENTRY_BYTES_MAX + 2));
    log_close(&l);
}

/*
 * A batch of two at index 1, of which the first lost its bytes: neither counts. The second stands
 * whole behind it, and must not count later, when another entry fills the gap exactly (L3).
 */
TEST(nothing_stale_counts_when_the_gap_before_it_is_filled)
{
    struct log l;
    struct log_config c = config();
    uint64_t index = 0;
    new_disk(1);
    CHECK_OK(log_open(&l, &c));
    CHECK_OK(log_append(&l, bytes_text("first"), &index));
    CHECK_OK(log_commit(&l));
    CHECK_OK(log_append(&l, bytes_text("lost"), &index));
    CHECK_OK(log_append(&l, bytes_text("stale"), &index));
    CHECK_OK(log_commit(&l));
    log_close(&l);
    memset(disk.files[FD_ENTRIES].now + 7, 0, 6); /* "lost" and its length */
    CHECK_OK(log_open(&l, &c));
    CHECK(log_size(&l) == 1);
    CHECK_OK(log_append(&l, bytes_text("next"), &index));
    CHECK(index == 1);
    CHECK_OK(log_commit(&l));
    log_close(&l);
    CHECK_OK(log_open(&l, &c));
    CHECK(log_size(&l) == 2);
    log_close(&l);
}
