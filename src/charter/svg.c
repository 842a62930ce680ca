#include "charter/svg.h"

/* XML's five; text of charters holds no control characters. */
void
svg_escaped(struct buf *b, struct bytes s)
{
    for (size_t i = 0; i < s.len; i++) {
        switch (s.p[i]) {
        case '&':
            buf_text(b, "&amp;");
            break;
        case '<':
            buf_text(b, "&lt;");
            break;
        case '>':
            buf_text(b, "&gt;");
            break;
        case '"':
            buf_text(b, "&quot;");
            break;
        default:
            buf_byte(b, s.p[i]);
        }
    }
}

void
svg_text(struct buf *b, int x, int y, const char *style, struct bytes s)
{
    buf_format(b, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, style);
    svg_escaped(b, s);
    buf_text(b, "</text>\n");
}

/* Characters, as far as the width of text is concerned. */
size_t
svg_letters(struct bytes s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

/* How many bytes of s fit into `max` letters, cut at a space when there is one. */
size_t
svg_fitting(struct bytes s, size_t max)
{
    size_t n = 0, i = 0, space = 0;
    for (; i < s.len; i++) {
        if ((s.p[i] & 0xc0) != 0x80 && ++n > max)
            break;
        if (s.p[i] == ' ')
            space = i;
    }
    if (i == s.len)
        return i;
    return space ? space : i;
}

/* Text in lines of at most `max` letters; returns the y below. Draws only when b is not NULL. */
int
svg_wrapped(struct buf *b, int x, int y, const char *style, size_t max, struct bytes s)
{
    for (int lines = 0; s.len > 0 && lines < SVG_LINES_MAX; lines++) {
        size_t n = svg_fitting(s, max);
        if (b)
            svg_text(b, x, y, style, bytes_of(s.p, n));
        y += SVG_LINE_HEIGHT;
        s = bytes_skip(s, n);
        if (s.len > 0 && s.p[0] == ' ')
            s = bytes_skip(s, 1);
    }
    return y;
}
