/*
 * means.h -- by what means a breached process takes more than its share; the number that comes
 * with SIGUSR1. drills/starve/run names them by the same numbers.
 */
#ifndef DRILLS_STARVE_MEANS_H
#define DRILLS_STARVE_MEANS_H

enum means {
    MEANS_CPU = 1,     /* a busy loop, with a heartbeat now and then */
    MEANS_MEMORY,      /* maps and touches what it can */
    MEANS_DISK,        /* writes and syncs its state file */
    MEANS_RECORDS,     /* small records to the ledger, as fast as the channel takes them */
    MEANS_LOG_ENTRIES, /* long ones: its log grows */
    MEANS_CONDUIT,     /* counts through its conduit: the credits of its rate */
    MEANS_HEARTBEATS,  /* the supervisor's own channel */
    MEANS_LOG_LINES,   /* standard error, which the supervisor reads */
    MEANS_PROCESSES,   /* fork: killed by its filter */
    MEANS_DESCRIPTORS, /* dup: killed by its filter */
    MEANS_CRASH,       /* an end on purpose, as often as it is started */
    MEANS_COUNT
};

#endif
