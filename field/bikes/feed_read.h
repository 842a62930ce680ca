/*
 * feed_read.h -- the files of a GBFS 2.x or 3.x feed. Pure but for the memory of one reading.
 *
 * A row that cannot be used is skipped and counted; the feed goes on (specs/bikes.md 1, reader
 * traps). Station rows are joined by id in either order of files.
 */
#ifndef FIELD_FEED_READ_H
#define FIELD_FEED_READ_H

#include "base/base.h"

enum {
    FEED_FILE_MAX = 16 * 1024 * 1024,
    FEED_ID_SIZE = 101,
    FEED_STATIONS_MAX = 5000,
    FEED_VEHICLES_MAX = 25000,
    FEED_URL_SIZE = 512,
    FEED_URLS = 3,
};

enum feed_file { FEED_STATION_INFORMATION, FEED_STATION_STATUS, FEED_VEHICLE_STATUS };

struct feed_station {
    char id[FEED_ID_SIZE];
    bool informed, reported; /* seen in station_information, in station_status */
    double lat, lon;
    int32_t capacity; /* -1: not given; so also below */
    int32_t vehicles, docks;
    bool installed, renting, returning;
};

struct feed_vehicle {
    char id[FEED_ID_SIZE];
    double lat, lon;
    bool placed;   /* it has a position of its own */
    bool reserved; /* somebody is on the way to it */
};

struct feed {
    struct feed_station stations[FEED_STATIONS_MAX];
    struct feed_vehicle vehicles[FEED_VEHICLES_MAX]; /* sorted by id after feed_finish() */
    uint32_t stations_count, vehicles_count;
    /* rows that the files held, and rows that were read, by enum feed_file */
    uint32_t rows[FEED_URLS], read[FEED_URLS];
};

/* Forget all rows. */
void feed_reset(struct feed *f);
/* ERR_MALFORMED: the file is not what its name says; nothing of it was taken. */
enum err feed_read_file(struct feed *f, enum feed_file which, struct bytes json) MUST_USE;
/* Sort vehicles by id; of two with one id the first stays. */
void feed_finish(struct feed *f);

/*
 * The URLs of gbfs.json, by enum feed_file; "" for a file the feed does not have. 2.x: the first
 * language. ERR_MALFORMED: no discovery file.
 */
enum err feed_read_discovery(struct bytes json, char out[FEED_URLS][FEED_URL_SIZE]) MUST_USE;

#endif
