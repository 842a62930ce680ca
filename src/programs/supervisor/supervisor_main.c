/*
 * bulkhead-supervisor CHARTER STATE LIBEXEC -- started by `bulkhead up`, which made the keys.
 *
 * It reads the charter itself and trusts nobody's word that it was checked.
 */
#include "programs/supervisor/supervisor.h"

#include "charter/signature.h"
#include "runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err
read_file(const char *path, size_t max, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    buf_init(out, max);
    uint8_t *room = buf_room(out, max);
    ssize_t n = room ? read(fd, room, max) : -1;
    close(fd);
    if (n < 0 || (size_t)n == max)
        return ERR_LIMIT;
    buf_filled(out, (size_t)n);
    return OK;
}

static bool
print_findings(const char *file, const struct charter_findings *findings)
{
    struct buf line;
    buf_init(&line, 1024);
    for (uint32_t i = 0; i < findings->count; i++) {
        buf_reset(&line);
        charter_put_finding(&line, file, &findings->list[i]);
        fprintf(stderr, "bulkhead: %s\n", buf_string(&line));
    }
    buf_fini(&line);
    return false;
}

/* Parsed, checked, signed by enough signers, and not older than the one before. */
static bool
load_charter(const char *path, const char *state, struct charter *out)
{
    static struct charter_findings findings;
    char file[PLAN_PATH_SIZE + 64], why[400];
    struct buf text, signatures, trusted;
    struct signer_keys keys;
    if (read_file(path, CHARTER_BYTES_MAX, &text) != OK) {
        fprintf(stderr, "bulkhead: cannot read the charter %s\n", path);
        return false;
    }
    if (charter_parse(buf_bytes(&text), out, &findings) != OK ||
        charter_check(out, &findings) != OK)
        return print_findings(path, &findings);
    snprintf(file, sizeof(file), "%s.sig", path);
    if (read_file(file, 65536, &signatures) != OK) {
        fprintf(stderr, "bulkhead: %s is not signed: there is no %s\n", path, file);
        return false;
    }
    snprintf(file, sizeof(file), "%s/signers.pub", state);
    if (read_file(file, 65536, &trusted) != OK || signer_keys_parse(buf_bytes(&trusted), &keys) != OK) {
        fprintf(stderr, "bulkhead: cannot read the signers' public keys in %s\n", file);
        return false;
    }
    if (signature_verify(out, buf_bytes(&signatures), &keys, why, sizeof(why)) != OK) {
        fprintf(stderr, "bulkhead: %s: %s\n", path, why);
        return false;
    }
    return true;
}

/* Charters are numbered upward: an older one is refused, whoever signed it. */
static bool
number_goes_up(const char *state, const struct charter *c)
{
    char path[PLAN_PATH_SIZE + 64];
    unsigned long long last = 0;
    snprintf(path, sizeof(path), "%s/charter.number", state);
    FILE *f = fopen(path, "re");
    if (f) {
        if (fscanf(f, "%20llu", &last) != 1)
            last = UINT64_MAX;
        fclose(f);
    }
    if (c->number < last) {
        fprintf(stderr,
                "bulkhead: this charter has number %llu, and number %llu was in force already\n",
                (unsigned long long)c->number, last);
        return false;
    }
    char next[PLAN_PATH_SIZE + 80];
    snprintf(next, sizeof(next), "%s.new", path);
    f = fopen(next, "we");
    bool good = f && fprintf(f, "%llu\n", (unsigned long long)c->number) > 0 && fflush(f) == 0 &&
                fdatasync(fileno(f)) == 0;
    if (f)
        fclose(f);
    if (!good || rename(next, path) != 0) {
        fprintf(stderr, "bulkhead: cannot write %s: %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

static bool
lock_state(const char *state)
{
    char path[PLAN_PATH_SIZE + 64];
    snprintf(path, sizeof(path), "%s/lock", state);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* open until we end */
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    fprintf(stderr, "bulkhead: a city runs already on %s\n", state);
    return false;
}

int
main(int argc, char **argv)
{
    static struct supervisor s;
    if (argc != 4) {
        fprintf(stderr, "usage: bulkhead-supervisor CHARTER STATE LIBEXEC\n");
        return 2;
    }
    const char *charter_path = argv[1], *state = argv[2], *libexec = argv[3];
    log_name("supervisor", "");
    if (sodium_init() < 0 || strlen(state) >= PLAN_PATH_SIZE || strlen(libexec) >= PLAN_PATH_SIZE)
        return 3;
    struct charter *c = calloc(1, sizeof(*c));
    ASSERT(c);
    umask(077);
    if (!lock_state(state) || !load_charter(charter_path, state, c) || !number_goes_up(state, c))
        return 1;
    plan_list(&s.plan, c, state, libexec);
    if (plan_open(&s.plan) != OK) {
        fprintf(stderr, "bulkhead: %s\n", s.plan.why);
        plan_close(&s.plan);
        return 1;
    }
    return supervisor_run(&s);
}
