#include "base/text.h"
#include "field/common/device.h"
#include "field/common/status.h"
#include "field/water/tank.h"

enum {
    TANKS_MAX = 32,
    STEP_MS = 1000,
    STEP_MINUTES = 1,
    STREAM_LEVEL = 0,
    STREAM_FLOW,
    STREAM_PUMP,
};

static const struct field_stream streams[] = {
    {"level", "water above the tank's floor", "water-level", FIELD_MEASUREMENT, "metre", "m"},
    {"flow", "what the town draws", "water-level", FIELD_MEASUREMENT, "litre per second", "L/s"},
    {"pump", "whether the pump runs", "water-level", FIELD_TRUTH, NULL, NULL},
};

struct water {
    struct field_options options;
    uint64_t tanks_count;
    struct field *field;
    struct random_seeded seeded;
    struct tank tank[TANKS_MAX];
    char name[TANKS_MAX][TEXT_NAME_MAX + 1];
    uint32_t device[TANKS_MAX];
    uint64_t minute;
};

static void
on_status(void *ctx, struct buf *lines)
{
    const struct water *p = ctx;
    uint32_t running = 0;
    for (uint64_t i = 0; i < p->tanks_count; i++)
        running += p->tank[i].pump ? 1 : 0;
    status_put(lines, "tanks", "%llu", (unsigned long long)p->tanks_count);
    status_put(lines, "pumps_running", "%u", running);
}

/* Three decimals: a float measures no better. */
static double
rounded(double v)
{
    return (double)(int64_t)(v * 1000 + 0.5) / 1000;
}

static void
publish(struct water *p, uint32_t i, int64_t wall_us)
{
    const struct tank *t = &p->tank[i];
    struct field *f = p->field;
    uint32_t d = p->device[i];
    if (!field_ready(f, d))
        return;
    enum err e = field_publish_number(f, d, STREAM_LEVEL, wall_us, rounded(t->level_m));
    if (e == OK)
        e = field_publish_number(f, d, STREAM_FLOW, wall_us, rounded(t->flow_l_s));
    if (e == OK)
        e = field_publish(f, d, STREAM_PUMP, wall_us, bytes_text(t->pump ? "true" : "false"));
    if (e != OK && e != ERR_LIMIT) /* the limit is counted as dropped */
        fprintf(stderr, "event=not-published device=%s why=\"%s\"\n", p->name[i], err_text(e));
}

static bool
set_up(struct water *p)
{
    const struct field_calls calls = {.ctx = p, .status = on_status};
    p->field = field_new(&p->options, &calls);
    if (!p->field)
        return false;
    p->seeded.state = p->options.seed;
    p->minute = 6 * 60;
    for (uint32_t i = 0; i < p->tanks_count; i++) {
        tank_init(&p->tank[i], random_seeded_source(&p->seeded));
        snprintf(p->name[i], sizeof(p->name[i]), "tank-%u", i + 1);
        struct field_thing thing = {.device = p->name[i],
                                    .description = "a tank and its pump",
                                    .longitude = -75.72 + 0.01 * i,
                                    .latitude = 45.39,
                                    .streams = streams,
                                    .streams_count = ARRAY_COUNT(streams)};
        if (field_add(p->field, &thing, &p->device[i]) != OK)
            return false;
    }
    return true;
}

static void
step(struct water *p)
{
    int64_t wall_us = field_wall_us(p->field);
    p->minute += STEP_MINUTES;
    for (uint32_t i = 0; i < p->tanks_count; i++) {
        tank_step(&p->tank[i], (uint32_t)(p->minute % 1440), STEP_MINUTES);
        publish(p, i, wall_us);
    }
}

int
main(int argc, char **argv)
{
    static struct water p;
    p.options = (struct field_options){
        .program = "water",
        .summary = "tanks and pumps, as devices of a protected zone: readings only",
        .example = "water --devices D --mqtts 127.0.0.1:8887 --https 127.0.0.1:8447 --tanks 3",
        .seed = 1};
    p.tanks_count = 3;
    const struct field_option more[] = {
        {"--tanks", "N", OPTION_NUMBER, &p.tanks_count, TANKS_MAX, "tanks, tank-1 to tank-N"},
    };
    int code = 0;
    if (!field_options_parse(&p.options, more, ARRAY_COUNT(more), argc, argv, &code))
        return code;
    if (p.options.data || p.tanks_count == 0) {
        fprintf(stderr, "water: %s\n",
                p.options.data ? "reads no files; --data is for homes, bikes and sumo"
                               : "--tanks is at least 1");
        return 2;
    }
    if (!set_up(&p))
        return 3;
    uint64_t next_ms = 0, now_ms;
    do {
        now_ms = field_mono_ms(p.field);
        if (now_ms >= next_ms) {
            step(&p);
            next_ms = now_ms + STEP_MS;
        }
    } while (field_turn(p.field, (uint32_t)(next_ms - now_ms)));
    field_end(p.field);
    field_free(p.field);
    return 0;
}
