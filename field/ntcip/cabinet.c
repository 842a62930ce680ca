#include "field/ntcip/cabinet.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <stdarg.h>

/* One line being read: words are taken from the front. */
struct line {
    struct bytes rest;
    uint32_t number;
    struct cabinet *c;
    char *why;
};

static PRINTF_LIKE(2, 3) enum err wrong(struct line *l, const char *format, ...)
{
    va_list args;
    int n = snprintf(l->why, CABINET_WHY_SIZE, "line %u: ", (unsigned)l->number);
    ASSERT(n > 0 && n < CABINET_WHY_SIZE);
    va_start(args, format);
    vsnprintf(l->why + n, (size_t)(CABINET_WHY_SIZE - n), format, args);
    va_end(args);
    return ERR_MALFORMED;
}

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The next word; empty at the end of the line. */
static struct bytes
word(struct line *l)
{
    size_t n = 0;
    while (l->rest.len > 0 && is_blank(l->rest.p[0]))
        l->rest = bytes_skip(l->rest, 1);
    while (n < l->rest.len && !is_blank(l->rest.p[n]))
        n++;
    struct bytes w = bytes_of(l->rest.p, n);
    l->rest = bytes_skip(l->rest, n);
    return w;
}

static enum err
no_more(struct line *l)
{
    return word(l).len == 0 ? OK : wrong(l, "more words than this line takes");
}

/* One printable word into `to`, which must still be empty. */
static enum err
take_text(struct line *l, char *to, size_t size)
{
    struct bytes w = word(l);
    for (size_t i = 0; i < w.len; i++)
        if (w.p[i] <= ' ' || w.p[i] > '~')
            return wrong(l, "only printable characters are taken");
    if (to[0])
        return wrong(l, "this was said before");
    if (w.len == 0 || bytes_copy_text(w, to, size) != OK)
        return wrong(l, "one word of at most %zu characters is wanted", size - 1);
    return no_more(l);
}

/* "3s", "1.5s": tenths of a second. */
static enum err
tenths(struct line *l, const char *what, uint16_t min_ds, uint16_t max_ds, uint16_t *out)
{
    struct bytes w = word(l);
    uint64_t whole = 0, tenth = 0;
    bool good = w.len >= 2 && w.p[w.len - 1] == 's';
    if (good) {
        struct bytes n = bytes_of(w.p, w.len - 1);
        size_t dot = bytes_find(n, '.');
        good = text_u64(bytes_of(n.p, dot), 1000, &whole) == OK;
        if (good && dot < n.len)
            good = n.len == dot + 2 && text_u64(bytes_skip(n, dot + 1), 9, &tenth) == OK;
    }
    uint64_t ds = whole * 10 + tenth;
    if (!good || ds < min_ds || ds > max_ds)
        return wrong(l, "%s is from %u.%us to %u.%us", what, min_ds / 10U, min_ds % 10U,
                     max_ds / 10U, max_ds % 10U);
    *out = (uint16_t)ds;
    return OK;
}

static enum err
seconds(struct line *l, const char *what, uint16_t min_s, uint16_t max_s, uint16_t *out)
{
    uint16_t ds = 0;
    enum err e = tenths(l, what, (uint16_t)(min_s * 10U), (uint16_t)(max_s * 10U), &ds);
    if (e == OK && ds % 10 != 0)
        return wrong(l, "%s is whole seconds", what);
    if (e == OK)
        *out = ds / 10;
    return e;
}

/* ---- one function a word -------------------------------------------------------------------- */

static enum err
read_cabinet(struct line *l)
{
    enum err e = take_text(l, l->c->name, sizeof(l->c->name));
    if (e == OK && !text_is_name(bytes_text(l->c->name)))
        return wrong(l, "no device can be called so");
    return e;
}

static enum err
read_agent(struct line *l)
{
    char text[CABINET_HOST_SIZE + 8] = "";
    uint8_t address[16];
    uint64_t port = 0;
    if (l->c->port != 0)
        return wrong(l, "this was said before");
    enum err e = take_text(l, text, sizeof(text));
    if (e != OK)
        return e;
    const char *colon = strrchr(text, ':');
    struct bytes host = bytes_of(text, colon ? (size_t)(colon - text) : 0);
    if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
        host = bytes_of(host.p + 1, host.len - 2);
    if (!colon || bytes_copy_text(host, l->c->host, sizeof(l->c->host)) != OK ||
        (inet_pton(AF_INET, l->c->host, address) != 1 &&
         inet_pton(AF_INET6, l->c->host, address) != 1) ||
        text_u64(bytes_text(colon + 1), UINT16_MAX, &port) != OK || port == 0)
        return wrong(l, "an address and a port are wanted, like 192.0.2.7:161");
    l->c->port = (uint16_t)port;
    return OK;
}

static enum err
read_user(struct line *l)
{
    return take_text(l, l->c->user, sizeof(l->c->user));
}

static enum err
read_auth(struct line *l)
{
    struct bytes w = word(l);
    if (l->c->auth != AUTH_NONE)
        return wrong(l, "this was said before");
    l->c->auth = bytes_are(w, "sha-256")   ? AUTH_SHA_256
                 : bytes_are(w, "sha-384") ? AUTH_SHA_384
                 : bytes_are(w, "sha-512") ? AUTH_SHA_512
                                           : AUTH_NONE;
    if (l->c->auth == AUTH_NONE)
        return wrong(l, "auth is sha-256, sha-384 or sha-512; without it nothing is sent");
    return no_more(l);
}

static enum err
read_privacy(struct line *l)
{
    struct bytes w = word(l);
    if (l->c->privacy != PRIVACY_NONE)
        return wrong(l, "this was said before");
    l->c->privacy = bytes_are(w, "aes-128")   ? PRIVACY_AES_128
                    : bytes_are(w, "aes-256") ? PRIVACY_AES_256
                                              : PRIVACY_NONE;
    if (l->c->privacy == PRIVACY_NONE)
        return wrong(l, "privacy is aes-128 or aes-256; without it nothing is sent");
    return no_more(l);
}

static enum err
read_replays(struct line *l)
{
    struct bytes w = word(l);
    if (l->c->replays != REPLAYS_NONE)
        return wrong(l, "this was said before");
    l->c->replays = bytes_are(w, "serial")   ? REPLAYS_SERIAL
                    : bytes_are(w, "window") ? REPLAYS_WINDOW
                                             : REPLAYS_NONE;
    if (l->c->replays == REPLAYS_NONE)
        return wrong(l, "replays is serial (the agent has snmpSetSerialNo) or window");
    return no_more(l);
}

static enum err
read_keys(struct line *l)
{
    return take_text(l, l->c->keys, sizeof(l->c->keys));
}

static enum err
read_properties(struct line *l)
{
    return take_text(l, l->c->properties, sizeof(l->c->properties));
}

static enum err
read_backup(struct line *l)
{
    if (l->c->backup_s != 0)
        return wrong(l, "this was said before");
    enum err e = seconds(l, "backup", NTCIP_BACKUP_MIN_S, NTCIP_BACKUP_MAX_S, &l->c->backup_s);
    return e == OK ? no_more(l) : e;
}

static enum err
read_envelope(struct line *l)
{
    struct cabinet *c = l->c;
    for (struct bytes w = word(l); w.len > 0; w = word(l)) {
        enum err e;
        bool twice = false;
        if (bytes_are(w, "minimum-green") && !(twice = c->minimum_green_s != 0))
            e = seconds(l, "minimum-green", 1, 60, &c->minimum_green_s);
        else if (bytes_are(w, "maximum-green") && !(twice = c->maximum_green_s != 0))
            e = seconds(l, "maximum-green", 10, 255, &c->maximum_green_s);
        else if (bytes_are(w, "maximum-red") && !(twice = c->maximum_red_s != 0))
            e = seconds(l, "maximum-red", 30, 600, &c->maximum_red_s);
        else if (bytes_are(w, "yellow") && !(twice = c->yellow_ds != 0))
            e = tenths(l, "yellow", CABINET_YELLOW_MIN_DS, 60, &c->yellow_ds);
        else if (bytes_are(w, "all-red") && !(twice = c->all_red_ds != UINT16_MAX))
            e = tenths(l, "all-red", 0, 60, &c->all_red_ds);
        else
            return wrong(l, twice ? "this was said before"
                                  : "the envelope has minimum-green, maximum-green, maximum-red, "
                                    "yellow and all-red");
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err
phase(struct line *l, struct bytes w, uint32_t *out)
{
    uint64_t p = 0;
    if (text_u64(w, NTCIP_PHASES, &p) != OK || p == 0)
        return wrong(l, "phases are numbers from 1 to %d", NTCIP_PHASES);
    *out = (uint32_t)p;
    return OK;
}

/* The phases of a line into places that are 0 until then. */
static enum err
read_places(struct line *l, uint8_t places[static NTCIP_PHASES + 1], uint8_t max)
{
    uint8_t mine = 0;
    uint32_t p = 0;
    for (uint32_t i = 1; i <= NTCIP_PHASES; i++)
        mine = places[i] > mine ? places[i] : mine;
    if (++mine > max)
        return wrong(l, "at most %u such lines", (unsigned)max);
    struct bytes w = word(l);
    if (w.len == 0)
        return wrong(l, "phases are wanted");
    for (; w.len > 0; w = word(l)) {
        enum err e = phase(l, w, &p);
        if (e != OK)
            return e;
        if (places[p] != 0)
            return wrong(l, "phase %u stands twice", (unsigned)p);
        places[p] = mine;
    }
    return OK;
}

static enum err
read_ring(struct line *l)
{
    return read_places(l, l->c->rings.ring, RINGS_MAX);
}

static enum err
read_side(struct line *l)
{
    return read_places(l, l->c->rings.side, BARRIERS_MAX);
}

static enum err
read_crossing(struct line *l)
{
    uint32_t p = 0;
    uint16_t walk_s = 0, clearance_s = 0;
    enum err e = phase(l, word(l), &p);
    if (e == OK && (l->c->crossings & PHASE_BIT(p)))
        return wrong(l, "this was said before");
    if (e == OK && !bytes_are(word(l), "walk"))
        return wrong(l, "a crossing is: PHASE walk Ns clearance Ns");
    if (e == OK)
        e = seconds(l, "walk", 4, 60, &walk_s); /* MUTCD 4E.06: 4 s at the least */
    if (e == OK && !bytes_are(word(l), "clearance"))
        return wrong(l, "a crossing is: PHASE walk Ns clearance Ns");
    if (e == OK)
        e = seconds(l, "clearance", 3, 120, &clearance_s);
    if (e != OK)
        return e;
    l->c->crossings |= PHASE_BIT(p);
    l->c->walk_s[p] = (uint8_t)walk_s;
    l->c->ped_clearance_s[p] = (uint8_t)clearance_s;
    return no_more(l);
}

static enum err
read_stage(struct line *l)
{
    uint8_t bits = 0;
    uint32_t p = 0;
    if (l->c->stages_count == CABINET_STAGES_MAX)
        return wrong(l, "at most %d stages", CABINET_STAGES_MAX);
    for (struct bytes w = word(l); w.len > 0; w = word(l)) {
        enum err e = phase(l, w, &p);
        if (e != OK)
            return e;
        if (bits & PHASE_BIT(p))
            return wrong(l, "phase %u stands twice", (unsigned)p);
        bits |= PHASE_BIT(p);
    }
    if (bits == 0)
        return wrong(l, "phases are wanted");
    l->c->stage[l->c->stages_count++] = bits;
    return OK;
}

/* "-": none. */
static enum err
read_detectors(struct line *l, uint32_t most, uint64_t *out)
{
    uint64_t bits = 0, d = 0;
    uint32_t n = 0;
    struct bytes w = word(l);
    if (bytes_are(w, "-")) {
        *out = 0;
        return no_more(l);
    }
    for (; w.len > 0; w = word(l), n++) {
        if (text_u64(w, NTCIP_DETECTORS_MAX, &d) != OK || d == 0)
            return wrong(l, "detectors are numbers from 1 to %d, or -", NTCIP_DETECTORS_MAX);
        if (l->c->detectors >> (d - 1) & 1)
            return wrong(l, "detector %u stands twice", (unsigned)d);
        bits |= UINT64_C(1) << (d - 1);
        l->c->detectors |= bits;
    }
    if (n == 0 || n > most)
        return wrong(l, "1 to %u detectors are wanted, or -", (unsigned)most);
    *out = bits;
    return OK;
}

static enum err
read_lane(struct line *l)
{
    if (l->c->lanes_count == CABINET_LANES_MAX)
        return wrong(l, "at most %d lanes", CABINET_LANES_MAX);
    return read_detectors(l, 4, &l->c->lane[l->c->lanes_count++]);
}

static enum err
read_loop(struct line *l)
{
    if (l->c->loops_count == CABINET_LOOPS_MAX)
        return wrong(l, "at most %d loops", CABINET_LOOPS_MAX);
    return read_detectors(l, 1, &l->c->loop[l->c->loops_count++]);
}

/* What people try, and what they are told. */
static enum err
read_version(struct line *l)
{
    return wrong(l, "SNMPv3 with authentication and privacy is all there is: no version, community "
                    "or level can be configured");
}

static const struct {
    const char *word;
    enum err (*read)(struct line *);
} words[] = {
    {"cabinet", read_cabinet},   {"agent", read_agent},
    {"user", read_user},         {"auth", read_auth},
    {"privacy", read_privacy},   {"keys", read_keys},
    {"backup", read_backup},     {"envelope", read_envelope},
    {"ring", read_ring},         {"side", read_side},
    {"crossing", read_crossing}, {"stage", read_stage},
    {"lane", read_lane},         {"loop", read_loop},
    {"version", read_version},   {"properties", read_properties},
    {"replays", read_replays},   {"community", read_version},
    {"level", read_version},
};

/* ---- the whole ------------------------------------------------------------------------------ */

static enum err
stages_are_sound(struct line *l, const struct cabinet *c)
{
    uint32_t a = 0, b = 0;
    for (uint32_t p = 1; p <= NTCIP_PHASES; p++)
        if ((c->rings.ring[p] != 0) != (c->rings.side[p] != 0))
            return wrong(l, "phase %u stands in a ring or on a side, but not in both", (unsigned)p);
    if (c->crossings & ~rings_phases(&c->rings))
        return wrong(l, "a crossing's phase is in no ring");
    for (uint32_t i = 0; i < c->stages_count; i++) {
        if (c->stage[i] & ~rings_phases(&c->rings))
            return wrong(l, "stage %u has a phase that is in no ring", (unsigned)i);
        if (rings_conflict(&c->rings, c->stage[i], &a, &b))
            return wrong(l, "stage %u: phases %u and %u may not be green together", (unsigned)i,
                         (unsigned)a, (unsigned)b);
        for (uint32_t k = 0; k < i; k++)
            if (c->stage[k] == c->stage[i])
                return wrong(l, "stages %u and %u are the same", (unsigned)k, (unsigned)i);
    }
    return OK;
}

static enum err
is_complete(struct line *l, const struct cabinet *c)
{
    const char *missing = !c->name[0]                    ? "cabinet"
                          : c->port == 0                 ? "agent"
                          : !c->user[0]                  ? "user"
                          : c->auth == AUTH_NONE         ? "auth"
                          : c->privacy == PRIVACY_NONE   ? "privacy"
                          : c->replays == REPLAYS_NONE   ? "replays"
                          : !c->keys[0]                  ? "keys"
                          : c->backup_s == 0             ? "backup"
                          : c->minimum_green_s == 0      ? "envelope minimum-green"
                          : c->maximum_green_s == 0      ? "envelope maximum-green"
                          : c->maximum_red_s == 0        ? "envelope maximum-red"
                          : c->yellow_ds == 0            ? "envelope yellow"
                          : c->all_red_ds == UINT16_MAX  ? "envelope all-red"
                          : c->stages_count == 0         ? "stage"
                          : rings_phases(&c->rings) == 0 ? "ring"
                                                         : NULL;
    if (missing)
        return wrong(l, "the file ends without: %s", missing);
    return stages_are_sound(l, c);
}

static enum err
read_line(struct line *l)
{
    struct bytes w = word(l);
    if (w.len == 0)
        return OK;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (bytes_are(w, words[i].word))
            return words[i].read(l);
    return wrong(l, "no such word: %.*s", (int)(w.len < 40 ? w.len : 40), (const char *)w.p);
}

enum err
cabinet_parse(struct bytes text, struct cabinet *out, char why[static CABINET_WHY_SIZE])
{
    struct cabinet c = {.all_red_ds = UINT16_MAX};
    struct line l = {.c = &c, .why = why};
    if (text.len > CABINET_BYTES_MAX || !text_is_utf8(text)) {
        l.number = 1;
        return wrong(&l, "a text of at most %d bytes is wanted", CABINET_BYTES_MAX);
    }
    while (text.len > 0) {
        size_t end = bytes_find(text, '\n');
        struct bytes whole = bytes_of(text.p, end);
        l.number++;
        l.rest = bytes_of(whole.p, bytes_find(whole, '#'));
        enum err e = read_line(&l);
        if (e != OK)
            return e;
        text = bytes_skip(text, end < text.len ? end + 1 : end);
    }
    enum err e = is_complete(&l, &c);
    if (e == OK)
        *out = c;
    return e;
}

/* ---- keys ----------------------------------------------------------------------------------- */

static bool
take_phrase(struct bytes *text, const char *before, char to[static KEYS_PHRASE_SIZE])
{
    size_t end = bytes_find(*text, '\n'), n = strlen(before);
    if (end == text->len || !bytes_start(*text, before) || end - n < KEYS_PHRASE_MIN)
        return false;
    struct bytes phrase = bytes_of(text->p + n, end - n);
    for (size_t i = 0; i < phrase.len; i++)
        if (phrase.p[i] <= ' ' || phrase.p[i] > '~')
            return false;
    *text = bytes_skip(*text, end + 1);
    return bytes_copy_text(phrase, to, KEYS_PHRASE_SIZE) == OK;
}

enum err
keys_parse(struct bytes text, struct keys *out)
{
    struct keys k = {{0}, {0}};
    if (!take_phrase(&text, "auth ", k.auth) || !take_phrase(&text, "privacy ", k.privacy) ||
        text.len != 0 || strcmp(k.auth, k.privacy) == 0)
        return ERR_MALFORMED;
    *out = k;
    return OK;
}
