/*
 * sandbox.h -- closing the door: after sandbox_close() a process has only what it holds.
 *
 * The supervisor started the process in new mount, pid, network, IPC, UTS and control-group
 * namespaces (and, without root, in a user namespace). The process has opened what it needs;
 * now it takes the walls up in the order that was measured to work: an empty read-only root, no
 * capability, its own user, not dumpable, no foreign descriptor, no new privileges, limits,
 * Landlock, and last the system-call filter. There is no way back and no "works without" mode: a
 * wall that cannot be built is an error, but for those that the kernel does not have, which
 * the report names.
 *
 * Which calls a kind of process may make is a table that a person can read: KIND.seccomp.def,
 *
 *   CALL(read)                                                  any arguments
 *   CALL_IF(mremap, ARG_IS(3, MREMAP_MAYMOVE))                  argument 3 must equal
 *   CALL_IF(clock_nanosleep, ARG_IS(0, CLOCK_MONOTONIC), ARG_IS(1, 0))
 *   CALL_IF(epoll_ctl, ARG_BITS(1, ~3, 0))                      masked, it must equal
 *
 * and everything else kills the process. Arguments are compared in all their 64 bits.
 */
#ifndef RUNTIME_SANDBOX_H
#define RUNTIME_SANDBOX_H

#include "base/base.h"
#include "base/buf.h"

enum sandbox_wall {
    WALL_NAMESPACES,
    WALL_ROOT, /* empty, read-only file system */
    WALL_CAPABILITIES,
    WALL_UID,
    WALL_DUMPABLE,
    WALL_DESCRIPTORS,
    WALL_NO_NEW_PRIVS,
    WALL_LIMITS,
    WALL_LANDLOCK,
    WALL_SECCOMP,
    WALL_COUNT
};
const char *sandbox_wall_text(enum sandbox_wall wall);

enum { SANDBOX_CONDITIONS_MAX = 3 };
struct sandbox_rule {
    const char *name; /* of the call, as libseccomp knows it */
    int number;
    struct {
        unsigned argument;
        uint64_t mask, value; /* mask 0: no condition, nor any after it */
    } when[SANDBOX_CONDITIONS_MAX];
};

struct sandbox_limits {
    uint64_t memory_bytes; /* address space */
    uint64_t files;        /* descriptors */
    uint64_t file_bytes;   /* the largest file it may write */
};

struct sandbox_profile {
    const char *kind;
    const struct sandbox_rule *rules;
    size_t rules_count;
};

struct sandbox_report {
    uint32_t walls; /* bit set of walls that stand */
    int landlock_abi;
    bool fast_open_off; /* net.ipv4.tcp_fastopen is 0 in the network namespace */
};

/*
 * `uid`: the user and group to become; 0 stays (inside a user namespace). `walls`: a bit set of
 * walls to build, all of them in production; the drill takes some away to measure one alone.
 * `keep` lists the descriptors that may stay open (ascending is not needed).
 * ERR_IO with the failing step in `out_step` (static text) otherwise.
 */
struct sandbox_config {
    const struct sandbox_profile *profile;
    struct sandbox_limits limits;
    uint32_t uid;
    uint32_t walls;
    const int *keep;
    size_t keep_count;
    /* For a program outside a city, which no supervisor started: */
    int folder_fd;         /* Landlock leaves it this folder, to replace files in; 0: none */
    bool outlives_starter; /* or it is killed when the process that started it ends */
};
enum { SANDBOX_ALL_WALLS = (1 << WALL_COUNT) - 1 };
enum err sandbox_close(const struct sandbox_config *config, struct sandbox_report *out,
                       const char **out_step) MUST_USE;

/* Empty every set of capabilities; also for programs that build walls of their own. */
bool sandbox_drop_capabilities(void) MUST_USE;

/*
 * Called as the very last thing of sandbox_close(). Empty in every production program; the
 * drill's programs fill it (drills/hook.c).
 */
void sandbox_closed_hook(void);

/* The program that the kernel runs for this profile's rules (struct sock_filter), as bytes. */
enum err sandbox_filter_program(const struct sandbox_profile *profile, struct buf *out) MUST_USE;

/* SHA-256 of a profile's rules, for `bulkhead status`. */
void sandbox_profile_digest(const struct sandbox_profile *profile, uint8_t out[static 32]);

#endif
