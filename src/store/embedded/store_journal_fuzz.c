/*
 * A journal is written as the input says (batches, new segments, old ones freed), then its files
 * are damaged as the rest says, and it is replayed. What comes out is always the beginning of what
 * went in; and without damage all of it.
 */
#include "base/clock.h"
#include "base/fuzz.h"
#include "base/fuzz_disk.h"
#include "base/random.h"
#include "store/embedded/journal.h"

#include <sodium.h>

enum { SEGMENTS = 4, SEGMENT_BYTES = 16 * 1024, BATCHES_MAX = 200, STEPS_MAX = 300 };

struct written {
    uint8_t digest[BATCHES_MAX][32];
    uint64_t segment[BATCHES_MAX];
    size_t count;
};
static struct written written;

struct replayed {
    size_t next; /* the batch that must come */
    struct tree tree;
};

static struct fuzz_disk disk;
static struct clock_fake fake = {1000, 1800000000000000};
static struct random_seeded seeded;

/* Keys and frame are large: once for all inputs. */
static void
set_up(struct journal *j)
{
    static const uint8_t master[32] = {7};
    static struct keys *keys;
    static uint8_t frame[JOURNAL_FRAME_MAX];
    if (!keys)
        keys = keys_new(master);
    ASSERT(keys);
    *j = (struct journal){.zone = "bikes",
                          .random = random_seeded_source(&seeded),
                          .clock = clock_fake_source(&fake),
                          .keys = keys,
                          .segment_count = SEGMENTS,
                          .segment_bytes = SEGMENT_BYTES,
                          .low = 1,
                          .frame = frame,
                          .next_batch = 1};
    j->disk = (struct disk){fuzz_disk_write, fuzz_disk_read, fuzz_disk_sync, &disk};
    for (int i = 0; i < SEGMENTS; i++)
        j->segment[i] = (struct segment){.fd = i, .clean = true};
}

static void
append(struct journal *j, struct tree *tree, size_t plain, uint8_t fill)
{
    if (written.count == BATCHES_MAX || !journal_fits(j, plain))
        return;
    memset(j->frame + JOURNAL_PLAIN_AT, fill, plain);
    uint8_t *digest = written.digest[written.count];
    crypto_hash_sha256(digest, j->frame + JOURNAL_PLAIN_AT, plain);
    enum err e = journal_append(j, plain);
    ASSERT(e == OK);
    written.segment[written.count++] = j->active;
    tree_add(tree, digest);
}

static void
write_journal(struct journal *j, struct tree *tree, struct bytes *in)
{
    uint32_t steps = fuzz_byte(in);
    enum err e = journal_advance(j, tree);
    ASSERT(e == OK && j->next_batch == 1);
    for (uint32_t i = 0; i < steps && i < STEPS_MAX && in->len; i++) {
        uint8_t what = fuzz_byte(in);
        if (what < 0xe0)
            append(j, tree, 1 + (size_t)what * fuzz_byte(in) / 4, what);
        else if (what < 0xf0)
            e = journal_free_count(j) ? journal_advance(j, tree) : OK;
        else if (j->low < j->active)
            e = journal_recycle(j);
        ASSERT(e == OK);
    }
}

/* True if anything was changed. */
static bool
damage(struct bytes in)
{
    bool changed = false;
    while (in.len >= 4) {
        size_t file = fuzz_byte(&in) % SEGMENTS;
        size_t at = (size_t)fuzz_byte(&in) << 8;
        at |= fuzz_byte(&in);
        uint8_t mask = fuzz_byte(&in);
        size_t len = at == 0 && mask == 0 ? disk.files[file].len : 1; /* a whole file is gone */
        for (size_t i = 0; i < len && at + i < disk.files[file].len; i++) {
            changed |= mask != 0 || (len > 1 && disk.files[file].p[at + i]);
            disk.files[file].p[at + i] = len > 1 ? 0 : disk.files[file].p[at + i] ^ mask;
        }
    }
    return changed;
}

static enum err
on_batch(void *ctx, uint64_t segment, struct bytes plain)
{
    struct replayed *r = ctx;
    uint8_t digest[32];
    crypto_hash_sha256(digest, plain.p, plain.len);
    ASSERT(r->next < written.count && written.segment[r->next] == segment);
    ASSERT(memcmp(digest, written.digest[r->next], sizeof(digest)) == 0);
    r->next++;
    tree_add(&r->tree, digest);
    return OK;
}

static void
replay(struct journal *j, uint64_t low, bool damaged)
{
    struct replayed r = {0};
    while (r.next < written.count && written.segment[r.next] < low)
        r.next++;
    j->low = low;
    enum err e = journal_replay(j, &r.tree, on_batch, &r);
    ASSERT(damaged || (e == OK && r.next == written.count));
    ASSERT(e == OK || e == ERR_CRYPTO || e == ERR_IO);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct journal j;
    struct tree tree = {0};
    seeded.state = 1;
    written.count = 0;
    (void)fuzz_disk(&disk);
    for (size_t i = 0; i < SEGMENTS; i++) {
        memset(disk.files[i].p, 0, SEGMENT_BYTES);
        disk.files[i].len = SEGMENT_BYTES;
    }
    set_up(&j);
    write_journal(&j, &tree, &in);
    uint64_t low = j.low;
    bool damaged = damage(in);
    set_up(&j);
    replay(&j, low, damaged);
    return 0;
}
