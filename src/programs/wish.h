/*
 * wish.h -- what people approve when they approve a command: warden and core must mean the same
 * bytes.
 */
#ifndef PROGRAMS_WISH_H
#define PROGRAMS_WISH_H

#include "programs/messages.h"

/*
 * What approvals bind: SHA-256 of "bulkhead wish v1\nzone Z\ndevice D\ncommand C\n" and the
 * parameters as the wish carries them.
 */
void wish_digest(const char *zone, const struct wish *wish, uint8_t out[static 32]);

#endif
