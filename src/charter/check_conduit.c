/* check_conduit.c -- what may not flow: kinds, commands over paths, the never list. */
#include "charter/check_rules.h"
#include "charter/suggest.h"

static bool
is_command_of(const struct charter_zone *z, const char *word)
{
    for (uint32_t i = 0; i < z->commands_count; i++) {
        if (strcmp(z->commands[i].name, word) == 0)
            return true;
    }
    return false;
}

static void
check_carries(const struct charter *c, const struct charter_conduit *k, struct charter_findings *f)
{
    const struct charter_zone *to = &c->zones[k->to];
    size_t count = 0;
    const struct service_word *all = vocabulary_words(&count);
    for (uint32_t i = 0; i < k->carries_count; i++) {
        const char *word = k->carries[i];
        if (is_command_of(to, word) ||
            vocabulary_find(bytes_text(to->service), WORD_CONDUIT_KIND, bytes_text(word)))
            continue;
        struct suggest s = suggest_for(bytes_text(word));
        for (size_t w = 0; w < count; w++) {
            if (all[w].kind == WORD_CONDUIT_KIND && strcmp(all[w].service, to->service) == 0)
                suggest_offer(&s, all[w].word);
        }
        for (uint32_t w = 0; w < to->commands_count; w++)
            suggest_offer(&s, to->commands[w].name);
        charter_add_finding(f, k->carries_place[i],
                            "expected a message kind that the zone '%s' takes, found '%s'%s%s%s",
                            to->name, word, s.best ? "; did you mean '" : "", s.best ? s.best : "",
                            s.best ? "'?" : "");
    }
}

static void
check_statements(const struct charter *c, const struct charter_conduit *k,
                 struct charter_findings *f)
{
    if (k->from == k->to)
        charter_add_finding(f, k->place, "the conduit '%s' ends in the zone '%s' where it begins",
                            k->name, c->zones[k->from].name);
    if (c->zones[k->to].tier == TIER_PROTECTED)
        charter_add_finding(f, k->place,
                            "the conduit '%s' leads into the protected zone '%s': nothing but its "
                            "own readings goes in there",
                            k->name, c->zones[k->to].name);
    if (k->purpose < 0)
        charter_add_finding(f, k->place, "the conduit '%s' has no 'purpose'", k->name);
    if (!k->reason[0])
        charter_add_finding(f, k->place, "the conduit '%s' has no 'reason'", k->name);
    if (k->rate_per_hour == 0)
        charter_add_finding(f, k->rate_place.line ? k->rate_place : k->place,
                            "the conduit '%s' has no 'rate' above 0: expected one such as 1/min",
                            k->name);
}

/*
 * The zones from which `zone` can be reached, each with the next conduit on the way there.
 * Breadth first, so the ways are short ones.
 */
struct ways {
    bool reached[CHARTER_ZONES_MAX];
    uint32_t next[CHARTER_ZONES_MAX]; /* index of a conduit */
};

static void
find_ways(const struct charter *c, uint32_t zone, struct ways *w)
{
    uint32_t queue[CHARTER_ZONES_MAX] = {zone};
    uint32_t head = 0, tail = 1;
    memset(w, 0, sizeof(*w));
    w->reached[zone] = true;
    while (head < tail) {
        uint32_t at = queue[head++];
        for (uint32_t i = 0; i < c->conduits_count; i++) {
            uint32_t from = c->conduits[i].from;
            if (c->conduits[i].to != at || w->reached[from])
                continue;
            w->reached[from] = true;
            w->next[from] = i;
            ASSERT(tail < CHARTER_ZONES_MAX);
            queue[tail++] = from;
        }
    }
}

/* A command that reaches a critical zone must not begin, however far back, in an ordinary one. */
static void
check_reach(const struct charter *c, const struct charter_conduit *k, struct charter_findings *f)
{
    const struct charter_zone *to = &c->zones[k->to];
    uint32_t command = 0;
    while (command < k->carries_count && !is_command_of(to, k->carries[command]))
        command++;
    if (to->tier != TIER_CRITICAL || command == k->carries_count)
        return;
    struct ways w;
    find_ways(c, k->from, &w);
    for (uint32_t i = 0; i < c->zones_count; i++) {
        if (!w.reached[i] || c->zones[i].tier != TIER_ORDINARY)
            continue;
        struct buf path;
        buf_init(&path, CHARTER_ZONES_MAX * (CHARTER_NAME_SIZE + 4));
        for (uint32_t at = i; at != k->from; at = c->conduits[w.next[at]].to)
            buf_format(&path, "%s -> ", c->zones[at].name);
        buf_format(&path, "%s -> %s", c->zones[k->from].name, to->name);
        charter_add_finding(f, k->carries_place[command],
                            "the ordinary zone '%s' could command the critical zone '%s' ('%s', by "
                            "%.120s)",
                            c->zones[i].name, to->name, k->carries[command], buf_string(&path));
        buf_fini(&path);
    }
}

/* True if a word of three letters or more of `name` is in the text. */
static bool
shares_word(const char *text, const char *name)
{
    char word[CHARTER_NAME_SIZE];
    size_t n = 0;
    for (size_t i = 0;; i++) {
        if (name[i] && name[i] != '-') {
            word[n++] = name[i];
            continue;
        }
        word[n] = 0;
        if (n >= 3 && check_has_word(text, word))
            return true;
        n = 0;
        if (!name[i])
            return false;
    }
}

static void
check_never(const struct charter *c, const struct charter_conduit *k, struct charter_findings *f)
{
    const struct charter_zone *from = &c->zones[k->from], *to = &c->zones[k->to];
    const char *names[5 + CHARTER_CARRIES_MAX] = {from->name, to->name, from->service, to->service,
                                                  k->name};
    for (uint32_t i = 0; i < k->carries_count; i++)
        names[5 + i] = k->carries[i];
    for (uint32_t i = 0; i < c->nevers_count; i++) {
        for (uint32_t n = 0; n < 5 + k->carries_count; n++) {
            if (!shares_word(c->nevers[i].what, names[n]))
                continue;
            charter_add_finding(f, k->place,
                                "the conduit '%s' touches '%s', and the charter says: never "
                                "\"%.100s\"",
                                k->name, names[n], c->nevers[i].what);
            break;
        }
    }
}

void
check_conduits(const struct charter *c, struct charter_findings *f)
{
    for (uint32_t i = 0; i < c->conduits_count; i++) {
        const struct charter_conduit *k = &c->conduits[i];
        check_statements(c, k, f);
        check_carries(c, k, f);
        check_reach(c, k, f);
        check_never(c, k, f);
    }
}
