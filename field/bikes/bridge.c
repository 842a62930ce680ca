#include "field/bikes/bridge.h"

#include "base/hash.h"
#include "base/text.h"

static bool
parked(const struct feed_vehicle *v)
{
    return v->placed && !v->reserved;
}

static bool
say(const struct feed_vehicle *v, bool is_parked, bridge_vehicle_fn *each, void *ctx)
{
    struct buf b;
    buf_init(&b, BRIDGE_ROW_MAX);
    buf_text(&b, "{\"vehicle_id\":");
    text_put_json(&b, bytes_text(v->id));
    if (is_parked) {
        buf_text(&b, ",\"lat\":");
        text_put_double(&b, v->lat);
        buf_text(&b, ",\"lon\":");
        text_put_double(&b, v->lon);
    }
    buf_format(&b, ",\"parked\":%s}", is_parked ? "true" : "false");
    ASSERT(buf_error(&b) == OK); /* an id has at most FEED_ID_SIZE - 1 printable bytes */
    bool go_on = each(ctx, buf_bytes(&b));
    buf_fini(&b);
    return go_on;
}

/* Spreads the repetitions over the turns. */
static uint32_t
turn_of(const char *id, uint32_t turns)
{
    return (uint32_t)(hash_folded(hash_bytes(HASH_START, bytes_text(id))) % turns);
}

void
bridge_vehicles(const struct feed *before, const struct feed *now, uint32_t turn, uint32_t turns,
                bridge_vehicle_fn *each, void *ctx)
{
    ASSERT(turns > 0);
    uint32_t i = 0, j = 0;
    bool go_on = true;
    while (go_on && (i < before->vehicles_count || j < now->vehicles_count)) {
        const struct feed_vehicle *a = i < before->vehicles_count ? &before->vehicles[i] : NULL;
        const struct feed_vehicle *b = j < now->vehicles_count ? &now->vehicles[j] : NULL;
        int order = !a ? 1 : !b ? -1 : strcmp(a->id, b->id);
        i += order <= 0 ? 1 : 0;
        j += order >= 0 ? 1 : 0;
        bool was = order <= 0 && parked(a), is = order >= 0 && parked(b);
        if (was && !is)
            go_on = say(a, false, each, ctx);
        else if (is && (!was || a->lat != b->lat || a->lon != b->lon ||
                        turn_of(b->id, turns) == turn % turns))
            go_on = say(b, true, each, ctx);
    }
}

static void
put_count(struct buf *b, const char *name, int32_t value)
{
    if (value >= 0)
        buf_format(b, ",\"%s\":%d", name, value);
}

static void
put_station(struct buf *b, const struct feed_station *s)
{
    buf_text(b, "{\"station_id\":");
    text_put_json(b, bytes_text(s->id));
    if (s->informed) {
        buf_text(b, ",\"lat\":");
        text_put_double(b, s->lat);
        buf_text(b, ",\"lon\":");
        text_put_double(b, s->lon);
    }
    put_count(b, "capacity", s->capacity);
    put_count(b, "num_vehicles_available", s->vehicles);
    put_count(b, "num_docks_available", s->docks);
    buf_format(b, ",\"is_installed\":%s,\"is_renting\":%s,\"is_returning\":%s}",
               s->installed ? "true" : "false", s->renting ? "true" : "false",
               s->returning ? "true" : "false");
}

bool
bridge_stations(const struct feed *f, uint32_t *at, struct buf *out)
{
    uint32_t count = 0;
    buf_reset(out);
    buf_byte(out, '[');
    while (*at < f->stations_count && out->len + BRIDGE_ROW_MAX < BRIDGE_PART_MAX) {
        const struct feed_station *s = &f->stations[(*at)++];
        if (!s->reported)
            continue; /* known, but says nothing yet */
        if (count++ > 0)
            buf_byte(out, ',');
        put_station(out, s);
    }
    buf_byte(out, ']');
    return count > 0;
}
