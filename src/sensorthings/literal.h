/*
 * literal.h -- inside this folder: literals of the expression language, read and written.
 */
#ifndef SENSORTHINGS_LITERAL_H
#define SENSORTHINGS_LITERAL_H

#include "sensorthings/filter.h"

/* The length of the number, time, interval, date or clock time at the start; 0 when it is none. */
size_t sta_literal_read(struct bytes text, struct sta_value *out);
/* An ISO 8601 duration of days, hours, minutes and seconds ("-P1DT2H3M4.5S"). ERR_MALFORMED. */
enum err sta_duration_parse(struct bytes text, int64_t *out_us) MUST_USE;
/* As the language writes it. */
void sta_literal_print(const struct sta_value *value, struct buf *out);

#endif
