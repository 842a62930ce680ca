/*
 * seen.h -- the highest lease number that a device has taken, kept over restarts.
 *
 * DIR/DEVICE/sequence holds it as decimal text. It is written under another name, synced and
 * renamed before the device acts, so a device that was started anew, or a warden that was restored
 * from an old backup, cannot make it act on a number twice. No file: a device that never took one.
 */
#ifndef FIELD_SEEN_H
#define FIELD_SEEN_H

#include "base/base.h"

/* ERR_MALFORMED: the file holds something else; ERR_IO. */
enum err seen_read(const char *folder, uint64_t *out) MUST_USE;
/* OK means durable. */
enum err seen_write(const char *folder, uint64_t sequence) MUST_USE;

#endif
