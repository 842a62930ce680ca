#include "drill/interrupt.h"

#include <signal.h>

static volatile sig_atomic_t seen;

static void
on_interrupt(int number)
{
    (void)number;
    seen = 1;
}

void
interrupt_watch(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++)
        sigaction(signals[i], &action, NULL);
}

bool
interrupt_seen(void)
{
    return seen != 0;
}
