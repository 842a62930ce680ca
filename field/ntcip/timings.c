#include "field/ntcip/timings.h"

const char *
timing_rule_text(enum timing_rule rule)
{
    static const char *const texts[RULES_COUNT] = {
        [RULE_NONE] = "none",
        [RULE_NOT_TOLD] = "the controller does not tell it",
        [RULE_MINIMUM_GREEN] = "minimum green is shorter than the envelope's",
        [RULE_MAXIMUM_GREEN] = "maximum green is longer than the envelope's, or below the minimum",
        [RULE_YELLOW] = "yellow is shorter than the envelope's",
        [RULE_RED_CLEAR] = "red clearance is shorter than the envelope's",
        [RULE_WALK] = "walk is shorter than the crossing needs",
        [RULE_PED_CLEAR] = "pedestrian clearance is shorter than the crossing needs",
        [RULE_RING] = "the phase lies in another ring",
        [RULE_BACKUP_TIME] = "the backup timer is off or too long",
    };
    return (unsigned)rule < RULES_COUNT ? texts[rule] : "?";
}

static const enum ntcip_object objects[TIMINGS_COUNT] = {
    [TIMING_MINIMUM_GREEN] = NTCIP_MINIMUM_GREEN,
    [TIMING_MAXIMUM_1] = NTCIP_MAXIMUM_1,
    [TIMING_YELLOW] = NTCIP_YELLOW_CHANGE,
    [TIMING_RED_CLEAR] = NTCIP_RED_CLEAR,
    [TIMING_WALK] = NTCIP_WALK,
    [TIMING_PED_CLEAR] = NTCIP_PED_CLEAR,
    [TIMING_RING] = NTCIP_PHASE_RING,
};

enum ntcip_object
timing_object(enum ntcip_timing timing)
{
    ASSERT((unsigned)timing < TIMINGS_COUNT);
    return objects[timing];
}

const char *
timing_text(enum ntcip_timing timing)
{
    return ntcip_row(timing_object(timing))->name;
}

/* What a figure must be, and the rule that it breaks otherwise. Walk counts at crossings only. */
static bool
is_weak(const struct cabinet *c, uint32_t p, enum ntcip_timing timing, const struct timings *t,
        struct timing_finding *f)
{
    int32_t has = t->phase[p][timing].number;
    bool crossing = (c->crossings & PHASE_BIT(p)) != 0;
    f->has = has;
    switch (timing) {
    case TIMING_MINIMUM_GREEN:
        f->rule = RULE_MINIMUM_GREEN;
        f->wants = c->minimum_green_s;
        return has < f->wants;
    case TIMING_MAXIMUM_1:
        f->rule = RULE_MAXIMUM_GREEN;
        f->wants = c->maximum_green_s;
        return has > f->wants || has < t->phase[p][TIMING_MINIMUM_GREEN].number;
    case TIMING_YELLOW:
        f->rule = RULE_YELLOW;
        f->wants = c->yellow_ds;
        return has < f->wants;
    case TIMING_RED_CLEAR:
        f->rule = RULE_RED_CLEAR;
        f->wants = c->all_red_ds;
        return has < f->wants;
    case TIMING_WALK:
        f->rule = RULE_WALK;
        f->wants = c->walk_s[p];
        return crossing && has < f->wants;
    case TIMING_PED_CLEAR:
        f->rule = RULE_PED_CLEAR;
        f->wants = c->ped_clearance_s[p];
        return crossing && has < f->wants;
    case TIMING_RING:
        f->rule = RULE_RING;
        f->wants = c->rings.ring[p];
        return has != f->wants;
    case TIMINGS_COUNT:
        break;
    }
    return true;
}

static bool
matters(const struct cabinet *c, uint32_t p, enum ntcip_timing timing)
{
    bool walks = timing == TIMING_WALK || timing == TIMING_PED_CLEAR;
    return c->rings.ring[p] != 0 && (!walks || (c->crossings & PHASE_BIT(p)));
}

enum err
timings_check(const struct cabinet *c, const struct timings *t, struct timing_finding *out)
{
    struct timing_finding f = {.rule = RULE_NONE};
    for (f.phase = 1; f.phase <= NTCIP_PHASES; f.phase++) {
        for (f.timing = 0; f.timing < TIMINGS_COUNT; f.timing++) {
            const struct ntcip_value *v = &t->phase[f.phase][f.timing];
            if (!matters(c, f.phase, f.timing))
                continue;
            bool told = v->there && ntcip_in_range(objects[f.timing], v->number);
            bool weak = is_weak(c, f.phase, f.timing, t, &f);
            if (!told)
                f.rule = RULE_NOT_TOLD;
            if (told && !weak)
                continue;
            *out = f;
            return ERR_DENIED;
        }
    }
    const struct ntcip_value *b = &t->backup_s;
    if (b->there && b->number > 0 && b->number <= c->backup_s)
        return OK;
    *out = (struct timing_finding){.rule = b->there ? RULE_BACKUP_TIME : RULE_NOT_TOLD,
                                   .has = b->number,
                                   .wants = c->backup_s};
    return ERR_DENIED;
}

bool
timings_equal(const struct cabinet *c, const struct timings *a, const struct timings *b)
{
    for (uint32_t p = 1; p <= NTCIP_PHASES; p++)
        for (enum ntcip_timing i = 0; i < TIMINGS_COUNT; i++)
            if (matters(c, p, i) && (a->phase[p][i].there != b->phase[p][i].there ||
                                     a->phase[p][i].number != b->phase[p][i].number))
                return false;
    return a->backup_s.there == b->backup_s.there && a->backup_s.number == b->backup_s.number;
}
