/*
 * limits.h -- what a process of each kind may take of the machine: one table for the process that
 * sets it and for the tool that looks whether it stands.
 */
#ifndef PROGRAMS_LIMITS_H
#define PROGRAMS_LIMITS_H

#include "runtime/sandbox.h"

enum {
    LIMITS_FILES = 256,
    LIMITS_GATE_CONNECTIONS = 2048, /* at least; more where the zone has memory for them */
    LIMITS_GATE_CONNECTIONS_MAX = 12288,
    LIMITS_GATE_CONNECTION_BYTES = 128 * 1024, /* of the zone's memory for each: while it works */
    LIMITS_GATE_OTHER_FILES = 64, /* of a gate, besides a descriptor for each connection */
    LIMITS_LEDGER_FILES = 512,
    LIMITS_STATE_BYTES = 4096, /* judge and warden: at most a small file of numbers */
};
#define LIMITS_FILE_BYTES ((uint64_t)16 << 20)
/* A core's file: at least this, else what the charter gives the zone of disk. */
#define LIMITS_CORE_FILE_BYTES ((uint64_t)64 << 20)
/* Of a process that belongs to no zone. */
#define LIMITS_CITY_MEMORY_BYTES ((uint64_t)256 << 20)
#define LIMITS_LEDGER_MEMORY_BYTES ((uint64_t)512 << 20)
#define LIMITS_LEDGER_FILE_BYTES ((uint64_t)1024 << 30)

/* Of a gate in a zone with so much memory. */
uint32_t limits_gate_connections(uint64_t memory_bytes);
/* `files_most`: the hard limit of whoever started it; a gate makes do with less. */
struct sandbox_limits program_limits(const char *kind, uint64_t memory_bytes, uint64_t disk_bytes,
                                     uint64_t files_most);

#endif
