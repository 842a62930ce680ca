#include "programs/supervisor/supervisor.h"

#include "base/buf.h"
#include "base/text.h"
#include "runtime/log.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* systemd's readiness protocol (sd_notify(3)): one datagram, no library. */
static void
notify_manager(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, len) < 0)
        log_event("notify_failed", "errno=%d", errno);
    close(fd);
}

/* ---- start ---------------------------------------------------------------------------------- */

static bool
all_up(const struct supervisor *s, enum process_kind kind)
{
    for (size_t i = 0; i < s->plan.processes_count; i++)
        if (s->plan.processes[i].kind == kind && s->processes[i].state != STATE_UP)
            return false;
    return true;
}

/* What the city's log says at the start: which policy is in force from now on. */
static void
record_charter(struct supervisor *s)
{
    struct buf hex;
    buf_init(&hex, 65);
    text_put_hex(&hex, bytes_of(s->plan.digest, 32));
    s->charter_ref = event_recordf(
        s, "{\"event\":\"start\",\"charter\":\"%s\",\"number\":%llu,\"processes\":%zu}",
        buf_string(&hex), (unsigned long long)s->plan.charter->number, s->plan.processes_count);
    buf_fini(&hex);
}

/* And on what: the same words as in the log lines of the start. */
static void
record_host(struct supervisor *s)
{
    const struct host *h = &s->host;
    struct buf weak;
    buf_init(&weak, 512);
    for (enum host_weakness w = 0; w < HOST_WEAKNESS_COUNT; w++)
        if (h->weak >> w & 1)
            buf_format(&weak, "%s\"%s\"", weak.len ? "," : "", host_weakness_word(w));
    event_recordf(
        s, "{\"event\":\"host\",\"kernel\":\"%s\",\"clock\":\"%s\",\"landlock\":%d,\"weak\":[%s]}",
        h->kernel, h->clock, h->landlock_abi, buf_string(&weak));
    buf_fini(&weak);
}

/* True if a process of this kind may be started now. */
static bool
may_start(struct supervisor *s, enum process_kind kind)
{
    if (kind == PROCESS_LEDGER)
        return true;
    if (!s->charter_recorded) {
        if (all_up(s, PROCESS_LEDGER) && s->charter_ref == 0) {
            record_charter(s);
            record_host(s);
        }
        return false;
    }
    return kind != PROCESS_GATE || s->ready_said ||
           (all_up(s, PROCESS_CORE) && all_up(s, PROCESS_WARDEN) && all_up(s, PROCESS_JUDGE));
}

static void
say_ready(struct supervisor *s)
{
    for (enum process_kind kind = 0; kind < PROCESS_KINDS; kind++)
        if (!all_up(s, kind))
            return;
    s->ready_said = true;
    printf("ready\n");
    fflush(stdout);
    notify_manager("READY=1\n");
}

/* A process that fails again and again before the city was ever ready: give up, say so. */
static bool
start_failed(const struct supervisor *s)
{
    enum { TRIES = 5, DISK_FULL_BYTES = 16 << 20 };
    for (size_t i = 0; !s->ready_said && i < s->plan.processes_count; i++) {
        if (s->processes[i].restarts < TRIES)
            continue;
        struct statvfs disk;
        bool full = statvfs(s->plan.state, &disk) == 0 &&
                    disk.f_bavail < DISK_FULL_BYTES / (disk.f_frsize ? disk.f_frsize : 1);
        fprintf(stderr, "bulkhead: %s does not start; its last lines stand above%s%s\n",
                s->plan.processes[i].name, full ? "; the disk is full under " : "",
                full ? s->plan.state : "");
        return true;
    }
    return false;
}

/* ---- stop ----------------------------------------------------------------------------------- */

static void
begin_stop(struct supervisor *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->stop_stage = PROCESS_KINDS;
    s->stop_since_ms = clock_mono_ms(&s->clock);
    notify_manager("STOPPING=1\n");
    event_recordf(s, "{\"event\":\"stop\"}");
}

/* Kind after kind, from the gates inward; the ledger last. */
static void
go_on_stopping(struct supervisor *s)
{
    bool all_down = true;
    for (size_t i = 0; i < s->plan.processes_count; i++) {
        struct process *p = &s->processes[i];
        if ((int)s->plan.processes[i].kind >= s->stop_stage)
            process_stop(p);
        if ((int)s->plan.processes[i].kind >= s->stop_stage && p->state != STATE_DOWN)
            all_down = false;
    }
    uint64_t now = clock_mono_ms(&s->clock);
    if (all_down && s->stop_stage == 0) {
        loop_stop(s->loop);
    } else if (all_down) {
        s->stop_stage--;
        s->stop_since_ms = now;
    } else if (now - s->stop_since_ms > SUPERVISOR_STOP_MS) {
        for (size_t i = 0; i < s->plan.processes_count; i++)
            if ((int)s->plan.processes[i].kind >= s->stop_stage && s->processes[i].pid > 0)
                kill(s->processes[i].pid, SIGKILL);
        s->stop_since_ms = now;
        s->exit_status = 1;
    }
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void
on_tick(void *ctx)
{
    struct supervisor *s = ctx;
    if (!s->stopping && start_failed(s)) {
        s->exit_status = 1;
        begin_stop(s);
    }
    for (size_t i = 0; i < s->plan.processes_count; i++) {
        struct process *p = &s->processes[i];
        if (p->state != STATE_WAITING || may_start(s, s->plan.processes[i].kind))
            process_tick(p);
    }
    if (s->stopping)
        go_on_stopping(s);
    else if (!s->ready_said)
        say_ready(s);
}

static void
reap(struct supervisor *s)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0)
            return;
        for (size_t i = 0; i < s->plan.processes_count; i++)
            if (s->processes[i].pid == pid)
                process_ended(&s->processes[i], status);
    }
}

static void
on_signal(void *ctx, int fd, unsigned events)
{
    struct supervisor *s = ctx;
    struct signalfd_siginfo info;
    (void)events;
    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) {
            reap(s);
            on_tick(s); /* a dead process comes back at once, not at the next tick */
        } else {
            begin_stop(s);
        }
    }
}

static enum err
watch_signals(struct supervisor *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return ERR_IO;
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signal_fd < 0)
        return ERR_IO;
    s->signal_watch = (struct watch){.fd = s->signal_fd, .fn = on_signal, .ctx = s};
    return loop_watch(s->loop, &s->signal_watch, LOOP_READ);
}

int
supervisor_run(struct supervisor *s)
{
    s->clock = clock_system();
    enum err e = loop_new(&s->loop);
    if (e == OK)
        e = watch_signals(s);
    if (e == OK)
        e = islands_open(s);
    if (e == OK)
        e = events_open(s);
    if (e == OK)
        e = tools_open(s);
    if (e != OK) {
        fprintf(stderr, "bulkhead: cannot start: %s (%s)\n", err_text(e), strerror(errno));
        return 1;
    }
    for (size_t i = 0; i < s->plan.processes_count; i++)
        process_init(s, i);
    loop_every(s->loop, SUPERVISOR_TICK_MS, on_tick, s);
    on_tick(s);
    e = loop_run(s->loop);
    return e == OK ? s->exit_status : 1;
}
