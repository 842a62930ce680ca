#include "services/signals/calls.h"

#include "base/random.h"
#include "base/test.h"

enum { LEASE = 15000, NORTH = 0, EAST = 1, NORTH_TURN = 2 };

/* Lanes n_0 (phase 0), e_0 (phase 1), t_0 (phases 2 and 3, alike), w_0 for people; x_0 is never
 * green. 50 km/h and 200 m each. */
static const char thing[] =
    "{\"properties\":{\"phases\":[\"Grrr\",\"rGrr\",\"rrGr\",\"rrGG\"],"
    "\"links\":[{\"lane\":\"n_0\",\"exit\":\"s\"},{\"lane\":\"e_0\",\"exit\":\"s\"},"
    "{\"lane\":\"t_0\",\"exit\":\"s\"},{\"lane\":\"w_0\",\"exit\":\"s\"}],"
    "\"lanes\":[\"n_0\",\"e_0\",\"t_0\",\"w_0\",\"x_0\"],\"exits\":[\"s\"],\"kinds\":\"vvvwv\","
    "\"plan\":[{\"phase\":0,\"seconds\":30}]}}";

static struct signals_model model;
static struct calls *calls;
static uint64_t now; /* ms, of every clock: the wall is BASE_US ahead */
static char why[CALLS_WHY_SIZE];
static const int64_t BASE_US = 1790000000LL * 1000000;

static void
begin(void)
{
    CHECK_OK(signals_model_read(bytes_text(thing), &model));
    free(calls);
    calls = malloc(sizeof(*calls));
    CHECK(calls);
    calls_init(calls);
    now = 1000000;
}

static enum err
say_at(const char *device, const char *lane, uint32_t distance_m, uint32_t eta_ms, int64_t skew_ms,
       uint32_t junction)
{
    struct call call = {.lane = signals_name_hash(bytes_text(lane)),
                        .kind = vehicle_kind(bytes_text(device)),
                        .eta_ms = eta_ms,
                        .distance_m = distance_m};
    struct calls_from from = {
        .device = bytes_text(device), .wall_us = BASE_US + (int64_t)now * 1000, .now_ms = now};
    from.time_us = from.wall_us + skew_ms * 1000;
    why[0] = '\0';
    enum err e = calls_hear(calls, &from, &call, junction, &model, why);
    CHECK((e == OK) == (why[0] == '\0'));
    return e;
}

/* At the first intersection, just now, as fast as it may drive there. */
static enum err
say(const char *device, const char *lane, uint32_t distance_m)
{
    return say_at(device, lane, distance_m, distance_m * 72, 0, 0);
}

static bool
refused(enum err e, const char *rule)
{
    return e == ERR_DENIED && strstr(why, rule) != NULL;
}

/* A vehicle drives up for some seconds, 10 m each, and calls each second. */
static void
drive(const char *device, const char *lane, uint32_t from_m, uint32_t seconds)
{
    for (uint32_t i = 0; i < seconds; i++, now += 1000)
        CHECK_OK(say(device, lane, from_m - 10 * i));
}

static struct calls_need
due(int32_t shown)
{
    struct calls_need need;
    calls_due(calls, 0, shown, LEASE, now, &need);
    return need;
}

TEST(a_call_is_read_strictly)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":12.5,\"distance\":180,"
         "\"late\":120}",
         true},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"emergency\",\"eta\":0,\"distance\":0}",
         true},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"none\",\"eta\":1,\"distance\":1}", false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"tram\",\"eta\":1,\"distance\":1}", false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"eta\":1,\"distance\":1}", false},
        {"{\"junction\":\"A b\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":1,\"distance\":1}",
         false},
        {"{\"junction\":\"a\",\"lane\":\"\",\"kind\":\"bus\",\"eta\":1,\"distance\":1}", false},
        {"{\"junction\":\"a\",\"lane\":7,\"kind\":\"bus\",\"eta\":1,\"distance\":1}", false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":-0.1,\"distance\":1}",
         false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":60.01,\"distance\":1}",
         false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":1e400,\"distance\":1}",
         false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":\"1\",\"distance\":1}",
         false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":1,\"distance\":1.5}",
         false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":1,\"distance\":2001}",
         false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":1}", false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":1,\"distance\":1,"
         "\"late\":7201}",
         false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":1,\"distance\":1,"
         "\"speed\":9}",
         false},
        {"{\"junction\":\"a\",\"lane\":\"n_0\",\"kind\":\"bus\",\"eta\":1,\"distance\":1,\"eta\":"
         "2}",
         false},
        {"[]", false},
        {"", false},
        {"null", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bytes exact = test_exact(bytes_text(rows[i].text));
        struct call call;
        CHECK((call_read(exact, &call) == OK) == rows[i].good);
        test_exact_free(exact);
    }
    struct call call;
    CHECK_OK(call_read(bytes_text(rows[0].text), &call));
    CHECK(strcmp(call.junction, "a") == 0 && call.kind == VEHICLE_BUS && call.eta_ms == 12500);
    CHECK(call.distance_m == 180 && call.late_s == 120);
    CHECK(call.lane == signals_name_hash(bytes_text("n_0")));
    char long_one[CALL_JSON_MAX + 2];
    memset(long_one, ' ', sizeof(long_one));
    CHECK(call_read(bytes_of(long_one, CALL_JSON_MAX + 1), &call) == ERR_LIMIT);
}

TEST(c1_a_vehicle_is_what_it_was_enrolled_as)
{
    static const char *const others[] = {"bus-1", "car-1", "emergency", "my-emergency-1", "busy-1"};
    begin();
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        struct call call = {.lane = signals_name_hash(bytes_text("n_0")),
                            .kind = VEHICLE_EMERGENCY,
                            .eta_ms = 10000,
                            .distance_m = 100};
        struct calls_from from = {
            .device = bytes_text(others[i]), .time_us = BASE_US, .wall_us = BASE_US, .now_ms = now};
        CHECK(refused(calls_hear(calls, &from, &call, 0, &model, why), "C1"));
    }
    CHECK_OK(say("emergency-1", "n_0", 100));
    CHECK_OK(say("bus-1", "n_0", 100));
}

TEST(c2_a_call_is_fresh_by_both_clocks)
{
    begin();
    CHECK(refused(say_at("emergency-1", "n_0", 100, 10000, -2001, 0), "C2")); /* stale */
    CHECK(refused(say_at("emergency-1", "n_0", 100, 10000, 2001, 0), "C2"));  /* skewed */
    CHECK(refused(say_at("emergency-1", "n_0", 100, 10000, -3600000, 0), "C2"));
    CHECK(due(-1).preempt == -1);
    CHECK_OK(say_at("emergency-1", "n_0", 100, 10000, -2000, 0));
    CHECK_OK(say_at("emergency-2", "n_0", 100, 10000, 2000, 0));
    struct call call = {.lane = signals_name_hash(bytes_text("n_0")), .kind = VEHICLE_BUS};
    struct calls_from from = {
        .device = bytes_text("bus-1"), .time_us = INT64_MIN, .wall_us = BASE_US};
    CHECK(refused(calls_hear(calls, &from, &call, 0, &model, why), "C2"));
    from.time_us = INT64_MAX;
    from.wall_us = -BASE_US;
    CHECK(refused(calls_hear(calls, &from, &call, 0, &model, why), "C2"));
}

TEST(c3_none_is_heard_twice)
{
    begin();
    CHECK_OK(say_at("emergency-1", "n_0", 100, 10000, 0, 0));
    CHECK(refused(say_at("emergency-1", "n_0", 100, 10000, 0, 0), "C3")); /* replayed at once */
    now += 1000;
    CHECK(refused(say_at("emergency-1", "n_0", 100, 10000, -1000, 0), "C3")); /* and later */
    CHECK(refused(say_at("emergency-1", "n_0", 100, 10000, -1001, 0), "C3")); /* out of order */
    CHECK_OK(say_at("emergency-1", "n_0", 90, 10000, -999, 0));
    /* One that was refused for another reason is not heard later either. */
    now += 1000;
    CHECK(refused(say_at("emergency-1", "nowhere", 80, 10000, 0, 0), "C5"));
    CHECK(refused(say_at("emergency-1", "n_0", 80, 10000, 0, 0), "C3"));
}

TEST(c4_a_flood_of_one_or_of_many_is_cut)
{
    begin();
    uint32_t heard = 0;
    for (uint32_t i = 0; i < 600; i++, now += 100) /* ten a second for a minute, standing still */
        heard += say("emergency-1", "n_0", 100) == OK;
    CHECK(heard >= 60 && heard <= 71);
    begin();
    heard = 0;
    char name[START_NAME_SIZE];
    for (uint32_t second = 0; second < 10; second++, now += 1000)
        for (uint32_t i = 0; i < 100; i++) {
            snprintf(name, sizeof(name), "bus-%u", i);
            heard += say(name, "n_0", 200 - second) == OK;
        }
    CHECK(heard >= 50 && heard <= 60);
    for (uint32_t i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "bus-%u", 100 + i);
        (void)say(name, "n_0", 100);
    }
    CHECK(refused(say("bus-200", "n_0", 100), "C4"));
    CHECK_OK(say("emergency-1", "n_0", 100)); /* buses keep no ambulance out */
    /* More vehicles than there is room for: who called within five minutes is not forgotten. */
    begin();
    for (uint32_t i = 0; i < CALLS_VEHICLES_MAX; i++, now += 250) {
        snprintf(name, sizeof(name), "emergency-%u", i);
        CHECK_OK(say(name, "n_0", 100));
    }
    CHECK(refused(say("emergency-new", "n_0", 100), "too many vehicles"));
    now += 300000;
    CHECK_OK(say("emergency-new", "n_0", 100));
}

TEST(c5_the_lane_is_one_of_the_intersection)
{
    begin();
    CHECK(refused(say("emergency-1", "q_0", 100), "C5"));
    CHECK(refused(say("emergency-2", "w_0", 100), "C5")); /* of people */
    CHECK(refused(say("emergency-3", "x_0", 100), "C5")); /* never green */
    struct call call = {.lane = signals_name_hash(bytes_text("n_0")), .kind = VEHICLE_BUS};
    struct calls_from from = {
        .device = bytes_text("bus-1"), .time_us = BASE_US, .wall_us = BASE_US, .now_ms = now};
    CHECK(refused(calls_hear(calls, &from, &call, 0, NULL, why), "C5"));
    CHECK(calls_phase(&model, NORTH, -1) == 0 && calls_phase(&model, EAST, -1) == 1);
    CHECK(calls_phase(&model, NORTH_TURN, -1) == 2 && calls_phase(&model, NORTH_TURN, 3) == 3);
    CHECK(calls_phase(&model, NORTH_TURN, 0) == 2 && calls_phase(&model, 4, -1) == -1);
}

TEST(c6_distance_and_eta_fit_the_lane)
{
    begin(); /* 50 km/h are 13.9 m/s: a bus 16.0, an ambulance 22.2 */
    CHECK(refused(say_at("bus-1", "n_0", 501, 60000, 0, 0), "C6"));
    CHECK_OK(say_at("bus-2", "n_0", 500, 60000, 0, 0));
    CHECK(refused(say_at("bus-3", "n_0", 176, 10000, 0, 0), "C6"));
    CHECK_OK(say_at("bus-4", "n_0", 174, 10000, 0, 0));
    CHECK_OK(say_at("emergency-1", "n_0", 243, 10000, 0, 0));
    CHECK(refused(say_at("emergency-2", "n_0", 246, 10000, 0, 0), "C6"));
    CHECK(refused(say_at("emergency-3", "n_0", 100, 0, 0, 0), "C6"));
    CHECK_OK(say_at("emergency-4", "n_0", 0, 0, 0, 0));
}

TEST(c7_it_comes_nearer_as_fast_as_it_can_drive)
{
    begin();
    CHECK_OK(say("emergency-1", "n_0", 200));
    now += 1000;
    CHECK(refused(say("emergency-1", "n_0", 162), "C7")); /* 38 m in a second, 15 m are noise */
    CHECK(refused(say_at("emergency-1", "n_0", 216, 20000, 100, 0), "C7")); /* it goes away */
    now += 1000;
    CHECK_OK(say("emergency-1", "n_0", 150));
    begin(); /* the same position with a new time, for ever: a recording */
    uint32_t heard = 0;
    for (uint32_t i = 0; i < 150; i++, now += 1000)
        heard += say("emergency-1", "n_0", 100) == OK;
    CHECK(heard >= 60 && heard <= 62);
    CHECK(refused(say("emergency-1", "n_0", 100), "60 s"));
    now += 1000;
    CHECK_OK(say("emergency-1", "n_0", 85)); /* it drives on */
    now += CALLS_PAUSE_MS;
    CHECK_OK(say("emergency-1", "n_0", 200)); /* and comes again another time */
    begin();                                  /* a metre now and then is no progress */
    heard = 0;
    for (uint32_t i = 0; i < 100; i++, now += 1000)
        heard += say("emergency-1", "n_0", 100 - i / 12) == OK;
    CHECK(heard >= 60 && heard <= 62);
    begin(); /* one that creeps */
    for (uint32_t i = 0; i < 180; i++, now += 1000)
        CHECK_OK(say("emergency-1", "n_0", 300 - i));
    now += 1;
    CHECK(refused(say("emergency-1", "n_0", 119), "180 s"));
}

TEST(c8_it_drives_to_the_next_intersection_and_does_not_jump)
{
    begin();
    CHECK_OK(say_at("emergency-1", "n_0", 400, 30000, 0, 0));
    now += 1000;
    CHECK(refused(say_at("emergency-1", "n_0", 100, 8000, 0, 1), "C8"));
    now += 16000;
    CHECK(refused(say_at("emergency-1", "n_0", 100, 8000, 0, 1), "C8"));
    now += 1000; /* 400 m at 22 m/s */
    CHECK_OK(say_at("emergency-1", "n_0", 100, 8000, 0, 1));
    now += 5000;
    CHECK_OK(say_at("emergency-1", "n_0", 10, 1000, 0, 1));
    now += 1000;
    CHECK_OK(say_at("emergency-1", "n_0", 200, 12000, 0, 2)); /* it has passed */
}

TEST(c9_a_pre_emption_is_wished_held_ended_and_rests)
{
    begin();
    CHECK_OK(say_at("emergency-1", "n_0", 480, 31000, 0, 0));
    CHECK(due(1).preempt == -1); /* further off than 30 s */
    now += 1001;
    CHECK(due(1).preempt == 0);
    calls_answered(calls, 0, 0, false, LEASE, now); /* the warden said no */
    CHECK(due(1).preempt == -1 && !due(1).preempted);
    now += CALLS_RETRY_MS;
    CHECK(due(1).preempt == 0);
    calls_answered(calls, 0, 0, true, LEASE, now);
    CHECK(due(1).preempt == -1 && due(1).preempted);
    now += 1000;
    drive("emergency-1", "n_0", 440, 4);
    CHECK(due(0).preempt == -1); /* more than half of the lease is left */
    drive("emergency-1", "n_0", 400, 4);
    CHECK(due(0).preempt == 0); /* it goes on */
    calls_answered(calls, 0, 0, true, LEASE, now);
    CHECK(calls->preempted == 1);
    now += LEASE - 1; /* silent: it has passed */
    CHECK(due(0).preempted && due(0).preempt == -1);
    now += 1;
    CHECK(!due(0).preempted);
    CHECK(refused(say("emergency-2", "n_0", 100), "C9"));
    CHECK_OK(say("emergency-3", "e_0", 100)); /* another way does not rest */
    CHECK(due(0).preempt == 1);
    now += CALLS_COOL_DOWN_MS - 1;
    CHECK(refused(say("emergency-2", "n_0", 100), "C9"));
    now += 1;
    CHECK_OK(say("emergency-2", "n_0", 100));
    CHECK(due(0).preempt == 0);
    calls_due(calls, 0, 0, 0, now, &(struct calls_need){0}); /* no such command: nothing happens */
}

TEST(c9_the_first_wins_another_way_waits_and_none_holds_for_ever)
{
    begin();
    CHECK_OK(say("emergency-1", "n_0", 400));
    now += 10;
    CHECK_OK(say("emergency-2", "e_0", 100)); /* nearer, but later */
    CHECK(due(-1).preempt == 0);
    calls_answered(calls, 0, 0, true, LEASE, now);
    uint64_t begun = now, ended = 0;
    for (uint32_t i = 1; i < 150 && !ended; i++) { /* a metre a second: it holds the way */
        now += 1000;
        enum err e = say_at("emergency-1", "n_0", 400 - i, 20000, 0, 0);
        CHECK(e == OK || (refused(e, "C9") && now > begun + CALLS_PREEMPT_MS - LEASE));
        (void)say_at("emergency-2", "e_0", 100 - i / 2, 20000, 0, 0);
        int32_t wished = due(0).preempt;
        CHECK(wished == 0 || wished == -1 || now > begun + CALLS_PREEMPT_MS - LEASE);
        if (wished == 0)
            calls_answered(calls, 0, 0, true, LEASE, now);
        if (!due(0).preempted)
            ended = now;
    }
    CHECK(ended > begun && ended <= begun + CALLS_PREEMPT_MS + 1000);
    CHECK(calls->preempted == 1);
    CHECK(refused(say_at("emergency-1", "n_0", 270, 20000, 1, 0), "C9")); /* it had its time */
    CHECK(due(0).preempt == -1); /* the other one waited for it; but the rest comes first */
    for (uint32_t i = 0; now < ended + CALLS_COOL_DOWN_MS; i++) {
        now += 1000;
        (void)say_at("emergency-3", "e_0", 400 - 5 * i, 20000, 0, 0);
    }
    CHECK(due(0).preempt == 1);
}

TEST(c9_another_way_follows_at_once_when_there_is_time_left)
{
    begin();
    CHECK_OK(say("emergency-1", "n_0", 200));
    CHECK(due(-1).preempt == 0);
    calls_answered(calls, 0, 0, true, LEASE, now);
    CHECK_OK(say("emergency-2", "e_0", 200));
    now += LEASE - 1;
    CHECK_OK(say("emergency-2", "e_0", 100));
    CHECK(due(0).preempt == -1 && due(0).preempted); /* it waits */
    now += 1;
    CHECK(due(0).preempt == 1); /* not for the rest of the other way */
    calls_answered(calls, 0, 1, true, LEASE, now);
    CHECK(calls->preempted == 2 && calls->junctions[0].since_ms == now - LEASE);
}

TEST(c9_who_goes_the_same_way_goes_with_it)
{
    begin();
    CHECK_OK(say("emergency-1", "t_0", 100));
    CHECK(due(-1).preempt == 2);
    calls_answered(calls, 0, 2, true, LEASE, now);
    now += 8000;
    CHECK_OK(say("emergency-2", "t_0", 100)); /* the second of a convoy */
    CHECK(due(2).preempt == 2);
    calls_answered(calls, 0, 2, true, LEASE, now);
    CHECK(calls->preempted == 1);
}

TEST(c10_one_bus_in_each_direction_until_its_green_has_ended)
{
    begin();
    CHECK_OK(say("bus-1", "n_0", 100));
    CHECK_OK(say("bus-2", "n_0", 150));
    CHECK_OK(say("bus-3", "e_0", 100));
    struct calls_need need = due(1);
    CHECK(need.buses_count == 2 && need.preempt == -1);
    CHECK(need.buses[0].lane == NORTH && need.buses[1].lane == EAST);
    CHECK(need.buses[0].weight == CALLS_BUS_WEIGHT && need.buses[0].eta_ms == now + 7200);
    now += 1000;
    CHECK_OK(say("bus-2", "n_0", 140));
    need = due(0); /* the green of e_0 has ended; it is silent, and n_0 is bus-1's */
    CHECK(need.buses_count == 2 && need.buses[0].lane == NORTH);
    now += 2500; /* bus-1 is silent for longer than 3 s */
    CHECK(due(0).buses_count == 0);
    CHECK_OK(say("bus-2", "n_0", 120));
    CHECK(due(0).buses_count == 0);  /* this cycle's was bus-1 */
    CHECK(due(-1).buses_count == 1); /* its green has ended */
    CHECK_OK(say("bus-4", "n_0", 120));
    CHECK(due(-1).buses_count == 1);
    now += CALLS_CYCLE_MS;
    CHECK_OK(say("bus-4", "n_0", 120));
    CHECK(due(-1).buses_count == 1); /* nobody saw a green end */
}

TEST(a_late_bus_weighs_more_and_an_early_one_nothing)
{
    static const struct {
        int32_t late_s;
        uint32_t weight;
    } rows[] = {{-61, 0}, {-60, 5}, {0, 5}, {120, 15}, {180, 20}, {7200, 20}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        begin();
        struct call call = {.lane = signals_name_hash(bytes_text("n_0")),
                            .kind = VEHICLE_BUS,
                            .eta_ms = 10000,
                            .distance_m = 100,
                            .late_s = rows[i].late_s};
        struct calls_from from = {
            .device = bytes_text("bus-1"), .time_us = BASE_US, .wall_us = BASE_US, .now_ms = now};
        CHECK_OK(calls_hear(calls, &from, &call, 0, &model, why));
        struct calls_need need = due(-1);
        CHECK(need.buses_count == (rows[i].weight != 0));
        CHECK(!need.buses_count || need.buses[0].weight == rows[i].weight);
    }
}

/* Whatever is said, a way is pre-empted for at most CALLS_PREEMPT_MS and then rests. */
TEST(random_calls_pre_empt_within_bounds)
{
    static const char *const names[] = {"emergency-1", "emergency-2", "emergency-3", "bus-1",
                                        "car-9"};
    static const char *const lanes[] = {"n_0", "e_0", "t_0", "w_0", "q_0"};
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    uint64_t begun[SIGNALS_PHASES_MAX] = {0}, until[SIGNALS_PHASES_MAX] = {0}, grants = 0;
    uint64_t row_since = 0, row_end = 0;
    int32_t standing = -1;
    begin();
    for (uint32_t i = 0; i < 300000; i++) {
        now += random_below(&r, 400);
        uint32_t distance = (uint32_t)random_below(&r, 300);
        (void)say_at(names[random_below(&r, 5)], lanes[random_below(&r, 5)], distance,
                     distance * 60 + (uint32_t)random_below(&r, 5000),
                     (int64_t)random_below(&r, 5000) - 2500, (uint32_t)random_below(&r, 2));
        struct calls_need need = due((int32_t)random_below(&r, 5) - 1);
        if (standing >= 0 && now >= until[standing])
            standing = -1;
        CHECK(need.preempted == (standing >= 0));
        if (need.preempt < 0)
            continue;
        int32_t p = need.preempt;
        CHECK(standing < 0 || standing == p);
        if (standing < 0) {
            CHECK(until[p] == 0 || now >= until[p] + CALLS_COOL_DOWN_MS);
            begun[p] = now;
        }
        if (row_end == 0 || now >= row_end + CALLS_COOL_DOWN_MS)
            row_since = now;
        bool granted = random_below(&r, 4) != 0;
        calls_answered(calls, 0, p, granted, LEASE, now);
        if (!granted)
            continue;
        grants++;
        standing = p;
        until[p] = now + LEASE;
        CHECK(until[p] - begun[p] <= CALLS_PREEMPT_MS);
        CHECK(until[p] - row_since <= CALLS_PREEMPT_MS); /* together with the other ways */
        row_end = until[p];
    }
    CHECK(grants > 100);
}

TEST(a_protected_green_is_better_than_one_that_yields)
{
    static const char yields[] =
        "{\"properties\":{\"phases\":[\"gG\",\"Gr\",\"Gr\"],"
        "\"links\":[{\"lane\":\"n_0\",\"exit\":\"s\"},{\"lane\":\"e_0\",\"exit\":\"s\"}],"
        "\"lanes\":[\"n_0\",\"e_0\"],\"exits\":[\"s\"],\"plan\":[{\"phase\":0,\"seconds\":30}]}}";
    CHECK_OK(signals_model_read(bytes_text(yields), &model));
    CHECK(calls_phase(&model, 0, -1) == 1 && calls_phase(&model, 0, 0) == 1);
    CHECK(calls_phase(&model, 0, 2) == 2 && calls_phase(&model, 1, -1) == 0);
}

TEST(a_forgotten_bus_leaves_its_turn_to_others)
{
    char name[START_NAME_SIZE];
    begin();
    CHECK_OK(say("bus-1", "n_0", 100));
    CHECK(due(-1).buses_count == 1);
    for (uint32_t i = 0; i < CALLS_VEHICLES_MAX - 1; i++, now += 250) {
        snprintf(name, sizeof(name), "emergency-%u", i);
        CHECK_OK(say(name, "e_0", 100));
    }
    now += 300000 - 255 * 250 + 1;      /* only bus-1 has been silent for five minutes */
    CHECK_OK(say("bus-2", "e_0", 100)); /* it gets that row, and another direction */
    CHECK(calls->junctions[0].bus[0] == 0);
    CHECK(due(-1).buses_count == 1 && due(-1).buses[0].lane == EAST);
}
