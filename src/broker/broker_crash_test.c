/*
 * broker_crash_test.c -- clients that come and go, messages of QoS 1 and 2, and a power that fails
 * at any moment: what was acknowledged to its publisher is heard at least once with QoS 1 and
 * exactly once with QoS 2, in order; what was not, is not heard before.
 */
#include "broker/broker_test.h"

enum { CLIENTS = 3, MESSAGES_MAX = 4000, STEPS = 6000 };

struct client {
    uint32_t session;
    uint64_t peer; /* 0: away */
    uint8_t qos;
    bool receiving[65536]; /* QoS 2: packet ids that came and were not released; it outlives
                              connections */
    uint8_t got[MESSAGES_MAX];
    int newest;
};

struct play {
    struct bench *bench;
    struct client client[CLIENTS];
    uint64_t peers;
    bool committed[MESSAGES_MAX];
    uint32_t made, safe; /* messages; of them durable */
    uint64_t state;
    uint64_t crashes, again, twice;
};

static uint32_t
dice(struct play *p, uint32_t sides)
{
    p->state = p->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(p->state >> 33) % sides;
}

static void
come(struct play *p, uint32_t i)
{
    struct client *c = &p->client[i];
    char name[8];
    bool present;
    snprintf(name, sizeof(name), "c%u", i);
    c->peer = ++p->peers;
    c->session = bench_open(p->bench, c->peer, name, 100000, &present);
    CHECK(present || p->peers <= CLIENTS);
    if (!present)
        bench_subscribe(p->bench, c->session, i == 2 ? "+/#" : "x/y", c->qos, i);
}

static void
commit(struct play *p)
{
    bench_commit(p->bench);
    for (uint32_t i = p->safe; i < p->made; i++)
        p->committed[i] = true;
    p->safe = p->made;
}

static void
take_publish(struct play *p, struct client *c, const struct bench_heard *h)
{
    int n;
    CHECK(sscanf(h->payload, "%d", &n) == 1 && n < (int)p->made);
    CHECK(p->committed[n] && (h->flags & 3) == c->qos);
    p->again += (h->flags & 8) != 0;
    if (c->qos == 2 && c->receiving[h->packet_id])
        return; /* it has it already */
    c->receiving[h->packet_id] = c->qos == 2;
    CHECK(c->got[n] < 200);
    p->twice += c->got[n]++ > 0;
    if (n > c->newest) {
        for (int k = c->newest + 1; k < n; k++)
            CHECK(!p->committed[k]); /* none was left out: in order */
        c->newest = n;
    }
}

/* The clients read what came, and answer most of it, unless the connection that it came on is gone.
 */
static void
listen(struct play *p)
{
    struct bench *t = p->bench;
    for (size_t i = 0; i < t->heard_count; i++) {
        struct bench_heard h = t->heard[i];
        struct client *c = NULL;
        for (uint32_t k = 0; k < CLIENTS; k++)
            if (p->client[k].peer == h.peer)
                c = &p->client[k];
        if (!c)
            continue;
        if (h.release)
            c->receiving[h.packet_id] = false;
        else
            take_publish(p, c, &h);
        if (dice(p, 40) == 0) { /* and the answer is lost: so is the connection */
            broker_close(&t->broker, c->session, true, UINT64_MAX, t->now_us);
            c->peer = 0;
            continue;
        }
        enum err e = broker_ack(&t->broker, c->session,
                                h.release     ? 7
                                : c->qos == 1 ? 4
                                              : 5,
                                h.packet_id, 0);
        CHECK(e == OK || (h.release && e == ERR_WRONG_STATE));
    }
    t->heard_count = 0;
}

static void
fail(struct play *p)
{
    p->crashes++;
    bench_crash(p->bench);
    p->bench->heard_count = 0;
    for (uint32_t i = 0; i < CLIENTS; i++)
        p->client[i].peer = 0;
    p->safe = p->made; /* what was not committed is nowhere */
}

static void
step(struct play *p)
{
    char payload[16];
    uint32_t i = dice(p, CLIENTS);
    switch (dice(p, 12)) {
    case 0:
    case 1:
    case 2:
        if (p->made == MESSAGES_MAX)
            break;
        snprintf(payload, sizeof(payload), "%u", p->made++);
        CHECK_OK(bench_publish(p->bench, 0, "x/y", payload, 2, false));
        break;
    case 3:
    case 4:
        commit(p);
        break;
    case 5:
    case 6:
    case 7:
        listen(p);
        break;
    case 8:
        if (p->client[i].peer)
            broker_close(&p->bench->broker, p->client[i].session, true, UINT64_MAX,
                         p->bench->now_us);
        p->client[i].peer = 0;
        break;
    case 9:
        broker_tidy(&p->bench->broker);
        break;
    case 10:
        if (dice(p, 10) == 0)
            fail(p);
        break;
    default:
        if (!p->client[i].peer)
            come(p, i);
    }
}

TEST(what_was_acknowledged_is_delivered_whatever_fails)
{
    struct play *p = calloc(1, sizeof(*p));
    CHECK(p);
    p->state = test_seed();
    p->bench = bench_new();
    for (uint32_t i = 0; i < CLIENTS; i++) {
        p->client[i].qos = i == 0 ? 1 : 2;
        p->client[i].newest = -1;
        come(p, i);
    }
    commit(p);
    for (int i = 0; i < STEPS; i++)
        step(p);
    commit(p);
    for (int round = 0; round < 2000; round++) {
        for (uint32_t i = 0; i < CLIENTS; i++)
            if (!p->client[i].peer)
                come(p, i);
        commit(p);
        listen(p);
    }
    uint32_t durable = 0;
    CHECK(p->bench->broker.count.lost_full == 0); /* nobody was away for so long */
    for (uint32_t n = 0; n < p->made; n++) {
        durable += p->committed[n];
        for (uint32_t i = 0; i < CLIENTS; i++) {
            uint8_t got = p->client[i].got[n];
            if (!p->committed[n])
                CHECK(got == 0);
            else
                CHECK(p->client[i].qos == 1 ? got >= 1 : got == 1);
        }
    }
    for (uint32_t i = 0; i < CLIENTS; i++)
        CHECK(p->bench->broker.session[p->client[i].session].queue_count == 0);
    broker_tidy(&p->bench->broker);
    commit(p);
    CHECK(bench_records(p->bench, kept_entry_id) == 0 &&
          bench_records(p->bench, kept_message_id) == 0);
    CHECK(durable > 1000 && durable < p->made && p->crashes > 10 && p->again > 100);
    printf("%u messages, %u durable, %llu crashes, %llu sent again, %llu heard twice (QoS 1)\n",
           p->made, durable, (unsigned long long)p->crashes, (unsigned long long)p->again,
           (unsigned long long)p->twice);
    bench_free(p->bench);
    free(p);
}
