#include "field/ntcip/control.h"

const char *
control_why_text(enum control_why why)
{
    static const char *const texts[WHYS_COUNT] = {
#define X(name, text) text,
        CONTROL_WHYS(X)
#undef X
    };
    return (unsigned)why < WHYS_COUNT ? texts[why] : "?";
}

void
control_init(struct control *k, const struct cabinet *c)
{
    *k = (struct control){.cabinet = c};
}

/* ---- the monitor ---------------------------------------------------------------------------- */

/* K6, of one look; WHY_LOCAL: nothing is wrong. */
static enum control_why
look(struct control *k, const struct ntcip_status *s)
{
    const struct rings *r = &k->cabinet->rings;
    uint8_t used = rings_phases(r);
    uint8_t shown = (uint8_t)((s->greens | s->yellows) & used);
    uint8_t two =
        (uint8_t)((s->reds & s->yellows) | (s->reds & s->greens) | (s->yellows & s->greens));
    uint8_t none = (uint8_t)(used & ~(s->reds | s->yellows | s->greens));
    uint32_t a = 0, b = 0;
    bool conflict = rings_conflict(r, shown, &a, &b) || ((s->greens | s->yellows) & ~used);
    k->conflicts = conflict ? (uint8_t)(k->conflicts < 2 ? k->conflicts + 1 : 2) : 0;
    if (conflict) {
        if (k->conflicts == 2 && k->fault == WHY_LOCAL)
            k->fault = WHY_CONFLICT;
        return WHY_CONFLICT;
    }
    /* Yellow lasts 3 s at least and looks are a second apart. */
    if (k->looked && (k->last_greens & s->reds & used & ~two)) {
        if (k->fault == WHY_LOCAL)
            k->fault = WHY_NO_YELLOW;
        return WHY_NO_YELLOW;
    }
    return ((two & used) | none) ? WHY_COLOURS : WHY_LOCAL;
}

static enum control_why
refuses(const struct ntcip_status *s)
{
    if (s->flash != FLASH_STATUS_NOT || (s->short_alarm & SHORT_ALARM_FLASH) ||
        (s->alarm_1 & (ALARM_1_MMU_FLASH | ALARM_1_LOCAL_FLASH)))
        return WHY_FLASHES;
    if (s->short_alarm & SHORT_ALARM_CRITICAL)
        return WHY_ALARM;
    if (s->short_alarm & SHORT_ALARM_PREEMPT)
        return WHY_PREEMPTED;
    if (s->control == CONTROL_STATUS_MANUAL || (s->short_alarm & SHORT_ALARM_LOCAL_OVERRIDE))
        return WHY_MANUAL;
    return WHY_LOCAL;
}

/* ---- what is counted ------------------------------------------------------------------------ */

static void
count(struct control *k, const struct ntcip_status *s)
{
    uint8_t calls = (uint8_t)((s->veh_calls | s->ped_calls) & rings_phases(&k->cabinet->rings));
    bool same = k->looked && s->greens == k->last_greens && s->yellows == k->last_yellows;
    k->age_s = same ? k->age_s + 1 : 0;
    for (uint32_t p = 1; p <= NTCIP_PHASES; p++) {
        bool green = (s->greens & PHASE_BIT(p)) != 0, was = (k->last_greens & PHASE_BIT(p)) != 0;
        k->green_s[p] = green && was && k->looked ? k->green_s[p] + 1 : 0;
        k->waits_s[p] = !green && (calls & PHASE_BIT(p)) ? k->waits_s[p] + 1 : 0;
        if (k->waits_s[p] >= k->cabinet->maximum_red_s)
            k->starving |= PHASE_BIT(p);
    }
    k->starving &= (uint8_t)~s->greens; /* served */
    k->starving &= calls;               /* or gone */
    k->starved = k->starving != 0;
    k->last_greens = s->greens;
    k->last_yellows = s->yellows;
    k->looked = true;
}

/* Nothing was seen: what is counted begins anew when it is seen again, but who waits, waits. */
static void
count_blind(struct control *k)
{
    k->looked = false;
    k->age_s = 0;
    memset(k->green_s, 0, sizeof(k->green_s));
}

void
control_missed(struct control *k)
{
    count_blind(k);
}

/* ---- orders --------------------------------------------------------------------------------- */

/* K3: bits of phases that may be forced off. */
static uint8_t
may_end(const struct control *k, const struct ntcip_status *s)
{
    uint8_t bits = 0;
    for (uint32_t p = 1; p <= NTCIP_PHASES; p++)
        if (k->green_s[p] >= k->cabinet->minimum_green_s)
            bits |= PHASE_BIT(p);
    return (uint8_t)(bits & s->greens & ~s->walks & ~s->ped_clears);
}

/* K5: bits of phases that may be held. */
static uint8_t
may_stay(const struct control *k, const struct ntcip_status *s, uint8_t wanted)
{
    uint8_t bits = (uint8_t)(s->greens & wanted);
    bool others = ((s->veh_calls | s->ped_calls) & ~wanted & ~s->greens) != 0;
    for (uint32_t p = 1; p <= NTCIP_PHASES && others; p++)
        if (k->green_s[p] >= k->cabinet->maximum_green_s)
            bits &= (uint8_t)~PHASE_BIT(p);
    return bits;
}

static struct control_orders
follow(const struct control *k, const struct ntcip_status *s, uint8_t wanted)
{
    uint8_t used = rings_phases(&k->cabinet->rings);
    uint8_t leaving = (uint8_t)(s->greens & used & ~wanted);
    struct control_orders o = {
        .write = true,
        .omit = (uint8_t)(used & ~wanted),
        .hold = may_stay(k, s, wanted),
        .call = wanted,
        .force_off = leaving & may_end(k, s),
    };
    o.why = leaving & ~o.force_off ? WHY_WAITS : WHY_FOLLOWS;
    ASSERT((o.hold & o.force_off) == 0 && (o.call & o.omit) == 0);
    return o;
}

struct control_orders
control_step(struct control *k, const struct ntcip_status *s, int stage, bool timing_good)
{
    ASSERT(stage >= -1 && stage < (int)k->cabinet->stages_count);
    struct control_orders none = {.why = WHY_LOCAL};
    if (!s->known) {
        count_blind(k);
        none.why = k->fault != WHY_LOCAL ? k->fault : WHY_UNKNOWN;
        return none; /* nothing is sent to who does not answer: its backup timer runs */
    }
    enum control_why why = refuses(s); /* while it flashes, colours mean nothing */
    if (why == WHY_LOCAL)
        why = look(k, s);
    if (why == WHY_FLASHES)
        count_blind(k);
    else
        count(k, s);
    if (why == WHY_COLOURS || why == WHY_CONFLICT)
        k->looked = false; /* nothing is compared with a torn look */
    if (k->fault != WHY_LOCAL)
        why = k->fault;
    else if (why == WHY_LOCAL && !timing_good)
        why = WHY_TIMING;
    else if (why == WHY_LOCAL && stage >= 0 && k->starved)
        why = WHY_STARVED;
    if (why == WHY_LOCAL && stage >= 0)
        return follow(k, s, k->cabinet->stage[stage]);
    none.why = why;
    none.write = k->wrote; /* K1 */
    return none;
}

void
control_sent(struct control *k, const struct control_orders *o, bool arrived)
{
    if (!o->write)
        return;
    bool zeros = (o->omit | o->hold | o->force_off | o->call) == 0;
    k->wrote = !zeros || (k->wrote && !arrived);
}

int
control_stage(const struct control *k, const struct ntcip_status *s)
{
    uint8_t used = rings_phases(&k->cabinet->rings);
    if (!s->known || s->flash != FLASH_STATUS_NOT || (s->yellows & used))
        return -1;
    for (uint32_t i = 0; i < k->cabinet->stages_count; i++)
        if ((s->greens & used) == k->cabinet->stage[i])
            return (int)i;
    return -1;
}
