#include "base/test.h"
#include "programs/mistrust.h"

#include <unistd.h>

/* Nonsense now; answers the pause, after which it is heard again. */
static uint64_t
pause_of(struct mistrust *m, uint64_t *now_ms)
{
    uint64_t begin_ms = *now_ms;
    mistrust_nonsense(m, *now_ms);
    CHECK(m->deaf);
    while (!mistrust_over(m, *now_ms))
        *now_ms += 1;
    mistrust_heard(m, *now_ms);
    CHECK(!m->deaf && !mistrust_over(m, *now_ms));
    return *now_ms - begin_ms;
}

TEST(the_pause_doubles_up_to_a_minute)
{
    static const uint64_t wanted[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct mistrust m = {0};
    uint64_t now_ms = 5;
    CHECK(!mistrust_over(&m, now_ms));
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++)
        CHECK(pause_of(&m, &now_ms) == wanted[i]);
}

TEST(a_good_minute_is_forgiven_and_no_less)
{
    struct mistrust m = {0};
    uint64_t now_ms = 1000000;
    CHECK(pause_of(&m, &now_ms) == 1000 && pause_of(&m, &now_ms) == 2000);
    now_ms += MISTRUST_GOOD_MS - 1;
    CHECK(pause_of(&m, &now_ms) == 4000);
    now_ms += MISTRUST_GOOD_MS;
    CHECK(pause_of(&m, &now_ms) == 1000 && pause_of(&m, &now_ms) == 2000);
}

TEST(nonsense_while_deaf_changes_nothing)
{
    struct mistrust m = {0};
    mistrust_nonsense(&m, 10);
    mistrust_nonsense(&m, 900);
    CHECK(!mistrust_over(&m, 1009) && mistrust_over(&m, 1010) && m.pause_ms == 1000);
}

static enum err
count_frame(void *ctx, uint16_t id, struct bytes body)
{
    (void)id, (void)body;
    ++*(int *)ctx;
    return OK;
}

TEST(what_waited_is_never_heard_in_either_direction)
{
    struct mistrust m = {0};
    struct channel us, them;
    int fds[2], heard = 0;
    CHECK_OK(channel_pair(fds));
    channel_init(&us, fds[0]);
    channel_init(&them, fds[1]);
    CHECK(write(fds[1], "", 0) == 0 &&
          write(fds[1], "?", 1) == 1); /* an empty packet, a torn one */
    CHECK_OK(channel_send(&them, 7, bytes_text("to the deaf")));
    CHECK_OK(channel_flush(&them));
    CHECK_OK(channel_send(&us, 7, bytes_text("for a predecessor")));
    CHECK(!mistrust_take_up(&m, &us, 5000)); /* it is not deaf */
    mistrust_nonsense(&m, 5000);
    CHECK(!mistrust_take_up(&m, &us, 5999));
    CHECK(mistrust_take_up(&m, &us, 6000));
    CHECK(channel_waiting(&us) == 0 && channel_receive(&us, count_frame, &heard) == ERR_AGAIN);
    CHECK_OK(channel_send(&them, 7, bytes_text("a successor")));
    CHECK_OK(channel_flush(&them));
    CHECK_OK(channel_receive(&us, count_frame, &heard));
    CHECK(heard == 1);
    channel_fini(&us);
    channel_fini(&them);
}

TEST(a_turn_is_bounded_and_what_is_closed_stays_deaf)
{
    struct mistrust m = {0};
    struct channel us;
    int fds[2], sent = 0;
    CHECK_OK(channel_pair(fds));
    channel_init(&us, fds[0]);
    while (sent < MISTRUST_PACKETS + 1 && write(fds[1], "?", 1) == 1)
        sent++;
    mistrust_nonsense(&m, 0);
    bool more = sent > MISTRUST_PACKETS; /* the kernel took as many */
    CHECK(mistrust_take_up(&m, &us, 1000) == !more);
    CHECK(!more || mistrust_take_up(&m, &us, 1100));
    close(fds[1]);
    mistrust_nonsense(&m, 2000);
    for (uint64_t now_ms = 10000; now_ms < 10005; now_ms++)
        CHECK(!mistrust_take_up(&m, &us, now_ms) && m.deaf);
    channel_fini(&us);
}
