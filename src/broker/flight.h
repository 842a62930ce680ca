/*
 * flight.h -- one delivery to one client, as a pure table of state x event (MQTT 5, 4.3).
 *
 * F1  PUBLISH is sent again only before PUBREC: a client never gets a QoS 2 message twice.
 * F2  The packet id is free only after PUBACK, PUBCOMP or a refusing PUBREC.
 * F3  A pair that is not in the table changes nothing.
 */
#ifndef BROKER_FLIGHT_H
#define BROKER_FLIGHT_H

#include "base/base.h"

enum flight_state {
    FLIGHT_QUEUED = 1, /* not sent on this connection */
    FLIGHT_SENT,       /* waits for PUBACK or PUBREC */
    FLIGHT_RELEASING,  /* PUBREC came: PUBREL is due, once that is durable */
    FLIGHT_RELEASED,   /* PUBREL was sent: waits for PUBCOMP */
    FLIGHT_STATE_COUNT
};
enum flight_event {
    FLIGHT_SEND, /* there is room in the client's window */
    FLIGHT_PUBACK,
    FLIGHT_PUBREC,
    FLIGHT_PUBREC_FAIL, /* with a reason of 0x80 or above */
    FLIGHT_PUBREL,      /* what PUBREC said is durable now */
    FLIGHT_PUBCOMP,
    FLIGHT_LOST, /* the connection is gone */
    FLIGHT_EVENT_COUNT
};
enum flight_action { FLIGHT_NOTHING, FLIGHT_KEEP_RELEASE, FLIGHT_DONE };

/* ERR_WRONG_STATE: the pair does not happen; nothing changed. `out` is what the owner has to do. */
enum err flight_step(enum flight_state *state, uint8_t qos, enum flight_event event,
                     enum flight_action *out) MUST_USE;

#endif
