/*
 * Rules, then any frames at any times: what passes is a message of the kind that the rules carry,
 * of a known area, a group that is large enough, the last whole minute; never two in one tick, and
 * in no hour more than the rate and one.
 */
#include "base/fuzz.h"
#include "base/text.h"
#include "programs/conduit/valve.h"

enum { PASSES_MAX = 4096, HOUR_MS = 3600000 };

struct passed {
    uint64_t at_ms[PASSES_MAX];
    size_t count;
};

static void
check_message(const struct valve *v, const struct zone_count *m, int64_t now_us)
{
    struct area area;
    struct zone_count again;
    struct buf b;
    ASSERT(start_list_has(v->rules.carries, bytes_text("zone-count")));
    ASSERT(m->count >= v->rules.group_min && valve_step(m->count, v->rules.group_min) == m->count);
    enum err e = coarsen_area_read(m->area, &area);
    ASSERT(e == OK);
    int64_t end_us = (m->window_start_s + (int64_t)m->window_s) * 1000000;
    ASSERT(m->window_s == VALVE_WINDOW_S && end_us <= now_us && end_us + 60000000 > now_us);
    buf_init(&b, 1024);
    zone_count_encode(m, &b);
    e = zone_count_decode(buf_bytes(&b), &again);
    ASSERT(e == OK && again.count == m->count);
    buf_fini(&b);
}

static void
check_rate(const struct valve *v, struct passed *p, uint64_t now_ms)
{
    uint64_t in_hour = 0;
    ASSERT(p->count == 0 || p->at_ms[p->count - 1] < now_ms);
    p->at_ms[p->count++] = now_ms;
    for (size_t i = p->count; i-- > 0 && now_ms - p->at_ms[i] < HOUR_MS;)
        in_hour++;
    ASSERT(in_hour <= (uint64_t)v->rules.rate_per_hour + 2); /* one may have waited for its tick */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct passed passed;
    struct bytes in = bytes_of(data, size);
    uint8_t flags = fuzz_byte(&in);
    struct start_conduit rules = {.group_min = fuzz_byte(&in), .rate_per_hour = fuzz_byte(&in)};
    snprintf(rules.carries, sizeof(rules.carries), "%s",
             flags & 1   ? "alarm zone-count"
             : flags & 2 ? "zone-counts"
                         : "zone-count");
    struct valve v;
    uint64_t now_ms = 1000;
    passed.count = 0;
    valve_init(&v, &rules, now_ms);
    while (in.len && passed.count < PASSES_MAX) {
        uint64_t step = fuzz_byte(&in);
        now_ms += step * step * step;
        uint16_t id = (uint16_t)(fuzz_byte(&in) << 8);
        id = (uint16_t)(id | fuzz_byte(&in));
        struct bytes body = fuzz_part(&in);
        uint8_t *exact = fuzz_exact(body);
        int64_t now_us = 1800000000000000 + (int64_t)now_ms * 1000;
        struct zone_count m;
        uint32_t wait_ms = 0;
        if (valve_release(&v, now_ms, now_us, &m, &wait_ms)) {
            check_message(&v, &m, now_us);
            check_rate(&v, &passed, now_ms);
        }
        bool waited = v.waiting;
        enum valve_verdict verdict = VALVE_VERDICTS;
        enum err e = valve_judge(&v, id, bytes_of(exact, body.len), now_ms, now_us, &verdict);
        ASSERT(verdict < VALVE_VERDICTS && v.areas_count <= VALVE_AREAS_MAX);
        ASSERT(verdict != VALVE_PASS || (e == OK && !waited && v.waiting));
        if (verdict == VALVE_PASS) {
            e = zone_count_decode(bytes_of(exact, body.len), &m);
            ASSERT(e == OK && m.count >= rules.group_min); /* not only what is told of it */
        }
        free(exact);
    }
    return 0;
}
