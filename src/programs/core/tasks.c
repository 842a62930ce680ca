/*
 * tasks.c -- Tasks of SensorThings (17-079r1): wishes to the warden that leave a trace.
 *
 * A TaskingCapability names a command of the charter in properties.command; the device that owns it
 * is the one that is commanded. A Task is stored as `asked`, durably, before the warden hears of
 * it; then it says what became of it, in its properties: asked -> granted or refused; granted ->
 * done or failed (as the device reported) or expired; asked -> lost, when the core ended in
 * between. 201 means recorded and judged, never done.
 */
#include "programs/core/core.h"

#include "base/text.h"
#include "grant/approvals.h"
#include "grant/lease.h"
#include "programs/wish.h"
#include "runtime/log.h"
#include "sensorthings/json.h"
#include "sensorthings/tasking.h"

enum {
    TASK_PROPERTIES_BYTES = 8 * 1024,
    TASK_PARAMETERS_BYTES = 512,
    TASK_APPROVALS_BYTES = 8192,
    TASK_TOPIC_SIZE = 256,
    TASKS_A_STEP = 32, /* each is a commit of its own */
};

/* ---- what stands in a Task's properties ---------------------------------------------------------
 */

static struct bytes
text_member(struct core *c, struct bytes object, const char *name)
{
    struct bytes out = {0};
    struct bytes value = sta_json_member(object, bytes_text(name));
    if (value.len == 0 || sta_json_text(value, &c->call, &out) != OK)
        return (struct bytes){0};
    return out;
}

static void
put_text(struct buf *out, const char *name, struct bytes value)
{
    buf_format(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    text_put_json(out, value);
}

static void
put_time(struct buf *out, const char *name, int64_t us)
{
    buf_format(out, "%s\"%s\":\"", out->len > 1 ? "," : "", name);
    text_put_time(out, us);
    buf_byte(out, '"');
}

static const char *
task_state(struct core *c, const struct sta_entity *task, char out[static 16])
{
    out[0] = '\0';
    if (bytes_copy_text(text_member(c, task->property[TASK_PROPERTIES], "state"), out, 16) != OK)
        out[0] = '\0';
    return out;
}

/* The new state of a Task; who asked, for what and with whose approval stays. */
static enum err
set_state(struct core *c, uint64_t id, const char *state, struct bytes more)
{
    static const char *const kept[] = {"askedBy", "approvedBy", "device", "command", "lease"};
    const struct sta_entity *task = sta_graph_get(&c->graph, STA_TASK, id);
    struct sta_plan plan;
    struct sta_error error = {0};
    struct refusal why;
    struct buf out;
    if (!task)
        return ERR_NOT_FOUND; /* the oldest have to go */
    buf_init(&out, TASK_PROPERTIES_BYTES);
    buf_byte(&out, '{');
    put_text(&out, "state", bytes_text(state));
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        struct bytes value = sta_json_member(task->property[TASK_PROPERTIES], bytes_text(kept[i]));
        if (value.len) {
            buf_format(&out, ",\"%s\":", kept[i]);
            buf_put(&out, value);
        }
    }
    put_time(&out, "changed", clock_wall_us(&c->clock));
    buf_put(&out, more);
    buf_byte(&out, '}');
    enum err e = buf_error(&out);
    if (e == OK)
        e = sta_plan_task_properties(&c->graph, id, buf_bytes(&out), &c->call, &plan, &error);
    if (e == OK)
        e = entities_store(c, &plan, &why);
    buf_fini(&out);
    if (e != OK)
        log_event("task_not_written", "task=%llu state=%s", (unsigned long long)id, state);
    return e;
}

/* ---- Tasks whose end is not known yet ---------------------------------------------------------
 */

static void
open_task_add(struct core *c, uint64_t task, const char *device, uint64_t sequence,
              int64_t expiry_us)
{
    struct open_task *at = &c->open_tasks[0]; /* when all are taken, the one that ends first goes */
    for (size_t i = 0; i < OPEN_TASKS_MAX && at->task; i++)
        if (!c->open_tasks[i].task || c->open_tasks[i].expiry_us < at->expiry_us)
            at = &c->open_tasks[i];
    *at = (struct open_task){.task = task, .sequence = sequence, .expiry_us = expiry_us};
    snprintf(at->device, sizeof(at->device), "%s", device);
}

void
tasks_reported(struct core *c, const struct service_stream *stream, const struct observation *o)
{
    uint64_t sequence = 0;
    bool obeyed = true;
    if (o->kind == RESULT_NUMBER && o->number >= 1 && o->number < 9007199254740992.0) {
        sequence = (uint64_t)o->number;
    } else if (o->kind == RESULT_JSON && sta_json_kind(o->text) == STA_JSON_OBJECT) {
        struct bytes number = sta_json_member(o->text, bytes_text("sequence"));
        struct bytes said = sta_json_member(o->text, bytes_text("obeyed"));
        obeyed = !bytes_are(said, "false");
        if (text_u64(number, UINT64_MAX, &sequence) != OK)
            return;
    }
    for (size_t i = 0; sequence && i < OPEN_TASKS_MAX; i++) {
        struct open_task *t = &c->open_tasks[i];
        if (t->task && t->sequence == sequence && bytes_are(stream->device, t->device))
            t->end = obeyed ? TASK_DONE : TASK_FAILED;
    }
}

void
tasks_step(struct core *c)
{
    int64_t now_us = clock_wall_us(&c->clock);
    size_t written = 0;
    for (size_t i = 0; i < OPEN_TASKS_MAX && written < TASKS_A_STEP; i++) {
        struct open_task *t = &c->open_tasks[i];
        if (!t->task || c->store_failed || (t->end == TASK_OPEN && now_us < t->expiry_us))
            continue;
        arena_reset(&c->call);
        const char *state = t->end == TASK_DONE     ? "done"
                            : t->end == TASK_FAILED ? "failed"
                                                    : "expired";
        enum err e = set_state(c, t->task, state, (struct bytes){0});
        if (e == OK || e == ERR_NOT_FOUND)
            t->task = 0;
        written++;
    }
}

void
tasks_open(struct core *c)
{
    uint64_t lost[TASKS_A_STEP];
    size_t lost_count = 0;
    for (uint32_t i = 0; i < c->graph.set[STA_TASK].count; i++) {
        const struct sta_entity *task = c->graph.set[STA_TASK].p[i];
        char state[16];
        arena_reset(&c->call);
        task_state(c, task, state);
        if (strcmp(state, "asked") == 0 && lost_count < TASKS_A_STEP)
            lost[lost_count++] = task->id;
        if (strcmp(state, "granted") != 0)
            continue;
        struct bytes lease = sta_json_member(task->property[TASK_PROPERTIES], bytes_text("lease"));
        uint64_t sequence = 0;
        int64_t expiry_us = 0;
        if (text_u64(sta_json_member(lease, bytes_text("sequence")), UINT64_MAX, &sequence) == OK &&
            text_time(text_member(c, lease, "expiry"), &expiry_us) == OK)
            open_task_add(c, task->id, task->owner, sequence, expiry_us);
    }
    static const char reason[] =
        ",\"reason\":\"the zone's core was started anew before the warden answered; the log of the "
        "zone says what was granted\"";
    for (size_t i = 0; i < lost_count; i++) {
        arena_reset(&c->call);
        if (set_state(c, lost[i], "lost", bytes_text(reason)) != OK)
            return;
    }
}

/* ---- what is answered -------------------------------------------------------------------------
 */

static enum err
put_refusal(struct core *c, uint64_t task, struct bytes reason, struct bytes rule)
{
    struct buf more;
    buf_init(&more, TASK_PROPERTIES_BYTES);
    buf_text(&more, ",\"reason\":");
    text_put_json(&more, reason);
    if (rule.len) {
        buf_text(&more, ",\"rule\":");
        text_put_json(&more, rule);
    }
    enum err e = set_state(c, task, "refused", buf_bytes(&more));
    buf_fini(&more);
    return e;
}

/* 201 with the Task as it stands now, into the ask; not sent yet. */
static void
put_task(struct core *c, uint64_t id, struct request *ask)
{
    struct view_rights view = {.core = c, .purpose = bytes_text(APPROVALS_PURPOSE)};
    struct sta_rights rights = rights_of(&view);
    struct sta_source source = source_of(c);
    struct sta_view answer_view;
    view_of(c, &rights, &source, &answer_view);
    ask->status = 201;
    ask->content_type = "application/json";
    buf_init(&ask->out, STA_BODY_BYTES_MAX);
    if (sta_answer_entity(&answer_view, STA_TASK, id, &ask->out) != OK ||
        buf_error(&ask->out) != OK) {
        buf_reset(&ask->out);
        ask->content_type = "";
    }
    sta_self_link(bytes_text(c->base_url), STA_TASK, id, &ask->location);
}

/* ---- POST -------------------------------------------------------------------------------------
 */

struct task_ask {
    uint64_t capability; /* of the path, or of the body; 0: none was named */
    struct bytes values; /* JSON */
    struct buf approvals, parameters;
    char command[START_NAME_SIZE];
    struct refusal judged; /* .why not empty: refused without the warden, and kept like that */
};

static enum err
malformed(struct refusal *why, const struct sta_error *error)
{
    return refuse(why, error->status, REASON_PAYLOAD_INVALID, "%s", error->text);
}

/* Each step of the path is linked to the one before. */
static enum err
capability_of_path(struct core *c, const struct sta_path *path, uint64_t *out, struct refusal *why)
{
    const struct sta_entity *before = NULL;
    for (uint32_t i = 0; i + 1 < path->steps_count; i++) {
        const struct sta_step *step = &path->steps[i];
        const struct sta_entity *at =
            step->has_id ? sta_graph_get(&c->graph, step->type, step->id) : NULL;
        bool holds = at && (i == 0 || before);
        if (holds && before) {
            const struct sta_ids *ids = &before->links[step->relation];
            holds = false;
            for (uint32_t k = 0; k < ids->count; k++)
                holds = holds || ids->p[k] == at->id;
        }
        if (!holds)
            return refuse(why, 404, REASON_NOT_AUTHORISED, "The path leads to no %s.",
                          sta_type_info(step->type)->entity);
        before = at;
    }
    *out = before ? before->id : 0;
    return OK;
}

static enum err
read_approvals(struct bytes list, struct buf *out, struct refusal *why)
{
    cJSON *tree = cJSON_ParseWithLength((const char *)list.p, list.len);
    if (!cJSON_IsArray(tree))
        return refuse(why, 400, REASON_PAYLOAD_INVALID, "approvals is a list of tokens.");
    return approvals_of(tree, out, why);
}

static enum err
read_body(struct bytes body, struct task_ask *out, struct refusal *why)
{
    size_t bad = 0;
    struct bytes key, value;
    if (!sta_json_check(body, &bad))
        return refuse(why, 400, REASON_PAYLOAD_INVALID, "The body is not JSON from byte %zu on.",
                      bad);
    body = bytes_skip(body, sta_json_space(body, 0));
    if (sta_json_kind(body) != STA_JSON_OBJECT)
        return refuse(why, 400, REASON_PAYLOAD_INVALID, "A Task is a JSON object.");
    struct sta_json_walk w = {body, 0};
    while (sta_json_next_member(&w, &key, &value)) {
        enum err e = OK;
        uint64_t id = 0;
        if (bytes_are(key, "taskingParameters")) {
            out->values = value;
        } else if (bytes_are(key, "approvals")) {
            e = read_approvals(value, &out->approvals, why);
        } else if (bytes_are(key, "TaskingCapability")) {
            if (sta_link_read(value, &id) != OK || (out->capability && out->capability != id))
                e = refuse(why, 400, REASON_PAYLOAD_INVALID,
                           "TaskingCapability is {\"@iot.id\": N}, the same as in the path.");
            out->capability = id;
        } else {
            e = refuse(why, 400, REASON_PAYLOAD_INVALID,
                       "A Task is asked for with taskingParameters, TaskingCapability and "
                       "approvals; the rest is kept by the service.");
        }
        if (e != OK)
            return e;
    }
    if (out->capability == 0)
        return refuse(why, 400, REASON_PAYLOAD_INVALID,
                      "A Task needs its TaskingCapability: in the path, or as {\"@iot.id\": N}.");
    return OK;
}

/* What can reach no device is judged here: it names no command, or carries what none can. */
static void
judge(struct core *c, const struct sta_entity *of, struct task_ask *t)
{
    struct sta_error error = {0};
    struct bytes record = of->property[CAPABILITY_PARAMETERS];
    struct bytes command = text_member(c, of->property[CAPABILITY_PROPERTIES], "command");
    if (bytes_copy_text(command, t->command, sizeof(t->command)) != OK ||
        !start_command(c->start, command)) {
        refuse(&t->judged, 403, REASON_NOT_AUTHORISED,
               "TaskingCapability(%llu) names no command that the charter gives zone %s.",
               (unsigned long long)t->capability, c->start->zone);
        refusal_rule(&t->judged, c->start->zone_line, "zone", c->start->zone);
    } else if (!text_is_name(bytes_text(of->owner))) {
        refuse(&t->judged, 409, REASON_NOT_AUTHORISED,
               "TaskingCapability(%llu) belongs to no device that could be commanded.",
               (unsigned long long)t->capability);
    } else if (sta_task_parameters(record, t->values, &c->call, &t->parameters, &error) != OK) {
        (void)malformed(&t->judged, &error);
    } else if (buf_error(&t->parameters) != OK) {
        refuse(&t->judged, 400, REASON_PAYLOAD_INVALID,
               "taskingParameters are more than one command carries.");
    }
}

/* The capability is there for the caller, and the values are such as it asks for. */
static enum err
fit(struct core *c, struct task_ask *t, struct refusal *why)
{
    struct view_rights view = {.core = c, .purpose = bytes_text(APPROVALS_PURPOSE)};
    struct sta_rights rights = rights_of(&view);
    struct sta_error error = {0};
    const struct sta_entity *of = sta_graph_get(&c->graph, STA_TASKING_CAPABILITY, t->capability);
    if (!of || !rights.may_see(rights.ctx, STA_TASKING_CAPABILITY, of))
        return refuse(why, 404, REASON_NOT_AUTHORISED, "There is no TaskingCapability(%llu).",
                      (unsigned long long)t->capability);
    if (sta_task_check(of->property[CAPABILITY_PARAMETERS], t->values, &c->call, &error) != OK)
        return malformed(why, &error);
    judge(c, of, t);
    return OK;
}

/* Names of those who approved exactly this, as far as their tokens are good; the warden decides. */
static void
put_approvers(struct core *c, const struct wish *wish, struct buf *out)
{
    uint8_t digest[32];
    struct token token;
    struct bytes rest = wish->approvals;
    uint32_t count = 0;
    wish_digest(c->start->zone, wish, digest);
    buf_text(out, ",\"approvedBy\":[");
    while (rest.len && count < APPROVALS_MAX) {
        size_t n = bytes_find(rest, '\n');
        if (c->has_judge &&
            token_open_approval(bytes_of(rest.p, n), c->judge_public, c->start->zone, digest,
                                clock_wall_us(&c->clock), &token) == OK) {
            if (count++)
                buf_byte(out, ',');
            text_put_json(out, bytes_text(token.caller));
        }
        rest = bytes_skip(rest, n < rest.len ? n + 1 : n);
    }
    buf_byte(out, ']');
}

/* Store it as asked: from here on it is there, whatever happens. */
static enum err
store_asked(struct core *c, const struct task_ask *t, const struct wish *wish, uint64_t *out_id,
            struct refusal *why)
{
    struct sta_plan plan;
    struct sta_error error = {0};
    struct buf properties;
    buf_init(&properties, TASK_PROPERTIES_BYTES);
    buf_byte(&properties, '{');
    put_text(&properties, "state", bytes_text("asked"));
    put_text(&properties, "askedBy", wish->asked_by);
    put_approvers(c, wish, &properties);
    put_text(&properties, "device", wish->device);
    put_text(&properties, "command", wish->command);
    put_time(&properties, "changed", clock_wall_us(&c->clock));
    buf_byte(&properties, '}');
    enum err e = buf_error(&properties);
    if (e == OK)
        e = sta_plan_task(&c->graph, t->capability, t->values, buf_bytes(&properties),
                          clock_wall_us(&c->clock), &c->call, &plan, &error);
    buf_fini(&properties);
    if (e != OK)
        return refuse(why, error.status ? error.status : 413, REASON_QUOTA, "%s",
                      error.text[0] ? error.text : "The Task is too long.");
    e = entities_store(c, &plan, why);
    if (e == OK)
        *out_id = plan.id;
    return e;
}

static enum err
ask_warden(struct core *c, const char *caller, struct task_ask *t, struct wish_from *from,
           struct refusal *why)
{
    const struct sta_entity *of = sta_graph_get(&c->graph, STA_TASKING_CAPABILITY, t->capability);
    char device[sizeof(of->owner)];
    memcpy(device, of->owner, sizeof(device)); /* storing the Task may move what it belongs to */
    struct wish wish = {.device = bytes_text(device),
                        .command = bytes_text(t->command),
                        .parameters = buf_bytes(&t->parameters),
                        .asked_by = bytes_text(caller),
                        .approvals = buf_bytes(&t->approvals)};
    enum err e = store_asked(c, t, &wish, &from->task, why);
    if (e == OK && !t->judged.why[0] && commands_ask(c, from, &wish) != OK)
        refuse(&t->judged, 503, REASON_UNSPECIFIED, "The warden cannot be asked now.");
    return e;
}

/* What stands in path and body, checked, and on its way. */
static enum err
take_task(struct core *c, const char *caller, const struct sta_path *path, struct bytes body,
          struct wish_from *from, struct refusal *out_judged, struct refusal *why)
{
    struct task_ask t = {0};
    buf_init(&t.approvals, TASK_APPROVALS_BYTES);
    buf_init(&t.parameters, TASK_PARAMETERS_BYTES);
    enum err e = capability_of_path(c, path, &t.capability, why);
    if (e == OK)
        e = read_body(body, &t, why);
    if (e == OK)
        e = fit(c, &t, why);
    if (e == OK)
        e = ask_warden(c, caller, &t, from, why);
    if (e == OK && t.judged.why[0] &&
        put_refusal(c, from->task, bytes_text(t.judged.why), bytes_text(t.judged.rule)) != OK)
        e = refuse(why, 503, REASON_IMPLEMENTATION, "The store failed.");
    *out_judged = t.judged;
    buf_fini(&t.approvals);
    buf_fini(&t.parameters);
    return e;
}

void
tasks_post(struct core *c, struct peer *peer, struct request *ask, const struct sta_path *path)
{
    struct token token = {0};
    struct refusal why = {0}, judged = {0};
    struct wish_from from = {.ask = ask};
    arena_reset(&c->call);
    enum err e = commander_check(c, peer, ask, &token, &why);
    if (e == OK)
        e = take_task(c, token.caller, path, buf_bytes(&ask->body), &from, &judged, &why);
    if (e != OK) {
        refuse_command(c, peer, ask, &token, "/v1.1/Tasks", &why);
    } else if (judged.why[0]) { /* the warden did not write this down */
        struct reading r = {.event = "command-refused",
                            .caller = token.caller,
                            .role = token.role,
                            .purpose = token.purpose,
                            .what = "/v1.1/Tasks",
                            .status = judged.status,
                            .rule = judged.rule};
        c->count.leases_refused++;
        put_task(c, from.task, ask);
        record_and_send(c, ask, &r);
    }
}

bool
tasks_publish(struct core *c, struct peer *peer, const struct publish *m)
{
    struct sta_path path;
    struct sta_error error = {0};
    struct refusal why = {0}, judged = {0};
    struct wish_from from = {.publisher = peer->id, .publish_ref = m->ref};
    char target[TASK_TOPIC_SIZE];
    int n = snprintf(target, sizeof(target), "/%.*s", BYTES_PRINTF(m->topic));
    if (n < 0 || (size_t)n >= sizeof(target) ||
        sta_path_parse(bytes_text(target), &path, &error) != OK || path.kind != STA_PATH_SET ||
        path.ref || sta_path_type(&path) != STA_TASK)
        return false;
    round_room(c, 0);
    enum err e = commander_publishes(c, peer, &why);
    if (e == OK)
        e = take_task(c, peer->name, &path, m->payload, &from, &judged, &why);
    if (e == OK && !judged.why[0])
        return true; /* acknowledged with the verdict */
    c->count.leases_refused++;
    round_decide(c, peer->name, 0, UINT64_MAX, e == OK ? judged.why : why.why);
    round_ack(c, m->peer, m->ref, e == OK ? REASON_SUCCESS : why.reason, e == OK ? "" : why.why);
    return true;
}

/* ---- the verdict --------------------------------------------------------------------------------
 */

static void
answer_task(struct core *c, const struct wish_wait *w, struct request *ask)
{
    struct published done = {.peer = w->publisher, .ref = w->publish_ref};
    if (w->publisher && w->publish_ref && peers_get(&c->peers, w->publisher) &&
        CHANNEL_SEND(&c->gate.channel, published, &done) != OK)
        log_event("ack_lost", "peer=%llu", (unsigned long long)w->publisher);
    if (!ask)
        return;
    put_task(c, w->task, ask);
    ask_send(c, ask);
}

void
tasks_granted(struct core *c, const struct wish_wait *w, struct request *ask, struct bytes note)
{
    struct lease lease;
    struct buf more;
    size_t end = 0; /* the text of a note ends with its first empty line */
    while (end + 1 < note.len && !(note.p[end] == '\n' && note.p[end + 1] == '\n'))
        end++;
    buf_init(&more, TASK_PROPERTIES_BYTES);
    if (lease_parse_text(bytes_of(note.p, end + 1 < note.len ? end + 1 : note.len), &lease) == OK) {
        buf_format(&more, ",\"lease\":{\"sequence\":%llu,\"notBefore\":\"",
                   (unsigned long long)lease.sequence);
        text_put_time(&more, lease.not_before_us);
        buf_text(&more, "\",\"expiry\":\"");
        text_put_time(&more, lease.expiry_us);
        buf_text(&more, "\"}");
        open_task_add(c, w->task, lease.device, lease.sequence, lease.expiry_us);
    }
    if (set_state(c, w->task, "granted", buf_bytes(&more)) == OK)
        answer_task(c, w, ask);
    buf_fini(&more);
}

void
tasks_refused(struct core *c, const struct wish_wait *w, struct request *ask, struct bytes reason,
              struct bytes rule)
{
    if (put_refusal(c, w->task, reason, rule) == OK)
        answer_task(c, w, ask);
}
