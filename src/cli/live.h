/*
 * live.h -- the running processes against the charter: is each one what it should be, and no more?
 *
 * What should be: the plan, made again here from the charter in force; the supervisor's word on
 * the inodes of what it handed out and on the control groups that it made; this program's own
 * tables of calls and limits. What is: /proc and, as root, the filter that the kernel runs. Every
 * difference is an alarm with process, subject, expected and found. What cannot be looked at is an
 * alarm too.
 *
 *   live.c              user, capabilities, limits, namespaces, root, program, children, groups
 *   live_descriptors.c  every open descriptor, by inode; and nothing else
 *   live_memory.c       what is mapped: our program and libraries, nothing executable besides
 *   live_filter.c       the kernel's copy of the system-call filter, byte for byte
 *
 * Landlock, and without root dumpability and the filter's bytes, are what the process reported
 * when it closed its sandbox: the kernel tells nobody else.
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "base/buf.h"
#include "programs/messages.h"
#include "programs/supervisor/plan.h"

#include <sys/types.h>

enum { LIVE_ENDS_MAX = PLAN_ENDS_MAX, LIVE_ROWS_MAX = 256, LIVE_GROUPS_MAX = 3 * LIVE_ROWS_MAX };

/* What the supervisor said; texts borrow. */
struct live_city {
    const struct plan *plan;
    bool user_namespaces;
    pid_t supervisor;  /* 0: not looked at */
    const char *state; /* the state directory, as the supervisor calls it */
    const struct status_row *rows;
    size_t rows_count;
    const struct look_row *looks; /* in the order of the rows */
    size_t looks_count;
    const struct end_row *ends;
    size_t ends_count;
    const struct group_row *groups;
    size_t groups_count;
};

struct live {
    const struct live_city *city;
    const struct plan_process *planned; /* of the process in hand */
    const struct status_row *row;
    const struct look_row *look;
    const char *name;
    uint32_t pid;
    struct buf *out;
    bool json;
    size_t alarms;
};

/* One difference. */
void live_alarm(struct live *l, const char *what, const char *expected, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* The process in hand, one subject each. */
void live_descriptors(struct live *l);
void live_memory(struct live *l);
void live_filter(struct live *l);

/* A process alone; the number of alarms, appended to `out` as lines or as JSON objects. */
size_t live_process(const struct live_city *city, size_t index, struct buf *out, bool json);

/* All of them, and the supervisor; the last line or member counts. True: nothing differs. */
bool live_check(struct buf *b, const struct live_city *city, bool json);

#endif
