/*
 * process_test.c -- a real process and the supervisor that watches it.
 *
 * Run from the root of the checkout: it starts build/libexec/bulkhead-conduit.
 */
#include "programs/supervisor/supervisor.h"
#include "base/test.h"
#include "charter/charter_test_kit.h"
#include "programs/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 10, TICKS_MAX = 3000 };

static struct supervisor city;
static struct charter charter;
static const char folder_like[] = "/tmp/bulkhead-process-XXXXXX";
static char folder[sizeof(folder_like)];
static bool (*wanted)(const struct process *p);
static size_t conduit;
static int ticks;

static void
on_tick(void *ctx)
{
    (void)ctx;
    if (wanted(&city.processes[conduit]) || ++ticks > TICKS_MAX)
        loop_stop(city.loop);
}

static void
run_until(bool (*what)(const struct process *p))
{
    wanted = what;
    ticks = 0;
    CHECK_OK(loop_run(city.loop));
    CHECK(wanted(&city.processes[conduit]));
}

/* The ledger's end of the supervisor's channel: is this on its way to the city's log? */
static bool
city_log_gets(const char *event, const char *detail)
{
    char packet[4096] = "";
    bool found = false;
    for (size_t i = 0; i < city.plan.ends_count; i++)
        if (city.plan.processes[0].kind == PROCESS_LEDGER && city.plan.ends[i].process == 0 &&
            city.plan.ends[i].role == FD_LEDGER && strcmp(city.plan.ends[i].name, "city") == 0)
            for (ssize_t n; (n = read(city.plan.ends[i].fd, packet, sizeof(packet))) > 0;)
                found = found || (memmem(packet, (size_t)n, event, strlen(event)) &&
                                  memmem(packet, (size_t)n, detail, strlen(detail)));
    return found;
}

static bool
is_up(const struct process *p)
{
    return p->state == STATE_UP;
}

static bool
has_complained(const struct process *p)
{
    return p->complaints == 1;
}

/* One of the descriptors that the plan opened. */
static int
end_of(size_t process, enum start_fd_role role)
{
    for (size_t i = 0; i < city.plan.ends_count; i++)
        if (city.plan.ends[i].process == process && city.plan.ends[i].role == role)
            return city.plan.ends[i].fd;
    CHECK(!"the plan has this end");
    return -1;
}

static size_t
find_process(enum process_kind kind, int32_t zone)
{
    for (size_t i = 0; i < city.plan.processes_count; i++)
        if (city.plan.processes[i].kind == kind && city.plan.processes[i].zone == zone)
            return i;
    CHECK(!"the plan has this process");
    return 0;
}

static int32_t
zone_named(const char *name)
{
    for (uint32_t z = 0; z < charter.zones_count; z++)
        if (strcmp(charter.zones[z].name, name) == 0)
            return (int32_t)z;
    CHECK(!"the charter has this zone");
    return -1;
}

static void
set_up(void)
{
    kit_demo(&charter);
    memset(&city, 0, sizeof(city));
    memcpy(folder, folder_like, sizeof(folder_like));
    CHECK(mkdtemp(folder));
    city.audit_fd = audit_open();
    city.clock = clock_system();
    plan_list(&city.plan, &charter, folder, "build/libexec");
    CHECK_OK(plan_open(&city.plan));
    CHECK_OK(loop_new(&city.loop));
    CHECK_OK(events_open(&city));
    loop_every(city.loop, TICK_MS, on_tick, NULL);
    conduit = find_process(PROCESS_CONDUIT, -1);
    process_init(&city, conduit);
    process_start(&city.processes[conduit]);
}

static void
tear_down(void)
{
    struct process *p = &city.processes[conduit];
    buf_fini(&p->log_line);
    buf_fini(&p->control.packet);
    buf_fini(&p->control.queue);
    buf_fini(&city.ledger.packet);
    buf_fini(&city.ledger.queue);
    loop_free(city.loop);
    plan_close(&city.plan);
    close(city.audit_fd);
    test_remove_tree(folder);
}

static bool
one_turn_over(const struct process *p)
{
    (void)p;
    return ticks > 0;
}

static bool
two_turns_over(const struct process *p)
{
    (void)p;
    return ticks > 20;
}

static int end_status;

static bool
has_ended(const struct process *p)
{
    return waitpid(p->pid, &end_status, WNOHANG) == p->pid || WIFSIGNALED(end_status);
}

/* From now on we are at the other end of what the process says to the supervisor. */
static void
take_place_of(struct process *p, struct channel *us)
{
    int fds[2];
    CHECK_OK(channel_pair(fds));
    loop_unwatch(city.loop, &p->control_watch);
    CHECK(dup(p->control.fd) >= 0); /* or it would see its end, and end itself */
    channel_fini(&p->control);
    channel_init(&p->control, fds[0]);
    channel_init(us, fds[1]);
    p->control_watch.fd = fds[0];
    CHECK_OK(loop_watch(city.loop, &p->control_watch, LOOP_READ));
}

TEST(a_process_that_floods_its_control_channel_is_ended)
{
    set_up();
    struct process *p = &city.processes[conduit];
    struct channel us;
    struct heartbeat m = {0};
    run_until(is_up);
    take_place_of(p, &us);
    for (int i = 0; i < SUPERVISOR_FRAMES_PER_S / 2; i++)
        CHECK_OK(CHANNEL_SEND(&us, heartbeat, &m));
    CHECK_OK(channel_flush(&us));
    run_until(two_turns_over);
    CHECK(waitpid(p->pid, NULL, WNOHANG) == 0);
    for (int i = 0; i < SUPERVISOR_FRAMES_PER_S; i++)
        CHECK_OK(CHANNEL_SEND(&us, heartbeat, &m));
    CHECK_OK(channel_flush(&us));
    run_until(has_ended);
    CHECK(WIFSIGNALED(end_status) && WTERMSIG(end_status) == SIGKILL);
    channel_fini(&us);
    tear_down();
}

TEST(log_lines_beyond_a_process_s_share_wait_in_its_pipe)
{
    set_up();
    struct process *p = &city.processes[conduit];
    static uint8_t lines[65536]; /* empty ones: nothing of it shall stand in our output */
    size_t written = 0;
    int fds[2];
    run_until(is_up);
    memset(lines, '\n', sizeof(lines));
    CHECK(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
    loop_unwatch(city.loop, &p->log_watch);
    close(p->log_watch.fd);
    p->log_watch.fd = fds[0];
    CHECK_OK(loop_watch(city.loop, &p->log_watch, LOOP_READ));
    for (int turn = 0; turn < 200; turn++) {
        ssize_t n = write(fds[1], lines, sizeof(lines));
        written += n > 0 ? (size_t)n : 0;
        run_until(one_turn_over);
    }
    CHECK(p->log_paused && written > SUPERVISOR_LOG_BYTES_PER_S);
    CHECK(written < SUPERVISOR_LOG_BYTES_PER_S + 4 * sizeof(lines));
    close(fds[1]);
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    tear_down();
}

TEST(a_malformed_channel_is_on_the_record_and_its_process_goes_on)
{
    set_up();
    struct process *p = &city.processes[conduit];
    run_until(is_up);
    size_t bikes = find_process(PROCESS_CORE, zone_named("bikes"));
    CHECK(write(end_of(bikes, FD_CONDUIT), "\xff\xff\xff\xff\xff\xff\xff\xff", 8) == 8);
    run_until(has_complained);
    CHECK(strcmp(p->complaint, "from") == 0);
    CHECK(p->state == STATE_UP && waitpid(p->pid, NULL, WNOHANG) == 0);

    CHECK(city_log_gets("{\"event\":\"complaint\",\"process\":\"", "\"channel\":\"from\""));
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    tear_down();
}

/* The process waits in a system call: let it make this one instead. */
static void
make_it_call(pid_t pid, long number)
{
    struct user_regs_struct r;
    CHECK(ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0);
    CHECK(waitpid(pid, NULL, 0) == pid);
    CHECK(ptrace(PTRACE_GETREGS, pid, NULL, &r) == 0);
    r.rip -= r.orig_rax != (unsigned long long)-1 ? 2 : 0; /* the syscall instruction again */
    r.rax = (unsigned long long)number;
    r.orig_rax = (unsigned long long)-1;
    CHECK(ptrace(PTRACE_SETREGS, pid, NULL, &r) == 0);
    CHECK(ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0);
}

TEST(a_refused_call_is_named_by_the_kernel)
{
    int status;
    set_up();
    struct process *p = &city.processes[conduit];
    run_until(is_up);
    if (geteuid() == 0) {
        make_it_call(p->pid, SYS_socket);
        CHECK(waitpid(p->pid, &status, 0) == p->pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
        process_ended(p, status);
        CHECK(p->end_signal == SIGSYS && p->state == STATE_WAITING);
        CHECK(strcmp(p->end_call, city.audit_fd >= 0 ? "socket:41" : "unknown") == 0);
        CHECK(city_log_gets("\"event\":\"restart\"", city.audit_fd >= 0
                                                         ? "\"signal\":31,\"call\":\"socket:41\"}"
                                                         : "\"signal\":31,\"call\":\"unknown\"}"));
    } else {
        printf("an ordinary user steers no confined process: nothing was tried\n");
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    tear_down();
}
