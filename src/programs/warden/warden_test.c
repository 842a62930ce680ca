/*
 * warden_test.c -- the real warden between a core and a ledger that this test plays.
 *
 * Run from the root of the checkout: it starts build/libexec/bulkhead-warden-signals.
 */
#include "authority/city_keys.h"
#include "base/test.h"
#include "charter/charter_test_kit.h"
#include "programs/messages.h"
#include "programs/supervisor/plan.h"
#include "programs/supervisor/spawn.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_MS = 4000, SILENCE_MS = 300 };

static struct plan plan;
static struct charter charter;
static char folder[] = "/tmp/bulkhead-warden-XXXXXX";
static uint8_t packet[CHANNEL_PACKET_MAX];
static struct channel core, ledger;
static struct spawned child;

static size_t
find_process(enum process_kind kind, const char *zone)
{
    for (size_t i = 0; i < plan.processes_count; i++) {
        const struct plan_process *p = &plan.processes[i];
        const char *name = p->zone >= 0 ? charter.zones[p->zone].name : "";
        if (p->kind == kind && strcmp(name, zone) == 0)
            return i;
    }
    CHECK(!"the plan has this process");
    return 0;
}

/* The end of a pair whose other end the warden holds. */
static int
peer_end(size_t process, enum start_fd_role role, const char *name)
{
    for (size_t i = 0; i < plan.ends_count; i++)
        if (plan.ends[i].process == process && plan.ends[i].role == role &&
            (!name || strcmp(plan.ends[i].name, name) == 0))
            return plan.ends[i].fd;
    CHECK(!"the plan has this end");
    return -1;
}

/* The first frame of the next packet; false: none within `ms`. */
static bool
next_frame(int fd, int ms, uint16_t *out_id, struct bytes *out_body)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, ms) != 1)
        return false;
    ssize_t n = read(fd, packet, sizeof(packet));
    CHECK(n > 0);
    struct bytes rest = bytes_of(packet, (size_t)n);
    CHECK_OK(channel_next_frame(&rest, out_id, out_body));
    return true;
}

static void
set_up(void)
{
    char why[400] = "";
    uint16_t id;
    struct bytes body;
    kit_demo(&charter);
    CHECK(mkdtemp(folder));
    CHECK_OK(city_keys_make(&charter, folder, why, sizeof(why)));
    plan_list(&plan, &charter, folder, "build/libexec");
    CHECK_OK(plan_open(&plan));
    size_t warden = find_process(PROCESS_WARDEN, "signals");
    CHECK_OK(spawn(plan.processes[warden].program, true, plan.user_namespaces, NULL, &child));
    CHECK_OK(plan_feed(&plan, warden, child.control_fd));
    CHECK(next_frame(child.control_fd, ANSWER_MS, &id, &body) && id == confined_id);
    channel_init(&core, peer_end(find_process(PROCESS_CORE, "signals"), FD_WARDEN, NULL));
    /* The ledger's ends are the signals log's: one of them is this warden's pair. */
    channel_init(&ledger, -1);
}

static void
wish_for(uint64_t ref, const char *device)
{
    struct wish m = {.ref = ref,
                     .device = bytes_text(device),
                     .command = bytes_text("phase-request"),
                     .parameters = bytes_text("phase 1\n"),
                     .asked_by = bytes_text("controller")};
    CHECK_OK(CHANNEL_SEND(&core, wish, &m));
    CHECK_OK(channel_flush(&core));
}

/* The record that the warden sent, on whichever of the log's pairs it came; its ref. */
static uint64_t
take_record(const char *event)
{
    size_t process = find_process(PROCESS_LEDGER, "");
    for (int waited = 0; waited < ANSWER_MS; waited += 10) {
        for (size_t i = 0; i < plan.ends_count; i++) {
            const struct plan_end *end = &plan.ends[i];
            uint16_t id;
            struct bytes body;
            struct record m;
            if (end->process != process || end->role != FD_LEDGER ||
                strcmp(end->name, "signals") != 0 || !next_frame(end->fd, 0, &id, &body))
                continue;
            CHECK(id == record_id);
            CHECK_OK(record_decode(body, &m));
            CHECK(memmem(m.entry.p, m.entry.len, event, strlen(event)));
            ledger.fd = end->fd;
            return m.ref;
        }
        usleep(10000);
    }
    CHECK(!"the warden records its verdict");
    return 0;
}

TEST(no_lease_leaves_before_its_entry_is_durable)
{
    uint16_t id;
    struct bytes body;
    set_up();

    wish_for(7, "junction-a0");
    struct recorded good = {take_record("\"event\":\"lease\""), 0};
    CHECK(!next_frame(core.fd, SILENCE_MS, &id, &body)); /* decided, and silent */
    CHECK_OK(CHANNEL_SEND(&ledger, recorded, &good));
    CHECK_OK(channel_flush(&ledger));
    struct lease_granted granted;
    CHECK(next_frame(core.fd, ANSWER_MS, &id, &body) && id == lease_granted_id);
    CHECK_OK(lease_granted_decode(body, &granted));
    CHECK(granted.ref == 7 && granted.note.len > 0);

    wish_for(8, "junction-b0");
    struct record_failed bad = {take_record("\"event\":\"lease\""), bytes_text("no")};
    CHECK_OK(CHANNEL_SEND(&ledger, record_failed, &bad));
    CHECK_OK(channel_flush(&ledger));
    struct lease_refused refused;
    CHECK(next_frame(core.fd, ANSWER_MS, &id, &body) && id == lease_refused_id);
    CHECK_OK(lease_refused_decode(body, &refused));
    CHECK(refused.ref == 8 && bytes_are(refused.rule, "no entry, no lease"));

    /* A restored warden hears from a device what was given, and goes on above it, on the record. */
    struct sequence_seen seen = {bytes_text("junction-a0"), 5000};
    struct sequence_seen absurd = {bytes_text("junction-a0"), UINT64_MAX};
    CHECK_OK(CHANNEL_SEND(&core, sequence_seen, &seen));
    CHECK_OK(CHANNEL_SEND(&core, sequence_seen, &absurd)); /* within the minute: not heard */
    CHECK_OK(channel_flush(&core));
    struct recorded behind = {
        take_record("\"event\":\"sequence-behind\",\"zone\":\"signals\",\"device\":\"junction-a0\","
                    "\"seen\":5000,"),
        1};
    CHECK_OK(CHANNEL_SEND(&ledger, recorded, &behind));
    CHECK_OK(channel_flush(&ledger));
    wish_for(9, "junction-c0");
    take_record("\"sequence\":5001,");

    kill(child.pid, SIGKILL);
    waitpid(child.pid, NULL, 0);
    plan_close(&plan);
    test_remove_tree(folder);
}
