#include "field/sumo/scenario.h"
#include "base/test.h"

TEST(files_are_meant_from_the_folder_on)
{
    struct scenario s;
    CHECK_OK(scenario_parse(
        bytes_text("<configuration><input><net-file value=\"n.net.xml\"/><route-files "
                   "value=\"a.xml, /b.xml\"/><additional-files value=\"c.xml\"/></input>"
                   "<time><begin value=\"25200\"/><end value=\"28800.5\"/></time>"),
        "/city", &s));
    CHECK(strcmp(s.network, "/city/n.net.xml") == 0);
    CHECK(strcmp(s.routes, "/city/a.xml,/b.xml") == 0);
    CHECK(strcmp(s.additional, "/city/c.xml") == 0);
    CHECK(s.begin_s > 25199 && s.end_s > 28800);
}

TEST(what_is_not_said_is_not_known)
{
    struct scenario s;
    CHECK_OK(scenario_parse(bytes_text("<net-file value=\"n\"/>"), "", &s));
    CHECK(strcmp(s.network, "n") == 0 && !s.routes[0] && s.begin_s < 0 && s.end_s < 0);
    CHECK(scenario_parse(bytes_text("<begin value=\"1\"/>"), "", &s) == ERR_MALFORMED);
    CHECK(scenario_parse(bytes_text("<net-file value=\"n\"/><end value=\"x\"/>"), "", &s) ==
          ERR_MALFORMED);
}

TEST(paths_that_do_not_fit_are_refused)
{
    static char xml[2 * SCENARIO_PATH_SIZE], name[SCENARIO_PATH_SIZE];
    struct scenario s;
    memset(name, 'x', sizeof(name) - 1);
    snprintf(xml, sizeof(xml), "<net-file value=\"%s\"/>", name);
    CHECK(scenario_parse(bytes_text(xml), "/f", &s) == ERR_LIMIT);
    CHECK(scenario_read("/nowhere/at.sumocfg", &s) == ERR_IO);
}
