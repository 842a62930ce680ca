#include "field/sumo/street.h"
#include "base/test.h"

/* A street with a pavement meets another one; a crossing lies over the first. */
static const char net[] =
    "<net>"
    "<edge id=\":j_0\" function=\"internal\"><lane id=\":j_0_0\" index=\"0\" length=\"9\" "
    "speed=\"9\"/></edge>"
    "<edge id=\":j_1\" function=\"internal\"><lane id=\":j_1_0\" index=\"0\" length=\"9\" "
    "speed=\"9\"/></edge>"
    "<edge id=\":j_2\" function=\"internal\"><lane id=\":j_2_0\" index=\"0\" length=\"9\" "
    "speed=\"9\"/></edge>"
    "<edge id=\":j_c0\" function=\"crossing\"><lane id=\":j_c0_0\" index=\"0\" length=\"9\" "
    "speed=\"1\"/></edge>"
    "<edge id=\":j_w0\" function=\"walkingarea\"><lane id=\":j_w0_0\" index=\"0\" length=\"9\" "
    "speed=\"1\"/></edge>"
    "<edge id=\"in\"><lane id=\"in_0\" index=\"0\" allow=\"pedestrian\" length=\"90\" speed=\"9\"/>"
    "<lane id=\"in_1\" index=\"1\" length=\"90\" speed=\"9\"/></edge>"
    "<edge id=\"out\"><lane id=\"out_0\" index=\"0\" length=\"90\" speed=\"9\"/></edge>"
    "<edge id=\"by\"><lane id=\"by_0\" index=\"0\" length=\"90\" speed=\"9\"/></edge>"
    "<edge id=\"off\"><lane id=\"off_0\" index=\"0\" length=\"90\" speed=\"9\"/></edge>"
    "<junction id=\"j\" type=\"traffic_light\" x=\"0\" y=\"0\" incLanes=\"in_0 in_1 by_0 :j_w0_0\" "
    "intLanes=\":j_0_0 :j_1_0 :j_c0_0\">"
    "<request index=\"0\" response=\"110\" foes=\"110\" cont=\"0\"/>"
    "<request index=\"1\" response=\"000\" foes=\"001\" cont=\"0\"/>"
    "<request index=\"2\" response=\"000\" foes=\"001\" cont=\"0\"/></junction>"
    "<junction id=\":j_2_0\" type=\"internal\" x=\"0\" y=\"0\" incLanes=\":j_0_0 by_0\" "
    "intLanes=\":j_1_0 :j_9_0\"/>"
    "<connection from=\"in\" to=\":j_w0\" fromLane=\"0\" toLane=\"0\" dir=\"s\" state=\"M\"/>"
    "<connection from=\"in\" to=\"out\" fromLane=\"1\" toLane=\"0\" via=\":j_0_0\" tl=\"j\" "
    "linkIndex=\"0\" "
    "dir=\"s\" state=\"o\"/>"
    "<connection from=\"by\" to=\"off\" fromLane=\"0\" toLane=\"0\" via=\":j_1_0\" tl=\"j\" "
    "linkIndex=\"1\" "
    "dir=\"s\" state=\"o\"/>"
    "<connection from=\":j_0\" to=\"out\" fromLane=\"0\" toLane=\"0\" via=\":j_2_0\" dir=\"s\" "
    "state=\"m\"/>"
    "<connection from=\":j_w0\" to=\":j_c0\" fromLane=\"0\" toLane=\"0\" tl=\"j\" linkIndex=\"2\" "
    "dir=\"s\" "
    "state=\"M\"/>"
    "</net>";

TEST(pavements_have_no_number_crossings_their_own_and_lines_inside_their_links)
{
    struct street *t = NULL;
    struct site s = {.id = "j"};
    CHECK_OK(site_add_link(&s, 0, bytes_text("in_1"), bytes_text("out_0")));
    CHECK_OK(site_add_link(&s, 1, bytes_text("by_0"), bytes_text("off_0")));
    CHECK_OK(site_add_crossing(&s, 2, bytes_text(":j_c0_0")));
    CHECK_OK(street_read(bytes_text(net), &t));
    street_describe(t, &s);
    street_free(t);
    static const bool cross[3][3] = {
        {false, true, true}, {true, false, false}, {true, false, false}};
    for (uint32_t a = 0; a < 3; a++) {
        for (uint32_t b = 0; b < 3; b++) {
            CHECK(site_has(&s.conflicts[a], b) == cross[a][b]);
            CHECK(site_has(&s.gives_way[a], b) == (a == 0 && b > 0));
            CHECK(site_has(&s.gives_way_inside[a], b) == (a == 0 && b == 1));
        }
        CHECK(site_has(&s.inner_line, a) == (a == 0));
    }
}

/*
 * w, s -> [A] -> e -> (N, no signal, from p too) -> f -> [B] -> x, y. From w one gets to p past the
 * signal, from s to q, which is long and leads to [B].
 */
#define LANE(id, m) "<lane id=\"" id "\" index=\"0\" speed=\"13.89\" length=\"" m "\"/>"
#define EDGE(id, lanes) "<edge id=\"" id "\" from=\"1\" to=\"2\">" lanes "</edge>"
#define INSIDE(id, m) "<edge id=\"" id "\" function=\"internal\">" LANE(id "_0", m) "</edge>"
#define GO(from, fl, to, tl, via, more)                                                            \
    "<connection from=\"" from "\" to=\"" to "\" fromLane=\"" fl "\" toLane=\"" tl "\" via=\"" via \
    "\" " more "/>"
static const char two_signals[] = "<net>" INSIDE(":A_0", "9") INSIDE(":A_1", "9") INSIDE(
    ":N_0", "10") INSIDE(":N_2", "10") INSIDE(":B_0", "9") INSIDE(":B_1", "9") INSIDE(":B_2", "9")
    EDGE("w", LANE("w_0", "310") LANE("w_1", "310")) EDGE("s", LANE("s_0", "100")) EDGE(
        "e", LANE("e_0", "120") "<lane id=\"e_1\" allow=\"pedestrian\" speed=\"1\" "
                                "length=\"120\"/>") EDGE("p", LANE("p_0", "30"))
        EDGE("f", LANE("f_0", "60") LANE("f_1", "60")) EDGE("q", LANE("q_0", "700"))
            EDGE("x", LANE("x_0", "50")) EDGE(
                "y",
                LANE("y_0",
                     "50")) "<junction id=\"A\" type=\"traffic_light\" incLanes=\"w_0 w_1 s_0\">"
                            "<request index=\"0\" response=\"00\" foes=\"10\"/>"
                            "<request index=\"1\" response=\"01\" foes=\"01\"/></junction>"
                            "<junction id=\"N\" type=\"priority\" incLanes=\"e_0 p_0\"/>"
                            "<junction id=\"B\" type=\"traffic_light\" incLanes=\"f_0 f_1 q_0\">"
                            "<request index=\"0\" response=\"000\" foes=\"100\"/>"
                            "<request index=\"1\" response=\"000\" foes=\"000\"/>"
                            "<request index=\"2\" response=\"001\" foes=\"001\"/></junction>" GO(
                                "w", "0", "e", "0", ":A_0_0", "tl=\"A\" linkIndex=\"0\"")
                                GO("w", "1", "p", "0", "", "") GO("s", "0", "e", "0", ":A_1_0",
                                                                  "tl=\"A\" linkIndex=\"1\"")
                                    GO("s", "0", "q", "0", "", "tl=\"A\" linkIndex=\"2\"")
                                        GO("e", "0", "f", "0", ":N_0_0", "")
                                            GO("e", "0", "f", "1", ":N_0_0", "")
                                                GO("p", "0", "f", "0", ":N_2_0", "")
                                                    GO("f", "0", "x", "0", ":B_0_0",
                                                       "tl=\"B\" linkIndex=\"2\"")
                                                        GO("f", "1", "y", "0", ":B_1_0",
                                                           "tl=\"B\" linkIndex=\"1\"")
                                                            GO("q", "0", "x", "0", ":B_2_0",
                                                               "tl=\"B\" linkIndex=\"0\"") "</net>";

static void
describe(const char *xml, struct site *s)
{
    struct street *t = NULL;
    struct bytes exact = test_exact(bytes_text(xml));
    CHECK_OK(street_read(exact, &t));
    street_describe(t, s);
    street_free(t);
    test_exact_free(exact);
}

static struct site
site_b(void)
{
    struct site s = {.id = "B"};
    CHECK_OK(site_add_state(&s, bytes_text("rGG"), 30));
    CHECK_OK(site_add_state(&s, bytes_text("grr"), 30));
    CHECK_OK(site_add_link(&s, 2, bytes_text("f_0"), bytes_text("x_0")));
    CHECK_OK(site_add_link(&s, 1, bytes_text("f_1"), bytes_text("y_0")));
    CHECK_OK(site_add_link(&s, 0, bytes_text("q_0"), bytes_text("x_0")));
    return s;
}

static bool
reaches(const struct site_reach *r, uint8_t first, uint8_t second)
{
    return r->count == 2 && r->lanes[0] == first && r->lanes[1] == second;
}

static const struct site_loop *
loop_on(const struct site *s, const char *lane)
{
    for (uint32_t i = 0; i < s->loops_count; i++) {
        if (strcmp(s->loops[i].lane, lane) == 0)
            return &s->loops[i];
    }
    return NULL;
}

/* The letters of links and their numbers in the junction differ on purpose. */
TEST(conflicts_go_from_the_junctions_numbers_to_links)
{
    struct site s = site_b();
    describe(two_signals, &s);
    CHECK(s.has_street);
    CHECK(site_has(&s.conflicts[0], 2) && site_has(&s.conflicts[2], 0));
    CHECK(!site_has(&s.conflicts[0], 1) && !site_has(&s.conflicts[1], 2));
    CHECK(site_has(&s.gives_way[2], 0) && !site_has(&s.gives_way[0], 2));
}

TEST(loops_lie_before_short_lanes_too)
{
    struct site s = site_b();
    describe(two_signals, &s);
    CHECK(s.loops_count == 10);
    CHECK(loop_on(&s, "f_0")->distance_m == 59 && reaches(&loop_on(&s, "f_0")->reach, 0, 1));
    CHECK(reaches(&loop_on(&s, "f_1")->reach, 1, 0));
    CHECK(loop_on(&s, "q_0")->distance_m == 200 && loop_on(&s, "q_0")->reach.count == 1);
    CHECK(loop_on(&s, "q_0")->position_m > 499 && loop_on(&s, "q_0")->position_m < 501);
    CHECK(loop_on(&s, "e_0")->distance_m == 189 && reaches(&loop_on(&s, "e_0")->reach, 0, 1));
    CHECK(loop_on(&s, "p_0")->distance_m == 99 && !loop_on(&s, "e_1"));
    /* Past the signal it is 100 m from the end of w; on its other lane one can change over. */
    CHECK(loop_on(&s, "w_1")->distance_m == 200 && loop_on(&s, "w_0")->distance_m == 200);
    CHECK(loop_on(&s, "w_0")->position_m > 209 && loop_on(&s, "w_0")->position_m < 211);
    CHECK(!loop_on(&s, "s_0")); /* behind a signal */
}

static bool
has_loop(const struct site *s, const char *lane, uint32_t distance_m)
{
    for (uint32_t i = 0; i < s->loops_count; i++) {
        if (strcmp(s->loops[i].lane, lane) == 0 && s->loops[i].distance_m == distance_m)
            return true;
    }
    return false;
}

TEST(a_second_loop_lies_near_the_line)
{
    struct site s = site_b();
    describe(two_signals, &s);
    CHECK(has_loop(&s, "q_0", STREET_LOOP_NEAR_M) && has_loop(&s, "f_0", 30));
    CHECK(!has_loop(&s, "w_0", STREET_LOOP_NEAR_M)); /* not one of its own lanes */
}

/* A street of two lanes, and so many metres of each before the signal. */
#define STREET_AND_LANES(length)                                                                   \
    "<net>" EDGE("a", LANE("a_0", "120") LANE("a_1", "120"))                                       \
        EDGE("b", LANE("b_0", length) LANE("b_1", length)) EDGE("x", LANE("x_0", "50"))            \
            GO("a", "0", "b", "0", "", "") GO("a", "1", "b", "1", "", "")                          \
                GO("b", "0", "x", "0", "", "tl=\"C\" linkIndex=\"0\"")                             \
                    GO("b", "1", "x", "0", "", "tl=\"C\" linkIndex=\"1\"") "</net>"

static struct site
site_c(const char *xml)
{
    struct site s = {.id = "C"};
    CHECK_OK(site_add_state(&s, bytes_text("Gr"), 30));
    CHECK_OK(site_add_link(&s, 0, bytes_text("b_0"), bytes_text("x_0")));
    CHECK_OK(site_add_link(&s, 1, bytes_text("b_1"), bytes_text("x_0")));
    describe(xml, &s);
    return s;
}

TEST(a_second_loop_lies_up_the_street_where_lanes_are_short)
{
    struct site s = site_c(STREET_AND_LANES("9"));
    CHECK(has_loop(&s, "b_0", 8) && has_loop(&s, "a_0", 128) && has_loop(&s, "a_1", 128));
    CHECK(has_loop(&s, "a_0", STREET_LOOP_NEAR_M) && has_loop(&s, "a_1", STREET_LOOP_NEAR_M));
    CHECK(s.loops_count == 6);
}

TEST(a_second_loop_lies_in_the_middle_where_lanes_have_place_for_one)
{
    struct site s = site_c(STREET_AND_LANES("27"));
    CHECK(has_loop(&s, "b_0", 26) && has_loop(&s, "a_0", 146) && has_loop(&s, "a_1", 146));
    CHECK(has_loop(&s, "a_0", STREET_LOOP_MIDDLE_M) && has_loop(&s, "a_1", STREET_LOOP_MIDDLE_M));
    CHECK(s.loops_count == 6);
    /* One place more or less: both on the lane, or the nearer one up the street. */
    s = site_c(STREET_AND_LANES("31"));
    CHECK(has_loop(&s, "b_0", 30) && has_loop(&s, "b_0", STREET_LOOP_LEAST_M));
    CHECK(!has_loop(&s, "a_0", STREET_LOOP_MIDDLE_M) && s.loops_count == 6);
    s = site_c(STREET_AND_LANES("15"));
    CHECK(has_loop(&s, "a_0", STREET_LOOP_NEAR_M) && !has_loop(&s, "a_0", STREET_LOOP_MIDDLE_M));
}

/* A map that cuts one lane in two makes no choice of lanes. */
TEST(no_second_loop_lies_before_a_lane_that_only_goes_on)
{
    static const char cut[] = "<net>" EDGE("a", LANE("a_0", "120")) EDGE("b", LANE("b_0", "27"))
        EDGE("x", LANE("x_0", "50")) GO("a", "0", "b", "0", "", "")
            GO("b", "0", "x", "0", "", "tl=\"C\" linkIndex=\"0\"") "</net>";
    struct site s = {.id = "C"};
    CHECK_OK(site_add_link(&s, 0, bytes_text("b_0"), bytes_text("x_0")));
    describe(cut, &s);
    CHECK(has_loop(&s, "b_0", 26) && has_loop(&s, "a_0", 146) && s.loops_count == 2);
}

/* Who leaves on a street comes back from it only if he turns round. */
TEST(a_street_on_which_one_leaves_leads_nowhere)
{
    struct site s = site_b();
    describe(two_signals, &s);
    uint32_t before = s.loops_count;
    CHECK_OK(site_add_link(&s, 3, bytes_text("q_0"), bytes_text("p_0")));
    describe(two_signals, &s);
    CHECK(s.loops_count < before && !loop_on(&s, "p_0"));
}

TEST(exits_of_other_signals_feed)
{
    struct site s = site_b(), a = {.id = "A"};
    describe(two_signals, &s);
    CHECK(s.feeders_count == 1 && strcmp(s.feeders[0].exit, "e_0") == 0);
    CHECK(s.feeders[0].distance_m == 190 && reaches(&s.feeders[0].reach, 0, 1));
    CHECK_OK(site_add_link(&a, 0, bytes_text("w_0"), bytes_text("e_0")));
    CHECK_OK(site_add_link(&a, 1, bytes_text("s_0"), bytes_text("e_0")));
    describe(two_signals, &a);
    CHECK(a.feeders_count == 0 && a.loops_count == 6); /* one can come over from w_1 */
    CHECK(a.exit_length_m[0] > 119 && a.lane_m_s[1] > 13);
}

TEST(the_properties_are_what_was_found)
{
    struct site s = site_b();
    struct buf b;
    struct site_times times = {3, 1, 5, NULL, NULL};
    describe(two_signals, &s);
    buf_init(&b, 65536);
    site_put_properties(&s, &times, &b);
    CHECK_OK(buf_error(&b));
    const char *text = buf_string(&b);
    CHECK(strstr(text, "\"lane_m\":[60,60,700],\"exit_m\":[50,50],\"lane_kmh\":[50,50,50]"));
    CHECK(strstr(text, "\"kinds\":\"vvv\",\"turns\":\"---\",\"yields\":[[],[],[0]]"));
    CHECK(strstr(text, "\"feeders\":[{\"exit\":\"e_0\",\"m\":190,\"lanes\":[0,1]}]"));
    CHECK(strstr(text, "\"times\":{\"yellow\":3,\"all_red\":1,\"minimum_green\":5}"));
    buf_fini(&b);
}

/*
 * A link's turn is its connection's dir, whatever the order: a slight turn is a turn (L, R), a way
 * back is one on either side of the street (t, T), and what is none of these is not known.
 */
TEST(turns_are_the_networks_directions)
{
    static const char *const said[] = {"s", "r", "R", "l", "L", "t", "T", "invalid", "", "ss"};
    enum { COUNT = ARRAY_COUNT(said) };
    struct site s = {.id = "D"};
    struct buf xml, found;
    buf_init(&xml, 65536);
    buf_init(&found, 65536);
    buf_text(&xml, "<net>" EDGE("a", LANE("a_0", "90")));
    for (uint32_t i = 0; i <= COUNT; i++)
        buf_format(
            &xml,
            "<edge id=\"o%u\"><lane id=\"o%u_0\" index=\"0\" speed=\"9\" length=\"9\"/></edge>",
            (unsigned)i, (unsigned)i);
    for (uint32_t i = 0; i < COUNT; i++)
        buf_format(&xml,
                   "<connection from=\"a\" to=\"o%u\" fromLane=\"0\" toLane=\"0\" tl=\"D\" "
                   "linkIndex=\"%u\" dir=\"%s\"/>",
                   (unsigned)i, (unsigned)i, said[i]);
    buf_format(&xml,
               "<connection from=\"a\" to=\"o%d\" fromLane=\"0\" toLane=\"0\" tl=\"D\" "
               "linkIndex=\"%d\"/><junction id=\"D\" incLanes=\"a_0\">",
               COUNT, COUNT); /* this one says nothing */
    for (uint32_t i = 0; i <= COUNT; i++)
        buf_format(&xml, "<request index=\"%u\" response=\"0\" foes=\"0\"/>", (unsigned)i);
    buf_text(&xml, "</junction></net>");
    CHECK_OK(buf_error(&xml));
    for (uint32_t i = COUNT + 1; i-- > 0;) { /* the site's links in another order than the file's */
        char exit[16];
        snprintf(exit, sizeof(exit), "o%u_0", (unsigned)i);
        CHECK_OK(site_add_link(&s, i, bytes_text("a_0"), bytes_text(exit)));
    }
    describe(buf_string(&xml), &s);
    site_put_properties(&s, NULL, &found);
    CHECK(strstr(buf_string(&found), "\"turns\":\"----ttllrrs\""));
    buf_fini(&xml);
    buf_fini(&found);
}

/* Of one link the network does not say whom it crosses: nobody may guess that it crosses nobody. */
TEST(a_street_of_which_something_is_missing_is_not_known)
{
    static const char *const missing[] = {"linkIndex=\"1\"", "linkIndex=\"2\"", "to=\"off\"",
                                          "<edge id=\"by\"", "incLanes=\"in_0 in_1 b"};
    for (size_t i = 0; i <= ARRAY_COUNT(missing); i++) {
        static char text[sizeof(net)];
        struct site s = {.id = "j"};
        memcpy(text, net, sizeof(net));
        CHECK_OK(site_add_link(&s, 0, bytes_text("in_1"), bytes_text("out_0")));
        CHECK_OK(site_add_link(&s, 1, bytes_text("by_0"), bytes_text("off_0")));
        CHECK_OK(site_add_crossing(&s, 2, bytes_text(":j_c0_0")));
        if (i < ARRAY_COUNT(missing))
            strstr(text, missing[i])[strlen(missing[i]) - 2] = '7';
        describe(text, &s);
        CHECK(s.has_conflicts == (i == ARRAY_COUNT(missing)));
    }
}

/* One signal over two junctions: the numbers of each are its own. */
TEST(junctions_of_one_signal_do_not_mix)
{
    static const char joined[] = "<net>" EDGE("a", LANE("a_0", "90")) EDGE("b", LANE("b_0", "90"))
        EDGE("c", LANE("c_0", "9")) EDGE(
            "d", LANE("d_0",
                      "9")) "<junction id=\"1\" type=\"traffic_light\" incLanes=\"a_0 b_0\">"
                            "<request index=\"0\" response=\"00\" foes=\"10\"/>"
                            "<request index=\"1\" response=\"00\" foes=\"01\"/></junction>"
                            "<junction id=\"2\" type=\"traffic_light\" incLanes=\"d_0\">"
                            "<request index=\"0\" response=\"10\" foes=\"10\"/></junction>" GO(
                                "a", "0", "c", "0", "", "tl=\"J\" linkIndex=\"0\"")
                                GO("b", "0", "c", "0", "", "tl=\"J\" linkIndex=\"1\"")
                                    GO("d", "0", "c", "0", "", "tl=\"J\" linkIndex=\"2\"") "</net>";
    struct site s = {.id = "J"};
    CHECK_OK(site_add_link(&s, 0, bytes_text("a_0"), bytes_text("c_0")));
    CHECK_OK(site_add_link(&s, 1, bytes_text("b_0"), bytes_text("c_0")));
    CHECK_OK(site_add_link(&s, 2, bytes_text("d_0"), bytes_text("c_0")));
    describe(joined, &s);
    CHECK(site_has(&s.conflicts[0], 1) && !site_has(&s.conflicts[2], 1));
    CHECK(!site_has(&s.gives_way[2], 1) && !site_has(&s.conflicts[0], 2));
}

TEST(a_ring_of_streets_ends)
{
    static const char ring[] = "<net>" EDGE("a", LANE("a_0", "10")) EDGE("b", LANE("b_0", "10"))
        EDGE("c", LANE("c_0", "9")) GO("a", "0", "b", "0", "", "") GO("b", "0", "a", "0", "", "")
            GO("a", "0", "c", "0", "", "tl=\"B\" linkIndex=\"0\"") "</net>";
    struct site s = {.id = "B"};
    CHECK_OK(site_add_link(&s, 0, bytes_text("a_0"), bytes_text("c_0")));
    describe(ring, &s);
    CHECK(s.loops_count == 1 && s.feeders_count == 0);
}

TEST(what_is_no_network_is_refused)
{
    static const char *const bad[] = {
        "<lane id=\"a\" length=\"1\" speed=\"1\"/>",
        "<edge id=\"\"/>",
        "<edge id=\"a\"/><edge id=\"a\"/>",
        "<edge id=\"a\"><lane id=\"b\" length=\"x\" speed=\"1\"/></edge>",
        "<edge id=\"a\"><lane id=\"b\" length=\"-1\" speed=\"1\"/></edge>",
        "<edge id=\"a\"><lane id=\"b\" length=\"1\" speed=\"1\"/><lane id=\"b\" length=\"1\" "
        "speed=\"1\"/></edge>",
        "<connection from=\"a\" to=\"b\" fromLane=\"0\"/>",
        "<connection from=\"a\" to=\"b\" fromLane=\"0\" toLane=\"0\" tl=\"x\"/>",
        "<request index=\"0\"/>",
        "<junction id=\"a\"/><request index=\"1\"/>",
        "",
        "<net/>",
        "\x1f\x8b\x08",
    };
    struct street *t = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(street_read(bytes_text(bad[i]), &t) == ERR_MALFORMED && !t);
    street_free(NULL);
}
