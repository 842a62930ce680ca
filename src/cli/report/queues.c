#include "cli/report/draw.h"
#include "cli/report/pictures.h"

enum { PLOT = 46, ROW = PLOT + DRAW_BAR + 18, LEAST_SCALE = 5, NAME_LETTERS = 22 };

static uint16_t
most_standing(const struct report_junction *j)
{
    uint16_t most = LEAST_SCALE;
    for (uint32_t i = 0; i < j->queues_count; i++)
        for (uint32_t l = 0; l < j->lanes_count; l++)
            most = j->queues[i].standing[l] > most ? j->queues[i].standing[l] : most;
    return most;
}

/* Steps: what was said holds until something else was. */
static void
put_area(struct buf *b, const struct draw_axis *a, const struct report_junction *j, uint32_t lane,
         int base, uint16_t scale)
{
    bool begun = false;
    double y = base, x = DRAW_LEFT;
    for (uint32_t i = 0; i < j->queues_count; i++) {
        if (j->queues[i].at_us > a->to_us)
            break;
        x = draw_x(a, j->queues[i].at_us);
        double top = base - (double)j->queues[i].standing[lane] / scale * PLOT;
        if (!begun)
            buf_format(b, "<path class=\"queue\" d=\"M%.1f,%d V%.1f", x, base, top);
        else if (top != y)
            buf_format(b, " H%.1f V%.1f", x, top);
        begun = true;
        y = top;
    }
    if (begun)
        buf_format(b, " H%.1f V%d Z\"/>\n", draw_x(a, a->to_us), base);
}

static void
put_lane(struct buf *b, const struct draw_axis *a, const struct report_junction *j, uint32_t lane,
         int top, uint16_t scale)
{
    struct report_links links = report_links_of_lane(j, lane);
    struct bytes name = bytes_text(j->lane[lane]);
    int base = top + PLOT;
    name.len = svg_fitting(name, NAME_LETTERS);
    buf_format(b, "<text x=\"%d\" y=\"%d\" class=\"end\">", DRAW_LEFT - 36, top + PLOT / 2 + 4);
    svg_escaped(b, name);
    buf_format(b,
               "</text><text x=\"%d\" y=\"%d\" class=\"end small\">%u</text>"
               "<text x=\"%d\" y=\"%d\" class=\"end small\">0</text>\n",
               DRAW_LEFT - 6, top + 9, scale, DRAW_LEFT - 6, base);
    buf_format(b,
               "<line class=\"grid\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
               "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n",
               DRAW_LEFT, top, a->width - DRAW_RIGHT, top, DRAW_LEFT, base, a->width - DRAW_RIGHT,
               base);
    put_area(b, a, j, lane, base, scale);
    draw_lights(b, a, j, &links, base + 3);
}

void
queues_svg(const struct report *r, const struct report_junction *j, struct buf *out)
{
    struct draw_axis a = draw_axis_of(r);
    uint16_t scale = most_standing(j);
    char title[REPORT_NAME_SIZE + 20];
    int bottom = DRAW_TOP + (int)j->lanes_count * ROW;
    snprintf(title, sizeof(title), "Queues at %s", j->name);
    draw_begin(out, a.width, bottom + 50, title);
    svg_text(out, 20, 50, "small",
             bytes_text("For each lane: vehicles that stand, as the planner estimates them from "
                        "the loops (area), and the lane's light (bar below)."));
    draw_legend(out, 20, 72);
    svg_text(out, DRAW_LEFT - 6, DRAW_TOP - 8, "end small", bytes_text("vehicles"));
    draw_time(out, &a, DRAW_TOP, bottom);
    for (uint32_t l = 0; l < j->lanes_count; l++)
        put_lane(out, &a, j, l, DRAW_TOP + (int)l * ROW, scale);
    draw_end(out);
}
