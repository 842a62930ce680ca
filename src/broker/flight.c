#include "broker/flight.h"

struct step {
    enum flight_state next; /* 0: the pair is refused */
    enum flight_action action;
};

static const struct step table[2][FLIGHT_STATE_COUNT][FLIGHT_EVENT_COUNT] = {
    {
        /* QoS 1 */
        [FLIGHT_QUEUED][FLIGHT_SEND] = {FLIGHT_SENT, FLIGHT_NOTHING},
        [FLIGHT_QUEUED][FLIGHT_LOST] = {FLIGHT_QUEUED, FLIGHT_NOTHING},
        [FLIGHT_SENT][FLIGHT_PUBACK] = {FLIGHT_SENT, FLIGHT_DONE},
        [FLIGHT_SENT][FLIGHT_LOST] = {FLIGHT_QUEUED, FLIGHT_NOTHING},
    },
    {
        /* QoS 2 */
        [FLIGHT_QUEUED][FLIGHT_SEND] = {FLIGHT_SENT, FLIGHT_NOTHING},
        [FLIGHT_QUEUED][FLIGHT_LOST] = {FLIGHT_QUEUED, FLIGHT_NOTHING},
        [FLIGHT_SENT][FLIGHT_PUBREC] = {FLIGHT_RELEASING, FLIGHT_KEEP_RELEASE},
        [FLIGHT_SENT][FLIGHT_PUBREC_FAIL] = {FLIGHT_SENT, FLIGHT_DONE},
        [FLIGHT_SENT][FLIGHT_LOST] = {FLIGHT_QUEUED, FLIGHT_NOTHING},
        [FLIGHT_RELEASING][FLIGHT_PUBREC] = {FLIGHT_RELEASING, FLIGHT_NOTHING}, /* said again */
        [FLIGHT_RELEASING][FLIGHT_PUBREL] = {FLIGHT_RELEASED, FLIGHT_NOTHING},
        [FLIGHT_RELEASING][FLIGHT_LOST] = {FLIGHT_RELEASING, FLIGHT_NOTHING},
        [FLIGHT_RELEASED][FLIGHT_PUBREC] = {FLIGHT_RELEASING, FLIGHT_NOTHING},
        [FLIGHT_RELEASED][FLIGHT_PUBCOMP] = {FLIGHT_RELEASED, FLIGHT_DONE},
        [FLIGHT_RELEASED][FLIGHT_LOST] = {FLIGHT_RELEASING, FLIGHT_NOTHING}, /* MQTT-4.4.0-1 */
    },
};

enum err
flight_step(enum flight_state *state, uint8_t qos, enum flight_event event, enum flight_action *out)
{
    ASSERT(*state < FLIGHT_STATE_COUNT && event < FLIGHT_EVENT_COUNT && (qos == 1 || qos == 2));
    struct step step = table[qos - 1][*state][event];
    if (step.next == 0)
        return ERR_WRONG_STATE;
    *state = step.next;
    *out = step.action;
    return OK;
}
