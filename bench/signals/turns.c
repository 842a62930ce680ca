#include "bench/signals/turns.h"

#include "base/text.h"
#include "field/sumo/xml.h"

enum { TURNS_KEYS_MAX = 16 * 1024 * 1024, NAME_SIZE = 256 };

/* --- a set of keys --- */

static int
compare_bytes(struct bytes a, struct bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

static int
compare_keys(const void *x, const void *y)
{
    const struct turns_key *a = x, *b = y;
    int c = compare_bytes(a->a, b->a);
    return c != 0 ? c : compare_bytes(a->b, b->b);
}

static enum err
set_add(struct turns_set *s, struct turns_key key)
{
    if (s->count == s->room) {
        uint32_t room = s->room ? 2 * s->room : 64;
        struct turns_key *keys =
            room <= TURNS_KEYS_MAX ? realloc(s->keys, room * sizeof(*keys)) : NULL;
        if (!keys)
            return ERR_LIMIT;
        s->keys = keys;
        s->room = room;
    }
    s->keys[s->count++] = key;
    s->sorted = false;
    return OK;
}

static bool
set_has(struct turns_set *s, struct bytes a, struct bytes b)
{
    struct turns_key key = {a, b};
    if (s->count == 0)
        return false;
    if (!s->sorted)
        qsort(s->keys, s->count, sizeof(*s->keys), compare_keys);
    s->sorted = true;
    return bsearch(&key, s->keys, s->count, sizeof(*s->keys), compare_keys) != NULL;
}

static bool
set_names(struct turns_set *s, struct bytes name)
{
    return set_has(s, name, (struct bytes){0});
}

void
turns_init(struct turns *t)
{
    *t = (struct turns){.why = ""};
}

void
turns_fini(struct turns *t)
{
    free(t->turnarounds.keys);
    free(t->routes.keys);
    free(t->vehicles.keys);
    turns_init(t);
}

/* --- the network --- */

/* The streets that are short: names, by the length of their first lane. */
static enum err
read_short(struct bytes xml, double longest_m, struct turns_set *out)
{
    struct xml_tag tag, edge = {0};
    enum err e = OK;
    while (e == OK && xml_next(&xml, &tag)) {
        double length_m;
        if (bytes_are(tag.name, "edge"))
            edge = tag;
        if (!bytes_are(tag.name, "lane") || !edge.name.p)
            continue;
        e = xml_double(tag, "length", &length_m);
        if (e == OK && length_m <= longest_m)
            e = set_add(out, (struct turns_key){.a = xml_attribute(edge, "id")});
        edge = (struct xml_tag){0};
    }
    return e;
}

enum err
turns_read_network(struct turns *t, struct bytes xml, double longest_m)
{
    struct turns_set streets = {0};
    struct xml_tag tag;
    enum err e = read_short(xml, longest_m, &streets);
    while (e == OK && xml_next(&xml, &tag)) {
        bool round = bytes_are(tag.name, "connection") &&
                     bytes_are(xml_attribute(tag, "dir"), "t") && !xml_attribute(tag, "tl").p;
        struct turns_key key = {xml_attribute(tag, "from"), xml_attribute(tag, "to")};
        if (round && set_names(&streets, key.a))
            e = set_add(&t->turnarounds, key);
    }
    free(streets.keys);
    return e;
}

/* --- routes --- */

static bool
turns_round(struct turns *t, struct bytes edges)
{
    struct bytes last = xml_word(&edges), next;
    for (; (next = xml_word(&edges)).p; last = next) {
        if (set_has(&t->turnarounds, last, next))
            return true;
    }
    return false;
}

struct element {
    struct xml_tag tag;
    struct bytes whole, inside;
};

/* All of an element, from its tag on; `rest` is what follows the tag. */
static bool
take_element(struct xml_tag tag, struct bytes *rest, struct element *out)
{
    char end[32];
    const uint8_t *from = tag.name.p - 1, *after = rest->p;
    struct bytes a = tag.attributes;
    out->tag = tag;
    out->inside = (struct bytes){0};
    if (a.len == 0 || a.p[a.len - 1] != '/') {
        int n = snprintf(end, sizeof(end), "</%.*s>", BYTES_PRINTF(tag.name));
        const uint8_t *at = n > 0 && (size_t)n < sizeof(end) && rest->len > 0
                                ? memmem(rest->p, rest->len, end, (size_t)n)
                                : NULL;
        if (!at)
            return false;
        out->inside = bytes_of(rest->p, (size_t)(at - rest->p));
        after = at + n;
    }
    out->whole = bytes_of(from, (size_t)(after - from));
    *rest = bytes_skip(*rest, (size_t)(after - rest->p));
    return true;
}

static enum err
add_route(struct turns *t, struct xml_tag tag, bool *out_turns)
{
    struct bytes id = xml_attribute(tag, "id");
    *out_turns = turns_round(t, xml_attribute(tag, "edges"));
    return *out_turns && id.len > 0 ? set_add(&t->routes, (struct turns_key){.a = id}) : OK;
}

/* Routes that stand inside, and those that are named. */
static enum err
add_distribution(struct turns *t, const struct element *x)
{
    struct bytes inside = x->inside, names = xml_attribute(x->tag, "routes"), name;
    struct xml_tag tag;
    enum err e = OK;
    while (e == OK && xml_next(&inside, &tag)) {
        bool turning = false;
        if (bytes_are(tag.name, "route"))
            e = add_route(t, tag, &turning);
        t->mixed = t->mixed || turning;
    }
    while ((name = xml_word(&names)).p)
        t->mixed = t->mixed || set_names(&t->routes, name);
    return e;
}

enum err
turns_read_routes(struct turns *t, struct bytes xml)
{
    struct xml_tag tag;
    enum err e = OK;
    while (e == OK && xml_next(&xml, &tag)) {
        struct element x;
        bool turning;
        t->trips = t->trips || bytes_are(tag.name, "trip") || bytes_are(tag.name, "flow");
        if (bytes_are(tag.name, "route"))
            e = add_route(t, tag, &turning);
        else if (bytes_are(tag.name, "routeDistribution"))
            e = take_element(tag, &xml, &x) ? add_distribution(t, &x) : ERR_MALFORMED;
    }
    return e;
}

enum err
turns_read_ways(struct turns *t, struct bytes xml)
{
    struct xml_tag tag;
    struct bytes id = {0};
    enum err e = OK;
    while (e == OK && xml_next(&xml, &tag)) {
        if (bytes_are(tag.name, "vehicle"))
            id = xml_attribute(tag, "id");
        else if (bytes_are(tag.name, "route") && turns_round(t, xml_attribute(tag, "edges")))
            e = set_add(&t->vehicles, (struct turns_key){.a = id});
    }
    return e;
}

/* --- the demand --- */

/* A flow's vehicles have its name and a number. */
static bool
flow_turns(struct turns *t, const struct element *x)
{
    char first[NAME_SIZE];
    struct bytes id = xml_attribute(x->tag, "id");
    int n = snprintf(first, sizeof(first), "%.*s.", BYTES_PRINTF(id));
    for (uint32_t i = 0; i < t->vehicles.count; i++) {
        if (n > 0 && (size_t)n < sizeof(first) && bytes_start(t->vehicles.keys[i].a, first))
            return true;
    }
    return false;
}

/* Does its own route, the one that it names, or the way that was found for it turn round? */
static bool
element_turns(struct turns *t, const struct element *x)
{
    struct bytes inside = x->inside, names = xml_attribute(x->tag, "route");
    struct xml_tag tag;
    if (names.p)
        return set_names(&t->routes, names);
    while (xml_next(&inside, &tag)) {
        if (bytes_are(tag.name, "route"))
            return turns_round(t, xml_attribute(tag, "edges"));
    }
    return bytes_are(x->tag.name, "flow") ? flow_turns(t, x)
                                          : set_names(&t->vehicles, xml_attribute(x->tag, "id"));
}

static bool
departs_within(struct xml_tag tag, double begin_s, double end_s)
{
    double depart_s;
    return xml_double(tag, "depart", &depart_s) != OK || (depart_s >= begin_s && depart_s < end_s);
}

static enum err
refuse(struct turns *t, const char *why)
{
    t->why = why;
    return ERR_UNSUPPORTED;
}

enum err
turns_leave_out(struct turns *t, struct bytes xml, double begin_s, double end_s, struct buf *out,
                uint32_t *out_count)
{
    struct bytes rest = xml;
    const uint8_t *kept = xml.p; /* up to here it is in `out` or left out */
    struct xml_tag tag;
    if (t->mixed)
        return refuse(t, "of a routeDistribution some turn round: how many, only SUMO knows");
    while (xml_next(&rest, &tag)) {
        struct element x;
        bool flow = bytes_are(tag.name, "flow");
        if (!flow && !bytes_are(tag.name, "vehicle") && !bytes_are(tag.name, "trip"))
            continue;
        if (!take_element(tag, &rest, &x))
            return ERR_MALFORMED;
        if (!element_turns(t, &x))
            continue;
        if (flow)
            return refuse(t, "a flow turns round: how many, only SUMO knows");
        buf_put(out, bytes_of(kept, (size_t)(x.whole.p - kept)));
        kept = rest.p;
        *out_count += departs_within(tag, begin_s, end_s);
    }
    buf_put(out, bytes_of(kept, (size_t)(xml.p + xml.len - kept)));
    return buf_error(out);
}
