#include "authority/city_keys.h"

#include "authority/certificate.h"
#include "base/buf.h"
#include "base/text.h"
#include "ledger/note.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 600, RENEW_BEFORE_S = 7 * 86400 };

struct maker {
    const struct charter *charter;
    const char *state;
    char *why;
    size_t why_size;
};

static enum err PRINTF_LIKE(3, 4) fail(const struct maker *m, enum err e, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(m->why, m->why_size, format, ap);
    va_end(ap);
    return e;
}

static void PRINTF_LIKE(3, 4) in_state(const struct maker *m, char *to, const char *format, ...)
{
    int n = snprintf(to, PATH_SIZE, "%s/", m->state);
    va_list ap;
    va_start(ap, format);
    vsnprintf(to + n, PATH_SIZE - (size_t)n, format, ap);
    va_end(ap);
}

static enum err
make_directory(const struct maker *m, const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail(m, ERR_IO, "cannot make %s: %s", path, strerror(errno));
    return OK;
}

static bool
exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/*
 * A whole new file, durable, or none: under its name there is never half of one, whatever stops
 * us. ERR_EXISTS leaves the old one.
 */
static enum err
write_new(const struct maker *m, const char *path, mode_t mode, struct bytes what)
{
    char next[PATH_SIZE + 8];
    snprintf(next, sizeof(next), "%s.new", path);
    unlink(next);
    int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    ssize_t n = fd >= 0 ? write(fd, what.p, what.len) : -1;
    if (n >= 0 && n < (ssize_t)what.len)
        errno = ENOSPC;
    bool good = n == (ssize_t)what.len && fsync(fd) == 0 && link(next, path) == 0;
    int error = errno;
    if (fd >= 0) {
        close(fd);
        unlink(next);
    }
    if (!good && error == EEXIST)
        return ERR_EXISTS;
    return good ? OK : fail(m, ERR_IO, "cannot write %s: %s", path, strerror(error));
}

/* The secret of keys/FILE.key: the one that is there, or a new one. */
static enum err
secret_get(const struct maker *m, const char *path, uint8_t out_secret[static 64])
{
    uint8_t public_key[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        crypto_sign_keypair(public_key, out_secret);
        return write_new(m, path, 0600, bytes_of(out_secret, 64));
    }
    bool good = fd >= 0 && read(fd, out_secret, 64) == 64;
    if (fd >= 0)
        close(fd);
    return good ? OK : fail(m, ERR_IO, "%s is not a key", path);
}

/* keys/FILE.key, and FILE.vkey (under the key's name) and FILE.pub made from it. */
static enum err
make_signing_key(const struct maker *m, const char *file, const char *key_name)
{
    char path[PATH_SIZE], vkey_path[PATH_SIZE], public_path[PATH_SIZE];
    uint8_t public_key[32], secret[64];
    in_state(m, path, "keys/%s.key", file);
    in_state(m, vkey_path, "keys/%s.vkey", file);
    in_state(m, public_path, "keys/%s.pub", file);
    if (exists(path) && exists(vkey_path) && exists(public_path))
        return OK;
    /* A new secret would disown all that the lost one signed. */
    if (!exists(path) && exists(vkey_path))
        return fail(m, ERR_IO, "%s is lost, but %s is there", path, vkey_path);
    enum err e = secret_get(m, path, secret);
    if (e != OK)
        return e;
    crypto_sign_ed25519_sk_to_pk(public_key, secret);
    sodium_memzero(secret, sizeof(secret));
    struct buf vkey;
    buf_init(&vkey, 512);
    note_put_verifier_key(&vkey, key_name, public_key);
    buf_byte(&vkey, '\n');
    if (!exists(public_path))
        e = write_new(m, public_path, 0644, bytes_of(public_key, 32));
    if (e == OK && !exists(vkey_path))
        e = write_new(m, vkey_path, 0644, buf_bytes(&vkey));
    buf_fini(&vkey);
    return e;
}

static enum err
make_store_key(const struct maker *m, const char *zone)
{
    char path[PATH_SIZE];
    uint8_t key[32];
    in_state(m, path, "keys/store-%s.key", zone);
    if (exists(path))
        return OK;
    randombytes_buf(key, sizeof(key));
    enum err e = write_new(m, path, 0600, bytes_of(key, sizeof(key)));
    sodium_memzero(key, sizeof(key));
    return e;
}

static enum err
make_issuer(const struct maker *m, const char *who)
{
    char key[PATH_SIZE], certificate[PATH_SIZE], name[200];
    in_state(m, key, "pki/issuer-%s.key", who);
    in_state(m, certificate, "pki/issuer-%s.pem", who);
    if (exists(certificate))
        return OK;
    unlink(key); /* an issuer without a certificate issued nothing */
    snprintf(name, sizeof(name), "%s issuer of %s", who, m->charter->origin);
    enum err e = certificate_make_issuer(key, certificate, name);
    return e == OK ? OK : fail(m, e, "cannot make the issuer %s: %s", certificate, err_text(e));
}

/* True if the certificate is there and good for more than a week. */
static bool
is_fresh(const char *path)
{
    FILE *f = fopen(path, "re");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    time_t limit = time(NULL) + RENEW_BEFORE_S;
    bool fresh = x && X509_cmp_time(X509_get0_notAfter(x), &limit) > 0;
    X509_free(x);
    return fresh;
}

static enum err
make_gate(const struct maker *m, const struct charter_zone *zone)
{
    char issuer_key[PATH_SIZE], issuer[PATH_SIZE], key[PATH_SIZE], certificate[PATH_SIZE];
    char uri[200], host[200];
    in_state(m, issuer_key, "pki/issuer-%s.key", zone->name);
    in_state(m, issuer, "pki/issuer-%s.pem", zone->name);
    in_state(m, key, "pki/gate-%s.key", zone->name);
    in_state(m, certificate, "pki/gate-%s.pem", zone->name);
    if (exists(key) && is_fresh(certificate))
        return OK;
    snprintf(uri, sizeof(uri), "urn:bulkhead:%s:gate", zone->name);
    snprintf(host, sizeof(host), "%s.%s", zone->name, m->charter->origin);
    struct certificate_wish wish = {.common_name = host,
                                    .uri = uri,
                                    .server = true,
                                    .addresses = {"localhost", host},
                                    .addresses_count = 2,
                                    .days = CITY_GATE_DAYS};
    for (uint32_t i = 0; i < zone->listen_count; i++)
        wish.addresses[wish.addresses_count++] = zone->listen[i].host;
    enum err e = certificate_issue(issuer_key, issuer, &wish, true, key, certificate);
    return e == OK ? OK : fail(m, e, "cannot make %s: %s", certificate, err_text(e));
}

/* Append the zone's issuer to `to`. */
static enum err
put_issuer(const struct maker *m, const char *who, struct buf *to)
{
    char path[PATH_SIZE];
    in_state(m, path, "pki/issuer-%s.pem", who);
    FILE *f = fopen(path, "re");
    uint8_t *room = buf_room(to, 8192);
    size_t n = f && room ? fread(room, 1, 8192, f) : 0;
    if (f)
        fclose(f);
    if (n == 0)
        return fail(m, ERR_IO, "cannot read %s", path);
    buf_filled(to, n);
    return OK;
}

static enum err
make_caller(const struct maker *m, const char *name)
{
    char folder[PATH_SIZE], path[PATH_SIZE], key[PATH_SIZE], certificate[PATH_SIZE];
    char issuer_key[PATH_SIZE], issuer[PATH_SIZE], uri[200];
    in_state(m, folder, "callers/%s", name);
    enum err e = make_directory(m, folder);
    in_state(m, key, "callers/%s/key.pem", name);
    in_state(m, certificate, "callers/%s/cert.pem", name);
    /* At each start: a new charter may have brought a zone. */
    struct buf all;
    buf_init(&all, 8192 * (CHARTER_ZONES_MAX + 1));
    for (uint32_t i = 0; e == OK && i < m->charter->zones_count; i++)
        e = put_issuer(m, m->charter->zones[i].name, &all);
    in_state(m, path, "callers/%s/ca.pem", name);
    unlink(path);
    if (e == OK)
        e = write_new(m, path, 0644, buf_bytes(&all));
    buf_fini(&all);
    if (e != OK || (exists(key) && is_fresh(certificate)))
        return e;
    in_state(m, issuer_key, "pki/issuer-people.key");
    in_state(m, issuer, "pki/issuer-people.pem");
    snprintf(uri, sizeof(uri), "urn:bulkhead:city:caller:%s", name);
    struct certificate_wish wish = {.common_name = name, .uri = uri, .days = CITY_CALLER_DAYS + 7};
    e = certificate_issue(issuer_key, issuer, &wish, true, key, certificate);
    if (e != OK)
        return fail(m, e, "cannot make %s: %s", certificate, err_text(e));
    return OK;
}

static enum err
make_zone(const struct maker *m, const struct charter_zone *zone)
{
    char file[128], name[200];
    enum err e = make_issuer(m, zone->name);
    if (e == OK)
        e = make_gate(m, zone);
    if (e == OK)
        e = make_store_key(m, zone->name);
    snprintf(file, sizeof(file), "ledger-%s", zone->name);
    snprintf(name, sizeof(name), "%s/%s", m->charter->origin, zone->name);
    if (e == OK)
        e = make_signing_key(m, file, name);
    snprintf(file, sizeof(file), "warden-%s", zone->name);
    snprintf(name, sizeof(name), "%s.%s/warden", zone->name, m->charter->origin);
    if (e == OK && zone->commands_count)
        e = make_signing_key(m, file, name);
    return e;
}

enum err
city_keys_make(const struct charter *c, const char *state, char *out_why, size_t why_size)
{
    static const char *const folders[] = {"keys", "pki", "callers", "devices"};
    struct maker m = {c, state, out_why, why_size};
    char path[PATH_SIZE], name[200];
    if (strlen(state) > PATH_SIZE - 200)
        return fail(&m, ERR_LIMIT, "the path of the state directory is too long");
    enum err e = make_directory(&m, state);
    for (size_t i = 0; e == OK && i < ARRAY_COUNT(folders); i++) {
        in_state(&m, path, "%s", folders[i]);
        e = make_directory(&m, path);
    }
    if (e == OK)
        e = make_signing_key(&m, "judge", "judge");
    snprintf(name, sizeof(name), "%s/city", c->origin);
    if (e == OK)
        e = make_signing_key(&m, "ledger-city", name);
    if (e == OK)
        e = make_issuer(&m, "people");
    for (uint32_t i = 0; e == OK && i < c->zones_count; i++)
        e = make_zone(&m, &c->zones[i]);
    for (uint32_t i = 0; e == OK && i < c->callers_count; i++)
        e = make_caller(&m, c->callers[i].name);
    return e;
}

/* Remember that this name was given, so that it is given once. */
static enum err
claim_name(const struct maker *m, const char *zone, const char *device)
{
    char path[PATH_SIZE];
    in_state(m, path, "devices/%s", zone);
    enum err e = make_directory(m, path);
    in_state(m, path, "devices/%s/%s", zone, device);
    if (e == OK)
        e = write_new(m, path, 0600, bytes_text("enrolled\n"));
    return e == ERR_EXISTS
               ? fail(m, e, "a device named %s is enrolled in zone %s already", device, zone)
               : e;
}

static enum err
copy_file(const struct maker *m, const char *from, const char *to)
{
    uint8_t text[8192];
    FILE *f = fopen(from, "re");
    size_t n = f ? fread(text, 1, sizeof(text), f) : 0;
    if (f)
        fclose(f);
    if (n == 0)
        return fail(m, ERR_IO, "cannot read %s", from);
    unlink(to);
    return write_new(m, to, 0644, bytes_of(text, n));
}

/* The device's files, for a name that is taken. */
static enum err
give_device(const struct maker *m, const struct city_device *d)
{
    const struct charter_zone *zone = &m->charter->zones[d->zone];
    char issuer_key[PATH_SIZE], issuer[PATH_SIZE], from[PATH_SIZE], uri[200];
    char key[PATH_SIZE], certificate[PATH_SIZE], to[PATH_SIZE];
    in_state(m, issuer_key, "pki/issuer-%s.key", zone->name);
    in_state(m, issuer, "pki/issuer-%s.pem", zone->name);
    snprintf(uri, sizeof(uri), "urn:bulkhead:%s:device:%s", zone->name, d->name);
    snprintf(key, sizeof(key), "%s/key.pem", d->out);
    snprintf(certificate, sizeof(certificate), "%s/cert.pem", d->out);
    struct certificate_wish wish = {.common_name = d->name, .uri = uri, .days = CITY_DEVICE_DAYS};
    enum err e = certificate_issue(issuer_key, issuer, &wish, true, key, certificate);
    if (e != OK)
        return fail(m, e, "cannot write %s: %s", certificate, err_text(e));
    snprintf(to, sizeof(to), "%s/ca.pem", d->out);
    e = copy_file(m, issuer, to);
    if (e == OK && zone->commands_count) {
        in_state(m, from, "keys/warden-%s.vkey", zone->name);
        snprintf(to, sizeof(to), "%s/warden.vkey", d->out);
        e = copy_file(m, from, to);
    }
    return e;
}

/* A good name, a zone with an issuer, a folder to write to. */
static enum err
ready_for(const struct maker *m, const struct city_device *d)
{
    const char *zone = m->charter->zones[d->zone].name;
    char issuer_key[PATH_SIZE];
    if (!text_is_name(bytes_text(d->name)))
        return fail(m, ERR_MALFORMED,
                    "a device name is 1 to 48 of a-z, 0-9 and single '-', a letter first");
    if (strlen(d->out) > PATH_SIZE - 100)
        return fail(m, ERR_LIMIT, "the path %s is too long", d->out);
    in_state(m, issuer_key, "pki/issuer-%s.key", zone);
    if (!exists(issuer_key))
        return fail(m, ERR_NOT_FOUND, "no issuer for zone %s in %s: was the city ever up?", zone,
                    m->state);
    return make_directory(m, d->out);
}

enum err
city_keys_enrol(const struct charter *c, const char *state, const struct city_device *d,
                char *out_why, size_t why_size)
{
    struct maker m = {c, state, out_why, why_size};
    enum err e = ready_for(&m, d);
    if (e == OK)
        e = claim_name(&m, c->zones[d->zone].name, d->name);
    return e == OK ? give_device(&m, d) : e;
}

bool
city_keys_enrolled(const struct charter *c, const char *state, const struct city_device *d)
{
    struct maker m = {.charter = c, .state = state};
    char path[PATH_SIZE];
    in_state(&m, path, "devices/%s/%s", c->zones[d->zone].name, d->name);
    return text_is_name(bytes_text(d->name)) && exists(path);
}

enum err
city_keys_renew(const struct charter *c, const char *state, const struct city_device *d,
                char *out_why, size_t why_size)
{
    struct maker m = {c, state, out_why, why_size};
    if (!city_keys_enrolled(c, state, d))
        return fail(&m, ERR_NOT_FOUND, "no device named %s is enrolled in zone %s", d->name,
                    c->zones[d->zone].name);
    enum err e = ready_for(&m, d);
    return e == OK ? give_device(&m, d) : e;
}
