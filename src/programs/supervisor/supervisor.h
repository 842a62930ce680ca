/*
 * supervisor.h -- starts, wires, watches and restarts every process of a city.
 *
 * It reads no network byte and parses no message content: heartbeats are numbers, log lines are
 * passed on as text. A hung process is a dead one. A neighbour of a dead process keeps its end of
 * every pair and notices nothing but silence.
 *
 *   state of a process       leaves by
 *   WAITING                  its time has come (start order, back-off)     -> STARTING
 *   STARTING                 `confined` with our digest                    -> UP
 *   UP                       exit, kill, silence of SUPERVISOR_SILENCE_MS  -> WAITING
 *   any                      stop of the city                              -> DOWN
 *
 * Start order: ledger; then the charter in force and the start are durable in its city log; then
 * judge, wardens, cores, conduits; gates last. Stop order: the other way round.
 */
#ifndef PROGRAMS_SUPERVISOR_SUPERVISOR_H
#define PROGRAMS_SUPERVISOR_SUPERVISOR_H

#include "base/clock.h"
#include "programs/program.h"
#include "programs/supervisor/audit.h"
#include "programs/supervisor/groups.h"
#include "programs/supervisor/plan.h"
#include "runtime/host.h"
#include "runtime/loop.h"

enum {
    SUPERVISOR_SILENCE_MS = 2000,
    SUPERVISOR_START_MS = 60000, /* a store may have to be made */
    SUPERVISOR_STOP_MS = 5000,
    SUPERVISOR_BACKOFF_MAX_MS = 10000,
    SUPERVISOR_STEADY_MS = 2000, /* up so long: the back-off begins anew */
    SUPERVISOR_TICK_MS = 50,
    SUPERVISOR_LOG_LINES_PER_S = 200,
    SUPERVISOR_LOG_BYTES_PER_S = 1024 * 1024, /* more waits in the pipe, and its writer with it */
    SUPERVISOR_FRAMES_PER_S = 200,            /* of one process; it needs three */
    SUPERVISOR_TOOLS_MAX = 16,
    SUPERVISOR_COMPLAINTS_MAX = 100, /* of one process, in the log: it may be the liar itself */
};

enum process_state { STATE_WAITING, STATE_STARTING, STATE_UP, STATE_DOWN };
const char *process_state_text(enum process_state state);

struct supervisor;

struct process {
    struct supervisor *supervisor;
    size_t index;
    enum process_state state;
    pid_t pid;
    struct channel control;
    struct watch control_watch;
    struct watch log_watch;
    struct buf log_line;
    uint64_t log_second;
    uint32_t log_lines;         /* in that second */
    uint32_t log_bytes, frames; /* since log_paused and frames were last set right, each second */
    uint64_t budget_ms;
    bool log_paused;
    uint64_t due_ms;   /* WAITING: when to start */
    uint64_t since_ms; /* of the state */
    uint64_t beat_ms;  /* last sign of life */
    uint64_t counters[PROGRAM_COUNTERS];
    uint32_t restarts;
    uint32_t backoff_ms;
    uint32_t walls;
    uint8_t landlock_abi;
    uint64_t control_inode, log_inode; /* of its ends, for who looks at it from outside */
    bool stop_sent;
    uint32_t complaints; /* since the city's start; on the record up to SUPERVISOR_COMPLAINTS_MAX */
    char complaint[64];  /* the channel of the last one */
    uint32_t conditions; /* that it told; on the record up to SUPERVISOR_COMPLAINTS_MAX */
    char condition[161]; /* what keeps it from its full work; empty: nothing */
    int end_code, end_signal; /* of the last end; the call when its filter killed it */
    char end_call[AUDIT_CALL_SIZE];
};

/* A policy event on its way to the city's log. */
struct event_wait {
    uint64_t ref;
    int tool;       /* index of the tool that waits, or -1 */
    int32_t rejoin; /* zone that is joined again when it is durable, or -1 */
};

struct tool {
    struct channel channel;
    struct watch watch;
    bool open;
    struct supervisor *supervisor;
};

enum { SUPERVISOR_EVENTS_MAX = 64 };

struct supervisor {
    struct plan plan;
    struct groups groups;
    struct loop *loop;
    struct clock_source clock;
    struct process processes[PLAN_PROCESSES_MAX];
    struct channel ledger;
    struct watch ledger_watch;
    struct event_wait events[SUPERVISOR_EVENTS_MAX];
    size_t events_count;
    uint64_t next_ref;
    bool charter_recorded; /* the charter in force and the start are durable */
    uint64_t charter_ref;
    bool ready_said;
    bool stopping;
    int stop_stage; /* kinds above it were told to stop */
    uint64_t stop_since_ms;
    int exit_status;
    struct host host;
    int audit_fd; /* see audit.h */
    int signal_fd;
    struct watch signal_watch;
    struct watch control_listen;
    struct tool tools[SUPERVISOR_TOOLS_MAX];
};

/* Runs the city of s->plan (opened) until a signal or a stop; the process's exit status. */
int supervisor_run(struct supervisor *s);

/* process.c */
void process_init(struct supervisor *s, size_t index);
void process_start(struct process *p);
void process_tick(struct process *p);
void process_ended(struct process *p, int wait_status);
void process_stop(struct process *p);

/* events.c: policy events. `tool` -1: nobody waits. The ref, or 0 when the queue is full. */
uint64_t event_record(struct supervisor *s, struct bytes entry, int tool);
uint64_t event_recordf(struct supervisor *s, const char *format, ...) PRINTF_LIKE(2, 3);
enum err events_open(struct supervisor *s) MUST_USE;

/* islands.c: what is cut off, from the disk; before any process is started. */
enum err islands_open(struct supervisor *s) MUST_USE;
/* Answer the tool with event_recorded, now or when the entry is durable. */
struct cut_ask;
struct rejoin_ask;
void islands_cut(struct supervisor *s, int tool, const struct cut_ask *m);
void islands_rejoin(struct supervisor *s, int tool, const struct rejoin_ask *m);
/* The rejoin is durable: let it take effect. False when the disk does not. */
bool islands_joined(struct supervisor *s, uint32_t z);

/* tools.c: status and events for an administrator's tools on STATE/control.sock. */
enum err tools_open(struct supervisor *s) MUST_USE;
void tools_event_recorded(struct supervisor *s, int tool, bool durable, const char *why);

/* look.c: what each process was given, and its control groups. */
enum err look_send(struct supervisor *s, struct channel *to) MUST_USE;

#endif
