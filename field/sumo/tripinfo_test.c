#include "field/sumo/tripinfo.h"
#include "base/test.h"

#define TRIP(id, type, depart, late, arrival, waiting, loss)                                       \
    "<tripinfo id=\"" id "\" depart=\"" depart "\" departDelay=\"" late "\" arrival=\"" arrival    \
    "\" waitingTime=\"" waiting "\" waitingCount=\"2\" timeLoss=\"" loss "\" vType=\"" type "\">"
static const char trips[] = "<!-- at noon --><tripinfos>" TRIP(
    "1", "car", "3", "1", "90", "2",
    "4") "<emissions CO2_abs=\"2000000\" "
         "fuel_abs=\"500000\"/></tripinfo>" TRIP(
             "2", "line", "3", "0", "-1", "0",
             "10") "</"
                   "tripinfo"
                   ">" TRIP("3", "car", "-1", "30", "-1", "-1",
                            "-1") "</tripinfo>"
                                  "<personinfo id=\"p\"><walk depart=\"0\" "
                                  "timeLoss=\"6\"/></personinfo></tripinfos>";

static bool
near(double a, double b)
{
    return a - b < 1e-6 && b - a < 1e-6;
}

TEST(persons_count_as_many_as_they_are)
{
    struct tripinfo_buses buses = {0};
    struct tripinfo t;
    CHECK_OK(tripinfo_find_buses(bytes_text("<vType id=\"line\" vClass=\"bus\"/>"
                                            "<vType id=\"car\" vClass=\"passenger\"/>"
                                            "<vType id=\"plain\"/>"),
                                 &buses));
    CHECK(buses.count == 1);
    CHECK_OK(tripinfo_read(bytes_text(trips), &buses, &t));
    CHECK(t.vehicles == 3 && t.undeparted == 1 && t.unfinished == 1 && t.buses == 1);
    CHECK(near(t.delay_s, 45.0 / 3) && near(t.delay_95_s, 30) && near(t.stops, 2));
    CHECK(t.walkers == 1 && near(t.walker_loss_s, 6));
    CHECK(near(t.person_delay_s, (1.3 * 5 + 20 * 10 + 1.3 * 30 + 6) / (1.3 + 20 + 1.3 + 1)));
    CHECK(near(t.co2_kg, 2) && near(t.fuel_kg, 0.5));
}

TEST(the_digest_is_of_the_trips_alone)
{
    struct tripinfo a, b, c;
    static char later[sizeof(trips)];
    memcpy(later, trips, sizeof(trips));
    CHECK_OK(tripinfo_read(bytes_text(trips), NULL, &a));
    memcpy(later, "<!-- at nine", 12);
    CHECK_OK(tripinfo_read(bytes_text(later), NULL, &b));
    *strstr(later, "timeLoss=\"4\"") = 'T';
    CHECK(tripinfo_read(bytes_text(later), NULL, &c) == ERR_MALFORMED);
    memcpy(later, trips, sizeof(trips));
    strstr(later, "departDelay=\"1\"")[13] = '2';
    CHECK_OK(tripinfo_read(bytes_text(later), NULL, &c));
    CHECK(a.digest == b.digest && a.digest != c.digest);
}
