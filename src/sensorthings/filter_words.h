/*
 * filter_words.h -- inside this folder: the words of the expression language, for both ways.
 */
#ifndef SENSORTHINGS_FILTER_WORDS_H
#define SENSORTHINGS_FILTER_WORDS_H

#include "sensorthings/filter.h"

/* A binary operator and how tightly it binds, 1 the loosest. */
struct sta_operator {
    const char *name;
    int level;
};
enum { LEVEL_UNARY = 7, LEVEL_PRIMARY = 8 };

extern const struct sta_operator sta_operators[STA_OP_CALL];
extern const struct sta_function sta_functions[STA_CALL_COUNT];

#endif
