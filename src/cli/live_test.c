/*
 * live_test.c -- takes each wall away from a real, running process and sees it named.
 *
 * Run from the root of the checkout: it starts build/libexec/bulkhead-conduit.
 */
#include "cli/live.h"
#include "base/clock.h"
#include "base/test.h"
#include "charter/charter_test_kit.h"
#include "programs/supervisor/plan.h"
#include "programs/supervisor/spawn.h"
#include "runtime/sandbox.h"
#include "tests/live/sabotage.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <ftw.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct plan plan;
static struct charter charter;
static char folder[] = "/tmp/bulkhead-live-XXXXXX";

static size_t
conduit_index(void)
{
    for (size_t i = 0; i < plan.processes_count; i++)
        if (plan.processes[i].kind == PROCESS_CONDUIT)
            return i;
    CHECK(!"the demo charter has a conduit");
    return 0;
}

/* What the supervisor would say of all this; `actual` tells what was really fed. */
static struct end_row ends[PLAN_ENDS_MAX];
static struct status_row rows[2];
static struct look_row looks[2];
static struct plan looked_at; /* the plan with the process in hand as its first */

static void
list_ends(void)
{
    for (size_t i = 0; i < plan.ends_count; i++) {
        const struct plan_end *end = &plan.ends[i];
        struct stat st;
        CHECK(fstat(end->fd, &st) == 0);
        const char *name = end->process == PLAN_SUPERVISOR ? "" : plan.processes[end->process].name;
        ends[i] = (struct end_row){.process = bytes_text(name),
                                   .role = (uint8_t)end->role,
                                   .name = bytes_text(end->name),
                                   .device = st.st_dev,
                                   .inode = st.st_ino};
    }
}

/* The alarms of the process in hand; a text that says nothing when there are none. */
static const char *
look(size_t rows_count)
{
    static struct buf why;
    static char text[16384];
    looked_at = plan;
    looked_at.processes[0] = plan.processes[conduit_index()];
    struct live_city city = {.plan = &looked_at,
                             .user_namespaces = plan.user_namespaces,
                             .state = folder,
                             .rows = rows,
                             .rows_count = rows_count,
                             .looks = looks,
                             .looks_count = rows_count,
                             .ends = ends,
                             .ends_count = plan.ends_count};
    buf_init(&why, sizeof(text) - 1);
    size_t alarms = live_process(&city, 0, &why, false);
    snprintf(text, sizeof(text), "%s", why.len ? buf_string(&why) : "");
    CHECK((alarms == 0) == (text[0] == '\0'));
    buf_fini(&why);
    return text;
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
    *row = (struct status_row){.name = bytes_text(plan.processes[i].name),
                               .state = bytes_text("up"),
                               .pid = (uint32_t)child->pid,
                               .uid = plan.processes[i].uid,
                               .landlock_abi = m.landlock_abi,
                               .walls = m.walls};
    looks[0] = (struct look_row){
        .process = row->name, .control_inode = child->control_inode, .log_inode = child->log_inode};
}

static void
end_conduit(struct spawned *child)
{
    kill(child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
    close(child->control_fd);
    close(child->log_fd);
}

static const char *
alarms_with(uint32_t walls)
{
    struct spawned child;
    start_conduit(walls, &child, &rows[0]);
    const char *text = look(1);
    end_conduit(&child);
    return text;
}

/* It is named; else what was named is shown. */
static void
check_named(const char *alarms, const char *what)
{
    if (!strstr(alarms, what))
        fprintf(stderr, "\"%s\" is not among: %s\n", what, alarms);
    CHECK(strstr(alarms, what));
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
    if (plan.ends_count) {
        list_ends();
        return;
    }
    kit_demo(&charter);
    CHECK(charter.conduits_count > 0);
    CHECK(mkdtemp(folder));
    atexit(remove_folder);
    plan_list(&plan, &charter, folder, "build/libexec");
    CHECK_OK(plan_open(&plan));
    list_ends();
}

TEST(a_process_with_every_wall_differs_in_nothing)
{
    open_plan();
    const char *alarms = alarms_with(SANDBOX_ALL_WALLS);
    if (alarms[0])
        fprintf(stderr, "%s", alarms);
    CHECK(alarms[0] == '\0');
}

TEST(each_wall_that_is_taken_away_is_named)
{
    static const char *const names[WALL_COUNT] = {
        [WALL_NAMESPACES] = "net namespace: expected its own, found ours",
        [WALL_ROOT] = "root: expected an empty folder",
        [WALL_CAPABILITIES] = "bounding set: expected 0000000000000000",
        [WALL_UID] = "user: expected",
        [WALL_DUMPABLE] = "dumpable: expected no, found yes",
        [WALL_NO_NEW_PRIVS] = "no new privileges: expected 1, found 0",
        [WALL_LIMITS] = "Max open files: expected 256",
        [WALL_LANDLOCK] = "landlock: expected version",
        [WALL_SECCOMP] = "system-call filter: expected 2, found 0",
    };
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
        check_named(alarms_with(walls), names[wall]);
    }
}

TEST(a_process_that_made_itself_dumpable_is_named)
{
    open_plan();
    if (plan.user_namespaces)
        return; /* above */
    int ready[2];
    char byte;
    uint32_t uid = plan.processes[conduit_index()].uid;
    list_ends();
    CHECK(pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool good = setresuid(uid, uid, uid) == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 &&
                    write(ready[1], "r", 1) == 1;
        if (good)
            pause();
        _exit(1);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    rows[0] = (struct status_row){.name = bytes_text("test/dumpable"), .uid = uid};
    rows[0].pid = (uint32_t)pid;
    const char *alarms = look(1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    check_named(alarms, "dumpable: expected no, found yes");
    check_named(alarms, "program: expected"); /* it is this test and no conduit */
}

TEST(a_descriptor_that_nobody_should_hold_is_named)
{
    open_plan();
    size_t last = plan.ends_count;
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    struct spawned child;
    plan.ends[plan.ends_count++] =
        (struct plan_end){.process = (uint32_t)conduit_index(), .role = FD_SERVICE_STATE, .fd = fd};
    start_conduit(SANDBOX_ALL_WALLS, &child, &rows[0]);
    plan.ends_count = last; /* the supervisor says nothing of it */
    check_named(look(1), "expected closed, found /tmp");
    end_conduit(&child);
    close(fd);
}

/* The first pair's end of the conduit, and one that belongs to somebody else. */
static void
find_two_ends(struct plan_end **own, struct plan_end **other)
{
    *own = *other = NULL;
    for (size_t i = 0; i < plan.ends_count; i++) {
        bool ours = plan.ends[i].process == conduit_index();
        if (ours && plan.ends[i].role == FD_CORE && !*own)
            *own = &plan.ends[i];
        if (!ours && plan.ends[i].role == FD_WARDEN)
            *other = &plan.ends[i];
    }
    CHECK(*own && *other);
}

TEST(ends_of_two_pairs_that_were_swapped_are_named)
{
    open_plan();
    struct plan_end *own, *other;
    struct spawned child;
    find_two_ends(&own, &other);
    list_ends();
    int fd = own->fd;
    own->fd = other->fd;
    start_conduit(SANDBOX_ALL_WALLS, &child, &rows[0]);
    own->fd = fd;
    const char *alarms = look(1);
    check_named(alarms, "channel to the core from: expected open, found it does not hold it");
    check_named(alarms, "expected closed, found channel to the warden of ");
    end_conduit(&child);
}

TEST(a_port_that_the_charter_does_not_give_is_named)
{
    open_plan();
    size_t last = plan.ends_count;
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct spawned child;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(fd, 1) == 0);
    plan.ends[plan.ends_count++] =
        (struct plan_end){.process = (uint32_t)conduit_index(), .role = FD_LISTEN_HTTPS, .fd = fd};
    list_ends();
    start_conduit(SANDBOX_ALL_WALLS, &child, &rows[0]);
    check_named(look(1), "https port : expected a port of the charter, found port ");
    plan.ends_count = last;
    end_conduit(&child);
    close(fd);
}

TEST(two_compartments_that_share_namespaces_are_named)
{
    open_plan();
    struct spawned child;
    list_ends();
    start_conduit(SANDBOX_ALL_WALLS, &child, &rows[0]);
    rows[1] = rows[0]; /* the same process under another name shares all of them */
    rows[1].name = bytes_text("other/conduit");
    looks[1] = looks[0];
    check_named(look(2), "net namespace: expected its own, found that of other/conduit");
    end_conduit(&child);
}

TEST(what_an_attacker_changes_from_inside_is_named)
{
    static const struct {
        const char *action, *named;
    } acts[] = {
        {"extra", "expected closed, found /dev/null"},
        {"closed", "it does not hold it"},
        {"both", "expected writable or executable, found both: rwxp anonymous"},
        {"code", "expected code from files alone, found executable anonymous memory"},
        {"filter", "number of filters: expected 1, found 2"},
        {"filter", "system-call filters: expected one, found more"},
        {"dumpable", "dumpable: expected no, found yes"},
        {"limit", "Max open files: expected 256, found 255"},
    };
    open_plan();
    if (geteuid() != 0)
        return; /* to suspend a filter takes root: the attacker stands in for a broken kernel */
    for (size_t i = 0; i < ARRAY_COUNT(acts); i++) {
        struct spawned child;
        list_ends();
        start_conduit(SANDBOX_ALL_WALLS, &child, &rows[0]);
        CHECK(sabotage(child.pid, acts[i].action));
        check_named(look(1), acts[i].named);
        end_conduit(&child);
    }
}
