/*
 * topic.h -- topic names and topic filters (MQTT 5, 4.7 and 4.8.2), as pure text.
 *
 * Nothing here is normalised: two topics are the same when their bytes are (4.7.3). '+' stands for
 * one level, '#' for the level before it and everything below; neither stands for a first level
 * that begins with '$' (MQTT-4.7.2-1).
 */
#ifndef MQTT_TOPIC_H
#define MQTT_TOPIC_H

#include "base/base.h"

enum {
    MQTT_TOPIC_MAX = 1024, /* bytes of a topic name or filter that a session takes */
    MQTT_TOPIC_LEVELS_MAX = 64,
};

/* How many levels a topic or filter has. */
size_t mqtt_topic_levels(struct bytes topic);
/* No control character: topics, filters and client ids end up in log lines (1.5.4). */
bool mqtt_topic_is_printable(struct bytes text);

/* The levels of a topic or filter, one by one; "a//b" has an empty one, "/" has two. */
struct mqtt_levels {
    struct bytes rest;
    bool done;
};
static inline struct mqtt_levels
mqtt_levels_of(struct bytes text)
{
    return (struct mqtt_levels){text, false};
}
/* False at the end. */
bool mqtt_level_next(struct mqtt_levels *l, struct bytes *out);

/* A topic name that may be published to: not empty, UTF-8 without NUL, no wildcard. */
bool mqtt_topic_is_name(struct bytes topic);
/* A filter without "$share": not empty, UTF-8, wildcards as whole levels, '#' only at the end. */
bool mqtt_topic_is_filter(struct bytes filter);

/*
 * "$share/GROUP/FILTER" into its parts; any other text is a filter with an empty group.
 * ERR_MALFORMED: a "$share" without a group or filter, or with a wildcard in the group.
 */
enum err mqtt_share_split(struct bytes text, struct bytes *out_group,
                          struct bytes *out_filter) MUST_USE;

bool mqtt_filter_matches(struct bytes filter, struct bytes topic);
/* There is a topic that both match. */
bool mqtt_filters_overlap(struct bytes a, struct bytes b);
/* Every topic that `inner` matches is matched by `outer`. */
bool mqtt_filter_covers(struct bytes outer, struct bytes inner);

#endif
