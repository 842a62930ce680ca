/*
 * filter.h -- the expression language of $filter and $orderby as a tree, and its evaluation.
 *
 *   or < and < eq ne < gt ge lt le < add sub < mul div mod < not, -   (18-088 table 11)
 *
 * Parsing is recursive descent with a depth and a node limit. Types that are known beforehand are
 * checked there (400 with the position and what was expected); what is known only per row (result,
 * members of JSON) decides at evaluation, where unlike kinds compare as unknown. Logic is
 * three-valued: unknown (null) is neither true nor false; a row passes only on true.
 * A tree never becomes text for an engine.
 *
 * A path may go through a set ("Datastreams/Observations/result"). Then the filter holds when it
 * holds for one choice of a member of each set; paths that begin with the same sets speak of the
 * same member, as 18-088 9.3.3.5 has it ("Things that have any observations of this feature and in
 * this month"). A set without a visible member counts as one member of which everything is null.
 */
#ifndef SENSORTHINGS_FILTER_H
#define SENSORTHINGS_FILTER_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "sensorthings/geometry.h"
#include "sensorthings/model.h"

enum {
    STA_WORK_OF_ROW = 64, /* looks at pairs of edges that count like a row examined */
    STA_FILTER_DEPTH_MAX = 32,
    STA_FILTER_NODES_MAX = 256,
    STA_FILTER_PATH_MAX = 8,        /* steps of one path */
    STA_FILTER_SETS_MAX = 4,        /* sets that the paths of one filter go through */
    STA_VALUE_TEXT_MAX = 64 * 1024, /* of a text that a function makes */
};

enum sta_kind {
    STA_NULL,
    STA_BOOL,
    STA_NUMBER,
    STA_TEXT,
    STA_TIME,         /* an instant or an interval */
    STA_DURATION,     /* microseconds */
    STA_DATE,         /* its midnight in UTC, from date() */
    STA_CLOCK,        /* microseconds since midnight, from time() */
    STA_JSON,         /* an object or array; compares with nothing */
    STA_GEOMETRY,     /* a literal; of a row it is JSON until a function reads it */
    STA_UNKNOWN_KIND, /* only while parsing: known per row */
};

struct sta_value {
    enum sta_kind kind;
    double number;          /* NUMBER; BOOL as 0 or 1 */
    int64_t time_us;        /* TIME: its start; DURATION, DATE, CLOCK */
    int64_t end_us;         /* TIME: its end */
    int16_t offset_minutes; /* TIME: zone as written */
    struct bytes text;      /* TEXT, JSON; GEOMETRY as it was written */
    const struct sta_geometry *geometry;
};

enum sta_op {
    STA_OP_LITERAL,
    STA_OP_PATH,
    STA_OP_OR,
    STA_OP_AND,
    STA_OP_NOT,
    STA_OP_EQ,
    STA_OP_NE,
    STA_OP_GT,
    STA_OP_GE,
    STA_OP_LT,
    STA_OP_LE,
    STA_OP_ADD,
    STA_OP_SUB,
    STA_OP_MUL,
    STA_OP_DIV,
    STA_OP_MOD,
    STA_OP_NEGATE,
    STA_OP_CALL,
    STA_OP_ANY, /* only at the root: args[0] holds for one choice of members of `sets` */
};

/* A set that paths go through: from the row, or a member of an earlier set, over relations to one
 * entity and at last one to many. */
struct sta_filter_set {
    uint8_t parent; /* 0: the row; else the number of an earlier set, from 1 on */
    enum sta_type type;
    uint8_t relations[STA_FILTER_PATH_MAX];
    uint32_t relations_count;
};
struct sta_filter_sets {
    struct sta_filter_set of[STA_FILTER_SETS_MAX];
    uint32_t count;
};

/* Relations, then a property (or the id), then members of JSON. */
struct sta_expr_path {
    uint8_t relations[STA_FILTER_PATH_MAX];
    uint32_t relations_count;
    uint8_t set;        /* 0: the path starts at the row; else at a member of this set */
    uint8_t from;       /* the relations before this one are the sets' */
    enum sta_type type; /* that has the property */
    int property;       /* index; -1: the id */
    struct bytes members[STA_FILTER_PATH_MAX];
    uint32_t members_count;
};

struct sta_function {
    const char *name;
    uint8_t args_min, args_max;
    enum sta_kind takes; /* of the first argument; TEXT, TIME, NUMBER, GEOMETRY */
    enum sta_kind takes_more;
    enum sta_kind gives;
};

enum sta_call {
    STA_CALL_SUBSTRINGOF,
    STA_CALL_STARTSWITH,
    STA_CALL_ENDSWITH,
    STA_CALL_LENGTH,
    STA_CALL_INDEXOF,
    STA_CALL_SUBSTRING,
    STA_CALL_TOLOWER,
    STA_CALL_TOUPPER,
    STA_CALL_TRIM,
    STA_CALL_CONCAT,
    STA_CALL_YEAR,
    STA_CALL_MONTH,
    STA_CALL_DAY,
    STA_CALL_HOUR,
    STA_CALL_MINUTE,
    STA_CALL_SECOND,
    STA_CALL_FRACTIONALSECONDS,
    STA_CALL_DATE,
    STA_CALL_TIME,
    STA_CALL_TOTALOFFSETMINUTES,
    STA_CALL_NOW,
    STA_CALL_MINDATETIME,
    STA_CALL_MAXDATETIME,
    STA_CALL_ROUND,
    STA_CALL_FLOOR,
    STA_CALL_CEILING,
    STA_CALL_GEO_DISTANCE, /* from here on: of geometries */
    STA_CALL_GEO_LENGTH,
    STA_CALL_GEO_INTERSECTS,
    STA_CALL_ST_EQUALS,
    STA_CALL_ST_DISJOINT,
    STA_CALL_ST_TOUCHES,
    STA_CALL_ST_WITHIN,
    STA_CALL_ST_OVERLAPS,
    STA_CALL_ST_CROSSES,
    STA_CALL_ST_INTERSECTS,
    STA_CALL_ST_CONTAINS,
    STA_CALL_ST_RELATE,
    STA_CALL_COUNT
};

struct sta_expr {
    enum sta_op op;
    enum sta_kind kind; /* of the result, if known; else STA_UNKNOWN_KIND */
    uint32_t position;  /* in the option's decoded text */
    uint8_t function;   /* CALL: index in the table of filter.c */
    uint8_t args_count;
    const struct sta_expr *args[3];
    struct sta_value literal;
    const struct sta_expr_path *path;
    const struct sta_filter_sets *sets; /* ANY */
};

/* Parse a whole expression that must be boolean, about entities of this type. */
enum err sta_filter_parse(struct bytes text, enum sta_type type, struct arena *arena,
                          const struct sta_expr **out, struct sta_error *error) MUST_USE;
/* Parse one path or function (for $orderby), to one value. */
enum err sta_filter_parse_path(struct bytes text, enum sta_type type, struct arena *arena,
                               const struct sta_expr **out, struct sta_error *error) MUST_USE;
/* Canonical text, with parentheses where precedence asks for them; parses to the same tree. */
void sta_filter_print(const struct sta_expr *expr, enum sta_type type, struct buf *out);

/* The row that an expression is about: an entity, or an Observation of a Datastream. */
struct sta_row {
    enum sta_type type;
    const struct sta_entity *entity; /* the Datastream when type is STA_OBSERVATION */
    uint64_t n;
    const struct observation *observation;
};

/* Why an evaluation must fail instead of lie. */
enum sta_trouble {
    STA_TROUBLE_NONE,
    STA_TROUBLE_TEXTS,  /* the scratch was full */
    STA_TROUBLE_ROWS,   /* more than examined_max */
    STA_TROUBLE_POINTS, /* geometries; their work counts as rows, STA_WORK_OF_ROW for one */
    STA_TROUBLE_STORE,
};

/* Where rows are looked up, and under whose rights. */
struct sta_scope {
    const struct sta_graph *graph;
    const struct sta_source *source;
    const struct sta_rights *rights;
    struct arena *scratch; /* for text made while evaluating; reset by the caller per row */
    int64_t now_us;
    uint64_t *examined; /* rows looked at, members of sets too */
    uint64_t examined_max;
    enum sta_trouble trouble;
    struct sta_row member[STA_FILTER_SETS_MAX]; /* while ANY is evaluated; entity NULL: none */
};

void sta_filter_value(const struct sta_expr *expr, struct sta_scope *scope,
                      const struct sta_row *row, struct sta_value *out);
/* True only if the expression is true. */
bool sta_filter_holds(const struct sta_expr *expr, struct sta_scope *scope,
                      const struct sta_row *row);
/* Total order for $orderby: null, false, true, numbers, text, times. Text by its first
 * STA_ORDER_TEXT_MAX bytes. */
enum { STA_ORDER_TEXT_MAX = 200 };
int sta_value_order(const struct sta_value *a, const struct sta_value *b);

/* The span of a Datastream's phenomenonTime (or resultTime). False: no observations to see. */
bool sta_stream_times(const struct sta_scope *scope, const struct sta_entity *e, bool result,
                      int64_t *out_start, int64_t *out_end);

/* Bounds on phenomenonTime that every row passing (set 0), or the member of a set, must keep:
 * [*from_us, *to_us). Only narrows. */
void sta_filter_time_bounds(const struct sta_expr *expr, uint8_t set, int64_t *from_us,
                            int64_t *to_us);

/* The entity that a relation to one leads to; NULL: none that may be seen. */
const struct sta_entity *sta_related(const struct sta_scope *scope, const struct sta_row *row,
                                     uint32_t relation);
/* Inside this folder: STA_OP_ANY. */
bool sta_filter_any(const struct sta_expr *expr, struct sta_scope *scope,
                    const struct sta_row *row);

#endif
