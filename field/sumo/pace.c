#include "field/sumo/pace.h"

enum { SECOND_US = 1000000, TURN_MS = 1, CONNECT_TURN_MS = 20 };

static bool
all_connected(const struct field *f)
{
    struct field_counts c;
    field_get_counts(f, &c);
    return c.connected == c.devices;
}

static enum err
connect_all(struct field *f)
{
    uint64_t until_us = answers_machine_us() + PACE_CONNECT_MS * 1000ULL;
    while (!all_connected(f)) {
        if (answers_machine_us() >= until_us)
            return ERR_AGAIN;
        if (!field_turn(f, CONNECT_TURN_MS))
            return ERR_CLOSED;
    }
    return OK;
}

enum err
pace_begin(struct pace *p, struct field *f, uint64_t steps_per_second, bool lock_step)
{
    *p = (struct pace){.lock_step = lock_step,
                       .period_us = steps_per_second ? SECOND_US / steps_per_second : 0};
    enum err e = lock_step ? connect_all(f) : OK;
    if (e != OK)
        return e;
    if (lock_step)
        answers_begin(&p->answers, f);
    p->begun_us = p->due_us = p->last_us = answers_machine_us();
    return OK;
}

/* False when the field is to end. */
static bool
hear_answers(struct pace *p, struct field *f)
{
    enum answers_state state;
    answers_ask(&p->answers, f);
    do {
        if (!field_turn(f, TURN_MS))
            return false;
        state = answers_look(&p->answers, f);
    } while (state == ANSWERS_COME);
    p->expired += state == ANSWERS_NEVER;
    return true;
}

bool
pace_wait(struct pace *p, struct field *f)
{
    if (p->lock_step) {
        if (!hear_answers(p, f))
            return false;
        answers_over(&p->answers);
    }
    uint64_t now_us = answers_machine_us();
    p->due_us = p->due_us + p->period_us > now_us ? p->due_us + p->period_us : now_us;
    do { /* who is late does not catch up */
        uint64_t wait_ms = p->due_us > now_us ? (p->due_us - now_us + 999) / 1000 : 0;
        if (!field_turn(f, (uint32_t)wait_ms))
            return false;
        now_us = answers_machine_us();
    } while (now_us < p->due_us);
    p->last_us = now_us;
    p->steps++;
    return true;
}

void
pace_end(struct pace *p)
{
    if (p->lock_step)
        answers_end(&p->answers);
}

double
pace_measured(const struct pace *p)
{
    uint64_t us = p->last_us - p->begun_us;
    return us ? (double)p->steps * SECOND_US / (double)us : 0;
}
