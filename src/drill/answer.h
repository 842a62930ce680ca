/* answer.h -- how an attempt's answer travels, as the exit status of its process, and what it
 * means. */
#ifndef DRILL_ANSWER_H
#define DRILL_ANSWER_H

enum { DRILL_REFUSED = 40, DRILL_ESCAPED = 41, DRILL_NOT_APPLICABLE = 42, DRILL_NO_PAYLOAD = 43 };

/* What the hook writes to standard error when the sandbox has closed and the attempt begins. */
#define DRILL_BEGUN "drill: begun"

enum answer { ANSWER_REFUSED, ANSWER_ESCAPED, ANSWER_SKIPPED, ANSWER_FAILED };

struct outcome {
    enum answer answer;
    char how[240];   /* "killed by SYS", "the sandbox did not start: ..." */
    char said[1024]; /* what the attempt wrote to standard error after it began; may be cut */
};

#endif
