/* command_status.c -- bulkhead status: every process, and whether it is confined as it should be.
 */
#include "cli/commands.h"

#include "base/text.h"
#include "cli/live.h"
#include "cli/tool.h"
#include "cli/trusted.h"
#include "programs/messages.h"
#include "programs/program.h"

#include <sys/socket.h>
#include <unistd.h>

static const char help[] = "usage: bulkhead status --state DIR [--live] [--json]\n"
                           "One line a process: zone, kind, up time, restarts, memory, walls. "
                           "--live compares every process with the charter: "
                           "program, user, capabilities, namespaces,\n"
                           "every descriptor and mapping, limits, control groups, the filter's "
                           "bytes. Each difference is an ALARM\n"
                           "line; exit 1 when there is one, or when a process is not up.\n"
                           "example: bulkhead status --state run/demo --live\n";

struct status {
    struct status_row rows[LIVE_ROWS_MAX];
    size_t count;
    bool ended, looked;
    bool user_namespaces;
    struct island_row islands[32];
    size_t islands_count;
    struct complaint_row complaints[64];
    size_t complaints_count;
    struct condition_row conditions[256];
    size_t conditions_count;
    struct look_row looks[LIVE_ROWS_MAX];
    size_t looks_count;
    struct end_row ends[LIVE_ENDS_MAX];
    size_t ends_count;
    struct group_row groups[LIVE_GROUPS_MAX];
    size_t groups_count;
    struct last_end_row last_ends[256];
    size_t last_ends_count;
    pid_t supervisor;
    char state[513]; /* as the supervisor calls it */
    char city[201];
    uint8_t digest[32];
};

/* A decoded row borrows from the packet: keep a copy. */
static enum err
keep(struct bytes *text)
{
    uint8_t *p = malloc(text->len + 1);
    if (!p)
        return ERR_LIMIT;
    if (text->len)
        memcpy(p, text->p, text->len);
    text->p = p;
    return OK;
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct status *s = ctx;
    struct status_end end;
    if (id == status_end_id && status_end_decode(body, &end) == OK) {
        s->ended = true;
        s->user_namespaces = end.user_namespaces != 0;
        if (end.charter_digest.len == sizeof(s->digest))
            memcpy(s->digest, end.charter_digest.p, sizeof(s->digest));
        return bytes_copy_text(end.city, s->city, sizeof(s->city));
    }
    if (id == complaint_row_id && s->complaints_count < ARRAY_COUNT(s->complaints)) {
        struct complaint_row *c = &s->complaints[s->complaints_count];
        enum err e = complaint_row_decode(body, c);
        if (e != OK || (e = keep(&c->process)) != OK || (e = keep(&c->channel)) != OK)
            return e;
        s->complaints_count++;
        return OK;
    }
    if (id == island_row_id && s->islands_count < ARRAY_COUNT(s->islands)) {
        struct island_row *i = &s->islands[s->islands_count];
        enum err e = island_row_decode(body, i);
        if (e != OK || (e = keep(&i->zone)) != OK || (e = keep(&i->reason)) != OK)
            return e;
        s->islands_count++;
        return OK;
    }
    if (id == condition_row_id && s->conditions_count < ARRAY_COUNT(s->conditions)) {
        struct condition_row *c = &s->conditions[s->conditions_count];
        enum err e = condition_row_decode(body, c);
        if (e != OK || (e = keep(&c->process)) != OK || (e = keep(&c->what)) != OK)
            return e;
        s->conditions_count++;
        return OK;
    }
    if (id == last_end_row_id && s->last_ends_count < ARRAY_COUNT(s->last_ends)) {
        struct last_end_row *last = &s->last_ends[s->last_ends_count];
        enum err e = last_end_row_decode(body, last);
        if (e != OK || (e = keep(&last->process)) != OK || (e = keep(&last->call)) != OK)
            return e;
        s->last_ends_count++;
        return OK;
    }
    if (id != status_row_id || s->count == ARRAY_COUNT(s->rows))
        return ERR_MALFORMED;
    struct status_row *row = &s->rows[s->count];
    enum err e = status_row_decode(body, row);
    if (e != OK || (e = keep(&row->kind)) != OK || (e = keep(&row->name)) != OK ||
        (e = keep(&row->zone)) != OK || (e = keep(&row->state)) != OK)
        return e;
    s->count++;
    return OK;
}

/* A second question on the same channel: control groups, and what each process was given. */
static enum err
on_look_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct status *s = ctx;
    struct look_end end;
    if (id == look_end_id && look_end_decode(body, &end) == OK) {
        s->looked = true;
        return bytes_copy_text(end.state, s->state, sizeof(s->state));
    }
    if (id == look_row_id && s->looks_count < ARRAY_COUNT(s->looks)) {
        struct look_row *look = &s->looks[s->looks_count++];
        enum err e = look_row_decode(body, look);
        return e != OK || (e = keep(&look->process)) != OK ? e : keep(&look->program);
    }
    if (id == end_row_id && s->ends_count < ARRAY_COUNT(s->ends)) {
        struct end_row *row = &s->ends[s->ends_count++];
        enum err e = end_row_decode(body, row);
        return e != OK || (e = keep(&row->process)) != OK || (e = keep(&row->name)) != OK
                   ? e
                   : keep(&row->peer);
    }
    if (id != group_row_id || s->groups_count == ARRAY_COUNT(s->groups))
        return ERR_MALFORMED;
    struct group_row *row = &s->groups[s->groups_count];
    enum err e = group_row_decode(body, row);
    if (e != OK || (e = keep(&row->process)) != OK || (e = keep(&row->controller)) != OK ||
        (e = keep(&row->directory)) != OK)
        return e;
    s->groups_count++;
    return OK;
}

static bool
ask(const char *state, struct status *s)
{
    struct status_ask m;
    struct channel c;
    struct ucred who;
    socklen_t who_len = sizeof(who);
    int fd = tool_connect(state, "control.sock");
    if (fd < 0)
        return false;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len) == 0)
        s->supervisor = who.pid;
    channel_init(&c, fd);
    enum err e = CHANNEL_SEND(&c, status_ask, &m);
    if (e == OK)
        e = channel_flush(&c);
    while (e == OK && !s->ended)
        e = channel_receive(&c, on_frame, s);
    struct look_ask look;
    if (e == OK && (e = CHANNEL_SEND(&c, look_ask, &look)) == OK)
        e = channel_flush(&c);
    while (e == OK && !s->looked)
        e = channel_receive(&c, on_look_frame, s);
    channel_fini(&c);
    if (e != OK)
        fprintf(stderr, "bulkhead: the supervisor does not answer (%s)\n", err_text(e));
    return e == OK;
}

/* Resident kilobytes, from /proc; 0 when it cannot be read. */
static unsigned long
resident_kb(uint32_t pid)
{
    char path[64];
    unsigned long size = 0, pages = 0;
    snprintf(path, sizeof(path), "/proc/%u/statm", pid);
    FILE *f = fopen(path, "re");
    if (f) {
        if (fscanf(f, "%lu %lu", &size, &pages) != 2)
            pages = 0;
        fclose(f);
    }
    return pages * 4;
}

static void
put_counters(struct buf *b, const struct status_row *row, bool json)
{
    const uint64_t values[] = {row->counter_0, row->counter_1, row->counter_2,
                               row->counter_3, row->counter_4, row->counter_5,
                               row->counter_6, row->counter_7, row->counter_8};
    char kind[64];
    if (bytes_copy_text(row->kind, kind, sizeof(kind)) != OK)
        return;
    const char *const *names = program_counter_names(kind);
    bool first = true;
    for (size_t i = 0; names && i < PROGRAM_COUNTERS; i++) {
        if (!names[i][0])
            continue;
        if (json)
            buf_format(b, "%s\"%s\":%llu", first ? "" : ",", names[i],
                       (unsigned long long)values[i]);
        else if (values[i])
            buf_format(b, " %s=%llu", names[i], (unsigned long long)values[i]);
        first = false;
    }
}

static void
put_walls(struct buf *b, uint32_t walls, bool json)
{
    if (!json && walls == SANDBOX_ALL_WALLS) {
        buf_text(b, "all walls");
        return;
    }
    bool first = true;
    for (int wall = 0; wall < WALL_COUNT; wall++) {
        if (!(walls >> wall & 1) != !json)
            continue;
        buf_format(b, json ? "%s\"%s\"" : "%sMISSING %s",
                   first  ? ""
                   : json ? ","
                          : " ",
                   sandbox_wall_text((enum sandbox_wall)wall));
        first = false;
    }
}

static void
put_row(struct buf *b, const struct status_row *row, bool json)
{
    if (json) {
        buf_format(b, "{\"name\":\"%.*s\",\"kind\":\"%.*s\",\"zone\":\"%.*s\",\"state\":\"%.*s\",",
                   BYTES_PRINTF(row->name), BYTES_PRINTF(row->kind), BYTES_PRINTF(row->zone),
                   BYTES_PRINTF(row->state));
        buf_format(b,
                   "\"pid\":%u,\"up_ms\":%llu,\"restarts\":%u,\"resident_kb\":%lu,\"uid\":%u,"
                   "\"landlock_abi\":%u,\"walls\":[",
                   row->pid, (unsigned long long)row->up_ms, row->restarts, resident_kb(row->pid),
                   row->uid, row->landlock_abi);
        put_walls(b, row->walls, true);
        buf_text(b, "],\"counters\":{");
        put_counters(b, row, true);
        buf_text(b, "}}");
        return;
    }
    buf_format(b, "%-24.*s %-8.*s pid %-7u up %6llus  restarts %-3u %6lu kB  ",
               BYTES_PRINTF(row->name), BYTES_PRINTF(row->state), row->pid,
               (unsigned long long)(row->up_ms / 1000), row->restarts, resident_kb(row->pid));
    put_walls(b, row->walls, false);
    buf_format(b, " (landlock %u)", row->landlock_abi);
    put_counters(b, row, false);
    buf_byte(b, '\n');
}

/* What keeps a process from its full work, in its own words. */
static void
put_conditions(struct buf *b, const struct status *s, bool json)
{
    if (json)
        buf_text(b, ",\"conditions\":[");
    for (size_t i = 0; i < s->conditions_count; i++) {
        const struct condition_row *c = &s->conditions[i];
        buf_format(b, json ? "%s{\"process\":\"%.*s\",\"what\":" : "%sCONDITION %.*s: ",
                   json && i ? "," : "", BYTES_PRINTF(c->process));
        if (json)
            text_put_json(b, c->what);
        else
            buf_put(b, c->what);
        buf_byte(b, json ? '}' : '\n');
    }
    if (json)
        buf_byte(b, ']');
}

/* What a process said of a peer; the same stands in the city's log. */
static void
put_complaints(struct buf *b, const struct status *s, bool json)
{
    if (json)
        buf_text(b, ",\"complaints\":[");
    for (size_t i = 0; i < s->complaints_count; i++) {
        const struct complaint_row *c = &s->complaints[i];
        if (json)
            buf_format(b, "%s{\"process\":\"%.*s\",\"channel\":\"%.*s\",\"count\":%u}",
                       i ? "," : "", BYTES_PRINTF(c->process), BYTES_PRINTF(c->channel), c->count);
        else
            buf_format(b, "COMPLAINT %.*s: its channel %.*s sent what is not a message (%u)\n",
                       BYTES_PRINTF(c->process), BYTES_PRINTF(c->channel), c->count);
    }
    if (json)
        buf_byte(b, ']');
}

static void
put_group(struct buf *b, const struct group_row *g, bool json)
{
    bool held = g->version != 0;
    if (json)
        buf_format(b, "\"%.*s\":{\"version\":%u,", BYTES_PRINTF(g->controller), g->version);
    if (bytes_are(g->controller, "memory")) {
        if (json)
            buf_format(b, "\"bytes\":%llu}", (unsigned long long)g->memory_bytes);
        else if (held)
            buf_format(b, " memory %llu MiB", (unsigned long long)(g->memory_bytes >> 20));
    } else if (bytes_are(g->controller, "cpu")) {
        if (json)
            buf_format(b, "\"percent\":%u,\"weight\":%u}", g->cpu_percent, g->weight);
        else if (held && g->cpu_percent)
            buf_format(b, " cpu %u%% weight %u", g->cpu_percent, g->weight);
        else if (held)
            buf_format(b, " cpu weight %u", g->weight);
    } else if (json) {
        buf_format(b, "\"processes\":%u}", g->processes);
    } else if (held) {
        buf_format(b, " processes %u", g->processes);
    }
}

/* Which control groups are in force, and what each process's may take; memory and cpu are those
 * of its zone together. */
static void
put_groups(struct buf *b, const struct status *s, bool json)
{
    const struct group_row *g = s->groups;
    if (json)
        buf_text(b, ",\"control_groups\":{");
    else
        buf_text(b, "control groups:");
    for (size_t i = 0; !json && i < s->groups_count && i < 3; i++)
        buf_format(b, g[i].version ? " %.*s v%u" : " %.*s MISSING (limits of the process only)",
                   BYTES_PRINTF(g[i].controller), g[i].version);
    for (size_t i = 0; i < s->groups_count; i++) {
        bool first = i == 0 || !bytes_equal(g[i].process, g[i - 1].process);
        bool last = i + 1 == s->groups_count || !bytes_equal(g[i].process, g[i + 1].process);
        if (first && json)
            buf_format(b, "%s\"%.*s\":{", i ? "," : "", BYTES_PRINTF(g[i].process));
        else if (first)
            buf_format(b, "\n  %-24.*s", BYTES_PRINTF(g[i].process));
        else if (json)
            buf_byte(b, ',');
        put_group(b, &g[i], json);
        if (last && json)
            buf_byte(b, '}');
    }
    buf_text(b, json ? "}" : "\n");
}

/* Zones that are cut off, and why. */
static void
put_islands(struct buf *b, const struct status *s, bool json)
{
    if (json)
        buf_text(b, ",\"islands\":[");
    for (size_t i = 0; i < s->islands_count; i++) {
        const struct island_row *row = &s->islands[i];
        buf_text(b, !json ? "CUT OFF " : i ? ",{\"zone\":" : "{\"zone\":");
        if (json)
            text_put_json(b, row->zone);
        else
            buf_put(b, row->zone);
        buf_text(b, json ? ",\"since\":\"" : " since ");
        text_put_time(b, row->since_us);
        buf_format(b, json ? "\",\"byUid\":%u,\"reason\":" : " by uid %u: ", row->by_uid);
        if (json)
            text_put_json(b, row->reason);
        else
            buf_put(b, row->reason);
        buf_byte(b, json ? '}' : '\n');
    }
    if (json)
        buf_byte(b, ']');
}

/* How each process that was started again had ended. */
static void
put_ends(struct buf *b, const struct status *s, bool json)
{
    if (json)
        buf_text(b, ",\"ends\":[");
    for (size_t i = 0; i < s->last_ends_count; i++) {
        const struct last_end_row *end = &s->last_ends[i];
        if (json)
            buf_format(b, "%s{\"process\":\"%.*s\",\"code\":%u,\"signal\":%u,\"call\":\"%.*s\"}",
                       i ? "," : "", BYTES_PRINTF(end->process), end->code, end->signal,
                       BYTES_PRINTF(end->call));
        else
            buf_format(b, "last end of %.*s: code %u, signal %u%s%.*s\n",
                       BYTES_PRINTF(end->process), end->code, end->signal,
                       end->call.len ? ", refused call " : "", BYTES_PRINTF(end->call));
    }
    if (json)
        buf_byte(b, ']');
}

/* The plan once more, from the charter in force: not from what the supervisor says it is. */
static bool
look(struct buf *b, const struct status *s, const char *state, bool json)
{
    static struct plan plan;
    char program[TOOL_PATH_SIZE], path[64];
    struct charter *c = tool_charter(state);
    if (!c)
        return false;
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)s->supervisor);
    ssize_t n = readlink(path, program, sizeof(program) - 1);
    if (n <= 0 && s->looks_count && /* not ours to look at: an ordinary user's is not dumpable */
        bytes_copy_text(s->looks[0].program, program, sizeof(program)) == OK)
        n = (ssize_t)strlen(program);
    char *slash = n > 0 ? (program[n] = '\0', strrchr(program, '/')) : NULL;
    if (slash)
        *slash = '\0';
    plan_list(&plan, c, state, slash ? program : "");
    plan.user_namespaces = s->user_namespaces;
    struct live_city city = {.plan = &plan,
                             .user_namespaces = s->user_namespaces,
                             .supervisor = s->supervisor,
                             .state = s->state,
                             .rows = s->rows,
                             .rows_count = s->count,
                             .looks = s->looks,
                             .looks_count = s->looks_count,
                             .ends = s->ends,
                             .ends_count = s->ends_count,
                             .groups = s->groups,
                             .groups_count = s->groups_count};
    bool good = live_check(b, &city, json);
    if (!bytes_equal(bytes_of(plan.digest, 32), bytes_of(s->digest, 32))) {
        fprintf(stderr, "bulkhead: %s/charter is not the charter that the city runs\n", state);
        good = false;
    }
    free(c);
    return good;
}

int
command_status(int argc, char **argv)
{
    struct tool_option options[] = {
        {"--state", true, NULL}, {"--live", false, NULL}, {"--json", false, NULL}};
    struct tool_words words;
    static struct status s;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    bool live = options[1].value != NULL, json = options[2].value != NULL;
    if (!options[0].value || words.count) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (!ask(options[0].value, &s))
        return EXIT_CANNOT;
    struct buf b;
    buf_init(&b, 1024 * 1024);
    bool good = true;
    if (json)
        buf_format(&b, "{\"user_namespaces\":%s,\"charter\":\"",
                   s.user_namespaces ? "true" : "false");
    else
        buf_format(&b, "%s, charter ", s.city);
    text_put_hex(&b, bytes_of(s.digest, json ? 32 : 8));
    buf_text(&b, json                ? "\",\"processes\":["
                 : s.user_namespaces ? ", without root (user namespaces)\n"
                                     : ", root\n");
    for (size_t i = 0; i < s.count; i++) {
        if (json && i)
            buf_byte(&b, ',');
        put_row(&b, &s.rows[i], json);
        good = good && bytes_are(s.rows[i].state, "up");
    }
    if (json)
        buf_text(&b, "]");
    bool trusted = trusted_put(&b, (uint32_t)s.supervisor, !s.user_namespaces, json);
    good = good && (trusted || !live);
    put_groups(&b, &s, json);
    put_islands(&b, &s, json);
    put_conditions(&b, &s, json);
    put_complaints(&b, &s, json);
    put_ends(&b, &s, json);
    if (live)
        good = look(&b, &s, options[0].value, json) && good;
    if (json)
        buf_text(&b, "}\n");
    printf("%s", buf_string(&b));
    return good ? EXIT_OK : EXIT_DOES_NOT_HOLD;
}
