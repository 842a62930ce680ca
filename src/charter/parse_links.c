/* parse_links.c -- the blocks that tie others together: rules, callers, conduits, never. */
#include "charter/parser.h"

enum { CONDUIT_RATE_MAX = 36000000 }; /* 10,000 a second */

static enum err
rule_forbid(struct parser *p, void *block)
{
    struct charter_rule *r = block;
    if (!parser_at_word(p, "state-linked"))
        return parser_expected(p, "'state-linked'", NULL);
    r->forbid_state_linked = true;
    return parser_next(p);
}

static enum err
rule_require(struct parser *p, void *block)
{
    struct charter_rule *r = block;
    if (!parser_at_word(p, "firmware-signed"))
        return parser_expected(p, "'firmware-signed'", NULL);
    r->require_firmware_signed = true;
    return parser_next(p);
}

static enum err
rule_seats(struct parser *p, void *block)
{
    struct charter_rule *r = block;
    return parser_countries(p, r->seats, &r->seats_count);
}

static enum err
rule_support(struct parser *p, void *block)
{
    struct charter_rule *r = block;
    return parser_countries(p, r->support, &r->support_count);
}

const struct statement parser_rule_statements[PARSER_RULE_STATEMENTS] = {
    {"forbid", rule_forbid, false, false},
    {"require", rule_require, false, false},
    {"seats", rule_seats, false, false},
    {"support", rule_support, false, false},
};

enum err
parse_rule(struct parser *p)
{
    enum err e = parser_next(p);
    if (e != OK)
        return e;
    struct charter_place place = p->token.place;
    enum charter_tier tier = TIER_ORDINARY;
    e = parser_tier(p, &tier);
    if (e != OK)
        return e;
    struct charter_rule *r = &p->c->rules[tier];
    if (r->given)
        return parser_fail(p, place, "expected one rule for the tier '%s', found a second one",
                           charter_tier_text(tier));
    r->given = true;
    r->place = place;
    return parser_block(p, &parser_blocks[BLOCK_RULE], charter_tier_text(tier), place, r);
}

static enum err
caller_role(struct parser *p, void *block)
{
    return parser_name(p, "a role", ((struct charter_caller *)block)->role);
}

static enum err
caller_zones(struct parser *p, void *block)
{
    struct name_table t = parser_zones(p);
    uint64_t set = 0;
    enum err e = parser_references(p, &t, &set);
    ((struct charter_caller *)block)->zones = (uint32_t)set;
    return e;
}

static enum err
caller_purposes(struct parser *p, void *block)
{
    struct name_table t = parser_purposes(p);
    return parser_references(p, &t, &((struct charter_caller *)block)->purposes);
}

static enum err
caller_writes(struct parser *p, void *block)
{
    struct name_table t = parser_classes(p);
    struct charter_caller *c = block;
    c->writes_place = p->token.place;
    return parser_references(p, &t, &c->writes);
}

const struct statement parser_caller_statements[PARSER_CALLER_STATEMENTS] = {
    {"role", caller_role, true, false},
    {"zones", caller_zones, true, false},
    {"purposes", caller_purposes, true, false},
    {"writes", caller_writes, false, false},
};

enum err
parse_caller(struct parser *p)
{
    struct charter_place place;
    enum err e = BLOCK_NAME(p, "a caller", callers, CHARTER_CALLERS_MAX, &place);
    if (e != OK)
        return e;
    struct charter_caller *c = &p->c->callers[p->callers - 1];
    c->place = place;
    return parser_block(p, &parser_blocks[BLOCK_CALLER], c->name, place, c);
}

static enum err
conduit_from(struct parser *p, void *block)
{
    struct name_table t = parser_zones(p);
    return parser_reference(p, &t, &((struct charter_conduit *)block)->from);
}

static enum err
conduit_to(struct parser *p, void *block)
{
    struct name_table t = parser_zones(p);
    return parser_reference(p, &t, &((struct charter_conduit *)block)->to);
}

static enum err
conduit_carries(struct parser *p, void *block)
{
    struct charter_conduit *c = block;
    struct parser at_names = *p; /* the same tokens once more, for their places */
    enum err e =
        parser_new_names(p, "a message kind", c->carries, CHARTER_CARRIES_MAX, &c->carries_count);
    for (uint32_t i = 0; e == OK && i < c->carries_count; i++) {
        c->carries_place[i] = at_names.token.place;
        e = parser_next(&at_names);
    }
    return e;
}

static enum err
conduit_group(struct parser *p, void *block)
{
    uint64_t v = 0;
    enum err e = parser_integer(p, 0, 1000000, &v);
    ((struct charter_conduit *)block)->group = (uint32_t)v;
    return e;
}

static enum err
conduit_rate(struct parser *p, void *block)
{
    struct charter_conduit *c = block;
    uint64_t v = 0;
    c->rate_place = p->token.place;
    enum err e = parser_rate(p, CONDUIT_RATE_MAX, &v);
    c->rate_per_hour = (uint32_t)v;
    return e;
}

static enum err
conduit_purpose(struct parser *p, void *block)
{
    struct name_table t = parser_purposes(p);
    uint32_t index = 0;
    enum err e = parser_reference(p, &t, &index);
    ((struct charter_conduit *)block)->purpose = (int32_t)index;
    return e;
}

static enum err
conduit_reason(struct parser *p, void *block)
{
    return parser_string(p, "a reason in quotes", ((struct charter_conduit *)block)->reason);
}

static enum err
conduit_approved(struct parser *p, void *block)
{
    return parser_name(p, "the name of a decision", ((struct charter_conduit *)block)->approved_by);
}

/* "rate", "purpose" and "reason" are demanded by charter_check(), which says more about them. */
const struct statement parser_conduit_statements[PARSER_CONDUIT_STATEMENTS] = {
    {"from", conduit_from, true, false},       {"to", conduit_to, true, false},
    {"carries", conduit_carries, true, false}, {"group", conduit_group, false, false},
    {"rate", conduit_rate, false, false},      {"purpose", conduit_purpose, false, false},
    {"reason", conduit_reason, false, false},  {"approved-by", conduit_approved, false, false},
};

enum err
parse_conduit(struct parser *p)
{
    struct charter_place place;
    enum err e = BLOCK_NAME(p, "a conduit", conduits, CHARTER_CONDUITS_MAX, &place);
    if (e != OK)
        return e;
    struct charter_conduit *c = &p->c->conduits[p->conduits - 1];
    c->place = place;
    c->purpose = -1;
    return parser_block(p, &parser_blocks[BLOCK_CONDUIT], c->name, place, c);
}

static enum err
never_reason(struct parser *p, void *block)
{
    return parser_string(p, "a reason in quotes", ((struct charter_never *)block)->reason);
}

static enum err
never_owner(struct parser *p, void *block)
{
    return parser_string(p, "an owner in quotes", ((struct charter_never *)block)->owner);
}

const struct statement parser_never_statements[PARSER_NEVER_STATEMENTS] = {
    {"reason", never_reason, true, false},
    {"owner", never_owner, true, false},
};

enum err
parse_never(struct parser *p)
{
    struct charter *c = p->c;
    enum err e = parser_next(p);
    if (e != OK)
        return e;
    struct charter_never never = {.place = p->token.place};
    e = parser_string(p, "what is never connected, in quotes", never.what);
    if (e != OK)
        return e;
    for (uint32_t i = 0; i < c->nevers_count; i++) {
        if (strcmp(c->nevers[i].what, never.what) == 0)
            return parser_fail(p, never.place, "expected each 'never' once, found it again");
    }
    if (c->nevers_count == CHARTER_NEVER_MAX)
        return parser_fail(p, never.place, "expected at most %d 'never' blocks, found more",
                           CHARTER_NEVER_MAX);
    e = parser_block(p, &parser_blocks[BLOCK_NEVER], never.what, never.place, &never);
    if (e == OK)
        c->nevers[c->nevers_count++] = never;
    return e;
}
