#include "field/sumo/answers.h"

#include <time.h>

uint64_t
answers_machine_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t
heard_of(const struct field_counts *c)
{
    return c->acknowledged + c->refused + c->leases_obeyed + c->leases_refused;
}

void
answers_begin(struct answers *a, const struct field *f)
{
    *a = (struct answers){0};
    answers_ask(a, f);
}

void
answers_ask(struct answers *a, const struct field *f)
{
    struct field_counts c;
    field_get_counts(f, &c);
    a->heard = heard_of(&c);
    a->since_us = a->asked_us = answers_machine_us();
}

enum answers_state
answers_look(struct answers *a, const struct field *f)
{
    struct field_counts c;
    uint64_t now_us = answers_machine_us();
    field_get_counts(f, &c);
    if (heard_of(&c) != a->heard) {
        a->heard = heard_of(&c);
        a->since_us = now_us;
    }
    if (c.acknowledged + c.refused == c.published &&
        now_us - a->since_us >= ANSWERS_QUIET_MS * 1000ULL)
        return ANSWERS_ALL;
    return now_us - a->asked_us >= ANSWERS_PATIENCE_MS * 1000ULL ? ANSWERS_NEVER : ANSWERS_COME;
}

void
answers_over(struct answers *a)
{
    (void)a;
}

void
answers_end(struct answers *a)
{
    (void)a;
}
