/* answer.h -- how an attempt's answer travels: as the exit status of its process. */
#ifndef DRILL_ANSWER_H
#define DRILL_ANSWER_H

enum { DRILL_REFUSED = 40, DRILL_ESCAPED = 41, DRILL_NOT_APPLICABLE = 42, DRILL_NO_PAYLOAD = 43 };

/* What the hook writes to standard error when the sandbox has closed and the attempt begins. */
#define DRILL_BEGUN "drill: begun"

#endif
