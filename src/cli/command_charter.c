/* command_charter.c -- bulkhead charter keygen | sign | verify | explain. */
#include "cli/commands.h"

#include "base/text.h"
#include "charter/signature.h"
#include "cli/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
    "usage: bulkhead charter keygen --out DIR NAME...\n"
    "       bulkhead charter sign FILE --signer NAME --key KEYFILE\n"
    "       bulkhead charter verify FILE --signers FILE [--signatures FILE]\n"
    "       bulkhead charter explain FILE\n"
    "keygen makes DIR/NAME.key (secret) for each signer and adds them to DIR/signers.pub.\n"
    "sign adds a line to FILE.sig, and drops lines there that are for another text.\n"
    "verify says whether enough signers have signed exactly this charter.\n"
    "explain says in plain words what a charter means.\n"
    "example: bulkhead charter keygen --out keys clerk cio\n"
    "         bulkhead charter sign city.charter --signer clerk --key keys/clerk.key\n"
    "         bulkhead charter verify city.charter --signers keys/signers.pub\n";

enum {
    OUTPUT_BYTES_MAX = 16 * 1024 * 1024,
    SIGNATURES_BYTES_MAX = 16 * 1024,
    KEY_BYTES_MAX = 256,
};

/* Parsed and checked, or findings on standard error; EXIT_OK only when it holds. */
static int
read_charter(const char *file, struct charter *out)
{
    static struct charter_findings findings;
    struct buf text;
    if (!tool_read_file(file, CHARTER_BYTES_MAX, &text))
        return EXIT_CANNOT;
    enum err e = charter_parse(buf_bytes(&text), out, &findings);
    if (e == OK)
        e = charter_check(out, &findings);
    buf_fini(&text);
    if (e == OK)
        return EXIT_OK;
    struct buf b;
    buf_init(&b, OUTPUT_BYTES_MAX);
    for (uint32_t i = 0; i < findings.count; i++) {
        charter_put_finding(&b, file, &findings.list[i]);
        buf_byte(&b, '\n');
    }
    fwrite(b.p, 1, b.len, stderr);
    buf_fini(&b);
    return EXIT_DOES_NOT_HOLD;
}

/* All of it, durable, into a file that is open for writing; closes it. */
static bool
write_and_close(int fd, struct bytes what)
{
    bool ok = fd >= 0 && write(fd, what.p, what.len) == (ssize_t)what.len && fsync(fd) == 0;
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    return ok;
}

static int
cannot(const char *doing, const char *path)
{
    fprintf(stderr, "bulkhead: cannot %s %s: %s\n", doing, path, strerror(errno));
    return EXIT_CANNOT;
}

/* --- keygen --- */

/* One secret key file, never over another one; its line for signers.pub is appended. */
static int
make_key(const char *folder, const char *name, struct buf *signers)
{
    char path[TOOL_PATH_SIZE];
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    snprintf(path, sizeof(path), "%s/%s.key", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return cannot("make", path);
    struct buf b;
    buf_init(&b, KEY_BYTES_MAX);
    crypto_sign_keypair(public_key, secret);
    text_put_base64(&b, bytes_of(secret, sizeof(secret)));
    buf_byte(&b, '\n');
    bool ok = write_and_close(fd, buf_bytes(&b));
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(b.p, b.len);
    buf_fini(&b);
    if (!ok)
        return cannot("write", path);
    buf_format(signers, "%s ", name);
    text_put_base64(signers, bytes_of(public_key, sizeof(public_key)));
    buf_byte(signers, '\n');
    return EXIT_OK;
}

static int
keygen(const char *folder, const struct tool_words *words)
{
    if (!folder || words->count < 2) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    for (size_t i = 1; i < words->count; i++) {
        if (!text_is_name(bytes_text(words->list[i]))) {
            fprintf(stderr, "bulkhead: '%s' is not a name: expected a-z, 0-9 and single '-'\n",
                    words->list[i]);
            return EXIT_USAGE;
        }
    }
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return cannot("make", folder);
    struct buf signers;
    buf_init(&signers, SIGNATURES_BYTES_MAX);
    int status = EXIT_OK;
    for (size_t i = 1; i < words->count && status == EXIT_OK; i++)
        status = make_key(folder, words->list[i], &signers);
    /* Also when a later one failed: a key that was made is never lost from the list. */
    char path[TOOL_PATH_SIZE];
    snprintf(path, sizeof(path), "%s/signers.pub", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (!write_and_close(fd, buf_bytes(&signers)))
        status = cannot("write", path);
    buf_fini(&signers);
    if (status == EXIT_OK)
        printf("%s: %zu key%s made; give each NAME.key to its signer alone\n", folder,
               words->count - 1, words->count == 2 ? "" : "s");
    return status;
}

/* --- sign --- */

static bool
read_secret(const char *path, uint8_t out[static crypto_sign_SECRETKEYBYTES])
{
    struct buf text;
    if (!tool_read_file(path, KEY_BYTES_MAX, &text))
        return false;
    size_t len = 0;
    struct bytes line = bytes_of(text.p, text.len - (text.len && text.p[text.len - 1] == '\n'));
    bool ok = text_base64(line, out, crypto_sign_SECRETKEYBYTES, &len) == OK &&
              len == crypto_sign_SECRETKEYBYTES;
    if (text.p)
        sodium_memzero(text.p, text.len);
    buf_fini(&text);
    if (!ok)
        fprintf(stderr, "bulkhead: %s is not a key that keygen made\n", path);
    return ok;
}

/* The lines of the old file that are for this digest and by other signers. */
static bool
keep_others(const char *path, const char *signer, const uint8_t digest[static 32], struct buf *out)
{
    struct buf old;
    if (access(path, F_OK) != 0)
        return true;
    if (!tool_read_file(path, SIGNATURES_BYTES_MAX, &old))
        return false;
    struct bytes rest = buf_bytes(&old);
    while (rest.len > 0) {
        size_t end = bytes_find(rest, '\n');
        struct bytes line = bytes_of(rest.p, end), by;
        rest = bytes_skip(rest, end < rest.len ? end + 1 : end);
        if (!signature_line_is_for(line, digest, &by) || bytes_are(by, signer))
            continue;
        buf_put(out, line);
        buf_byte(out, '\n');
    }
    buf_fini(&old);
    return true;
}

/* The whole file or the old one, never a half: a new file takes its place. */
static int
replace_file(const char *path, struct bytes what)
{
    char fresh[TOOL_PATH_SIZE + 16];
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (!write_and_close(fd, what) || rename(fresh, path) != 0)
        return cannot("write", path);
    return EXIT_OK;
}

static int
sign(const char *file, const char *signer, const char *key)
{
    static struct charter c;
    uint8_t digest[32], secret[crypto_sign_SECRETKEYBYTES];
    char path[TOOL_PATH_SIZE];
    int status = read_charter(file, &c);
    if (status != EXIT_OK)
        return status;
    bool named = false;
    for (uint32_t i = 0; i < c.signers_count; i++)
        named = named || strcmp(c.signers[i], signer) == 0;
    if (!named) {
        fprintf(stderr, "bulkhead: %s does not name '%s' as a signer\n", file, signer);
        return EXIT_DOES_NOT_HOLD;
    }
    if ((size_t)snprintf(path, sizeof(path), "%s.sig", file) >= sizeof(path))
        return EXIT_CANNOT;
    if (!read_secret(key, secret))
        return EXIT_CANNOT;
    charter_digest(&c, digest);
    struct buf lines;
    buf_init(&lines, 2 * SIGNATURES_BYTES_MAX);
    status = EXIT_CANNOT;
    if (keep_others(path, signer, digest, &lines)) {
        size_t before = lines.len;
        signature_put(&lines, signer, digest, secret);
        status = replace_file(path, buf_bytes(&lines));
        if (status == EXIT_OK)
            printf("%.*s", (int)(lines.len - before), (const char *)lines.p + before);
    }
    sodium_memzero(secret, sizeof(secret));
    buf_fini(&lines);
    return status;
}

/* --- verify, explain --- */

static int
verify(const char *file, const char *signers, const char *signatures)
{
    static struct charter c;
    char path[TOOL_PATH_SIZE], why[200] = "";
    int status = read_charter(file, &c);
    if (status != EXIT_OK)
        return status;
    if (!signatures) {
        snprintf(path, sizeof(path), "%s.sig", file);
        signatures = path;
    }
    struct buf keys_text, lines;
    if (!tool_read_file(signers, SIGNATURES_BYTES_MAX, &keys_text))
        return EXIT_CANNOT;
    if (access(signatures, F_OK) != 0) {
        buf_init(&lines, 1); /* no file: nobody has signed */
    } else if (!tool_read_file(signatures, SIGNATURES_BYTES_MAX, &lines)) {
        buf_fini(&keys_text);
        return EXIT_CANNOT;
    }
    struct signer_keys keys;
    status = EXIT_DOES_NOT_HOLD;
    if (signer_keys_parse(buf_bytes(&keys_text), &keys) != OK) {
        fprintf(stderr, "bulkhead: %s: expected \"NAME KEY\" lines, each name and key once\n",
                signers);
        status = EXIT_CANNOT;
    } else if (signature_verify(&c, buf_bytes(&lines), &keys, why, sizeof(why)) != OK) {
        printf("%s: not in force: %s\n", file, why);
    } else {
        uint8_t digest[32];
        struct buf hex;
        buf_init(&hex, 65);
        charter_digest(&c, digest);
        text_put_hex(&hex, bytes_of(digest, sizeof(digest)));
        printf("%s: signed, %u signatures needed; digest %s\n", file, c.need, buf_string(&hex));
        buf_fini(&hex);
        status = EXIT_OK;
    }
    buf_fini(&lines);
    buf_fini(&keys_text);
    return status;
}

static int
explain(const char *file)
{
    static struct charter c;
    int status = read_charter(file, &c);
    if (status != EXIT_OK)
        return status;
    struct buf b;
    buf_init(&b, OUTPUT_BYTES_MAX);
    charter_put_explanation(&b, &c);
    fwrite(b.p, 1, b.len, stdout);
    buf_fini(&b);
    return EXIT_OK;
}

int
command_charter(int argc, char **argv)
{
    struct tool_option options[] = {
        {"--out", true, NULL},     {"--signer", true, NULL},     {"--key", true, NULL},
        {"--signers", true, NULL}, {"--signatures", true, NULL},
    };
    struct tool_words words;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    if (sodium_init() < 0) {
        fprintf(stderr, "bulkhead: libsodium finds no random source\n");
        return EXIT_CANNOT;
    }
    const char *what = words.count ? words.list[0] : "";
    const char *file = words.count == 2 ? words.list[1] : NULL;
    if (strcmp(what, "keygen") == 0)
        return keygen(options[0].value, &words);
    if (strcmp(what, "sign") == 0 && file && options[1].value && options[2].value)
        return sign(file, options[1].value, options[2].value);
    if (strcmp(what, "verify") == 0 && file && options[3].value)
        return verify(file, options[3].value, options[4].value);
    if (strcmp(what, "explain") == 0 && file)
        return explain(file);
    fputs(help, stderr);
    return EXIT_USAGE;
}
