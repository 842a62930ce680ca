/* matrix.c -- what a breached compartment says to its neighbours, over what it was given. */
#include "drills/payload.h"
#include "programs/messages.h"
#include "programs/program.h"
#include "wire/channel.h"

#include <time.h>

/* A count that the valve of a conduit lets pass: 4000 in one cell, in the last whole minute. */
static int
send_count(const char *const targets[])
{
    const struct start *start = program_given();
    int fd = start ? start_fd(start, FD_CONDUIT, NULL) : -1;
    struct zone_count m = {.area = bytes_text("cell-12000-9000"), .count = 4000, .window_s = 60};
    struct channel c;
    (void)targets;
    if (fd < 0)
        return 2;
    m.window_start_s = (int64_t)time(NULL) / 60 * 60 - 60;
    channel_init(&c, fd);
    return CHANNEL_SEND(&c, zone_count, &m) == OK && channel_flush(&c) == OK;
}

const struct drill_attempt drill_attempts[] = {
    {"COUNT", "sends one count over its conduit", send_count},
    {0},
};
