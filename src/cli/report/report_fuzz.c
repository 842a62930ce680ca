/* report_fuzz.c -- what a device wrote, up to the pictures. Input: a Thing, a newline, rows. */
#include "cli/report/pictures.h"
#include "cli/report/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static report_row_fn *const readers[] = {report_read_state,    report_read_lanes,
                                             report_read_queue,    report_read_rung,
                                             report_read_refusals, report_read_why};
    static struct report r;
    static struct corridor c;
    struct bytes rest = bytes_of(data, size);
    r = (struct report){.from_us = 0, .to_us = 600 * 1000000};
    for (uint32_t line = 0; rest.len && r.count < 4; line++) {
        size_t end = bytes_find(rest, '\n');
        struct bytes one = bytes_of(rest.p, end);
        bool thing = end && one.p[0] == 'T';
        if (thing)
            (void)!report_read_thing(&r, bytes_skip(one, 1));
        else if (r.count)
            readers[line % ARRAY_COUNT(readers)](r.junctions[r.count - 1], one);
        rest = bytes_skip(rest, end < rest.len ? end + 1 : end);
    }
    report_read_status(&r, bytes_of(data, size));
    struct buf b;
    buf_init(&b, PICTURE_BYTES_MAX);
    bool street = corridor_find(&r, &c) == OK;
    if (street)
        space_time_svg(&r, &c, &b);
    for (uint32_t i = 0; i < r.count; i++)
        queues_svg(&r, r.junctions[i], &b);
    summary_html(&r, street ? &c : NULL, &b);
    for (size_t i = 0; i < b.len; i++)
        ASSERT(b.p[i] >= ' ' || b.p[i] == '\n');
    buf_fini(&b);
    report_free(&r);
    return 0;
}
