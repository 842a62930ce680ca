#include "field/sumo/network.h"
#include "field/sumo/traci.h"

enum { PHASE_FIELDS = 6, PROGRAM_FIELDS = 5, LINK_NAMES = 3 };

enum err
network_get(struct sumo_process *s, uint8_t command, uint8_t variable, struct bytes object,
            struct bytes *out_value)
{
    struct bytes answer, content, why = {0};
    uint8_t id;
    traci_begin(&s->out);
    traci_put_get(&s->out, command, variable, object);
    enum err e = sumo_ask(s, &answer);
    if (e == OK)
        e = traci_next(&answer, &id, &content);
    if (e == OK)
        e = traci_status(content, &why);
    if (e == ERR_DENIED)
        snprintf(s->why, sizeof(s->why), "sumo refused: %.*s", (int)(why.len < 200 ? why.len : 200),
                 (const char *)why.p);
    if (e == OK)
        e = traci_next(&answer, &id, &content);
    if (e != OK)
        return e;
    struct traci_reader r = {content, false};
    bool same = id == command + TRACI_ANSWER && traci_u8(&r) == variable;
    if (!same || !bytes_equal(traci_text(&r), object) || r.bad)
        return ERR_MALFORMED;
    *out_value = r.rest;
    return OK;
}

/* One phase: duration, state, shortest, longest, next ones, name. */
static enum err
read_state(struct traci_reader *r, bool current, struct site *site)
{
    if (traci_typed_compound(r) != PHASE_FIELDS)
        return ERR_MALFORMED;
    double seconds = traci_typed_double(r);
    struct bytes state = traci_typed_text(r);
    traci_typed_double(r);
    traci_typed_double(r);
    uint32_t next = traci_typed_compound(r);
    for (uint32_t i = 0; i < next && !r->bad; i++)
        traci_typed_integer(r);
    traci_typed_text(r);
    if (r->bad)
        return ERR_MALFORMED;
    return current ? site_add_state(site, state, seconds) : OK;
}

/* All programmes of one signal; only the current one matters. */
static enum err
read_programs(struct bytes value, struct bytes current, struct site *site)
{
    struct traci_reader r = {value, false};
    uint32_t programs = traci_typed_compound(&r);
    for (uint32_t i = 0; i < programs; i++) {
        if (traci_typed_compound(&r) != PROGRAM_FIELDS)
            return ERR_MALFORMED;
        bool is_current = bytes_equal(traci_typed_text(&r), current);
        traci_typed_integer(&r);
        traci_typed_integer(&r);
        uint32_t states = traci_typed_compound(&r);
        for (uint32_t k = 0; k < states && !r.bad; k++) {
            enum err e = read_state(&r, is_current, site);
            if (e != OK)
                return e;
        }
        uint32_t parameters = traci_typed_compound(&r);
        for (uint32_t k = 0; k < parameters && !r.bad; k++) {
            uint32_t words = traci_typed_list(&r);
            for (uint32_t n = 0; n < words && !r.bad; n++)
                traci_text(&r);
        }
        if (r.bad)
            return ERR_MALFORMED;
    }
    return OK;
}

/* From a walking area (":A_w0_0") a link leads onto a crossing (":A_c0_0"). */
static enum err
add_link(struct site *site, uint32_t letter, struct bytes from, struct bytes to,
         struct bytes across)
{
    if (bytes_start(from, ":") && bytes_start(to, ":"))
        return site_add_crossing(site, letter, to);
    enum err e = site_add_link(site, letter, from, to);
    if (e == OK && across.len > 0)
        e = bytes_copy_text(across, site->across[site->links_count - 1], SITE_ID_SIZE);
    return e == OK ? site_add_box(site, across) : e;
}

/* For each letter the links that it drives: from lane, to lane, lane across. */
static enum err
read_links(struct bytes value, struct site *site)
{
    struct traci_reader r = {value, false};
    traci_typed_compound(&r);
    int32_t letters = traci_typed_integer(&r);
    for (int32_t i = 0; i < letters && !r.bad; i++) {
        int32_t links = traci_typed_integer(&r);
        for (int32_t k = 0; k < links && !r.bad; k++) {
            if (traci_typed_list(&r) != LINK_NAMES)
                return ERR_MALFORMED;
            struct bytes from = traci_text(&r), to = traci_text(&r), across = traci_text(&r);
            if (r.bad)
                return ERR_MALFORMED;
            enum err e = add_link(site, (uint32_t)i, from, to, across);
            if (e != OK)
                return e;
        }
    }
    return r.bad ? ERR_MALFORMED : OK;
}

static enum err
read_lanes(struct sumo_process *s, struct site *site)
{
    struct bytes value;
    for (uint32_t l = 0; l < site->lanes_count; l++) {
        enum err e = network_get(s, TRACI_GET_LANE, VAR_LENGTH, bytes_text(site->lanes[l]), &value);
        if (e != OK)
            return e;
        struct traci_reader r = {value, false};
        site->lane_length_m[l] = traci_typed_double(&r);
        if (r.bad)
            return ERR_MALFORMED;
    }
    enum err e = network_get(s, TRACI_GET_LANE, VAR_SHAPE, bytes_text(site->lanes[0]), &value);
    if (e != OK)
        return e;
    struct traci_reader r = {value, false};
    if (traci_u8(&r) != TYPE_POLYGON)
        return ERR_MALFORMED;
    uint32_t points = traci_u8(&r);
    if (points == 0)
        points = traci_u32(&r);
    for (uint32_t i = 0; i < points && !r.bad; i++) {
        site->x_m = traci_double(&r); /* the last point is at the stop line */
        site->y_m = traci_double(&r);
    }
    return r.bad ? ERR_MALFORMED : OK;
}

static enum err
read_site(struct sumo_process *s, struct site *site, const char **why)
{
    struct bytes id = bytes_text(site->id), value;
    char current[SITE_ID_SIZE];
    enum err e = network_get(s, TRACI_GET_LIGHT, VAR_LIGHT_PROGRAM, id, &value);
    if (e != OK)
        return e;
    struct traci_reader r = {value, false};
    e = bytes_copy_text(traci_typed_text(&r), current, sizeof(current));
    if (e == OK)
        e = network_get(s, TRACI_GET_LIGHT, VAR_LIGHT_PROGRAMS, id, &value);
    if (e == OK)
        e = read_programs(value, bytes_text(current), site);
    if (e == OK)
        e = network_get(s, TRACI_GET_LIGHT, VAR_LIGHT_LINKS, id, &value);
    if (e == OK)
        e = read_links(value, site);
    if (e == OK)
        e = site_usable(site, why);
    return e == OK ? read_lanes(s, site) : e;
}

static void
name_site(struct site *sites, uint32_t index)
{
    struct site *s = &sites[index];
    bool taken = site_name(s) != OK;
    for (uint32_t i = 0; i < index && !taken; i++)
        taken = strcmp(sites[i].device, s->device) == 0;
    if (taken)
        snprintf(s->device, sizeof(s->device), "junction-%u", (unsigned)index);
}

enum err
network_read(struct sumo_process *s, struct site *sites, uint32_t max, uint32_t *out_count,
             struct site_left *out_left)
{
    struct bytes value;
    struct buf ids;
    uint32_t count = 0;
    *out_left = (struct site_left){0};
    enum err e = network_get(s, TRACI_GET_LIGHT, VAR_ID_LIST, bytes_text(""), &value);
    if (e != OK)
        return e;
    buf_init(&ids, TRACI_MESSAGE_MAX);
    buf_put(&ids, value); /* the answers to come overwrite it */
    struct traci_reader r = {buf_bytes(&ids), false};
    uint32_t lights = traci_typed_list(&r);
    for (uint32_t i = 0; i < lights && e == OK; i++) {
        struct bytes id = traci_text(&r);
        e = r.bad ? ERR_MALFORMED : count == max ? ERR_LIMIT : OK;
        if (e != OK)
            break;
        struct site *site = &sites[count];
        *site = (struct site){0};
        const char *why = "it is larger than what is kept of one (field/sumo/site.h)";
        e = bytes_copy_text(id, site->id, sizeof(site->id));
        if (e == OK)
            e = read_site(s, site, &why);
        if (e == OK)
            name_site(sites, count++);
        if (e == ERR_UNSUPPORTED || e == ERR_LIMIT) {
            site_leave(out_left, site->id, why);
            e = OK;
        }
    }
    buf_fini(&ids);
    if (e != OK)
        return e;
    *out_count = count;
    return OK;
}

void
network_tell_left(const struct site_left *left, const char *program, FILE *out)
{
    for (uint32_t i = 0; i < left->count && i < SITE_LEFT_MAX; i++)
        fprintf(out, "%s: %s is left alone: %s\n", program, left->first[i].id, left->first[i].why);
}
