/*
 * The ledger's sockets: records of two processes, each for its own log, and guests who ask for
 * tiles, in any order and form. Answers come in the order of the records; who speaks nonsense is
 * dropped and disturbs nobody else; what was recorded is found again.
 */
#include "base/fuzz.h"
#include "programs/ledger/ledger.h"
#include "programs/messages.h"

#include <sodium.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOGS = 2, GUESTS = 3 };

static struct ledger ledger;
static struct start start;
static struct loop *loop;
static struct channel askers[LOGS]; /* the other ends */
static uint64_t asked[LOGS], answered[LOGS], recorded[LOGS];
static int guest_fd[GUESTS];

static void
give_fd(enum start_fd_role role, const char *name, int fd)
{
    struct start_fd *row = &start.fds[start.fds_count++];
    ASSERT(fd >= 0);
    *row = (struct start_fd){.role = role, .fd = fd};
    snprintf(row->name, sizeof(row->name), "%s", name);
}

static void
give_log(const char *name, struct channel *asker)
{
    static const enum start_fd_role roles[] = {FD_LOG_ENTRIES, FD_LOG_OFFSETS, FD_LOG_HASHES,
                                               FD_LOG_CHECKPOINT};
    static const uint8_t seed[32] = {3};
    uint8_t public_key[32];
    int fds[2];
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++)
        give_fd(roles[i], name, memfd_create(name, MFD_CLOEXEC));
    struct start_key *key = start_key_new(&start);
    ASSERT(key);
    key->role = KEY_LEDGER_SECRET;
    key->len = 64;
    crypto_sign_seed_keypair(public_key, key->key, seed);
    snprintf(key->name, sizeof(key->name), "city.example/%s", name);
    enum err e = channel_pair(fds);
    ASSERT(e == OK);
    channel_init(asker, fds[0]);
    give_fd(FD_LEDGER, name, fds[1]);
}

static void
set_up(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX}; /* a name of the kernel's choice */
    snprintf(start.origin, sizeof(start.origin), "city.example");
    give_log("city", &askers[0]);
    give_log("bikes", &askers[1]);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failed = bind(fd, (struct sockaddr *)&address, sizeof(address.sun_family)) ||
                 listen(fd, 2 * LEDGER_GUESTS_MAX);
    ASSERT(!failed);
    give_fd(FD_LISTEN_LEDGER, "", fd);
    enum err e = loop_new(&loop);
    if (e == OK)
        e = ledger_open(&ledger, &start);
    if (e == OK)
        e = ledger_serve(&ledger, loop);
    ASSERT(e == OK && ledger.logs_count == LOGS && ledger.channels_count == LOGS);
}

static enum err
on_answer(void *ctx, uint16_t id, struct bytes body)
{
    size_t i = (size_t)((struct channel *)ctx - askers);
    struct recorded good;
    struct record_failed bad;
    if (id == recorded_id && recorded_decode(body, &good) == OK)
        ASSERT(good.index == recorded[i]++);
    else
        ASSERT(id == record_failed_id && record_failed_decode(body, &bad) == OK);
    answered[i]++;
    return OK;
}

/* Commit, answer, sign; then everybody reads. */
static void
settle(void)
{
    ledger_stop(&ledger);
    for (size_t i = 0; i < LOGS; i++) {
        while (channel_receive(&askers[i], on_answer, &askers[i]) == OK)
            ;
        ASSERT(recorded[i] == log_size(&ledger.logs[i].log) && answered[i] <= asked[i]);
    }
}

/* As many frames as a packet that the ledger takes may ask. */
static void
process_says(struct bytes *in)
{
    size_t i = fuzz_byte(in) % LOGS;
    struct ledger_channel *c = &ledger.channels[i];
    struct bytes packet = fuzz_part(in), rest = packet, body;
    uint16_t id;
    if (!c->watch.active || packet.len == 0 ||
        send(askers[i].fd, packet.p, packet.len, MSG_NOSIGNAL) < 0)
        return;
    while (rest.len && channel_next_frame(&rest, &id, &body) == OK)
        asked[i]++;
    uint64_t other = log_size(&ledger.logs[1 - i].log);
    c->watch.fn(c, -1, LOOP_READ);
    settle();
    ASSERT(log_size(&ledger.logs[1 - i].log) == other && ledger.channels[1 - i].log != c->log);
}

static void
guest_says(struct bytes *in)
{
    size_t i = fuzz_byte(in) % GUESTS;
    struct bytes packet = fuzz_part(in);
    struct sockaddr_un address;
    socklen_t size = sizeof(address);
    if (guest_fd[i] < 0) {
        guest_fd[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int failed = getsockname(ledger.listener.fd, (struct sockaddr *)&address, &size) ||
                     connect(guest_fd[i], (struct sockaddr *)&address, size);
        ASSERT(!failed);
        ledger.listener.fn(&ledger, ledger.listener.fd, LOOP_READ);
    }
    if (packet.len && send(guest_fd[i], packet.p, packet.len, MSG_NOSIGNAL) < 0)
        return;
    for (size_t g = 0; g < LEDGER_GUESTS_MAX; g++)
        if (ledger.guests[g].used)
            ledger.guests[g].watch.fn(&ledger.guests[g], -1, LOOP_READ);
}

static enum err
on_part(void *ctx, uint16_t id, struct bytes body)
{
    struct tile_part m;
    (void)ctx;
    ASSERT(id == tile_part_id && tile_part_decode(body, &m) == OK);
    ASSERT(m.status == 200 || (m.total == 0 && (m.status == 400 || m.status == 404)));
    return OK;
}

static void
guest_reads(struct bytes *in)
{
    size_t i = fuzz_byte(in) % GUESTS;
    struct channel c;
    if (guest_fd[i] < 0)
        return;
    channel_init(&c, guest_fd[i]);
    while (channel_receive(&c, on_part, NULL) == OK)
        ;
}

static void
guest_goes(size_t i)
{
    if (guest_fd[i] >= 0)
        close(guest_fd[i]);
    guest_fd[i] = -1;
    for (size_t g = 0; g < LEDGER_GUESTS_MAX; g++)
        if (ledger.guests[g].used)
            ledger.guests[g].watch.fn(&ledger.guests[g], -1, LOOP_HANGUP);
}

static enum err
fail_to_write(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    (void)ctx, (void)fd, (void)what, (void)offset;
    return ERR_IO;
}

/* From now on this log's disk takes nothing, or this process has said enough for this second. */
static void
trouble_comes(struct bytes *in)
{
    uint8_t what = fuzz_byte(in);
    if (what & 2)
        ledger.logs[what % LOGS].log.config.disk.write_at = fail_to_write;
    else
        ledger.channels[what % LOGS].records_left = what >> 6;
}

/* What a channel that was made to wait has not read. */
static void
drain(int fd)
{
    uint8_t packet[CHANNEL_PACKET_MAX];
    while (recv(fd, packet, sizeof(packet), 0) > 0)
        ;
}

/* Empty logs and open channels, whatever the input before did. */
static void
begin(void)
{
    for (size_t i = 0; i < LOGS; i++) {
        struct ledger_log *log = &ledger.logs[i];
        const struct log_config *c = &log->config;
        log_close(&log->log);
        int failed = ftruncate(c->entries_fd, 0) || ftruncate(c->offsets_fd, 0) ||
                     ftruncate(c->hashes_fd, 0) || ftruncate(c->checkpoint_fd, 0);
        ASSERT(!failed);
        enum err e = log_open(&log->log, c);
        if (e == OK && !ledger.channels[i].watch.active)
            e = loop_watch(loop, &ledger.channels[i].watch, LOOP_READ);
        ASSERT(e == OK);
        drain(ledger.channels[i].channel.fd);
        drain(askers[i].fd);
        ledger.channels[i].paused = false;
        ledger.channels[i].records_left = LEDGER_RECORDS_PER_S;
        ledger.channels[i].bytes_left = LEDGER_BYTES_PER_S;
        asked[i] = answered[i] = recorded[i] = 0;
    }
    for (size_t i = 0; i < GUESTS; i++)
        guest_fd[i] = -1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    if (!loop)
        set_up();
    begin();
    while (in.len) {
        switch (fuzz_byte(&in) % 5) {
        case 0:
            process_says(&in);
            break;
        case 1:
            guest_says(&in);
            break;
        case 2:
            guest_reads(&in);
            break;
        case 3:
            trouble_comes(&in);
            break;
        default:
            guest_goes(fuzz_byte(&in) % GUESTS);
        }
    }
    for (size_t i = 0; i < GUESTS; i++)
        guest_goes(i);
    settle();
    return 0;
}
