/*
 * story_run.h -- carries a story out in a private city and prints the report of it.
 *
 * Each step is done for real: inside a breached compartment with its own descriptors, filter and
 * neighbours that answer, or outside with certificates of that city. For a step that a wall of the
 * sandbox stops it is measured what it would have reached: with one wall taken away, with one wall
 * alone, with none.
 */
#ifndef DRILL_STORY_RUN_H
#define DRILL_STORY_RUN_H

#include "charter/charter.h"
#include "drill/story.h"

struct story_config {
    const struct charter *charter;
    const char *charter_name; /* as the report calls it */
    struct bytes charter_text;
    const char *libexec, *drill_libexec;
    const char *moves;    /* the payload */
    const char *bulkhead; /* our own program */
    bool verbose;
};

struct story_result {
    uint32_t steps, stopped, permitted, noticed;
    uint32_t wrong; /* did not end as the story says, or could not be tried */
};

/* ERR_IO with a sentence on standard error when the city cannot be made. */
enum err story_run(const struct story_config *config, const struct story *story,
                   struct story_result *out) MUST_USE;

#endif
