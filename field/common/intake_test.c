#include "field/common/intake.h"

#include "base/test.h"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t NOW_US = 1800000000000000;
static const int64_t S = 1000000;
static char folder[] = "/tmp/bulkhead-intake-XXXXXX";
static uint8_t secret[64];
static struct intake in;

static void
start_device(void)
{
    uint8_t public_key[32], seed[32] = {5};
    CHECK(crypto_sign_seed_keypair(public_key, secret, seed) == 0);
    in = (struct intake){
        .reader = {.zone = "signals", .device = "a0", .signer = "signals.x/warden"}};
    memcpy(in.reader.public_key, public_key, 32);
    CHECK_OK(intake_open(&in, folder));
}

static struct bytes
note_of(uint64_t sequence, int64_t from_us, int64_t to_us)
{
    static struct buf note;
    struct lease l = {.zone = "signals",
                      .device = "a0",
                      .command = "phase-request",
                      .not_before_us = from_us,
                      .expiry_us = to_us,
                      .sequence = sequence};
    if (note.max == 0)
        buf_init(&note, LEASE_BYTES_MAX);
    buf_reset(&note);
    CHECK_OK(lease_sign(&l, "signals.x/warden", secret, &note));
    return buf_bytes(&note);
}

static enum err
take(uint64_t sequence, int64_t wall_us, bool doubt, int64_t *out_expiry_us)
{
    struct intake_time now = {9000, wall_us, 77 * S, doubt};
    struct lease lease;
    enum err e = intake_take(&in, note_of(sequence, NOW_US, NOW_US + 10 * S), &now, &lease);
    if (e == OK && out_expiry_us)
        *out_expiry_us = lease.expiry_us;
    return e;
}

TEST(a_number_is_taken_once_whatever_restarts_or_is_restored)
{
    CHECK(mkdtemp(folder));
    start_device();
    CHECK_OK(take(17, NOW_US + S, false, NULL));
    CHECK(take(17, NOW_US + S, false, NULL) == ERR_WRONG_STATE);
    start_device(); /* the lease has not expired, and the device was started anew */
    CHECK(take(17, NOW_US + S, false, NULL) == ERR_WRONG_STATE);
    CHECK(take(3, NOW_US + S, false, NULL) == ERR_WRONG_STATE); /* an old backup of the warden */
    CHECK(in.reader.last_sequence == 17);
    CHECK_OK(take(18, NOW_US + S, false, NULL));
    test_remove_tree(folder);
    CHECK(take(19, NOW_US + S, false, NULL) == ERR_IO); /* no number kept, no act */
    CHECK(in.reader.last_sequence == 18);
    CHECK(mkdir(folder, 0700) == 0);
    CHECK_OK(take(19, NOW_US + S, false, NULL));
    test_remove_tree(folder);
}

TEST(the_wall_clock_decides_at_the_edge_only)
{
    int64_t ends_us = 0;
    CHECK(mkdir(folder, 0700) == 0);
    start_device();
    CHECK_OK(take(1, NOW_US + 4 * S, false, &ends_us));
    CHECK(ends_us == 77 * S + 6 * S); /* six seconds from now, wherever the wall clock goes */
    CHECK(take(2, NOW_US - 3600 * S, false, NULL) == ERR_EXPIRED); /* set back: not yet */
    CHECK(take(2, NOW_US + 3600 * S, false, NULL) == ERR_EXPIRED);
    CHECK(take(2, NOW_US + S, true, NULL) == ERR_AGAIN); /* in doubt */
    CHECK(in.reader.last_sequence == 1);
    CHECK_OK(take(2, NOW_US + S, false, NULL));
    test_remove_tree(folder);
}

TEST(the_highest_number_is_reported_now_and_then)
{
    in.reported = false;
    CHECK(intake_report_due(&in, 5));
    CHECK(!intake_report_due(&in, 5 + INTAKE_REPORT_MS - 1));
    CHECK(intake_report_due(&in, 5 + INTAKE_REPORT_MS));
}
