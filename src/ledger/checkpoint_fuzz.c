/*
 * Any bytes as a checkpoint's text, as a signed checkpoint and as a proof. What parses is written
 * again as it was; a proof that holds under our key is of the entry that it names.
 */
#include "base/fuzz.h"
#include "ledger/checkpoint.h"

#include <sodium.h>

static const char origin[] = "rivermouth.example/city";

static void
check_signed(const struct checkpoint *c, struct bytes text, const uint8_t public_key[static 32],
             const uint8_t secret[static 64])
{
    struct buf note;
    struct checkpoint back;
    buf_init(&note, NOTE_BYTES_MAX);
    enum err e = note_sign(text, origin, secret, &note);
    if (e == OK) {
        e = checkpoint_open(buf_bytes(&note), origin, public_key, &back);
        ASSERT(e == (strcmp(c->origin, origin) == 0 ? OK : ERR_DENIED));
        ASSERT(e != OK || back.size == c->size);
    }
    buf_fini(&note);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = {3};
    uint8_t public_key[32], secret[64];
    struct bytes input = bytes_of(data, size);
    struct checkpoint c;
    struct proof p;
    struct buf again;
    buf_init(&again, CHECKPOINT_PROOF_MAX + NOTE_BYTES_MAX);
    crypto_sign_seed_keypair(public_key, secret, seed);
    if (checkpoint_parse_text(input, &c) == OK) {
        enum err e = checkpoint_put_text(&again, &c);
        ASSERT(e == OK && bytes_equal(buf_bytes(&again), input));
        check_signed(&c, input, public_key, secret);
        buf_reset(&again);
    }
    if (proof_parse(input, &p) == OK) {
        proof_put(&again, &p);
        ASSERT(bytes_equal(buf_bytes(&again), input));
        /* The corpus holds a proof of the entry "leaf" that this key signed. */
        bool holds = proof_verify(&p, bytes_text("leaf"), origin, public_key) == OK;
        ASSERT(!holds || proof_verify(&p, bytes_text("feal"), origin, public_key) == ERR_CRYPTO);
    }
    buf_fini(&again);
    return 0;
}
