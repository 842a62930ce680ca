/*
 * vocabulary.h -- the words that city services add to the charter language.
 *
 * Each folder src/services/NAME may hold NAME.words.def with rows
 *
 *   ENVELOPE(word, unit, minimum, maximum, required, "one sentence")
 *   COMMAND(word, "one sentence")
 *   KIND(word, "one sentence")         a message kind that conduits may carry to this service
 *
 * The build finds the files; the checker knows exactly these words. Words are written with '-'
 * in charters and with '_' in the rows. Units: UNIT_MS, UNIT_W, UNIT_CENTI_PERCENT, UNIT_COUNT,
 * UNIT_CENTI_C.
 */
#ifndef CHARTER_VOCABULARY_H
#define CHARTER_VOCABULARY_H

#include "base/base.h"

enum word_kind { WORD_ENVELOPE, WORD_COMMAND, WORD_CONDUIT_KIND };
enum word_unit { UNIT_NONE, UNIT_MS, UNIT_W, UNIT_CENTI_PERCENT, UNIT_COUNT, UNIT_CENTI_C };

struct service_word {
    const char *service;
    enum word_kind kind;
    const char *word; /* with '-' */
    enum word_unit unit;
    int64_t minimum, maximum; /* in the unit */
    bool required;            /* a zone of this service with commands must state it */
    const char *sentence;
};

/* All words of all services, in order of service. */
const struct service_word *vocabulary_words(size_t *out_count);
/* The name of the index-th service, or NULL behind the last. */
const char *vocabulary_service(size_t index);
/* True if a service of this name is built in. */
bool vocabulary_has_service(struct bytes service);
const struct service_word *vocabulary_find(struct bytes service, enum word_kind kind,
                                           struct bytes word);

#endif
