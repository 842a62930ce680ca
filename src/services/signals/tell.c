#include "services/signals/tell.h"

#include "base/hash.h"
#include "base/text.h"

#include <cjson/cJSON.h>

enum {
    QUEUE_PAUSE_MS = 5000,
    WHY_PAUSE_MS = 1000,
    WHY_AGAIN_MS = 20000, /* the same reason with new figures */
    COSTS_OLD_MS = 15000, /* what older plans would have cost explains nothing */
    TRUST_PAUSE_MS = 10000,
    TRUST_STEP = 5, /* per cent: less is noise */
    RUNG_PAUSE_MS = 1000,
    REFUSALS_PAUSE_MS = 2000,
    GRANTS_AGAIN_MS = 60000,
    GREEN_PAUSE_MS = 4000, /* but at once when a phase begins */
    GREEN_AGAIN_MS = 10000,
    GREEN_STEP_MS = 3000,     /* a start that moved by less is the same forecast */
    MOVEMENT_BYTES_MAX = 700, /* without the lanes' names */
    LANE_NAME_BYTES_MAX = 6 * SIGNALS_LANE_NAME_MAX + 4,
    WAIT_TOLD_S = 10, /* a lane that waits for less is not worth a word */
    TENTHS_OF_HOUR = 36000,
    RECORD_TOLD_FROM = 30, /* forecasts: fewer say nothing */
    RECORD_BYTES = 80,
};

const struct service_voice tell_voices[TELL_VOICES] = {
    [TELL_QUEUE] = {.name = "queue",
                    .description = "Vehicles that stand on each lane and that are on their way to "
                                   "its stop line, as the planner estimates them, and what is "
                                   "shown",
                    .of = "lanes",
                    .kind = RESULT_JSON},
    [TELL_WHY] = {.name = "why",
                  .description = "Why this phase now: what the best alternative would cost",
                  .of = "lanes",
                  .kind = RESULT_TEXT},
    [TELL_TRUST] = {.name = "trust",
                    .description = "How far each lane's sensors are believed, in per cent",
                    .of = "lanes",
                    .kind = RESULT_JSON},
    [TELL_RUNG] = {.name = "rung",
                   .description = "The rung of the ladder from full planning (0) down to the "
                                  "intersection's own plan (3), and why",
                   .of = "state",
                   .otherwise = "lanes",
                   .kind = RESULT_JSON},
    [TELL_REFUSALS] = {.name = "refusals",
                       .description = "Wishes that the warden granted and refused since the start, "
                                      "and the last refusal",
                       .of = "state",
                       .otherwise = "lanes",
                       .kind = RESULT_JSON},
    [TELL_TIME_TO_GREEN] = {.name = "time-to-green",
                            .description = "Seconds to the next green of each movement, with its "
                                           "probability; words of SAE J2735 SPaT",
                            .of = "state",
                            .otherwise = "lanes",
                            .kind = RESULT_JSON},
};

static const char *const rung_names[RUNGS_COUNT] = {
    [RUNG_PLAN] = "plan",
    [RUNG_VIRTUAL] = "virtual queues",
    [RUNG_RATES] = "learned rates",
    [RUNG_LOCAL] = "its own plan",
};

/* ---- names -------------------------------------------------------------------------------------
 */

static enum err
read_names(struct bytes thing, uint32_t lanes_count, struct tell_names *out)
{
    cJSON *tree = cJSON_ParseWithLength((const char *)thing.p, thing.len);
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(tree, "properties");
    const cJSON *lanes = cJSON_GetObjectItemCaseSensitive(properties, "lanes"), *item;
    enum err e = OK;
    uint32_t count = 0;
    cJSON_ArrayForEach(item, lanes)
    {
        if (count == lanes_count || !cJSON_IsString(item))
            break;
        e = bytes_copy_text(bytes_text(item->valuestring), out->lane[count], sizeof(out->lane[0]));
        if (e != OK)
            break;
        count++;
    }
    cJSON_Delete(tree);
    return count == lanes_count ? OK : ERR_MALFORMED;
}

enum err
tell_describe(struct tell *t, const struct signals_model *model, struct bytes thing)
{
    struct tell_names names;
    enum err e = read_names(thing, model->lanes_count, &names);
    if (e != OK)
        return e;
    t->model = *model;
    t->names = names;
    forecast_init(&t->forecast, model);
    memset(t->said, 0, sizeof(t->said));
    memset(t->served_ms, 0, sizeof(t->served_ms));
    memset(t->voice, 0, sizeof(t->voice));
    t->told_phase = NO_WISH;
    if (t->granted + t->refused == 0)
        t->refused_phase = NO_WISH;
    return OK;
}

void
tell_verdict(struct tell *t, int32_t phase, bool granted, struct bytes reason)
{
    if (granted) {
        t->granted++;
        return;
    }
    t->refused++;
    t->refused_phase = phase;
    size_t n = reason.len < sizeof(t->reason) - 1 ? reason.len : sizeof(t->reason) - 1;
    if (n)
        memcpy(t->reason, reason.p, n);
    t->reason[n] = '\0';
    while (n && !text_is_utf8(bytes_text(t->reason))) /* cut within a letter */
        t->reason[--n] = '\0';
}

/* ---- what changed ------------------------------------------------------------------------------
 */

static uint64_t
lane_key(const struct tell *t, const uint16_t of[static SIGNALS_LANES_MAX], uint64_t key)
{
    for (uint32_t l = 0; l < t->model.lanes_count; l++)
        key = hash_number(key, of[l]);
    return key;
}

/* Of a sentence whose numbers may count seconds. */
static uint64_t
words_key(const char *sentence)
{
    uint64_t key = HASH_START;
    for (; *sentence; sentence++)
        if (*sentence < '0' || *sentence > '9')
            key = hash_number(key, (uint8_t)*sentence);
    return key;
}

static uint64_t
green_key(const struct tell *t, const struct tell_second *now)
{
    uint64_t key = hash_number(hash_number(HASH_START, now->silent), (uint64_t)(now->phase + 1));
    for (uint32_t g = 0; g < t->forecast.groups_count; g++) {
        const struct forecast_of_group *f = &t->said[g];
        uint64_t at_ms = now->now_ms + f->in_s * 1000u;
        key = hash_number(key, f->green);
        key = hash_number(key, f->known ? at_ms / GREEN_STEP_MS + 1 : 0);
        key = hash_number(key, f->permille / 100);
    }
    return hash_number(key, now->silent ? 0 : now->now_ms / GREEN_AGAIN_MS);
}

/* Of what a voice would say now: when it is another, there is something new. */
static uint64_t
key_of(const struct tell *t, enum tell_voice voice, const struct tell_second *now)
{
    const struct control_view *v = now->view;
    uint64_t key = HASH_START;
    switch (voice) {
    case TELL_QUEUE:
        return lane_key(t, v->near,
                        lane_key(t, v->queue, hash_number(key, (uint64_t)(now->phase + 1))));
    case TELL_WHY:
        key = hash_number(hash_number(key, (uint64_t)(v->wish + 1)), (uint64_t)(now->phase + 1));
        key = hash_number(hash_number(key, (uint64_t)(v->second_best + 1)), v->rung);
        key = hash_number(key, now->silent);
        return hash_number(key, now->silent ? 0 : now->now_ms / WHY_AGAIN_MS);
    case TELL_TRUST:
        for (uint32_t l = 0; l < t->model.lanes_count; l++)
            key = hash_number(key, v->trust_percent[l] / TRUST_STEP);
        return key;
    case TELL_RUNG:
        return hash_number(hash_number(key, v->rung), words_key(v->rung_why));
    case TELL_REFUSALS:
        return hash_number(hash_number(key, t->refused), now->now_ms / GRANTS_AGAIN_MS);
    case TELL_TIME_TO_GREEN:
        return green_key(t, now);
    case TELL_VOICES:
        break;
    }
    ASSERT(false);
    return 0;
}

/* ---- words -------------------------------------------------------------------------------------
 */

static bool
is_green(const struct signals_model *m, int32_t phase, uint32_t lane)
{
    for (uint32_t k = 0; phase >= 0 && k < m->links_count; k++)
        if (m->link_lane[k] == lane && m->lights[phase][k] != LIGHT_RED)
            return true;
    return false;
}

static void
note_served(struct tell *t, const struct tell_second *now)
{
    for (uint32_t l = 0; l < t->model.lanes_count; l++)
        if (t->served_ms[l] == 0 || now->view->queue[l] == 0 || is_green(&t->model, now->phase, l))
            t->served_ms[l] = now->now_ms;
}

/* Vehicle-seconds in whole ones: nobody weighs tenths. */
static int32_t
whole(int32_t ds)
{
    return (ds + 5) / 10;
}

static void
put_costs(struct buf *b, int32_t chosen_ds, int32_t other_ds)
{
    int32_t more = whole(other_ds) - whole(chosen_ds);
    if (more > 0)
        buf_format(b, "would cost %d veh·s more (%d against %d)", more, whole(other_ds),
                   whole(chosen_ds));
    else
        buf_format(b, "would cost as much (%d veh·s)", whole(other_ds));
}

static void
put_longest_wait(const struct tell *t, const struct tell_second *now, struct buf *b)
{
    uint32_t lane = SIGNALS_LANES_MAX;
    uint64_t longest_ms = WAIT_TOLD_S * 1000 - 1;
    for (uint32_t l = 0; l < t->model.lanes_count; l++) {
        uint64_t ms = t->served_ms[l] ? now->now_ms - t->served_ms[l] : 0;
        if (ms > longest_ms) {
            longest_ms = ms;
            lane = l;
        }
    }
    if (lane == SIGNALS_LANES_MAX)
        return;
    buf_format(b, "; %u wait on lane %s, for %llu s", now->view->queue[lane], t->names.lane[lane],
               (unsigned long long)(longest_ms / 1000));
}

/* The plan's reason: what staying, or the next best, would cost instead. */
static void
put_reason(const struct tell_second *now, struct buf *b)
{
    const struct control_view *v = now->view;
    bool stays = v->wish == now->phase;
    int32_t other = v->second_best;
    int32_t stay_ds = now->phase >= 0 ? v->phase_cost_ds[now->phase] : -1;
    if (now->phase < 0)
        buf_format(b, "on the way to phase %d", v->wish);
    else if (stays)
        buf_format(b, "phase %d stays", v->wish);
    else
        buf_format(b, "phase %d ends for %d", now->phase, v->wish);
    bool planned = v->decided_ms && now->now_ms - v->decided_ms <= COSTS_OLD_MS &&
                   v->rung < RUNG_LOCAL && v->cost_ds >= 0;
    if (!planned)
        return;
    if (now->phase >= 0 && !stays && stay_ds >= 0) {
        buf_text(b, ": staying ");
        put_costs(b, v->cost_ds, stay_ds);
    } else if (other >= 0) {
        buf_format(b, ": %s %d ", stays ? "changing to" : "phase", other);
        put_costs(b, v->cost_ds, v->second_cost_ds);
    } else {
        buf_text(b, ": no other is worth a change");
    }
}

void
tell_why(const struct tell *t, const struct tell_second *now, struct buf *b)
{
    const struct control_view *v = now->view;
    if (now->silent) {
        buf_text(b, "nothing is heard of it; it follows its own plan");
        return;
    }
    if (v->wish == NO_WISH) {
        buf_format(b, "no wish, it follows its own plan: %s",
                   v->rung == RUNG_PLAN ? "nobody is there" : v->rung_why);
        return;
    }
    put_reason(now, b);
    put_longest_wait(t, now, b);
    if (v->rung != RUNG_PLAN)
        buf_format(b, "; %s: %s", rung_names[v->rung], v->rung_why);
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

static void
put_name(const struct tell *t, struct buf *b, uint32_t lane)
{
    text_put_json(b, bytes_text(t->names.lane[lane]));
}

static void
put_by_lane(const struct tell *t, struct buf *b, const uint16_t of[static SIGNALS_LANES_MAX])
{
    buf_byte(b, '{');
    for (uint32_t l = 0; l < t->model.lanes_count; l++) {
        if (l)
            buf_byte(b, ',');
        put_name(t, b, l);
        buf_format(b, ":%u", of[l]);
    }
    buf_byte(b, '}');
}

static void
put_queue(const struct tell *t, const struct tell_second *now, struct buf *b)
{
    buf_format(b, "{\"phase\":%d,\"age\":%u,\"standing\":", now->phase, now->age_s);
    put_by_lane(t, b, now->view->queue);
    buf_text(b, ",\"near\":");
    put_by_lane(t, b, now->view->near);
    buf_byte(b, '}');
}

static void
put_trust(const struct tell *t, const struct tell_second *now, struct buf *b)
{
    uint16_t trust[SIGNALS_LANES_MAX];
    for (uint32_t l = 0; l < t->model.lanes_count; l++)
        trust[l] = now->view->trust_percent[l];
    put_by_lane(t, b, trust);
}

static void
put_refusals(const struct tell *t, struct buf *b)
{
    buf_format(b, "{\"granted\":%llu,\"refused\":%llu,\"phase\":%d,\"reason\":",
               (unsigned long long)t->granted, (unsigned long long)t->refused, t->refused_phase);
    text_put_json(b, bytes_text(t->reason));
    buf_byte(b, '}');
}

uint32_t
tell_confidence(uint32_t permille)
{
    /* The classes of TimeIntervalConfidence: 10^(x/82.5) - 1.3 for x per cent, rounded. */
    static const uint16_t least[] = {210, 360, 470, 560, 620, 680, 730, 770,
                                     810, 850, 880, 910, 940, 960, 980, 1000};
    uint32_t class = 0;
    while (class + 1 < ARRAY_COUNT(least) && permille >= least[class + 1])
        class ++;
    return class;
}

static uint32_t
time_mark(int64_t wall_us, int64_t seconds_ahead)
{
    int64_t tenths = wall_us / 100000 + seconds_ahead * 10;
    return (uint32_t)(((tenths % TENTHS_OF_HOUR) + TENTHS_OF_HOUR) % TENTHS_OF_HOUR);
}

/* The earliest second that another green could be shown at all. */
static uint32_t
earliest(const struct tell *t, const struct tell_second *now)
{
    const struct signals_model *m = &t->model;
    uint32_t clearance = (uint32_t)m->yellow_s + m->all_red_s;
    if (now->phase < 0)
        return clearance > now->age_s ? clearance - now->age_s : 0;
    uint32_t minimum_s = m->minimum_s[now->phase];
    uint32_t rest = minimum_s > now->age_s ? minimum_s - now->age_s : 0;
    return rest + clearance;
}

static void
put_timing(const struct tell *t, const struct tell_second *now, uint32_t group, struct buf *b)
{
    const struct forecast_of_group *f = &t->said[group];
    uint32_t least = earliest(t, now), red = (uint32_t)(now->now_ms / 1000);
    if (least > f->in_s)
        least = f->in_s;
    red -= t->forecast.red_since_s[group];
    buf_format(b,
               ",\"in_s\":%u,\"probability\":%u.%02u,\"q_s\":[%u,%u,%u],\"timing\":{"
               "\"minEndTime\":%u",
               f->in_s, f->permille / 1000, f->permille % 1000 / 10, f->q20_s, f->q50_s, f->q80_s,
               time_mark(now->wall_us, least));
    if (now->maximum_red_s > red + f->in_s)
        buf_format(b, ",\"maxEndTime\":%u", time_mark(now->wall_us, now->maximum_red_s - red));
    buf_format(b, ",\"likelyTime\":%u,\"confidence\":%u}", time_mark(now->wall_us, f->in_s),
               tell_confidence(f->permille));
}

/* MovementPhaseState. */
static const char *
event_state(const struct tell *t, const struct tell_second *now, uint32_t group)
{
    const struct forecast_of_group *f = &t->said[group];
    for (uint32_t k = 0; f->green && k < t->model.links_count; k++)
        if (t->forecast.group_of_link[k] == group)
            return t->model.lights[now->phase][k] == LIGHT_GREEN ? "protected-Movement-Allowed"
                                                                 : "permissive-Movement-Allowed";
    return f->known ? "stop-And-Remain" : "unavailable";
}

/* Each lane once, though several of its links are of the group. */
static void
put_group_lanes(const struct tell *t, uint32_t group, struct buf *b)
{
    bool of[SIGNALS_LANES_MAX] = {false}, first = true;
    for (uint32_t k = 0; k < t->model.links_count; k++)
        of[t->model.link_lane[k]] |= t->forecast.group_of_link[k] == group;
    buf_text(b, ",\"lanes\":[");
    for (uint32_t l = 0; l < t->model.lanes_count; l++) {
        if (!of[l])
            continue;
        if (!first)
            buf_byte(b, ',');
        put_name(t, b, l);
        first = false;
    }
    buf_byte(b, ']');
}

/* Whether what is said with about 80 % holds, for whoever drives by it. */
static void
put_record(const struct forecast *f, struct buf *b)
{
    const struct forecast_record *low = &f->said[7], *high = &f->said[8];
    uint64_t said = (uint64_t)low->said + high->said;
    uint64_t happened = 100ULL * ((uint64_t)low->happened + high->happened);
    if (said < RECORD_TOLD_FROM)
        return;
    uint64_t percent = (low->said_permille + high->said_permille) / 10 / said;
    buf_format(b, ",\"record\":{\"said\":0.%02u,\"happened\":%u.%02u,\"times\":%u}",
               (unsigned)percent, (unsigned)(happened / said / 100),
               (unsigned)(happened / said % 100), (unsigned)said);
}

/* As many movements as fit; `more` says how many did not. */
static void
put_time_to_green(const struct tell *t, const struct tell_second *now, struct buf *b)
{
    static struct buf one; /* one thread; keeps its memory */
    if (one.max == 0)
        buf_init(&one, MOVEMENT_BYTES_MAX + SIGNALS_LANES_MAX * LANE_NAME_BYTES_MAX);
    buf_format(b, "{\"phase\":%d,\"movements\":[", now->phase);
    uint32_t more = 0;
    bool first = true;
    for (uint32_t g = 0; g < t->forecast.groups_count; g++) {
        buf_reset(&one);
        buf_format(&one, "%s{\"signalGroup\":%u", first ? "" : ",", g + 1);
        put_group_lanes(t, g, &one);
        buf_format(&one, ",\"eventState\":\"%s\"", event_state(t, now, g));
        if (t->said[g].known)
            put_timing(t, now, g, &one);
        buf_byte(&one, '}');
        if (buf_error(&one) != OK || b->len + one.len + RECORD_BYTES > TELL_BYTES_MAX) {
            more++;
            continue;
        }
        buf_put(b, buf_bytes(&one));
        first = false;
    }
    buf_byte(b, ']');
    if (more)
        buf_format(b, ",\"more\":%u", more);
    put_record(&t->forecast, b);
    buf_byte(b, '}');
}

static void
put_rung(const struct control_view *v, struct buf *b)
{
    buf_format(b, "{\"rung\":%d,\"name\":\"%s\",\"why\":", (int)v->rung, rung_names[v->rung]);
    text_put_json(b, bytes_text(v->rung_why));
    buf_byte(b, '}');
}

/* ---- a second ----------------------------------------------------------------------------------
 */

static void
put_voice(const struct tell *t, enum tell_voice voice, const struct tell_second *now, struct buf *b)
{
    const struct control_view *v = now->view;
    if (voice == TELL_QUEUE)
        put_queue(t, now, b);
    else if (voice == TELL_WHY)
        tell_why(t, now, b);
    else if (voice == TELL_TRUST)
        put_trust(t, now, b);
    else if (voice == TELL_RUNG)
        put_rung(v, b);
    else if (voice == TELL_REFUSALS)
        put_refusals(t, b);
    else
        put_time_to_green(t, now, b);
}

static uint64_t
pause_of(enum tell_voice voice)
{
    static const uint32_t pauses[TELL_VOICES] = {
        [TELL_QUEUE] = QUEUE_PAUSE_MS,       [TELL_WHY] = WHY_PAUSE_MS,
        [TELL_TRUST] = TRUST_PAUSE_MS,       [TELL_RUNG] = RUNG_PAUSE_MS,
        [TELL_REFUSALS] = REFUSALS_PAUSE_MS, [TELL_TIME_TO_GREEN] = GREEN_PAUSE_MS,
    };
    return pauses[voice];
}

void
tell_second(struct tell *t, struct forecast_seen *zone, const struct tell_second *now, tell_fn *say,
            void *ctx)
{
    static struct buf text; /* one thread; keeps its memory */
    if (text.max == 0)
        buf_init(&text, TELL_BYTES_MAX);
    ASSERT(now->phase < (int32_t)t->model.phases_count && now->view->rung < RUNGS_COUNT);
    note_served(t, now);
    if (now->silent)
        memset(t->said, 0, sizeof(t->said));
    else
        forecast_step(&t->forecast, zone, &t->model, now->view, now->phase, now->age_s,
                      (uint32_t)(now->now_ms / 1000), t->said);
    for (enum tell_voice v = 0; v < TELL_VOICES; v++) {
        uint64_t key = hash_or_one(key_of(t, v, now)); /* 0: nothing was said */
        bool turned = v == TELL_TIME_TO_GREEN && now->phase >= 0 && now->phase != t->told_phase;
        if ((now->now_ms < t->voice[v].due_ms && !turned) || key == t->voice[v].key)
            continue;
        if (v == TELL_TIME_TO_GREEN)
            t->told_phase = now->phase;
        buf_reset(&text);
        put_voice(t, v, now, &text);
        t->voice[v].due_ms = now->now_ms + pause_of(v);
        t->voice[v].key = key;
        if (buf_error(&text) == OK) /* 64 lanes with the longest names do not fit: not told */
            say(ctx, &tell_voices[v], buf_bytes(&text));
    }
}
