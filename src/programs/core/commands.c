/* commands.c -- wishes of the controller and of people, to the warden; its leases, to devices. */
#include "programs/core/core.h"

#include "base/text.h"
#include "grant/approvals.h"
#include "grant/lease.h"
#include "runtime/log.h"

enum { PARAMETERS_BYTES_MAX = 512, APPROVALS_BYTES_MAX = 8192 };

static const struct start_command *
find_command(const struct core *c, const char *name)
{
    return start_command(c->start, bytes_text(name));
}

static struct wish_wait *
wish_free(struct core *c)
{
    for (size_t i = 0; i < WISHES_MAX; i++)
        if (!c->wishes[i].used)
            return &c->wishes[i];
    return NULL;
}

/* Send a wish; *out waits for its verdict. */
static enum err
wish_send(struct core *c, struct wish *m, struct wish_wait **out)
{
    struct wish_wait *w = wish_free(c);
    if (!w || channel_waiting(&c->warden.channel) > LINK_HIGH_BYTES)
        return ERR_LIMIT;
    if (!c->warden.up)
        return ERR_CLOSED;
    *w = (struct wish_wait){.ref = c->next_ref++,
                            .deadline_ms = clock_mono_ms(&c->clock) + ASK_WAIT_MS};
    enum err e = bytes_copy_text(m->device, w->device, sizeof(w->device));
    if (e != OK)
        return e;
    m->ref = w->ref;
    e = CHANNEL_SEND(&c->warden.channel, wish, m);
    if (e != OK)
        return e;
    w->used = true;
    *out = w;
    return OK;
}

enum err
commands_wish(void *ctx, struct bytes device, const char *command, struct bytes parameters,
              uint64_t ref)
{
    struct core *c = ctx;
    if (!find_command(c, command))
        return ERR_UNSUPPORTED;
    if (core_clock_doubt(c))
        return ERR_AGAIN;
    if (!text_is_name(device) || parameters.len > PARAMETERS_BYTES_MAX)
        return ERR_LIMIT;
    struct wish m = {.device = device,
                     .command = bytes_text(command),
                     .parameters = parameters,
                     .asked_by = bytes_text("controller")};
    struct wish_wait *w;
    enum err e = wish_send(c, &m, &w);
    if (e == OK)
        w->service_ref = ref;
    return e;
}

bool
commands_seen(struct core *c, struct peer *peer, const struct publish *m)
{
    char topic[START_NAME_SIZE + 16];
    snprintf(topic, sizeof(topic), "leases/%s/seen", peer->name);
    if (peer->kind != PEER_DEVICE || !bytes_are(m->topic, topic))
        return false;
    uint64_t now_ms = clock_mono_ms(&c->clock);
    struct sequence_seen seen = {.device = bytes_text(peer->name)};
    const char *why = NULL;
    uint8_t reason = REASON_SUCCESS;
    if (text_u64(m->payload, UINT64_MAX, &seen.sequence) != OK) {
        why = "a lease number is decimal digits";
        reason = REASON_PAYLOAD_INVALID;
    } else if (!c->warden.up || now_ms - c->seen_ms < SEEN_MS ||
               channel_waiting(&c->warden.channel) > LINK_HIGH_BYTES ||
               CHANNEL_SEND(&c->warden.channel, sequence_seen, &seen) != OK) {
        why = "too many lease numbers at once";
        reason = REASON_QUOTA;
    } else {
        c->seen_ms = now_ms;
    }
    round_room(c, 0);
    round_decide(c, peer->name, 0, UINT64_MAX, why);
    round_ack(c, m->peer, m->ref, reason, why ? why : "");
    return true;
}

/* ---- POST /v1.1/Commands ------------------------------------------------------------------- */

struct command_body {
    char device[START_NAME_SIZE], command[START_NAME_SIZE];
    char parameters[PARAMETERS_BYTES_MAX + 1];
    size_t parameters_len;
    struct buf approvals;
};

static int
compare_names(const void *a, const void *b)
{
    return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

/* {"phase":3,"hold-s":5} becomes "hold-s 5\nphase 3\n": lease.h asks for the order of names. */
static enum err
parameters_of(const cJSON *object, struct command_body *out, struct refusal *why)
{
    cJSON *rows[LEASE_PARAMETERS_MAX];
    size_t count = 0;
    const cJSON *at;
    cJSON_ArrayForEach(at, object)
    {
        if (count == LEASE_PARAMETERS_MAX || !cJSON_IsNumber(at) || !at->string ||
            !text_is_name(bytes_text(at->string)) ||
            at->valuedouble != (double)(int64_t)at->valueint)
            return refuse(why, 400, REASON_PAYLOAD_INVALID,
                          "parameters holds at most %d names with whole numbers.",
                          LEASE_PARAMETERS_MAX);
        rows[count++] = (cJSON *)(uintptr_t)at;
    }
    qsort(rows, count, sizeof(rows[0]), compare_names);
    for (size_t i = 0; i < count; i++) {
        size_t room = sizeof(out->parameters) - out->parameters_len;
        int n = snprintf(out->parameters + out->parameters_len, room, "%s %d\n", rows[i]->string,
                         rows[i]->valueint);
        if (n < 0 || (size_t)n >= room)
            return refuse(why, 400, REASON_PAYLOAD_INVALID, "The parameters are too long.");
        out->parameters_len += (size_t)n;
    }
    return OK;
}

enum err
approvals_of(const cJSON *array, struct buf *out, struct refusal *why)
{
    const cJSON *at;
    cJSON_ArrayForEach(at, array)
    {
        if (!cJSON_IsString(at) || strchr(at->valuestring, '\n') ||
            !bytes_start(bytes_text(at->valuestring), "bh1."))
            return refuse(why, 400, REASON_PAYLOAD_INVALID, "approvals is a list of tokens.");
        if (out->len)
            buf_byte(out, '\n');
        buf_text(out, at->valuestring);
    }
    if (buf_error(out) != OK)
        return refuse(why, 400, REASON_PAYLOAD_INVALID, "There are too many approvals.");
    return OK;
}

static enum err
name_of(const cJSON *tree, const char *key, char *to, struct refusal *why)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(tree, key);
    if (!cJSON_IsString(value) || !text_is_name(bytes_text(value->valuestring)) ||
        bytes_copy_text(bytes_text(value->valuestring), to, START_NAME_SIZE) != OK)
        return refuse(why, 400, REASON_PAYLOAD_INVALID, "%s is missing or no name.", key);
    return OK;
}

static enum err
parse_body(struct bytes body, struct command_body *out, struct refusal *why)
{
    static const char *const known[] = {"device", "command", "parameters", "approvals"};
    cJSON *tree = cJSON_ParseWithLength((const char *)body.p, body.len);
    if (!cJSON_IsObject(tree))
        return refuse(why, 400, REASON_PAYLOAD_INVALID, "The body is a JSON object.");
    const cJSON *at;
    cJSON_ArrayForEach(at, tree)
    {
        bool found = false;
        for (size_t i = 0; i < ARRAY_COUNT(known); i++)
            found = found || strcmp(at->string, known[i]) == 0;
        if (!found)
            return refuse(why, 400, REASON_PAYLOAD_INVALID,
                          "A command has device, command, parameters and approvals only.");
    }
    enum err e = name_of(tree, "device", out->device, why);
    if (e == OK)
        e = name_of(tree, "command", out->command, why);
    const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(tree, "parameters");
    const cJSON *approvals = cJSON_GetObjectItemCaseSensitive(tree, "approvals");
    if (e == OK && parameters && !cJSON_IsObject(parameters))
        e = refuse(why, 400, REASON_PAYLOAD_INVALID, "parameters is an object.");
    if (e == OK && approvals && !cJSON_IsArray(approvals))
        e = refuse(why, 400, REASON_PAYLOAD_INVALID, "approvals is a list.");
    if (e == OK && parameters)
        e = parameters_of(parameters, out, why);
    if (e == OK && approvals)
        e = approvals_of(approvals, &out->approvals, why);
    return e;
}

enum err
commander_check(struct core *c, const struct peer *peer, struct request *ask, struct token *out,
                struct refusal *why)
{
    enum err e = caller_check(c, peer, ask, out, why);
    if (e == OK && strcmp(out->purpose, APPROVALS_PURPOSE) != 0) {
        e = refuse(why, 403, REASON_NOT_AUTHORISED, "Commands are asked for purpose operate.");
        refusal_rule(why, c->start->zone_line, "zone", c->start->zone);
    }
    return e;
}

enum err
commander_publishes(struct core *c, const struct peer *peer, struct refusal *why)
{
    record_clock(c);
    if (core_clock_doubt(c))
        return refuse(why, 503, REASON_UNSPECIFIED,
                      "the clock was set or stood still; ask when it has run steadily");
    if (peer->kind != PEER_CALLER || clock_wall_us(&c->clock) >= peer->token_until_us ||
        strcmp(peer->purpose, APPROVALS_PURPOSE) != 0)
        return refuse(why, 403, REASON_NOT_AUTHORISED,
                      "a Task is asked for by a caller whose token for operate is the password");
    return OK;
}

/* The caller's side: token, purpose `operate`, a command that the charter has. */
static enum err
check_asker(struct core *c, const struct peer *peer, struct request *ask, struct token *token,
            struct command_body *body, struct refusal *why)
{
    enum err e = commander_check(c, peer, ask, token, why);
    if (e == OK)
        e = parse_body(buf_bytes(&ask->body), body, why);
    if (e == OK && !find_command(c, body->command)) {
        e = refuse(why, 403, REASON_NOT_AUTHORISED, "The charter gives zone %s no command %s.",
                   c->start->zone, body->command);
        refusal_rule(why, c->start->zone_line, "zone", c->start->zone);
    }
    return e;
}

void
refuse_command(struct core *c, const struct peer *peer, struct request *ask,
               const struct token *token, const char *what, const struct refusal *why)
{
    ask_refuse(ask, why);
    c->count.leases_refused++;
    if (peer->kind != PEER_CALLER) {
        c->strangers_refused++;
        ask_send(c, ask);
        return;
    }
    struct reading r = {.event = "command-refused",
                        .caller = peer->name,
                        .role = token->role,
                        .purpose = token->purpose,
                        .what = what,
                        .status = why->status,
                        .rule = why->rule};
    record_and_send(c, ask, &r);
}

enum err
commands_ask(struct core *c, const struct wish_from *from, struct wish *m)
{
    struct wish_wait *w;
    enum err e = wish_send(c, m, &w);
    if (e != OK)
        return e;
    w->person = true;
    w->task = from->task;
    w->publisher = from->publisher;
    w->publish_ref = from->publish_ref;
    if (!from->ask)
        return OK;
    w->ask = (uint16_t)(from->ask - c->asks);
    w->generation = from->ask->generation;
    from->ask->state = ASK_WARDEN;
    from->ask->wait_ref = w->ref;
    from->ask->deadline_ms = w->deadline_ms;
    return OK;
}

static void
send_command(struct core *c, struct request *ask, const struct token *token,
             const struct command_body *body)
{
    struct wish m = {.device = bytes_text(body->device),
                     .command = bytes_text(body->command),
                     .parameters = bytes_of(body->parameters, body->parameters_len),
                     .asked_by = bytes_text(token->caller),
                     .approvals = buf_bytes(&body->approvals)};
    if (commands_ask(c, &(struct wish_from){.ask = ask}, &m) != OK) {
        struct refusal why;
        refuse(&why, 503, REASON_UNSPECIFIED, "The warden cannot be asked now.");
        ask_refuse_now(c, ask, &why);
    }
}

void
commands_post(struct core *c, struct peer *peer, struct request *ask)
{
    struct token token = {0};
    struct refusal why = {0};
    static struct command_body body; /* one thread; too long for the stack */
    memset(&body, 0, sizeof(body));
    buf_init(&body.approvals, APPROVALS_BYTES_MAX);
    arena_reset(&c->call);
    enum err e = check_asker(c, peer, ask, &token, &body, &why);
    if (e == OK)
        send_command(c, ask, &token, &body);
    else
        refuse_command(c, peer, ask, &token, "/v1.1/Commands", &why);
    buf_fini(&body.approvals);
}

/* ---- the warden's answers -------------------------------------------------------------------- */

static struct wish_wait *
wish_of(struct core *c, uint64_t ref)
{
    for (size_t i = 0; i < WISHES_MAX; i++)
        if (c->wishes[i].used && c->wishes[i].ref == ref)
            return &c->wishes[i];
    return NULL;
}

static void
tell_verdict(struct core *c, const struct wish_wait *w, bool granted, struct bytes reason)
{
    if (!w->person && c->service->verdict)
        c->service->verdict(c->self, w->service_ref, bytes_text(w->device), granted, reason);
}

static struct request *
ask_of_wish(struct core *c, const struct wish_wait *w)
{
    struct request *ask = w->person && !w->publisher ? ask_of(c, w->ask, w->generation) : NULL;
    return ask && ask->state == ASK_WARDEN ? ask : NULL;
}

static void
on_granted(struct core *c, const struct lease_granted *m)
{
    c->count.leases++;
    topics_lease(c, m->device, m->note);
    struct wish_wait *w = wish_of(c, m->ref);
    if (!w)
        return; /* of a predecessor: the device has its lease, and nobody waits here */
    struct request *ask = ask_of_wish(c, w);
    struct wish_wait done = *w;
    *w = (struct wish_wait){0};
    if (done.task) {
        tasks_granted(c, &done, ask, m->note);
    } else if (ask) {
        ask->status = 201;
        ask->content_type = "application/json";
        buf_init(&ask->out, 4 * LEASE_BYTES_MAX * 2);
        buf_text(&ask->out, "{\"lease\":");
        text_put_json(&ask->out, m->note);
        buf_text(&ask->out, "}");
        ask_send(c, ask);
    }
    tell_verdict(c, &done, true, (struct bytes){0});
}

static void
on_refused(struct core *c, const struct lease_refused *m)
{
    c->count.leases_refused++;
    struct wish_wait *w = wish_of(c, m->ref);
    if (!w)
        return;
    struct request *ask = ask_of_wish(c, w);
    struct wish_wait done = *w;
    *w = (struct wish_wait){0};
    if (done.task) {
        tasks_refused(c, &done, ask, m->reason, m->rule);
    } else if (ask) {
        struct refusal why;
        refuse(&why, 403, REASON_NOT_AUTHORISED, "%.*s", BYTES_PRINTF(m->reason));
        if (bytes_copy_text(m->rule, why.rule, sizeof(why.rule)) != OK)
            why.rule[0] = '\0';
        ask_refuse_now(c, ask, &why);
    }
    tell_verdict(c, &done, false, m->reason);
}

enum err
commands_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct core *c = ctx;
    struct lease_granted granted;
    struct lease_refused refused;
    arena_reset(&c->call);
    if (id == lease_granted_id && lease_granted_decode(body, &granted) == OK)
        on_granted(c, &granted);
    else if (id == lease_refused_id && lease_refused_decode(body, &refused) == OK)
        on_refused(c, &refused);
    else
        return ERR_MALFORMED;
    return OK;
}

void
commands_expire(struct core *c)
{
    static const char no_answer[] = "the warden did not answer";
    uint64_t now_ms = clock_mono_ms(&c->clock);
    for (size_t i = 0; i < WISHES_MAX; i++) {
        struct wish_wait *w = &c->wishes[i];
        if (!w->used || now_ms < w->deadline_ms)
            continue;
        struct wish_wait done = *w;
        *w = (struct wish_wait){0};
        if (done.task)
            tasks_refused(c, &done, NULL, bytes_text(no_answer), (struct bytes){0});
        tell_verdict(c, &done, false, bytes_text(no_answer));
    }
}
