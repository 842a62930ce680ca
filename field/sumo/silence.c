#include "field/sumo/silence.h"

void
silence_said(struct silence *s, uint64_t published, int64_t now_us)
{
    if (!s->waits)
        *s = (struct silence){true, published, now_us};
}

bool
silence_fell(struct silence *s, uint64_t answered, int64_t now_us)
{
    if (answered >= s->said)
        s->waits = false;
    return s->waits && now_us - s->said_us >= SILENCE_US;
}
