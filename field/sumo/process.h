/*
 * process.h -- one SUMO of our own: started, asked over a loopback connection, ended.
 *
 * The child has its own process group and dies with its parent. SUMO 1.15 listens on every
 * address for as long as nobody has connected; the bridge connects at once and SUMO then takes
 * nobody else.
 */
#ifndef FIELD_SUMO_PROCESS_H
#define FIELD_SUMO_PROCESS_H

#include <sys/types.h>

#include "base/base.h"
#include "base/buf.h"

enum {
    SUMO_ARGUMENTS_MAX = 80,
    SUMO_START_WAIT_MS = 30000, /* large networks take long to load */
    SUMO_ANSWER_WAIT_MS = 60000,
    SUMO_END_WAIT_MS = 5000,
};

struct sumo_process {
    pid_t pid; /* 0: none */
    int fd;    /* -1: none */
    struct buf out, in;
    char why[256]; /* a sentence after a failure */
};

/* Start `arguments` (NULL-terminated, without the port) and connect. ERR_IO with a sentence. */
enum err sumo_start(struct sumo_process *s, const char *const arguments[]) MUST_USE;

/*
 * Send the message that s->out holds and wait for the answer; *out_answer is borrowed from s->in.
 * ERR_CLOSED: SUMO ended; ERR_IO; ERR_LIMIT.
 */
enum err sumo_ask(struct sumo_process *s, struct bytes *out_answer) MUST_USE;

/* Ask SUMO to end (it writes its files then) and wait; kill it when it does not. */
void sumo_end(struct sumo_process *s);

/* Run a program to its end with its output thrown away. ERR_NOT_FOUND, ERR_IO (exit not 0). */
enum err sumo_run(const char *const arguments[]) MUST_USE;

#endif
