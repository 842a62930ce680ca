#include "mqtt/topic.h"

#include "base/text.h"

size_t
mqtt_topic_levels(struct bytes topic)
{
    size_t levels = 1;
    for (size_t i = 0; i < topic.len; i++)
        levels += topic.p[i] == '/';
    return levels;
}

bool
mqtt_topic_is_printable(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < 0x20 || text.p[i] == 0x7F)
            return false;
    }
    return true;
}

bool
mqtt_level_next(struct mqtt_levels *l, struct bytes *out)
{
    if (l->done)
        return false;
    size_t n = bytes_find(l->rest, '/');
    *out = bytes_of(l->rest.p, n);
    l->done = n == l->rest.len;
    l->rest = bytes_skip(l->rest, l->done ? n : n + 1);
    return true;
}

static bool
is_plus(struct bytes level)
{
    return level.len == 1 && level.p[0] == '+';
}

static bool
is_hash(struct bytes level)
{
    return level.len == 1 && level.p[0] == '#';
}

static bool
has_wildcard(struct bytes s)
{
    return bytes_find(s, '+') < s.len || bytes_find(s, '#') < s.len;
}

bool
mqtt_topic_is_name(struct bytes topic)
{
    return topic.len > 0 && !has_wildcard(topic) && text_is_utf8(topic);
}

bool
mqtt_topic_is_filter(struct bytes filter)
{
    if (filter.len == 0 || !text_is_utf8(filter))
        return false;
    struct mqtt_levels levels = mqtt_levels_of(filter);
    struct bytes level;
    while (mqtt_level_next(&levels, &level)) {
        if (is_hash(level))
            return levels.done; /* MQTT-4.7.1-1 */
        if (has_wildcard(level) && !is_plus(level))
            return false;
    }
    return true;
}

enum err
mqtt_share_split(struct bytes text, struct bytes *out_group, struct bytes *out_filter)
{
    static const char prefix[] = "$share/";
    if (!bytes_start(text, prefix)) {
        if (!mqtt_topic_is_filter(text))
            return ERR_MALFORMED;
        *out_group = (struct bytes){0};
        *out_filter = text;
        return OK;
    }
    struct bytes rest = bytes_skip(text, sizeof(prefix) - 1);
    size_t n = bytes_find(rest, '/');
    struct bytes group = bytes_of(rest.p, n);
    if (n == 0 || n == rest.len || has_wildcard(group)) /* MQTT-4.8.2-1, -2 */
        return ERR_MALFORMED;
    struct bytes filter = bytes_skip(rest, n + 1);
    if (!mqtt_topic_is_filter(filter) || !text_is_utf8(group))
        return ERR_MALFORMED;
    *out_group = group;
    *out_filter = filter;
    return OK;
}

/* A wildcard in the first level, against a first level that begins with '$'. */
static bool
dollar_apart(struct bytes a, struct bytes b)
{
    bool wild = a.len && (a.p[0] == '+' || a.p[0] == '#');
    return wild && b.len && b.p[0] == '$';
}

bool
mqtt_filters_overlap(struct bytes a, struct bytes b)
{
    if (dollar_apart(a, b) || dollar_apart(b, a))
        return false;
    struct mqtt_levels la = mqtt_levels_of(a), lb = mqtt_levels_of(b);
    for (;;) {
        struct bytes x = {0}, y = {0};
        bool more_a = mqtt_level_next(&la, &x), more_b = mqtt_level_next(&lb, &y);
        if ((more_a && is_hash(x)) || (more_b && is_hash(y)))
            return true;
        if (!more_a || !more_b)
            return more_a == more_b;
        if (!is_plus(x) && !is_plus(y) && !bytes_equal(x, y))
            return false;
    }
}

bool
mqtt_filter_covers(struct bytes outer, struct bytes inner)
{
    if (dollar_apart(outer, inner))
        return false;
    struct mqtt_levels lo = mqtt_levels_of(outer), li = mqtt_levels_of(inner);
    for (;;) {
        struct bytes x = {0}, y = {0};
        bool more_outer = mqtt_level_next(&lo, &x), more_inner = mqtt_level_next(&li, &y);
        if (more_outer && is_hash(x))
            return true;
        if (!more_outer || !more_inner)
            return more_outer == more_inner;
        if (is_hash(y) || (!is_plus(x) && !bytes_equal(x, y)))
            return false;
    }
}

bool
mqtt_filter_matches(struct bytes filter, struct bytes topic)
{
    return mqtt_filter_covers(filter, topic); /* a topic is a filter that matches itself alone */
}
