/*
 * sealed_sql.h -- the tables of the container, and every statement that is ever run on them.
 */
#ifndef STORE_EMBEDDED_SEALED_SQL_H
#define STORE_EMBEDDED_SEALED_SQL_H

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta(id INTEGER PRIMARY KEY, format INTEGER NOT NULL,"
    " segments INTEGER NOT NULL, segment_bytes INTEGER NOT NULL, low INTEGER NOT NULL,"
    " shred_upto INTEGER NOT NULL, keys BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS entity(type INTEGER NOT NULL, id INTEGER NOT NULL,"
    " record BLOB NOT NULL, PRIMARY KEY(type, id));"
    "CREATE TABLE IF NOT EXISTS stream(id INTEGER PRIMARY KEY, class TEXT NOT NULL,"
    " site TEXT NOT NULL, keep_s INTEGER NOT NULL, personal INTEGER NOT NULL,"
    " erased INTEGER NOT NULL, sealed_n INTEGER NOT NULL, destroyed INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, key_from INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS streamkey(stream INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " wrapped BLOB, PRIMARY KEY(stream, epoch));"
    "CREATE TABLE IF NOT EXISTS chunk(id INTEGER PRIMARY KEY, stream INTEGER NOT NULL,"
    " n0 INTEGER NOT NULL, n INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,"
    " r0 INTEGER NOT NULL, r1 INTEGER NOT NULL, epoch INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " head BLOB NOT NULL, body BLOB NOT NULL, gaps INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS leafcut(id INTEGER PRIMARY KEY, size INTEGER NOT NULL,"
    " ring INTEGER NOT NULL, nodes BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS version(stream INTEGER NOT NULL, n INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, t INTEGER NOT NULL, epoch INTEGER NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY(stream, n, seq)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS version_t ON version(stream, t, epoch);";

static const char indexes[] = "CREATE INDEX IF NOT EXISTS chunk_t ON"
                              " chunk(stream, t0, t1, n0, n, gaps, r0, r1, epoch, bytes);"
                              "CREATE INDEX IF NOT EXISTS chunk_e ON chunk(stream, t1);"
                              "CREATE INDEX IF NOT EXISTS chunk_n ON chunk(stream, n0);";

/* From format 1, whose chunks had no gaps. */
static const char from_1[] =
    "ALTER TABLE chunk ADD COLUMN gaps INTEGER NOT NULL DEFAULT 0; DROP INDEX chunk_t;";

#define ROW "id,stream,n0,n,gaps,t0,t1,r0,r1,epoch,bytes"
#define STATEMENTS(X)                                                                              \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(PAGES, "PRAGMA page_count")                                                                  \
    X(FREE_PAGES, "PRAGMA freelist_count")                                                         \
    X(META_GET, "SELECT format,segments,segment_bytes,low,shred_upto,keys FROM meta WHERE id=1")   \
    X(META_PUT, "INSERT OR REPLACE INTO meta VALUES(1,2,?1,?2,?3,?4,?5)")                          \
    X(ENTITY_PUT, "INSERT OR REPLACE INTO entity VALUES(?1,?2,?3)")                                \
    X(ENTITY_DELETE, "DELETE FROM entity WHERE type=?1 AND id=?2")                                 \
    X(ENTITY_ALL, "SELECT type,id,record FROM entity ORDER BY type,id")                            \
    X(STREAM_PUT, "INSERT OR REPLACE INTO stream VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)")          \
    X(KEY_PUT, "INSERT OR REPLACE INTO streamkey VALUES(?1,?2,?3)")                                \
    X(KEY_GET, "SELECT wrapped FROM streamkey WHERE stream=?1 AND epoch=?2")                       \
    X(KEYS_UNUSED, "DELETE FROM streamkey WHERE stream=?1 AND epoch<?2 AND epoch NOT IN"           \
                   " (SELECT epoch FROM chunk INDEXED BY chunk_t WHERE stream=?1)"                 \
                   " AND epoch NOT IN (SELECT epoch FROM version WHERE stream=?1)")                \
    X(KEYS_OLDER, "DELETE FROM streamkey WHERE stream=?1 AND epoch<?2")                            \
    X(STREAM_ALL, "SELECT s.id,class,site,keep_s,personal,erased,sealed_n,destroyed,s.epoch,"      \
                  "key_from,wrapped,(SELECT COUNT(*) FROM streamkey o WHERE o.stream=s.id"         \
                  " AND o.epoch<s.epoch) FROM stream s JOIN streamkey k ON k.stream=s.id"          \
                  " AND k.epoch=s.epoch ORDER BY s.id")                                            \
    X(CHUNK_PUT, "INSERT INTO chunk(stream,n0,n,gaps,t0,t1,r0,r1,epoch,bytes,head,body)"           \
                 " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)")                                \
    X(CHUNK_DELETE, "DELETE FROM chunk WHERE id=?1")                                               \
    X(CHUNK_GET, "SELECT head,body FROM chunk WHERE id=?1")                                        \
    X(CHUNK_FIND, "SELECT " ROW " FROM chunk WHERE stream=?1 AND n0<=?2 ORDER BY n0 DESC LIMIT 1") \
    X(CHUNK_LAST, "SELECT " ROW " FROM chunk WHERE stream=?1 ORDER BY n0 DESC LIMIT ?2")           \
    X(CHUNK_UP, "SELECT " ROW " FROM chunk INDEXED BY chunk_t WHERE stream=?1 AND t0<?2"           \
                " AND t1>=?3 ORDER BY t0")                                                         \
    X(CHUNK_DOWN, "SELECT " ROW " FROM chunk INDEXED BY chunk_e WHERE stream=?1 AND t0<?2"         \
                  " AND t1>=?3 ORDER BY t1 DESC")                                                  \
    X(CHUNK_EXPIRE, "DELETE FROM chunk WHERE id IN (SELECT id FROM chunk INDEXED BY chunk_e"       \
                    " WHERE stream=?1 AND t1<?2 LIMIT ?3)")                                        \
    X(CHUNK_NEXT, "SELECT t0 FROM chunk INDEXED BY chunk_t WHERE stream=?1 AND t0>=?2"             \
                  " ORDER BY t0 LIMIT 1")                                                          \
    X(CUT_GET, "SELECT size,ring,nodes FROM leafcut WHERE id=1")                                   \
    X(CUT_PUT, "INSERT OR REPLACE INTO leafcut VALUES(1,?1,?2,?3)")                                \
    X(VERSION_PUT, "INSERT OR IGNORE INTO version VALUES(?1,?2,?3,?4,?5,?6)")                      \
    X(VERSION_ALL, "SELECT seq,t,epoch,body FROM version WHERE stream=?1 AND n=?2 ORDER BY seq")   \
    X(VERSION_FIRST, "SELECT t FROM version INDEXED BY version_t WHERE stream=?1"                  \
                     " ORDER BY t LIMIT 1")                                                        \
    X(VERSION_DROP, "DELETE FROM version WHERE stream=?1 AND n=?2")                                \
    X(VERSION_EXPIRE, "DELETE FROM version WHERE (stream,n,seq) IN (SELECT stream,n,seq FROM"      \
                      " version INDEXED BY version_t WHERE stream=?1 AND t<?2 LIMIT ?3)")          \
    X(TOTALS, "SELECT TOTAL(n-gaps),TOTAL(bytes),MIN(t0),MAX(t1),MIN(r0),MAX(r1) FROM chunk"       \
              " INDEXED BY chunk_t WHERE stream=?1")

#endif
