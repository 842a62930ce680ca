/*
 * story.h -- an attack with intent, as a text that a person reads and the drill carries out.
 *
 *   story     The bike app to the traffic lights
 *   attacker  Someone who found a way to run code in the program that bike riders talk to.
 *   wants     Green for himself, then red for everybody.
 *   city      demo.charter
 *   device    junction-a0 in signals                  enrolled before the story begins
 *
 *   step      He opens a network connection to the gate of the traffic lights.
 *     inside  bikes/gate connect port=@mqtts:signals
 *     must    be refused by wall seccomp
 *     because The program may only use the connections that it was given.
 *
 * One statement a line, its first word says which; '#' begins a line that is nobody's business.
 * Prose (attacker, wants, step, because) may go on: the same word again. A step has one move,
 * `inside` a compartment that is breached for it, or `outside`; `and` names a second compartment
 * that is breached at the same time. What must come of it:
 *
 *   be refused by wall WALL     a wall of the sandbox stops it (sandbox.h); then it is measured
 *                               what it would reach without each wall
 *   be refused by rule WORDS    a program refuses, and says these words
 *   be allowed [saying WORDS]   the charter permits it, or nobody can forbid it
 *   be noticed saying WORDS     it cannot be prevented, and is seen
 *
 * `file` names the source that decides. Pure: bytes in, a story or a place with a sentence out.
 */
#ifndef DRILL_STORY_H
#define DRILL_STORY_H

#include "base/base.h"
#include "base/buf.h"

enum {
    STORY_BYTES_MAX = 64 * 1024,
    STORY_STEPS_MAX = 48,
    STORY_DEVICES_MAX = 16,
    STORY_ARGS_MAX = 8,
    STORY_PROSE_SIZE = 1200,
    STORY_NAME_SIZE = 100,
    STORY_VALUE_SIZE = 200,
    STORY_WHY_SIZE = 200,
};

enum story_must { STORY_WALL = 1, STORY_RULE, STORY_ALLOWED, STORY_NOTICED };

struct story_arg {
    char key[STORY_NAME_SIZE];
    char value[STORY_VALUE_SIZE];
};

/* "inside COMPARTMENT MOVE KEY=VALUE ..." or "outside MOVE ..." (compartment empty). */
struct story_move {
    char compartment[STORY_NAME_SIZE];
    char name[STORY_NAME_SIZE];
    struct story_arg args[STORY_ARGS_MAX];
    uint32_t args_count;
};

struct story_step {
    uint32_t line;
    char what[STORY_PROSE_SIZE];
    struct story_move move;
    struct story_move also; /* name empty: none */
    enum story_must must;
    char by[STORY_VALUE_SIZE]; /* the wall, or the words; may be empty when allowed */
    char file[STORY_VALUE_SIZE];
    char because[STORY_PROSE_SIZE];
};

struct story_device {
    char name[STORY_NAME_SIZE];
    char zone[STORY_NAME_SIZE];
};

struct story {
    char title[STORY_PROSE_SIZE];
    char attacker[STORY_PROSE_SIZE];
    char wants[STORY_PROSE_SIZE];
    char city[STORY_NAME_SIZE]; /* the charter's file name */
    struct story_device devices[STORY_DEVICES_MAX];
    uint32_t devices_count;
    struct story_step steps[STORY_STEPS_MAX];
    uint32_t steps_count;
};

/* ERR_MALFORMED: *out_line (from 1) and a sentence in out_why. */
enum err story_parse(struct bytes text, struct story *out, uint32_t *out_line,
                     char out_why[static STORY_WHY_SIZE]) MUST_USE;

/* The value of a key, or NULL. */
const char *story_arg(const struct story_move *m, const char *key);

/* The story as its own text again; story_parse() of it gives the same story. */
void story_put(const struct story *s, struct buf *out);

#endif
