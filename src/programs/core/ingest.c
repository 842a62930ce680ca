/* ingest.c -- one observation: whose, of what kind, in which range, at which time; then the store.
 */
#include "programs/core/core.h"

#include "base/text.h"

#include <math.h>

static enum err
from_error(struct refusal *why, const struct sta_error *error)
{
    uint8_t reason = error->status == 404   ? REASON_NOT_AUTHORISED
                     : error->status == 413 ? REASON_QUOTA
                                            : REASON_PAYLOAD_INVALID;
    return refuse(why, error->status, reason, "%s", error->text);
}

/* The zone's rate and the device's share of it. */
enum err
ingest_rate(struct core *c, struct peer *peer, struct refusal *why)
{
    enum { CLOCK_EVERY = 16 }; /* messages of one batch: they came within a few ms */
    uint32_t rate = c->start->messages_per_s;
    if (rate == 0)
        return OK;
    if (c->round.decided % CLOCK_EVERY == 0)
        c->now_ms = clock_mono_ms(&c->clock);
    uint64_t now_ms = c->now_ms;
    uint32_t share = rate / DEVICE_SHARE + 1;
    if ((!peer->device || bucket_take(&peer->device->bucket, share, now_ms)) &&
        bucket_take(&c->zone_bucket, rate, now_ms))
        return OK;
    refuse(why, 429, REASON_QUOTA, "more than %u messages a second from this device, or %u in all",
           share, rate);
    refusal_rule(why, c->start->zone_line, "zone", c->start->zone);
    return ERR_LIMIT;
}

static enum err
check_kind(const struct core *c, uint32_t id, const struct observation *o, struct refusal *why)
{
    const struct stream *s = &c->streams[id];
    static const char *const wanted[] = {
        [RULE_ANY] = "anything", [RULE_NUMBER] = "a number",    [RULE_INTEGER] = "an integer",
        [RULE_TEXT] = "a text",  [RULE_BOOL] = "true or false",
    };
    bool fits = true;
    switch ((enum stream_rule)s->rule) {
    case RULE_ANY:
        break;
    case RULE_NUMBER:
        fits = o->kind == RESULT_NUMBER;
        break;
    case RULE_INTEGER:
        fits = o->kind == RESULT_NUMBER && o->number == floor(o->number);
        break;
    case RULE_TEXT:
        fits = o->kind == RESULT_TEXT;
        break;
    case RULE_BOOL:
        fits = o->kind == RESULT_BOOL;
        break;
    }
    if (fits && s->multi) {
        struct sta_error error = {0};
        const struct sta_entity *e = sta_graph_get(&c->graph, STA_MULTI_DATASTREAM, id);
        /* Not there yet: the plan that makes the stream has looked. */
        if (e && sta_multi_result(e->property[MULTI_TYPES], o, &error) != OK)
            return refuse(why, 400, REASON_PAYLOAD_INVALID, "%s", error.text);
    }
    if (!fits)
        return refuse(why, 400, REASON_PAYLOAD_INVALID,
                      "the observationType of this Datastream asks for %s", wanted[s->rule]);
    return OK;
}

static enum err
check_value(const struct core *c, uint32_t id, const struct observation *o, struct refusal *why)
{
    const struct stream *s = &c->streams[id];
    enum err e = check_kind(c, id, o, why);
    if (e != OK)
        return e;
    if (o->kind == RESULT_NUMBER) {
        if (!isfinite(o->number))
            return refuse(why, 400, REASON_PAYLOAD_INVALID, "the result is not a finite number");
        if ((s->has_minimum && o->number < s->minimum) ||
            (s->has_maximum && o->number > s->maximum))
            return refuse(why, 400, REASON_PAYLOAD_INVALID,
                          "the result %g is outside what this Datastream states", o->number);
    }
    if (o->time_us > c->now_us + FUTURE_MAX_US)
        return refuse(why, 400, REASON_PAYLOAD_INVALID,
                      "phenomenonTime is more than 10 minutes in the future");
    return OK;
}

/* What the path or topic of an observation names: "Datastreams(3)/Observations" and its kin. */
struct place {
    uint32_t stream;  /* 0: none */
    bool multi;       /* of a MultiDatastream */
    uint64_t feature; /* 0: none */
};

static enum err
place_of(const struct sta_path *path, struct place *out, struct refusal *why)
{
    const struct sta_step *step = &path->steps[0];
    *out = (struct place){0};
    if (path->steps_count == 1)
        return OK;
    if (path->ref || path->steps_count != 2 || !step->has_id ||
        (!sta_is_stream(step->type) && step->type != STA_FEATURE_OF_INTEREST))
        return refuse(why, 404, REASON_TOPIC_INVALID,
                      "Observations are posted to Observations, or to the Observations of a "
                      "Datastream, MultiDatastream or FeatureOfInterest");
    if (step->type == STA_FEATURE_OF_INTEREST) {
        out->feature = step->id;
        return OK;
    }
    if (step->id == 0 || step->id >= STORE_STREAMS_MAX)
        return refuse(why, 404, REASON_NOT_AUTHORISED, "this device has no such Datastream");
    out->stream = (uint32_t)step->id;
    out->multi = step->type == STA_MULTI_DATASTREAM;
    return OK;
}

/* Path and body agree on what the observation belongs to. */
static enum err
take_place(const struct place *place, struct sta_observation *o, struct refusal *why)
{
    uint64_t *feature = &o->value.feature_id;
    if (place->stream && o->stream && (place->stream != o->stream || place->multi != o->multi))
        return refuse(why, 400, REASON_PAYLOAD_INVALID,
                      "the Datastream in the path and the one in the body differ");
    if (place->feature && *feature && place->feature != *feature)
        return refuse(why, 400, REASON_PAYLOAD_INVALID,
                      "the FeatureOfInterest in the path and the one in the body differ");
    if (place->stream) {
        o->stream = place->stream;
        o->multi = place->multi;
    }
    if (place->feature) {
        *feature = place->feature;
        o->feature_given = true;
    }
    return OK;
}

/* A device writes to its own; a person to what is of a class that they write. */
static bool
is_theirs(struct core *c, const struct peer *peer, uint32_t stream,
          const struct view_rights *writer)
{
    if (!writer)
        return strcmp(c->streams[stream].owner, peer->name) == 0;
    struct sta_rights rights = rights_of(writer);
    const struct sta_entity *e = sta_graph_stream(&c->graph, stream);
    return e && rights.may_see(rights.ctx, STA_OBSERVATION, e);
}

/* The Datastream that is meant, if it is theirs. A foreign one looks missing. */
static enum err
find_stream(struct core *c, const struct peer *peer, const struct sta_observation *o,
            const struct view_rights *writer, struct refusal *why)
{
    uint32_t id = o->stream;
    if (id == 0)
        return refuse(why, 400, REASON_PAYLOAD_INVALID, "no Datastream is named");
    if (id >= STORE_STREAMS_MAX || !c->streams[id].used || c->streams[id].multi != o->multi ||
        !is_theirs(c, peer, id, writer))
        return writer ? refuse(why, 404, REASON_NOT_AUTHORISED, "there is no %sDatastream %u",
                               o->multi ? "Multi" : "", id)
                      : refuse(why, 404, REASON_NOT_AUTHORISED,
                               "this device has no %sDatastream %u", o->multi ? "Multi" : "", id);
    if (c->streams[id].class_index < 0) {
        refuse(why, 403, REASON_NOT_AUTHORISED, "the charter holds this data class no more");
        refusal_rule(why, c->start->zone_line, "zone", c->start->zone);
        return ERR_DENIED;
    }
    return OK;
}

bool
ingest_knows_feature(const struct core *c, struct sta_observation *o)
{
    const struct stream *s = &c->streams[o->stream];
    if (o->feature_given || !s->feature || s->feature_of != c->graph.generation)
        return false;
    o->value.feature_id = s->feature;
    return true;
}

enum err
ingest_find_feature(struct core *c, struct sta_observation *o, const struct sta_maker *maker,
                    struct refusal *why)
{
    struct stream *s = &c->streams[o->stream];
    for (int attempt = 0; attempt < 2; attempt++) {
        struct sta_plan plan;
        struct sta_error error = {0};
        enum err e =
            sta_plan_feature(&c->graph, o, maker, &c->call, &o->value.feature_id, &plan, &error);
        if (e == OK && !o->feature_given) {
            s->feature = o->value.feature_id;
            s->feature_of = c->graph.generation;
        }
        if (e == OK)
            return OK;
        if (e != ERR_AGAIN || attempt == 1)
            return from_error(why, &error);
        e = entities_store(c, &plan, why);
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err
find_feature(struct core *c, const struct peer *peer, struct sta_observation *o,
             const struct view_rights *writer, struct refusal *why)
{
    if (ingest_knows_feature(c, o))
        return OK;
    struct view_rights view = {.core = c, .device = peer, .own_observations = true};
    struct sta_rights rights = rights_of(writer ? writer : &view);
    char owner[STA_OWNER_SIZE];
    snprintf(owner, sizeof(owner), "%s%s", writer ? "@" : "", peer->name);
    struct sta_maker maker = {.owner = bytes_text(owner), .now_us = c->now_us, .rights = &rights};
    return ingest_find_feature(c, o, &maker, why);
}

static enum err
admit(struct core *c, uint32_t id, struct observation *o, bool *out_kept, struct refusal *why)
{
    *out_kept = true;
    if (!c->service->admit || c->streams[id].own)
        return OK;
    struct service_stream stream;
    streams_describe(c, id, &stream);
    stream.own_time = o->time_us != c->now_us; /* what it gets when it says none */
    char text[SERVICE_WHY_SIZE] = "";
    enum err e = c->service->admit(c->self, &stream, o, &c->call, text);
    if (e == ERR_EXISTS) {
        *out_kept = false;
        c->count.not_kept++;
        return OK;
    }
    if (e == OK)
        return OK;
    return refuse(why, 403, REASON_NOT_AUTHORISED, "%s",
                  text[0] ? text : "this zone's service does not take it");
}

enum err
ingest_check(struct core *c, uint32_t stream, struct observation *o, bool *out_kept,
             struct refusal *why)
{
    ASSERT(stream < STORE_STREAMS_MAX && c->streams[stream].used);
    if (c->streams[stream].class_index < 0) {
        refuse(why, 403, REASON_NOT_AUTHORISED, "the charter holds this data class no more");
        refusal_rule(why, c->start->zone_line, "zone", c->start->zone);
        return ERR_DENIED;
    }
    enum err e = check_value(c, stream, o, why);
    return e == OK ? admit(c, stream, o, out_kept, why) : e;
}

static enum err
append(struct core *c, uint32_t id, const struct observation *o, bool once, uint64_t *out_n,
       struct refusal *why)
{
    enum err e = c->store_failed ? ERR_IO : store_append(c->store, id, o, once, out_n);
    if (e == ERR_LIMIT && round_commit(c)) /* the batch may just be full */
        e = store_append(c->store, id, o, once, out_n);
    if (e == OK) {
        round_keep(c, id, *out_n, o);
        return OK;
    }
    if (e == ERR_EXISTS) {
        c->count.again++;
        return OK;
    }
    if (e == ERR_LIMIT)
        return refuse(why, 507, REASON_QUOTA, "the store of this zone is full");
    if (e == ERR_EXPIRED)
        return refuse(why, 410, REASON_NOT_AUTHORISED, "this Datastream was erased");
    return refuse(why, 503, REASON_IMPLEMENTATION, "the store failed; nothing was kept");
}

static enum err
decide(struct core *c, struct peer *peer, struct sta_observation *o, const struct place *place,
       const struct view_rights *writer, bool once, struct ingested *out, struct refusal *why)
{
    enum err e = take_place(place, o, why);
    if (e == OK)
        e = find_stream(c, peer, o, writer, why);
    if (e != OK)
        return e;
    uint32_t id = out->stream = o->stream;
    e = check_value(c, id, &o->value, why);
    if (e == OK)
        e = find_feature(c, peer, o, writer, why);
    if (e == OK)
        e = admit(c, id, &o->value, &out->kept, why);
    if (e != OK)
        return e;
    return out->kept ? append(c, id, &o->value, once, &out->n, why) : OK;
}

/* Count it, and write the decision down; over the rate once a second is enough. */
static void
conclude(struct core *c, struct peer *peer, const struct ingested *in, enum err e,
         const struct refusal *why)
{
    if (e == OK) {
        round_decide(c, peer->name, in->stream, in->kept ? in->n : UINT64_MAX, NULL);
        return;
    }
    c->count.refused++;
    if (why->reason == REASON_QUOTA) {
        uint64_t now_ms = clock_mono_ms(&c->clock);
        if (peer->device->quota_leaf_ms && now_ms - peer->device->quota_leaf_ms < 1000)
            return;
        peer->device->quota_leaf_ms = now_ms;
    }
    round_decide(c, peer->name, in->stream, UINT64_MAX, why->why);
}

/* What it belongs to stands inside it: that is a plan, in a commit of its own, with its own leaf.
 */
static enum err
observe_deep(struct core *c, struct peer *peer, const struct place *place, struct bytes json,
             struct ingested *out, struct refusal *why)
{
    struct sta_path path = {.kind = STA_PATH_SET};
    if (place->stream || place->feature) {
        enum sta_type type = place->feature ? STA_FEATURE_OF_INTEREST
                             : place->multi ? STA_MULTI_DATASTREAM
                                            : STA_DATASTREAM;
        path.steps[path.steps_count++] = (struct sta_step){
            .type = type, .has_id = true, .id = place->feature ? place->feature : place->stream};
    }
    path.steps[path.steps_count++] = (struct sta_step){
        .type = STA_OBSERVATION,
        .many = true,
        .relation = (uint8_t)(place->feature ? FEATURE_OBSERVATIONS : DATASTREAM_OBSERVATIONS)};
    enum err e = changes_observe(c, peer, &path, json, out, why);
    if (e != OK) {
        c->count.refused++;
        round_decide(c, peer->name, out->stream, UINT64_MAX, why->why);
    }
    return e;
}

static enum err
ingest_json(struct core *c, struct peer *peer, const struct place *place, struct bytes json,
            bool once, struct ingested *out, struct refusal *why)
{
    struct sta_observation o;
    struct sta_error error = {0};
    *out = (struct ingested){.stream = place->stream};
    round_room(c, json.len);
    c->now_us = clock_wall_us(&c->clock);
    enum err e = ingest_rate(c, peer, why);
    if (e == OK && sta_observation_scan(json, c->now_us, &c->call, &o, &error) != OK)
        e = from_error(why, &error);
    if (e == OK && o.deep)
        return observe_deep(c, peer, place, json, out, why);
    if (e == OK)
        e = decide(c, peer, &o, place, NULL, once, out, why);
    conclude(c, peer, out, e, why);
    return e;
}

/* "v1.1/Datastreams(3)/Observations", which nearly every topic is; 0: another, for the parser. */
static uint32_t
stream_of_plain_topic(struct bytes topic)
{
    static const char head[] = "v1.1/Datastreams(", tail[] = ")/Observations";
    enum { HEAD = sizeof(head) - 1, TAIL = sizeof(tail) - 1 };
    uint64_t id;
    if (topic.len <= HEAD + TAIL || memcmp(topic.p, head, HEAD) != 0 ||
        memcmp(topic.p + topic.len - TAIL, tail, TAIL) != 0 ||
        text_u64(bytes_of(topic.p + HEAD, topic.len - HEAD - TAIL), STORE_STREAMS_MAX - 1, &id) !=
            OK)
        return 0;
    return (uint32_t)id;
}

enum err
ingest_message(struct core *c, struct peer *peer, const struct publish *m, struct refusal *why)
{
    struct sta_path path;
    struct sta_error error = {0};
    struct ingested in = {0};
    struct place place = {0};
    enum err e = OK;
    if (peer->kind != PEER_DEVICE)
        e = refuse(why, 403, REASON_NOT_AUTHORISED, "only devices of this zone publish");
    else if ((place.stream = stream_of_plain_topic(m->topic)) != 0)
        e = OK;
    else if (sta_topic_parse_publish(m->topic, &path, &error) != OK)
        e = refuse(why, 404, REASON_TOPIC_INVALID, "%s", error.text);
    else
        e = place_of(&path, &place, why);
    if (e == OK)
        return ingest_json(c, peer, &place, m->payload, true, &in, why);
    round_room(c, 0);
    c->count.refused++;
    round_decide(c, peer->name, 0, UINT64_MAX, why->why);
    return e;
}

static bool
ends_in_tasks(struct bytes topic)
{
    static const char tail[] = "/Tasks";
    enum { TAIL = sizeof(tail) - 1 };
    return topic.len > TAIL && memcmp(topic.p + topic.len - TAIL, tail, TAIL) == 0;
}

void
ingest_publish(struct core *c, struct peer *peer, const struct publish *m)
{
    struct refusal why = {0};
    enum err e;
    if (c->graph.tasking && ends_in_tasks(m->topic) && tasks_publish(c, peer, m))
        return;
    if (!plain_topic(m->topic)) {
        e = ingest_message(c, peer, m, &why);
    } else {
        struct speaker who = speaker_of(peer);
        struct plain p = {.qos = m->ref != 0, .topic = m->topic, .payload = m->payload};
        if (commands_seen(c, peer, m))
            return;
        e = plain_publish_by(c, peer, &who, &p, &why);
    }
    round_ack(c, m->peer, m->ref, e == OK ? REASON_SUCCESS : why.reason, e == OK ? "" : why.why);
}

void
ingest_post(struct core *c, struct peer *peer, struct request *ask, const struct sta_path *path)
{
    struct refusal why = {0};
    struct ingested in = {0};
    struct place place;
    enum err e = place_of(path, &place, &why);
    if (e == OK)
        e = ingest_json(c, peer, &place, buf_bytes(&ask->body), false, &in, &why);
    if (e != OK) {
        ask_refuse(ask, &why);
        round_ask(c, ask); /* its leaf is in the batch */
        return;
    }
    ask->status = in.kept ? 201 : 202;
    buf_init(&ask->out, 1024);
    if (in.kept)
        sta_self_link(bytes_text(c->base_url), STA_OBSERVATION, sta_observation_id(in.stream, in.n),
                      &ask->location);
    round_ask(c, ask);
}

/* The leaf of the rows that are in the batch, and room for the next ones. */
static void
conclude_rows(struct core *c, const char *by, struct round_rows *tally)
{
    if (tally->kept || tally->not_kept || tally->refused)
        round_decide_rows(c, by, tally);
    *tally = (struct round_rows){0};
}

static void
count_row(struct core *c, struct round_rows *tally, const struct ingested *in, enum err e,
          const struct refusal *why)
{
    if (e != OK) {
        c->count.refused++;
        if (tally->refused++ == 0)
            memcpy(tally->why, why->why, sizeof(tally->why));
    } else if (!in->kept) {
        tally->not_kept++;
    } else if (tally->kept++ == 0) {
        tally->stream = in->stream;
        tally->n = in->n;
    }
}

void
ingest_rows(struct core *c, struct peer *peer, struct request *ask,
            const struct view_rights *writer)
{
    struct round_rows tally = {0};
    char by[STA_OWNER_SIZE];
    snprintf(by, sizeof(by), "%s%s", writer ? "@" : "", peer->name);
    struct sta_rows rows;
    struct sta_error error = {0};
    struct refusal why = {0};
    if (sta_rows_begin(buf_bytes(&ask->body), &rows, &error) != OK) {
        refuse(&why, error.status, REASON_PAYLOAD_INVALID, "%s", error.text);
        ask_refuse_now(c, ask, &why);
        return;
    }
    uint64_t *ids =
        calloc(rows.count + 1, sizeof(*ids)); /* of the object's lifetime: freed below */
    ASSERT(ids);
    size_t count = 0;
    const struct place nowhere = {0};
    struct sta_observation o;
    enum err row;
    arena_reset(&c->call);
    c->now_us = clock_wall_us(&c->clock);
    while (count < rows.count && sta_rows_next(&rows, c->now_us, &c->call, &o, &row, &error)) {
        struct ingested in = {0};
        size_t bytes = row == OK ? o.value.text.len + o.value.extra.len : 0;
        if (!round_row(c, bytes)) { /* what is committed has its leaf with it */
            conclude_rows(c, by, &tally);
            round_commit(c);
            bool room = round_row(c, bytes);
            ASSERT(room); /* one row is less than a batch */
            c->now_us = clock_wall_us(&c->clock);
        }
        enum err e = ingest_rate(c, peer, &why);
        if (e == OK && row != OK)
            e = from_error(&why, &error);
        if (e == OK)
            e = decide(c, peer, &o, &nowhere, writer, false, &in, &why);
        count_row(c, &tally, &in, e, &why);
        ids[count++] = e == OK && in.kept ? sta_observation_id(in.stream, in.n) : 0;
        arena_reset(&c->call);
    }
    conclude_rows(c, by, &tally);
    ask->status = 201;
    ask->content_type = "application/json";
    buf_init(&ask->out, ASK_ANSWER_MAX);
    sta_rows_answer(&ask->out, bytes_text(c->base_url), ids, count);
    free(ids);
    if (buf_error(&ask->out) != OK) {
        refuse(&why, 413, REASON_QUOTA, "The rows are kept, but the list of them is too long.");
        ask_refuse(ask, &why);
    }
    round_ask(c, ask);
}
