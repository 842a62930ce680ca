/*
 * city_client.h -- asks a zone's gate over TLS 1.3, as a caller of the charter or as a device.
 *
 * One connection, kept; a token of the judge's, taken anew before it is over. What cannot be asked
 * is said in a sentence.
 */
#ifndef CLI_CITY_CLIENT_H
#define CLI_CITY_CLIENT_H

#include "http/answer.h"

struct city_client_config {
    const char *url;         /* https://HOST:PORT */
    const char *credentials; /* folder with key.pem, cert.pem, ca.pem */
    /* Of a caller; all NULL for a device. */
    const char *state, *caller, *zone, *purpose;
};

enum { CITY_CLIENT_ANSWER_MAX = 64 * 1024 * 1024, CITY_CLIENT_LOCATION_SIZE = 256 };

struct city_client;

/* NULL after a sentence. Strings are borrowed. */
struct city_client *city_client_new(const struct city_client_config *config);
void city_client_free(struct city_client *c);

struct city_answer {
    struct http_answer http; /* borrowed until the next question */
    char location[CITY_CLIENT_LOCATION_SIZE];
};
/*
 * A target such as "/v1.1/Things". With a body it is a POST of JSON. Asked again when the answer
 * is 503 or 429; `again`: also when the connection broke in between, for what may be done twice.
 * False after a sentence.
 */
bool city_client_ask(struct city_client *c, const char *target, const struct bytes *body,
                     bool again, struct city_answer *out) MUST_USE;

#endif
