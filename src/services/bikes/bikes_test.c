#include "programs/core/service.h"

#include "base/test.h"
#include "base/text.h"
#include "privacy/pseudonym.h"
#include "sensorthings/json.h"

/* ---- a core that is written down here ------------------------------------------------------ */

static int64_t wall_s;
static uint32_t counts, saves;
static struct zone_count last_count;
static char last_area[64];
static struct buf saved;
static struct arena arena;
static char why[SERVICE_WHY_SIZE];

static int64_t
on_wall(void *ctx)
{
    (void)ctx;
    return wall_s * 1000000;
}
static uint64_t
on_mono(void *ctx)
{
    (void)ctx;
    return (uint64_t)wall_s * 1000;
}
static enum err
on_count(void *ctx, const struct zone_count *c)
{
    (void)ctx;
    counts++;
    last_count = *c;
    return bytes_copy_text(c->area, last_area, sizeof(last_area));
}
static enum err
on_save(void *ctx, struct bytes state)
{
    (void)ctx;
    saves++;
    buf_reset(&saved);
    buf_put(&saved, state);
    return buf_error(&saved);
}

static struct random_seeded seeded;

static void *
service_new(struct bytes state, uint32_t group_min, uint32_t rate_per_hour)
{
    static struct start start;
    memset(&start, 0, sizeof(start));
    snprintf(start.zone, sizeof(start.zone), "bikes");
    struct start_conduit *c = &start.conduits[0];
    start.conduits_count = 1;
    snprintf(c->from, sizeof(c->from), "bikes");
    snprintf(c->carries, sizeof(c->carries), "zone-count");
    c->group_min = group_min;
    c->rate_per_hour = rate_per_hour;
    if (saved.max == 0) {
        buf_init(&saved, SERVICE_STATE_MAX);
        arena_init(&arena, 256 * 1024);
    }
    struct service_ports ports = {.count = on_count,
                                  .save = on_save,
                                  .wall_us = on_wall,
                                  .mono_ms = on_mono,
                                  .random = random_seeded_source(&seeded)};
    void *self = calloc(1, service_this.size);
    ASSERT(self);
    if (wall_s == 0)
        wall_s = 1800000000 - 1800000000 % 60;
    counts = saves = 0;
    CHECK_OK(service_this.start(self, &start, &ports, state));
    return self;
}

static struct service_stream vehicles = {.id = 2,
                                         .device = {(const uint8_t *)"operator-bikes", 14},
                                         .name = {(const uint8_t *)"vehicles", 8},
                                         .personal = true};
static struct service_stream stations = {.id = 1,
                                         .device = {(const uint8_t *)"operator-bikes", 14},
                                         .name = {(const uint8_t *)"stations", 8}};

/* Hand in one result; *o is what would be stored, in the arena until the next call. */
static enum err
hand_in(void *self, const struct service_stream *stream, const char *json, struct observation *o)
{
    arena_reset(&arena);
    why[0] = '\0';
    *o = (struct observation){.kind = RESULT_JSON,
                              .text = bytes_text(json),
                              .time_us = wall_s * 1000000 + 123456,
                              .time_end_us = wall_s * 1000000 + 123456,
                              .result_time_us = wall_s * 1000000 + 123456,
                              .extra = bytes_text("{\"parameters\":{\"rider\":\"jo\"}}")};
    enum err e = service_this.admit(self, stream, o, &arena, why);
    CHECK(e == OK || e == ERR_EXISTS || (e == ERR_DENIED && why[0]));
    return e;
}

static enum err
park(void *self, const char *id, double lat, double lon, struct observation *o)
{
    char json[300];
    snprintf(json, sizeof(json),
             "{\"vehicle_id\":\"%s\",\"lat\":%.6f,\"lon\":%.6f,\"parked\":true}", id, lat, lon);
    return hand_in(self, &vehicles, json, o);
}

static enum err
leave(void *self, const char *id, struct observation *o)
{
    char json[300];
    snprintf(json, sizeof(json), "{\"vehicle_id\":\"%s\",\"parked\":false}", id);
    return hand_in(self, &vehicles, json, o);
}

static bool
contains(struct bytes text, const char *word)
{
    return memmem(text.p, text.len, word, strlen(word)) != NULL;
}

/* ---- each rule ------------------------------------------------------------------------------- */

TEST(only_allowed_fields_are_kept)
{
    void *self = service_new((struct bytes){0}, 10, 60);
    struct observation o;
    CHECK_OK(
        hand_in(self, &vehicles,
                "{\"vehicle_id\":\"CANARY-1\",\"lat\":45.421546,\"lon\":-75.697189,"
                "\"parked\":true,\"plate\":\"CANARY-2\",\"rental_uris\":{\"web\":\"CANARY-3\"},"
                "\"current_range_meters\":1234}",
                &o));
    CHECK(!contains(o.text, "CANARY") && !contains(o.text, "1234") && o.extra.len == 0);
    CHECK(contains(o.text, "\"lat\":45.4215,\"lon\":-75.6972,\"area\":\"cell-"));
    CHECK(o.time_us % 60000000 == 0 && o.result_time_us == o.time_us && o.time_end_us == o.time_us);
    size_t bad;
    CHECK(sta_json_check(o.text, &bad));
    CHECK_OK(
        hand_in(self, &stations,
                "[{\"station_id\":\"s1\",\"num_vehicles_available\":3,\"last_renter\":\"CANARY\","
                "\"x\":{\"y\":\"CANARY\"}},{\"station_id\":\"s2\",\"is_renting\":true}]",
                &o));
    CHECK(bytes_are(o.text, "[{\"station_id\":\"s1\",\"num_vehicles_available\":3},"
                            "{\"station_id\":\"s2\",\"is_renting\":true}]"));
    free(self);
}

TEST(what_looks_like_a_trip_is_refused_with_a_sentence)
{
    static const char *const bad[] = {
        "{\"vehicle_id\":\"v\",\"lat\":1,\"lon\":1,\"parked\":true,\"trip_id\":7}",
        "{\"vehicle_id\":\"v\",\"lat\":1,\"lon\":1,\"parked\":true,\"tripId\":7}",
        "{\"vehicle_id\":\"v\",\"lat\":1,\"lon\":1,\"parked\":true,\"x\":[{\"Start-Time\":7}]}",
        "{\"vehicle_id\":\"v\",\"parked\":false,\"end\":{\"lat\":1}}",
        "{\"vehicle_id\":\"v\",\"parked\":false,\"origin\":1,\"destination\":2}",
        "{\"vehicle_id\":\"v\",\"parked\":false,\"\\u0074rip_id\":1}",
        "{\"vehicle_id\":\"v\",\"parked\":false,\"user_id\":1}"};
    void *self = service_new((struct bytes){0}, 10, 60);
    struct observation o;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        CHECK(hand_in(self, &vehicles, bad[i], &o) == ERR_DENIED);
        CHECK(strstr(why, "trip or a rider"));
    }
    CHECK(hand_in(self, &stations, "[{\"station_id\":\"s\",\"trips\":[1]}]", &o) == ERR_DENIED);
    CHECK(service_this.shown(self) == 0);
    static const char *const broken[] = {
        "[]",
        "{}",
        "7",
        "{\"vehicle_id\":\"v\",\"parked\":1}",
        "{\"vehicle_id\":\"\",\"parked\":false}",
        "{\"vehicle_id\":\"v\",\"parked\":true}",
        "{\"vehicle_id\":\"v\",\"parked\":true,\"lat\":91,\"lon\":0}"};
    for (size_t i = 0; i < ARRAY_COUNT(broken); i++)
        CHECK(hand_in(self, &vehicles, broken[i], &o) == ERR_DENIED);
    CHECK(hand_in(self, &stations, "[{\"station_id\":\"s\",\"lat\":{\"a\":1}}]", &o) == ERR_DENIED);
    struct service_stream plain = vehicles;
    plain.personal = false;
    CHECK(hand_in(self, &plain, "{\"vehicle_id\":\"v\",\"parked\":false}", &o) == ERR_DENIED);
    plain.name = bytes_text("riders");
    CHECK(hand_in(self, &plain, "{}", &o) == ERR_DENIED);
    free(self);
}

TEST(a_session_lives_through_a_restart_and_ends_with_the_trip)
{
    void *self = service_new((struct bytes){0}, 10, 60);
    struct observation o;
    CHECK_OK(park(self, "v1", 45.42, -75.69, &o));
    CHECK(park(self, "v1", 45.42, -75.69, &o) == ERR_EXISTS);
    service_this.tick(self);
    CHECK(saves == 1 && service_this.shown(self) == 1);
    free(self);
    struct buf state;
    buf_init(&state, SERVICE_STATE_MAX);
    buf_put(&state, buf_bytes(&saved));
    self = service_new(buf_bytes(&state), 10, 60);
    buf_fini(&state);
    CHECK(park(self, "v1", 45.42, -75.69, &o) == ERR_EXISTS);
    CHECK(leave(self, "v1", &o) == ERR_EXISTS && service_this.shown(self) == 0);
    CHECK_OK(park(self, "v1", 45.42, -75.69, &o));
    /* One that nobody repeats has left unseen. */
    for (int minute = 0; minute < 20; minute++) {
        wall_s += 60;
        service_this.tick(self);
    }
    CHECK(service_this.shown(self) == 0);
    free(self);
}

TEST(counts_go_out_once_a_minute_and_only_for_groups)
{
    void *self = service_new((struct bytes){0}, 10, 60);
    struct observation o;
    char id[20];
    service_this.tick(self);
    for (int i = 0; i < 9; i++) {
        snprintf(id, sizeof(id), "a%d", i);
        CHECK_OK(park(self, id, 45.42, -75.69, &o));
        snprintf(id, sizeof(id), "b%d", i);
        CHECK_OK(park(self, id, 45.52, -75.69, &o));
    }
    wall_s += 60;
    service_this.tick(self);
    CHECK(counts == 0);
    CHECK_OK(park(self, "a9", 45.42, -75.69, &o));
    for (int i = 0; i < 600; i++) {
        service_this.tick(self);
        if (i % 10 == 9)
            wall_s++;
    }
    service_this.tick(self);
    CHECK(counts == 0); /* a moment too early for a conduit of one a minute */
    wall_s++;
    service_this.tick(self);
    service_this.tick(self);
    CHECK(counts == 1 && last_count.count == 10 && last_count.window_s == 60);
    CHECK(last_count.window_start_s % 60 == 0 && strncmp(last_area, "cell-", 5) == 0);
    free(self);
}

/* ---- D1 of specs/privacy.md 8: a simulated week ---------------------------------------------- */

enum { FLEET = 60, ROWS_MAX = 40000, WEEK_MIN = 7 * 24 * 60 };
struct kept {
    uint8_t vehicle[PSEUDONYM_SIZE];
    uint32_t session; /* the truth: which parking session it came from */
};
static struct kept stored[ROWS_MAX];
static struct kept raw[ROWS_MAX]; /* what an operator with lasting ids sent */
static uint32_t stored_count, raw_count;

static int
by_vehicle(const void *a, const void *b)
{
    return memcmp(a, b, PSEUDONYM_SIZE);
}

/* Trips that can be built: neighbours with one identifier and two sessions. */
static uint32_t
trips_from(struct kept *rows, uint32_t count)
{
    uint32_t trips = 0;
    qsort(rows, count, sizeof(rows[0]), by_vehicle);
    for (uint32_t i = 1; i < count; i++)
        if (memcmp(rows[i - 1].vehicle, rows[i].vehicle, PSEUDONYM_SIZE) == 0 &&
            rows[i - 1].session != rows[i].session)
            trips++;
    return trips;
}

static void
keep_stored(const struct observation *o, uint32_t session)
{
    ASSERT(stored_count < ROWS_MAX);
    struct bytes hex = sta_json_member(o->text, bytes_text("vehicle"));
    CHECK(hex.len == 2 + 2 * PSEUDONYM_SIZE);
    CHECK_OK(
        text_hex(bytes_of(hex.p + 1, hex.len - 2), stored[stored_count].vehicle, PSEUDONYM_SIZE));
    CHECK(!contains(o->text, "bike-") && contains(o->text, "\"parked\":true"));
    stored[stored_count++].session = session;
}

TEST(from_a_stored_week_no_trip_can_be_built)
{
    seeded.state = test_seed();
    struct random_source r = random_seeded_source(&seeded);
    void *self = service_new((struct bytes){0}, 10, 60);
    static struct {
        bool parked;
        double lat, lon;
        uint32_t session, until_min, cell;
    } fleet[FLEET];
    uint32_t sessions = 0, trips = 0;
    struct observation o;
    memset(fleet, 0, sizeof(fleet));
    stored_count = raw_count = 0;
    for (uint32_t minute = 0; minute < WEEK_MIN; minute++, wall_s += 60) {
        for (uint32_t v = 0; v < FLEET; v++) {
            char id[20];
            snprintf(id, sizeof(id), "bike-%u", v);
            if (minute >= fleet[v].until_min) {
                if (fleet[v].parked) {
                    trips++;
                    /* Half the departures are never reported: the vehicle just turns up elsewhere,
                     * at least 400 m away. */
                    if (random_below(&r, 2))
                        CHECK(leave(self, id, &o) == ERR_EXISTS);
                    fleet[v].parked = false;
                    fleet[v].until_min = minute + 5 + (uint32_t)random_below(&r, 25);
                    continue;
                }
                fleet[v].parked = true;
                fleet[v].session = ++sessions;
                fleet[v].cell = (fleet[v].cell + 1 + (uint32_t)random_below(&r, 9)) % 10;
                fleet[v].lat =
                    45.40 + (double)fleet[v].cell * 0.004 + (double)random_below(&r, 100) * 1e-6;
                fleet[v].lon = -75.70 + (double)random_below(&r, 10) * 0.005;
                fleet[v].until_min = minute + 10 + (uint32_t)random_below(&r, 300);
            } else if (!fleet[v].parked || minute % 10 != 0) {
                continue;
            }
            enum err e = park(self, id, fleet[v].lat + (double)random_below(&r, 50) * 1e-6,
                              fleet[v].lon, &o);
            CHECK(e == OK || e == ERR_EXISTS);
            if (e == OK)
                keep_stored(&o, fleet[v].session);
            ASSERT(raw_count < ROWS_MAX * 10);
            if (raw_count < ROWS_MAX) {
                memset(raw[raw_count].vehicle, 0, PSEUDONYM_SIZE);
                memcpy(raw[raw_count].vehicle, id, strlen(id));
                raw[raw_count++].session = fleet[v].session;
            }
        }
        service_this.tick(self);
    }
    CHECK(sessions > 3000 && stored_count == sessions);
    CHECK(trips_from(raw, raw_count) > 1000); /* the attack works on the raw feed */
    CHECK(trips_from(stored, stored_count) == 0);
    free(self);
}
