#include "store/embedded/dump.h"

#include "store/embedded/dump_part.h"
#include "store/embedded/embedded.h"

#include <math.h>
#include <sqlite3.h>

enum { TABLES_MAX = 64, KEY_PARTS_MAX = 4096, KEY_GRAIN_S = 60 * 60, KEY_GRAINS = 16 };

/* ---- rows ------------------------------------------------------------------------------- */

struct dump {
    sqlite3 *db;
    struct buf part;
    dump_part_fn *each;
    void *ctx;
};

static enum err
prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
    return sqlite3_prepare_v2(db, sql, -1, out, NULL) == SQLITE_OK ? OK : ERR_IO;
}

static struct bytes
column_bytes(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);
    return bytes_of(p, (size_t)sqlite3_column_bytes(st, at));
}

static void
put_column(struct buf *b, sqlite3_stmt *st, int at)
{
    struct part_value v = {.kind = PART_NULL};
    switch (sqlite3_column_type(st, at)) {
    case SQLITE_INTEGER:
        v = (struct part_value){.kind = PART_INTEGER, .integer = sqlite3_column_int64(st, at)};
        break;
    case SQLITE_FLOAT:
        v = (struct part_value){.kind = PART_REAL, .real = sqlite3_column_double(st, at)};
        break;
    case SQLITE_TEXT:
        v = (struct part_value){.kind = PART_TEXT, .bytes = column_bytes(st, at)};
        break;
    case SQLITE_BLOB:
        v = (struct part_value){.kind = PART_BLOB, .bytes = column_bytes(st, at)};
        break;
    default:
        break;
    }
    part_put_value(b, &v);
}

static enum err
emit(struct dump *d)
{
    enum err e = buf_error(&d->part);
    return e == OK ? d->each(d->ctx, buf_bytes(&d->part)) : e;
}

/*
 * Rows whose numbers (column 0; NULL in a table without) fall into one group are one part, or a
 * few when they are long. So a row that comes or goes changes its own group only.
 */
static enum err
dump_table(struct dump *d, const char *table)
{
    char sql[160];
    sqlite3_stmt *st = NULL;
    snprintf(sql, sizeof sql, "SELECT rowid,* FROM \"%s\" ORDER BY rowid", table);
    enum err e = prepare(d->db, sql, &st);
    if (e != OK) {
        snprintf(sql, sizeof sql, "SELECT NULL,* FROM \"%s\"", table);
        e = prepare(d->db, sql, &st);
    }
    if (e != OK)
        return e;
    int columns = sqlite3_column_count(st) - 1;
    int64_t group = -1, row = 0;
    int rc;
    buf_reset(&d->part);
    while (e == OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        bool numbered = sqlite3_column_type(st, 0) == SQLITE_INTEGER;
        int64_t number = numbered ? sqlite3_column_int64(st, 0) : row++;
        bool full = d->part.len >= DUMP_PART_AIM || number / DUMP_PART_ROWS != group;
        if (full && d->part.len)
            e = emit(d);
        if (full)
            part_begin_rows(&d->part, table, (uint8_t)columns);
        group = number / DUMP_PART_ROWS;
        for (int i = 1; i <= columns; i++)
            put_column(&d->part, st, i);
    }
    if (e == OK && rc != SQLITE_DONE)
        e = ERR_IO;
    if (e == OK && d->part.len)
        e = emit(d);
    sqlite3_finalize(st);
    return e;
}

static uint64_t
pragma_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    uint64_t v = 0;
    if (prepare(db, sql, &st) == OK && sqlite3_step(st) == SQLITE_ROW)
        v = (uint64_t)sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return v;
}

/* The statements that make the tables; their names into `names`. */
static enum err
dump_tables(struct dump *d, char names[TABLES_MAX][PART_TABLE_SIZE], size_t *out_count)
{
    sqlite3_stmt *st = NULL;
    enum err e = prepare(d->db,
                         "SELECT type,name,sql FROM sqlite_master WHERE sql IS NOT NULL"
                         " ORDER BY type DESC,name",
                         &st); /* tables before indexes */
    int rc = SQLITE_DONE;
    *out_count = 0;
    part_begin_tables(&d->part, pragma_number(d->db, "PRAGMA user_version"));
    while (e == OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        bool table = bytes_are(column_bytes(st, 0), "table");
        if (table && *out_count == TABLES_MAX)
            e = ERR_LIMIT;
        else if (table)
            e = bytes_copy_text(column_bytes(st, 1), names[(*out_count)++], PART_TABLE_SIZE);
        part_put_table(&d->part, column_bytes(st, 2));
    }
    if (e == OK && rc != SQLITE_DONE)
        e = ERR_IO;
    sqlite3_finalize(st);
    return e == OK ? emit(d) : e;
}

static bool
holds_keys(const char *table)
{
    return strcmp(table, "meta") == 0 || strcmp(table, "streamkey") == 0;
}

enum err
dump_rows(struct store *s, dump_part_fn *each, void *ctx)
{
    static char names[TABLES_MAX][PART_TABLE_SIZE];
    struct dump d = {.db = sealed_handle(s->sealed), .each = each, .ctx = ctx};
    size_t count;
    buf_init(&d.part, DUMP_PART_MAX);
    enum err e = dump_tables(&d, names, &count);
    for (size_t i = 0; e == OK && i < count; i++)
        if (!holds_keys(names[i]))
            e = dump_table(&d, names[i]);
    buf_fini(&d.part);
    return e;
}

/* ---- keys ------------------------------------------------------------------------------- */

struct key_part {
    int64_t until_s;
    struct buf part;
};
struct key_parts {
    struct key_part list[KEY_PARTS_MAX];
    size_t count;
};

static struct buf *
key_part(struct key_parts *parts, int64_t until_s)
{
    for (size_t i = 0; i < parts->count; i++)
        if (parts->list[i].until_s == until_s)
            return &parts->list[i].part;
    if (parts->count == KEY_PARTS_MAX)
        return NULL;
    struct key_part *p = &parts->list[parts->count++];
    p->until_s = until_s;
    buf_init(&p->part, DUMP_PART_MAX);
    part_begin_rows(&p->part, "streamkey", 3);
    return &p->part;
}

/*
 * The time from which a key opens nothing that is kept, rounded up so that there are few such
 * times; 0: never. `last_us` is the newest thing under the key.
 */
static int64_t
until_of(const struct stream *st, bool current, bool any, int64_t last_us, int64_t now_s,
         bool *out_over)
{
    *out_over = false;
    if (!st || st->row.erased || st->row.meta.keep_s == 0)
        return 0;
    int64_t last_s = any ? last_us / 1000000 + 1 : now_s;
    if (current && last_s < now_s)
        last_s = now_s;
    int64_t keep_s = (int64_t)st->row.meta.keep_s;
    int64_t grain_s = keep_s / KEY_GRAINS > KEY_GRAIN_S ? keep_s / KEY_GRAINS : KEY_GRAIN_S;
    *out_over = !current && last_s + keep_s < now_s;
    return ((last_s + keep_s) / grain_s + 1) * grain_s;
}

/* For each key the newest time of what lies under it, in whatever table. */
static enum err
keys_statement(sqlite3 *db, sqlite3_stmt **out)
{
    sqlite3_stmt *st = NULL;
    struct buf sql;
    enum err e =
        prepare(db,
                "SELECT m.name,MAX(t.name) FROM sqlite_master m,pragma_table_info(m.name) t"
                " WHERE m.type='table' AND m.name<>'streamkey' AND t.name IN('t','t1')"
                " AND EXISTS(SELECT 1 FROM pragma_table_info(m.name) WHERE name='epoch')"
                " AND EXISTS(SELECT 1 FROM pragma_table_info(m.name) WHERE name='stream')"
                " GROUP BY m.name",
                &st);
    buf_init(&sql, 4096);
    buf_text(&sql, "SELECT k.stream,k.epoch,k.wrapped,u.t FROM streamkey k LEFT JOIN"
                   " (SELECT stream s,epoch e,MAX(t) t FROM (SELECT 0 stream,0 epoch,0 t WHERE 0");
    while (e == OK && sqlite3_step(st) == SQLITE_ROW)
        buf_format(&sql, " UNION ALL SELECT stream,epoch,MAX(%s) FROM \"%s\" GROUP BY 1,2",
                   (const char *)sqlite3_column_text(st, 1),
                   (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    buf_text(&sql, ") GROUP BY 1,2) u ON u.s=k.stream AND u.e=k.epoch"
                   " ORDER BY k.stream,k.epoch");
    if (e == OK)
        e = buf_error(&sql);
    if (e == OK)
        e = prepare(db, buf_string(&sql), out);
    buf_fini(&sql);
    return e;
}

static enum err
gather_keys(struct store *s, int64_t now_s, struct key_parts *parts)
{
    sqlite3_stmt *st = NULL;
    enum err e = keys_statement(sealed_handle(s->sealed), &st);
    int rc = SQLITE_DONE;
    while (e == OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const struct stream *stream = streams_find(s, (uint32_t)sqlite3_column_int64(st, 0));
        bool current = stream && stream->row.epoch == (uint64_t)sqlite3_column_int64(st, 1);
        bool any = sqlite3_column_type(st, 3) == SQLITE_INTEGER;
        bool over = false;
        int64_t until_s = until_of(stream, current, any, sqlite3_column_int64(st, 3), now_s, &over);
        struct buf *to = over ? NULL : key_part(parts, until_s);
        if (!over && !to)
            e = ERR_LIMIT;
        for (int i = 0; to && i < 3; i++)
            put_column(to, st, i);
    }
    if (e == OK && rc != SQLITE_DONE)
        e = ERR_IO;
    sqlite3_finalize(st);
    return e;
}

struct meta_call {
    dump_keys_fn *each;
    void *ctx;
};

static enum err
meta_part(void *ctx, struct bytes part)
{
    const struct meta_call *call = ctx;
    return call->each(call->ctx, 0, part);
}

enum err
dump_keys(struct store *s, int64_t now_s, dump_keys_fn *each, void *ctx)
{
    struct key_parts *parts = calloc(1, sizeof *parts);
    if (!parts)
        return ERR_LIMIT;
    struct meta_call call = {each, ctx};
    struct dump d = {.db = sealed_handle(s->sealed), .each = meta_part, .ctx = &call};
    buf_init(&d.part, DUMP_PART_MAX);
    enum err e = dump_table(&d, "meta");
    buf_fini(&d.part);
    if (e == OK)
        e = gather_keys(s, now_s, parts);
    for (size_t i = 0; i < parts->count; i++) {
        if (e == OK)
            e = buf_error(&parts->list[i].part);
        if (e == OK)
            e = each(ctx, parts->list[i].until_s, buf_bytes(&parts->list[i].part));
        buf_fini(&parts->list[i].part);
    }
    free(parts);
    return e;
}

/* ---- leaves ----------------------------------------------------------------------------- */

static const char cut_magic[8] = {'B', 'H', 'C', 'U', 'T', '0', '0', '1'};
_Static_assert(DUMP_CUT_SIZE == 24 + TREE_LEVELS * TREE_HASH_SIZE, "a frontier");
_Static_assert((int)DUMP_LEAVES_PIECE == (int)LEAVES_PIECE * BATCH_LEAF_SIZE, "pieces lie whole");

static enum err
dump_cut(const struct store *s, dump_part_fn *each, void *ctx)
{
    uint8_t piece[DUMP_CUT_SIZE];
    if (s->cut.size == 0)
        return OK;
    memcpy(piece, cut_magic, sizeof cut_magic);
    le64_put(piece + 8, s->cut.size);
    le64_put(piece + 16, s->ring);
    memcpy(piece + 24, s->cut.node, sizeof s->cut.node);
    return each(ctx, bytes_of(piece, sizeof piece));
}

bool
dump_cut_read(struct bytes piece, struct tree *out_tree, uint64_t *out_ring)
{
    if (piece.len != DUMP_CUT_SIZE || memcmp(piece.p, cut_magic, sizeof cut_magic) != 0)
        return false;
    out_tree->size = le64_get(piece.p + 8);
    *out_ring = le64_get(piece.p + 16);
    memcpy(out_tree->node, piece.p + 24, sizeof out_tree->node);
    return out_tree->size < 1ULL << TREE_LEVELS && *out_ring >= LEAVES_RING_MIN &&
           *out_ring % LEAVES_PIECE == 0;
}

enum err
dump_leaves(struct store *s, dump_part_fn *each, void *ctx)
{
    uint8_t *piece = malloc(DUMP_LEAVES_PIECE);
    struct tree tree = s->cut;
    enum err e = piece ? dump_cut(s, each, ctx) : ERR_LIMIT;
    while (e == OK && tree.size < s->tree.size) {
        uint64_t left = s->tree.size - tree.size;
        uint64_t n = LEAVES_PIECE - tree.size % LEAVES_PIECE;
        size_t count = (size_t)(left < n ? left : n);
        e = leaves_read(s, tree.size, count, piece);
        for (size_t i = 0; e == OK && i < count; i++)
            tree_add(&tree, piece + i * BATCH_LEAF_SIZE);
        if (e == OK)
            e = each(ctx, bytes_of(piece, count * BATCH_LEAF_SIZE));
    }
    free(piece);
    return e == OK && !tree_equal(&tree, &s->tree) ? ERR_AGAIN : e;
}

struct dump_tree {
    struct store *s;
    struct tree tree;
    uint64_t from; /* the leaf that piece begins with */
    size_t count;  /* leaves in it */
    uint8_t piece[64 * 1024];
};

struct dump_tree *
dump_tree_new(struct store *s)
{
    struct dump_tree *t = calloc(1, sizeof *t);
    if (t) {
        t->s = s;
        t->tree = s->cut;
    }
    return t;
}

void
dump_tree_free(struct dump_tree *t)
{
    free(t);
}

enum err
dump_tree_at(struct dump_tree *t, uint64_t size, uint8_t out_root[static 32])
{
    if (size < t->s->cut.size)
        return ERR_EXPIRED;
    if (size > t->s->tree.size || size < t->tree.size)
        return ERR_NOT_FOUND;
    while (t->tree.size < size) {
        uint64_t n = t->tree.size;
        if (n >= t->from + t->count) {
            uint64_t left = t->s->tree.size - n;
            size_t count = sizeof t->piece / BATCH_LEAF_SIZE;
            count = left < count ? (size_t)left : count;
            enum err e = leaves_read(t->s, n, count, t->piece);
            if (e != OK)
                return e;
            t->from = n;
            t->count = count;
        }
        tree_add(&t->tree, t->piece + (n - t->from) * BATCH_LEAF_SIZE);
    }
    tree_root(&t->tree, out_root);
    return OK;
}

/* ---- verify ----------------------------------------------------------------------------- */

struct verifying {
    struct dump_verdict v;
    struct store_aggregate numbers;
    uint64_t count; /* of the stream */
};

static bool
see_observation(void *ctx, uint64_t n, const struct observation *o)
{
    struct verifying *q = ctx;
    (void)n;
    q->count++;
    aggregate_add(&q->numbers, o);
    return true;
}

static void
see_entity(void *ctx, uint8_t type, uint64_t id, struct bytes record)
{
    struct verifying *q = ctx;
    (void)type, (void)id, (void)record;
    q->v.entities++;
}

static bool
near(double a, double b)
{
    return a == b || fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b)) + 1e-9;
}

static enum err
verify_stream(struct store *s, const struct stream *st, struct verifying *q)
{
    static const struct store_range all = {.from_us = INT64_MIN, .to_us = INT64_MAX};
    struct store_aggregate kept = {0};
    struct store_span span = {0};
    uint32_t id = st->row.id;
    q->count = 0;
    q->numbers = (struct store_aggregate){0};
    enum err e = store_range(s, id, &all, see_observation, q);
    if (e == OK)
        e = store_span(s, id, &span);
    if (e == OK)
        e = store_aggregate(s, id, INT64_MIN, INT64_MAX, &kept);
    q->v.streams++;
    q->v.observations += q->count;
    if (e == ERR_CRYPTO)
        snprintf(q->v.why, sizeof q->v.why,
                 "stream %u: a chunk does not open: its bytes were changed", id);
    else if (e == OK && span.count != q->count)
        snprintf(q->v.why, sizeof q->v.why,
                 "stream %u: %llu observations are counted, %llu are there", id,
                 (unsigned long long)span.count, (unsigned long long)q->count);
    else if (e == OK && (kept.count != q->numbers.count || !near(kept.sum, q->numbers.sum) ||
                         (kept.count && (kept.min < q->numbers.min || kept.min > q->numbers.min ||
                                         kept.max < q->numbers.max || kept.max > q->numbers.max))))
        snprintf(q->v.why, sizeof q->v.why,
                 "stream %u: its statistics are not those of its numbers", id);
    return q->v.why[0] ? ERR_CRYPTO : e;
}

static enum err
verify_tree(struct store *s, struct verifying *q)
{
    uint8_t now[32], again[32];
    struct dump_tree *t = dump_tree_new(s);
    enum err e = t ? OK : ERR_LIMIT;
    store_head(s, &q->v.decisions, now);
    if (e == OK)
        e = dump_tree_at(t, q->v.decisions, again);
    if (e == OK && memcmp(now, again, sizeof now) != 0) {
        snprintf(q->v.why, sizeof q->v.why, "the leaves do not give the tree's head");
        e = ERR_CRYPTO;
    }
    dump_tree_free(t);
    return e;
}

enum err
dump_verify(struct store *s, dump_progress_fn *progress, void *ctx, struct dump_verdict *out)
{
    struct verifying q = {0};
    enum err e = store_each_entity(s, see_entity, &q);
    if (e == ERR_CRYPTO)
        snprintf(q.v.why, sizeof q.v.why, "an entity does not open: its bytes were changed");
    if (e == OK)
        e = verify_tree(s, &q);
    for (uint32_t i = 0; e == OK && i < s->stream_count; i++) {
        if (!s->stream[i].row.erased)
            e = verify_stream(s, &s->stream[i], &q);
        if (progress)
            progress(ctx, &q.v);
    }
    *out = q.v;
    return e;
}
