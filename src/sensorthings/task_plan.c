/* task_plan.c -- Tasks as plans (create.h): made and kept up by the service alone. */
#include "sensorthings/tasking.h"

#include "sensorthings/record.h"
#include "sensorthings/times.h"

enum { OLDEST_GONE = 8 /* in one plan, so that a store of an older limit shrinks too */ };

static enum err
full(struct sta_error *error)
{
    return sta_fail(error, 413, 0, "this zone has no room for more Tasks");
}

static enum err
put_item(struct sta_graph *g, uint64_t id, const char *owner,
         const struct bytes property[static STA_PROPERTIES_MAX],
         const struct sta_ids links[static STA_RELATIONS_MAX], struct arena *arena,
         struct sta_plan *out, struct sta_error *error)
{
    struct buf record;
    struct sta_plan_item *item = &out->items[out->items_count++];
    bool fresh = sta_graph_get(g, STA_TASK, id) == NULL;
    buf_init(&record, STORE_ENTITY_BYTES_MAX);
    sta_record_write(&record, STA_TASK, bytes_text(owner), (struct bytes){0}, property, links);
    *item = (struct sta_plan_item){.type = STA_TASK, .id = id, .fresh = fresh, .class_name = ""};
    memcpy(item->links, links, sizeof(item->links));
    bool fits = buf_error(&record) == OK && sta_graph_fits(g, fresh, 2 * record.len);
    if (fits)
        item->record = arena_dup(arena, buf_bytes(&record));
    buf_fini(&record);
    return fits && item->record.p ? OK : full(error);
}

static struct sta_plan_item *
begin(struct sta_graph *g, uint64_t id, struct arena *arena, struct sta_plan *out)
{
    *out = (struct sta_plan){.type = STA_TASK, .id = id, .generation = g->generation};
    out->items = arena_take(arena, (OLDEST_GONE + 1) * sizeof(*out->items));
    return out->items;
}

enum err
sta_plan_task(struct sta_graph *g, uint64_t capability, struct bytes values,
              struct bytes properties, int64_t now_us, struct arena *arena, struct sta_plan *out,
              struct sta_error *error)
{
    const struct sta_entity *of = sta_graph_get(g, STA_TASKING_CAPABILITY, capability);
    ASSERT(of);
    uint64_t *link = arena_take(arena, sizeof(*link));
    if (!link || !begin(g, sta_graph_next_id(g, STA_TASK), arena, out))
        return full(error);
    const struct sta_ids *tasks = &of->links[CAPABILITY_TASKS];
    for (uint32_t i = 0; i < OLDEST_GONE && tasks->count >= STA_TASKS_MAX + i; i++)
        out->items[out->items_count++] =
            (struct sta_plan_item){.type = STA_TASK, .id = tasks->p[i], .class_name = ""};
    struct buf created;
    buf_init(&created, 64);
    sta_time_put(&created, now_us, now_us);
    *link = capability;
    struct bytes property[STA_PROPERTIES_MAX] = {[TASK_PARAMETERS] = values,
                                                 [TASK_CREATION_TIME] = buf_bytes(&created),
                                                 [TASK_PROPERTIES] = properties};
    struct sta_ids links[STA_RELATIONS_MAX] = {[TASK_CAPABILITY] = {link, 1, 1}};
    enum err e = put_item(g, out->id, of->owner, property, links, arena, out, error);
    buf_fini(&created);
    return e;
}

enum err
sta_plan_task_properties(struct sta_graph *g, uint64_t id, struct bytes properties,
                         struct arena *arena, struct sta_plan *out, struct sta_error *error)
{
    const struct sta_entity *task = sta_graph_get(g, STA_TASK, id);
    struct bytes property[STA_PROPERTIES_MAX];
    ASSERT(task);
    if (!begin(g, id, arena, out))
        return full(error);
    memcpy(property, task->property, sizeof(property));
    property[TASK_PROPERTIES] = properties;
    return put_item(g, id, task->owner, property, task->links, arena, out, error);
}
