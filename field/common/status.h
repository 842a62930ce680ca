/*
 * status.h -- what a field program says about itself: key=value lines in one file.
 *
 * Written to a temporary name and renamed, so that a reader never sees half of it.
 */
#ifndef FIELD_STATUS_H
#define FIELD_STATUS_H

#include "base/base.h"
#include "base/buf.h"

enum { STATUS_BYTES_MAX = 64 * 1024 };

/* One line. Keys are [a-z0-9_]; values hold no newline (one is written as a blank). */
void status_put(struct buf *b, const char *key, const char *format, ...) PRINTF_LIKE(3, 4);

/* Replace the file. ERR_IO leaves the old one. */
enum err status_write(const char *file, struct bytes lines) MUST_USE;

#endif
