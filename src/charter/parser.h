/*
 * parser.h -- what the files of the charter parser share; nobody else includes it.
 *
 * Two passes over the text: the first only collects the names of blocks, so that the second can
 * resolve every reference where it stands, whatever the order of blocks. What stops the first
 * pass also stops the second one, which says why.
 */
#ifndef CHARTER_PARSER_H
#define CHARTER_PARSER_H

#include "charter/lexer.h"
#include "charter/suggest.h"

struct parser {
    struct lexer lexer;
    struct token token; /* the next one, not taken yet */
    struct charter *c;  /* holds all names; contents up to where the parser stands */
    struct charter_findings *findings;
    bool names_incomplete; /* a reference that is not found may stand behind the error */
    bool city_seen;
    uint32_t purposes, classes, vendors, callers, zones, conduits; /* blocks parsed so far */
};

/* A list of names that references point into: the first member of each element is its name. */
struct name_table {
    const char *what; /* "a purpose" */
    const char *names;
    size_t stride;
    uint32_t count;
};

struct statement {
    const char *word;
    enum err (*parse)(struct parser *p, void *block);
    bool required;
    bool repeats;
};
struct block_kind {
    const char *word;
    const struct statement *statements;
    size_t count;
};

enum block_id {
    BLOCK_CITY,
    BLOCK_PURPOSE,
    BLOCK_CLASS,
    BLOCK_VENDOR,
    BLOCK_RULE,
    BLOCK_CALLER,
    BLOCK_ZONE,
    BLOCK_CONDUIT,
    BLOCK_NEVER,
    BLOCK_COUNT
};
/* In the order of enum block_id; PURPOSE has no statements. */
extern const struct block_kind parser_blocks[BLOCK_COUNT];

/* parse_zone.c and parse_links.c: the statements of a block, and the block from its word on. */
enum {
    PARSER_ZONE_STATEMENTS = 10,
    PARSER_RULE_STATEMENTS = 4,
    PARSER_CALLER_STATEMENTS = 4,
    PARSER_CONDUIT_STATEMENTS = 8,
    PARSER_NEVER_STATEMENTS = 2,
};
extern const struct statement parser_zone_statements[PARSER_ZONE_STATEMENTS];
extern const struct statement parser_rule_statements[PARSER_RULE_STATEMENTS];
extern const struct statement parser_caller_statements[PARSER_CALLER_STATEMENTS];
extern const struct statement parser_conduit_statements[PARSER_CONDUIT_STATEMENTS];
extern const struct statement parser_never_statements[PARSER_NEVER_STATEMENTS];
enum err parse_zone(struct parser *p) MUST_USE;
enum err parse_rule(struct parser *p) MUST_USE;
enum err parse_caller(struct parser *p) MUST_USE;
enum err parse_conduit(struct parser *p) MUST_USE;
enum err parse_never(struct parser *p) MUST_USE;

/* parse_topics.c: what stands behind "topics" in a zone. */
enum err parse_topics(struct parser *p, void *block) MUST_USE;

/* The one finding of a failed parse; always ERR_MALFORMED. */
enum err parser_fail(struct parser *p, struct charter_place place, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* "expected WHAT, found ...; did you mean ...?" about the next token. `s` may be NULL. */
enum err parser_expected(struct parser *p, const char *what, const struct suggest *s);

enum err parser_next(struct parser *p) MUST_USE;
bool parser_at_word(const struct parser *p, const char *word);

/* A word of the language: nobody's name, and the end of every list. */
bool parser_is_reserved(struct bytes word);
/* The next token can be an element of a list. */
bool parser_at_element(const struct parser *p);

enum err parser_name(struct parser *p, const char *what, char *out) MUST_USE;
enum err parser_string(struct parser *p, const char *what, char *out) MUST_USE;
enum err parser_yes_no(struct parser *p, bool *out) MUST_USE;
enum err parser_integer(struct parser *p, uint64_t low, uint64_t high, uint64_t *out) MUST_USE;
enum err parser_duration_ms(struct parser *p, uint64_t low, uint64_t high, uint64_t *out) MUST_USE;
enum err parser_rate(struct parser *p, uint64_t max_per_hour, uint64_t *out) MUST_USE;
enum err parser_tier(struct parser *p, enum charter_tier *out) MUST_USE;
/* One reference, as an index. */
enum err parser_reference(struct parser *p, const struct name_table *t, uint32_t *out) MUST_USE;
/* One or more references, none twice, as a bit set. */
enum err parser_references(struct parser *p, const struct name_table *t, uint64_t *out) MUST_USE;
/* One or more two-letter countries, none twice. */
enum err parser_countries(struct parser *p, char (*out)[3], uint32_t *out_count) MUST_USE;

struct name_table parser_sites(const struct parser *p);
struct name_table parser_vendors(const struct parser *p);
struct name_table parser_classes(const struct parser *p);
struct name_table parser_purposes(const struct parser *p);
struct name_table parser_zones(const struct parser *p);

/* One or more new names, none twice. */
enum err parser_new_names(struct parser *p, const char *what, char (*out)[CHARTER_NAME_SIZE],
                          uint32_t max, uint32_t *out_count) MUST_USE;
/* The block's word and its name, into the index-th element of a list. (The first pass put the
 * same name there already.) *index counts upward. */
enum err parser_block_name(struct parser *p, const char *what, char *names, size_t stride,
                           uint32_t max, uint32_t *index, struct charter_place *out_place) MUST_USE;
#define BLOCK_NAME(p, what, list, limit, place)                                                    \
    parser_block_name(p, what, (p)->c->list[0].name, sizeof((p)->c->list[0]), limit, &(p)->list,   \
                      place)

/* "{" statements "}"; `name` and `place` are the block's, for what is missing. */
enum err parser_block(struct parser *p, const struct block_kind *kind, const char *name,
                      struct charter_place place, void *block) MUST_USE;

#endif
