/*
 * walls.h -- what the city half gives up once its device's files are known and before it connects.
 *
 * Its libraries open the device's files at each connection, so it cannot close every door as the
 * street half does. It keeps: reading and replacing files in the device's folder and in the status
 * file's, what a look-up of a name reads, and TCP connections to two ports. It gives up all other
 * files (the SNMP keys among them), starting programs, listening, capabilities, looking into other
 * processes.
 */
#ifndef FIELD_NTCIP_WALLS_H
#define FIELD_NTCIP_WALLS_H

#include "base/base.h"

struct walls_config {
    const char *device_folder; /* NULL: none */
    const char *status_file;   /* NULL: none */
    uint16_t ports[2];         /* 0: none */
};

/* ERR_IO with the failing step; *out_abi: 0 on a kernel without Landlock, which leaves it out. */
enum err walls_close(const struct walls_config *config, int *out_abi,
                     const char **out_step) MUST_USE;

#endif
