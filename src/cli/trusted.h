/*
 * trusted.h -- the supervisor itself, as the kernel tells it: which capabilities it holds, and that
 * it can get no others. See programs/supervisor/confine.h for what it may keep.
 */
#ifndef CLI_TRUSTED_H
#define CLI_TRUSTED_H

#include "base/buf.h"

/*
 * One line, or a member `"supervisor":{...}` behind a comma. False when it holds more than it may.
 * `root`: an ordinary user has no capabilities, but cannot empty the bounding set.
 */
bool trusted_put(struct buf *b, uint32_t pid, bool root, bool json);

#endif
