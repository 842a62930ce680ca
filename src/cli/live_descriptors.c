/*
 * live_descriptors.c -- what a process holds open, against what it was given.
 *
 * A socket, a pipe and a file are known by their inode, whatever a name says: the supervisor keeps
 * every descriptor that it handed out and tells its inode. Besides these a process holds
 * /dev/null twice, its log pipe, its control channel and one epoll set; a core the files of its
 * own store; a gate connections to its own ports; ledger and judge connections to their sockets.
 */
#include "cli/live.h"

#include "base/text.h"
#include "programs/start.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { HELD_MAX = 4200, TARGET_SIZE = 300, LOOKS = 4, BETWEEN_LOOKS_US = 60000 };
enum { NULL_MAJOR = 1, NULL_MINOR = 3 };

struct held {
    int fd;
    uint64_t device, inode;
    bool null, epoll, pipe, socket, file;
    bool known; /* it was given, or came to a door that was given */
    char target[TARGET_SIZE];
};

static struct held held[HELD_MAX];
static size_t held_count;

static const char *
role_text(unsigned role)
{
    static const char *const texts[] = {
        [FD_CORE] = "channel to the core",          [FD_GATE] = "channel to the gate",
        [FD_WARDEN] = "channel to the warden",      [FD_LEDGER] = "channel to the ledger",
        [FD_CONDUIT] = "channel to a conduit",      [FD_LISTEN_MQTTS] = "mqtts port",
        [FD_LISTEN_HTTPS] = "https port",           [FD_LISTEN_JUDGE] = "the judge's door",
        [FD_LISTEN_LEDGER] = "the ledger's door",   [FD_STORE_DIRECTORY] = "files of its store",
        [FD_LOG_ENTRIES] = "a log's entries",       [FD_LOG_OFFSETS] = "a log's offsets",
        [FD_LOG_HASHES] = "a log's hashes",         [FD_LOG_CHECKPOINT] = "a log's checkpoint",
        [FD_WARDEN_STATE] = "the warden's numbers", [FD_SERVICE_STATE] = "the service's state",
    };
    return role < ARRAY_COUNT(texts) && texts[role] ? texts[role] : "descriptor";
}

static bool
list_held(uint32_t pid)
{
    char path[64], link[400];
    snprintf(path, sizeof(path), "/proc/%u/fd", pid);
    DIR *d = opendir(path);
    held_count = 0;
    for (struct dirent *entry; d && (entry = readdir(d)) && held_count < HELD_MAX;) {
        struct held *h = &held[held_count];
        struct stat st;
        uint64_t fd;
        if (text_u64(bytes_text(entry->d_name), INT32_MAX, &fd) != OK)
            continue;
        *h = (struct held){.fd = (int)fd};
        snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
        ssize_t n = readlink(link, h->target, sizeof(h->target) - 1);
        if (n < 0 || stat(link, &st) != 0)
            continue; /* closed meanwhile */
        h->target[n] = '\0';
        h->device = st.st_dev;
        h->inode = st.st_ino;
        h->null = S_ISCHR(st.st_mode) && major(st.st_rdev) == NULL_MAJOR &&
                  minor(st.st_rdev) == NULL_MINOR;
        h->epoll = strcmp(h->target, "anon_inode:[eventpoll]") == 0;
        h->pipe = S_ISFIFO(st.st_mode);
        h->socket = S_ISSOCK(st.st_mode);
        h->file = S_ISREG(st.st_mode);
        held_count++;
    }
    if (d)
        closedir(d);
    return d != NULL;
}

/* ---- what the kernel says of sockets that came in through a door ------------------------------
 */

struct tcp_row {
    uint64_t inode;
    unsigned port, state;
};
enum { TCP_ROWS_MAX = 20000, TCP_LISTENS = 0x0a };
static struct tcp_row tcp[TCP_ROWS_MAX];
static size_t tcp_count;

static void
list_tcp(const char *path)
{
    FILE *f = fopen(path, "re");
    char line[512];
    while (f && fgets(line, sizeof(line), f) && tcp_count < TCP_ROWS_MAX) {
        struct tcp_row *row = &tcp[tcp_count];
        unsigned long long inode;
        if (sscanf(line, "%*s %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %llu", &row->port,
                   &row->state, &inode) != 3)
            continue;
        row->inode = inode;
        tcp_count++;
    }
    if (f)
        fclose(f);
}

static const struct tcp_row *
find_tcp(uint64_t inode)
{
    for (size_t i = 0; i < tcp_count; i++)
        if (tcp[i].inode == inode)
            return &tcp[i];
    return NULL;
}

/* The charter gives this zone this door. */
static bool
port_is_planned(const struct live *l, unsigned port, int https)
{
    if (l->planned->zone < 0)
        return false;
    const struct charter_zone *zone = &l->city->plan->charter->zones[l->planned->zone];
    for (uint32_t i = 0; i < zone->listen_count; i++)
        if (zone->listen[i].port == port && (https < 0 || zone->listen[i].https == (https == 1)))
            return true;
    return false;
}

/* A Unix socket with the name of one of this city's doors: accepted there. */
static bool
came_to_door(const struct live *l, uint64_t inode)
{
    const char *door = l->planned->kind == PROCESS_LEDGER  ? "ledger.sock"
                       : l->planned->kind == PROCESS_JUDGE ? "judge.sock"
                                                           : NULL;
    char line[700], want[PLAN_PATH_SIZE + 64];
    bool found = false;
    if (!door)
        return false;
    snprintf(want, sizeof(want), "%s/%s", l->city->state, door);
    FILE *f = fopen("/proc/net/unix", "re");
    while (f && !found && fgets(line, sizeof(line), f)) {
        unsigned long long at = 0;
        char path[600];
        found = sscanf(line, "%*s %*s %*s %*s %*s %*s %llu %599[^\n]", &at, path) == 2 &&
                at == inode && strcmp(path, want) == 0;
    }
    if (f)
        fclose(f);
    return found;
}

/* ---- what was given ---------------------------------------------------------------------------
 */

/* Takes one off the list of what it holds. */
static struct held *
take(uint64_t device, uint64_t inode)
{
    for (size_t i = 0; i < held_count; i++) {
        if (held[i].known || held[i].inode != inode || (device && held[i].device != device))
            continue;
        held[i].known = true;
        return &held[i];
    }
    return NULL;
}

static void
expect_own(struct live *l)
{
    unsigned nulls = 0, epolls = 0;
    for (size_t i = 0; i < held_count; i++) {
        bool null = held[i].null && held[i].fd < 2, epoll = held[i].epoll && epolls == 0;
        nulls += null;
        epolls += epoll;
        held[i].known = null || epoll;
    }
    if (nulls != 2)
        live_alarm(l, "descriptors 0 and 1", "/dev/null", "something else");
    if (epolls != 1)
        live_alarm(l, "epoll set", "one", "none");
    const struct held *log = take(0, l->look->log_inode);
    if (!log || !log->pipe || log->fd != 2)
        live_alarm(l, "descriptor 2", "its log pipe", "something else");
    const struct held *control = take(0, l->look->control_inode);
    if (!control || !control->socket || control->fd != 3)
        live_alarm(l, "descriptor 3", "its control channel", "something else");
}

static void
expect_end(struct live *l, const struct end_row *end)
{
    char what[200], peer[160];
    struct held *h = take(end->device, end->inode);
    snprintf(what, sizeof(what), "%s %.*s", role_text(end->role), BYTES_PRINTF(end->name));
    snprintf(peer, sizeof(peer), "%s%.*s",
             end->peer.len ? "the end whose other one is with " : "open", BYTES_PRINTF(end->peer));
    if (!h) {
        live_alarm(l, what, peer, "it does not hold it");
        return;
    }
    if (end->role != FD_LISTEN_MQTTS && end->role != FD_LISTEN_HTTPS)
        return;
    const struct tcp_row *row = find_tcp(end->inode);
    if (!row || row->state != TCP_LISTENS)
        live_alarm(l, what, "a listening socket", "socket %llu, which does not listen",
                   (unsigned long long)end->inode);
    else if (!port_is_planned(l, row->port, end->role == FD_LISTEN_HTTPS))
        live_alarm(l, what, "a port of the charter", "port %u", row->port);
}

/* The files of a core's own store, by inode: it opened them itself, and may hold one twice. */
static void
expect_store(struct live *l)
{
    char path[PLAN_PATH_SIZE + 128], file[PLAN_PATH_SIZE + 400];
    size_t found = 0;
    snprintf(path, sizeof(path), "%s/zones/%s/store", l->city->plan->state,
             l->city->plan->charter->zones[l->planned->zone].name);
    DIR *d = opendir(path);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        struct stat st;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        if (lstat(file, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        while (take(st.st_dev, st.st_ino))
            found++;
    }
    if (d)
        closedir(d);
    if (found == 0)
        live_alarm(l, "store", "files of its own store", "none");
}

/* ---- what was not ------------------------------------------------------------------------------
 */

static bool
is_a_guest(const struct live *l, const struct held *h)
{
    if (!h->socket)
        return false;
    const struct tcp_row *row = l->planned->kind == PROCESS_GATE ? find_tcp(h->inode) : NULL;
    if (row && row->state != TCP_LISTENS && port_is_planned(l, row->port, -1))
        return true;
    return came_to_door(l, h->inode);
}

static void
name_stranger(struct live *l, const struct held *h)
{
    char what[64];
    snprintf(what, sizeof(what), "descriptor %d", h->fd);
    for (size_t i = 0; i < l->city->ends_count; i++) {
        const struct end_row *end = &l->city->ends[i];
        if (end->inode != h->inode || end->device != h->device)
            continue;
        live_alarm(l, what, "closed", "%s of %.*s", role_text(end->role),
                   BYTES_PRINTF(end->process.len ? end->process : bytes_text("the supervisor")));
        return;
    }
    const struct tcp_row *row = h->socket ? find_tcp(h->inode) : NULL;
    if (row)
        live_alarm(l, what, "closed", "a TCP socket on port %u", row->port);
    else
        live_alarm(l, what, "closed", "%s", h->null ? "/dev/null" : h->target);
}

static void
look_once(struct live *l)
{
    if (!list_held(l->pid)) {
        live_alarm(l, "descriptors", "a list", "nothing that can be looked at");
        return;
    }
    tcp_count = 0;
    list_tcp("/proc/net/tcp");
    list_tcp("/proc/net/tcp6");
    expect_own(l);
    for (size_t i = 0; i < l->city->ends_count; i++) {
        const struct end_row *end = &l->city->ends[i];
        if (!bytes_are(end->process, l->name))
            continue;
        if (end->role == FD_STORE_DIRECTORY)
            expect_store(l);
        else
            expect_end(l, end);
    }
    for (size_t i = 0; i < held_count; i++)
        if (!held[i].known && !is_a_guest(l, &held[i]))
            name_stranger(l, &held[i]);
}

/*
 * Connections come and go between two looks, and a process may just be starting anew: what is
 * wrong once and right a moment later was never wrong.
 */
void
live_descriptors(struct live *l)
{
    size_t alarms = l->alarms, length = l->out->len;
    for (int look = 0; look < LOOKS; look++) {
        l->alarms = alarms;
        l->out->len = length;
        look_once(l);
        if (l->alarms == alarms)
            return;
        usleep(BETWEEN_LOOKS_US);
    }
}
