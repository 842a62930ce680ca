#include "field/sumo/world.h"
#include "field/sumo/network.h"
#include "field/sumo/process.h"
#include "field/sumo/scenario.h"
#include "field/sumo/stages.h"
#include "field/sumo/street.h"
#include "field/sumo/traci.h"

enum { STUCK_BATCH = 1000, RUN_STEPS = 60 };

struct world {
    struct sumo_process sumo;
    double now_s;
    struct site *sites;
    uint32_t sites_count;
    struct site_left left;
    struct traffic *traffic;
    char (*shown)[SITE_LETTERS_MAX + 1];
    struct buf next;     /* commands to send with the next step */
    uint32_t next_count; /* how many */
    struct buf fresh;    /* subscriptions for who just departed */
    uint32_t fresh_count;
    bool cameras, no_totals, walks;
};

static enum err
start(struct world *w, const struct world_config *c)
{
    const char *a[SUMO_ARGUMENTS_MAX];
    size_t n = 0;
    char begin[32], seed[32];
    a[n++] = "sumo";
    const char *const files[][2] = {{"-c", c->configuration},
                                    {"-n", c->network},
                                    {"-r", c->routes},
                                    {"--output-prefix", c->outputs}};
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        if (files[i][1]) {
            a[n++] = files[i][0];
            a[n++] = files[i][1];
        }
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
    for (const char *const *m = c->more; m && *m && n < SUMO_ARGUMENTS_MAX - 8; m++)
        a[n++] = *m;
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
    uint8_t variables[5] = {VAR_LANE, VAR_LANE_POSITION, VAR_SPEED}, count = 3;
    if (!w->no_totals)
        variables[count++] = VAR_TIME_LOSS;
    if (w->cameras)
        variables[count++] = VAR_NEXT_LIGHTS;
    traci_put_get(&w->fresh, TRACI_GET_VEHICLE, VAR_LENGTH, id);
    traci_put_subscribe(&w->fresh, TRACI_SUBSCRIBE_VEHICLE, id, variables, count);
    w->fresh_count += 2;
    return traffic_departed(w->traffic, id);
}

static enum err
on_departed_person(struct world *w, struct bytes id)
{
    static const uint8_t variables[] = {VAR_SPEED, VAR_NEXT_EDGE};
    traci_put_subscribe(&w->fresh, TRACI_SUBSCRIBE_PERSON, id, variables, sizeof(variables));
    w->fresh_count++;
    return OK;
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
    case VAR_DEPARTED_PERSONS:
        return each_name(w, r, on_departed_person);
    default:
        return ERR_MALFORMED;
    }
}

struct seen {
    struct bytes lane, next_edge;
    double position_m, speed_m_s, time_loss_s;
    struct bytes signal; /* the next one; p == NULL: none was told */
    uint32_t letter;
    double signal_m;
};

/* The signals on the way, the next one first. */
static void
on_next_lights(struct traci_reader *r, struct seen *seen)
{
    traci_typed_compound(r);
    int32_t count = traci_typed_integer(r);
    for (int32_t i = 0; i < count && !r->bad; i++) {
        struct bytes signal = traci_typed_text(r);
        int32_t letter = traci_typed_integer(r);
        double distance_m = traci_typed_double(r);
        traci_typed_byte(r);
        if (i == 0 && letter >= 0 && !r->bad) {
            seen->signal = signal;
            seen->letter = (uint32_t)letter;
            seen->signal_m = distance_m;
        }
    }
}

static void
on_variable(struct traci_reader *r, uint8_t variable, struct seen *seen)
{
    if (variable == VAR_LANE)
        seen->lane = traci_typed_text(r);
    else if (variable == VAR_LANE_POSITION)
        seen->position_m = traci_typed_double(r);
    else if (variable == VAR_SPEED)
        seen->speed_m_s = traci_typed_double(r);
    else if (variable == VAR_TIME_LOSS)
        seen->time_loss_s = traci_typed_double(r);
    else if (variable == VAR_NEXT_LIGHTS)
        on_next_lights(r, seen);
    else if (variable == VAR_NEXT_EDGE)
        seen->next_edge = traci_typed_text(r);
    else
        r->bad = true;
}

static enum err
on_seen(struct world *w, uint8_t command, struct bytes id, const struct seen *seen)
{
    if (command == TRACI_SUBSCRIBE_PERSON) {
        if (seen->speed_m_s < TRAFFIC_STANDING_M_S)
            traffic_waits(w->traffic, seen->next_edge);
        return OK;
    }
    if (seen->signal.p)
        loops_camera(traffic_loops(w->traffic), seen->signal, seen->lane, seen->letter,
                     seen->signal_m, seen->speed_m_s);
    else if (w->cameras)
        loops_camera_ends(traffic_loops(w->traffic), seen->lane, seen->position_m, seen->speed_m_s);
    return traffic_moved(w->traffic, id, seen->lane, seen->position_m, seen->speed_m_s,
                         seen->time_loss_s);
}

/* The answer to one get: a vehicle's length. */
static enum err
on_length(struct world *w, struct bytes content)
{
    struct traci_reader r = {content, false};
    uint8_t variable = traci_u8(&r);
    struct bytes id = traci_text(&r);
    double length_m = traci_typed_double(&r);
    if (r.bad || variable != VAR_LENGTH)
        return ERR_MALFORMED;
    traffic_measured(w->traffic, id, length_m);
    return OK;
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
    if (command == TRACI_GET_VEHICLE)
        return on_length(w, content);
    struct traci_reader r = {content, false};
    struct bytes id = traci_text(&r);
    struct seen seen = {0};
    uint8_t count = traci_u8(&r);
    bool moves = command == TRACI_SUBSCRIBE_VEHICLE || command == TRACI_SUBSCRIBE_PERSON;
    enum err e = OK;
    for (uint8_t i = 0; i < count && e == OK; i++) {
        uint8_t variable = traci_u8(&r);
        if (traci_u8(&r) != 0)
            return ERR_MALFORMED;
        if (command == TRACI_SUBSCRIBE_SIMULATION)
            e = on_simulation(w, &r, variable);
        else if (command == TRACI_SUBSCRIBE_LIGHT)
            e = on_light(w, &r, id);
        else if (moves)
            on_variable(&r, variable, &seen);
        else
            return ERR_MALFORMED;
        if (r.bad)
            return ERR_MALFORMED;
    }
    return e == OK && moves ? on_seen(w, command, id, &seen) : e;
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
    static const uint8_t simulation[] = {VAR_PENDING, VAR_DEPARTED, VAR_ARRIVED,
                                         VAR_DEPARTED_PERSONS};
    uint8_t variables = (uint8_t)(w->walks ? sizeof(simulation) : sizeof(simulation) - 1);
    static const uint8_t light[] = {VAR_LIGHT_STATE};
    struct bytes answer;
    traffic_begin(w->traffic, w->now_s);
    traci_begin(&w->sumo.out);
    traci_put_subscribe(&w->sumo.out, TRACI_SUBSCRIBE_SIMULATION, bytes_text(""), simulation,
                        variables);
    for (uint32_t i = 0; i < w->sites_count; i++)
        traci_put_subscribe(&w->sumo.out, TRACI_SUBSCRIBE_LIGHT, bytes_text(w->sites[i].id), light,
                            sizeof(light));
    enum err e = sumo_ask(&w->sumo, &answer);
    if (e == OK)
        e = take_answers(w, &answer, 1 + w->sites_count, true);
    return e == OK ? subscribe_fresh(w) : e;
}

/*
 * What SUMO does not tell stands in its file: who crosses whom, and where loops lie. A street of
 * which that is not known is not taken over.
 */
static enum err
read_street(struct world *w, const struct world_config *c)
{
    char network[SCENARIO_PATH_SIZE];
    struct street *street = NULL;
    struct buf text;
    enum err e = scenario_network(c->network ? NULL : c->configuration, c->network, network);
    if (e != OK)
        return e;
    buf_init(&text, STREET_BYTES_MAX);
    e = scenario_file(network, &text);
    if (e == OK)
        e = street_read(buf_bytes(&text), &street);
    if (e != OK)
        snprintf(w->sumo.why, sizeof(w->sumo.why), "the network cannot be read, %s: %.180s",
                 err_text(e), network);
    for (uint32_t i = 0; i < w->sites_count && e == OK; i++) {
        street_describe(street, &w->sites[i]);
        if (!c->programme_only)
            stages_add(&w->sites[i]);
    }
    street_free(street);
    buf_fini(&text);
    return e;
}

static bool
has_walks(const struct world *w)
{
    for (uint32_t i = 0; i < w->sites_count; i++) {
        for (uint32_t l = 0; l < w->sites[i].lanes_count; l++) {
            if (w->sites[i].lane_walks[l])
                return true;
        }
    }
    return false;
}

static enum err
open_world(struct world *w, const struct world_config *c)
{
    w->cameras = c->cameras;
    w->no_totals = c->no_totals;
    enum err e = start(w, c);
    if (e == OK)
        e = network_read(&w->sumo, w->sites, TRAFFIC_SITES_MAX, &w->sites_count, &w->left);
    if (e == OK)
        e = read_time(w);
    if (e != OK)
        return e;
    e = read_street(w, c);
    if (e != OK)
        return e;
    w->walks = has_walks(w);
    w->traffic = traffic_new(w->sites, w->sites_count);
    return w->traffic ? subscribe(w) : ERR_LIMIT;
}

static struct world *
new_world(void)
{
    struct world *w = calloc(1, sizeof(*w));
    ASSERT(w);
    w->sites = calloc(TRAFFIC_SITES_MAX, sizeof(*w->sites));
    w->shown = calloc(TRAFFIC_SITES_MAX, sizeof(*w->shown));
    ASSERT(w->sites && w->shown);
    w->sumo.fd = -1;
    buf_init(&w->next, TRACI_MESSAGE_MAX / 2);
    buf_init(&w->fresh, TRACI_MESSAGE_MAX / 2);
    return w;
}

enum err
world_open(const struct world_config *config, struct world **out, char *why)
{
    struct world *w = new_world();
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

const struct site_left *
world_left(const struct world *w)
{
    return &w->left;
}

const struct site_counts *
world_counts(const struct world *w, uint32_t site)
{
    return traffic_counts(w->traffic, site);
}

const struct loops_counts *
world_loops(const struct world *w, uint32_t site)
{
    return loops_counts(traffic_loops(w->traffic), site);
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
world_put_reading(const struct world *w, uint32_t site, const struct site_lights *lights,
                  struct buf *b)
{
    buf_text(b, "{");
    loops_put_reading(traffic_loops(w->traffic), site, lights, w->cameras, b);
    buf_text(b, "}");
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

/* Who has stood for long, by the answers to one batch of gets. */
static enum err
count_stuck(struct world *w, struct bytes ids, uint32_t count, uint64_t *out)
{
    struct traci_reader r = {ids, false};
    while (count > 0) {
        struct bytes answer, content, why;
        uint32_t batch = count < STUCK_BATCH ? count : STUCK_BATCH;
        uint8_t id;
        traci_begin(&w->sumo.out);
        for (uint32_t i = 0; i < batch; i++)
            traci_put_get(&w->sumo.out, TRACI_GET_VEHICLE, VAR_WAITING, traci_text(&r));
        enum err e = sumo_ask(&w->sumo, &answer);
        for (uint32_t i = 0; i < batch && e == OK; i++) {
            e = traci_next(&answer, &id, &content);
            if (e == OK)
                e = traci_status(content, &why);
            if (e == OK)
                e = traci_next(&answer, &id, &content);
            struct traci_reader one = {content, e != OK};
            traci_u8(&one);
            traci_text(&one);
            *out += traci_typed_double(&one) >= WORLD_STUCK_S;
        }
        if (e != OK)
            return e;
        count -= batch;
    }
    return OK;
}

enum err
world_stuck(struct world *w, uint64_t *out)
{
    struct bytes value;
    struct buf ids;
    uint64_t stuck = 0;
    enum err e = network_get(&w->sumo, TRACI_GET_VEHICLE, VAR_ID_LIST, bytes_text(""), &value);
    if (e != OK)
        return e;
    buf_init(&ids, TRACI_MESSAGE_MAX);
    buf_put(&ids, value); /* the answers to come overwrite it */
    struct traci_reader r = {buf_bytes(&ids), false};
    uint32_t count = traci_typed_list(&r);
    e = count_stuck(w, r.rest, count, &stuck);
    buf_fini(&ids);
    if (e == OK)
        *out = stuck;
    return e;
}

enum err
world_run(const struct world_config *config, double end_s, uint64_t *out_stuck, char *why)
{
    struct world *w = new_world();
    enum err e = start(w, config);
    if (e == OK)
        e = read_time(w);
    while (e == OK && w->now_s < end_s) {
        struct bytes answer;
        w->now_s = w->now_s + RUN_STEPS < end_s ? w->now_s + RUN_STEPS : end_s;
        traci_begin(&w->sumo.out);
        traci_put_steps_to(&w->sumo.out, w->now_s);
        e = sumo_ask(&w->sumo, &answer);
        if (e == OK)
            e = take_answers(w, &answer, 1, false);
    }
    if (e == OK)
        e = world_stuck(w, out_stuck);
    if (e != OK)
        snprintf(why, WORLD_WHY_SIZE, "%s", w->sumo.why[0] ? w->sumo.why : err_text(e));
    world_close(w);
    return e;
}

enum err
world_tripinfo(const char *file, struct tripinfo *out)
{
    struct buf b;
    buf_init(&b, TRIPINFO_BYTES_MAX);
    enum err e = scenario_file(file, &b);
    if (e == OK)
        e = tripinfo_read(buf_bytes(&b), NULL, out);
    buf_fini(&b);
    return e;
}
