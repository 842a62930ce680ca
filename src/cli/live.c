#include "cli/live.h"

#include "runtime/sandbox.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

/* The value of "Key:" in /proc/PID/status, or "" */
static void
status_value(uint32_t pid, const char *key, char *to, size_t size)
{
    char path[64], line[512];
    size_t len = strlen(key);
    to[0] = '\0';
    snprintf(path, sizeof(path), "/proc/%u/status", pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, len) != 0 || line[len] != ':')
            continue;
        const char *value = line + len + 1;
        value += strspn(value, " \t");
        snprintf(to, size, "%.*s", (int)strcspn(value, "\n"), value);
        break;
    }
    if (f)
        fclose(f);
}

static void
miss(struct buf *why, const struct status_row *row, uint32_t *missing, enum sandbox_wall wall,
     const char *text)
{
    *missing |= 1U << wall;
    buf_format(why, "%.*s: %s: %s\n", BYTES_PRINTF(row->name), sandbox_wall_text(wall), text);
}

static void
look_at_status(const struct status_row *row, bool user_namespaces, uint32_t *missing,
               struct buf *why)
{
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
    char value[256], text[400];
    status_value(row->pid, "Seccomp", value, sizeof(value));
    if (strcmp(value, "2") != 0)
        miss(why, row, missing, WALL_SECCOMP, "no system-call filter is on");
    status_value(row->pid, "NoNewPrivs", value, sizeof(value));
    if (strcmp(value, "1") != 0)
        miss(why, row, missing, WALL_NO_NEW_PRIVS, "new privileges are possible");
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        status_value(row->pid, sets[i], value, sizeof(value));
        if (value[0] == '\0' || strspn(value, "0") != strlen(value)) {
            snprintf(text, sizeof(text), "%s is %s", sets[i], value);
            miss(why, row, missing, WALL_CAPABILITIES, text);
        }
    }
    status_value(row->pid, "Uid", value, sizeof(value));
    unsigned real, effective, saved, files;
    unsigned want = user_namespaces ? geteuid() : row->uid;
    if (sscanf(value, "%u %u %u %u", &real, &effective, &saved, &files) != 4 || real != want ||
        effective != want || saved != want || files != want ||
        (!user_namespaces && (want == 0 || want == geteuid()))) {
        snprintf(text, sizeof(text), "it runs as %s, not as user %u", value, want);
        miss(why, row, missing, WALL_UID, text);
    }
}

static bool
same_link(uint32_t pid, const char *name)
{
    char ours[64], theirs[64], a[128], b[128];
    snprintf(ours, sizeof(ours), "/proc/self/ns/%s", name);
    snprintf(theirs, sizeof(theirs), "/proc/%u/ns/%s", pid, name);
    ssize_t n = readlink(ours, a, sizeof(a)), m = readlink(theirs, b, sizeof(b));
    return n <= 0 || m <= 0 || (n == m && memcmp(a, b, (size_t)n) == 0);
}

static void
look_at_namespaces(const struct status_row *row, bool user_namespaces, uint32_t *missing,
                   struct buf *why)
{
    static const char *const names[] = {"mnt", "pid", "net", "ipc", "uts", "cgroup", "user"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char text[100];
        if (strcmp(names[i], "user") == 0 && !user_namespaces)
            continue;
        if (!same_link(row->pid, names[i]))
            continue;
        snprintf(text, sizeof(text), "it shares our %s namespace", names[i]);
        miss(why, row, missing, WALL_NAMESPACES, text);
    }
}

/* Its root must be empty. */
static void
look_at_root(const struct status_row *row, uint32_t *missing, struct buf *why)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%u/root", row->pid);
    DIR *d = opendir(path);
    if (!d) {
        miss(why, row, missing, WALL_ROOT, "its root cannot be looked at");
        return;
    }
    size_t found = 0;
    for (struct dirent *entry; (entry = readdir(d));)
        found += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(d);
    if (found)
        miss(why, row, missing, WALL_ROOT, "its root holds files");
}

static void
look_at_limits(const struct status_row *row, uint32_t *missing, struct buf *why)
{
    static const struct {
        const char *name;
        const char *want; /* NULL: any number */
    } limits[] = {{"Max core file size", "0"},   {"Max processes", "0"},
                  {"Max locked memory", "0"},    {"Max msgqueue size", "0"},
                  {"Max pending signals", "16"}, {"Max address space", NULL},
                  {"Max open files", NULL},      {"Max file size", NULL}};
    char path[64], line[256];
    bool seen[ARRAY_COUNT(limits)] = {false};
    snprintf(path, sizeof(path), "/proc/%u/limits", row->pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
            size_t len = strlen(limits[i].name);
            char hard[32], soft[32];
            if (strncmp(line, limits[i].name, len) != 0 ||
                sscanf(line + len, "%31s %31s", soft, hard) != 2)
                continue;
            seen[i] =
                limits[i].want ? strcmp(hard, limits[i].want) == 0 : strcmp(hard, "unlimited") != 0;
        }
    }
    if (f)
        fclose(f);
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++)
        if (!seen[i])
            miss(why, row, missing, WALL_LIMITS, limits[i].name);
}

/* What a descriptor may be: a socket, a regular file, a pipe, epoll, /dev/null. */
static bool
kind_is_known(const char *target)
{
    return strncmp(target, "socket:", 7) == 0 || strncmp(target, "pipe:", 5) == 0 ||
           strcmp(target, "anon_inode:[eventpoll]") == 0 || strcmp(target, "/dev/null") == 0 ||
           target[0] == '/';
}

static void
look_at_descriptors(const struct status_row *row, uint32_t *missing, struct buf *why)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%u/fd", row->pid);
    DIR *d = opendir(path);
    if (!d) {
        miss(why, row, missing, WALL_DESCRIPTORS, "its descriptors cannot be looked at");
        return;
    }
    for (struct dirent *entry; (entry = readdir(d));) {
        char link[400], target[512], text[800];
        snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
        ssize_t n = entry->d_name[0] == '.' ? -1 : readlink(link, target, sizeof(target) - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        struct stat st;
        bool folder = stat(link, &st) == 0 && S_ISDIR(st.st_mode);
        if (kind_is_known(target) && !folder)
            continue;
        snprintf(text, sizeof(text), "descriptor %s is %s", entry->d_name, target);
        miss(why, row, missing, WALL_DESCRIPTORS, text);
    }
    closedir(d);
}

/*
 * Dumpable and Landlock have no line in /proc for others: a process that is not dumpable has its
 * /proc entries owned by (its namespace's) root; Landlock is what the process reported.
 */
static void
look_at_rest(const struct status_row *row, bool user_namespaces, uint32_t *missing, struct buf *why)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/%u/environ", row->pid);
    if (!user_namespaces && (stat(path, &st) != 0 || st.st_uid == row->uid))
        miss(why, row, missing, WALL_DUMPABLE, "its memory could be dumped by its user");
    if (user_namespaces && !(row->walls >> WALL_DUMPABLE & 1))
        miss(why, row, missing, WALL_DUMPABLE, "it reported that it is dumpable");
    if (!(row->walls >> WALL_LANDLOCK & 1))
        miss(why, row, missing, WALL_LANDLOCK, "it reported no Landlock rules");
}

uint32_t
live_missing_walls(const struct status_row *row, bool user_namespaces, struct buf *why)
{
    uint32_t missing = 0;
    look_at_status(row, user_namespaces, &missing, why);
    look_at_namespaces(row, user_namespaces, &missing, why);
    look_at_root(row, &missing, why);
    look_at_limits(row, &missing, why);
    look_at_descriptors(row, &missing, why);
    look_at_rest(row, user_namespaces, &missing, why);
    return missing;
}

bool
live_check(struct buf *b, const struct status_row *rows, size_t count, bool user_namespaces,
           bool json)
{
    struct buf why;
    buf_init(&why, 256 * 1024);
    size_t looked = 0, holes = 0;
    for (size_t i = 0; i < count; i++) {
        if (!bytes_are(rows[i].state, "up"))
            continue;
        looked++;
        holes += live_missing_walls(&rows[i], user_namespaces, &why) != 0;
    }
    if (json) {
        buf_format(b, ",\"live\":{\"looked\":%zu,\"with_missing_walls\":%zu}", looked, holes);
    } else {
        buf_put(b, buf_bytes(&why));
        buf_format(b, "live: %zu processes looked at, %zu with a missing wall\n", looked, holes);
    }
    buf_fini(&why);
    return holes == 0;
}
