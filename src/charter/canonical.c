/* canonical.c -- one policy, one text: blocks and sets in the order of their names. */
#include "charter/charter.h"
#include "charter/quantity.h"

#include <sodium.h>

enum { ORDER_MAX = 64, CANONICAL_BYTES_MAX = 2 * CHARTER_BYTES_MAX };

struct order {
    uint32_t index[ORDER_MAX];
    uint32_t count;
};

/* The indices of a list by name; the name is the first member of each element. With a set, only
 * those that are in it. */
static struct order
by_name(const char *names, size_t stride, uint32_t count, uint64_t set)
{
    struct order o = {.count = 0};
    ASSERT(count <= ORDER_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (!(set >> i & 1))
            continue;
        uint32_t at = o.count++;
        for (; at > 0 && strcmp(names + stride * o.index[at - 1], names + stride * i) > 0; at--)
            o.index[at] = o.index[at - 1];
        o.index[at] = i;
    }
    return o;
}
#define BY_NAME(list, member, n) by_name((list)[0].member, sizeof((list)[0]), (n), UINT64_MAX)

static void
put_set(struct buf *b, const char *word, const char *names, size_t stride, uint32_t count,
        uint64_t set)
{
    struct order o = by_name(names, stride, count, set);
    if (o.count == 0)
        return;
    buf_format(b, "  %s", word);
    for (uint32_t i = 0; i < o.count; i++)
        buf_format(b, " %s", names + stride * o.index[i]);
    buf_byte(b, '\n');
}

static void
put_string(struct buf *b, const char *before, const char *text)
{
    buf_text(b, before);
    buf_byte(b, '"');
    buf_text(b, text);
    buf_text(b, "\"");
}

static const char *
yes_no(bool yes)
{
    return yes ? "yes" : "no";
}

static void
put_city(struct buf *b, const struct charter *c)
{
    put_string(b, "city ", c->city);
    buf_format(b, " {\n  number %llu\n  origin %s\n", (unsigned long long)c->number, c->origin);
    put_set(b, "sites", c->sites[0], sizeof(c->sites[0]), c->sites_count, UINT64_MAX);
    put_set(b, "signers", c->signers[0], sizeof(c->signers[0]), c->signers_count, UINT64_MAX);
    buf_format(b, "  need %u\n}\n", c->need);
}

static void
put_classes(struct buf *b, const struct charter *c)
{
    struct order o = BY_NAME(c->classes, name, c->classes_count);
    for (uint32_t i = 0; i < o.count; i++) {
        const struct charter_class *k = &c->classes[o.index[i]];
        buf_format(b, "class %s {\n  personal %s\n", k->name, yes_no(k->personal));
        put_set(b, "sites", c->sites[0], sizeof(c->sites[0]), c->sites_count, k->sites);
        if (k->keep_s) {
            buf_text(b, "  keep ");
            quantity_put_duration(b, k->keep_s * 1000);
            buf_byte(b, '\n');
        }
        put_set(b, "purposes", c->purposes[0].name, sizeof(c->purposes[0]), c->purposes_count,
                k->purposes);
        buf_format(b, "  biometric %s\n}\n", yes_no(k->biometric));
    }
}

static void
put_vendors(struct buf *b, const struct charter *c)
{
    struct order o = BY_NAME(c->vendors, name, c->vendors_count);
    for (uint32_t i = 0; i < o.count; i++) {
        const struct charter_vendor *v = &c->vendors[o.index[i]];
        buf_format(b, "vendor %s {\n  seat %s\n  owner %s\n  state-linked %s\n", v->name, v->seat,
                   v->owner, yes_no(v->state_linked));
        put_set(b, "support", v->support[0], sizeof(v->support[0]), v->support_count, UINT64_MAX);
        buf_format(b, "  firmware-signed %s\n}\n", yes_no(v->firmware_signed));
    }
}

static void
put_rules(struct buf *b, const struct charter *c)
{
    for (size_t i = 0; i < TIER_COUNT; i++) {
        const struct charter_rule *r = &c->rules[i];
        if (!r->given)
            continue;
        buf_format(b, "rule %s {\n%s%s", charter_tier_text((enum charter_tier)i),
                   r->forbid_state_linked ? "  forbid state-linked\n" : "",
                   r->require_firmware_signed ? "  require firmware-signed\n" : "");
        put_set(b, "seats", r->seats[0], sizeof(r->seats[0]), r->seats_count, UINT64_MAX);
        put_set(b, "support", r->support[0], sizeof(r->support[0]), r->support_count, UINT64_MAX);
        buf_text(b, "}\n");
    }
}

static void
put_callers(struct buf *b, const struct charter *c)
{
    struct order o = BY_NAME(c->callers, name, c->callers_count);
    for (uint32_t i = 0; i < o.count; i++) {
        const struct charter_caller *k = &c->callers[o.index[i]];
        buf_format(b, "caller %s {\n  role %s\n", k->name, k->role);
        put_set(b, "zones", c->zones[0].name, sizeof(c->zones[0]), c->zones_count, k->zones);
        put_set(b, "purposes", c->purposes[0].name, sizeof(c->purposes[0]), c->purposes_count,
                k->purposes);
        put_set(b, "writes", c->classes[0].name, sizeof(c->classes[0]), c->classes_count,
                k->writes);
        buf_text(b, "}\n");
    }
}

static bool
listen_before(const struct charter_listen *a, const struct charter_listen *b)
{
    if (a->https != b->https)
        return b->https;
    int hosts = strcmp(a->host, b->host);
    return hosts < 0 || (hosts == 0 && a->port < b->port);
}

static void
put_listen(struct buf *b, const struct charter_zone *z)
{
    struct order o = {.count = 0};
    for (uint32_t i = 0; i < z->listen_count; i++) {
        uint32_t at = o.count++;
        for (; at > 0 && listen_before(&z->listen[i], &z->listen[o.index[at - 1]]); at--)
            o.index[at] = o.index[at - 1];
        o.index[at] = i;
    }
    for (uint32_t i = 0; i < o.count; i++) {
        const struct charter_listen *l = &z->listen[o.index[i]];
        bool six = strchr(l->host, ':') != NULL;
        buf_format(b, "%s %s %s%s%s:%u", i ? "" : "  listen", l->https ? "https" : "mqtts",
                   six ? "[" : "", l->host, six ? "]" : "", l->port);
    }
    if (o.count)
        buf_byte(b, '\n');
}

static void
put_commands(struct buf *b, const struct charter_zone *z)
{
    struct order o = BY_NAME(z->commands, name, z->commands_count);
    for (uint32_t i = 0; i < o.count; i++) {
        const struct charter_command *k = &z->commands[o.index[i]];
        buf_format(b, "  command %s", k->name);
        if (k->lease_ms) {
            buf_text(b, " lease ");
            quantity_put_duration(b, k->lease_ms);
        }
        if (k->rate_per_hour) {
            buf_text(b, " rate ");
            quantity_put_rate(b, k->rate_per_hour);
        }
        if (k->people)
            buf_format(b, " people %u", k->people);
        buf_byte(b, '\n');
    }
}

static void
put_topics(struct buf *b, const struct charter *c, const struct charter_zone *z)
{
    struct order o = BY_NAME(z->topics, filter, z->topics_count);
    for (uint32_t i = 0; i < o.count; i++) {
        const struct charter_topics *t = &z->topics[o.index[i]];
        put_string(b, "  topics ", t->filter);
        if (t->class_index >= 0)
            buf_format(b, " class %s", c->classes[t->class_index].name);
        buf_text(b, t->publish_devices ? " publish devices" : "");
        if (t->subscribe_devices || t->subscribe_callers)
            buf_format(b, " subscribe%s%s", t->subscribe_callers ? " callers" : "",
                       t->subscribe_devices ? " devices" : "");
        struct order x = {.count = 0};
        for (uint32_t k = 0; k < t->except_count; k++) {
            uint32_t at = x.count++;
            for (; at > 0 && strcmp(t->except[k], t->except[x.index[at - 1]]) < 0; at--)
                x.index[at] = x.index[at - 1];
            x.index[at] = k;
        }
        for (uint32_t k = 0; k < x.count; k++)
            put_string(b, " except ", t->except[x.index[k]]);
        buf_format(b, " qos %u retained %u size ", t->qos, t->retained);
        quantity_put_bytes(b, t->size_bytes);
        buf_byte(b, '\n');
    }
}

static void
put_zone(struct buf *b, const struct charter *c, const struct charter_zone *z)
{
    buf_format(b, "zone %s {\n  service %s\n  tier %s\n", z->name, z->service,
               charter_tier_text(z->tier));
    put_set(b, "vendors", c->vendors[0].name, sizeof(c->vendors[0]), c->vendors_count, z->vendors);
    put_set(b, "sites", c->sites[0], sizeof(c->sites[0]), c->sites_count, z->sites);
    put_set(b, "holds", c->classes[0].name, sizeof(c->classes[0]), c->classes_count, z->holds);
    put_listen(b, z);
    buf_text(b, "  limits memory ");
    quantity_put_bytes(b, z->memory_bytes);
    buf_format(b, " cpu %u%% messages %u/s disk ", z->cpu_percent, z->messages_per_s);
    quantity_put_bytes(b, z->disk_bytes);
    buf_byte(b, '\n');
    struct order o = BY_NAME(z->envelope, name, z->envelope_count);
    for (uint32_t i = 0; i < o.count; i++) {
        const struct charter_envelope *q = &z->envelope[o.index[i]];
        buf_format(b, "%s %s ", i ? "" : "  envelope", q->name);
        quantity_put(b, q->unit, q->value);
    }
    if (o.count)
        buf_byte(b, '\n');
    put_commands(b, z);
    put_topics(b, c, z);
    buf_text(b, "}\n");
}

static void
put_conduits(struct buf *b, const struct charter *c)
{
    struct order o = BY_NAME(c->conduits, name, c->conduits_count);
    for (uint32_t i = 0; i < o.count; i++) {
        const struct charter_conduit *k = &c->conduits[o.index[i]];
        buf_format(b, "conduit %s {\n  from %s\n  to %s\n", k->name, c->zones[k->from].name,
                   c->zones[k->to].name);
        put_set(b, "carries", k->carries[0], sizeof(k->carries[0]), k->carries_count, UINT64_MAX);
        if (k->group)
            buf_format(b, "  group %u\n", k->group);
        if (k->rate_per_hour) {
            buf_text(b, "  rate ");
            quantity_put_rate(b, k->rate_per_hour);
            buf_byte(b, '\n');
        }
        if (k->purpose >= 0)
            buf_format(b, "  purpose %s\n", c->purposes[k->purpose].name);
        if (k->reason[0]) {
            put_string(b, "  reason ", k->reason);
            buf_byte(b, '\n');
        }
        if (k->approved_by[0])
            buf_format(b, "  approved-by %s\n", k->approved_by);
        buf_text(b, "}\n");
    }
}

void
charter_put_canonical(struct buf *b, const struct charter *c)
{
    put_city(b, c);
    struct order o = BY_NAME(c->purposes, name, c->purposes_count);
    for (uint32_t i = 0; i < o.count; i++) {
        buf_format(b, "purpose %s ", c->purposes[o.index[i]].name);
        put_string(b, "", c->purposes[o.index[i]].text);
        buf_byte(b, '\n');
    }
    put_classes(b, c);
    put_vendors(b, c);
    put_rules(b, c);
    put_callers(b, c);
    o = BY_NAME(c->zones, name, c->zones_count);
    for (uint32_t i = 0; i < o.count; i++)
        put_zone(b, c, &c->zones[o.index[i]]);
    put_conduits(b, c);
    o = BY_NAME(c->nevers, what, c->nevers_count);
    for (uint32_t i = 0; i < o.count; i++) {
        const struct charter_never *n = &c->nevers[o.index[i]];
        put_string(b, "never ", n->what);
        put_string(b, " {\n  reason ", n->reason);
        put_string(b, "\n  owner ", n->owner);
        buf_text(b, "\n}\n");
    }
}

void
charter_digest(const struct charter *c, uint8_t out[static 32])
{
    struct buf b;
    buf_init(&b, CANONICAL_BYTES_MAX);
    charter_put_canonical(&b, c);
    /* Larger than every charter that can be parsed; so only memory can be missing. */
    ASSERT(buf_error(&b) == OK);
    crypto_hash_sha256(out, b.p, b.len);
    buf_fini(&b);
}
