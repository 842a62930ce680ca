#include "services/bikes/minimise.h"

#include "base/text.h"
#include "sensorthings/json.h"

enum { KEY_BYTES_MAX = 64 };

/* Members that no row about a parked vehicle or a station needs, and every trip or rider has. */
static const char *const trip_keys[] = {
    "trip",
    "trip_id",
    "trip_ids",
    "trips",
    "journey_id",
    "ride_id",
    "rental_id",
    "start",
    "end",
    "start_time",
    "end_time",
    "started_at",
    "ended_at",
    "start_lat",
    "end_lat",
    "start_lon",
    "end_lon",
    "start_station_id",
    "end_station_id",
    "start_location",
    "end_location",
    "from_station_id",
    "to_station_id",
    "origin",
    "destination",
    "route",
    "path",
    "trajectory",
    "telemetry",
    "user",
    "user_id",
    "rider",
    "rider_id",
    "customer_id",
    "previous_location",
    "last_location",
    "previous_vehicle_id",
};

/* Allowed for a station: what the operator publishes about equipment, nothing about people. */
static const char *const station_keys[] = {
    "station_id",
    "lat",
    "lon",
    "capacity",
    "num_vehicles_available",
    "num_vehicles_disabled",
    "num_docks_available",
    "num_docks_disabled",
    "is_installed",
    "is_renting",
    "is_returning",
    "last_reported",
};

static bool
key_is_trip(struct bytes key)
{
    /* "tripId", "trip-id" and "TRIP_ID" are the same word. */
    char plain[KEY_BYTES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < key.len && n < sizeof(plain); i++) {
        uint8_t c = key.p[i];
        if (c == '_' || c == '-' || c == ' ')
            continue;
        plain[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    for (size_t k = 0; k < ARRAY_COUNT(trip_keys); k++) {
        const char *word = trip_keys[k];
        size_t at = 0;
        for (; *word; word++) {
            if (*word == '_')
                continue;
            if (at >= n || plain[at] != *word)
                break;
            at++;
        }
        if (*word == '\0' && at == n)
            return true;
    }
    return false;
}

/* Depth is bounded by the check that the text passed before. */
static bool
trip_in(struct bytes json, uint32_t depth, struct bytes *out_key)
{
    ASSERT(depth <= STA_JSON_DEPTH_MAX);
    struct sta_json_walk walk = {json, 0};
    struct bytes key, value;
    if (sta_json_kind(json) == STA_JSON_OBJECT) {
        while (sta_json_next_member(&walk, &key, &value)) {
            bool escaped = bytes_find(key, '\\') != key.len; /* an honest key has none */
            if (escaped || key_is_trip(key)) {
                *out_key = key;
                return true;
            }
            if (trip_in(value, depth + 1, out_key))
                return true;
        }
    } else if (sta_json_kind(json) == STA_JSON_ARRAY) {
        while (sta_json_next_item(&walk, &value))
            if (trip_in(value, depth + 1, out_key))
                return true;
    }
    return false;
}

bool
minimise_is_trip(struct bytes json, struct bytes *out_key)
{
    return trip_in(json, 0, out_key);
}

enum err
minimise_vehicle(struct bytes json, struct arena *arena, struct vehicle_row *out)
{
    struct vehicle_row row = {0};
    double lat, lon;
    if (sta_json_kind(json) != STA_JSON_OBJECT)
        return ERR_MALFORMED;
    struct bytes id = sta_json_member(json, bytes_text("vehicle_id"));
    struct bytes parked = sta_json_member(json, bytes_text("parked"));
    if (id.len == 0 || sta_json_text(id, arena, &row.vehicle) != OK || row.vehicle.len == 0 ||
        row.vehicle.len > VEHICLE_ID_MAX)
        return ERR_MALFORMED;
    row.parked = bytes_are(parked, "true");
    if (!row.parked && !bytes_are(parked, "false"))
        return ERR_MALFORMED;
    if (row.parked && (text_double(sta_json_member(json, bytes_text("lat")), &lat) != OK ||
                       text_double(sta_json_member(json, bytes_text("lon")), &lon) != OK ||
                       coarsen_place(lat, lon, &row.place) != OK))
        return ERR_MALFORMED;
    *out = row;
    return OK;
}

static enum err
put_station(struct buf *out, struct bytes station)
{
    if (sta_json_kind(station) != STA_JSON_OBJECT ||
        sta_json_member(station, bytes_text("station_id")).len == 0)
        return ERR_MALFORMED;
    buf_byte(out, '{');
    bool first = true;
    for (size_t i = 0; i < ARRAY_COUNT(station_keys); i++) {
        struct bytes value = sta_json_member(station, bytes_text(station_keys[i]));
        if (value.len == 0)
            continue;
        enum sta_json_kind kind = sta_json_kind(value);
        if (kind == STA_JSON_OBJECT || kind == STA_JSON_ARRAY)
            return ERR_MALFORMED; /* an allowed name is no door for a nested rest */
        buf_format(out, "%s\"%s\":", first ? "" : ",", station_keys[i]);
        buf_put(out, value);
        first = false;
    }
    buf_byte(out, '}');
    return OK;
}

enum err
minimise_stations(struct bytes json, struct buf *out)
{
    if (sta_json_kind(json) != STA_JSON_ARRAY)
        return ERR_MALFORMED;
    struct sta_json_walk walk = {json, 0};
    struct bytes station;
    uint32_t count = 0;
    buf_byte(out, '[');
    while (sta_json_next_item(&walk, &station)) {
        if (++count > STATIONS_MAX)
            return ERR_LIMIT;
        if (count > 1)
            buf_byte(out, ',');
        enum err e = put_station(out, station);
        if (e != OK)
            return e;
    }
    buf_byte(out, ']');
    return buf_error(out);
}
