/*
 * islands.c -- cutting a zone off, and joining it again.
 *
 * A cut acts at once and is then recorded: it is the safe direction, and must work when the
 * ledger is the one that is breached. To join again needs two people, and stands in the ledger
 * before it takes effect. STATE/cut/ZONE is there exactly while the zone is cut off:
 *
 *   I0  no file                    the zone is joined
 *   I1  ZONE.new written           ignored: nothing was cut yet
 *   I2  ZONE renamed, synced       cut off, at every start from now on
 *   I3  rejoin durable in the log, ZONE still there: cut off; the same approvals join it again
 */
#include "programs/supervisor/supervisor.h"

#include "base/text.h"
#include "grant/approvals.h"
#include "programs/messages.h"
#include "runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file -------------------------------------------------------------------------------- */

static int
open_folder(const struct supervisor *s)
{
    char path[PLAN_PATH_SIZE + 8];
    snprintf(path, sizeof(path), "%s/cut", s->plan.state);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool
keep(const struct supervisor *s, const char *zone, const struct island *island)
{
    char next[CHARTER_NAME_SIZE + 8];
    struct buf text;
    int folder = open_folder(s);
    snprintf(next, sizeof(next), "%s.new", zone);
    buf_init(&text, ISLAND_TEXT_MAX);
    island_put_text(&text, island);
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    int fd = folder >= 0 ? openat(folder, next, flags, 0600) : -1;
    bool good = fd >= 0 && buf_error(&text) == OK &&
                write(fd, text.p, text.len) == (ssize_t)text.len && fsync(fd) == 0 &&
                renameat(folder, next, folder, zone) == 0 && fsync(folder) == 0;
    if (fd >= 0)
        close(fd);
    if (folder >= 0)
        close(folder);
    buf_fini(&text);
    return good;
}

static bool
forget(const struct supervisor *s, const char *zone)
{
    int folder = open_folder(s);
    bool good =
        folder >= 0 && (unlinkat(folder, zone, 0) == 0 || errno == ENOENT) && fsync(folder) == 0;
    if (folder >= 0)
        close(folder);
    return good;
}

/* A file that cannot be read is a cut all the same: somebody wanted one. */
static void
read_one(struct supervisor *s, int folder, uint32_t z)
{
    struct island *island = &s->plan.islands[z];
    uint8_t text[ISLAND_TEXT_MAX];
    int fd = openat(folder, s->plan.charter->zones[z].name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return;
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    if (fd >= 0)
        close(fd);
    s->plan.cut |= UINT32_C(1) << z;
    if (n < 0 || island_parse_text(bytes_of(text, (size_t)n), island) != OK)
        *island = (struct island){.reason = "the record of the cut cannot be read"};
    log_event("island", "zone=%s cut=yes", s->plan.charter->zones[z].name);
}

enum err
islands_open(struct supervisor *s)
{
    int folder = open_folder(s);
    if (folder < 0)
        return ERR_IO;
    for (uint32_t z = 0; z < s->plan.charter->zones_count; z++)
        read_one(s, folder, z);
    close(folder);
    return OK;
}

/* ---- telling those whom it concerns ---------------------------------------------------------- */

static void
tell(struct supervisor *s, uint32_t z)
{
    struct cut_off m = {bytes_text(s->plan.charter->zones[z].name), s->plan.cut >> z & 1,
                        bytes_text(s->plan.islands[z].reason)};
    for (size_t i = 0; i < s->plan.processes_count; i++) {
        struct process *p = &s->processes[i];
        if ((p->state != STATE_STARTING && p->state != STATE_UP) ||
            !plan_island_concerns(&s->plan, i, z))
            continue;
        ASSERT(p->pid > 0); /* or the kill below would reach everybody */
        if (CHANNEL_SEND(&p->control, cut_off, &m) != OK || channel_flush(&p->control) != OK)
            kill(p->pid, SIGKILL); /* it does not listen; its successor is told at its start */
    }
}

/* ---- cut and rejoin -------------------------------------------------------------------------- */

static uint32_t
uid_of(int socket_fd)
{
    struct ucred peer = {.uid = UINT32_MAX};
    socklen_t len = sizeof(peer);
    if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return UINT32_MAX;
    return peer.uid;
}

static uint64_t
record(struct supervisor *s, const char *event, uint32_t z, int tool)
{
    const struct island *island = &s->plan.islands[z];
    struct buf entry;
    buf_init(&entry, 2048);
    buf_format(&entry, "{\"event\":\"%s\",\"zone\":\"%s\",\"since\":\"", event,
               s->plan.charter->zones[z].name);
    text_put_time(&entry, island->since_us);
    buf_format(&entry, "\",\"by_uid\":%u,\"reason\":", uid_of(s->tools[tool].channel.fd));
    text_put_json(&entry, bytes_text(island->reason));
    buf_byte(&entry, '}');
    uint64_t ref = buf_error(&entry) == OK ? event_record(s, buf_bytes(&entry), tool) : 0;
    buf_fini(&entry);
    return ref;
}

void
islands_cut(struct supervisor *s, int tool, const struct cut_ask *m)
{
    int32_t z = charter_find_zone(s->plan.charter, m->zone);
    if (z < 0 || !island_is_reason(m->reason) || s->plan.cut >> z & 1) {
        tools_event_recorded(s, tool, false,
                             z < 0                  ? "the charter names no such zone"
                             : s->plan.cut >> z & 1 ? "the zone is cut off already"
                                                    : "a reason is one line of at most 200 bytes");
        return;
    }
    struct island *island = &s->plan.islands[z];
    *island = (struct island){.since_us = clock_wall_us(&s->clock) / 1000 * 1000,
                              .by_uid = uid_of(s->tools[tool].channel.fd)};
    if (bytes_copy_text(m->reason, island->reason, sizeof(island->reason)) != OK)
        return;
    s->plan.cut |= UINT32_C(1) << z;
    tell(s, (uint32_t)z);
    bool kept = keep(s, s->plan.charter->zones[z].name, island);
    log_event("island", "zone=%s cut=yes kept=%s", s->plan.charter->zones[z].name,
              kept ? "yes" : "no");
    if (record(s, "cut", (uint32_t)z, tool) == 0)
        tools_event_recorded(s, tool, false, "it is cut off; the ledger has no record of it");
    else if (!kept)
        tools_event_recorded(s, tool, false, "it is cut off, but the disk did not keep that");
}

/* The approver is in the charter with this role, for this zone, with the purpose of commands. */
static bool
may_approve(void *ctx, const struct token *t)
{
    const struct charter *c = ((const struct supervisor *)ctx)->plan.charter;
    int32_t caller = charter_find_caller(c, bytes_text(t->caller));
    int32_t zone = charter_find_zone(c, bytes_text(t->zone));
    int32_t purpose = charter_find_purpose(c, bytes_text(APPROVALS_PURPOSE));
    return caller >= 0 && zone >= 0 && purpose >= 0 && strcmp(t->purpose, APPROVALS_PURPOSE) == 0 &&
           strcmp(c->callers[caller].role, t->role) == 0 &&
           (c->callers[caller].zones >> zone & 1) && (c->callers[caller].purposes >> purpose & 1);
}

static bool
approved(struct supervisor *s, const struct rejoin_ask *m, int64_t since_us)
{
    char path[PLAN_PATH_SIZE + 32], zone[CHARTER_NAME_SIZE];
    uint8_t judge_public[32];
    struct approvals a = {.zone = zone,
                          .judge_public = judge_public,
                          .now_us = clock_wall_us(&s->clock),
                          .may = may_approve,
                          .ctx = s};
    struct buf text;
    snprintf(path, sizeof(path), "%s/keys/judge.pub", s->plan.state);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool good = fd >= 0 && read(fd, judge_public, sizeof(judge_public)) == sizeof(judge_public) &&
                bytes_copy_text(m->zone, zone, sizeof(zone)) == OK;
    if (fd >= 0)
        close(fd);
    buf_init(&text, ISLAND_TEXT_MAX);
    island_put_rejoin(&text, m->zone, since_us);
    crypto_hash_sha256(a.digest, text.p, text.len);
    buf_fini(&text);
    return good && approvals_count(&a, m->approvals) >= ISLAND_PEOPLE;
}

void
islands_rejoin(struct supervisor *s, int tool, const struct rejoin_ask *m)
{
    int32_t z = charter_find_zone(s->plan.charter, m->zone);
    const char *why = NULL;
    if (z < 0)
        why = "the charter names no such zone";
    else if (!(s->plan.cut >> z & 1))
        why = "the zone is not cut off";
    else if (!approved(s, m, s->plan.islands[z].since_us))
        why = "joining again needs approvals of two different people in different roles over the "
              "exact text that `bulkhead rejoin` prints";
    uint64_t ref = why ? 0 : record(s, "rejoin", (uint32_t)z, tool);
    if (ref)
        s->events[s->events_count - 1].rejoin = z; /* the rest when it is durable */
    else
        tools_event_recorded(s, tool, false, why ? why : "the ledger does not answer");
}

bool
islands_joined(struct supervisor *s, uint32_t z)
{
    if (!forget(s, s->plan.charter->zones[z].name))
        return false;
    s->plan.cut &= ~(UINT32_C(1) << z);
    tell(s, z);
    log_event("island", "zone=%s cut=no", s->plan.charter->zones[z].name);
    return true;
}
