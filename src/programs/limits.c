#include "programs/limits.h"

uint32_t
limits_gate_connections(uint64_t memory_bytes)
{
    uint64_t fit = memory_bytes / LIMITS_GATE_CONNECTION_BYTES;
    return fit < LIMITS_GATE_CONNECTIONS       ? LIMITS_GATE_CONNECTIONS
           : fit > LIMITS_GATE_CONNECTIONS_MAX ? LIMITS_GATE_CONNECTIONS_MAX
                                               : (uint32_t)fit;
}

struct sandbox_limits
program_limits(const char *kind, uint64_t memory_bytes, uint64_t disk_bytes, uint64_t files_most)
{
    struct sandbox_limits l = {memory_bytes, LIMITS_FILES, LIMITS_FILE_BYTES};
    if (strcmp(kind, "judge") == 0 || strcmp(kind, "warden") == 0)
        l.file_bytes = LIMITS_STATE_BYTES;
    if (strcmp(kind, "core") == 0)
        l.file_bytes = disk_bytes > LIMITS_CORE_FILE_BYTES ? disk_bytes : LIMITS_CORE_FILE_BYTES;
    if (strcmp(kind, "gate") == 0) {
        l.files = limits_gate_connections(memory_bytes) + LIMITS_GATE_OTHER_FILES;
        if (l.files > files_most)
            l.files =
                files_most > 2 * LIMITS_GATE_OTHER_FILES ? files_most : 2 * LIMITS_GATE_OTHER_FILES;
    }
    if (strcmp(kind, "ledger") == 0)
        l = (struct sandbox_limits){LIMITS_LEDGER_MEMORY_BYTES, LIMITS_LEDGER_FILES,
                                    LIMITS_LEDGER_FILE_BYTES};
    return l;
}
