/*
 * secrets.h -- is what a process keeps secret locked in memory?
 *
 * Keys lie in memory of sodium_malloc() (in a gate also of OpenSSL's secure heap): between guard
 * pages, left out of dumps, and locked, unless the limit for locked memory is too small: that is no
 * error there. So it is looked at.
 */
#ifndef PROGRAMS_SECRETS_H
#define PROGRAMS_SECRETS_H

#include "base/base.h"

/* False when some memory of this process is left out of dumps but not locked: it may be swapped. */
bool secrets_locked(void);

#endif
