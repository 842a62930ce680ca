/*
 * host.h -- what this machine gives a city, looked at once before anything starts.
 *
 * A wall that cannot be built here ends the start; what weakens one is a warning: it stands in
 * the log lines of the start and, as one event, in the city's log.
 */
#ifndef RUNTIME_HOST_H
#define RUNTIME_HOST_H

#include "base/base.h"

/* A word for the record, and why it matters. */
#define HOST_WEAKNESSES(X)                                                                         \
    X(SWAP, "swap", "memory that is not locked may reach the disk")                                \
    X(CORES, "core-handler", "the kernel hands crashes to a program, also those of a start")       \
    X(CLOCK, "clock-source", "reading the clock is slow, and takes a system call")                 \
    X(PTRACE, "ptrace-scope", "processes of one user may trace each other, if they are dumpable")  \
    X(USERNS, "user-namespaces", "ordinary users may make them; a start by root needs none")       \
    X(NO_LANDLOCK, "no-landlock", "the second wall before files and signals is missing")           \
    X(OLD_LANDLOCK, "old-landlock", "Landlock here covers neither TCP nor abstract sockets")       \
    X(MEMLOCK, "locked-memory", "the limit may be too small for keys: then they may be swapped")   \
    X(AUDIT, "no-audit", "which call a filter refused will not be known")                          \
    X(GROUPS, "no-control-groups", "limits of single processes hold, none of a zone together")

#define HOST_ENUM(name, word, why) HOST_WEAK_##name,
enum host_weakness { HOST_WEAKNESSES(HOST_ENUM) HOST_WEAKNESS_COUNT };
#undef HOST_ENUM

struct host {
    char kernel[65], clock[32];
    int landlock_abi;    /* 0: none */
    uint32_t weak;       /* bit set of enum host_weakness */
    const char *missing; /* what a city cannot do without, or NULL */
};

/*
 * Look below `top` ("", or a folder that a test made) and ask the kernel. `root`: the city will be
 * started by root. The caller adds what only it knows: AUDIT and GROUPS.
 */
void host_look(struct host *h, const char *top, bool root);

const char *host_weakness_word(enum host_weakness w);
const char *host_weakness_text(enum host_weakness w);

#endif
