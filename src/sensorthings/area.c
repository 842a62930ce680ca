#include "sensorthings/area.h"

#include <math.h>

#include "base/text.h"
#include "sensorthings/geometry.h"

static void
put_position(struct buf *out, double x, double y)
{
    buf_byte(out, '[');
    text_put_double(out, x);
    buf_byte(out, ',');
    text_put_double(out, y);
    buf_byte(out, ']');
}

static void
put_box(struct buf *out, struct sta_point low, struct sta_point high)
{
    if (low.x == high.x && low.y == high.y) {
        buf_text(out, "{\"type\":\"Point\",\"coordinates\":");
        put_position(out, low.x, low.y);
        buf_byte(out, '}');
        return;
    }
    const struct sta_point ring[] = {low, {high.x, low.y}, high, {low.x, high.y}, low};
    buf_text(out, "{\"type\":\"Polygon\",\"coordinates\":[[");
    for (size_t i = 0; i < ARRAY_COUNT(ring); i++) {
        if (i)
            buf_byte(out, ',');
        put_position(out, ring[i].x, ring[i].y);
    }
    buf_text(out, "]]}");
}

bool
sta_observed_area(const struct sta_graph *g, const struct sta_rights *rights,
                  const struct sta_entity *stream, struct arena *scratch, struct buf *out)
{
    ASSERT(sta_is_stream(stream->type));
    int property = sta_property_index(STA_FEATURE_OF_INTEREST, bytes_text("feature"));
    ASSERT(property >= 0);
    const struct sta_ids *ids = &stream->links[DATASTREAM_FEATURES];
    struct sta_point low = {INFINITY, INFINITY}, high = {-INFINITY, -INFINITY};
    for (uint32_t i = 0; i < ids->count; i++) {
        const struct sta_entity *feature = sta_graph_get(g, STA_FEATURE_OF_INTEREST, ids->p[i]);
        struct sta_geometry shape;
        size_t used = scratch->used;
        if (feature && rights->may_see(rights->ctx, STA_FEATURE_OF_INTEREST, feature) &&
            sta_geometry_json(feature->property[property], scratch, &shape) == OK) {
            low = (struct sta_point){fmin(low.x, shape.low.x), fmin(low.y, shape.low.y)};
            high = (struct sta_point){fmax(high.x, shape.high.x), fmax(high.y, shape.high.y)};
        }
        scratch->used = used;
    }
    if (low.x > high.x)
        return false;
    put_box(out, low, high);
    return true;
}
