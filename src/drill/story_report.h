/* story_report.h -- a story's report, on standard output, for people who decide and not for us. */
#ifndef DRILL_STORY_REPORT_H
#define DRILL_STORY_REPORT_H

#include "drill/story_run.h"
#include "drill/story_walls.h"

void report_begin(const struct story_config *config, const struct story *story);
void report_step(uint32_t number, const struct story_step *step, const struct outcome *o,
                 const struct wall_findings *walls, struct bytes charter, bool told);
void report_end(const struct story_result *r);

/* The number in "charter line N" of a sentence, or 0; and that line of the charter, trimmed. */
uint32_t report_charter_line(const char *said);
struct bytes report_line_of(struct bytes charter, uint32_t line);

#endif
