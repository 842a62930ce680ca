#include "charter/charter.h"

#include <stdarg.h>

static int32_t
find(const char *names, size_t stride, uint32_t count, struct bytes name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (bytes_are(name, names + stride * i))
            return (int32_t)i;
    }
    return -1;
}

int32_t
charter_find_zone(const struct charter *c, struct bytes name)
{
    return find(c->zones[0].name, sizeof(c->zones[0]), c->zones_count, name);
}

int32_t
charter_find_class(const struct charter *c, struct bytes name)
{
    return find(c->classes[0].name, sizeof(c->classes[0]), c->classes_count, name);
}

int32_t
charter_find_purpose(const struct charter *c, struct bytes name)
{
    return find(c->purposes[0].name, sizeof(c->purposes[0]), c->purposes_count, name);
}

int32_t
charter_find_caller(const struct charter *c, struct bytes name)
{
    return find(c->callers[0].name, sizeof(c->callers[0]), c->callers_count, name);
}

void
charter_add_finding(struct charter_findings *f, struct charter_place place, const char *format, ...)
{
    ASSERT(f->count <= CHARTER_FINDINGS_MAX);
    if (f->count == CHARTER_FINDINGS_MAX) {
        f->more = true;
        return;
    }
    struct charter_finding *one = &f->list[f->count++];
    one->place = place;
    va_list ap;
    va_start(ap, format);
    vsnprintf(one->text, sizeof(one->text), format, ap);
    va_end(ap);
}

void
charter_put_finding(struct buf *b, const char *file, const struct charter_finding *f)
{
    buf_format(b, "%s:%u:%u: ", file, f->place.line, f->place.column);
    buf_text(b, f->text);
}

uint64_t
charter_class_purposes(const struct charter *c, uint32_t class_index)
{
    ASSERT(class_index < c->classes_count);
    const struct charter_class *k = &c->classes[class_index];
    uint64_t all = c->purposes_count < 64 ? (UINT64_C(1) << c->purposes_count) - 1 : UINT64_MAX;
    return k->purposes ? k->purposes : k->personal ? 0 : all;
}
