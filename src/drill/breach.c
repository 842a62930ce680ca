#include "drill/breach.h"

#include "runtime/sandbox.h"

#include <unistd.h>

enum { TARGETS_TEXT_MAX = 8192 };

enum err
breach_start(struct plan *plan, size_t process, const struct breach *b, struct spawned *out,
             enum err *out_fed)
{
    char payload[600], attempt[128], targets[TARGETS_TEXT_MAX];
    static char utc[] = "TZ=UTC0";
    /* Without root no process can have walls and no namespaces: they are where its rights end. */
    bool namespaces = b->walls == 0 || (b->walls >> WALL_NAMESPACES & 1) || geteuid() != 0;
    int n = snprintf(payload, sizeof(payload), "DRILL_PAYLOAD=%s", b->payload);
    ASSERT(n > 0 && (size_t)n < sizeof(payload));
    n = snprintf(attempt, sizeof(attempt), "DRILL_ATTEMPT=%s", b->attempt);
    ASSERT(n > 0 && (size_t)n < sizeof(attempt));
    n = snprintf(targets, sizeof(targets), "DRILL_TARGETS=%s", b->targets);
    ASSERT(n > 0 && (size_t)n < sizeof(targets));
    char *const environment[] = {utc, payload, attempt, targets, NULL};
    enum err e = spawn(b->program, namespaces, plan->user_namespaces, environment, out);
    if (e != OK)
        return e;
    uint64_t before = plan->walls;
    plan->walls = b->walls;
    *out_fed = plan_feed(plan, process, out->control_fd);
    plan->walls = before;
    return OK;
}
