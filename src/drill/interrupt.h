/*
 * interrupt.h -- Ctrl-C ends a drill after the step that runs, so that what was planted and made is
 * taken away.
 */
#ifndef DRILL_INTERRUPT_H
#define DRILL_INTERRUPT_H

#include "base/base.h"

void interrupt_watch(void); /* SIGINT, SIGTERM, SIGHUP */
bool interrupt_seen(void);

#endif
