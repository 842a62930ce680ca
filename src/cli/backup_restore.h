/*
 * backup_restore.h -- a state directory out of a backup.
 *
 * It is made under DIR.part and renamed when it is whole and verified.
 */
#ifndef CLI_BACKUP_RESTORE_H
#define CLI_BACKUP_RESTORE_H

#include "cli/backup_seal.h"

struct backup_restore {
    const char *from;
    const struct backup_secret *with;
    uint64_t generation;      /* 0: the newest */
    const char *verifier_key; /* of the city's log, in text; NULL: whose it is is only told */
    const char *state;        /* that is made */
    bool for_use;             /* false: to look at; wardens' numbers are left as they are */
};

/* An exit status after a sentence. */
int backup_bring_back(const struct backup_restore *r) MUST_USE;

#endif
