/*
 * The supervisor's sockets: frames and log lines of children that may be breached, frames of tools,
 * answers of the ledger, in any order. Nothing is ever signalled but the child that spoke nonsense;
 * a child is up only after the right digest; the supervisor goes on. No process is started: the
 * children are socket pairs, and kill() is counted.
 */
#include "programs/supervisor/process.c" /* for what is static; the library's copy is not linked */

#include "base/fuzz.h"
#include "grant/approvals.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { TOOLS = 18, CHILD_PID = 1000000 };

static struct supervisor city;
static struct charter charter;
static struct channel ledger; /* the other ends */
static int child_fd[PLAN_PROCESSES_MAX], child_log[PLAN_PROCESSES_MAX], tool_fd[TOOLS];
static struct clock_fake fake;
static char folder[] = "/dev/shm/bulkhead-fuzz-XXXXXX", elsewhere[] = "/tmp/bulkhead-fuzz-XXXXXX";
static uint64_t kills, last_ref;
static uint8_t judge_secret[64];

/* In the place of the C library's: a child is signalled by its number, nobody else ever. */
int
kill(pid_t pid, int number)
{
    ASSERT(pid >= CHILD_PID && pid < CHILD_PID + (pid_t)city.plan.processes_count);
    ASSERT(number == SIGKILL);
    kills++;
    return 0;
}

static const char text[] =
    "city \"Smallbrook\" { sites hall signers mayor need 1 }\n"
    "purpose operate \"know how high the brook stands\"\n"
    "class water-level { personal no sites hall keep 400d purposes operate }\n"
    "vendor brookworks { seat CA owner CA state-linked no support CA firmware-signed yes }\n"
    "zone brook { service telemetry tier important vendors brookworks sites hall holds "
    "water-level\n"
    "listen mqtts 127.0.0.1:8883 https 127.0.0.1:8443 }\n"
    "caller mayor { role operator zones brook purposes operate }\n"
    "caller clerk { role clerk zones brook purposes operate }\n";

static void
take_away(void)
{
    static const char *const names[] = {"control.sock", "cut/brook", "cut/brook.new",
                                        "keys/judge.pub"};
    char path[PLAN_PATH_SIZE + 32];
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", city.plan.state, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/cut", city.plan.state);
    rmdir(path);
    snprintf(path, sizeof(path), "%s/keys", city.plan.state);
    rmdir(path);
    rmdir(city.plan.state);
}

static void
write_file(const char *name, struct bytes what)
{
    char path[PLAN_PATH_SIZE + 32];
    snprintf(path, sizeof(path), "%s/%s", city.plan.state, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT(fd >= 0 && write(fd, what.p, what.len) == (ssize_t)what.len);
    close(fd);
}

static void
make_judge(void)
{
    static const uint8_t seed[32] = {1};
    uint8_t public_key[32];
    char path[PLAN_PATH_SIZE + 32];
    snprintf(path, sizeof(path), "%s/keys", city.plan.state);
    int failed = mkdir(path, 0700);
    ASSERT(!failed);
    crypto_sign_seed_keypair(public_key, judge_secret, seed);
    write_file("keys/judge.pub", bytes_of(public_key, sizeof(public_key)));
}

static void
set_up(void)
{
    static struct charter_findings findings;
    int fds[2];
    enum err e = charter_parse(bytes_text(text), &charter, &findings);
    const char *state = mkdtemp(folder) ? folder : mkdtemp(elsewhere);
    ASSERT(e == OK && state);
    fake = (struct clock_fake){1000, 1800000000000000};
    city.clock = clock_fake_source(&fake);
    plan_list(&city.plan, &charter, state, "/nowhere");
    atexit(take_away);
    make_judge();
    e = channel_pair(fds);
    ASSERT(e == OK);
    channel_init(&ledger, fds[1]);
    city.plan.ends[city.plan.ends_count++] =
        (struct plan_end){.process = PLAN_SUPERVISOR, .role = FD_LEDGER, .fd = fds[0]};
    e = loop_new(&city.loop);
    if (e == OK)
        e = islands_open(&city);
    if (e == OK)
        e = events_open(&city);
    if (e == OK)
        e = tools_open(&city);
    ASSERT(e == OK);
}

static void
start_children(void)
{
    for (size_t i = 0; i < city.plan.processes_count; i++) {
        struct process *p = &city.processes[i];
        int control[2], lines[2];
        enum err e = channel_pair(control);
        ASSERT(e == OK && pipe2(lines, O_NONBLOCK | O_CLOEXEC) == 0);
        process_init(&city, i);
        p->pid = CHILD_PID + (pid_t)i;
        p->state = STATE_STARTING;
        channel_init(&p->control, control[0]);
        p->control_watch = (struct watch){.fd = control[0], .fn = on_control, .ctx = p};
        p->log_watch = (struct watch){.fd = lines[0], .fn = on_log, .ctx = p};
        e = loop_watch(city.loop, &p->control_watch, LOOP_READ);
        if (e == OK)
            e = loop_watch(city.loop, &p->log_watch, LOOP_READ);
        ASSERT(e == OK);
        child_fd[i] = control[1];
        child_log[i] = lines[1];
    }
    for (size_t i = 0; i < TOOLS; i++)
        tool_fd[i] = -1;
}

static void
end_children(void)
{
    for (size_t i = 0; i < city.plan.processes_count; i++) {
        struct process *p = &city.processes[i];
        close(child_fd[i]);
        close(child_log[i]);
        let_go(p);
        buf_fini(&p->log_line);
    }
    for (size_t i = 0; i < TOOLS; i++)
        if (tool_fd[i] >= 0)
            close(tool_fd[i]);
    for (size_t i = 0; i < SUPERVISOR_TOOLS_MAX; i++)
        if (city.tools[i].open)
            city.tools[i].watch.fn(&city.tools[i], -1, LOOP_HANGUP);
    city.events_count = 0;
    city.plan.cut = 0;
    memset(city.plan.islands, 0, sizeof(city.plan.islands));
}

static void
child_says(struct bytes *in)
{
    size_t i = fuzz_byte(in) % city.plan.processes_count;
    struct process *p = &city.processes[i];
    struct bytes packet = fuzz_part(in);
    enum process_state before = p->state;
    uint64_t killed = kills;
    if (!p->control_watch.active || send(child_fd[i], packet.p, packet.len, MSG_NOSIGNAL) < 0)
        return;
    on_control(p, -1, LOOP_READ);
    ASSERT(p->state == before || (before == STATE_STARTING && p->state == STATE_UP));
    ASSERT(kills - killed <= 1);
    ASSERT(p->control_watch.active || kills > killed || packet.len == 0);
}

/* The true digest: a fuzzer does not find it. */
static void
child_confines(struct bytes *in)
{
    size_t i = fuzz_byte(in) % city.plan.processes_count;
    struct process *p = &city.processes[i];
    uint8_t digest[32];
    messages_digest(digest);
    struct confined m = {.tables_digest = bytes_of(digest, sizeof(digest)), .walls = 0x3ff};
    struct buf packet, body;
    buf_init(&packet, 128);
    buf_init(&body, 128);
    confined_encode(&m, &body);
    channel_put_frame(&packet, confined_id, buf_bytes(&body));
    if (p->control_watch.active && send(child_fd[i], packet.p, packet.len, MSG_NOSIGNAL) > 0) {
        on_control(p, -1, LOOP_READ);
        ASSERT(p->state == STATE_UP);
    }
    buf_fini(&packet);
    buf_fini(&body);
}

static void
child_logs(struct bytes *in)
{
    size_t i = fuzz_byte(in) % city.plan.processes_count;
    struct bytes lines = fuzz_part(in);
    ssize_t n = write(child_log[i], lines.p, lines.len);
    if (n > 0 && city.processes[i].log_watch.active)
        on_log(&city.processes[i], city.processes[i].log_watch.fd, LOOP_READ);
    ASSERT(city.processes[i].log_line.len <= LOG_LINE_KEEP);
}

static struct tool *
tool_of(size_t i)
{
    return city.tools[i].open ? &city.tools[i] : NULL;
}

static void
tool_comes(size_t i)
{
    struct sockaddr_un address;
    socklen_t size = sizeof(address);
    if (tool_fd[i] >= 0)
        return;
    tool_fd[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failed = getsockname(city.control_listen.fd, (struct sockaddr *)&address, &size);
    failed = failed || connect(tool_fd[i], (struct sockaddr *)&address, size);
    ASSERT(!failed);
    city.control_listen.fn(&city, city.control_listen.fd, LOOP_READ);
}

static void
say(size_t i, struct bytes packet)
{
    tool_comes(i);
    if (send(tool_fd[i], packet.p, packet.len, MSG_NOSIGNAL) < 0)
        return;
    for (size_t t = 0; t < SUPERVISOR_TOOLS_MAX; t++)
        if (tool_of(t))
            city.tools[t].watch.fn(&city.tools[t], -1, LOOP_READ);
    for (size_t t = 0; t < SUPERVISOR_TOOLS_MAX; t++)
        ASSERT(city.tools[t].open || !city.tools[t].channel.packet.p); /* closed is closed */
}

static void
tool_says(struct bytes *in)
{
    size_t i = fuzz_byte(in) % TOOLS;
    say(i, fuzz_part(in));
}

/* Approvals over the very text that joins the zone again, of as many people as the input says. */
static void
tool_rejoins(struct bytes *in)
{
    size_t i = fuzz_byte(in) % TOOLS;
    uint8_t people = fuzz_byte(in);
    struct buf lines, body, packet, what;
    buf_init(&lines, 8192);
    buf_init(&body, CHANNEL_FRAME_MAX);
    buf_init(&packet, CHANNEL_PACKET_MAX);
    buf_init(&what, ISLAND_TEXT_MAX);
    island_put_rejoin(&what, bytes_text("brook"), city.plan.islands[0].since_us);
    for (uint8_t k = 0; k < 2; k++) {
        struct token t = {.zone = "brook",
                          .purpose = "operate",
                          .approval = true,
                          .key_digest = {k},
                          .expiry_us = fake.wall_us + 60000000};
        snprintf(t.caller, sizeof(t.caller), "%s", k ? "clerk" : "mayor");
        snprintf(t.role, sizeof(t.role), "%s", k ? "clerk" : "operator");
        crypto_hash_sha256(t.approves, what.p, what.len);
        enum err e = people >> k & 1 ? token_sign(&t, judge_secret, &lines) : OK;
        ASSERT(e == OK);
        if (people >> k & 1)
            buf_byte(&lines, '\n');
    }
    struct rejoin_ask m = {bytes_text("brook"), buf_bytes(&lines)};
    rejoin_ask_encode(&m, &body);
    channel_put_frame(&packet, rejoin_ask_id, buf_bytes(&body));
    say(i, buf_bytes(&packet));
    buf_fini(&lines);
    buf_fini(&body);
    buf_fini(&packet);
    buf_fini(&what);
}

/* A supervisor that starts finds the record of a cut: any bytes. */
static void
supervisor_starts(struct bytes *in)
{
    struct bytes record = fuzz_part(in);
    write_file("cut/brook", record);
    enum err e = islands_open(&city);
    ASSERT(e == OK && (city.plan.cut & 1));
    ASSERT(memchr(city.plan.islands[0].reason, 0, ISLAND_REASON_SIZE));
}

static void
tool_goes(struct bytes *in)
{
    size_t i = fuzz_byte(in) % TOOLS;
    if (tool_fd[i] < 0)
        return;
    close(tool_fd[i]);
    tool_fd[i] = -1;
    for (size_t t = 0; t < SUPERVISOR_TOOLS_MAX; t++)
        if (tool_of(t))
            city.tools[t].watch.fn(&city.tools[t], -1, LOOP_HANGUP);
}

static void
tool_reads(struct bytes *in)
{
    uint8_t packet[CHANNEL_PACKET_MAX];
    size_t i = fuzz_byte(in) % TOOLS;
    while (tool_fd[i] >= 0 && recv(tool_fd[i], packet, sizeof(packet), 0) > 0)
        ;
}

static enum err
on_record_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct record m;
    (void)ctx;
    ASSERT(id == record_id && record_decode(body, &m) == OK);
    last_ref = m.ref;
    return OK;
}

static void
ledger_answers(struct bytes *in)
{
    uint8_t how = fuzz_byte(in);
    while (channel_receive(&ledger, on_record_frame, NULL) == OK)
        ;
    struct recorded good = {last_ref - how % 8, 7};
    struct record_failed bad = {last_ref - how % 8, bytes_text("full")};
    enum err e = how & 0x80 ? CHANNEL_SEND(&ledger, record_failed, &bad)
                            : CHANNEL_SEND(&ledger, recorded, &good);
    if (e == OK && channel_flush(&ledger) == OK)
        city.ledger_watch.fn(&city, -1, LOOP_READ);
}

static void
ledger_says(struct bytes *in)
{
    struct bytes packet = fuzz_part(in);
    if (packet.len && send(ledger.fd, packet.p, packet.len, MSG_NOSIGNAL) > 0)
        city.ledger_watch.fn(&city, -1, LOOP_READ);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const says[])(struct bytes *) = {
        child_says, child_confines, child_logs,  tool_says,    tool_goes,
        tool_reads, ledger_answers, ledger_says, tool_rejoins, supervisor_starts};
    if (!city.loop)
        set_up();
    struct bytes in = bytes_of(data, size);
    kills = 0;
    start_children();
    while (in.len) {
        says[fuzz_byte(&in) % ARRAY_COUNT(says)](&in);
        fake.mono_ms += 10;
    }
    while (channel_receive(&ledger, on_record_frame, NULL) == OK)
        ;
    end_children();
    return 0;
}
