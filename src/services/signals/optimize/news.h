/*
 * news.h -- whether a reading can be of now: what its lights show must follow from the last ones.
 *
 * Its time says when a reading was sent, not when it was counted (whoever holds the device writes
 * both). What he cannot choose without being seen is what the lights were: a phase grows older by
 * the second, ends in a change that takes its time, and another one begins young. An old reading
 * sent again does not fit into that, and would count vehicles twice.
 *
 * N1  None is heard twice within NEWS_PAUSE_MS.
 * N2  A reading that does not follow from the last one that was heard is refused, unless it follows
 *     from the one that was refused just before it, or from the one before the last change: so one
 *     lie that got through does not make the truth a lie, and a device that starts again, or counts
 *     its ages anew, is heard with its second reading.
 * N3  After NEWS_FORGOTTEN_MS without any, each is heard.
 * N4  No phase follows upon itself: who was green last is not the next one (or is heard with the
 *     second reading).
 * N5  A reading that counts somebody and is, to the last lane, one of the NEWS_KEPT of this kind
 *     that came last, is one of those; but no two in a row are. Of the true ones that
 *     refuses one in 300 to 400, one in 100 where each arm has a single lane; each is a second that
 *     is lost. Quiet seconds are all alike, and so are those of a junction with few loops: there N2
 *     is all there is.
 *
 * Pure.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_NEWS_H
#define SERVICES_SIGNALS_OPTIMIZE_NEWS_H

#include "services/signals/reading.h"

enum {
    NEWS_PAUSE_MS = 500, /* readings come once a second */
    NEWS_FORGOTTEN_MS = 3000,
    NEWS_KEPT = 32,
    NEWS_PLACES_LEAST = 8, /* lanes and loops: fewer say too little to know a reading again */
    NEWS_JITTER_S = 1,     /* of an age, and of the time between two readings */
    NEWS_BEGINS_MOST_S = 6 /* a device that counts ages from so many on is still understood */
};

struct news_word {
    int32_t phase, before; /* -1: in between; and the last one that was green */
    uint32_t age_s;
    uint64_t at_ms, from_ms; /* heard then; since when it shows this phase, as it was heard */
    uint64_t green_ms;       /* a green phase was heard last then */
};

struct news {
    bool begun, doubted; /* doubted: `other` is there */
    struct news_word last, other;
    uint64_t kept[NEWS_KEPT]; /* what the last readings said, as a number */
    uint32_t kept_count;
    bool repeated;     /* the last one did */
    uint32_t begins_s; /* the age with which its states begin */
};

/* N5, before news_hear(): it came before. Else it is kept. */
bool news_repeats(struct news *n, const struct signals_model *m, const struct signals_reading *r);

/* One reading. False: it cannot be of now, forget it. */
bool news_hear(struct news *n, const struct signals_model *m, int32_t phase, uint32_t age_s,
               uint64_t now_ms);

/*
 * How old the phase of the last news is now, in whole seconds: as it said, less what its states
 * begin with, or as long as it was heard, whatever is more. So a wrong clock changes no age.
 */
uint32_t news_age(const struct news *n, uint64_t now_ms);

#endif
