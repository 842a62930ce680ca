#include "charter/parser.h"
#include "base/text.h"
#include "charter/quantity.h"

#include <stdarg.h>

enum { STATEMENTS_MAX = 16, DESCRIPTION_SIZE = 80 };

static const char *const tier_names[TIER_COUNT] = {"ordinary", "important", "critical",
                                                   "protected"};

const char *
charter_tier_text(enum charter_tier t)
{
    ASSERT(t < TIER_COUNT);
    return tier_names[t];
}

enum err
parser_fail(struct parser *p, struct charter_place place, const char *format, ...)
{
    struct charter_finding *f = &p->findings->list[0];
    va_list ap;
    va_start(ap, format);
    vsnprintf(f->text, sizeof(f->text), format, ap);
    va_end(ap);
    f->place = place;
    p->findings->count = 1;
    return ERR_MALFORMED;
}

enum err
parser_expected(struct parser *p, const char *what, const struct suggest *s)
{
    char found[DESCRIPTION_SIZE];
    token_describe(&p->token, found, sizeof(found));
    if (s && s->best)
        return parser_fail(p, p->token.place, "expected %s, found %s; did you mean '%s'?", what,
                           found, s->best);
    return parser_fail(p, p->token.place, "expected %s, found %s", what, found);
}

enum err
parser_next(struct parser *p)
{
    struct charter_finding f;
    enum err e = lexer_next(&p->lexer, &p->token, &f);
    if (e != OK)
        return parser_fail(p, f.place, "%s", f.text);
    return OK;
}

bool
parser_at_word(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_WORD && bytes_are(p->token.text, word);
}

/* Words inside statements that the tables of blocks do not show. */
static const char *const inner_words[] = {"lease", "rate", "people", "forbid", "require"};

bool
parser_is_reserved(struct bytes word)
{
    for (size_t i = 0; i < ARRAY_COUNT(inner_words); i++) {
        if (bytes_are(word, inner_words[i]))
            return true;
    }
    for (size_t i = 0; i < BLOCK_COUNT; i++) {
        const struct block_kind *kind = &parser_blocks[i];
        if (bytes_are(word, kind->word))
            return true;
        for (size_t k = 0; k < kind->count; k++) {
            if (bytes_are(word, kind->statements[k].word))
                return true;
        }
    }
    return false;
}

bool
parser_at_element(const struct parser *p)
{
    return p->token.kind == TOKEN_WORD && !parser_is_reserved(p->token.text);
}

enum err
parser_name(struct parser *p, const char *what, char *out)
{
    if (p->token.kind != TOKEN_WORD)
        return parser_expected(p, what, NULL);
    if (parser_is_reserved(p->token.text))
        return parser_fail(p, p->token.place,
                           "expected %s, found '%.*s', which is a word of the language", what,
                           BYTES_PRINTF(p->token.text));
    if (!text_is_name(p->token.text)) {
        char found[DESCRIPTION_SIZE];
        token_describe(&p->token, found, sizeof(found));
        return parser_fail(p, p->token.place,
                           "expected %s (1 to %d of a-z, 0-9 and single '-', a letter first), "
                           "found %s",
                           what, TEXT_NAME_MAX, found);
    }
    enum err e = bytes_copy_text(p->token.text, out, CHARTER_NAME_SIZE);
    ASSERT(e == OK); /* text_is_name() bounds it */
    return parser_next(p);
}

enum err
parser_string(struct parser *p, const char *what, char *out)
{
    if (p->token.kind != TOKEN_STRING)
        return parser_expected(p, what, NULL);
    if (p->token.text.len == 0)
        return parser_fail(p, p->token.place, "expected %s, found an empty string", what);
    if (bytes_copy_text(p->token.text, out, CHARTER_TEXT_SIZE) != OK)
        return parser_fail(p, p->token.place, "expected %s of at most %d bytes, found %zu", what,
                           CHARTER_TEXT_SIZE - 1, p->token.text.len);
    return parser_next(p);
}

enum err
parser_yes_no(struct parser *p, bool *out)
{
    bool yes = parser_at_word(p, "yes");
    if (!yes && !parser_at_word(p, "no"))
        return parser_expected(p, "'yes' or 'no'", NULL);
    *out = yes;
    return parser_next(p);
}

enum err
parser_integer(struct parser *p, uint64_t low, uint64_t high, uint64_t *out)
{
    uint64_t v = 0;
    if (p->token.kind != TOKEN_WORD || text_u64(p->token.text, high, &v) != OK || v < low) {
        char what[80];
        snprintf(what, sizeof(what), "a whole number from %llu to %llu", (unsigned long long)low,
                 (unsigned long long)high);
        return parser_expected(p, what, NULL);
    }
    *out = v;
    return parser_next(p);
}

enum err
parser_duration_ms(struct parser *p, uint64_t low, uint64_t high, uint64_t *out)
{
    uint64_t v = 0;
    enum err e =
        p->token.kind == TOKEN_WORD ? quantity_duration_ms(p->token.text, high, &v) : ERR_MALFORMED;
    if (e == ERR_MALFORMED)
        return parser_expected(p, "a duration such as 24h (units ms, s, min, h, d)", NULL);
    if (e != OK || v < low) {
        struct buf what;
        buf_init(&what, 128);
        buf_text(&what, "a duration from ");
        quantity_put_duration(&what, low);
        buf_text(&what, " to ");
        quantity_put_duration(&what, high);
        e = parser_expected(p, buf_string(&what), NULL);
        buf_fini(&what);
        return e;
    }
    *out = v;
    return parser_next(p);
}

enum err
parser_rate(struct parser *p, uint64_t max_per_hour, uint64_t *out)
{
    uint64_t v = 0;
    enum err e = p->token.kind == TOKEN_WORD
                     ? quantity_rate_per_hour(p->token.text, max_per_hour, &v)
                     : ERR_MALFORMED;
    if (e == ERR_LIMIT) {
        char what[80];
        snprintf(what, sizeof(what), "a rate of at most %llu/h", (unsigned long long)max_per_hour);
        return parser_expected(p, what, NULL);
    }
    if (e != OK)
        return parser_expected(p, "a rate such as 2/s, 10/min or 60/h", NULL);
    *out = v;
    return parser_next(p);
}

enum err
parser_tier(struct parser *p, enum charter_tier *out)
{
    struct suggest s = suggest_for(p->token.text);
    for (size_t i = 0; i < TIER_COUNT && p->token.kind == TOKEN_WORD; i++) {
        if (bytes_are(p->token.text, tier_names[i])) {
            *out = (enum charter_tier)i;
            return parser_next(p);
        }
        suggest_offer(&s, tier_names[i]);
    }
    return parser_expected(p, "a tier (ordinary, important, critical or protected)", &s);
}

enum err
parser_reference(struct parser *p, const struct name_table *t, uint32_t *out)
{
    char name[CHARTER_NAME_SIZE];
    struct token at = p->token;
    enum err e = parser_name(p, t->what, name);
    if (e != OK)
        return e;
    struct suggest s = suggest_for(at.text);
    for (uint32_t i = 0; i < t->count; i++) {
        const char *known = t->names + t->stride * i;
        if (strcmp(known, name) == 0) {
            *out = i;
            return OK;
        }
        suggest_offer(&s, known);
    }
    *out = 0;
    if (p->names_incomplete)
        return OK; /* the parse fails further on, for the reason that hides the rest */
    p->token = at;
    char what[80];
    snprintf(what, sizeof(what), "%s of this charter", t->what);
    return parser_expected(p, what, &s);
}

enum err
parser_references(struct parser *p, const struct name_table *t, uint64_t *out)
{
    uint64_t set = 0;
    do {
        struct token at = p->token;
        uint32_t index = 0;
        enum err e = parser_reference(p, t, &index);
        if (e != OK)
            return e;
        ASSERT(index < 64);
        if ((set >> index & 1) && !p->names_incomplete)
            return parser_fail(p, at.place, "expected each name once, found '%.*s' again",
                               BYTES_PRINTF(at.text));
        set |= (uint64_t)1 << index;
    } while (parser_at_element(p));
    *out = set;
    return OK;
}

enum err
parser_countries(struct parser *p, char (*out)[3], uint32_t *out_count)
{
    uint32_t n = 0;
    do {
        struct bytes s = p->token.text;
        if (p->token.kind != TOKEN_WORD || s.len != 2 || s.p[0] < 'A' || s.p[0] > 'Z' ||
            s.p[1] < 'A' || s.p[1] > 'Z')
            return parser_expected(p, "a country of two capital letters such as CA", NULL);
        if (n == CHARTER_COUNTRIES_MAX)
            return parser_fail(p, p->token.place, "expected at most %d countries, found more",
                               CHARTER_COUNTRIES_MAX);
        for (uint32_t i = 0; i < n; i++) {
            if (memcmp(out[i], s.p, 2) == 0)
                return parser_fail(p, p->token.place,
                                   "expected each country once, found '%s' again", out[i]);
        }
        memcpy(out[n], s.p, 2);
        out[n++][2] = 0;
        enum err e = parser_next(p);
        if (e != OK)
            return e;
    } while (parser_at_element(p));
    *out_count = n;
    return OK;
}

struct name_table
parser_sites(const struct parser *p)
{
    return (struct name_table){"a site", p->c->sites[0], sizeof(p->c->sites[0]), p->c->sites_count};
}

#define TABLE(function, what, list)                                                                \
    struct name_table function(const struct parser *p)                                             \
    {                                                                                              \
        return (struct name_table){what, p->c->list[0].name, sizeof(p->c->list[0]),                \
                                   p->c->list##_count};                                            \
    }
TABLE(parser_vendors, "a vendor", vendors)
TABLE(parser_classes, "a class", classes)
TABLE(parser_purposes, "a purpose", purposes)
TABLE(parser_zones, "a zone", zones)

/* "a statement of zone (service, tier, ...) or '}'" */
static enum err
expected_statement(struct parser *p, const struct block_kind *kind)
{
    struct suggest s = suggest_for(p->token.text);
    struct buf what;
    buf_init(&what, 256);
    buf_format(&what, "a statement of %s (", kind->word);
    for (size_t i = 0; i < kind->count; i++) {
        buf_format(&what, "%s%s", i ? ", " : "", kind->statements[i].word);
        if (p->token.kind == TOKEN_WORD)
            suggest_offer(&s, kind->statements[i].word);
    }
    buf_text(&what, ") or '}'");
    enum err e = parser_expected(p, buf_string(&what), &s);
    buf_fini(&what);
    return e;
}

static enum err
run_statement(struct parser *p, const struct block_kind *kind, uint32_t *seen, void *block)
{
    for (size_t i = 0; i < kind->count; i++) {
        const struct statement *s = &kind->statements[i];
        if (!parser_at_word(p, s->word))
            continue;
        if ((*seen >> i & 1) && !s->repeats)
            return parser_fail(p, p->token.place, "expected '%s' once in a %s, found it again",
                               s->word, kind->word);
        *seen |= (uint32_t)1 << i;
        enum err e = parser_next(p);
        return e != OK ? e : s->parse(p, block);
    }
    return expected_statement(p, kind);
}

enum err
parser_block(struct parser *p, const struct block_kind *kind, const char *name,
             struct charter_place place, void *block)
{
    ASSERT(kind->count <= STATEMENTS_MAX);
    if (p->token.kind != TOKEN_OPEN)
        return parser_expected(p, "'{'", NULL);
    enum err e = parser_next(p);
    uint32_t seen = 0;
    while (e == OK && p->token.kind != TOKEN_CLOSE)
        e = run_statement(p, kind, &seen, block);
    if (e != OK)
        return e;
    for (size_t i = 0; i < kind->count; i++) {
        if (kind->statements[i].required && !(seen >> i & 1))
            return parser_fail(p, place, "expected '%s' in the %s '%s', found none",
                               kind->statements[i].word, kind->word, name);
    }
    return parser_next(p);
}

enum err
parser_block_name(struct parser *p, const char *what, char *names, size_t stride, uint32_t max,
                  uint32_t *index, struct charter_place *out_place)
{
    enum err e = parser_next(p);
    if (e != OK)
        return e;
    struct charter_place place = p->token.place;
    char name[CHARTER_NAME_SIZE] = {0};
    e = parser_name(p, what, name);
    if (e != OK)
        return e;
    if (*index == max)
        return parser_fail(p, place, "expected at most %u of these blocks, found more", max);
    for (uint32_t i = 0; i < *index; i++) {
        if (strcmp(names + stride * i, name) == 0)
            return parser_fail(p, place, "expected a name that is not taken, found '%s' again",
                               name);
    }
    memcpy(names + stride * *index, name, sizeof(name));
    *out_place = place;
    (*index)++;
    return OK;
}

enum err
parser_new_names(struct parser *p, const char *what, char (*out)[CHARTER_NAME_SIZE], uint32_t max,
                 uint32_t *out_count)
{
    uint32_t n = 0;
    do {
        struct charter_place place = p->token.place;
        char name[CHARTER_NAME_SIZE] = {0};
        enum err e = parser_name(p, what, name);
        if (e != OK)
            return e;
        if (n == max)
            return parser_fail(p, place, "expected at most %u names here, found more", max);
        for (uint32_t i = 0; i < n; i++) {
            if (strcmp(out[i], name) == 0)
                return parser_fail(p, place, "expected each name once, found '%s' again", name);
        }
        memcpy(out[n++], name, sizeof(name));
    } while (parser_at_element(p));
    *out_count = n;
    return OK;
}
