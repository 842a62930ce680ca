#include "grant/token.h"

#include "base/text.h"

#include <sodium.h>

#define TOKEN_TITLE "bulkhead token v1\n"
#define TOKEN_PREFIX "bh1."

enum { TOKEN_TEXT_MAX = 700, TOKEN_BASE64_MAX = 940 };

static bool
is_name(const char name[static TOKEN_NAME_SIZE])
{
    return memchr(name, 0, TOKEN_NAME_SIZE) != NULL && text_is_name(bytes_text(name));
}

enum err
token_put_text(const struct token *t, struct buf *out)
{
    if (!is_name(t->caller) || !is_name(t->role) || !is_name(t->zone) || !is_name(t->purpose))
        return ERR_MALFORMED;
    buf_format(out, TOKEN_TITLE "caller %s\nrole %s\nzone %s\npurpose %s\nkey ", t->caller, t->role,
               t->zone, t->purpose);
    text_put_hex(out, bytes_of(t->key_digest, sizeof(t->key_digest)));
    if (t->approval) {
        buf_text(out, "\napproves ");
        text_put_hex(out, bytes_of(t->approves, sizeof(t->approves)));
    }
    buf_text(out, "\nexpiry ");
    text_put_time(out, t->expiry_us);
    buf_text(out, "\nserial ");
    text_put_hex(out, bytes_of(t->serial, sizeof(t->serial)));
    buf_byte(out, '\n');
    return buf_error(out);
}

/* Takes "KEY VALUE\n" off the front of *rest; ERR_NOT_FOUND when another line stands there. */
static enum err
take_line(struct bytes *rest, const char *key, struct bytes *out_value)
{
    size_t line = bytes_find(*rest, '\n'), key_len = strlen(key);
    if (line == rest->len || line <= key_len || !bytes_start(*rest, key) || rest->p[key_len] != ' ')
        return ERR_NOT_FOUND;
    *out_value = bytes_of(rest->p + key_len + 1, line - key_len - 1);
    *rest = bytes_skip(*rest, line + 1);
    return OK;
}

static enum err
take_name(struct bytes *rest, const char *key, char out[static TOKEN_NAME_SIZE])
{
    struct bytes value;
    enum err e = take_line(rest, key, &value);
    return e != OK ? e : bytes_copy_text(value, out, TOKEN_NAME_SIZE);
}

static enum err
take_hex(struct bytes *rest, const char *key, uint8_t *out, size_t size)
{
    struct bytes value;
    enum err e = take_line(rest, key, &value);
    return e != OK ? e : text_hex(value, out, size);
}

static enum err
parse_lines(struct bytes rest, struct token *t)
{
    if (!bytes_start(rest, TOKEN_TITLE))
        return ERR_MALFORMED;
    rest = bytes_skip(rest, strlen(TOKEN_TITLE));
    enum err e = take_name(&rest, "caller", t->caller);
    if (e == OK)
        e = take_name(&rest, "role", t->role);
    if (e == OK)
        e = take_name(&rest, "zone", t->zone);
    if (e == OK)
        e = take_name(&rest, "purpose", t->purpose);
    if (e == OK)
        e = take_hex(&rest, "key", t->key_digest, sizeof(t->key_digest));
    if (e == OK) {
        e = take_hex(&rest, "approves", t->approves, sizeof(t->approves));
        t->approval = e == OK;
        if (e == ERR_NOT_FOUND)
            e = OK;
    }
    struct bytes value = {NULL, 0};
    if (e == OK)
        e = take_line(&rest, "expiry", &value);
    if (e == OK)
        e = text_time(value, &t->expiry_us);
    if (e == OK)
        e = take_hex(&rest, "serial", t->serial, sizeof(t->serial));
    return e != OK || rest.len ? ERR_MALFORMED : OK;
}

enum err
token_parse_text(struct bytes text, struct token *out)
{
    if (text.len > TOKEN_TEXT_MAX)
        return ERR_MALFORMED;
    struct token t;
    memset(&t, 0, sizeof(t));
    enum err e = parse_lines(text, &t);
    if (e != OK)
        return e;
    /* One token, one text: upper-case hex or another spelling of the time is no token. */
    struct buf again;
    buf_init(&again, TOKEN_TEXT_MAX);
    e = token_put_text(&t, &again);
    if (e == OK && !bytes_equal(buf_bytes(&again), text))
        e = ERR_MALFORMED;
    buf_fini(&again);
    if (e != OK)
        return ERR_MALFORMED;
    *out = t;
    return OK;
}

/* RFC 4648 section 5 without padding: section 4's, two letters changed and the '=' left off. */
static void
put_base64url(struct buf *b, struct bytes what)
{
    size_t from = b->len;
    text_put_base64(b, what);
    if (b->overflow)
        return;
    while (b->len > from && b->p[b->len - 1] == '=')
        b->len--;
    for (size_t i = from; i < b->len; i++)
        b->p[i] = b->p[i] == '+' ? '-' : b->p[i] == '/' ? '_' : b->p[i];
}

static enum err
parse_base64url(struct bytes s, uint8_t *out, size_t size, size_t *out_len)
{
    uint8_t padded[TOKEN_BASE64_MAX + 3];
    if (s.len == 0 || s.len > TOKEN_BASE64_MAX)
        return ERR_MALFORMED;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];
        if (c == '+' || c == '/' || c == '=')
            return ERR_MALFORMED;
        padded[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    size_t len = s.len;
    while (len % 4)
        padded[len++] = '=';
    return text_base64(bytes_of(padded, len), out, size, out_len) == OK ? OK : ERR_MALFORMED;
}

/* The signed bytes: a title of their own in front, so that no other signature fits a token. */
static void
put_signed(struct buf *b, struct bytes text)
{
    buf_text(b, TOKEN_TITLE);
    buf_put(b, text);
}

enum err
token_sign(const struct token *t, const uint8_t secret[static 64], struct buf *out)
{
    struct buf text, to_sign;
    buf_init(&text, TOKEN_TEXT_MAX);
    buf_init(&to_sign, TOKEN_TEXT_MAX + sizeof(TOKEN_TITLE));
    uint8_t signature[crypto_sign_BYTES];
    enum err e = token_put_text(t, &text);
    if (e == OK) {
        put_signed(&to_sign, buf_bytes(&text));
        e = buf_error(&to_sign);
    }
    if (e == OK && crypto_sign_detached(signature, NULL, to_sign.p, to_sign.len, secret) != 0)
        e = ERR_CRYPTO;
    if (e == OK) {
        buf_text(out, TOKEN_PREFIX);
        put_base64url(out, buf_bytes(&text));
        buf_byte(out, '.');
        put_base64url(out, bytes_of(signature, sizeof(signature)));
        e = buf_error(out);
    }
    buf_fini(&text);
    buf_fini(&to_sign);
    return e;
}

/* Form, signature and life; what the token is for is up to the callers below. */
enum err
token_open_signed(struct bytes text, const uint8_t judge_public[static 32], struct token *out)
{
    if (text.len > TOKEN_BYTES_MAX || !bytes_start(text, TOKEN_PREFIX))
        return ERR_MALFORMED;
    struct bytes rest = bytes_skip(text, strlen(TOKEN_PREFIX));
    size_t dot = bytes_find(rest, '.');
    if (dot == rest.len)
        return ERR_MALFORMED;
    uint8_t body[TOKEN_TEXT_MAX], signature[crypto_sign_BYTES];
    size_t body_len = 0, signature_len = 0;
    enum err e = parse_base64url(bytes_of(rest.p, dot), body, sizeof(body), &body_len);
    if (e == OK)
        e = parse_base64url(bytes_skip(rest, dot + 1), signature, sizeof(signature),
                            &signature_len);
    if (e != OK || signature_len != sizeof(signature))
        return ERR_MALFORMED;
    struct buf to_check;
    buf_init(&to_check, TOKEN_TEXT_MAX + sizeof(TOKEN_TITLE));
    put_signed(&to_check, bytes_of(body, body_len));
    e = buf_error(&to_check);
    if (e == OK &&
        crypto_sign_verify_detached(signature, to_check.p, to_check.len, judge_public) != 0)
        e = ERR_CRYPTO;
    buf_fini(&to_check);
    return e != OK ? e : token_parse_text(bytes_of(body, body_len), out);
}

static enum err
check_life(const struct token *t, int64_t now_us)
{
    if (now_us >= t->expiry_us)
        return ERR_EXPIRED;
    if (t->expiry_us - now_us > (int64_t)TOKEN_LIFE_S_MAX * 1000000)
        return ERR_DENIED;
    return OK;
}

enum err
token_check(const struct token *t, const char *zone, const uint8_t key_digest[static 32],
            int64_t now_us)
{
    if (strcmp(t->zone, zone) != 0 || t->approval ||
        memcmp(t->key_digest, key_digest, sizeof(t->key_digest)) != 0)
        return ERR_DENIED;
    return check_life(t, now_us);
}

enum err
token_open(struct bytes text, const uint8_t judge_public[static 32], const char *zone,
           const uint8_t key_digest[static 32], int64_t now_us, struct token *out)
{
    struct token t;
    enum err e = token_open_signed(text, judge_public, &t);
    if (e == OK)
        e = token_check(&t, zone, key_digest, now_us);
    if (e == OK)
        *out = t;
    return e;
}

enum err
token_open_approval(struct bytes text, const uint8_t judge_public[static 32], const char *zone,
                    const uint8_t approved[static 32], int64_t now_us, struct token *out)
{
    struct token t;
    enum err e = token_open_signed(text, judge_public, &t);
    if (e != OK)
        return e;
    if (strcmp(t.zone, zone) != 0 || !t.approval ||
        memcmp(t.approves, approved, sizeof(t.approves)) != 0)
        return ERR_DENIED;
    e = check_life(&t, now_us);
    if (e == OK)
        *out = t;
    return e;
}
