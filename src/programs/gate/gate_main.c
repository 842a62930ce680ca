/*
 * bulkhead-gate -- a zone's network front: TLS 1.3, MQTT and HTTP/1.1.
 *
 * It opens what it was given, walks through whole handshakes in memory so that OpenSSL has loaded
 * whatever it loads, closes its sandbox, and then serves. See gate.h.
 */
#include "base/random.h"
#include "programs/limits.h"
#include "programs/gate/gate.h"
#include "runtime/log.h"
#include "runtime/sandbox_rules.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { CONNECTIONS_DEFAULT = 1024, OTHER_FILES = LIMITS_GATE_OTHER_FILES };

static const struct sandbox_rule rules[] = {
#include "programs/gate/gate.seccomp.def"
};
static const struct sandbox_profile profile = {"gate", rules, ARRAY_COUNT(rules)};

static struct gate the_gate;

static enum err gate_open(void *self, struct start *start);
static enum err gate_main_serve(void *self, struct loop *loop);
static void gate_counters(void *self, uint64_t out[static PROGRAM_COUNTERS]);
static void gate_main_stop(void *self);

/* Not const: how many descriptors it may hold follows from what it was given. */
static struct program program = {
    .kind = "gate",
    .profile = &profile,
    .open = gate_open,
    .serve = gate_main_serve,
    .counters = gate_counters,
    .stop = gate_main_stop,
};

static uint32_t
connections_max(const struct start *start)
{
    uint64_t want = start->numbers[NUMBER_CONNECTIONS_MAX];
    struct rlimit files;
    if (want == 0)
        want = CONNECTIONS_DEFAULT;
    if (want > GATE_CONNECTIONS_MAX)
        want = GATE_CONNECTIONS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max != RLIM_INFINITY &&
        files.rlim_max < want + OTHER_FILES)
        want = files.rlim_max > 2 * OTHER_FILES ? files.rlim_max - OTHER_FILES : OTHER_FILES;
    return (uint32_t)want;
}

static enum err
take_listeners(struct gate *g, const struct start *start)
{
    for (size_t i = 0; i < start->fds_count; i++) {
        const struct start_fd *fd = &start->fds[i];
        if (fd->role != FD_LISTEN_MQTTS && fd->role != FD_LISTEN_HTTPS)
            continue;
        if (g->listeners_count == GATE_LISTENERS_MAX)
            return ERR_LIMIT;
        struct gate_listener *l = &g->listeners[g->listeners_count++];
        l->protocol = fd->role == FD_LISTEN_MQTTS ? TLS_MQTT : TLS_HTTP;
        l->watch = (struct watch){.fd = fd->fd};
    }
    return OK;
}

/* Every algorithm is used once before the sandbox closes, with an answer that is known. */
static enum err
warm_up(void)
{
    enum err e = tls_warm_up();
    struct buf accept; /* the example of RFC 6455 1.3 */
    buf_init(&accept, 64);
    if (e == OK)
        e = web_peer_accept(bytes_text("dGhlIHNhbXBsZSBub25jZQ=="), &accept);
    if (e == OK && !bytes_are(buf_bytes(&accept), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        e = ERR_CRYPTO;
    buf_fini(&accept);
    return e;
}

static enum err
gate_open(void *self, struct start *start)
{
    struct gate *g = self;
    const char *why = NULL;
    int core_fd = start_fd(start, FD_CORE, NULL);
    if (core_fd < 0)
        return ERR_NOT_FOUND;
    signal(SIGPIPE, SIG_IGN); /* a client that left is an error of write(2) */
    enum err e = tls_memory();
    if (e == OK)
        e = warm_up();
    if (e != OK) {
        log_event("open_failed", "step=warm-up error=\"%s\"", err_text(e));
        return e;
    }
    e = tls_init(
        &g->tls, start_text(start, TEXT_TLS_KEY_PEM), start_text(start, TEXT_TLS_CERTIFICATE_PEM),
        start_text(start, TEXT_DEVICE_ISSUER_PEM), start_text(start, TEXT_PEOPLE_ISSUER_PEM), &why);
    if (e != OK) {
        log_event("open_failed", "step=tls why=\"%s\"", why);
        return e;
    }
    struct random_source random = random_system();
    uint32_t max = connections_max(start);
    e = gate_init(g, start->zone, max, core_fd, clock_system(), random_u64(&random) >> 24);
    if (e == OK)
        e = take_listeners(g, start);
    program.limits.files = max + OTHER_FILES;
    return e;
}

static enum err
gate_main_serve(void *self, struct loop *loop)
{
    return gate_serve(self, loop);
}

static void
gate_counters(void *self, uint64_t out[static PROGRAM_COUNTERS])
{
    const struct gate *g = self;
    out[0] = g->count;
    out[1] = g->publishes;
    out[2] = g->requests;
    out[3] = g->refused;
    out[4] = g->strangers;
}

static void
gate_main_stop(void *self)
{
    gate_stop(self);
}

int
main(void)
{
    return program_run(&program, &the_gate);
}
