/*
 * moves_covert.c -- how many bits a second two breached cores can pass through the conduits between
 * them: demonstrated with a random string, beside what can be at the very most.
 */
#include "drill/moves.h"

#include "base/random.h"
#include "base/text.h"
#include "programs/conduit/bound.h"

enum {
    BITS_BYTES = 120,
    HEX_SIZE = 2 * BITS_BYTES + 1,
    LISTEN_MORE_MS = 2500,
    TARGETS_SIZE = 600,
    WORD_BITS = 12
};

struct heard {
    char name[STORY_NAME_SIZE];
    uint32_t bits, right;
};

static bool
bit_of(const char *hex, uint32_t i)
{
    char c = hex[i / 4];
    return (c <= '9' ? c - '0' : c - 'a' + 10) >> (3 - i % 4) & 1;
}

/* "note: heard NAME BITS HEX", one a conduit. */
static bool
read_heard(const char **said, const char *sent, struct heard *out)
{
    static const char before[] = "note: heard ";
    const char *at = strstr(*said, before);
    char hex[HEX_SIZE] = "";
    *out = (struct heard){0};
    if (!at ||
        sscanf(at + sizeof(before) - 1, "%99s %u %240[0-9a-f]", out->name, &out->bits, hex) < 2)
        return false;
    *said = at + sizeof(before) - 1;
    if (out->bits > 4 * strlen(hex) || out->bits > 4 * strlen(sent))
        return false;
    for (uint32_t i = 0; i < out->bits; i++)
        out->right += bit_of(hex, i) == bit_of(sent, i);
    return true;
}

static const struct charter_conduit *
find_conduit(const struct charter *c, const char *name)
{
    for (uint32_t i = 0; i < c->conduits_count; i++)
        if (strcmp(c->conduits[i].name, name) == 0)
            return &c->conduits[i];
    return NULL;
}

/* One conduit's sentence. False: more came through than can. */
static bool
put_measure(const struct stage *s, const struct heard *h, double seconds, struct buf *out)
{
    const struct charter_conduit *c = find_conduit(s->charter, h->name);
    struct start_conduit rules = {0};
    struct bound b;
    if (!c)
        return false;
    rules.group_min = c->group;
    rules.rate_per_hour = c->rate_per_hour;
    bound_of(&rules, &b);
    double slot_s = 3600.0 / c->rate_per_hour;
    /* A message takes the time of one of its rate, also the last, after which no other may come. */
    double words_s = (h->bits / WORD_BITS + 1) * slot_s;
    double over_s = words_s > seconds ? words_s : seconds;
    double measured = h->right / over_s;
    buf_format(out,
               "%s%s at %g/min: %u bits sent, %u right, in %.1f s: %.3f bit/s, and at most "
               "%.3f (%.1f a message)",
               out->len ? "; " : "", h->name, c->rate_per_hour / 60.0, h->bits, h->right, over_s,
               measured, b.bits_a_second, b.bits_a_message);
    return measured <= b.bits_a_second;
}

/* from= to= (zones) for=MS */
static struct outcome
run_covert(struct stage *s, const struct story_move *m)
{
    uint8_t bytes[BITS_BYTES];
    struct random_source random = random_system();
    struct buf hex;
    char targets[TARGETS_SIZE], from[STORY_NAME_SIZE + 8], to[STORY_NAME_SIZE + 8];
    long for_ms = move_number(m, "for", 20000);
    random_fill(&random, bytes, sizeof(bytes));
    buf_init(&hex, HEX_SIZE);
    text_put_hex(&hex, bytes_of(bytes, sizeof(bytes)));
    snprintf(from, sizeof(from), "%s/core", move_word(m, "from", ""));
    snprintf(to, sizeof(to), "%s/core", move_word(m, "to", ""));
    snprintf(targets, sizeof(targets), "for=%ld\n", for_ms + LISTEN_MORE_MS);
    struct range_breach hears = {to, s->moves, "hear-bits", targets};
    enum err e = range_breach(s->range, &hears);
    char words[TARGETS_SIZE];
    snprintf(words, sizeof(words), "for=%ld\nbits=%s\n", for_ms, buf_string(&hex));
    struct range_breach speaks = {from, s->moves, "speak-bits", words};
    if (e == OK)
        e = range_breach(s->range, &speaks);
    struct outcome o = range_answer(s->range, to, (uint32_t)for_ms + 4 * LISTEN_MORE_MS);
    (void)range_answer(s->range, from, LISTEN_MORE_MS);
    bool within = e == OK && o.answer == ANSWER_ESCAPED;
    const char *said = o.said;
    struct heard h;
    struct buf sentence;
    buf_init(&sentence, sizeof(o.said) - 60);
    while (read_heard(&said, buf_string(&hex), &h))
        within = put_measure(s, &h, (double)for_ms / 1000, &sentence) && within;
    buf_fini(&hex);
    if (sentence.len == 0 || buf_error(&sentence) != OK || e != OK)
        o = move_answer(ANSWER_FAILED, "nothing was heard: %s", o.said);
    else
        o = move_answer(ANSWER_ESCAPED, "%s: %s", within ? "within the bound" : "ABOVE THE BOUND",
                        buf_string(&sentence));
    buf_fini(&sentence);
    return o;
}

const struct move moves_covert[] = {
    {"covert", run_covert, "from= to= for=MS: two breached cores pass a random string of bits"},
    {0},
};
