/* pictures.h -- the two pictures of the report, as SVG. */
#ifndef CLI_REPORT_PICTURES_H
#define CLI_REPORT_PICTURES_H

#include "cli/report/corridor.h"

enum { PICTURE_BYTES_MAX = 32 * 1024 * 1024 };

/* Distance along the street down, time to the right; at each intersection what both directions
 * showed; bands in which one passes it all, and pale ones between two neighbours. */
void space_time_svg(const struct report *r, const struct corridor *c, struct buf *out);

/* For each lane how many stood, as steps, and its light below. */
void queues_svg(const struct report *r, const struct report_junction *j, struct buf *out);

#endif
