#include "services/signals/optimize/ladder.h"

#include <stdio.h>

void
ladder_init(struct ladder *l)
{
    *l = (struct ladder){.rung = RUNG_LOCAL, .before = RUNG_LOCAL, .why = "nothing heard yet"};
}

static bool
is_stale(const struct ladder_sight *s, uint64_t now_ms)
{
    return !s->heard || now_ms > s->heard_ms + CONTROL_STALE_MS;
}

enum control_rung
ladder_allows(const struct ladder_sight *s, uint64_t now_ms)
{
    ASSERT(s->blind <= s->lanes && s->silent <= s->feeders);
    if (is_stale(s, now_ms) || (s->lanes > 0 && s->blind == s->lanes))
        return RUNG_LOCAL;
    if (2 * s->blind > s->lanes)
        return RUNG_RATES;
    return s->blind > 0 || s->silent > 0 ? RUNG_VIRTUAL : RUNG_PLAN;
}

/* ---- in words, which change once a minute at most
 * ---------------------------------------------------------------------------------
 */

static void
say_blind(struct ladder *l, const struct ladder_sight *s, uint64_t now_ms)
{
    uint64_t minutes = now_ms > s->blind_ms ? (now_ms - s->blind_ms) / 60000 : 0;
    snprintf(l->why, sizeof(l->why), "%u of %u lanes dead: lane %u %s, for %u min", s->blind,
             s->lanes, s->blind_lane, s->blind_why ? s->blind_why : "", (unsigned)minutes);
}

static void
say(struct ladder *l, const struct ladder_sight *s, uint64_t now_ms)
{
    if (!s->heard)
        snprintf(l->why, sizeof(l->why), "nothing heard yet");
    else if (is_stale(s, now_ms))
        snprintf(l->why, sizeof(l->why), "no reading for %u min",
                 (unsigned)((now_ms - s->heard_ms) / 60000));
    else if (s->blind > 0)
        say_blind(l, s, now_ms);
    else if (s->silent > 0)
        snprintf(l->why, sizeof(l->why), "%u of %u neighbours silent", s->silent, s->feeders);
    else if (l->rung != RUNG_PLAN)
        snprintf(l->why, sizeof(l->why), "all is good again, for %u min; one rung up at %u min",
                 (unsigned)((now_ms - l->good_ms) / 60000), LADDER_GOOD_MS / 60000);
    else
        snprintf(l->why, sizeof(l->why), "all sensors are good");
}

/* ---- up and down ------------------------------------------------------------------------------
 */

/* A gap ended: where to go on. */
static enum control_rung
after_gap(struct ladder *l, enum control_rung allowed, uint64_t now_ms)
{
    bool brief = now_ms - l->gap_ms <= LADDER_GAP_MS;
    bool again = l->any_forgiven && now_ms - l->forgiven_ms < LADDER_GOOD_MS;
    l->in_gap = false;
    if (!brief || again)
        return RUNG_LOCAL;
    l->any_forgiven = true;
    l->forgiven_ms = now_ms;
    return l->before > allowed ? l->before : allowed;
}

static void
move(struct ladder *l, enum control_rung allowed, bool stale, uint64_t now_ms)
{
    if (!l->begun) {
        l->rung = allowed;
        l->begun = !stale;
        l->good_ms = now_ms;
        return;
    }
    if (stale && !l->in_gap) {
        l->in_gap = true;
        l->gap_ms = now_ms;
        l->before = l->rung;
    } else if (!stale && l->in_gap) {
        l->rung = after_gap(l, allowed, now_ms);
        l->good_ms = now_ms;
    }
    if (allowed >= l->rung) {
        l->rung = allowed;
        l->good_ms = now_ms;
    } else if (now_ms - l->good_ms >= LADDER_GOOD_MS) {
        l->rung = (enum control_rung)(l->rung - 1);
        l->good_ms = now_ms;
    }
}

enum control_rung
ladder_step(struct ladder *l, const struct ladder_sight *s, uint64_t now_ms)
{
    ASSERT(l->rung < RUNGS_COUNT);
    enum control_rung allowed = ladder_allows(s, now_ms);
    move(l, allowed, is_stale(s, now_ms), now_ms);
    ASSERT(l->rung >= allowed);
    say(l, s, now_ms);
    return l->rung;
}
