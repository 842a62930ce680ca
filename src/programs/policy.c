#include "programs/policy.h"

#include "charter/signature.h"
#include "programs/supervisor/plan.h"

#include <errno.h>
#include <fcntl.h>
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

bool
policy_load(const char *path, const char *state, struct charter *out, struct buf *out_text)
{
    static struct charter_findings findings;
    char file[PLAN_PATH_SIZE + 64], why[400];
    struct buf signatures, trusted;
    struct signer_keys keys;
    if (read_file(path, CHARTER_BYTES_MAX, out_text) != OK) {
        fprintf(stderr, "bulkhead: cannot read the charter %s\n", path);
        return false;
    }
    if (charter_parse(buf_bytes(out_text), out, &findings) != OK ||
        charter_check(out, &findings) != OK)
        return print_findings(path, &findings);
    snprintf(file, sizeof(file), "%s.sig", path);
    if (read_file(file, 65536, &signatures) != OK) {
        fprintf(stderr, "bulkhead: %s is not signed: there is no %s\n", path, file);
        return false;
    }
    snprintf(file, sizeof(file), "%s/signers.pub", state);
    if (read_file(file, 65536, &trusted) != OK ||
        signer_keys_parse(buf_bytes(&trusted), &keys) != OK) {
        fprintf(stderr, "bulkhead: cannot read the signers' public keys in %s\n", file);
        return false;
    }
    if (signature_verify(out, buf_bytes(&signatures), &keys, why, sizeof(why)) != OK) {
        fprintf(stderr, "bulkhead: %s: %s\n", path, why);
        return false;
    }
    return true;
}

/* A whole new file, durable, then renamed over the old one. */
static bool
replace_file(const char *path, struct bytes what)
{
    char next[PLAN_PATH_SIZE + 80];
    snprintf(next, sizeof(next), "%s.new", path);
    int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0 && write(fd, what.p, what.len) == (ssize_t)what.len && fdatasync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (good && rename(next, path) == 0)
        return true;
    fprintf(stderr, "bulkhead: cannot write %s: %s\n", path, strerror(errno));
    return false;
}

bool
policy_keep(const char *state, const char *charter_path, const struct buf *text)
{
    char path[PLAN_PATH_SIZE + 32], file[PLAN_PATH_SIZE + 64];
    struct buf signatures;
    snprintf(path, sizeof(path), "%s/charter", state);
    snprintf(file, sizeof(file), "%s.sig", charter_path);
    if (read_file(file, 65536, &signatures) != OK) {
        fprintf(stderr, "bulkhead: cannot read %s any more\n", file);
        return false;
    }
    snprintf(file, sizeof(file), "%s.sig", path);
    bool good = replace_file(file, buf_bytes(&signatures)) && replace_file(path, buf_bytes(text));
    buf_fini(&signatures);
    return good;
}

bool
policy_number_goes_up(const char *state, const struct charter *c)
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
    char line[32];
    int n = snprintf(line, sizeof(line), "%llu\n", (unsigned long long)c->number);
    ASSERT(n > 0 && (size_t)n < sizeof(line));
    return replace_file(path, bytes_of(line, (size_t)n));
}
