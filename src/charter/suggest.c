#include "charter/suggest.h"

enum { SUGGEST_BYTES_MAX = 48 };

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment with three rows. */
size_t
suggest_distance(struct bytes a, struct bytes b)
{
    size_t rows[3][SUGGEST_BYTES_MAX + 1];
    size_t n = smaller(a.len, SUGGEST_BYTES_MAX), m = smaller(b.len, SUGGEST_BYTES_MAX);
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i - 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = before[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            now[j] = smaller(change, smaller(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                now[j] = smaller(now[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

void
suggest_offer(struct suggest *s, const char *known)
{
    size_t distance = suggest_distance(s->found, bytes_text(known));
    size_t near = s->found.len < 4 ? 1 : s->found.len < 9 ? 2 : 3;
    if (distance <= near && distance < strlen(known) && (!s->best || distance < s->distance)) {
        s->best = known;
        s->distance = distance;
    }
}
