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

struct sta_filter_parser {
    struct bytes s;
    size_t at;
    enum sta_type type;
    struct arena *arena;
    struct sta_error *error;
    uint32_t depth;
    uint32_t nodes;
    struct sta_filter_sets sets;
    bool to_one; /* paths through a set are refused */
};

/* 400 with the place, what was expected and what stands there. */
enum err sta_filter_expected(struct sta_filter_parser *p, size_t at, const char *what) MUST_USE;
enum err sta_filter_node(struct sta_filter_parser *p, enum sta_op op, size_t at,
                         struct sta_expr **out) MUST_USE;
/* The bytes at hand that a name may have. */
struct bytes sta_filter_peek(const struct sta_filter_parser *p);
/* A path, as a node. */
enum err sta_filter_read_path(struct sta_filter_parser *p, struct sta_expr **out) MUST_USE;

extern const struct sta_operator sta_operators[STA_OP_CALL];
/* What the i-th argument of a function must be. */
enum sta_kind sta_argument_kind(enum sta_call call, uint32_t i);

extern const struct sta_function sta_functions[STA_CALL_COUNT];

#endif
