/*
 * fetch.h -- one HTTP question with libcurl, bounded in bytes, time and redirects (none).
 *
 * Blocking. For devices at their start and for public feeds; a certificate is shown when one is
 * given, and then the server's is checked against the given issuer and its name.
 */
#ifndef FIELD_FETCH_H
#define FIELD_FETCH_H

#include "base/base.h"
#include "base/buf.h"

enum { FETCH_PATH_SIZE = 512, FETCH_ERROR_SIZE = 256, FETCH_LOCATION_SIZE = 1024 };

struct fetch_identity {
    char key[FETCH_PATH_SIZE], certificate[FETCH_PATH_SIZE], issuer[FETCH_PATH_SIZE];
};

struct fetch {
    const char *url;
    const struct fetch_identity *identity; /* NULL: no certificate; http:// is allowed then */
    struct bytes body;                     /* len 0: GET; else POST application/json */
    uint32_t timeout_ms;
    /* the answer */
    long status;
    char content_type[128];
    char location[FETCH_LOCATION_SIZE];
    char error[FETCH_ERROR_SIZE]; /* a sentence when fetch_run() failed */
};

/*
 * Ask. *out was made by the caller and its maximum is the limit for the answer (after
 * decompression). ERR_IO: no answer, see f->error; ERR_LIMIT: the answer is too long.
 * Every status is OK here.
 */
enum err fetch_run(struct fetch *f, struct buf *out) MUST_USE;

#endif
