/*
 * matrix.c -- what a breached compartment tries on its neighbours, over all that it was given.
 *
 * EVERYTHING, in three parts. The one who started it drives them by bytes on the control channel:
 *
 *   1  what each channel is for, with a nonce of the drill in it; and every byte that comes is
 *      looked through for the marks that were planted in other compartments
 *   2  every message of every table, on every channel, then what is no message; then silence
 *   3  a neighbour by its number outside, killed or looked into: the filter ends the process for it
 *
 * "saw MARK" on standard error for every mark that was found; "part 1", "part 2" when done.
 */
#include "drills/payload.h"
#include "programs/messages.h"
#include "programs/program.h"
#include "wire/channel.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    PACKET_MAX = 65536,
    MARK_SIZE = 24,
    MARKS_MAX = 128,
    LOOK_AT_BYTES = 4 << 20,
    DESCRIPTORS = 192,
    ANSWER_MS = 3000,
    PEER = 77000, /* numbers of our own, which no honest gate has used */
    NONCE_COUNT = 400000,
};

static const char *nonce = "";
static char marks[MARKS_MAX][MARK_SIZE];
static size_t marks_count;

static const char *
word(const char *const targets[], const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; targets[i]; i++)
        if (strncmp(targets[i], key, len) == 0 && targets[i][len] == '=')
            return targets[i] + len + 1;
    return "";
}

static void
say(const char *what, const char *more)
{
    char line[120];
    int n = snprintf(line, sizeof(line), "%s%s\n", what, more);
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
        return;
}

/* No program has a call to sleep; every one may wait at its own loop, which watches nothing yet. */
static void
rest_ms(int ms)
{
    static int loop = -1;
    struct epoll_event event;
    for (int fd = PROGRAM_CONTROL_FD + 1; loop < 0 && fd < DESCRIPTORS; fd++)
        if (epoll_wait(fd, &event, 1, 0) >= 0)
            loop = fd;
    if (loop >= 0)
        epoll_wait(loop, &event, 1, ms);
}

/* ---- looking for marks ----------------------------------------------------------------------- */

static void
note_mark(const uint8_t *p, size_t len)
{
    char mark[MARK_SIZE] = "";
    size_t n = 0;
    while (n < len && n < MARK_SIZE - 1 &&
           ((p[n] >= 'a' && p[n] <= 'z') || (p[n] >= '0' && p[n] <= '9') || p[n] == '-'))
        n++;
    memcpy(mark, p, n);
    for (size_t i = 0; i < marks_count; i++)
        if (strcmp(marks[i], mark) == 0)
            return;
    if (marks_count == MARKS_MAX)
        return;
    memcpy(marks[marks_count++], mark, MARK_SIZE);
    say("saw ", mark);
}

static void
look(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i + 8 < len; i++)
        if (memcmp(p + i, "canary-", 7) == 0 || memcmp(p + i, "cell-120", 8) == 0)
            note_mark(p + i, len - i);
}

/* ---- sending --------------------------------------------------------------------------------- */

static void
send_body(int fd, uint16_t id, struct buf *body)
{
    static struct buf packet;
    if (packet.max == 0)
        buf_init(&packet, PACKET_MAX);
    buf_reset(&packet);
    channel_put_frame(&packet, id, buf_bytes(body));
    if (write(fd, packet.p, packet.len) < 0)
        return; /* nobody is there, or nobody reads */
}

#define SEND(fd, name, ...)                                                                        \
    do {                                                                                           \
        struct name m_ = {__VA_ARGS__};                                                            \
        struct buf *body_ = channel_body();                                                        \
        name##_encode(&m_, body_);                                                                 \
        send_body(fd, name##_id, body_);                                                           \
    } while (0)

static void
send_ask(int fd, uint64_t peer, const char *method, const char *target, const char *token,
         const char *body)
{
    SEND(fd, ask, peer, 1, bytes_text(method), bytes_text(target), bytes_text(token),
         bytes_text(body[0] ? "application/json" : ""), (uint32_t)strlen(body));
    if (body[0])
        SEND(fd, ask_body, peer, 1, bytes_text(body));
}

/* As the gate of a zone: any device that it has seen, a new device, a caller without a token. */
static void
be_gate(int fd, const char *device)
{
    static const uint8_t digest[32] = {7};
    struct bytes key = bytes_of(digest, sizeof(digest));
    char thing[200];
    SEND(fd, gate_started);
    SEND(fd, peer_open, PEER, PEER_DEVICE, bytes_text(device), key, 0);
    send_ask(fd, PEER, "GET", "/v1.1/Things", "", "");
    SEND(fd, peer_open, PEER + 1, PEER_DEVICE, bytes_text(nonce), key, 0);
    snprintf(thing, sizeof(thing), "{\"name\":\"%s\",\"description\":\"drill\"}", nonce);
    send_ask(fd, PEER + 1, "POST", "/v1.1/Things", "", thing);
    SEND(fd, peer_open, PEER + 2, PEER_CALLER, bytes_text(nonce), key, 0);
    send_ask(fd, PEER + 2, "GET", "/v1.1/Things", "bh1.x.y", "");
}

/* Every command that any service knows: whose warden it is, is not known. */
static void
be_core_to_warden(int fd)
{
    static const char *const wishes[][2] = {
        {"phase-request", "phase 0\n"}, {"all-flash", ""}, {"battery-setpoint", "power-w 0\n"}};
    for (size_t i = 0; i < ARRAY_COUNT(wishes); i++)
        SEND(fd, wish, PEER + i, bytes_text(nonce), bytes_text(wishes[i][0]),
             bytes_text(wishes[i][1]), bytes_text("controller"), bytes_text(""));
}

static void
send_count(int fd)
{
    SEND(fd, zone_count, bytes_text("cell-12031-9031"), NONCE_COUNT,
         (int64_t)time(NULL) / 60 * 60 - 60, 60);
}

static void
send_record(int fd)
{
    char entry[120];
    snprintf(entry, sizeof(entry), "{\"event\":\"drill\",\"note\":\"%s\"}", nonce);
    SEND(fd, record, PEER, bytes_text(entry));
}

/* What the channel is for, from this kind of process. */
static void
send_proper(const struct start_fd *f, const char *kind, const char *device)
{
    bool warden = strcmp(kind, "warden") == 0, conduit = strcmp(kind, "conduit") == 0;
    if (f->role == FD_CORE && warden)
        SEND(f->fd, lease_granted, PEER, bytes_text(nonce), bytes_text("drill"), bytes_text(nonce));
    else if ((f->role == FD_CORE && conduit) || f->role == FD_CONDUIT)
        send_count(f->fd);
    else if (f->role == FD_CORE)
        be_gate(f->fd, device);
    else if (f->role == FD_WARDEN)
        be_core_to_warden(f->fd);
    else if (f->role == FD_LEDGER && strcmp(kind, "ledger") != 0)
        send_record(f->fd);
}

/* ---- hearing --------------------------------------------------------------------------------- */

/* An honest gate's question: the answer is ours. */
static void
answer_ask(int fd, struct bytes body)
{
    struct ask m;
    if (ask_decode(body, &m) != OK)
        return;
    SEND(fd, answer, m.peer, m.ref, 200, bytes_text("text/plain"), bytes_text(""),
         (uint32_t)strlen(nonce));
    SEND(fd, answer_body, m.peer, m.ref, bytes_text(nonce));
}

static bool
is_channel(const struct start_fd *f)
{
    return f->fd >= 0 && (f->role == FD_CORE || f->role == FD_GATE || f->role == FD_WARDEN ||
                          f->role == FD_LEDGER || f->role == FD_CONDUIT);
}

static void
hear(const struct start_fd *f, bool answers)
{
    static uint8_t packet[PACKET_MAX];
    ssize_t n;
    while ((n = read(f->fd, packet, sizeof(packet))) > 0) {
        struct bytes rest = bytes_of(packet, (size_t)n), body;
        uint16_t id;
        look(packet, (size_t)n);
        while (answers && f->role == FD_GATE && rest.len &&
               channel_next_frame(&rest, &id, &body) == OK)
            if (id == ask_id)
                answer_ask(f->fd, body);
    }
}

static void
hear_all(const struct start *start, bool answers)
{
    for (size_t i = 0; i < start->fds_count; i++)
        if (is_channel(&start->fds[i]))
            hear(&start->fds[i], answers);
}

/* Hear everybody until the one who drives us says something, and what came before that; false when
 * it has gone. */
static bool
hear_until_told(const struct start *start, bool answers)
{
    char byte;
    for (;;) {
        hear_all(start, answers);
        ssize_t n = read(PROGRAM_CONTROL_FD, &byte, 1);
        if (n >= 0) {
            hear_all(start, answers);
            return n == 1;
        }
        rest_ms(2);
    }
}

/* What was asked is answered after a commit: a machine with much to do takes its time. */
static void
hear_answers(const struct start *start)
{
    for (int i = 0; marks_count == 0 && i < ANSWER_MS / 2; i++) {
        hear_all(start, true);
        rest_ms(2);
    }
}

/* Files, and whatever else is open: what can be read of it is looked through. */
static void
look_into_files(const struct start *start)
{
    static uint8_t bytes[PACKET_MAX];
    for (int fd = PROGRAM_CONTROL_FD + 1; fd < DESCRIPTORS; fd++) {
        bool channel = false;
        ssize_t n;
        for (size_t i = 0; i < start->fds_count; i++)
            channel = channel || (start->fds[i].fd == fd && is_channel(&start->fds[i]));
        for (size_t sum = 0;
             !channel && sum < LOOK_AT_BYTES && (n = read(fd, bytes, sizeof(bytes))) > 0;
             sum += (size_t)n)
            look(bytes, (size_t)n);
    }
}

/* ---- every message ----------------------------------------------------------------------------
 */

extern const struct field_row control_rows[], gate_core_rows[], core_warden_rows[], ledger_rows[],
    judge_rows[], conduit_rows[], supervisor_rows[];

/* The nonce, where there is room for it. */
static struct bytes
filling(uint64_t max)
{
    return bytes_of(nonce, strlen(nonce) < max ? strlen(nonce) : (size_t)max);
}

static const struct field_row *
put_fields(const struct field_row *row, struct buf *body)
{
    for (; row->message && row->kind != 'm'; row++) {
        if (row->kind == 't' || row->kind == 'b')
            field_blob(body, filling(row->max));
        else
            field_unsigned(body, row->kind == 'i' ? 8 : (size_t)(row->kind - '0'), row->max > 0);
    }
    return row;
}

static void
send_table(int fd, const struct field_row *row)
{
    while (row->message) {
        uint16_t id = row->id;
        struct buf *body = channel_body();
        row = put_fields(row + 1, body);
        send_body(fd, id, body);
    }
}

static void
send_everything(int fd)
{
    static const struct field_row *const tables[] = {gate_core_rows, core_warden_rows, conduit_rows,
                                                     ledger_rows,    control_rows,     judge_rows,
                                                     supervisor_rows};
    for (size_t i = 0; i < ARRAY_COUNT(tables); i++)
        send_table(fd, tables[i]);
    if (write(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) < 0)
        return;
}

/* A neighbour by its number outside; which of the ways is the drill's choice. */
static int
reach_for(pid_t pid, unsigned long trick)
{
    char here[16];
    struct iovec to = {here, sizeof(here)}, from = {(void *)(uintptr_t)&nonce, sizeof(here)};
    switch (trick % 4) {
    case 0:
        return kill(pid, SIGKILL) == 0;
    case 1:
        return ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0;
    case 2:
        return process_vm_readv(pid, &to, 1, &from, 1, 0) > 0;
    default:
        return syscall(SYS_pidfd_open, pid, 0) >= 0;
    }
}

static int
everything(const char *const targets[])
{
    const struct start *start = program_given();
    nonce = word(targets, "nonce");
    for (size_t i = 0; i < start->fds_count; i++)
        if (is_channel(&start->fds[i]))
            send_proper(&start->fds[i], word(targets, "kind"), word(targets, "device"));
    if (strcmp(word(targets, "kind"), "gate") == 0)
        hear_answers(start);
    say("part ", "1");
    if (!hear_until_told(start, true))
        return 0;
    look_into_files(start);
    for (size_t i = 0; i < start->fds_count; i++)
        if (is_channel(&start->fds[i]))
            send_everything(start->fds[i].fd);
    say("part ", "2");
    if (!hear_until_told(start, false))
        return 0;
    return reach_for((pid_t)strtol(word(targets, "pid"), NULL, 10),
                     strtoul(word(targets, "trick"), NULL, 10));
}

/* ---- one count, for the test of the range ---------------------------------------------------- */

static int
one_count(const char *const targets[])
{
    int fd = start_fd(program_given(), FD_CONDUIT, NULL);
    (void)targets;
    if (fd < 0)
        return 2;
    send_count(fd);
    return 1;
}

const struct drill_attempt drill_attempts[] = {
    {"EVERYTHING", "tries every message on every channel", everything},
    {"COUNT", "sends one count over its conduit", one_count},
    {0},
};
