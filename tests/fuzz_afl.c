/*
 * fuzz_afl.c -- the main of a fuzz target under AFL++: one process takes an input after the other
 * (persistent mode), each as a heap copy of exactly its size.
 */
#include "base/fuzz.h"

#include <unistd.h>

/* What AFL++'s macro for the length expands to is not ours to mend. */
#pragma clang diagnostic ignored "-Wshorten-64-to-32"
#pragma clang diagnostic ignored "-Wsign-conversion"

__AFL_FUZZ_INIT();

int
main(void)
{
    __AFL_INIT();
    const uint8_t *input = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(10000)) {
        struct bytes all = bytes_of(input, (size_t)__AFL_FUZZ_TESTCASE_LEN);
        uint8_t *exact = fuzz_exact(all);
        LLVMFuzzerTestOneInput(exact, all.len);
        free(exact);
    }
    return 0;
}
