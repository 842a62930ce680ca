/*
 * requests.h -- of machine.c: what is asked of the machine is noted here, or refused, and never
 * acted upon; the seconds act. Each is a handler of its table.
 */
#ifndef FIELD_LIGHTS_REQUESTS_H
#define FIELD_LIGHTS_REQUESTS_H

#include "field/lights/machine.h"

enum err request_wish(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_expiry(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_sensors(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_vehicle_call(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_pedestrian_call(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_bus_call(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_bus_out(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_preempt_call(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_preempt_out(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_flash_on(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_flash_off(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_red_on(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_red_off(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_manual_on(struct machine *m, const struct lights_event *e) MUST_USE;
enum err request_manual_off(struct machine *m, const struct lights_event *e) MUST_USE;

#endif
