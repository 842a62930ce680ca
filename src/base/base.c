#include "base/base.h"

#include <unistd.h>

#define ERR_TEXT(name, text) text,
static const char *const texts[ERR_COUNT] = {ERR_LIST(ERR_TEXT)};

const char *
err_text(enum err e)
{
    return (unsigned)e < ERR_COUNT ? texts[e] : "unknown error";
}

void
assert_failed(const char *what, const char *file, int line)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "event=assert_failed file=%s line=%d what=\"%s\"\n", file,
                     line, what);
    if (n > 0 && write(2, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1) < 0)
        n = 0; /* nothing more can be done: the process ends here either way */
    __builtin_trap();
}

enum err
bytes_copy_text(struct bytes from, char *to, size_t size)
{
    if (from.len >= size)
        return ERR_LIMIT;
    if (bytes_find(from, 0) != from.len)
        return ERR_MALFORMED;
    if (from.len)
        memcpy(to, from.p, from.len);
    to[from.len] = '\0';
    return OK;
}
