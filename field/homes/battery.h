/*
 * battery.h -- one battery, as specs/energy.md 2.1 describes it (CityLearn 1.3.6). Pure.
 *
 * Energies in kWh, powers in kW at the meter, positive = charge.
 */
#ifndef FIELD_BATTERY_H
#define FIELD_BATTERY_H

#include "base/base.h"

struct battery {
    double stored_kwh, capacity_kwh;
    double first_capacity_kwh, power_kw; /* as bought */
};

void battery_init(struct battery *b, double capacity_kwh, double power_kw);

/*
 * Ask for `power_kw` at the meter for `hours`. Limits of power and of what is stored hold whatever
 * is asked. Answers the energy at the meter that really flowed.
 */
double battery_step(struct battery *b, double power_kw, double hours);

/* 0..1, also when the capacity faded below what is stored. */
double battery_soc(const struct battery *b);

#endif
