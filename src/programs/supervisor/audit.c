#include "programs/supervisor/audit.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <unistd.h>

/* Longer than any record; so long a wait; so many records looked at for one death. */
enum { RECORD_SIZE = 8192, PATIENCE_MS = 5, RECORDS_MAX = 4096 };

/*
 * The value of the next field, which must be `name`; without one the rest becomes empty, so that
 * all that follow fail too. No value holds a blank: what a process may choose is put in quotes by
 * the kernel, and in hexadecimal when it holds a blank, a quote or a control character.
 */
static struct bytes
field(struct bytes *rest, const char *name)
{
    size_t head = strlen(name);
    if (!bytes_start(*rest, name))
        return *rest = (struct bytes){0};
    size_t end = bytes_find(*rest, ' ');
    struct bytes value = bytes_of(rest->p + head, end - head);
    *rest = bytes_skip(*rest, end < rest->len ? end + 1 : end);
    return value;
}

static bool
decimal(struct bytes text, uint32_t *out)
{
    uint64_t value;
    if (text_u64(text, UINT32_MAX, &value) != OK)
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool
hexadecimal(struct bytes text, uint32_t *out)
{
    uint8_t b[4];
    if (text_hex(text, b, sizeof(b)) != OK)
        return false;
    *out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return true;
}

enum err
audit_parse(struct bytes record, struct audit_kill *out)
{
    static const char start[] = "audit: type=1326 audit(";
    struct audit_kill k = {0};
    bool kernel = record.len > 2 && record.p[0] >= '0' && record.p[0] <= '7' && record.p[1] == ',';
    size_t head = bytes_find(record, ';');
    if (!kernel || head == record.len)
        return ERR_NOT_FOUND;
    struct bytes rest = bytes_skip(record, head + 1);
    if (!bytes_start(rest, start))
        return ERR_NOT_FOUND;
    rest = bytes_skip(rest, bytes_find(rest, ')'));
    bool good = bytes_are(field(&rest, "):"), "");
    good = good && field(&rest, "auid=").len && decimal(field(&rest, "uid="), &k.uid);
    good = good && field(&rest, "gid=").len && field(&rest, "ses=").len;
    while (rest.len && !bytes_start(rest, "pid=") && !bytes_start(rest, "comm="))
        field(&rest, ""); /* the label of a security module */
    good = good && decimal(field(&rest, "pid="), &k.pid);
    good = good && field(&rest, "comm=").len && field(&rest, "exe=").len;
    good = good && bytes_are(field(&rest, "sig="), "31");
    good = good && hexadecimal(field(&rest, "arch="), &k.arch);
    good = good && decimal(field(&rest, "syscall="), &k.call);
    if (!good)
        return ERR_NOT_FOUND;
    *out = k;
    return OK;
}

void
audit_call_text(const struct audit_kill *kill, char out[static AUDIT_CALL_SIZE])
{
    char *name = seccomp_syscall_resolve_num_arch(kill->arch, (int)kill->call);
    snprintf(out, AUDIT_CALL_SIZE, "%s:%u", name ? name : "unnamed", kill->call);
    free(name);
}

int
audit_open(void)
{
    static const char initial[] = "pid:[4026531836]"; /* PROC_PID_INIT_INO */
    char ours[32] = "";
    if (readlink("/proc/self/ns/pid", ours, sizeof(ours) - 1) < 0 || strcmp(ours, initial) != 0)
        return -1;
    int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && lseek(fd, 0, SEEK_END) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Look through what was written since the last look. */
static bool
find(int fd, uint32_t pid, uint32_t uid, struct audit_kill *out)
{
    char record[RECORD_SIZE];
    bool found = false;
    for (unsigned i = 0; i < RECORDS_MAX; i++) {
        struct audit_kill k;
        ssize_t n = read(fd, record, sizeof(record));
        if (n < 0 && errno == EPIPE) /* records were overwritten: go on with the oldest */
            continue;
        if (n <= 0)
            break;
        if (audit_parse(bytes_of(record, (size_t)n), &k) == OK && k.pid == pid && k.uid == uid) {
            *out = k;
            found = true;
        }
    }
    return found;
}

void
audit_last_call(int fd, uint32_t pid, uint32_t uid, char out[static AUDIT_CALL_SIZE])
{
    struct audit_kill k;
    struct clock_source clock = clock_system();
    uint64_t until_ms = clock_mono_ms(&clock) + PATIENCE_MS;
    snprintf(out, AUDIT_CALL_SIZE, "unknown");
    while (fd >= 0 && clock_mono_ms(&clock) < until_ms) {
        struct pollfd more = {.fd = fd, .events = POLLIN};
        if (find(fd, pid, uid, &k)) {
            audit_call_text(&k, out);
            return;
        }
        if (poll(&more, 1, 1) < 0 && errno != EINTR)
            return;
    }
}
