/*
 * coarsen.h -- places made coarse.
 *
 * Fewer decimals are only a smaller cell, not protection by themselves (specs/privacy.md 2); they
 * are what the purpose needs and no more.
 */
#ifndef PRIVACY_COARSEN_H
#define PRIVACY_COARSEN_H

#include "base/base.h"

enum { COARSEN_AREA_SIZE = 32, COARSEN_AREA_M = 1000 };

/* Degrees in units of 0.0001 (about 11 m north to south). */
struct place {
    int32_t lat_e4, lon_e4;
};

/* ERR_MALFORMED outside -90..90, -180..180, or when a value is no number. */
enum err coarsen_place(double lat, double lon, struct place *out) MUST_USE;

/* The cell of a grid of about 1 km: rows of 1 km, and in each row columns of 1 km at its middle. */
struct area {
    uint16_t row, column;
};
struct area coarsen_area(struct place place);
/* "cell-15021-10342": a name in the sense of text_is_name(). */
void coarsen_area_name(struct area area, char out[static COARSEN_AREA_SIZE]);
/* Back from the name, and from nothing else: a cell has one name. ERR_MALFORMED. */
enum err coarsen_area_read(struct bytes name, struct area *out) MUST_USE;

#endif
