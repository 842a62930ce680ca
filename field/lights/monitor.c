#include "field/lights/monitor.h"

enum aspect { ASPECT_GO, ASPECT_YELLOW, ASPECT_STOP, ASPECT_FLASH, ASPECT_UNKNOWN };

static enum aspect
aspect_of(char letter)
{
    switch (letter) {
    case 'G':
    case 'g':
        return ASPECT_GO;
    case 'y':
        return ASPECT_YELLOW;
    case 'r':
    case 's':
        return ASPECT_STOP;
    case 'o':
        return ASPECT_FLASH;
    default:
        return ASPECT_UNKNOWN;
    }
}

void
monitor_init(struct monitor *o, const struct intersection *x)
{
    ASSERT(x->checked);
    *o = (struct monitor){.x = x};
}

static bool
trip(struct monitor *o, enum monitor_fault fault, uint32_t link, uint32_t other)
{
    o->tripped = true;
    o->fault = fault;
    o->link = link;
    o->other = other;
    o->trip_s[o->trips++ % MONITOR_TRIPS] = o->now_s;
    return false;
}

/* The letters by which a link may be crossing the junction now. */
static char
crossing_as(const struct monitor_link *l)
{
    if (l->shows == 'y')
        return l->had;
    return l->shows == 'G' || l->shows == 'g' || l->shows == 's' ? l->shows : 0;
}

static bool
may_meet(const struct intersection *x, uint32_t a, char as_a, uint32_t b, char as_b)
{
    bool a_waits = as_a == 's' || (as_a == 'g' && link_in(&x->yields[a], b));
    bool b_waits = as_b == 's' || (as_b == 'g' && link_in(&x->yields[b], a));
    return a_waits || b_waits;
}

/* O1 */
static bool
check_conflicts(struct monitor *o)
{
    const struct intersection *x = o->x;
    uint32_t count = 0;
    uint8_t going[LIGHTS_LINKS_MAX];
    for (uint32_t i = 0; i < x->links_count; i++) {
        if (crossing_as(&o->links[i]))
            going[count++] = (uint8_t)i;
    }
    for (uint32_t a = 0; a < count; a++) {
        for (uint32_t b = a + 1; b < count; b++) {
            uint8_t i = going[a], k = going[b];
            if (link_in(&x->crosses[i], k) &&
                !may_meet(x, i, crossing_as(&o->links[i]), k, crossing_as(&o->links[k])))
                return trip(o, MONITOR_CONFLICT, i, k);
        }
    }
    return true;
}

/* O2, O3: how a link leaves green and yellow. */
static bool
check_end(struct monitor *o, uint32_t i, enum aspect now, bool preempted)
{
    const struct lights_link *l = &o->x->links[i];
    const struct monitor_link *m = &o->links[i];
    enum monitor_fault hasty = l->walk ? MONITOR_SHORT_CLEARANCE : MONITOR_SHORT_YELLOW;
    if (now == ASPECT_FLASH)
        return true;
    if (aspect_of(m->shows) == ASPECT_YELLOW) {
        bool long_enough = m->since_s >= (l->walk ? l->clearance_s : l->yellow_s);
        return (now == ASPECT_STOP && long_enough) || trip(o, hasty, i, i);
    }
    if (now != ASPECT_YELLOW)
        return trip(o, hasty, i, i);
    if (l->walk)
        return m->since_s >= l->walk_s || trip(o, MONITOR_SHORT_WALK, i, i);
    uint32_t least = l->minimum_green_s;
    if (preempted && o->x->preempt_minimum_s < least)
        least = o->x->preempt_minimum_s;
    return m->since_s >= least || trip(o, MONITOR_SHORT_GREEN, i, i);
}

/* O6 */
static bool
check_trap(struct monitor *o, uint32_t i, enum aspect now, const char *next)
{
    if (now != ASPECT_YELLOW || o->links[i].shows != 'g')
        return true;
    for (uint32_t k = 0; k < o->x->links_count; k++) {
        if (link_in(&o->x->yields[i], k) && !o->x->links[k].walk && aspect_of(next[k]) == ASPECT_GO)
            return trip(o, MONITOR_YELLOW_TRAP, i, k);
    }
    return true;
}

/* O4, O5: how a link gets green. `next` is what all will show. */
static bool
check_begin(struct monitor *o, uint32_t i, enum aspect now, const char *next)
{
    const struct monitor_link *m = &o->links[i];
    if (now == ASPECT_FLASH || now == ASPECT_STOP)
        return true;
    if (now == ASPECT_YELLOW)
        return trip(o, MONITOR_LETTER, i, i);
    if (m->flashed && (m->shows == 'o' || m->since_s < LIGHTS_LEAVE_FLASH_S))
        return trip(o, MONITOR_AFTER_FLASH, i, i);
    for (uint32_t k = 0; k < o->x->links_count; k++) {
        const struct monitor_link *other = &o->links[k];
        bool stopped = aspect_of(next[k]) == ASPECT_STOP;
        if (!link_in(&o->x->crosses[i], k) || !stopped || !other->had)
            continue;
        uint32_t red_s = aspect_of(other->shows) == ASPECT_STOP ? other->since_s : 0;
        if (red_s < o->x->links[k].all_red_s)
            return trip(o, MONITOR_SHORT_RED, i, k);
    }
    return true;
}

static bool
check_letters(struct monitor *o, const char *shown)
{
    for (uint32_t i = 0; i < o->x->links_count; i++) {
        bool walk_never = o->x->links[i].walk && (shown[i] == 'g' || shown[i] == 's');
        bool some_flash = (shown[i] == 'o') != (shown[0] == 'o');
        if (aspect_of(shown[i]) == ASPECT_UNKNOWN || walk_never || some_flash)
            return trip(o, MONITOR_LETTER, i, 0);
    }
    return true;
}

static void
note(struct monitor *o, const char *shown)
{
    for (uint32_t i = 0; i < o->x->links_count; i++) {
        struct monitor_link *m = &o->links[i];
        enum aspect now = aspect_of(shown[i]);
        bool same = o->watching && now == aspect_of(m->shows);
        m->since_s = same ? m->since_s + 1 : 1;
        m->shows = shown[i];
        if (now == ASPECT_FLASH) {
            m->flashed = true;
            m->had = 0;
        } else if (now == ASPECT_GO) {
            m->flashed = false;
            m->had = shown[i];
        }
    }
    o->watching = true;
}

bool
monitor_observe(struct monitor *o, const char *shown, bool preempted)
{
    o->now_s++;
    if (o->tripped)
        return false;
    if (!check_letters(o, shown))
        return false;
    for (uint32_t i = 0; i < o->x->links_count && o->watching; i++) {
        enum aspect now = aspect_of(shown[i]), before = aspect_of(o->links[i].shows);
        if (now == before)
            continue;
        bool ends = before == ASPECT_GO || before == ASPECT_YELLOW;
        if (!(ends ? check_end(o, i, now, preempted) : check_begin(o, i, now, shown)) ||
            !check_trap(o, i, now, shown))
            return false;
    }
    note(o, shown);
    return check_conflicts(o);
}

void
monitor_silence(struct monitor *o)
{
    o->now_s++;
    if (!o->tripped)
        trip(o, MONITOR_SILENCE, 0, 0);
}

enum err
monitor_reset(struct monitor *o, bool by_hand)
{
    uint32_t recent = 0;
    if (!o->tripped)
        return ERR_WRONG_STATE;
    for (uint32_t i = 0; i < MONITOR_TRIPS && i < o->trips; i++)
        recent += o->now_s - o->trip_s[i] < MONITOR_WINDOW_S;
    if (recent >= MONITOR_TRIPS && !by_hand)
        return ERR_DENIED;
    o->tripped = false;
    for (uint32_t i = 0; i < o->x->links_count; i++) /* all has flashed */
        o->links[i] = (struct monitor_link){.shows = 'o', .flashed = true, .since_s = 1};
    o->watching = true;
    return OK;
}

void
monitor_why(const struct monitor *o, char *why)
{
#define FAULT_WORD(name, word) [MONITOR_##name] = word,
    static const char *const words[] = {MONITOR_FAULTS(FAULT_WORD)};
    snprintf(why, MONITOR_WHY_SIZE, "%s: links %u and %u", words[o->fault], (unsigned)o->link,
             (unsigned)o->other);
}
