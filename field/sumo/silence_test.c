#include "base/test.h"
#include "field/sumo/silence.h"

enum { SECOND_US = 1000000 };

TEST(who_said_nothing_waits_for_nothing)
{
    struct silence s = {0};
    CHECK(!silence_fell(&s, 0, 100 * (int64_t)SECOND_US));
}

TEST(an_answer_within_the_second_is_no_silence)
{
    struct silence s = {0};
    for (uint64_t i = 1; i <= 20; i++) {
        int64_t now_us = (int64_t)i * SECOND_US;
        silence_said(&s, 3 * i, now_us);
        CHECK(!silence_fell(&s, 3 * i, now_us + SECOND_US));
    }
}

TEST(what_is_not_answered_when_the_next_second_begins_is)
{
    struct silence s = {0};
    silence_said(&s, 2, 0);
    CHECK(!silence_fell(&s, 1, SILENCE_US - 1));
    CHECK(silence_fell(&s, 1, SILENCE_US)); /* the first of two is not enough */
}

TEST(silence_goes_on_until_the_first_unanswered_is_answered)
{
    struct silence s = {0};
    silence_said(&s, 1, 0);
    for (int64_t i = 1; i < 10; i++) {
        CHECK(silence_fell(&s, 0, i * SECOND_US));
        silence_said(&s, 1 + (uint64_t)i, i * SECOND_US); /* what it says now changes nothing */
    }
    CHECK(!silence_fell(&s, 1, 10 * (int64_t)SECOND_US));
    CHECK(!silence_fell(&s, 1, 10 * (int64_t)SECOND_US)); /* nine more are on their way */
    silence_said(&s, 11, 10 * (int64_t)SECOND_US);
    CHECK(silence_fell(&s, 10, 11 * (int64_t)SECOND_US));
}
