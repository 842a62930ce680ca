/*
 * What reaches a device that takes commands: its warden's key as a file, then notes on its topic,
 * some of them signed by that warden. The program sees only leases of this device that are good
 * now, with sequences that grow; all others are counted as refused.
 */
#include "field/common/device.c" /* for what is static */

#include "base/fuzz.h"

#include <sodium.h>
#include <sys/mman.h>

static const char signer[] = "signals.rivermouth.example/warden";
static uint64_t last_sequence;
static struct clock_fake fake = {1000, 1800000000000000};

static enum err
obey(void *ctx, uint32_t device, const struct lease *l)
{
    (void)ctx;
    ASSERT(device == 0 && strcmp(l->device, "junction-a0") == 0 && strcmp(l->zone, "signals") == 0);
    ASSERT(l->sequence > last_sequence);
    ASSERT(l->not_before_us <= fake.wall_us && fake.wall_us < l->expiry_us);
    last_sequence = l->sequence;
    return l->parameters_count ? OK : ERR_DENIED;
}

static void
check_key_file(struct device *d, struct bytes text)
{
    char path[64];
    int fd = memfd_create("vkey", MFD_CLOEXEC);
    ASSERT(fd >= 0 && write(fd, text.p, text.len) == (ssize_t)text.len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (read_warden(d, path) == OK)
        ASSERT(text_is_name(bytes_text(d->zone)) && note_is_key_name(bytes_text(d->signer)));
    close(fd);
}

static void
send_note(struct device *d, struct bytes part, bool sign, const uint8_t secret[static 64])
{
    struct buf note;
    buf_init(&note, NOTE_BYTES_MAX);
    if (!sign || note_sign(part, signer, secret, &note) != OK) {
        buf_reset(&note);
        buf_put(&note, part);
    }
    uint8_t *exact = fuzz_exact(buf_bytes(&note));
    uint64_t before = d->field->leases_obeyed + d->field->leases_refused;
    on_lease(d, bytes_of(exact, note.len));
    ASSERT(d->field->leases_obeyed + d->field->leases_refused == before + 1);
    free(exact);
    buf_fini(&note);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = {5};
    static struct field f;
    struct device d = {.field = &f, .thing = {.device = "junction-a0", .commands = true}};
    uint8_t secret[64];
    struct bytes in = bytes_of(data, size);
    f = (struct field){.calls = {.lease = obey}, .clock = clock_fake_source(&fake)};
    last_sequence = 0;
    check_key_file(&d, fuzz_part(&in));
    crypto_sign_seed_keypair(d.reader.public_key, secret, seed);
    d.reader.zone = "signals";
    d.reader.device = d.thing.device;
    d.reader.signer = signer;
    d.reader.last_sequence = 0;
    while (in.len) {
        bool sign = fuzz_byte(&in) & 1;
        send_note(&d, fuzz_part(&in), sign, secret);
    }
    return 0;
}
