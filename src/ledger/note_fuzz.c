/*
 * Any bytes as a note, as a verifier key and as a text to sign. What parses is written again as it
 * was; what is signed opens under its key's name and no other.
 */
#include "base/fuzz.h"
#include "ledger/note.h"

#include <sodium.h>

static const char name[] = "rivermouth.example/city";

static void
check_key(struct bytes input)
{
    char key_name[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32];
    struct buf again;
    struct bytes rest;
    if (note_parse_verifier_key(input, key_name, key) != OK)
        return;
    ASSERT(note_is_key_name(bytes_text(key_name)));
    buf_init(&again, 512);
    note_put_verifier_key(&again, key_name, key);
    char back[NOTE_KEY_NAME_MAX + 1];
    uint8_t back_key[32];
    rest = buf_bytes(&again);
    enum err e = note_parse_verifier_key(rest, back, back_key);
    ASSERT(e == OK && strcmp(back, key_name) == 0 && memcmp(back_key, key, sizeof(key)) == 0);
    buf_fini(&again);
}

static void
check_signed(struct bytes text, const uint8_t public_key[static 32],
             const uint8_t secret[static 64])
{
    struct buf note;
    struct bytes opened;
    buf_init(&note, NOTE_BYTES_MAX);
    if (note_sign(text, name, secret, &note) == OK) {
        enum err e = note_open(buf_bytes(&note), name, public_key, &opened);
        ASSERT(e == OK && bytes_equal(opened, text));
        ASSERT(note_open(buf_bytes(&note), "other", public_key, &opened) == ERR_CRYPTO);
        note.p[0] ^= 1;
        ASSERT(note_open(buf_bytes(&note), name, public_key, &opened) != OK);
    }
    buf_fini(&note);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = {3};
    uint8_t public_key[32], secret[64];
    struct bytes input = bytes_of(data, size), text;
    struct note note;
    struct buf again;
    buf_init(&again, NOTE_BYTES_MAX);
    crypto_sign_seed_keypair(public_key, secret, seed);
    if (note_parse(input, &note) == OK) {
        note_put(&again, &note);
        ASSERT(bytes_equal(buf_bytes(&again), input));
    } else {
        ASSERT(note_open(input, name, public_key, &text) != OK);
    }
    /* The corpus holds notes that this key signed, with a witness's line beside. */
    if (note_open(input, name, public_key, &text) == OK)
        ASSERT(bytes_equal(text, note.text));
    check_key(input);
    check_signed(input, public_key, secret);
    buf_fini(&again);
    return 0;
}
