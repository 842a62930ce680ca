/*
 * loader.c -- a device that publishes the numbers 1, 2, 3, ... and knows which were acknowledged.
 *
 * For the kill test: whatever happens to the city, every number that was acknowledged must be in
 * the store exactly once. Ends when --count numbers are acknowledged or --seconds are over; the
 * status file says published, acknowledged, refused; exit 0 only when all of them were
 * acknowledged.
 */
#include "field/common/device.h"

enum { WINDOW = 200 };

int
main(int argc, char **argv)
{
    struct field_options options = {.program = "loader",
                                    .summary = "Publishes the numbers 1, 2, 3, ... for a test.",
                                    .example = "loader --devices DIR --mqtts H:P --https H:P"};
    uint64_t count = 1000000, per_turn = 20;
    const struct field_option more[] = {
        {"--count", "N", OPTION_NUMBER, &count, 100000000, "how many numbers"},
        {"--burst", "N", OPTION_NUMBER, &per_turn, 1000, "numbers a turn of the loop"}};
    static const struct field_stream streams[] = {
        {"number", "a counter", "water-level", FIELD_COUNT, "number", "1"}};
    static const struct field_thing thing = {.device = "loader",
                                             .description = "a test",
                                             .longitude = -79.4,
                                             .latitude = 43.7,
                                             .streams = streams,
                                             .streams_count = 1};
    struct field_calls calls = {0};
    struct field_counts counts;
    uint32_t device;
    int status;
    if (!field_options_parse(&options, more, ARRAY_COUNT(more), argc, argv, &status))
        return status;
    struct field *f = field_new(&options, &calls);
    if (!f || field_add(f, &thing, &device) != OK)
        return 1;
    uint64_t next = 1;
    int64_t start_us = field_wall_us(f) - (int64_t)3600 * 1000000;
    while (field_turn(f, 2)) {
        field_get_counts(f, &counts);
        if (counts.acknowledged + counts.refused >= count)
            break;
        for (uint64_t i = 0; i < per_turn && next <= count &&
                             next - 1 < counts.acknowledged + counts.refused + WINDOW;
             i++) {
            if (field_publish_number(f, device, 0, start_us + (int64_t)next * 1000, (double)next) !=
                OK)
                break;
            next++;
        }
    }
    field_end(f);
    field_get_counts(f, &counts);
    printf("published %llu acknowledged %llu refused %llu\n", (unsigned long long)(next - 1),
           (unsigned long long)counts.acknowledged, (unsigned long long)counts.refused);
    bool all = counts.acknowledged == next - 1 && counts.refused == 0;
    field_free(f);
    return all ? 0 : 1;
}
