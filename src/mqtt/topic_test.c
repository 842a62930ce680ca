#include "mqtt/topic.h"

#include "base/test.h"

static bool
matches(const char *filter, const char *topic)
{
    return mqtt_filter_matches(bytes_text(filter), bytes_text(topic));
}

TEST(what_a_filter_matches)
{
    static const struct {
        const char *filter, *topic;
        bool matches;
    } rows[] = {
        /* MQTT 5, 4.7.1.2 and 4.7.1.3 */
        {"sport/tennis/player1/#", "sport/tennis/player1", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
        {"sport/#", "sport", true},
        {"sport/#", "sports", false},
        {"#", "a/b/c", true},
        {"sport/tennis/+", "sport/tennis/player1", true},
        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
        {"sport/+", "sport", false},
        {"sport/+", "sport/", true},
        {"+/+", "/finance", true},
        {"/+", "/finance", true},
        {"+", "/finance", false},
        {"#", "$SYS/uptime", false},
        {"+/monitor/Clients", "$SYS/monitor/Clients", false},
        {"$SYS/#", "$SYS/", true},
        {"$SYS/#", "$SYS", true},
        {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
        {"a/+/$x", "a/b/$x", true},
        {"a/+", "a/$x", true}, /* only the first level */
        {"ACCOUNTS", "Accounts", false},
        {"/finance", "finance", false},
        {"a//b", "a/b", false},
        {"a/+/b", "a//b", true},
        {"#", "/", true},
        {"+/#", "a", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK(matches(rows[i].filter, rows[i].topic) == rows[i].matches);
}

TEST(what_is_a_filter_and_what_is_a_name)
{
    static const char *const filters[] = {"a", "/", "a/+/b", "#", "+", "a/#", "+/+/#", "$SYS/#"};
    static const char *const not [] = {"",     "a#",   "a/#/b", "#/a", "a+",
                                       "+a/b", "a/b#", "\xff",  "a/##"};
    for (size_t i = 0; i < ARRAY_COUNT(filters); i++)
        CHECK(mqtt_topic_is_filter(bytes_text(filters[i])));
    for (size_t i = 0; i < ARRAY_COUNT(not ); i++)
        CHECK(!mqtt_topic_is_filter(bytes_text(not [i])));
    CHECK(mqtt_topic_is_name(bytes_text("a/b")) && mqtt_topic_is_name(bytes_text("/")));
    CHECK(!mqtt_topic_is_name(bytes_text("a/+")) && !mqtt_topic_is_name(bytes_text("#")));
    CHECK(!mqtt_topic_is_name(bytes_text("")) && !mqtt_topic_is_name(bytes_of("a\0b", 3)));
}

TEST(what_is_shared)
{
    struct bytes group, filter;
    CHECK_OK(mqtt_share_split(bytes_text("$share/g/a/+"), &group, &filter));
    CHECK(bytes_are(group, "g") && bytes_are(filter, "a/+"));
    CHECK_OK(mqtt_share_split(bytes_text("$share/g//"), &group, &filter));
    CHECK(bytes_are(group, "g") && bytes_are(filter, "/"));
    CHECK_OK(mqtt_share_split(bytes_text("a/b"), &group, &filter));
    CHECK(group.len == 0 && bytes_are(filter, "a/b"));
    CHECK_OK(mqtt_share_split(bytes_text("$shared/g/a"), &group, &filter));
    CHECK(group.len == 0);
    static const char *const bad[] = {"$share/",    "$share/g",   "$share/g/",      "$share//a",
                                      "$share/+/a", "$share/#/a", "$share/g/a/#/b", "a/#/b"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(mqtt_share_split(bytes_text(bad[i]), &group, &filter) == ERR_MALFORMED);
}

/* Over a small alphabet every topic can be tried, so overlap and cover are what they say. */
enum { LEVELS = 3 };
static const char *const words[] = {"a", "b", "", "$x", "+", "#"};
enum { NAMES = 4, WORDS = 6 };

static bool
build(uint32_t n, size_t alphabet, char to[static 32])
{
    size_t at = 0, levels = 1 + n % LEVELS;
    n /= LEVELS;
    for (size_t i = 0; i < levels; i++, n /= (uint32_t)alphabet)
        at += (size_t)snprintf(to + at, 32 - at, "%s%s", i ? "/" : "", words[n % alphabet]);
    return to[0] != '\0';
}

TEST(overlap_and_cover_agree_with_every_topic)
{
    enum {
        FILTERS = LEVELS * WORDS * WORDS * WORDS,
        TOPICS = (LEVELS + 1) * NAMES * NAMES * NAMES
    };
    char a[32], b[32], topic[32];
    uint32_t overlaps = 0, covers = 0;
    for (uint32_t i = 0; i < FILTERS; i++) {
        if (!build(i, WORDS, a) || !mqtt_topic_is_filter(bytes_text(a)))
            continue;
        for (uint32_t j = 0; j < FILTERS; j += 1 + i % 3) {
            if (!build(j, WORDS, b) || !mqtt_topic_is_filter(bytes_text(b)))
                continue;
            bool both = false, all = true;
            for (uint32_t k = 0; k < TOPICS; k++) {
                size_t n = 0; /* the empty topic counts here, though nobody may publish to it */
                topic[0] = '\0';
                uint32_t rest = k / (LEVELS + 1);
                for (size_t l = 0; l <= k % (LEVELS + 1); l++, rest /= NAMES)
                    n += (size_t)snprintf(topic + n, sizeof(topic) - n, "%s%s", l ? "/" : "",
                                          words[rest % NAMES]);
                both |= matches(a, topic) && matches(b, topic);
                all &= matches(a, topic) || !matches(b, topic);
            }
            CHECK(mqtt_filters_overlap(bytes_text(a), bytes_text(b)) == both);
            if (mqtt_filter_covers(bytes_text(a), bytes_text(b)))
                CHECK(all);
            overlaps += both;
            covers += mqtt_filter_covers(bytes_text(a), bytes_text(b));
        }
    }
    CHECK(overlaps > 1000 && covers > 500);
}
