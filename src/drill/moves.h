/*
 * moves.h -- what a story does outside a compartment: devices and people of the city, the thief of
 * a backup, the digger who cuts a cable.
 *
 * A move answers like an attempt: ANSWER_ESCAPED it got what it wanted, ANSWER_REFUSED with the
 * words of who refused in `said`, ANSWER_FAILED it could not even be tried. Moves of one story
 * share the stage: what was stolen stays stolen.
 */
#ifndef DRILL_MOVES_H
#define DRILL_MOVES_H

#include "charter/charter.h"
#include "drill/answer.h"
#include "drill/client.h"
#include "drill/range.h"
#include "drill/story.h"
#include "grant/lease.h"

/* For answers of the API, on disks that others keep busy too. */
enum { STAGE_PATIENCE_MS = 30000 };
enum { STAGE_PATH_SIZE = 400, STAGE_STREAMS_MAX = 16, STAGE_TOKEN_SIZE = 1100 };

struct stage {
    struct range *range;
    const struct charter *charter;
    const char *bulkhead;       /* our own program, for what a person types */
    const char *moves;          /* the payload with the moves inside */
    char work[STAGE_PATH_SIZE]; /* a folder for stolen copies; removed at the end */
    struct {
        char device[STORY_NAME_SIZE], zone[STORY_NAME_SIZE];
        uint32_t stream, thing;
    } streams[STAGE_STREAMS_MAX];
    uint32_t streams_count;
    char lease[LEASE_BYTES_MAX]; /* the last one that came, a note */
    uint64_t taken; /* observations that were acknowledged to the move `publish`, in all */
};

struct move {
    const char *name;
    struct outcome (*run)(struct stage *s, const struct story_move *m);
    const char *what; /* its words, and what they mean */
};
extern const struct move moves_device[], moves_people[], moves_city[], moves_covert[];

/* NULL: there is none. */
const struct move *move_find(const char *name);

/* Ends what the moves have started. */
void moves_end(struct stage *s);

/* An answer with its words. */
struct outcome move_answer(enum attempt_answer answer, const char *format, ...) PRINTF_LIKE(2, 3);
/* A word of the move, or what it is when it is not there. */
const char *move_word(const struct story_move *m, const char *key, const char *otherwise);
long move_number(const struct story_move *m, const char *key, long otherwise);

/* STATE/field/NAME and STATE/callers/NAME. */
void stage_device(const struct stage *s, const char *name, struct client_identity *out);
void stage_caller(const struct stage *s, const char *name, struct client_identity *out);
/* The Datastream of a device that joined; 0. */
uint32_t stage_stream(const struct stage *s, const char *device);

/*
 * `bulkhead WORDS...`, its two streams in *out as text; the exit status, or -1. Ends within 20 s.
 */
int stage_tool(struct stage *s, const char *const words[], struct buf *out);
/* A token; false with the judge's words in `text`. `approve`: the bytes to approve, or NULL. */
bool stage_token(struct stage *s, const char *caller, const char *zone, const char *purpose,
                 const char *seconds, const char *approve, char text[static STAGE_TOKEN_SIZE]);
/* The words @mqtts:ZONE @https:ZONE @pid:COMPARTMENT @state:PATH @token:CALLER:ZONE:PURPOSE */
bool stage_expand(struct stage *s, const char *value, char *to, size_t size);

#endif
