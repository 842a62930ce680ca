/*
 * voices.c -- honest voices: what neighbours, devices and people say while one is breached.
 *
 * Pairs outlive the processes at their ends, and we hold both ends of all. Where an answer is
 * awaited, the process whose end it is stands still meanwhile (SIGSTOP), so that only one reads.
 */
#include "drill/survey.h"

#include "drill/client.h"
#include "programs/judge/token_client.h"
#include "programs/messages.h"
#include "wire/channel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PACKET_MAX = 65536, NAME_SIZE = MATRIX_NAME_SIZE };

/* ---- frames ---------------------------------------------------------------------------------- */

static bool
send_body(int fd, uint16_t id, struct buf *body)
{
    struct buf packet;
    buf_init(&packet, CHANNEL_PACKET_MAX);
    channel_put_frame(&packet, id, buf_bytes(body));
    bool good = fd >= 0 && buf_error(&packet) == OK &&
                write(fd, packet.p, packet.len) == (ssize_t)packet.len;
    buf_fini(&packet);
    return good;
}

#define SAY(fd, name, ...)                                                                         \
    ({                                                                                             \
        struct name say_ = {__VA_ARGS__};                                                          \
        struct buf *say_body_ = channel_body();                                                    \
        name##_encode(&say_, say_body_);                                                           \
        send_body(fd, name##_id, say_body_);                                                       \
    })

static uint64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Packets until `each` is content (true), or the deadline. */
static bool
listen_for(int fd, bool (*each)(void *ctx, uint16_t id, struct bytes body), void *ctx)
{
    static uint8_t packet[PACKET_MAX];
    uint64_t end = now_ms() + SURVEY_PATIENCE_MS;
    for (uint64_t now = now_ms(); fd >= 0 && now < end; now = now_ms()) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        poll(&p, 1, (int)(end - now));
        ssize_t n = read(fd, packet, sizeof(packet));
        struct bytes rest = bytes_of(packet, n > 0 ? (size_t)n : 0), body;
        uint16_t id;
        if (n == 0)
            return false;
        while (rest.len && channel_next_frame(&rest, &id, &body) == OK)
            if (each(ctx, id, body))
                return true;
    }
    return false;
}

static void
discard(int fd)
{
    static uint8_t packet[PACKET_MAX];
    while (fd >= 0 && read(fd, packet, sizeof(packet)) > 0)
        continue;
}

static void
zone_name(const struct survey *s, uint32_t zone, const char *kind, char to[static NAME_SIZE])
{
    snprintf(to, NAME_SIZE, "%s/%s", s->charter->zones[zone].name, kind);
}

/* Stop a process, and wait until it stands still; -1 when there is none. */
static pid_t
hold(const struct survey *s, const char *compartment)
{
    siginfo_t info;
    pid_t pid = range_pid(s->range, compartment);
    if (pid <= 0 || kill(pid, SIGSTOP) != 0)
        return -1;
    while (waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT) != 0 && errno == EINTR)
        continue;
    return pid;
}

static void
let_go(pid_t pid)
{
    if (pid > 0)
        kill(pid, SIGCONT);
}

/* ---- in the place of a gate -------------------------------------------------------------------
 */

struct question {
    uint64_t peer;
    uint16_t status;
    uint32_t length;
    struct buf *body;
};

static bool
take_answer(void *ctx, uint16_t id, struct bytes body)
{
    struct question *q = ctx;
    struct answer head;
    struct answer_body part;
    if (id == answer_id && answer_decode(body, &head) == OK && head.peer == q->peer) {
        q->status = head.status;
        q->length = head.body_length;
    } else if (id == answer_body_id && answer_body_decode(body, &part) == OK &&
               part.peer == q->peer) {
        buf_put(q->body, part.part);
    }
    return q->status && q->body->len >= q->length;
}

/* What a device asks, over the gate's end; the status, 0 when no answer came. */
static int
ask_as_gate(struct survey *s, uint32_t zone, const char *device, const char *method,
            const char *json, struct buf *out)
{
    static const uint8_t digest[32] = {9};
    char gate[NAME_SIZE];
    struct question q = {.peer = random_u64(&s->random) | 1, .body = out};
    zone_name(s, zone, "gate", gate);
    int fd = range_end(s->range, gate, FD_CORE, NULL);
    pid_t held = hold(s, gate);
    discard(fd);
    bool said =
        SAY(fd, peer_open, q.peer, PEER_DEVICE, bytes_text(device), bytes_of(digest, 32), 0) &&
        SAY(fd, ask, q.peer, 1, bytes_text(method), bytes_text("/v1.1/Things"), bytes_text(""),
            bytes_text(json ? "application/json" : ""), (uint32_t)(json ? strlen(json) : 0)) &&
        (!json || SAY(fd, ask_body, q.peer, 1, bytes_text(json)));
    bool heard = said && listen_for(fd, take_answer, &q);
    if (said && !SAY(fd, peer_close, q.peer))
        heard = false;
    let_go(held);
    return heard ? q.status : 0;
}

static uint32_t
mark_of(const struct survey *s, const char *compartment)
{
    int32_t i = matrix_find(s->m, compartment);
    ASSERT(i >= 0);
    return (uint32_t)i;
}

enum err
voices_plant(struct survey *s)
{
    for (uint32_t z = 0; z < s->charter->zones_count; z++) {
        char core[NAME_SIZE], json[200];
        struct buf answer;
        buf_init(&answer, PACKET_MAX);
        zone_name(s, z, "core", core);
        snprintf(json, sizeof(json), "{\"name\":\"%s\",\"description\":\"planted\"}",
                 s->marks[mark_of(s, core)]);
        int status = ask_as_gate(s, z, "keeper", "POST", json, &answer);
        buf_fini(&answer);
        if (status != 201) {
            fprintf(stderr, "bulkhead: %s takes no mark (%d)\n", core, status);
            return ERR_IO;
        }
    }
    return OK;
}

bool
voices_core_holds(struct survey *s, uint32_t zone, bool *out_answered)
{
    struct buf answer;
    buf_init(&answer, 4 * PACKET_MAX);
    /* It may hold this end as well, and would read the answer first where it is the quicker one. */
    pid_t breached = hold(s, s->m->compartments[s->breached].name);
    int status = ask_as_gate(s, zone, s->nonce, "GET", NULL, &answer);
    let_go(breached);
    bool holds = answer.len && memmem(answer.p, answer.len, s->nonce, strlen(s->nonce));
    buf_fini(&answer);
    *out_answered = status != 0;
    return holds;
}

/* ---- in the place of others ------------------------------------------------------------------ */

static void
say_record(struct survey *s, const char *compartment)
{
    char entry[120];
    snprintf(entry, sizeof(entry), "{\"event\":\"drill\",\"mark\":\"%s\"}",
             s->marks[mark_of(s, compartment)]);
    int fd = range_end(s->range, compartment, FD_LEDGER, NULL);
    if (!SAY(fd, record, random_u64(&s->random) | 1, bytes_text(entry)))
        fprintf(stderr, "bulkhead: %s cannot speak to the ledger\n", compartment);
}

static void
say_to_core(struct survey *s, const char *warden)
{
    struct bytes mark = bytes_text(s->marks[mark_of(s, warden)]);
    int fd = range_end(s->range, warden, FD_CORE, NULL);
    if (!SAY(fd, lease_refused, random_u64(&s->random) | 1, bytes_text("drill"),
             bytes_text("drill"), bytes_text("drill"), mark))
        fprintf(stderr, "bulkhead: %s cannot speak to its core\n", warden);
}

/* A command that does not exist: it is refused, and no lease is made. */
static bool
say_wish(struct survey *s, const char *core)
{
    int fd = range_end(s->range, core, FD_WARDEN, NULL);
    struct bytes mark = bytes_text(s->marks[mark_of(s, core)]);
    return SAY(fd, wish, random_u64(&s->random) | 1, mark, bytes_text("drill"), bytes_text(""),
               bytes_text("controller"), bytes_text(""));
}

/* A gate of devices only: strangers do not get as far as its core, so a device's message is said.
 */
static void
say_publish(struct survey *s, const char *gate)
{
    int fd = range_end(s->range, gate, FD_CORE, NULL);
    if (!SAY(fd, publish, random_u64(&s->random) | 1, 0, bytes_text("drill"),
             bytes_text(s->marks[mark_of(s, gate)])))
        fprintf(stderr, "bulkhead: %s cannot speak to its core\n", gate);
}

void
voices_say(struct survey *s)
{
    for (uint32_t i = 0; i < s->m->count; i++) {
        const struct matrix_compartment *k = &s->m->compartments[i];
        if (k->kind == MATRIX_GATE && !matrix_has_https(s->charter, (uint32_t)k->zone) &&
            s->charter->zones[k->zone].listen_count)
            say_publish(s, k->name);
        if (k->kind != MATRIX_LEDGER && k->kind != MATRIX_GATE)
            say_record(s, k->name);
        if (k->kind != MATRIX_WARDEN)
            continue;
        char core[NAME_SIZE];
        zone_name(s, (uint32_t)k->zone, "core", core);
        say_to_core(s, k->name);
        if (!say_wish(s, core))
            fprintf(stderr, "bulkhead: %s cannot speak to its warden\n", core);
    }
}

/* Sums of different ones are different, and the nonce's count is above all sums. */
uint32_t
voices_count_of(const struct survey *s, uint32_t conduit)
{
    static const uint32_t steps[] = {1000, 2000, 4000, 8000, 16000, 40000, 80000, 160000};
    uint32_t before = 0;
    for (uint32_t i = 0; i < conduit; i++)
        before += s->charter->conduits[i].to == s->charter->conduits[conduit].to;
    return steps[before % ARRAY_COUNT(steps)];
}

void
voices_count(struct survey *s, uint32_t conduit)
{
    const struct charter_conduit *k = &s->charter->conduits[conduit];
    char core[NAME_SIZE], cell[SURVEY_MARK_SIZE];
    zone_name(s, k->from, "core", core);
    snprintf(cell, sizeof(cell), "cell-%u-%u", 12000 + conduit, s->columns[conduit]);
    int fd = range_end(s->range, core, FD_CONDUIT, k->name);
    if (!SAY(fd, zone_count, bytes_text(cell), voices_count_of(s, conduit),
             (int64_t)time(NULL) / 60 * 60 - 60, 60))
        fprintf(stderr, "bulkhead: %s cannot speak to %s\n", core, k->name);
}

static bool
take_lease(void *ctx, uint16_t id, struct bytes body)
{
    struct lease_granted m;
    return id == lease_granted_id && lease_granted_decode(body, &m) == OK &&
           bytes_are(m.device, ctx);
}

bool
voices_warden_grants(struct survey *s, uint32_t zone)
{
    const struct charter_command *command = matrix_command(s->charter, zone);
    char core[NAME_SIZE], device[NAME_SIZE];
    if (!command)
        return true;
    zone_name(s, zone, "core", core);
    snprintf(device, sizeof(device), "asker-%u", s->devices++);
    int fd = range_end(s->range, core, FD_WARDEN, NULL);
    bool phase = strcmp(command->name, "phase-request") == 0;
    pid_t held = hold(s, core);
    discard(fd);
    bool grants = SAY(fd, wish, random_u64(&s->random) | 1, bytes_text(device),
                      bytes_text(command->name), bytes_text(phase ? "phase 0\n" : "power-w 0\n"),
                      bytes_text("controller"), bytes_text("")) &&
                  listen_for(fd, take_lease, device);
    let_go(held);
    return grants;
}

/* ---- clients -----------------------------------------------------------------------------------
 */

/* One question at a gate; the status, 0 when no answer came. */
static int
ask_gate(struct survey *s, uint32_t zone, const char *caller, const struct client_request *r,
         struct buf *out)
{
    struct client_identity who = {0};
    struct client *client = NULL;
    char why[CLIENT_WHY_SIZE], folder[CLIENT_PATH_SIZE / 2], gate[NAME_SIZE];
    const char *name = s->charter->zones[zone].name;
    int status = 0;
    zone_name(s, zone, "gate", gate);
    if (range_pid(s->range, gate) <= 0)
        return 0; /* its socket is open, and nobody will ever answer */
    if (caller) {
        snprintf(folder, sizeof(folder), "%s/callers/%s", range_state(s->range), caller);
        client_identity_in(folder, &who);
    }
    who.wait_ms = SURVEY_PATIENCE_MS;
    snprintf(who.issuer, sizeof(who.issuer), "%s/pki/issuer-%s.pem", range_state(s->range), name);
    if (client_open(&who, range_port(s->range, name, true), &client, why) != OK)
        return 0;
    if (client_ask(client, r, &status, out) != OK)
        status = 0;
    client_close(client);
    return status;
}

bool
voices_stranger(struct survey *s, uint32_t zone)
{
    char gate[NAME_SIZE], path[80];
    struct buf answer;
    zone_name(s, zone, "gate", gate);
    snprintf(path, sizeof(path), "/%s", s->marks[mark_of(s, gate)]);
    struct client_request r = {.method = "GET", .target = path};
    buf_init(&answer, PACKET_MAX);
    ask_gate(s, zone, NULL, &r, &answer);
    bool chosen = answer.len && memmem(answer.p, answer.len, s->nonce, strlen(s->nonce));
    buf_fini(&answer);
    return chosen;
}

bool
voices_gate_serves(struct survey *s, uint32_t zone)
{
    struct client_request r = {.method = "GET", .target = "/v1.1"};
    struct buf answer;
    buf_init(&answer, PACKET_MAX);
    int status = ask_gate(s, zone, NULL, &r, &answer);
    bool serves = status == 200 && memmem(answer.p, answer.len, "serverSettings", 14);
    buf_fini(&answer);
    return serves;
}

bool
voices_core_reads(struct survey *s, uint32_t zone)
{
    uint32_t caller, purpose;
    struct client_request r = {
        .method = "GET", .target = "/v1.1/Datastreams", .token = s->tokens[zone]};
    struct buf answer;
    if (!matrix_reader(s->charter, zone, &caller, &purpose))
        return true;
    buf_init(&answer, PACKET_MAX);
    int status = ask_gate(s, zone, s->charter->callers[caller].name, &r, &answer);
    buf_fini(&answer);
    return status == 200;
}

bool
voices_core_commands(struct survey *s, uint32_t zone)
{
    uint32_t caller, command;
    char body[200], warden[NAME_SIZE];
    struct buf answer;
    if (!matrix_commander(s->charter, zone, &caller, &command))
        return true;
    const char *name = s->charter->zones[zone].commands[command].name;
    bool phase = strcmp(name, "phase-request") == 0;
    snprintf(body, sizeof(body),
             "{\"device\":\"asker-%u\",\"command\":\"%s\",\"parameters\":{\"%s\":0}}", s->devices++,
             name, phase ? "phase" : "power-w");
    struct client_request r = {
        .method = "POST", .target = "/v1.1/Commands", .token = s->commands[zone], .body = body};
    buf_init(&answer, PACKET_MAX);
    int status = ask_gate(s, zone, s->charter->callers[caller].name, &r, &answer);
    buf_fini(&answer);
    /* An answer that came too late for us: the lease may have been made all the same. */
    zone_name(s, zone, "warden", warden);
    bool late = status == 0 && s->breached != mark_of(s, warden);
    s->leases[zone] += status == 201 || late;
    return status == 201;
}

/* ---- the judge ------------------------------------------------------------------------------- */

static int
connect_judge(const struct survey *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_usec = SURVEY_PATIENCE_MS * 1000};
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/judge.sock",
                     range_state(s->range));
    ASSERT(n > 0 && (size_t)n < sizeof(address.sun_path));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
                    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool
take_token(struct survey *s, uint32_t caller, uint32_t zone, const char *purpose,
           char out[static SURVEY_TOKEN_SIZE])
{
    char why[TOKEN_CLIENT_WHY_SIZE];
    struct token_client *client = NULL;
    struct token_wish wish = {s->charter->zones[zone].name, purpose, 900, {0}};
    struct buf token;
    int fd = connect_judge(s);
    buf_init(&token, SURVEY_TOKEN_SIZE);
    bool good = fd >= 0 &&
                token_client_new(range_state(s->range), s->charter->callers[caller].name, &client,
                                 why) == OK &&
                token_client_ask(client, fd, &wish, &token, why) == OK &&
                bytes_copy_text(buf_bytes(&token), out, SURVEY_TOKEN_SIZE) == OK;
    token_client_free(client);
    buf_fini(&token);
    if (fd >= 0)
        close(fd);
    return good;
}

bool
voices_tokens(struct survey *s)
{
    bool good = true;
    for (uint32_t z = 0; z < s->charter->zones_count; z++) {
        uint32_t caller, other;
        if (matrix_reader(s->charter, z, &caller, &other))
            good = take_token(s, caller, z, s->charter->purposes[other].name, s->tokens[z]) && good;
        if (matrix_commander(s->charter, z, &caller, &other))
            good = take_token(s, caller, z, "operate", s->commands[z]) && good;
    }
    return good;
}

bool
voices_judge_grants(struct survey *s)
{
    char token[SURVEY_TOKEN_SIZE];
    const struct charter *c = s->charter;
    for (uint32_t i = 0; i < c->callers_count; i++)
        for (uint32_t z = 0; z < c->zones_count; z++)
            for (uint32_t p = 0; p < c->purposes_count; p++)
                if ((c->callers[i].zones >> z & 1) && (c->callers[i].purposes >> p & 1))
                    return take_token(s, i, z, c->purposes[p].name, token);
    return true;
}
