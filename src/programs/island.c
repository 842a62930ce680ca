#include "programs/island.h"

#include "base/text.h"

bool
island_is_reason(struct bytes reason)
{
    if (reason.len == 0 || reason.len >= ISLAND_REASON_SIZE || !text_is_utf8(reason) ||
        reason.p[0] == ' ' || reason.p[reason.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < reason.len; i++)
        if (reason.p[i] < 0x20 || reason.p[i] == 0x7f)
            return false;
    return true;
}

void
island_put_text(struct buf *b, const struct island *i)
{
    buf_text(b, "bulkhead cut v1\nsince ");
    text_put_time(b, i->since_us);
    buf_format(b, "\nby-uid %u\nreason %s\n", i->by_uid, i->reason);
}

/* The rest of a line that begins with `word`; takes it off. */
static enum err
take_line(struct bytes *text, const char *word, struct bytes *out)
{
    size_t end = bytes_find(*text, '\n'), len = strlen(word);
    struct bytes line = bytes_of(text->p, end);
    if (end == text->len || !bytes_start(line, word))
        return ERR_MALFORMED;
    *out = bytes_skip(line, len);
    *text = bytes_skip(*text, end + 1);
    return OK;
}

enum err
island_parse_text(struct bytes text, struct island *out)
{
    struct bytes head, since, uid, reason, all = text;
    struct island i = {.by_uid = 0};
    uint64_t number;
    if (take_line(&text, "bulkhead cut v1", &head) != OK || head.len ||
        take_line(&text, "since ", &since) != OK || text_time(since, &i.since_us) != OK ||
        take_line(&text, "by-uid ", &uid) != OK || text_u64(uid, UINT32_MAX, &number) != OK ||
        take_line(&text, "reason ", &reason) != OK || text.len || !island_is_reason(reason))
        return ERR_MALFORMED;
    i.by_uid = (uint32_t)number;
    enum err e = bytes_copy_text(reason, i.reason, sizeof(i.reason));
    struct buf again;
    buf_init(&again, ISLAND_TEXT_MAX);
    island_put_text(&again, &i);
    if (e != OK || buf_error(&again) != OK || !bytes_equal(buf_bytes(&again), all))
        e = ERR_MALFORMED;
    buf_fini(&again);
    if (e == OK)
        *out = i;
    return e;
}

void
island_put_rejoin(struct buf *b, struct bytes zone, int64_t since_us)
{
    buf_format(b, "bulkhead rejoin v1\nzone %.*s\nsince ", BYTES_PRINTF(zone));
    text_put_time(b, since_us);
    buf_byte(b, '\n');
}
