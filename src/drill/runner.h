/*
 * runner.h -- runs every attempt of a payload in every compartment of a charter.
 *
 * A private copy of the city's processes: the same charter (listening ports chosen by the kernel),
 * the same start messages, descriptors and confinement, its own keys and state in a temporary
 * directory. One fresh process an attempt.
 */
#ifndef DRILL_RUNNER_H
#define DRILL_RUNNER_H

#include "base/base.h"
#include "base/buf.h"
#include "charter/charter.h"

enum {
    DRILL_ATTEMPT_MS = 5000,
    DRILL_START_MS = 30000,
    DRILL_ATTEMPTS_MAX = 512,
};

/* --only: one layer alone (the others are not built), to see what each is worth. */
enum drill_layer {
    LAYER_ALL,
    LAYER_SECCOMP,
    LAYER_NAMESPACES,
    LAYER_LANDLOCK,
    LAYER_UID,
    LAYER_LIMITS
};

struct drill_config {
    const struct charter *charter;
    const char *zone;    /* NULL: all */
    const char *payload; /* path of the object */
    const char *control; /* path of our own object, which holds the attempt CONTROL */
    const char *libexec; /* folder of the drill's programs */
    enum drill_layer layer;
    uint32_t without;      /* bit set of enum sandbox_wall: all walls but these; 0: see layer */
    bool once_per_program; /* programs of one kind have one table: one compartment of each kind */
    uint32_t sample;       /* 0: all; else about so many attempts a compartment, by `seed` */
    uint64_t seed;
    bool json;
    bool quiet; /* no line per attempt */
    bool progress;
};

struct drill_result {
    uint32_t attempts, compartments;
    uint32_t runs, escaped, refused, skipped, failed; /* failed: no answer, or no start */
    bool control_seen; /* the built-in attempt that must escape was seen to */
};

/* Lines go to stdout as they come. ERR_IO with a sentence on stderr when it cannot run here. */
enum err drill_run(const struct drill_config *config, struct drill_result *out) MUST_USE;

#endif
