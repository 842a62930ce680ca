/* command_backup.c -- bulkhead backup: keys, a generation, and what is over. */
#include "cli/commands.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/backup_run.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

enum { KEEP_DEFAULT = 7 };

static const char help[] =
    "usage: bulkhead backup --state DIR --to BACKUP --key CITY.pub [CITY2.pub ...]\n"
    "                       [--zone ZONE] [--keep N]\n"
    "       bulkhead backup keygen --out NAME\n"
    "       bulkhead backup expire --to BACKUP [--keep N]\n"
    "Copies a city, running or not, into BACKUP, encrypted to each of the public keys; a second\n"
    "time only what is new. N generations are kept, 7 if nothing is said.\n"
    "keygen makes NAME.pub, for this, and NAME.key, which opens backups: it belongs in a safe,\n"
    "and not on this machine.\n"
    "expire destroys keys whose time is over, and older generations. It needs no key: run it each\n"
    "day where the backup lies.\n"
    "example: bulkhead backup --state run/demo --to /backup/demo --key clerk.pub cio.pub\n";

static bool
write_key(const char *name, const char *ending, const struct buf *text)
{
    char path[TOOL_PATH_SIZE];
    int n = snprintf(path, sizeof(path), "%s.%s", name, ending);
    if (n < 0 || (size_t)n >= sizeof(path))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                  strcmp(ending, "key") == 0 ? 0600 : 0644);
    bool good = fd >= 0 && write(fd, text->p, text->len) == (ssize_t)text->len && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (!good)
        fprintf(stderr, "bulkhead: cannot write %s: %s\n", path, strerror(errno));
    return good;
}

static int
keygen(const char *name)
{
    struct backup_secret secret;
    struct buf text;
    buf_init(&text, 256);
    backup_key_new(&secret);
    backup_key_put_secret(&text, &secret);
    bool good = write_key(name, "key", &text);
    sodium_memzero(text.p, text.len);
    buf_reset(&text);
    backup_key_put_public(&text, &secret);
    good = good && write_key(name, "pub", &text);
    sodium_memzero(&secret, sizeof(secret));
    buf_fini(&text);
    if (good)
        printf("%s.pub encrypts; %s.key opens: keep it in a safe, and not on this machine\n", name,
               name);
    return good ? EXIT_OK : EXIT_CANNOT;
}

static int
expire(const char *to, uint32_t keep)
{
    struct clock_source clock = clock_system();
    struct backup_place place;
    struct backup_expired e = {0};
    if (access(to, F_OK) != 0) {
        fprintf(stderr, "bulkhead: there is no backup %s\n", to);
        return EXIT_CANNOT;
    }
    if (!backup_place_open(&place, to, true))
        return EXIT_CANNOT;
    bool good = backup_expire(&place, keep, clock_wall_us(&clock) / 1000000, &e);
    backup_place_close(&place);
    if (good)
        printf("destroyed: %u files of keys; removed: %u generations, %u pieces\n", e.keys,
               e.generations, e.pieces);
    return good ? EXIT_OK : EXIT_CANNOT;
}

static bool
take_recipient(struct backup_recipients *to, const char *path)
{
    struct buf file;
    if (to->count == BACKUP_RECIPIENTS_MAX) {
        fprintf(stderr, "bulkhead: at most %d keys\n", BACKUP_RECIPIENTS_MAX);
        return false;
    }
    if (!tool_read_file(path, 256, &file))
        return false;
    bool good = backup_key_parse_public(buf_bytes(&file), to->key[to->count]) == OK;
    if (good)
        to->count++;
    else
        fprintf(stderr, "bulkhead: %s is no public backup key (bulkhead backup keygen)\n", path);
    buf_fini(&file);
    return good;
}

int
command_backup(int argc, char **argv)
{
    struct tool_option options[] = {{"--state", true, NULL}, {"--to", true, NULL},
                                    {"--key", true, NULL},   {"--zone", true, NULL},
                                    {"--keep", true, NULL},  {"--out", true, NULL}};
    struct tool_words words;
    struct backup_run run = {.keep = KEEP_DEFAULT};
    uint64_t keep = KEEP_DEFAULT;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    const char *to = options[1].value, *key = options[2].value, *out = options[5].value;
    bool numbers = !options[4].value || text_u64(bytes_text(options[4].value), 1000, &keep) == OK;
    if (sodium_init() < 0)
        return EXIT_CANNOT;
    const char *verb = words.count && !key ? words.list[0] : "";
    if (strcmp(verb, "keygen") == 0 && words.count == 1 && out)
        return keygen(out);
    if (strcmp(verb, "expire") == 0 && words.count == 1 && to && numbers && keep > 0)
        return expire(to, (uint32_t)keep);
    run.state = options[0].value;
    run.only_zone = options[3].value;
    run.keep = (uint32_t)keep;
    if (!run.state || !to || !key || out || !numbers || keep == 0) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (!take_recipient(&run.to, key))
        return EXIT_CANNOT;
    for (size_t i = 0; i < words.count; i++)
        if (!take_recipient(&run.to, words.list[i]))
            return EXIT_CANNOT;
    return backup_make(&run, to);
}
