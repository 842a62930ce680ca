/*
 * sweep.c -- every number that the kernel's doors take, one attempt a number, as a payload:
 * libexec/drill/sweep.so, run by `bulkhead drill --sweep`.
 *
 *   N...  the 64-bit call gate        numbers 0 to 499
 *   X...  the same gate, x32 numbers  0 to 499, and 500 to 599 where x32 has calls of its own
 *   I...  int 0x80, the 32-bit gate   0 to 499
 *
 * A number that the program's own table allows is skipped. With any other the process must die:
 * to be answered at all, even with an error, means that the call reached the kernel's code. Two
 * numbers are never shown to a filter by newer kernels (see before_filter): they may answer with an
 * error, and with nothing else.
 */
#include "drills/attempts/attempt.h"
#include "drills/attempts/table.h"

#include <stdbool.h>

/* Arguments that no call can do harm with: no descriptor, no address, no size, no process. */
static long
gate_64(long number)
{
    return syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
}

static long
gate_32(long number)
{
    long result = number;
    __asm__ volatile("push %%rbp\n\tmov $-1, %%rbp\n\tint $0x80\n\tpop %%rbp"
                     : "+a"(result)
                     : "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
                     : "r8", "r9", "r10", "r11", "memory");
    return result;
}

/*
 * uretprobe (335) and uprobe (336): what a tracer of the whole machine puts into a process ends in
 * them, so the kernel (6.11, 6.18) runs them before any filter; called from elsewhere they do
 * nothing but raise SIGILL and fail with ENXIO.
 */
static bool
before_filter(long number)
{
    return number == 335 || number == 336;
}

static int
sweep_call(const char *const targets[])
{
    enum { X32_BIT = 0x40000000 };
    const char *id = target(targets, "attempt");
    long number = strtol(id + 1, NULL, 10);
    if (id[0] == 'N') {
        if (table_allows(target(targets, "program"), number))
            return NOT_APPLICABLE;
        if (gate_64(number) < 0 && before_filter(number))
            return REFUSED;
    } else if (id[0] == 'X') {
        gate_64(X32_BIT + number);
    } else {
        gate_32(number);
    }
    return ESCAPED;
}

#define ROW(gate, number) {#gate #number, what_##gate, sweep_call},
#define TEN(gate, d)                                                                               \
    ROW(gate, d##0)                                                                                \
    ROW(gate, d##1)                                                                                \
    ROW(gate, d##2)                                                                                \
    ROW(gate, d##3)                                                                                \
    ROW(gate, d##4)                                                                                \
    ROW(gate, d##5) ROW(gate, d##6) ROW(gate, d##7) ROW(gate, d##8) ROW(gate, d##9)
#define HUNDRED(gate, d)                                                                           \
    TEN(gate, d##0)                                                                                \
    TEN(gate, d##1)                                                                                \
    TEN(gate, d##2)                                                                                \
    TEN(gate, d##3)                                                                                \
    TEN(gate, d##4)                                                                                \
    TEN(gate, d##5) TEN(gate, d##6) TEN(gate, d##7) TEN(gate, d##8) TEN(gate, d##9)
#define FIVE_HUNDRED(gate)                                                                         \
    HUNDRED(gate, 0)                                                                               \
    HUNDRED(gate, 1) HUNDRED(gate, 2) HUNDRED(gate, 3) HUNDRED(gate, 4)

#define what_N "a call by its number that the program's table does not hold"
#define what_X "a call by its x32 number"
#define what_I "a call by its 32-bit number, through int 0x80"

const struct drill_attempt drill_attempts[] = {
    /* clang-format off */
    FIVE_HUNDRED(N)
    FIVE_HUNDRED(X)
    HUNDRED(X, 5)
    FIVE_HUNDRED(I)
    /* clang-format on */
    {NULL, NULL, NULL}};
