/*
 * number.h -- an integer of a device's JSON, in range or refused.
 */
#ifndef SERVICES_SIGNALS_NUMBER_H
#define SERVICES_SIGNALS_NUMBER_H

#include <cjson/cJSON.h>

#include "base/base.h"

/* ERR_MALFORMED for anything but an integer in [min, max]: NaN, a fraction, a text, NULL. */
static inline enum err
signals_int(const cJSON *v, int32_t min, int32_t max, int32_t *out)
{
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= min && v->valuedouble <= max))
        return ERR_MALFORMED;
    int32_t i = (int32_t)v->valuedouble;
    if ((double)i != v->valuedouble)
        return ERR_MALFORMED;
    *out = i;
    return OK;
}

#endif
