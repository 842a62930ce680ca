/*
 * reading.h -- what the street half reported, as results of the device's Datastreams. Pure.
 *
 *   lanes    {"phase":0,"age":12,"stop":[..],"stop_on":"01","dead":"01",...}
 *            (services/signals/reading.h)
 *   state    {"shown":"rGrrrGrr","why":"..."}    a letter a NEMA phase: r, y, G, - unused, ?
 * unknown cabinet  {"commanded":false,"why":"...",...} and what the timing's figure is, if that is
 * it
 */
#ifndef FIELD_NTCIP_READING_H
#define FIELD_NTCIP_READING_H

#include "field/ntcip/cabinet.h"
#include "field/ntcip/halves.h"

void reading_put_lanes(struct buf *out, const struct cabinet *c, const struct half_report *r);
void reading_put_state(struct buf *out, const struct cabinet *c, const struct half_report *r);
void reading_put_cabinet(struct buf *out, const struct half_report *r);

/* Would reading_put_state() or reading_put_cabinet() say something else? */
bool reading_state_differs(const struct half_report *a, const struct half_report *b);
bool reading_cabinet_differs(const struct half_report *a, const struct half_report *b);

#endif
