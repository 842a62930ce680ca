/* parse_zone.c -- the zone block, the richest one: listeners, limits, envelope, commands. */
#include "charter/parser.h"
#include "base/text.h"
#include "charter/quantity.h"

#include <arpa/inet.h>

#define MEBIBYTE (UINT64_C(1024) * 1024)

enum {
    LEASE_MS_MAX = 24 * 3600 * 1000,
    COMMAND_RATE_MAX = 36000000, /* 10,000 a second */
    CPU_PERCENT_MAX = 6400,
    MESSAGES_MAX = 10000000,
};

static enum err
zone_service(struct parser *p, void *block)
{
    struct charter_zone *z = block;
    z->service_place = p->token.place;
    return parser_name(p, "a service", z->service);
}

static enum err
zone_tier(struct parser *p, void *block)
{
    struct charter_zone *z = block;
    z->tier_place = p->token.place;
    return parser_tier(p, &z->tier);
}

static enum err
zone_vendors(struct parser *p, void *block)
{
    struct charter_zone *z = block;
    struct name_table t = parser_vendors(p);
    z->vendors_place = p->token.place;
    return parser_references(p, &t, &z->vendors);
}

static enum err
zone_sites(struct parser *p, void *block)
{
    struct charter_zone *z = block;
    struct name_table t = parser_sites(p);
    uint64_t set = 0;
    z->sites_place = p->token.place;
    enum err e = parser_references(p, &t, &set);
    z->sites = (uint32_t)set;
    return e;
}

static enum err
zone_holds(struct parser *p, void *block)
{
    struct charter_zone *z = block;
    struct name_table t = parser_classes(p);
    z->holds_place = p->token.place;
    return parser_references(p, &t, &z->holds);
}

/* "127.0.0.1:8884" or "[::1]:8884", the host as inet_ntop() writes it. */
static enum err
read_address(struct bytes s, struct charter_listen *out)
{
    size_t colon = s.len;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == ':')
            colon = i;
    }
    uint64_t port = 0;
    if (colon == s.len || text_u64(bytes_skip(s, colon + 1), 65535, &port) != OK || port == 0)
        return ERR_MALFORMED;
    struct bytes host = bytes_of(s.p, colon);
    int family = AF_INET;
    if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
        host = bytes_of(host.p + 1, host.len - 2);
        family = AF_INET6;
    }
    char text[CHARTER_ADDRESS_SIZE];
    uint8_t binary[16];
    if (bytes_copy_text(host, text, sizeof(text)) != OK || inet_pton(family, text, binary) != 1 ||
        !inet_ntop(family, binary, out->host, sizeof(out->host)))
        return ERR_MALFORMED;
    out->port = (uint16_t)port;
    return OK;
}

static enum err
listen_one(struct parser *p, struct charter_zone *z)
{
    struct charter_place place = p->token.place;
    if (z->listen_count == CHARTER_LISTEN_MAX)
        return parser_fail(p, place, "expected at most %d listeners in a zone, found more",
                           CHARTER_LISTEN_MAX);
    bool https = parser_at_word(p, "https");
    if (parser_at_word(p, "mqtt") || parser_at_word(p, "http"))
        return parser_fail(p, place,
                           "expected 'mqtts' or 'https', found '%.*s': a plain-text listener is "
                           "never opened",
                           BYTES_PRINTF(p->token.text));
    if (!https && !parser_at_word(p, "mqtts")) {
        struct suggest s = suggest_for(p->token.text);
        if (p->token.kind == TOKEN_WORD) {
            suggest_offer(&s, "mqtts");
            suggest_offer(&s, "https");
        }
        return parser_expected(p, "'mqtts' or 'https'", &s);
    }
    enum err e = parser_next(p);
    if (e != OK)
        return e;
    struct charter_listen l = {.place = place, .https = https};
    if (p->token.kind != TOKEN_WORD || read_address(p->token.text, &l) != OK)
        return parser_expected(p, "an address such as 127.0.0.1:8884 or [::1]:8884", NULL);
    z->listen[z->listen_count++] = l;
    return parser_next(p);
}

static enum err
zone_listen(struct parser *p, void *block)
{
    enum err e;
    do {
        e = listen_one(p, block);
    } while (e == OK && parser_at_element(p));
    return e;
}

static enum err
limit_bytes(struct parser *p, uint64_t low, uint64_t *out)
{
    uint64_t v = 0;
    if (p->token.kind != TOKEN_WORD || quantity_bytes(p->token.text, &v) != OK || v < low)
        return parser_expected(p, "a size such as 256MiB (at least 16MiB; KiB, MiB, GiB, TiB)",
                               NULL);
    *out = v;
    return parser_next(p);
}

static enum err
limit_cpu(struct parser *p, struct charter_zone *z)
{
    enum word_unit unit = UNIT_NONE;
    int64_t v = 0;
    if (p->token.kind != TOKEN_WORD || quantity_read(p->token.text, &unit, &v) != OK ||
        unit != UNIT_CENTI_PERCENT || v % 100 != 0 || v < 100 || v > CPU_PERCENT_MAX * 100)
        return parser_expected(p, "whole percent of one processor such as 50%", NULL);
    z->cpu_percent = (uint32_t)(v / 100);
    return parser_next(p);
}

static enum err
limit_messages(struct parser *p, struct charter_zone *z)
{
    uint64_t per_hour = 0;
    if (p->token.kind != TOKEN_WORD ||
        quantity_rate_per_hour(p->token.text, (uint64_t)MESSAGES_MAX * 3600, &per_hour) != OK ||
        per_hour % 3600 != 0 || per_hour == 0)
        return parser_expected(p, "messages a second such as 20000/s", NULL);
    z->messages_per_s = (uint32_t)(per_hour / 3600);
    return parser_next(p);
}

static enum err
zone_limits(struct parser *p, void *block)
{
    static const char *const names[] = {"memory", "cpu", "messages", "disk"};
    struct charter_zone *z = block;
    uint32_t seen = 0;
    do {
        struct suggest s = suggest_for(p->token.text);
        size_t i = 0;
        while (i < ARRAY_COUNT(names) && !parser_at_word(p, names[i])) {
            if (p->token.kind == TOKEN_WORD)
                suggest_offer(&s, names[i]);
            i++;
        }
        if (i == ARRAY_COUNT(names))
            return parser_expected(p, "a limit (memory, cpu, messages or disk)", &s);
        if (seen >> i & 1)
            return parser_fail(p, p->token.place, "expected the limit '%s' once, found it again",
                               names[i]);
        seen |= 1u << i;
        enum err e = parser_next(p);
        if (e != OK)
            return e;
        const uint64_t smallest = 16 * 1024 * 1024;
        e = i == 0   ? limit_bytes(p, smallest, &z->memory_bytes)
            : i == 1 ? limit_cpu(p, z)
            : i == 2 ? limit_messages(p, z)
                     : limit_bytes(p, smallest, &z->disk_bytes);
        if (e != OK)
            return e;
    } while (parser_at_element(p));
    return OK;
}

static enum err
zone_envelope(struct parser *p, void *block)
{
    struct charter_zone *z = block;
    do {
        struct charter_envelope q = {.place = p->token.place};
        enum err e = parser_name(p, "a word of the envelope", q.name);
        if (e != OK)
            return e;
        for (uint32_t i = 0; i < z->envelope_count; i++) {
            if (strcmp(z->envelope[i].name, q.name) == 0)
                return parser_fail(p, q.place, "expected '%s' once in the envelope, found it again",
                                   q.name);
        }
        if (z->envelope_count == CHARTER_ENVELOPE_MAX)
            return parser_fail(p, q.place, "expected at most %d words in an envelope, found more",
                               CHARTER_ENVELOPE_MAX);
        if (p->token.kind != TOKEN_WORD || quantity_read(p->token.text, &q.unit, &q.value) != OK)
            return parser_expected(p, "a quantity such as 5s, 7kW, 20% or 3", NULL);
        z->envelope[z->envelope_count++] = q;
        e = parser_next(p);
        if (e != OK)
            return e;
    } while (parser_at_element(p));
    return OK;
}

/* "lease", "rate" and "people" behind a command's name, in any order, each at most once. */
static enum err
command_details(struct parser *p, struct charter_command *c)
{
    static const char *const names[] = {"lease", "rate", "people"};
    uint32_t seen = 0;
    for (;;) {
        size_t i = 0;
        while (i < ARRAY_COUNT(names) && !parser_at_word(p, names[i]))
            i++;
        if (i == ARRAY_COUNT(names))
            return OK;
        if (seen >> i & 1)
            return parser_fail(p, p->token.place, "expected '%s' once in a command, found it again",
                               names[i]);
        seen |= 1u << i;
        enum err e = parser_next(p);
        if (e != OK)
            return e;
        uint64_t v = 0;
        e = i == 0   ? parser_duration_ms(p, 1, LEASE_MS_MAX, &v)
            : i == 1 ? parser_rate(p, COMMAND_RATE_MAX, &v)
                     : parser_integer(p, 1, CHARTER_SIGNERS_MAX, &v);
        if (e != OK)
            return e;
        *(i == 0 ? &c->lease_ms : i == 1 ? &c->rate_per_hour : &c->people) = (uint32_t)v;
        if (i == 1 && v == 0)
            return parser_fail(p, c->place, "expected a rate above 0 for the command '%s'",
                               c->name);
    }
}

static enum err
zone_command(struct parser *p, void *block)
{
    struct charter_zone *z = block;
    struct charter_command c = {.place = p->token.place};
    enum err e = parser_name(p, "a command", c.name);
    if (e != OK)
        return e;
    for (uint32_t i = 0; i < z->commands_count; i++) {
        if (strcmp(z->commands[i].name, c.name) == 0)
            return parser_fail(p, c.place,
                               "expected the command '%s' once in a zone, found it "
                               "again",
                               c.name);
    }
    if (z->commands_count == CHARTER_COMMANDS_MAX)
        return parser_fail(p, c.place, "expected at most %d commands in a zone, found more",
                           CHARTER_COMMANDS_MAX);
    e = command_details(p, &c);
    if (e != OK)
        return e;
    z->commands[z->commands_count++] = c;
    if (parser_at_element(p))
        return parser_expected(p, "'lease', 'rate', 'people' or the next statement", NULL);
    return OK;
}

const struct statement parser_zone_statements[PARSER_ZONE_STATEMENTS] = {
    {"service", zone_service, true, false},  {"tier", zone_tier, true, false},
    {"vendors", zone_vendors, false, false}, {"sites", zone_sites, false, false},
    {"holds", zone_holds, false, false},     {"listen", zone_listen, false, true},
    {"limits", zone_limits, false, false},   {"envelope", zone_envelope, false, true},
    {"command", zone_command, false, true},  {"topics", parse_topics, false, true},
};

enum err
parse_zone(struct parser *p)
{
    struct charter_place place;
    enum err e = BLOCK_NAME(p, "a zone", zones, CHARTER_ZONES_MAX, &place);
    if (e != OK)
        return e;
    struct charter_zone *z = &p->c->zones[p->zones - 1];
    z->place = place;
    z->memory_bytes = 256 * MEBIBYTE;
    z->cpu_percent = 100;
    z->messages_per_s = 20000;
    z->disk_bytes = 4096 * MEBIBYTE;
    return parser_block(p, &parser_blocks[BLOCK_ZONE], z->name, place, z);
}
