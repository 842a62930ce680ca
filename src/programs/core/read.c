/* read.c -- questions: the answer is made first, its record is made durable, then it leaves. */
#include "programs/core/core.h"

#include "base/text.h"
#include "sensorthings/json.h"

enum { ANSWER_GUESS_MAX = 64 * 1024 };

static void
answer_error(struct request *ask, const struct sta_error *error)
{
    struct refusal why;
    refuse(&why, error->status >= 400 ? error->status : 500, REASON_UNSPECIFIED, "%s", error->text);
    ask_refuse(ask, &why);
}

/* For a browser's person: the same JSON on many lines, if it is not too long for that. */
static void
spread(struct request *ask)
{
    struct buf pretty;
    buf_init(&pretty, ASK_ANSWER_MAX);
    sta_json_pretty(buf_bytes(&ask->out), &pretty);
    if (buf_error(&pretty) != OK) {
        buf_fini(&pretty);
        return;
    }
    buf_fini(&ask->out);
    ask->out = pretty;
}

/* Run the request into ask->out. False: ask holds the refusal. */
static bool
answer(struct core *c, struct request *ask, const struct view_rights *v,
       const struct sta_request *request, struct sta_report *report)
{
    struct sta_rights rights = rights_of(v);
    struct sta_source source = source_of(c);
    struct sta_view view;
    struct sta_error error = {0};
    view_of(c, &rights, &source, &view);
    buf_init(&ask->out, ASK_ANSWER_MAX);
    if (c->answer_bytes) /* one block instead of one for each doubling */
        (void)buf_room(&ask->out, c->answer_bytes);
    enum err e = sta_answer(&view, request, &ask->out, report, &error);
    if (e == OK && buf_error(&ask->out) != OK) {
        error.status = 413;
        snprintf(error.text, sizeof(error.text), "The answer is longer than 16 MiB; ask for less.");
        e = ERR_LIMIT;
    }
    if (e == OK && ask->browser && report->content_type &&
        strcmp(report->content_type, "application/json") == 0)
        spread(ask);
    if (e == OK && c->ask_bytes + ask->out.len > ASK_BYTES_MAX) {
        error.status = 503;
        snprintf(error.text, sizeof(error.text), "Too many long answers wait; try again.");
        e = ERR_LIMIT;
    }
    if (e != OK) {
        answer_error(ask, &error);
        return false;
    }
    c->answer_bytes = ask->out.len < ANSWER_GUESS_MAX ? ask->out.len : ANSWER_GUESS_MAX;
    ask->status = report->status;
    ask->content_type = report->content_type ? report->content_type : "";
    /* Counted with the body, and given back with it. */
    c->ask_bytes += ask->out.len;
    ask->body_length += (uint32_t)ask->out.len;
    return true;
}

/* The path in canonical form and the names of the options: what was asked, without the values. */
static void
describe(const struct sta_request *request, struct bytes target, char *out, size_t size)
{
    static struct buf text;
    if (text.max == 0)
        buf_init(&text, 4096);
    buf_reset(&text);
    sta_path_print(&request->path, &text);
    if (request->path.kind == STA_PATH_ROLLUPS) /* whose numbers, like any read of them */
        buf_format(&text, "(Datastreams(%llu))", (unsigned long long)request->rollups.datastream);
    struct bytes options = bytes_skip(target, bytes_find(target, '?'));
    char joint = '?';
    while (options.len > 1) {
        options = bytes_skip(options, 1);
        size_t end = bytes_find(options, '&');
        size_t name = bytes_find(bytes_of(options.p, end), '=');
        bool plain = name > 0 && name <= 20;
        for (size_t i = 0; plain && i < name; i++)
            plain = options.p[i] == '$' || (options.p[i] >= 'A' && options.p[i] <= 'z');
        buf_byte(&text, (uint8_t)joint);
        buf_put(&text, plain ? bytes_of(options.p, name) : bytes_text("other"));
        joint = '&';
        options = bytes_skip(options, end);
    }
    size_t n = text.len < size - 1 ? text.len : size - 1;
    memcpy(out, text.p, n);
    out[n] = '\0';
    while (n && !text_is_utf8(bytes_text(out)))
        out[--n] = '\0';
}

/* The purpose must fit at least one class that the zone holds. */
static enum err
check_purpose(const struct core *c, const char *purpose, struct refusal *why)
{
    const struct start *start = c->start;
    for (size_t i = 0; i < start->classes_count; i++)
        if (class_allows(&start->classes[i], bytes_text(purpose)))
            return OK;
    refuse(why, 403, REASON_NOT_AUTHORISED, "No data class of zone %s may be read for purpose %s.",
           start->zone, purpose);
    if (start->classes_count)
        refusal_rule(why, start->classes[0].line, "class", start->classes[0].name);
    return ERR_DENIED;
}

/* Who carries no name cannot be told apart: such refusals are counted and written down together. */
static void
refuse_read(struct core *c, const struct peer *peer, struct request *ask, const struct token *token,
            const char *what, const struct refusal *why)
{
    c->count.reads_refused++;
    ask_refuse(ask, why);
    if (peer->kind != PEER_CALLER) {
        c->strangers_refused++;
        ask_send(c, ask);
        return;
    }
    struct reading r = {
        .event = "read-refused",
        .caller = peer->name,
        .role = token->role,
        .purpose = token->purpose,
        .what = what,
        .status = why->status,
        .rule = why->rule,
    };
    record_and_send(c, ask, &r);
}

struct listing {
    struct buf *out;
    uint32_t count;
};

static void
list_copy(void *ctx, const struct store_copy *copy)
{
    struct listing *l = ctx;
    buf_text(l->out, l->count++ ? ",{\"file\":" : "{\"file\":");
    text_put_json(l->out, bytes_text(copy->file));
    buf_text(l->out, ",\"class\":");
    text_put_json(l->out, bytes_text(copy->class_name));
    buf_text(l->out, ",\"site\":");
    text_put_json(l->out, bytes_text(copy->site));
    buf_format(l->out, ",\"bytes\":%llu,\"keysLive\":%llu,\"keysDestroyed\":%llu,\"expires\":",
               (unsigned long long)copy->bytes, (unsigned long long)copy->keys_live,
               (unsigned long long)copy->keys_destroyed);
    if (copy->expires_us) {
        buf_byte(l->out, '"');
        text_put_time(l->out, copy->expires_us);
        buf_text(l->out, "\"}");
    } else {
        buf_text(l->out, "null}");
    }
}

/* GET /where: every file and copy of this zone's data, for auditors. */
static void
where_run(struct core *c, struct peer *peer, struct request *ask)
{
    struct token token;
    struct refusal why = {0};
    enum err e = caller_check(c, peer, ask, &token, &why);
    if (e == OK && strcmp(token.role, "auditor") != 0) {
        e = refuse(&why, 403, REASON_NOT_AUTHORISED, "Only auditors see where data lies.");
        refusal_rule(&why, c->start->zone_line, "zone", c->start->zone);
    }
    if (e != OK) {
        refuse_read(c, peer, ask, &token, "/where", &why);
        return;
    }
    struct listing l = {.out = &ask->out};
    buf_init(&ask->out, 4 * 1024 * 1024);
    buf_text(&ask->out, "{\"zone\":");
    text_put_json(&ask->out, bytes_text(c->start->zone));
    buf_text(&ask->out, ",\"copies\":[");
    e = store_each_copy(c->store, list_copy, &l);
    buf_text(&ask->out, "]}");
    ask->status = 200;
    ask->content_type = "application/json";
    if (e != OK || buf_error(&ask->out) != OK) {
        refuse(&why, 503, REASON_IMPLEMENTATION, "The store could not list its files.");
        ask_refuse(ask, &why);
    }
    c->count.reads++;
    struct reading r = {.event = "read",
                        .caller = token.caller,
                        .role = token.role,
                        .purpose = token.purpose,
                        .what = "/where",
                        .rows = l.count,
                        .status = ask->status};
    record_and_send(c, ask, &r);
}

static void
caller_run(struct core *c, struct peer *peer, struct request *ask, const struct token *token,
           const struct sta_request *request, const char *what)
{
    struct view_rights v = {
        .core = c, .purpose = bytes_text(token->purpose), .caller = token->caller};
    struct sta_report report = {0};
    bool good = answer(c, ask, &v, request, &report);
    (void)peer;
    const char *all[START_CLASSES_MAX];
    uint32_t all_count = 0;
    for (size_t i = 0; report.classes_cut && i < c->start->classes_count; i++)
        all[all_count++] = c->start->classes[i].name;
    struct reading r = {
        .event = "read",
        .caller = token->caller,
        .role = token->role,
        .purpose = token->purpose,
        .classes = report.classes_cut ? all : report.classes,
        .classes_count = report.classes_cut ? all_count : report.classes_count,
        .what = what,
        .rows = good ? report.rows : 0,
        .status = ask->status,
    };
    c->count.reads++;
    record_and_send(c, ask, &r);
}

/* GET /: no row, no name; everybody may read how to go on. */
static void
welcome_run(struct core *c, struct request *ask)
{
    struct sta_view view;
    struct view_rights nothing = {.core = c, .nothing = true};
    struct sta_rights rights = rights_of(&nothing);
    struct sta_source source = source_of(c);
    view_of(c, &rights, &source, &view);
    buf_init(&ask->out, 64 * 1024);
    sta_welcome(&view, ask->browser, &ask->out);
    ASSERT(buf_error(&ask->out) == OK);
    ask->status = 200;
    ask->content_type = ask->browser ? "text/html;charset=utf-8" : "application/json";
    c->ask_bytes += ask->out.len;
    ask->body_length += (uint32_t)ask->out.len;
    ask_send(c, ask);
}

/* Metadata of one's own, to find ids again; and the service root, which holds no row. */
static void
plain_run(struct core *c, struct request *ask, const struct view_rights *v,
          const struct sta_request *request)
{
    struct sta_report report = {0};
    answer(c, ask, v, request, &report);
    ask_send(c, ask);
}

void
read_run(struct core *c, struct peer *peer, struct request *ask)
{
    arena_reset(&c->call);
    struct bytes target = buf_bytes(&ask->target);
    if (bytes_are(target, "/where")) {
        where_run(c, peer, ask);
        return;
    }
    if (bytes_are(target, "/")) {
        welcome_run(c, ask);
        return;
    }
    struct sta_request request = {0};
    struct sta_error error = {0};
    struct refusal why = {0};
    struct token token = {0};
    char what[200] = "unreadable";
    bool parsed = sta_request_parse(target, &c->call, &request, &error) == OK;
    if (parsed)
        describe(&request, target, what, sizeof(what));
    bool root = parsed && (request.path.kind == STA_PATH_ROOT || request.path.kind == STA_PATH_API);
    struct view_rights own = {.core = c, .device = peer, .nothing = root};
    if (parsed && ask->token.len == 0 && (root || peer->kind == PEER_DEVICE)) {
        plain_run(c, ask, &own, &request);
        return;
    }
    enum err e = caller_check(c, peer, ask, &token, &why);
    if (e == OK)
        e = check_purpose(c, token.purpose, &why);
    if (e == OK && !parsed)
        e = refuse(&why, error.status, REASON_UNSPECIFIED, "%s", error.text);
    if (e != OK)
        refuse_read(c, peer, ask, &token, what, &why);
    else
        caller_run(c, peer, ask, &token, &request, what);
}
