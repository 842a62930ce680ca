#include "services/signals/optimize/news.h"

#include "base/hash.h"

static uint32_t
seconds_since(uint64_t then_ms, uint64_t now_ms)
{
    return now_ms > then_ms ? (uint32_t)((now_ms - then_ms + 500) / 1000) : 0;
}

bool
news_repeats(struct news *n, const struct signals_model *m, const struct signals_reading *r)
{
    uint64_t number = HASH_START; /* alike readings have the same */
    uint32_t counted = 0;
    number = hash_number(number, (uint32_t)(r->phase + 1));
    number = hash_number(number, r->age_s);
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        number = hash_number(number, r->stop[l]);
        number = hash_number(number, r->stop_on[l]);
        counted += r->stop[l];
    }
    for (uint32_t i = 0; i < m->loops_count; i++) {
        number = hash_number(number, r->advance[i]);
        number = hash_number(number, r->advance_on[i]);
        counted += r->advance[i];
    }
    if (counted == 0 || m->lanes_count + m->loops_count < NEWS_PLACES_LEAST)
        return n->repeated = false;
    bool before = false;
    for (uint32_t i = 0; i < n->kept_count && i < NEWS_KEPT; i++)
        before = before || n->kept[i] == number;
    if (!before)
        n->kept[n->kept_count++ % NEWS_KEPT] = number;
    n->repeated = before && !n->repeated;
    return n->repeated;
}

/* It stands on, or a state began since: in between there are several, each with its own age. */
static bool
follows(const struct news_word *w, const struct signals_model *m, uint32_t begins_s, int32_t phase,
        uint32_t age_s, uint64_t now_ms)
{
    uint32_t passed_s = seconds_since(w->at_ms, now_ms);
    uint32_t change_s = (uint32_t)m->yellow_s + m->all_red_s;
    bool grew = age_s >= w->age_s && age_s <= w->age_s + passed_s + NEWS_JITTER_S;
    bool began = age_s <= begins_s + passed_s;
    if (phase < 0 && w->phase < 0)
        return grew || began;
    if (phase < 0) {
        uint32_t heard_s = seconds_since(w->from_ms, now_ms), said_s = w->age_s + passed_s;
        uint32_t stood_s = (heard_s > said_s ? heard_s : said_s) + NEWS_JITTER_S;
        return began && stood_s >= m->minimum_s[w->phase];
    }
    if (phase == w->phase && grew)
        return true;
    if (phase == w->before)
        return false; /* N4 */
    return began && seconds_since(w->green_ms, now_ms) + NEWS_JITTER_S >= change_s;
}

static struct news_word
word_after(const struct news_word *w, int32_t phase, uint32_t age_s, uint64_t now_ms)
{
    return (struct news_word){.phase = phase,
                              .before = phase >= 0 ? phase : w->before,
                              .age_s = age_s,
                              .at_ms = now_ms,
                              .from_ms = phase == w->phase ? w->from_ms : now_ms,
                              .green_ms = phase >= 0 ? now_ms : w->green_ms};
}

bool
news_hear(struct news *n, const struct signals_model *m, int32_t phase, uint32_t age_s,
          uint64_t now_ms)
{
    ASSERT(phase < (int32_t)m->phases_count);
    if (n->begun && now_ms < n->last.at_ms + NEWS_PAUSE_MS)
        return false; /* N1 */
    struct news_word word = word_after(&n->last, phase, age_s, now_ms);
    if (!n->begun || now_ms > n->last.at_ms + NEWS_FORGOTTEN_MS) {
        word.from_ms = now_ms;
        word.before = phase;
        n->begun = true;
        n->doubted = false;
        n->last = n->other = word;
        return true; /* N3 */
    }
    bool changed = phase != n->last.phase;
    if (follows(&n->last, m, n->begins_s, phase, age_s, now_ms)) {
        n->other = n->last;
        n->doubted = changed;
        n->last = word;
        return true;
    }
    bool again = n->doubted && now_ms >= n->other.at_ms + NEWS_PAUSE_MS &&
                 follows(&n->other, m, n->begins_s, phase, age_s, now_ms);
    if (!again) {
        n->other = word;
        n->doubted = true;
        return false;
    }
    bool begins = n->other.at_ms > n->last.at_ms && n->other.phase != n->last.phase &&
                  n->other.age_s <= NEWS_BEGINS_MOST_S;
    if (begins)
        n->begins_s = n->other.age_s;
    struct news_word kept = n->last;
    n->last = word_after(&n->other, phase, age_s, now_ms);
    n->other = kept;
    return true;
}

uint32_t
news_age(const struct news *n, uint64_t now_ms)
{
    const struct news_word *w = &n->last;
    uint32_t said_s = w->age_s > n->begins_s ? w->age_s - n->begins_s : 0;
    said_s += seconds_since(w->at_ms, now_ms);
    uint64_t heard_s = now_ms > w->from_ms ? (now_ms - w->from_ms) / 1000 : 0;
    return heard_s > said_s ? (uint32_t)heard_s : said_s;
}
