/* conduit.c -- what two breached cores can say through the one conduit between them. */
#include "drills/stories/moves/move.h"

#include "base/text.h"

#include <time.h>

static int64_t
last_minute_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec / 60 * 60 - 60;
}

/* The conduit that begins in this zone, by name or the first. */
static bool
outgoing(const char *name, struct channel *out)
{
    const struct start *start = program_given();
    for (size_t i = 0; i < start->conduits_count; i++)
        if (strcmp(start->conduits[i].from, start->zone) == 0 &&
            (!name || strcmp(start->conduits[i].name, name) == 0))
            return held_channel(FD_CONDUIT, start->conduits[i].name, out);
    return false;
}

int
send_count(const char *const targets[])
{
    struct channel c;
    long times = given_number(targets, "times", 1), sent = 0;
    bool wishes = strcmp(given(targets, "kind", "zone-count"), "wish") == 0;
    struct zone_count m = {.area = bytes_text(given(targets, "area", "cell-12000-9000")),
                           .count = (uint32_t)given_number(targets, "count", 20),
                           .window_start_s = last_minute_s(),
                           .window_s = (uint32_t)given_number(targets, "window", 60)};
    struct wish w = {.ref = 1,
                     .device = bytes_text("junction-a0"),
                     .command = bytes_text("phase-request"),
                     .asked_by = bytes_text("controller")};
    if (!outgoing(given(targets, "conduit", NULL), &c)) {
        note("it holds no conduit that leads out of its zone");
        return REFUSED;
    }
    for (long i = 0; i < times; i++)
        sent += wishes ? CHANNEL_SEND(&c, wish, &w) == OK : CHANNEL_SEND(&c, zone_count, &m) == OK;
    bool gone = channel_flush(&c) == OK;
    rest_ms((uint32_t)given_number(targets, "rest", 100));
    note("%ld messages went into the conduit", gone ? sent : 0);
    return gone ? REACHED : REFUSED;
}

/* ---- what arrives ---------------------------------------------------------------------------- */

struct arrivals {
    unsigned counts, others;
    char last[64];
    uint32_t last_count;
};

static enum err
on_arrival(void *ctx, uint16_t id, struct bytes body)
{
    struct arrivals *a = ctx;
    struct zone_count m;
    if (id != zone_count_id || zone_count_decode(body, &m) != OK) {
        a->others++;
        return OK;
    }
    a->counts++;
    a->last_count = m.count;
    snprintf(a->last, sizeof(a->last), "%.*s", BYTES_PRINTF(m.area));
    return OK;
}

int
hear_counts(const char *const targets[])
{
    const struct start *start = program_given();
    struct arrivals a = {0};
    uint64_t end = mono_ms() + (uint64_t)given_number(targets, "for", 1500);
    while (mono_ms() < end) {
        for (size_t i = 0; i < start->fds_count; i++) {
            struct channel c;
            if (start->fds[i].role != FD_CONDUIT || start->fds[i].fd < 0)
                continue;
            channel_init(&c, start->fds[i].fd);
            hear_now(&c, on_arrival, &a);
        }
        rest_ms(10);
    }
    note("%u counts arrived, %u other messages%s%s", a.counts, a.others, a.counts ? "; last: " : "",
         a.last);
    return a.counts || a.others ? REACHED : REFUSED;
}
