/*
 * controller.h -- which phase an intersection should show next: max pressure.
 *
 * The pressure of a phase is the sum over the lanes that it serves of what stands and comes there,
 * less what stands where it would go (Varaiya 2013; specs: a rule per intersection that needs no
 * model of the city). Pure, integers only, deterministic: ties stay, then go on in cyclic order.
 *
 * C1  No vehicle near the intersection: no wish.
 * C2  A lane with somebody standing that was not served for patience_ms comes first.
 * C3  `barred` (a phase that was held as long as anybody may hold it) is never wished.
 * C4  Another phase than the shown one is wished only if its pressure is strictly greater, or for
 * C2, C3.
 */
#ifndef SERVICES_SIGNALS_CONTROLLER_H
#define SERVICES_SIGNALS_CONTROLLER_H

#include "services/signals/model.h"

enum {
    WEIGHT_STANDING = 10,
    WEIGHT_COMING = 3, /* moving within 200 m: will be there within the next green */
    NO_WISH = -1,
};

struct controller_input {
    const struct signals_model *model;
    const struct signals_counts *counts;
    int32_t current;             /* the phase that is shown or was granted last; -1: none */
    int32_t barred;              /* see C3; -1: none */
    const uint64_t *unserved_ms; /* for each lane, how long it has had no green */
    uint64_t patience_ms;
};

/* In units of WEIGHT_STANDING x links of a lane; for comparing phases of one intersection only. */
int64_t controller_pressure(const struct signals_model *model, const struct signals_counts *counts,
                            uint32_t phase);

/* True if some link of the lane is green in the phase. */
bool controller_serves(const struct signals_model *model, uint32_t phase, uint32_t lane);

/* The wished phase, or NO_WISH. */
int32_t controller_wish(const struct controller_input *in);

#endif
