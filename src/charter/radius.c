#include "charter/radius.h"
#include "base/text.h"
#include "charter/quantity.h"

const char *
reach_text(enum reach r)
{
    static const char *const names[REACH_COUNT] = {"read", "write", "command", "disturb"};
    ASSERT(r < REACH_COUNT);
    return names[r];
}

static bool
is_command(const struct charter *c, const struct charter_conduit *k, const char *kind)
{
    const struct charter_zone *to = &c->zones[k->to];
    for (uint32_t i = 0; i < to->commands_count; i++) {
        if (strcmp(to->commands[i].name, kind) == 0)
            return true;
    }
    return false;
}

static void
add(struct radius *r, uint32_t zone, uint32_t conduit, enum reach reach, bool indirect,
    const char *kind)
{
    ASSERT(r->count < RADIUS_MAX);
    struct radius_row *row = &r->rows[r->count++];
    *row =
        (struct radius_row){.zone = zone, .conduit = conduit, .reach = reach, .indirect = indirect};
    memcpy(row->kind, kind, CHARTER_NAME_SIZE);
}

/* What a breached sender does to the zone at the other end: it writes (or commands) each kind, and
 * by lies, floods up to the rate, or silence, it disturbs what is decided from them. */
static void
add_conduit(struct radius *r, const struct charter *c, uint32_t conduit, uint32_t first,
            bool indirect)
{
    const struct charter_conduit *k = &c->conduits[conduit];
    for (uint32_t i = 0; i < k->carries_count; i++) {
        const char *kind = k->carries[i];
        bool command = is_command(c, k, kind);
        add(r, k->to, first, command ? REACH_COMMAND : REACH_WRITE, indirect, kind);
        add(r, k->to, first, REACH_DISTURB, indirect, kind);
    }
}

void
radius_of(const struct charter *c, uint32_t zone, struct radius *out)
{
    uint32_t queue[CHARTER_ZONES_MAX] = {zone}, first[CHARTER_ZONES_MAX] = {0};
    bool reached[CHARTER_ZONES_MAX] = {false};
    uint32_t head = 0, tail = 1;
    ASSERT(zone < c->zones_count);
    *out = (struct radius){.zone = zone};
    reached[zone] = true;
    /* What arrives anyway can be read anyway: the conduit has no way back. */
    for (uint32_t i = 0; i < c->conduits_count; i++) {
        const struct charter_conduit *k = &c->conduits[i];
        for (uint32_t m = 0; k->to == zone && k->from != zone && m < k->carries_count; m++)
            add(out, k->from, i, REACH_READ, false, k->carries[m]);
    }
    /* Every conduit is passed once, and none back into the zone itself: so the rows fit. */
    while (head < tail) {
        uint32_t at = queue[head++];
        for (uint32_t i = 0; i < c->conduits_count; i++) {
            const struct charter_conduit *k = &c->conduits[i];
            if (k->from != at || k->to == zone)
                continue;
            uint32_t via = at == zone ? i : first[at];
            add_conduit(out, c, i, via, at != zone);
            if (reached[k->to])
                continue;
            reached[k->to] = true;
            first[k->to] = via;
            ASSERT(tail < CHARTER_ZONES_MAX);
            queue[tail++] = k->to;
        }
    }
}

/* --- in words --- */

static void
put_names(struct buf *b, const char *names, size_t stride, uint32_t count, uint64_t set)
{
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!(set >> i & 1))
            continue;
        buf_format(b, "%s%s", any ? ", " : "", names + stride * i);
        any = true;
    }
    if (!any)
        buf_text(b, "nothing");
}

static void
put_own(struct buf *b, const struct charter *c, const struct charter_zone *z)
{
    buf_text(b, "  inside:    reads and writes ");
    put_names(b, c->classes[0].name, sizeof(c->classes[0]), c->classes_count, z->holds);
    buf_text(b, z->commands_count ? "; asks its warden for " : "; no command exists");
    for (uint32_t i = 0; i < z->commands_count; i++)
        buf_format(b, "%s%s", i ? ", " : "", z->commands[i].name);
    buf_text(b, z->commands_count ? " inside the envelope\n" : "\n");
}

static void
put_row(struct buf *b, const struct charter *c, const struct radius_row *row)
{
    static const char *const lead[REACH_COUNT] = {"reads", "writes", "commands", "disturbs"};
    const struct charter_conduit *k = &c->conduits[row->conduit];
    const char *zone = c->zones[row->zone].name;
    if (row->reach == REACH_DISTURB)
        buf_format(b, "  %-10s what %s decides from %s", lead[row->reach], zone, row->kind);
    else
        buf_format(b, "  %-10s %s %s %s", lead[row->reach], row->kind,
                   row->reach == REACH_READ ? "from" : "to", zone);
    buf_format(b, ", by the conduit %s", k->name);
    if (row->indirect) {
        buf_text(b, ", only if the zones between believe what they are told");
    } else if (row->reach != REACH_READ) {
        buf_text(b, ", at most ");
        quantity_put_rate(b, k->rate_per_hour);
    } else if (k->group > 1) {
        buf_format(b, ", of groups of at least %u", k->group);
    }
    buf_byte(b, '\n');
}

void
radius_put_text(struct buf *b, const struct charter *c)
{
    static struct radius r; /* large; no threads, no recursion */
    if (c->zones_count == 0)
        buf_text(b, "no zones: nothing runs, nothing may flow, nothing can be reached\n");
    for (uint32_t i = 0; i < c->zones_count; i++) {
        const struct charter_zone *z = &c->zones[i];
        buf_format(b, "zone %s (%s), if fully breached:\n", z->name, charter_tier_text(z->tier));
        put_own(b, c, z);
        radius_of(c, i, &r);
        if (r.count == 0)
            buf_text(b, "  elsewhere: nothing: no conduit begins or ends here\n");
        for (uint32_t k = 0; k < r.count; k++)
            put_row(b, c, &r.rows[k]);
        if (c->zones_count > 1 && r.count > 0) {
            uint32_t touched = 0;
            for (uint32_t k = 0; k < r.count; k++)
                touched |= 1u << r.rows[k].zone;
            uint32_t all = (uint32_t)((UINT64_C(1) << c->zones_count) - 1);
            uint32_t rest = all & ~touched & ~(1u << i);
            if (rest) {
                buf_text(b, "  untouched: ");
                put_names(b, c->zones[0].name, sizeof(c->zones[0]), c->zones_count, rest);
                buf_byte(b, '\n');
            }
        }
    }
}

/* --- for programs --- */

static void
put_member(struct buf *b, const char *name, const char *text)
{
    buf_format(b, "\"%s\":", name);
    text_put_json(b, bytes_text(text));
}

static void
put_json_zone(struct buf *b, const struct charter *c, uint32_t zone)
{
    static struct radius r;
    const struct charter_zone *z = &c->zones[zone];
    radius_of(c, zone, &r);
    buf_byte(b, '{');
    put_member(b, "zone", z->name);
    buf_byte(b, ',');
    put_member(b, "tier", charter_tier_text(z->tier));
    buf_text(b, ",\"reaches\":[");
    for (uint32_t i = 0; i < r.count; i++) {
        const struct radius_row *row = &r.rows[i];
        buf_text(b, i ? ",{" : "{");
        put_member(b, "zone", c->zones[row->zone].name);
        buf_byte(b, ',');
        put_member(b, "reach", reach_text(row->reach));
        buf_byte(b, ',');
        put_member(b, "kind", row->kind);
        buf_byte(b, ',');
        put_member(b, "conduit", c->conduits[row->conduit].name);
        buf_format(b, ",\"indirect\":%s}", row->indirect ? "true" : "false");
    }
    buf_text(b, "]}");
}

void
radius_put_json(struct buf *b, const struct charter *c, const char *file,
                const struct charter_findings *findings)
{
    buf_format(b, "{\"ok\":%s,", findings->count ? "false" : "true");
    put_member(b, "file", file);
    if (c) {
        uint8_t digest[32];
        charter_digest(c, digest);
        buf_text(b, ",\"digest\":\"");
        text_put_hex(b, bytes_of(digest, sizeof(digest)));
        buf_byte(b, '"');
    }
    buf_text(b, ",\"findings\":[");
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct charter_finding *f = &findings->list[i];
        buf_format(b, "%s{\"line\":%u,\"column\":%u,", i ? "," : "", f->place.line,
                   f->place.column);
        put_member(b, "text", f->text);
        buf_byte(b, '}');
    }
    buf_format(b, "],\"more\":%s,\"zones\":[", findings->more ? "true" : "false");
    for (uint32_t i = 0; c && i < c->zones_count; i++) {
        if (i)
            buf_byte(b, ',');
        put_json_zone(b, c, i);
    }
    buf_text(b, "]}\n");
}
