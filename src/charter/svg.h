/*
 * svg.h -- text in pictures: escaped, and in lines that fit. Text of charters holds no control
 * characters.
 */
#ifndef CHARTER_SVG_H
#define CHARTER_SVG_H

#include "base/base.h"
#include "base/buf.h"

enum { SVG_LINE_HEIGHT = 17, SVG_LINES_MAX = 256 };

void svg_escaped(struct buf *b, struct bytes s);
void svg_text(struct buf *b, int x, int y, const char *style, struct bytes s);
/* Characters, as far as the width of text is concerned. */
size_t svg_letters(struct bytes s);
/* How many bytes of s fit into `max` letters, cut at a space when there is one. */
size_t svg_fitting(struct bytes s, size_t max);
/* Text in lines of at most `max` letters; returns the y below. Draws only when b is not NULL. */
int svg_wrapped(struct buf *b, int x, int y, const char *style, size_t max, struct bytes s);

#endif
