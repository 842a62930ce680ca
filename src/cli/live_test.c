/*
 * live_test.c -- takes each wall away from a real, running process and sees it named.
 *
 * Run from the root of the checkout: it starts build/libexec/bulkhead-conduit.
 */
#include "cli/live.h"
#include "base/clock.h"
#include "base/test.h"
#include "programs/supervisor/plan.h"
#include "programs/supervisor/spawn.h"
#include "runtime/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <ftw.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct plan plan;
static struct charter charter;
static char folder[] = "/tmp/bulkhead-live-XXXXXX";

static void
read_demo_charter(void)
{
    static struct charter_findings findings;
    static uint8_t text[CHARTER_BYTES_MAX];
    FILE *f = fopen("charters/demo.charter", "re");
    CHECK(f);
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    CHECK_OK(charter_parse(bytes_of(text, n), &charter, &findings));
    for (uint32_t z = 0; z < charter.zones_count; z++)
        charter.zones[z].listen_count = 0;
    CHECK(charter.conduits_count > 0);
}

static size_t
conduit_index(void)
{
    for (size_t i = 0; i < plan.processes_count; i++)
        if (plan.processes[i].kind == PROCESS_CONDUIT)
            return i;
    CHECK(!"the demo charter has a conduit");
    return 0;
}

/* Start the conduit with these walls, wait until it says `confined`, fill a row as status would. */
static void
start_conduit(uint32_t walls, struct spawned *child, struct status_row *row)
{
    uint8_t packet[1024];
    size_t len, i = conduit_index();
    int fd;
    uint16_t id;
    struct bytes rest, body;
    struct confined m;
    plan.walls = walls;
    CHECK_OK(spawn(plan.processes[i].program, (walls & 1U << WALL_NAMESPACES) != 0,
                   plan.user_namespaces, NULL, child));
    CHECK_OK(plan_feed(&plan, i, child->control_fd));
    CHECK_OK(channel_receive_fd(child->control_fd, packet, sizeof(packet), &len, &fd));
    rest = bytes_of(packet, len);
    CHECK_OK(channel_next_frame(&rest, &id, &body));
    CHECK(id == confined_id);
    CHECK_OK(confined_decode(body, &m));
    *row = (struct status_row){.name = bytes_text("test/conduit"),
                               .pid = (uint32_t)child->pid,
                               .uid = plan.processes[i].uid,
                               .walls = m.walls};
}

static uint32_t
missing_with(uint32_t walls)
{
    struct spawned child;
    struct status_row row;
    struct buf why;
    buf_init(&why, 16384);
    start_conduit(walls, &child, &row);
    uint32_t missing = live_missing_walls(&row, plan.user_namespaces, &why);
    if (missing && walls == SANDBOX_ALL_WALLS)
        printf("%s", buf_string(&why));
    kill(child.pid, SIGKILL);
    waitpid(child.pid, NULL, 0);
    close(child.control_fd);
    close(child.log_fd);
    buf_fini(&why);
    return missing;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void
remove_folder(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
open_plan(void)
{
    if (plan.ends_count)
        return;
    read_demo_charter();
    CHECK(mkdtemp(folder));
    atexit(remove_folder);
    plan_list(&plan, &charter, folder, "build/libexec");
    CHECK_OK(plan_open(&plan));
}

TEST(a_process_with_every_wall_misses_none)
{
    open_plan();
    CHECK(missing_with(SANDBOX_ALL_WALLS) == 0);
}

TEST(each_wall_that_is_taken_away_is_named)
{
    open_plan();
    for (int wall = 0; wall < WALL_COUNT; wall++) {
        uint32_t walls = SANDBOX_ALL_WALLS & ~(1U << wall);
        if (wall == WALL_UID && plan.user_namespaces)
            continue; /* one user is all there is */
        if (wall == WALL_DUMPABLE && !plan.user_namespaces)
            continue; /* below: the kernel builds it by itself when the user changes */
        if (wall == WALL_DESCRIPTORS)
            continue; /* below: it closes what should not be there, and nothing is there */
        if (wall == WALL_NAMESPACES && plan.user_namespaces)
            continue; /* without them an ordinary user cannot build the other walls */
        if (wall == WALL_NAMESPACES)
            walls &= ~(1U << WALL_ROOT);
        if (wall == WALL_NO_NEW_PRIVS) /* seccomp sets it again by itself */
            walls &= ~(1U << WALL_SECCOMP) & ~(1U << WALL_LANDLOCK);
        if (wall == WALL_CAPABILITIES && plan.user_namespaces)
            walls &= ~(1U << WALL_SECCOMP);
        uint32_t missing = missing_with(walls);
        if (!(missing >> wall & 1))
            fprintf(stderr, "%s is not missed\n", sandbox_wall_text((enum sandbox_wall)wall));
        CHECK(missing >> wall & 1);
    }
}

TEST(a_process_that_made_itself_dumpable_is_named)
{
    open_plan();
    if (plan.user_namespaces)
        return; /* above */
    struct status_row row = {.name = bytes_text("test/dumpable"), .uid = PLAN_UID_BASE};
    struct buf why;
    int ready[2];
    char byte;
    buf_init(&why, 16384);
    CHECK(pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool good = setresuid(PLAN_UID_BASE, PLAN_UID_BASE, PLAN_UID_BASE) == 0 &&
                    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 && write(ready[1], "r", 1) == 1;
        if (good)
            pause();
        _exit(1);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    row.pid = (uint32_t)pid;
    uint32_t missing = live_missing_walls(&row, false, &why);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    buf_fini(&why);
    CHECK(missing >> WALL_DUMPABLE & 1);
}

TEST(a_descriptor_that_nobody_should_hold_is_named)
{
    open_plan();
    size_t last = plan.ends_count;
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    plan.ends[plan.ends_count++] = (struct plan_end){
        .process = (uint32_t)conduit_index(), .role = FD_STORE_DIRECTORY, .fd = fd};
    CHECK(missing_with(SANDBOX_ALL_WALLS) >> WALL_DESCRIPTORS & 1);
    plan.ends_count = last;
    close(fd);
}
