/*
 * Any bytes as a lease's text, as a wish's parameters and as a signed lease. What parses is written
 * again as it was; signed by the warden it opens for its device, time and sequence and nothing
 * else.
 */
#include "base/fuzz.h"
#include "grant/lease.h"

#include <sodium.h>

static struct lease_reader reader = {.zone = "signals", .device = "a", .signer = "s.example/w"};
static uint8_t secret[64];

static void
check_signed(const struct lease *l)
{
    struct buf note;
    struct lease back;
    buf_init(&note, LEASE_BYTES_MAX);
    if (lease_sign(l, reader.signer, secret, &note) != OK) {
        buf_fini(&note);
        return; /* a text that leaves no room for its signature */
    }
    struct bytes text = buf_bytes(&note);
    struct lease_reader ours = reader;
    ours.zone = l->zone;
    ours.device = l->device;
    ours.last_sequence = l->sequence - 1;
    enum err e = lease_open(&ours, text, l->not_before_us, &back);
    ASSERT(e == OK && back.sequence == l->sequence);
    for (uint32_t i = 0; i < l->parameters_count; i++) {
        int64_t value = 0;
        e = lease_parameter(&back, l->parameters[i].name, &value);
        ASSERT(e == OK && value == l->parameters[i].value);
    }
    ASSERT(lease_open(&ours, text, l->expiry_us, &back) == ERR_EXPIRED);
    ASSERT(lease_open(&ours, text, l->not_before_us - 1, &back) == ERR_EXPIRED);
    ours.last_sequence = l->sequence;
    ASSERT(lease_open(&ours, text, l->not_before_us, &back) == ERR_WRONG_STATE);
    ours.device = "nobody-has-this-name";
    ASSERT(lease_open(&ours, text, l->not_before_us, &back) == ERR_DENIED);
    ours.signer = "other.example/w";
    ASSERT(lease_open(&ours, text, l->not_before_us, &back) == ERR_CRYPTO);
    buf_fini(&note);
}

static void
check_parameters(struct bytes input)
{
    struct lease lease;
    int64_t value;
    memset(&lease, 0, sizeof(lease));
    if (lease_parse_parameters(input, &lease) != OK) {
        ASSERT(lease.parameters_count == 0);
        return;
    }
    for (uint32_t i = 1; i < lease.parameters_count; i++)
        ASSERT(strcmp(lease.parameters[i - 1].name, lease.parameters[i].name) < 0);
    ASSERT(lease_parameter(&lease, "Not a name", &value) == ERR_NOT_FOUND);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = {2};
    struct bytes input = bytes_of(data, size);
    struct lease lease;
    struct buf again;
    buf_init(&again, LEASE_BYTES_MAX);
    crypto_sign_seed_keypair(reader.public_key, secret, seed);
    if (lease_parse_text(input, &lease) == OK) {
        enum err e = lease_put_text(&lease, &again);
        ASSERT(e == OK && bytes_equal(buf_bytes(&again), input));
        check_signed(&lease);
    }
    check_parameters(input);
    /* The corpus holds leases that this warden signed. */
    if (lease_open(&reader, input, 1800000000000000, &lease) == OK)
        ASSERT(lease.sequence > 0);
    struct lease_reader stranger = {.zone = "signals", .device = "a", .signer = "w"};
    ASSERT(lease_open(&stranger, input, 0, &lease) != OK);
    buf_fini(&again);
    return 0;
}
