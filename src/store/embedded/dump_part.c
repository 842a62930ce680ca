#include "store/embedded/dump_part.h"

#include "store/embedded/keys.h"

static const char magic[8] = "BHPART1"; /* and a NUL */

static void
put_u64(struct buf *b, uint64_t v)
{
    uint8_t bytes[8];
    le64_put(bytes, v);
    buf_put(b, bytes_of(bytes, sizeof bytes));
}

static void
put_bytes(struct buf *b, struct bytes what)
{
    put_u64(b, what.len);
    buf_put(b, what);
}

static void
begin(struct buf *b, enum part_kind kind)
{
    buf_reset(b);
    buf_put(b, bytes_of(magic, sizeof magic));
    buf_byte(b, (uint8_t)kind);
}

void
part_begin_tables(struct buf *b, uint64_t user_version)
{
    begin(b, PART_TABLES);
    put_u64(b, user_version);
}

void
part_put_table(struct buf *b, struct bytes sql)
{
    put_bytes(b, sql);
}

void
part_begin_rows(struct buf *b, const char *table, uint8_t columns)
{
    begin(b, PART_ROWS);
    put_bytes(b, bytes_text(table));
    buf_byte(b, columns);
}

void
part_put_value(struct buf *b, const struct part_value *v)
{
    uint64_t bits;
    buf_byte(b, (uint8_t)v->kind);
    switch (v->kind) {
    case PART_NULL:
        break;
    case PART_INTEGER:
        put_u64(b, (uint64_t)v->integer);
        break;
    case PART_REAL:
        memcpy(&bits, &v->real, sizeof bits);
        put_u64(b, bits);
        break;
    case PART_TEXT:
    case PART_BLOB:
        put_bytes(b, v->bytes);
        break;
    }
}

static enum err
take(struct bytes *left, size_t n, struct bytes *out)
{
    if (left->len < n)
        return ERR_MALFORMED;
    *out = bytes_of(left->p, n);
    *left = bytes_skip(*left, n);
    return OK;
}

static enum err
take_byte(struct bytes *left, uint8_t *out)
{
    struct bytes one;
    enum err e = take(left, 1, &one);
    if (e == OK)
        *out = one.p[0];
    return e;
}

static enum err
take_u64(struct bytes *left, uint64_t *out)
{
    struct bytes eight;
    enum err e = take(left, 8, &eight);
    if (e == OK)
        *out = le64_get(eight.p);
    return e;
}

static enum err
take_bytes(struct bytes *left, struct bytes *out)
{
    uint64_t len;
    enum err e = take_u64(left, &len);
    if (e == OK && len > left->len)
        e = ERR_MALFORMED;
    return e == OK ? take(left, (size_t)len, out) : e;
}

/* A name that may stand in a statement between quotes. */
static bool
is_table(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!(name.p[i] == '_' || (name.p[i] >= 'a' && name.p[i] <= 'z') ||
              (i && name.p[i] >= '0' && name.p[i] <= '9')))
            return false;
    return name.len > 0 && !bytes_start(name, "sqlite_");
}

enum err
part_open(struct bytes bytes, struct part *out)
{
    struct part p = {.left = bytes};
    struct bytes head, table;
    uint8_t kind = 0;
    enum err e = take(&p.left, sizeof magic, &head);
    if (e == OK)
        e = take_byte(&p.left, &kind);
    if (e != OK || memcmp(head.p, magic, sizeof magic) != 0)
        return ERR_MALFORMED;
    p.kind = (enum part_kind)kind;
    if (kind == PART_TABLES) {
        e = take_u64(&p.left, &p.user_version);
        if (e == OK && p.user_version > INT32_MAX)
            e = ERR_MALFORMED;
    } else if (kind == PART_ROWS) {
        e = take_bytes(&p.left, &table);
        if (e == OK && (!is_table(table) || bytes_copy_text(table, p.table, sizeof p.table) != OK))
            e = ERR_MALFORMED;
        if (e == OK)
            e = take_byte(&p.left, &p.columns);
        if (e == OK && (p.columns == 0 || p.columns > PART_COLUMNS_MAX))
            e = ERR_MALFORMED;
    } else {
        e = ERR_MALFORMED;
    }
    if (e == OK)
        *out = p;
    return e;
}

enum err
part_next_table(struct part *p, struct bytes *out_sql)
{
    ASSERT(p->kind == PART_TABLES);
    if (p->left.len == 0)
        return ERR_NOT_FOUND;
    struct bytes sql;
    enum err e = take_bytes(&p->left, &sql);
    bool known = e == OK && sql.len <= PART_SQL_MAX && bytes_find(sql, 0) == sql.len &&
                 bytes_find(sql, ';') == sql.len &&
                 (bytes_start(sql, "CREATE TABLE ") || bytes_start(sql, "CREATE INDEX ") ||
                  bytes_start(sql, "CREATE UNIQUE INDEX "));
    if (!known)
        return ERR_MALFORMED;
    *out_sql = sql;
    return OK;
}

static enum err
take_value(struct bytes *left, struct part_value *v)
{
    uint8_t kind = 0;
    uint64_t bits = 0;
    enum err e = take_byte(left, &kind);
    *v = (struct part_value){.kind = (enum part_value_kind)kind};
    if (e != OK)
        return e;
    switch (kind) {
    case PART_NULL:
        return OK;
    case PART_INTEGER:
        e = take_u64(left, &bits);
        v->integer = (int64_t)bits;
        return e;
    case PART_REAL:
        e = take_u64(left, &bits);
        memcpy(&v->real, &bits, sizeof v->real);
        return e;
    case PART_TEXT:
    case PART_BLOB:
        return take_bytes(left, &v->bytes);
    default:
        return ERR_MALFORMED;
    }
}

enum err
part_next_row(struct part *p, struct part_value out[static PART_COLUMNS_MAX])
{
    ASSERT(p->kind == PART_ROWS);
    if (p->left.len == 0)
        return ERR_NOT_FOUND;
    enum err e = OK;
    for (uint8_t i = 0; e == OK && i < p->columns; i++)
        e = take_value(&p->left, &out[i]);
    return e;
}
