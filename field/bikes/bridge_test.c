#include "field/bikes/bridge.h"

#include "base/test.h"
#include "field/bikes/feed_write.h"

static struct feed one, two;
static struct fleet fleet;
static struct random_seeded seeded;

/* From a fleet through the written files to a feed that was read. */
static void
through_files(struct feed *f)
{
    static const char *const names[] = {"station_information", "station_status", "vehicle_status"};
    struct buf text;
    buf_init(&text, FEED_FILE_MAX);
    feed_reset(f);
    /* Status before information: rows are joined in any order. */
    for (int i = FEED_URLS - 1; i >= 0; i--) {
        buf_reset(&text);
        CHECK_OK(feed_write(names[i], &fleet, "http://x/", 1800000000000000, &text));
        struct bytes exact = test_exact(buf_bytes(&text));
        CHECK_OK(feed_read_file(f, (enum feed_file)i, exact));
        test_exact_free(exact);
    }
    feed_finish(f);
    buf_fini(&text);
}

static uint32_t
standing(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < fleet.vehicles_count; i++)
        n += fleet.vehicles[i].parked && !fleet.vehicles[i].station ? 1 : 0;
    return n;
}

TEST(what_a_fleet_writes_is_read_back)
{
    seeded.state = test_seed();
    fleet_init(&fleet, random_seeded_source(&seeded), 500, 40);
    for (uint64_t t = 0; t < 600000; t += 5000) {
        fleet_step(&fleet, t);
        through_files(&one);
        CHECK(one.stations_count == 40 && one.vehicles_count == standing());
        for (uint32_t i = 0; i < 40; i++) {
            const struct feed_station *s = &one.stations[i];
            CHECK(s->informed && s->reported && s->vehicles + s->docks == s->capacity);
        }
    }
    CHECK(fleet.trips > 500);
}

TEST(an_id_ends_with_its_parking_session)
{
    seeded.state = test_seed();
    fleet_init(&fleet, random_seeded_source(&seeded), 50, 5);
    static struct fleet_vehicle before[50];
    uint64_t trips = 0;
    for (uint64_t t = 0; t < 600000; t += 1000) {
        memcpy(before, fleet.vehicles, sizeof(before));
        fleet_step(&fleet, t);
        for (uint32_t i = 0; i < 50; i++) {
            const struct fleet_vehicle *a = &before[i], *b = &fleet.vehicles[i];
            if (a->parked && b->parked)
                CHECK(strcmp(a->id, b->id) == 0 && a->lat == b->lat && a->lon == b->lon);
            if (!a->parked && b->parked) {
                trips++;
                for (uint32_t k = 0; k < 50; k++)
                    CHECK(k == i || strcmp(fleet.vehicles[k].id, b->id) != 0);
            }
        }
    }
    CHECK(trips > 50 && trips == fleet.trips);
}

struct heard {
    uint32_t parked, gone;
};
static bool
hear(void *ctx, struct bytes result)
{
    struct heard *h = ctx;
    bool is_parked = memmem(result.p, result.len, "\"parked\":true", 13) != NULL;
    bool has_place = memmem(result.p, result.len, "\"lat\"", 5) != NULL;
    CHECK(is_parked == has_place); /* a departure has no place */
    h->parked += is_parked ? 1 : 0;
    h->gone += is_parked ? 0 : 1;
    return true;
}

TEST(the_bridge_says_what_changed_and_repeats_the_rest)
{
    seeded.state = test_seed();
    fleet_init(&fleet, random_seeded_source(&seeded), 300, 0);
    feed_reset(&one);
    through_files(&two);
    struct heard h = {0};
    bridge_vehicles(&one, &two, 0, 1000000, hear, &h);
    CHECK(h.parked == 300 && h.gone == 0);
    through_files(&one);
    h = (struct heard){0};
    for (uint32_t turn = 0; turn < 11; turn++)
        bridge_vehicles(&one, &two, turn, 11, hear, &h);
    CHECK(h.parked == 300 && h.gone == 0); /* each once in eleven turns */
    one.vehicles[7].reserved = true;
    one.vehicles[9].lat += 0.01;
    h = (struct heard){0};
    bridge_vehicles(&two, &one, 0, UINT32_MAX, hear, &h);
    CHECK(h.parked == 1 && h.gone == 1);
    feed_reset(&one);
    h = (struct heard){0};
    bridge_vehicles(&two, &one, 0, 11, hear, &h);
    CHECK(h.parked == 0 && h.gone == 300);
}

TEST(stations_come_in_parts_that_fit)
{
    feed_reset(&one);
    for (uint32_t i = 0; i < 2200; i++) {
        struct feed_station *s = &one.stations[one.stations_count++];
        *s = (struct feed_station){.informed = true, .reported = i % 2 == 0, .capacity = 20};
        snprintf(s->id, sizeof(s->id), "station-%u", i);
    }
    struct buf part;
    buf_init(&part, BRIDGE_PART_MAX);
    uint32_t at = 0, rows = 0;
    while (bridge_stations(&one, &at, &part)) {
        CHECK_OK(buf_error(&part));
        for (size_t i = 0; i + 12 < part.len; i++)
            rows += memcmp(part.p + i, "\"station_id\"", 12) == 0 ? 1 : 0;
    }
    CHECK(rows == 1100);
    buf_fini(&part);
}

static enum err
read_vehicles(const char *json)
{
    feed_reset(&one);
    enum err e = feed_read_file(&one, FEED_VEHICLE_STATUS, bytes_text(json));
    feed_finish(&one);
    return e;
}

TEST(a_bad_row_costs_that_row_and_a_bad_file_that_file)
{
    CHECK(read_vehicles("<html>") == ERR_MALFORMED && read_vehicles("{}") == ERR_MALFORMED);
    CHECK(read_vehicles("{\"data\":{\"vehicles\":7}}") == ERR_MALFORMED);
    CHECK_OK(
        read_vehicles("{\"data\":{\"vehicles\":[7,{},{\"vehicle_id\":\"a b\",\"lat\":1,\"lon\":1},"
                      "{\"vehicle_id\":\"a\",\"lat\":91,\"lon\":1},"
                      "{\"vehicle_id\":\"b\",\"lat\":1,\"lon\":1},"
                      "{\"vehicle_id\":\"b\",\"lat\":2,\"lon\":2},"
                      "{\"vehicle_id\":\"c\",\"station_id\":\"s\",\"is_reserved\":1}]}}"));
    CHECK(one.rows[FEED_VEHICLE_STATUS] == 7 && one.vehicles_count == 2);
    CHECK(!one.vehicles[1].placed && one.vehicles[1].reserved);
    CHECK_OK(read_vehicles("{\"data\":{\"bikes\":[{\"bike_id\":\"b\",\"lat\":1,\"lon\":1}]}}"));
    CHECK(one.vehicles_count == 1);
}

TEST(discovery_is_read_in_both_forms)
{
    static char urls[FEED_URLS][FEED_URL_SIZE];
    CHECK(feed_read_discovery(bytes_text("{\"data\":7}"), urls) == ERR_MALFORMED);
    CHECK_OK(feed_read_discovery(bytes_text("{\"data\":{\"en\":{\"feeds\":[{\"name\":"
                                            "\"free_bike_status\",\"url\":\"u\"}]}}}"),
                                 urls));
    CHECK(strcmp(urls[FEED_VEHICLE_STATUS], "u") == 0 && urls[FEED_STATION_STATUS][0] == '\0');
    struct buf text;
    buf_init(&text, 4096);
    CHECK_OK(feed_write("gbfs", &fleet, "http://x/", 0, &text));
    CHECK_OK(feed_read_discovery(buf_bytes(&text), urls));
    CHECK(strcmp(urls[FEED_VEHICLE_STATUS], "http://x/vehicle_status.json") == 0);
    CHECK(feed_write("trips", &fleet, "", 0, &text) == ERR_NOT_FOUND);
    buf_fini(&text);
}
