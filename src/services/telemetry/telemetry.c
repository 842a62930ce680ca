#include "programs/core/service.h"

/* Readings in, nothing out: no wish is ever made, so there is nothing to remember. */
struct telemetry {
    bool started;
};

static enum err
telemetry_start(void *self, const struct start *start, const struct service_ports *ports,
                struct bytes saved_state)
{
    struct telemetry *t = self;
    (void)start;
    (void)ports;
    (void)saved_state;
    ASSERT(!t->started);
    t->started = true;
    return OK;
}

const struct service service_this = {
    .name = "telemetry",
    .size = sizeof(struct telemetry),
    .start = telemetry_start,
};
