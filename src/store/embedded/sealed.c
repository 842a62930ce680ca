#include "store/embedded/sealed.h"

#include "store/embedded/sealed_sql.h"
#include "store/embedded/vfs.h"

#include <sqlite3.h>

enum {
    PAGE_SIZE = 8192,
    CACHE_KIB = 8192,
    BACKFILL_PAGES = 128,
    LATE_PAGES = 2048,
    HELD_PAGES = 8192
};

#define STATEMENT_ENUM(name, sql) SQL_##name,
enum statement { STATEMENTS(STATEMENT_ENUM) SQL_COUNT };
#undef STATEMENT_ENUM

static const char *const statement_sql[SQL_COUNT] = {
#define STATEMENT_TEXT(name, sql) [SQL_##name] = (sql),
    STATEMENTS(STATEMENT_TEXT)
#undef STATEMENT_TEXT
};

struct sealed {
    sqlite3 *db;
    sqlite3_stmt *statement[SQL_COUNT];
    bool held;
    int pages; /* in the write-ahead file since it was last moved */
};

static enum err
error_of(int rc)
{
    enum err disk = vfs_trouble();
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OK;
    case SQLITE_FULL: /* of max_page_count, unless the disk said something */
    case SQLITE_NOMEM:
        return disk == OK ? ERR_LIMIT : disk;
    case SQLITE_READONLY:
        return disk == OK ? ERR_READ_ONLY : disk;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return disk == OK ? ERR_CRYPTO : disk;
    default:
        return disk == OK ? ERR_IO : disk;
    }
}

static sqlite3_stmt *
bind(struct sealed *s, enum statement which, size_t count, const int64_t *v)
{
    sqlite3_stmt *st = s->statement[which];
    for (size_t i = 0; i < count; i++) {
        int rc = sqlite3_bind_int64(st, (int)i + 1, v[i]);
        ASSERT(rc == SQLITE_OK);
    }
    return st;
}

static void
bind_blob(sqlite3_stmt *st, int at, struct bytes b)
{
    int rc = sqlite3_bind_blob(st, at, b.len ? (const void *)b.p : "", (int)b.len, SQLITE_STATIC);
    ASSERT(rc == SQLITE_OK);
}

/* Run to the end; rows are not looked at. */
static enum err
run(sqlite3_stmt *st)
{
    int rc;
    do
        rc = sqlite3_step(st);
    while (rc == SQLITE_ROW);
    int reset = sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return error_of(rc == SQLITE_DONE ? reset : rc);
}
#define RUN(s, which, ...)                                                                         \
    run(bind((s), (which), sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                     \
             (int64_t[]){__VA_ARGS__}))

static struct bytes
column_bytes(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);
    return bytes_of(p, (size_t)sqlite3_column_bytes(st, at));
}

static uint64_t
column_u64(sqlite3_stmt *st, int at)
{
    return (uint64_t)sqlite3_column_int64(st, at);
}

static enum err
exec(struct sealed *s, const char *sql)
{
    return error_of(sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

/*
 * Pages go from the write-ahead file to the main one in a step of upkeep of its own, and here only
 * when that came too late.
 */
static int
on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct sealed *s = ctx;
    s->pages = pages;
    if (pages >= (s->held ? HELD_PAGES : LATE_PAGES)) {
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        s->pages = 0;
    }
    return SQLITE_OK;
}

enum err
sealed_backfill(struct sealed *s, bool *out_done)
{
    *out_done = !s->held && s->pages >= BACKFILL_PAGES;
    if (!*out_done)
        return OK;
    s->pages = 0;
    return error_of(sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
}

void
sealed_hold(struct sealed *s, bool hold)
{
    s->held = hold;
}

static enum err
integer(struct sealed *s, const char *sql, int64_t *out)
{
    sqlite3_stmt *st = NULL;
    enum err e = error_of(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL));
    if (e == OK) {
        int rc = sqlite3_step(st);
        e = rc == SQLITE_DONE ? ERR_NOT_FOUND : error_of(rc);
        if (rc == SQLITE_ROW)
            *out = sqlite3_column_int64(st, 0);
    }
    sqlite3_finalize(st);
    return e;
}

/* In the transaction that makes the tables, so a file is of one format or of the other. */
static enum err
upgrade(struct sealed *s)
{
    int64_t format = 0;
    enum err e = integer(s, "SELECT 1 FROM sqlite_master WHERE name='meta'", &format);
    if (e == OK)
        e = integer(s, "SELECT format FROM meta WHERE id=1", &format);
    if (e == ERR_NOT_FOUND) /* a new file, or one whose making was cut short: tables of one kind */
        return exec(s, "DROP TABLE IF EXISTS chunk;");
    if (e == OK && format > SEALED_FORMAT)
        e = ERR_UNSUPPORTED;
    if (e != OK || format == SEALED_FORMAT)
        return e;
    e = exec(s, from_1);
    return e == OK ? exec(s, "UPDATE meta SET format=2 WHERE id=1") : e;
}

/* After this nothing is opened any more: the write-ahead file exists and was synced once. */
static enum err
prepare_file(struct sealed *s, uint64_t max_bytes)
{
    char text[128];
    int off = sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    ASSERT(off == SQLITE_OK);
    /* Exclusive before anything is read: then there is no shared-memory file. */
    enum err e = exec(s, "PRAGMA locking_mode=EXCLUSIVE;");
    snprintf(text, sizeof text, "PRAGMA page_size=%d; PRAGMA cache_size=-%d;", PAGE_SIZE,
             CACHE_KIB);
    if (e == OK)
        e = exec(s, text);
    if (e == OK)
        e = exec(s, "PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
                    "PRAGMA mmap_size=0; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;");
    if (e == OK) {
        sqlite3_wal_hook(s->db, on_commit, s);
        snprintf(text, sizeof text, "PRAGMA max_page_count=%llu;",
                 (unsigned long long)(max_bytes / PAGE_SIZE));
        e = exec(s, text);
    }
    if (e == OK)
        e = exec(s, "BEGIN IMMEDIATE;");
    if (e == OK)
        e = upgrade(s);
    if (e == OK)
        e = exec(s, schema);
    if (e == OK)
        e = exec(s, indexes);
    if (e == OK)
        e = exec(s, "PRAGMA user_version=2; COMMIT;");
    if (e == OK)
        e = sealed_checkpoint(s);
    return e;
}

enum err
sealed_open(uint64_t max_bytes, struct sealed **out)
{
    struct sealed *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_LIMIT;
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    enum err e = error_of(sqlite3_open_v2(VFS_DIRECTORY "/store.db", &s->db, flags, NULL));
    if (e == OK)
        e = prepare_file(s, max_bytes);
    for (size_t i = 0; e == OK && i < SQL_COUNT; i++)
        e = error_of(sqlite3_prepare_v3(s->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                        &s->statement[i], NULL));
    if (e != OK) {
        sealed_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void
sealed_close(struct sealed *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(s->statement[i]);
    sqlite3_close(s->db);
    free(s);
}

struct sqlite3 *
sealed_handle(struct sealed *s)
{
    return s->db;
}

uint64_t
sealed_bytes(struct sealed *s)
{
    uint64_t pages[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *st = s->statement[i == 0 ? SQL_PAGES : SQL_FREE_PAGES];
        if (sqlite3_step(st) == SQLITE_ROW)
            pages[i] = column_u64(st, 0);
        sqlite3_reset(st);
    }
    return (pages[0] - pages[1]) * PAGE_SIZE;
}

enum err
sealed_begin(struct sealed *s)
{
    return run(s->statement[SQL_BEGIN]);
}

enum err
sealed_commit(struct sealed *s)
{
    return run(s->statement[SQL_COMMIT]);
}

void
sealed_rollback(struct sealed *s)
{
    if (!sqlite3_get_autocommit(s->db)) {
        enum err e = run(s->statement[SQL_ROLLBACK]);
        (void)e; /* a transaction that cannot be undone ends with the process */
    }
}

enum err
sealed_checkpoint(struct sealed *s)
{
    return error_of(sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
}

enum err
sealed_get_meta(struct sealed *s, struct sealed_meta *out)
{
    sqlite3_stmt *st = s->statement[SQL_META_GET];
    int rc = sqlite3_step(st);
    enum err e = rc == SQLITE_DONE ? ERR_NOT_FOUND : error_of(rc);
    if (rc == SQLITE_ROW) {
        struct bytes keys = column_bytes(st, 5);
        if (sqlite3_column_int64(st, 0) != SEALED_FORMAT)
            e = ERR_UNSUPPORTED;
        else if (keys.len != ZONE_KEYS_SIZE)
            e = ERR_CRYPTO;
        else
            memcpy(out->zone_keys, keys.p, ZONE_KEYS_SIZE);
        out->segment_count = (uint32_t)column_u64(st, 1);
        out->segment_bytes = column_u64(st, 2);
        out->low = column_u64(st, 3);
        out->shred_upto = column_u64(st, 4);
    }
    sqlite3_reset(st);
    return e;
}

enum err
sealed_put_meta(struct sealed *s, const struct sealed_meta *m)
{
    sqlite3_stmt *st = bind(s, SQL_META_PUT, 4,
                            (int64_t[]){m->segment_count, (int64_t)m->segment_bytes,
                                        (int64_t)m->low, (int64_t)m->shred_upto});
    bind_blob(st, 5, bytes_of(m->zone_keys, ZONE_KEYS_SIZE));
    return run(st);
}

enum err
sealed_get_cut(struct sealed *s, struct tree *out, uint64_t *out_ring)
{
    sqlite3_stmt *st = s->statement[SQL_CUT_GET];
    int rc = sqlite3_step(st);
    enum err e = rc == SQLITE_DONE ? ERR_NOT_FOUND : error_of(rc);
    if (rc == SQLITE_ROW) {
        struct bytes nodes = column_bytes(st, 2);
        if (nodes.len == sizeof out->node)
            memcpy(out->node, nodes.p, nodes.len);
        else
            e = ERR_CRYPTO;
        out->size = column_u64(st, 0);
        *out_ring = column_u64(st, 1);
    }
    sqlite3_reset(st);
    return e;
}

enum err
sealed_put_cut(struct sealed *s, const struct tree *tree, uint64_t ring)
{
    sqlite3_stmt *st = bind(s, SQL_CUT_PUT, 2, (int64_t[]){(int64_t)tree->size, (int64_t)ring});
    bind_blob(st, 3, bytes_of(tree->node, sizeof tree->node));
    return run(st);
}

enum err
sealed_put_entity(struct sealed *s, uint8_t type, uint64_t id, struct bytes record)
{
    if (record.len == 0)
        return RUN(s, SQL_ENTITY_DELETE, type, (int64_t)id);
    sqlite3_stmt *st = bind(s, SQL_ENTITY_PUT, 2, (int64_t[]){type, (int64_t)id});
    bind_blob(st, 3, record);
    return run(st);
}

enum err
sealed_each_entity(struct sealed *s, sealed_entity_fn *each, void *ctx)
{
    sqlite3_stmt *st = s->statement[SQL_ENTITY_ALL];
    enum err e = OK;
    int rc = SQLITE_DONE;
    while (e == OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
        e = each(ctx, (uint8_t)sqlite3_column_int(st, 0), column_u64(st, 1), column_bytes(st, 2));
    sqlite3_reset(st);
    return e == OK ? error_of(rc) : e;
}

enum err
sealed_put_stream(struct sealed *s, const struct sealed_stream *v)
{
    sqlite3_stmt *st = s->statement[SQL_STREAM_PUT];
    sqlite3_bind_int64(st, 1, v->id);
    sqlite3_bind_text(st, 2, v->meta.class_name, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 3, v->meta.site, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 4, (int64_t)v->meta.keep_s);
    sqlite3_bind_int64(st, 5, v->meta.personal);
    sqlite3_bind_int64(st, 6, v->erased);
    sqlite3_bind_int64(st, 7, (int64_t)v->sealed_n);
    sqlite3_bind_int64(st, 8, (int64_t)v->keys_destroyed);
    sqlite3_bind_int64(st, 9, (int64_t)v->epoch);
    sqlite3_bind_int64(st, 10, v->key_from_us);
    enum err e = run(st);
    if (e != OK)
        return e;
    st = bind(s, SQL_KEY_PUT, 2, (int64_t[]){v->id, (int64_t)v->epoch});
    if (v->has_key)
        bind_blob(st, 3, bytes_of(v->wrapped, WRAPPED_SIZE));
    return run(st);
}

static enum err
read_stream(sqlite3_stmt *st, struct sealed_stream *v)
{
    *v = (struct sealed_stream){.id = (uint32_t)column_u64(st, 0)};
    enum err e = bytes_copy_text(column_bytes(st, 1), v->meta.class_name, STORE_NAME_SIZE);
    if (e == OK)
        e = bytes_copy_text(column_bytes(st, 2), v->meta.site, STORE_NAME_SIZE);
    v->meta.keep_s = column_u64(st, 3);
    v->meta.personal = column_u64(st, 4) != 0;
    v->erased = column_u64(st, 5) != 0;
    v->sealed_n = column_u64(st, 6);
    v->keys_destroyed = column_u64(st, 7);
    v->epoch = column_u64(st, 8);
    v->key_from_us = sqlite3_column_int64(st, 9);
    v->keys_older = column_u64(st, 11);
    struct bytes wrapped = column_bytes(st, 10);
    v->has_key = wrapped.len == WRAPPED_SIZE;
    if (v->has_key)
        memcpy(v->wrapped, wrapped.p, WRAPPED_SIZE);
    return e == OK && v->has_key != v->erased ? OK : ERR_CRYPTO;
}

enum err
sealed_get_key(struct sealed *s, uint32_t stream, uint64_t epoch,
               uint8_t out_wrapped[static WRAPPED_SIZE])
{
    sqlite3_stmt *st = bind(s, SQL_KEY_GET, 2, (int64_t[]){stream, (int64_t)epoch});
    int rc = sqlite3_step(st);
    enum err e = rc == SQLITE_DONE ? ERR_NOT_FOUND : error_of(rc);
    if (rc == SQLITE_ROW) {
        struct bytes wrapped = column_bytes(st, 0);
        if (wrapped.len == WRAPPED_SIZE)
            memcpy(out_wrapped, wrapped.p, WRAPPED_SIZE);
        else
            e = ERR_CRYPTO;
    }
    sqlite3_reset(st);
    return e;
}

enum err
sealed_drop_keys(struct sealed *s, uint32_t stream, uint64_t epoch, bool all, uint32_t *out_dropped)
{
    enum err e = RUN(s, all ? SQL_KEYS_OLDER : SQL_KEYS_UNUSED, stream, (int64_t)epoch);
    if (e == OK)
        *out_dropped = (uint32_t)sqlite3_changes(s->db);
    return e;
}

enum err
sealed_each_stream(struct sealed *s, sealed_stream_fn *each, void *ctx)
{
    sqlite3_stmt *st = s->statement[SQL_STREAM_ALL];
    enum err e = OK;
    int rc = SQLITE_DONE;
    while (e == OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct sealed_stream v;
        e = read_stream(st, &v);
        if (e == OK)
            e = each(ctx, &v);
    }
    sqlite3_reset(st);
    return e == OK ? error_of(rc) : e;
}

enum err
sealed_put_chunk(struct sealed *s, const struct chunk_row *r, struct bytes head, struct bytes body)
{
    int64_t v[] = {r->stream,
                   (int64_t)r->n0,
                   (int64_t)r->n,
                   (int64_t)r->gaps,
                   r->t0,
                   r->t1,
                   r->r0,
                   r->r1,
                   (int64_t)r->epoch,
                   (int64_t)(head.len + body.len)};
    sqlite3_stmt *st = bind(s, SQL_CHUNK_PUT, ARRAY_COUNT(v), v);
    bind_blob(st, 11, head);
    bind_blob(st, 12, body);
    return run(st);
}

enum err
sealed_delete_chunk(struct sealed *s, int64_t id)
{
    return RUN(s, SQL_CHUNK_DELETE, id);
}

enum err
sealed_get_chunk(struct sealed *s, int64_t id, struct buf *head, struct buf *body)
{
    sqlite3_stmt *st = bind(s, SQL_CHUNK_GET, 1, &id);
    int rc = sqlite3_step(st);
    enum err e = rc == SQLITE_DONE ? ERR_NOT_FOUND : error_of(rc);
    if (rc == SQLITE_ROW) {
        if (head)
            buf_put(head, column_bytes(st, 0));
        if (body)
            buf_put(body, column_bytes(st, 1));
        if ((head && buf_error(head) != OK) || (body && buf_error(body) != OK))
            e = ERR_CRYPTO; /* larger than anything that we write */
    }
    sqlite3_reset(st);
    return e;
}

static void
read_row(sqlite3_stmt *st, struct chunk_row *r)
{
    *r = (struct chunk_row){.id = sqlite3_column_int64(st, 0),
                            .stream = (uint32_t)column_u64(st, 1),
                            .n0 = column_u64(st, 2),
                            .n = column_u64(st, 3),
                            .gaps = column_u64(st, 4),
                            .t0 = sqlite3_column_int64(st, 5),
                            .t1 = sqlite3_column_int64(st, 6),
                            .r0 = sqlite3_column_int64(st, 7),
                            .r1 = sqlite3_column_int64(st, 8),
                            .epoch = column_u64(st, 9),
                            .bytes = column_u64(st, 10)};
}

enum err
sealed_find_chunk(struct sealed *s, uint32_t stream, uint64_t n, struct chunk_row *out)
{
    int64_t at = n > INT64_MAX ? INT64_MAX : (int64_t)n;
    sqlite3_stmt *st = bind(s, SQL_CHUNK_FIND, 2, (int64_t[]){stream, at});
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        read_row(st, out);
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? ERR_NOT_FOUND : error_of(rc);
}

enum err
sealed_last_chunks(struct sealed *s, uint32_t stream, uint32_t most, struct chunk_row *out,
                   uint32_t *out_count)
{
    sqlite3_stmt *st = bind(s, SQL_CHUNK_LAST, 2, (int64_t[]){stream, most});
    int rc;
    *out_count = 0;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW && *out_count < most)
        read_row(st, &out[(*out_count)++]);
    sqlite3_reset(st);
    return error_of(rc);
}

enum err
sealed_each_chunk(struct sealed *s, uint32_t stream, int64_t from_us, int64_t to_us,
                  bool descending, sealed_chunk_fn *each, void *ctx)
{
    sqlite3_stmt *st =
        bind(s, descending ? SQL_CHUNK_DOWN : SQL_CHUNK_UP, 3, (int64_t[]){stream, to_us, from_us});
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct chunk_row row;
        read_row(st, &row);
        if (!each(ctx, &row))
            break;
    }
    sqlite3_reset(st);
    return error_of(rc);
}

enum err
sealed_expire(struct sealed *s, uint32_t stream, int64_t cutoff_us, uint32_t most,
              uint32_t *out_deleted)
{
    enum err e = RUN(s, SQL_CHUNK_EXPIRE, stream, cutoff_us, most);
    if (e == OK)
        *out_deleted = (uint32_t)sqlite3_changes(s->db);
    if (e == OK)
        e = RUN(s, SQL_VERSION_EXPIRE, stream, cutoff_us, most);
    if (e == OK)
        *out_deleted += (uint32_t)sqlite3_changes(s->db);
    return e;
}

static enum err
one_time(sqlite3_stmt *st, int64_t *out_us)
{
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out_us = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? ERR_NOT_FOUND : error_of(rc);
}

enum err
sealed_next_start(struct sealed *s, uint32_t stream, int64_t from_us, int64_t *out_us)
{
    return one_time(bind(s, SQL_CHUNK_NEXT, 2, (int64_t[]){stream, from_us}), out_us);
}

enum err
sealed_first_version(struct sealed *s, uint32_t stream, int64_t *out_us)
{
    return one_time(bind(s, SQL_VERSION_FIRST, 1, (int64_t[]){stream}), out_us);
}

enum err
sealed_put_version(struct sealed *s, const struct version_row *r, struct bytes body)
{
    sqlite3_stmt *st =
        bind(s, SQL_VERSION_PUT, 5,
             (int64_t[]){r->stream, (int64_t)r->n, (int64_t)r->seq, r->t, (int64_t)r->epoch});
    bind_blob(st, 6, body);
    return run(st);
}

enum err
sealed_each_version(struct sealed *s, uint32_t stream, uint64_t n, sealed_version_fn *each,
                    void *ctx)
{
    sqlite3_stmt *st = bind(s, SQL_VERSION_ALL, 2, (int64_t[]){stream, (int64_t)n});
    enum err e = OK;
    int rc = SQLITE_DONE;
    while (e == OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct version_row row = {.stream = stream,
                                  .n = n,
                                  .seq = column_u64(st, 0),
                                  .t = sqlite3_column_int64(st, 1),
                                  .epoch = column_u64(st, 2)};
        e = each(ctx, &row, column_bytes(st, 3));
    }
    sqlite3_reset(st);
    return e == OK ? error_of(rc) : e;
}

enum err
sealed_drop_versions(struct sealed *s, uint32_t stream, uint64_t n)
{
    return RUN(s, SQL_VERSION_DROP, stream, (int64_t)n);
}

enum err
sealed_stream_totals(struct sealed *s, uint32_t stream, struct sealed_totals *out)
{
    sqlite3_stmt *st = bind(s, SQL_TOTALS, 1, (int64_t[]){stream});
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = (struct sealed_totals){.count = column_u64(st, 0),
                                      .bytes = column_u64(st, 1),
                                      .t0 = sqlite3_column_int64(st, 2),
                                      .t1 = sqlite3_column_int64(st, 3),
                                      .r0 = sqlite3_column_int64(st, 4),
                                      .r1 = sqlite3_column_int64(st, 5)};
    sqlite3_reset(st);
    return error_of(rc);
}
