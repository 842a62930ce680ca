/*
 * backup_list.h -- the list of one generation of a backup: what it holds, in which pieces.
 *
 * Text, one thing a line, sealed as a whole:
 *
 *   bulkhead-backup 1
 *   generation N
 *   time T                       microseconds since 1970
 *   ids HEX                      the key of the pieces' names
 *   file MODE SIZE PATH          of the state directory; then its pieces
 *   store ZONE                   then the pieces of the container, the one with the tables first
 *   leaves ZONE                  then the pieces of the leaves
 *   keys ZONE UNTIL HEX SIZE     a file of keys, needed until then (seconds; 0: always)
 *   piece HEX SIZE               32 bytes: BLAKE2b of what it holds, keyed; SIZE bytes of it
 *   end
 */
#ifndef CLI_BACKUP_LIST_H
#define CLI_BACKUP_LIST_H

#include "base/buf.h"

enum { BACKUP_PATH_MAX = 200, BACKUP_LIST_MAX = 256 * 1024 * 1024, BACKUP_ID_SIZE = 32 };
enum { BACKUP_PIECE_MAX = 16 * 1024 * 1024 + 4096 };

enum backup_line_kind { LINE_FILE, LINE_STORE, LINE_LEAVES, LINE_KEYS, LINE_PIECE };

struct backup_line {
    enum backup_line_kind kind;
    uint32_t mode;
    uint64_t size;
    char path[BACKUP_PATH_MAX + 1]; /* LINE_FILE; or the zone's name */
    uint8_t id[BACKUP_ID_SIZE];     /* LINE_KEYS, LINE_PIECE */
    int64_t until_s;                /* LINE_KEYS */
};

struct backup_list {
    uint64_t generation;
    int64_t time_us;
    uint8_t ids_key[32];
    struct bytes left;
};

void backup_list_begin(struct buf *b, uint64_t generation, int64_t time_us,
                       const uint8_t ids_key[static 32]);
void backup_list_put(struct buf *b, const struct backup_line *line);
void backup_list_end(struct buf *b);

/* ERR_MALFORMED; ERR_UNSUPPORTED: of a newer program. */
enum err backup_list_open(struct bytes list, struct backup_list *out) MUST_USE;
/* ERR_NOT_FOUND: the end, which is there. */
enum err backup_list_next(struct backup_list *l, struct backup_line *out) MUST_USE;

/* A path below a state directory: names of letters, digits, '.', '_', '-', none begins with '.'. */
bool backup_is_path(struct bytes path);

#endif
