/*
 * sequence.h -- lease numbers that never go back, whatever crashes.
 *
 * The file holds two slots of 48 bytes, written in turn: "bhseq1\n" padded to 8, the number up to
 * which sequences are reserved (8 bytes, big-endian), and the SHA-256 of these 16. A crash in the
 * middle of a write leaves the other slot. Numbers are handed out only below what a durable slot
 * reserves, so a restart skips at most SEQUENCE_BLOCK numbers and repeats none.
 *
 * A file that was put back from an old backup says too little, and nobody here can know: the
 * devices do, which take no number twice (field/common/intake.h). They say the highest that they
 * took, and sequence_raise() goes on above it, by at most SEQUENCE_JUMP_MAX at once. Who lies about
 * it burns numbers of this zone alone; at that size, once in SEQUENCE_JUMP_MS, they last for
 * thirty thousand years.
 */
#ifndef PROGRAMS_WARDEN_SEQUENCE_H
#define PROGRAMS_WARDEN_SEQUENCE_H

#include "base/disk.h"

enum { SEQUENCE_JUMP_MAX = 1000000000, SEQUENCE_JUMP_MS = 60000 };
enum { SEQUENCE_BLOCK = 1000, SEQUENCE_SLOT = 48 };

struct sequence {
    struct disk disk;
    int fd;
    uint64_t next;
    uint64_t reserved;
    unsigned slot;    /* to write next */
    bool first_start; /* the file was empty */
};

/* Reads both slots; ERR_CRYPTO when the file is not empty and neither is good. */
enum err sequence_open(struct sequence *s, const struct disk *disk, int fd) MUST_USE;
/* `seen` was taken: the next number is above it. ERR_LIMIT: too far; nothing to do is OK. */
enum err sequence_raise(struct sequence *s, uint64_t seen) MUST_USE;
/* The next number; reserves durably when it must. Untouched on ERR_IO. */
enum err sequence_take(struct sequence *s, uint64_t *out) MUST_USE;

#endif
