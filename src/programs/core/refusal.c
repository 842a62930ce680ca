#include "programs/core/refusal.h"

#include "base/text.h"

#include <stdarg.h>

enum err
refuse(struct refusal *r, int status, uint8_t reason, const char *format, ...)
{
    ASSERT(status >= 400 && status < 600 && reason >= REASON_UNSPECIFIED);
    *r = (struct refusal){.status = status, .reason = reason};
    va_list args;
    va_start(args, format);
    int n = vsnprintf(r->why, sizeof(r->why), format, args);
    va_end(args);
    ASSERT(n >= 0);
    /* A cut may have split a character: what is not UTF-8 cannot travel as text. */
    while (r->why[0] && !text_is_utf8(bytes_text(r->why)))
        r->why[strlen(r->why) - 1] = '\0';
    return ERR_DENIED;
}

void
refusal_rule(struct refusal *r, uint32_t line, const char *kind, const char *name)
{
    int n = snprintf(r->rule, sizeof(r->rule), "charter line %u: %s %s", line, kind, name);
    ASSERT(n > 0);
}

void
refusal_render(const struct refusal *r, struct buf *out)
{
    buf_format(out, "{\"code\":%d,\"type\":\"error\",\"message\":", r->status);
    text_put_json(out, bytes_text(r->why));
    if (r->rule[0]) {
        buf_text(out, ",\"rule\":");
        text_put_json(out, bytes_text(r->rule));
    }
    buf_text(out, "}");
}
