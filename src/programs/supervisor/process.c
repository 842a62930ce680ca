#include "programs/supervisor/supervisor.h"

#include "base/text.h"
#include "programs/messages.h"
#include "programs/supervisor/spawn.h"
#include "runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_LINE_KEEP = 1024, LAST_PACKETS_MAX = 16 };

const char *
process_state_text(enum process_state state)
{
    static const char *const texts[] = {"waiting", "starting", "up", "down"};
    return (unsigned)state < ARRAY_COUNT(texts) ? texts[state] : "?";
}

void
process_init(struct supervisor *s, size_t index)
{
    struct process *p = &s->processes[index];
    *p = (struct process){.supervisor = s, .index = index, .pid = -1};
    p->control.fd = -1;
    p->log_watch.fd = -1;
    buf_init(&p->log_line, LOG_LINE_KEEP);
}

static const char *
name_of(const struct process *p)
{
    return p->supervisor->plan.processes[p->index].name;
}

/* ---- the child's log lines: text of a process that may be breached --------------------------- */

static void
pass_on_line(struct process *p)
{
    uint64_t second = clock_mono_ms(&p->supervisor->clock) / 1000;
    if (second != p->log_second) {
        if (p->log_lines > SUPERVISOR_LOG_LINES_PER_S)
            log_event("log_lines_dropped", "process=%s count=%u", name_of(p),
                      p->log_lines - SUPERVISOR_LOG_LINES_PER_S);
        p->log_second = second;
        p->log_lines = 0;
    }
    if (++p->log_lines <= SUPERVISOR_LOG_LINES_PER_S && p->log_line.len) {
        for (size_t i = 0; i < p->log_line.len; i++)
            if (p->log_line.p[i] < 0x20 || p->log_line.p[i] > 0x7e)
                p->log_line.p[i] = '?'; /* no terminal is steered from inside a compartment */
        fprintf(stderr, "[%s] %.*s\n", name_of(p), BYTES_PRINTF(buf_bytes(&p->log_line)));
    }
    buf_reset(&p->log_line);
}

static void
on_log(void *ctx, int fd, unsigned events)
{
    struct process *p = ctx;
    uint8_t bytes[4096];
    (void)events;
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        loop_unwatch(p->supervisor->loop, &p->log_watch);
        return;
    }
    p->log_bytes += (uint32_t)n;
    if (p->log_bytes > SUPERVISOR_LOG_BYTES_PER_S && p->log_watch.active) {
        p->log_paused = true; /* see give_budget() */
        loop_change(p->supervisor->loop, &p->log_watch, 0);
    }
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] == '\n' || p->log_line.len == LOG_LINE_KEEP)
            pass_on_line(p);
        if (bytes[i] != '\n')
            buf_byte(&p->log_line, bytes[i]);
    }
}

/* ---- the control channel -------------------------------------------------------------------- */

static enum err
on_confined(struct process *p, struct bytes body)
{
    struct confined m;
    uint8_t digest[32];
    enum err e = confined_decode(body, &m);
    if (e != OK || p->state != STATE_STARTING)
        return ERR_MALFORMED;
    messages_digest(digest);
    if (!bytes_equal(m.tables_digest, bytes_of(digest, sizeof(digest)))) {
        log_event("tables_differ", "process=%s", name_of(p));
        return ERR_MALFORMED;
    }
    p->walls = m.walls;
    p->condition[0] = '\0'; /* what kept it from starting */
    p->landlock_abi = m.landlock_abi;
    p->state = STATE_UP;
    p->since_ms = p->beat_ms = clock_mono_ms(&p->supervisor->clock);
    return OK;
}

/* A peer of this process talks nonsense, or this process says so: it stands on the record. */
static enum err
on_complaint(struct process *p, struct bytes body)
{
    struct complaint m;
    char channel[sizeof(p->complaint)] = "";
    enum err e = complaint_decode(body, &m);
    if (e == OK)
        e = bytes_copy_text(m.channel, channel, sizeof(channel));
    if (e == OK && channel[strspn(channel, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        e = ERR_MALFORMED;
    if (e != OK)
        return e; /* and nothing of it is kept: `bulkhead status` shows the last one */
    memcpy(p->complaint, channel, sizeof(p->complaint));
    if (p->complaints++ >= SUPERVISOR_COMPLAINTS_MAX)
        return OK;
    log_event("complaint", "process=%s channel=%s", name_of(p), p->complaint);
    event_recordf(p->supervisor, "{\"event\":\"complaint\",\"process\":\"%s\",\"channel\":\"%s\"}",
                  name_of(p), p->complaint);
    return OK;
}

/* Its own words, of a narrow alphabet: they go into the log and to a terminal. */
static enum err
on_condition(struct process *p, struct bytes body)
{
    struct condition m;
    char what[sizeof(p->condition)];
    enum err e = condition_decode(body, &m);
    if (e == OK)
        e = bytes_copy_text(m.what, what, sizeof(what));
    if (e == OK && what[strspn(what, "abcdefghijklmnopqrstuvwxyz0123456789 ,.:;-'")])
        e = ERR_MALFORMED;
    if (e != OK || strcmp(what, p->condition) == 0)
        return e;
    memcpy(p->condition, what, sizeof(what));
    if (p->conditions++ < SUPERVISOR_COMPLAINTS_MAX)
        event_recordf(p->supervisor, "{\"event\":\"condition\",\"process\":\"%s\",\"what\":\"%s\"}",
                      name_of(p), p->condition);
    return OK;
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct process *p = ctx;
    if (++p->frames > SUPERVISOR_FRAMES_PER_S)
        return ERR_MALFORMED; /* a process that talks like that is not ours any more */
    if (id == confined_id)
        return on_confined(p, body);
    if (id == complaint_id && p->state == STATE_UP)
        return on_complaint(p, body);
    if (id == condition_id && (p->state == STATE_STARTING || p->state == STATE_UP))
        return on_condition(p, body);
    struct heartbeat m;
    if (id != heartbeat_id || p->state != STATE_UP || heartbeat_decode(body, &m) != OK)
        return ERR_MALFORMED;
    p->beat_ms = clock_mono_ms(&p->supervisor->clock);
    const uint64_t counters[PROGRAM_COUNTERS] = {m.counter_0, m.counter_1, m.counter_2,
                                                 m.counter_3, m.counter_4, m.counter_5,
                                                 m.counter_6, m.counter_7, m.counter_8};
    memcpy(p->counters, counters, sizeof(counters));
    return OK;
}

static void
on_control(void *ctx, int fd, unsigned events)
{
    struct process *p = ctx;
    (void)fd, (void)events;
    enum err e = channel_receive(&p->control, on_frame, p);
    if (e == OK || e == ERR_AGAIN)
        return;
    if (e == ERR_MALFORMED && p->pid > 0) {
        log_event("process_malformed", "process=%s", name_of(p));
        kill(p->pid, SIGKILL);
    }
    loop_unwatch(p->supervisor->loop, &p->control_watch); /* its end is reaped with SIGCHLD */
}

/* ---- life ----------------------------------------------------------------------------------- */

static void
let_go(struct process *p)
{
    for (int i = 0; p->control_watch.active && i < LAST_PACKETS_MAX; i++)
        if (channel_receive(&p->control, on_frame, p) != OK) /* why it ended, perhaps */
            break;
    loop_unwatch(p->supervisor->loop, &p->control_watch);
    if (p->log_watch.active) {
        on_log(p, p->log_watch.fd, LOOP_READ); /* its last words */
        loop_unwatch(p->supervisor->loop, &p->log_watch);
    }
    if (p->log_watch.fd >= 0)
        close(p->log_watch.fd);
    p->log_watch.fd = -1;
    channel_fini(&p->control);
    p->pid = -1;
}

static void
wait_before_next(struct process *p)
{
    uint64_t now = clock_mono_ms(&p->supervisor->clock);
    if (p->state == STATE_UP && now - p->since_ms > SUPERVISOR_STEADY_MS)
        p->backoff_ms = 0;
    p->state = STATE_WAITING;
    p->since_ms = now;
    p->due_ms = now + p->backoff_ms;
    p->backoff_ms = p->backoff_ms ? p->backoff_ms * 2 : 100;
    if (p->backoff_ms > SUPERVISOR_BACKOFF_MAX_MS)
        p->backoff_ms = SUPERVISOR_BACKOFF_MAX_MS;
    p->restarts++;
}

static bool
place_child(void *ctx, pid_t pid)
{
    const struct process *p = ctx;
    return groups_join(&p->supervisor->groups, &p->supervisor->plan, p->index, pid);
}

void
process_start(struct process *p)
{
    struct supervisor *s = p->supervisor;
    struct plan_process *planned = &s->plan.processes[p->index];
    struct spawned child;
    const struct spawn_place place = {place_child, p};
    enum err e =
        spawn_placed(planned->program, true, s->plan.user_namespaces, NULL, &place, &child);
    if (e != OK) {
        log_event("spawn_failed", "process=%s error=\"%s\" errno=%d%s", planned->name, err_text(e),
                  errno,
                  e == ERR_UNSUPPORTED ? " hint=\"this kernel refuses new namespaces\"" : "");
        wait_before_next(p);
        return;
    }
    p->pid = child.pid;
    p->control_inode = child.control_inode;
    p->log_inode = child.log_inode;
    p->state = STATE_STARTING;
    p->stop_sent = false;
    p->since_ms = p->beat_ms = clock_mono_ms(&s->clock);
    memset(p->counters, 0, sizeof(p->counters));
    e = plan_feed(&s->plan, p->index, child.control_fd);
    channel_init(&p->control, child.control_fd);
    p->control_watch = (struct watch){.fd = child.control_fd, .fn = on_control, .ctx = p};
    p->log_watch = (struct watch){.fd = child.log_fd, .fn = on_log, .ctx = p};
    if (e != OK || fcntl(child.control_fd, F_SETFL, O_NONBLOCK) != 0 ||
        loop_watch(s->loop, &p->control_watch, LOOP_READ) != OK ||
        loop_watch(s->loop, &p->log_watch, LOOP_READ) != OK) {
        log_event("feed_failed", "process=%s error=\"%s\"", planned->name, err_text(e));
        kill(p->pid, SIGKILL);
    }
}

void
process_ended(struct process *p, int wait_status)
{
    struct supervisor *s = p->supervisor;
    int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0;
    int signal_number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    uint32_t uid = s->plan.user_namespaces ? geteuid() : s->plan.processes[p->index].uid;
    p->end_code = code;
    p->end_signal = signal_number;
    p->end_call[0] = '\0';
    if (signal_number == SIGSYS)
        audit_last_call(s->audit_fd, (uint32_t)p->pid, uid, p->end_call);
    let_go(p);
    if (s->stopping) {
        if (signal_number || code)
            s->exit_status = 1;
        p->state = STATE_DOWN;
        return;
    }
    bool call = p->end_call[0] != '\0';
    log_event("process_ended", "process=%s code=%d signal=%d%s%s", name_of(p), code, signal_number,
              call ? " call=" : "", p->end_call);
    event_recordf(s, "{\"event\":\"restart\",\"process\":\"%s\",\"code\":%d,\"signal\":%d%s%s%s}",
                  name_of(p), code, signal_number, call ? ",\"call\":\"" : "", p->end_call,
                  call ? "\"" : "");
    wait_before_next(p);
}

/* What a process may make us read in a second, so that none takes our time from the others. */
static void
give_budget(struct process *p, uint64_t now)
{
    if (now - p->budget_ms < 1000)
        return;
    p->budget_ms = now;
    p->log_bytes = p->frames = 0;
    if (p->log_paused && p->log_watch.active)
        loop_change(p->supervisor->loop, &p->log_watch, LOOP_READ);
    p->log_paused = false;
}

void
process_tick(struct process *p)
{
    struct supervisor *s = p->supervisor;
    uint64_t now = clock_mono_ms(&s->clock);
    give_budget(p, now);
    if (p->state == STATE_WAITING) {
        if (!s->stopping && now >= p->due_ms)
            process_start(p);
        return;
    }
    uint64_t quiet = now - p->beat_ms;
    bool hung = (p->state == STATE_UP && quiet > SUPERVISOR_SILENCE_MS) ||
                (p->state == STATE_STARTING && quiet > SUPERVISOR_START_MS);
    if (hung && p->pid > 0) {
        log_event("process_hung", "process=%s quiet_ms=%llu", name_of(p),
                  (unsigned long long)quiet);
        kill(p->pid, SIGKILL);
        p->beat_ms = now; /* once; the end comes with SIGCHLD */
    }
}

void
process_stop(struct process *p)
{
    if (p->state == STATE_WAITING)
        p->state = STATE_DOWN;
    if (p->state == STATE_DOWN || p->stop_sent)
        return;
    struct stop m;
    p->stop_sent = true;
    if (p->state == STATE_STARTING || CHANNEL_SEND(&p->control, stop, &m) != OK ||
        channel_flush(&p->control) != OK)
        kill(p->pid, SIGKILL);
}
