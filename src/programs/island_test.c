#include "programs/island.h"
#include "base/test.h"

static const char good[] = "bulkhead cut v1\nsince 2026-11-28T14:00:00.000Z\nby-uid 7\n"
                           "reason the bike app was breached\n";

TEST(the_record_of_a_cut_is_read_as_it_was_written)
{
    struct island i;
    struct buf b;
    CHECK_OK(island_parse_text(bytes_text(good), &i));
    CHECK(i.by_uid == 7 && strcmp(i.reason, "the bike app was breached") == 0);
    buf_init(&b, ISLAND_TEXT_MAX);
    island_put_text(&b, &i);
    CHECK(bytes_are(buf_bytes(&b), good));
    buf_fini(&b);
}

TEST(every_truncation_and_extension_of_a_cut_is_refused)
{
    struct island i;
    char longer[sizeof(good) + 1];
    for (size_t len = 0; len + 1 < sizeof(good); len++)
        CHECK(island_parse_text(bytes_of((const uint8_t *)good, len), &i) == ERR_MALFORMED);
    snprintf(longer, sizeof(longer), "%sx", good);
    CHECK(island_parse_text(bytes_text(longer), &i) == ERR_MALFORMED);
}

TEST(a_reason_is_one_line_that_people_can_read)
{
    char reason[ISLAND_REASON_SIZE + 1];
    CHECK(island_is_reason(bytes_text("smoke in the hall")));
    CHECK(!island_is_reason(bytes_text("")));
    CHECK(!island_is_reason(bytes_text(" led")));
    CHECK(!island_is_reason(bytes_text("two\nlines")));
    CHECK(!island_is_reason(bytes_text("\x1b[2J")));
    CHECK(!island_is_reason(bytes_text("\xff")));
    memset(reason, 'a', sizeof(reason));
    CHECK(island_is_reason(bytes_of((uint8_t *)reason, ISLAND_REASON_SIZE - 1)));
    CHECK(!island_is_reason(bytes_of((uint8_t *)reason, ISLAND_REASON_SIZE)));
}

TEST(what_two_people_sign_names_the_zone_and_this_cut)
{
    struct buf b;
    buf_init(&b, ISLAND_TEXT_MAX);
    island_put_rejoin(&b, bytes_text("bikes"), 1795874400000000);
    CHECK(bytes_are(buf_bytes(&b),
                    "bulkhead rejoin v1\nzone bikes\nsince 2026-11-28T14:00:00.000Z\n"));
    buf_fini(&b);
}
