/* peers.c -- through the channels that a compartment holds by right: forged peers, wishes, entries.
 */
#include "drills/stories/moves/move.h"

#include "base/text.h"

enum { ANSWER_MS = 7000, QUIET_MS = 400, MARK_SIZE = 24 };

/* ---- as the gate, to its core ---------------------------------------------------------------- */

struct heard {
    uint64_t peer;
    uint32_t ref;
    int status; /* of an answer, or the reason of a publish */
    uint32_t length;
    char text[320];
    bool done;
};

static void
keep_text(struct heard *h, struct bytes text)
{
    size_t at = strlen(h->text);
    for (size_t i = 0; i < text.len && at + 1 < sizeof(h->text); i++)
        h->text[at++] = text.p[i] < 0x20 || text.p[i] > 0x7e ? '?' : (char)text.p[i];
    h->text[at] = '\0';
}

static enum err
on_answer(void *ctx, uint16_t id, struct bytes body)
{
    struct heard *h = ctx;
    struct answer head;
    struct answer_body part;
    struct published p;
    if (id == answer_id && answer_decode(body, &head) == OK && head.peer == h->peer) {
        h->status = head.status;
        h->length = head.body_length;
        h->done = head.body_length == 0;
    } else if (id == answer_body_id && answer_body_decode(body, &part) == OK &&
               part.peer == h->peer) {
        keep_text(h, part.part);
        h->done = true; /* the beginning is enough */
    } else if (id == published_id && published_decode(body, &p) == OK && p.peer == h->peer) {
        h->status = p.reason;
        keep_text(h, p.why);
        h->done = true;
    }
    return h->done ? ERR_CLOSED : OK;
}

static bool
open_peer(struct channel *core, enum peer_kind kind, const char *name, uint64_t peer, bool mqtt)
{
    static const uint8_t digest[32] = {0x42};
    struct peer_open m = {peer, (uint8_t)kind, bytes_text(name), bytes_of(digest, sizeof(digest)),
                          mqtt};
    struct gate_started started;
    return CHANNEL_SEND(core, gate_started, &started) == OK &&
           CHANNEL_SEND(core, peer_open, &m) == OK && channel_flush(core) == OK;
}

/* The value of a member of the answer, up to its closing quote. */
static int
member(const char *text, const char *key, const char **out)
{
    *out = strstr(text, key);
    *out = *out ? *out + strlen(key) : "";
    return (int)strcspn(*out, "\"");
}

static void
note_answer(const struct heard *h)
{
    const char *message, *rule;
    int message_len = member(h->text, "\"message\":\"", &message);
    int rule_len = member(h->text, "\"rule\":\"", &rule);
    if (h->status < 400)
        note("%d, %u bytes", h->status, h->length);
    else
        note("%d: %.*s %.*s", h->status, message_len, message, rule_len, rule);
}

int
ask_as(const char *const targets[])
{
    struct channel core;
    struct heard h = {.peer = 0x5707, .ref = 1};
    if (!held_channel(FD_CORE, NULL, &core) ||
        !open_peer(&core, PEER_CALLER, given(targets, "name", "auditor"), h.peer, false))
        return NOT_APPLICABLE;
    struct ask m = {.peer = h.peer,
                    .ref = h.ref,
                    .method = bytes_text(given(targets, "method", "GET")),
                    .target = bytes_text(given(targets, "target", "/v1.1/Things")),
                    .token = bytes_text(given(targets, "token", ""))};
    if (CHANNEL_SEND(&core, ask, &m) != OK || channel_flush(&core) != OK ||
        !hear_until(&core, ANSWER_MS, on_answer, &h)) {
        note("no answer");
        return REFUSED;
    }
    note_answer(&h);
    return h.status < 400 ? REACHED : REFUSED;
}

int
publish_as(const char *const targets[])
{
    struct channel core;
    struct heard h = {.peer = 0x5708, .ref = 1};
    char topic[80], payload[256];
    if (!held_channel(FD_CORE, NULL, &core) ||
        !open_peer(&core, PEER_DEVICE, given(targets, "name", "nobody"), h.peer, true))
        return NOT_APPLICABLE;
    snprintf(topic, sizeof(topic), "v1.1/Datastreams(%s)/Observations",
             given(targets, "stream", "1"));
    snprintf(payload, sizeof(payload), "{\"result\":%s}", given(targets, "result", "1"));
    struct publish m = {h.peer, h.ref, bytes_text(topic), bytes_text(payload)};
    if (CHANNEL_SEND(&core, publish, &m) != OK || channel_flush(&core) != OK ||
        !hear_until(&core, ANSWER_MS, on_answer, &h)) {
        note("no answer");
        return REFUSED;
    }
    note("reason 0x%02x %s", (unsigned)h.status, h.text);
    return h.status < 0x80 ? REACHED : REFUSED;
}

/* ---- everything that is held ----------------------------------------------------------------- */

static bool
is_channel(enum start_fd_role role)
{
    return role == FD_CORE || role == FD_GATE || role == FD_WARDEN || role == FD_LEDGER ||
           role == FD_CONDUIT;
}

int
nonsense(const char *const targets[])
{
    const struct start *start = program_given();
    unsigned sent = 0;
    (void)targets;
    for (size_t i = 0; i < start->fds_count; i++) {
        struct channel c;
        if (!is_channel(start->fds[i].role) || start->fds[i].fd < 0)
            continue;
        channel_init(&c, start->fds[i].fd);
        sent +=
            channel_send(&c, 0x7777, bytes_text("not a message")) == OK && channel_flush(&c) == OK;
    }
    rest_ms(QUIET_MS);
    note("nonsense went into %u channels", sent);
    return sent ? REACHED : REFUSED;
}

/* ---- leases ---------------------------------------------------------------------------------- */

struct verdicts {
    unsigned wanted, granted, refused;
    char rule[161], reason[301];
};

static void
copy_said(struct bytes from, char *to, size_t size)
{
    size_t n = from.len < size - 1 ? from.len : size - 1;
    memcpy(to, from.p, n);
    to[n] = '\0';
}

static enum err
on_verdict(void *ctx, uint16_t id, struct bytes body)
{
    struct verdicts *v = ctx;
    struct lease_granted granted;
    struct lease_refused refused;
    if (id == lease_granted_id && lease_granted_decode(body, &granted) == OK)
        v->granted++;
    if (id == lease_refused_id && lease_refused_decode(body, &refused) == OK) {
        v->refused++;
        copy_said(refused.rule, v->rule, sizeof(v->rule));
        copy_said(refused.reason, v->reason, sizeof(v->reason));
    }
    return v->granted + v->refused >= v->wanted ? ERR_CLOSED : OK;
}

/* parameters=phase:3 becomes "phase 3\n". */
static struct bytes
parameters(const char *const targets[], char text[static 64])
{
    snprintf(text, 62, "%s", given(targets, "parameters", ""));
    char *colon = strchr(text, ':');
    if (!colon)
        return (struct bytes){0};
    *colon = ' ';
    size_t len = strlen(text);
    text[len] = '\n';
    return bytes_of(text, len + 1);
}

/* Wishes for devices device0 .. (or one device, many times); the answers come meanwhile. */
static void
make_wishes(struct channel *warden, const char *const targets[], struct verdicts *v)
{
    char text[64], device[64];
    long devices = given_number(targets, "devices", 1);
    struct wish m = {.command = bytes_text(given(targets, "command", "phase-request")),
                     .parameters = parameters(targets, text),
                     .asked_by = bytes_text("controller"),
                     .approvals = bytes_text(given(targets, "approvals", ""))};
    for (unsigned i = 0; i < v->wanted; i++) {
        const char *name = given(targets, "device", "junction-a0");
        snprintf(device, sizeof(device), devices > 1 ? "%s%u" : "%s", name,
                 (unsigned)(i % (unsigned long)devices));
        m.ref = i + 1;
        m.device = bytes_text(device);
        while (CHANNEL_SEND(warden, wish, &m) != OK || channel_flush(warden) == ERR_AGAIN) {
            hear_now(warden, on_verdict, v);
            rest_ms(1);
        }
    }
}

int
wish_lease(const char *const targets[])
{
    struct channel warden;
    struct verdicts v = {.wanted = (unsigned)given_number(targets, "times", 1)};
    if (!held_channel(FD_WARDEN, NULL, &warden)) {
        note("it holds no channel to a warden");
        return REFUSED;
    }
    make_wishes(&warden, targets, &v);
    bool all = hear_until(&warden, ANSWER_MS, on_verdict, &v);
    note("%u granted, %u refused%s%s%s%s%s", v.granted, v.refused, all ? "" : ", some unanswered",
         v.refused ? "; " : "", v.rule, v.refused ? ": " : "", v.reason);
    return v.refused || !all ? REFUSED : REACHED;
}

static enum err
on_any(void *ctx, uint16_t id, struct bytes body)
{
    unsigned *leases = ctx;
    (void)body;
    *leases += id == lease_granted_id;
    return OK;
}

int
wish_everywhere(const char *const targets[])
{
    const struct start *start = program_given();
    unsigned leases = 0, channels = 0;
    struct wish m = {.ref = 1,
                     .device = bytes_text(given(targets, "device", "junction-a0")),
                     .command = bytes_text("phase-request"),
                     .parameters = bytes_text("phase 1\n"),
                     .asked_by = bytes_text("controller")};
    for (size_t i = 0; i < start->fds_count; i++) {
        struct channel c;
        if (!is_channel(start->fds[i].role) || start->fds[i].fd < 0)
            continue;
        channel_init(&c, start->fds[i].fd);
        channels += CHANNEL_SEND(&c, wish, &m) == OK && channel_flush(&c) == OK;
        hear_until(&c, QUIET_MS, on_any, &leases);
    }
    note("asked on %u channels, none of which leads to a warden; %u leases came", channels, leases);
    return leases ? REACHED : REFUSED;
}

/* ---- the log --------------------------------------------------------------------------------- */

static enum err
on_recorded(void *ctx, uint16_t id, struct bytes body)
{
    uint64_t *index = ctx;
    struct recorded m;
    if (id != recorded_id || recorded_decode(body, &m) != OK)
        return OK;
    *index = m.index;
    return ERR_CLOSED;
}

int
record_entry(const char *const targets[])
{
    struct channel ledger;
    uint64_t index = 0;
    char entry[256];
    if (!held_channel(FD_LEDGER, NULL, &ledger))
        return NOT_APPLICABLE;
    snprintf(entry, sizeof(entry), "{\"event\":\"%s\",\"zone\":\"%s\"}",
             given(targets, "event", "lease"), given(targets, "zone", "signals"));
    struct record m = {.ref = 77, .entry = bytes_text(entry)};
    if (CHANNEL_SEND(&ledger, record, &m) != OK || channel_flush(&ledger) != OK ||
        !hear_until(&ledger, ANSWER_MS, on_recorded, &index)) {
        note("nothing was recorded");
        return REFUSED;
    }
    note("entry %llu of its own zone's log", (unsigned long long)index);
    return REACHED;
}

/* ---- two compartments that should not know each other ---------------------------------------- */

static const char mark[MARK_SIZE] = "SHOUT-ACROSS-THE-WALL-1";

int
shout_mark(const char *const targets[])
{
    const struct start *start = program_given();
    unsigned channels = 0;
    (void)targets;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < start->fds_count; i++) {
            struct channel c;
            struct record m = {.ref = 1, .entry = bytes_of(mark, sizeof(mark) - 1)};
            if (!is_channel(start->fds[i].role) || start->fds[i].fd < 0)
                continue;
            channel_init(&c, start->fds[i].fd);
            channels += CHANNEL_SEND(&c, record, &m) == OK && channel_flush(&c) == OK;
        }
    note("shouted on %u channels", channels / 3);
    return REACHED;
}

static enum err
on_mark(void *ctx, uint16_t id, struct bytes body)
{
    unsigned *marks = ctx;
    (void)id;
    *marks += body.len && memmem(body.p, body.len, mark, sizeof(mark) - 1) != NULL;
    return OK;
}

int
hear_mark(const char *const targets[])
{
    const struct start *start = program_given();
    uint64_t end = mono_ms() + (uint64_t)given_number(targets, "for", 1500);
    unsigned marks = 0, channels = 0;
    struct channel held[START_FDS_MAX];
    for (size_t i = 0; i < start->fds_count; i++)
        if (is_channel(start->fds[i].role) && start->fds[i].fd >= 0)
            channel_init(&held[channels++], start->fds[i].fd);
    while (mono_ms() < end) {
        for (unsigned i = 0; i < channels; i++)
            hear_now(&held[i], on_mark, &marks);
        rest_ms(10);
    }
    note("listened on %u channels, heard %u of it", channels, marks);
    return marks ? REACHED : REFUSED;
}
