#include "charter/radius.h"
#include "charter/charter_test_kit.h"

static struct charter c;
static struct charter_findings f;
static struct radius r;

/* a -> b -> c, all of one service; b is commanded by a; d stands alone. */
static void
set_up(void)
{
    static const char text[] =
        "city \"A<&>\" { sites hall signers x need 1 }\npurpose operate \"run\"\n"
        "zone a { service signals tier important }\n"
        "zone b { service signals tier important envelope minimum-green 5s yellow 3s all-red 2s "
        "maximum-red 120s command all-flash lease 5s }\n"
        "zone c { service signals tier important }\nzone d { service bikes tier ordinary }\n"
        "conduit ab { from a to b carries all-flash rate 1/min purpose operate reason \"r\" }\n"
        "conduit bc { from b to c carries zone-count rate 1/min purpose operate reason \"r\" }\n"
        "never \"<script>\" { reason \"a & b\" owner \"Health\" }\n";
    CHECK_OK(charter_parse(bytes_text(text), &c, &f));
    CHECK_OK(charter_check(&c, &f));
}

static bool
has(uint32_t zone, enum reach reach, const char *kind, bool indirect)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < r.count; i++)
        count += r.rows[i].zone == zone && r.rows[i].reach == reach &&
                 r.rows[i].indirect == indirect && strcmp(r.rows[i].kind, kind) == 0;
    CHECK(count <= 1);
    return count == 1;
}

TEST(a_breach_reaches_what_the_conduits_carry_and_nothing_else)
{
    set_up();
    radius_of(&c, 0, &r);
    CHECK(r.count == 4 && has(1, REACH_COMMAND, "all-flash", false));
    CHECK(has(1, REACH_DISTURB, "all-flash", false));
    CHECK(has(2, REACH_WRITE, "zone-count", true) && has(2, REACH_DISTURB, "zone-count", true));
    CHECK(r.rows[2].conduit == 0); /* the first one on the way */
    radius_of(&c, 1, &r);
    CHECK(r.count == 3 && has(0, REACH_READ, "all-flash", false));
    CHECK(has(2, REACH_WRITE, "zone-count", false) && has(2, REACH_DISTURB, "zone-count", false));
    radius_of(&c, 2, &r);
    CHECK(r.count == 1 && has(1, REACH_READ, "zone-count", false));
    radius_of(&c, 3, &r);
    CHECK(r.count == 0);
}

TEST(a_circle_ends_and_the_largest_charter_fits)
{
    memset(&c, 0, sizeof(c));
    c.zones_count = CHARTER_ZONES_MAX;
    c.conduits_count = CHARTER_CONDUITS_MAX;
    for (uint32_t i = 0; i < CHARTER_CONDUITS_MAX; i++) {
        struct charter_conduit *k = &c.conduits[i];
        k->from = i % CHARTER_ZONES_MAX;
        k->to = (i + 1 + i / CHARTER_ZONES_MAX) % CHARTER_ZONES_MAX;
        k->carries_count = CHARTER_CARRIES_MAX;
        k->purpose = -1;
        k->rate_per_hour = 1;
    }
    for (uint32_t i = 0; i < c.zones_count; i++) {
        radius_of(&c, i, &r);
        CHECK(r.count > 0 && r.count <= RADIUS_MAX);
    }
}

TEST(words_json_and_picture_are_whole_and_escaped)
{
    set_up();
    struct buf b;
    buf_init(&b, 1024 * 1024);
    radius_put_text(&b, &c);
    CHECK(strstr(buf_string(&b), "commands   all-flash to b, by the conduit ab, at most 60/h"));
    CHECK(strstr(buf_string(&b), "zone d (ordinary), if fully breached:") != NULL);
    buf_reset(&b);
    radius_put_svg(&b, &c);
    CHECK(strstr(buf_string(&b), "A&lt;&amp;&gt;") && strstr(buf_string(&b), "&lt;script&gt;"));
    CHECK(!strstr(buf_string(&b), "<script>") && strstr(buf_string(&b), "</svg>\n"));
    buf_reset(&b);
    charter_add_finding(&f, (struct charter_place){3, 4}, "a \"quoted\" word");
    radius_put_json(&b, &c, "x.charter", &f);
    CHECK(bytes_start(buf_bytes(&b), "{\"ok\":false,\"file\":\"x.charter\",\"digest\":\""));
    CHECK(strstr(buf_string(&b), "{\"line\":3,\"column\":4,\"text\":\"a \\\"quoted\\\" word\"}"));
    buf_reset(&b);
    radius_put_json(&b, NULL, "x.charter", &f);
    CHECK(strstr(buf_string(&b), "\"zones\":[]}\n") != NULL);
    buf_fini(&b);
}

TEST(every_example_can_be_explained)
{
    static const char *const files[] = {"charters/demo.charter", "charters/small.charter",
                                        "charters/empty.charter"};
    static const char *const say[] = {"Never to be connected: hospital wards",
                                      "No zone tells another anything", "Nobody may ask anything"};
    struct buf b;
    buf_init(&b, 1024 * 1024);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        struct bytes text = kit_read(files[i]);
        CHECK_OK(kit_judge(text, &c, &f));
        test_exact_free(text);
        buf_reset(&b);
        charter_put_explanation(&b, &c);
        CHECK(strstr(buf_string(&b), say[i]) != NULL);
    }
    buf_fini(&b);
}
