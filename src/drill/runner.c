#include "drill/runner.h"

#include "base/clock.h"
#include "base/text.h"
#include "drill/answer.h"
#include "drill/breach.h"
#include "drill/copy.h"
#include "drill/interrupt.h"
#include "drill/victims.h"
#include "drills/payload.h"
#include "runtime/sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct drill {
    const struct drill_config *config;
    struct copy *city;
    struct victims victims;
    struct clock_source clock;
    struct drill_result *result;
    uint64_t walk; /* of the sample */
    bool root;
};

/* Which walls a layer alone means. Capabilities are always dropped, as they were when measured. */
static uint64_t
walls_of(enum drill_layer layer)
{
    uint64_t base = 1U << WALL_CAPABILITIES | 1U << WALL_UID;
    switch (layer) {
    case LAYER_ALL:
        return 0; /* all of them */
    case LAYER_SECCOMP:
        return base | 1U << WALL_NO_NEW_PRIVS | 1U << WALL_SECCOMP;
    case LAYER_NAMESPACES:
        return base | 1U << WALL_NAMESPACES | 1U << WALL_ROOT;
    case LAYER_LANDLOCK:
        return base | 1U << WALL_NO_NEW_PRIVS | 1U << WALL_LANDLOCK;
    case LAYER_UID:
        return base;
    case LAYER_LIMITS:
        return base | 1U << WALL_LIMITS | 1U << WALL_DESCRIPTORS;
    }
    return 0;
}

/* Which walls a breached process gets; 0: all. */
static uint64_t
walls_now(const struct drill_config *config)
{
    uint32_t without = config->without;
    if (!without)
        return walls_of(config->layer);
    if (without >> WALL_NAMESPACES & 1)
        without |= 1U << WALL_ROOT; /* an empty root needs a namespace of mounts */
    if (without >> WALL_NO_NEW_PRIVS & 1)
        without |= 1U << WALL_LANDLOCK | 1U << WALL_SECCOMP; /* the kernel wants it for both */
    return SANDBOX_ALL_WALLS & ~without;
}

/* True where an attempt may well get through: a wall is missing on purpose. */
static bool
has_holes(const struct drill_config *config)
{
    return config->layer != LAYER_ALL || config->without != 0;
}

static bool
has_wall_of_users(const struct drill_config *config)
{
    if (config->without)
        return !(config->without >> WALL_UID & 1);
    return config->layer == LAYER_ALL || config->layer == LAYER_UID;
}

/* ---- one attempt in one process -------------------------------------------------------------- */

static struct outcome
wait_for_answer(struct drill *d, struct spawned *child)
{
    struct buf log;
    bool begun = false;
    int status = 0;
    uint64_t deadline = clock_mono_ms(&d->clock) + DRILL_START_MS;
    buf_init(&log, 16384);
    for (;;) {
        struct pollfd p = {.fd = child->log_fd, .events = POLLIN};
        poll(&p, 1, 20);
        answer_read_log(child->log_fd, &log);
        if (answer_begun(&log) && !begun) {
            deadline = clock_mono_ms(&d->clock) + DRILL_ATTEMPT_MS;
            begun = true;
        }
        if (waitpid(child->pid, &status, WNOHANG) == child->pid)
            break;
        if (clock_mono_ms(&d->clock) > deadline) {
            kill(child->pid, SIGKILL);
            waitpid(child->pid, &status, 0);
            buf_fini(&log);
            return (struct outcome){.answer = ANSWER_FAILED, .how = "no answer in time"};
        }
    }
    answer_read_log(child->log_fd, &log);
    struct outcome o = answer_of(status, &log);
    buf_fini(&log);
    return o;
}

static struct outcome
run_once(struct drill *d, size_t process, const char *object, const char *id)
{
    struct outcome failed = {.answer = ANSWER_FAILED, .how = "the process could not be started"};
    struct plan *plan = &d->city->plan;
    struct breach b = {.program = plan->processes[process].program,
                       .payload = object,
                       .attempt = id,
                       .targets = d->victims.targets,
                       .walls = walls_now(d->config)};
    struct spawned child;
    enum err fed;
    if (breach_start(plan, process, &b, &child, &fed) != OK)
        return failed;
    struct outcome o = wait_for_answer(d, &child);
    if (fed != OK && o.answer != ANSWER_ESCAPED)
        o = failed;
    close(child.control_fd);
    close(child.log_fd);
    return o;
}

/* ---- the private copy of the city --------------------------------------------------------------
 */

static enum err
open_city(struct drill *d)
{
    struct plan *plan = &d->city->plan;
    enum err e = copy_make(d->city, d->config->charter, d->config->libexec);
    if (e != OK)
        return e;
    if (d->root && !has_wall_of_users(d->config))
        for (size_t i = 0; i < plan->processes_count; i++)
            plan->processes[i].uid = VICTIMS_UID; /* no wall of users: the victim's own */
    return copy_open(d->city);
}

static enum err
open_city_again(struct drill *d)
{
    copy_close(d->city);
    return open_city(d);
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static void
print_outcome(const struct drill *d, const struct plan_process *process, const char *id,
              const char *what, const struct outcome *o)
{
    static const char *const words[] = {"refused", "ESCAPED", "skipped", "FAILED"};
    if (d->config->quiet && o->answer != ANSWER_ESCAPED && o->answer != ANSWER_FAILED)
        return;
    if (d->config->json) {
        struct buf b;
        buf_init(&b, 4096);
        buf_text(&b, "{\"attempt\":");
        text_put_json(&b, bytes_text(id));
        buf_text(&b, ",\"what\":");
        text_put_json(&b, bytes_text(what));
        buf_format(&b, ",\"compartment\":\"%s\",\"answer\":\"%s\",\"how\":", process->name,
                   words[o->answer]);
        text_put_json(&b, bytes_text(o->how));
        buf_text(&b, "}");
        printf("%s\n", buf_string(&b));
        buf_fini(&b);
        return;
    }
    printf("%s %s %s %s\n", id, process->name, words[o->answer], o->how);
}

static enum err
run_attempt(struct drill *d, size_t process, const char *object, const char *id,
            struct outcome *out)
{
    *out = run_once(d, process, object, id);
    if (out->answer != ANSWER_FAILED)
        return OK;
    /* The attempt before may have spoilt what the process starts from: once more, from new. */
    enum err e = open_city_again(d);
    if (e == OK)
        *out = run_once(d, process, object, id);
    return e;
}

static enum err
attack(struct drill *d, size_t process, const struct drill_attempt *attempt)
{
    struct outcome o;
    char why[200];
    enum err e = run_attempt(d, process, d->config->payload, attempt->id, &o);
    if (e != OK)
        return e;
    if (!has_holes(d->config) && !victims_unharmed(&d->victims, why, sizeof(why))) {
        o.answer = ANSWER_ESCAPED;
        snprintf(o.how, sizeof(o.how), "%s", why);
        victims_remove(&d->victims);
        if (victims_plant(&d->victims, d->root) != OK)
            return ERR_IO;
    }
    struct drill_result *r = d->result;
    r->runs++;
    r->escaped += o.answer == ANSWER_ESCAPED;
    r->refused += o.answer == ANSWER_REFUSED;
    r->skipped += o.answer == ANSWER_SKIPPED;
    r->failed += o.answer == ANSWER_FAILED;
    print_outcome(d, &d->city->plan.processes[process], attempt->id, attempt->what, &o);
    return OK;
}

static bool
is_chosen(const struct drill *d, size_t i)
{
    const struct plan_process *processes = d->city->plan.processes, *process = &processes[i];
    size_t len = d->config->zone ? strlen(d->config->zone) : 0;
    for (size_t k = 0; d->config->once_per_program && k < i; k++)
        if (processes[k].kind == process->kind)
            return false;
    return !d->config->zone ||
           (strncmp(process->name, d->config->zone, len) == 0 && process->name[len] == '/');
}

/* One step of a seeded walk: each attempt is in the sample with the same chance, on its own. */
static bool
is_sampled(struct drill *d)
{
    const struct drill_config *config = d->config;
    if (!config->sample)
        return true;
    d->walk = d->walk * 6364136223846793005ULL + 1442695040888963407ULL;
    return (d->walk >> 33) % d->result->attempts < config->sample;
}

static enum err
attack_all(struct drill *d, const struct drill_attempt *attempts)
{
    enum err e = OK;
    for (size_t i = 0; e == OK && i < d->city->plan.processes_count; i++) {
        struct outcome control;
        if (!is_chosen(d, i))
            continue;
        d->result->compartments++;
        e = run_attempt(d, i, d->config->control, "CONTROL", &control);
        if (control.answer != ANSWER_ESCAPED)
            d->result->control_seen = false;
        uint32_t done = 0;
        for (const struct drill_attempt *a = attempts; e == OK && a->id; a++) {
            if (strcmp(a->id, "CONTROL") == 0 || !is_sampled(d))
                continue;
            e = interrupt_seen() ? ERR_CLOSED : attack(d, i, a);
            if (d->config->progress)
                fprintf(stderr, "\r%-24s %u of %u ", d->city->plan.processes[i].name, ++done,
                        d->result->attempts);
        }
    }
    if (d->config->progress)
        fprintf(stderr, "\r%60s\r", "");
    return e;
}

static bool
load_attempts(const char *path, const struct drill_attempt **out)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    *out = object ? dlsym(object, "drill_attempts") : NULL;
    if (!*out)
        fprintf(stderr, "bulkhead: cannot load %s: %s\n", path, dlerror());
    return *out != NULL;
}

enum err
drill_run(const struct drill_config *config, struct drill_result *out)
{
    struct drill *d = calloc(1, sizeof(*d));
    const struct drill_attempt *attempts;
    ASSERT(d);
    *out = (struct drill_result){.control_seen = true};
    *d = (struct drill){
        .config = config, .clock = clock_system(), .result = out, .walk = config->seed};
    d->root = geteuid() == 0;
    d->city = calloc(1, sizeof(*d->city));
    ASSERT(d->city);
    if (!load_attempts(config->payload, &attempts))
        return ERR_IO;
    for (const struct drill_attempt *a = attempts; a->id; a++)
        out->attempts += strcmp(a->id, "CONTROL") != 0;
    interrupt_watch();
    enum err e = victims_plant(&d->victims, d->root);
    if (e != OK)
        fprintf(stderr, "bulkhead: cannot plant the victims in /tmp and /dev/shm: %s\n",
                strerror(errno));
    if (e == OK)
        e = open_city(d);
    if (e == OK)
        e = attack_all(d, attempts);
    if (interrupt_seen())
        fprintf(stderr, "bulkhead: the drill was interrupted\n");
    copy_close(d->city);
    victims_remove(&d->victims);
    free(d->city);
    free(d);
    return e;
}
