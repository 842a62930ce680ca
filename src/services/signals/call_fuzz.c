/*
 * Any bytes as what vehicles say, one call behind the other, with times near ours. What is read is
 * in range, and whatever is said, one pre-emption at a time is due, for a phase that there is.
 */
#include "base/fuzz.h"
#include "services/signals/calls.h"

static const char thing[] =
    "{\"properties\":{\"phases\":[\"Gr\",\"rG\"],\"links\":[{\"lane\":\"n_0\",\"exit\":\"s\"},"
    "{\"lane\":\"e_0\",\"exit\":\"s\"}],\"lanes\":[\"n_0\",\"e_0\"],\"exits\":[\"s\"],"
    "\"plan\":[{\"phase\":0,\"seconds\":30}]}}";

static struct calls calls;
static struct signals_model model;

static void
hear(const struct call *call, uint8_t who, uint8_t skew, uint64_t now_ms)
{
    static const char *const names[] = {"emergency-1", "emergency-2", "bus-1", "car-1"};
    struct calls_from from = {.device = bytes_text(names[who % ARRAY_COUNT(names)]),
                              .time_us = (int64_t)now_ms * 1000 + (skew - 128) * 20000,
                              .wall_us = (int64_t)now_ms * 1000,
                              .now_ms = now_ms};
    char why[CALLS_WHY_SIZE] = "";
    struct calls_need need;
    enum err e = calls_hear(&calls, &from, call, 0, &model, why);
    ASSERT(e == OK ? why[0] == '\0' : e == ERR_DENIED && why[0] != '\0');
    calls_due(&calls, 0, (int32_t)(who % 3) - 1, 15000, now_ms, &need);
    ASSERT(need.preempt < (int32_t)model.phases_count);
    ASSERT(need.buses_count <= CONTROL_CALLS_MAX);
    if (need.preempt >= 0)
        calls_answered(&calls, 0, need.preempt, who % 5 != 0, 15000, now_ms);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_of(data, size);
    uint64_t now_ms = 1000000;
    calls_init(&calls);
    enum err e = signals_model_read(bytes_text(thing), &model);
    ASSERT(e == OK);
    while (rest.len) {
        uint8_t who = fuzz_byte(&rest), skew = fuzz_byte(&rest), passed = fuzz_byte(&rest);
        struct bytes part = fuzz_part(&rest);
        uint8_t *exact = fuzz_exact(part);
        struct call call = {0};
        now_ms += (uint64_t)passed * 50;
        if (call_read(bytes_of(exact, part.len), &call) == OK) {
            ASSERT(call.kind == VEHICLE_BUS || call.kind == VEHICLE_EMERGENCY);
            ASSERT(call.eta_ms <= CALL_ETA_MAX_MS && call.distance_m <= CALL_DISTANCE_MAX_M);
            ASSERT(call.late_s <= CALL_LATE_MAX_S && call.late_s >= -CALL_LATE_MAX_S);
            ASSERT(call.junction[0] && call.lane);
            hear(&call, who, skew, now_ms);
        }
        free(exact);
    }
    return 0;
}
