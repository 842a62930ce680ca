#include "field/sumo/programme.h"
#include "field/sumo/xml.h"
#include "base/test.h"

static struct programmes programmes;

static const char *
written(const char *xml, const struct programme_form *form, uint32_t *left)
{
    static struct buf b;
    buf_fini(&b);
    buf_init(&b, 65536);
    programmes = (struct programmes){0};
    CHECK_OK(programmes_read(&programmes, bytes_text(xml)));
    programmes_put(&programmes, form, &b, left);
    CHECK_OK(buf_error(&b));
    return buf_string(&b);
}

#define PHASE(seconds, state) "<phase duration=\"" seconds "\" state=\"" state "\"/>"
static const char cross[] =
    "<tlLogic id=\"a\" type=\"static\" programID=\"0\" offset=\"4\">" PHASE("20", "GGr")
        PHASE("10", "GGr") PHASE("5", "yyr") PHASE("2", "rrr") PHASE("8", "grG")
            PHASE("3", "gry") "</tlLogic>";

TEST(run_b_clears_every_change_and_keeps_every_stage)
{
    struct programme_form form = {.clear = true, .yellow_s = 3, .all_red_s = 1};
    uint32_t left;
    const char *text = written(cross, &form, &left);
    /*
     * 30 + 5 + 2 s stay 37 s, 8 + 3 stay 11 s; a link that is yellow as
     * shipped is yellow still, and one that keeps its green shows the weaker one.
     */
    CHECK(strstr(text, "offset=\"4\">\n"
                       "<phase duration=\"20\" state=\"GGr\"/>\n"
                       "<phase duration=\"13\" state=\"GGr\"/>\n"
                       "<phase duration=\"3\" state=\"yyr\"/>\n"
                       "<phase duration=\"1\" state=\"rrr\"/>\n"
                       "<phase duration=\"7\" state=\"grG\"/>\n"
                       "<phase duration=\"3\" state=\"gry\"/>\n"
                       "<phase duration=\"1\" state=\"grr\"/>\n"
                       "</tlLogic>"));
    CHECK(left == 0);
}

TEST(a_stage_that_goes_on_from_the_last_has_no_change)
{
    static const char round[] = "<tlLogic id=\"a\">" PHASE("20", "Gr") PHASE("5", "yr")
        PHASE("20", "rG") PHASE("5", "ry") PHASE("10", "Gr") "</tlLogic>";
    struct programme_form form = {.clear = true, .yellow_s = 3, .all_red_s = 1};
    uint32_t left;
    const char *text = written(round, &form, &left);
    CHECK(strstr(text, "<phase duration=\"1\" state=\"rr\"/>\n"
                       "<phase duration=\"10\" state=\"Gr\"/>\n</tlLogic>"));
    CHECK(left == 0);
}

TEST(actuated_greens_may_end_and_changes_are_as_shipped)
{
    struct programme_form form = {.actuated = true, .minimum_s = 7, .maximum_s = 90};
    uint32_t left;
    const char *text = written(cross, &form, &left);
    CHECK(strstr(text, "type=\"actuated\"") && strstr(text, "key=\"max-gap\" value=\"3\""));
    CHECK(strstr(text, "<phase duration=\"20\" state=\"GGr\" minDur=\"7\" maxDur=\"90\"/>"));
    CHECK(strstr(text,
                 "<phase duration=\"5\" state=\"yyr\"/>\n<phase duration=\"2\" state=\"rrr\"/>"));
}

TEST(a_green_cut_into_phases_stays_so_as_long_as_its_time_lasts)
{
    static const char cut[] = "<tlLogic id=\"a\">" PHASE("1", "Gr") PHASE("2", "Gr")
        PHASE("3", "Gr") PHASE("2", "yr") PHASE("9", "rG") PHASE("3", "ry") "</tlLogic>";
    struct programme_form form = {.clear = true,
                                  .actuated = true,
                                  .yellow_s = 3,
                                  .all_red_s = 1,
                                  .minimum_s = 7,
                                  .maximum_s = 90};
    uint32_t left;
    const char *text = written(cut, &form, &left); /* 6 + 2 s are 4 s of green and a change */
    CHECK(strstr(text, "<phase duration=\"1\" state=\"Gr\" minDur=\"7\" maxDur=\"90\"/>\n"
                       "<phase duration=\"2\" state=\"Gr\" minDur=\"7\" maxDur=\"90\"/>\n"
                       "<phase duration=\"1\" state=\"Gr\" minDur=\"7\" maxDur=\"90\"/>\n"
                       "<phase duration=\"3\" state=\"yr\"/>"));
    static const char full[] = "<tlLogic id=\"a\">" PHASE("3", "Gr") PHASE("3", "Gr")
        PHASE("2", "Gr") PHASE("2", "yr") PHASE("9", "rG") PHASE("3", "ry") "</tlLogic>";
    form.actuated = false; /* 6 s are left: the third phase has no room */
    text = written(full, &form, &left);
    CHECK(strstr(text,
                 "<phase duration=\"3\" state=\"Gr\"/>\n<phase duration=\"3\" state=\"Gr\"/>\n"
                 "<phase duration=\"3\" state=\"yr\"/>"));
}

TEST(what_stands_last_counts_and_what_cannot_be_cleared_is_left)
{
    static const char twice[] =
        "<tlLogic id=\"a\">" PHASE("20", "Gr") "</tlLogic><tlLogic id=\"a\">" PHASE("9", "GG")
            PHASE("3", "yy") "</tlLogic>";
    struct programme_form form = {.clear = true, .yellow_s = 3, .all_red_s = 1};
    uint32_t left;
    const char *text = written(twice, &form, &left);
    CHECK(left == 1 && strstr(text, "<phase duration=\"9\" state=\"GG\"/>") && !strstr(text, "Gr"));
    CHECK(programmes_yellow_s(&programmes) == 3);
    /* A link that goes for three seconds only would be lost. */
    static const char brief[] = "<tlLogic id=\"a\">" PHASE("20", "Grr") PHASE("3", "yrr")
        PHASE("3", "rrG") PHASE("9", "rGr") PHASE("3", "ryr") "</tlLogic>";
    written(brief, &form, &left);
    CHECK(left == 1);
}

TEST(the_yellow_that_compares_is_the_longest_up_to_four)
{
    uint32_t left;
    struct programme_form form = {0};
    written(cross, &form, &left);
    CHECK(programmes_yellow_s(&programmes) == 3); /* 5 s is more than any published run has */
    written("<tlLogic id=\"a\">" PHASE("4", "yr") PHASE("3", "ry") "</tlLogic>", &form, &left);
    CHECK(programmes_yellow_s(&programmes) == 4);
    written("<tlLogic id=\"a\">" PHASE("2", "yr") "</tlLogic>", &form, &left);
    CHECK(programmes_yellow_s(&programmes) == 3);
}

TEST(broken_programmes_are_refused)
{
    static const char *const bad[] = {"<tlLogic id=\"a\"><phase state=\"G\"/>",
                                      "<tlLogic id=\"a\"><phase duration=\"3\" state=\"\"/>",
                                      "<tlLogic id=\"a\"><phase duration=\"x\" state=\"G\"/>"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        programmes = (struct programmes){0};
        CHECK(programmes_read(&programmes, bytes_text(bad[i])) == ERR_MALFORMED);
    }
}

/* --- people on foot --- */

/* Letters 0 and 1 are vehicles'; 2 walks over 12.8 m, 12 s; 3 over 5 m, 5 s. */
static const char foot_net[] =
    "<edge id=\"v\"><lane id=\"v_0\" length=\"90\" speed=\"9\"/></edge>"
    "<edge id=\":a_w\" function=\"walkingarea\"><lane id=\":a_w_0\" length=\"3\" "
    "speed=\"1\"/></edge>"
    "<edge id=\":a_c\" function=\"crossing\"><lane id=\":a_c_0\" length=\"12.8\" "
    "speed=\"1\"/></edge>"
    "<edge id=\":a_d\" function=\"crossing\"><lane id=\":a_d_0\" length=\"5\" "
    "speed=\"1\"/></edge>"
#define LINK(from, to, letter)                                                                     \
    "<connection from=\"" from "\" to=\"" to "\" fromLane=\"0\" toLane=\"0\" tl=\"a\" "            \
    "linkIndex=\"" letter "\"/>"
    LINK("v", "v", "0") LINK("v", "v", "1") LINK(":a_w", ":a_c", "2") LINK(":a_w", ":a_d", "3");

/* The phases alone: seconds, state and, of an actuated green, its minimum. */
static const char *
on_foot(const char *phases, const struct programme_form *form)
{
    static struct buf b, out;
    static char xml[4096];
    struct street *street = NULL;
    struct xml_tag tag;
    uint32_t left;
    snprintf(xml, sizeof(xml), "<tlLogic id=\"a\">%s</tlLogic>", phases);
    programmes = (struct programmes){0};
    CHECK_OK(programmes_read(&programmes, bytes_text(xml)));
    CHECK_OK(street_read(bytes_text(foot_net), &street));
    programmes_walks(&programmes, street);
    street_free(street);
    buf_fini(&b);
    buf_fini(&out);
    buf_init(&b, 65536);
    buf_init(&out, 65536);
    programmes_put(&programmes, form, &b, &left);
    for (struct bytes rest = buf_bytes(&b); xml_next(&rest, &tag);) {
        struct bytes least = xml_attribute(tag, "minDur");
        if (bytes_are(tag.name, "phase"))
            buf_format(&out, "%.*s%s%.*s %.*s,", BYTES_PRINTF(xml_attribute(tag, "duration")),
                       least.len ? ">" : "", BYTES_PRINTF(least),
                       BYTES_PRINTF(xml_attribute(tag, "state")));
    }
    CHECK(buf_error(&out) == OK && left == 0);
    return buf_string(&out);
}

static const struct programme_form shipped_actuated = {
    .actuated = true, .minimum_s = 7, .maximum_s = 90};
static const struct programme_form actuated_b = {.clear = true,
                                                 .actuated = true,
                                                 .yellow_s = 3,
                                                 .all_red_s = 1,
                                                 .minimum_s = 7,
                                                 .maximum_s = 90};
static const struct programme_form fixed_b = {.clear = true, .yellow_s = 3, .all_red_s = 1};

#define WRITTEN(form, phases, as) CHECK(strcmp(on_foot(phases, &(form)), as) == 0)

TEST(a_clearance_that_is_there_is_made_long_enough)
{
    static const char phases[] = PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("37", "rGGr")
        PHASE("5", "rGrr") PHASE("3", "ryrr");
    /* The walk loses what its clearance gains. */
    WRITTEN(shipped_actuated, phases, "37>7 Grrr,3 yrrr,30>7 rGGr,12>12 rGrr,3 ryrr,");
    WRITTEN(fixed_b, phases, "36 Grrr,3 yrrr,1 rrrr,29 rGGr,12 rGrr,3 ryrr,1 rrrr,");
    WRITTEN(actuated_b, phases, "36>7 Grrr,3 yrrr,1 rrrr,29>7 rGGr,12>12 rGrr,3 ryrr,1 rrrr,");
}

TEST(one_that_is_long_enough_stays_and_detectors_leave_what_is_needed)
{
    static const char phases[] = PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("30", "rGGr")
        PHASE("20", "rGrr") PHASE("3", "ryrr");
    WRITTEN(shipped_actuated, phases, "37>7 Grrr,3 yrrr,30>7 rGGr,20>12 rGrr,3 ryrr,");
    WRITTEN(fixed_b, phases, "36 Grrr,3 yrrr,1 rrrr,30 rGGr,19 rGrr,3 ryrr,1 rrrr,");
    /* A short crossing needs less than a green. */
    static const char narrow[] = PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("30", "rGrG")
        PHASE("20", "rGrr") PHASE("3", "ryrr");
    WRITTEN(shipped_actuated, narrow, "37>7 Grrr,3 yrrr,30>7 rGrG,20>5 rGrr,3 ryrr,");
}

TEST(where_there_is_none_it_is_put_in_before_the_vehicles_yellow)
{
    static const char phases[] =
        PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("37", "rGGr") PHASE("3", "ryrr");
    WRITTEN(shipped_actuated, phases, "37>7 Grrr,3 yrrr,25>7 rGGr,12 rGrr,3 ryrr,");
    WRITTEN(fixed_b, phases, "36 Grrr,3 yrrr,1 rrrr,24 rGGr,12 rGrr,3 ryrr,1 rrrr,");
    /* Two walks end: the longer one counts. */
    static const char two[] =
        PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("37", "rGGG") PHASE("3", "ryrr");
    WRITTEN(shipped_actuated, two, "37>7 Grrr,3 yrrr,25>7 rGGG,12 rGrr,3 ryrr,");
    /* One that ends with the last phase is cleared at the end of the programme. */
    static const char around[] =
        PHASE("3", "ryrr") PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("37", "rGGr");
    WRITTEN(shipped_actuated, around, "3 ryrr,37>7 Grrr,3 yrrr,25>7 rGGr,12 rGrr,");
    /* A clearance of less than a green is part of the change, and found again before it. */
    static const char brief[] = PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("37", "rGGr")
        PHASE("2", "rGrr") PHASE("3", "ryrr");
    WRITTEN(fixed_b, brief, "36 Grrr,3 yrrr,1 rrrr,26 rGGr,12 rGrr,3 ryrr,1 rrrr,");
}

TEST(a_walk_that_goes_on_into_yellow_is_cleared_after_it)
{
    static const char phases[] = PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("37", "rGGr")
        PHASE("3", "ryGr") PHASE("2", "rrrr");
    /* 2 s of red are 12, and 3 more before the next green. */
    WRITTEN(shipped_actuated, phases, "37>7 Grrr,3 yrrr,37>7 rGGr,3 ryGr,15 rrrr,");
    static const char at_once[] =
        PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("37", "rGGr") PHASE("3", "ryGr");
    WRITTEN(shipped_actuated, at_once, "37>7 Grrr,3 yrrr,37>7 rGGr,3 ryGr,15 rrrr,");
}

TEST(a_green_that_follows_a_clearance_at_once_waits_for_its_buffer)
{
    static const char phases[] = PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("30", "rrGr")
        PHASE("12", "rrrr") PHASE("20", "rGrr") PHASE("3", "ryrr");
    WRITTEN(shipped_actuated, phases, "37>7 Grrr,3 yrrr,27>7 rrGr,15 rrrr,20>7 rGrr,3 ryrr,");
}

TEST(a_clearance_takes_no_green_of_others)
{
    /* The walk goes on from one green to another; only the last one is as it is cleared. */
    static const char phases[] =
        PHASE("20", "rGGr") PHASE("3", "ryGr") PHASE("10", "GrGr") PHASE("3", "yrrr");
    WRITTEN(shipped_actuated, phases, "20>7 rGGr,3 ryGr,1>7 GrGr,12 Grrr,3 yrrr,");
}

TEST(a_walk_keeps_seven_seconds_and_the_programme_grows)
{
    static const char phases[] =
        PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("15", "rGGr") PHASE("3", "ryrr");
    WRITTEN(shipped_actuated, phases, "37>7 Grrr,3 yrrr,7>7 rGGr,12 rGrr,3 ryrr,");
    static const char less[] =
        PHASE("37", "Grrr") PHASE("3", "yrrr") PHASE("5", "rGGr") PHASE("3", "ryrr");
    WRITTEN(shipped_actuated, less, "37>7 Grrr,3 yrrr,7>7 rGGr,12 rGrr,3 ryrr,");
    struct programme_form hasty = shipped_actuated;
    hasty.minimum_s = 4; /* of vehicles */
    WRITTEN(hasty, less, "37>4 Grrr,3 yrrr,7>7 rGGr,12 rGrr,3 ryrr,");
}

TEST(a_letter_that_vehicles_go_by_too_is_no_walk)
{
    static const char shared[] = LINK("v", "v", "2");
    static char net[8192];
    double crossing_m[SITE_LETTERS_MAX];
    struct street *street = NULL;
    CHECK_OK(street_read(bytes_text(foot_net), &street));
    street_walks(street, bytes_text("a"), crossing_m);
    street_free(street);
    CHECK(crossing_m[1] < 0 && crossing_m[2] == 12.8 && crossing_m[3] == 5 && crossing_m[4] < 0);
    for (int first = 0; first < 2; first++) {
        const char *at = strstr(foot_net, first ? LINK("v", "v", "0") : LINK(":a_w", ":a_d", "3"));
        snprintf(net, sizeof(net), "%.*s%s%s", (int)(at - foot_net), foot_net, shared, at);
        CHECK_OK(street_read(bytes_text(net), &street));
        street_walks(street, bytes_text("a"), crossing_m);
        CHECK(crossing_m[2] < 0 && crossing_m[3] == 5);
        street_walks(street, bytes_text("b"), crossing_m);
        CHECK(crossing_m[3] < 0);
        street_free(street);
    }
}
