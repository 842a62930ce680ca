#include "base/base.h"
#include "ledger/checkpoint.h"
#include "ledger/cosignature.h"
#include "ledger/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    if (note_parse(input, &note) == OK)
        (void)!cosignature_check(&note, &known, &time_s);
    ASSERT(time_s <= COSIGNATURE_TIME_MAX);
    buf_fini(&again);
    return 0;
}
