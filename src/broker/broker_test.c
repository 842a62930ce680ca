/* broker_test.c -- the promises of broker.h, B1 to B7, one by one. */
#include "broker/broker_test.h"

static const struct bench_heard *
last(const struct bench *t)
{
    CHECK(t->heard_count > 0);
    return &t->heard[t->heard_count - 1];
}

TEST(a_clean_session_costs_nothing_in_the_store)
{
    struct bench *t = bench_new();
    uint32_t a = bench_open(t, 1, "a", 0, NULL), b = bench_open(t, 2, "b", 0, NULL);
    bench_subscribe(t, b, "x/+", 1, 0);
    CHECK_OK(bench_publish(t, a, "x/1", "hello", 1, false));
    CHECK(t->heard_count == 0); /* B1 */
    bench_commit(t);
    CHECK(t->heard_count == 1 && last(t)->flags == 1 && last(t)->packet_id == 1);
    CHECK(strcmp(last(t)->payload, "hello") == 0);
    CHECK_OK(broker_ack(&t->broker, b, 4, 1, 0));
    CHECK(broker_ack(&t->broker, b, 4, 1, 0) == ERR_WRONG_STATE);
    broker_close(&t->broker, b, false, UINT64_MAX, t->now_us);
    CHECK_OK(bench_publish(t, a, "x/1", "again", 1, false));
    bench_commit(t);
    CHECK(t->written == 0 && t->heard_count == 1 && t->broker.subscriptions_count == 0);
    bench_free(t);
}

TEST(a_kept_session_finds_its_messages_in_order)
{
    struct bench *t = bench_new();
    bool present = true;
    uint32_t b = bench_open(t, 2, "b", 100, &present);
    CHECK(!present);
    bench_subscribe(t, b, "x/#", 1, 7);
    bench_commit(t);
    broker_close(&t->broker, b, true, UINT64_MAX, t->now_us);
    CHECK_OK(bench_publish(t, 0, "x/1", "one", 2, false)); /* its subscription says 1 */
    CHECK_OK(bench_publish(t, 0, "x/2", "two", 1, false));
    CHECK_OK(bench_publish(t, 0, "x/3", "zero", 0, false)); /* not for who is away */
    bench_commit(t);
    CHECK(bench_records(t, kept_entry_id) == 2 && bench_records(t, kept_message_id) == 0);
    bench_crash(t);
    b = bench_open(t, 3, "b", 100, &present);
    CHECK(present);
    bench_commit(t);
    CHECK(t->heard_count == 2 && strcmp(t->heard[0].payload, "one") == 0 &&
          strcmp(t->heard[1].payload, "two") == 0);
    CHECK(t->heard[0].packet_id == 1 && t->heard[1].packet_id == 2 && t->heard[0].ids[0] == 7);
    CHECK((t->heard[0].flags & 3) == 1);
    CHECK_OK(broker_ack(&t->broker, b, 4, 1, 0));
    CHECK_OK(broker_ack(&t->broker, b, 4, 2, 0));
    broker_tidy(&t->broker);
    bench_commit(t);
    CHECK(bench_records(t, kept_entry_id) == 0);
    bench_free(t);
}

TEST(what_was_not_acknowledged_is_sent_again_with_dup)
{
    struct bench *t = bench_new();
    uint32_t b = bench_open(t, 2, "b", 100, NULL);
    bench_subscribe(t, b, "x", 1, 0);
    for (int i = 0; i < 3; i++)
        CHECK_OK(bench_publish(t, 0, "x", i == 0 ? "1" : i == 1 ? "2" : "3", 1, false));
    bench_commit(t);
    CHECK(t->heard_count == 3 && t->heard[2].flags == 1);
    CHECK_OK(broker_ack(&t->broker, b, 4, 2, 0));
    broker_close(&t->broker, b, true, UINT64_MAX, t->now_us);
    bench_open(t, 5, "b", 100, NULL);
    bench_commit(t);
    CHECK(t->heard_count == 5 && t->heard[3].packet_id == 1 && t->heard[4].packet_id == 3);
    CHECK(t->heard[3].flags == (1 | 8) && t->heard[4].flags == (1 | 8)); /* B3 */
    bench_free(t);
}

TEST(qos_2_is_delivered_once_over_a_crash)
{
    struct bench *t = bench_new();
    uint32_t b = bench_open(t, 2, "b", 100, NULL);
    bench_subscribe(t, b, "x", 2, 0);
    CHECK_OK(bench_publish(t, 0, "x", "once", 2, false));
    bench_commit(t);
    CHECK(t->heard_count == 1 && t->heard[0].flags == 2);
    CHECK_OK(broker_ack(&t->broker, b, 5, 1, 0));
    CHECK(t->heard_count == 1); /* B1: PUBREL after the commit */
    bench_commit(t);
    CHECK(t->heard_count == 2 && t->heard[1].release && t->heard[1].packet_id == 1);
    bench_crash(t);
    b = bench_open(t, 3, "b", 100, NULL);
    bench_commit(t);
    CHECK(t->heard_count == 3 && t->heard[2].release); /* and no PUBLISH */
    CHECK_OK(broker_ack(&t->broker, b, 7, 1, 0));
    CHECK(t->broker.session[b].queue_count == 0 && t->broker.session[b].in_flight == 0);
    broker_tidy(&t->broker);
    bench_commit(t);
    CHECK(bench_records(t, kept_entry_id) == 0);
    CHECK(broker_ack(&t->broker, b, 5, 9, 0) == ERR_WRONG_STATE);
    CHECK(last(t)->release && last(t)->packet_id == 9); /* so that the client can forget it */
    size_t before = t->heard_count;
    CHECK(broker_ack(&t->broker, b, 5, 0, 0) == ERR_WRONG_STATE && t->heard_count == before);
    bench_free(t);
}

TEST(qos_2_that_comes_in_is_known_until_it_is_released)
{
    struct bench *t = bench_new();
    bool known;
    uint32_t a = bench_open(t, 1, "a", 100, NULL);
    CHECK_OK(broker_inbox_add(&t->broker, a, 9, &known));
    CHECK(!known);
    bench_commit(t);
    bench_crash(t);
    a = bench_open(t, 2, "a", 100, NULL);
    CHECK_OK(broker_inbox_add(&t->broker, a, 9, &known));
    CHECK(known);
    CHECK(broker_inbox_release(&t->broker, a, 9) && !broker_inbox_release(&t->broker, a, 9));
    bench_commit(t);
    bench_crash(t);
    a = bench_open(t, 3, "a", 100, NULL);
    CHECK_OK(broker_inbox_add(&t->broker, a, 9, &known));
    CHECK(!known);
    for (uint16_t i = 100; i < 100 + BROKER_INBOX_MAX - 1; i++)
        CHECK_OK(broker_inbox_add(&t->broker, a, i, &known));
    CHECK(broker_inbox_add(&t->broker, a, 5000, &known) == ERR_LIMIT);
    bench_free(t);
}

TEST(overlapping_subscriptions_give_one_message_with_the_highest_qos)
{
    struct bench *t = bench_new();
    uint32_t b = bench_open(t, 2, "b", 0, NULL);
    bench_subscribe(t, b, "x/#", 0, 1);
    bench_subscribe(t, b, "x/+", 2, 2);
    bench_subscribe(t, b, "x/y", 1 | BROKER_RETAIN_AS_PUBLISHED, 3);
    bench_subscribe(t, b, "+/+", 1, 2); /* the same identifier once more */
    CHECK_OK(bench_publish(t, 0, "x/y", "m", 2, false));
    bench_commit(t);
    CHECK(t->heard_count == 1 && (t->heard[0].flags & 3) == 2 &&
          t->heard[0].ids_count == 3); /* B2 */
    CHECK(t->heard[0].ids[0] + t->heard[0].ids[1] + t->heard[0].ids[2] == 6);
    bench_free(t);
}

TEST(options_of_a_subscription)
{
    struct bench *t = bench_new();
    uint32_t a = bench_open(t, 1, "a", 0, NULL), b = bench_open(t, 2, "b", 0, NULL), i;
    bool fresh;
    bench_subscribe(t, a, "x", 1 | BROKER_NO_LOCAL, 0);
    bench_subscribe(t, b, "x", 1 | BROKER_RETAIN_AS_PUBLISHED, 0);
    CHECK_OK(bench_publish(t, a, "x", "m", 1, true));
    bench_commit(t);
    CHECK(t->heard_count == 1 && t->heard[0].peer == 2 && t->heard[0].flags == (1 | 4));
    CHECK(broker_subscribe(&t->broker, a, BROKER_PLAIN, bytes_text("$share/g/x"),
                           1 | BROKER_NO_LOCAL, 0, &i, &fresh) == ERR_MALFORMED);
    CHECK_OK(broker_subscribe(&t->broker, a, BROKER_PLAIN, bytes_text("x"), 0, 5, &i, &fresh));
    CHECK(!fresh && t->broker.session[a].subscriptions_count == 1);
    CHECK_OK(bench_publish(t, a, "x", "n", 1, false));
    bench_commit(t);
    CHECK(t->heard_count == 3);
    CHECK_OK(broker_unsubscribe(&t->broker, a, bytes_text("x")));
    CHECK(broker_unsubscribe(&t->broker, a, bytes_text("x")) == ERR_NOT_FOUND);
    bench_free(t);
}

TEST(retained_messages)
{
    struct bench *t = bench_new();
    CHECK_OK(bench_publish(t, 0, "x/1", "one", 1, true));
    CHECK_OK(bench_publish(t, 0, "x/2", "two", 2, true));
    CHECK_OK(bench_publish(t, 0, "gone/1", "three", 0, true));
    CHECK_OK(bench_publish(t, 0, "x/1", "uno", 1, true));
    bench_commit(t);
    CHECK(bench_records(t, kept_retained_id) == 3);
    bench_crash(t); /* and now the charter holds gone/ no more */
    CHECK(t->broker.retained_count == 2 && t->broker.orphans == 1);
    uint32_t b = bench_open(t, 2, "b", 0, NULL), i;
    bool fresh;
    CHECK_OK(broker_subscribe(&t->broker, b, BROKER_PLAIN, bytes_text("x/+"), 1, 4, &i, &fresh));
    broker_offer_retained(&t->broker, i, t->now_us);
    bench_commit(t);
    CHECK(t->heard_count == 2 && t->heard[0].flags == (1 | 4) && t->heard[1].flags == (1 | 4));
    CHECK(t->heard[0].ids[0] == 4 && strcmp(t->heard[0].payload, "uno") == 0);
    CHECK_OK(bench_publish(t, 0, "x/1", "", 1, true));
    CHECK(t->broker.retained_count == 1);
    CHECK_OK(broker_subscribe(&t->broker, b, BROKER_PLAIN, bytes_text("x/2"), 2, 0, &i, &fresh));
    broker_offer_retained(&t->broker, i, t->now_us);
    bench_commit(t);
    CHECK((last(t)->flags & 7) == (2 | 4) && strcmp(last(t)->payload, "two") == 0);
    broker_tidy(&t->broker);
    bench_commit(t);
    CHECK(bench_records(t, kept_retained_id) == 1);
    bench_free(t);
}

TEST(retained_messages_are_bounded_for_each_class)
{
    struct bench *t = bench_new();
    for (int i = 0; i < 101; i++) {
        char topic[32];
        snprintf(topic, sizeof(topic), "x/%d", i);
        CHECK(bench_publish(t, 0, topic, "m", 0, true) == (i < 100 ? OK : ERR_LIMIT));
    }
    CHECK_OK(bench_publish(t, 0, "x/5", "another", 0, true));
    CHECK(t->broker.count.refused_full == 1);
    bench_free(t);
}

TEST(a_group_takes_turns)
{
    struct bench *t = bench_new();
    uint32_t a = bench_open(t, 1, "a", 0, NULL), b = bench_open(t, 2, "b", 100, NULL);
    uint32_t c = bench_open(t, 3, "c", 0, NULL);
    bench_subscribe(t, a, "$share/g/x/+", 1, 0);
    bench_subscribe(t, b, "$share/g/x/+", 1, 0);
    bench_subscribe(t, c, "$share/other/x/+", 1, 0);
    bench_subscribe(t, c, "x/1", 1, 0);
    uint32_t heard[4] = {0};
    for (int i = 0; i < 10; i++)
        CHECK_OK(bench_publish(t, 0, "x/1", "m", 1, false));
    bench_commit(t);
    for (size_t i = 0; i < t->heard_count; i++)
        heard[t->heard[i].peer]++;
    CHECK(heard[1] == 5 && heard[2] == 5 && heard[3] == 20);
    broker_close(&t->broker, a, true, UINT64_MAX, t->now_us);
    broker_close(&t->broker, b, true, UINT64_MAX, t->now_us);
    CHECK_OK(bench_publish(t, 0, "x/1", "for b", 1, false)); /* nobody of g is there */
    bench_commit(t);
    bench_open(t, 5, "b", 100, NULL);
    bench_commit(t);
    CHECK(last(t)->peer == 5 && strcmp(last(t)->payload, "for b") == 0);
    broker_close(&t->broker, c, true, UINT64_MAX, t->now_us);
    bench_crash(t);
    CHECK(t->broker.subscriptions_count == 1 && t->broker.tree.count == 2);
    bench_free(t);
}

TEST(a_second_connection_takes_the_session_over)
{
    struct bench *t = bench_new();
    bool present;
    uint32_t a = bench_open(t, 1, "a", 100, NULL);
    bench_subscribe(t, a, "x", 1, 0);
    CHECK(bench_open(t, 2, "a", 100, &present) == a && present);
    CHECK(t->dropped_peer == 1 && t->dropped_reason == 0x8E);
    CHECK(t->broker.session[a].peer == 2 && t->broker.session[a].subscriptions_count == 1);
    struct broker_connect m = bench_connect(3, "a", 0);
    m.clean_start = true;
    CHECK_OK(broker_open(&t->broker, &m, t->now_us, &a, &present));
    CHECK(!present && t->broker.sessions_count == 1 && t->broker.subscriptions_count == 0);
    bench_open(t, 4, "a", 100, &present); /* the one before ended with its connection */
    CHECK(!present);
    m = bench_connect(5, "a", 0);
    m.kind = 2; /* a caller of the same name is somebody else */
    CHECK_OK(broker_open(&t->broker, &m, t->now_us, &a, &present));
    CHECK(t->broker.sessions_count == 2 && t->dropped_peer == 3);
    bench_free(t);
}

static uint32_t
open_with_will(struct bench *t, uint64_t peer, uint32_t expiry_s, uint32_t delay_s)
{
    struct broker_connect m = bench_connect(peer, "a", expiry_s);
    uint32_t session;
    bool present;
    m.has_will = true;
    m.will_delay_s = delay_s;
    m.will = (struct broker_message_parts){
        .qos = 1, .expires_us = INT64_MAX, .topic = bytes_text("w"), .payload = bytes_text("gone")};
    CHECK_OK(broker_open(&t->broker, &m, t->now_us, &session, &present));
    bench_commit(t);
    return session;
}

static bool
will_comes(struct bench *t)
{
    struct broker_will *w = broker_next_will(&t->broker, t->now_us);
    if (!w)
        return false;
    broker_will_later(&t->broker, w);
    CHECK(broker_next_will(&t->broker, t->now_us) == w);
    CHECK(strcmp(w->name, "a") == 0 && bytes_are(w->message->topic, "w"));
    broker_will_done(&t->broker, w);
    CHECK(!broker_next_will(&t->broker, t->now_us));
    broker_tidy(&t->broker);
    bench_commit(t);
    CHECK(bench_records(t, kept_will_id) == 0);
    return true;
}

TEST(a_will_is_given_out_when_it_is_due)
{
    struct bench *t = bench_new();
    uint32_t a = open_with_will(t, 1, 0, 0);
    broker_close(&t->broker, a, true, UINT64_MAX, t->now_us); /* DISCONNECT 0 */
    CHECK(!will_comes(t));
    a = open_with_will(t, 2, 0, 60);
    broker_close(&t->broker, a, false, UINT64_MAX, t->now_us);
    CHECK(will_comes(t)); /* the session is over, and so is the delay */
    a = open_with_will(t, 3, 100, 10);
    broker_close(&t->broker, a, false, UINT64_MAX, t->now_us);
    CHECK(!will_comes(t));
    t->now_us += 9 * BENCH_S;
    CHECK(!will_comes(t));
    t->now_us += 1 * BENCH_S;
    CHECK(will_comes(t) && t->broker.session[a].used);
    a = open_with_will(t, 4, 100, 10);
    broker_close(&t->broker, a, false, UINT64_MAX, t->now_us);
    t->now_us += 5 * BENCH_S;
    a = open_with_will(t, 5, 3, 10); /* in time: the first one is forgotten */
    t->now_us += 20 * BENCH_S;
    CHECK(!will_comes(t));
    broker_close(&t->broker, a, false, UINT64_MAX, t->now_us);
    t->now_us += 3 * BENCH_S; /* the session ends before the delay */
    CHECK(will_comes(t) && t->broker.sessions_count == 0);
    bench_free(t);
}

TEST(a_will_survives_the_power)
{
    struct bench *t = bench_new();
    open_with_will(t, 1, 0, 5);
    bench_crash(t);
    CHECK(will_comes(t));
    open_with_will(t, 1, 100, 5);
    bench_crash(t);
    CHECK(!will_comes(t));
    t->now_us += 5 * BENCH_S;
    bench_crash(t); /* it counts anew: the record does not say since when */
    CHECK(!will_comes(t));
    t->now_us += 5 * BENCH_S;
    CHECK(will_comes(t) && t->broker.sessions_count == 1);
    bench_free(t);
}

TEST(a_takeover_gives_the_will_out)
{
    struct bench *t = bench_new();
    open_with_will(t, 1, 100, 0);
    bench_open(t, 2, "a", 100, NULL);
    CHECK(will_comes(t)); /* 3.1.3.2.2: no delay */
    bench_free(t);
}

TEST(messages_and_sessions_expire)
{
    struct bench *t = bench_new();
    uint32_t b = bench_open(t, 2, "b", 100, NULL);
    bench_subscribe(t, b, "x", 1, 0);
    broker_close(&t->broker, b, true, UINT64_MAX, t->now_us);
    static const uint8_t expiry[] = {2, 0, 0, 0, 10};
    struct broker_message_parts parts = {.qos = 1,
                                         .expires_us = INT64_MAX,
                                         .topic = bytes_text("x"),
                                         .properties = bytes_of(expiry, sizeof(expiry)),
                                         .payload = bytes_text("m")};
    struct broker_message *m;
    for (int i = 0; i < 2; i++) {
        CHECK_OK(message_new(&t->broker.budget, &parts, t->now_us, &m));
        CHECK_OK(broker_publish(&t->broker, BROKER_PLAIN, m, 0, t->now_us));
        message_release(&t->broker.budget, m);
        t->now_us += 5 * BENCH_S;
    }
    bench_commit(t);
    bench_crash(t);
    t->now_us += 1 * BENCH_S;
    CHECK(!broker_next_will(&t->broker, t->now_us));
    bench_open(t, 3, "b", 100, NULL);
    bench_commit(t);
    CHECK(t->heard_count == 2); /* both may have been sent before the crash: they come again */
    broker_close(&t->broker, b, true, UINT64_MAX, t->now_us);
    t->now_us += 99 * BENCH_S;
    CHECK(!broker_next_will(&t->broker, t->now_us) && t->broker.sessions_count == 1);
    t->now_us += 1 * BENCH_S;
    CHECK(!broker_next_will(&t->broker, t->now_us) && t->broker.sessions_count == 0);
    broker_tidy(&t->broker);
    bench_commit(t);
    CHECK(bench_records(t, 0) == 0);
    bench_free(t);
}

TEST(what_is_left_of_an_expiry_is_told)
{
    struct bench *t = bench_new();
    uint32_t b = bench_open(t, 2, "b", 100, NULL);
    bench_subscribe(t, b, "x", 1, 0);
    broker_close(&t->broker, b, true, UINT64_MAX, t->now_us);
    static const uint8_t expiry[] = {2, 0, 0, 0, 10, 1, 1};
    struct broker_message_parts parts = {.qos = 1,
                                         .expires_us = INT64_MAX,
                                         .topic = bytes_text("x"),
                                         .properties = bytes_of(expiry, sizeof(expiry)),
                                         .payload = bytes_text("m")};
    struct broker_message *m;
    CHECK_OK(message_new(&t->broker.budget, &parts, t->now_us, &m));
    CHECK_OK(broker_publish(&t->broker, BROKER_PLAIN, m, 0, t->now_us));
    struct buf out;
    buf_init(&out, 100);
    uint32_t id = 300;
    message_put_properties(m, t->now_us + 3500000, &id, 1, &out);
    static const uint8_t want[] = {1, 1, 2, 0, 0, 0, 7, 0x0B, 0xAC, 2};
    CHECK(bytes_equal(buf_bytes(&out), bytes_of(want, sizeof(want))));
    buf_fini(&out);
    message_release(&t->broker.budget, m);
    t->now_us += 10 * BENCH_S;
    bench_open(t, 3, "b", 100, NULL);
    bench_commit(t);
    CHECK(t->heard_count == 0 && t->broker.count.lost_expired == 1);
    bench_free(t);
}

TEST(the_window_of_the_client_is_kept)
{
    struct bench *t = bench_new();
    struct broker_connect m = bench_connect(2, "b", 0);
    m.receive_maximum = 2;
    m.packet_max = 60;
    uint32_t b;
    bool present;
    CHECK_OK(broker_open(&t->broker, &m, t->now_us, &b, &present));
    bench_subscribe(t, b, "x", 2, 0);
    for (int i = 0; i < 5; i++)
        CHECK_OK(bench_publish(t, 0, "x", "m", i == 1 ? 2 : 1, false));
    CHECK_OK(bench_publish(t, 0, "x",
                           "123456789012345678901234567890123456789012345678901234567890", 1,
                           false)); /* more than it takes */
    bench_commit(t);
    CHECK(t->heard_count == 2); /* B4 */
    CHECK_OK(bench_publish(t, 0, "x", "zero", 0, false));
    bench_commit(t);
    CHECK(t->heard_count == 3 && last(t)->flags == 0); /* it does not wait */
    t->heard_count = 2;
    CHECK_OK(broker_ack(&t->broker, b, 4, 1, 0));
    bench_commit(t);
    CHECK(t->heard_count == 3);
    CHECK_OK(broker_ack(&t->broker, b, 5, 2, 0));
    bench_commit(t);
    CHECK(t->heard_count == 4 && last(t)->release); /* it is in flight until PUBCOMP */
    CHECK_OK(broker_ack(&t->broker, b, 7, 2, 0));
    bench_commit(t);
    CHECK(t->heard_count == 5);
    CHECK(broker_ack(&t->broker, b, 5, 3, 0) == ERR_WRONG_STATE); /* that one has QoS 1 */
    CHECK_OK(broker_ack(&t->broker, b, 4, 3, 0));
    CHECK_OK(broker_ack(&t->broker, b, 4, 4, 0));
    bench_commit(t);
    CHECK(t->heard_count == 6 && t->broker.count.lost_size == 1);
    bench_free(t);
}

TEST(a_full_channel_makes_the_queue_wait)
{
    struct bench *t = bench_new();
    uint32_t b = bench_open(t, 2, "b", 0, NULL);
    bench_subscribe(t, b, "x", 1, 0);
    t->takes = 2;
    for (int i = 0; i < 4; i++)
        CHECK_OK(bench_publish(t, 0, "x", "m", i % 2 ? 1 : 0, false));
    bench_commit(t);
    CHECK(t->heard_count == 2 && broker_pump_waits(&t->broker));
    t->takes = 10;
    broker_pump(&t->broker, t->now_us);
    CHECK(t->heard_count == 4 && !broker_pump_waits(&t->broker));
    bench_free(t);
}

TEST(a_full_queue_loses_its_oldest_and_counts)
{
    struct bench *t = bench_new();
    uint32_t b = bench_open(t, 2, "b", 100, NULL);
    bench_subscribe(t, b, "x", 1, 0);
    broker_close(&t->broker, b, true, UINT64_MAX, t->now_us);
    for (int i = 0; i < BROKER_QUEUE_MAX + 5; i++) {
        char payload[16];
        snprintf(payload, sizeof(payload), "%d", i);
        CHECK_OK(bench_publish(t, 0, "x", payload, 1, false));
    }
    CHECK(t->broker.count.lost_full == 5); /* B6 */
    bench_open(t, 3, "b", 100, NULL);
    bench_commit(t);
    CHECK(strcmp(t->heard[0].payload, "5") == 0 && t->heard_count == BROKER_FLIGHT_MAX);
    t->full = true;
    CHECK(bench_publish(t, 0, "x", "m", 1, false) == ERR_LIMIT);
    CHECK(t->broker.count.refused_full == 1);
    bench_free(t);
}

TEST(rights_are_asked_when_it_enters_and_when_it_leaves)
{
    struct bench *t = bench_new();
    uint32_t b = bench_open(t, 2, "b", 0, NULL);
    bench_subscribe(t, b, "x", 1, 0);
    t->deaf = "b";
    CHECK_OK(bench_publish(t, 0, "x", "m", 1, false));
    CHECK(t->broker.count.queued == 0);
    t->deaf = NULL;
    CHECK_OK(bench_publish(t, 0, "x", "m", 1, false));
    t->deaf = "b";
    bench_commit(t);
    CHECK(t->heard_count == 0 && t->broker.count.lost_rights == 1); /* B5 */
    bench_free(t);
}

TEST(many_kept_sessions_share_one_message)
{
    struct bench *t = bench_new();
    uint32_t s[8];
    for (uint32_t i = 0; i < 8; i++) {
        char name[8];
        snprintf(name, sizeof(name), "n%u", i);
        s[i] = bench_open(t, i + 1, name, 100, NULL);
        bench_subscribe(t, s[i], "x", 1, 0);
    }
    CHECK_OK(bench_publish(t, 0, "x", "m", 1, false));
    bench_commit(t);
    CHECK(bench_records(t, kept_message_id) == 1 && bench_records(t, kept_entry_id) == 8);
    CHECK(t->heard_count == 8);
    for (uint32_t i = 0; i < 7; i++)
        CHECK_OK(broker_ack(&t->broker, s[i], 4, 1, 0));
    broker_tidy(&t->broker);
    bench_commit(t);
    CHECK(bench_records(t, kept_message_id) == 1 && bench_records(t, kept_entry_id) == 1);
    bench_crash(t);
    s[7] = bench_open(t, 20, "n7", 100, NULL);
    bench_commit(t);
    CHECK(last(t)->peer == 20 && strcmp(last(t)->payload, "m") == 0);
    CHECK_OK(broker_ack(&t->broker, s[7], 4, 1, 0));
    broker_tidy(&t->broker);
    bench_commit(t);
    CHECK(bench_records(t, kept_message_id) == 0 && bench_records(t, kept_entry_id) == 0);
    bench_free(t);
}

TEST(a_name_has_a_bounded_number_of_sessions)
{
    struct bench *t = bench_new();
    struct broker_connect m = bench_connect(1, "a", 100);
    uint32_t session;
    bool present;
    char id[16];
    for (uint32_t i = 0; i <= BROKER_NAME_SESSIONS_MAX; i++) {
        snprintf(id, sizeof(id), "id%u", i);
        m.peer = i + 1;
        m.client_id = bytes_text(id);
        m.expiry_s = i < BROKER_NAME_KEPT_MAX ? 100 : 0;
        CHECK(broker_open(&t->broker, &m, t->now_us, &session, &present) ==
              (i < BROKER_NAME_SESSIONS_MAX ? OK : ERR_LIMIT));
        if (i + 1 == BROKER_NAME_KEPT_MAX) {
            m.client_id = bytes_text("one more");
            CHECK(broker_open(&t->broker, &m, t->now_us, &session, &present) == ERR_LIMIT);
        }
    }
    m.name = bytes_text("b");
    CHECK_OK(broker_open(&t->broker, &m, t->now_us, &session, &present));
    bench_free(t);
}
