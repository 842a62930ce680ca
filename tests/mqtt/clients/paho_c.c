/*
 * paho_c.c HOST PORT CA CERT KEY WEB VERSION ID TOPIC SCENARIO -- Eclipse Paho in C (libpaho-mqtt),
 * through its synchronous client; scenarios.txt says what is asked of it.
 */
#include <MQTTClient.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* FEW: this library looks for an acknowledgement every tenth of a second. */
enum { HEARD_MAX = 1024, WAIT_MS = 15000, FEW = 12 };

struct message {
    int number, qos;
    bool retained;
    char text[32];
};

struct ear {
    MQTTClient client;
    bool present;
    int count;
    struct message heard[HEARD_MAX];
};

static const char *host, *port, *ca, *cert, *key, *ident, *topic;
static bool web, five;

static void
fail(const char *what, long wanted, long got)
{
    fprintf(stderr, "%s: wanted %ld, got %ld\n", what, wanted, got);
    exit(1);
}

static void
equal(long got, long wanted, const char *what)
{
    if (got != wanted)
        fail(what, wanted, got);
}

static struct ear *
ear_new(const char *suffix)
{
    struct ear *e = calloc(1, sizeof(*e));
    char uri[300], name[200];
    MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
    options.MQTTVersion = five ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    if (web)
        snprintf(uri, sizeof(uri), "wss://%s:%s/mqtt", host, port);
    else
        snprintf(uri, sizeof(uri), "ssl://%s:%s", host, port);
    snprintf(name, sizeof(name), "%s-%s", ident, suffix);
    equal(MQTTClient_createWithOptions(&e->client, uri, name, MQTTCLIENT_PERSISTENCE_NONE, NULL,
                                       &options),
          MQTTCLIENT_SUCCESS, "create");
    return e;
}

static void
ear_connect(struct ear *e, bool clean, bool keep, int receive_maximum, const char *will)
{
    MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;
    MQTTClient_willOptions last = MQTTClient_willOptions_initializer;
    MQTTClient_connectOptions four = MQTTClient_connectOptions_initializer;
    MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer5;
    if (!five)
        o = four;
    ssl.trustStore = ca;
    ssl.keyStore = cert;
    ssl.privateKey = key;
    ssl.verify = 1;
    ssl.enableServerCertAuth = 1;
    o.ssl = &ssl;
    o.keepAliveInterval = 30;
    if (will) {
        last.topicName = will;
        last.message = "gone";
        last.qos = 1;
        o.will = &last;
    }
    if (!five) {
        o.cleansession = clean;
        int rc = MQTTClient_connect(e->client, &o);
        equal(rc, MQTTCLIENT_SUCCESS, "connect");
        e->present = o.returned.sessionPresent;
        return;
    }
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty p = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL};
    p.value.integer4 = keep ? 120 : 0;
    MQTTProperties_add(&properties, &p);
    if (receive_maximum) {
        p.identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM;
        p.value.integer2 = (unsigned short)receive_maximum;
        MQTTProperties_add(&properties, &p);
    }
    o.cleanstart = clean;
    MQTTResponse r = MQTTClient_connect5(e->client, &o, &properties, NULL);
    equal(r.reasonCode, 0, "connect");
    e->present = o.returned.sessionPresent;
    MQTTResponse_free(r);
    MQTTProperties_free(&properties);
}

static void
ear_subscribe(struct ear *e, const char *filter)
{
    if (five) {
        MQTTResponse r = MQTTClient_subscribe5(e->client, filter, 2, NULL, NULL);
        equal(r.reasonCode, 2, "subscribe");
        MQTTResponse_free(r);
    } else {
        equal(MQTTClient_subscribe(e->client, filter, 2), MQTTCLIENT_SUCCESS, "subscribe");
    }
}

static void
publish(struct ear *e, const char *to, const char *text, int qos, bool retained)
{
    MQTTClient_deliveryToken token = 0;
    if (five) {
        MQTTResponse r = MQTTClient_publish5(e->client, to, (int)strlen(text), text, qos, retained,
                                             NULL, &token);
        equal(r.reasonCode, 0, "publish");
        MQTTResponse_free(r);
    } else {
        equal(MQTTClient_publish(e->client, to, (int)strlen(text), text, qos, retained, &token), 0,
              "publish");
    }
    if (qos)
        equal(MQTTClient_waitForCompletion(e->client, token, WAIT_MS), MQTTCLIENT_SUCCESS,
              "acknowledgement");
}

static void
publish_number(struct ear *e, const char *to, int number, int qos)
{
    char text[32];
    snprintf(text, sizeof(text), "%d", number);
    publish(e, to, text, qos, false);
}

/* The messages that came, at most `count` and what follows within 300 ms. */
static int
ear_wait(struct ear *e, int count)
{
    e->count = 0;
    for (;;) {
        char *from = NULL;
        int from_len = 0;
        MQTTClient_message *m = NULL;
        unsigned long patience = e->count < count ? WAIT_MS : 300;
        (void)MQTTClient_receive(e->client, &from, &from_len, &m, patience);
        if (!m)
            return e->count;
        struct message *to = &e->heard[e->count++ % HEARD_MAX];
        snprintf(to->text, sizeof(to->text), "%.*s", m->payloadlen, (const char *)m->payload);
        *to = (struct message){atoi(to->text), m->qos, m->retained, ""};
        snprintf(to->text, sizeof(to->text), "%.*s", m->payloadlen, (const char *)m->payload);
        MQTTClient_freeMessage(&m);
        MQTTClient_free(from);
    }
}

static void
ear_end(struct ear *e)
{
    if (five)
        (void)MQTTClient_disconnect5(e->client, 1000, 0, NULL);
    else
        (void)MQTTClient_disconnect(e->client, 1000);
}

/* Messages of this QoS must be first, first + step, ... in order. */
static void
in_order(const struct ear *e, int qos, int first, int step, int count)
{
    int next = first, seen = 0;
    for (int i = 0; i < e->count; i++) {
        if (e->heard[i].qos != qos)
            continue;
        equal(e->heard[i].number, next, "the next message");
        next += step;
        seen++;
    }
    equal(seen, count, "messages of a QoS");
}

static void
exchange(void)
{
    struct ear *a = ear_new("a"), *b = ear_new("b");
    char name[300];
    ear_connect(a, true, false, 0, NULL);
    ear_connect(b, true, false, 0, NULL);
    snprintf(name, sizeof(name), "%s/#", topic);
    ear_subscribe(a, name);
    for (int qos = 0; qos < 3; qos++) {
        snprintf(name, sizeof(name), "%s/%d", topic, qos);
        for (int i = 0; i < FEW; i++)
            publish_number(b, name, i, qos);
    }
    equal(ear_wait(a, 3 * FEW), 3 * FEW, "messages");
    for (int qos = 0; qos < 3; qos++)
        in_order(a, qos, 0, 1, FEW);
    ear_end(a);
    ear_end(b);
}

static void
survive(void)
{
    struct ear *a = ear_new("a"), *b = ear_new("b");
    ear_connect(a, true, true, 0, NULL);
    ear_end(a);
    ear_connect(a, false, true, 0, NULL);
    ear_subscribe(a, topic);
    ear_end(a);
    ear_connect(b, true, false, 0, NULL);
    for (int i = 0; i < FEW; i++)
        publish_number(b, topic, i, 1 + i % 2);
    ear_connect(a, false, true, 0, NULL);
    if (!five) /* of MQTT 5 this library does not say it; the messages do */
        equal(a->present, 1, "session present");
    equal(ear_wait(a, FEW), FEW, "messages");
    in_order(a, 1, 0, 2, FEW / 2);
    in_order(a, 2, 1, 2, FEW / 2);
    ear_end(a);
    ear_connect(a, true, false, 0, NULL); /* forgotten */
    ear_end(a);
    ear_end(b);
}

static void
retained(void)
{
    struct ear *a = ear_new("a"), *b = ear_new("b"), *c = ear_new("c");
    ear_connect(b, true, false, 0, NULL);
    publish(b, topic, "kept", 2, true);
    ear_connect(a, true, false, 0, NULL);
    ear_subscribe(a, topic);
    equal(ear_wait(a, 1), 1, "retained messages");
    equal(a->heard[0].retained && strcmp(a->heard[0].text, "kept") == 0, 1, "the retained message");
    publish(b, topic, "", 1, true);
    ear_connect(c, true, false, 0, NULL);
    ear_subscribe(c, topic);
    equal(ear_wait(c, 0), 0, "retained messages after an empty one");
    ear_end(a);
    ear_end(b);
    ear_end(c);
}

static void
will(void)
{
    struct ear *a = ear_new("a");
    ear_connect(a, true, false, 0, NULL);
    ear_subscribe(a, topic);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "paho", host, port, ca, cert, key, web ? "1" : "0",
              five ? "5" : "4", ident, topic, "vanish", (char *)NULL);
        _exit(1);
    }
    equal(ear_wait(a, 1), 1, "wills");
    equal(strcmp(a->heard[0].text, "gone"), 0, "the will");
    int status;
    waitpid(child, &status, 0);
    ear_end(a);
}

static void
vanish(void)
{
    ear_connect(ear_new("b"), true, false, 0, topic);
    _exit(0);
}

static void
shared(void)
{
    struct ear *e[2] = {ear_new("0"), ear_new("1")}, *b = ear_new("b");
    char name[300];
    bool seen[FEW] = {false};
    snprintf(name, sizeof(name), "$share/g/%s", topic);
    ear_connect(b, true, false, 0, NULL);
    for (int i = 0; i < 2; i++) {
        ear_connect(e[i], true, false, 0, NULL);
        ear_subscribe(e[i], name);
    }
    for (int i = 0; i < FEW; i++)
        publish_number(b, topic, i, 1);
    for (int i = 0; i < 2; i++) {
        equal(ear_wait(e[i], 1) > 0, 1, "a member hears something");
        for (int k = 0; k < e[i]->count; k++) {
            equal(seen[e[i]->heard[k].number], 0, "a message twice");
            seen[e[i]->heard[k].number] = true;
        }
    }
    equal(e[0]->count + e[1]->count, FEW, "messages of both");
    ear_end(e[0]);
    ear_end(e[1]);
    ear_end(b);
}

static void
flow(void)
{
    struct ear *a = ear_new("a"), *b = ear_new("b");
    ear_connect(a, true, false, 2, NULL);
    ear_connect(b, true, false, 0, NULL);
    ear_subscribe(a, topic);
    for (int i = 0; i < FEW; i++)
        publish_number(b, topic, i, 2);
    equal(ear_wait(a, FEW), FEW, "messages");
    in_order(a, 2, 0, 1, FEW);
    ear_end(a);
    ear_end(b);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {{"exchange", exchange}, {"survive", survive}, {"retained", retained},
                     {"will", will},         {"vanish", vanish},   {"shared", shared},
                     {"flow", flow}};
    MQTTClient_init_options init = MQTTClient_init_options_initializer;
    if (argc != 11)
        return 2;
    host = argv[1], port = argv[2], ca = argv[3], cert = argv[4], key = argv[5];
    web = atoi(argv[6]), five = atoi(argv[7]) == 5, ident = argv[8], topic = argv[9];
    init.do_openssl_init = 1;
    MQTTClient_global_init(&init);
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (strcmp(scenarios[i].name, argv[10]) == 0) {
            scenarios[i].run();
            puts("ok");
            return 0;
        }
    }
    return 2;
}
