/* exchange_test.c -- what is posted of what another server answered. */
#include "cli/exchange.h"

#include "base/test.h"
#include "cli/exchange_map.h"

#include <fcntl.h>
#include <unistd.h>

static uint64_t
ten_more(void *ctx, const char *set, struct bytes old_id)
{
    (void)ctx;
    if (bytes_are(old_id, "99"))
        return 0;
    return strcmp(set, "Things") == 0 ? 14 : bytes_are(old_id, "\"a\"") ? 17 : 18;
}

static const char *
entity(const char *set, const char *json, const char *class_name, enum err want)
{
    static struct buf out;
    buf_fini(&out);
    buf_init(&out, 4096);
    CHECK(exchange_put_entity(&out, set, bytes_text(json), class_name, ten_more, NULL) == want);
    return want == OK ? buf_string(&out) : "";
}

TEST(what_a_server_keeps_is_left_out_and_links_have_new_ids)
{
    const char *said =
        entity("Datastreams",
               "{\"@iot.id\":3,\"@iot.selfLink\":\"http://x\",\"name\":\"n\",\"description\":\"d\","
               "\"observedArea\":{\"type\":\"Point\"},\"phenomenonTime\":null,\"resultTime\":\"x\","
               "\"Observations@iot.navigationLink\":\"y\",\"Observations\":[{\"result\":1}],"
               "\"properties\":{\"k\":1.50},\"Thing\":{\"@iot.id\":4,\"name\":\"old\"},"
               "\"Sensor\":{\"@iot.id\":\"a\"},\"ObservedProperty\":{\"@iot.id\":5}}",
               "level", OK);
    CHECK(strcmp(said, "{\"name\":\"n\",\"description\":\"d\",\"properties\":{\"class\":\"level\","
                       "\"k\":1.50},\"Thing\":{\"@iot.id\":14},\"Sensor\":{\"@iot.id\":17},"
                       "\"ObservedProperty\":{\"@iot.id\":18}}") == 0);
}

TEST(a_class_that_is_named_stays_and_only_streams_get_one)
{
    CHECK(strcmp(entity("Datastreams", "{\"properties\":{\"class\":\"own\"}}", "level", OK),
                 "{\"properties\":{\"class\":\"own\"}}") == 0);
    CHECK(strcmp(entity("Datastreams", "{\"name\":\"n\"}", "level", OK),
                 "{\"name\":\"n\",\"properties\":{\"class\":\"level\"}}") == 0);
    CHECK(strcmp(entity("Things", "{\"properties\":{}}", "level", OK), "{\"properties\":{}}") == 0);
    CHECK(
        strcmp(entity("Things", "{\"Locations\":[{\"@iot.id\":1},{\"@iot.id\":\"a\"}]}", NULL, OK),
               "{\"Locations\":[{\"@iot.id\":18},{\"@iot.id\":17}]}") == 0);
}

TEST(a_link_to_what_was_not_brought_over_is_refused)
{
    entity("Things", "{\"Locations\":[{\"@iot.id\":1},{\"@iot.id\":99}]}", NULL, ERR_NOT_FOUND);
    entity("Datastreams", "{\"Thing\":{\"name\":\"no id\"}}", NULL, ERR_NOT_FOUND);
    entity("Datastreams", "[1]", NULL, ERR_MALFORMED);
    entity("Nothings", "{}", NULL, ERR_MALFORMED);
}

static const char *
rows(const char *group, uint64_t from, uint64_t to, enum err want)
{
    static struct buf out;
    buf_fini(&out);
    buf_init(&out, 4096);
    CHECK(exchange_put_rows(&out, bytes_text(group), 7, from, to, ten_more, NULL) == want);
    return want == OK ? buf_string(&out) : "";
}

TEST(rows_keep_their_digits_and_lose_their_ids)
{
    static const char group[] = "{\"components\":[\"id\",\"result\",\"FeatureOfInterest/id\"],"
                                "\"dataArray\":[[1,1.50e0,5],[2,-0,null],[3,\"x\",99]]}";
    CHECK(strcmp(rows(group, 0, 9, OK),
                 "[{\"Datastream\":{\"@iot.id\":7},\"components\":[\"result\",\"FeatureOfInterest/"
                 "id\"],\"dataArray\":[[1.50e0,18],[-0,null],[\"x\",null]]}]") == 0);
    CHECK(strstr(rows(group, 1, 2, OK), "\"dataArray\":[[-0,null]]}]"));
    rows("{\"components\":[\"result\"],\"dataArray\":[[1,2]]}", 0, 1, ERR_MALFORMED);
    rows("{\"components\":[\"result\",\"x\"],\"dataArray\":[[1]]}", 0, 1, ERR_MALFORMED);
    rows("{\"components\":[],\"dataArray\":[[]]}", 0, 1, ERR_MALFORMED);
    rows("{\"dataArray\":[[1]]}", 0, 1, ERR_MALFORMED);
}

TEST(a_map_tells_the_next_run_what_was_made_and_forgets_a_torn_line)
{
    char path[] = "/tmp/bulkhead-map-XXXXXX";
    bool resumed;
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    struct exchange_map *m = exchange_map_open(path, &resumed);
    CHECK(m && !resumed);
    CHECK(exchange_map_find(m, "Things \"a b\"") == 0);
    CHECK(exchange_map_keep(m, "Things \"a b\"", 7));
    CHECK(exchange_map_keep(m, "rows x.json 0", 1000) &&
          exchange_map_keep(m, "rows x.json 0", 2000));
    exchange_map_close(m);
    CHECK(lseek(fd, 0, SEEK_END) > 0 && write(fd, "Things 9 1", 10) == 10);
    m = exchange_map_open(path, &resumed);
    CHECK(m && resumed);
    CHECK(exchange_map_find(m, "Things \"a b\"") == 7 &&
          exchange_map_find(m, "made Things 7") == 1);
    CHECK(exchange_map_find(m, "rows x.json 0") == 2000 && exchange_map_find(m, "Things 9") == 0);
    for (uint64_t i = 0; i < 3000; i++) {
        char key[64];
        snprintf(key, sizeof key, "Sensors %llu", (unsigned long long)i);
        if (i < 3)
            CHECK(exchange_map_keep(m, key, i + 1));
        CHECK(exchange_map_find(m, key) == (i < 3 ? i + 1 : 0));
    }
    exchange_map_close(m);
    CHECK(pwrite(fd, "no map at all\n", 14, 0) == 14);
    CHECK(!exchange_map_open(path, &resumed));
    close(fd);
    unlink(path);
}
