/*
 * scan.c -- scan PID SECRETS: where in a process's memory does each secret stand?
 *
 * SECRETS has one line for each: a name, a blank, hexadecimal digits. What a core derives from its
 * store's master key (keys.c, core.c) is looked for too. One line is printed for each place found:
 * the name, and the flags of the mapping (lo: locked, dd: not in dumps). Pages that were never
 * touched are not looked at: the kernel says which are there.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

enum { SECRETS_MAX = 512, SECRET_BYTES = 64, PAGE = 4096, CHUNK_PAGES = 256 };

struct secret {
    char name[128];
    uint8_t bytes[SECRET_BYTES];
    size_t len;
};
struct range {
    unsigned long from, to;
    char flags[512];
};

static struct secret secrets[SECRETS_MAX];
static size_t secrets_count;
static uint8_t begins[65536]; /* a secret begins with these two bytes */

static struct secret *
add(const char *name, const char *more)
{
    ASSERT(secrets_count < SECRETS_MAX);
    struct secret *s = &secrets[secrets_count++];
    snprintf(s->name, sizeof(s->name), "%s%s", name, more);
    s->len = 32;
    return s;
}

static void
derive(const struct secret *master)
{
    static const char label[] = "bulkhead service state v1";
    struct secret *wrap = add(master->name, ":wrap"), *state = add(master->name, ":state");
    ASSERT(crypto_kdf_derive_from_key(wrap->bytes, 32, 1, "bhstore1", master->bytes) == 0);
    ASSERT(crypto_generichash(state->bytes, 32, (const uint8_t *)label, sizeof(label) - 1,
                              master->bytes, master->len) == 0);
}

static bool
read_secrets(const char *path)
{
    char name[100], hex[2 * SECRET_BYTES + 1];
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    while (fscanf(f, "%99s %128[0-9a-fA-F]\n", name, hex) == 2) {
        struct secret *s = add(name, "");
        if (sodium_hex2bin(s->bytes, SECRET_BYTES, hex, strlen(hex), NULL, &s->len, NULL) != 0 ||
            s->len < 16)
            return false;
        if (bytes_start(bytes_text(name), "store-") && s->len == 32)
            derive(s);
    }
    bool all = feof(f) != 0;
    fclose(f);
    for (size_t i = 0; i < secrets_count; i++)
        begins[secrets[i].bytes[0] << 8 | secrets[i].bytes[1]] = 1;
    return all && secrets_count > 0;
}

static void
look(const uint8_t *p, size_t len, size_t from, const struct range *r)
{
    for (size_t i = from; i + 1 < len; i++) {
        if (!begins[p[i] << 8 | p[i + 1]])
            continue;
        for (size_t s = 0; s < secrets_count; s++)
            if (secrets[s].len <= len - i && memcmp(p + i, secrets[s].bytes, secrets[s].len) == 0)
                printf("%s%s\n", secrets[s].name, r->flags);
    }
}

/* A secret may lie across the border of two pieces: the last bytes are carried over. */
static bool
look_at_range(int mem, int map, const struct range *r)
{
    static uint8_t piece[SECRET_BYTES + CHUNK_PAGES * PAGE];
    size_t carried = 0;
    for (unsigned long at = r->from; at < r->to;) {
        uint64_t entry[CHUNK_PAGES];
        size_t pages = (r->to - at) / PAGE;
        pages = pages < CHUNK_PAGES ? pages : CHUNK_PAGES;
        if (pread(map, entry, pages * 8, (off_t)(at / PAGE * 8)) != (ssize_t)(pages * 8))
            return false;
        size_t there = 0;
        while (there < pages && entry[there] >> 62)
            there++;
        if (there == 0) {
            carried = 0;
            at += PAGE;
            continue;
        }
        ssize_t n = pread(mem, piece + carried, there * PAGE, (off_t)at);
        if (n != (ssize_t)(there * PAGE))
            return false;
        size_t len = carried + (size_t)n;
        look(piece, len, 0, r);
        carried = SECRET_BYTES - 1;
        memmove(piece, piece + len - carried, carried);
        at += (unsigned long)n;
    }
    return true;
}

int
main(int argc, char **argv)
{
    char path[64], line[1024];
    if (argc != 3 || !read_secrets(argv[2]))
        return 2;
    snprintf(path, sizeof(path), "/proc/%s/mem", argv[1]);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/%s/pagemap", argv[1]);
    int map = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/%s/smaps", argv[1]);
    FILE *smaps = fopen(path, "re");
    if (mem < 0 || map < 0 || !smaps)
        return 3;
    struct range r = {0};
    size_t ranges = 0;
    while (fgets(line, sizeof(line), smaps)) {
        char mode[8];
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3) {
            r = (struct range){.from = from, .to = mode[0] == 'r' ? to : from};
            if (strstr(line, "[v")) /* the kernel's own: vvar, vdso, vsyscall */
                r.to = from;
        } else if (strncmp(line, "VmFlags:", 8) == 0 && r.to > r.from) {
            snprintf(r.flags, sizeof(r.flags), "%.*s", (int)strcspn(line + 8, "\n"), line + 8);
            ranges++;
            if (!look_at_range(mem, map, &r))
                return 3;
        }
    }
    return ranges > 5 ? 0 : 3;
}
