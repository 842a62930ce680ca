/* names.c -- of a device, the same name is the same entity: a bridge that starts again finds it. */
#include "programs/core/core.h"

/* The device's own Thing, or Datastream below this Thing, of that name; and how many it has. */
static const struct sta_entity *
find_named(const struct core *c, const struct peer *peer, enum sta_type type, uint64_t thing,
           const char *name, uint32_t *out_own)
{
    int property = sta_property_index(type, bytes_text("name"));
    *out_own = 0;
    for (uint32_t i = 0; i < c->graph.set[type].count; i++) {
        const struct sta_entity *e = c->graph.set[type].p[i];
        if (strcmp(e->owner, peer->name) != 0)
            continue;
        ++*out_own;
        if (!name[0] || property < 0 ||
            (sta_is_stream(type) &&
             (e->links[DATASTREAM_THING].count == 0 || e->links[DATASTREAM_THING].p[0] != thing)))
            continue;
        char plain[STA_VALUE_TEXT_MAX / 64];
        if (json_plain(e->property[property], plain, sizeof(plain)) == OK &&
            strcmp(plain, name) == 0)
            return e;
    }
    return NULL;
}

/* 409, and where the one is that exists already: a bridge that was restarted goes on with it. */
static void
answer_existing(struct core *c, struct request *ask, const struct sta_entity *e)
{
    struct refusal why;
    refuse(&why, 409, REASON_UNSPECIFIED, "This device has a %s of this name already: %s(%llu).",
           sta_type_info(e->type)->entity, sta_type_info(e->type)->set, (unsigned long long)e->id);
    ask_refuse(ask, &why);
    sta_self_link(bytes_text(c->base_url), e->type, e->id, &ask->location);
    ask_send(c, ask);
}

bool
names_taken(struct core *c, const struct peer *peer, struct request *ask,
            const struct sta_path *path, struct refusal *why, enum err *out)
{
    const struct sta_step *steps = path->steps;
    enum sta_type type = sta_path_type(path);
    char name[STA_VALUE_TEXT_MAX / 64] = "";
    uint32_t own;
    bool below = path->steps_count == 2 && steps[0].type == STA_THING && steps[0].has_id;
    bool named = (type == STA_THING && path->steps_count == 1) || (sta_is_stream(type) && below);
    cJSON *tree = named ? cJSON_ParseWithLength((const char *)ask->body.p, ask->body.len) : NULL;
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(tree, "name");
    *out = OK;
    if (cJSON_IsString(given) &&
        bytes_copy_text(bytes_text(given->valuestring), name, sizeof(name)) != OK)
        *out = refuse(why, 400, REASON_PAYLOAD_INVALID, "A name has at most %zu bytes.",
                      sizeof(name) - 1);
    if (*out != OK)
        return false;
    const struct sta_entity *same = find_named(c, peer, type, below ? steps[0].id : 0, name, &own);
    if (same) {
        answer_existing(c, ask, same);
        return true;
    }
    if (own >= THINGS_PER_DEVICE_MAX)
        *out = refuse(why, 413, REASON_QUOTA, "A device has at most %d of them.",
                      THINGS_PER_DEVICE_MAX);
    return false;
}
