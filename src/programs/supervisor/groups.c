#include "programs/supervisor/groups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

enum { LINE_SIZE = 1024, TREE_DEPTH = 3, PERIOD_LONG_US = 100000 };

const char *
group_controller_text(enum group_controller c)
{
    static const char *const texts[GROUP_CONTROLLERS] = {"memory", "cpu", "pids"};
    return (unsigned)c < GROUP_CONTROLLERS ? texts[c] : "?";
}

struct group_limits
group_limits_of(const struct plan *p, size_t process)
{
    const struct plan_process *planned = &p->processes[process];
    struct group_limits l = {.memory_bytes = 1ULL << 30, .weight = GROUPS_WEIGHT_CITY};
    if (planned->zone >= 0 || planned->conduit >= 0)
        l = (struct group_limits){.memory_bytes = 256ULL << 20, .weight = GROUPS_WEIGHT_ZONE};
    if (planned->conduit >= 0)
        l.cpu_percent = GROUPS_CPU_CONDUIT;
    if (planned->zone >= 0) {
        l.memory_bytes = p->charter->zones[planned->zone].memory_bytes;
        l.cpu_percent = p->charter->zones[planned->zone].cpu_percent;
    }
    l.processes = 1;
    return l;
}

/* ---- small files ---------------------------------------------------------------------------- */

static bool PRINTF_LIKE(3, 4) put(const char *folder, const char *file, const char *format, ...)
{
    char path[GROUPS_PATH_SIZE + 64], text[64];
    va_list ap;
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, (size_t)n) == n;
    if (fd >= 0)
        close(fd);
    return good;
}

/* True when a file of words, separated by blanks, commas or lines, holds this one. */
static bool
holds_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += len)
        if ((at == text || strchr(" ,:\n", at[-1])) && (!at[len] || strchr(" ,:\n", at[len])))
            return true;
    return false;
}

static bool
folder_has(const char *folder, const char *controller)
{
    char path[GROUPS_PATH_SIZE + 64], text[LINE_SIZE];
    snprintf(path, sizeof(path), "%s/cgroup.controllers", folder);
    FILE *f = fopen(path, "re");
    bool has = f && fgets(text, sizeof(text), f) && holds_word(text, controller);
    if (f)
        fclose(f);
    return has;
}

/* Our own group in the hierarchy of a controller; NULL: in that of version 2. cgroups(7) */
static bool
own_path(const char *controller, char out[static LINE_SIZE])
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    char line[LINE_SIZE];
    bool found = false;
    while (f && !found && fgets(line, sizeof(line), f)) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        found = controller ? holds_word(list + 1, controller) : list[1] == '\0' && line[0] == '0';
        if (found)
            snprintf(out, LINE_SIZE, "%s", path);
    }
    if (f)
        fclose(f);
    return found;
}

/* Where that hierarchy is mounted, and our own group's folder in it. */
static bool
find_hierarchy(const char *controller, char *mount, char *own)
{
    char line[LINE_SIZE], root[LINE_SIZE], at[LINE_SIZE], type[32], options[LINE_SIZE];
    char path[LINE_SIZE];
    FILE *f = own_path(controller, path) ? fopen("/proc/self/mountinfo", "re") : NULL;
    bool found = false;
    while (f && !found && fgets(line, sizeof(line), f)) {
        const char *rest = strstr(line, " - ");
        if (!rest || sscanf(rest, " - %31s %*s %1023s", type, options) != 2 ||
            sscanf(line, "%*s %*s %*s %1023s %1023s", root, at) != 2)
            continue;
        found = controller ? strcmp(type, "cgroup") == 0 && holds_word(options, controller)
                           : strcmp(type, "cgroup2") == 0;
    }
    if (f)
        fclose(f);
    size_t skip = found && strcmp(root, "/") != 0 ? strlen(root) : 0;
    if (!found || strncmp(path, root, skip) != 0 || strstr(path, ".."))
        return false;
    int n = snprintf(mount, GROUPS_PATH_SIZE, "%s", at);
    int m =
        snprintf(own, GROUPS_PATH_SIZE, "%s%s", at, strcmp(path + skip, "/") ? path + skip : "");
    return n < GROUPS_PATH_SIZE && m < GROUPS_PATH_SIZE - 128;
}

/* ---- the tree ------------------------------------------------------------------------------- */

static bool
make(const char *folder)
{
    return mkdir(folder, 0755) == 0 || errno == EEXIST;
}

/*
 * The cities of a host stand in one group, which stays: so a supervisor that may not write above it
 * any more can take its own away. Its name is the hash of the state directory's path: the next city
 * there finds what this one left.
 */
static void
name_top(const struct plan *p, const char *parent, char above[static GROUPS_PATH_SIZE],
         char out[static GROUPS_PATH_SIZE])
{
    char *path = realpath(p->state, NULL);
    uint64_t id = hash_bytes(HASH_START, bytes_text(path ? path : p->state));
    free(path);
    snprintf(above, GROUPS_PATH_SIZE, "%.400s/bulkhead", parent);
    snprintf(out, GROUPS_PATH_SIZE, "%.420s/%016llx", above, (unsigned long long)id);
}

/* The group of all processes of a zone, the city or a conduit; empty when there is none. */
static void
name_owner(const struct groups *g, const struct plan *p, size_t process, enum group_controller c,
           char out[static GROUPS_PATH_SIZE])
{
    const struct plan_process *planned = &p->processes[process];
    const char *owner = planned->zone >= 0      ? p->charter->zones[planned->zone].name
                        : planned->conduit >= 0 ? p->charter->conduits[planned->conduit].name
                                                : "";
    snprintf(out, GROUPS_PATH_SIZE, "%.440s/%s%s", g->at[c].top,
             planned->zone >= 0      ? "zone-"
             : planned->conduit >= 0 ? "conduit-"
                                     : "city",
             owner);
}

bool
groups_path(const struct groups *g, const struct plan *p, size_t process, enum group_controller c,
            char out[static GROUPS_PATH_SIZE])
{
    char owner[GROUPS_PATH_SIZE];
    if (g->at[c].version == 0)
        return false;
    name_owner(g, p, process, c, owner);
    snprintf(out, GROUPS_PATH_SIZE, "%.500s/%s", owner,
             process_kind_text(p->processes[process].kind));
    return true;
}

static bool
put_limits(int version, enum group_controller c, const char *owner, const char *own,
           const struct group_limits *l)
{
    unsigned long long bytes = l->memory_bytes;
    /* The kernel takes no quota below a millisecond. */
    unsigned period = l->cpu_percent < 5 ? PERIOD_LONG_US : GROUPS_PERIOD_US;
    unsigned quota = l->cpu_percent * (period / 100);
    switch (c) {
    case GROUP_MEMORY:
        if (version == 2)
            return put(owner, "memory.max", "%llu", bytes) &&
                   (put(owner, "memory.swap.max", "0") || errno == ENOENT);
        /* One cannot pass the other, and which goes up first depends on what stood there. */
        (void)put(owner, "memory.memsw.limit_in_bytes", "-1");
        return put(owner, "memory.limit_in_bytes", "%llu", bytes) &&
               (put(owner, "memory.memsw.limit_in_bytes", "%llu", bytes) || errno == ENOENT);
    case GROUP_CPU:
        if (version == 2)
            return put(owner, "cpu.weight", "%u", l->weight) &&
                   (quota ? put(owner, "cpu.max", "%u %u", quota, period)
                          : put(owner, "cpu.max", "max"));
        return put(owner, "cpu.shares", "%u", l->weight * 1024 / 100) &&
               put(owner, "cpu.cfs_quota_us", "-1") &&
               put(owner, "cpu.cfs_period_us", "%u", period) &&
               (!quota || put(owner, "cpu.cfs_quota_us", "%u", quota));
    case GROUP_PIDS:
        return put(own, "pids.max", "%u", l->processes);
    case GROUP_CONTROLLERS:
        break;
    }
    return false;
}

static bool
enable(const struct groups *g, enum group_controller c, const char *folder)
{
    return g->at[c].version == 1 ||
           put(folder, "cgroup.subtree_control", "+%s", group_controller_text(c));
}

/* Every group that the plan needs, with its limits; and ours, which we step into. */
static bool
fill(const struct groups *g, enum group_controller c, const struct plan *p)
{
    char owner[GROUPS_PATH_SIZE], own[GROUPS_PATH_SIZE];
    const char *top = g->at[c].top;
    int version = g->at[c].version;
    const struct group_limits ours = {.weight = GROUPS_WEIGHT_CITY};
    const struct group_limits all = {.weight = GROUPS_WEIGHT_TOP};
    snprintf(own, sizeof(own), "%.480s/supervisor", top);
    bool good = make(own) && put(own, "cgroup.procs", "%d", getpid()) && enable(g, c, top);
    if (good && c == GROUP_CPU)
        good = put_limits(version, c, g->at[c].above, "", &all) &&
               put_limits(version, c, top, "", &all) && put_limits(version, c, own, "", &ours);
    for (size_t i = 0; good && i < p->processes_count; i++) {
        struct group_limits limits = group_limits_of(p, i);
        name_owner(g, p, i, c, owner);
        groups_path(g, p, i, c, own);
        good = make(owner) && enable(g, c, owner) && make(own) &&
               put_limits(version, c, owner, own, &limits);
    }
    return good;
}

/* Take away a group and those below it; what still holds a process stays. */
static void
sweep(const char *folder, int depth)
{
    char path[GROUPS_PATH_SIZE];
    DIR *d = depth > 0 ? opendir(folder) : NULL;
    for (struct dirent *entry; d && (entry = readdir(d));) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        int n = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (n > 0 && (size_t)n < sizeof(path))
            sweep(path, depth - 1);
    }
    if (d)
        closedir(d);
    rmdir(folder);
}

/* Step out and leave nothing. A group of version 2 that hands down may hold no process: ours may
 * again when nothing is handed down. */
static void
empty(struct groups *g, enum group_controller c)
{
    const char *top = g->at[c].top, *before = g->at[c].before;
    sweep(top, TREE_DEPTH);
    if (g->at[c].enabled) {
        put(top, "cgroup.subtree_control", "-%s", group_controller_text(c));
        put(g->at[c].above, "cgroup.subtree_control", "-%s", group_controller_text(c));
        put(before, "cgroup.subtree_control", "-%s", group_controller_text(c));
    }
    put(before, "cgroup.procs", "%d", getpid());
    sweep(top, TREE_DEPTH);
    g->at[c].version = 0;
}

/*
 * Version 2 below `parent`: only a group without processes of its own may hand controllers down,
 * so we step into our new one first. What is not handed down is not ours.
 */
static void
take_v2(struct groups *g, enum group_controller c, const struct plan *p, const char *parent,
        const char *own)
{
    char inside[GROUPS_PATH_SIZE], *above = g->at[c].above, *top = g->at[c].top;
    const char *name = group_controller_text(c);
    name_top(p, parent, above, top);
    snprintf(inside, sizeof(inside), "%.480s/supervisor", top);
    if (!folder_has(parent, name) || !make(above) || !make(top) || !make(inside))
        return;
    put(inside, "cgroup.procs", "%d", getpid());
    if (!folder_has(above, name))
        g->at[c].enabled = put(parent, "cgroup.subtree_control", "+%s", name);
    put(above, "cgroup.subtree_control", "+%s", name);
    snprintf(g->at[c].before, sizeof(g->at[c].before), "%s", own);
    g->at[c].version = 2;
    if (folder_has(top, name) && fill(g, c, p))
        return;
    for (enum group_controller other = 0; other < c; other++)
        if (g->at[other].version == 2) {
            g->at[c].version = 0; /* the tree stays: it holds what went well */
            return;
        }
    empty(g, c);
}

static void
take_v1(struct groups *g, enum group_controller c, const struct plan *p)
{
    char mount[GROUPS_PATH_SIZE], own[GROUPS_PATH_SIZE];
    if (!find_hierarchy(group_controller_text(c), mount, own))
        return;
    name_top(p, own, g->at[c].above, g->at[c].top);
    sweep(g->at[c].top, TREE_DEPTH); /* of a city that ended without a word */
    snprintf(g->at[c].before, sizeof(g->at[c].before), "%s", own);
    g->at[c].version = 1;
    if (!make(g->at[c].above) || !make(g->at[c].top) || !fill(g, c, p))
        empty(g, c);
}

void
groups_open(struct groups *g, const struct plan *p)
{
    char mount[GROUPS_PATH_SIZE], own[GROUPS_PATH_SIZE];
    *g = (struct groups){0};
    bool v2 = find_hierarchy(NULL, mount, own);
    if (v2) {
        char above[GROUPS_PATH_SIZE], top[GROUPS_PATH_SIZE];
        name_top(p, own, above, top);
        sweep(top, TREE_DEPTH); /* of a city that ended without a word */
    }
    for (enum group_controller c = 0; c < GROUP_CONTROLLERS; c++) {
        if (v2)
            take_v2(g, c, p, own, own);
        if (v2 && g->at[c].version == 0 && geteuid() == 0 && strcmp(own, mount) != 0)
            take_v2(g, c, p, mount, own);
        if (g->at[c].version == 0)
            take_v1(g, c, p);
    }
}

bool
groups_join(const struct groups *g, const struct plan *p, size_t process, pid_t pid)
{
    char path[GROUPS_PATH_SIZE];
    for (enum group_controller c = 0; c < GROUP_CONTROLLERS; c++)
        if (groups_path(g, p, process, c, path) && !put(path, "cgroup.procs", "%d", pid))
            return false;
    return true;
}

void
groups_close(struct groups *g)
{
    /* Last first: version 2 steps back out of what the first one made. */
    for (int c = GROUP_CONTROLLERS - 1; c >= 0; c--)
        if (g->at[c].version)
            empty(g, (enum group_controller)c);
}
