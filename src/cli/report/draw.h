/*
 * draw.h -- what the pictures share: a page that is readable in light and dark and without colour,
 * and an axis of time.
 *
 * Red is a full bar, yellow half of one, green a thin line: so they differ in black and white, too.
 */
#ifndef CLI_REPORT_DRAW_H
#define CLI_REPORT_DRAW_H

#include "charter/svg.h"
#include "cli/report/report.h"

enum { DRAW_LEFT = 170, DRAW_RIGHT = 30, DRAW_TOP = 96, DRAW_BAR = 9, DRAW_WIDTH_MAX = 20000 };

/* Where instants lie. */
struct draw_axis {
    int64_t from_us, to_us;
    int width; /* of the whole picture */
};
struct draw_axis draw_axis_of(const struct report *r);
double draw_x(const struct draw_axis *a, int64_t at_us);

void draw_begin(struct buf *b, int width, int height, const char *title);
void draw_end(struct buf *b);
/* Ticks with the time of day, from `top` down to `bottom`, and what the axis is. */
void draw_time(struct buf *b, const struct draw_axis *a, int top, int bottom);
/* What these links showed, from the left to the right edge: a bar of DRAW_BAR below y. */
void draw_lights(struct buf *b, const struct draw_axis *a, const struct report_junction *j,
                 const struct report_links *links, int y);
/* What the bars mean; at (x, y). */
void draw_legend(struct buf *b, int x, int y);

#endif
