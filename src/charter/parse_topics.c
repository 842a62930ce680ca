/* parse_topics.c -- "topics" in a zone: a tree of plain MQTT topics, and who may use it. */
#include "charter/parser.h"
#include "charter/quantity.h"
#include "mqtt/topic.h"

enum {
    TOPICS_SIZE_DEFAULT = 16 * 1024,
    TOPICS_SIZE_MAX = 48 * 1024, /* a message with its topic and properties is one record */
    TOPICS_RETAINED_MAX = 65536,
};

static enum err
read_filter(struct parser *p, const char *what, char out[static CHARTER_TEXT_SIZE])
{
    struct charter_place place = p->token.place;
    enum err e = parser_string(p, what, out);
    if (e == OK && !mqtt_topic_is_filter(bytes_text(out)))
        return parser_fail(p, place,
                           "expected %s such as \"lorawan/+/up\" or \"meters/#\" ('+' and '#' are "
                           "whole levels, '#' the last one), found \"%s\"",
                           what, out);
    return e;
}

/* "%d" stands for a whole level. */
static bool
holds_part_of_name(const char *filter)
{
    struct mqtt_levels levels = mqtt_levels_of(bytes_text(filter));
    struct bytes level;
    while (mqtt_level_next(&levels, &level))
        if (level.len > 2 && memmem(level.p, level.len, "%d", 2))
            return true;
    return false;
}

static enum err
read_class(struct parser *p, struct charter_topics *t)
{
    struct name_table table = parser_classes(p);
    uint32_t index = 0;
    t->class_place = p->token.place;
    enum err e = parser_reference(p, &table, &index);
    t->class_index = (int32_t)index;
    return e;
}

static enum err
read_publish(struct parser *p, struct charter_topics *t)
{
    if (!parser_at_word(p, "devices"))
        return parser_expected(p, "'devices', who alone publish", NULL);
    t->publish_devices = true;
    return parser_next(p);
}

static enum err
read_subscribe(struct parser *p, struct charter_topics *t)
{
    t->subscribe_place = p->token.place;
    do {
        bool *who = parser_at_word(p, "devices")   ? &t->subscribe_devices
                    : parser_at_word(p, "callers") ? &t->subscribe_callers
                                                   : NULL;
        if (!who)
            return parser_expected(p, "'devices' or 'callers'", NULL);
        if (*who)
            return parser_fail(p, p->token.place, "expected each name once, found '%.*s' again",
                               BYTES_PRINTF(p->token.text));
        *who = true;
        enum err e = parser_next(p);
        if (e != OK)
            return e;
    } while (parser_at_word(p, "devices") || parser_at_word(p, "callers"));
    return OK;
}

static enum err
read_except(struct parser *p, struct charter_topics *t)
{
    if (t->except_count == CHARTER_EXCEPT_MAX)
        return parser_fail(p, p->token.place, "expected at most %d exceptions, found more",
                           CHARTER_EXCEPT_MAX);
    t->except_place[t->except_count] = p->token.place;
    enum err e = read_filter(p, "a filter of topics", t->except[t->except_count]);
    t->except_count += e == OK;
    return e;
}

static enum err
read_number(struct parser *p, uint64_t most, uint32_t *out)
{
    uint64_t v = 0;
    enum err e = parser_integer(p, 0, most, &v);
    *out = (uint32_t)v;
    return e;
}

static enum err
read_qos(struct parser *p, struct charter_topics *t)
{
    return read_number(p, 2, &t->qos);
}

static enum err
read_retained(struct parser *p, struct charter_topics *t)
{
    t->retained_place = p->token.place;
    return read_number(p, TOPICS_RETAINED_MAX, &t->retained);
}

static enum err
read_size(struct parser *p, struct charter_topics *t)
{
    uint64_t v = 0;
    if (p->token.kind != TOKEN_WORD || quantity_bytes(p->token.text, &v) != OK || v == 0 ||
        v > TOPICS_SIZE_MAX)
        return parser_expected(p, "a size of at most 48KiB such as 4KiB", NULL);
    t->size_bytes = (uint32_t)v;
    return parser_next(p);
}

/* In any order, each at most once but for "except". */
static enum err
read_details(struct parser *p, struct charter_topics *t)
{
    static const struct {
        const char *word;
        enum err (*read)(struct parser *p, struct charter_topics *t);
    } words[] = {
        {"except", read_except}, {"class", read_class},         {"publish", read_publish},
        {"qos", read_qos},       {"subscribe", read_subscribe}, {"retained", read_retained},
        {"size", read_size},
    };
    uint32_t seen = 0;
    for (;;) {
        size_t i = 0;
        while (i < ARRAY_COUNT(words) && !parser_at_word(p, words[i].word))
            i++;
        if (i == ARRAY_COUNT(words))
            return OK;
        if (i > 0 && (seen >> i & 1))
            return parser_fail(p, p->token.place, "expected '%s' once in topics, found it again",
                               words[i].word);
        seen |= 1u << i;
        enum err e = parser_next(p);
        if (e == OK)
            e = words[i].read(p, t);
        if (e != OK)
            return e;
    }
}

enum err
parse_topics(struct parser *p, void *block)
{
    struct charter_zone *z = block;
    struct charter_topics t = {
        .place = p->token.place, .class_index = -1, .qos = 2, .size_bytes = TOPICS_SIZE_DEFAULT};
    enum err e = read_filter(p, "a filter of topics", t.filter);
    if (e != OK)
        return e;
    if (holds_part_of_name(t.filter))
        return parser_fail(p, t.place,
                           "expected '%%d', the device's name, as a whole level, found "
                           "\"%s\"",
                           t.filter);
    for (uint32_t i = 0; i < z->topics_count; i++) {
        if (strcmp(z->topics[i].filter, t.filter) == 0)
            return parser_fail(p, t.place,
                               "expected the topics \"%s\" once in a zone, found them "
                               "again",
                               t.filter);
    }
    if (z->topics_count == CHARTER_TOPICS_MAX)
        return parser_fail(p, t.place, "expected at most %d topics in a zone, found more",
                           CHARTER_TOPICS_MAX);
    e = read_details(p, &t);
    if (e != OK)
        return e;
    z->topics[z->topics_count++] = t;
    if (parser_at_element(p))
        return parser_expected(p,
                               "'class', 'publish', 'subscribe', 'except', 'qos', 'retained', "
                               "'size' or the next statement",
                               NULL);
    return OK;
}
