/*
 * sandbox_rules.h -- what CALL rows mean, when a table is included inside an array of
 * struct sandbox_rule. Include once per file, before the array.
 */
#ifndef RUNTIME_SANDBOX_RULES_H
#define RUNTIME_SANDBOX_RULES_H

#include "runtime/sandbox.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#define CALL(call) {#call, SYS_##call, {{-1, 0, 0}, {-1, 0, 0}}},
#define CALL_IF(call, argument, mask, value)                                                       \
    {#call, SYS_##call, {{argument, (uint64_t)(mask), (uint64_t)(value)}, {-1, 0, 0}}},
#define CALL_IF2(call, argument, mask, value, argument2, mask2, value2)                            \
    {#call,                                                                                        \
     SYS_##call,                                                                                   \
     {{argument, (uint64_t)(mask), (uint64_t)(value)},                                             \
      {argument2, (uint64_t)(mask2), (uint64_t)(value2)}}},

#endif
