/*
 * undump.c -- from parts to a store that opens: the container's rows, then its journal.
 *
 * The row `meta` comes last (state 0 of docs/format.md until then), so what was left in the middle
 * is no store.
 */
#include "store/embedded/dump.h"

#include "store/embedded/dump_part.h"
#include "store/embedded/embedded.h"
#include "store/embedded/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <unistd.h>

enum { ROWS_A_COMMIT = 20000 };

struct undump {
    struct store_config config;
    sqlite3 *db;
    sqlite3_stmt *insert; /* into `table` */
    char table[PART_TABLE_SIZE];
    uint8_t columns;
    struct buf meta; /* the part with the row `meta`, kept back */
    uint32_t rows;
    struct tree tree;
    uint64_t ring; /* of leaves; 0: none */
    int leaves_fd;
};

static enum err
exec(struct undump *u, const char *sql)
{
    int rc = sqlite3_exec(u->db, sql, NULL, NULL, NULL);
    enum err disk = vfs_trouble();
    return rc == SQLITE_OK      ? OK
           : disk != OK         ? disk
           : rc == SQLITE_NOMEM ? ERR_LIMIT
                                : ERR_MALFORMED;
}

enum err
undump_open(const struct store_config *config, struct undump **out)
{
    struct undump *u = calloc(1, sizeof *u);
    if (!u)
        return ERR_LIMIT;
    u->config = *config;
    buf_init(&u->meta, 64 * 1024);
    vfs_allow(config->directory_fd, &u->config.disk);
    u->leaves_fd =
        openat(config->directory_fd, "leaves", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum err e = u->leaves_fd >= 0 ? OK : errno == EEXIST ? ERR_EXISTS : disk_error(errno);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_PRIVATECACHE;
    if (e == OK && sqlite3_open_v2(VFS_DIRECTORY "/store.db", &u->db, flags, NULL) != SQLITE_OK)
        e = ERR_IO;
    if (e == OK)
        e = exec(u, "PRAGMA locking_mode=EXCLUSIVE;");
    if (e == OK)
        e = exec(u, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                    "PRAGMA trusted_schema=OFF; BEGIN IMMEDIATE;");
    if (e != OK) {
        undump_close(u);
        return e;
    }
    *out = u;
    return OK;
}

void
undump_close(struct undump *u)
{
    if (!u)
        return;
    sqlite3_finalize(u->insert);
    sqlite3_close(u->db);
    vfs_deny();
    if (u->leaves_fd >= 0)
        close(u->leaves_fd);
    buf_fini(&u->meta);
    sodium_memzero(u->config.master_key, sizeof u->config.master_key);
    free(u);
}

/* One statement that makes a table or an index, and nothing behind it. */
static enum err
make_table(struct undump *u, struct bytes sql)
{
    sqlite3_stmt *st = NULL;
    const char *tail = NULL;
    int rc = sqlite3_prepare_v2(u->db, (const char *)sql.p, (int)sql.len, &st, &tail);
    bool whole = rc == SQLITE_OK && tail == (const char *)sql.p + sql.len;
    if (whole)
        rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return whole && rc == SQLITE_DONE ? OK : ERR_MALFORMED;
}

static enum err
make_tables(struct undump *u, struct part *p)
{
    struct bytes sql;
    char text[64];
    enum err e;
    while ((e = part_next_table(p, &sql)) == OK && (e = make_table(u, sql)) == OK)
        ;
    snprintf(text, sizeof text, "PRAGMA user_version=%llu;", (unsigned long long)p->user_version);
    return e == ERR_NOT_FOUND ? exec(u, text) : e;
}

/* The statement for rows of this part, made anew when the table is another one. */
static enum err
prepare_insert(struct undump *u, const struct part *p)
{
    if (u->insert && strcmp(u->table, p->table) == 0 && u->columns == p->columns)
        return OK;
    sqlite3_finalize(u->insert);
    u->insert = NULL;
    struct buf sql;
    buf_init(&sql, 512);
    buf_format(&sql, "INSERT INTO \"%s\" VALUES(?", p->table);
    for (uint8_t i = 1; i < p->columns; i++)
        buf_text(&sql, ",?");
    buf_text(&sql, ")");
    int rc = sqlite3_prepare_v2(u->db, buf_string(&sql), -1, &u->insert, NULL);
    buf_fini(&sql);
    memcpy(u->table, p->table, sizeof u->table);
    u->columns = p->columns;
    return rc == SQLITE_OK ? OK : ERR_MALFORMED; /* no such table, or another shape */
}

static void
bind_value(sqlite3_stmt *st, int at, const struct part_value *v)
{
    int len = (int)v->bytes.len;
    switch (v->kind) {
    case PART_NULL:
        sqlite3_bind_null(st, at);
        break;
    case PART_INTEGER:
        sqlite3_bind_int64(st, at, v->integer);
        break;
    case PART_REAL:
        sqlite3_bind_double(st, at, v->real);
        break;
    case PART_TEXT:
        sqlite3_bind_text(st, at, len ? (const char *)v->bytes.p : "", len, SQLITE_STATIC);
        break;
    case PART_BLOB:
        sqlite3_bind_blob(st, at, len ? (const void *)v->bytes.p : "", len, SQLITE_STATIC);
        break;
    }
}

static enum err
insert_rows(struct undump *u, struct part *p)
{
    static struct part_value row[PART_COLUMNS_MAX];
    enum err e = prepare_insert(u, p);
    while (e == OK && (e = part_next_row(p, row)) == OK) {
        for (int i = 0; i < p->columns; i++)
            bind_value(u->insert, i + 1, &row[i]);
        int rc = sqlite3_step(u->insert);
        sqlite3_reset(u->insert);
        enum err disk = vfs_trouble();
        if (rc != SQLITE_DONE)
            e = disk != OK ? disk : ERR_MALFORMED;
        if (e == OK && ++u->rows % ROWS_A_COMMIT == 0)
            e = exec(u, "COMMIT; BEGIN IMMEDIATE;");
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err
undump_part(struct undump *u, struct bytes bytes)
{
    struct part p;
    enum err e = part_open(bytes, &p);
    if (e != OK)
        return e;
    if (p.kind == PART_TABLES)
        return make_tables(u, &p);
    if (strcmp(p.table, "meta") != 0)
        return insert_rows(u, &p);
    if (u->meta.len)
        return ERR_MALFORMED;
    buf_put(&u->meta, bytes);
    return buf_error(&u->meta) == OK ? OK : ERR_MALFORMED;
}

enum err
undump_leaves(struct undump *u, struct bytes piece)
{
    if (u->tree.size == 0 && dump_cut_read(piece, &u->tree, &u->ring))
        return OK;
    if (piece.len % BATCH_LEAF_SIZE)
        return ERR_MALFORMED;
    uint64_t place = u->ring ? u->tree.size % u->ring : u->tree.size;
    if (u->ring && piece.len / BATCH_LEAF_SIZE > u->ring - place)
        return ERR_MALFORMED; /* pieces end where the ring does */
    enum err e = disk_write_at(&u->config.disk, u->leaves_fd, piece, place * BATCH_LEAF_SIZE);
    for (size_t at = 0; e == OK && at < piece.len; at += BATCH_LEAF_SIZE)
        tree_add(&u->tree, piece.p + at);
    return e;
}

/* ---- the end ---------------------------------------------------------------------------- */

/* Rows of every table but `stream` whose key did not come: nothing could open them. */
static enum err
drop_keyless(struct undump *u)
{
    sqlite3_stmt *st = NULL;
    struct buf sql;
    int rc = sqlite3_prepare_v2(
        u->db,
        "SELECT m.name FROM sqlite_master m WHERE m.type='table' AND m.name NOT IN"
        "('streamkey','stream') AND 2=(SELECT COUNT(*) FROM pragma_table_info(m.name)"
        " WHERE name IN('stream','epoch'))",
        -1, &st, NULL);
    enum err e = rc == SQLITE_OK ? OK : ERR_MALFORMED;
    buf_init(&sql, 4096);
    while (e == OK && sqlite3_step(st) == SQLITE_ROW)
        buf_format(&sql,
                   "DELETE FROM \"%s\" WHERE NOT EXISTS(SELECT 1 FROM streamkey k WHERE"
                   " k.stream=\"%s\".stream AND k.epoch=\"%s\".epoch AND k.wrapped IS NOT NULL"
                   " AND LENGTH(k.wrapped)>0);",
                   (const char *)sqlite3_column_text(st, 0),
                   (const char *)sqlite3_column_text(st, 0),
                   (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    buf_text(&sql, "DELETE FROM streamkey WHERE stream NOT IN(SELECT id FROM stream);"
                   "UPDATE stream SET erased=1 WHERE id IN (SELECT stream FROM streamkey"
                   " WHERE wrapped IS NULL OR LENGTH(wrapped)=0);"
                   "UPDATE stream SET epoch=(SELECT MAX(epoch) FROM streamkey WHERE stream=id)"
                   " WHERE id IN (SELECT stream FROM streamkey);");
    if (e == OK)
        e = buf_error(&sql) == OK ? exec(u, buf_string(&sql)) : ERR_LIMIT;
    buf_fini(&sql);
    return e;
}

static enum err
put_new_key(struct undump *u, struct keys *keys, uint32_t stream, uint64_t epoch)
{
    uint8_t wrapped[WRAPPED_SIZE];
    sqlite3_stmt *st = NULL;
    random_fill(&u->config.random, keys->scratch, KEY_SIZE);
    struct seal_name name = {SEAL_STREAM_KEY, u->config.zone, {stream, epoch}};
    seal_put(wrapped, keys->wrap, &u->config.random, &name, bytes_of(keys->scratch, KEY_SIZE));
    int rc = sqlite3_prepare_v2(u->db, "INSERT INTO streamkey VALUES(?1,?2,?3)", -1, &st, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(st, 1, stream);
        sqlite3_bind_int64(st, 2, (int64_t)epoch);
        sqlite3_bind_blob(st, 3, wrapped, WRAPPED_SIZE, SQLITE_STATIC);
        rc = sqlite3_step(st);
    }
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? OK : ERR_MALFORMED;
}

/* A stream whose keys have all expired is empty, and goes on under a key that is nowhere else. */
static enum err
give_keys(struct undump *u)
{
    sqlite3_stmt *st = NULL;
    struct keys *keys = keys_new(u->config.master_key);
    enum err e = keys ? exec(u, "UPDATE stream SET epoch=epoch+1 WHERE id NOT IN"
                                "(SELECT stream FROM streamkey)")
                      : ERR_LIMIT;
    int rc = sqlite3_prepare_v2(
        u->db, "SELECT id,epoch FROM stream WHERE id NOT IN(SELECT stream FROM streamkey)", -1, &st,
        NULL);
    if (e == OK && rc != SQLITE_OK)
        e = ERR_MALFORMED;
    while (e == OK && sqlite3_step(st) == SQLITE_ROW)
        e = put_new_key(u, keys, (uint32_t)sqlite3_column_int64(st, 0),
                        (uint64_t)sqlite3_column_int64(st, 1));
    sqlite3_finalize(st);
    keys_free(keys);
    return e;
}

/* Full of zeros but for the header of segment 1, which says what the tree is. */
static enum err
make_journal(struct undump *u)
{
    sqlite3_stmt *st = NULL;
    struct journal j = {.zone = u->config.zone,
                        .disk = u->config.disk,
                        .random = u->config.random,
                        .clock = u->config.clock,
                        .low = 1,
                        .next_batch = 1};
    int rc = sqlite3_prepare_v2(u->db, "SELECT segments,segment_bytes FROM meta", -1, &st, NULL);
    if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
        j.segment_count = (uint32_t)sqlite3_column_int64(st, 0);
        j.segment_bytes = (uint64_t)sqlite3_column_int64(st, 1);
    }
    sqlite3_finalize(st);
    if (j.segment_count < 2 || j.segment_count > JOURNAL_SEGMENTS_MAX ||
        j.segment_bytes < SEGMENT_BYTES_MIN || j.segment_bytes > SEGMENT_BYTES_MAX)
        return ERR_MALFORMED;
    j.keys = keys_new(u->config.master_key);
    for (uint32_t i = 0; i < j.segment_count; i++)
        j.segment[i] = (struct segment){.fd = -1, .clean = true};
    enum err e = j.keys ? journal_open(&j, u->config.directory_fd, true) : ERR_LIMIT;
    if (e == OK)
        e = journal_advance(&j, &u->tree);
    journal_close(&j);
    keys_free(j.keys);
    return e;
}

enum err
undump_finish(struct undump *u)
{
    struct part p;
    enum err e = u->meta.len ? part_open(buf_bytes(&u->meta), &p) : ERR_MALFORMED;
    if (e == OK)
        e = drop_keyless(u);
    if (e == OK)
        e = give_keys(u);
    if (e == OK)
        e = disk_sync(&u->config.disk, u->leaves_fd);
    if (e == OK)
        e = insert_rows(u, &p);
    if (e == OK)
        e = exec(u, "UPDATE meta SET low=1,shred_upto=0;");
    if (e == OK)
        e = make_journal(u);
    if (e == OK)
        e = exec(u, "COMMIT;");
    sqlite3_finalize(u->insert);
    u->insert = NULL;
    if (e == OK &&
        sqlite3_wal_checkpoint_v2(u->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
        e = ERR_IO; /* this syncs what it moves */
    return e == OK && fsync(u->config.directory_fd) != 0 ? disk_error(errno) : e;
}
