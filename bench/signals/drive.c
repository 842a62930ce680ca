#include "bench/signals/drive.h"

#include <time.h>

#include "services/signals/book.h"

enum { TEXT_MAX = 256 * 1024, MS_PER_S = 1000, US_PER_S = 1000000 };

struct junction {
    bool alone;      /* it stays under its own programme: nothing below is used */
    uint32_t number; /* of the control */
    struct signals_model model;
    struct signals_reading reading;
    struct executor executor;
    uint32_t stop[SIGNALS_LANES_MAX], advance[SIGNALS_LOOPS_MAX]; /* in all */
    uint32_t phase;                                               /* that was green last */
    struct book book;
};
struct driven {
    const struct drive_config *config;
    struct world *world;
    struct control *control;
    struct said *said; /* NULL: nobody asks */
    struct junction *junctions;
    uint32_t count;
    double begin_s;
    struct buf text;
    uint64_t decisions[DRIVE_DECISION_MAX_US + 1]; /* by microseconds */
    struct drive_result result;
};

static uint64_t
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* What an intersection says of itself, read as the city reads it. */
static enum err
introduce(struct driven *d, const struct site *site, struct junction *j)
{
    const struct executor_times *t = &d->config->times;
    if (executor_init(&j->executor, site, t) != OK)
        return ERR_DENIED;
    j->phase = UINT32_MAX;
    book_init(&j->book);
    buf_reset(&d->text);
    buf_text(&d->text, "{\"properties\":");
    executor_put_properties(&j->executor, t, &d->text);
    buf_text(&d->text, "}");
    enum err e = buf_error(&d->text);
    if (e == OK)
        e = signals_model_read(buf_bytes(&d->text), &j->model);
    if (e == OK)
        e = control_add(d->control, &j->model, &j->number);
    return e;
}

static bool
begin(struct driven *d, char *why)
{
    const struct drive_config *c = d->config;
    struct control_options options = {.method = c->method, .loops_only = c->loops_only};
    if (world_open(&c->world, &d->world, why) != OK)
        return false;
    const struct site *sites = world_sites(d->world, &d->count);
    d->result.junctions = d->count;
    d->result.left = *world_left(d->world);
    d->begin_s = world_time_s(d->world);
    if (c->drill && c->drill->options)
        c->drill->options(&options);
    d->control = control_new(d->count ? d->count : 1, &options);
    d->junctions = calloc(d->count ? d->count : 1, sizeof(*d->junctions));
    ASSERT(d->control && d->junctions);
    if (c->forecast)
        d->said = said_new(d->count);
    for (uint32_t i = 0; i < d->count; i++) {
        struct junction *j = &d->junctions[i];
        enum err e = introduce(d, &sites[i], j);
        j->alone = e != OK;
        if (j->alone)
            site_leave(&d->result.left, sites[i].id,
                       e == ERR_DENIED ? j->executor.why : err_text(e));
        d->result.junctions -= j->alone;
    }
    return true;
}

static void
show(struct driven *d, uint32_t i, int64_t now_us)
{
    struct junction *j = &d->junctions[i];
    struct executor *x = &j->executor;
    const struct site_counts *counts = world_counts(d->world, i);
    bool changed = false;
    if (j->alone)
        return;
    if (x->mode == EXECUTOR_NATIVE)
        changed = executor_take_over(x, world_shown(d->world, i));
    else
        changed =
            executor_step(x, counts->standing, world_loops(d->world, i), &counts->inside, now_us);
    if (changed)
        world_show(d->world, i, bytes_text(x->shown));
    if (x->mode == EXECUTOR_GREEN && j->phase != x->phase) {
        d->result.changes += j->phase != UINT32_MAX;
        j->phase = x->phase;
    }
}

static enum err
hear(struct driven *d, uint32_t i, const struct drill_at *at, uint64_t now_ms)
{
    struct junction *j = &d->junctions[i];
    const struct drill *drill = d->config->drill;
    struct site_lights lights = executor_lights(&j->executor);
    buf_reset(&d->text);
    world_put_reading(d->world, i, &lights, &d->text);
    enum err e = buf_error(&d->text);
    if (e == OK)
        e = signals_reading_read(buf_bytes(&d->text), &j->model, &j->reading);
    if (e != OK)
        return e;
    for (uint32_t l = 0; l < j->model.lanes_count; l++)
        j->stop[l] += j->reading.stop[l];
    for (uint32_t k = 0; k < j->model.loops_count; k++)
        j->advance[k] += j->reading.advance[k];
    if (drill && drill->reading && !drill->reading(at, &j->reading))
        return OK;
    if (drill && drill->heard_ms)
        now_ms = drill->heard_ms(at, now_ms);
    control_hear(d->control, j->number, &j->reading, now_ms);
    return OK;
}

static enum err
wish(struct driven *d, uint32_t i, const struct drill_at *at, uint64_t now_ms)
{
    const struct drill *drill = d->config->drill;
    struct junction *j = &d->junctions[i];
    uint64_t before = now_ns();
    int32_t phase = control_wish(d->control, j->number, now_ms);
    uint64_t took_us = (now_ns() - before + 999) / 1000;
    d->decisions[took_us < DRIVE_DECISION_MAX_US ? took_us : DRIVE_DECISION_MAX_US]++;
    if (d->said)
        said_second(d->said, i, &j->model, control_view(d->control, j->number), j->reading.phase,
                    j->reading.age_s, (uint32_t)(now_ms / MS_PER_S));
    if (drill && drill->wish && !drill->wish(at, &phase))
        return OK;
    const struct executor_times *t = &d->config->times;
    const struct book_rules rules = {
        .lease_ms = DRIVE_LEASE_S * MS_PER_S,
        .maximum_red_ms = t->maximum_red_s * MS_PER_S,
        .change_ms = (t->minimum_green_s + t->yellow_s + t->all_red_s) * MS_PER_S};
    phase = book_ask(&j->book, &rules, phase, now_ms); /* as a city does */
    if (phase == NO_WISH)
        return OK;
    book_granted(&j->book, &rules, phase, rules.lease_ms, now_ms);
    int64_t until_us = (int64_t)(now_ms + DRIVE_LEASE_S * MS_PER_S) * 1000;
    enum err e = executor_lease(&j->executor, phase, until_us);
    return e == ERR_DENIED ? OK : e; /* the device doubts it */
}

/* One second of the street; then all readings are heard, then all wishes said. */
static enum err
second(struct driven *d)
{
    double time_s = world_time_s(d->world);
    for (uint32_t i = 0; i < d->count; i++)
        show(d, i, (int64_t)(time_s * US_PER_S));
    enum err e = world_step(d->world);
    uint64_t now_ms = (uint64_t)(world_time_s(d->world) * MS_PER_S);
    struct drill_at at = {.junctions_count = d->count,
                          .second = (uint64_t)(world_time_s(d->world) - d->begin_s),
                          .seed = d->config->seed};
    for (int say = 0; say < 2; say++) {
        for (uint32_t i = 0; i < d->count && e == OK; i++) {
            if (d->junctions[i].alone)
                continue;
            at.junction = i;
            at.model = &d->junctions[i].model;
            e = say ? wish(d, i, &at, now_ms) : hear(d, i, &at, now_ms);
        }
    }
    d->result.steps++;
    return e;
}

static uint32_t
decision_95(const struct driven *d)
{
    uint64_t all = 0, so_far = 0;
    for (uint32_t i = 0; i <= DRIVE_DECISION_MAX_US; i++)
        all += d->decisions[i];
    for (uint32_t i = 0; i <= DRIVE_DECISION_MAX_US; i++) {
        so_far += d->decisions[i];
        if (so_far * 100 >= all * 95)
            return i;
    }
    return 0;
}

/* A line a loop: where it lies (metres from the lane's start, or before its end), its vehicles. */
static void
put_counts(const struct driven *d, FILE *out)
{
    uint32_t count;
    const struct site *sites = world_sites(d->world, &count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t l = 0; l < sites[i].lanes_count; l++) {
            if (!sites[i].lane_walks[l])
                fprintf(out, "%s -0.1 %u\n", sites[i].lanes[l], (unsigned)d->junctions[i].stop[l]);
        }
        for (uint32_t k = 0; k < sites[i].loops_count; k++)
            fprintf(out, "%s %.2f %u\n", sites[i].loops[k].lane, sites[i].loops[k].position_m,
                    (unsigned)d->junctions[i].advance[k]);
    }
}

bool
drive(const struct drive_config *config, struct drive_result *out, char *why)
{
    struct driven *d = calloc(1, sizeof(*d));
    ASSERT(d);
    d->config = config;
    buf_init(&d->text, TEXT_MAX);
    uint64_t before = now_ns();
    bool good = begin(d, why);
    enum err e = OK;
    while (good && e == OK && world_time_s(d->world) < config->end_s)
        e = second(d);
    if (good && e == OK)
        e = world_stuck(d->world, &d->result.stuck);
    if (good && e != OK) {
        const char *said = world_why(d->world);
        snprintf(why, WORLD_WHY_SIZE, "%s", said[0] ? said : err_text(e));
    }
    if (good && config->counts)
        put_counts(d, config->counts);
    for (uint32_t i = 0; good && i < d->count; i++) {
        d->result.forced += d->junctions[i].executor.forced;
        d->result.doubts += d->junctions[i].executor.doubts;
        d->result.monitor_trips += d->junctions[i].executor.monitor.trips;
    }
    if (d->said)
        said_end(d->said, &d->result.said);
    said_free(d->said);
    world_close(d->world);
    d->result.wall_s = (double)(now_ns() - before) / 1e9;
    d->result.decision_95_us = decision_95(d);
    *out = d->result;
    control_free(d->control);
    free(d->junctions);
    buf_fini(&d->text);
    free(d);
    return good && e == OK;
}
