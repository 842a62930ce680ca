/*
 * retention write DIRECTORY SECRETS: a store in DIRECTORY keeps a class for two hours, another for
 * good; texts that can be recognised are written, sealed, corrected, taken back, and two hours
 * pass. SECRETS lists, in hexadecimal, what must not be found on the disk afterwards (gone) and
 * what must (there, so that the search is known to find something).
 *
 * retention search FILE SECRETS: looks for each in FILE, which may be the image of a whole disk.
 */
#include "base/clock.h"
#include "store/embedded/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXPIRING = 1, KEPT = 2, ERASED = 3, MINUTES = 400, HOURS_KEPT = 2 };

static const int64_t begin_us = 1700000000000000;
static struct clock_fake clock_now;
static FILE *secrets;

static void
need(enum err e, const char *what)
{
    if (e == OK)
        return;
    fprintf(stderr, "retention: %s: %s\n", what, err_text(e));
    exit(1);
}

static void
secret(const char *fate, const char *what, struct bytes bytes)
{
    fprintf(secrets, "%s %s ", fate, what);
    for (size_t i = 0; i < bytes.len; i++)
        fprintf(secrets, "%02x", bytes.p[i]);
    fputc('\n', secrets);
}

static uint64_t
append(struct store *s, uint32_t stream, const char *who, int minute)
{
    char text[64];
    uint64_t n;
    snprintf(text, sizeof text, "seen-%s-%05d-at-the-corner", who, minute);
    struct observation o = {.kind = RESULT_TEXT,
                            .text = bytes_text(text),
                            .time_us = clock_now.wall_us,
                            .time_end_us = clock_now.wall_us,
                            .result_time_us = clock_now.wall_us};
    need(store_append(s, stream, &o, true, &n), "append");
    return n;
}

static void
maintain(struct store *s)
{
    bool more = true;
    while (more)
        need(store_maintain(s, &more), "upkeep");
}

/* Everything under keys that will be destroyed: the wrapped keys, and the bytes they open. */
static void
note_ciphertext(struct store *s)
{
    static const char *const queries[][2] = {
        {"wrapped-key", "SELECT stream,wrapped FROM streamkey WHERE wrapped IS NOT NULL"},
        {"chunk", "SELECT stream,substr(body,1,48) FROM chunk"},
        {"head", "SELECT stream,head FROM chunk"},
        {"version", "SELECT stream,body FROM version"}};
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        sqlite3_stmt *st = NULL;
        if (sqlite3_prepare_v2(sealed_handle(s->sealed), queries[i][1], -1, &st, NULL) != SQLITE_OK)
            exit(1);
        while (sqlite3_step(st) == SQLITE_ROW) {
            struct bytes b =
                bytes_of(sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1));
            secret(sqlite3_column_int(st, 0) == KEPT ? "either" : "gone", queries[i][0], b);
        }
        sqlite3_finalize(st);
    }
}

static void
note_keys(struct store *s)
{
    for (uint32_t i = 0; i < s->stream_count; i++)
        secret("gone", "plain-key", bytes_of(s->keys->stream[i], KEY_SIZE));
    secret("gone", "segment-key", bytes_of(s->keys->segment, KEY_SIZE));
}

static void
live(struct store *s)
{
    for (int minute = 0; minute < MINUTES; minute++) {
        append(s, EXPIRING, "expiring", minute);
        append(s, KEPT, "kept", minute);
        uint64_t n = append(s, ERASED, "erased", minute);
        if (minute % 50 == 49) {
            struct observation o = {
                .kind = RESULT_NUMBER, .number = 1, .time_us = clock_now.wall_us};
            need(store_correct(s, EXPIRING, n - 40, &o), "correct");
            need(store_withdraw(s, KEPT, n - 30), "withdraw");
        }
        need(store_commit(s), "commit");
        clock_now.wall_us += (int64_t)60 * 1000000;
        maintain(s);
        if (minute % 20 == 19) {
            note_ciphertext(s);
            note_keys(s);
        }
    }
}

static int
write_store(const char *directory, const char *list)
{
    struct random_source random = random_system();
    struct store_config config = {.zone = "streets",
                                  .directory_fd = open(directory, O_RDONLY | O_DIRECTORY),
                                  .disk_bytes = 24 * 1024 * 1024,
                                  .clock = clock_fake_source(&clock_now),
                                  .random = random,
                                  .disk = disk_system()};
    struct store *s;
    secrets = fopen(list, "w");
    clock_now.wall_us = begin_us;
    random_fill(&random, config.master_key, sizeof config.master_key);
    if (!secrets || config.directory_fd < 0)
        return 1;
    secret("gone", "master-key", bytes_of(config.master_key, sizeof config.master_key));
    need(store_open(&config, &s), "open");
    for (uint32_t i = EXPIRING; i <= ERASED; i++) {
        struct store_stream meta = {"vehicle-position", "hall", i == EXPIRING ? 7200 : 0, true};
        snprintf(meta.class_name, sizeof meta.class_name, "class-%u", i);
        need(store_add_stream(s, i, &meta), "stream");
    }
    live(s);
    need(store_erase_stream(s, ERASED), "erase");
    for (int minute = 0; minute < 2 * HOURS_KEPT * 60; minute++) {
        clock_now.wall_us += (int64_t)60 * 1000000;
        append(s, KEPT, "later", minute); /* a store that stands still recycles nothing */
        need(store_commit(s), "commit");
        maintain(s);
    }
    secret("gone", "plain-text", bytes_text("at-the-corner"));
    secret("gone", "plain-text", bytes_text("seen-expiring"));
    secret("there", "class-name", bytes_text("class-2"));
    store_close(s);
    return fclose(secrets) == 0 ? 0 : 1;
}

static size_t
unhex(const char *hex, uint8_t *out, size_t most)
{
    size_t len = 0;
    if (sodium_hex2bin(out, most, hex, strlen(hex), "\n", &len, NULL) != 0)
        exit(1);
    return len;
}

/* Each line of the list; 0: all is as it must be. */
static int
search_list(FILE *list, const char *file, struct bytes image)
{
    static char line[256 * 1024];
    static char fate[16], what[32], hex[256 * 1024];
    static uint8_t pattern[128 * 1024];
    unsigned looked = 0, wrong = 0;
    while (fgets(line, sizeof line, list)) {
        if (sscanf(line, "%15s %31s %262143s", fate, what, hex) != 3)
            return 1;
        size_t len = unhex(hex, pattern, sizeof pattern);
        bool found = len && memmem(image.p, image.len, pattern, len < 64 ? len : 64);
        looked++;
        if (found != (fate[0] == 't') && fate[0] != 'e') {
            printf("%s: %s %s\n", file, what, found ? "is found" : "is not found");
            wrong++;
        }
    }
    printf("%s: looked for %u, %u wrong\n", file, looked, wrong);
    return looked == 0 || wrong ? 1 : 0;
}

static int
search(const char *file, const char *list)
{
    struct stat st;
    int status = 1;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    FILE *f = fopen(list, "r");
    if (f && fd >= 0 && fstat(fd, &st) == 0) {
        void *image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (image != MAP_FAILED)
            status = search_list(f, file, bytes_of(image, (size_t)st.st_size));
    }
    if (f)
        fclose(f);
    if (fd >= 0)
        close(fd);
    return status;
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "write") == 0)
        return write_store(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "search") == 0)
        return search(argv[2], argv[3]);
    fprintf(stderr, "usage: retention write DIRECTORY SECRETS | search FILE SECRETS\n");
    return 2;
}
