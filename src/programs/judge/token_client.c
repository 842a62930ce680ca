#include "programs/judge/token_client.h"

#include "programs/judge/request.h"
#include "programs/messages.h"
#include "wire/channel.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { CERTIFICATE_BYTES_MAX = 8192 };

struct token_client {
    char name[START_NAME_SIZE];
    EVP_PKEY *key;
    struct buf certificate; /* DER */
};

static EVP_PKEY *
read_key(const char *state, const char *caller)
{
    char path[700];
    snprintf(path, sizeof(path), "%s/callers/%s/key.pem", state, caller);
    BIO *bio = BIO_new_file(path, "r");
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

static bool
read_certificate(const char *state, const char *caller, struct buf *out)
{
    char path[700];
    uint8_t *der = NULL;
    snprintf(path, sizeof(path), "%s/callers/%s/cert.pem", state, caller);
    BIO *bio = BIO_new_file(path, "r");
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    int len = x ? i2d_X509(x, &der) : 0;
    if (len > 0)
        buf_put(out, bytes_of(der, (size_t)len));
    OPENSSL_free(der);
    X509_free(x);
    return len > 0 && buf_error(out) == OK;
}

enum err
token_client_new(const char *state, const char *caller, struct token_client **out,
                 char out_why[static TOKEN_CLIENT_WHY_SIZE])
{
    struct token_client *c = calloc(1, sizeof(*c));
    ASSERT(c);
    buf_init(&c->certificate, CERTIFICATE_BYTES_MAX);
    c->key = read_key(state, caller);
    if (c->key && read_certificate(state, caller, &c->certificate) &&
        bytes_copy_text(bytes_text(caller), c->name, sizeof(c->name)) == OK) {
        *out = c;
        return OK;
    }
    snprintf(out_why, TOKEN_CLIENT_WHY_SIZE, "%s/callers/%s holds no key.pem and cert.pem of ours",
             state, caller);
    token_client_free(c);
    return ERR_NOT_FOUND;
}

void
token_client_free(struct token_client *c)
{
    if (!c)
        return;
    EVP_PKEY_free(c->key);
    buf_fini(&c->certificate);
    free(c);
}

/* The proof over the judge's nonce; 0 when it cannot be made. */
static size_t
make_proof(const struct token_client *c, const struct token_ask *ask, struct bytes nonce,
           uint8_t *out, size_t size)
{
    struct buf what;
    size_t len = size;
    buf_init(&what, REQUEST_SIGNED_MAX);
    request_put_signed(&what, nonce, ask->zone, ask->purpose, ask->approves);
    const EVP_MD *digest = EVP_PKEY_is_a(c->key, "ED25519") ? NULL : EVP_sha256();
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    bool good = sign && buf_error(&what) == OK &&
                EVP_DigestSignInit(sign, NULL, digest, NULL, c->key) == 1 &&
                EVP_DigestSign(sign, out, &len, what.p, what.len) == 1;
    EVP_MD_CTX_free(sign);
    buf_fini(&what);
    return good ? len : 0;
}

struct conversation {
    const struct token_client *client;
    struct token_ask ask;
    struct channel channel;
    struct buf *token;
    char *why;
    bool asked, granted, answered;
};

static enum err
on_challenge(struct conversation *c, struct bytes body)
{
    struct challenge m;
    uint8_t proof[512];
    enum err e = challenge_decode(body, &m);
    if (e != OK || c->asked || m.nonce.len != REQUEST_NONCE_SIZE)
        return ERR_MALFORMED;
    size_t len = make_proof(c->client, &c->ask, m.nonce, proof, sizeof(proof));
    if (len == 0)
        return ERR_CRYPTO;
    c->ask.proof = bytes_of(proof, len);
    c->asked = true;
    e = CHANNEL_SEND(&c->channel, token_ask, &c->ask);
    return e == OK ? channel_flush(&c->channel) : e;
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct conversation *c = ctx;
    struct token_granted granted;
    struct token_refused refused;
    if (id == challenge_id)
        return on_challenge(c, body);
    if (id == token_granted_id && token_granted_decode(body, &granted) == OK) {
        buf_put(c->token, granted.token);
        c->granted = true;
    } else if (id == token_refused_id && token_refused_decode(body, &refused) == OK) {
        snprintf(c->why, TOKEN_CLIENT_WHY_SIZE, "%.*s", BYTES_PRINTF(refused.why));
    } else {
        return ERR_MALFORMED;
    }
    c->answered = true;
    return OK;
}

enum err
token_client_ask(const struct token_client *client, int socket_fd, const struct token_wish *w,
                 struct buf *out_token, char out_why[static TOKEN_CLIENT_WHY_SIZE])
{
    struct conversation c = {.client = client, .token = out_token, .why = out_why};
    c.ask = (struct token_ask){.caller = bytes_text(client->name),
                               .zone = bytes_text(w->zone),
                               .purpose = bytes_text(w->purpose),
                               .seconds = w->seconds,
                               .approves = w->approves,
                               .certificate = buf_bytes(&client->certificate)};
    channel_init(&c.channel, socket_fd);
    enum err e = OK;
    while (e == OK && !c.answered)
        e = channel_receive(&c.channel, on_frame, &c);
    c.channel.fd = -1; /* the caller's */
    channel_fini(&c.channel);
    if (e != OK) {
        snprintf(out_why, TOKEN_CLIENT_WHY_SIZE, "the judge does not answer (%s)", err_text(e));
        return e;
    }
    return c.granted ? OK : ERR_DENIED;
}
