#include "cli/zone_client.h"

#include "cli/tool.h"
#include "sensorthings/json.h"

bool
zone_client_url(const char *state, const char *zone, char to[static 256])
{
    struct charter *c = tool_charter(state);
    int32_t z = c ? charter_find_zone(c, bytes_text(zone)) : -1;
    to[0] = '\0';
    if (c && z < 0)
        fprintf(stderr, "bulkhead: the charter names no zone %s\n", zone);
    for (uint32_t i = 0; z >= 0 && i < c->zones[z].listen_count && !to[0]; i++) {
        const struct charter_listen *l = &c->zones[z].listen[i];
        bool v6 = strchr(l->host, ':') != NULL;
        if (l->https)
            snprintf(to, 256, "https://%s%s%s:%u", v6 ? "[" : "", l->host, v6 ? "]" : "", l->port);
    }
    if (z >= 0 && !to[0])
        fprintf(stderr, "bulkhead: zone %s listens to no https\n", zone);
    free(c);
    return to[0] != '\0';
}

struct city_client *
zone_client_open(const char *state, const char *caller, const char *zone, const char *purpose,
                 const char *url)
{
    static char found[256], credentials[TOOL_PATH_SIZE];
    if (!url && !zone_client_url(state, zone, found))
        return NULL;
    snprintf(credentials, sizeof(credentials), "%s/callers/%s", state, caller);
    struct city_client_config config = {.url = url ? url : found,
                                        .credentials = credentials,
                                        .state = state,
                                        .caller = caller,
                                        .zone = zone,
                                        .purpose = purpose};
    return city_client_new(&config);
}

bool
zone_client_next(struct bytes page, char target[static ZONE_CLIENT_TARGET_SIZE])
{
    struct bytes link = sta_json_member(page, bytes_text("@iot.nextLink"));
    if (link.len < 2 || sta_json_kind(link) != STA_JSON_TEXT)
        return false;
    link = bytes_of(link.p + 1, link.len - 2);
    const uint8_t *path = bytes_start(link, "https://")  ? memchr(link.p + 8, '/', link.len - 8)
                          : link.len && link.p[0] == '/' ? link.p
                                                         : NULL;
    if (!path || bytes_find(link, '\\') < link.len)
        return false;
    struct bytes rest = bytes_skip(link, (size_t)(path - link.p));
    return bytes_copy_text(rest, target, ZONE_CLIENT_TARGET_SIZE) == OK;
}

bool
zone_client_each(struct city_client *c, const char *first, zone_client_item_fn *each, void *ctx)
{
    char target[ZONE_CLIENT_TARGET_SIZE];
    struct city_answer a;
    struct bytes item;
    size_t bad;
    snprintf(target, sizeof(target), "%s", first);
    do {
        if (!city_client_ask(c, target, NULL, true, &a))
            return false;
        struct bytes body = a.http.body;
        if (a.http.status != 200 || !sta_json_check(body, &bad)) {
            fprintf(stderr, "bulkhead: %s: %u %.*s\n", target, a.http.status,
                    (int)(body.len < 300 ? body.len : 300), (const char *)body.p);
            return false;
        }
        body = bytes_skip(body, sta_json_space(body, 0));
        struct sta_json_walk w = {sta_json_member(body, bytes_text("value")), 0};
        if (w.value.len == 0)
            return false;
        while (sta_json_next_item(&w, &item))
            each(ctx, item);
        if (!zone_client_next(body, target))
            return true;
    } while (true);
}
