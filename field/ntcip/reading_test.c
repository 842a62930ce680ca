/* From the values of one look to what the city is told. */
#include "base/test.h"
#include "field/ntcip/control.h"
#include "field/ntcip/look.h"
#include "field/ntcip/reading.h"
#include "field/ntcip/sample.h"

static struct cabinet cabinet;
static struct look look;
static struct ntcip_name names[LOOK_NAMES_MAX];
static struct ntcip_value values[LOOK_NAMES_MAX];
static size_t count;

static struct ntcip_value *
value(enum ntcip_object object, uint8_t number)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].object == object && names[i].number == number)
            return &values[i];
    test_fail("asked for", __FILE__, __LINE__);
}

/* Phases 2 and 6 green, detectors as given; sequence and period of the controller's counts. */
static void
begin(void)
{
    cabinet = sample_cabinet();
    look_init(&look, &cabinet);
    count = look_names(&look, names);
    CHECK(count <= LOOK_NAMES_MAX);
    for (size_t i = 0; i < count; i++)
        values[i] = (struct ntcip_value){true, 0};
    value(NTCIP_GREENS, 1)->number = 0x22;
    value(NTCIP_REDS, 1)->number = 0xdd;
    value(NTCIP_FLASH_STATUS, 0)->number = FLASH_STATUS_NOT;
    value(NTCIP_VOLUME_PERIOD, 0)->number = 1;
}

static void
is_told(const char *lanes)
{
    struct ntcip_status s;
    struct look_detectors d;
    struct buf text;
    look_read(&look, values, &s, &d);
    struct half_report r = {.known = s.known,
                            .stage = 1,
                            .age_s = 7,
                            .on = d.on,
                            .dead = d.dead,
                            .counts = bytes_of(d.counts, NTCIP_DETECTORS_MAX)};
    buf_init(&text, 1024);
    reading_put_lanes(&text, &cabinet, &r);
    if (strcmp(buf_string(&text), lanes) != 0)
        fprintf(stderr, "told:   %s\nwanted: %s\n", buf_string(&text), lanes);
    CHECK(strcmp(buf_string(&text), lanes) == 0);
    buf_fini(&text);
}

TEST(vehicles_are_counted_once_for_each_of_the_controllers_seconds)
{
    begin();
    value(NTCIP_VOLUME, 1)->number = 2;
    value(NTCIP_VOLUME, 2)->number = 1;
    value(NTCIP_DETECTOR_ACTIVE, 1)->number = 1;
    is_told("{\"phase\":0,\"age\":7,\"stop\":[0,0],\"stop_on\":\"10\",\"advance\":[0],"
            "\"advance_on\":\"0\",\"dead\":\"01\"}"); /* of a second that nobody saw begin */
    value(NTCIP_VOLUME_SEQUENCE, 0)->number = 1;
    is_told("{\"phase\":0,\"age\":7,\"stop\":[3,0],\"stop_on\":\"10\",\"advance\":[0],"
            "\"advance_on\":\"0\",\"dead\":\"01\"}");
    is_told("{\"phase\":0,\"age\":7,\"stop\":[0,0],\"stop_on\":\"10\",\"advance\":[0],"
            "\"advance_on\":\"0\",\"dead\":\"01\"}");
}

TEST(without_counts_a_loop_that_is_newly_occupied_is_a_vehicle)
{
    begin();
    value(NTCIP_VOLUME_PERIOD, 0)->number = 60;
    is_told("{\"phase\":0,\"age\":7,\"stop\":[0,0],\"stop_on\":\"00\",\"advance\":[0],"
            "\"advance_on\":\"0\",\"dead\":\"01\"}");
    value(NTCIP_DETECTOR_ACTIVE, 2)->number = 1; /* detector 9: the loop */
    is_told("{\"phase\":0,\"age\":7,\"stop\":[0,0],\"stop_on\":\"00\",\"advance\":[1],"
            "\"advance_on\":\"1\",\"dead\":\"01\"}");
    is_told("{\"phase\":0,\"age\":7,\"stop\":[0,0],\"stop_on\":\"00\",\"advance\":[0],"
            "\"advance_on\":\"1\",\"dead\":\"01\"}");
}

TEST(a_detector_that_is_faulty_or_not_told_is_dead)
{
    begin();
    value(NTCIP_DETECTOR_ALARMS, 1)->number = 2; /* one of lane 0's two */
    is_told("{\"phase\":0,\"age\":7,\"stop\":[0,0],\"stop_on\":\"00\",\"advance\":[0],"
            "\"advance_on\":\"0\",\"dead\":\"11\"}");
    value(NTCIP_DETECTOR_ALARMS, 1)->number = 0;
    value(NTCIP_DETECTOR_ACTIVE, 1)->there = false;
    is_told("{\"phase\":0,\"age\":7,\"stop\":[0,0],\"stop_on\":\"00\",\"advance\":[0],"
            "\"advance_on\":\"0\",\"dead\":\"11\"}");
}

TEST(a_light_that_is_not_there_makes_the_look_unknown)
{
    begin();
    for (size_t i = 0; i < 11; i++) {
        struct ntcip_status s;
        struct look_detectors d;
        values[i].there = false;
        look_read(&look, values, &s, &d);
        CHECK(!s.known && s.greens == 0);
        values[i].there = true;
        look_read(&look, values, &s, &d);
        CHECK(s.known && s.greens == 0x22);
    }
}

TEST(the_lights_are_all_in_the_first_question)
{
    begin();
    for (size_t i = 0; i < count; i++)
        CHECK(names[i].object < NTCIP_REDS || names[i].object > NTCIP_SHORT_ALARM || i < 24);
}

TEST(what_is_too_weak_is_told_with_its_figure)
{
    begin();
    struct half_report r = {.known = 1,
                            .why = WHY_TIMING,
                            .greens = 0x22,
                            .yellows = 0x08,
                            .flash = 2,
                            .rule = RULE_YELLOW,
                            .phase = 4,
                            .timing = TIMING_YELLOW,
                            .has = 25,
                            .wants = 30};
    struct buf text;
    buf_init(&text, 1024);
    reading_put_state(&text, &cabinet, &r);
    CHECK(strcmp(buf_string(&text), "{\"shown\":\"rGryrGrr\",\"why\":\"the controller's timing is "
                                    "weaker than the envelope\"}") == 0);
    buf_reset(&text);
    reading_put_cabinet(&text, &r);
    CHECK(strstr(buf_string(&text), "{\"commanded\":false,\"why\":\"the controller's timing"));
    CHECK(strstr(buf_string(&text), ",\"phase\":4,\"figure\":\"phaseYellowChange\",\"has\":25,"
                                    "\"wants\":30}"));
    struct half_report other = r;
    CHECK(!reading_cabinet_differs(&r, &other) && !reading_state_differs(&r, &other));
    other.has = 24;
    CHECK(reading_cabinet_differs(&r, &other) && !reading_state_differs(&r, &other));
    buf_fini(&text);
}
