#include "base/base.h"
#include "ledger/checkpoint.h"
#include "ledger/cosignature.h"
#include "ledger/submission.h"

#include <sodium.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What can be a checkpoint is cosigned, and the cosignature holds. */
static void
sign_and_check(struct bytes text, const struct cosigner *signer)
{
    uint8_t seed[32], key[32], secret[64];
    uint64_t time_s = 0;
    struct note note;
    struct buf b;
    for (uint8_t i = 0; i < sizeof(seed); i++)
        seed[i] = i; /* KEY's */
    ASSERT(crypto_sign_seed_keypair(key, secret, seed) == 0);
    buf_init(&b, NOTE_BYTES_MAX);
    buf_put(&b, text);
    buf_byte(&b, '\n');
    if (cosignature_put(&b, text, signer->name, secret, 1679315147) == OK) {
        ASSERT(note_parse(buf_bytes(&b), &note) == OK);
        ASSERT(cosignature_check(&note, signer, &time_s) == OK && time_s == 1679315147);
    }
    buf_fini(&b);
}

/* A verifier key, a submission, or a note: each is read by those who know nobody. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char key[] =
        "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    struct bytes input = bytes_of(data, size);
    struct cosigner known, read;
    struct submission s;
    struct note note;
    struct buf again;
    uint64_t time_s = 0;
    buf_init(&again, SUBMISSION_BYTES_MAX + NOTE_BYTES_MAX);
    ASSERT(cosigner_parse(bytes_text(key), &known) == OK);
    if (cosigner_parse(input, &read) == OK) {
        cosigner_put(&again, &read);
        buf_reset(&again); /* hex may be upper case in the input */
    }
    if (submission_parse(input, &s) == OK) {
        submission_put(&again, &s);
        ASSERT(bytes_equal(buf_bytes(&again), input));
        ASSERT(note_parse(s.checkpoint, &note) == OK);
        (void)!cosignature_check(&note, &known, &time_s);
    }
    if (note_parse(input, &note) == OK) {
        (void)!cosignature_check(&note, &known, &time_s);
        sign_and_check(note.text, &known);
    }
    ASSERT(time_s <= COSIGNATURE_TIME_MAX);
    buf_fini(&again);
    return 0;
}
