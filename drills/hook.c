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
#include <sys/syscall.h>
#include <unistd.h>

enum { TARGETS_MAX = 32 };

static const struct drill_attempt *chosen;
static const char *targets[TARGETS_MAX + 1];

/* "key=value\nkey=value\n" in place. */
static void
split_targets(char *text)
{
    size_t count = 0;
    while (*text && count < TARGETS_MAX) {
        char *end = strchr(text, '\n');
        targets[count++] = text;
        if (!end)
            return;
        *end = '\0';
        text = end + 1;
    }
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
