#include "authority/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

enum { ISSUER_DAYS = 3650, SKEW_S = 600 };

/* A new file that only its owner reads; with `replace` beside the old one, then renamed over it. */
static enum err
write_private(const char *path, bool replace, EVP_PKEY *key)
{
    char next[600];
    if (snprintf(next, sizeof(next), "%s%s", path, replace ? ".new" : "") >= (int)sizeof(next))
        return ERR_LIMIT;
    if (replace)
        unlink(next);
    int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST ? ERR_EXISTS : ERR_IO;
    FILE *f = fdopen(fd, "w");
    bool good = f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) && fflush(f) == 0 &&
                fsync(fd) == 0;
    if (f)
        fclose(f);
    else
        close(fd);
    if (good && replace)
        good = rename(next, path) == 0;
    return good ? OK : ERR_IO;
}

static enum err
write_certificate(const char *path, X509 *certificate)
{
    char next[600];
    if (snprintf(next, sizeof(next), "%s.new", path) >= (int)sizeof(next))
        return ERR_LIMIT;
    FILE *f = fopen(next, "we");
    bool good = f && PEM_write_X509(f, certificate) && fflush(f) == 0 && fsync(fileno(f)) == 0;
    if (f)
        fclose(f);
    return good && rename(next, path) == 0 ? OK : ERR_IO;
}

static bool
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool good = extension && X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    return good;
}

static bool
set_basics(X509 *x, EVP_PKEY *key, const char *common_name, uint32_t days)
{
    ASN1_INTEGER *serial = X509_get_serialNumber(x);
    BIGNUM *number = BN_new();
    X509_NAME *name = X509_get_subject_name(x);
    bool good = number && BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(number, serial) && X509_set_version(x, X509_VERSION_3) &&
                X509_gmtime_adj(X509_getm_notBefore(x), -SKEW_S) &&
                X509_gmtime_adj(X509_getm_notAfter(x), (long)days * 86400) &&
                X509_set_pubkey(x, key) &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                           (const unsigned char *)common_name, -1, -1, 0);
    BN_free(number);
    return good;
}

enum err
certificate_make_issuer(const char *key_path, const char *certificate_path, const char *common_name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    enum err e = ERR_CRYPTO;
    if (key && x && set_basics(x, key, common_name, ISSUER_DAYS) &&
        X509_set_issuer_name(x, X509_get_subject_name(x)) &&
        add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(x, x, NID_subject_key_identifier, "hash") && X509_sign(x, key, EVP_sha256()))
        e = write_private(key_path, false, key);
    if (e == OK)
        e = write_certificate(certificate_path, x);
    X509_free(x);
    EVP_PKEY_free(key);
    return e;
}

/* "URI:urn:...,IP:127.0.0.1,DNS:localhost"; names of ours hold no comma. */
static bool
alternative_names(const struct certificate_wish *wish, char *to, size_t size)
{
    int n = snprintf(to, size, "URI:%s", wish->uri);
    for (size_t i = 0; i < wish->addresses_count; i++) {
        uint8_t raw[16];
        const char *a = wish->addresses[i];
        bool ip = inet_pton(AF_INET, a, raw) == 1 || inet_pton(AF_INET6, a, raw) == 1;
        if (n < 0 || (size_t)n >= size || strpbrk(a, ",\n"))
            return false;
        int more = snprintf(to + n, size - (size_t)n, ",%s:%s", ip ? "IP" : "DNS", a);
        n = more < 0 ? -1 : n + more;
    }
    return n > 0 && (size_t)n < size;
}

static enum err
load_issuer(const char *key_path, const char *certificate_path, EVP_PKEY **out_key, X509 **out_x)
{
    FILE *f = fopen(key_path, "re");
    EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    f = fopen(certificate_path, "re");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    if (!key || !x) {
        EVP_PKEY_free(key);
        X509_free(x);
        return ERR_NOT_FOUND;
    }
    *out_key = key;
    *out_x = x;
    return OK;
}

enum err
certificate_issue(const char *issuer_key_path, const char *issuer_certificate_path,
                  const struct certificate_wish *wish, bool replace, const char *key_path,
                  const char *certificate_path)
{
    EVP_PKEY *issuer_key;
    X509 *issuer;
    char names[1024];
    if (!alternative_names(wish, names, sizeof(names)))
        return ERR_LIMIT;
    enum err e = load_issuer(issuer_key_path, issuer_certificate_path, &issuer_key, &issuer);
    if (e != OK)
        return e;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    e = ERR_CRYPTO;
    if (key && x && set_basics(x, key, wish->common_name, wish->days) &&
        X509_set_issuer_name(x, X509_get_subject_name(issuer)) &&
        add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(x, issuer, NID_key_usage, "critical,digitalSignature") &&
        add_extension(x, issuer, NID_ext_key_usage, wish->server ? "serverAuth" : "clientAuth") &&
        add_extension(x, issuer, NID_subject_alt_name, names) &&
        add_extension(x, issuer, NID_subject_key_identifier, "hash") &&
        add_extension(x, issuer, NID_authority_key_identifier, "keyid:always") &&
        X509_sign(x, issuer_key, EVP_sha256()))
        e = write_private(key_path, replace, key);
    if (e == OK)
        e = write_certificate(certificate_path, x);
    X509_free(x);
    X509_free(issuer);
    EVP_PKEY_free(key);
    EVP_PKEY_free(issuer_key);
    return e;
}
