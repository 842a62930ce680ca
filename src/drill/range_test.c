/*
 * range_test.c -- the demo city runs, one core is breached, its neighbours hear what they may hear.
 *
 * Run from the root of the checkout, with the programs and the drill's programs built.
 */
#include "drill/range.h"
#include "base/test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct charter charter;

static void
read_demo_charter(void)
{
    static struct charter_findings findings;
    static uint8_t text[CHARTER_BYTES_MAX];
    FILE *f = fopen("charters/demo.charter", "re");
    CHECK(f);
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    CHECK_OK(charter_parse(bytes_of(text, n), &charter, &findings));
}

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
    read_demo_charter();
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
