/*
 * Any bytes as a network file, as a scenario and as programmes: what is read stays within the
 * tables, and what an intersection then says of itself is JSON.
 */
#include "base/fuzz.h"
#include "field/sumo/programme.h"
#include "field/sumo/scenario.h"
#include "field/sumo/stages.h"
#include "field/sumo/street.h"
#include "field/sumo/xml.h"
#include "sensorthings/json.h"

/* A site of the first signal that the file names, with lanes as they are called there. */
static void
make_site(struct bytes xml, struct site *s)
{
    struct xml_tag tag;
    while (xml_next(&xml, &tag)) {
        if (bytes_are(tag.name, "phase") && site_add_state(s, xml_attribute(tag, "state"), 9) != OK)
            continue;
        char lane[SITE_ID_SIZE], exit[SITE_ID_SIZE];
        struct bytes signal = xml_attribute(tag, "tl");
        struct bytes from = xml_attribute(tag, "from"), to = xml_attribute(tag, "to");
        uint32_t letter;
        if (!bytes_are(tag.name, "connection") || signal.len == 0 ||
            xml_u32(tag, "linkIndex", &letter) != OK)
            continue;
        if (!s->id[0] && bytes_copy_text(signal, s->id, sizeof(s->id)) != OK)
            continue;
        if (from.len > 40 || to.len > 40 || from.len == 0 || to.len == 0 ||
            memchr(from.p, 0, from.len) || memchr(to.p, 0, to.len))
            continue;
        snprintf(lane, sizeof(lane), "%.*s_0", BYTES_PRINTF(from));
        snprintf(exit, sizeof(exit), "%.*s_0", BYTES_PRINTF(to));
        enum err e = lane[0] == ':' ? site_add_crossing(s, letter, bytes_text(exit))
                                    : site_add_link(s, letter, bytes_text(lane), bytes_text(exit));
        if (e != OK)
            continue;
    }
}

static void
check_reach(const struct site *s, const struct site_reach *r, uint32_t distance_m)
{
    ASSERT(r->count >= 1 && r->count <= SITE_REACH_MAX && distance_m >= 1);
    for (uint32_t i = 0; i < r->count; i++)
        ASSERT(r->lanes[i] < s->lanes_count);
}

static void
check_site(struct site *s)
{
    size_t bad;
    struct buf b;
    for (uint32_t a = 0; a < s->links_count; a++) {
        for (uint32_t k = 0; k < s->links_count; k++)
            ASSERT(site_has(&s->conflicts[a], k) == site_has(&s->conflicts[k], a));
    }
    ASSERT(s->loops_count <= SITE_LOOPS_MAX && s->feeders_count <= SITE_FEEDERS_MAX);
    for (uint32_t i = 0; i < s->loops_count; i++)
        check_reach(s, &s->loops[i].reach, s->loops[i].distance_m);
    for (uint32_t i = 0; i < s->feeders_count; i++)
        check_reach(s, &s->feeders[i].reach, s->feeders[i].distance_m);
    buf_init(&b, 1024 * 1024);
    site_put_properties(s, NULL, &b);
    ASSERT(buf_error(&b) == OK && sta_json_check(buf_bytes(&b), &bad));
    buf_fini(&b);
}

static void
check_programmes(struct bytes xml, const struct street *street)
{
    static struct programmes p;
    static const struct programme_form forms[] = {
        {.clear = true, .yellow_s = 3, .all_red_s = 1},
        {.actuated = true, .minimum_s = 7, .maximum_s = 90}};
    struct buf b;
    uint32_t left;
    p.count = 0;
    if (programmes_read(&p, xml) != OK)
        return;
    if (street)
        programmes_walks(&p, street);
    uint32_t yellow_s = programmes_yellow_s(&p);
    ASSERT(yellow_s >= PROGRAMME_YELLOW_MIN_S && yellow_s <= PROGRAMME_YELLOW_MAX_S);
    buf_init(&b, 64 * 1024 * 1024);
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        buf_reset(&b);
        programmes_put(&p, &forms[i], &b, &left);
        ASSERT(left <= p.count);
    }
    buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct site s;
    struct scenario scenario;
    struct street *t = NULL;
    uint8_t *exact = fuzz_exact(bytes_of(data, size));
    struct bytes xml = bytes_of(exact, size);
    if (street_read(xml, &t) == OK) {
        s = (struct site){0};
        make_site(xml, &s);
        street_describe(t, &s);
        stages_add(&s);
        check_site(&s);
    }
    if (scenario_parse(xml, "/f", &scenario) == OK)
        ASSERT(scenario.network[0]);
    check_programmes(xml, t);
    street_free(t);
    free(exact);
    return 0;
}
