#include "field/ntcip/look.h"

/* In the order of the names. */
static const enum ntcip_object lights[] = {
    NTCIP_REDS,         NTCIP_YELLOWS,   NTCIP_GREENS,      NTCIP_WALKS,
    NTCIP_PED_CLEARS,   NTCIP_VEH_CALLS, NTCIP_PED_CALLS,   NTCIP_CONTROL_STATUS,
    NTCIP_FLASH_STATUS, NTCIP_ALARM_1,   NTCIP_SHORT_ALARM,
};

void
look_init(struct look *l, const struct cabinet *c)
{
    *l = (struct look){.cabinet = c};
    for (uint32_t g = 0; g < 8; g++)
        if (c->detectors >> (8 * g) & 0xff)
            l->groups |= (uint8_t)(1U << g);
}

static bool
is_used(const struct look *l, uint32_t detector)
{
    return l->cabinet->detectors >> detector & 1;
}

size_t
look_names(const struct look *l, struct ntcip_name *out)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_COUNT(lights); i++)
        out[n++] =
            (struct ntcip_name){lights[i], ntcip_row(lights[i])->index == INDEX_GROUP ? 1 : 0};
    for (uint8_t g = 0; g < 8; g++) {
        if (!(l->groups >> g & 1))
            continue;
        out[n++] = (struct ntcip_name){NTCIP_DETECTOR_ACTIVE, (uint8_t)(g + 1)};
        out[n++] = (struct ntcip_name){NTCIP_DETECTOR_ALARMS, (uint8_t)(g + 1)};
    }
    if (l->groups == 0)
        return n;
    out[n++] = (struct ntcip_name){NTCIP_VOLUME_SEQUENCE, 0};
    out[n++] = (struct ntcip_name){NTCIP_VOLUME_PERIOD, 0};
    for (uint8_t d = 0; d < NTCIP_DETECTORS_MAX; d++)
        if (is_used(l, d))
            out[n++] = (struct ntcip_name){NTCIP_VOLUME, (uint8_t)(d + 1)};
    ASSERT(n <= LOOK_NAMES_MAX);
    return n;
}

static struct ntcip_status
read_lights(const struct ntcip_value *v)
{
    struct ntcip_status s = {.known = true};
    uint8_t *const to[ARRAY_COUNT(lights)] = {
        &s.reds,      &s.yellows, &s.greens, &s.walks,   &s.ped_clears,  &s.veh_calls,
        &s.ped_calls, &s.control, &s.flash,  &s.alarm_1, &s.short_alarm,
    };
    for (size_t i = 0; i < ARRAY_COUNT(lights); i++) {
        s.known = s.known && v[i].there;
        *to[i] = (uint8_t)v[i].number; /* 0..255: the table's range was compared */
    }
    return s.known ? s : (struct ntcip_status){.known = false};
}

/*
 * Vehicles: what the controller counted in its last second, once for each of its periods; without
 * such counts, a loop that is occupied now and was not a second ago.
 */
static void
read_counts(struct look *l, const struct ntcip_value *sequence, const struct ntcip_value *period,
            const struct ntcip_value *volumes, struct look_detectors *d)
{
    bool counts = sequence->there && period->there && period->number == 1;
    bool fresh = counts && l->seen && l->volumes && sequence->number != l->last_sequence;
    size_t at = 0;
    for (uint32_t i = 0; i < NTCIP_DETECTORS_MAX; i++) {
        if (!is_used(l, i))
            continue;
        const struct ntcip_value *v = &volumes[at++];
        bool came = l->seen && (d->on & ~l->last_on) >> i & 1;
        if (counts && v->there)
            d->counts[i] = fresh && v->number < 10 ? (uint8_t)v->number : 0; /* 255: faulty */
        else
            d->counts[i] = came ? 1 : 0;
    }
    l->volumes = counts;
    l->last_sequence = (uint8_t)sequence->number;
}

void
look_read(struct look *l, const struct ntcip_value *values, struct ntcip_status *out,
          struct look_detectors *out_detectors)
{
    struct look_detectors d = {.on = 0};
    *out = read_lights(values);
    const struct ntcip_value *v = values + ARRAY_COUNT(lights);
    for (uint32_t g = 0; g < 8; g++) {
        if (!(l->groups >> g & 1))
            continue;
        uint64_t faulty = v[0].there && v[1].there ? (uint64_t)v[1].number : 0xff;
        d.on |= (uint64_t)(v[0].there ? v[0].number : 0) << (8 * g);
        d.dead |= faulty << (8 * g);
        v += 2;
    }
    d.on &= l->cabinet->detectors;
    d.dead &= l->cabinet->detectors;
    if (l->groups != 0)
        read_counts(l, &v[0], &v[1], v + 2, &d);
    l->last_on = d.on;
    l->seen = true;
    *out_detectors = d;
}

/* ---- timings -------------------------------------------------------------------------------- */

size_t
look_timing_names(const struct cabinet *c, struct ntcip_name *out)
{
    size_t n = 0;
    for (uint8_t p = 1; p <= NTCIP_PHASES; p++)
        for (enum ntcip_timing i = 0; i < TIMINGS_COUNT && c->rings.ring[p]; i++)
            out[n++] = (struct ntcip_name){timing_object(i), p};
    out[n++] = (struct ntcip_name){NTCIP_BACKUP_TIME, 0};
    ASSERT(n <= TIMING_NAMES_MAX);
    return n;
}

void
look_timings(const struct cabinet *c, const struct ntcip_value *values, struct timings *out)
{
    struct timings t = {.backup_s = {.there = false}};
    size_t n = 0;
    for (uint32_t p = 1; p <= NTCIP_PHASES; p++)
        for (enum ntcip_timing i = 0; i < TIMINGS_COUNT && c->rings.ring[p]; i++)
            t.phase[p][i] = values[n++];
    t.backup_s = values[n];
    *out = t;
}
