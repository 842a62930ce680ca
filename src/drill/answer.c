#include "drill/answer.h"

#include <sys/wait.h>
#include <unistd.h>

void
answer_read_log(int fd, struct buf *log)
{
    char bytes[4096];
    ssize_t n;
    while ((n = read(fd, bytes, sizeof(bytes))) > 0)
        if (log->len + (size_t)n < log->max)
            buf_put(log, bytes_of(bytes, (size_t)n));
}

/* What follows the line that says the attempt began, or NULL. */
static const char *
text_after_begun(struct buf *log)
{
    const char *begun = log->len ? strstr(buf_string(log), DRILL_BEGUN "\n") : NULL;
    return begun ? begun + sizeof(DRILL_BEGUN) : NULL;
}

bool
answer_begun(struct buf *log)
{
    return text_after_begun(log) != NULL;
}

/* Bytes of a breached process: no terminal is steered by them. */
static void
copy_said(struct outcome *o, const char *text)
{
    snprintf(o->said, sizeof(o->said), "%s", text);
    for (char *p = o->said; *p; p++)
        if ((*p < 0x20 && *p != '\n') || *p > 0x7e)
            *p = '?';
}

struct outcome
answer_of(int status, struct buf *log)
{
    struct outcome o = {.answer = ANSWER_FAILED};
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    const char *said = text_after_begun(log);
    if (said)
        copy_said(&o, said);
    if (!said) {
        const char *text = log->len ? buf_string(log) : "";
        snprintf(o.how, sizeof(o.how), "the sandbox did not start: %.*s", (int)strcspn(text, "\n"),
                 text);
    } else if (WIFSIGNALED(status)) {
        o.answer = ANSWER_REFUSED;
        snprintf(o.how, sizeof(o.how), "killed by %s", sigabbrev_np(WTERMSIG(status)));
    } else if (code == DRILL_REFUSED) {
        o.answer = ANSWER_REFUSED;
        snprintf(o.how, sizeof(o.how), "returned an error");
    } else if (code == DRILL_ESCAPED) {
        o.answer = ANSWER_ESCAPED;
        snprintf(o.how, sizeof(o.how), "the attempt succeeded");
    } else if (code == DRILL_NOT_APPLICABLE) {
        o.answer = ANSWER_SKIPPED;
        snprintf(o.how, sizeof(o.how), "not applicable");
    } else {
        snprintf(o.how, sizeof(o.how), "no answer (exit %d)", code);
    }
    return o;
}
