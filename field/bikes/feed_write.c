#include "field/bikes/feed_write.h"

#include "base/text.h"

enum { TTL_S = 5 };

struct context {
    const struct fleet *fleet;
    const char *base;
    int64_t now_us;
};

struct file {
    const char *name;
    void (*write)(struct buf *b, const struct context *c);
};

static void
put_place(struct buf *b, double lat, double lon)
{
    buf_format(b, "\"lat\":%.6f,\"lon\":%.6f", lat, lon);
}

static void
write_system(struct buf *b, const struct context *c)
{
    (void)c;
    buf_text(b,
             "\"system_id\":\"harbour-bikes\",\"languages\":[\"en\"],\"name\":[{\"text\":\"Harbour "
             "Bikes\",\"language\":\"en\"}],\"opening_hours\":\"24/7\",\"feed_contact_email\":"
             "\"feed@harbour.example\",\"timezone\":\"America/Toronto\"");
}

static void
write_types(struct buf *b, const struct context *c)
{
    (void)c;
    buf_text(b, "\"vehicle_types\":[{\"vehicle_type_id\":\"bike\",\"form_factor\":\"bicycle\","
                "\"propulsion_type\":\"human\"}]");
}

static void
write_station_information(struct buf *b, const struct context *c)
{
    buf_text(b, "\"stations\":[");
    for (uint32_t i = 0; i < c->fleet->stations_count; i++) {
        const struct fleet_station *s = &c->fleet->stations[i];
        buf_format(
            b,
            "%s{\"station_id\":\"station-%u\",\"name\":[{\"text\":\"Station %u\",\"language\":"
            "\"en\"}],",
            i ? "," : "", i + 1, i + 1);
        put_place(b, s->lat, s->lon);
        buf_format(b, ",\"capacity\":%u}", s->capacity);
    }
    buf_byte(b, ']');
}

static void
write_station_status(struct buf *b, const struct context *c)
{
    buf_text(b, "\"stations\":[");
    for (uint32_t i = 0; i < c->fleet->stations_count; i++) {
        const struct fleet_station *s = &c->fleet->stations[i];
        buf_format(b,
                   "%s{\"station_id\":\"station-%u\",\"is_installed\":true,\"is_renting\":true,"
                   "\"is_returning\":true,\"num_vehicles_available\":%u,\"num_docks_available\":%u,"
                   "\"last_reported\":\"",
                   i ? "," : "", i + 1, s->docked, s->capacity - s->docked);
        text_put_time(b, c->now_us);
        buf_text(b, "\"}");
    }
    buf_byte(b, ']');
}

/* Vehicles in a rental do not appear (GBFS); those in docks are counted at their station. */
static void
write_vehicle_status(struct buf *b, const struct context *c)
{
    bool first = true;
    buf_text(b, "\"vehicles\":[");
    for (uint32_t i = 0; i < c->fleet->vehicles_count; i++) {
        const struct fleet_vehicle *v = &c->fleet->vehicles[i];
        if (!v->parked || v->station)
            continue;
        buf_format(b, "%s{\"vehicle_id\":\"%s\",", first ? "" : ",", v->id);
        put_place(b, v->lat, v->lon);
        buf_text(b, ",\"is_reserved\":false,\"is_disabled\":false,\"vehicle_type_id\":\"bike\"}");
        first = false;
    }
    buf_byte(b, ']');
}

static void write_discovery(struct buf *b, const struct context *c);

static const struct file files[] = {
    {"gbfs", write_discovery},
    {"system_information", write_system},
    {"vehicle_types", write_types},
    {"station_information", write_station_information},
    {"station_status", write_station_status},
    {"vehicle_status", write_vehicle_status},
};

static void
write_discovery(struct buf *b, const struct context *c)
{
    buf_text(b, "\"feeds\":[");
    for (size_t i = 1; i < ARRAY_COUNT(files); i++)
        buf_format(b, "%s{\"name\":\"%s\",\"url\":\"%s%s.json\"}", i > 1 ? "," : "", files[i].name,
                   c->base, files[i].name);
    buf_byte(b, ']');
}

enum err
feed_write(const char *name, const struct fleet *f, const char *base, int64_t now_us,
           struct buf *out)
{
    const struct context c = {f, base, now_us};
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        if (strcmp(files[i].name, name) != 0)
            continue;
        buf_text(out, "{\"last_updated\":\"");
        text_put_time(out, now_us);
        buf_format(out, "\",\"ttl\":%d,\"version\":\"3.0\",\"data\":{", TTL_S);
        files[i].write(out, &c);
        buf_text(out, "}}\n");
        return buf_error(out);
    }
    return ERR_NOT_FOUND;
}
