#include "cli/live.h"

#include "base/text.h"
#include "programs/limits.h"
#include "runtime/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { VALUE_SIZE = 512 };

void
live_alarm(struct live *l, const char *what, const char *expected, const char *format, ...)
{
    char found[VALUE_SIZE];
    va_list ap;
    va_start(ap, format);
    vsnprintf(found, sizeof(found), format, ap);
    va_end(ap);
    if (!l->json) {
        buf_format(l->out, "ALARM %s: %s: expected %s, found %s\n", l->name, what, expected, found);
    } else {
        const char *const members[][2] = {
            {"process", l->name}, {"what", what}, {"expected", expected}, {"found", found}};
        /* Commas go before, so that nobody has to know which alarm is the last. */
        for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
            buf_format(l->out, "%s\"%s\":", i ? "," : ",{", members[i][0]);
            text_put_json(l->out, bytes_text(members[i][1]));
        }
        buf_byte(l->out, '}');
    }
    l->alarms++;
}

/* ---- /proc/PID/status ----------------------------------------------------------------------- */

/* The value of "Key:", or "" */
static void
status_value(uint32_t pid, const char *key, char to[static VALUE_SIZE])
{
    char path[64], line[VALUE_SIZE];
    size_t len = strlen(key);
    to[0] = '\0';
    snprintf(path, sizeof(path), "/proc/%u/status", pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, len) != 0 || line[len] != ':')
            continue;
        const char *value = line + len + 1;
        value += strspn(value, " \t");
        snprintf(to, VALUE_SIZE, "%.*s", (int)strcspn(value, "\n"), value);
        break;
    }
    if (f)
        fclose(f);
}

static void
look_at_status(struct live *l)
{
    static const struct {
        const char *key, *what, *want;
    } lines[] = {{"NoNewPrivs", "no new privileges", "1"},
                 {"Seccomp", "system-call filter", "2"},
                 {"Seccomp_filters", "number of filters", "1"},
                 {"Threads", "threads", "1"},
                 {"CapInh", "inheritable capabilities", "0000000000000000"},
                 {"CapPrm", "permitted capabilities", "0000000000000000"},
                 {"CapEff", "effective capabilities", "0000000000000000"},
                 {"CapBnd", "bounding set", "0000000000000000"},
                 {"CapAmb", "ambient capabilities", "0000000000000000"},
                 {"TracerPid", "process that traces it", "0"}};
    char value[VALUE_SIZE];
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        status_value(l->pid, lines[i].key, value);
        if (strcmp(value, lines[i].want) != 0)
            live_alarm(l, lines[i].what, lines[i].want, "%s", value[0] ? value : "nothing");
    }
    unsigned want = l->city->user_namespaces ? geteuid() : l->planned->uid;
    char expected[64];
    snprintf(expected, sizeof(expected), "%u\t%u\t%u\t%u", want, want, want, want);
    status_value(l->pid, "Uid", value);
    if (strcmp(value, expected) != 0 || (!l->city->user_namespaces && want == 0))
        live_alarm(l, "user", expected, "%s", value);
    status_value(l->pid, "Groups", value);
    if (!l->city->user_namespaces && value[0])
        live_alarm(l, "groups", "none", "%s", value);
}

/* ---- namespaces, root, program, children ---------------------------------------------------- */

static const char *const namespaces[] = {"mnt", "pid", "net", "ipc", "uts", "cgroup", "user"};

/* The inode of a namespace; 0 when it cannot be looked at. */
static uint64_t
namespace_of(uint32_t pid, const char *name)
{
    char path[64];
    struct stat st;
    if (pid)
        snprintf(path, sizeof(path), "/proc/%u/ns/%s", pid, name);
    else
        snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static void
look_at_namespaces(struct live *l)
{
    for (size_t i = 0; i < ARRAY_COUNT(namespaces); i++) {
        char what[64];
        if (strcmp(namespaces[i], "user") == 0 && !l->city->user_namespaces)
            continue;
        uint64_t id = namespace_of(l->pid, namespaces[i]);
        snprintf(what, sizeof(what), "%s namespace", namespaces[i]);
        if (id == 0 || id == namespace_of(0, namespaces[i]))
            live_alarm(l, what, "its own", "%s", id ? "ours" : "nothing that can be looked at");
        for (size_t k = 0; id && k < l->city->rows_count; k++) {
            const struct status_row *other = &l->city->rows[k];
            if (other != l->row && other->pid && namespace_of(other->pid, namespaces[i]) == id)
                live_alarm(l, what, "its own", "that of %.*s", BYTES_PRINTF(other->name));
        }
    }
}

static void
look_at_root(struct live *l)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%u/root", l->pid);
    DIR *d = opendir(path);
    if (!d) {
        live_alarm(l, "root", "an empty folder", "nothing that can be looked at");
        return;
    }
    size_t found = 0;
    for (struct dirent *entry; (entry = readdir(d));)
        found += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(d);
    if (found)
        live_alarm(l, "root", "an empty folder", "%zu files", found);
}

static void
look_at_program(struct live *l, uint32_t pid, const char *program)
{
    char path[64];
    struct stat runs, installed;
    snprintf(path, sizeof(path), "/proc/%u/exe", pid);
    if (stat(program, &installed) != 0) {
        live_alarm(l, "program", program, "no such file any more");
    } else if (stat(path, &runs) != 0 || runs.st_ino != installed.st_ino ||
               runs.st_dev != installed.st_dev) {
        char target[VALUE_SIZE] = "nothing that can be looked at";
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        if (n > 0)
            target[n] = '\0';
        live_alarm(l, "program", program, "%s", target);
    }
}

/* The parent of a process; 0 when it is gone. */
static uint32_t
parent_of(uint32_t pid)
{
    char value[VALUE_SIZE];
    uint64_t parent = 0;
    status_value(pid, "PPid", value);
    return text_u64(bytes_text(value), UINT32_MAX, &parent) == OK ? (uint32_t)parent : 0;
}

static bool
is_planned(const struct live_city *city, uint32_t pid)
{
    for (size_t i = 0; i < city->rows_count; i++)
        if (city->rows[i].pid == pid)
            return true;
    return false;
}

/* Who stands below whom: compartments have no children, the supervisor has the plan's. */
static void
look_at_children(struct live *l, uint32_t of, bool planned_ones_are_fine)
{
    DIR *d = opendir("/proc");
    for (struct dirent *entry; d && (entry = readdir(d));) {
        uint64_t pid;
        if (text_u64(bytes_text(entry->d_name), UINT32_MAX, &pid) != OK ||
            parent_of((uint32_t)pid) != of)
            continue;
        char state[VALUE_SIZE];
        status_value((uint32_t)pid, "State", state);
        if (!(planned_ones_are_fine && is_planned(l->city, (uint32_t)pid)) && state[0] != 'Z')
            live_alarm(l, "children", planned_ones_are_fine ? "those of the plan" : "none",
                       "process %llu", (unsigned long long)pid);
    }
    if (d)
        closedir(d);
}

/* ---- limits --------------------------------------------------------------------------------- */

static uint64_t
files_most(const struct live_city *city)
{
    char path[64], line[256];
    unsigned long long soft, hard = UINT64_MAX;
    snprintf(path, sizeof(path), "/proc/%d/limits", (int)city->supervisor);
    FILE *f = city->supervisor ? fopen(path, "re") : NULL;
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "Max open files %llu %llu", &soft, &hard) == 2)
            break;
    if (f)
        fclose(f);
    return hard;
}

static void
look_at_limits(struct live *l)
{
    const struct charter *c = l->city->plan->charter;
    const struct charter_zone *zone = l->planned->zone >= 0 ? &c->zones[l->planned->zone] : NULL;
    struct sandbox_limits own = program_limits(process_kind_text(l->planned->kind),
                                               zone ? zone->memory_bytes : LIMITS_CITY_MEMORY_BYTES,
                                               zone ? zone->disk_bytes : 0, files_most(l->city));
    const struct {
        const char *name;
        uint64_t want;
    } limits[] = {{"Max core file size", 0},     {"Max processes", 0},
                  {"Max locked memory", 0},      {"Max msgqueue size", 0},
                  {"Max pending signals", 16},   {"Max nice priority", 0},
                  {"Max realtime priority", 0},  {"Max address space", own.memory_bytes},
                  {"Max open files", own.files}, {"Max file size", own.file_bytes}};
    bool seen[ARRAY_COUNT(limits)] = {false};
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%u/limits", l->pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
            size_t len = strlen(limits[i].name);
            char soft[32], hard[32], want[32];
            if (strncmp(line, limits[i].name, len) != 0 ||
                sscanf(line + len, "%31s %31s", soft, hard) != 2)
                continue;
            seen[i] = true;
            snprintf(want, sizeof(want), "%llu", (unsigned long long)limits[i].want);
            if (strcmp(soft, want) != 0 || strcmp(hard, want) != 0)
                live_alarm(l, limits[i].name, want, "%s (at most %s)", soft, hard);
        }
    }
    if (f)
        fclose(f);
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++)
        if (!seen[i])
            live_alarm(l, limits[i].name, "a limit", "nothing that can be looked at");
}

/* ---- control groups ------------------------------------------------------------------------- */

static bool
file_holds(const char *folder, const char *file, const char *line_wanted)
{
    char path[700], line[VALUE_SIZE];
    bool found = false;
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        found = strcmp(line, line_wanted) == 0;
    }
    if (f)
        fclose(f);
    return found;
}

static void
expect_in_group(struct live *l, const char *folder, const char *file, const char *format,
                uint64_t value)
{
    char want[64], what[128];
    snprintf(want, sizeof(want), "%llu%s", (unsigned long long)value, format);
    snprintf(what, sizeof(what), "control group, %s", file);
    if (!file_holds(folder, file, want))
        live_alarm(l, what, want, "something else in %s", folder);
}

static void
look_at_group(struct live *l, const struct group_row *g)
{
    char folder[600], above[600], pid[16], what[64];
    if (g->version == 0)
        return; /* this host has none: status says so */
    snprintf(folder, sizeof(folder), "%.*s", BYTES_PRINTF(g->directory));
    snprintf(above, sizeof(above), "%s", folder);
    char *slash = strrchr(above, '/');
    if (slash)
        *slash = '\0';
    snprintf(pid, sizeof(pid), "%u", l->pid);
    snprintf(what, sizeof(what), "control group of %.*s", BYTES_PRINTF(g->controller));
    if (!file_holds(folder, "cgroup.procs", pid))
        live_alarm(l, what, folder, "another");
    bool v2 = g->version == 2;
    if (bytes_are(g->controller, "memory"))
        expect_in_group(l, above, v2 ? "memory.max" : "memory.limit_in_bytes", "",
                        g->memory_bytes & ~(uint64_t)4095);
    if (bytes_are(g->controller, "pids"))
        expect_in_group(l, folder, "pids.max", "", g->processes);
    if (!bytes_are(g->controller, "cpu"))
        return;
    bool wide = g->cpu_percent < 5;
    uint64_t quota = (uint64_t)g->cpu_percent * (wide ? 1000 : 200);
    expect_in_group(l, above, v2 ? "cpu.weight" : "cpu.shares", "",
                    v2 ? g->weight : (uint64_t)g->weight * 1024 / 100);
    if (g->cpu_percent)
        expect_in_group(l, above, v2 ? "cpu.max" : "cpu.cfs_quota_us",
                        !v2    ? ""
                        : wide ? " 100000"
                               : " 20000",
                        quota);
}

/* ---- what only the process could say -------------------------------------------------------- */

/*
 * A process that is not dumpable has its /proc entries owned by (its namespace's) root; inside a
 * user namespace that is the same user.
 */
static void
look_at_rest(struct live *l)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/%u/environ", l->pid);
    bool dumpable = l->city->user_namespaces ? !(l->row->walls >> WALL_DUMPABLE & 1)
                                             : stat(path, &st) != 0 || st.st_uid == l->planned->uid;
    if (dumpable)
        live_alarm(l, "dumpable", "no", "yes");
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, KERNEL_LANDLOCK_CREATE_RULESET_VERSION);
    char want[32];
    snprintf(want, sizeof(want), "version %ld", abi < 0 ? 0 : abi);
    if (l->row->landlock_abi != (abi < 0 ? 0 : abi) ||
        (abi > 0 && !(l->row->walls >> WALL_LANDLOCK & 1)))
        live_alarm(l, "landlock", want, "version %u", l->row->landlock_abi);
    for (int wall = 0; wall < WALL_COUNT; wall++)
        if (!(l->row->walls >> wall & 1) && (wall != WALL_LANDLOCK || abi > 0))
            live_alarm(l, sandbox_wall_text((enum sandbox_wall)wall), "a wall", "it reported none");
}

/* ---- all ------------------------------------------------------------------------------------ */

size_t
live_process(const struct live_city *city, size_t index, struct buf *out, bool json)
{
    ASSERT(index < city->rows_count && index < city->looks_count);
    struct live l = {.city = city,
                     .planned = &city->plan->processes[index],
                     .row = &city->rows[index],
                     .look = &city->looks[index],
                     .name = city->plan->processes[index].name,
                     .pid = city->rows[index].pid,
                     .out = out,
                     .json = json};
    look_at_status(&l);
    look_at_namespaces(&l);
    look_at_root(&l);
    look_at_program(&l, l.pid, l.planned->program);
    look_at_children(&l, l.pid, false);
    look_at_limits(&l);
    for (size_t i = 0; i < city->groups_count; i++)
        if (bytes_are(city->groups[i].process, l.name))
            look_at_group(&l, &city->groups[i]);
    live_descriptors(&l);
    live_memory(&l);
    live_filter(&l);
    look_at_rest(&l);
    return l.alarms;
}

/* The trusted part: its program, and its children are the plan's and nobody else's. */
static size_t
look_at_supervisor(const struct live_city *city, struct buf *out, bool json)
{
    struct live l = {.city = city,
                     .name = "supervisor",
                     .pid = (uint32_t)city->supervisor,
                     .out = out,
                     .json = json};
    char program[PLAN_PATH_SIZE + 32];
    snprintf(program, sizeof(program), "%s/bulkhead-supervisor", city->plan->libexec);
    if (!city->user_namespaces) /* it is not dumpable: only root may see which program it is */
        look_at_program(&l, l.pid, program);
    look_at_children(&l, l.pid, true);
    for (size_t i = 0; i < city->rows_count; i++)
        if (city->rows[i].pid && parent_of(city->rows[i].pid) != l.pid)
            live_alarm(&l, "children", "those of the plan", "%.*s is not its child",
                       BYTES_PRINTF(city->rows[i].name));
    return l.alarms;
}

/* The plan of the charter in force and what runs are the same list. */
static size_t
look_at_list(const struct live_city *city, struct buf *out, bool json)
{
    struct live l = {.city = city, .name = "city", .out = out, .json = json};
    size_t most = city->rows_count > city->plan->processes_count ? city->rows_count
                                                                 : city->plan->processes_count;
    for (size_t i = 0; i < most; i++) {
        struct bytes is = i < city->rows_count ? city->rows[i].name : bytes_text("nothing");
        const char *want =
            i < city->plan->processes_count ? city->plan->processes[i].name : "nothing";
        if (!bytes_are(is, want))
            live_alarm(&l, "process", want, "%.*s", BYTES_PRINTF(is));
    }
    if (city->looks_count != city->rows_count)
        live_alarm(&l, "descriptors", "a list for each process", "%zu lists", city->looks_count);
    return l.alarms;
}

bool
live_check(struct buf *b, const struct live_city *city, bool json)
{
    struct buf alarms;
    buf_init(&alarms, 512 * 1024);
    size_t looked = 0, differ = 0;
    size_t count = look_at_list(city, &alarms, json);
    for (size_t i = 0; count == 0 && i < city->rows_count; i++) {
        if (!bytes_are(city->rows[i].state, "up"))
            continue;
        looked++;
        differ += live_process(city, i, &alarms, json) != 0;
    }
    differ += count != 0;
    if (city->supervisor) {
        looked++;
        differ += look_at_supervisor(city, &alarms, json) != 0;
    }
    if (json) {
        struct bytes list = buf_bytes(&alarms);
        buf_format(b, ",\"live\":{\"looked\":%zu,\"differ\":%zu,\"alarms\":[%.*s]}", looked, differ,
                   (int)(list.len ? list.len - 1 : 0), list.len ? (const char *)list.p + 1 : "");
    } else {
        buf_put(b, buf_bytes(&alarms));
        buf_format(b, "live: %zu processes looked at, %zu differ from the charter\n", looked,
                   differ);
    }
    buf_fini(&alarms);
    return differ == 0;
}
