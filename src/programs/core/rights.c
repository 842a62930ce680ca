/* rights.c -- who may see which row, and whether a caller's token, row and purpose agree. */
#include "programs/core/core.h"

#include <sodium.h>

enum { LINKS_LOOKED_AT = 1024 };

bool
class_allows(const struct start_class *row, struct bytes purpose)
{
    return row && start_list_has(row->purposes, purpose);
}

/* A caller's view: their purpose opens the class; to change something, they write it too. */
static bool
class_seen(const struct view_rights *v, const char *class_name)
{
    return class_allows(start_class(v->core->start, bytes_text(class_name)), v->purpose) &&
           (!v->writes || start_list_has(v->writes, bytes_text(class_name)));
}

/* What an entity without a class is seen by: the streams that it belongs to. */
struct carried {
    bool some; /* of what it carries is seen */
    bool all;  /* of it is; and not more than could be looked at */
};

static void
carry(struct carried *to, bool seen)
{
    to->some = to->some || seen;
    to->all = to->all && seen;
}

static void
carry_streams(const struct view_rights *v, const struct sta_entity *e, struct carried *to)
{
    const struct sta_type_info *info = sta_type_info(e->type);
    for (uint32_t r = 0; r < info->relations_count; r++) {
        if (!sta_is_stream(info->relations[r].to))
            continue;
        const struct sta_ids *ids = &e->links[r];
        to->all = to->all && ids->count <= LINKS_LOOKED_AT;
        for (uint32_t i = 0; i < ids->count && i < LINKS_LOOKED_AT; i++) {
            const struct sta_entity *s = sta_graph_stream(&v->core->graph, ids->p[i]);
            if (s)
                carry(to, class_seen(v, s->class_name));
        }
    }
}

static void carry_of(const struct view_rights *v, const struct sta_entity *e, struct carried *to);

static void
carry_linked(const struct view_rights *v, enum sta_type type, const struct sta_ids *ids,
             struct carried *to)
{
    to->all = to->all && ids->count <= LINKS_LOOKED_AT;
    for (uint32_t i = 0; i < ids->count && i < LINKS_LOOKED_AT; i++) {
        const struct sta_entity *e = sta_graph_get(&v->core->graph, type, ids->p[i]);
        if (!e)
            continue;
        if (v->writes && e->class_name[0])
            carry(to, class_seen(v, e->class_name));
        carry_of(v, e, to);
    }
}

/* Places and features by their Things, what is tasked by its Thing: each step is nearer to the
 * streams, so this ends. */
static void
carry_of(const struct view_rights *v, const struct sta_entity *e, struct carried *to)
{
    switch (e->type) {
    case STA_THING:
    case STA_SENSOR:
    case STA_OBSERVED_PROPERTY:
        carry_streams(v, e, to);
        break;
    case STA_LOCATION:
        carry_linked(v, STA_THING, &e->links[LOCATION_THINGS], to);
        break;
    case STA_HISTORICAL_LOCATION:
        carry_linked(v, STA_THING, &e->links[HISTORICAL_LOCATION_THING], to);
        break;
    case STA_FEATURE_OF_INTEREST:
        carry_streams(v, e, to);
        carry_linked(v, STA_THING, &e->links[FEATURE_THINGS], to);
        break;
    case STA_ACTUATOR:
        carry_linked(v, STA_TASKING_CAPABILITY, &e->links[ACTUATOR_CAPABILITIES], to);
        break;
    case STA_TASKING_CAPABILITY:
        carry_linked(v, STA_THING, &e->links[CAPABILITY_THING], to);
        break;
    case STA_TASK:
        carry_linked(v, STA_TASKING_CAPABILITY, &e->links[TASK_CAPABILITY], to);
        break;
    case STA_NONE:
    case STA_DATASTREAM:
    case STA_MULTI_DATASTREAM:
    case STA_OBSERVATION:
    case STA_TYPE_COUNT:
        break;
    }
}

static bool
made_by(const struct view_rights *v, const struct sta_entity *e)
{
    return v->caller && e->owner[0] == '@' && strcmp(e->owner + 1, v->caller) == 0;
}

/*
 * C4. Rows with a class of their own are seen by it. What has none describes what is measured, or
 * where: it is seen only together with a stream that is, so that a home's place does not show
 * to who may not see its meter; who made it sees it also while it carries nothing. To change it,
 * all that it carries must be theirs to write.
 */
static bool
caller_sees(const struct view_rights *v, enum sta_type type, const struct sta_entity *e)
{
    if (type == STA_OBSERVATION || sta_is_stream(type))
        return class_seen(v, e->class_name);
    if (e->class_name[0] && !class_seen(v, e->class_name))
        return false;
    if (e->class_name[0] && !v->writes)
        return true;
    struct carried c = {.all = true};
    carry_of(v, e, &c);
    if (v->writes)
        return c.all && (c.some || e->class_name[0] || made_by(v, e));
    return c.some || (c.all && made_by(v, e));
}

static bool
may_see(void *ctx, enum sta_type type, const struct sta_entity *e)
{
    const struct view_rights *v = ctx;
    if (v->nothing)
        return false;
    if (v->service)
        return true;
    if (!v->device)
        return caller_sees(v, type, e);
    if (type == STA_OBSERVATION && !v->own_observations)
        return false;
    return strcmp(e->owner, v->device->name) == 0; /* C3 */
}

struct sta_rights
rights_of(const struct view_rights *v)
{
    return (struct sta_rights){may_see, (void *)(uintptr_t)v};
}

static enum err
source_get(void *ctx, uint32_t stream, uint64_t n, struct observation *out)
{
    return store_get(ctx, stream, n, out);
}

static enum err
source_range(void *ctx, uint32_t stream, const struct store_range *range,
             store_observation_fn *each, void *each_ctx)
{
    return store_range(ctx, stream, range, each, each_ctx);
}

static enum err
source_span(void *ctx, uint32_t stream, struct store_span *out)
{
    return store_span(ctx, stream, out);
}

static enum err
source_rollups(void *ctx, uint32_t stream, enum store_step step, int64_t from_us, int64_t to_us,
               store_rollup_fn *each, void *each_ctx)
{
    return store_rollups(ctx, stream, step, from_us, to_us, each, each_ctx);
}

struct sta_source
source_of(struct core *c)
{
    return (struct sta_source){source_get, source_range, source_span, source_rollups, c->store};
}

void
view_of(struct core *c, const struct sta_rights *rights, const struct sta_source *source,
        struct sta_view *out)
{
    *out = (struct sta_view){
        .graph = &c->graph,
        .source = source,
        .rights = rights,
        .base_url = bytes_text(c->base_url),
        .mqtt_url = start_text(c->start, TEXT_MQTT_URL),
        .now_us = clock_wall_us(&c->clock),
        .examined_max = STA_EXAMINED_DEFAULT,
        .arena = &c->call,
    };
}

bool
rights_names_once(const struct peer *peer)
{
    return peer->kind == PEER_DEVICE;
}

/* ---- callers ------------------------------------------------------------------------------ */

static enum err
deny(const struct core *c, struct refusal *why, const char *sentence)
{
    refuse(why, 401, REASON_NOT_AUTHORISED, "%s", sentence);
    refusal_rule(why, c->start->zone_line, "zone", c->start->zone);
    return ERR_DENIED;
}

/* As token_open(); the signature of a token that is heard again is not verified again. */
static enum err
open_known(struct core *c, struct bytes text, const struct peer *peer, struct token *out)
{
    uint8_t digest[sizeof(c->tokens[0].digest)];
    int rc = crypto_generichash(digest, sizeof(digest), text.p, text.len, NULL, 0);
    ASSERT(rc == 0);
    struct token_kept *kept = &c->tokens[digest[0] % TOKENS_KEPT];
    if (!kept->used || memcmp(kept->digest, digest, sizeof(digest)) != 0) {
        struct token t;
        enum err e = token_open_signed(text, c->judge_public, &t);
        if (e != OK)
            return e;
        kept->used = true;
        kept->token = t;
        memcpy(kept->digest, digest, sizeof(digest));
    }
    enum err e =
        token_check(&kept->token, c->start->zone, peer->key_digest, clock_wall_us(&c->clock));
    if (e == OK)
        *out = kept->token;
    return e;
}

static enum err
open_token(struct core *c, const struct peer *peer, const struct request *ask, struct token *out,
           struct refusal *why)
{
    if (peer->kind != PEER_CALLER || !peer->has_key)
        return deny(c, why,
                    "Ask with a certificate of the city's people and a token of the judge.");
    if (ask->token.len == 0)
        return deny(c, why, "A bearer token is needed: bulkhead token gives one for a purpose.");
    if (!c->has_judge)
        return deny(c, why, "This zone was given no judge; nobody can be let in.");
    enum err e = open_known(c, buf_bytes(&ask->token), peer, out);
    if (e == ERR_EXPIRED)
        return deny(c, why, "The token has expired.");
    if (e == ERR_DENIED)
        return deny(c, why, "The token is for another zone, or for another key than yours.");
    if (e != OK)
        return deny(c, why, "The token is not one of this city's judge.");
    if (strcmp(out->caller, peer->name) != 0)
        return deny(c, why, "The token names another caller than the certificate.");
    if (out->approval)
        return deny(c, why, "An approval of a command is no right to ask.");
    return OK;
}

enum err
caller_check(struct core *c, const struct peer *peer, const struct request *ask, struct token *out,
             struct refusal *why)
{
    memset(out, 0, sizeof(*out));
    record_clock(c);           /* not how it was at the last tick */
    if (core_clock_doubt(c)) { /* whether a token has expired cannot be told */
        refuse(
            why, 503, REASON_UNSPECIFIED,
            "The clock was set or stood still; no caller is answered until it has run steadily.");
        return ERR_AGAIN;
    }
    enum err e = open_token(c, peer, ask, out, why);
    if (e != OK)
        return e;
    const struct start_island *island = start_island(c->start, bytes_text(c->start->zone));
    if (island) {
        refuse(why, 503, REASON_NOT_AUTHORISED, "Zone %s is cut off: %s", c->start->zone,
               island->reason);
        snprintf(why->rule, sizeof(why->rule), "island %s", c->start->zone);
        return ERR_DENIED;
    }
    const struct start_caller *row = start_caller(c->start, bytes_text(out->caller));
    if (!row) {
        refuse(why, 403, REASON_NOT_AUTHORISED, "The charter names no caller %s in zone %s.",
               out->caller, c->start->zone);
        refusal_rule(why, c->start->zone_line, "zone", c->start->zone);
        return ERR_DENIED;
    }
    if (strcmp(row->role, out->role) != 0 ||
        !start_list_has(row->zones, bytes_text(c->start->zone)) ||
        !start_list_has(row->purposes, bytes_text(out->purpose))) {
        refuse(why, 403, REASON_NOT_AUTHORISED,
               "The charter does not let %s ask in zone %s for purpose %s.", out->caller,
               c->start->zone, out->purpose);
        refusal_rule(why, row->line, "caller", row->name);
        return ERR_DENIED;
    }
    return OK;
}
