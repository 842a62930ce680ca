#include "programs/mistrust.h"

static uint32_t
next_pause_ms(const struct mistrust *m, uint64_t now_ms)
{
    if (m->pause_ms == 0 || now_ms - m->since_ms >= MISTRUST_GOOD_MS)
        return MISTRUST_FIRST_MS;
    return m->pause_ms < MISTRUST_MOST_MS / 2 ? 2 * m->pause_ms : MISTRUST_MOST_MS;
}

void
mistrust_nonsense(struct mistrust *m, uint64_t now_ms)
{
    if (m->deaf)
        return;
    *m = (struct mistrust){.deaf = true, .pause_ms = next_pause_ms(m, now_ms), .since_ms = now_ms};
}

bool
mistrust_over(const struct mistrust *m, uint64_t now_ms)
{
    return m->deaf && now_ms - m->since_ms >= m->pause_ms;
}

void
mistrust_heard(struct mistrust *m, uint64_t now_ms)
{
    ASSERT(mistrust_over(m, now_ms));
    m->deaf = false;
    m->since_ms = now_ms;
}

bool
mistrust_take_up(struct mistrust *m, struct channel *c, uint64_t now_ms)
{
    if (!mistrust_over(m, now_ms) || channel_forget(c, MISTRUST_PACKETS) != OK)
        return false;
    mistrust_heard(m, now_ms);
    return true;
}
