#include "programs/core/service.h"

#include "base/text.h"
#include "privacy/pseudonym.h"
#include "sensorthings/json.h"
#include "services/bikes/minimise.h"

#include <sodium.h>

/*
 * The service of a bike zone. An operator is a device with two Datastreams:
 *
 *   "stations"  a list of stations with counts, one observation for each reading of the feed
 *   "vehicles"  {"vehicle_id","lat","lon","parked":true} for a vehicle that stands, and
 *               {"vehicle_id","parked":false} when it no longer does
 *
 * What is stored of the second: {"vehicle":<32 hex digits>,"lat","lon","area","parked":true}. Its
 * end is not stored: begin and end of sessions, put side by side, are half a trip.
 */
enum {
    MINUTE_S = 60,
    /* Bridges repeat every parked vehicle each minute; one that nobody repeats left unseen. Not in
     * the first minutes after a start: the silence may have been ours. */
    SILENT_MAX_S = 900,
    SAVE_GAP_MS = 1000,
    SEND_GAP_MS = 60100, /* a conduit of 1/min must not find a message a moment too early */
    COUNTS_MAX = 16,     /* areas in one minute at most, whatever a conduit may carry */
};

struct area_count {
    struct area area;
    uint32_t count;
};

struct bikes {
    struct service_ports ports;
    struct pseudonym_table table;
    bool dirty;
    uint64_t saved_ms;
    int64_t started_s;
    uint64_t sent_ms;
    int64_t window_s;     /* start of the minute that runs */
    uint32_t group_min;   /* of the conduits that carry counts; the conduit checks again */
    uint32_t counts_most; /* areas in one minute that the conduits let through */
    struct area_count areas[PSEUDONYM_SESSIONS_MAX];
};

/* Work space for the life of the process, which has one service. */
static struct buf state_space, text_space;

static void
read_conduits(struct bikes *b, const struct start *start)
{
    for (size_t i = 0; i < start->conduits_count; i++) {
        const struct start_conduit *c = &start->conduits[i];
        if (strcmp(c->from, start->zone) != 0 ||
            !start_list_has(c->carries, bytes_text("zone-count")))
            continue;
        uint32_t rate = c->rate_per_hour / 60 ? c->rate_per_hour / 60 : 1;
        bool first = b->counts_most == 0;
        if (first || c->group_min > b->group_min)
            b->group_min = c->group_min;
        if (first || rate < b->counts_most)
            b->counts_most = rate;
    }
    if (b->counts_most > COUNTS_MAX)
        b->counts_most = COUNTS_MAX;
}

static enum err
bikes_start(void *self, const struct start *start, const struct service_ports *ports,
            struct bytes saved_state)
{
    struct bikes *b = self;
    b->ports = *ports;
    b->started_s = ports->wall_us(ports->ctx) / 1000000;
    read_conduits(b, start);
    if (text_space.max == 0) {
        buf_init(&state_space, PSEUDONYM_STATE_MAX);
        buf_room(&state_space, PSEUDONYM_STATE_MAX); /* once: what it holds is moved nowhere */
        buf_init(&text_space, STATIONS_BYTES_MAX);
    }
    pseudonym_init(&b->table, ports->random);
    if (saved_state.len == 0)
        return OK;
    return pseudonym_load(&b->table, saved_state);
}

/* ---- what comes in ------------------------------------------------------------------------- */

static enum err
refuse(char *why, const char *sentence)
{
    snprintf(why, SERVICE_WHY_SIZE, "%s", sentence);
    return ERR_DENIED;
}

static enum err
keep_text(struct observation *o, struct arena *arena, char *why)
{
    if (buf_error(&text_space) != OK)
        return refuse(why, "the report is too long");
    struct bytes kept = arena_dup(arena, buf_bytes(&text_space));
    if (!kept.p)
        return refuse(why, "the report is too long");
    o->text = kept;
    o->extra = (struct bytes){0}; /* parameters and the like: nobody allowed them */
    return OK;
}

static enum err
admit_vehicle(struct bikes *b, const struct service_stream *stream, struct observation *o,
              struct arena *arena, char *why)
{
    struct vehicle_row row;
    if (minimise_vehicle(o->text, arena, &row) != OK)
        return refuse(why, "a vehicle has vehicle_id, parked, and when parked lat and lon");
    if (!row.parked) {
        if (pseudonym_leave(&b->table, stream->device, row.vehicle))
            b->dirty = true;
        return ERR_EXISTS; /* heard, and deliberately not stored */
    }
    const struct pseudonym_session *s;
    bool fresh;
    uint64_t now_s = (uint64_t)(b->ports.wall_us(b->ports.ctx) / 1000000);
    if (pseudonym_park(&b->table, stream->device, row.vehicle, row.place, now_s, &s, &fresh) != OK)
        return refuse(why, "more vehicles are parked than this zone can hold");
    if (!fresh)
        return ERR_EXISTS; /* it still stands where it stood: nothing new to keep */
    b->dirty = true;
    char area[COARSEN_AREA_SIZE];
    coarsen_area_name(coarsen_area(s->place), area);
    buf_reset(&text_space);
    buf_text(&text_space, "{\"vehicle\":\"");
    text_put_hex(&text_space, bytes_of(s->name, sizeof(s->name)));
    buf_text(&text_space, "\",\"lat\":");
    text_put_double(&text_space, s->place.lat_e4 / 1e4);
    buf_text(&text_space, ",\"lon\":");
    text_put_double(&text_space, s->place.lon_e4 / 1e4);
    buf_format(&text_space, ",\"area\":\"%s\",\"parked\":true}", area);
    int64_t minute_us = MINUTE_S * INT64_C(1000000);
    o->time_us -= ((o->time_us % minute_us) + minute_us) % minute_us;
    o->time_end_us = o->result_time_us = o->time_us;
    return keep_text(o, arena, why);
}

static enum err
admit_stations(struct observation *o, struct arena *arena, char *why)
{
    buf_reset(&text_space);
    if (minimise_stations(o->text, &text_space) != OK)
        return refuse(why, "stations are a list of objects with a station_id and plain values");
    return keep_text(o, arena, why);
}

static enum err
bikes_admit(void *self, const struct service_stream *stream, struct observation *o,
            struct arena *arena, char *why)
{
    struct bikes *b = self;
    struct bytes key;
    size_t bad;
    bool vehicles = bytes_are(stream->name, "vehicles");
    if (!vehicles && !bytes_are(stream->name, "stations"))
        return refuse(why, "this zone keeps the Datastreams \"stations\" and \"vehicles\" only");
    if (vehicles && !stream->personal)
        return refuse(why, "vehicles need a data class that the charter calls personal");
    if (o->kind != RESULT_JSON || !sta_json_check(o->text, &bad))
        return refuse(why, "the result must be JSON");
    if (minimise_is_trip(o->text, &key)) {
        snprintf(why, SERVICE_WHY_SIZE,
                 "the member \"%.*s\" belongs to a trip or a rider; this city keeps neither",
                 (int)(key.len < 60 ? key.len : 60), (const char *)key.p);
        return ERR_DENIED;
    }
    return vehicles ? admit_vehicle(b, stream, o, arena, why) : admit_stations(o, arena, why);
}

/* ---- counts by area ------------------------------------------------------------------------ */

static int
by_area(const void *x, const void *y)
{
    const struct area_count *a = x, *b = y;
    int row = (a->area.row > b->area.row) - (a->area.row < b->area.row);
    return row ? row : (a->area.column > b->area.column) - (a->area.column < b->area.column);
}

static int
by_count(const void *x, const void *y)
{
    const struct area_count *a = x, *b = y;
    int more = (a->count < b->count) - (a->count > b->count);
    return more ? more : by_area(x, y);
}

/* Vehicles that stand now, by area, the fullest first. Answers the number of areas. */
static uint32_t
count_areas(struct bikes *b)
{
    uint32_t rows = 0, areas = 0;
    for (uint32_t i = 0; i < PSEUDONYM_SLOTS; i++)
        if (b->table.slots[i].seen_s != 0)
            b->areas[rows++] = (struct area_count){coarsen_area(b->table.slots[i].place), 1};
    ASSERT(rows == b->table.count);
    qsort(b->areas, rows, sizeof(b->areas[0]), by_area);
    for (uint32_t i = 0; i < rows; i++) {
        if (areas > 0 && by_area(&b->areas[areas - 1], &b->areas[i]) == 0)
            b->areas[areas - 1].count++;
        else
            b->areas[areas++] = b->areas[i];
    }
    qsort(b->areas, areas, sizeof(b->areas[0]), by_count);
    return areas;
}

static void
send_counts(struct bikes *b)
{
    uint32_t areas = count_areas(b), sent = 0;
    for (uint32_t i = 0; i < areas && sent < b->counts_most; i++) {
        if (b->areas[i].count < b->group_min || b->areas[i].count == 0)
            break;
        char area[COARSEN_AREA_SIZE];
        coarsen_area_name(b->areas[i].area, area);
        struct zone_count c = {.area = bytes_text(area),
                               .count = b->areas[i].count,
                               .window_start_s = b->window_s,
                               .window_s = MINUTE_S};
        if (b->ports.count(b->ports.ctx, &c) != OK)
            break; /* no conduit, or it is down: the next minute has new counts */
        sent++;
    }
}

static void
bikes_tick(void *self)
{
    struct bikes *b = self;
    int64_t now_s = b->ports.wall_us(b->ports.ctx) / 1000000;
    int64_t window_s = now_s - now_s % MINUTE_S;
    uint64_t now_ms = b->ports.mono_ms(b->ports.ctx);
    if (b->window_s == 0)
        b->window_s = window_s;
    if (window_s > b->window_s && (b->sent_ms == 0 || now_ms - b->sent_ms >= SEND_GAP_MS)) {
        b->sent_ms = now_ms;
        if (b->counts_most > 0)
            send_counts(b);
        b->window_s = window_s;
        if (now_s > b->started_s + SILENT_MAX_S &&
            pseudonym_expire(&b->table, (uint64_t)(now_s - SILENT_MAX_S)) > 0)
            b->dirty = true;
    }
    if (!b->dirty || (b->saved_ms && now_ms - b->saved_ms < SAVE_GAP_MS))
        return;
    buf_reset(&state_space);
    pseudonym_save(&b->table, &state_space);
    b->saved_ms = now_ms;
    bool saved =
        buf_error(&state_space) == OK && b->ports.save(b->ports.ctx, buf_bytes(&state_space)) == OK;
    sodium_memzero(state_space.p, state_space.len); /* the table's key was in it */
    if (saved)
        b->dirty = false;
}

static uint64_t
bikes_shown(void *self)
{
    const struct bikes *b = self;
    return b->table.count;
}

const struct service service_this = {
    .name = "bikes",
    .size = sizeof(struct bikes),
    .start = bikes_start,
    .admit = bikes_admit,
    .tick = bikes_tick,
    .shown = bikes_shown,
};
