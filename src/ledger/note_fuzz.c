#include "base/base.h"
#include "ledger/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct note note;
    struct buf again;
    buf_init(&again, NOTE_BYTES_MAX);
    if (note_parse(input, &note) == OK) {
        note_put(&again, &note);
        ASSERT(bytes_equal(buf_bytes(&again), input));
    }
    char name[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32];
    if (note_parse_verifier_key(input, name, key) == OK) {
        ASSERT(note_is_key_name(bytes_text(name)));
    }
    buf_fini(&again);
    return 0;
}
