#include "field/ntcip/reading.h"
#include "field/ntcip/control.h"
#include "field/ntcip/timings.h"

/* The sum over a lane's detectors: digits up to 9, as the format has them. */
static uint32_t
crossed(const struct half_report *r, uint64_t detectors)
{
    uint32_t sum = 0;
    for (uint32_t d = 0; d < NTCIP_DETECTORS_MAX && d < r->counts.len; d++)
        if (detectors >> d & 1)
            sum += r->counts.p[d];
    return sum < 9 ? sum : 9;
}

static void
put_counts(struct buf *out, const char *key, const struct half_report *r, const uint64_t *of,
           uint32_t count)
{
    buf_format(out, ",\"%s\":[", key);
    for (uint32_t i = 0; i < count; i++)
        buf_format(out, "%s%u", i ? "," : "", (unsigned)crossed(r, of[i]));
    buf_text(out, "]");
}

static void
put_bits(struct buf *out, const char *key, uint64_t bits, const uint64_t *of, uint32_t count)
{
    buf_format(out, ",\"%s\":\"", key);
    for (uint32_t i = 0; i < count; i++)
        buf_byte(out, (bits & of[i]) ? '1' : '0');
    buf_text(out, "\"");
}

/* A lane without a detector is as good as a broken one. */
static void
put_dead(struct buf *out, const struct half_report *r, const uint64_t *of, uint32_t count)
{
    buf_text(out, ",\"dead\":\"");
    for (uint32_t i = 0; i < count; i++)
        buf_byte(out, of[i] == 0 || (r->dead & of[i]) ? '1' : '0');
    buf_text(out, "\"");
}

void
reading_put_lanes(struct buf *out, const struct cabinet *c, const struct half_report *r)
{
    buf_format(out, "{\"phase\":%d,\"age\":%u", (int)r->stage - 1, (unsigned)r->age_s);
    put_counts(out, "stop", r, c->lane, c->lanes_count);
    put_bits(out, "stop_on", r->on, c->lane, c->lanes_count);
    put_counts(out, "advance", r, c->loop, c->loops_count);
    put_bits(out, "advance_on", r->on, c->loop, c->loops_count);
    put_dead(out, r, c->lane, c->lanes_count);
    buf_text(out, "}");
}

void
reading_put_state(struct buf *out, const struct cabinet *c, const struct half_report *r)
{
    uint8_t used = rings_phases(&c->rings);
    buf_text(out, "{\"shown\":\"");
    for (uint32_t p = 1; p <= NTCIP_PHASES; p++) {
        uint8_t bit = PHASE_BIT(p);
        buf_byte(out, !(used & bit)        ? '-'
                      : !r->known          ? '?'
                      : (r->greens & bit)  ? 'G'
                      : (r->yellows & bit) ? 'y'
                                           : 'r');
    }
    buf_format(out, "\",\"why\":\"%s\"}", control_why_text((enum control_why)r->why));
}

void
reading_put_cabinet(struct buf *out, const struct half_report *r)
{
    bool commanded = r->why == WHY_FOLLOWS || r->why == WHY_WAITS;
    buf_format(out, "{\"commanded\":%s,\"why\":\"%s\",\"answer\":\"%s\"",
               commanded ? "true" : "false", control_why_text((enum control_why)r->why),
               err_text((enum err)r->problem));
    if (r->known)
        buf_format(out, ",\"flash\":%u,\"short_alarm\":%u", (unsigned)r->flash,
                   (unsigned)r->short_alarm);
    if (r->starving)
        buf_format(out, ",\"waiting_phases\":%u", (unsigned)r->starving);
    if (r->rule != RULE_NONE) {
        buf_format(out, ",\"rule\":\"%s\"", timing_rule_text((enum timing_rule)r->rule));
        if (r->phase)
            buf_format(out, ",\"phase\":%u,\"figure\":\"%s\"", (unsigned)r->phase,
                       timing_text((enum ntcip_timing)r->timing));
        buf_format(out, ",\"has\":%lld,\"wants\":%lld", (long long)r->has, (long long)r->wants);
    }
    buf_text(out, "}");
}

bool
reading_state_differs(const struct half_report *a, const struct half_report *b)
{
    return a->known != b->known || a->greens != b->greens || a->yellows != b->yellows ||
           a->why != b->why;
}

bool
reading_cabinet_differs(const struct half_report *a, const struct half_report *b)
{
    bool commanded_a = a->why == WHY_FOLLOWS || a->why == WHY_WAITS;
    bool commanded_b = b->why == WHY_FOLLOWS || b->why == WHY_WAITS;
    if (commanded_a && commanded_b)
        return false;
    return a->why != b->why || a->problem != b->problem || a->rule != b->rule ||
           a->phase != b->phase || a->has != b->has || a->flash != b->flash ||
           a->short_alarm != b->short_alarm || a->starving != b->starving;
}
