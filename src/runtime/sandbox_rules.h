/*
 * sandbox_rules.h -- what CALL rows mean, when a table is included inside an array of
 * struct sandbox_rule. Include once per file, before the array.
 */
#ifndef RUNTIME_SANDBOX_RULES_H
#define RUNTIME_SANDBOX_RULES_H

#include "runtime/sandbox.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#define CALL(call) {#call, SYS_##call, {{0, 0, 0}}},
#define CALL_IF(call, ...) {#call, SYS_##call, {__VA_ARGS__}},
#define ARG_IS(argument, value)                                                                    \
    {                                                                                              \
        argument, ~(uint64_t)0, (uint64_t)(value)                                                  \
    }
#define ARG_BITS(argument, mask, value)                                                            \
    {                                                                                              \
        argument, (uint64_t)(mask), (uint64_t)(value)                                              \
    }

#endif
