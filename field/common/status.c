#include "field/common/status.h"

#include <stdarg.h>

enum { VALUE_SIZE = 512, NAME_SIZE = 4096 };

void
status_put(struct buf *b, const char *key, const char *format, ...)
{
    char value[VALUE_SIZE];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    ASSERT(n >= 0);
    for (char *c = value; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    buf_format(b, "%s=%s\n", key, value);
}

enum err
status_write(const char *file, struct bytes lines)
{
    char temporary[NAME_SIZE];
    int n = snprintf(temporary, sizeof(temporary), "%s.new", file);
    if (n < 0 || (size_t)n >= sizeof(temporary))
        return ERR_LIMIT;
    FILE *out = fopen(temporary, "we");
    if (!out)
        return ERR_IO;
    bool good = fwrite(lines.p, 1, lines.len, out) == lines.len;
    if (fclose(out) != 0)
        good = false;
    if (!good || rename(temporary, file) != 0)
        return ERR_IO;
    return OK;
}
