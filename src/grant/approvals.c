#include "grant/approvals.h"

static bool
is_somebody_else(const struct token *t, const struct token *people, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(people[i].caller, t->caller) == 0 || strcmp(people[i].role, t->role) == 0 ||
            memcmp(people[i].key_digest, t->key_digest, sizeof(t->key_digest)) == 0)
            return false;
    return true;
}

uint32_t
approvals_count(const struct approvals *a, struct bytes lines)
{
    struct token people[APPROVALS_MAX];
    uint32_t count = 0;
    while (lines.len && count < APPROVALS_MAX) {
        size_t end = bytes_find(lines, '\n');
        struct token t;
        if (token_open_approval(bytes_of(lines.p, end), a->judge_public, a->zone, a->digest,
                                a->now_us, &t) == OK &&
            a->may(a->ctx, &t) && is_somebody_else(&t, people, count))
            people[count++] = t;
        lines = bytes_skip(lines, end < lines.len ? end + 1 : end);
    }
    return count;
}
