/*
 * live.h -- look at the running processes themselves: does each one have every wall?
 *
 * Reads /proc/PID: uid, NoNewPrivs, Seccomp mode, capability sets, namespaces against our own,
 * limits, descriptors against the number and the kinds that it was given, and whether its root is
 * empty. A wall that cannot be looked at counts as missing and is named so.
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "base/buf.h"
#include "programs/messages.h"

/* Appends findings; true when every wall of every process stands. */
bool live_check(struct buf *b, const struct status_row *rows, size_t count, bool user_namespaces,
                bool json);

/* One process: missing walls as a bit set of enum sandbox_wall; sentences into `why`. */
uint32_t live_missing_walls(const struct status_row *row, bool user_namespaces, struct buf *why);

#endif
