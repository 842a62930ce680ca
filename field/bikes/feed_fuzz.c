/*
 * Files of a GBFS feed, each with its kind in front: what is read stays within the feed's limits,
 * ids stand once, and a file that is refused changes nothing.
 */
#include "base/fuzz.h"
#include "field/bikes/feed_read.h"

static void
check_discovery(struct bytes json)
{
    char urls[FEED_URLS][FEED_URL_SIZE];
    if (feed_read_discovery(json, urls) != OK)
        return;
    for (size_t i = 0; i < FEED_URLS; i++)
        ASSERT(memchr(urls[i], 0, FEED_URL_SIZE));
}

static void
check_feed(const struct feed *f)
{
    for (uint32_t i = 0; i < f->stations_count; i++) {
        const struct feed_station *s = &f->stations[i];
        ASSERT(s->id[0] && (s->informed || s->reported) && s->capacity >= -1);
        ASSERT(!s->informed || (s->lat >= -90 && s->lat <= 90 && s->lon >= -180 && s->lon <= 180));
        for (uint32_t k = 0; k < i && i < 64; k++)
            ASSERT(strcmp(f->stations[k].id, s->id) != 0);
    }
    for (uint32_t i = 1; i < f->vehicles_count; i++)
        ASSERT(strcmp(f->vehicles[i - 1].id, f->vehicles[i].id) < 0);
    for (size_t i = 0; i < FEED_URLS; i++)
        ASSERT(f->read[i] <= f->rows[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct feed f;
    struct bytes in = bytes_of(data, size);
    feed_reset(&f);
    while (in.len) {
        uint8_t kind = fuzz_byte(&in) % (FEED_URLS + 1);
        struct bytes json = fuzz_part(&in);
        uint8_t *exact = fuzz_exact(json);
        json = bytes_of(exact, json.len);
        uint32_t before = f.stations_count + f.vehicles_count;
        if (kind == FEED_URLS)
            check_discovery(json);
        else if (feed_read_file(&f, (enum feed_file)kind, json) != OK)
            ASSERT(f.stations_count + f.vehicles_count == before);
        free(exact);
    }
    feed_finish(&f);
    check_feed(&f);
    return 0;
}
