/*
 * bulkhead-supervisor CHARTER STATE LIBEXEC -- started by `bulkhead up`, which made the keys.
 *
 * It reads the charter itself and trusts nobody's word that it was checked.
 */
#include "programs/policy.h"
#include "programs/supervisor/confine.h"
#include "programs/supervisor/supervisor.h"

#include "runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
lock_state(const char *state)
{
    char path[PLAN_PATH_SIZE + 64];
    snprintf(path, sizeof(path), "%s/lock", state);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* open until we end */
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    fprintf(stderr, "bulkhead: a city runs already on %s\n", state);
    return false;
}

/* What is weak here, once. A city that lacks control groups still has each process's limits. */
static void
report_host(struct supervisor *s)
{
    for (enum group_controller g = 0; g < GROUP_CONTROLLERS; g++)
        if (s->groups.at[g].version == 0)
            s->host.weak |= 1U << HOST_WEAK_GROUPS;
    if (s->audit_fd < 0)
        s->host.weak |= 1U << HOST_WEAK_AUDIT;
    log_event("host", "kernel=%s clock=%s landlock=%d", s->host.kernel, s->host.clock,
              s->host.landlock_abi);
    for (enum host_weakness w = 0; w < HOST_WEAKNESS_COUNT; w++)
        if (s->host.weak >> w & 1)
            log_event("host_weak", "what=%s why=\"%s\"", host_weakness_word(w),
                      host_weakness_text(w));
}

int
main(int argc, char **argv)
{
    static struct supervisor s;
    struct buf text;
    if (argc != 4) {
        fprintf(stderr, "usage: bulkhead-supervisor CHARTER STATE LIBEXEC\n");
        return 2;
    }
    const char *charter_path = argv[1], *state = argv[2], *libexec = argv[3];
    log_name("supervisor", "");
    if (sodium_init() < 0 || strlen(state) >= PLAN_PATH_SIZE || strlen(libexec) >= PLAN_PATH_SIZE)
        return 3;
    struct charter *c = calloc(1, sizeof(*c));
    ASSERT(c);
    umask(077);
    host_look(&s.host, "", geteuid() == 0);
    if (s.host.missing) {
        fprintf(stderr, "bulkhead: this host lacks %s\n", s.host.missing);
        return 3;
    }
    if (!lock_state(state) || !policy_load(charter_path, state, c, &text) ||
        !policy_number_goes_up(state, c) || !policy_keep(state, charter_path, &text))
        return 1;
    s.audit_fd = audit_open();
    plan_list(&s.plan, c, state, libexec);
    if (plan_open(&s.plan) != OK) {
        fprintf(stderr, "bulkhead: %s\n", s.plan.why);
        plan_close(&s.plan);
        return 1;
    }
    groups_open(&s.groups, &s.plan);
    for (enum group_controller g = 0; g < GROUP_CONTROLLERS; g++)
        log_event("control_group", "controller=%s %s", group_controller_text(g),
                  s.groups.at[g].version == 2   ? "version=2"
                  : s.groups.at[g].version == 1 ? "version=1"
                                                : "missing=yes instead=rlimits");
    report_host(&s);
    const char *step = "";
    if (confine_supervisor(state, libexec, &step) != OK) {
        fprintf(stderr, "bulkhead: the supervisor cannot confine itself: %s: %s\n", step,
                strerror(errno));
        groups_close(&s.groups);
        plan_close(&s.plan);
        return 1;
    }
    int status = supervisor_run(&s);
    groups_close(&s.groups);
    plan_close(&s.plan); /* no socket is left where nobody listens */
    return status;
}
