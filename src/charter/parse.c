/* parse.c -- charter_parse(): the blocks but for zones, and the two passes over them. */
#include "charter/parser.h"
#include "base/text.h"

#define KEEP_MS_MAX (UINT64_C(100) * 366 * 86400 * 1000)

/* --- city --- */

static enum err
city_number(struct parser *p, void *block)
{
    struct charter *c = block;
    return parser_integer(p, 1, INT64_MAX, &c->number);
}

static bool
is_origin(struct bytes s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t k = s.p[i];
        bool plain = (k >= 'a' && k <= 'z') || (k >= '0' && k <= '9');
        bool inner = (k == '.' || k == '-' || k == '/') && i > 0 && i + 1 < s.len;
        if (!plain && !(inner && s.p[i - 1] != '.' && s.p[i - 1] != '/'))
            return false;
    }
    return s.len > 0;
}

static enum err
city_origin(struct parser *p, void *block)
{
    struct charter *c = block;
    if (p->token.kind != TOKEN_WORD || parser_is_reserved(p->token.text) ||
        !is_origin(p->token.text) ||
        bytes_copy_text(p->token.text, c->origin, sizeof(c->origin)) != OK)
        return parser_expected(p, "a host name such as rivermouth.example", NULL);
    return parser_next(p);
}

static enum err
city_sites(struct parser *p, void *block)
{
    struct charter *c = block;
    return parser_new_names(p, "a site", c->sites, CHARTER_SITES_MAX, &c->sites_count);
}

static enum err
city_signers(struct parser *p, void *block)
{
    struct charter *c = block;
    return parser_new_names(p, "a signer", c->signers, CHARTER_SIGNERS_MAX, &c->signers_count);
}

static enum err
city_need(struct parser *p, void *block)
{
    struct charter *c = block;
    uint64_t need = 0;
    c->need_place = p->token.place;
    enum err e = parser_integer(p, 1, CHARTER_SIGNERS_MAX, &need);
    c->need = (uint32_t)need;
    return e;
}

static const struct statement city_statements[] = {
    {"number", city_number, false, false}, {"origin", city_origin, false, false},
    {"sites", city_sites, true, false},    {"signers", city_signers, true, false},
    {"need", city_need, true, false},
};

/* "Rivermouth" -> "rivermouth.example": letters and digits, other runs as one dash. */
static void
derive_origin(struct charter *c)
{
    size_t n = 0, room = sizeof(c->origin) - sizeof(".example");
    for (size_t i = 0; c->city[i] && n < room; i++) {
        char k = c->city[i];
        if (k >= 'A' && k <= 'Z')
            k = (char)(k - 'A' + 'a');
        bool plain = (k >= 'a' && k <= 'z') || (k >= '0' && k <= '9');
        if (plain)
            c->origin[n++] = k;
        else if (n > 0 && c->origin[n - 1] != '-')
            c->origin[n++] = '-';
    }
    while (n > 0 && c->origin[n - 1] == '-')
        n--;
    if (n == 0)
        n = (size_t)snprintf(c->origin, sizeof(c->origin), "city");
    memcpy(c->origin + n, ".example", sizeof(".example"));
}

static enum err
parse_city(struct parser *p)
{
    struct charter *c = p->c;
    struct charter_place word = p->token.place;
    enum err e = parser_next(p);
    if (e != OK)
        return e;
    if (p->city_seen)
        return parser_fail(p, word, "expected one city in a charter, found a second one");
    p->city_seen = true;
    c->city_place = p->token.place;
    c->number = 1;
    c->origin[0] = 0;
    e = parser_string(p, "the city's name in quotes", c->city);
    if (e != OK)
        return e;
    e = parser_block(p, &parser_blocks[BLOCK_CITY], c->city, c->city_place, c);
    if (e != OK)
        return e;
    if (c->need > c->signers_count)
        return parser_fail(p, c->need_place,
                           "expected to need at most the %u signers named, found %u",
                           c->signers_count, c->need);
    if (!c->origin[0])
        derive_origin(c);
    return OK;
}

/* --- blocks with a name --- */

static enum err
parse_purpose(struct parser *p)
{
    struct charter_place place;
    enum err e = BLOCK_NAME(p, "a purpose", purposes, CHARTER_PURPOSES_MAX, &place);
    if (e != OK)
        return e;
    struct charter_purpose *purpose = &p->c->purposes[p->purposes - 1];
    purpose->place = place;
    return parser_string(p, "what the purpose means, in quotes", purpose->text);
}

static enum err
class_personal(struct parser *p, void *block)
{
    return parser_yes_no(p, &((struct charter_class *)block)->personal);
}

static enum err
class_biometric(struct parser *p, void *block)
{
    struct charter_class *c = block;
    c->biometric_place = p->token.place;
    return parser_yes_no(p, &c->biometric);
}

static enum err
class_sites(struct parser *p, void *block)
{
    struct charter_class *c = block;
    struct name_table t = parser_sites(p);
    uint64_t set = 0;
    enum err e = parser_references(p, &t, &set);
    c->sites = (uint32_t)set;
    return e;
}

static enum err
class_keep(struct parser *p, void *block)
{
    struct charter_class *c = block;
    struct charter_place place = p->token.place;
    uint64_t ms = 0;
    enum err e = parser_duration_ms(p, 1000, KEEP_MS_MAX, &ms);
    if (e != OK)
        return e;
    if (ms % 1000 != 0)
        return parser_fail(p, place, "expected whole seconds in 'keep', found a part of one");
    c->keep_s = ms / 1000;
    return OK;
}

static enum err
class_purposes(struct parser *p, void *block)
{
    struct name_table t = parser_purposes(p);
    return parser_references(p, &t, &((struct charter_class *)block)->purposes);
}

static const struct statement class_statements[] = {
    {"personal", class_personal, true, false},    {"sites", class_sites, true, false},
    {"keep", class_keep, false, false},           {"purposes", class_purposes, false, false},
    {"biometric", class_biometric, false, false},
};

static enum err
parse_class(struct parser *p)
{
    struct charter_place place;
    enum err e = BLOCK_NAME(p, "a class", classes, CHARTER_CLASSES_MAX, &place);
    if (e != OK)
        return e;
    struct charter_class *c = &p->c->classes[p->classes - 1];
    c->place = place;
    return parser_block(p, &parser_blocks[BLOCK_CLASS], c->name, place, c);
}

static enum err
one_country(struct parser *p, char out[3])
{
    char list[CHARTER_COUNTRIES_MAX][3];
    uint32_t count = 0;
    struct charter_place place = p->token.place;
    enum err e = parser_countries(p, list, &count);
    if (e != OK)
        return e;
    if (count != 1)
        return parser_fail(p, place, "expected one country, found %u", count);
    memcpy(out, list[0], 3);
    return OK;
}

static enum err
vendor_seat(struct parser *p, void *block)
{
    return one_country(p, ((struct charter_vendor *)block)->seat);
}

static enum err
vendor_owner(struct parser *p, void *block)
{
    return one_country(p, ((struct charter_vendor *)block)->owner);
}

static enum err
vendor_support(struct parser *p, void *block)
{
    struct charter_vendor *v = block;
    return parser_countries(p, v->support, &v->support_count);
}

static enum err
vendor_state_linked(struct parser *p, void *block)
{
    return parser_yes_no(p, &((struct charter_vendor *)block)->state_linked);
}

static enum err
vendor_firmware(struct parser *p, void *block)
{
    return parser_yes_no(p, &((struct charter_vendor *)block)->firmware_signed);
}

static const struct statement vendor_statements[] = {
    {"seat", vendor_seat, true, false},
    {"owner", vendor_owner, true, false},
    {"state-linked", vendor_state_linked, true, false},
    {"support", vendor_support, true, false},
    {"firmware-signed", vendor_firmware, false, false},
};

static enum err
parse_vendor(struct parser *p)
{
    struct charter_place place;
    enum err e = BLOCK_NAME(p, "a vendor", vendors, CHARTER_VENDORS_MAX, &place);
    if (e != OK)
        return e;
    struct charter_vendor *v = &p->c->vendors[p->vendors - 1];
    v->place = place;
    return parser_block(p, &parser_blocks[BLOCK_VENDOR], v->name, place, v);
}

#define STATEMENTS(list) list, ARRAY_COUNT(list)
const struct block_kind parser_blocks[BLOCK_COUNT] = {
    [BLOCK_CITY] = {"city", STATEMENTS(city_statements)},
    [BLOCK_PURPOSE] = {"purpose", NULL, 0},
    [BLOCK_CLASS] = {"class", STATEMENTS(class_statements)},
    [BLOCK_VENDOR] = {"vendor", STATEMENTS(vendor_statements)},
    [BLOCK_RULE] = {"rule", parser_rule_statements, PARSER_RULE_STATEMENTS},
    [BLOCK_CALLER] = {"caller", parser_caller_statements, PARSER_CALLER_STATEMENTS},
    [BLOCK_ZONE] = {"zone", parser_zone_statements, PARSER_ZONE_STATEMENTS},
    [BLOCK_CONDUIT] = {"conduit", parser_conduit_statements, PARSER_CONDUIT_STATEMENTS},
    [BLOCK_NEVER] = {"never", parser_never_statements, PARSER_NEVER_STATEMENTS},
};

/* --- two passes --- */

static enum block_id
block_at(const struct parser *p)
{
    for (size_t i = 0; i < BLOCK_COUNT; i++) {
        if (parser_at_word(p, parser_blocks[i].word))
            return (enum block_id)i;
    }
    return BLOCK_COUNT;
}

/* Over a name or string and all that belongs to the block, unread. */
static enum err
skip_block(struct parser *p, bool braces)
{
    enum err e = OK;
    if (!braces)
        return parser_string(p, "a string", (char[CHARTER_TEXT_SIZE]){0});
    if (p->token.kind != TOKEN_OPEN)
        return ERR_MALFORMED;
    do {
        e = parser_next(p);
    } while (e == OK && (p->token.kind == TOKEN_WORD || p->token.kind == TOKEN_STRING));
    if (e != OK || p->token.kind != TOKEN_CLOSE)
        return ERR_MALFORMED;
    return parser_next(p);
}

/* The names that others may refer to; only the city is read whole. */
static enum err
collect_one(struct parser *p, enum block_id id)
{
    struct charter *c = p->c;
    struct {
        char *names;
        size_t stride;
        uint32_t max, *count;
    } lists[BLOCK_COUNT] = {
        [BLOCK_PURPOSE] = {c->purposes[0].name, sizeof(c->purposes[0]), CHARTER_PURPOSES_MAX,
                           &c->purposes_count},
        [BLOCK_CLASS] = {c->classes[0].name, sizeof(c->classes[0]), CHARTER_CLASSES_MAX,
                         &c->classes_count},
        [BLOCK_VENDOR] = {c->vendors[0].name, sizeof(c->vendors[0]), CHARTER_VENDORS_MAX,
                          &c->vendors_count},
        [BLOCK_ZONE] = {c->zones[0].name, sizeof(c->zones[0]), CHARTER_ZONES_MAX, &c->zones_count},
    };
    if (id == BLOCK_CITY)
        return parse_city(p);
    enum err e = parser_next(p);
    if (e != OK)
        return e;
    if (!lists[id].names) {
        if (p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_STRING)
            return ERR_MALFORMED;
        e = parser_next(p);
        return e != OK ? e : skip_block(p, true);
    }
    char name[CHARTER_NAME_SIZE] = {0};
    e = parser_name(p, "a name", name);
    if (e != OK)
        return e;
    if (*lists[id].count == lists[id].max)
        return ERR_LIMIT;
    memcpy(lists[id].names + lists[id].stride * (*lists[id].count)++, name, sizeof(name));
    return skip_block(p, id != BLOCK_PURPOSE);
}

static enum err
collect(struct parser *p)
{
    enum err e = parser_next(p);
    while (e == OK && p->token.kind != TOKEN_END) {
        enum block_id id = block_at(p);
        e = id == BLOCK_COUNT ? ERR_MALFORMED : collect_one(p, id);
    }
    return e;
}

static enum err
parse_one(struct parser *p)
{
    static enum err (*const parsers[BLOCK_COUNT])(struct parser *) = {
        [BLOCK_CITY] = parse_city,   [BLOCK_PURPOSE] = parse_purpose,
        [BLOCK_CLASS] = parse_class, [BLOCK_VENDOR] = parse_vendor,
        [BLOCK_RULE] = parse_rule,   [BLOCK_CALLER] = parse_caller,
        [BLOCK_ZONE] = parse_zone,   [BLOCK_CONDUIT] = parse_conduit,
        [BLOCK_NEVER] = parse_never,
    };
    enum block_id id = block_at(p);
    if (id != BLOCK_COUNT)
        return parsers[id](p);
    struct suggest s = suggest_for(p->token.text);
    for (size_t i = 0; i < BLOCK_COUNT && p->token.kind == TOKEN_WORD; i++)
        suggest_offer(&s, parser_blocks[i].word);
    return parser_expected(p,
                           "a block (city, purpose, class, vendor, rule, caller, zone, conduit "
                           "or never)",
                           &s);
}

enum err
charter_parse(struct bytes text, struct charter *out, struct charter_findings *out_findings)
{
    struct parser p = {.c = out, .findings = out_findings};
    memset(out, 0, sizeof(*out));
    memset(out_findings, 0, sizeof(*out_findings));
    if (text.len > CHARTER_BYTES_MAX) {
        charter_add_finding(out_findings, (struct charter_place){1, 1},
                            "expected at most %d bytes, found %zu", CHARTER_BYTES_MAX, text.len);
        return ERR_LIMIT;
    }
    lexer_init(&p.lexer, text);
    p.names_incomplete = collect(&p) != OK;
    struct charter_findings *f = out_findings;
    f->count = 0;

    p.city_seen = false;
    lexer_init(&p.lexer, text);
    enum err e = parser_next(&p);
    while (e == OK && p.token.kind != TOKEN_END)
        e = parse_one(&p);
    if (e == OK && !p.city_seen)
        e = parser_fail(&p, p.token.place, "expected a city block, found the end of the file");
    if (e != OK)
        return e;
    /* What stops the first pass stops the second; so every name is known here. */
    ASSERT(!p.names_incomplete && f->count == 0);
    ASSERT(p.zones == out->zones_count && p.purposes == out->purposes_count);
    out->callers_count = p.callers;
    out->conduits_count = p.conduits;
    return OK;
}
