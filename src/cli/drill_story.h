/* drill_story.h -- bulkhead drill --story: attacks with intent, told as a report. */
#ifndef CLI_DRILL_STORY_H
#define CLI_DRILL_STORY_H

#include "base/base.h"

/* The words of the command line; an exit status. */
int drill_story(int argc, char **argv);

#endif
