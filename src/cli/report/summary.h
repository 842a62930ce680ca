/* summary.h -- the report's figures: what there is to say of an intersection in one line. */
#ifndef CLI_REPORT_SUMMARY_H
#define CLI_REPORT_SUMMARY_H

#include "cli/report/corridor.h"

struct summary {
    double changes_per_hour; /* beginnings of green, while lights are known */
    double longest_red_s;    /* of any lane, within the time of the report */
    uint32_t longest_red_lane;
    double queue_mean;   /* all lanes together, over time */
    uint32_t queue_most; /* of one lane */
    uint32_t queue_most_lane;
    uint64_t granted, refused; /* of the warden, in this time */
    double rung_share[REPORT_RUNGS];
    bool has_lights, has_queues, has_rungs;
};
void summary_of(const struct report *r, const struct report_junction *j, struct summary *out);

/* Lines for a terminal; a page with the pictures beside it. `corridor` may be NULL. */
void summary_text(const struct report *r, const struct corridor *corridor, struct buf *out);
void summary_html(const struct report *r, const struct corridor *corridor, struct buf *out);

/* "queues-3.svg": a name of ours, whatever the intersection calls itself. */
enum { SUMMARY_FILE_SIZE = 40 };
void summary_file(uint32_t index, char to[static SUMMARY_FILE_SIZE]);

#endif
