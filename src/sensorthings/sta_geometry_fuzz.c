/* Any bytes as two geometries with '|' between, WKT or GeoJSON: no crash, bounded work; turned
 * around, the matrix is transposed and the distance the same. */
#include <math.h>

#include "sensorthings/geometry.h"
#include "sensorthings/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
read_one(struct bytes text, struct arena *arena, struct sta_geometry *out)
{
    size_t bad;
    if (text.len && text.p[0] == '{')
        return sta_json_check(text, &bad) && sta_geometry_json(text, arena, out) == OK;
    return sta_geometry_wkt(text, arena, out) == OK;
}

/* What the names of the relations promise of each other. */
static void
check_names(const struct sta_geometry *a, const struct sta_geometry *b,
            const struct sta_relation9 *ab, const struct sta_relation9 *ba)
{
    char pattern[10] = {0};
    for (int k = 0; k < 9; k++) {
        int is = ab->m[k / 3][k % 3];
        ASSERT(is == ba->m[k % 3][k / 3]);
        pattern[k] = is < 0 ? 'F' : (char)('0' + is);
    }
    ASSERT(sta_relation_is_pattern(bytes_text(pattern)) && sta_relation_matches(ab, pattern));
    ASSERT(!sta_relation_is_pattern(bytes_of((const uint8_t *)pattern, 8)));
    ASSERT(sta_relation_within(ab) == sta_relation_contains(ba));
    ASSERT(sta_relation_equals(ab) == sta_relation_equals(ba));
    ASSERT(sta_relation_touches(ab) == sta_relation_touches(ba));
    ASSERT(!sta_relation_equals(ab) || sta_relation_within(ab));
    bool apart = sta_relation_disjoint(ab);
    ASSERT(!apart || (!sta_relation_touches(ab) && !sta_relation_within(ab)));
    ASSERT(!apart || (!sta_relation_overlaps(ab, a->dimension, b->dimension) &&
                      !sta_relation_crosses(ab, a->dimension, b->dimension)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    struct sta_geometry a, b;
    struct sta_relation9 ab, ba;
    if (!arena.p)
        arena_init(&arena, 4 * 1024 * 1024);
    arena_reset(&arena);
    struct bytes all = bytes_of(data, size);
    size_t bar = bytes_find(all, '|');
    if (bar == size || !read_one(bytes_of(data, bar), &arena, &a) ||
        !read_one(bytes_skip(all, bar + 1), &arena, &b))
        return 0;
    uint64_t work = 200000, back = 200000;
    if (sta_geometry_relate(&a, &b, &arena, &work, &ab) == OK &&
        sta_geometry_relate(&b, &a, &arena, &back, &ba) == OK)
        check_names(&a, &b, &ab, &ba);
    double there = 0, again = 0;
    if (sta_geometry_length(&a, &there) == OK)
        ASSERT(there >= 0);
    work = back = 100000;
    if (sta_geometry_distance(&a, &b, &arena, &work, &there) == OK) {
        ASSERT(there >= 0 && there < 21000000);
        if (sta_geometry_distance(&b, &a, &arena, &back, &again) == OK)
            ASSERT(fabs(there - again) < 1);
    }
    return 0;
}
