/* tells_test.c -- T1 to T4 of tells.c: what a service says of its own, and who may hear it. */
#include "programs/core/core_test.h"

enum { MANY = 600, STREAM_TOLD = 2 }; /* the device's Datastream is 1 */

static const struct service_voice queue = {
    .name = "queue", .description = "who waits", .of = "bikes", .kind = RESULT_JSON};
static const struct service_voice why = {
    .name = "why", .description = "why this", .of = "bikes", .kind = RESULT_TEXT};
static const struct service_voice slow = {.name = "slow",
                                          .description = "a number",
                                          .of = "bikes",
                                          .kind = RESULT_NUMBER,
                                          .unit = "veh",
                                          .every_ms = 10000};
static const struct service_voice second = {.name = "second",
                                            .description = "of another",
                                            .of = "absent",
                                            .otherwise = "bikes",
                                            .kind = RESULT_TEXT};
static const struct service_voice orphan = {
    .name = "orphan", .description = "of nothing", .of = "absent", .kind = RESULT_TEXT};

struct speaker_self {
    struct service_ports ports;
    uint64_t heard, entities, echo; /* echo: say so to this Thing when something is stored */
};

static enum err
speaker_start(void *self, const struct start *start, const struct service_ports *ports,
              struct bytes saved)
{
    (void)start, (void)saved;
    ((struct speaker_self *)self)->ports = *ports;
    return OK;
}

static void
speaker_entity(void *self, const char *type, uint64_t id, uint64_t thing, struct bytes device,
               struct bytes json)
{
    (void)type, (void)id, (void)thing, (void)json;
    CHECK(device.p[0] != '~'); /* it is not told of what is its own */
    ((struct speaker_self *)self)->entities++;
}

static enum err
speaker_admit(void *self, const struct service_stream *stream, struct observation *o,
              struct arena *arena, char *text)
{
    (void)self, (void)o, (void)arena, (void)text;
    CHECK(stream->device.p[0] != '~');
    return OK;
}

static void
speaker_stored(void *self, const struct service_stream *stream, const struct observation *o)
{
    struct speaker_self *s = self;
    CHECK(stream->device.p[0] != '~');
    s->heard++;
    if (s->echo)
        CHECK_OK(s->ports.tell(s->ports.ctx, s->echo, &slow, o->number, (struct bytes){0}));
}

static const struct service speaker_service = {
    .name = "speaker",
    .size = sizeof(struct speaker_self),
    .voices_max = MANY,
    .start = speaker_start,
    .entity = speaker_entity,
    .admit = speaker_admit,
    .stored = speaker_stored,
};

static enum err
tell(struct test_city *t, uint64_t thing, const struct service_voice *voice, const char *text)
{
    struct speaker_self *s = t->core->self;
    return s->ports.tell(s->ports.ctx, thing, voice, 0, bytes_text(text));
}

static void
tick(struct test_city *t, uint64_t ms)
{
    city_pass(t, ms);
    core_tick(t->core);
    city_run(t);
}

static uint64_t
kept(struct test_city *t, uint32_t stream)
{
    struct store_span span;
    CHECK_OK(store_span(t->store, stream, &span));
    return span.count;
}

/* Thing 1 of dock-a with Datastream 1, of which it has said something. */
static struct test_city *
speaking(void)
{
    struct test_city *t = city_new(&speaker_service);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    city_forget(t);
    return t;
}

TEST(what_a_service_says_is_an_observation_with_its_maker_and_class)
{
    struct test_city *t = speaking();
    struct speaker_self *s = t->core->self;
    char token[TOKEN_TEXT_SIZE];
    uint64_t leaves, before;
    uint8_t root[32];
    store_head(t->store, &before, root);
    CHECK_OK(tell(t, 1, &queue, "{\"a_0\":3}"));
    CHECK(t->core->graph.set[STA_DATASTREAM].count == 1); /* nothing happens inside tell() */
    tick(t, 100);
    CHECK(kept(t, STREAM_TOLD) == 1 && t->core->count.told == 1 && t->core->count.stored == 1);
    store_head(t->store, &leaves, root);
    CHECK(leaves == before + 1);
    CHECK(s->heard == 1 && s->entities == 2); /* of the device's alone */
    city_token(t, "operator", "operate", token);
    struct test_output *o =
        city_answer(t, 4, "GET", "/v1.1/Datastreams(2)?$expand=Sensor,Observations", token, "");
    CHECK(o->reason == 200 && has(&o->body, "\"name\":\"queue\""));
    CHECK(has(&o->body, "\"class\":\"bike-count\",\"service\":\"speaker\",\"of\":1"));
    CHECK(has(&o->body, "\"name\":\"service speaker\"") && has(&o->body, "not a device"));
    CHECK(has(&o->body, "\"result\":{\"a_0\":3}"));
    CHECK(city_recorded(t, "\"classes\":[\"bike-count\"]"));
    city_free(t);
}

TEST(sensor_and_property_are_made_once_and_found_after_a_restart)
{
    struct test_city *t = speaking();
    CHECK(city_thing(t, 1, "dock 2", "bike-count") == 2);
    CHECK(city_published(t, 1, "v1.1/Datastreams(2)/Observations", "{\"result\":5}") == 0);
    CHECK_OK(tell(t, 1, &queue, "{}"));
    CHECK_OK(tell(t, 2, &queue, "{}"));
    CHECK_OK(tell(t, 2, &why, "because"));
    tick(t, 100);
    CHECK(t->core->count.told == 3 && t->core->graph.set[STA_DATASTREAM].count == 5);
    CHECK(t->core->graph.set[STA_SENSOR].count == 3); /* one of each Thing, one of the service */
    CHECK(t->core->graph.set[STA_OBSERVED_PROPERTY].count == 4);
    city_restart(t);
    CHECK(((struct speaker_self *)t->core->self)->entities == 4);
    CHECK_OK(tell(t, 2, &why, "still"));
    tick(t, 100);
    CHECK(t->core->count.told == 1 && t->core->graph.set[STA_DATASTREAM].count == 5);
    CHECK(kept(t, 5) == 2);
    city_free(t);
}

TEST(the_newest_takes_the_place_of_what_was_not_stored_yet)
{
    struct test_city *t = speaking();
    struct observation o;
    CHECK_OK(tell(t, 1, &why, "one"));
    tick(t, 100);
    CHECK_OK(tell(t, 1, &why, "two"));
    tick(t, 100);
    CHECK_OK(tell(t, 1, &why, "three"));
    tick(t, 100);
    CHECK(kept(t, STREAM_TOLD) == 1); /* not more often than each second */
    tick(t, TELL_EVERY_MS - 200);
    CHECK(kept(t, STREAM_TOLD) == 2);
    CHECK_OK(store_get(t->store, STREAM_TOLD, 1, &o));
    CHECK(bytes_are(o.text, "three"));
    tick(t, 5000);
    CHECK(kept(t, STREAM_TOLD) == 2); /* it said nothing more */
    city_free(t);
}

TEST(a_voice_may_want_to_be_heard_less_often)
{
    struct test_city *t = speaking();
    struct speaker_self *s = t->core->self;
    s->echo = 1; /* said inside stored(), while a commit is under way */
    for (int i = 0; i < 25; i++) {
        CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":7}") == 0);
        tick(t, 1000);
    }
    CHECK(kept(t, STREAM_TOLD) == 3); /* at 0, 10 and 20 s */
    struct observation o;
    CHECK_OK(store_get(t->store, STREAM_TOLD, 2, &o));
    CHECK(o.kind == RESULT_NUMBER && o.number == 7);
    city_free(t);
}

TEST(all_voices_together_have_a_budget_and_each_its_turn)
{
    static struct service_voice many[MANY];
    static char names[MANY][16];
    struct test_city *t = speaking();
    t->start.messages_per_s = 4; /* T3: 2 a second of one device */
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "v%d", i);
        many[i] = why;
        many[i].name = names[i];
        CHECK_OK(tell(t, 1, &many[i], "first"));
    }
    CHECK(tell(t, 1, &queue, "{}") == ERR_LIMIT); /* voices_max */
    for (int i = 0; i < MANY / 4 + 10; i++)
        tick(t, 1000); /* four are made a tick */
    CHECK(t->core->count.told == MANY && t->core->graph.set[STA_DATASTREAM].count == MANY + 1);
    for (int i = 0; i < MANY; i++)
        CHECK_OK(tell(t, 1, &many[i], "second"));
    tick(t, 100);
    CHECK(t->core->count.told == MANY + BURST_SECONDS * TELLS_PER_S);
    CHECK_OK(tell(t, 1, &many[0], "third")); /* it had its turn: the others come first */
    tick(t, 500);
    CHECK(t->core->count.told == MANY + BURST_SECONDS * TELLS_PER_S + TELLS_PER_S / 2);
    tick(t, 499);
    tick(t, 1000);
    CHECK(t->core->count.told == 2 * MANY + 1);
    for (uint32_t i = 0; i < MANY; i++)
        CHECK(kept(t, STREAM_TOLD + i) >= 2);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    city_free(t);
}

TEST(without_a_class_of_the_charter_nothing_is_told)
{
    struct test_city *t = speaking();
    CHECK(city_thing(t, 2, "dock 2", "vehicle-position") == 2);
    CHECK(city_published(t, 2, "v1.1/Datastreams(2)/Observations", "{\"result\":5}") == 0);
    CHECK_OK(tell(t, 2, &why, "personal"));
    CHECK_OK(tell(t, 1, &orphan, "of nothing"));
    tick(t, 100);
    CHECK(t->core->count.told == 0 && t->core->count.not_told == 2);
    CHECK(t->core->graph.set[STA_DATASTREAM].count == 2);
    CHECK_OK(tell(t, 1, &orphan, "again"));
    tick(t, 1000);
    CHECK(t->core->count.not_told == 2); /* tried again after a minute */
    tick(t, 60000);
    CHECK(t->core->count.not_told == 3);
    CHECK_OK(tell(t, 1, &second, "the other's class"));
    tick(t, 100);
    CHECK(t->core->count.told == 1 && t->core->graph.set[STA_DATASTREAM].count == 3);
    CHECK(tell(t, 99, &why, "nowhere") == ERR_NOT_FOUND);
    city_free(t);
}

TEST(a_class_that_the_charter_takes_away_ends_the_telling)
{
    struct test_city *t = speaking();
    CHECK_OK(tell(t, 1, &why, "one"));
    tick(t, 100);
    t->core->streams[STREAM_TOLD].class_index = -1; /* as after a start under another charter */
    CHECK_OK(tell(t, 1, &why, "two"));
    tick(t, 2000);
    CHECK(kept(t, STREAM_TOLD) == 1 && t->core->count.not_told == 1);
    city_free(t);
}

TEST(a_thing_that_has_observed_nothing_is_not_spoken_of_yet)
{
    struct test_city *t = city_new(&speaker_service);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK_OK(tell(t, 1, &why, "early"));
    tick(t, 100);
    CHECK(t->core->count.told == 0 && t->core->count.not_told == 0);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    tick(t, 1000);
    CHECK(t->core->count.told == 1);
    /* The feature is the device's: it goes on. */
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":6}") == 0);
    CHECK(t->core->graph.set[STA_FEATURE_OF_INTEREST].count == 1);
    CHECK(strcmp(t->core->graph.set[STA_FEATURE_OF_INTEREST].p[0]->owner, "dock-a") == 0);
    city_free(t);
}

static uint64_t
feature_of(struct test_city *t, uint32_t stream, uint64_t n)
{
    struct observation o;
    CHECK_OK(store_get(t->store, stream, n, &o));
    return o.feature_id;
}

/* The feature that a stream remembers is that of where its Thing is now. */
TEST(a_thing_that_moved_has_another_feature)
{
    struct test_city *t = speaking();
    CHECK_OK(tell(t, 1, &why, "here"));
    tick(t, 100);
    CHECK(feature_of(t, 1, 0) == 1 && feature_of(t, STREAM_TOLD, 0) == 1);
    CHECK(city_answer(t, 1, "POST", "/v1.1/Things(1)/Locations", "",
                      "{\"name\":\"new\",\"description\":\"d\","
                      "\"encodingType\":\"application/geo+json\",\"location\":"
                      "{\"type\":\"Point\",\"coordinates\":[8,53]}}")
              ->reason == 201);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":6}") == 0);
    CHECK_OK(tell(t, 1, &why, "there"));
    tick(t, 2000);
    CHECK(t->core->count.told == 2);
    CHECK(feature_of(t, 1, 1) == 2 && feature_of(t, STREAM_TOLD, 1) == 2);
    city_free(t);
}

/* T2: neither the device whose Thing it is, nor another, nor who has another purpose. */
TEST(nobody_else_writes_there_and_outsiders_see_nothing)
{
    struct test_city *t = speaking();
    char operate[TOKEN_TEXT_SIZE], research[TOKEN_TEXT_SIZE];
    const char *set = "/v1.1/Datastreams(2)";
    const char *to = "v1.1/Datastreams(2)/Observations";
    CHECK_OK(tell(t, 1, &why, "secret"));
    tick(t, 100);
    for (uint64_t peer = 1; peer <= 2; peer++) {
        CHECK(city_published(t, peer, to, "{\"result\":\"forged\"}") == REASON_NOT_AUTHORISED);
        CHECK(city_answer(t, peer, "GET", set, "", "")->reason == 404);
        CHECK(city_answer(t, peer, "PATCH", set, "", "{\"name\":\"x\"}")->reason == 404);
        CHECK(city_answer(t, peer, "DELETE", set, "", "")->reason == 404);
    }
    CHECK(city_answer(t, 1, "DELETE", "/v1.1/Things(1)", "", "")->reason == 403);
    add_class(&t->start, "study", "research", false, 33); /* another class than the stream's */
    city_token(t, "auditor", "research", research);
    CHECK(city_answer(t, 3, "GET", set, research, "")->reason == 404);
    struct test_output *o = city_answer(t, 3, "GET", "/v1.1/Observations", research, "");
    CHECK(o->reason == 200 && !has(&o->body, "secret"));
    CHECK(city_answer(t, 5, "GET", set, "", "")->reason == 401);
    city_token(t, "operator", "operate", operate);
    CHECK(has(&city_answer(t, 4, "GET", "/v1.1/Observations", operate, "")->body, "secret"));
    CHECK(city_answer(t, 4, "PATCH", set, operate, "{\"name\":\"x\"}")->reason == 403);
    CHECK(kept(t, STREAM_TOLD) == 1);
    city_free(t);
}

TEST(who_subscribed_hears_it_after_the_commit)
{
    struct test_city *t = speaking();
    char token[TOKEN_TEXT_SIZE];
    city_token(t, "operator", "operate", token);
    struct session_open open = {.version = 5, .password = bytes_text(token)};
    CHECK_OK(tell(t, 1, &why, "one"));
    tick(t, 100);
    city_session(t, 4, "ears", &open);
    city_run(t);
    city_subscribe(t, 4, "v1.1/Datastreams(2)/Observations");
    city_run(t);
    CHECK_OK(tell(t, 1, &why, "two"));
    tick(t, 1000);
    bool heard = false;
    for (size_t i = 0; i < t->outputs_count; i++)
        heard = heard || (t->outputs[i].id == session_deliver_id && t->outputs[i].peer == 4 &&
                          has(&t->outputs[i].body, "\"result\":\"two\""));
    CHECK(heard);
    city_free(t);
}

TEST(nothing_is_told_while_no_anchor_is_taken_or_the_disk_fails)
{
    struct test_city *t = speaking();
    CHECK_OK(tell(t, 1, &why, "one"));
    tick(t, 100);
    t->core->outbox_max = 0; /* the ledger takes no anchors, and the outbox is full */
    CHECK(record_outbox_full(t->core));
    CHECK_OK(tell(t, 1, &why, "two"));
    tick(t, 5000);
    CHECK(kept(t, STREAM_TOLD) == 1);
    t->core->outbox_max = OUTBOX_DECISIONS_MAX;
    tick(t, 100);
    CHECK(kept(t, STREAM_TOLD) == 2); /* it waited */
    t->disk_fails = true;
    CHECK_OK(tell(t, 1, &why, "three"));
    tick(t, 1000);
    CHECK(t->core->store_failed && t->core->count.told == 2);
    CHECK_OK(tell(t, 1, &why, "four"));
    tick(t, 1000);
    CHECK(t->core->count.told == 2);
    city_free(t);
}

TEST(a_thing_that_goes_takes_its_voice_with_it)
{
    struct test_city *t = speaking();
    CHECK_OK(tell(t, 1, &why, "one"));
    tick(t, 100);
    struct sta_entity *told = sta_graph_get(&t->core->graph, STA_DATASTREAM, STREAM_TOLD);
    CHECK(told && strcmp(told->owner, "~speaker") == 0);
    memcpy(told->owner, "dock-a", 7); /* so that the device may delete it all */
    streams_learn(t->core, told);
    CHECK(city_answer(t, 1, "DELETE", "/v1.1/Things(1)", "", "")->reason == 200);
    CHECK(tell(t, 1, &why, "two") == ERR_NOT_FOUND);
    tick(t, 1000);
    CHECK(t->core->count.told == 1);
    city_free(t);
}

/* A service that says nothing of its own has no port to say it by. */
TEST(a_service_without_voices_tells_nothing)
{
    static struct service mute;
    mute = speaker_service;
    mute.voices_max = 0;
    struct test_city *t = city_new(&mute);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK(tell(t, 1, &why, "one") == ERR_UNSUPPORTED);
    tick(t, 1000);
    CHECK(!t->core->tells && t->core->count.told == 0);
    city_free(t);
}
