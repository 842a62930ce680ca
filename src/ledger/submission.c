#include "ledger/submission.h"

#include "base/text.h"
#include "ledger/checkpoint.h"

enum err
submission_parse(struct bytes body, struct submission *out)
{
    struct submission s = {.old_size = 0};
    struct bytes rest = body, line;
    struct note note;
    if (body.len > SUBMISSION_BYTES_MAX)
        return ERR_LIMIT;
    enum err e = checkpoint_take_line(&rest, &line);
    if (e != OK || !bytes_start(line, "old "))
        return ERR_MALFORMED;
    e = text_u64(bytes_skip(line, strlen("old ")), TREE_SIZE_MAX, &s.old_size);
    if (e == OK)
        e = checkpoint_take_hashes(&rest, &s.proof);
    if (e == OK)
        e = note_parse(rest, &note);
    if (e != OK)
        return e;
    s.checkpoint = rest;
    *out = s;
    return OK;
}

void
submission_put(struct buf *b, const struct submission *s)
{
    buf_format(b, "old %llu\n", (unsigned long long)s->old_size);
    checkpoint_put_hashes(b, &s->proof);
    buf_put(b, s->checkpoint);
}
