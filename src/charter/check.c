/* check.c -- charter_check(): what the promises forbid in classes and zones. */
#include "charter/check_rules.h"
#include "charter/quantity.h"
#include "charter/suggest.h"

/* --- classes --- */

bool
check_has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    size_t i = 0;
    while (text[i]) {
        size_t start = i;
        size_t same = 0;
        for (; text[i]; i++) {
            char k = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
            if (!((k >= 'a' && k <= 'z') || (k >= '0' && k <= '9') || (uint8_t)k >= 0x80))
                break;
            if (same == i - start && same < len && k == word[same])
                same++;
        }
        size_t n = i - start;
        if (same == len && (n == len || (n == len + 1 && (text[i - 1] | 0x20) == 's')))
            return true;
        /* The other way round: "ward" in the text, "wards" the word. */
        if (n > 0 && n + 1 == len && same == n && word[n] == 's')
            return true;
        if (text[i])
            i++;
    }
    return false;
}

static const char *const biometric_words[] = {
    "face",  "facial", "faceprint",  "fingerprint", "palmprint",  "iris",     "retina",
    "voice", "gait",   "voiceprint", "biometric",   "biometrics", "biometry",
};

static void
check_classes(const struct charter *c, struct charter_findings *f)
{
    for (uint32_t i = 0; i < c->classes_count; i++) {
        const struct charter_class *k = &c->classes[i];
        if (k->biometric)
            charter_add_finding(f, k->biometric_place,
                                "the class '%s' is biometric: biometrics are refused in every "
                                "class",
                                k->name);
        for (size_t w = 0; w < ARRAY_COUNT(biometric_words) && !k->biometric; w++) {
            if (!check_has_word(k->name, biometric_words[w]))
                continue;
            charter_add_finding(f, k->place,
                                "the class '%s' names a biometric ('%s'): biometrics are refused "
                                "in every class",
                                k->name, biometric_words[w]);
            break;
        }
        if (k->personal && k->keep_s == 0)
            charter_add_finding(f, k->place,
                                "the class '%s' is personal and says no 'keep': expected how long "
                                "it is kept, such as 'keep 24h'",
                                k->name);
    }
}

/* --- vendors --- */

static bool
has_country(const char (*list)[3], uint32_t count, const char *country)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(list[i], country) == 0)
            return true;
    }
    return false;
}

static void
check_vendor(const struct charter *c, const struct charter_zone *z, const struct charter_vendor *v,
             struct charter_findings *f)
{
    const struct charter_rule *r = &c->rules[z->tier];
    const char *tier = charter_tier_text(z->tier);
    bool grave = z->tier == TIER_CRITICAL || z->tier == TIER_PROTECTED;
    if (v->state_linked && (grave || r->forbid_state_linked))
        charter_add_finding(f, z->vendors_place,
                            "the vendor '%s' of zone '%s' is state-linked, which the tier '%s' "
                            "forbids",
                            v->name, z->name, tier);
    if (!v->firmware_signed && r->require_firmware_signed)
        charter_add_finding(f, z->vendors_place,
                            "the vendor '%s' of zone '%s' does not sign its firmware, which the "
                            "tier '%s' requires",
                            v->name, z->name, tier);
    const char *homes[] = {v->seat, v->owner};
    for (size_t i = 0; i < ARRAY_COUNT(homes) && r->seats_count > 0; i++) {
        if (!has_country(r->seats, r->seats_count, homes[i]))
            charter_add_finding(f, z->vendors_place,
                                "the vendor '%s' of zone '%s' has its %s in %s, which the rule for "
                                "the tier '%s' does not allow",
                                v->name, z->name, i ? "owner" : "seat", homes[i], tier);
    }
    for (uint32_t i = 0; i < v->support_count && r->support_count > 0; i++) {
        if (!has_country(r->support, r->support_count, v->support[i]))
            charter_add_finding(f, z->vendors_place,
                                "the vendor '%s' of zone '%s' gives support from %s, which the "
                                "rule for the tier '%s' does not allow",
                                v->name, z->name, v->support[i], tier);
    }
}

/* --- zones --- */

static void
check_service(const struct charter_zone *z, struct charter_findings *f)
{
    if (vocabulary_has_service(bytes_text(z->service)))
        return;
    struct suggest s = suggest_for(bytes_text(z->service));
    for (size_t i = 0; vocabulary_service(i); i++)
        suggest_offer(&s, vocabulary_service(i));
    charter_add_finding(f, z->service_place,
                        "expected a service that is built in, found '%s'%s%s%s", z->service,
                        s.best ? "; did you mean '" : "", s.best ? s.best : "", s.best ? "'?" : "");
}

/* "expected ... , found 'x'; did you mean 'y'?" about a word that a service does not know. */
static void
add_unknown_word(const struct charter_zone *z, enum word_kind kind, const char *word,
                 struct charter_place place, struct charter_findings *f)
{
    size_t count = 0;
    const struct service_word *all = vocabulary_words(&count);
    struct suggest s = suggest_for(bytes_text(word));
    for (size_t i = 0; i < count; i++) {
        if (all[i].kind == kind && strcmp(all[i].service, z->service) == 0)
            suggest_offer(&s, all[i].word);
    }
    charter_add_finding(f, place, "expected %s of the service '%s', found '%s'%s%s%s",
                        kind == WORD_ENVELOPE ? "an envelope word" : "a command", z->service, word,
                        s.best ? "; did you mean '" : "", s.best ? s.best : "", s.best ? "'?" : "");
}

/* False when the service does not know the word. */
static bool
check_envelope_word(const struct charter_zone *z, const struct charter_envelope *q,
                    struct charter_findings *f)
{
    const struct service_word *w =
        vocabulary_find(bytes_text(z->service), WORD_ENVELOPE, bytes_text(q->name));
    if (!w) {
        add_unknown_word(z, WORD_ENVELOPE, q->name, q->place, f);
        return false;
    }
    if (q->unit == w->unit && q->value >= w->minimum && q->value <= w->maximum)
        return true;
    struct buf b;
    buf_init(&b, 160);
    quantity_put(&b, w->unit, w->minimum);
    buf_text(&b, " to ");
    quantity_put(&b, w->unit, w->maximum);
    buf_text(&b, ", found ");
    quantity_put(&b, q->unit, q->value);
    charter_add_finding(f, q->place, "expected '%s' from %s", q->name, buf_string(&b));
    buf_fini(&b);
    return true;
}

static void
check_required_words(const struct charter_zone *z, struct charter_findings *f)
{
    size_t count = 0;
    const struct service_word *all = vocabulary_words(&count);
    for (size_t i = 0; i < count; i++) {
        if (all[i].kind != WORD_ENVELOPE || !all[i].required ||
            strcmp(all[i].service, z->service) != 0)
            continue;
        bool found = false;
        for (uint32_t k = 0; k < z->envelope_count && !found; k++)
            found = strcmp(z->envelope[k].name, all[i].word) == 0;
        if (!found)
            charter_add_finding(f, z->place,
                                "the zone '%s' has commands and no '%s' in its envelope: %s",
                                z->name, all[i].word, all[i].sentence);
    }
}

static void
check_commands(const struct charter_zone *z, struct charter_findings *f)
{
    for (uint32_t i = 0; i < z->commands_count; i++) {
        const struct charter_command *k = &z->commands[i];
        if (z->tier == TIER_PROTECTED)
            charter_add_finding(f, k->place,
                                "the zone '%s' is protected and has the command '%s': a protected "
                                "zone has no command path at all",
                                z->name, k->name);
        else if (!vocabulary_find(bytes_text(z->service), WORD_COMMAND, bytes_text(k->name)))
            add_unknown_word(z, WORD_COMMAND, k->name, k->place, f);
        if (k->lease_ms == 0)
            charter_add_finding(f, k->place,
                                "the command '%s' has no 'lease': expected how long it holds "
                                "before it expires by itself, such as 'lease 10s'",
                                k->name);
    }
}

static void
check_sites(const struct charter *c, const struct charter_zone *z, struct charter_findings *f)
{
    if (z->holds && !z->sites)
        charter_add_finding(f, z->holds_place,
                            "the zone '%s' holds data and says no 'sites': expected where its "
                            "store stands",
                            z->name);
    for (uint32_t i = 0; i < c->classes_count; i++) {
        if (!(z->holds >> i & 1))
            continue;
        for (uint32_t s = 0; s < c->sites_count; s++) {
            if ((z->sites >> s & 1) && !(c->classes[i].sites >> s & 1))
                charter_add_finding(f, z->sites_place,
                                    "the zone '%s' holds the class '%s' at the site '%s', which "
                                    "the class does not allow",
                                    z->name, c->classes[i].name, c->sites[s]);
        }
    }
}

static bool
is_any_address(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* Two listeners that the kernel would not open together. */
static bool
listen_clash(const struct charter_listen *a, const struct charter_listen *b)
{
    return a->port == b->port &&
           (strcmp(a->host, b->host) == 0 || is_any_address(a->host) || is_any_address(b->host));
}

static void
check_listeners(const struct charter *c, uint32_t zone, struct charter_findings *f)
{
    const struct charter_zone *z = &c->zones[zone];
    for (uint32_t i = 0; i < z->listen_count; i++) {
        bool clash = false;
        for (uint32_t other = 0; other <= zone && !clash; other++) {
            const struct charter_zone *o = &c->zones[other];
            uint32_t count = other == zone ? i : o->listen_count;
            for (uint32_t k = 0; k < count && !clash; k++) {
                clash = listen_clash(&z->listen[i], &o->listen[k]);
                if (clash)
                    charter_add_finding(f, z->listen[i].place,
                                        "the zone '%s' listens on %s port %u, where the zone '%s' "
                                        "listens already",
                                        z->name, z->listen[i].host, z->listen[i].port, o->name);
            }
        }
    }
}

static void
check_zone(const struct charter *c, uint32_t zone, struct charter_findings *f)
{
    const struct charter_zone *z = &c->zones[zone];
    bool known = vocabulary_has_service(bytes_text(z->service));
    check_service(z, f);
    for (uint32_t i = 0; i < c->vendors_count; i++) {
        if (z->vendors >> i & 1)
            check_vendor(c, z, &c->vendors[i], f);
    }
    check_sites(c, z, f);
    check_listeners(c, zone, f);
    check_topics(c, z, f);
    if (!known)
        return; /* its words cannot be known either */
    bool spelled = true;
    for (uint32_t i = 0; i < z->envelope_count; i++)
        spelled = check_envelope_word(z, &z->envelope[i], f) && spelled;
    check_commands(z, f);
    /* A misspelled word is one finding, not two. */
    if (spelled && z->commands_count > 0 && z->tier != TIER_PROTECTED)
        check_required_words(z, f);
}

/* A class that a caller may write is one that a purpose of theirs opens, in a zone of theirs. */
static void
check_writes(const struct charter *c, const struct charter_caller *k, struct charter_findings *f)
{
    uint64_t held = 0;
    for (uint32_t z = 0; z < c->zones_count; z++)
        if (k->zones >> z & 1)
            held |= c->zones[z].holds;
    for (uint32_t i = 0; i < c->classes_count; i++) {
        if (!(k->writes >> i & 1))
            continue;
        if (!(held >> i & 1))
            charter_add_finding(f, k->writes_place,
                                "the caller '%s' writes the class '%s', which none of their zones "
                                "holds",
                                k->name, c->classes[i].name);
        else if (!(charter_class_purposes(c, i) & k->purposes))
            charter_add_finding(f, k->writes_place,
                                "the caller '%s' writes the class '%s', which none of their "
                                "purposes opens",
                                k->name, c->classes[i].name);
    }
}

/* In the order of the file; equal places keep their order. */
static void
sort_findings(struct charter_findings *f)
{
    for (uint32_t i = 1; i < f->count; i++) {
        struct charter_finding one = f->list[i];
        uint32_t at = i;
        for (; at > 0; at--) {
            struct charter_place before = f->list[at - 1].place;
            if (before.line < one.place.line ||
                (before.line == one.place.line && before.column <= one.place.column))
                break;
            f->list[at] = f->list[at - 1];
        }
        f->list[at] = one;
    }
}

enum err
charter_check(const struct charter *c, struct charter_findings *out_findings)
{
    memset(out_findings, 0, sizeof(*out_findings));
    check_classes(c, out_findings);
    for (uint32_t i = 0; i < c->zones_count; i++)
        check_zone(c, i, out_findings);
    for (uint32_t i = 0; i < c->callers_count; i++)
        check_writes(c, &c->callers[i], out_findings);
    check_conduits(c, out_findings);
    sort_findings(out_findings);
    return out_findings->count == 0 ? OK : ERR_DENIED;
}
