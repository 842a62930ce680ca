#include "cli/report/draw.h"
#include "cli/report/pictures.h"

enum {
    BETWEEN_LEAST = 64, /* pixels between two intersections */
    HEIGHT_PER_STOP = 120,
    HEIGHT_MAX = 2000,
    NAME_LETTERS = 20,
};

struct frame {
    struct draw_axis axis;
    int y[CORRIDOR_MAX];
    int bottom;
};

/* To scale, but no two nearer than their bars need. */
static struct frame
frame_of(const struct report *r, const struct corridor *c)
{
    struct frame f = {.axis = draw_axis_of(r)};
    double metres = c->stops[c->count - 1].at_m;
    int height = HEIGHT_PER_STOP * (int)c->count;
    height = height > HEIGHT_MAX ? HEIGHT_MAX : height;
    int y = DRAW_TOP + 30;
    for (uint32_t i = 0; i < c->count; i++) {
        double step = i ? c->stops[i].at_m - c->stops[i - 1].at_m : 0;
        int pixels = metres > 0 ? (int)(step / metres * height) : 0;
        y += i == 0 ? 0 : pixels < BETWEEN_LEAST ? BETWEEN_LEAST : pixels;
        f.y[i] = y;
    }
    f.bottom = y + 40;
    return f;
}

static void
put_stop(struct buf *b, const struct frame *f, const struct corridor *c, uint32_t i)
{
    const struct corridor_stop *s = &c->stops[i];
    struct bytes name = bytes_text(s->junction->name);
    name.len = svg_fitting(name, NAME_LETTERS);
    buf_format(b, "<text x=\"%d\" y=\"%d\" class=\"end\">", DRAW_LEFT - 12, f->y[i]);
    svg_escaped(b, name);
    buf_format(b, "</text><text x=\"%d\" y=\"%d\" class=\"end small\">%.0f m</text>\n",
               DRAW_LEFT - 12, f->y[i] + 14, s->at_m);
    draw_lights(b, &f->axis, s->junction, &s->out, f->y[i] - DRAW_BAR - 2);
    draw_lights(b, &f->axis, s->junction, &s->in, f->y[i] + 2);
}

/* Both edges of the band, stop by stop: down the one side, up the other. */
static void
put_band(struct buf *b, const struct frame *f, const struct corridor *c, const char *style,
         uint32_t first, uint32_t last, const struct corridor_band *band)
{
    int64_t after[CORRIDOR_MAX] = {0};
    bool out = last >= first;
    uint32_t count = (out ? last - first : first - last) + 1, stop[CORRIDOR_MAX];
    for (uint32_t n = 0; n < count; n++) {
        stop[n] = out ? first + n : first - n;
        double s = n == 0 ? 0 : out ? c->stops[stop[n]].out_s : c->stops[stop[n - 1]].in_s;
        after[n] = (n ? after[n - 1] : 0) + (int64_t)(s * 1e6);
    }
    buf_format(b, "<polygon class=\"%s\" points=\"", style);
    for (uint32_t n = 0; n < count; n++)
        buf_format(b, "%.1f,%d ", draw_x(&f->axis, band->from_us + after[n]), f->y[stop[n]]);
    for (uint32_t n = count; n-- > 0;)
        buf_format(b, "%.1f,%d ", draw_x(&f->axis, band->to_us + after[n]), f->y[stop[n]]);
    buf_text(b, "\"/>\n");
}

static uint32_t
put_bands(struct buf *b, const struct frame *f, const struct corridor *c, const struct report *r,
          const char *style, uint32_t first, uint32_t last)
{
    static struct corridor_band bands[CORRIDOR_BANDS_MAX];
    uint32_t n = corridor_bands(c, r, first, last, bands, CORRIDOR_BANDS_MAX);
    for (uint32_t i = 0; i < n; i++)
        put_band(b, f, c, style, first, last, &bands[i]);
    return n;
}

void
space_time_svg(const struct report *r, const struct corridor *c, struct buf *out)
{
    ASSERT(c->count >= 2);
    struct frame f = frame_of(r, c);
    struct buf bands;
    char note[200];
    buf_init(&bands, PICTURE_BYTES_MAX);
    for (uint32_t i = 0; i + 1 < c->count && c->count > 2; i++) {
        put_bands(&bands, &f, c, r, "link", i, i + 1);
        put_bands(&bands, &f, c, r, "link", i + 1, i);
    }
    uint32_t out_bands = put_bands(&bands, &f, c, r, "band", 0, c->count - 1);
    uint32_t in_bands = put_bands(&bands, &f, c, r, "band", c->count - 1, 0);
    draw_begin(out, f.axis.width, f.bottom + 50, "Space-time diagram");
    snprintf(note, sizeof(note),
             "Distance along the street in m, down; upper bar: in this direction, lower bar: "
             "against it. Bands of green all the way: %u down, %u up.%s",
             out_bands, in_bands, c->measured ? "" : " Distances are not all known.");
    svg_text(out, 20, 50, "small", bytes_text(note));
    draw_legend(out, 20, 72);
    svg_text(out, DRAW_LEFT - 12, DRAW_TOP - 8, "end small", bytes_text("distance, m"));
    draw_time(out, &f.axis, DRAW_TOP, f.bottom);
    if (buf_error(&bands) == OK)
        buf_put(out, buf_bytes(&bands));
    for (uint32_t i = 0; i < c->count; i++)
        put_stop(out, &f, c, i);
    draw_end(out);
    buf_fini(&bands);
}
