#include "programs/program.h"

#include "programs/limits.h"
#include "programs/messages.h"
#include "programs/secrets.h"
#include "runtime/log.h"
#include "wire/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sodium.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { KEEP_MAX = 256, PROGRAM_CONDITION_SIZE = 161 };

static int keep[KEEP_MAX];
static size_t keep_count;

struct life {
    const struct program *program;
    void *self;
    struct start *start;
    struct loop *loop;
    struct channel control;
    struct watch control_watch;
    uint64_t beat;
    bool failed; /* or lost the supervisor */
};

static struct life life_now; /* of this process: one thread, one program */

const struct start *
program_given(void)
{
    return life_now.start;
}

void
program_keep(int fd)
{
    ASSERT(keep_count < KEEP_MAX && fd >= 0);
    keep[keep_count++] = fd;
}

const char *const *
program_counter_names(const char *kind)
{
    static const struct {
        const char *kind;
        const char *names[PROGRAM_COUNTERS];
    } rows[] = {
        {"gate", {"connections", "publishes", "requests", "refused", "strangers", "", "", "", ""}},
        {"core",
         {"stored", "refused", "reads", "reads_refused", "leases", "leases_refused", "obeyed",
          "shown", "not_kept"}},
        {"warden", {"granted", "refused", "", "", "", "", "", "", ""}},
        {"ledger", {"entries", "logs", "bytes", "", "", "", "", "", ""}},
        {"judge", {"granted", "refused", "", "", "", "", "", "", ""}},
        {"conduit",
         {"passed", "refused_kind", "refused_rate", "refused_group", "refused_cut", "", "", "",
          ""}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (strcmp(rows[i].kind, kind) == 0)
            return rows[i].names;
    return NULL;
}

/* Read rows until `begin`. */
static enum err
receive_start(struct start *start)
{
    uint8_t *packet = sodium_malloc(CHANNEL_PACKET_MAX); /* it may hold a key */
    enum err e = packet ? OK : ERR_LIMIT;
    bool begun = false;
    while (e == OK && !begun) {
        size_t len;
        int fd;
        e = channel_receive_fd(PROGRAM_CONTROL_FD, packet, CHANNEL_PACKET_MAX, &len, &fd);
        struct bytes rest = bytes_of(packet, e == OK ? len : 0);
        while (e == OK && rest.len && !begun) {
            uint16_t id;
            struct bytes body;
            e = channel_next_frame(&rest, &id, &body);
            begun = e == OK && id == begin_id;
            if (e == OK && !begun)
                e = start_take(start, id, body, fd);
            fd = -1;
        }
    }
    sodium_free(packet);
    return e;
}

static int
compare_bytes(const void *a, const void *b)
{
    return (int)*(const uint8_t *)a - (int)*(const uint8_t *)b;
}

/* Libraries open files and ask the kernel things at first use: let them do it now. */
static void
warm_up(void)
{
    tzset();
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    gmtime_r(&now, &tm);
    static uint8_t sorted[4096];
    randombytes_buf(sorted, sizeof(sorted));
    qsort(sorted, sizeof(sorted), 1, compare_bytes); /* glibc asks for the size of memory once */
    char text[64];
    snprintf(text, sizeof(text), "%.17g %s", strtod("0.1", NULL), strerror(EIO));
}

static void
on_beat(void *ctx)
{
    struct life *life = ctx;
    uint64_t c[PROGRAM_COUNTERS] = {0};
    if (life->program->counters)
        life->program->counters(life->self, c);
    struct heartbeat m = {++life->beat, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8]};
    if (CHANNEL_SEND(&life->control, heartbeat, &m) != OK ||
        channel_flush(&life->control) == ERR_CLOSED) {
        life->failed = true;
        loop_stop(life->loop);
    }
}

void
program_fail(void)
{
    life_now.failed = true;
    if (life_now.loop)
        loop_stop(life_now.loop);
}

void
program_complain(const char *channel)
{
    struct complaint m = {bytes_text(channel)};
    if (life_now.program && CHANNEL_SEND(&life_now.control, complaint, &m) == OK &&
        channel_flush(&life_now.control) != OK)
        program_fail();
}

void
program_condition(const char *what)
{
    static char said[PROGRAM_CONDITION_SIZE];
    if (!life_now.program || strcmp(said, what) == 0)
        return;
    struct condition m = {bytes_text(what)};
    snprintf(said, sizeof(said), "%s", what);
    log_event("condition", "what=\"%s\"", what);
    if (CHANNEL_SEND(&life_now.control, condition, &m) != OK ||
        channel_flush(&life_now.control) == ERR_CLOSED)
        program_fail();
}

static enum err
on_control_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct life *life = ctx;
    struct stop m;
    if (id == cut_off_id ||
        id == hold_store_id) /* asked for anew at each decision, so nobody needs to be told */
        return start_take(life->start, id, body, -1);
    if (id != stop_id || stop_decode(body, &m) != OK)
        return ERR_MALFORMED;
    if (life->program->stop)
        life->program->stop(life->self);
    on_beat(life); /* the last counters */
    loop_stop(life->loop);
    return OK;
}

static void
on_control(void *ctx, int fd, unsigned events)
{
    struct life *life = ctx;
    (void)fd, (void)events;
    enum err e = channel_receive(&life->control, on_control_frame, life);
    if (e != OK && e != ERR_AGAIN) {
        life->failed = true;
        loop_stop(life->loop);
    }
}

static enum err
confine(struct life *life, struct sandbox_report *report)
{
    const struct program *p = life->program;
    struct start *start = life->start;
    for (int fd = 0; fd <= PROGRAM_CONTROL_FD; fd++)
        program_keep(fd);
    program_keep(loop_fd(life->loop));
    for (size_t i = 0; i < start->fds_count; i++)
        if (start->fds[i].fd >= 0)
            program_keep(start->fds[i].fd);
    struct sandbox_limits limits = p->limits;
    if (limits.memory_bytes == 0)
        limits.memory_bytes = start->memory_bytes;
    if (limits.files == 0)
        limits.files = LIMITS_FILES;
    if (limits.file_bytes == 0)
        limits.file_bytes = LIMITS_FILE_BYTES;
    uint32_t walls = SANDBOX_ALL_WALLS;
    if (start->numbers[NUMBER_WALLS])
        walls = (uint32_t)start->numbers[NUMBER_WALLS];
    struct sandbox_config config = {
        .profile = p->profile,
        .limits = limits,
        .uid = (uint32_t)start->numbers[NUMBER_UID],
        .walls = walls,
        .keep = keep,
        .keep_count = keep_count,
    };
    const char *step = "";
    enum err e = sandbox_close(&config, report, &step);
    if (e != OK)
        log_event("sandbox_failed", "wall=%s errno=%d", step, errno);
    return e;
}

static enum err
begin_life(struct life *life)
{
    const struct program *p = life->program;
    struct start *start = life->start;
    enum err e = receive_start(start);
    if (e != OK) {
        log_event("start_failed", "step=receive error=\"%s\"", err_text(e));
        return e;
    }
    log_name(p->kind, start->zone);
    channel_init(&life->control, PROGRAM_CONTROL_FD);
    warm_up();
    e = p->open(life->self, start);
    start_wipe(start);
    if (e != OK) {
        log_event("start_failed", "step=open error=\"%s\"", err_text(e));
        return e;
    }
    if (!secrets_locked())
        log_event("secrets_not_locked", "hint=\"raise the limit for locked memory (ulimit -l)\"");
    e = loop_new(&life->loop);
    if (e != OK)
        return e;
    if (fcntl(PROGRAM_CONTROL_FD, F_SETFL, O_NONBLOCK) != 0)
        return ERR_IO;
    channel_refuse_fds(PROGRAM_CONTROL_FD);
    struct sandbox_report report = {0};
    e = confine(life, &report);
    if (e != OK)
        return e;
    uint8_t digest[32];
    messages_digest(digest);
    struct confined m = {bytes_of(digest, sizeof(digest)), (uint8_t)report.landlock_abi,
                         report.walls};
    e = CHANNEL_SEND(&life->control, confined, &m);
    if (e == OK)
        e = channel_flush(&life->control);
    if (e == OK)
        e = p->serve(life->self, life->loop);
    if (e != OK)
        log_event("start_failed", "step=serve error=\"%s\"", err_text(e));
    return e;
}

/*
 * Answers come and go by the hundred kilobytes. What malloc gave back to the kernel between two of
 * them had to be mapped and cleared again for the next: a quarter of what an answer cost the gate.
 */
static void
keep_memory(void)
{
    enum { MAPPED_FROM = 1 << 20, KEPT_ON_TOP = 8 << 20, TAKEN_AT_ONCE = 256 << 10 };
    /* Advice: an allocator that does not take it (a sanitizer's) is slower, and as right. */
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_ON_TOP);
    (void)mallopt(M_TOP_PAD, TAKEN_AT_ONCE);
}

int
program_run(const struct program *program, void *self)
{
    log_name(program->kind, "");
    keep_memory();
    if (sodium_init() < 0)
        return 1;
    static struct start given;
    struct life *life = &life_now;
    *life = (struct life){.program = program, .self = self, .start = &given};
    if (begin_life(life) != OK)
        return 1;
    life->control_watch = (struct watch){.fd = PROGRAM_CONTROL_FD, .fn = on_control, .ctx = life};
    if (loop_watch(life->loop, &life->control_watch, LOOP_READ) != OK)
        return 1;
    loop_every(life->loop, PROGRAM_BEAT_MS, on_beat, life);
    on_beat(life);
    enum err e = loop_run(life->loop);
    _exit(e == OK && !life->failed ? 0 : 1); /* libraries' clean-up would want more system calls */
}
