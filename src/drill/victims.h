/*
 * victims.h -- things outside every compartment that must stay out of reach.
 *
 * A victim process of a user of its own holds a secret in memory and owns files, sockets and IPC
 * objects, all left as readable and traceable as its user can make them: the walls must hold, not
 * the victim. Everything is removed by victims_remove().
 */
#ifndef DRILL_VICTIMS_H
#define DRILL_VICTIMS_H

#include "base/base.h"

#include <sys/types.h>

enum { VICTIMS_TEXT_SIZE = 2048, VICTIMS_UID = 1878999999 };

struct victims {
    char directory[256];
    pid_t pid;
    int life_fd; /* closing it ends the victim */
    int sysv_id;
    char shm_name[64];
    char targets[VICTIMS_TEXT_SIZE]; /* "key=value\n" for all thirteen keys */
};

/* ERR_IO, with errno. In `root` mode the victim runs as VICTIMS_UID. */
enum err victims_plant(struct victims *v, bool root) MUST_USE;

/* False when somebody changed, signalled or reached them: a sentence in `why`. */
bool victims_unharmed(const struct victims *v, char *why, size_t why_size);

void victims_remove(struct victims *v);

#endif
