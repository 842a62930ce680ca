/*
 * weather.h -- seasons, days and clouds, from a seed. The same sky for all homes. Pure.
 */
#ifndef FIELD_WEATHER_H
#define FIELD_WEATHER_H

#include "base/base.h"
#include "base/random.h"

enum day_kind { DAY_CLEAR, DAY_MIXED, DAY_GREY };

struct weather {
    struct random_source random;
    enum day_kind kind;
    uint32_t day;    /* of the year, 0..364, for which kind was drawn */
    double cloud;    /* 0..1, wanders */
    double warmth_c; /* of the day, mean */
    bool drawn;
};

/* Draw what belongs to this moment; call with minutes that grow. */
void weather_step(struct weather *w, uint64_t minute_of_year);

/* Share of the rated power that a solar roof gives, 0..1. */
double weather_sun(const struct weather *w, uint64_t minute_of_year);
/* Air temperature, °C. */
double weather_air_c(const struct weather *w, uint64_t minute_of_year);

/* Uniform in 0..1, and a bell of mean 0 and deviation 1 (sum of twelve). */
double random_unit(const struct random_source *r);
double random_bell(const struct random_source *r);

#endif
