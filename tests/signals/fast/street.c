/*
 * street.c -- what makes the bridge to SUMO the clock of a fast city, at link time and nowhere
 * else: it moves the page's time, and knows from the page when the city has answered.
 *
 * A second is two steps: the readings are published at its beginning and answered; then
 * TICK_MS go by, so that what the city does by its own clock (ticks, anchors, heartbeats) is done
 * and answered too; the rest goes by when the second is over. Who wants to see what a city without
 * one of its programs does sets FAST_PATIENCE_MS: of the machine, for the answers of one second.
 */
#include "base/clock.h"
#include "base/text.h"
#include "field/sumo/answers.h"
#include "tests/signals/fast/page.h"

enum { SECOND_MS = 1000, TICK_MS = 100, PATIENCE_DEFAULT_MS = 5000 };

static struct page *page;
static uint64_t work; /* of the city and of us, when all had answered last; 0: not yet */
static uint64_t heard_us[PAGE_SLOTS_MAX]; /* when each program answered; of a dead one, last */
static bool ticked;
static uint64_t begun_ms; /* this second, in the city's time */
static uint64_t patience_ms = PATIENCE_DEFAULT_MS;

static void __attribute__((constructor)) take_page(void)
{
    page = page_open();
    const char *patience = getenv("FAST_PATIENCE_MS");
    if (patience && text_u64(bytes_text(patience), UINT32_MAX, &patience_ms) != OK)
        patience_ms = PATIENCE_DEFAULT_MS;
}

/*
 * FAST_LIE=WHAT:SECONDS makes the first intersection a liar from second FAST_LIE_FROM on: "ahead"
 * and "behind", its clock is off by so much; "replay", it says all again that it said so long ago;
 * "silent", it says nothing any more.
 */
enum { LIE_LENGTH_MAX = 128, LIE_TEXT_MAX = 4096, LIAR = 0, SECOND_US = 1000000 };

static const char *lie;
static uint64_t lie_s, lie_from, said;
static struct {
    uint8_t text[LIE_TEXT_MAX];
    size_t len;
    int64_t time_us;
} before[LIE_LENGTH_MAX];

static void __attribute__((constructor)) take_lie(void)
{
    const char *from = getenv("FAST_LIE_FROM"), *colon;
    lie = getenv("FAST_LIE");
    if (!lie)
        return;
    colon = strchr(lie, ':');
    if (!colon || text_u64(bytes_text(colon + 1), LIE_LENGTH_MAX - 1, &lie_s) != OK ||
        (from && text_u64(bytes_text(from), UINT32_MAX, &lie_from) != OK))
        abort();
}

static bool
lies(const char *what)
{
    return lie && said >= lie_from && bytes_start(bytes_text(lie), what);
}

enum err __real_field_publish(struct field *f, uint32_t device, uint32_t stream, int64_t time_us,
                              struct bytes result);
enum err __wrap_field_publish(struct field *f, uint32_t device, uint32_t stream, int64_t time_us,
                              struct bytes result);
enum err
__wrap_field_publish(struct field *f, uint32_t device, uint32_t stream, int64_t time_us,
                     struct bytes result)
{
    if (!lie || device != LIAR || stream != 0) /* `lanes` is the first that an intersection has */
        return __real_field_publish(f, device, stream, time_us, result);
    uint64_t at = said++ % LIE_LENGTH_MAX, old = (said - 1 - lie_s) % LIE_LENGTH_MAX;
    ASSERT(result.len <= LIE_TEXT_MAX);
    memcpy(before[at].text, result.p, result.len);
    before[at].len = result.len;
    before[at].time_us = time_us;
    if (lies("silent"))
        return OK;
    if (lies("ahead"))
        time_us += (int64_t)lie_s * SECOND_US;
    if (lies("behind"))
        time_us -= (int64_t)lie_s * SECOND_US;
    enum err e = __real_field_publish(f, device, stream, time_us, result);
    if (e == OK && lies("replay") && before[old].len > 0)
        e = __real_field_publish(f, device, stream, before[old].time_us,
                                 bytes_of(before[old].text, before[old].len));
    return e;
}

static uint64_t
mono_ms(void *ctx)
{
    return page_mono_ms(ctx);
}

static int64_t
wall_us(void *ctx)
{
    return page_wall_us(ctx);
}

struct clock_source __wrap_clock_system(void);
struct clock_source
__wrap_clock_system(void)
{
    return (struct clock_source){mono_ms, wall_us, page};
}

static void
ask(void)
{
    atomic_fetch_add(&page->question, 1);
}

/* True when all programs that live have answered; *out_work: all that they had done by then. */
static bool
answered(uint64_t *out_work)
{
    uint64_t question = atomic_load(&page->question), now_us = page_machine_us();
    uint64_t count = atomic_load(&page->slots_count);
    *out_work = 1;
    for (uint64_t i = 0; i < count; i++) {
        struct page_slot *s = &page->slots[i];
        if (heard_us[i] == 0 || atomic_load(&s->answered) == question)
            heard_us[i] = now_us;
        if (atomic_load(&s->answered) != question && now_us - heard_us[i] < PAGE_DEAD_MS * 1000ULL)
            return false;
        *out_work += atomic_load(&s->work);
    }
    return true;
}

void __wrap_answers_begin(struct answers *a, const struct field *f);
void
__wrap_answers_begin(struct answers *a, const struct field *f)
{
    (void)f;
    *a = (struct answers){0};
    page_stop_flowing(page);
    begun_ms = page_mono_ms(page);
}

void __wrap_answers_ask(struct answers *a, const struct field *f);
void
__wrap_answers_ask(struct answers *a, const struct field *f)
{
    (void)f;
    a->asked_us = page_machine_us();
    work = 0;
    ticked = false;
    ask();
}

enum answers_state __wrap_answers_look(struct answers *a, const struct field *f);
enum answers_state
__wrap_answers_look(struct answers *a, const struct field *f)
{
    struct field_counts c;
    uint64_t now;
    if (page_machine_us() - a->asked_us > patience_ms * 1000)
        return ANSWERS_NEVER;
    if (!answered(&now))
        return ANSWERS_COME;
    field_get_counts(f, &c);
    now += c.acknowledged + c.refused + c.leases_obeyed + c.leases_refused;
    bool quiet = now == work;
    work = now;
    if (quiet && ticked) /* nobody works, nothing is on its way: what is missing does not come */
        return c.acknowledged + c.refused == c.published ? ANSWERS_ALL : ANSWERS_NEVER;
    if (quiet) {
        ticked = true;
        work = 0;
        page_move(page, page_mono_ms(page) + TICK_MS); /* every timer of so long is due then */
    }
    ask();
    return ANSWERS_COME;
}

void __wrap_answers_over(struct answers *a);
void
__wrap_answers_over(struct answers *a)
{
    (void)a;
    page_move(page, begun_ms + SECOND_MS);
    begun_ms = page_mono_ms(page);
}

void __wrap_answers_end(struct answers *a);
void
__wrap_answers_end(struct answers *a)
{
    (void)a;
    page_flow(page);
}
