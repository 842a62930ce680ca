#include "field/sumo/programme.h"
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
