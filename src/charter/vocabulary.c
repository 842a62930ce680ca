#include "charter/vocabulary.h"
#include "charter/charter.h"

/* A row as the services' files give it; a row with `service` opens that service's rows. */
struct row {
    const char *service;
    struct service_word word; /* with '_' */
};

#define SERVICE(name) {.service = #name},
#define SERVICE_END(name)
#define ENVELOPE(w, u, low, high, must, says)                                                      \
    {.word = {.kind = WORD_ENVELOPE,                                                               \
              .word = #w,                                                                          \
              .unit = u,                                                                           \
              .minimum = low,                                                                      \
              .maximum = high,                                                                     \
              .required = must,                                                                    \
              .sentence = says}},
#define COMMAND(w, says) {.word = {.kind = WORD_COMMAND, .word = #w, .sentence = says}},
#define KIND(w, says) {.word = {.kind = WORD_CONDUIT_KIND, .word = #w, .sentence = says}},

static const struct row rows[] = {
#include "words.h"
    {.service = NULL}, /* so that the table is never empty; its word is NULL */
};

/* The same rows with '-', made at the first question; never changed afterwards. */
static struct service_word words[ARRAY_COUNT(rows)];
static char spelled[ARRAY_COUNT(rows)][CHARTER_NAME_SIZE];
static size_t words_count;

const struct service_word *
vocabulary_words(size_t *out_count)
{
    if (words_count == 0) {
        const char *service = NULL;
        size_t n = 0;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
            if (rows[i].service)
                service = rows[i].service;
            if (rows[i].service || !rows[i].word.word)
                continue;
            size_t len = strlen(rows[i].word.word);
            ASSERT(service != NULL && len < CHARTER_NAME_SIZE);
            for (size_t k = 0; k < len; k++)
                spelled[n][k] = (char)(rows[i].word.word[k] == '_' ? '-' : rows[i].word.word[k]);
            words[n] = rows[i].word;
            words[n].service = service;
            words[n].word = spelled[n];
            n++;
        }
        words_count = n;
    }
    *out_count = words_count;
    return words;
}

const char *
vocabulary_service(size_t index)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].service && index-- == 0)
            return rows[i].service;
    }
    return NULL;
}

bool
vocabulary_has_service(struct bytes service)
{
    for (size_t i = 0; vocabulary_service(i); i++) {
        if (bytes_are(service, vocabulary_service(i)))
            return true;
    }
    return false;
}

const struct service_word *
vocabulary_find(struct bytes service, enum word_kind kind, struct bytes word)
{
    size_t count = 0;
    const struct service_word *all = vocabulary_words(&count);
    for (size_t i = 0; i < count; i++) {
        if (all[i].kind == kind && bytes_are(service, all[i].service) &&
            bytes_are(word, all[i].word))
            return &all[i];
    }
    return NULL;
}
