/*
 * matrix_svg.c -- who touches whom, as a picture. Rows are who is breached, columns whom it
 * reaches; a cell has a quarter for each effect, and says by what message when one points at it.
 * Below, the same for whole zones, in sentences.
 */
#include "charter/matrix.h"
#include "charter/svg.h"

enum {
    MARGIN = 24,
    CELL = 26,
    QUARTER = 11,
    LETTER_WIDTH = 7,
    TOP = 70,
    NAME_LETTERS_MAX = 40,
    WIDTH_LEAST = 860, /* so that the sentences have room */
    LEGEND_LINES = 7,
};

static const struct {
    enum matrix_effect effect;
    const char *color, *verb, *meaning;
} effects[] = {
    {MATRIX_READ, "#2f6fb0", "read from", "reads: what the other keeps or says comes to it"},
    {MATRIX_WRITE, "#d9892b", "write to", "writes: the other keeps, counts or passes on its words"},
    {MATRIX_COMMAND, "#b3261e", "command",
     "commands: a lease is made or passed on as it wishes, inside the limits"},
    {MATRIX_DISTURB, "#8a8a8a", "disturb", "disturbs: somebody else is served worse by the other"},
};

struct frame {
    const struct matrix *m;
    int label;  /* width of the names at the left */
    int heads;  /* height of the names above */
    int grid_y; /* where the first row begins */
    int width;
};

static struct frame
frame_of(const struct matrix *m)
{
    size_t longest = 8;
    for (uint32_t i = 0; i < m->count; i++) {
        size_t n = strlen(m->compartments[i].name);
        longest = n > longest ? n : longest;
    }
    if (longest > NAME_LETTERS_MAX)
        longest = NAME_LETTERS_MAX;
    struct frame f = {.m = m, .label = (int)longest * LETTER_WIDTH + 12};
    f.heads = f.label;
    f.grid_y = TOP + LEGEND_LINES * SVG_LINE_HEIGHT + f.heads;
    f.width = 2 * MARGIN + f.label + (int)m->count * CELL;
    if (f.width < WIDTH_LEAST)
        f.width = WIDTH_LEAST;
    return f;
}

static void
put_legend(struct buf *b)
{
    int y = TOP + SVG_LINE_HEIGHT;
    svg_text(
        b, MARGIN, y, "small",
        bytes_text("Each row: this one process runs an attacker's code, all others are honest. "
                   "Each column: what that does to this one."));
    for (size_t i = 0; i < ARRAY_COUNT(effects); i++) {
        y += SVG_LINE_HEIGHT;
        buf_format(b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n", MARGIN,
                   y - QUARTER + 1, QUARTER, QUARTER, effects[i].color);
        svg_text(b, MARGIN + 20, y, "small", bytes_text(effects[i].meaning));
    }
    svg_text(b, MARGIN, y + SVG_LINE_HEIGHT, "small",
             bytes_text("White: nothing at all. Point at a cell to see by which messages."));
}

static void
put_names(struct buf *b, const struct frame *f)
{
    for (uint32_t i = 0; i < f->m->count; i++) {
        struct bytes name = bytes_text(f->m->compartments[i].name);
        if (name.len > NAME_LETTERS_MAX)
            name.len = NAME_LETTERS_MAX;
        int x = MARGIN + f->label + (int)i * CELL, y = f->grid_y + (int)i * CELL;
        svg_text(b, MARGIN, y + CELL - 9, "small", name);
        buf_format(b, "<g transform=\"translate(%d %d) rotate(-90)\">", x + CELL - 9,
                   f->grid_y - 8);
        svg_text(b, 0, 0, "small", name);
        buf_text(b, "</g>\n");
    }
}

static void
put_cell(struct buf *b, const struct frame *f, uint32_t from, uint32_t to)
{
    const struct matrix *m = f->m;
    int x = MARGIN + f->label + (int)to * CELL, y = f->grid_y + (int)from * CELL;
    const char *fill = from == to ? "#ddd" : "#fff";
    buf_format(b,
               "<g><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\" "
               "stroke=\"#ccc\"/>",
               x, y, CELL, CELL, fill);
    if (from != to)
        buf_format(b, "<title>%s to %s:", m->compartments[from].name, m->compartments[to].name);
    for (size_t i = 0; i < ARRAY_COUNT(effects); i++)
        if (m->cells[from][to] & effects[i].effect) {
            buf_format(b, " can %s it by ", effects[i].verb);
            svg_escaped(b, bytes_text(matrix_by(m, from, to, effects[i].effect)));
            buf_text(b, ".");
        }
    if (from != to)
        buf_format(b, "%s</title>", m->cells[from][to] ? "" : " nothing");
    for (size_t i = 0; i < ARRAY_COUNT(effects); i++)
        if (m->cells[from][to] & effects[i].effect)
            buf_format(b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>",
                       x + 2 + (int)(i % 2) * (QUARTER + 1), y + 2 + (int)(i / 2) * (QUARTER + 1),
                       QUARTER, QUARTER, effects[i].color);
    buf_text(b, "</g>\n");
}

/* ---- sentences --------------------------------------------------------------------------------
 */

/* By what message, in the first cell that has one. */
static const char *
way_between(const struct matrix *m, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < m->count; i++)
        for (uint32_t k = 0; k < m->count; k++)
            for (size_t e = 0; e < ARRAY_COUNT(effects); e++)
                if (m->compartments[i].zone == (int32_t)from &&
                    m->compartments[k].zone == (int32_t)to && (m->cells[i][k] & effects[e].effect))
                    return matrix_by(m, i, k, effects[e].effect);
    return "nothing";
}

static void
add_reached(struct buf *s, const struct matrix *m, uint32_t from, uint32_t to)
{
    uint8_t cell = matrix_between(m, (int32_t)from, (int32_t)to);
    const char *before = "";
    for (size_t i = 0; i < ARRAY_COUNT(effects); i++)
        if (cell & effects[i].effect) {
            buf_format(s, "%s%s", before, effects[i].verb);
            before = " and ";
        }
    buf_format(s, " %s (%s)", m->charter->zones[to].name, way_between(m, from, to));
}

/* "If all of bikes is breached: it can write to and disturb signals. Out of its reach: ..." */
static void
put_sentence(struct buf *s, const struct matrix *m, uint32_t from)
{
    const struct charter *c = m->charter;
    const char *before = "it can ";
    buf_format(s, "If all of %s is breached: ", c->zones[from].name);
    for (uint32_t to = 0; to < c->zones_count; to++)
        if (to != from && matrix_between(m, (int32_t)from, (int32_t)to)) {
            buf_text(s, before);
            add_reached(s, m, from, to);
            before = ", ";
        }
    buf_text(s, strcmp(before, ", ") == 0 ? "." : "it reaches no other zone.");
    before = " Out of its reach: ";
    for (uint32_t to = 0; to < c->zones_count; to++)
        if (to != from && !matrix_between(m, (int32_t)from, (int32_t)to)) {
            buf_format(s, "%s%s", before, c->zones[to].name);
            before = ", ";
        }
    if (strcmp(before, ", ") == 0)
        buf_byte(s, '.');
}

/* Draws only when b is not NULL; the y below. */
static int
put_sentences(struct buf *b, const struct frame *f)
{
    int y = f->grid_y + (int)f->m->count * CELL + 2 * SVG_LINE_HEIGHT;
    size_t letters = (size_t)(f->width - 2 * MARGIN) / LETTER_WIDTH;
    if (b)
        svg_text(b, MARGIN, y, "bold", bytes_text("Zones as a whole"));
    y += SVG_LINE_HEIGHT;
    for (uint32_t z = 0; z < f->m->charter->zones_count; z++) {
        struct buf s;
        buf_init(&s, 8192);
        put_sentence(&s, f->m, z);
        y = svg_wrapped(b, MARGIN, y, "small", letters, buf_bytes(&s));
        buf_fini(&s);
    }
    y = svg_wrapped(
        b, MARGIN, y + 6, "small", letters,
        bytes_text("The city's ledger hears every zone and can keep its answer back: "
                   "then nobody reads and nothing is commanded, while readings are "
                   "still kept. The judge signs tokens: with a caller's certificate and "
                   "a gate, a thief of its key reads what callers may read."));
    return y + MARGIN;
}

static void
put_head(struct buf *b, const struct frame *f, int height)
{
    struct buf title;
    buf_format(b,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" "
               "height=\"%d\" viewBox=\"0 0 %d %d\">\n",
               f->width, height, f->width, height);
    buf_text(b, "<style>text{font-family:DejaVu Sans,Verdana,sans-serif;fill:#222}"
                ".small{font-size:11px}.bold{font-size:12px;font-weight:bold}"
                ".title{font-size:20px;font-weight:bold}</style>\n");
    buf_format(b, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", f->width, height);
    buf_init(&title, 512);
    buf_format(&title, "%s: who touches whom, if breached", f->m->charter->city);
    size_t room = (size_t)(f->width - 2 * MARGIN) / 13;
    svg_text(b, MARGIN, 40, "title", bytes_of(title.p, svg_fitting(buf_bytes(&title), room)));
    buf_fini(&title);
    svg_text(b, MARGIN, 60, "small",
             bytes_text("One process each; only the messages that the "
                        "charter and the plan name."));
}

void
matrix_put_svg(struct buf *b, const struct matrix *m)
{
    struct frame f = frame_of(m);
    put_head(b, &f, put_sentences(NULL, &f));
    put_legend(b);
    put_names(b, &f);
    for (uint32_t from = 0; from < m->count; from++)
        for (uint32_t to = 0; to < m->count; to++)
            put_cell(b, &f, from, to);
    put_sentences(b, &f);
    buf_text(b, "</svg>\n");
}
