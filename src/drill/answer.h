/*
 * answer.h -- how an attempt's answer travels, as the exit status of its process, and what it
 * means.
 */
#ifndef DRILL_ANSWER_H
#define DRILL_ANSWER_H

#include "base/base.h"
#include "base/buf.h"

enum { DRILL_REFUSED = 40, DRILL_ESCAPED = 41, DRILL_NOT_APPLICABLE = 42, DRILL_NO_PAYLOAD = 43 };

/* What the hook writes to standard error when the sandbox has closed and the attempt begins. */
#define DRILL_BEGUN "drill: begun"

enum attempt_answer { ANSWER_REFUSED, ANSWER_ESCAPED, ANSWER_SKIPPED, ANSWER_FAILED };

struct outcome {
    enum attempt_answer answer;
    char how[240];   /* "killed by SYS", "the sandbox did not start: ..." */
    char said[1024]; /* what the attempt wrote to standard error after it began; may be cut */
};

/* Append what the process's log pipe holds now; bytes above the buffer's maximum are lost. */
void answer_read_log(int fd, struct buf *log);
/* True if the log says that the sandbox closed and the attempt began. */
bool answer_begun(struct buf *log);
/* What an end with this wait status means. */
struct outcome answer_of(int status, struct buf *log);

#endif
