/* explain.c -- the charter in plain words, for somebody who votes on it. */
#include "charter/charter.h"
#include "charter/quantity.h"

/* "a", "a and b", "a, b and c"; or what stands for none of them. */
static void
put_list(struct buf *b, const char *names, size_t stride, uint32_t count, uint64_t set,
         const char *none)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++)
        left += (uint32_t)(set >> i & 1);
    if (left == 0)
        buf_text(b, none);
    for (uint32_t i = 0; i < count; i++) {
        if (!(set >> i & 1))
            continue;
        left--;
        buf_format(b, "%s%s", names + stride * i, left > 1 ? ", " : left == 1 ? " and " : "");
    }
}
#define LIST(b, list, count, set, none)                                                            \
    put_list(b, (list)[0].name, sizeof((list)[0]), count, set, none)

/* "24 hours", "30 days", "10 seconds": the largest unit that is exact. */
static void
put_time(struct buf *b, uint64_t ms)
{
    static const struct {
        uint64_t ms;
        const char *one;
    } units[] = {{86400000, "day"},
                 {3600000, "hour"},
                 {60000, "minute"},
                 {1000, "second"},
                 {1, "millisecond"}};
    size_t i = 0;
    if (ms == 86400000)
        i = 1; /* 24 hours says it better than 1 day */
    while (ms % units[i].ms != 0)
        i++;
    uint64_t n = ms / units[i].ms;
    buf_format(b, "%llu %s%s", (unsigned long long)n, units[i].one, n == 1 ? "" : "s");
}

static void
put_often(struct buf *b, uint64_t per_hour)
{
    uint64_t n = per_hour % 3600 == 0 ? per_hour / 3600
                 : per_hour % 60 == 0 ? per_hour / 60
                                      : per_hour;
    const char *unit = per_hour % 3600 == 0 ? "second" : per_hour % 60 == 0 ? "minute" : "hour";
    if (n == 1)
        buf_format(b, "once a %s", unit);
    else
        buf_format(b, "%llu times a %s", (unsigned long long)n, unit);
}

static void
explain_city(struct buf *b, const struct charter *c)
{
    buf_format(
        b, "This is charter number %llu of the city of %s. It is in force only when %u of its %u ",
        (unsigned long long)c->number, c->city, c->need, c->signers_count);
    buf_text(b, "signers have signed exactly this text: ");
    put_list(b, c->signers[0], sizeof(c->signers[0]), c->signers_count, UINT64_MAX, "");
    buf_text(b, ". The city's own machines stand at these sites: ");
    put_list(b, c->sites[0], sizeof(c->sites[0]), c->sites_count, UINT64_MAX, "");
    buf_text(b, ". What is not written here is not permitted.\n\n");
}

static void
explain_classes(struct buf *b, const struct charter *c)
{
    for (uint32_t i = 0; i < c->classes_count; i++) {
        const struct charter_class *k = &c->classes[i];
        buf_format(b, "Data of the class %s %s. It may lie only at ", k->name,
                   k->personal ? "is about people" : "is not about people");
        put_list(b, c->sites[0], sizeof(c->sites[0]), c->sites_count, k->sites, "no site");
        if (k->keep_s) {
            buf_text(b, " and is destroyed after ");
            put_time(b, k->keep_s * 1000);
        } else {
            buf_text(b, " and has no day on which it is destroyed");
        }
        if (k->purposes) {
            buf_text(b, ". It may be read only for ");
            LIST(b, c->purposes, c->purposes_count, k->purposes, "");
            buf_text(b, ".\n");
        } else {
            buf_text(b, k->personal ? ". Nobody may read it: no purpose is named.\n"
                                    : ". It may be read for every purpose of this charter.\n");
        }
    }
    buf_text(b, c->classes_count ? "\n" : "");
}

static void
explain_vendors(struct buf *b, const struct charter *c)
{
    for (uint32_t i = 0; i < c->vendors_count; i++) {
        const struct charter_vendor *v = &c->vendors[i];
        buf_format(b, "The vendor %s has its seat in %s, its owner in %s, gives support from ",
                   v->name, v->seat, v->owner);
        put_list(b, v->support[0], sizeof(v->support[0]), v->support_count, UINT64_MAX, "nowhere");
        buf_format(b, ", is%s linked to a state and %s its firmware.\n",
                   v->state_linked ? "" : " not", v->firmware_signed ? "signs" : "does not sign");
    }
    for (size_t i = 0; i < TIER_COUNT; i++) {
        const struct charter_rule *r = &c->rules[i];
        if (!r->given)
            continue;
        buf_format(b, "In zones of the tier %s, vendors", charter_tier_text((enum charter_tier)i));
        bool linked = r->forbid_state_linked || i == TIER_CRITICAL || i == TIER_PROTECTED;
        buf_text(b, linked ? " must not be linked to a state;" : " may be linked to a state;");
        buf_text(b, r->require_firmware_signed ? " must sign their firmware;" : "");
        buf_text(b, " seat and owner: ");
        put_list(b, r->seats[0], sizeof(r->seats[0]), r->seats_count, UINT64_MAX, "any country");
        buf_text(b, "; support: ");
        put_list(b, r->support[0], sizeof(r->support[0]), r->support_count, UINT64_MAX,
                 "any country");
        buf_text(b, ".\n");
    }
    buf_text(b, c->vendors_count ? "\n" : "");
}

static void
explain_command(struct buf *b, const struct charter_zone *z, const struct charter_command *k)
{
    const struct service_word *w =
        vocabulary_find(bytes_text(z->service), WORD_COMMAND, bytes_text(k->name));
    buf_format(b, "  The command %s%s%s%s expires by itself after ", k->name, w ? ", which " : "",
               w ? w->sentence : "", w ? "," : "");
    put_time(b, k->lease_ms);
    if (k->rate_per_hour) {
        buf_text(b, "; each device takes it at most ");
        put_often(b, k->rate_per_hour);
    }
    if (k->people)
        buf_format(b, "; %u %s must approve it", k->people, k->people == 1 ? "person" : "people");
    buf_text(b, ".\n");
}

static void
explain_topics(struct buf *b, const struct charter *c, const struct charter_topics *t)
{
    const char *who = t->subscribe_devices && t->subscribe_callers ? "devices and callers"
                      : t->subscribe_devices                       ? "devices"
                      : t->subscribe_callers                       ? "callers"
                                                                   : "nobody";
    buf_format(b, "  MQTT messages under %s", t->filter);
    for (uint32_t i = 0; i < t->except_count; i++)
        buf_format(b, "%s%s", i ? ", " : ", but not ", t->except[i]);
    buf_format(b, " are data of the class %s: %s may send them%s, %s may hear them",
               t->class_index >= 0 ? c->classes[t->class_index].name : "(none)",
               t->publish_devices ? "devices" : "nobody",
               strstr(t->filter, "%d") ? " (each under its own name)" : "", who);
    if (t->retained)
        buf_format(b, "; the newest of at most %u topics are kept", t->retained);
    buf_text(b, ".\n");
}

static void
explain_zone(struct buf *b, const struct charter *c, const struct charter_zone *z)
{
    static const char *const meaning[TIER_COUNT] = {
        "ordinary: the city goes on without it",
        "important: the city notices when it fails",
        "critical: people can be hurt when it fails",
        "protected: readings go in, and nothing can be commanded from here",
    };
    buf_format(b, "The zone %s runs the service %s. It is %s. It holds ", z->name, z->service,
               meaning[z->tier]);
    LIST(b, c->classes, c->classes_count, z->holds, "no data");
    buf_text(b, " at ");
    put_list(b, c->sites[0], sizeof(c->sites[0]), c->sites_count, z->sites, "no site");
    buf_text(b, "; vendors: ");
    LIST(b, c->vendors, c->vendors_count, z->vendors, "none");
    buf_text(b, ".\n");
    for (uint32_t i = 0; i < z->envelope_count; i++) {
        const struct charter_envelope *q = &z->envelope[i];
        const struct service_word *w =
            vocabulary_find(bytes_text(z->service), WORD_ENVELOPE, bytes_text(q->name));
        buf_format(b, "  Whatever anybody asks: %s ", q->name);
        quantity_put(b, q->unit, q->value);
        buf_format(b, "%s%s.\n", w ? " -- " : "", w ? w->sentence : "");
    }
    for (uint32_t i = 0; i < z->commands_count; i++)
        explain_command(b, z, &z->commands[i]);
    for (uint32_t i = 0; i < z->topics_count; i++)
        explain_topics(b, c, &z->topics[i]);
}

static void
explain_conduits(struct buf *b, const struct charter *c)
{
    if (c->conduits_count == 0)
        buf_text(b, "No zone tells another anything.\n");
    for (uint32_t i = 0; i < c->conduits_count; i++) {
        const struct charter_conduit *k = &c->conduits[i];
        buf_format(b, "The conduit %s lets the zone %s tell the zone %s ", k->name,
                   c->zones[k->from].name, c->zones[k->to].name);
        put_list(b, k->carries[0], sizeof(k->carries[0]), k->carries_count, UINT64_MAX, "nothing");
        buf_text(b, ", and nothing back, at most ");
        put_often(b, k->rate_per_hour);
        if (k->group > 1)
            buf_format(b, ", never about fewer than %u", k->group);
        buf_format(b, ". Why: %s", k->reason[0] ? k->reason : "no reason is given");
        if (k->purpose >= 0)
            buf_format(b, " (to %s)", c->purposes[k->purpose].text);
        if (k->approved_by[0])
            buf_format(b, ". Approved by %s", k->approved_by);
        buf_text(b, ".\n");
    }
    buf_byte(b, '\n');
}

void
charter_put_explanation(struct buf *b, const struct charter *c)
{
    explain_city(b, c);
    for (uint32_t i = 0; i < c->purposes_count; i++)
        buf_format(b, "The purpose %s means: %s.\n", c->purposes[i].name, c->purposes[i].text);
    buf_text(b, c->purposes_count ? "\n" : "");
    explain_classes(b, c);
    explain_vendors(b, c);
    for (uint32_t i = 0; i < c->zones_count; i++)
        explain_zone(b, c, &c->zones[i]);
    buf_text(b, c->zones_count ? "\n" : "There is no zone: nothing runs.\n");
    explain_conduits(b, c);
    for (uint32_t i = 0; i < c->nevers_count; i++)
        buf_format(b, "Never to be connected: %s, because: %s. Who watches over it: %s.\n",
                   c->nevers[i].what, c->nevers[i].reason, c->nevers[i].owner);
    for (uint32_t i = 0; i < c->callers_count; i++) {
        const struct charter_caller *k = &c->callers[i];
        buf_format(b, "The caller %s (%s) may ask the zones ", k->name, k->role);
        LIST(b, c->zones, c->zones_count, k->zones, "none");
        buf_text(b, " for ");
        LIST(b, c->purposes, c->purposes_count, k->purposes, "no purpose");
        if (k->writes) {
            buf_text(b, "; what is of the data classes ");
            LIST(b, c->classes, c->classes_count, k->writes, "none");
            buf_text(b, " they may also make, change and delete there, on record");
        }
        buf_text(b, ".\n");
    }
    buf_text(b, c->callers_count ? "" : "Nobody may ask anything.\n");
}
