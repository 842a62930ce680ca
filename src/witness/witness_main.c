/*
 * bulkhead-witness -- cosigns the checkpoints of logs that only grow (c2sp.org/tlog-witness).
 *
 * options -> key, folder, what was kept before -> listen -> confined -> serve
 */
#include "base/buf.h"
#include "runtime/log.h"
#include "runtime/sandbox_rules.h"
#include "witness/key.h"
#include "witness/serve.h"
#include "witness/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_CANNOT = 3, MEMORY_MAX = 256 << 20, FILES_MAX = 64 };

static const char help[] =
    "usage: bulkhead witness --key FILE --state DIR --listen ADDRESS:PORT --log KEY [--log KEY "
    "...]\n"
    "       bulkhead witness --make-key NAME --key FILE\n"
    "       bulkhead witness --show-key --key FILE\n"
    "A witness cosigns the checkpoints of the logs that it was told of, as long as each grows out "
    "of\n"
    "the one that it cosigned before; see bulkhead-witness(8). --make-key writes a new secret key\n"
    "and prints its verifier key, which those who trust this witness need. Port 0 takes a free "
    "one.\n"
    "example: bulkhead witness --make-key witness.example/1 --key witness.key\n"
    "         bulkhead witness --key witness.key --state seen --listen 127.0.0.1:8700 \\\n"
    "             --log \"$(cat ledger-city.vkey)\"\n";

static const struct sandbox_rule rules[] = {
#include "witness/witness.seccomp.def"
};
static const struct sandbox_profile profile = {"witness", rules, ARRAY_COUNT(rules)};

struct options {
    const char *key_path, *state, *listen, *make_key;
    bool show_key;
    const char *logs[WITNESS_LOGS_MAX];
    size_t logs_count;
};

static int
cannot(const char *what, const char *why)
{
    fprintf(stderr, "bulkhead-witness: %s: %s\n", what, why);
    return EXIT_CANNOT;
}

/* False: wrong usage. */
static bool
read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(word, "--show-key") == 0) {
            o->show_key = true;
            continue;
        }
        const char **where = strcmp(word, "--key") == 0        ? &o->key_path
                             : strcmp(word, "--state") == 0    ? &o->state
                             : strcmp(word, "--listen") == 0   ? &o->listen
                             : strcmp(word, "--make-key") == 0 ? &o->make_key
                             : strcmp(word, "--log") == 0 && o->logs_count < WITNESS_LOGS_MAX
                                 ? &o->logs[o->logs_count++]
                                 : NULL;
        if (!where || !value)
            return false;
        *where = value;
        i++;
    }
    bool serves = o->state && o->listen && o->logs_count && !o->make_key && !o->show_key;
    bool keys = !o->state && !o->listen && !o->logs_count && (o->make_key != NULL) != o->show_key;
    return o->key_path && (serves || keys);
}

static void
put_key(struct buf *b, const struct witness *w)
{
    struct cosigner c;
    memcpy(c.name, w->name, sizeof(c.name));
    memcpy(c.key, w->key, sizeof(c.key));
    cosigner_put(b, &c);
    buf_byte(b, '\n');
}

/* ---- the key ------------------------------------------------------------------------------- */

static int
write_key(const struct options *o)
{
    struct buf text;
    buf_init(&text, KEY_FILE_MAX);
    if (key_make(o->make_key, &text) != OK)
        return cannot(o->make_key, "no witness can be called so (no blanks, no '+')");
    int fd = open(o->key_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text.p, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    int failed = errno;
    if (fd >= 0 && close(fd) != 0)
        good = false;
    sodium_memzero(text.p, text.len);
    buf_fini(&text);
    return good ? 0 : cannot(o->key_path, strerror(failed));
}

/* Name, key and secret into the witness; the secret in memory of its own. */
static int
read_key(const char *path, struct witness *w, uint8_t *secret)
{
    struct stat st;
    char *text = sodium_malloc(KEY_FILE_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (!text || fd < 0)
        return cannot(path, fd < 0 ? strerror(errno) : "no memory");
    ssize_t n = fstat(fd, &st) == 0 ? read(fd, text, KEY_FILE_MAX) : -1;
    close(fd);
    if (n < 0)
        return cannot(path, strerror(errno));
    if (st.st_mode & 077)
        return cannot(path, "others may read this secret key: chmod 600");
    enum err e = key_parse(bytes_of(text, (size_t)n), w->name, w->key, secret);
    sodium_free(text);
    w->secret = secret;
    return e == OK ? 0 : cannot(path, "this is no witness's secret key");
}

/* ---- what was kept before ------------------------------------------------------------------- */

static enum err
keep(void *ctx, const char *file, struct bytes note)
{
    return seen_keep(ctx, file, note);
}

static int
restore(struct witness *w, const struct seen *seen)
{
    for (size_t i = 0; i < w->logs_count; i++) {
        struct buf note;
        buf_init(&note, WITNESS_NOTE_MAX);
        enum err e = seen_read(seen, w->logs[i].file, &note);
        bool first = e == ERR_NOT_FOUND;
        if (e == OK)
            e = witness_restore(w, &w->logs[i], buf_bytes(&note));
        buf_fini(&note);
        if (first)
            log_event("first_sight", "origin=%s", w->logs[i].origin);
        else if (e == OK)
            log_event("restored", "origin=%s size=%llu", w->logs[i].origin,
                      (unsigned long long)w->logs[i].size);
        else
            return cannot(w->logs[i].file, "log and witness did not both sign what was kept here: "
                                           "nothing is cosigned until a person has looked");
    }
    return 0;
}

static int
prepare(const struct options *o, struct witness *w, struct seen *seen)
{
    for (size_t i = 0; i < o->logs_count; i++)
        if (witness_add_log(w, bytes_text(o->logs[i])) != OK)
            return cannot(o->logs[i], "this is no verifier key of a log, or its origin came twice");
    enum err e = seen_open(seen, o->state);
    if (e != OK)
        return cannot(o->state,
                      e == ERR_EXISTS ? "another witness runs on this folder" : strerror(errno));
    w->keep = keep;
    w->ctx = seen;
    return restore(w, seen);
}

/* ---- the network, the walls -------------------------------------------------------------------
 */

/* "127.0.0.1:8700", "[::1]:8700"; -1 after a sentence. */
static int
listen_on(const char *text)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE},
                    *address = NULL;
    char host[64];
    const char *colon = strrchr(text, ':');
    struct bytes name = bytes_of(text, colon ? (size_t)(colon - text) : 0);
    if (name.len > 2 && name.p[0] == '[' && name.p[name.len - 1] == ']')
        name = bytes_of(name.p + 1, name.len - 2);
    if (name.len == 0 || bytes_copy_text(name, host, sizeof(host)) != OK ||
        getaddrinfo(host, colon + 1, &hints, &address) != 0) {
        cannot(text, "an address is wanted, like 127.0.0.1:8700");
        return -1;
    }
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, 64) == 0;
    if (!good)
        cannot(text, strerror(errno));
    if (!good && fd >= 0)
        close(fd);
    freeaddrinfo(address);
    return good ? fd : -1;
}

/* "ready http://127.0.0.1:8700 <verifier key>", for people and scripts. */
static void
put_ready(struct buf *b, const struct witness *w, int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char host[64] = "?", port[16] = "?";
    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        (void)!getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                           NI_NUMERICHOST | NI_NUMERICSERV);
    bool six = strchr(host, ':') != NULL;
    buf_format(b, "ready http://%s%s%s:%s ", six ? "[" : "", host, six ? "]" : "", port);
    put_key(b, w);
}

/*
 * The walls that a process can build around itself without being anybody. Started by root, it
 * becomes the owner of its folder and gives every capability away.
 */
static int
confine(const struct seen *seen, const int *keep_fds, size_t keep_count)
{
    struct stat st;
    struct rlimit file_size;
    struct sandbox_report report;
    const char *step = "limits";
    if (fstat(seen->folder_fd, &st) != 0 || getrlimit(RLIMIT_FSIZE, &file_size) != 0)
        return cannot("the folder", strerror(errno));
    struct sandbox_config config = {
        .profile = &profile,
        .limits = {MEMORY_MAX, FILES_MAX, file_size.rlim_max},
        .uid = geteuid() == 0 ? st.st_uid : 0,
        .walls = SANDBOX_ALL_WALLS & ~(1U << WALL_NAMESPACES | 1U << WALL_ROOT),
        .keep = keep_fds,
        .keep_count = keep_count,
        .folder_fd = seen->folder_fd,
        .outlives_starter = true,
    };
    if (geteuid() != 0)
        config.walls &= ~(1U << WALL_CAPABILITIES | 1U << WALL_UID); /* it has none, is nobody */
    if (sandbox_close(&config, &report, &step) != OK)
        return cannot("cannot be confined", step);
    log_event("confined", "walls=%x landlock=%d", report.walls, report.landlock_abi);
    return 0;
}

static int
serve(struct witness *w, struct seen *seen, int listen_fd)
{
    struct loop *loop = NULL;
    struct server *server = NULL;
    if (loop_new(&loop) != OK || server_new(w, loop, listen_fd, &server) != OK)
        return cannot("the event loop", strerror(errno));
    struct buf ready;
    int keep_fds[] = {1, 2, listen_fd, loop_fd(loop), seen->folder_fd, seen->lock_fd};
    buf_init(&ready, 1024);
    put_ready(&ready, w, listen_fd);
    int status = confine(seen, keep_fds, ARRAY_COUNT(keep_fds));
    if (status == 0 && write(1, ready.p, ready.len) < 0)
        log_event("nobody_reads", "what=ready");
    buf_fini(&ready);
    if (status == 0 && loop_run(loop) != OK)
        status = cannot("the event loop", "the kernel refuses it");
    if (w->failed)
        status = cannot("the disk", "a checkpoint could not be kept; look at it, then start again");
    server_free(server);
    loop_free(loop);
    return status;
}

int
main(int argc, char **argv)
{
    struct options o = {.logs_count = 0};
    struct seen seen = {.folder_fd = -1, .lock_fd = -1};
    struct witness *w = calloc(1, sizeof(*w));
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (!read_options(argc, argv, &o)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    uint8_t *secret = sodium_init() < 0 ? NULL : sodium_malloc(crypto_sign_SECRETKEYBYTES);
    if (!w || !secret)
        return cannot("memory", strerror(errno));
    log_name("witness", "");
    int status = o.make_key ? write_key(&o) : 0;
    if (status == 0)
        status = read_key(o.key_path, w, secret);
    if (status == 0 && (o.make_key || o.show_key)) {
        struct buf key;
        buf_init(&key, 512);
        put_key(&key, w);
        fputs(buf_string(&key), stdout);
        buf_fini(&key);
        return 0;
    }
    int listen_fd = -1;
    if (status == 0)
        status = prepare(&o, w, &seen);
    if (status == 0)
        status = (listen_fd = listen_on(o.listen)) >= 0 ? 0 : EXIT_CANNOT;
    if (status == 0)
        status = serve(w, &seen, listen_fd);
    return status;
}
