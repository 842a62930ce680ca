#include "field/sumo/world.h"
#include "field/sumo/network.h"
#include "field/sumo/process.h"
#include "field/sumo/traci.h"

struct world {
    struct sumo_process sumo;
    double now_s;
    struct site *sites;
    uint32_t sites_count, left_alone;
    struct traffic *traffic;
    char (*shown)[SITE_LETTERS_MAX + 1];
    struct buf next;     /* commands to send with the next step */
    uint32_t next_count; /* how many */
    struct buf fresh;    /* subscriptions for vehicles that just departed */
    uint32_t fresh_count;
};

static enum err
start(struct world *w, const struct world_config *c)
{
    const char *a[SUMO_ARGUMENTS_MAX];
    size_t n = 0;
    char begin[32], seed[32];
    a[n++] = "sumo";
    if (c->configuration) {
        a[n++] = "-c";
        a[n++] = c->configuration;
    } else {
        a[n++] = "-n";
        a[n++] = c->network;
        a[n++] = "-r";
        a[n++] = c->routes;
    }
    if (c->begin_s >= 0) {
        snprintf(begin, sizeof(begin), "%.0f", c->begin_s);
        a[n++] = "--begin";
        a[n++] = begin;
    }
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)c->seed);
    static const char *const always[] = {"--step-length",
                                         "1",
                                         "--time-to-teleport",
                                         "-1",
                                         "--no-warnings",
                                         "true",
                                         "--no-step-log",
                                         "true",
                                         "--duration-log.disable",
                                         "true",
                                         "--xml-validation",
                                         "never",
                                         "--xml-validation.net",
                                         "never",
                                         "--xml-validation.routes",
                                         "never",
                                         "--seed"};
    for (size_t i = 0; i < ARRAY_COUNT(always); i++)
        a[n++] = always[i];
    a[n++] = seed;
    if (c->tripinfo) {
        a[n++] = "--tripinfo-output";
        a[n++] = c->tripinfo;
        a[n++] = "--tripinfo-output.write-unfinished";
        a[n++] = "true";
        a[n++] = "--tripinfo-output.write-undeparted";
        a[n++] = "true";
    }
    ASSERT(n < SUMO_ARGUMENTS_MAX);
    a[n] = NULL;
    return sumo_start(&w->sumo, a);
}

/* Where *value stands: a list of names, handed out one by one. */
typedef enum err name_fn(struct world *w, struct bytes id);
static enum err
each_name(struct world *w, struct traci_reader *r, name_fn *each)
{
    uint32_t n = traci_typed_list(r);
    for (uint32_t i = 0; i < n && !r->bad; i++) {
        struct bytes id = traci_text(r);
        enum err e = r->bad ? ERR_MALFORMED : each(w, id);
        if (e != OK)
            return e;
    }
    return r->bad ? ERR_MALFORMED : OK;
}

static enum err
on_departed(struct world *w, struct bytes id)
{
    static const uint8_t variables[] = {VAR_LANE, VAR_LANE_POSITION, VAR_SPEED, VAR_TIME_LOSS};
    traci_put_subscribe(&w->fresh, TRACI_SUBSCRIBE_VEHICLE, id, variables, sizeof(variables));
    w->fresh_count++;
    return traffic_departed(w->traffic, id);
}

static enum err
on_pending(struct world *w, struct bytes id)
{
    return traffic_pending(w->traffic, id);
}

static enum err
on_arrived(struct world *w, struct bytes id)
{
    traffic_arrived(w->traffic, id);
    return OK;
}

static enum err
on_simulation(struct world *w, struct traci_reader *r, uint8_t variable)
{
    switch (variable) {
    case VAR_DEPARTED:
        return each_name(w, r, on_departed);
    case VAR_PENDING:
        return each_name(w, r, on_pending);
    case VAR_ARRIVED:
        return each_name(w, r, on_arrived);
    default:
        return ERR_MALFORMED;
    }
}

struct seen {
    struct bytes lane;
    double position_m, speed_m_s, time_loss_s;
};

static void
on_vehicle(struct traci_reader *r, uint8_t variable, struct seen *seen)
{
    if (variable == VAR_LANE)
        seen->lane = traci_typed_text(r);
    else if (variable == VAR_LANE_POSITION)
        seen->position_m = traci_typed_double(r);
    else if (variable == VAR_SPEED)
        seen->speed_m_s = traci_typed_double(r);
    else if (variable == VAR_TIME_LOSS)
        seen->time_loss_s = traci_typed_double(r);
    else
        r->bad = true;
}

static enum err
on_light(struct world *w, struct traci_reader *r, struct bytes id)
{
    struct bytes state = traci_typed_text(r);
    for (uint32_t i = 0; i < w->sites_count && !r->bad; i++) {
        if (bytes_are(id, w->sites[i].id))
            return bytes_copy_text(state, w->shown[i], sizeof(w->shown[i]));
    }
    return ERR_MALFORMED;
}

/* One answer of a subscription: an object and its variables. */
static enum err
on_result(struct world *w, uint8_t command, struct bytes content)
{
    struct traci_reader r = {content, false};
    struct bytes id = traci_text(&r);
    struct seen seen = {0};
    uint8_t count = traci_u8(&r);
    enum err e = OK;
    for (uint8_t i = 0; i < count && e == OK; i++) {
        uint8_t variable = traci_u8(&r);
        if (traci_u8(&r) != 0)
            return ERR_MALFORMED;
        if (command == TRACI_SUBSCRIBE_SIMULATION)
            e = on_simulation(w, &r, variable);
        else if (command == TRACI_SUBSCRIBE_LIGHT)
            e = on_light(w, &r, id);
        else if (command == TRACI_SUBSCRIBE_VEHICLE)
            on_vehicle(&r, variable, &seen);
        else
            return ERR_MALFORMED;
        if (r.bad)
            return ERR_MALFORMED;
    }
    if (e == OK && command == TRACI_SUBSCRIBE_VEHICLE)
        e = traffic_moved(w->traffic, id, seen.lane, seen.position_m, seen.speed_m_s,
                          seen.time_loss_s);
    return e;
}

/* `count` statuses that must all be good; with `results`, each is followed by one result. */
static enum err
take_answers(struct world *w, struct bytes *answer, uint32_t count, bool results)
{
    uint8_t id;
    struct bytes content, why = {0};
    for (uint32_t i = 0; i < count; i++) {
        enum err e = traci_next(answer, &id, &content);
        if (e == OK)
            e = traci_status(content, &why);
        if (e == ERR_DENIED)
            snprintf(w->sumo.why, sizeof(w->sumo.why), "sumo refused: %.*s",
                     (int)(why.len < 200 ? why.len : 200), (const char *)why.p);
        if (e == OK && results)
            e = traci_next(answer, &id, &content);
        if (e == OK && results)
            e = on_result(w, (uint8_t)(id - TRACI_ANSWER), content);
        if (e != OK)
            return e == ERR_NOT_FOUND ? ERR_MALFORMED : e;
    }
    return OK;
}

/* Vehicles that departed in this second: from now on SUMO tells where they are. */
static enum err
subscribe_fresh(struct world *w)
{
    struct bytes answer;
    if (w->fresh_count == 0)
        return OK;
    uint32_t count = w->fresh_count;
    traci_begin(&w->sumo.out);
    buf_put(&w->sumo.out, buf_bytes(&w->fresh));
    buf_reset(&w->fresh);
    w->fresh_count = 0;
    enum err e = sumo_ask(&w->sumo, &answer);
    return e == OK ? take_answers(w, &answer, count, true) : e;
}

static enum err
read_time(struct world *w)
{
    struct bytes value;
    enum err e = network_get(&w->sumo, TRACI_GET_SIMULATION, VAR_TIME, bytes_text(""), &value);
    if (e != OK)
        return e;
    struct traci_reader r = {value, false};
    w->now_s = traci_typed_double(&r);
    return r.bad ? ERR_MALFORMED : OK;
}

/* What is told after every step from now on. */
static enum err
subscribe(struct world *w)
{
    static const uint8_t simulation[] = {VAR_PENDING, VAR_DEPARTED, VAR_ARRIVED};
    static const uint8_t light[] = {VAR_LIGHT_STATE};
    struct bytes answer;
    traffic_begin(w->traffic, w->now_s);
    traci_begin(&w->sumo.out);
    traci_put_subscribe(&w->sumo.out, TRACI_SUBSCRIBE_SIMULATION, bytes_text(""), simulation,
                        sizeof(simulation));
    for (uint32_t i = 0; i < w->sites_count; i++)
        traci_put_subscribe(&w->sumo.out, TRACI_SUBSCRIBE_LIGHT, bytes_text(w->sites[i].id), light,
                            sizeof(light));
    enum err e = sumo_ask(&w->sumo, &answer);
    if (e == OK)
        e = take_answers(w, &answer, 1 + w->sites_count, true);
    return e == OK ? subscribe_fresh(w) : e;
}

static enum err
open_world(struct world *w, const struct world_config *c)
{
    enum err e = start(w, c);
    if (e == OK)
        e = network_read(&w->sumo, w->sites, TRAFFIC_SITES_MAX, &w->sites_count, &w->left_alone);
    if (e == OK)
        e = read_time(w);
    if (e != OK)
        return e;
    w->traffic = traffic_new(w->sites, w->sites_count);
    return w->traffic ? subscribe(w) : ERR_LIMIT;
}

enum err
world_open(const struct world_config *config, struct world **out, char *why)
{
    struct world *w = calloc(1, sizeof(*w));
    ASSERT(w);
    w->sites = calloc(TRAFFIC_SITES_MAX, sizeof(*w->sites));
    w->shown = calloc(TRAFFIC_SITES_MAX, sizeof(*w->shown));
    ASSERT(w->sites && w->shown);
    w->sumo.fd = -1;
    buf_init(&w->next, TRACI_MESSAGE_MAX / 2);
    buf_init(&w->fresh, TRACI_MESSAGE_MAX / 2);
    enum err e = open_world(w, config);
    if (e != OK) {
        const char *said = w->sumo.why[0] ? w->sumo.why : err_text(e);
        if (e == ERR_CLOSED)
            said = "sumo ended while it read the scenario: is every file there?";
        snprintf(why, WORLD_WHY_SIZE, "%s", said);
        world_close(w);
        return e == ERR_CLOSED ? ERR_IO : e;
    }
    *out = w;
    return OK;
}

enum err
world_step(struct world *w)
{
    struct bytes answer;
    uint32_t before = w->next_count;
    traci_begin(&w->sumo.out);
    buf_put(&w->sumo.out, buf_bytes(&w->next));
    traci_put_step(&w->sumo.out);
    buf_reset(&w->next);
    w->next_count = 0;
    enum err e = sumo_ask(&w->sumo, &answer);
    if (e == OK)
        e = take_answers(w, &answer, before + 1, false);
    if (e != OK)
        return e;
    w->now_s += 1;
    traffic_begin(w->traffic, w->now_s);
    struct traci_reader r = {answer, false};
    uint32_t count = traci_u32(&r);
    answer = r.rest;
    for (uint32_t i = 0; i < count && e == OK; i++) {
        uint8_t id;
        struct bytes content;
        e = traci_next(&answer, &id, &content);
        if (e == OK)
            e = on_result(w, (uint8_t)(id - TRACI_ANSWER), content);
    }
    if (e != OK || r.bad)
        return e == OK || e == ERR_NOT_FOUND ? ERR_MALFORMED : e;
    return subscribe_fresh(w);
}

double
world_time_s(const struct world *w)
{
    return w->now_s;
}

const struct site *
world_sites(const struct world *w, uint32_t *out_count)
{
    *out_count = w->sites_count;
    return w->sites;
}

uint32_t
world_left_alone(const struct world *w)
{
    return w->left_alone;
}

const struct site_counts *
world_counts(const struct world *w, uint32_t site)
{
    return traffic_counts(w->traffic, site);
}

struct bytes
world_shown(const struct world *w, uint32_t site)
{
    ASSERT(site < w->sites_count);
    return bytes_text(w->shown[site]);
}

void
world_show(struct world *w, uint32_t site, struct bytes state)
{
    ASSERT(site < w->sites_count && site_may_show(&w->sites[site], state));
    traci_put_light(&w->next, bytes_text(w->sites[site].id), state);
    w->next_count++;
}

void
world_totals(const struct world *w, struct traffic_totals *out)
{
    traffic_totals(w->traffic, out);
}

void
world_mark(struct world *w)
{
    traffic_mark(w->traffic);
}

const char *
world_why(const struct world *w)
{
    return w->sumo.why;
}

void
world_close(struct world *w)
{
    if (!w)
        return;
    sumo_end(&w->sumo);
    traffic_free(w->traffic);
    buf_fini(&w->next);
    buf_fini(&w->fresh);
    free(w->sites);
    free(w->shown);
    free(w);
}

enum err
world_tripinfo(const char *file, struct tripinfo *out)
{
    FILE *f = fopen(file, "re");
    struct buf b;
    if (!f)
        return ERR_IO;
    buf_init(&b, TRIPINFO_BYTES_MAX);
    for (;;) {
        uint8_t *room = buf_room(&b, 65536);
        size_t n = room ? fread(room, 1, 65536, f) : 0;
        if (n == 0)
            break;
        buf_filled(&b, n);
    }
    enum err e = ferror(f) ? ERR_IO : buf_error(&b);
    fclose(f);
    if (e == OK)
        e = tripinfo_read(buf_bytes(&b), out);
    buf_fini(&b);
    return e;
}
