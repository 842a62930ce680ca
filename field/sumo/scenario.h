/*
 * scenario.h -- what a .sumocfg names: files and times.
 */
#ifndef FIELD_SUMO_SCENARIO_H
#define FIELD_SUMO_SCENARIO_H

#include "base/base.h"
#include "base/buf.h"

enum {
    SCENARIO_PATH_SIZE = 4096,
    SCENARIO_LIST_SIZE = 16384,
    SCENARIO_BYTES_MAX = 64 * 1024 * 1024,
};

struct scenario {
    char network[SCENARIO_PATH_SIZE];
    char routes[SCENARIO_LIST_SIZE], additional[SCENARIO_LIST_SIZE]; /* by commas; may be "" */
    double begin_s, end_s;                                           /* < 0: not said */
};

/* The .sumocfg that is named, or the first by name in the folder that is. ERR_NOT_FOUND. */
enum err scenario_find(const char *data, char out[static SCENARIO_PATH_SIZE]) MUST_USE;

/* Pure. Names are meant from `directory` on. ERR_MALFORMED: no network; ERR_LIMIT. */
enum err scenario_parse(struct bytes xml, const char *directory, struct scenario *out) MUST_USE;

/* The scenario of a .sumocfg. ERR_IO too. */
enum err scenario_read(const char *configuration, struct scenario *out) MUST_USE;

/* The network file: of the configuration, or the one that is named. */
enum err scenario_network(const char *configuration, const char *network,
                          char out[static SCENARIO_PATH_SIZE]) MUST_USE;

/*
 * A whole file, as much as the buffer takes: as it is, or what gzip (RFC 1952) made smaller, which
 * SUMO reads and writes too. ERR_IO; ERR_LIMIT; ERR_MALFORMED: compressed, and damaged or cut off.
 */
enum err scenario_file(const char *path, struct buf *out) MUST_USE;
/* ERR_IO; then nothing whole is there. */
enum err scenario_copy(const char *from, const char *to) MUST_USE;

#endif
