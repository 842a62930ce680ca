/*
 * Any bytes as the records of entities that a store gives back at a start: the graph takes them or
 * says no, links hold on both sides, and what it holds can be asked for.
 */
#include "base/fuzz.h"
#include "sensorthings/fixture.h"

static void
check_links(const struct sta_graph *g)
{
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++) {
        const struct sta_type_info *info = sta_type_info(t);
        for (uint32_t i = 0; i < g->set[t].count; i++) {
            const struct sta_entity *e = g->set[t].p[i];
            ASSERT(sta_graph_get(g, t, e->id) == e);
            for (uint32_t r = 0; r < info->relations_count; r++)
                for (uint32_t k = 0; k < e->links[r].count; k++)
                    ASSERT(info->relations[r].to == STA_OBSERVATION ||
                           sta_graph_get(g, info->relations[r].to, e->links[r].p[k]));
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sta_graph g;
    struct bytes in = bytes_of(data, size);
    sta_graph_init(&g, 64, 256 * 1024);
    while (in.len) {
        uint8_t type = fuzz_byte(&in), id = fuzz_byte(&in);
        struct bytes record = fuzz_part(&in);
        uint8_t *exact = fuzz_exact(record);
        uint32_t before = g.entities;
        enum err e = sta_graph_load(&g, type, id, bytes_of(exact, record.len));
        ASSERT(g.entities == before + (e == OK));
        free(exact);
    }
    if (sta_graph_link(&g) == OK)
        check_links(&g);
    sta_graph_fini(&g);
    return 0;
}
