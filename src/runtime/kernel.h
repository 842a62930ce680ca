/*
 * kernel.h -- numbers of newer kernels that Debian 12's headers (Linux 6.1) do not have, and
 * calls that libc does not wrap. One place.
 */
#ifndef RUNTIME_KERNEL_H
#define RUNTIME_KERNEL_H

#include <stdint.h>

#define KERNEL_LANDLOCK_CREATE_RULESET_VERSION 1U
#define KERNEL_LANDLOCK_TRUNCATE (1ULL << 14) /* ABI 3 */
/* struct landlock_ruleset_attr as of ABI 6 */
struct kernel_landlock_ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net; /* ABI 4: bind TCP 1, connect TCP 2 */
    uint64_t scoped;             /* ABI 6: abstract Unix sockets 1, signals 2 */
};

#endif
