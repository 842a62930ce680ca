/* commands_test.c -- wishes, leases, subscriptions, counts, and peers that come and go. */
#include "programs/core/core_test.h"

struct wisher {
    struct service_ports ports;
    uint64_t granted, refused, counted;
    char reason[64];
};

static enum err
wisher_start(void *self, const struct start *start, const struct service_ports *ports,
             struct bytes saved)
{
    (void)start, (void)saved;
    ((struct wisher *)self)->ports = *ports;
    return OK;
}

static void
wisher_verdict(void *self, uint64_t ref, struct bytes device, bool granted, struct bytes reason)
{
    struct wisher *w = self;
    CHECK(ref == 77 && bytes_are(device, "dock-a"));
    w->granted += granted;
    w->refused += !granted;
    CHECK_OK(bytes_copy_text(reason, w->reason, sizeof(w->reason)));
}

static void
wisher_counted(void *self, const char *conduit, const struct zone_count *count)
{
    (void)conduit;
    ((struct wisher *)self)->counted += count->count;
}

static const struct service wisher_service = {
    .name = "wisher",
    .size = sizeof(struct wisher),
    .start = wisher_start,
    .verdict = wisher_verdict,
    .counted = wisher_counted,
};

static void
grant(struct test_city *t, uint64_t ref, const char *note)
{
    struct lease_granted m = {ref, bytes_text("dock-a"), bytes_text("release"), bytes_text(note)};
    CHECK_OK(CHANNEL_SEND(&t->warden, lease_granted, &m));
    city_run(t);
}

static const struct test_output *
delivered(const struct test_city *t, uint64_t peer)
{
    for (size_t i = 0; i < t->outputs_count; i++)
        if (t->outputs[i].id == session_deliver_id && t->outputs[i].peer == peer)
            return &t->outputs[i];
    return NULL;
}

TEST(a_wish_becomes_a_lease_for_its_device_only)
{
    struct test_city *t = city_new(&wisher_service);
    struct wisher *w = t->core->self;
    uint32_t mine = city_subscribe(t, 1, "leases/dock-a");
    uint32_t theirs = city_subscribe(t, 2, "leases/dock-a");
    city_run(t);
    CHECK(city_output(t, subscribed_id, 1, mine)->reason == 1);
    CHECK(city_output(t, subscribed_id, 2, theirs)->reason == REASON_NOT_AUTHORISED);
    struct bytes device = bytes_text("dock-a"), phase = bytes_text("phase 3\n");
    CHECK(w->ports.wish(w->ports.ctx, device, "explode", phase, 77) == ERR_UNSUPPORTED);
    CHECK_OK(w->ports.wish(w->ports.ctx, device, "release", phase, 77));
    city_run(t);
    CHECK(strcmp(t->wish_text, "dock-a|release|phase 3\n|controller") == 0);
    grant(t, t->wish_ref, "the note");
    CHECK(w->granted == 1 && t->core->count.leases == 1);
    const struct test_output *d = delivered(t, 1);
    CHECK(d && d->reason == 1 && strcmp(d->text, "leases/dock-a") == 0 &&
          has(&d->body, "the note"));
    CHECK(!delivered(t, 2));
    grant(t, t->wish_ref, "again"); /* no verdict twice */
    CHECK(w->granted == 1);
    city_free(t);
}

TEST(a_refused_or_unanswered_wish_is_a_verdict_too)
{
    struct test_city *t = city_new(&wisher_service);
    struct wisher *w = t->core->self;
    struct bytes device = bytes_text("dock-a"), phase = bytes_text("phase 3\n");
    CHECK_OK(w->ports.wish(w->ports.ctx, device, "release", phase, 77));
    city_run(t);
    struct lease_refused m = {t->wish_ref, device, bytes_text("release"),
                              bytes_text("charter line 50: command release"),
                              bytes_text("too soon")};
    CHECK_OK(CHANNEL_SEND(&t->warden, lease_refused, &m));
    city_run(t);
    CHECK(w->refused == 1 && strcmp(w->reason, "too soon") == 0);
    CHECK(t->core->count.leases_refused == 1);
    CHECK_OK(w->ports.wish(w->ports.ctx, device, "release", phase, 77));
    city_pass(t, ASK_WAIT_MS);
    core_tick(t->core);
    CHECK(w->refused == 2 && strstr(w->reason, "did not answer"));
    city_free(t);
}

TEST(a_person_asks_for_a_command_and_gets_the_lease_or_the_rule)
{
    struct test_city *t = city_new(&wisher_service);
    char token[TOKEN_TEXT_SIZE], other[TOKEN_TEXT_SIZE];
    city_token(t, "operator", "operate", token);
    city_token(t, "auditor", "compliance", other);
    const char *target = "/v1.1/Commands";
    const char *body = "{\"device\":\"dock-a\",\"command\":\"release\",\"parameters\":"
                       "{\"phase\":3,\"hold-s\":5}}";
    uint32_t ref = city_ask(t, 4, "POST", target, token, body);
    city_run(t);
    CHECK(!city_output(t, answer_id, 4, ref));
    CHECK(strcmp(t->wish_text, "dock-a|release|hold-s 5\nphase 3\n|operator") == 0);
    grant(t, t->wish_ref, "line\n");
    struct test_output *o = city_output(t, answer_id, 4, ref);
    CHECK(o->reason == 201 && has(&o->body, "{\"lease\":\"line\\u000a\"}"));
    ref = city_ask(t, 4, "POST", target, token, body);
    city_run(t);
    struct lease_refused m = {t->wish_ref, bytes_text("dock-a"), bytes_text("release"),
                              bytes_text("charter line 50: command release"),
                              bytes_text("too soon")};
    CHECK_OK(CHANNEL_SEND(&t->warden, lease_refused, &m));
    city_run(t);
    o = city_output(t, answer_id, 4, ref);
    CHECK(o->reason == 403 && has(&o->body, "\"rule\":\"charter line 50: command release\""));
    t->wish_ref = 0;
    CHECK(city_answer(t, 3, "POST", target, other, body)->reason == 403); /* the purpose */
    CHECK(city_recorded(t, "\"event\":\"command-refused\""));
    CHECK(city_answer(t, 4, "POST", target, "", body)->reason == 401);
    CHECK(city_answer(t, 1, "POST", target, "", body)->reason == 401);
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"device\":\"dock-a\"}",
        "{\"device\":\"Dock A\",\"command\":\"release\"}",
        "{\"device\":\"dock-a\",\"command\":\"release\",\"parameters\":{\"phase\":1.5}}",
        "{\"device\":\"dock-a\",\"command\":\"release\",\"zone\":\"signals\"}",
        "{\"device\":\"dock-a\",\"command\":\"release\",\"approvals\":[\"x\\ny\"]}"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(city_answer(t, 4, "POST", target, token, bad[i])->reason == 400);
    CHECK(
        city_answer(t, 4, "POST", target, token, "{\"device\":\"dock-a\",\"command\":\"explode\"}")
            ->reason == 403);
    CHECK(t->wish_ref == 0); /* none of them came to the warden */
    city_free(t);
}

TEST(a_device_hears_its_own_datastreams_only)
{
    struct test_city *t = city_new(&wisher_service);
    CHECK(city_thing(t, 1, "mine", "bike-count") == 1);
    CHECK(city_thing(t, 2, "theirs", "bike-count") == 2);
    static const struct {
        uint64_t peer;
        const char *filter;
        int reason;
    } rows[] = {
        {1, "v1.1/Datastreams(1)/Observations?$select=result", 1},
        {2, "v1.1/Datastreams(1)/Observations", REASON_NOT_AUTHORISED},
        {1, "v1.1/Datastreams(99)/Observations", REASON_NOT_AUTHORISED},
        {1, "v1.1/Things(2)/Datastreams(2)/Observations", REASON_NOT_AUTHORISED},
        {1, "v1.1/Things(2)", REASON_NOT_AUTHORISED}, /* hidden, as if it were missing */
        {1, "v1.1/Things(3)", REASON_NOT_AUTHORISED},
        {2, "v1.1/Observations", 1}, /* of its own */
        {1, "v1.1/+", REASON_TOPIC_INVALID},
        {3, "v1.1/Datastreams(1)/Observations", REASON_NOT_AUTHORISED},
        {5, "leases/", REASON_NOT_AUTHORISED},
        {1, "leases/+", REASON_NOT_AUTHORISED},
        {1, "#", REASON_NOT_AUTHORISED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint32_t ref = city_subscribe(t, rows[i].peer, rows[i].filter);
        city_run(t);
        CHECK(city_output(t, subscribed_id, rows[i].peer, ref)->reason == rows[i].reason);
    }
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    const struct test_output *d = delivered(t, 1);
    CHECK(d && has(&d->body, "\"result\":5") && !has(&d->body, "phenomenonTime"));
    CHECK(!delivered(t, 2) && !delivered(t, 3));
    struct peer_close gone = {1};
    CHECK_OK(CHANNEL_SEND(&t->gate, peer_close, &gone));
    city_run(t);
    CHECK(t->core->streams[1].hears == 0);
    city_free(t);
}

TEST(counts_leave_through_the_conduit_of_the_charter)
{
    struct test_city *t = city_new(&wisher_service);
    struct wisher *w = t->core->self;
    struct zone_count count = {bytes_text("old-town"), 12, 1790000000, 60};
    CHECK_OK(w->ports.count(w->ports.ctx, &count));
    city_run(t);
    CHECK(t->counts == 12);
    CHECK_OK(CHANNEL_SEND(&t->conduit, zone_count, &count)); /* against its direction */
    city_run(t);
    CHECK(w->counted == 0 && !t->core->conduits[0].link.up);
    city_free(t);
}

TEST(a_peer_that_goes_takes_everything_with_it)
{
    struct test_city *t = city_new(&wisher_service);
    char token[TOKEN_TEXT_SIZE];
    city_token(t, "auditor", "compliance", token);
    t->ledger_mode = LEDGER_SILENT;
    for (int i = 0; i < PEER_ASKS_MAX; i++)
        city_ask(t, 3, "GET", "/v1.1/Things", token, "");
    uint32_t over = city_ask(t, 3, "GET", "/v1.1/Things", token, "");
    city_run(t);
    CHECK(city_output(t, answer_id, 3, over)->reason == 429);
    struct peer_close gone = {3};
    CHECK_OK(CHANNEL_SEND(&t->gate, peer_close, &gone));
    city_run(t);
    CHECK(t->core->ask_bytes == 0 && t->core->peers.count == 4);
    for (size_t i = 0; i < ASKS_MAX; i++)
        CHECK(t->core->asks[i].state == ASK_FREE);
    for (size_t i = 0; i < t->records_count; i++) {
        struct recorded late = {t->records_ref[i], 0};
        CHECK_OK(CHANNEL_SEND(&t->ledger, recorded, &late));
    }
    city_publish(t, 3, "v1.1/Observations", "{}"); /* of a peer that is gone: ignored */
    city_run(t);
    CHECK(t->outputs_count == 1);
    city_people(t); /* a new gate: numbers begin again */
    CHECK(t->core->peers.count == 5 && t->core->gate.up);
    city_free(t);
}

TEST(a_gate_that_talks_nonsense_is_dropped)
{
    struct test_city *t = city_new(&wisher_service);
    CHECK_OK(channel_send(&t->gate, 0x0777, bytes_text("?")));
    city_run(t);
    CHECK(!t->core->gate.up);
    city_free(t);
}

TEST(a_device_tells_the_warden_which_number_it_took)
{
    struct test_city *t = city_new(&wisher_service);
    CHECK(city_published(t, 1, "leases/dock-a/seen", "17") == 0 && t->seen == 17);
    CHECK(city_published(t, 1, "leases/dock-a/seen", "18") == REASON_QUOTA && t->seen == 17);
    city_pass(t, SEEN_MS);
    CHECK(city_published(t, 1, "leases/dock-a/seen", "18") == 0 && t->seen == 18);
    city_pass(t, SEEN_MS);
    CHECK(city_published(t, 2, "leases/dock-a/seen", "99") != 0);   /* another's name */
    CHECK(city_published(t, 4, "leases/operator/seen", "99") != 0); /* no device */
    CHECK(city_published(t, 1, "leases/dock-a/seen", "-1") == REASON_PAYLOAD_INVALID);
    CHECK(city_published(t, 1, "leases/dock-a/seen", "") == REASON_PAYLOAD_INVALID);
    CHECK(t->seen == 18);
    uint64_t leaves;
    uint8_t root[32];
    store_head(t->store, &leaves, root);
    CHECK(leaves == 7); /* each is a decision */
    city_free(t);
}
