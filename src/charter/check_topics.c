/* check_topics.c -- what the promises forbid in trees of plain MQTT topics. */
#include "charter/check_rules.h"
#include "mqtt/topic.h"

/* The filter with '+' for each "%d": every topic that some device may use. */
static void
widen(const char *filter, char out[static CHARTER_TEXT_SIZE])
{
    struct mqtt_levels levels = mqtt_levels_of(bytes_text(filter));
    struct bytes level;
    size_t at = 0, count = 0;
    while (mqtt_level_next(&levels, &level)) {
        struct bytes put = bytes_are(level, "%d") ? bytes_text("+") : level;
        int n = snprintf(out + at, CHARTER_TEXT_SIZE - at, "%s%.*s", count++ ? "/" : "",
                         BYTES_PRINTF(put));
        ASSERT(n >= 0 && at + (size_t)n < CHARTER_TEXT_SIZE); /* never longer than it was */
        at += (size_t)n;
    }
}

/* One of the exceptions of `t` holds all of the other's topics. */
static bool
excepted(const struct charter_topics *t, const char *other)
{
    for (uint32_t i = 0; i < t->except_count; i++)
        if (mqtt_filter_covers(bytes_text(t->except[i]), bytes_text(other)))
            return true;
    return false;
}

static void
check_overlaps(const struct charter_zone *z, uint32_t index, struct charter_findings *f)
{
    const struct charter_topics *t = &z->topics[index];
    char mine[CHARTER_TEXT_SIZE], other[CHARTER_TEXT_SIZE];
    widen(t->filter, mine);
    for (uint32_t i = 0; i < index; i++) {
        const struct charter_topics *o = &z->topics[i];
        widen(o->filter, other);
        if (!mqtt_filters_overlap(bytes_text(mine), bytes_text(other)) || excepted(t, other) ||
            excepted(o, mine))
            continue;
        charter_add_finding(f, t->place,
                            "the topics \"%s\" of zone '%s' overlap with \"%s\": a message is of "
                            "one class; name the smaller tree with 'except' in the larger one",
                            t->filter, z->name, o->filter);
    }
}

/* Reserved for what Bulkhead itself says there. */
static void
check_first_level(const struct charter_zone *z, const struct charter_topics *t,
                  struct charter_findings *f)
{
    struct mqtt_levels levels = mqtt_levels_of(bytes_text(t->filter));
    struct bytes first;
    if (!mqtt_level_next(&levels, &first))
        return;
    if (bytes_are(first, "v1.1") || bytes_are(first, "leases") || (first.len && first.p[0] == '$'))
        charter_add_finding(f, t->place,
                            "the topics \"%s\" of zone '%s' begin with '%.*s', which is not plain: "
                            "'v1.1' is SensorThings, 'leases' are commands, '$' is the broker's",
                            t->filter, z->name, BYTES_PRINTF(first));
}

static void
check_rights(const struct charter *c, const struct charter_zone *z, const struct charter_topics *t,
             struct charter_findings *f)
{
    if (t->class_index < 0)
        charter_add_finding(f, t->place,
                            "the topics \"%s\" of zone '%s' have no 'class': expected which data "
                            "class their messages are of",
                            t->filter, z->name);
    else if (!(z->holds >> t->class_index & 1))
        charter_add_finding(f, t->class_place,
                            "the topics \"%s\" are of the class '%s', which the zone '%s' does not "
                            "hold",
                            t->filter, c->classes[t->class_index].name, z->name);
    if (!t->publish_devices)
        charter_add_finding(f, t->place,
                            "nobody may publish to the topics \"%s\" of zone '%s': expected "
                            "'publish devices'",
                            t->filter, z->name);
    if (z->tier == TIER_PROTECTED && t->subscribe_devices)
        charter_add_finding(f, t->subscribe_place,
                            "devices of the zone '%s', which is protected, would hear the topics "
                            "\"%s\": what one device can tell another is a command path",
                            z->name, t->filter);
}

void
check_topics(const struct charter *c, const struct charter_zone *z, struct charter_findings *f)
{
    for (uint32_t i = 0; i < z->topics_count; i++) {
        check_first_level(z, &z->topics[i], f);
        check_rights(c, z, &z->topics[i], f);
        check_overlaps(z, i, f);
    }
}
