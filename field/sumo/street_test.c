#include "field/sumo/street.h"
#include "base/test.h"

/* A street with a pavement meets another one; a crossing lies over the first. */
static const char net[] =
    "<net>"
    "<edge id=\":j_0\" function=\"internal\"><lane id=\":j_0_0\" index=\"0\" length=\"9\" "
    "speed=\"9\"/></edge>"
    "<edge id=\":j_1\" function=\"internal\"><lane id=\":j_1_0\" index=\"0\" length=\"9\" "
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
    "<connection from=\"in\" to=\":j_w0\" fromLane=\"0\" toLane=\"0\" dir=\"s\" state=\"M\"/>"
    "<connection from=\"in\" to=\"out\" fromLane=\"1\" toLane=\"0\" via=\":j_0_0\" tl=\"j\" "
    "linkIndex=\"0\" "
    "dir=\"s\" state=\"o\"/>"
    "<connection from=\"by\" to=\"off\" fromLane=\"0\" toLane=\"0\" via=\":j_1_0\" tl=\"j\" "
    "linkIndex=\"1\" "
    "dir=\"s\" state=\"o\"/>"
    "<connection from=\":j_w0\" to=\":j_c0\" fromLane=\"0\" toLane=\"0\" tl=\"j\" linkIndex=\"2\" "
    "dir=\"s\" "
    "state=\"M\"/>"
    "</net>";

TEST(pavements_have_no_number_and_crossings_have_their_own)
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
        }
    }
}
