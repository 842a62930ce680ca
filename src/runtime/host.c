#include "runtime/host.h"

#include "runtime/kernel.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { LOCKED_LEAST = 4 * 1024 * 1024 }; /* the keys of a core with every stream there can be */

#define WORD(name, word, why) word,
#define WHY(name, word, why) why,
static const char *const words[] = {HOST_WEAKNESSES(WORD)};
static const char *const reasons[] = {HOST_WEAKNESSES(WHY)};

const char *
host_weakness_word(enum host_weakness w)
{
    return (unsigned)w < HOST_WEAKNESS_COUNT ? words[w] : "?";
}

const char *
host_weakness_text(enum host_weakness w)
{
    return (unsigned)w < HOST_WEAKNESS_COUNT ? reasons[w] : "?";
}

/* The first bytes of a file without the line's end; false when there is no such file. */
static bool
read_text(const char *top, const char *file, char *to, size_t size)
{
    char path[512];
    to[0] = '\0';
    snprintf(path, sizeof(path), "%s%s", top, file);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t n = fread(to, 1, size - 1, f);
    fclose(f);
    to[n] = '\0';
    if (n && to[n - 1] == '\n')
        to[n - 1] = '\0';
    return true;
}

static bool
text_is(const char *top, const char *file, const char *what)
{
    char text[64];
    return read_text(top, file, text, sizeof(text)) && strcmp(text, what) == 0;
}

static bool
user_namespaces(const char *top)
{
    char most[32];
    return read_text(top, "/proc/sys/user/max_user_namespaces", most, sizeof(most)) &&
           strcmp(most, "0") != 0 &&
           !text_is(top, "/proc/sys/kernel/unprivileged_userns_clone", "0") &&
           !text_is(top, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1");
}

/* What must be there, or there is no city. */
static const char *
find_missing(const char *top, bool root)
{
    static const char *const namespaces[] = {"mnt", "pid", "net", "ipc", "uts", "cgroup"};
    char actions[256], path[512];
    if (!read_text(top, "/proc/sys/kernel/seccomp/actions_avail", actions, sizeof(actions)) ||
        !strstr(actions, "kill_process"))
        return "a system-call filter that kills (seccomp)";
    for (size_t i = 0; i < ARRAY_COUNT(namespaces); i++) {
        snprintf(path, sizeof(path), "%s/proc/self/ns/%s", top, namespaces[i]);
        if (access(path, F_OK) != 0)
            return "namespaces";
    }
    if (!root && !user_namespaces(top))
        return "user namespaces for ordinary users (start as root, or allow them)";
    return NULL;
}

static uint32_t
find_weak(const char *top, bool root, const char *clock, int landlock_abi)
{
    uint32_t weak = 0;
    char text[1024];
    struct rlimit locked;
    if (read_text(top, "/proc/swaps", text, sizeof(text)) && strchr(text, '\n'))
        weak |= 1U << HOST_WEAK_SWAP; /* a line below the heading */
    if (read_text(top, "/proc/sys/kernel/core_pattern", text, sizeof(text)) && text[0] == '|')
        weak |= 1U << HOST_WEAK_CORES;
    if (strcmp(clock, "tsc") != 0 && strcmp(clock, "kvm-clock") != 0 &&
        strcmp(clock, "hyperv_clocksource_tsc_page") != 0)
        weak |= 1U << HOST_WEAK_CLOCK;
    if (!read_text(top, "/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) || text[0] == '0')
        weak |= 1U << HOST_WEAK_PTRACE;
    if (root && user_namespaces(top))
        weak |= 1U << HOST_WEAK_USERNS;
    if (landlock_abi < 6)
        weak |= 1U << (landlock_abi ? HOST_WEAK_OLD_LANDLOCK : HOST_WEAK_NO_LANDLOCK);
    if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_max < LOCKED_LEAST)
        weak |= 1U << HOST_WEAK_MEMLOCK;
    return weak;
}

void
host_look(struct host *h, const char *top, bool root)
{
    struct utsname system;
    *h = (struct host){0};
    if (uname(&system) == 0)
        snprintf(h->kernel, sizeof(h->kernel), "%s", system.release);
    read_text(top, "/sys/devices/system/clocksource/clocksource0/current_clocksource", h->clock,
              sizeof(h->clock));
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, KERNEL_LANDLOCK_CREATE_RULESET_VERSION);
    h->landlock_abi = abi > 0 ? (int)abi : 0;
    h->missing = find_missing(top, root);
    h->weak = find_weak(top, root, h->clock, h->landlock_abi);
}
