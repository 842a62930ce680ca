#include "field/sumo/former.h"

void
former_init(struct former *x, const struct site *site)
{
    ASSERT(site->phases_count >= 2 && site->plan_count >= 2);
    *x = (struct former){.site = site, .leased = -1};
}

static void
to_mode(struct former *x, enum former_mode mode)
{
    x->mode = mode;
    x->elapsed_s = 0;
}

static void
show_phase(struct former *x, uint32_t phase)
{
    ASSERT(phase < x->site->phases_count);
    x->phase = phase;
    memcpy(x->shown, x->site->phases[phase], x->site->letters_count + 1);
    /* The plan goes on from here: at the next of its rows that shows this phase. */
    for (uint32_t i = 0; i < x->site->plan_count; i++) {
        uint32_t row = (x->plan_row + i) % x->site->plan_count;
        if (x->site->plan[row].phase == phase) {
            x->plan_row = row;
            break;
        }
    }
    to_mode(x, FORMER_GREEN);
}

bool
former_take_over(struct former *x, struct bytes shown)
{
    int32_t phase = site_phase_of(x->site, shown);
    if (x->mode == FORMER_NATIVE && phase >= 0)
        show_phase(x, (uint32_t)phase);
    return x->mode != FORMER_NATIVE;
}

enum err
former_lease(struct former *x, int64_t phase, int64_t until_us)
{
    if (phase < 0 || phase >= (int64_t)x->site->phases_count)
        return ERR_DENIED;
    x->leased = (int32_t)phase;
    x->lease_until_us = until_us;
    return OK;
}

void
former_lease_flash(struct former *x, int64_t until_us)
{
    x->flash_until_us = until_us;
}

void
former_silence(struct former *x)
{
    x->leased = -1;
}

/* A waiting lane whose red must end now, or -1. The change itself takes time too. */
static int32_t
overdue(const struct former *x, const struct former_times *t)
{
    uint32_t change = t->yellow_s + t->all_red_s;
    uint32_t most = t->maximum_red_s > change ? t->maximum_red_s - change : 0;
    int32_t worst = -1;
    for (uint32_t l = 0; l < x->site->lanes_count; l++) {
        if (x->red_s[l] >= most && x->red_s[l] > 0 && (worst < 0 || x->red_s[l] > x->red_s[worst]))
            worst = (int32_t)l;
    }
    return worst;
}

/* The next row of the plan whose phase serves the lane. */
static int32_t
phase_for(const struct former *x, uint32_t lane)
{
    const struct site *s = x->site;
    for (uint32_t i = 1; i <= s->plan_count; i++) {
        uint32_t phase = s->plan[(x->plan_row + i) % s->plan_count].phase;
        if (site_serves(s, phase, lane))
            return (int32_t)phase;
    }
    return -1;
}

static uint32_t
wanted_phase(struct former *x, const struct former_times *t, bool leased)
{
    int32_t lane = overdue(x, t);
    int32_t forced = lane >= 0 ? phase_for(x, (uint32_t)lane) : -1;
    if (forced >= 0 && (uint32_t)forced != x->phase) {
        x->forced++;
        return (uint32_t)forced;
    }
    if (leased)
        return (uint32_t)x->leased;
    const struct site *s = x->site;
    if (x->elapsed_s < s->plan[x->plan_row].seconds)
        return x->phase;
    return s->plan[(x->plan_row + 1) % s->plan_count].phase;
}

static void
leave_green(struct former *x, const struct former_times *t, bool leased, bool flash)
{
    if (x->elapsed_s < t->minimum_green_s)
        return;
    x->to_flash = flash;
    x->target = flash ? x->phase : wanted_phase(x, t, leased);
    if (!flash && x->target == x->phase) {
        if (!leased && x->elapsed_s >= x->site->plan[x->plan_row].seconds)
            show_phase(x, x->phase); /* two rows of the plan with the same phase */
        return;
    }
    site_between(x->site, x->phase, x->target, false, x->shown);
    for (uint32_t i = 0; flash && i < x->site->letters_count; i++) {
        char own = x->site->phases[x->phase][i];
        x->shown[i] = own == 'G' || own == 'g' ? 'y' : 'r'; /* nobody keeps his green */
    }
    to_mode(x, FORMER_YELLOW);
}

static void
clear(struct former *x)
{
    if (x->to_flash || x->from_flash)
        memset(x->shown, 'r', x->site->letters_count);
    else
        site_between(x->site, x->phase, x->target, true, x->shown);
    to_mode(x, FORMER_ALL_RED);
}

static void
end_clear(struct former *x)
{
    x->from_flash = false;
    if (!x->to_flash) {
        show_phase(x, x->target);
        return;
    }
    memset(x->shown, 'o', x->site->letters_count);
    x->to_flash = false;
    to_mode(x, FORMER_FLASH);
}

static void
count_red(struct former *x, const uint16_t *waiting)
{
    for (uint32_t l = 0; l < x->site->lanes_count; l++) {
        bool green = x->mode == FORMER_FLASH ||
                     (x->mode == FORMER_GREEN && site_serves(x->site, x->phase, l));
        x->red_s[l] = green || waiting[l] == 0 ? 0 : x->red_s[l] + 1;
    }
}

/* True while nothing may follow yet because somebody still crosses. */
static bool
box_blocks(const struct former *x, uint32_t all_red_s, uint32_t inside)
{
    bool all_red = memchr(x->shown, 'G', x->site->letters_count) == NULL &&
                   memchr(x->shown, 'g', x->site->letters_count) == NULL;
    return all_red && inside > 0 && x->elapsed_s < all_red_s + FORMER_BOX_WAIT_S;
}

static void
advance(struct former *x, const struct former_times *t, bool leased, bool flash, uint32_t inside)
{
    uint32_t all_red_s = x->from_flash ? FORMER_LEAVE_FLASH_S : t->all_red_s;
    switch (x->mode) {
    case FORMER_GREEN:
        leave_green(x, t, leased, flash);
        break;
    case FORMER_YELLOW:
        if (x->elapsed_s < t->yellow_s)
            break;
        clear(x);
        if (all_red_s == 0 && !box_blocks(x, 0, inside))
            end_clear(x);
        break;
    case FORMER_ALL_RED:
        if (x->elapsed_s >= all_red_s && !box_blocks(x, all_red_s, inside))
            end_clear(x);
        break;
    case FORMER_FLASH:
        if (flash)
            break;
        x->from_flash = true;
        x->target = leased ? (uint32_t)x->leased : x->site->plan[0].phase;
        clear(x);
        break;
    case FORMER_NATIVE:
    case FORMER_MODES_COUNT:
    default:
        ASSERT(false);
    }
}

bool
former_step(struct former *x, const struct former_times *times, const uint16_t *waiting,
            uint32_t inside, int64_t now_us)
{
    ASSERT(x->mode != FORMER_NATIVE && times->yellow_s >= SITE_YELLOW_MIN_S);
    char before[SITE_LETTERS_MAX + 1];
    memcpy(before, x->shown, sizeof(before));
    bool leased = x->leased >= 0 && now_us < x->lease_until_us;
    bool flash = now_us < x->flash_until_us;
    if (x->obeying && !leased)
        x->fallbacks++;
    x->obeying = leased;
    x->elapsed_s++;
    count_red(x, waiting);
    advance(x, times, leased, flash, inside);
    ASSERT(site_may_show(x->site, bytes_text(x->shown)));
    return memcmp(before, x->shown, x->site->letters_count) != 0;
}

const char *
former_word(const struct former *x)
{
    switch (x->mode) {
    case FORMER_GREEN:
        return x->obeying ? "lease" : "plan";
    case FORMER_YELLOW:
        return "yellow";
    case FORMER_ALL_RED:
        return "all-red";
    case FORMER_FLASH:
        return "flash";
    case FORMER_NATIVE:
    case FORMER_MODES_COUNT:
    default:
        return "own programme";
    }
}
