/* host_test.c -- a made-up host, weakened in one way after the other; and this one. */
#include "runtime/host.h"
#include "base/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *file, *good, *bad; /* NULL: no such file */
    enum host_weakness weak;       /* HOST_WEAKNESS_COUNT: without it no city starts */
} facts[] = {
    {"/proc/swaps", "Filename Type Size\n", "Filename Type Size\n/dev/sda2 partition 1\n",
     HOST_WEAK_SWAP},
    {"/proc/sys/kernel/core_pattern", "core\n", "|/bin/handler %p\n", HOST_WEAK_CORES},
    {"/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n", "hpet\n",
     HOST_WEAK_CLOCK},
    {"/proc/sys/kernel/yama/ptrace_scope", "1\n", "0\n", HOST_WEAK_PTRACE},
    {"/proc/sys/kernel/yama/ptrace_scope", "1\n", NULL, HOST_WEAK_PTRACE},
    {"/proc/sys/user/max_user_namespaces", "0\n", "1000\n", HOST_WEAK_USERNS},
    {"/proc/sys/kernel/seccomp/actions_avail", "kill_process allow\n", "allow\n",
     HOST_WEAKNESS_COUNT},
    {"/proc/sys/kernel/seccomp/actions_avail", "kill_process allow\n", NULL, HOST_WEAKNESS_COUNT},
    {"/proc/self/ns/mnt", "", "", HOST_WEAKNESS_COUNT},
    {"/proc/self/ns/pid", "", "", HOST_WEAKNESS_COUNT},
    {"/proc/self/ns/net", "", NULL, HOST_WEAKNESS_COUNT},
    {"/proc/self/ns/ipc", "", "", HOST_WEAKNESS_COUNT},
    {"/proc/self/ns/uts", "", "", HOST_WEAKNESS_COUNT},
    {"/proc/self/ns/cgroup", "", NULL, HOST_WEAKNESS_COUNT},
};
static char top[] = "/tmp/bulkhead-host-XXXXXX";

static void
put(const char *file, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s%s", top, file);
    for (char *slash = strchr(path + 5, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    unlink(path);
    if (!text)
        return;
    FILE *f = fopen(path, "we");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

TEST(each_weakness_is_seen_and_nothing_else)
{
    struct host h;
    CHECK(mkdtemp(top));
    for (size_t i = 0; i < ARRAY_COUNT(facts); i++)
        put(facts[i].file, facts[i].good);
    host_look(&h, top, true);
    uint32_t here = h.weak & (1U << HOST_WEAK_NO_LANDLOCK | 1U << HOST_WEAK_OLD_LANDLOCK |
                              1U << HOST_WEAK_MEMLOCK); /* asked of the kernel itself */
    CHECK(h.weak == here && !h.missing && strcmp(h.clock, "tsc") == 0);
    for (size_t i = 0; i < ARRAY_COUNT(facts); i++) {
        if (facts[i].bad && strcmp(facts[i].bad, facts[i].good) == 0)
            continue;
        put(facts[i].file, facts[i].bad);
        host_look(&h, top, true);
        bool wall = facts[i].weak == HOST_WEAKNESS_COUNT;
        CHECK(wall == (h.missing != NULL));
        CHECK(h.weak == (wall ? here : here | 1U << facts[i].weak));
        put(facts[i].file, facts[i].good);
    }
    host_look(&h, top, false); /* an ordinary user on a host without user namespaces */
    CHECK(h.missing && strstr(h.missing, "user namespaces"));
    put("/proc/sys/user/max_user_namespaces", "1000\n");
    host_look(&h, top, false);
    CHECK(!h.missing && h.weak == here);
    put("/proc/sys/kernel/unprivileged_userns_clone", "0\n");
    host_look(&h, top, false);
    CHECK(h.missing);
    test_remove_tree(top);
}

TEST(this_host_has_a_kernel_and_words_for_everything)
{
    struct host h;
    host_look(&h, "", geteuid() == 0);
    CHECK(h.kernel[0] && h.clock[0]);
    for (enum host_weakness w = 0; w < HOST_WEAKNESS_COUNT; w++)
        CHECK(strlen(host_weakness_word(w)) > 3 && strlen(host_weakness_text(w)) > 20);
}
