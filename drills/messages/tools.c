/*
 * tools.c -- somebody at the supervisor's own socket: it answers what the table knows, and nothing
 * that they say changes a process.
 */
#include "drills/messages/play.h"

#include "programs/supervisor/tools.c"

extern const struct field_row supervisor_rows[];
static struct supervisor city;
static struct charter charter;
static struct clock_fake clock_now = {1000000, 1790000000LL * 1000000};
static struct channel ledger, tool;
static struct tool *t;
static uint64_t rows, ends, events;

static void
begin_tool(void)
{
    int fds[2];
    if (t->open) {
        loop_unwatch(city.loop, &t->watch);
        channel_fini(&t->channel);
        channel_fini(&tool);
    }
    CHECK_OK(channel_pair(fds));
    *t = (struct tool){.supervisor = &city, .open = true};
    channel_init(&t->channel, fds[0]);
    t->watch = (struct watch){.fd = fds[0], .fn = on_tool, .ctx = t};
    CHECK_OK(loop_watch(city.loop, &t->watch, LOOP_READ));
    channel_init(&tool, fds[1]);
}

static void
start(void)
{
    int fds[2];
    city.clock = clock_fake_source(&clock_now);
    city.plan.charter = &charter;
    CHECK_OK(loop_new(&city.loop));
    snprintf(charter.city, sizeof(charter.city), "test");
    CHECK_OK(channel_pair(fds));
    channel_init(&city.ledger, fds[0]);
    channel_init(&ledger, fds[1]);
    city.plan.processes_count = 3;
    for (size_t i = 0; i < 3; i++) {
        city.plan.processes[i] = (struct plan_process){.zone = -1, .conduit = -1};
        snprintf(city.plan.processes[i].name, sizeof(city.plan.processes[i].name), "p%zu", i);
        city.processes[i] = (struct process){
            .supervisor = &city, .index = i, .state = STATE_UP, .pid = 4000000 + (int)i};
    }
    t = &city.tools[0];
    begin_tool();
}

static enum err
tool_hears(void *ctx, uint16_t id, struct bytes body)
{
    struct status_row row;
    struct status_end end;
    struct event_recorded event;
    (void)ctx, (void)body;
    if (id == status_row_id) {
        HOLDS(status_row_decode(body, &row) == OK);
        rows++;
    } else if (id == status_end_id) {
        HOLDS(status_end_decode(body, &end) == OK);
        ends++;
        HOLDS(rows == 3 * ends);
        play.effects++;
    } else if (id == event_recorded_id) {
        HOLDS(event_recorded_decode(body, &event) == OK && !event.durable);
    }
    return OK;
}

static enum err
ledger_hears(void *ctx, uint16_t id, struct bytes body)
{
    struct record m;
    (void)ctx;
    HOLDS(id == record_id && record_decode(body, &m) == OK);
    HOLDS(m.entry.len <= 8192);
    events++;
    return OK;
}

static bool
fill(struct maker *m, const char *message, const char *field, struct value *out)
{
    static const char *const texts[] = {"{\"event\":\"x\"}",
                                        "{",
                                        "bikes",
                                        "p1",
                                        "",
                                        "water",
                                        "{\"event\":\"restart\",\"process\":\"p1\"}"};
    (void)message, (void)field;
    out->bytes = maker_word(m, texts, ARRAY_COUNT(texts));
    out->number = maker_random(m, 4);
    return true;
}

static void
step(void)
{
    static struct buf packet;
    if (packet.max == 0)
        buf_init(&packet, CHANNEL_PACKET_MAX);
    if (maker_chance(&play.maker, 30)) {
        maker_packet(&play.maker, &packet);
        if (packet.len && write(tool.fd, packet.p, packet.len) == (ssize_t)packet.len)
            play_count(channel_receive(&t->channel, on_frame, t));
    } else {
        const struct frame *f = maker_next(&play.maker);
        struct bytes exact = test_exact(buf_bytes(&f->body));
        enum err e = on_frame(t, f->id, exact);
        test_exact_free(exact);
        play_count(e);
    }
    HOLDS(t->open);
    enum err e = channel_flush(&t->channel);
    HOLDS(e == OK || e == ERR_AGAIN);
    while (channel_receive(&tool, tool_hears, NULL) == OK)
        continue;
    while (channel_receive(&ledger, ledger_hears, NULL) == OK)
        continue;
    for (size_t i = 0; i < 3; i++)
        HOLDS(city.processes[i].state == STATE_UP && city.processes[i].restarts == 0 &&
              city.processes[i].pid == 4000000 + (int)i);
    HOLDS(!city.stopping && city.events_count <= SUPERVISOR_EVENTS_MAX);
    if (maker_chance(&play.maker, 5))
        city.events_count = 0; /* the ledger never answered; they were given up */
}

static void
stop(void)
{
    HOLDS(ends > 0 && events > 0);
    channel_fini(&t->channel);
    channel_fini(&tool);
    channel_fini(&city.ledger);
    channel_fini(&ledger);
}

const struct receiver receiver_this = {
    "tools", "a tool", supervisor_rows, 0x0601, 0x067f, fill, start, step, stop};
