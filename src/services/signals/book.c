#include "services/signals/book.h"

void
book_init(struct book *b)
{
    *b = (struct book){.granted = -1};
}

int32_t
book_ask(const struct book *b, const struct book_rules *rules, int32_t wished, uint64_t now_ms)
{
    if (wished < 0)
        return -1;
    bool leased = b->granted >= 0 && b->until_ms > now_ms;
    bool may_change = b->granted < 0 || now_ms >= b->changed_ms + rules->change_ms;
    bool hold_ends = b->granted >= 0 && now_ms < b->until_ms + rules->maximum_red_ms &&
                     now_ms + rules->lease_ms - b->held_since_ms > rules->maximum_red_ms;
    bool renew = !leased || b->until_ms - now_ms < rules->lease_ms / 2;
    if (wished != b->granted && may_change)
        return wished;
    /* Too early for a change, or none is wished: keep what stands from running out. */
    return b->granted >= 0 && renew && !hold_ends ? b->granted : -1;
}

void
book_granted(struct book *b, const struct book_rules *rules, int32_t phase, uint64_t lease_ms,
             uint64_t now_ms)
{
    bool rested = now_ms >= b->until_ms + rules->maximum_red_ms;
    if (phase != b->granted) {
        uint64_t from = b->granted < 0 ? 0 : b->changed_ms + rules->change_ms;
        b->changed_ms = now_ms > from ? now_ms : from; /* a pre-emption may be granted early */
        b->held_since_ms = now_ms;
    } else if (rested) {
        b->held_since_ms = now_ms;
    }
    b->granted = phase;
    if (now_ms + lease_ms > b->until_ms)
        b->until_ms = now_ms + lease_ms;
}
