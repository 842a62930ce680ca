/*
 * range_test.c -- the demo city runs, one core is breached, its neighbours hear what they may hear.
 *
 * Run from the root of the checkout, with the programs and the drill's programs built.
 */
#include "drill/range.h"
#include "authority/city_keys.h"
#include "base/clock.h"
#include "base/test.h"
#include "charter/charter_test_kit.h"
#include "drill/moves.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct charter charter;

static bool
port_is_free(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    bool is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return is_free;
}

static struct range *
open_demo(void)
{
    struct range *r;
    kit_demo_listening(&charter);
    struct range_config config = {
        .charter = &charter, .libexec = "build/libexec", .drill_libexec = "build/libexec/drill"};
    CHECK_OK(range_open(&config, &r));
    return r;
}

static bool
hears_count(struct range *r)
{
    for (int i = 0; i < 200; i++) {
        range_turn(r, 100);
        if (range_counter(r, "signals/core", "shown") == 400000)
            return true;
    }
    return false;
}

TEST(a_breached_core_is_heard_where_its_conduit_ends)
{
    struct range *r = open_demo();
    struct range_breach count = {.compartment = "bikes/core",
                                 .payload = "build/libexec/drill/matrix.so",
                                 .attempt = "COUNT",
                                 .targets = ""};
    char state[300];
    CHECK_OK(range_start(r));
    uint16_t port = range_port(r, "signals", false);
    CHECK(port && !port_is_free(port));
    CHECK(range_counter(r, "signals/core", "shown") == 0);
    pid_t neighbour = range_pid(r, "signals/core");
    CHECK_OK(range_breach(r, &count));
    struct outcome o = range_answer(r, "bikes/core", 5000);
    CHECK(o.answer == ANSWER_ESCAPED); /* it says that it was sent */
    CHECK(hears_count(r));
    CHECK(range_pid(r, "bikes/core") == -1 && range_pid(r, "signals/core") == neighbour);
    CHECK_OK(range_restart(r, "bikes/core"));
    CHECK(range_pid(r, "bikes/core") > 0);

    snprintf(state, sizeof(state), "%s", range_state(r));
    CHECK(access(state, F_OK) == 0);
    range_close(r);
    CHECK(access(state, F_OK) != 0 && port_is_free(port));
    CHECK(kill(neighbour, 0) != 0 && waitpid(-1, NULL, WNOHANG) < 0);
}

TEST(several_are_breached_at_once)
{
    struct range *r = open_demo();
    struct range_breach b = {.compartment = "bikes/core",
                             .payload = "build/libexec/drill/matrix.so",
                             .attempt = "COUNT",
                             .targets = ""};
    CHECK_OK(range_start(r));
    CHECK_OK(range_breach(r, &b));
    b.compartment = "water/core"; /* has no conduit */
    CHECK_OK(range_breach(r, &b));
    CHECK(range_answer(r, "water/core", 5000).answer == ANSWER_SKIPPED);
    CHECK(range_answer(r, "bikes/core", 5000).answer == ANSWER_ESCAPED);
    CHECK(range_answer(r, "bikes/core", 5000).answer == ANSWER_FAILED); /* nobody is there now */
    b.compartment = "bikes/nobody";
    CHECK(range_breach(r, &b) == ERR_NOT_FOUND);
    range_close(r);
}

enum { RECOVERY_MS = 3000, BEATS_MS = 3000, PROMPT_MS = 400, TAKEN_UP_MS = 1900, STILL_MS = 1000 };

static bool
play(struct stage *s, const char *name, const char *key, const char *value)
{
    struct story_move m = {.args = {{"as", "operator-bikes"},
                                    {"zone", "bikes"},
                                    {"class", "station-status"},
                                    {"stream", "stations"}},
                           .args_count = key ? 5 : 4};
    if (key) {
        snprintf(m.args[4].key, sizeof(m.args[4].key), "%s", key);
        snprintf(m.args[4].value, sizeof(m.args[4].value), "%s", value);
    }
    return move_find(name)->run(s, &m).answer == ANSWER_ESCAPED;
}

static bool
publishes(struct stage *s)
{
    return play(s, "publish", "body",
                "{\"result\":[{\"station_id\":\"s1\",\"num_vehicles_available\":4}]}");
}

static void
enrol_operator(struct range *r)
{
    char field[400], path[450], why[400];
    snprintf(field, sizeof(field), "%s/field", range_state(r));
    snprintf(path, sizeof(path), "%s/operator-bikes", field);
    CHECK(mkdir(field, 0700) == 0);
    struct city_device device = {(uint32_t)charter_find_zone(&charter, bytes_text("bikes")),
                                 "operator-bikes", path};
    CHECK_OK(city_keys_enrol(&charter, range_state(r), &device, why, sizeof(why)));
}

static off_t
recorded_bytes(struct range *r)
{
    char path[400];
    struct stat st;
    snprintf(path, sizeof(path), "%s/ledger/bikes/entries", range_state(r));
    CHECK(stat(path, &st) == 0);
    return st.st_size;
}

static void
talk_nonsense(struct range *r, const char *compartment)
{
    struct range_breach b = {.compartment = compartment,
                             .payload = "build/libexec/drill/stories/moves.so",
                             .attempt = "nonsense",
                             .targets = ""};
    CHECK_OK(range_breach(r, &b));
    CHECK(range_answer(r, compartment, 5000).answer == ANSWER_ESCAPED);
}

/* Nobody who was right to stop listening is started anew. */
TEST(a_zone_recovers_when_those_who_talked_nonsense_are_replaced)
{
    struct clock_source clock = clock_system();
    struct range *r = open_demo();
    struct stage s = {.range = r, .charter = &charter, .bulkhead = "build/bulkhead"};
    enrol_operator(r);
    CHECK_OK(range_start(r));
    CHECK(play(&s, "join", NULL, NULL) && publishes(&s));
    pid_t ledger = range_pid(r, "city/ledger"), conduit = range_pid(r, "bike-counts/conduit");
    talk_nonsense(r, "bikes/gate");
    CHECK(range_complaints(r, "bikes/core") == 1);
    talk_nonsense(r, "bikes/core"); /* to the ledger, and it waits for the next gate */
    range_beats(r, BEATS_MS);
    CHECK(range_complaints(r, "city/ledger") == 1);
    talk_nonsense(r, "bikes/gate"); /* it waits for the next core */
    CHECK_OK(range_restart(r, "bikes/gate"));
    CHECK_OK(range_restart(r, "bikes/core"));
    uint64_t begin_ms = clock_mono_ms(&clock);
    off_t before = recorded_bytes(r);
    bool taken = false;
    while (!taken || recorded_bytes(r) == before) {
        taken = taken || publishes(&s);
        range_turn(r, 20);
        CHECK(clock_mono_ms(&clock) - begin_ms < RECOVERY_MS);
    }
    CHECK(range_complaints(r, "bikes/core") == 1 && range_pid(r, "bikes/gate") > 0);
    CHECK(ledger > 0 && range_pid(r, "city/ledger") == ledger);
    CHECK(conduit > 0 && range_pid(r, "bike-counts/conduit") == conduit);
    range_close(r);
}

/* In the place of the process that holds this end; the other one complains. */
static void
tear_packet(const struct range *r, const char *compartment, enum start_fd_role role)
{
    CHECK(write(range_end(r, compartment, role, NULL), "?", 1) == 1);
}

TEST(wardens_and_conduits_listen_again_and_longer_not_the_next_time)
{
    struct range *r = open_demo();
    CHECK_OK(range_start(r));
    static const struct {
        bool torn;
        uint32_t turn_ms, complaints;
    } steps[] = {
        {true, PROMPT_MS, 1},    {true, PROMPT_MS, 1}, /* not heard any more */
        {false, TAKEN_UP_MS, 1},                       /* and thrown away */
        {true, PROMPT_MS, 2},    {true, STILL_MS, 2},  /* two seconds, this time */
    };
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        if (steps[i].torn) {
            tear_packet(r, "signals/core", FD_WARDEN);
            tear_packet(r, "bikes/core", FD_CONDUIT);
        }
        range_turn(r, steps[i].turn_ms);
        CHECK(range_complaints(r, "signals/warden") == steps[i].complaints);
        CHECK(range_complaints(r, "bike-counts/conduit") == steps[i].complaints);
    }
    range_close(r);
}

TEST(who_records_listens_to_the_ledger_again)
{
    static const char *const recorders[] = {"city/judge", "signals/warden", "bike-counts/conduit",
                                            "bikes/core"};
    struct range *r = open_demo();
    CHECK_OK(range_start(r));
    for (uint32_t times = 1; times <= 2; times++) {
        talk_nonsense(r, "city/ledger");
        range_turn(r, PROMPT_MS);
        for (size_t i = 0; i < ARRAY_COUNT(recorders); i++)
            CHECK(range_complaints(r, recorders[i]) == times);
        range_turn(r, TAKEN_UP_MS);
    }
    range_close(r);
}
