#include "programs/supervisor/plan.h"

#include "charter/signature.h"

#include <errno.h>
#include <stdarg.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const char *
process_kind_text(enum process_kind kind)
{
    static const char *const texts[PROCESS_KINDS] = {"ledger", "judge",   "warden",
                                                     "core",   "conduit", "gate"};
    return (unsigned)kind < PROCESS_KINDS ? texts[kind] : "?";
}

static void
add_process(struct plan *p, enum process_kind kind, int32_t zone, int32_t conduit)
{
    ASSERT(p->processes_count < PLAN_PROCESSES_MAX);
    struct plan_process *process = &p->processes[p->processes_count];
    const char *owner = zone >= 0      ? p->charter->zones[zone].name
                        : conduit >= 0 ? p->charter->conduits[conduit].name
                                       : "city";
    const char *kind_text = process_kind_text(kind);
    *process = (struct plan_process){.kind = kind, .zone = zone, .conduit = conduit};
    process->uid = p->user_namespaces ? 0 : PLAN_UID_BASE + (uint32_t)p->processes_count;
    snprintf(process->name, sizeof(process->name), "%s/%s", owner, kind_text);
    bool per_service = kind == PROCESS_CORE || kind == PROCESS_WARDEN;
    snprintf(process->program, sizeof(process->program), "%s/bulkhead-%s%s%s", p->libexec,
             kind_text, per_service ? "-" : "", per_service ? p->charter->zones[zone].service : "");
    p->processes_count++;
}

void
plan_list(struct plan *p, const struct charter *c, const char *state, const char *libexec)
{
    p->charter = c;
    p->processes_count = 0;
    p->ends_count = 0;
    p->user_namespaces = geteuid() != 0;
    snprintf(p->state, sizeof(p->state), "%s", state);
    snprintf(p->libexec, sizeof(p->libexec), "%s", libexec);
    charter_digest(c, p->digest);
    add_process(p, PROCESS_LEDGER, -1, -1); /* first: nothing happens that it does not hold */
    add_process(p, PROCESS_JUDGE, -1, -1);
    for (uint32_t z = 0; z < c->zones_count; z++) {
        if (c->zones[z].commands_count)
            add_process(p, PROCESS_WARDEN, (int32_t)z, -1);
        add_process(p, PROCESS_CORE, (int32_t)z, -1);
    }
    for (uint32_t i = 0; i < c->conduits_count; i++)
        add_process(p, PROCESS_CONDUIT, -1, (int32_t)i);
    for (uint32_t z = 0; z < c->zones_count; z++)
        add_process(p, PROCESS_GATE, (int32_t)z, -1);
}

static enum err PRINTF_LIKE(2, 3) fail(struct plan *p, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(p->why, sizeof(p->why), format, ap);
    va_end(ap);
    return ERR_IO;
}

static void
add_end(struct plan *p, size_t process, enum start_fd_role role, const char *name, int fd)
{
    ASSERT(p->ends_count < PLAN_ENDS_MAX && fd >= 0);
    struct plan_end *end = &p->ends[p->ends_count++];
    *end = (struct plan_end){.process = (uint32_t)process, .role = role, .fd = fd};
    snprintf(end->name, sizeof(end->name), "%s", name);
}

/* The process of a kind for a zone (or, for conduits, with that index). */
static size_t
find_process(const struct plan *p, enum process_kind kind, int32_t zone, int32_t conduit)
{
    for (size_t i = 0; i < p->processes_count; i++) {
        const struct plan_process *process = &p->processes[i];
        if (process->kind == kind && process->zone == zone && process->conduit == conduit)
            return i;
    }
    return PLAN_SUPERVISOR;
}

static enum err
add_pair(struct plan *p, size_t a, enum start_fd_role role_a, const char *name_a, size_t b,
         enum start_fd_role role_b, const char *name_b)
{
    int fds[2];
    if (channel_pair(fds) != OK)
        return fail(p, "no more socket pairs: %s", strerror(errno));
    add_end(p, a, role_a, name_a, fds[0]);
    add_end(p, b, role_b, name_b, fds[1]);
    struct plan_end *ends = &p->ends[p->ends_count - 2];
    ends[0].pair = ends[1].pair = true;
    ends[0].peer = ends[1].process;
    ends[1].peer = ends[0].process;
    return OK;
}

static enum err
make_directory(struct plan *p, const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail(p, "cannot make %s: %s", path, strerror(errno));
    return OK;
}

static enum err
add_file(struct plan *p, size_t process, enum start_fd_role role, const char *name,
         const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(p, "cannot open %s: %s", path, strerror(errno));
    add_end(p, process, role, name, fd);
    return OK;
}

/* ---- listening sockets ------------------------------------------------------------------ */

static enum err
add_tcp(struct plan *p, size_t gate, const struct charter_listen *l)
{
    char port[8];
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *address = NULL;
    snprintf(port, sizeof(port), "%u", l->port);
    if (getaddrinfo(l->host, port, &hints, &address) != 0)
        return fail(p, "charter line %u: %s is not an address", l->place.line, l->host);
    int one = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0 && /* inherited */
                bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, 512) == 0;
    int error = errno;
    freeaddrinfo(address);
    if (!good) {
        if (fd >= 0)
            close(fd);
        return fail(p, "charter line %u: cannot listen on %s port %u: %s", l->place.line, l->host,
                    l->port, strerror(error));
    }
    add_end(p, gate, l->https ? FD_LISTEN_HTTPS : FD_LISTEN_MQTTS, "", fd);
    return OK;
}

static enum err
add_unix(struct plan *p, size_t process, enum start_fd_role role, const char *file)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char full[PLAN_PATH_SIZE + 64];
    snprintf(full, sizeof(full), "%s/%s", p->state, file);
    if (strlen(full) >= sizeof(address.sun_path))
        return fail(p, "the path of the state directory is too long: %s", p->state);
    memcpy(address.sun_path, full, strlen(full) + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(full);
    mode_t before = umask(0177);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                listen(fd, 16) == 0;
    umask(before);
    if (!good) {
        if (fd >= 0)
            close(fd);
        return fail(p, "cannot listen on %s: %s", full, strerror(errno));
    }
    channel_refuse_fds(fd);
    add_end(p, process, role, "", fd);
    return OK;
}

/* ---- what each zone, log and conduit needs ------------------------------------------------ */

static enum err
open_log(struct plan *p, const char *log)
{
    static const struct {
        enum start_fd_role role;
        const char *file;
    } files[] = {{FD_LOG_ENTRIES, "entries"},
                 {FD_LOG_OFFSETS, "offsets"},
                 {FD_LOG_HASHES, "hashes"},
                 {FD_LOG_CHECKPOINT, "checkpoint"}};
    char path[PLAN_PATH_SIZE + 128];
    size_t ledger = find_process(p, PROCESS_LEDGER, -1, -1);
    snprintf(path, sizeof(path), "%s/ledger/%s", p->state, log);
    enum err e = make_directory(p, path);
    for (size_t i = 0; e == OK && i < ARRAY_COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/ledger/%s/%s", p->state, log, files[i].file);
        e = add_file(p, ledger, files[i].role, log, path);
    }
    return e;
}

static enum err
open_zone(struct plan *p, int32_t z)
{
    const struct charter_zone *zone = &p->charter->zones[z];
    size_t core = find_process(p, PROCESS_CORE, z, -1);
    size_t gate = find_process(p, PROCESS_GATE, z, -1);
    size_t warden = find_process(p, PROCESS_WARDEN, z, -1);
    size_t ledger = find_process(p, PROCESS_LEDGER, -1, -1);
    char path[PLAN_PATH_SIZE + 128];

    enum err e = open_log(p, zone->name);
    snprintf(path, sizeof(path), "%s/zones/%s", p->state, zone->name);
    if (e == OK)
        e = make_directory(p, path);
    snprintf(path, sizeof(path), "%s/zones/%s/service.state", p->state, zone->name);
    if (e == OK)
        e = add_file(p, core, FD_SERVICE_STATE, "", path);
    snprintf(path, sizeof(path), "%s/zones/%s/store", p->state, zone->name);
    if (e == OK)
        e = make_directory(p, path);
    if (e == OK) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            return fail(p, "cannot open %s: %s", path, strerror(errno));
        add_end(p, core, FD_STORE_DIRECTORY, "", fd);
        e = add_pair(p, gate, FD_CORE, "", core, FD_GATE, "");
    }
    if (e == OK)
        e = add_pair(p, core, FD_LEDGER, zone->name, ledger, FD_LEDGER, zone->name);
    if (e == OK && warden != PLAN_SUPERVISOR) {
        e = add_pair(p, core, FD_WARDEN, "", warden, FD_CORE, "");
        if (e == OK)
            e = add_pair(p, warden, FD_LEDGER, zone->name, ledger, FD_LEDGER, zone->name);
        snprintf(path, sizeof(path), "%s/zones/%s/warden.state", p->state, zone->name);
        if (e == OK)
            e = add_file(p, warden, FD_WARDEN_STATE, "", path);
    }
    for (uint32_t i = 0; e == OK && i < zone->listen_count; i++)
        e = add_tcp(p, gate, &zone->listen[i]);
    return e;
}

static enum err
open_conduit(struct plan *p, int32_t i)
{
    const struct charter_conduit *conduit = &p->charter->conduits[i];
    size_t process = find_process(p, PROCESS_CONDUIT, -1, i);
    size_t from = find_process(p, PROCESS_CORE, (int32_t)conduit->from, -1);
    size_t to = find_process(p, PROCESS_CORE, (int32_t)conduit->to, -1);
    size_t ledger = find_process(p, PROCESS_LEDGER, -1, -1);
    enum err e = add_pair(p, from, FD_CONDUIT, conduit->name, process, FD_CORE, "from");
    if (e == OK)
        e = add_pair(p, to, FD_CONDUIT, conduit->name, process, FD_CORE, "to");
    if (e == OK)
        e = add_pair(p, process, FD_LEDGER, "city", ledger, FD_LEDGER, "city");
    return e;
}

enum err
plan_open(struct plan *p)
{
    char path[PLAN_PATH_SIZE + 64];
    size_t ledger = find_process(p, PROCESS_LEDGER, -1, -1);
    size_t judge = find_process(p, PROCESS_JUDGE, -1, -1);
    enum err e = OK;
    static const char *const folders[] = {"ledger", "zones"};
    for (size_t i = 0; e == OK && i < ARRAY_COUNT(folders); i++) {
        snprintf(path, sizeof(path), "%s/%s", p->state, folders[i]);
        e = make_directory(p, path);
    }
    if (e == OK)
        e = open_log(p, "city");
    if (e == OK)
        e = add_pair(p, PLAN_SUPERVISOR, FD_LEDGER, "city", ledger, FD_LEDGER, "city");
    if (e == OK)
        e = add_pair(p, judge, FD_LEDGER, "city", ledger, FD_LEDGER, "city");
    if (e == OK)
        e = add_unix(p, judge, FD_LISTEN_JUDGE, "judge.sock");
    if (e == OK)
        e = add_unix(p, ledger, FD_LISTEN_LEDGER, "ledger.sock");
    for (uint32_t z = 0; e == OK && z < p->charter->zones_count; z++)
        e = open_zone(p, (int32_t)z);
    for (uint32_t i = 0; e == OK && i < p->charter->conduits_count; i++)
        e = open_conduit(p, (int32_t)i);
    return e;
}

void
plan_close(struct plan *p)
{
    static const char *const sockets[] = {"judge.sock", "ledger.sock", "control.sock"};
    char path[PLAN_PATH_SIZE + 64];
    for (size_t i = 0; i < p->ends_count; i++)
        close(p->ends[i].fd);
    p->ends_count = 0;
    for (size_t i = 0; p->state[0] && i < ARRAY_COUNT(sockets); i++) {
        snprintf(path, sizeof(path), "%s/%s", p->state, sockets[i]);
        unlink(path);
    }
}

bool
plan_island_concerns(const struct plan *p, size_t i, uint32_t z)
{
    const struct plan_process *process = &p->processes[i];
    if (process->kind == PROCESS_CONDUIT) {
        const struct charter_conduit *conduit = &p->charter->conduits[process->conduit];
        return conduit->from == z || conduit->to == z;
    }
    return process->kind == PROCESS_JUDGE ||
           (process->kind == PROCESS_CORE && process->zone == (int32_t)z);
}

int
plan_own_end(const struct plan *p, enum start_fd_role role)
{
    for (size_t i = 0; i < p->ends_count; i++)
        if (p->ends[i].process == PLAN_SUPERVISOR && p->ends[i].role == role)
            return p->ends[i].fd;
    return -1;
}
