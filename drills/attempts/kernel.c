/* kernel.c -- doors into the kernel, the whole machine, IPC that outlives us, exhaustion. */
#include "drills/attempts/attempt.h"

#include <asm/ldt.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/reboot.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>

/* Calls that succeed only where something was obtained. */
#define CALL_ATTEMPT(name, call)                                                                   \
    int name(const char *const targets[])                                                          \
    {                                                                                              \
        (void)targets;                                                                             \
        return OBTAINED(call);                                                                     \
    }

CALL_ATTEMPT(add_key_user,
             syscall(SYS_add_key, "user", "bulkhead-drill", "x", 1, KEY_SPEC_USER_KEYRING))
CALL_ATTEMPT(keyctl_session, syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL))
CALL_ATTEMPT(load_module, syscall(SYS_init_module, "", 0, ""))
CALL_ATTEMPT(userfault, syscall(SYS_userfaultfd, O_NONBLOCK))
CALL_ATTEMPT(event_descriptor, syscall(SYS_eventfd2, 0, 0))
CALL_ATTEMPT(timer_descriptor, syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0))
CALL_ATTEMPT(memfd, syscall(SYS_memfd_create, "letter", 0))
CALL_ATTEMPT(memfd_secret_call, syscall(447, 0))
CALL_ATTEMPT(set_host_name, syscall(SYS_sethostname, "drill", 5))
CALL_ATTEMPT(swap_on, syscall(SYS_swapon, "/nowhere", 0))
CALL_ATTEMPT(quota, syscall(SYS_quotactl, 0x80000700, "/dev/vda", 0, NULL))
CALL_ATTEMPT(reboot_call, syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
                                  LINUX_REBOOT_CMD_CAD_OFF, NULL))
CALL_ATTEMPT(lock_memory, syscall(SYS_mlockall, MCL_FUTURE))
CALL_ATTEMPT(landlock_relax, syscall(SYS_landlock_create_ruleset, NULL, 0, 1))
/* getpid by its x32 number */
CALL_ATTEMPT(x32_call, syscall(0x40000000 + SYS_getpid))

int
sysv_private(const char *const targets[])
{
    (void)targets;
    long id = syscall(SYS_shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    if (id < 0)
        return REFUSED;
    syscall(SYS_shmctl, id, IPC_RMID, NULL); /* or it would outlive the drill */
    return ESCAPED;
}

int
sysv_attach(const char *const targets[])
{
    long id = syscall(SYS_shmget, (key_t)target_number(targets, "sysv"), 0, 0);
    if (id < 0)
        return REFUSED;
    long p = syscall(SYS_shmat, id, NULL, SHM_RDONLY);
    return p > 0 ? ESCAPED : REFUSED;
}

int
posix_queue(const char *const targets[])
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 16};
    (void)targets;
    return OBTAINED(syscall(SYS_mq_open, "bulkhead-drill", O_RDWR | O_CREAT, 0600, &attributes));
}

int
load_bpf(const char *const targets[])
{
    struct bpf_insn program[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
                                 {.code = BPF_JMP | BPF_EXIT}};
    union bpf_attr attributes;
    (void)targets;
    memset(&attributes, 0, sizeof(attributes));
    attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attributes.insns = (uint64_t)(uintptr_t)program;
    attributes.insn_cnt = 2;
    attributes.license = (uint64_t)(uintptr_t) "GPL";
    return OBTAINED(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes)));
}

int
io_uring(const char *const targets[])
{
    uint8_t parameters[256] = {0};
    (void)targets;
    return OBTAINED(syscall(SYS_io_uring_setup, 4, parameters));
}

int
local_descriptors(const char *const targets[])
{
    struct user_desc entry = {.entry_number = 0, .limit = 1, .seg_32bit = 1, .useable = 1};
    (void)targets;
    return OBTAINED(syscall(SYS_modify_ldt, 1, &entry, sizeof(entry)));
}

/* getpid is 20 in the 32-bit table; 20 in the 64-bit one is writev. */
int
old_call_gate(const char *const targets[])
{
    long result = 20;
    (void)targets;
    __asm__ volatile("int $0x80" : "+a"(result) : : "rbx", "rcx", "rdx", "memory");
    return result > 0 ? ESCAPED : REFUSED;
}

int
seccomp_listener(const char *const targets[])
{
    struct sock_filter allow = {0x06, 0, 0, 0x7fff0000};
    struct sock_fprog program = {1, &allow};
    (void)targets;
    return OBTAINED(
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

int
signal_descriptor(const char *const targets[])
{
    uint64_t set = 1;
    (void)targets;
    return OBTAINED(syscall(SYS_signalfd4, -1, &set, sizeof(set), 0));
}

int
pipe_pair(const char *const targets[])
{
    int fds[2];
    (void)targets;
    return OBTAINED(syscall(SYS_pipe2, fds, 0));
}

int
posix_timer(const char *const targets[])
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    int id;
    (void)targets;
    return OBTAINED(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
}

int
adjust_time(const char *const targets[])
{
    struct timex t = {.modes = ADJ_OFFSET, .offset = 1};
    (void)targets;
    return OBTAINED(syscall(SYS_adjtimex, &t));
}

int
set_time(const char *const targets[])
{
    struct timespec now;
    (void)targets;
    clock_gettime(CLOCK_REALTIME, &now);
    return OBTAINED(syscall(SYS_clock_settime, CLOCK_REALTIME, &now));
}

int
syslog_read(const char *const targets[])
{
    char text[64];
    (void)targets;
    return OBTAINED(syscall(SYS_syslog, 3, text, sizeof(text)));
}

int
system_info(const char *const targets[])
{
    struct sysinfo info;
    (void)targets;
    return OBTAINED(syscall(SYS_sysinfo, &info));
}

int
host_name(const char *const targets[])
{
    struct utsname name;
    (void)targets;
    return OBTAINED(syscall(SYS_uname, &name));
}

/* More than any share: the demo's largest zone has 512 MiB. */
int
much_memory(const char *const targets[])
{
    enum { PIECE = 16 << 20, PIECES = 256 };
    int mapped = 0;
    (void)targets;
    for (int i = 0; i < PIECES; i++)
        mapped += syscall(SYS_mmap, NULL, PIECE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) > 0;
    return mapped == PIECES ? ESCAPED : REFUSED;
}
