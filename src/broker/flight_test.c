#include "broker/flight.h"

#include "base/test.h"

TEST(a_delivery_keeps_its_invariants_for_every_state_and_event)
{
    uint32_t allowed = 0, done = 0;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        for (enum flight_state s = FLIGHT_QUEUED; s < FLIGHT_STATE_COUNT; s++) {
            for (enum flight_event ev = 0; ev < FLIGHT_EVENT_COUNT; ev++) {
                enum flight_state state = s;
                enum flight_action action = FLIGHT_NOTHING;
                enum err e = flight_step(&state, qos, ev, &action);
                if (e != OK) {
                    CHECK(state == s && action == FLIGHT_NOTHING); /* F3 */
                    continue;
                }
                allowed++;
                done += action == FLIGHT_DONE;
                if (s >= FLIGHT_RELEASING)
                    CHECK(state >= FLIGHT_RELEASING); /* F1 */
                if (state == FLIGHT_QUEUED)
                    CHECK(s <= FLIGHT_SENT && (ev == FLIGHT_LOST || ev == FLIGHT_SEND));
                if (action == FLIGHT_DONE) /* F2 */
                    CHECK((qos == 1 && s == FLIGHT_SENT && ev == FLIGHT_PUBACK) ||
                          (qos == 2 && s == FLIGHT_SENT && ev == FLIGHT_PUBREC_FAIL) ||
                          (qos == 2 && s == FLIGHT_RELEASED && ev == FLIGHT_PUBCOMP));
                if (action == FLIGHT_KEEP_RELEASE)
                    CHECK(qos == 2 && s == FLIGHT_SENT && ev == FLIGHT_PUBREC);
                if (ev == FLIGHT_LOST)
                    CHECK(state == FLIGHT_QUEUED || state == FLIGHT_RELEASING);
            }
        }
    }
    CHECK(allowed == 15 && done == 3);
}
