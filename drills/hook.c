/*
 * hook.c -- what makes a production program a drill program, and the only thing: it fills the
 * empty function at the end of sandbox_close(). The payload is loaded by a constructor, long
 * before the sandbox closes; after it closed, the one chosen attempt runs and its answer
 * leaves as the exit status.
 */
#include "base/base.h"
#include "drill/answer.h"
#include "drills/payload.h"
#include "runtime/sandbox.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TARGETS_MAX = 32 };

static const struct drill_attempt *chosen;
static const char *targets[TARGETS_MAX + 1];
static size_t targets_count;

/* "key=value\nkey=value\n" in place. */
static void
split_targets(char *text)
{
    while (*text && targets_count < TARGETS_MAX) {
        char *end = strchr(text, '\n');
        targets[targets_count++] = text;
        if (!end)
            return;
        *end = '\0';
        text = end + 1;
    }
}

/* What only the process itself knows: which attempt it is, and in which program it runs. */
static void
add_own_targets(const char *id)
{
    static char attempt[128], program[300];
    char path[256];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(path, '/');
    snprintf(attempt, sizeof(attempt), "attempt=%s", id);
    snprintf(program, sizeof(program), "program=%s", slash ? slash + 1 : path);
    if (targets_count + 2 > TARGETS_MAX)
        return;
    targets[targets_count++] = attempt;
    targets[targets_count++] = program;
}

/*
 * What a careless library would do: a file stays open, far above what the process was given. The
 * wall of descriptors has to close it; the attempt A123 looks for it.
 */
static void
leave_descriptor(void)
{
    enum { CARELESS_FD = 777 };
    int fd = open("/proc/self/exe", O_RDONLY);
    if (fd < 0 || dup2(fd, CARELESS_FD) != CARELESS_FD)
        _exit(DRILL_NO_PAYLOAD);
    close(fd);
}

__attribute__((constructor)) static void
load_payload(void)
{
    const char *path = getenv("DRILL_PAYLOAD"), *id = getenv("DRILL_ATTEMPT");
    char *list = getenv("DRILL_TARGETS");
    if (getenv("DRILL_EXECED"))
        _exit(DRILL_ESCAPED); /* an attempt executed us anew */
    if (!path || !id || !list)
        return;
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct drill_attempt *attempts = object ? dlsym(object, "drill_attempts") : NULL;
    if (!attempts) {
        fprintf(stderr, "drill: cannot load %s: %s\n", path, dlerror());
        _exit(DRILL_NO_PAYLOAD);
    }
    split_targets(list);
    add_own_targets(id);
    leave_descriptor();
    for (; attempts->id; attempts++)
        if (strcmp(attempts->id, id) == 0)
            chosen = attempts;
}

void
sandbox_closed_hook(void)
{
    static const char begun[] = DRILL_BEGUN "\n";
    int answer = DRILL_NO_PAYLOAD;
    if (write(STDERR_FILENO, begun, sizeof(begun) - 1) < 0)
        answer = DRILL_NO_PAYLOAD;
    if (chosen) {
        int result = chosen->run(targets);
        answer = result == 0   ? DRILL_REFUSED
                 : result == 1 ? DRILL_ESCAPED
                 : result == 2 ? DRILL_NOT_APPLICABLE
                               : DRILL_NO_PAYLOAD;
    }
    syscall(SYS_exit_group, answer);
}
