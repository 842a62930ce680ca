#include "base/random.h"
#include "base/test.h"
#include "programs/warden/envelope.h"
#include "services/signals/book.h"
#include "services/signals/model.h"

static const struct book_rules rules = {
    .lease_ms = 10000, .maximum_red_ms = 120000, .change_ms = 9000};

TEST(what_is_wished_first_is_asked_for)
{
    struct book b;
    book_init(&b);
    CHECK(book_ask(&b, &rules, -1, 5000) == -1);
    CHECK(book_ask(&b, &rules, 2, 5000) == 2);
}

TEST(what_stands_is_asked_for_again_in_its_second_half)
{
    struct book b;
    book_init(&b);
    book_granted(&b, &rules, 2, rules.lease_ms, 1000);
    CHECK(book_ask(&b, &rules, 2, 6000) == -1);
    CHECK(book_ask(&b, &rules, 2, 6001) == 2);
}

TEST(a_change_waits_and_what_stands_is_kept_meanwhile)
{
    struct book b;
    book_init(&b);
    book_granted(&b, &rules, 2, rules.lease_ms, 1000);
    CHECK(book_ask(&b, &rules, 1, 5000) == -1);
    CHECK(book_ask(&b, &rules, 1, 9999) == 2);
    CHECK(book_ask(&b, &rules, 1, 10000) == 1);
}

TEST(a_grant_before_its_time_makes_the_next_change_wait_longer)
{
    struct book b;
    book_init(&b);
    book_granted(&b, &rules, 2, rules.lease_ms, 1000);
    book_granted(&b, &rules, 1, rules.lease_ms, 3000); /* a pre-emption */
    CHECK(book_ask(&b, &rules, 0, 18999) == 1);
    CHECK(book_ask(&b, &rules, 0, 19000) == 0);
}

/* The envelope's half: what the book asks for is never refused by it. */
TEST(what_the_book_asks_for_the_envelope_grants)
{
    static const struct start_envelope values[] = {{"minimum-green", 5000, 1},
                                                   {"yellow", 3000, 1},
                                                   {"all-red", 1000, 1},
                                                   {"maximum-red", 120000, 1}};
    struct start *start = calloc(1, sizeof(*start));
    void *envelope = calloc(1, envelope_this.size);
    char why[ENVELOPE_WHY_SIZE];
    CHECK(start && envelope);
    memcpy(start->envelope, values, sizeof(values));
    start->envelope_count = ARRAY_COUNT(values);
    start->commands[0] = (struct start_command){SIGNALS_COMMAND_REQUEST, 10000, 7200, 0, 2};
    start->commands_count = 1;
    CHECK_OK(envelope_this.init(envelope, start, why));
    struct book b;
    struct lease lease = {.device = "junction-a0", .command = SIGNALS_COMMAND_REQUEST};
    struct random_seeded seeded = {.state = 7};
    struct random_source random = random_seeded_source(&seeded);
    uint32_t asked = 0;
    book_init(&b);
    for (uint64_t now = 1000; now < 3600000; now += 100 * random_below(&random, 30)) {
        int32_t wished = (int32_t)random_below(&random, 5) - 1;
        if (random_below(&random, 400) == 0)
            now += 200000; /* a silence */
        int32_t phase = book_ask(&b, &rules, wished, now);
        if (phase < 0)
            continue;
        struct envelope_verdict v;
        lease.parameters_count = 1;
        lease.parameters[0] = (struct lease_parameter){"phase", phase};
        CHECK_OK(envelope_this.check(envelope, &lease, 0, now, rules.lease_ms, &v));
        envelope_this.granted(envelope, &lease, now, rules.lease_ms);
        book_granted(&b, &rules, phase, rules.lease_ms, now);
        asked++;
    }
    CHECK(asked > 300);
    free(envelope);
    free(start);
}
