/*
 * make_log -- writes the specification's test vector as a state directory with one log "city".
 *
 *   make_log STATE SIZE     append until the log has SIZE entries, then sign
 */
#include "base/text.h"
#include "ledger/log.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ORIGIN[] = "city.example/access-log";

static int
open_file(const char *state, const char *name)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/ledger/city/%s", state, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    ASSERT(fd >= 0);
    return fd;
}

static void
write_key(const char *state, const uint8_t public_key[static 32])
{
    char path[600];
    struct buf key;
    buf_init(&key, 512);
    note_put_verifier_key(&key, ORIGIN, public_key);
    snprintf(path, sizeof(path), "%s/keys/ledger-city.vkey", state);
    FILE *f = fopen(path, "we");
    ASSERT(f && fprintf(f, "%s\n", buf_string(&key)) > 0 && fclose(f) == 0);
    buf_fini(&key);
}

static void
append_up_to(struct log *log, uint64_t size)
{
    while (log_size(log) < size) {
        uint64_t index = log_size(log);
        for (int i = 0; i < 1000 && log->pending.size < size; i++) {
            char entry[64];
            int n = snprintf(entry, sizeof(entry), "{\"who\":\"clerk%llu\",\"what\":\"read\"}",
                             (unsigned long long)log->pending.size);
            enum err e = log_append(log, bytes_of(entry, (size_t)n), &index);
            ASSERT(e == OK);
        }
        enum err e = log_commit(log);
        ASSERT(e == OK);
    }
}

int
main(int argc, char **argv)
{
    uint64_t size = 0;
    uint8_t seed[32], secret[64];
    struct log log;
    if (argc != 3 || text_u64(bytes_text(argv[2]), TREE_SIZE_MAX, &size) != OK)
        return 2;
    for (int i = 0; i < 32; i++)
        seed[i] = (uint8_t)i;
    struct log_config config = {
        .disk = disk_system(),
        .entries_fd = open_file(argv[1], "entries"),
        .offsets_fd = open_file(argv[1], "offsets"),
        .hashes_fd = open_file(argv[1], "hashes"),
        .checkpoint_fd = open_file(argv[1], "checkpoint"),
        .origin = ORIGIN,
    };
    ASSERT(crypto_sign_seed_keypair(config.public_key, secret, seed) == 0);
    write_key(argv[1], config.public_key);
    enum err e = log_open(&log, &config);
    ASSERT(e == OK);
    append_up_to(&log, size);
    e = log_sign(&log, secret, "");
    ASSERT(e == OK);
    log_close(&log);
    return 0;
}
