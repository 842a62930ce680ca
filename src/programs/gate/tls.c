#include "programs/gate/tls.h"

#include "programs/gate/throwaway.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* ---- a BIO over borrowed bytes and a buffer ---- */

static int
bio_read(BIO *bio, char *to, size_t size, size_t *out_len)
{
    struct tls_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (s->in.len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    size_t n = size < s->in.len ? size : s->in.len;
    memcpy(to, s->in.p, n);
    s->in = bytes_skip(s->in, n);
    *out_len = n;
    return 1;
}

static int
bio_write(BIO *bio, const char *from, size_t size, size_t *out_len)
{
    struct tls_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    buf_put(&s->out, bytes_of(from, size));
    if (buf_error(&s->out) != OK)
        return 0;
    *out_len = size;
    return 1;
}

static long
bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int
bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *
bio_method(void)
{
    static BIO_METHOD *method; /* made at start, kept for the life of the process */
    if (method)
        return method;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bytes");
    ASSERT(method);
    int good = BIO_meth_set_read_ex(method, bio_read) && BIO_meth_set_write_ex(method, bio_write) &&
               BIO_meth_set_ctrl(method, bio_control) && BIO_meth_set_create(method, bio_create);
    ASSERT(good);
    return method;
}

/* ---- contexts ---- */

static const unsigned char alpn_http[] = "\x08http/1.1";
static const unsigned char alpn_mqtt[] = "\x04mqtt";

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                const unsigned char *in, unsigned in_len, void *arg)
{
    (void)ssl;
    const unsigned char *ours = arg;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_len, ours, 1u + ours[0], in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* meant for another protocol: no confusion here */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static X509 *
read_certificate(struct bytes pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return x;
}

static EVP_PKEY *
read_key(struct bytes pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

static bool
trust(SSL_CTX *context, X509 *issuer)
{
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(context), issuer) &&
           SSL_CTX_add_client_CA(context, issuer);
}

static SSL_CTX *
new_context(enum tls_protocol protocol, EVP_PKEY *key, X509 *certificate, X509 *device,
            X509 *people)
{
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    if (!c)
        return NULL;
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_cert_list(c, TLS_CERTIFICATES_MAX);
    SSL_CTX_set_verify_depth(c, 1);
    SSL_CTX_set_verify(c,
                       protocol == TLS_MQTT ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                            : SSL_VERIFY_PEER,
                       NULL);
    const unsigned char *alpn = protocol == TLS_MQTT ? alpn_mqtt : alpn_http;
    SSL_CTX_set_alpn_select_cb(c, choose_protocol, (void *)(uintptr_t)alpn);
    if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) && SSL_CTX_set_num_tickets(c, 0) &&
        SSL_CTX_set_max_early_data(c, 0) && SSL_CTX_set_recv_max_early_data(c, 0) &&
        SSL_CTX_set1_groups_list(c, "X25519:P-256") && SSL_CTX_use_certificate(c, certificate) &&
        SSL_CTX_use_PrivateKey(c, key) && SSL_CTX_check_private_key(c) && trust(c, device) &&
        trust(c, people))
        return c;
    SSL_CTX_free(c);
    return NULL;
}

/* Takes over the issuers, in success and failure. */
static enum err
make_contexts(struct tls *t, EVP_PKEY *key, X509 *certificate, X509 *device, X509 *people)
{
    *t = (struct tls){.device_issuer = device, .people_issuer = people};
    for (int i = 0; i < 2; i++) {
        t->contexts[i] = new_context((enum tls_protocol)i, key, certificate, device, people);
        if (!t->contexts[i]) {
            tls_fini(t);
            return ERR_CRYPTO;
        }
    }
    return OK;
}

enum err
tls_init(struct tls *t, struct bytes key, struct bytes certificate, struct bytes device,
         struct bytes people, const char **out_why)
{
    EVP_PKEY *k = read_key(key);
    X509 *own = read_certificate(certificate);
    X509 *issuer = read_certificate(device), *person = read_certificate(people);
    enum err e = ERR_MALFORMED;
    *out_why = !k        ? "the TLS key is not readable"
               : !own    ? "the TLS certificate is not readable"
               : !issuer ? "the device issuer's certificate is not readable"
               : !person ? "the people issuer's certificate is not readable"
                         : NULL;
    if (*out_why) {
        X509_free(issuer);
        X509_free(person);
    } else {
        e = make_contexts(t, k, own, issuer, person);
        *out_why = e == OK ? NULL : "OpenSSL refused the key or a certificate";
    }
    EVP_PKEY_free(k); /* the contexts hold what they need */
    X509_free(own);
    return e;
}

void
tls_fini(struct tls *t)
{
    for (int i = 0; i < 2; i++)
        SSL_CTX_free(t->contexts[i]);
    X509_free(t->device_issuer);
    X509_free(t->people_issuer);
    *t = (struct tls){{NULL, NULL}, NULL, NULL};
}

/* ---- streams ---- */

enum err
tls_open(struct tls_stream *s, SSL_CTX *context, bool client)
{
    *s = (struct tls_stream){.ssl = SSL_new(context)};
    buf_init(&s->out, TLS_OUT_MAX);
    BIO *bio = s->ssl ? BIO_new(bio_method()) : NULL;
    if (!bio) {
        SSL_free(s->ssl);
        s->ssl = NULL;
        return ERR_LIMIT;
    }
    BIO_set_data(bio, s);
    SSL_set_bio(s->ssl, bio, bio);
    if (client)
        SSL_set_connect_state(s->ssl);
    else
        SSL_set_accept_state(s->ssl);
    return OK;
}

void
tls_close(struct tls_stream *s)
{
    SSL_free(s->ssl);
    buf_fini(&s->out);
    s->ssl = NULL;
}

void
tls_give(struct tls_stream *s, struct bytes from_network)
{
    ASSERT(s->in.len == 0);
    s->in = from_network;
}

static enum err
result_of(struct tls_stream *s, int result)
{
    int error = SSL_get_error(s->ssl, result);
    if (error == SSL_ERROR_WANT_READ) {
        ASSERT(s->in.len == 0);
        return ERR_AGAIN;
    }
    s->in = (struct bytes){NULL, 0};
    return error == SSL_ERROR_ZERO_RETURN ? ERR_CLOSED : ERR_CRYPTO;
}

/*
 * SSL_get_error() wants OpenSSL's queue of errors to be empty. Looking into it costs as much as a
 * small record, so it is emptied where something may have been put there: around a handshake, and
 * after a failure.
 */
enum err
tls_handshake(struct tls_stream *s)
{
    ERR_clear_error();
    int result = SSL_do_handshake(s->ssl);
    if (result != 1)
        return result_of(s, result);
    ERR_clear_error();
    return OK;
}

enum err
tls_read(struct tls_stream *s, uint8_t *to, size_t size, size_t *out_len)
{
    int result = SSL_read_ex(s->ssl, to, size, out_len);
    if (result == 1)
        return OK;
    enum err e = result_of(s, result);
    if (e != ERR_AGAIN)
        ERR_clear_error();
    return e;
}

bool
tls_drained(const struct tls_stream *s)
{
    return s->in.len == 0 && !SSL_has_pending(s->ssl);
}

enum err
tls_write(struct tls_stream *s, struct bytes plain)
{
    ASSERT(plain.len > 0 && plain.len <= TLS_RECORD_MAX);
    size_t written = 0;
    if (SSL_write_ex(s->ssl, plain.p, plain.len, &written) != 1)
        return ERR_CRYPTO;
    ASSERT(written == plain.len);
    return OK;
}

void
tls_say_goodbye(struct tls_stream *s)
{
    if (SSL_is_init_finished(s->ssl))
        (void)SSL_shutdown(s->ssl);
    ERR_clear_error();
}

const char *
tls_error(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return text ? text : "none given";
}

/* ---- warm-up ---- */

static void
carry(struct tls_stream *from, struct tls_stream *to)
{
    static uint8_t bytes[TLS_OUT_MAX];
    size_t n = from->out.len;
    if (n == 0)
        return;
    memcpy(bytes, from->out.p, n);
    buf_drop(&from->out, n);
    tls_give(to, bytes_of(bytes, n));
}

/* A client with `who` (or nobody) and a server say hello, one message, and goodbye. */
static enum err
one_handshake(SSL_CTX *server_context, const struct throwaway *who)
{
    struct tls_stream server = {0}, client = {0};
    uint8_t byte;
    size_t n;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    enum err e = context ? OK : ERR_LIMIT;
    if (e == OK && who->key &&
        (!SSL_CTX_use_certificate(context, who->certificate) ||
         !SSL_CTX_use_PrivateKey(context, who->key)))
        e = ERR_CRYPTO;
    if (e == OK)
        e = tls_open(&client, context, true);
    if (e == OK)
        e = tls_open(&server, server_context, false);
    enum err there = ERR_AGAIN, here = ERR_AGAIN;
    for (int round = 0; e == OK && round < 4 && here == ERR_AGAIN; round++) {
        there = tls_handshake(&client);
        carry(&client, &server);
        here = tls_handshake(&server);
        carry(&server, &client);
    }
    if (e == OK)
        e = here;
    if (e == OK && there == OK) {
        e = tls_write(&server, bytes_text("x"));
        carry(&server, &client);
        if (e == OK)
            e = tls_read(&client, &byte, 1, &n);
        tls_say_goodbye(&server);
    }
    (void)tls_error();
    tls_close(&server);
    tls_close(&client);
    SSL_CTX_free(context);
    return e;
}

enum err
tls_warm_up(void)
{
    static const struct throwaway_wish gate_wish = {.names = "DNS:localhost",
                                                    .usage = "serverAuth"};
    static const struct throwaway_wish client_wish = {.names = "URI:urn:bulkhead:warm:device:up",
                                                      .usage = "clientAuth"};
    static const struct throwaway_wish ed_wish = {.key_type = "ED25519", .usage = "clientAuth"};
    static const struct throwaway_wish old_wish = {
        .usage = "clientAuth", .from_s = -7200, .until_s = -3600};
    struct throwaway issuer = {0}, people = {0}, gate = {0}, nobody = {0};
    struct throwaway clients[3] = {{0}};
    struct tls tls = {{NULL, NULL}, NULL, NULL};
    enum err e = throwaway_issuer("warm", &issuer);
    if (e == OK)
        e = throwaway_issuer("people", &people);
    if (e == OK)
        e = throwaway_issue(&issuer, &gate_wish, &gate);
    if (e == OK)
        e = throwaway_issue(&issuer, &client_wish, &clients[0]);
    if (e == OK)
        e = throwaway_issue(&issuer, &ed_wish, &clients[1]);
    if (e == OK)
        e = throwaway_issue(&issuer, &old_wish, &clients[2]);
    if (e == OK && X509_up_ref(issuer.certificate) && X509_up_ref(people.certificate))
        e = make_contexts(&tls, gate.key, gate.certificate, issuer.certificate, people.certificate);
    for (int i = 0; e == OK && i < 2; i++)
        e = one_handshake(tls.contexts[i], &clients[0]);
    if (e == OK)
        e = one_handshake(tls.contexts[TLS_MQTT], &clients[1]);
    /* And two that must fail: paths that are rarely walked load things as well. */
    if (e == OK && (one_handshake(tls.contexts[TLS_MQTT], &clients[2]) == OK ||
                    one_handshake(tls.contexts[TLS_MQTT], &nobody) == OK))
        e = ERR_CRYPTO;
    tls_fini(&tls);
    for (int i = 0; i < 3; i++)
        throwaway_free(&clients[i]);
    throwaway_free(&gate);
    throwaway_free(&people);
    throwaway_free(&issuer);
    return e;
}
