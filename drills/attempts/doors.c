/* doors.c -- other ways through the call gate, and instructions that ask the processor. */
#include "drills/attempts/attempt.h"

enum { X32_BIT = 0x40000000 };

/* To be answered at all means that the filter saw another call than the kernel ran. */
#define ANSWERED(name, call)                                                                       \
    int name(const char *const targets[])                                                          \
    {                                                                                              \
        (void)targets;                                                                             \
        (void)(call);                                                                              \
        return ESCAPED;                                                                            \
    }

static long
raw_64(uint64_t rax, uint64_t first)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(rax), "D"(first), "S"(0), "d"(0)
                     : "rcx", "r11", "memory");
    return result;
}

static long
raw_32(uint32_t eax, uint32_t ebx)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"((long)eax), "b"((long)ebx), "c"(0L), "d"(0L), "S"(0L), "D"(0L)
                     : "r8", "r9", "r10", "r11", "memory");
    return result;
}

/* Numbers that the 64-bit table allows, through the other doors, where they mean something else. */
ANSWERED(x32_write, raw_64(X32_BIT | SYS_write, 1))
ANSWERED(x32_own_number, raw_64(X32_BIT | 520 /* execve */, 0))
ANSWERED(x32_highest, raw_64(0x7fffffff, 0))
ANSWERED(old_exit, raw_32(1, 41)) /* write in the other table; 41 would be our "escaped" */
ANSWERED(old_exec, raw_32(11, 0)) /* munmap in the other table */
ANSWERED(old_link, raw_32(9, 0))  /* mmap in the other table */
ANSWERED(old_restart, raw_32(0, 0))

/* The kernel looks at the lower half of the register only. */
ANSWERED(number_upper_half, raw_64(1ULL << 32 | SYS_getppid, 0))
ANSWERED(number_negative, raw_64((uint64_t)-1, 0))
ANSWERED(number_low_minus_one, raw_64(0xffffffff, 0))
ANSWERED(number_sign_bit, raw_64(0x80000000 | SYS_write, 1))

/* The third door: sysenter leads to the 32-bit table, with the way back from a fixed place. */
int
sysenter_door(const char *const targets[])
{
    (void)targets;
    __asm__ volatile("mov $20, %%eax\n\t"
                     "sub $256, %%rsp\n\t"
                     "mov %%rsp, %%rbp\n\t"
                     "sysenter"
                     :
                     :
                     : "rax", "rcx", "rdx", "memory");
    return ESCAPED;
}

/* The page at a fixed address that old programs call for the time. */
static long
old_clock_page(uintptr_t entry)
{
    uint64_t room[4] = {0};
    long (*call)(void *, void *, void *) = (long (*)(void *, void *, void *))entry;
    return call(room, NULL, NULL);
}
ANSWERED(old_page_time, old_clock_page(0xffffffffff600400))
ANSWERED(old_page_day, old_clock_page(0xffffffffff600000))
ANSWERED(old_page_processor, old_clock_page(0xffffffffff600800))

int
old_page_read(const char *const targets[])
{
    (void)targets;
    volatile const uint8_t *p = (volatile const uint8_t *)0xffffffffff600000;
    return p[0] || !p[0] ? ESCAPED : REFUSED;
}

/* ---- instructions ---------------------------------------------------------------------------- */

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint64_t base;
};

/*
 * Where the processor's tables lie. Since the kernel hides itself, it shows the same read-only
 * place, or where the processor can refuse (UMIP) an invented one, to everybody: only another
 * address tells anything.
 */
static int
tells_place(uint64_t base)
{
    return base >= 0xffff800000000000 && base < 0xfffffe0000000000 ? ESCAPED : REFUSED;
}

int
interrupt_table_address(const char *const targets[])
{
    struct table_register r = {0, 0};
    (void)targets;
    __asm__ volatile("sidt %0" : "=m"(r));
    return tells_place(r.base);
}

int
segment_table_address(const char *const targets[])
{
    struct table_register r = {0, 0};
    (void)targets;
    __asm__ volatile("sgdt %0" : "=m"(r));
    return tells_place(r.base);
}

#define INSTRUCTION(name, text, ...)                                                               \
    int name(const char *const targets[])                                                          \
    {                                                                                              \
        (void)targets;                                                                             \
        __asm__ volatile(text : : : __VA_ARGS__);                                                  \
        return ESCAPED;                                                                            \
    }
INSTRUCTION(read_port, "mov $0x70, %%dx\n\tin %%dx, %%al", "rax", "rdx")
INSTRUCTION(stop_interrupts, "cli", "memory")
INSTRUCTION(halt_processor, "hlt", "memory")
INSTRUCTION(read_machine_register, "mov $0xc0000082, %%ecx\n\trdmsr", "rax", "rcx", "rdx")
INSTRUCTION(read_counter, "mov $0x40000000, %%ecx\n\trdpmc", "rax", "rcx", "rdx")
INSTRUCTION(read_control_register, "mov %%cr3, %%rax", "rax")
INSTRUCTION(write_extended_state, "xor %%ecx, %%ecx\n\txgetbv\n\txsetbv", "rax", "rcx", "rdx")
INSTRUCTION(flush_caches, "wbinvd", "memory")

/* Ask the machine's host directly; it must answer processes with "not permitted" at most. */
int
call_hypervisor(const char *const targets[])
{
    long result = 5; /* kick another processor */
    (void)targets;
    __asm__ volatile("vmcall" : "+a"(result) : "b"(0L), "c"(0L), "d"(0L), "S"(0L) : "memory");
    return result >= 0 ? ESCAPED : REFUSED;
}
