/* Any bytes as query options of any type; what is accepted prints and parses to itself, and runs.
 * Behind a first byte of 0xff, as options of Rollups. */
#include "sensorthings/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fixture *city;

static void
reparse(enum sta_type type, const struct sta_query *q)
{
    struct sta_query again;
    struct sta_error error;
    struct buf first, second;
    buf_init(&first, 1024 * 1024);
    buf_init(&second, 1024 * 1024);
    sta_query_print(q, &first);
    /* Escapes may make a query longer than one may be. */
    if (sta_query_parse(buf_bytes(&first), type, &city->arena, &again, &error) == OK) {
        sta_query_print(&again, &second);
        ASSERT(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    } else {
        ASSERT(error.status == 414 || error.status == 413 || strstr(error.text, "nested"));
    }
    buf_fini(&first);
    buf_fini(&second);
}

/* Results of every kind, so that a filter has something to compare. */
static void
fill(struct fixture *f)
{
    static const char *const bodies[] = {
        "{\"result\":1,\"phenomenonTime\":\"2026-03-01T12:00:00Z/2026-03-01T13:00:00Z\"}",
        "{\"result\":\"Text\",\"resultTime\":\"2026-03-01T12:00:01.5Z\"}",
        "{\"result\":true,\"resultQuality\":\"good\"}",
        "{\"result\":{\"x\":{\"y\":3}},\"parameters\":{\"p\":1}}",
        "{\"result\":[1,2],\"validTime\":\"2026-03-01T12:00:00Z/2026-03-02T12:00:00Z\"}",
        "{\"result\":-2.5}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++)
        (void)fixture_post(f, "/v1.1/Datastreams(1)/Observations", bodies[i]);
    ASSERT(f->counts[1] >= 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sta_query q;
    struct sta_error error;
    if (!city) {
        city = fixture_new();
        ASSERT(fixture_junction(city) == 201);
        fill(city);
        city->graph.tasking = true; /* else those sets are not there */
    }
    if (size == 0)
        return 0;
    enum sta_type type = (enum sta_type)(1 + data[0] % (STA_TYPE_COUNT - 1));
    struct bytes text = bytes_of(data + 1, size - 1);
    arena_reset(&city->arena);
    if (data[0] == 0xff) {
        struct sta_rollups r;
        if (sta_rollups_parse(text, &city->arena, &r, &error) == OK)
            ASSERT(r.step >= STORE_MINUTE && r.step <= STORE_DAY);
        return 0;
    }
    if (sta_query_parse(text, type, &city->arena, &q, &error) != OK)
        return 0;
    reparse(type, &q);
    struct buf target;
    buf_init(&target, 64 * 1024);
    buf_format(&target, "/v1.1/%s?", sta_type_info(type)->set);
    buf_put(&target, text);
    int status = fixture_get_bytes(city, buf_bytes(&target));
    ASSERT(status == 200 || status == 413);
    buf_fini(&target);
    return 0;
}
