/*
 * What reaches a device that takes commands: the file of the number that it took last, then notes
 * on its topic, some of them signed by its warden. Taken are only leases of this device that are
 * good now, with numbers that grow, over restarts too.
 */
#include "base/fuzz.h"
#include "field/common/intake.h"
#include "ledger/note.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

static const char signer[] = "signals.rivermouth.example/warden";
static char folder[] = "/dev/shm/bulkhead-fuzz-XXXXXX", elsewhere[] = "/tmp/bulkhead-fuzz-XXXXXX";
static const char *place;

static const char *
path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", place, name);
    return path;
}

static void
take_away(void)
{
    unlink(path_of("sequence"));
    unlink(path_of("sequence.new"));
    rmdir(place);
}

static void
write_number(struct bytes what)
{
    unlink(path_of("sequence"));
    if (what.len == 0)
        return;
    int fd = open(path_of("sequence"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT(fd >= 0 && write(fd, what.p, what.len) == (ssize_t)what.len);
    close(fd);
}

static void
check_taken(const struct intake *in, const struct lease *l, uint64_t before)
{
    struct intake again = *in;
    ASSERT(strcmp(l->device, "junction-a0") == 0 && strcmp(l->zone, "signals") == 0);
    ASSERT(l->sequence > before && l->expiry_us > 0);
    enum err e = intake_open(&again, place);
    ASSERT(e == OK && again.reader.last_sequence == l->sequence);
}

static void
offer(struct intake *in, struct bytes part, bool sign, bool doubt, const uint8_t secret[static 64])
{
    const struct intake_time now = {
        .mono_ms = 1000, .wall_us = 1800000000000000, .steady_us = 1000000, .doubt = doubt};
    struct buf note;
    struct lease l;
    uint64_t before = in->reader.last_sequence;
    buf_init(&note, NOTE_BYTES_MAX);
    if (!sign || note_sign(part, signer, secret, &note) != OK) {
        buf_reset(&note);
        buf_put(&note, part);
    }
    uint8_t *exact = fuzz_exact(buf_bytes(&note));
    enum err e = intake_take(in, bytes_of(exact, note.len), &now, &l);
    if (e == OK)
        check_taken(in, &l, before);
    ASSERT(e != OK || !doubt);
    ASSERT(e == OK || in->reader.last_sequence == before);
    if (e == ERR_WRONG_STATE)
        (void)intake_report_due(in, now.mono_ms);
    free(exact);
    buf_fini(&note);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = {5};
    struct intake in = {.reader = {.zone = "signals", .device = "junction-a0", .signer = signer}};
    uint8_t secret[64];
    struct bytes rest = bytes_of(data, size);
    if (!place) {
        place = mkdtemp(folder) ? folder : mkdtemp(elsewhere);
        ASSERT(place);
        atexit(take_away);
    }
    crypto_sign_seed_keypair(in.reader.public_key, secret, seed);
    write_number(fuzz_part(&rest));
    if (intake_open(&in, place) != OK)
        return 0;
    while (rest.len) {
        uint8_t how = fuzz_byte(&rest);
        offer(&in, fuzz_part(&rest), how & 1, how & 2, secret);
    }
    return 0;
}
