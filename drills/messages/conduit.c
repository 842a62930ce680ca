/*
 * conduit.c -- a breached core at the entrance of a conduit: only zone_count passes, within the
 * rate and above the group, encoded anew; nothing comes back.
 */
#include "drills/messages/play.h"

#define main conduit_program
int conduit_program(void);
#include "programs/conduit/conduit_main.c"
#undef main

#include <unistd.h>

enum { RATE_PER_HOUR = 3600, GROUP_MIN = 10 };

extern const struct field_row conduit_rows[];
static struct conduit conduit;
static struct start given;
static struct clock_fake clock_now = {1000000, 1790000000LL * 1000000};
static struct channel core, other; /* our ends: the breached core's, and the far core's */
static uint64_t begun_ms, passed;

static bool
fill(struct maker *m, const char *message, const char *field, struct value *out)
{
    static const char *const areas[] = {"cell-15021-10342", "cell-15022-10342", "cell-15021-10343",
                                        "cell-99999-99999", "cell-0-0",         "Main Street 4"};
    (void)message;
    if (strcmp(field, "area") == 0)
        out->bytes = maker_word(m, areas, ARRAY_COUNT(areas));
    else if (strcmp(field, "count") == 0)
        out->number = maker_random(m, 40);
    else if (strcmp(field, "window_start_s") == 0)
        out->number = (uint64_t)(clock_now.wall_us / 60000000) * 60 - 60 * maker_random(m, 5);
    else
        out->number = maker_chance(m, 90) ? 60 : maker_random(m, 6000);
    return true;
}

static void
start(void)
{
    int from[2], to[2], ledger[2];
    CHECK_OK(channel_pair(from));
    CHECK_OK(channel_pair(to));
    CHECK_OK(channel_pair(ledger));
    given.conduits[0] = (struct start_conduit){.name = "bike-counts",
                                               .from = "bikes",
                                               .to = "signals",
                                               .carries = "zone-count",
                                               .group_min = GROUP_MIN,
                                               .rate_per_hour = RATE_PER_HOUR};
    given.conduits_count = 1;
    conduit.start = &given;
    conduit.clock = clock_fake_source(&clock_now);
    begun_ms = clock_now.mono_ms;
    valve_init(&conduit.valve, &given.conduits[0], begun_ms);
    channel_init(&conduit.from, from[0]);
    channel_init(&conduit.to, to[0]);
    channel_init(&core, from[1]);
    channel_init(&other, to[1]);
    close(ledger[0]);
    close(ledger[1]);
}

/* What the far core hears. */
static enum err
far_core(void *ctx, uint16_t id, struct bytes body)
{
    struct zone_count m;
    struct area area;
    (void)ctx;
    HOLDS(id == zone_count_id);
    HOLDS(zone_count_decode(body, &m) == OK);
    HOLDS(m.count >= GROUP_MIN);
    HOLDS(m.count == valve_step(m.count, GROUP_MIN));
    HOLDS(m.window_s == VALVE_WINDOW_S && m.window_start_s % VALVE_WINDOW_S == 0);
    HOLDS(coarsen_area_read(m.area, &area) == OK);
    passed++;
    play.effects++;
    HOLDS(passed <= 2 + (clock_now.mono_ms - begun_ms) * RATE_PER_HOUR / 3600000);
    return OK;
}

/* What is let in to wait for its tick is a count of the declared kind, and of enough people. */
static enum err
watched_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct zone_count m;
    struct area area;
    struct valve before = conduit.valve;
    enum err e = on_frame(ctx, id, body);
    const struct valve *now = &conduit.valve;
    if (now->credit_mms == before.credit_mms && now->waiting == before.waiting)
        return e;
    if (!now->waiting ||
        (before.waiting && now->due_ms == before.due_ms && now->credit_mms > before.credit_mms))
        return e; /* only time went by */
    HOLDS(e == OK && id == zone_count_id && zone_count_decode(body, &m) == OK);
    HOLDS(m.count >= GROUP_MIN && m.count <= 1000000);
    HOLDS(coarsen_area_read(m.area, &area) == OK && area.row == now->area.row &&
          area.column == now->area.column);
    return e;
}

static void
step(void)
{
    static struct buf packet;
    uint64_t before[VALVE_VERDICTS];
    if (packet.max == 0)
        buf_init(&packet, CHANNEL_PACKET_MAX);
    maker_packet(&play.maker, &packet);
    memcpy(before, conduit.counts, sizeof(before));
    if (packet.len && write(core.fd, packet.p, packet.len) == (ssize_t)packet.len) {
        enum err e = channel_receive(&conduit.from, watched_frame, &conduit);
        HOLDS(e == OK || e == ERR_MALFORMED);
        play_count(e);
    }
    HOLDS(conduit.counts[VALVE_PASS] == before[VALVE_PASS]); /* only a tick lets out */
    clock_now.mono_ms += maker_random(&play.maker, 1500);
    clock_now.wall_us += (int64_t)maker_random(&play.maker, 3000) * 1000;
    (void)release(&conduit);
    CHECK_OK(channel_flush(&conduit.to));
    while (channel_receive(&other, far_core, NULL) == OK)
        continue;
    HOLDS(passed == conduit.counts[VALVE_PASS]);
    uint8_t byte;
    HOLDS(read(core.fd, &byte, 1) < 0); /* nothing backwards */
}

static void
stop(void)
{
    channel_fini(&core);
    channel_fini(&other);
    channel_fini(&conduit.from);
    channel_fini(&conduit.to);
    HOLDS(passed > 0);
}

const struct receiver receiver_this = {"conduit", "core", conduit_rows, 0x0501, 0x057f,
                                       fill,      start,  step,         stop};
