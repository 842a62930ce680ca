/*
 * payload.h -- how strangers bring attacks to `bulkhead drill --payload FILE.so`.
 *
 * A payload exports drill_attempts[], ended by id == NULL. Each attempt runs in a freshly confined
 * process of every compartment, with that program's own system-call filter and descriptors: the
 * object is loaded before the sandbox closes, run() is called after.
 *
 * run() answers 1 escaped, 0 refused, 2 not applicable. Death by signal is refused. Five seconds,
 * then the drill ends it and counts the drill as failed. Escape means: reading, changing, learning
 * of or reaching anything outside, leaving something behind, holding more than the share, or
 * obtaining a kernel object that the compartment has no use for.
 *
 * targets: NULL-terminated "key=value": file= (0644) secretfile= (0600) dir= (world-writable) pid=
 * port= (TCP on 127.0.0.1) udp= abstract= unix= dgram= shm= sysv= canary= (hex of the secret)
 * memory= (its address in the victim). All of them exist outside and must stay out of reach.
 * Besides, about itself: attempt= (its id) program= (the file name of the program that it runs in).
 *
 * Build: gcc -shared -fPIC -o mine.so mine.c
 */
#ifndef DRILL_PAYLOAD_H
#define DRILL_PAYLOAD_H

struct drill_attempt {
    const char *id;
    const char *what;
    int (*run)(const char *const targets[]);
};

extern const struct drill_attempt drill_attempts[];

#endif
