#include "drill/range.h"

#include "base/clock.h"
#include "drill/breach.h"
#include "drill/copy.h"
#include "programs/messages.h"
#include "programs/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    START_MS = 60000, /* a store may have to be made on a slow disk */
    TURN_MS = 20,
    LOG_KEEP = 16384,
    PATH_SIZE = PLAN_PATH_SIZE + 80,
};

enum member_state { MEMBER_EMPTY, MEMBER_STARTING, MEMBER_UP, MEMBER_BREACHED };

/* One compartment of the city, and what runs in it now. */
struct member {
    enum member_state state;
    pid_t pid;
    int status; /* of the last end */
    struct channel control;
    int log_fd;
    struct buf log; /* of a breached one: its whole log */
    uint64_t counters[PROGRAM_COUNTERS];
    uint64_t beats; /* heard since it was started */
    uint32_t complaints;
    char complaint[64];
};

struct range {
    struct range_config config;
    struct copy *city;
    struct clock_source clock;
    struct member members[PLAN_PROCESSES_MAX];
};

static struct member *
find_member(struct range *r, const char *compartment)
{
    for (size_t i = 0; i < r->city->plan.processes_count; i++)
        if (strcmp(r->city->plan.processes[i].name, compartment) == 0)
            return &r->members[i];
    return NULL;
}

static const struct member *
find_member_const(const struct range *r, const char *compartment)
{
    for (size_t i = 0; i < r->city->plan.processes_count; i++)
        if (strcmp(r->city->plan.processes[i].name, compartment) == 0)
            return &r->members[i];
    return NULL;
}

static const struct plan_process *
planned(const struct range *r, const struct member *m)
{
    return &r->city->plan.processes[m - r->members];
}

/* ---- what runs in a compartment -------------------------------------------------------------- */

static void
let_go(struct member *m)
{
    channel_fini(&m->control);
    if (m->log_fd >= 0)
        close(m->log_fd);
    m->log_fd = -1;
    m->pid = 0;
    m->state = MEMBER_EMPTY;
}

static void
end_member(struct member *m)
{
    if (m->pid > 0) {
        kill(m->pid, SIGKILL);
        waitpid(m->pid, &m->status, 0);
    }
    if (m->state != MEMBER_EMPTY)
        let_go(m);
}

static enum err
on_confined(struct member *m, struct bytes body)
{
    struct confined c;
    uint8_t digest[32];
    messages_digest(digest);
    if (m->state != MEMBER_STARTING || confined_decode(body, &c) != OK ||
        !bytes_equal(c.tables_digest, bytes_of(digest, sizeof(digest))))
        return ERR_MALFORMED;
    m->state = MEMBER_UP;
    return OK;
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct member *m = ctx;
    struct complaint complaint;
    struct condition condition;
    struct heartbeat h;
    if (id == confined_id)
        return on_confined(m, body);
    if (id == complaint_id && complaint_decode(body, &complaint) == OK) {
        m->complaints++;
        return bytes_copy_text(complaint.channel, m->complaint, sizeof(m->complaint));
    }
    if (id == condition_id)
        return condition_decode(body, &condition); /* it stands in its log too */
    if (id != heartbeat_id || heartbeat_decode(body, &h) != OK)
        return ERR_MALFORMED;
    const uint64_t counters[PROGRAM_COUNTERS] = {h.counter_0, h.counter_1, h.counter_2,
                                                 h.counter_3, h.counter_4, h.counter_5,
                                                 h.counter_6, h.counter_7, h.counter_8};
    memcpy(m->counters, counters, sizeof(counters));
    m->beats++;
    return OK;
}

/* A breached one may say what it likes there: nobody listens, as nothing in it beats. */
static void
hear_control(struct member *m)
{
    enum err e = OK;
    if (m->state == MEMBER_BREACHED)
        return;
    while (e == OK)
        e = channel_receive(&m->control, on_frame, m);
    if (e == ERR_MALFORMED)
        kill(m->pid, SIGKILL); /* as the supervisor does */
}

static void
hear_log(const struct range *r, struct member *m)
{
    size_t before = m->log.len;
    if (m->state != MEMBER_BREACHED && before > LOG_KEEP / 2)
        buf_reset(&m->log), before = 0;
    answer_read_log(m->log_fd, &m->log);
    if (r->config.verbose && m->log.len > before)
        fprintf(stderr, "[%s] %.*s", planned(r, m)->name, (int)(m->log.len - before),
                (const char *)m->log.p + before);
}

static void
reap(const struct range *r, struct member *m)
{
    if (m->pid <= 0 || waitpid(m->pid, &m->status, WNOHANG) != m->pid)
        return;
    hear_control(m);
    hear_log(r, m);
    bool breached = m->state == MEMBER_BREACHED;
    m->pid = 0;
    if (!breached) /* a breached one's log is read once more, by range_answer() */
        let_go(m);
}

/* Once around: wait at most so long for something to be said, hear all of it. */
static void
turn(struct range *r, int wait_ms)
{
    struct pollfd polled[2 * PLAN_PROCESSES_MAX];
    nfds_t count = 0;
    for (size_t i = 0; i < r->city->plan.processes_count; i++) {
        const struct member *m = &r->members[i];
        if (m->state == MEMBER_EMPTY || m->pid <= 0)
            continue;
        polled[count++] = (struct pollfd){.fd = m->log_fd, .events = POLLIN};
        if (m->state != MEMBER_BREACHED)
            polled[count++] = (struct pollfd){.fd = m->control.fd, .events = POLLIN};
    }
    poll(polled, count, wait_ms);
    for (size_t i = 0; i < r->city->plan.processes_count; i++) {
        struct member *m = &r->members[i];
        if (m->state == MEMBER_EMPTY)
            continue;
        hear_log(r, m);
        hear_control(m);
        reap(r, m);
    }
}

void
range_turn(struct range *r, uint32_t ms)
{
    uint64_t end = clock_mono_ms(&r->clock) + ms;
    do
        turn(r, ms < TURN_MS ? (int)ms : TURN_MS);
    while (clock_mono_ms(&r->clock) < end);
}

static bool
all_beat(const struct range *r, const uint64_t *wanted)
{
    for (size_t i = 0; i < r->city->plan.processes_count; i++)
        if (r->members[i].state == MEMBER_UP && r->members[i].beats < wanted[i])
            return false;
    return true;
}

void
range_beats(struct range *r, uint32_t max_ms)
{
    uint64_t wanted[PLAN_PROCESSES_MAX], end = clock_mono_ms(&r->clock) + max_ms;
    turn(r, 0); /* those that were said before */
    for (size_t i = 0; i < r->city->plan.processes_count; i++)
        wanted[i] = r->members[i].beats + 1;
    while (!all_beat(r, wanted) && clock_mono_ms(&r->clock) < end)
        turn(r, TURN_MS);
}

/* ---- starting -------------------------------------------------------------------------------- */

static enum err
take_child(struct member *m, const struct spawned *child, enum member_state state)
{
    channel_init(&m->control, child->control_fd);
    m->log_fd = child->log_fd;
    m->pid = child->pid;
    m->state = state;
    m->complaints = 0;
    m->beats = 0;
    m->complaint[0] = '\0';
    memset(m->counters, 0, sizeof(m->counters));
    buf_reset(&m->log);
    return fcntl(child->control_fd, F_SETFL, O_NONBLOCK) == 0 ? OK : ERR_IO;
}

/* A production program; it is not up yet when this returns. */
static enum err
begin_member(struct range *r, struct member *m)
{
    struct plan *plan = &r->city->plan;
    struct spawned child;
    enum err e = spawn(planned(r, m)->program, true, plan->user_namespaces, NULL, &child);
    if (e != OK) {
        fprintf(stderr, "bulkhead: cannot start %s: %s\n", planned(r, m)->program, strerror(errno));
        return e;
    }
    e = plan_feed(plan, (size_t)(m - r->members), child.control_fd);
    enum err taken = take_child(m, &child, MEMBER_STARTING);
    return e == OK ? taken : e;
}

static enum err
wait_until_up(struct range *r, struct member *m)
{
    uint64_t end = clock_mono_ms(&r->clock) + START_MS;
    while (m->state == MEMBER_STARTING && clock_mono_ms(&r->clock) < end)
        turn(r, TURN_MS);
    if (m->state == MEMBER_UP)
        return OK;
    fprintf(stderr, "bulkhead: %s does not start: %s\n", planned(r, m)->name,
            m->log.len ? buf_string(&m->log) : "it says nothing");
    return ERR_IO;
}

/* All empty compartments whose kind is (or is not) given: start, then wait for each. */
static enum err
start_group(struct range *r, bool (*chosen)(enum process_kind kind))
{
    enum err e = OK;
    size_t count = r->city->plan.processes_count;
    for (size_t i = 0; e == OK && i < count; i++)
        if (r->members[i].state == MEMBER_EMPTY && chosen(r->city->plan.processes[i].kind))
            e = begin_member(r, &r->members[i]);
    for (size_t i = 0; e == OK && i < count; i++)
        if (r->members[i].state == MEMBER_STARTING)
            e = wait_until_up(r, &r->members[i]);
    return e;
}

static bool
is_ledger(enum process_kind kind)
{
    return kind == PROCESS_LEDGER;
}

static bool
is_inner(enum process_kind kind)
{
    return kind != PROCESS_LEDGER && kind != PROCESS_GATE;
}

static bool
is_gate(enum process_kind kind)
{
    return kind == PROCESS_GATE;
}

enum err
range_start(struct range *r)
{
    enum err e = start_group(r, is_ledger);
    if (e == OK)
        e = start_group(r, is_inner);
    return e == OK ? start_group(r, is_gate) : e;
}

void
range_stop(struct range *r, const char *compartment)
{
    struct member *m = find_member(r, compartment);
    if (m)
        end_member(m);
}

enum err
range_restart(struct range *r, const char *compartment)
{
    struct member *m = find_member(r, compartment);
    if (!m)
        return ERR_NOT_FOUND;
    end_member(m);
    enum err e = begin_member(r, m);
    return e == OK ? wait_until_up(r, m) : e;
}

/* ---- breaches -------------------------------------------------------------------------------- */

/* .../libexec/bulkhead-core-bikes -> .../libexec/drill/bulkhead-core-bikes */
static void
drill_program(const struct range *r, const struct member *m, char to[static PATH_SIZE])
{
    const char *program = planned(r, m)->program, *name = strrchr(program, '/');
    int n = snprintf(to, PATH_SIZE, "%s%s", r->config.drill_libexec, name ? name : program);
    ASSERT(n > 0 && n < PATH_SIZE);
}

void
range_walls(struct range *r, uint64_t walls)
{
    r->config.walls = walls;
}

enum err
range_breach(struct range *r, const struct range_breach *b)
{
    struct member *m = find_member(r, b->compartment);
    char program[PATH_SIZE];
    struct spawned child;
    enum err fed;
    if (!m)
        return ERR_NOT_FOUND;
    end_member(m);
    drill_program(r, m, program);
    struct breach breach = {.program = program,
                            .payload = b->payload,
                            .attempt = b->attempt,
                            .targets = b->targets ? b->targets : "",
                            .walls = r->config.walls};
    enum err e = breach_start(&r->city->plan, (size_t)(m - r->members), &breach, &child, &fed);
    if (e != OK)
        return e;
    e = take_child(m, &child, MEMBER_BREACHED);
    uint64_t end = clock_mono_ms(&r->clock) + START_MS;
    while (e == OK && m->pid > 0 && !answer_begun(&m->log) && clock_mono_ms(&r->clock) < end)
        turn(r, TURN_MS);
    if (e == OK && fed == OK && answer_begun(&m->log))
        return OK;
    fprintf(stderr, "bulkhead: no attempt began in %s: %s\n", b->compartment,
            m->log.len ? buf_string(&m->log) : "it says nothing");
    end_member(m);
    return ERR_IO;
}

struct outcome
range_answer(struct range *r, const char *compartment, uint32_t wait_ms)
{
    struct outcome o = {.answer = ANSWER_FAILED, .how = "nobody is breached there"};
    struct member *m = find_member(r, compartment);
    if (!m || m->state != MEMBER_BREACHED)
        return o;
    uint64_t end = clock_mono_ms(&r->clock) + wait_ms;
    while (m->pid > 0 && clock_mono_ms(&r->clock) < end)
        turn(r, TURN_MS);
    bool in_time = m->pid == 0;
    if (!in_time) {
        kill(m->pid, SIGKILL);
        waitpid(m->pid, &m->status, 0);
        m->pid = 0;
    }
    hear_log(r, m);
    o = answer_of(m->status, &m->log);
    if (!in_time) {
        o.answer = ANSWER_FAILED;
        snprintf(o.how, sizeof(o.how), "no answer in time");
    }
    let_go(m);
    return o;
}

void
range_tell(struct range *r, const char *compartment)
{
    const struct member *m = find_member(r, compartment);
    if (m && m->state == MEMBER_BREACHED && write(m->control.fd, "g", 1) != 1)
        fprintf(stderr, "bulkhead: %s does not hear: %s\n", compartment, strerror(errno));
}

const char *
range_said(struct range *r, const char *compartment)
{
    struct member *m = find_member(r, compartment);
    return m && m->state == MEMBER_BREACHED && m->log.len ? buf_string(&m->log) : "";
}

int
range_end(const struct range *r, const char *compartment, enum start_fd_role role, const char *name)
{
    const struct member *m = find_member_const(r, compartment);
    const struct plan *plan = &r->city->plan;
    for (size_t i = 0; m && i < plan->ends_count; i++)
        if (plan->ends[i].process == (size_t)(m - r->members) && plan->ends[i].role == role &&
            (!name || strcmp(plan->ends[i].name, name) == 0))
            return plan->ends[i].fd;
    return -1;
}

enum err
range_misplan(struct range *r, const char *to, const char *of, enum start_fd_role role,
              const char *name)
{
    const struct member *m = find_member_const(r, to);
    struct plan *plan = &r->city->plan;
    int fd = range_end(r, of, role, name);
    if (!m || fd < 0)
        return ERR_NOT_FOUND;
    if (plan->ends_count == PLAN_ENDS_MAX || (fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
        return ERR_IO;
    struct plan_end *end = &plan->ends[plan->ends_count++];
    *end = (struct plan_end){.process = (uint32_t)(m - r->members), .role = role, .fd = fd};
    snprintf(end->name, sizeof(end->name), "%s", name ? name : "");
    return OK;
}

void
range_forget(struct range *r)
{
    static uint8_t packet[CHANNEL_PACKET_MAX];
    const struct plan *plan = &r->city->plan;
    for (size_t i = 0; i < plan->ends_count; i++) {
        const struct plan_end *end = &plan->ends[i];
        bool pair = end->role == FD_CORE || end->role == FD_GATE || end->role == FD_WARDEN ||
                    end->role == FD_LEDGER || end->role == FD_CONDUIT;
        if (pair && end->process != PLAN_SUPERVISOR &&
            r->members[end->process].state == MEMBER_EMPTY)
            while (read(end->fd, packet, sizeof(packet)) > 0)
                continue;
    }
}

/* ---- islands --------------------------------------------------------------------------------- */

enum err
range_cut(struct range *r, const char *zone, bool cut, const char *reason)
{
    struct plan *plan = &r->city->plan;
    int32_t z = charter_find_zone(&r->city->charter, bytes_text(zone));
    if (z < 0)
        return ERR_NOT_FOUND;
    uint32_t bit = UINT32_C(1) << z;
    plan->cut = cut ? plan->cut | bit : plan->cut & ~bit;
    plan->islands[z] = (struct island){.since_us = clock_wall_us(&r->clock) / 1000 * 1000};
    snprintf(plan->islands[z].reason, sizeof(plan->islands[z].reason), "%s", reason);
    struct cut_off m = {bytes_text(zone), cut, bytes_text(plan->islands[z].reason)};
    enum err e = OK;
    for (size_t i = 0; e == OK && i < plan->processes_count; i++) {
        struct member *member = &r->members[i];
        if (member->state != MEMBER_UP || !plan_island_concerns(plan, i, (uint32_t)z))
            continue;
        e = CHANNEL_SEND(&member->control, cut_off, &m);
        if (e == OK)
            e = channel_flush(&member->control);
    }
    return e;
}

/* ---- life ------------------------------------------------------------------------------------ */

enum err
range_open(const struct range_config *config, struct range **out)
{
    struct range *r = calloc(1, sizeof(*r));
    ASSERT(r);
    *r = (struct range){.config = *config, .clock = clock_system()};
    r->city = calloc(1, sizeof(*r->city));
    ASSERT(r->city);
    for (size_t i = 0; i < PLAN_PROCESSES_MAX; i++) {
        r->members[i].log_fd = r->members[i].control.fd = -1;
        buf_init(&r->members[i].log, LOG_KEEP);
    }
    enum err e = copy_make(r->city, config->charter, config->libexec);
    if (e == OK)
        e = copy_open(r->city);
    if (e != OK) {
        range_close(r);
        return ERR_IO;
    }
    *out = r;
    return OK;
}

void
range_close(struct range *r)
{
    if (!r)
        return;
    /* Gates first, the ledger last, so that nobody writes about a neighbour's end. */
    for (size_t i = r->city->plan.processes_count; i-- > 0;)
        end_member(&r->members[i]);
    for (size_t i = 0; i < PLAN_PROCESSES_MAX; i++)
        buf_fini(&r->members[i].log);
    copy_close(r->city);
    free(r->city);
    free(r);
}

/* ---- what an outside client needs ------------------------------------------------------------ */

const char *
range_state(const struct range *r)
{
    return r->city->state;
}

uint16_t
range_port(const struct range *r, const char *zone, bool https)
{
    int32_t z = charter_find_zone(&r->city->charter, bytes_text(zone));
    for (uint32_t i = 0; z >= 0 && i < r->city->charter.zones[z].listen_count; i++)
        if (r->city->charter.zones[z].listen[i].https == https)
            return r->city->charter.zones[z].listen[i].port;
    return 0;
}

pid_t
range_pid(const struct range *r, const char *compartment)
{
    const struct member *m = find_member_const(r, compartment);
    return m && m->pid > 0 ? m->pid : -1;
}

uint64_t
range_counter(const struct range *r, const char *compartment, const char *counter)
{
    const struct member *m = find_member_const(r, compartment);
    const char *const *names =
        m ? program_counter_names(process_kind_text(planned(r, m)->kind)) : NULL;
    for (size_t i = 0; names && i < PROGRAM_COUNTERS; i++)
        if (strcmp(names[i], counter) == 0)
            return m->counters[i];
    return 0;
}

uint32_t
range_complaints(const struct range *r, const char *compartment)
{
    const struct member *m = find_member_const(r, compartment);
    return m ? m->complaints : 0;
}
