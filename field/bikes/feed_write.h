/*
 * feed_write.h -- a fleet as the files of a GBFS 3.0 feed. Pure.
 */
#ifndef FIELD_FEED_WRITE_H
#define FIELD_FEED_WRITE_H

#include "base/base.h"
#include "base/buf.h"
#include "field/bikes/fleet.h"

/*
 * Write the file of this name ("gbfs", "system_information", "vehicle_types",
 * "station_information", "station_status", "vehicle_status"). ERR_NOT_FOUND: no such file.
 * `base` is in front of every URL ("http://127.0.0.1:8099/gbfs/3.0/").
 */
enum err feed_write(const char *name, const struct fleet *f, const char *base, int64_t now_us,
                    struct buf *out) MUST_USE;

#endif
