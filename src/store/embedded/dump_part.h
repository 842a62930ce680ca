/*
 * dump_part.h -- the bytes of a part. Reading is strict: what is no part is ERR_MALFORMED.
 */
#ifndef STORE_EMBEDDED_DUMP_PART_H
#define STORE_EMBEDDED_DUMP_PART_H

#include "base/buf.h"

enum { PART_COLUMNS_MAX = 64, PART_TABLE_SIZE = 49, PART_SQL_MAX = 4096 };

enum part_kind { PART_TABLES = 1, PART_ROWS };
enum part_value_kind { PART_NULL, PART_INTEGER, PART_REAL, PART_TEXT, PART_BLOB };

struct part_value {
    enum part_value_kind kind;
    int64_t integer;
    double real;
    struct bytes bytes; /* text or blob; borrowed */
};

/* ---- writing */
void part_begin_tables(struct buf *b, uint64_t user_version);
void part_put_table(struct buf *b, struct bytes sql);
void part_begin_rows(struct buf *b, const char *table, uint8_t columns);
void part_put_value(struct buf *b, const struct part_value *v);

/* ---- reading */
struct part {
    enum part_kind kind;
    uint64_t user_version;       /* PART_TABLES */
    char table[PART_TABLE_SIZE]; /* PART_ROWS: of a-z 0-9 and _ */
    uint8_t columns;
    struct bytes left;
};
enum err part_open(struct bytes bytes, struct part *out) MUST_USE;
/* The next statement. ERR_NOT_FOUND: that was all. */
enum err part_next_table(struct part *p, struct bytes *out_sql) MUST_USE;
/* The next row, p->columns values. ERR_NOT_FOUND: that was all. */
enum err part_next_row(struct part *p, struct part_value out[static PART_COLUMNS_MAX]) MUST_USE;

#endif
