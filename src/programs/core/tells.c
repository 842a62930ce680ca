/*
 * tells.c -- what a zone's service says of its own: Datastreams below a device's Thing that the
 * core makes and writes, because no device could.
 *
 * tell() only puts the value aside; a newer one takes its place. The tick stores what is due, so
 * that no service can say more than the budget: each stream at most once in TELL_EVERY_MS (or as
 * seldom as the voice wants), all together TELLS_PER_S. It is stored like any Observation: one
 * batch with a leaf, durable before subscribers hear it, under rights and retention of its class.
 *
 * T1  A stream has the data class of the device's Datastream that it is made from: a service can
 *     neither choose a class nor leave one. The charter's `holds` decides as for devices; nothing
 *     is told of a personal class.
 * T2  Owner of the streams is "~SERVICE", which is no name of a device or caller: nobody writes
 *     there by a certificate, and the journal says who spoke. The Sensor says it to people.
 * T3  No rate of a device or of the zone's gate is used up.
 * T4  A Thing whose device has not observed anything is not spoken of: the feature that the
 *     Observations are of is the device's, and would be the service's otherwise.
 */
#include "programs/core/core.h"

#include "base/text.h"
#include "runtime/log.h"

enum {
    MAKES_A_TICK = 4,       /* each is a commit of its own */
    RETRY_MS = 60 * 1000,   /* after a refusal */
    REFUSALS_LOGGED = 16,   /* of one start: the log is no place for more */
    TELL_BODY_BYTES = 4096, /* of a Datastream that is made */
};

/* One stream that the service speaks on; in the order in which they were first spoken on. */
struct telling {
    uint64_t thing; /* 0: free */
    const struct service_voice *voice;
    uint32_t stream; /* 0: not known */
    bool waits;
    uint64_t not_before_ms;
    int64_t time_us;
    double number;
    struct buf text; /* keeps its memory */
};

struct tells {
    char owner[STA_OWNER_SIZE];
    uint32_t count, max, next; /* next: whose turn it is, so that all get theirs */
    uint32_t refusals;
    struct bucket bucket;
    struct telling row[];
};

void
tells_open(struct core *c)
{
    uint32_t max = c->service->voices_max;
    ASSERT(max <= TELLINGS_MAX);
    if (max == 0)
        return;
    c->tells = calloc(1, sizeof(*c->tells) + max * sizeof(c->tells->row[0]));
    ASSERT(c->tells);
    c->tells->max = max;
    snprintf(c->tells->owner, sizeof(c->tells->owner), "~%s", c->service->name);
    for (uint32_t i = 0; i < max; i++)
        buf_init(&c->tells->row[i].text, TELL_BYTES_MAX);
}

void
tells_close(struct core *c)
{
    for (uint32_t i = 0; c->tells && i < c->tells->max; i++)
        buf_fini(&c->tells->row[i].text);
    free(c->tells);
}

static struct telling *
row_of(struct tells *t, uint64_t thing, const struct service_voice *voice)
{
    struct telling *free_row = NULL;
    for (uint32_t i = 0; i < t->count; i++) {
        struct telling *r = &t->row[i];
        if (r->thing == thing && r->voice == voice)
            return r;
        if (r->thing == 0 && !free_row)
            free_row = r;
    }
    if (!free_row && t->count < t->max)
        free_row = &t->row[t->count++];
    if (free_row) {
        free_row->thing = thing;
        free_row->voice = voice;
        free_row->stream = 0;
        free_row->waits = false;
        free_row->not_before_ms = 0;
    }
    return free_row;
}

enum err
tells_say(void *ctx, uint64_t thing, const struct service_voice *voice, double number,
          struct bytes text)
{
    struct core *c = ctx;
    ASSERT(voice && voice->name && voice->of && voice->kind != RESULT_BOOL);
    ASSERT((voice->kind == RESULT_NUMBER) == (text.len == 0));
    if (!c->tells)
        return ERR_UNSUPPORTED;
    if (!sta_graph_get(&c->graph, STA_THING, thing))
        return ERR_NOT_FOUND;
    struct telling *r = text.len <= TELL_BYTES_MAX ? row_of(c->tells, thing, voice) : NULL;
    if (!r)
        return ERR_LIMIT;
    buf_reset(&r->text);
    buf_put(&r->text, text);
    r->number = number;
    r->time_us = clock_wall_us(&c->clock);
    r->waits = buf_error(&r->text) == OK;
    return r->waits ? OK : ERR_LIMIT;
}

/* ---- the stream --------------------------------------------------------------------------------
 */

static bool
is_named(const struct core *c, uint64_t stream, const char *owner, const char *name)
{
    const struct stream *s = stream < STORE_STREAMS_MAX ? &c->streams[stream] : NULL;
    return s && s->used && !s->multi && strcmp(s->owner, owner) == 0 && strcmp(s->name, name) == 0;
}

/* The Datastream of the Thing that has this name and owner; 0: none. */
static uint32_t
stream_below(const struct core *c, const struct sta_entity *thing, const char *owner,
             const char *name)
{
    const struct sta_ids *ids = &thing->links[THING_DATASTREAMS];
    for (uint32_t i = 0; i < ids->count; i++)
        if (is_named(c, ids->p[i], owner, name))
            return (uint32_t)ids->p[i];
    return 0;
}

/* What the service made before, as {"@iot.id":N}; else the new one. */
static void
put_made(struct core *c, struct buf *b, enum sta_type type, struct bytes name,
         struct bytes otherwise)
{
    int property = sta_property_index(type, bytes_text("name"));
    ASSERT(property >= 0);
    for (uint32_t i = 0; i < c->graph.set[type].count; i++) {
        const struct sta_entity *e = c->graph.set[type].p[i];
        if (strcmp(e->owner, c->tells->owner) == 0 && bytes_equal(e->property[property], name)) {
            buf_format(b, "{\"@iot.id\":%llu}", (unsigned long long)e->id);
            return;
        }
    }
    buf_put(b, otherwise);
}

static void
put_sensor(struct core *c, struct buf *b)
{
    char name[80], sensor[400];
    snprintf(name, sizeof(name), "\"service %s\"", c->service->name);
    snprintf(sensor, sizeof(sensor),
             "{\"name\":%s,\"description\":\"The zone's own service, not a device: what it works "
             "out from what the zone's devices say.\",\"encodingType\":\"text/plain\","
             "\"metadata\":\"bulkhead-core-%s\"}",
             name, c->service->name);
    buf_text(b, ",\"Sensor\":");
    put_made(c, b, STA_SENSOR, bytes_text(name), bytes_text(sensor));
}

static void
put_property(struct core *c, struct buf *b, const struct service_voice *v)
{
    char name[80], property[600];
    snprintf(name, sizeof(name), "\"%s\"", v->name);
    snprintf(property, sizeof(property),
             "{\"name\":%s,\"definition\":\"%s\",\"description\":\"%s\"}", name,
             v->definition ? v->definition : "urn:bulkhead:service", v->description);
    buf_text(b, ",\"ObservedProperty\":");
    put_made(c, b, STA_OBSERVED_PROPERTY, bytes_text(name), bytes_text(property));
}

/* The words of a voice are the program's own and need no escapes. */
static void
put_datastream(struct core *c, struct buf *b, const struct service_voice *v, uint32_t of)
{
    static const char base[] = "http://www.opengis.net/def/observationType/OGC-OM/2.0/";
    const char *type = v->kind == RESULT_NUMBER ? "OM_Measurement"
                       : v->kind == RESULT_TEXT ? "OM_CategoryObservation"
                                                : "OM_Observation";
    const char *unit = v->unit ? v->unit : "";
    buf_format(b, "{\"name\":\"%s\",\"description\":\"%s\",\"observationType\":\"%s%s\"", v->name,
               v->description, base, type);
    buf_format(b,
               ",\"unitOfMeasurement\":{\"name\":\"%s\",\"symbol\":\"%s\",\"definition\":\"\"}"
               ",\"properties\":{\"class\":\"%s\",\"service\":\"%s\",\"of\":%u}",
               unit, unit, c->start->classes[c->streams[of].class_index].name, c->service->name,
               of);
    put_sensor(c, b);
    put_property(c, b, v);
    buf_byte(b, '}');
}

/* Everything of the zone may be linked to, and what is new is "~SERVICE"'s. */
struct teller {
    struct view_rights view;
    struct sta_rights rights;
    struct sta_maker maker;
};

static void
teller_of(struct core *c, struct teller *t)
{
    t->view = (struct view_rights){.core = c, .service = true};
    t->rights = rights_of(&t->view);
    c->now_us = clock_wall_us(&c->clock);
    t->maker = (struct sta_maker){
        .owner = bytes_text(c->tells->owner), .now_us = c->now_us, .rights = &t->rights};
}

static enum err
from_error(struct refusal *why, const struct sta_error *error)
{
    return refuse(why, error->status, REASON_PAYLOAD_INVALID, "%s", error->text);
}

static enum err
make_stream(struct core *c, const struct telling *r, uint32_t of, uint32_t *out,
            struct refusal *why)
{
    struct sta_path path = {.kind = STA_PATH_SET, .steps_count = 2};
    struct teller teller;
    struct sta_plan plan;
    struct sta_error error = {0};
    static struct buf body; /* one thread; keeps its memory */
    if (body.max == 0)
        buf_init(&body, TELL_BODY_BYTES);
    buf_reset(&body);
    put_datastream(c, &body, r->voice, of);
    ASSERT(buf_error(&body) == OK); /* a voice's words are short: a test makes every one */
    path.steps[0] = (struct sta_step){.type = STA_THING, .has_id = true, .id = r->thing};
    path.steps[1] =
        (struct sta_step){.type = STA_DATASTREAM, .many = true, .relation = THING_DATASTREAMS};
    arena_reset(&c->call);
    teller_of(c, &teller);
    enum err e =
        sta_plan_create(&c->graph, &path, buf_bytes(&body), &teller.maker, &c->call, &plan, &error);
    if (e != OK)
        return from_error(why, &error);
    e = entities_check(c, &teller.view, &plan, why);
    if (e == OK)
        e = entities_store(c, &plan, why);
    if (e == OK)
        *out = (uint32_t)plan.id;
    return e;
}

/* T1, T4. ERR_AGAIN: not yet. */
static enum err
find_stream(struct core *c, struct telling *r, uint32_t *makes, struct refusal *why)
{
    const struct sta_entity *thing = sta_graph_get(&c->graph, STA_THING, r->thing);
    if (!thing)
        return ERR_NOT_FOUND;
    if (r->stream == 0 || !is_named(c, r->stream, c->tells->owner, r->voice->name) ||
        c->streams[r->stream].thing != r->thing)
        r->stream = stream_below(c, thing, c->tells->owner, r->voice->name);
    if (r->stream)
        return OK;
    uint32_t of = stream_below(c, thing, thing->owner, r->voice->of);
    if (of == 0 && r->voice->otherwise)
        of = stream_below(c, thing, thing->owner, r->voice->otherwise);
    if (of == 0)
        return refuse(why, 404, REASON_NOT_AUTHORISED,
                      "its Thing has no Datastream %s, whose data class it would take",
                      r->voice->of);
    if (c->streams[of].class_index < 0)
        return refuse(why, 403, REASON_NOT_AUTHORISED,
                      "the charter holds the data class of %s no more", r->voice->of);
    if (c->start->classes[c->streams[of].class_index].personal)
        return refuse(why, 403, REASON_NOT_AUTHORISED,
                      "the data class of %s is personal; a service tells nothing of persons",
                      r->voice->of);
    if (thing->links[THING_FEATURE].count == 0 || *makes == 0)
        return ERR_AGAIN;
    --*makes;
    return make_stream(c, r, of, &r->stream, why);
}

/* ---- the Observation ---------------------------------------------------------------------------
 */

static enum err
find_feature(struct core *c, uint32_t stream, struct observation *o, struct refusal *why)
{
    struct sta_observation given = {.stream = stream, .value = *o};
    if (!ingest_knows_feature(c, &given)) {
        struct teller teller;
        arena_reset(&c->call);
        teller_of(c, &teller);
        enum err e = ingest_find_feature(c, &given, &teller.maker, why);
        if (e != OK)
            return e;
    }
    o->feature_id = given.value.feature_id;
    return OK;
}

static enum err
put(struct core *c, const struct telling *r, struct refusal *why)
{
    struct observation o = {.time_us = r->time_us,
                            .time_end_us = r->time_us,
                            .result_time_us = r->time_us,
                            .kind = r->voice->kind,
                            .number = r->number,
                            .text = buf_bytes(&r->text)};
    uint64_t n;
    bool kept;
    enum err e = find_feature(c, r->stream, &o, why);
    if (e != OK)
        return e;
    round_room(c, o.text.len);
    c->now_us = clock_wall_us(&c->clock);
    e = ingest_check(c, r->stream, &o, &kept, why);
    if (e != OK)
        return e;
    ASSERT(kept); /* a service is not asked about its own */
    e = c->store_failed ? ERR_IO : store_append(c->store, r->stream, &o, false, &n);
    if (e == ERR_LIMIT && round_commit(c))
        e = store_append(c->store, r->stream, &o, false, &n);
    if (e != OK)
        return refuse(why, 507, REASON_QUOTA, "the store takes no more: %s", err_text(e));
    round_keep(c, r->stream, n, &o);
    round_decide(c, c->tells->owner, r->stream, n, NULL);
    return OK;
}

static void
say_refused(struct core *c, const struct telling *r, const struct refusal *why)
{
    c->count.not_told++;
    if (c->tells->refusals++ < REFUSALS_LOGGED)
        log_event("not_told", "thing=%llu stream=%s why=\"%s\"%s", (unsigned long long)r->thing,
                  r->voice->name, why->why,
                  c->tells->refusals == REFUSALS_LOGGED ? " more=silent" : "");
}

static void
tell_one(struct core *c, struct telling *r, uint64_t now_ms, uint32_t *makes)
{
    struct refusal why = {0};
    uint32_t every = r->voice->every_ms > TELL_EVERY_MS ? r->voice->every_ms : TELL_EVERY_MS;
    enum err e = find_stream(c, r, makes, &why);
    if (e == OK)
        e = put(c, r, &why);
    if (e == ERR_AGAIN) { /* it waits */
        r->not_before_ms = now_ms + TELL_EVERY_MS;
        return;
    }
    r->waits = false;
    r->not_before_ms = now_ms + (e == OK ? every : RETRY_MS);
    if (e == ERR_NOT_FOUND)
        r->thing = 0; /* its Thing was deleted */
    else if (e != OK)
        say_refused(c, r, &why);
}

void
tells_tick(struct core *c)
{
    struct tells *t = c->tells;
    uint64_t now_ms = clock_mono_ms(&c->clock);
    uint32_t makes = MAKES_A_TICK;
    if (!t || c->store_failed || record_outbox_full(c))
        return;
    for (uint32_t i = 0; i < t->count; i++) {
        struct telling *r = &t->row[(t->next + i) % t->count];
        if (!r->waits || now_ms < r->not_before_ms || (makes == 0 && r->stream == 0))
            continue;
        if (!bucket_take(&t->bucket, TELLS_PER_S, now_ms)) {
            t->next = (t->next + i) % t->count; /* it is the first of the next tick */
            return;
        }
        tell_one(c, r, now_ms, &makes);
    }
}

bool
tells_own(const char *owner)
{
    return owner[0] == '~';
}
