#include "base/test.h"
#include "programs/ledger/ledger.h"
#include "programs/messages.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_ROUNDS = 6000 };

/* A ledger of two logs in this process, over files in memory; `a` and `b` are the askers' ends. */
struct rig {
    struct start *start;
    struct ledger *ledger;
    struct loop *loop;
    struct channel a, b, guest;
    char socket_path[64];
    uint64_t recorded, failed, last_ref, last_index; /* of a */
    uint64_t b_recorded, b_failed;
    struct buf tile;
    uint16_t status;
    size_t tile_total;
    bool answered;
    bool (*done)(struct rig *r);
    int rounds;
};
static struct rig rig;

static void
give_fd(enum start_fd_role role, const char *name, int fd)
{
    struct start_fd *row = &rig.start->fds[rig.start->fds_count++];
    CHECK(fd >= 0);
    row->role = role;
    row->fd = fd;
    snprintf(row->name, sizeof(row->name), "%s", name);
}

static void
give_log(const char *name)
{
    static const enum start_fd_role roles[] = {FD_LOG_ENTRIES, FD_LOG_OFFSETS, FD_LOG_HASHES,
                                               FD_LOG_CHECKPOINT};
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++)
        give_fd(roles[i], name, memfd_create(name, MFD_CLOEXEC));
    struct start_key *key = start_key_new(rig.start);
    CHECK(key);
    uint8_t public_key[32], seed[32] = {3};
    CHECK(crypto_sign_seed_keypair(public_key, key->key, seed) == 0);
    key->role = KEY_LEDGER_SECRET;
    key->len = 64;
    snprintf(key->name, sizeof(key->name), "city.example/%s", name);
}

static int
listen_somewhere(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(rig.socket_path, sizeof(rig.socket_path), "/tmp/ledger-test-%d.sock", (int)getpid());
    memcpy(address.sun_path, rig.socket_path, sizeof(rig.socket_path));
    unlink(rig.socket_path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(fd, 4) == 0);
    return fd;
}

static int
connect_guest(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, rig.socket_path, sizeof(rig.socket_path));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

static enum err
on_answer(void *ctx, uint16_t id, struct bytes body)
{
    bool is_a = ctx == &rig.a;
    struct recorded good;
    struct record_failed bad;
    if (id == recorded_id) {
        CHECK_OK(recorded_decode(body, &good));
        *(is_a ? &rig.recorded : &rig.b_recorded) += 1;
        if (is_a) {
            CHECK(good.ref == rig.last_ref + 1); /* in the order of the records */
            rig.last_ref = good.ref;
            rig.last_index = good.index;
        }
    } else {
        CHECK(id == record_failed_id);
        CHECK_OK(record_failed_decode(body, &bad));
        *(is_a ? &rig.failed : &rig.b_failed) += 1;
        if (is_a)
            rig.last_ref = bad.ref;
    }
    return OK;
}

static enum err
on_part(void *ctx, uint16_t id, struct bytes body)
{
    struct tile_part m;
    (void)ctx;
    CHECK(id == tile_part_id);
    CHECK_OK(tile_part_decode(body, &m));
    CHECK(m.offset == rig.tile.len);
    buf_put(&rig.tile, m.part);
    rig.status = m.status;
    rig.answered = rig.tile.len == m.total;
    return OK;
}

static void
on_step(void *ctx)
{
    (void)ctx;
    while (channel_receive(&rig.a, on_answer, &rig.a) == OK)
        continue;
    while (channel_receive(&rig.b, on_answer, &rig.b) == OK)
        continue;
    while (rig.guest.fd >= 0 && channel_receive(&rig.guest, on_part, NULL) == OK)
        continue;
    if (rig.done(&rig))
        loop_stop(rig.loop);
    CHECK(++rig.rounds < PATIENCE_ROUNDS);
}

static void
set_up(void)
{
    int a[2], b[2];
    memset(&rig, 0, sizeof(rig));
    rig.start = calloc(1, sizeof(*rig.start));
    rig.ledger = calloc(1, sizeof(*rig.ledger));
    CHECK(rig.start && rig.ledger && sodium_init() >= 0);
    snprintf(rig.start->origin, sizeof(rig.start->origin), "city.example");
    give_log("city");
    give_log("bikes");
    CHECK_OK(channel_pair(a));
    CHECK_OK(channel_pair(b));
    give_fd(FD_LEDGER, "city", a[1]);
    give_fd(FD_LEDGER, "bikes", b[1]);
    give_fd(FD_LISTEN_LEDGER, "", listen_somewhere());
    channel_init(&rig.a, a[0]);
    channel_init(&rig.b, b[0]);
    rig.guest.fd = -1;
    buf_init(&rig.tile, 1024 * 1024);
    CHECK_OK(ledger_open(rig.ledger, rig.start));
    CHECK_OK(loop_new(&rig.loop));
    CHECK_OK(ledger_serve(rig.ledger, rig.loop));
    loop_every(rig.loop, 1, on_step, NULL);
}

static void
tear_down(void)
{
    for (size_t i = 0; i < rig.ledger->logs_count; i++) {
        log_close(&rig.ledger->logs[i].log);
        sodium_free(rig.ledger->logs[i].secret);
    }
    for (size_t i = 0; i < rig.ledger->channels_count; i++)
        channel_fini(&rig.ledger->channels[i].channel);
    for (size_t i = 0; i < LEDGER_GUESTS_MAX; i++)
        if (rig.ledger->guests[i].used)
            channel_fini(&rig.ledger->guests[i].channel);
    for (size_t i = 0; i < rig.start->fds_count; i++)
        close(rig.start->fds[i].fd);
    close(rig.a.fd);
    close(rig.b.fd);
    channel_fini(&rig.a);
    channel_fini(&rig.b);
    if (rig.guest.fd >= 0) {
        close(rig.guest.fd);
        channel_fini(&rig.guest);
    }
    buf_fini(&rig.tile);
    buf_fini(&rig.ledger->answer);
    loop_free(rig.loop);
    free(rig.ledger->logs);
    free(rig.ledger);
    free(rig.start);
    unlink(rig.socket_path);
}

static void
run_until(bool (*done)(struct rig *r))
{
    rig.done = done;
    rig.rounds = 0;
    CHECK_OK(loop_run(rig.loop));
}

static void
record_text(struct channel *c, uint64_t ref, const char *entry)
{
    struct record m = {ref, bytes_text(entry)};
    CHECK_OK(CHANNEL_SEND(c, record, &m));
}

static bool
fifty_answered(struct rig *r)
{
    return r->recorded + r->failed == 50 && r->b_recorded == 1;
}

static bool
all_signed(struct rig *r)
{
    for (size_t i = 0; i < r->ledger->logs_count; i++)
        if (r->ledger->logs[i].log.signed_checkpoint.size != log_size(&r->ledger->logs[i].log))
            return false;
    return true;
}

TEST(records_are_answered_in_order_each_in_its_own_log_and_signed)
{
    set_up();
    for (uint64_t ref = 1; ref <= 50; ref++)
        record_text(&rig.a, ref,
                    ref == 20 ? "" : "{\"event\":\"x\"}"); /* an empty one is refused */
    record_text(&rig.b, 7, "{\"event\":\"y\"}");
    CHECK_OK(channel_flush(&rig.a));
    CHECK_OK(channel_flush(&rig.b));
    run_until(fifty_answered);
    CHECK(rig.recorded == 49 && rig.failed == 1 && rig.last_index == 48);
    CHECK(log_size(&rig.ledger->logs[0].log) == 49 && log_size(&rig.ledger->logs[1].log) == 1);
    run_until(all_signed);
    tear_down();
}

static bool
answered(struct rig *r)
{
    return r->answered;
}

static void
ask(const char *log, const char *path)
{
    struct tile_ask m = {bytes_text(log), bytes_text(path)};
    buf_reset(&rig.tile);
    rig.answered = false;
    rig.status = 0;
    CHECK_OK(CHANNEL_SEND(&rig.guest, tile_ask, &m));
    CHECK_OK(channel_flush(&rig.guest));
    run_until(answered);
}

TEST(guests_get_checkpoints_tiles_and_bundles_and_nothing_else)
{
    set_up();
    for (uint64_t ref = 1; ref <= 50; ref++)
        record_text(&rig.a, ref, "{\"event\":\"x\"}");
    record_text(&rig.b, 1, "{\"event\":\"y\"}");
    CHECK_OK(channel_flush(&rig.a));
    CHECK_OK(channel_flush(&rig.b));
    run_until(fifty_answered);
    run_until(all_signed);
    channel_init(&rig.guest, connect_guest());
    ask("city", "checkpoint");
    struct checkpoint c;
    CHECK(rig.status == 200);
    CHECK_OK(checkpoint_open(buf_bytes(&rig.tile), "city.example/city",
                             rig.ledger->logs[0].config.public_key, &c));
    CHECK(c.size == 50 && bytes_start(bytes_text(c.extension), "charter 0000"));
    ask("city", "tile/0/000.p/50");
    CHECK(rig.status == 200 && rig.tile.len == (size_t)50 * 32);
    ask("city", "tile/entries/000.p/2");
    CHECK(rig.status == 200 && rig.tile.len == (size_t)2 * 15);
    ask("bikes", "tile/0/000.p/2");
    CHECK(rig.status == 404 && rig.tile.len == 0);
    ask("water", "checkpoint");
    CHECK(rig.status == 404);
    ask("city", "../city/entries");
    CHECK(rig.status == 400);
    tear_down();
}

static bool
b_answered(struct rig *r)
{
    return r->b_recorded + r->b_failed == 1;
}

TEST(a_log_that_cannot_be_written_fails_alone_and_comes_back)
{
    set_up();
    struct log *city = &rig.ledger->logs[0].log;
    int good_fd = city->config.entries_fd;
    city->config.entries_fd = -1; /* every write fails */
    record_text(&rig.a, 1, "{\"event\":\"x\"}");
    record_text(&rig.b, 1, "{\"event\":\"y\"}");
    CHECK_OK(channel_flush(&rig.a));
    CHECK_OK(channel_flush(&rig.b));
    run_until(b_answered);
    CHECK(rig.b_recorded == 1 && rig.failed == 1 && rig.recorded == 0);
    CHECK(city->failed && good_fd == rig.ledger->logs[0].config.entries_fd);
    rig.ledger->logs[0].retry_ms = 0;
    rig.done = NULL;
    for (int i = 0; i < 3 && rig.recorded == 0; i++) {
        usleep(1100 * 1000); /* the second at which it is tried again */
        rig.b_recorded = 0;
        record_text(&rig.b, 2, "{\"event\":\"y\"}");
        CHECK_OK(channel_flush(&rig.b));
        run_until(b_answered);
        record_text(&rig.a, 2 + (uint64_t)i, "{\"event\":\"x\"}");
        CHECK_OK(channel_flush(&rig.a));
        rig.b_recorded = 0;
        record_text(&rig.b, 3, "{\"event\":\"y\"}");
        CHECK_OK(channel_flush(&rig.b));
        run_until(b_answered);
    }
    CHECK(rig.recorded > 0);
    tear_down();
}

static bool
a_recorded_three(struct rig *r)
{
    return r->recorded == 3;
}

static bool
first_log_closed(struct rig *r)
{
    return !r->ledger->logs[0].open;
}

static bool
a_failed(struct rig *r)
{
    return r->failed == 1;
}

TEST(an_entry_that_was_edited_under_a_running_ledger_closes_its_log)
{
    set_up();
    for (uint64_t ref = 1; ref <= 3; ref++)
        record_text(&rig.a, ref, "{\"event\":\"read\",\"caller\":\"auditor\"}");
    CHECK_OK(channel_flush(&rig.a));
    run_until(a_recorded_three);
    int fd = rig.ledger->logs[0].config.entries_fd;
    CHECK(pwrite(fd, "nobody!", 7, 28) == 7);
    run_until(first_log_closed); /* within a second: round and round */
    CHECK(rig.ledger->logs[0].trouble == ERR_CRYPTO && rig.ledger->logs[1].open);
    record_text(&rig.a, 4, "{}");
    CHECK_OK(channel_flush(&rig.a));
    run_until(a_failed);
    tear_down();
}

static bool
channel_dropped(struct rig *r)
{
    return !r->ledger->channels[1].watch.active;
}

TEST(a_peer_that_sends_anything_else_is_not_heard_any_more)
{
    set_up();
    CHECK_OK(channel_send(&rig.b, 0x0302, bytes_text("")));
    CHECK_OK(channel_flush(&rig.b));
    run_until(channel_dropped);
    CHECK(rig.ledger->channels[0].watch.active);
    tear_down();
}

static bool
b_heard_again(struct rig *r)
{
    return r->ledger->channels[1].watch.active;
}

/* Nonsense of b; answers how long it is not heard, in ms. */
static uint64_t
nonsense_of_b(void)
{
    struct clock_source clock = clock_system();
    CHECK_OK(channel_send(&rig.b, 0x0302, bytes_text("")));
    CHECK_OK(channel_flush(&rig.b));
    run_until(channel_dropped);
    uint64_t begin_ms = clock_mono_ms(&clock);
    record_text(&rig.b, 1, "{\"event\":\"within the pause\"}");
    CHECK_OK(channel_flush(&rig.b));
    run_until(b_heard_again);
    return clock_mono_ms(&clock) - begin_ms;
}

TEST(a_successor_is_heard_after_the_pause_and_nothing_of_before)
{
    set_up();
    uint64_t first_ms = nonsense_of_b();
    CHECK(first_ms >= MISTRUST_FIRST_MS - 50 && first_ms < 2 * MISTRUST_FIRST_MS);
    CHECK(rig.b_recorded + rig.b_failed == 0 && log_size(&rig.ledger->logs[1].log) == 0);
    record_text(&rig.b, 2, "{\"event\":\"y\"}");
    CHECK_OK(channel_flush(&rig.b));
    run_until(b_answered);
    CHECK(rig.b_recorded == 1 && log_size(&rig.ledger->logs[1].log) == 1);
    CHECK(nonsense_of_b() >= 2 * MISTRUST_FIRST_MS - 50);
    tear_down();
}

static bool
shares_over(struct rig *r)
{
    return r->rounds > 300;
}

TEST(a_flood_waits_for_its_budget)
{
    set_up();
    const uint64_t share = LEDGER_RECORDS_PER_S * LEDGER_BUDGET_MS / 1000;
    const uint64_t all = 7 * LEDGER_RECORDS_PER_S;
    for (uint64_t ref = 1; ref <= all; ref++)
        record_text(&rig.a, ref, "{}");
    enum err e = channel_flush(&rig.a);
    CHECK(e == OK || e == ERR_AGAIN);
    run_until(shares_over);
    /* What some shares give, and the rest of the packets in which they ran out. */
    CHECK(rig.recorded >= share && rig.recorded < all);
    tear_down();
}
