/*
 * Five parts as the files of a log: entries, hashes, offsets, and the two slots of the checkpoint.
 * Whatever they hold, the log opens or says that it does not; one that opens takes an entry, signs,
 * and is found again as it was.
 */
#include "base/fuzz.h"
#include "base/fuzz_disk.h"
#include "ledger/log.h"

#include <sodium.h>

enum { ENTRIES, HASHES, OFFSETS, CHECKPOINT, READ_MAX = 64 };

static struct fuzz_disk disk;
static struct log_config config = {.entries_fd = ENTRIES,
                                   .offsets_fd = OFFSETS,
                                   .hashes_fd = HASHES,
                                   .checkpoint_fd = CHECKPOINT,
                                   .origin = "rivermouth.example/city"};

static void
write_files(struct bytes in)
{
    config.disk = fuzz_disk(&disk);
    static const uint64_t offsets[] = {0, 0, 0, 0, LOG_SLOT_SIZE};
    for (int i = 0; i < 5; i++) {
        struct bytes part = fuzz_part(&in);
        enum err e =
            part.len ? disk_write_at(&config.disk, i < 4 ? i : CHECKPOINT, part, offsets[i]) : OK;
        ASSERT(e == OK);
    }
}

/* Everything that is durable can be asked for; damage below the edge is an error, not an answer. */
static void
read_all_of(const struct log *l)
{
    struct tree_reader r = log_reader(l);
    struct tree_proof proof;
    struct buf out;
    buf_init(&out, LOG_BUNDLE_BYTES_MAX);
    for (uint64_t i = 0; i < log_size(l) && i < READ_MAX; i++) {
        buf_reset(&out);
        (void)!log_put_entry(l, i, &out);
        (void)!tree_prove_inclusion(&r, i, log_size(l), &proof);
    }
    struct tile t = {.kind = TILE_ENTRIES, .width = tile_width(0, 0, log_size(l))};
    buf_reset(&out);
    if (t.width)
        (void)!log_put_tile(l, &t, &out);
    t.kind = TILE_HASHES;
    buf_reset(&out);
    if (t.width)
        (void)!log_put_tile(l, &t, &out);
    ASSERT(log_put_entry(l, log_size(l), &out) == ERR_NOT_FOUND);
    buf_fini(&out);
}

static void
append_and_find_again(struct log *l, const uint8_t secret[static 64])
{
    static struct log again;
    struct tree_hash before, after;
    struct buf out;
    uint64_t index = 0;
    enum err e = log_append(l, bytes_text("{\"event\":\"x\"}"), &index);
    ASSERT(e == OK && index == log_size(l) && log_dirty(l));
    e = log_commit(l);
    if (e == OK)
        e = log_sign(l, secret, "charter 00\n");
    if (e != OK)
        return; /* the file is as long as it may be */
    log_root(l, &before);
    config.read_only = true;
    e = log_open(&again, &config);
    ASSERT(e == OK && log_size(&again) == index + 1);
    log_root(&again, &after);
    ASSERT(tree_hash_equal(&before, &after));
    ASSERT(bytes_equal(log_note(&again), log_note(l)));
    buf_init(&out, LOG_ENTRY_BYTES_MAX);
    e = log_put_entry(&again, index, &out);
    ASSERT(e == OK && bytes_are(buf_bytes(&out), "{\"event\":\"x\"}"));
    buf_fini(&out);
    log_close(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = {3};
    static struct log l;
    uint8_t secret[64];
    struct bytes in = bytes_of(data, size);
    crypto_sign_seed_keypair(config.public_key, secret, seed);
    config.read_only = fuzz_byte(&in) & 1;
    write_files(in);
    enum err e = log_open(&l, &config);
    ASSERT(e == OK || e == ERR_CRYPTO || e == ERR_IO);
    if (e != OK)
        return 0;
    read_all_of(&l);
    if (!config.read_only)
        append_and_find_again(&l, secret);
    log_close(&l);
    return 0;
}
