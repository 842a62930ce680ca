#include "services/signals/calls.h"

enum {
    CALL_COST_MS = 900, /* once a second, with some jitter */
    CALL_BURST_MS = 3 * CALL_COST_MS,
    NOISE_M = 15,    /* of a satellite receiver */
    PROGRESS_M = 10, /* less is standing */
    ETA_SLACK_MS = 1000,
    BUS_PERCENT = 115, /* of the limit: what a clock and a map may be wrong by */
    EMERGENCY_PERCENT = 160,
    FORGET_MS = 300000, /* longer than any rule looks back */
};

void
calls_init(struct calls *c)
{
    memset(c, 0, sizeof(*c));
    for (size_t i = 0; i < CONTROL_JUNCTIONS_MAX; i++)
        c->junctions[i].phase = c->junctions[i].shown = -1;
}

int32_t
calls_phase(const struct signals_model *model, uint32_t lane, int32_t preferred)
{
    int32_t best = -1;
    uint32_t most = 0;
    for (uint32_t p = 0; p < model->phases_count; p++) {
        uint32_t green = 0;
        for (uint32_t k = 0; k < model->links_count; k++) {
            if (model->link_lane[k] == lane)
                green += model->lights[p][k] == LIGHT_GREEN    ? 2
                         : model->lights[p][k] == LIGHT_YIELDS ? 1
                                                               : 0;
        }
        if (green > most || (green == most && green > 0 && (int32_t)p == preferred)) {
            best = (int32_t)p;
            most = green;
        }
    }
    return best;
}

/* A pre-emption whose lease has run out is over. since_ms and until_ms stay, for the next. */
static void
end_hold(struct calls_junction *j, uint64_t now_ms)
{
    if (j->phase < 0 || now_ms < j->until_ms)
        return;
    j->end_ms[j->phase] = j->until_ms;
    j->phase = -1;
}

/* When the row of pre-emptions began that one of now would belong to. */
static uint64_t
row_since(const struct calls_junction *j, uint64_t now_ms)
{
    return j->until_ms && now_ms < j->until_ms + CALLS_COOL_DOWN_MS ? j->since_ms : now_ms;
}

static bool
is_resting(const struct calls_junction *j, int32_t phase, uint64_t now_ms)
{
    return j->end_ms[phase] && now_ms < j->end_ms[phase] + CALLS_COOL_DOWN_MS;
}

/* ---- hearing --------------------------------------------------------------------------------- */

static enum err
refuse(char *why, const char *rule, const char *what)
{
    snprintf(why, CALLS_WHY_SIZE, "%s: %s", rule, what);
    return ERR_DENIED;
}

/* A bucket of so much time; false: it is too early. */
static bool
take_credit(uint64_t *credit_ms, uint64_t *since_ms, uint64_t cost_ms, uint64_t most_ms,
            uint64_t now_ms)
{
    uint64_t credit = *credit_ms + (now_ms - *since_ms);
    *since_ms = now_ms;
    *credit_ms = credit < most_ms ? credit : most_ms;
    if (*credit_ms < cost_ms)
        return false;
    *credit_ms -= cost_ms;
    return true;
}

/* The row of a vehicle; a new one when it has none; NULL when all are in use. */
static struct calls_vehicle *
row_of(struct calls *c, struct bytes device, uint64_t now_ms)
{
    struct calls_vehicle *spare = NULL;
    for (size_t i = 0; i < CALLS_VEHICLES_MAX; i++) {
        struct calls_vehicle *v = &c->vehicles[i];
        if (v->name[0] && bytes_are(device, v->name))
            return v;
        if (!spare && (v->name[0] == '\0' || now_ms - v->heard_ms > FORGET_MS))
            spare = v;
    }
    if (!spare)
        return NULL;
    *spare = (struct calls_vehicle){.kind = vehicle_kind(device),
                                    .time_us = INT64_MIN,
                                    .credit_ms = CALL_BURST_MS,
                                    .credit_since_ms = now_ms,
                                    .heard_ms = now_ms};
    if (bytes_copy_text(device, spare->name, sizeof(spare->name)) != OK)
        return NULL;
    uint32_t index = (uint32_t)(spare - c->vehicles);
    for (size_t j = 0; j < CONTROL_JUNCTIONS_MAX; j++)
        for (size_t p = 0; p < SIGNALS_PHASES_MAX; p++)
            if (c->junctions[j].bus[p] == index + 1)
                c->junctions[j].bus[p] = 0; /* of who had the row before */
    return spare;
}

/* C1 to C4, as far as the vehicle goes; the time counts as heard when it is fresh. */
static enum err
check_sender(struct calls *c, const struct calls_from *from, const struct call *call,
             struct calls_vehicle **out, char *why)
{
    enum vehicle_kind kind = vehicle_kind(from->device);
    int64_t age_us;
    if (kind == VEHICLE_NONE || kind != call->kind)
        return refuse(why, "call C1",
                      "a vehicle is what the city enrolled it as, and this one is not that");
    if (__builtin_sub_overflow(from->wall_us, from->time_us, &age_us) ||
        age_us > CALLS_FRESH_MS * 1000LL || age_us < -CALLS_FRESH_MS * 1000LL)
        return refuse(why, "call C2", "it is not within 2 s of now");
    struct calls_vehicle *v = row_of(c, from->device, from->now_ms);
    if (!v)
        return refuse(why, "call C4", "too many vehicles call");
    if (from->time_us <= v->time_us)
        return refuse(why, "call C3", "one of that time or a later one was heard already");
    if (from->now_ms - v->heard_ms >= CALLS_PAUSE_MS)
        v->since_ms = 0; /* a new approach */
    v->time_us = from->time_us;
    v->heard_ms = from->now_ms;
    *out = v;
    if (!take_credit(&v->credit_ms, &v->credit_since_ms, CALL_COST_MS, CALL_BURST_MS, from->now_ms))
        return refuse(why, "call C4", "a vehicle calls once a second");
    return OK;
}

/* A call, fitted to the intersection. */
struct fitted {
    uint32_t junction;
    uint8_t lane;
    int32_t phase;
    uint32_t speed_cm_s;
};

/* C4 to C6. */
static enum err
check_place(struct calls *c, const struct calls_from *from, const struct call *call,
            const struct signals_model *model, struct fitted *f, char *why)
{
    struct calls_junction *j = &c->junctions[f->junction];
    uint32_t lane = 0;
    end_hold(j, from->now_ms);
    if (!take_credit(&j->credit_ms[call->kind], &j->credit_since_ms[call->kind],
                     1000 / CALLS_A_SECOND, 2000, from->now_ms))
        return refuse(why, "call C4", "too many vehicles call at this intersection");
    while (lane < model->lanes_count && model->lane_name[lane] != call->lane)
        lane++;
    if (lane == model->lanes_count || model->lane_kind[lane] != LANE_VEHICLES)
        return refuse(why, "call C5", "the intersection has no such lane for vehicles");
    f->lane = (uint8_t)lane;
    f->phase = calls_phase(model, lane, j->phase); /* with who goes already, where it may */
    if (f->phase < 0)
        return refuse(why, "call C5", "no phase serves that lane");
    uint32_t percent = call->kind == VEHICLE_EMERGENCY ? EMERGENCY_PERCENT : BUS_PERCENT;
    f->speed_cm_s = model->lane_kmh[lane] * percent * 10 / 36;
    if (call->distance_m > (uint32_t)model->lane_m[lane] + CALLS_BEFORE_LANE_M)
        return refuse(why, "call C6", "it is further away than that lane goes");
    /* cm = cm/s x ms / 1000 */
    if ((uint64_t)call->distance_m * 100 * 1000 >
        (uint64_t)f->speed_cm_s * (call->eta_ms + ETA_SLACK_MS))
        return refuse(why, "call C6", "so far in so short a time is faster than it may drive");
    return OK;
}

/* C7 and C8. */
static enum err
check_motion(struct calls_vehicle *v, const struct calls_from *from, const struct call *call,
             const struct fitted *f, char *why)
{
    if (v->since_ms == 0)
        return OK;
    uint32_t fastest = f->speed_cm_s > v->speed_cm_s ? f->speed_cm_s : v->speed_cm_s;
    /* The vehicle's own times: fresh and rising, so no more than 4 s from ours in all. */
    uint64_t passed_us = (uint64_t)(from->time_us - v->said_us);
    uint64_t can_m = passed_us / 1000 * fastest / 100000 + NOISE_M;
    if (f->junction != v->junction) {
        if (can_m < v->distance_m)
            return refuse(why, "call C8", "it cannot have passed the intersection before yet");
        return OK;
    }
    if (from->now_ms - v->since_ms > CALLS_APPROACH_MS)
        return refuse(why, "call C7", "it was on its way here for 180 s");
    if (call->distance_m + can_m < v->distance_m)
        return refuse(why, "call C7", "it came nearer faster than it can drive");
    if (call->distance_m > v->distance_m + NOISE_M)
        return refuse(why, "call C7", "it goes away from the intersection");
    if (call->distance_m + PROGRESS_M > v->nearest_m &&
        from->now_ms - v->nearer_ms > CALLS_STANDS_MS)
        return refuse(why, "call C7", "it came no nearer for 60 s");
    return OK;
}

/* C9: its way rests. One that is being pre-empted does not. */
static enum err
check_rest(const struct calls_junction *j, const struct calls_from *from, const struct call *call,
           const struct fitted *f, char *why)
{
    if (call->kind == VEHICLE_EMERGENCY && is_resting(j, f->phase, from->now_ms))
        return refuse(why, "call C9", "this way was pre-empted within the last 60 s");
    return OK;
}

static void
keep(struct calls_vehicle *v, const struct calls_from *from, const struct call *call,
     const struct fitted *f)
{
    if (v->since_ms == 0 || f->junction != v->junction) {
        v->since_ms = from->now_ms ? from->now_ms : 1;
        v->nearest_m = UINT32_MAX;
    }
    if (v->nearest_m == UINT32_MAX || call->distance_m + PROGRESS_M <= v->nearest_m) {
        v->nearest_m = call->distance_m;
        v->nearer_ms = from->now_ms;
    }
    v->junction = f->junction;
    v->lane = f->lane;
    v->phase = f->phase;
    v->speed_cm_s = f->speed_cm_s;
    v->distance_m = call->distance_m;
    v->said_us = from->time_us;
    v->eta_ms = from->now_ms + call->eta_ms;
    v->late_s = call->late_s;
    v->good_ms = from->now_ms ? from->now_ms : 1;
}

enum err
calls_hear(struct calls *c, const struct calls_from *from, const struct call *call,
           uint32_t junction, const struct signals_model *model, char *why)
{
    struct calls_vehicle *v = NULL;
    struct fitted f = {.junction = junction};
    ASSERT(!model || junction < CONTROL_JUNCTIONS_MAX);
    enum err e = check_sender(c, from, call, &v, why);
    if (e == OK && !model)
        e = refuse(why, "call C5", "the zone knows no such intersection");
    if (e == OK)
        e = check_place(c, from, call, model, &f, why);
    if (e == OK)
        e = check_motion(v, from, call, &f, why);
    if (e == OK)
        e = check_rest(&c->junctions[junction], from, call, &f, why);
    if (e == OK) {
        keep(v, from, call, &f);
        c->heard++;
    } else {
        c->refused++;
    }
    return e;
}

/* ---- what is due ----------------------------------------------------------------------------- */

static bool
is_coming(const struct calls_vehicle *v, enum vehicle_kind kind, uint32_t junction, uint64_t now_ms)
{
    return v->name[0] && v->kind == kind && v->good_ms && v->junction == junction &&
           now_ms - v->good_ms <= CALLS_SILENT_MS;
}

/* The emergency vehicle that goes first: of the phase that is pre-empted, else who came first. */
static const struct calls_vehicle *
first_of(const struct calls *c, uint32_t junction, uint64_t now_ms)
{
    const struct calls_junction *j = &c->junctions[junction];
    const struct calls_vehicle *first = NULL;
    for (size_t i = 0; i < CALLS_VEHICLES_MAX; i++) {
        const struct calls_vehicle *v = &c->vehicles[i];
        if (!is_coming(v, VEHICLE_EMERGENCY, junction, now_ms) ||
            v->eta_ms > now_ms + CALLS_LEAD_MS)
            continue;
        if (j->phase >= 0 ? v->phase != j->phase : is_resting(j, v->phase, now_ms))
            continue;
        if (!first || v->since_ms < first->since_ms)
            first = v;
    }
    return first;
}

static void
due_preempt(struct calls *c, uint32_t junction, uint64_t lease_ms, uint64_t now_ms,
            struct calls_need *out)
{
    struct calls_junction *j = &c->junctions[junction];
    end_hold(j, now_ms);
    out->preempted = j->phase >= 0;
    if (lease_ms == 0 || now_ms < j->retry_ms)
        return;
    const struct calls_vehicle *v = first_of(c, junction, now_ms);
    if (!v)
        return;
    if ((out->preempted && j->until_ms - now_ms >= lease_ms / 2) ||
        now_ms + lease_ms - row_since(j, now_ms) > CALLS_PREEMPT_MS)
        return;
    out->preempt = v->phase;
}

/* C10. */
static bool
takes_turn(struct calls_junction *j, uint32_t index, int32_t phase, uint64_t now_ms)
{
    if (j->bus[phase] == index + 1)
        return true;
    if (j->bus[phase] && now_ms - j->bus_since_ms[phase] < CALLS_CYCLE_MS)
        return false;
    j->bus[phase] = index + 1;
    j->bus_since_ms[phase] = now_ms;
    return true;
}

static void
due_buses(struct calls *c, uint32_t junction, int32_t shown, uint64_t now_ms,
          struct calls_need *out)
{
    struct calls_junction *j = &c->junctions[junction];
    if (j->shown >= 0 && shown != j->shown)
        j->bus[j->shown] = 0; /* its green has ended */
    j->shown = shown;
    for (uint32_t i = 0; i < CALLS_VEHICLES_MAX && out->buses_count < CONTROL_CALLS_MAX; i++) {
        const struct calls_vehicle *v = &c->vehicles[i];
        if (!is_coming(v, VEHICLE_BUS, junction, now_ms) || v->late_s < -CALLS_EARLY_S ||
            !takes_turn(j, i, v->phase, now_ms))
            continue;
        int32_t late = v->late_s > 0 ? v->late_s / CALLS_LATE_S_PER_WEIGHT : 0;
        int32_t weight = CALLS_BUS_WEIGHT + late;
        out->buses[out->buses_count++] = (struct control_call){
            .lane = v->lane,
            .weight = (uint16_t)(weight < CALLS_BUS_WEIGHT_MAX ? weight : CALLS_BUS_WEIGHT_MAX),
            .eta_ms = v->eta_ms > now_ms ? v->eta_ms : now_ms,
            .until_ms = now_ms + 1000,
        };
    }
}

void
calls_due(struct calls *c, uint32_t junction, int32_t shown, uint64_t lease_ms, uint64_t now_ms,
          struct calls_need *out)
{
    ASSERT(junction < CONTROL_JUNCTIONS_MAX && shown < SIGNALS_PHASES_MAX);
    *out = (struct calls_need){.preempt = -1};
    due_preempt(c, junction, lease_ms, now_ms, out);
    due_buses(c, junction, shown, now_ms, out);
}

void
calls_answered(struct calls *c, uint32_t junction, int32_t phase, bool granted, uint64_t lease_ms,
               uint64_t now_ms)
{
    ASSERT(junction < CONTROL_JUNCTIONS_MAX && phase >= 0 && phase < SIGNALS_PHASES_MAX);
    struct calls_junction *j = &c->junctions[junction];
    if (!granted) {
        j->retry_ms = now_ms + CALLS_RETRY_MS;
        return;
    }
    end_hold(j, now_ms);
    c->preempted += j->phase != phase;
    j->since_ms = row_since(j, now_ms);
    j->phase = phase;
    j->until_ms = now_ms + lease_ms;
}
