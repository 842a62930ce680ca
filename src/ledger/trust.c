#include "ledger/trust.h"

#include "base/text.h"
#include "ledger/checkpoint.h"

enum { WORDS_MAX = 3 + TRUST_NAMES_MAX };

struct parser {
    struct trust *trust;
    struct bytes words[WORDS_MAX];
    size_t words_count;
    bool has_quorum;
    uint64_t taken; /* members of some group already, a bit each */
    const char *why;
};

static enum err
refuse(struct parser *p, const char *why)
{
    p->why = why;
    return ERR_MALFORMED;
}

static bool
is_policy_text(struct bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((s.p[i] < 0x20 && s.p[i] != '\t' && s.p[i] != '\n') || s.p[i] == 0x7f)
            return false;
    return true;
}

static enum err
split(struct parser *p, struct bytes line)
{
    p->words_count = 0;
    while (line.len) {
        size_t len = 0;
        while (len < line.len && line.p[len] != ' ' && line.p[len] != '\t')
            len++;
        if (len > 0) {
            if (p->words_count == WORDS_MAX)
                return refuse(p, "more words than a line may have");
            p->words[p->words_count++] = bytes_of(line.p, len);
        }
        line = bytes_skip(line, len < line.len ? len + 1 : len);
    }
    return OK;
}

/* The member of this name, or -1. */
static int
find_name(const struct trust *t, struct bytes name)
{
    for (uint32_t i = 0; i < t->witnesses_count; i++)
        if (bytes_are(name, t->witnesses[i].name))
            return (int)i;
    for (uint32_t i = 0; i < t->groups_count; i++)
        if (bytes_are(name, t->groups[i].name))
            return (int)(TRUST_WITNESSES_MAX + i);
    return -1;
}

static enum err
take_new_name(struct parser *p, struct bytes name, char out[static TRUST_NAME_MAX + 1])
{
    if (bytes_are(name, "none") || find_name(p->trust, name) >= 0)
        return refuse(p, "this name is taken");
    if (bytes_copy_text(name, out, TRUST_NAME_MAX + 1) != OK)
        return refuse(p, "the name is too long");
    return OK;
}

static enum err
take_url(struct parser *p, size_t at, char out[static TRUST_URL_MAX + 1])
{
    out[0] = '\0';
    if (p->words_count <= at)
        return OK;
    if (bytes_copy_text(p->words[at], out, TRUST_URL_MAX + 1) != OK)
        return refuse(p, "the address is too long");
    return OK;
}

static enum err
parse_log(struct parser *p)
{
    struct trust *t = p->trust;
    struct trust_log log;
    if (p->words_count < 2 || p->words_count > 3)
        return refuse(p, "log wants: log KEY [URL]");
    if (t->logs_count == TRUST_LOGS_MAX)
        return refuse(p, "too many logs");
    if (note_parse_verifier_key(p->words[1], log.origin, log.key) != OK)
        return refuse(p, "this is no verifier key of a log");
    for (uint32_t i = 0; i < t->logs_count; i++)
        if (memcmp(t->logs[i].key, log.key, sizeof(log.key)) == 0)
            return refuse(p, "the same key as another log's");
    enum err e = take_url(p, 2, log.url);
    if (e == OK)
        t->logs[t->logs_count++] = log;
    return e;
}

static enum err
parse_witness(struct parser *p)
{
    struct trust *t = p->trust;
    struct trust_witness w;
    if (p->words_count < 3 || p->words_count > 4)
        return refuse(p, "witness wants: witness NAME KEY [URL]");
    if (t->witnesses_count == TRUST_WITNESSES_MAX)
        return refuse(p, "too many witnesses");
    enum err e = take_new_name(p, p->words[1], w.name);
    if (e != OK)
        return e;
    if (cosigner_parse(p->words[2], &w.cosigner) != OK)
        return refuse(p, "this is no verifier key of a witness (Ed25519 cosignatures)");
    for (uint32_t i = 0; i < t->witnesses_count; i++)
        if (memcmp(t->witnesses[i].cosigner.key, w.cosigner.key, sizeof(w.cosigner.key)) == 0)
            return refuse(p, "the same key as another witness's");
    e = take_url(p, 3, w.url);
    if (e == OK)
        t->witnesses[t->witnesses_count++] = w;
    return e;
}

/* One name of a group: defined above, and in no group yet, so that nobody counts twice. */
static enum err
take_member(struct parser *p, struct bytes name, struct trust_group *g)
{
    int member = find_name(p->trust, name);
    if (member < 0)
        return refuse(p, "a member that no line above defines");
    if (p->taken >> member & 1)
        return refuse(p, "a member that is in a group already");
    p->taken |= UINT64_C(1) << member;
    g->members[g->members_count++] = (uint8_t)member;
    return OK;
}

static enum err
parse_group(struct parser *p)
{
    struct trust *t = p->trust;
    struct trust_group g = {.members_count = 0};
    if (p->words_count < 4)
        return refuse(p, "group wants: group NAME COUNT|any|all MEMBER ...");
    if (t->groups_count == TRUST_GROUPS_MAX)
        return refuse(p, "too many groups");
    enum err e = take_new_name(p, p->words[1], g.name);
    for (size_t i = 3; e == OK && i < p->words_count; i++)
        e = take_member(p, p->words[i], &g);
    if (e != OK)
        return e;
    uint64_t need = bytes_are(p->words[2], "any") ? 1 : g.members_count;
    if (!bytes_are(p->words[2], "any") && !bytes_are(p->words[2], "all") &&
        (text_u64(p->words[2], g.members_count, &need) != OK || need == 0))
        return refuse(p, "a count from 1 to the number of members, any, or all");
    g.need = (uint32_t)need;
    t->groups[t->groups_count++] = g;
    return OK;
}

static enum err
parse_quorum(struct parser *p)
{
    if (p->words_count != 2)
        return refuse(p, "quorum wants: quorum NAME");
    if (p->has_quorum)
        return refuse(p, "a second quorum");
    p->has_quorum = true;
    if (bytes_are(p->words[1], "none")) {
        p->trust->quorum = TRUST_NOBODY;
        return OK;
    }
    p->trust->quorum = find_name(p->trust, p->words[1]);
    return p->trust->quorum < 0 ? refuse(p, "a quorum that no line above defines") : OK;
}

static enum err
parse_line(struct parser *p, struct bytes line)
{
    static const struct {
        const char *word;
        enum err (*parse)(struct parser *p);
    } kinds[] = {{"log", parse_log},
                 {"witness", parse_witness},
                 {"group", parse_group},
                 {"quorum", parse_quorum}};
    struct bytes text = line;
    while (text.len && (text.p[0] == ' ' || text.p[0] == '\t'))
        text = bytes_skip(text, 1);
    if (bytes_start(text, "#")) /* before it is split: a comment may have any number of words */
        return OK;
    enum err e = split(p, text);
    if (e != OK || p->words_count == 0)
        return e;
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        if (bytes_are(p->words[0], kinds[i].word))
            return kinds[i].parse(p);
    return refuse(p, "a line begins with log, witness, group or quorum");
}

enum err
trust_parse(struct bytes text, struct trust *out, struct trust_fault *out_fault)
{
    struct trust *t = calloc(1, sizeof(*t));
    struct parser p = {.trust = t};
    struct bytes rest = text, line;
    uint32_t number = 0;
    enum err e = OK;
    if (!t || text.len > TRUST_BYTES_MAX) {
        p.why = "too large";
        e = ERR_LIMIT;
    } else if (!is_policy_text(text)) {
        e = refuse(&p, "a control character");
    }
    while (e == OK && rest.len) {
        number++;
        e = checkpoint_take_line(&rest, &line);
        e = e == OK ? parse_line(&p, line) : refuse(&p, "the last line has no end");
    }
    if (e == OK && !p.has_quorum)
        e = refuse(&p, "no line says which quorum is enough");
    if (e == OK)
        *out = *t;
    else
        *out_fault = (struct trust_fault){number, p.why};
    free(t);
    return e;
}

static const char *
member_name(const struct trust *t, int member)
{
    if (member == TRUST_NOBODY)
        return "none";
    return member < TRUST_WITNESSES_MAX ? t->witnesses[member].name
                                        : t->groups[member - TRUST_WITNESSES_MAX].name;
}

static void
put_url(struct buf *b, const char *url)
{
    if (url[0])
        buf_format(b, " %s", url);
    buf_byte(b, '\n');
}

void
trust_put(struct buf *b, const struct trust *t)
{
    for (uint32_t i = 0; i < t->logs_count; i++) {
        buf_text(b, "log ");
        note_put_verifier_key(b, t->logs[i].origin, t->logs[i].key);
        put_url(b, t->logs[i].url);
    }
    for (uint32_t i = 0; i < t->witnesses_count; i++) {
        buf_format(b, "witness %s ", t->witnesses[i].name);
        cosigner_put(b, &t->witnesses[i].cosigner);
        put_url(b, t->witnesses[i].url);
    }
    for (uint32_t i = 0; i < t->groups_count; i++) {
        const struct trust_group *g = &t->groups[i];
        buf_format(b, "group %s %u", g->name, g->need);
        for (uint32_t k = 0; k < g->members_count; k++)
            buf_format(b, " %s", member_name(t, g->members[k]));
        buf_byte(b, '\n');
    }
    buf_format(b, "quorum %s\n", member_name(t, t->quorum));
}

bool
trust_is_quorum(const struct trust *t, uint32_t cosigned)
{
    if (t->quorum == TRUST_NOBODY)
        return true;
    /* Members stand above their group, so one pass downward knows them all. */
    uint64_t good = cosigned;
    for (uint32_t i = 0; i < t->groups_count; i++) {
        const struct trust_group *g = &t->groups[i];
        uint32_t have = 0;
        for (uint32_t k = 0; k < g->members_count; k++)
            have += (uint32_t)(good >> g->members[k] & 1);
        if (have >= g->need)
            good |= UINT64_C(1) << (TRUST_WITNESSES_MAX + i);
    }
    return good >> t->quorum & 1;
}
