/*
 * broker_state_test.c -- the life of one session: every sequence of four events, against a model of
 * a few lines. What CONNECT is told, which wills come, and what is left are the same, also when the
 * power fails in between.
 */
#include "broker/broker_test.h"

enum event {
    OPEN_CLEAN,      /* clean start, expiry 0 */
    OPEN_CLEAN_KEPT, /* clean start, expiry 100 s */
    OPEN,            /* expiry 0 */
    OPEN_KEPT,
    OPEN_KEPT_WILL,       /* a will without delay */
    OPEN_KEPT_WILL_LATER, /* after 50 s */
    OPEN_WILL_LATER,      /* after 50 s, but the session ends with its connection */
    GOODBYE,              /* DISCONNECT 0 */
    GOODBYE_END,          /* and the session is to end now */
    LOST,
    MINUTE,
    HOUR,
    POWER,
    EVENTS
};

struct model {
    bool exists, connected;
    uint32_t expiry_s;
    bool will, due; /* due: given out with the next look */
    uint32_t delay_s;
    int64_t left_us;
    uint32_t wills; /* given out */
};

static void
model_end(struct model *m)
{
    m->due |= m->will;
    m->exists = m->connected = m->will = false;
}

static void
model_leave(struct model *m, int64_t now_us)
{
    m->connected = false;
    m->left_us = now_us;
    if (m->expiry_s == 0)
        model_end(m);
    if (m->will && m->delay_s == 0) {
        m->due = true;
        m->will = false;
    }
}

/* What CONNECT is told: whether a session was there. */
static bool
model_open(struct model *m, bool clean, uint32_t expiry_s, bool will, uint32_t delay_s,
           int64_t now_us)
{
    if (m->exists && m->connected)
        model_leave(m, now_us);
    if (m->exists && clean)
        model_end(m);
    bool present = m->exists;
    m->exists = m->connected = true;
    m->expiry_s = expiry_s;
    m->will = will;
    m->delay_s = delay_s;
    return present;
}

static void
model_look(struct model *m, int64_t now_us)
{
    int64_t away_us = now_us - m->left_us;
    if (m->exists && !m->connected && m->will && away_us >= (int64_t)m->delay_s * BENCH_S) {
        m->due = true;
        m->will = false;
    }
    if (m->exists && !m->connected && away_us >= (int64_t)m->expiry_s * BENCH_S)
        model_end(m);
    m->wills += m->due;
    m->due = false;
}

/* The power goes with everything committed: the connection is over, and time counts from now. */
static void
model_power(struct model *m, int64_t now_us)
{
    if (!m->exists)
        return;
    bool connected = m->connected;
    m->connected = false;
    if (connected)
        m->left_us = now_us;
    if (m->expiry_s == 0)
        model_end(m);
    if (m->will && m->delay_s == 0) {
        m->due = true;
        m->will = false;
    }
}

static bool
open_as(struct bench *t, uint64_t peer, enum event event)
{
    struct broker_connect m = bench_connect(peer, "a", 0);
    uint32_t session;
    bool present;
    m.clean_start = event == OPEN_CLEAN || event == OPEN_CLEAN_KEPT;
    m.expiry_s = event == OPEN_CLEAN || event == OPEN || event == OPEN_WILL_LATER ? 0 : 100;
    m.has_will =
        event == OPEN_KEPT_WILL || event == OPEN_KEPT_WILL_LATER || event == OPEN_WILL_LATER;
    m.will_delay_s = event == OPEN_KEPT_WILL ? 0 : 50;
    m.will = (struct broker_message_parts){
        .qos = 1, .expires_us = INT64_MAX, .topic = bytes_text("w"), .payload = bytes_text("gone")};
    CHECK_OK(broker_open(&t->broker, &m, t->now_us, &session, &present));
    return present;
}

static uint32_t
take_wills(struct bench *t)
{
    uint32_t n = 0;
    struct broker_will *w;
    while ((w = broker_next_will(&t->broker, t->now_us)) != NULL) {
        broker_will_done(&t->broker, w);
        n++;
    }
    return n;
}

static void
happen(struct bench *t, struct model *m, enum event event, uint64_t peer, uint32_t *wills)
{
    uint32_t session = broker_find(&t->broker, 1, bytes_text("a"), bytes_text("a"));
    CHECK((session != 0) == m->exists);
    bool there = session && t->broker.session[session].peer;
    CHECK(there == m->connected);
    if (event <= OPEN_WILL_LATER) {
        bool clean = event == OPEN_CLEAN || event == OPEN_CLEAN_KEPT;
        bool kept = event != OPEN_CLEAN && event != OPEN && event != OPEN_WILL_LATER;
        bool will = event >= OPEN_KEPT_WILL;
        bool present =
            model_open(m, clean, kept ? 100 : 0, will, event == OPEN_KEPT_WILL ? 0 : 50, t->now_us);
        CHECK(open_as(t, peer, event) == present);
    } else if (event == MINUTE || event == HOUR) {
        t->now_us += (event == MINUTE ? 60 : 3600) * (int64_t)BENCH_S;
    } else if (event == POWER) {
        bench_commit(t);
        bench_crash(t);
        model_power(m, t->now_us);
    } else if (there) {
        broker_close(&t->broker, session, event != LOST, event == GOODBYE_END ? 0 : UINT64_MAX,
                     t->now_us);
        m->will = m->will && event == LOST;
        m->expiry_s = event == GOODBYE_END ? 0 : m->expiry_s;
        model_leave(m, t->now_us);
    }
    model_look(m, t->now_us);
    *wills += take_wills(t);
    CHECK(*wills == m->wills); /* B7 */
    broker_tidy(&t->broker);
    bench_commit(t);
    CHECK((bench_records(t, kept_will_id) != 0) == m->will);
    CHECK(bench_records(t, kept_session_id) <= (m->exists ? 1u : 0u));
}

static uint32_t
live(const uint8_t *events, size_t count)
{
    struct bench *t = bench_small(16);
    struct model m = {.exists = false};
    uint32_t wills = 0;
    for (size_t i = 0; i < count; i++)
        happen(t, &m, (enum event)events[i], i + 1, &wills);
    bench_free(t);
    return wills;
}

TEST(every_sequence_of_three_events)
{
    uint8_t events[3];
    uint32_t given = 0;
    for (events[0] = 0; events[0] < EVENTS; events[0]++)
        for (events[1] = 0; events[1] < EVENTS; events[1]++)
            for (events[2] = 0; events[2] < EVENTS; events[2]++)
                given += live(events, 3);
    CHECK(given > 300);
}

TEST(many_longer_lives)
{
    uint64_t state = test_seed();
    uint32_t given = 0;
    for (int i = 0; i < 1500; i++) {
        uint8_t events[12];
        for (size_t k = 0; k < sizeof(events); k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            events[k] = (uint8_t)((state >> 33) % EVENTS);
        }
        given += live(events, sizeof(events));
    }
    CHECK(given > 1000);
}
