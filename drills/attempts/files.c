/* files.c -- what lies in the file system, and what /proc tells. */
#include "drills/attempts/attempt.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

int
control_computes(const char *const targets[])
{
    (void)targets;
    volatile uint64_t sum = 0;
    for (uint64_t i = 0; i < 1000; i++)
        sum += i * i;
    return sum ? ESCAPED : REFUSED;
}

static long
open_path(const char *path, int flags)
{
    return syscall(SYS_openat, AT_FDCWD, path, flags, 0666);
}

/* path + suffix in a static buffer. */
static const char *
join(const char *path, const char *suffix)
{
    static char joined[512];
    snprintf(joined, sizeof(joined), "%s%s", path, suffix);
    return joined;
}

int
open_secret(const char *const targets[])
{
    return OBTAINED(open_path(target(targets, "secretfile"), O_RDONLY));
}

int
open_user_list(const char *const targets[])
{
    (void)targets;
    return OBTAINED(open_path("/etc/passwd", O_RDONLY));
}

int
change_mode(const char *const targets[])
{
    return OBTAINED(syscall(SYS_fchmodat, AT_FDCWD, target(targets, "secretfile"), 0666));
}

int
letter_box(const char *const targets[])
{
    return OBTAINED(open_path(join(target(targets, "dir"), "/letter"), O_WRONLY | O_CREAT));
}

int
hard_link(const char *const targets[])
{
    return OBTAINED(syscall(SYS_linkat, AT_FDCWD, target(targets, "file"), AT_FDCWD,
                            join(target(targets, "dir"), "/link"), 0));
}

int
rename_file(const char *const targets[])
{
    const char *file = target(targets, "file");
    return OBTAINED(syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, join(file, ".moved"), 0));
}

int
set_xattr(const char *const targets[])
{
    return OBTAINED(syscall(SYS_setxattr, target(targets, "file"), "user.letter", "x", 1, 0));
}

int
lock_file(const char *const targets[])
{
    long fd = open_path(target(targets, "file"), O_RDONLY);
    return fd < 0 ? REFUSED : OBTAINED(syscall(SYS_flock, fd, LOCK_EX | LOCK_NB));
}

int
fanotify(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_fanotify_init, FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY));
}

int
name_handle(const char *const targets[])
{
    struct {
        struct file_handle head;
        uint8_t room[128];
    } handle = {.head.handle_bytes = 128};
    int mount_id;
    (void)targets;
    return OBTAINED(syscall(SYS_name_to_handle_at, AT_FDCWD, "/usr", &handle, &mount_id, 0));
}

int
proc_memory(const char *const targets[])
{
    char path[64], byte;
    snprintf(path, sizeof(path), "/proc/%ld/mem", target_number(targets, "pid"));
    long fd = open_path(path, O_RDONLY);
    return fd < 0
               ? REFUSED
               : OBTAINED(syscall(SYS_pread64, fd, &byte, 1, target_number(targets, "memory")) - 1);
}

int
proc_descriptor(const char *const targets[])
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/fd/0", target_number(targets, "pid"));
    return OBTAINED(open_path(path, O_RDONLY));
}

int
list_processes(const char *const targets[])
{
    char entries[32768];
    int numbers = 0;
    (void)targets;
    long fd = open_path("/proc", O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return REFUSED;
    for (long n; (n = syscall(SYS_getdents64, fd, entries, sizeof(entries))) > 0;)
        for (long at = 0; at < n;) {
            struct dirent64 *entry = (struct dirent64 *)(void *)(entries + at);
            numbers += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
            at += entry->d_reclen;
        }
    return numbers > 1 ? ESCAPED : REFUSED;
}

int
write_own_code(const char *const targets[])
{
    (void)targets;
    long fd = open_path("/proc/self/mem", O_RDWR);
    uint8_t byte = 0x90;
    return fd < 0 ? REFUSED
                  : OBTAINED(syscall(SYS_pwrite64, fd, &byte, 1, (uintptr_t)&write_own_code) - 1);
}

int
device_memory(const char *const targets[])
{
    (void)targets;
    return OBTAINED(open_path("/dev/mem", O_RDONLY));
}

int
kernel_log(const char *const targets[])
{
    (void)targets;
    return OBTAINED(open_path("/dev/kmsg", O_WRONLY));
}

int
fuse_device(const char *const targets[])
{
    (void)targets;
    return OBTAINED(open_path("/dev/fuse", O_RDWR));
}

int
move_group(const char *const targets[])
{
    static const char *const paths[] = {"/sys/fs/cgroup/cgroup.procs",
                                        "/sys/fs/cgroup/unified/cgroup.procs",
                                        "/sys/fs/cgroup/pids/tasks"};
    (void)targets;
    for (size_t i = 0; i < 3; i++) {
        long fd = open_path(paths[i], O_WRONLY);
        if (fd >= 0 && syscall(SYS_write, fd, "0", 1) == 1)
            return ESCAPED;
    }
    return REFUSED;
}

int
large_file(const char *const targets[])
{
    signal(SIGXFSZ, SIG_IGN);
    long fd = open_path(join(target(targets, "dir"), "/large"), O_WRONLY | O_CREAT);
    return fd < 0 ? REFUSED : OBTAINED(syscall(SYS_ftruncate, fd, 256L << 20));
}

int
open_tree_call(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_open_tree, AT_FDCWD, "/", 0));
}

int
openat2_call(const char *const targets[])
{
    struct open_how how = {.flags = O_RDONLY};
    return OBTAINED(syscall(SYS_openat2, AT_FDCWD, target(targets, "file"), &how, sizeof(how)));
}

int
creat_call(const char *const targets[])
{
    return OBTAINED(syscall(SYS_creat, join(target(targets, "dir"), "/created"), 0666));
}

int
stat_outside(const char *const targets[])
{
    struct stat st;
    return OBTAINED(syscall(SYS_newfstatat, AT_FDCWD, target(targets, "file"), &st, 0));
}

int
statx_outside(const char *const targets[])
{
    struct statx st;
    return OBTAINED(
        syscall(SYS_statx, AT_FDCWD, target(targets, "file"), 0, STATX_BASIC_STATS, &st));
}

int
access_outside(const char *const targets[])
{
    return OBTAINED(syscall(SYS_faccessat, AT_FDCWD, target(targets, "file"), F_OK));
}

int
read_link(const char *const targets[])
{
    char path[256];
    (void)targets;
    return OBTAINED(syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof(path)));
}

int
inotify(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_inotify_init1, 0));
}

int
mount_tmpfs(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
}

int
fs_open(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_fsopen, "tmpfs", 0));
}

int
work_directory(const char *const targets[])
{
    struct stat st;
    (void)targets;
    if (syscall(SYS_chdir, "../../../..") != 0)
        return REFUSED;
    return OBTAINED(syscall(SYS_newfstatat, AT_FDCWD, "etc", &st, 0));
}

int
handle_open(const char *const targets[])
{
    struct {
        struct file_handle head;
        uint8_t room[8];
    } handle = {.head.handle_bytes = 8, .head.handle_type = 1, .room = {2}};
    (void)targets;
    return OBTAINED(syscall(SYS_open_by_handle_at, 0, &handle, O_RDONLY));
}

/* Core dumps: only when the limit could be raised would a crash leave something behind. */
int
dump_core(const char *const targets[])
{
    struct rlimit unlimited = {1 << 20, 1 << 20};
    (void)targets;
    return OBTAINED(syscall(SYS_prlimit64, 0, RLIMIT_CORE, &unlimited, NULL));
}
