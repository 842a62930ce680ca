/*
 * ground.h -- a scenario made ready for one simulation: its files, its times, a folder for what is
 * written.
 */
#ifndef BENCH_SIGNALS_GROUND_H
#define BENCH_SIGNALS_GROUND_H

#include "bench/signals/turns.h"
#include "field/sumo/outputs.h"
#include "field/sumo/programme.h"
#include "field/sumo/scenario.h"
#include "field/sumo/tripinfo.h"
#include "field/sumo/xml.h"

enum { GROUND_LENGTH_S = 3600, GROUND_WHY_SIZE = 300 };

struct ground {
    struct outputs outputs;
    char name[128]; /* of the scenario, for people */
    char configuration[SCENARIO_PATH_SIZE], trips[SCENARIO_PATH_SIZE];
    struct scenario scenario;
    struct programmes programmes; /* as shipped */
    struct tripinfo_buses buses;
    struct turns turns;
    double turns_longest_m; /* of streets where nobody turns round; < 0: all may */
    struct buf texts;       /* of the files that the programmes were read from */
    char why[GROUND_WHY_SIZE];
};

/*
 * A folder with one .sumocfg, a .sumocfg, or a network with routes; what is written goes to `keep`,
 * or with NULL into a folder that goes at the end. False: `why` says why.
 */
bool ground_open(struct ground *g, const char *data, const char *network, const char *routes,
                 const char *keep);
/*
 * Leave out who turns round where no signal stands (turns.h), of those who depart within these
 * times; before ground_programmes().
 */
bool ground_without_turnarounds(struct ground *g, double longest_m, double begin_s, double end_s,
                                uint32_t *out_count);
/* Write the programmes anew and let SUMO load them. */
bool ground_programmes(struct ground *g, const struct programme_form *form);
/* What the simulation left. */
bool ground_trips(struct ground *g, struct tripinfo *out);
/* Remove what is not kept. */
void ground_close(struct ground *g);

#endif
