#include "runtime/log.h"

#include "base/text.h"

#include <stdarg.h>
#include <unistd.h>

static char who[128] = "bulkhead";

void
log_name(const char *kind, const char *zone)
{
    snprintf(who, sizeof(who), "%s%s%s", zone, *zone ? "/" : "", kind);
}

void
log_event(const char *event, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    int n = snprintf(line, sizeof(line), "%s event=%s ", who, event);
    ASSERT(n > 0 && (size_t)n < sizeof(line));
    va_list ap;
    va_start(ap, format);
    int more = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, ap);
    va_end(ap);
    size_t len = (size_t)n + (more > 0 ? (size_t)more : 0);
    if (len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return; /* a log that nobody reads must not stop the service */
}

const char *
log_quote(struct bytes text)
{
    static struct buf quoted;
    if (quoted.max == 0)
        buf_init(&quoted, 1300);
    buf_reset(&quoted);
    text_put_json(&quoted, bytes_of(text.p, text.len < 200 ? text.len : 200));
    return buf_string(&quoted);
}
