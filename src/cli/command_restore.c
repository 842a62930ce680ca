/* command_restore.c -- bulkhead restore and bulkhead verify. */
#include "cli/commands.h"

#include "base/text.h"
#include "cli/backup_restore.h"
#include "cli/zone_copy.h"
#include "cli/zone_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const char restore_help[] =
    "usage: bulkhead restore --from BACKUP --key CITY.key --state NEWDIR\n"
    "                        [--generation N] [--vkey KEY]\n"
    "Brings a city back into a directory that is not there yet, and verifies it. --vkey: the\n"
    "verifier key of the city's log (ledger-city.vkey): only what that city made is taken.\n"
    "Never start it while the old city still runs anywhere.\n"
    "example: bulkhead restore --from /backup/demo --key clerk.key --state /srv/city\n";

static const char verify_help[] =
    "usage: bulkhead verify --state DIR [--zone ZONE]\n"
    "       bulkhead verify --from BACKUP --key CITY.key [--generation N] [--vkey KEY]\n"
    "                       [--scratch DIR]\n"
    "Opens every stored byte and compares each store's tree of decisions with every anchor in\n"
    "the ledger; the city may run. A backup is brought back into a scratch directory for it.\n"
    "Exit status: 0 all holds, 1 something does not, 3 it cannot be looked at.\n"
    "example: bulkhead verify --state run/demo\n";

static bool
take_secret(const char *path, struct backup_secret *out)
{
    struct buf file;
    if (!tool_read_file(path, 256, &file))
        return false;
    bool good = backup_key_parse_secret(buf_bytes(&file), out) == OK;
    sodium_memzero(file.p, file.len);
    buf_fini(&file);
    if (!good)
        fprintf(stderr, "bulkhead: %s is no secret backup key (bulkhead backup keygen)\n", path);
    return good;
}

/* A verifier key in text, or the file that holds it. */
static bool
take_vkey(const char *value, char to[static 512])
{
    struct buf file;
    if (!value || access(value, R_OK) != 0) {
        snprintf(to, 512, "%s", value ? value : "");
        return true;
    }
    if (!tool_read_file(value, 511, &file))
        return false;
    struct bytes text = buf_bytes(&file);
    if (text.len && text.p[text.len - 1] == '\n')
        text.len--;
    bool good = bytes_copy_text(text, to, 512) == OK;
    buf_fini(&file);
    return good;
}

/* DIR.part, verified and then renamed. */
static int
verify_and_name(const char *state, bool keep)
{
    char part[TOOL_PATH_SIZE];
    snprintf(part, sizeof(part), "%s.part", state);
    struct charter *c = tool_charter(part);
    int status = c ? state_verify(part, c, NULL, false, part) : EXIT_DOES_NOT_HOLD;
    free(c);
    if (status != EXIT_OK || !keep)
        return status;
    int fd = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && syncfs(fd) == 0 && rename(part, state) == 0 && syncfs(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (!good)
        fprintf(stderr, "bulkhead: cannot rename %s: %s\n", part, strerror(errno));
    return good ? EXIT_OK : EXIT_CANNOT;
}

int
command_restore(int argc, char **argv)
{
    struct tool_option options[] = {{"--from", true, NULL},
                                    {"--key", true, NULL},
                                    {"--state", true, NULL},
                                    {"--generation", true, NULL},
                                    {"--vkey", true, NULL}};
    struct tool_words words;
    struct backup_secret secret;
    char vkey[512];
    uint64_t generation = 0;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, restore_help))
        return EXIT_USAGE;
    const char *from = options[0].value, *key = options[1].value, *state = options[2].value;
    if (!from || !key || !state || words.count ||
        (options[3].value &&
         text_u64(bytes_text(options[3].value), UINT32_MAX, &generation) != OK)) {
        fputs(restore_help, stderr);
        return EXIT_USAGE;
    }
    if (sodium_init() < 0 || !take_secret(key, &secret) || !take_vkey(options[4].value, vkey))
        return EXIT_CANNOT;
    struct backup_restore how = {.from = from,
                                 .with = &secret,
                                 .generation = generation,
                                 .verifier_key = options[4].value ? vkey : NULL,
                                 .state = state,
                                 .for_use = true};
    int status = backup_bring_back(&how);
    sodium_memzero(&secret, sizeof(secret));
    if (status == EXIT_OK)
        status = verify_and_name(state, true);
    if (status == EXIT_OK)
        printf("restored: bulkhead up --charter %s/charter --state %s\n", state, state);
    return status;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

/* Of our own making: SCRATCH/verify-PID. */
static int
verify_backup(struct backup_restore *how, const char *scratch)
{
    char state[TOOL_PATH_SIZE], part[TOOL_PATH_SIZE + 8];
    snprintf(state, sizeof(state), "%s/verify-%d", scratch, (int)getpid());
    snprintf(part, sizeof(part), "%s.part", state);
    how->state = state;
    int status = backup_bring_back(how);
    if (status == EXIT_OK)
        status = verify_and_name(state, false);
    nftw(part, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    return status;
}

int
command_verify(int argc, char **argv)
{
    struct tool_option options[] = {
        {"--state", true, NULL},      {"--zone", true, NULL}, {"--from", true, NULL},
        {"--key", true, NULL},        {"--vkey", true, NULL}, {"--scratch", true, NULL},
        {"--generation", true, NULL},
    };
    struct tool_words words;
    struct backup_secret secret;
    struct state_lock lock;
    char vkey[512], scratch[TOOL_PATH_SIZE];
    uint64_t generation = 0;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, verify_help))
        return EXIT_USAGE;
    const char *state = options[0].value, *from = options[2].value, *key = options[3].value;
    bool of_backup = key || options[4].value || options[5].value || options[6].value;
    if (words.count || !state == !from || (from ? !key || options[1].value : of_backup) ||
        (options[6].value &&
         text_u64(bytes_text(options[6].value), UINT32_MAX, &generation) != OK)) {
        fputs(verify_help, stderr);
        return EXIT_USAGE;
    }
    if (sodium_init() < 0)
        return EXIT_CANNOT;
    if (from) {
        if (!take_secret(key, &secret) || !take_vkey(options[4].value, vkey))
            return EXIT_CANNOT;
        struct backup_restore how = {.from = from,
                                     .with = &secret,
                                     .generation = generation,
                                     .verifier_key = options[4].value ? vkey : NULL};
        int status = verify_backup(&how, options[5].value ? options[5].value : from);
        sodium_memzero(&secret, sizeof(secret));
        return status;
    }
    struct charter *c = tool_charter(state);
    if (!c || !state_lock_open(state, &lock))
        return EXIT_CANNOT;
    snprintf(scratch, sizeof(scratch), "%s/zones", state);
    int status = state_verify(state, c, options[1].value, lock.running, scratch);
    state_lock_close(&lock);
    free(c);
    return status;
}
