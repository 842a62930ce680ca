/*
 * Any bytes as the trusted file, as a signatures file, and as one line of it. Keys that are taken,
 * written again, are the file; and signatures that count are at least as many as the charter needs,
 * each by another signer.
 */
#include "base/fuzz.h"
#include "base/text.h"
#include "charter/signature.h"

#include <sodium.h>

enum { SIGNERS = 3 };

static struct charter charter;
static struct signer_keys trusted;
static uint8_t digest[32];

/* Seeds of zeros and a number: a corpus file holds signatures that stay good. */
static void
set_up(void)
{
    static const char *const names[SIGNERS] = {"mayor", "operator", "ombudsman"};
    uint8_t secret[crypto_sign_SECRETKEYBYTES], seed[crypto_sign_SEEDBYTES] = {0};
    ASSERT(sodium_init() >= 0);
    charter.signers_count = SIGNERS;
    charter.need = 2;
    for (uint32_t i = 0; i < SIGNERS; i++) {
        seed[0] = (uint8_t)(i + 1);
        snprintf(charter.signers[i], sizeof(charter.signers[i]), "%s", names[i]);
        snprintf(trusted.list[i].name, sizeof(trusted.list[i].name), "%s", names[i]);
        crypto_sign_seed_keypair(trusted.list[i].public_key, secret, seed);
    }
    trusted.count = SIGNERS - 1; /* of the last nobody has the key */
    charter_digest(&charter, digest);
}

static void
check_keys(struct bytes text)
{
    struct signer_keys keys;
    struct buf again;
    if (signer_keys_parse(text, &keys) != OK)
        return;
    buf_init(&again, text.len + 1);
    for (uint32_t i = 0; i < keys.count; i++) {
        buf_format(&again, "%s ", keys.list[i].name);
        text_put_base64(&again, bytes_of(keys.list[i].public_key, 32));
        buf_byte(&again, '\n');
    }
    ASSERT(bytes_equal(buf_bytes(&again), text));
    buf_fini(&again);
}

static void
check_signatures(struct bytes text)
{
    char why[300] = "";
    enum err e = signature_verify(&charter, text, &trusted, why, sizeof(why));
    ASSERT((e == OK) == (why[0] == '\0'));
    uint32_t lines = 0;
    bool mayor = false, second = false;
    while (text.len) {
        size_t end = bytes_find(text, '\n');
        struct bytes signer;
        if (signature_line_is_for(bytes_of(text.p, end), digest, &signer)) {
            ASSERT(text_is_name(signer));
            mayor |= bytes_are(signer, "mayor");
            second |= bytes_are(signer, "operator");
            lines++;
        }
        text = bytes_skip(text, end < text.len ? end + 1 : end);
    }
    ASSERT(e != OK || (lines == 2 && mayor && second));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!charter.need)
        set_up();
    check_keys(bytes_of(data, size));
    check_signatures(bytes_of(data, size));
    return 0;
}
