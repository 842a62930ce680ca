/* tools.c -- the control socket: who may open it is the owner of the state directory. */
#include "programs/supervisor/supervisor.h"

#include "programs/messages.h"
#include "runtime/log.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
tool_close(struct tool *t)
{
    struct supervisor *s = t->supervisor;
    for (size_t i = 0; i < s->events_count; i++)
        if (s->events[i].tool == (int)(t - s->tools))
            s->events[i].tool = -1;
    loop_unwatch(s->loop, &t->watch);
    channel_fini(&t->channel);
    t->open = false;
}

static uint32_t
descriptors_of(const struct plan *plan, size_t process)
{
    uint32_t count = 4 /* 0 to 3 */;
    for (size_t i = 0; i < plan->ends_count; i++)
        count += plan->ends[i].process == process;
    return count;
}

static enum err
send_row(struct tool *t, const struct process *p)
{
    const struct supervisor *s = t->supervisor;
    const struct plan_process *planned = &s->plan.processes[p->index];
    const struct charter *c = s->plan.charter;
    uint64_t now = clock_mono_ms(&s->clock);
    struct status_row m = {
        .kind = bytes_text(process_kind_text(planned->kind)),
        .name = bytes_text(planned->name),
        .zone = bytes_text(planned->zone >= 0 ? c->zones[planned->zone].name : ""),
        .state = bytes_text(process_state_text(p->state)),
        .pid = p->pid > 0 ? (uint32_t)p->pid : 0,
        .up_ms = p->state == STATE_UP ? now - p->since_ms : 0,
        .restarts = p->restarts,
        .walls = p->walls,
        .landlock_abi = p->landlock_abi,
        .uid = planned->uid,
        .beat_age_ms = now - p->beat_ms,
        .counter_0 = p->counters[0],
        .counter_1 = p->counters[1],
        .counter_2 = p->counters[2],
        .counter_3 = p->counters[3],
        .counter_4 = p->counters[4],
        .counter_5 = p->counters[5],
        .counter_6 = p->counters[6],
        .counter_7 = p->counters[7],
        .counter_8 = p->counters[8],
        .descriptors = descriptors_of(&s->plan, p->index),
        .memory_limit = planned->zone >= 0 ? c->zones[planned->zone].memory_bytes : 256ULL << 20,
    };
    return CHANNEL_SEND(&t->channel, status_row, &m);
}

static enum err
send_status(struct tool *t)
{
    struct supervisor *s = t->supervisor;
    enum err e = OK;
    for (size_t i = 0; e == OK && i < s->plan.processes_count; i++) {
        const struct process *p = &s->processes[i];
        e = send_row(t, p);
        struct complaint_row row = {bytes_text(s->plan.processes[i].name), bytes_text(p->complaint),
                                    p->complaints};
        if (e == OK && p->complaints)
            e = CHANNEL_SEND(&t->channel, complaint_row, &row);
        struct condition_row condition = {bytes_text(s->plan.processes[i].name),
                                          bytes_text(p->condition)};
        if (e == OK && p->condition[0])
            e = CHANNEL_SEND(&t->channel, condition_row, &condition);
        struct last_end_row end = {bytes_text(s->plan.processes[i].name), (uint8_t)p->end_code,
                                   (uint8_t)p->end_signal, bytes_text(p->end_call)};
        if (e == OK && p->restarts)
            e = CHANNEL_SEND(&t->channel, last_end_row, &end);
    }
    for (uint32_t z = 0; e == OK && z < s->plan.charter->zones_count; z++) {
        const struct island *island = &s->plan.islands[z];
        struct island_row row = {bytes_text(s->plan.charter->zones[z].name),
                                 bytes_text(island->reason), island->since_us, island->by_uid};
        if (s->plan.cut >> z & 1)
            e = CHANNEL_SEND(&t->channel, island_row, &row);
    }
    struct status_end m = {bytes_text(s->plan.charter->city), bytes_of(s->plan.digest, 32),
                           s->plan.user_namespaces};
    return e == OK ? CHANNEL_SEND(&t->channel, status_end, &m) : e;
}

/* What is queued goes out, the rest when the tool has read. */
static void
push(struct tool *t)
{
    enum err e = channel_flush(&t->channel);
    if (e == OK || e == ERR_AGAIN)
        loop_change(t->supervisor->loop, &t->watch, e == OK ? LOOP_READ : LOOP_READ | LOOP_WRITE);
    else
        tool_close(t);
}

void
tools_event_recorded(struct supervisor *s, int tool, bool durable, const char *why)
{
    struct tool *t = &s->tools[tool];
    struct event_recorded m = {durable, bytes_text(why)};
    if (!t->open)
        return;
    if (CHANNEL_SEND(&t->channel, event_recorded, &m) == OK)
        push(t);
    else
        tool_close(t);
}

/* A backup begins to read a zone's store, or has read it. */
static void
hold_store(struct supervisor *s, int tool, const struct hold_ask *m)
{
    int32_t z = charter_find_zone(s->plan.charter, m->zone);
    struct hold_store hold = {m->ms};
    const char *why = z < 0 ? "the charter names no such zone" : "the zone's core is not up";
    for (size_t i = 0; z >= 0 && i < s->plan.processes_count; i++) {
        struct process *p = &s->processes[i];
        if (s->plan.processes[i].kind == PROCESS_CORE && s->plan.processes[i].zone == z &&
            p->state == STATE_UP && CHANNEL_SEND(&p->control, hold_store, &hold) == OK &&
            channel_flush(&p->control) == OK)
            why = NULL;
    }
    tools_event_recorded(s, tool, !why, why ? why : "");
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct tool *t = ctx;
    struct supervisor *s = t->supervisor;
    struct status_ask ask;
    struct event_ask event;
    if (!t->open) /* by a frame before this one, in the same packet */
        return ERR_CLOSED;
    if (id == status_ask_id && status_ask_decode(body, &ask) == OK)
        return send_status(t);
    struct look_ask look;
    if (id == look_ask_id && look_ask_decode(body, &look) == OK)
        return look_send(s, &t->channel);
    struct hold_ask hold;
    if (id == hold_ask_id && hold_ask_decode(body, &hold) == OK) {
        hold_store(s, (int)(t - s->tools), &hold);
        return OK;
    }
    struct cut_ask cut;
    struct rejoin_ask rejoin;
    if (id == cut_ask_id && cut_ask_decode(body, &cut) == OK) {
        islands_cut(s, (int)(t - s->tools), &cut);
        return OK;
    }
    if (id == rejoin_ask_id && rejoin_ask_decode(body, &rejoin) == OK) {
        islands_rejoin(s, (int)(t - s->tools), &rejoin);
        return OK;
    }
    if (id == event_ask_id && event_ask_decode(body, &event) == OK) {
        if (event_record(s, event.entry, (int)(t - s->tools)) == 0)
            tools_event_recorded(s, (int)(t - s->tools), false, "the ledger does not answer");
        return OK;
    }
    return ERR_MALFORMED;
}

static void
on_tool(void *ctx, int fd, unsigned events)
{
    struct tool *t = ctx;
    (void)fd;
    enum err e =
        events & (LOOP_READ | LOOP_HANGUP) ? channel_receive(&t->channel, on_frame, t) : OK;
    if (t->open && (e == OK || e == ERR_AGAIN))
        push(t);
    else if (t->open)
        tool_close(t);
}

static void
on_listen(void *ctx, int fd, unsigned events)
{
    struct supervisor *s = ctx;
    (void)events;
    int one = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (one < 0)
        return;
    for (size_t i = 0; i < SUPERVISOR_TOOLS_MAX; i++) {
        struct tool *t = &s->tools[i];
        if (t->open)
            continue;
        *t = (struct tool){.supervisor = s, .open = true};
        channel_init(&t->channel, one);
        channel_refuse_fds(one);
        t->watch = (struct watch){.fd = one, .fn = on_tool, .ctx = t};
        if (loop_watch(s->loop, &t->watch, LOOP_READ) != OK)
            tool_close(t);
        return;
    }
    close(one); /* too many tools at once: they may try again */
}

enum err
tools_open(struct supervisor *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", s->plan.state);
    if (n < 0 || (size_t)n >= sizeof(address.sun_path))
        return ERR_LIMIT;
    unlink(address.sun_path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ERR_IO;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 8) != 0) {
        close(fd);
        return ERR_IO;
    }
    s->control_listen = (struct watch){.fd = fd, .fn = on_listen, .ctx = s};
    return loop_watch(s->loop, &s->control_listen, LOOP_READ);
}
