#include "ledger/note.h"

#include "base/text.h"

#include <sodium.h>

/* U+2014 and a blank: what every signature line begins with. */
#define DASH "\xe2\x80\x94 "

enum { KEY_ID_SIZE = 4 };

static void
put_u32(uint8_t out[static 4], uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t
get_u32(const uint8_t p[static 4])
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Valid UTF-8 without control characters other than newlines (signed-note, "Format"). */
static bool
is_note_text(struct bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < 0x20 && s.p[i] != '\n')
            return false;
    return text_is_utf8(s);
}

/* The code point that starts at s.p[*i], which is valid UTF-8; moves *i behind it. */
static uint32_t
next_code_point(struct bytes s, size_t *i)
{
    uint8_t c = s.p[(*i)++];
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    uint32_t point = more == 3 ? c & 0x07U : more == 2 ? c & 0x0fU : more == 1 ? c & 0x1fU : c;
    while (more-- > 0 && *i < s.len)
        point = point << 6 | (s.p[(*i)++] & 0x3fU);
    return point;
}

/* Unicode's White_Space property. */
static bool
is_space(uint32_t point)
{
    return (point >= 0x09 && point <= 0x0d) || point == 0x20 || point == 0x85 || point == 0xa0 ||
           point == 0x1680 || (point >= 0x2000 && point <= 0x200a) || point == 0x2028 ||
           point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000;
}

bool
note_is_key_name(struct bytes name)
{
    if (name.len == 0 || name.len > NOTE_KEY_NAME_MAX || !is_note_text(name))
        return false;
    for (size_t i = 0; i < name.len;) {
        uint32_t point = next_code_point(name, &i);
        if (is_space(point) || point == '+')
            return false;
    }
    return true;
}

uint32_t
note_typed_key_id(enum note_type type, const char *name, const uint8_t public_key[static 32])
{
    const uint8_t middle[2] = {'\n', (uint8_t)type};
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)name, strlen(name));
    crypto_hash_sha256_update(&state, middle, sizeof(middle));
    crypto_hash_sha256_update(&state, public_key, crypto_sign_PUBLICKEYBYTES);
    crypto_hash_sha256_final(&state, digest);
    return get_u32(digest);
}

void
note_put_typed_key(struct buf *b, enum note_type type, const char *name,
                   const uint8_t public_key[static 32])
{
    uint8_t typed[1 + crypto_sign_PUBLICKEYBYTES] = {(uint8_t)type};
    memcpy(typed + 1, public_key, crypto_sign_PUBLICKEYBYTES);
    buf_format(b, "%s+%08x+", name, note_typed_key_id(type, name, public_key));
    text_put_base64(b, bytes_of(typed, sizeof(typed)));
}

enum err
note_parse_typed_key(struct bytes text, enum note_type type,
                     char out_name[static NOTE_KEY_NAME_MAX + 1], uint8_t out_key[static 32])
{
    size_t name_len = bytes_find(text, '+');
    struct bytes name = bytes_of(text.p, name_len);
    if (!note_is_key_name(name) || text.len < name_len + 10 || text.p[name_len + 9] != '+')
        return ERR_MALFORMED;
    uint8_t id[KEY_ID_SIZE], typed[1 + crypto_sign_PUBLICKEYBYTES];
    size_t typed_len = 0;
    enum err e = text_hex(bytes_of(text.p + name_len + 1, 8), id, sizeof(id));
    if (e == OK)
        e = text_base64(bytes_skip(text, name_len + 10), typed, sizeof(typed), &typed_len);
    if (e != OK || typed_len != sizeof(typed) || typed[0] != type)
        return ERR_MALFORMED;
    char name_text[NOTE_KEY_NAME_MAX + 1];
    e = bytes_copy_text(name, name_text, sizeof(name_text));
    if (e != OK || get_u32(id) != note_typed_key_id(type, name_text, typed + 1))
        return ERR_MALFORMED;
    memcpy(out_name, name_text, name.len + 1);
    memcpy(out_key, typed + 1, crypto_sign_PUBLICKEYBYTES);
    return OK;
}

uint32_t
note_key_id(const char *name, const uint8_t public_key[static 32])
{
    return note_typed_key_id(NOTE_TYPE_ED25519, name, public_key);
}

void
note_put_verifier_key(struct buf *b, const char *name, const uint8_t public_key[static 32])
{
    note_put_typed_key(b, NOTE_TYPE_ED25519, name, public_key);
}

enum err
note_parse_verifier_key(struct bytes text, char out_name[static NOTE_KEY_NAME_MAX + 1],
                        uint8_t out_key[static 32])
{
    return note_parse_typed_key(text, NOTE_TYPE_ED25519, out_name, out_key);
}

enum err
note_parse_signature(struct bytes line, struct note_signature *out)
{
    if (!bytes_start(line, DASH))
        return ERR_MALFORMED;
    struct bytes rest = bytes_skip(line, strlen(DASH));
    size_t name_len = bytes_find(rest, ' ');
    struct bytes name = bytes_of(rest.p, name_len);
    if (name_len == rest.len || !note_is_key_name(name))
        return ERR_MALFORMED;
    struct bytes base64 = bytes_skip(rest, name_len + 1);
    uint8_t blob[NOTE_SIGNATURE_BYTES_MAX];
    size_t blob_len = 0;
    enum err e = text_base64(base64, blob, sizeof(blob), &blob_len);
    if (e != OK)
        return e;
    if (blob_len <= KEY_ID_SIZE)
        return ERR_MALFORMED;
    *out = (struct note_signature){name, base64};
    return OK;
}

enum err
note_signature_of(const struct note_signature *s, const char *name, uint32_t key_id, uint8_t *out,
                  size_t size, size_t *out_len)
{
    uint8_t blob[NOTE_SIGNATURE_BYTES_MAX];
    size_t len = 0;
    enum err e = text_base64(s->base64, blob, sizeof(blob), &len);
    ASSERT(e == OK && len > KEY_ID_SIZE); /* note_parse_signature() saw to it */
    if (!bytes_are(s->name, name) || get_u32(blob) != key_id)
        return ERR_NOT_FOUND;
    len -= KEY_ID_SIZE;
    if (len > size)
        return ERR_LIMIT;
    memcpy(out, blob + KEY_ID_SIZE, len);
    *out_len = len;
    return OK;
}

/* The offset of the last empty line's first newline, or note.len. */
static size_t
find_last_empty_line(struct bytes note)
{
    for (size_t i = note.len; i >= 2; i--)
        if (note.p[i - 1] == '\n' && note.p[i - 2] == '\n')
            return i - 2;
    return note.len;
}

enum err
note_parse(struct bytes note, struct note *out)
{
    if (note.len > NOTE_BYTES_MAX)
        return ERR_LIMIT;
    if (!is_note_text(note) || note.len == 0 || note.p[note.len - 1] != '\n')
        return ERR_MALFORMED;
    size_t split = find_last_empty_line(note);
    if (split == note.len)
        return ERR_MALFORMED;
    struct note n = {.text = bytes_of(note.p, split + 1)};
    struct bytes rest = bytes_skip(note, split + 2);
    while (rest.len) {
        if (n.signatures_count == NOTE_SIGNATURES_MAX)
            return ERR_LIMIT;
        size_t line = bytes_find(rest, '\n');
        enum err e =
            note_parse_signature(bytes_of(rest.p, line), &n.signatures[n.signatures_count++]);
        if (e != OK)
            return e;
        rest = bytes_skip(rest, line + 1);
    }
    if (n.signatures_count == 0)
        return ERR_MALFORMED;
    *out = n;
    return OK;
}

void
note_put(struct buf *b, const struct note *note)
{
    buf_put(b, note->text);
    buf_byte(b, '\n');
    for (uint32_t i = 0; i < note->signatures_count; i++) {
        buf_text(b, DASH);
        buf_put(b, note->signatures[i].name);
        buf_byte(b, ' ');
        buf_put(b, note->signatures[i].base64);
        buf_byte(b, '\n');
    }
}

void
note_put_signature(struct buf *b, const char *name, uint32_t key_id, struct bytes signature)
{
    uint8_t blob[NOTE_SIGNATURE_BYTES_MAX];
    ASSERT(note_is_key_name(bytes_text(name)) && signature.len > 0 &&
           signature.len <= sizeof(blob) - KEY_ID_SIZE);
    put_u32(blob, key_id);
    memcpy(blob + KEY_ID_SIZE, signature.p, signature.len);
    buf_format(b, DASH "%s ", name);
    text_put_base64(b, bytes_of(blob, KEY_ID_SIZE + signature.len));
    buf_byte(b, '\n');
}

enum err
note_sign(struct bytes text, const char *name, const uint8_t secret[static 64], struct buf *out)
{
    if (text.len == 0 || text.p[text.len - 1] != '\n' || !is_note_text(text))
        return ERR_MALFORMED;
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], signature[crypto_sign_BYTES];
    crypto_sign_ed25519_sk_to_pk(public_key, secret);
    if (crypto_sign_detached(signature, NULL, text.p, text.len, secret) != 0)
        return ERR_CRYPTO;
    buf_put(out, text);
    buf_byte(out, '\n');
    note_put_signature(out, name, note_key_id(name, public_key),
                       bytes_of(signature, sizeof(signature)));
    return buf_error(out);
}

enum err
note_open(struct bytes note, const char *name, const uint8_t public_key[static 32],
          struct bytes *out_text)
{
    struct note n;
    enum err e = note_parse(note, &n);
    if (e != OK)
        return e;
    uint32_t id = note_key_id(name, public_key);
    bool good = false;
    for (uint32_t i = 0; i < n.signatures_count; i++) {
        uint8_t signature[crypto_sign_BYTES];
        size_t len = 0;
        e = note_signature_of(&n.signatures[i], name, id, signature, sizeof(signature), &len);
        if (e == ERR_NOT_FOUND)
            continue; /* another key: of a witness, perhaps */
        if (e != OK || len != sizeof(signature) ||
            crypto_sign_verify_detached(signature, n.text.p, n.text.len, public_key) != 0)
            return ERR_CRYPTO;
        good = true;
    }
    if (!good)
        return ERR_CRYPTO;
    *out_text = n.text;
    return OK;
}
