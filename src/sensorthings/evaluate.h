/*
 * evaluate.h -- inside this folder: values while an expression is evaluated.
 */
#ifndef SENSORTHINGS_EVALUATE_H
#define SENSORTHINGS_EVALUATE_H

#include <math.h>

#include "sensorthings/filter.h"

static inline struct sta_value
null_value(void)
{
    return (struct sta_value){.kind = STA_NULL};
}
static inline struct sta_value
bool_value(bool v)
{
    return (struct sta_value){.kind = STA_BOOL, .number = v};
}
static inline struct sta_value
number_value(double v)
{
    return isfinite(v) ? (struct sta_value){.kind = STA_NUMBER, .number = v} : null_value();
}
static inline struct sta_value
text_value(struct bytes text)
{
    return (struct sta_value){.kind = STA_TEXT, .text = text};
}
static inline struct sta_value
time_value(int64_t start_us, int64_t end_us)
{
    return (struct sta_value){.kind = STA_TIME, .time_us = start_us, .end_us = end_us};
}

/* A function of the language over its arguments' values. */
struct sta_value sta_call_value(const struct sta_expr *e, struct sta_scope *scope,
                                const struct sta_row *row);
/* Text that is a time, as one; anything else as it is. */
struct sta_value sta_value_as_time(struct sta_value v);

#endif
