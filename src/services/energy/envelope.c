#include "programs/warden/envelope.h"

/*
 * The guard of an energy zone (specs/energy.md 6), from the charter and its own leases alone.
 *
 * G1  A set-point is one integer "power-w" in -maximum-discharge .. maximum-charge.
 * G2  The sum of all set-points that are in force changes by at most fleet-step within any
 *     CONTROL_PERIOD_MS; a lease that runs out counts as its battery going to 0.
 * G3  After a restart nothing is granted for one CONTROL_PERIOD_MS: how far a predecessor moved the
 *     sum in it is not known. Then, until the longest lease that it could have given has ended, a
 *     battery's first set-point counts as if what it replaces had stood wherever the step is
 *     largest. So a small fleet is guided again after a minute, and leases of any length keep
 *     nobody out; from their end on all is known. What a predecessor granted and nobody renews runs
 *     out by itself, whatever is decided here, and is not counted: nobody here knows when.
 *
 * Sums of the past are kept as the least and the greatest of each second, one second more than the
 * period is looked at: the guard may refuse a little early, never late. The reserve of a battery
 * is its device's own limit: a warden sees no state of charge and believes nobody about it.
 */
enum { CONTROL_PERIOD_MS = 60000, SECOND_MS = 1000, SECONDS = CONTROL_PERIOD_MS / SECOND_MS + 2 };

struct setpoint {
    char device[LEASE_NAME_SIZE];
    int64_t watt;
    uint64_t end_ms;     /* 0: none in force */
    uint64_t adopted_ms; /* when it replaced what a predecessor may have granted; 0: it did not */
};

struct second {
    uint64_t number; /* since monotonic 0, plus 1; 0: never used */
    int64_t least, greatest;
};

struct energy_envelope {
    int64_t charge_max_w, discharge_max_w, fleet_step_w;
    uint32_t charge_line, discharge_line, step_line;
    uint64_t lease_ms;   /* of a set-point */
    uint64_t granted_ms; /* the last grant */
    /* After a restart: nothing before the first, a predecessor's leases may stand until the second.
     */
    uint64_t grants_from_ms, known_from_ms;
    uint32_t count;
    struct setpoint setpoints[ENVELOPE_DEVICES_MAX];
    struct second seconds[SECONDS];
};

static bool
take(const struct start *start, const char *name, int64_t max, int64_t *out, uint32_t *out_line)
{
    for (size_t i = 0; i < start->envelope_count; i++) {
        const struct start_envelope *row = &start->envelope[i];
        if (strcmp(row->name, name) != 0)
            continue;
        *out = row->value;
        *out_line = row->line;
        return row->value >= 0 && row->value <= max;
    }
    return false;
}

static enum err
energy_init(void *state, const struct start *start, char *why)
{
    struct energy_envelope *e = state;
    int64_t reserve;
    uint32_t line;
    const char *bad = NULL;
    if (!take(start, "maximum-charge", 1000000, &e->charge_max_w, &e->charge_line))
        bad = "maximum-charge";
    else if (!take(start, "maximum-discharge", 1000000, &e->discharge_max_w, &e->discharge_line))
        bad = "maximum-discharge";
    else if (!take(start, "fleet-step", 100000000, &e->fleet_step_w, &e->step_line))
        bad = "fleet-step";
    else if (!take(start, "minimum-reserve", 10000, &reserve, &line))
        bad = "minimum-reserve";
    const struct start_command *command = start_command(start, bytes_text("battery-setpoint"));
    e->lease_ms = command ? command->lease_ms : 0;
    if (!bad)
        return OK;
    snprintf(why, ENVELOPE_WHY_SIZE, "envelope %s is missing or out of range", bad);
    return ERR_MALFORMED;
}

static void
energy_restarted(void *state, uint64_t now_ms)
{
    struct energy_envelope *e = state;
    e->grants_from_ms = now_ms + CONTROL_PERIOD_MS;
    e->known_from_ms = now_ms + e->lease_ms;
}

/* The sum in force at a time not before the last grant. */
static int64_t
sum_at(const struct energy_envelope *e, uint64_t at_ms)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < e->count; i++)
        if (e->setpoints[i].end_ms > at_ms)
            sum += e->setpoints[i].watt;
    return sum;
}

static const struct setpoint *
find(const struct energy_envelope *e, const char *device)
{
    for (uint32_t i = 0; i < e->count; i++)
        if (strcmp(e->setpoints[i].device, device) == 0)
            return &e->setpoints[i];
    return NULL;
}

static void
widen(int64_t value, int64_t *least, int64_t *greatest)
{
    if (value < *least)
        *least = value;
    if (value > *greatest)
        *greatest = value;
}

/* The least and the greatest sum of the control period that ends now, the present included. */
static void
extremes(const struct energy_envelope *e, uint64_t now_ms, int64_t *least, int64_t *greatest)
{
    *least = *greatest = sum_at(e, now_ms);
    uint64_t from_ms = now_ms > CONTROL_PERIOD_MS ? now_ms - CONTROL_PERIOD_MS : 0;
    for (size_t i = 0; i < SECONDS; i++) {
        const struct second *s = &e->seconds[i];
        if (s->number == 0 || s->number * SECOND_MS <= from_ms)
            continue; /* that second ended before the period */
        widen(s->least, least, greatest);
        widen(s->greatest, least, greatest);
    }
    /* What ran out since the last grant: the sum before and after. */
    for (uint32_t i = 0; i < e->count; i++) {
        uint64_t end_ms = e->setpoints[i].end_ms;
        if (end_ms == 0 || end_ms > now_ms || end_ms < from_ms)
            continue;
        widen(sum_at(e, end_ms - 1), least, greatest);
        widen(sum_at(e, end_ms), least, greatest);
    }
    /* What no grant has changed since the period's start is known for its start too. */
    if (e->granted_ms <= from_ms)
        widen(sum_at(e, from_ms), least, greatest);
}

/* Batteries that were adopted in the control period that ends now: G3. */
static uint32_t
count_adopted(const struct energy_envelope *e, uint64_t now_ms)
{
    uint64_t from_ms = now_ms > CONTROL_PERIOD_MS ? now_ms - CONTROL_PERIOD_MS : 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->count; i++)
        count += e->setpoints[i].adopted_ms != 0 && e->setpoints[i].adopted_ms >= from_ms;
    return count;
}

static enum err
refuse(struct envelope_verdict *out, uint32_t line, const char *word)
{
    snprintf(out->rule, sizeof(out->rule), "charter line %u: envelope %s", line, word);
    return ERR_DENIED;
}

static enum err
energy_check(const void *state, const struct lease *lease, uint32_t people, uint64_t now_ms,
             uint64_t lease_ms, struct envelope_verdict *out)
{
    const struct energy_envelope *e = state;
    int64_t watt;
    (void)lease_ms, (void)people;
    if (strcmp(lease->command, "battery-setpoint") != 0 || lease->parameters_count != 1 ||
        lease_parameter(lease, "power-w", &watt) != OK) {
        snprintf(out->rule, sizeof(out->rule), "energy: commands");
        snprintf(out->reason, sizeof(out->reason),
                 "battery-setpoint takes exactly one parameter, power-w");
        return ERR_DENIED;
    }
    if (watt > e->charge_max_w) {
        snprintf(out->reason, sizeof(out->reason), "%lld W is above %lld W", (long long)watt,
                 (long long)e->charge_max_w);
        return refuse(out, e->charge_line, "maximum-charge");
    }
    if (watt < -e->discharge_max_w) {
        snprintf(out->reason, sizeof(out->reason), "%lld W is below -%lld W", (long long)watt,
                 (long long)e->discharge_max_w);
        return refuse(out, e->discharge_line, "maximum-discharge");
    }
    if (now_ms < e->grants_from_ms) {
        snprintf(out->reason, sizeof(out->reason),
                 "the warden started anew: what its predecessor changed in the last %d s is not "
                 "known for %llu more ms",
                 CONTROL_PERIOD_MS / SECOND_MS, (unsigned long long)(e->grants_from_ms - now_ms));
        return refuse(out, e->step_line, "fleet-step");
    }
    const struct setpoint *old = find(e, lease->device);
    if (!old && e->count == ENVELOPE_DEVICES_MAX) {
        snprintf(out->rule, sizeof(out->rule), "energy: devices");
        snprintf(out->reason, sizeof(out->reason), "more than %d batteries", ENVELOPE_DEVICES_MAX);
        return ERR_DENIED;
    }
    int64_t least, greatest;
    extremes(e, now_ms, &least, &greatest);
    int64_t sum = sum_at(e, now_ms) - (old && old->end_ms > now_ms ? old->watt : 0) + watt;
    uint32_t adopted = count_adopted(e, now_ms) + (!old && now_ms < e->known_from_ms);
    int64_t up = sum + adopted * e->discharge_max_w - least;
    int64_t down = greatest - (sum - adopted * e->charge_max_w);
    if (up <= e->fleet_step_w && down <= e->fleet_step_w)
        return OK;
    snprintf(out->reason, sizeof(out->reason),
             "all set-points together would be %lld W, after %lld to %lld W in the last %d s and "
             "%u batteries adopted from the warden before; at most %lld W of change are allowed",
             (long long)sum, (long long)least, (long long)greatest, CONTROL_PERIOD_MS / SECOND_MS,
             adopted, (long long)e->fleet_step_w);
    return refuse(out, e->step_line, "fleet-step");
}

static void
note_sum(struct energy_envelope *e, uint64_t at_ms, int64_t sum)
{
    uint64_t number = at_ms / SECOND_MS + 1;
    struct second *s = &e->seconds[number % SECONDS];
    if (s->number != number)
        *s = (struct second){number, sum, sum};
    widen(sum, &s->least, &s->greatest);
}

static void
energy_granted(void *state, const struct lease *lease, uint64_t now_ms, uint64_t lease_ms)
{
    struct energy_envelope *e = state;
    int64_t watt = 0;
    if (lease_parameter(lease, "power-w", &watt) != OK)
        ASSERT(false); /* check() saw it */
    uint64_t from_ms = now_ms > CONTROL_PERIOD_MS ? now_ms - CONTROL_PERIOD_MS : 0;
    if (e->granted_ms <= from_ms)
        note_sum(e, from_ms, sum_at(e, from_ms));
    e->granted_ms = now_ms;
    for (uint32_t i = 0; i < e->count; i++) {
        uint64_t end_ms = e->setpoints[i].end_ms;
        if (end_ms == 0 || end_ms > now_ms || end_ms < from_ms)
            continue;
        note_sum(e, end_ms - 1, sum_at(e, end_ms - 1));
        note_sum(e, end_ms, sum_at(e, end_ms));
    }
    note_sum(e, now_ms, sum_at(e, now_ms));
    for (uint32_t i = 0; i < e->count; i++)
        if (e->setpoints[i].end_ms <= now_ms)
            e->setpoints[i].end_ms = 0;
    const struct setpoint *found = find(e, lease->device);
    uint32_t at = found ? (uint32_t)(found - e->setpoints) : e->count++;
    ASSERT(at < ENVELOPE_DEVICES_MAX);
    struct setpoint *s = &e->setpoints[at];
    snprintf(s->device, sizeof(s->device), "%s", lease->device);
    if (!found)
        s->adopted_ms = now_ms < e->known_from_ms ? now_ms : 0;
    s->watt = watt;
    s->end_ms = now_ms + lease_ms;
    note_sum(e, now_ms, sum_at(e, now_ms));
}

const struct envelope envelope_this = {
    .service = "energy",
    .size = sizeof(struct energy_envelope),
    .init = energy_init,
    .check = energy_check,
    .granted = energy_granted,
    .restarted = energy_restarted,
};
