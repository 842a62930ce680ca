/*
 * backup_place.h -- the directory of a backup.
 *
 *   pieces/ab/HEX           a piece, sealed; its name is the keyed hash of what it holds
 *   keys/ZONE.GEN.UNTIL     keys of a zone's streams, sealed; only the newest generation's exist
 *   generations/GEN/list    what the generation holds (backup_list.h), sealed
 *   generations/GEN/index   in the clear, 40 bytes a piece: its name and its file's size
 *   generations/GEN/head    in the clear, a note signed by the city's log key: who, when, the
 *                           SHA-256 of `list`
 *   generations/GEN.part    a generation that is being made; means nothing
 *   lock
 *
 * B1  A generation is there when its folder is: renamed after all that it names was synced.
 * B2  A piece that no generation names means nothing and is written anew.
 * B3  Keys of a generation go, zeroed, when a later one is there.
 */
#ifndef CLI_BACKUP_PLACE_H
#define CLI_BACKUP_PLACE_H

#include "cli/backup_list.h"
#include "cli/backup_seal.h"
#include "cli/tool.h"

enum { BACKUP_GENERATIONS_MAX = 1024, BACKUP_HEAD_MAX = 8192 };

struct backup_index {
    uint8_t (*slot)[BACKUP_ID_SIZE + 8]; /* open hashing; a size of 0: empty */
    size_t count, capacity;
};
void backup_index_fini(struct backup_index *x);
/* The size of the piece's file; 0: unknown. */
uint64_t backup_index_find(const struct backup_index *x, const uint8_t id[static BACKUP_ID_SIZE]);
void backup_index_put(struct backup_index *x, const uint8_t id[static BACKUP_ID_SIZE],
                      uint64_t size);

struct backup_place {
    char path[TOOL_PATH_SIZE];
    int fd, lock_fd;
    uint32_t generations[BACKUP_GENERATIONS_MAX]; /* upwards */
    size_t count;
};

/* `make`: it is made, and locked for this process. False after a sentence. */
bool backup_place_open(struct backup_place *p, const char *path, bool make) MUST_USE;
void backup_place_close(struct backup_place *p);

/* A file below the place, whole, in one go. False after a sentence. */
bool backup_read(const struct backup_place *p, const char *name, size_t max,
                 struct buf *out) MUST_USE;
bool backup_write(const struct backup_place *p, const char *name, struct bytes what) MUST_USE;
/* A file's size, or -1. */
int64_t backup_size(const struct backup_place *p, const char *name);
void backup_piece_name(char to[static 80], const uint8_t id[static BACKUP_ID_SIZE]);

/* The pieces that this generation names, into the index. */
bool backup_load_index(const struct backup_place *p, uint32_t generation,
                       struct backup_index *x) MUST_USE;

/*
 * Make the generation GEN.part whole: sync all, rename, destroy the keys of all others. False after
 * a sentence.
 */
bool backup_complete(struct backup_place *p, uint32_t generation) MUST_USE;
/* Keys that are over; generations but the newest `keep`; pieces that nothing names. */
struct backup_expired {
    uint32_t keys, generations, pieces;
};
bool backup_expire(struct backup_place *p, uint32_t keep, int64_t now_s,
                   struct backup_expired *out) MUST_USE;

#endif
