/* command_token.c -- bulkhead token: ask the judge for a short-lived token. */
#include "cli/commands.h"

#include "base/text.h"
#include "cli/tool.h"
#include "programs/judge/request.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>

enum { APPROVED_BYTES_MAX = 1024 * 1024, DEFAULT_SECONDS = 900 };

static const char help[] =
    "usage: bulkhead token --state DIR --as NAME --zone ZONE --purpose P\n"
    "                      [--seconds N] [--approve-file F]\n"
    "Prints a token (at most 15 minutes) that works together with the client certificate in\n"
    "DIR/callers/NAME. The grant stands in the city's log before the token leaves the judge.\n"
    "--approve-file: an approval of exactly the bytes in F, to go with a command; it reads "
    "nothing.\n"
    "example: bulkhead token --state run/demo --as auditor --zone bikes --purpose compliance\n";

struct wish_for_token {
    struct token_ask ask;
    EVP_PKEY *key;
    struct buf certificate; /* DER */
    uint8_t approves[32];
    bool asked, answered, granted;
};

static bool
load_identity(const char *state, const char *name, struct wish_for_token *w)
{
    char path[TOOL_PATH_SIZE];
    struct buf pem;
    uint8_t *der = NULL;
    snprintf(path, sizeof(path), "%s/callers/%s/key.pem", state, name);
    if (!tool_read_file(path, 16384, &pem))
        return false;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    w->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    sodium_memzero(pem.p, pem.len);
    buf_fini(&pem);
    snprintf(path, sizeof(path), "%s/callers/%s/cert.pem", state, name);
    if (!tool_read_file(path, 16384, &pem))
        return false;
    bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    buf_fini(&pem);
    int len = x ? i2d_X509(x, &der) : 0;
    buf_init(&w->certificate, 8192);
    if (len > 0)
        buf_put(&w->certificate, bytes_of(der, (size_t)len));
    OPENSSL_free(der);
    X509_free(x);
    bool good = w->key && len > 0 && buf_error(&w->certificate) == OK;
    if (!good)
        fprintf(stderr, "bulkhead: %s/callers/%s holds no key.pem and cert.pem of ours\n", state,
                name);
    return good;
}

/* The proof over the judge's nonce; 0 when it cannot be made. */
static size_t
make_proof(const struct wish_for_token *w, struct bytes nonce, uint8_t *out, size_t size)
{
    struct buf what;
    size_t len = size;
    buf_init(&what, REQUEST_SIGNED_MAX);
    request_put_signed(&what, nonce, w->ask.zone, w->ask.purpose, w->ask.approves);
    const EVP_MD *digest = EVP_PKEY_is_a(w->key, "ED25519") ? NULL : EVP_sha256();
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    bool good = sign && buf_error(&what) == OK &&
                EVP_DigestSignInit(sign, NULL, digest, NULL, w->key) == 1 &&
                EVP_DigestSign(sign, out, &len, what.p, what.len) == 1;
    EVP_MD_CTX_free(sign);
    buf_fini(&what);
    return good ? len : 0;
}

struct conversation {
    struct wish_for_token *wish;
    struct channel channel;
};

static enum err
on_challenge(struct conversation *c, struct bytes body)
{
    struct challenge m;
    uint8_t proof[512];
    struct wish_for_token *w = c->wish;
    enum err e = challenge_decode(body, &m);
    if (e != OK || w->asked || m.nonce.len != REQUEST_NONCE_SIZE)
        return ERR_MALFORMED;
    size_t len = make_proof(w, m.nonce, proof, sizeof(proof));
    if (len == 0)
        return ERR_CRYPTO;
    w->ask.proof = bytes_of(proof, len);
    w->asked = true;
    e = CHANNEL_SEND(&c->channel, token_ask, &w->ask);
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
        printf("%.*s\n", BYTES_PRINTF(granted.token));
        c->wish->granted = true;
    } else if (id == token_refused_id && token_refused_decode(body, &refused) == OK) {
        fprintf(stderr, "bulkhead: refused: %.*s\n", BYTES_PRINTF(refused.why));
    } else {
        return ERR_MALFORMED;
    }
    c->wish->answered = true;
    return OK;
}

static int
converse(const char *state, struct wish_for_token *w)
{
    struct conversation c = {.wish = w};
    int fd = tool_connect(state, "judge.sock");
    if (fd < 0)
        return EXIT_CANNOT;
    channel_init(&c.channel, fd);
    enum err e = OK;
    while (e == OK && !w->answered)
        e = channel_receive(&c.channel, on_frame, &c);
    channel_fini(&c.channel);
    if (e != OK) {
        fprintf(stderr, "bulkhead: the judge does not answer (%s)\n", err_text(e));
        return EXIT_CANNOT;
    }
    return w->granted ? EXIT_OK : EXIT_DOES_NOT_HOLD;
}

static bool
take_approved(const char *path, struct wish_for_token *w)
{
    struct buf file;
    if (!tool_read_file(path, APPROVED_BYTES_MAX, &file))
        return false;
    crypto_hash_sha256(w->approves, file.p, file.len);
    buf_fini(&file);
    w->ask.approves = bytes_of(w->approves, sizeof(w->approves));
    return true;
}

int
command_token(int argc, char **argv)
{
    struct tool_option options[] = {
        {"--state", true, NULL},   {"--as", true, NULL},      {"--zone", true, NULL},
        {"--purpose", true, NULL}, {"--seconds", true, NULL}, {"--approve-file", true, NULL},
    };
    struct tool_words words;
    static struct wish_for_token w;
    uint64_t seconds = DEFAULT_SECONDS;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    const char *state = options[0].value, *name = options[1].value;
    const char *zone = options[2].value, *purpose = options[3].value;
    if (!state || !name || !zone || !purpose || words.count || !text_is_name(bytes_text(name)) ||
        !text_is_name(bytes_text(zone)) || !text_is_name(bytes_text(purpose)) ||
        (options[4].value &&
         text_u64(bytes_text(options[4].value), DEFAULT_SECONDS, &seconds) != OK)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (sodium_init() < 0 || !load_identity(state, name, &w) ||
        (options[5].value && !take_approved(options[5].value, &w)))
        return EXIT_CANNOT;
    w.ask.caller = bytes_text(name);
    w.ask.zone = bytes_text(zone);
    w.ask.purpose = bytes_text(purpose);
    w.ask.seconds = (uint32_t)seconds;
    w.ask.certificate = buf_bytes(&w.certificate);
    int status = converse(state, &w);
    EVP_PKEY_free(w.key);
    buf_fini(&w.certificate);
    return status;
}
