/*
 * groups_test.c -- the kernel holds what the charter says: real groups, real children.
 *
 * Where this host gives us no controller at all there is nothing to hold, and that is tested.
 */
#include "programs/supervisor/groups.h"
#include "base/test.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char text[] = "city \"Tiny\" { sites hall signers mayor need 1 }\n"
                           "purpose operate \"run\"\n"
                           "class level { personal no sites hall keep 1d purposes operate }\n"
                           "zone brook { service telemetry tier important sites hall holds level\n"
                           "  limits memory 32MiB cpu 20% }\n";

static struct charter charter;
static struct plan plan;
static struct groups groups;
static char folder[] = "/tmp/bulkhead-groups-XXXXXX";

static void
leave(void)
{
    groups_close(&groups);
    rmdir(folder);
}

/* The city's groups; the index of the brook's core. */
static size_t
enter(void)
{
    static struct charter_findings findings;
    if (plan.processes_count == 0) {
        CHECK_OK(charter_parse(bytes_text(text), &charter, &findings));
        CHECK(mkdtemp(folder));
        plan_list(&plan, &charter, folder, "build/libexec");
        groups_open(&groups, &plan);
        atexit(leave);
    }
    for (size_t i = 0; i < plan.processes_count; i++)
        if (plan.processes[i].kind == PROCESS_CORE)
            return i;
    CHECK(!"the plan has a core");
    return 0;
}

/* A child that waits until it was moved, runs `body` and ends with its answer; its wait status. */
static int
run_inside(int (*body)(void), struct rusage *out)
{
    int go[2], status;
    size_t core = enter();
    CHECK(pipe(go) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        char byte;
        _exit(read(go[0], &byte, 1) == 1 ? body() : 99);
    }
    CHECK(groups_join(&groups, &plan, core, pid));
    CHECK(write(go[1], "g", 1) == 1);
    CHECK(wait4(pid, &status, 0, out) == pid);
    close(go[0]);
    close(go[1]);
    return status;
}

static int
eats_memory(void)
{
    size_t size = 64U << 20;
    uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; p != MAP_FAILED && i < size; i += 4096)
        p[i] = 1;
    return 0;
}

static int
forks(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 && errno == EAGAIN ? 7 : 0;
}

static int
spins(void)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 500);
    return 0;
}

TEST(each_controller_is_there_or_is_named_missing)
{
    char path[GROUPS_PATH_SIZE];
    size_t core = enter();
    for (enum group_controller c = 0; c < GROUP_CONTROLLERS; c++)
        CHECK(groups_path(&groups, &plan, core, c, path) == (groups.at[c].version != 0));
    if (geteuid() == 0 && access("/sys/fs/cgroup", W_OK) == 0)
        CHECK(groups.at[GROUP_PIDS].version != 0);
}

TEST(a_process_that_eats_memory_is_killed)
{
    struct rusage use;
    int status = run_inside(eats_memory, &use);
    if (groups.at[GROUP_MEMORY].version)
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    else
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(a_process_cannot_make_another)
{
    struct rusage use;
    int status = run_inside(forks, &use);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (groups.at[GROUP_PIDS].version ? 7 : 0));
}

TEST(a_process_that_spins_gets_its_share)
{
    struct rusage use;
    int status = run_inside(spins, &use);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    long used_ms = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000 +
                   (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1000;
    if (groups.at[GROUP_CPU].version) /* a fifth of 500 ms, and what the kernel counts roughly */
        CHECK(used_ms < 200);
}

TEST(nothing_is_left_behind)
{
    char path[GROUPS_PATH_SIZE];
    size_t core = enter();
    for (enum group_controller c = 0; c < GROUP_CONTROLLERS; c++) {
        struct groups before = groups;
        if (!groups_path(&groups, &plan, core, c, path))
            continue;
        CHECK(access(path, F_OK) == 0);
        groups_close(&groups);
        CHECK(access(path, F_OK) != 0 && access(before.at[c].top, F_OK) != 0);
        groups_open(&groups, &plan);
    }
}
