#include "cli/report/draw.h"

#include "sensorthings/times.h"

enum { PLOT_WIDTH_LEAST = 700, SECOND = 1000000, LEGEND_STEP = 110, TICK_PIXELS = 80 };

struct draw_axis
draw_axis_of(const struct report *r)
{
    int64_t seconds = (r->to_us - r->from_us) / SECOND;
    int64_t plot = seconds < PLOT_WIDTH_LEAST ? PLOT_WIDTH_LEAST
                   : seconds > DRAW_WIDTH_MAX ? DRAW_WIDTH_MAX
                                              : seconds;
    return (struct draw_axis){r->from_us, r->to_us, DRAW_LEFT + (int)plot + DRAW_RIGHT};
}

double
draw_x(const struct draw_axis *a, int64_t at_us)
{
    int64_t at = at_us < a->from_us ? a->from_us : at_us > a->to_us ? a->to_us : at_us;
    double span = (double)(a->to_us - a->from_us);
    return DRAW_LEFT +
           (double)(at - a->from_us) / (span > 0 ? span : 1) * (a->width - DRAW_LEFT - DRAW_RIGHT);
}

/* No text of a device is in the style; the page decides between light and dark. */
static const char style[] =
    "<style>text{font:12px sans-serif;fill:#222}.title{font-size:17px;font-weight:bold}"
    ".small{font-size:11px}.end{text-anchor:end}.middle{text-anchor:middle}.page{fill:#fff}"
    ".grid{stroke:#bbb;stroke-width:.6}.axis{stroke:#444}.red{fill:#b3261e}.yellow{fill:#c58a00}"
    ".green{fill:#1f7a33}.dark{fill:none;stroke:#888;stroke-dasharray:2 2}"
    ".band{fill:#2f6fb0;fill-opacity:.28;stroke:#2f6fb0;stroke-opacity:.6}"
    ".link{fill:#888;fill-opacity:.14}.queue{fill:#5a5f66;fill-opacity:.45;stroke:#33373c}"
    "@media(prefers-color-scheme:dark){text{fill:#eee}.page{fill:#15171a}.grid{stroke:#555}"
    ".axis{stroke:#bbb}.red{fill:#ff7a6e}.yellow{fill:#ffce54}.green{fill:#6fd08c}"
    ".band{fill:#8ab8ff;stroke:#8ab8ff}.link{fill:#bbb}.queue{fill:#aab2bd;stroke:#d5dae0}}"
    "</style>\n";

void
draw_begin(struct buf *b, int width, int height, const char *title)
{
    buf_format(b,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "viewBox=\"0 0 %d %d\" role=\"img\">\n<title>",
               width, height, width, height);
    svg_escaped(b, bytes_text(title));
    buf_text(b, "</title>\n");
    buf_text(b, style);
    buf_format(b, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", width, height);
    svg_text(b, 20, 28, "title", bytes_text(title));
}

void
draw_end(struct buf *b)
{
    buf_text(b, "</svg>\n");
}

/* The first step that leaves TICK_PIXELS between two ticks. */
static int64_t
step_of(const struct draw_axis *a)
{
    static const int64_t steps[] = {10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400};
    size_t i = 0;
    while (i < ARRAY_COUNT(steps) - 1 &&
           draw_x(a, a->from_us + steps[i] * SECOND) - DRAW_LEFT < TICK_PIXELS)
        i++;
    return steps[i] * SECOND;
}

void
draw_time(struct buf *b, const struct draw_axis *a, int top, int bottom)
{
    int64_t step = step_of(a), first = a->from_us - a->from_us % step;
    for (int64_t t = first < a->from_us ? first + step : first; t <= a->to_us; t += step) {
        struct sta_civil c = sta_civil_of(t);
        double x = draw_x(a, t);
        buf_format(b,
                   "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
                   "<text x=\"%.1f\" y=\"%d\" class=\"middle small\">%02d:%02d:%02d</text>\n",
                   x, top, x, bottom, x, bottom + 16, c.hour, c.minute, c.second);
    }
    struct sta_civil day = sta_civil_of(a->from_us);
    buf_format(b,
               "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
               "<text x=\"%d\" y=\"%d\">time of day, UTC, %04d-%02d-%02d</text>\n",
               DRAW_LEFT, bottom, a->width - DRAW_RIGHT, bottom, DRAW_LEFT, bottom + 34,
               (int)day.year, day.month, day.day);
}

static void
put_bar(struct buf *b, enum report_colour colour, double x, double width, int y)
{
    static const struct {
        const char *style;
        double height;
    } rows[] = {
        [REPORT_DARK] = {"dark", DRAW_BAR},
        [REPORT_RED] = {"red", DRAW_BAR},
        [REPORT_YELLOW] = {"yellow", DRAW_BAR / 2.0},
        [REPORT_GREEN] = {"green", 2},
    };
    double h = rows[colour].height;
    buf_format(b, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
               rows[colour].style, x, y + (DRAW_BAR - h) / 2, width, h);
}

void
draw_lights(struct buf *b, const struct draw_axis *a, const struct report_junction *j,
            const struct report_links *links, int y)
{
    enum report_colour shown = REPORT_DARK;
    int64_t since = a->from_us;
    for (uint32_t i = 0; i <= j->lights_count; i++) {
        bool last = i == j->lights_count;
        int64_t at = last ? a->to_us : j->lights[i].at_us;
        enum report_colour colour = last ? REPORT_DARK : report_colour_of(j, &j->lights[i], links);
        if (!last && colour == shown)
            continue;
        if (at > a->to_us)
            at = a->to_us;
        if (at > since) {
            put_bar(b, shown, draw_x(a, since), draw_x(a, at) - draw_x(a, since), y);
            since = at;
        }
        shown = colour;
    }
}

void
draw_legend(struct buf *b, int x, int y)
{
    static const struct {
        enum report_colour colour;
        const char *word;
    } rows[] = {{REPORT_RED, "red"},
                {REPORT_YELLOW, "yellow"},
                {REPORT_GREEN, "green"},
                {REPORT_DARK, "not known"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        put_bar(b, rows[i].colour, x, 36, y - DRAW_BAR);
        svg_text(b, x + 42, y, "small", bytes_text(rows[i].word));
        x += LEGEND_STEP;
    }
}
