/*
 * tripinfo.h -- what SUMO wrote about every trip, added up. Pure.
 */
#ifndef FIELD_SUMO_TRIPINFO_H
#define FIELD_SUMO_TRIPINFO_H

#include "base/base.h"

enum { TRIPINFO_BYTES_MAX = 256 * 1024 * 1024 };

struct tripinfo {
    uint64_t vehicles;   /* all lines: finished, under way, never let in */
    uint64_t undeparted; /* of them never let in */
    uint64_t unfinished; /* of them under way */
    double delay_s;      /* mean of timeLoss + departDelay over all */
    double waiting_s;    /* mean of waitingTime */
};

/*
 * Add up an output of --tripinfo-output with write-unfinished and write-undeparted. ERR_MALFORMED
 * when a line lacks a figure or the file is cut.
 */
enum err tripinfo_read(struct bytes xml, struct tripinfo *out) MUST_USE;

#endif
