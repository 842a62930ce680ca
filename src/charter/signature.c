#include "charter/signature.h"
#include "base/text.h"

#include <sodium.h>
#include <stdarg.h>

static const char signed_prefix[] = "bulkhead charter v1\n";
static const char line_start[] = "bulkhead-charter-signature v1 ";

enum { PREFIX_SIZE = sizeof(signed_prefix) - 1, SIGNED_SIZE = PREFIX_SIZE + 32, LINES_MAX = 64 };

static void
put_signed(uint8_t out[static SIGNED_SIZE], const uint8_t digest[static 32])
{
    memcpy(out, signed_prefix, PREFIX_SIZE);
    memcpy(out + PREFIX_SIZE, digest, 32);
}

/* Takes one line off the front, without its newline; false at the end or when there is none. */
static bool
take_line(struct bytes *rest, struct bytes *out)
{
    size_t end = bytes_find(*rest, '\n');
    if (end == rest->len)
        return false;
    *out = bytes_of(rest->p, end);
    *rest = bytes_skip(*rest, end + 1);
    return true;
}

/* Takes what stands before the next space. */
static struct bytes
take_field(struct bytes *rest)
{
    size_t end = bytes_find(*rest, ' ');
    struct bytes field = bytes_of(rest->p, end);
    *rest = bytes_skip(*rest, end < rest->len ? end + 1 : end);
    return field;
}

/* Exactly `size` bytes in base64. */
static enum err
read_key(struct bytes text, uint8_t *out, size_t size)
{
    size_t len = 0;
    uint8_t value[crypto_sign_BYTES];
    ASSERT(size <= sizeof(value));
    if (text_base64(text, value, size, &len) != OK || len != size)
        return ERR_MALFORMED;
    memcpy(out, value, size);
    return OK;
}

enum err
signer_keys_parse(struct bytes text, struct signer_keys *out)
{
    struct signer_keys keys = {.count = 0};
    struct bytes line;
    while (take_line(&text, &line)) {
        if (keys.count == CHARTER_SIGNERS_MAX)
            return ERR_LIMIT;
        struct signer_key *k = &keys.list[keys.count];
        struct bytes name = take_field(&line);
        if (!text_is_name(name) || bytes_copy_text(name, k->name, sizeof(k->name)) != OK ||
            read_key(line, k->public_key, sizeof(k->public_key)) != OK)
            return ERR_MALFORMED;
        /* One key under two names would let one person sign for two. */
        for (uint32_t i = 0; i < keys.count; i++) {
            if (strcmp(keys.list[i].name, k->name) == 0 ||
                memcmp(keys.list[i].public_key, k->public_key, sizeof(k->public_key)) == 0)
                return ERR_MALFORMED;
        }
        keys.count++;
    }
    if (text.len != 0)
        return ERR_MALFORMED;
    *out = keys;
    return OK;
}

void
signature_put(struct buf *b, const char *signer, const uint8_t digest[static 32],
              const uint8_t secret[static 64])
{
    uint8_t message[SIGNED_SIZE], signature[crypto_sign_BYTES];
    put_signed(message, digest);
    int failed = crypto_sign_detached(signature, NULL, message, sizeof(message), secret);
    ASSERT(failed == 0);
    buf_format(b, "%s%s ", line_start, signer);
    text_put_hex(b, bytes_of(digest, 32));
    buf_byte(b, ' ');
    text_put_base64(b, bytes_of(signature, sizeof(signature)));
    buf_byte(b, '\n');
}

static PRINTF_LIKE(4, 5) enum err
    say(enum err e, char *out_why, size_t why_size, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(out_why, why_size, format, ap);
    va_end(ap);
    return e;
}

struct signature_line {
    struct bytes signer;
    uint8_t digest[32];
    uint8_t signature[crypto_sign_BYTES];
};

static enum err
read_signature(struct bytes line, struct signature_line *out)
{
    if (!bytes_start(line, line_start))
        return ERR_MALFORMED;
    line = bytes_skip(line, sizeof(line_start) - 1);
    out->signer = take_field(&line);
    struct bytes digest = take_field(&line);
    if (!text_is_name(out->signer) || text_hex(digest, out->digest, sizeof(out->digest)) != OK)
        return ERR_MALFORMED;
    return read_key(line, out->signature, sizeof(out->signature));
}

bool
signature_line_is_for(struct bytes line, const uint8_t digest[static 32], struct bytes *out_signer)
{
    struct signature_line s;
    if (read_signature(line, &s) != OK || memcmp(s.digest, digest, sizeof(s.digest)) != 0)
        return false;
    *out_signer = s.signer;
    return true;
}

static int32_t
find_signer(const struct charter *c, struct bytes name)
{
    for (uint32_t i = 0; i < c->signers_count; i++) {
        if (bytes_are(name, c->signers[i]))
            return (int32_t)i;
    }
    return -1;
}

static const struct signer_key *
find_key(const struct signer_keys *keys, struct bytes name)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        if (bytes_are(name, keys->list[i].name))
            return &keys->list[i];
    }
    return NULL;
}

enum err
signature_verify(const struct charter *c, struct bytes signatures, const struct signer_keys *keys,
                 char *out_why, size_t why_size)
{
    ASSERT(why_size >= 200 && c->need >= 1);
    uint8_t digest[32], message[SIGNED_SIZE];
    charter_digest(c, digest);
    put_signed(message, digest);
    uint32_t signed_by = 0, count = 0;
    struct bytes line;
    for (uint32_t number = 1; take_line(&signatures, &line); number++) {
        struct signature_line s;
        if (number > LINES_MAX || read_signature(line, &s) != OK)
            return say(ERR_MALFORMED, out_why, why_size, "line %u is not a signature", number);
        int32_t signer = find_signer(c, s.signer);
        if (signer < 0)
            return say(ERR_CRYPTO, out_why, why_size,
                       "line %u: the charter does not name '%.*s' as a signer", number,
                       BYTES_PRINTF(s.signer));
        if (signed_by >> signer & 1)
            return say(ERR_CRYPTO, out_why, why_size, "line %u: '%s' has signed already", number,
                       c->signers[signer]);
        const struct signer_key *key = find_key(keys, s.signer);
        if (!key)
            return say(ERR_CRYPTO, out_why, why_size,
                       "line %u: no trusted public key of '%s' is known", number,
                       c->signers[signer]);
        if (memcmp(s.digest, digest, sizeof(digest)) != 0)
            return say(ERR_CRYPTO, out_why, why_size,
                       "line %u: '%s' signed another charter than this one", number,
                       c->signers[signer]);
        if (crypto_sign_verify_detached(s.signature, message, sizeof(message), key->public_key))
            return say(ERR_CRYPTO, out_why, why_size, "line %u: the signature of '%s' is false",
                       number, c->signers[signer]);
        signed_by |= 1u << signer;
        count++;
    }
    if (signatures.len != 0)
        return say(ERR_MALFORMED, out_why, why_size, "the last line does not end");
    if (count < c->need)
        return say(ERR_CRYPTO, out_why, why_size, "%u of %u needed signatures are there", count,
                   c->need);
    return OK;
}
