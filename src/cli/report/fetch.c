#include "cli/report/fetch.h"

#include "sensorthings/times.h"

/* What is said on change may have been said some time ago: lights change within the maximum red,
 * a rung may hold for a day. */
#define LIGHTS_BEFORE_US (300LL * 1000000)
#define RUNGS_BEFORE_US (24LL * 3600 * 1000000)

static void
see_thing(void *ctx, struct bytes item)
{
    enum err e = report_read_thing(ctx, item); /* what is no intersection is left out */
    if (e == ERR_LIMIT)
        fprintf(stderr, "bulkhead: more intersections than a report holds\n");
}

struct rows {
    struct report_junction *junction;
    report_row_fn *each;
};

static void
see_row(void *ctx, struct bytes item)
{
    const struct rows *rows = ctx;
    rows->each(rows->junction, item);
}

/* 2026-09-21T12:00:00.000000Z, without the quotes that JSON wants. */
static void
put_time(struct buf *b, int64_t us)
{
    struct buf text;
    buf_init(&text, 80);
    sta_time_put(&text, us, us);
    ASSERT(buf_error(&text) == OK && text.len > 2);
    buf_put(b, bytes_of(text.p + 1, text.len - 2));
    buf_fini(&text);
}

static bool
fetch_rows(struct city_client *c, const struct report *r, struct report_junction *j,
           uint64_t stream, int64_t before_us, report_row_fn *each)
{
    struct rows rows = {j, each};
    struct buf target;
    if (stream == 0)
        return true;
    buf_init(&target, ZONE_CLIENT_TARGET_SIZE);
    buf_format(&target,
               "/v1.1/Datastreams(%llu)/Observations?$select=phenomenonTime,result"
               "&$orderby=phenomenonTime&$top=1000&$filter=phenomenonTime%%20ge%%20",
               (unsigned long long)stream);
    put_time(&target, r->from_us - before_us);
    buf_text(&target, "%20and%20phenomenonTime%20le%20");
    put_time(&target, r->to_us);
    bool good = zone_client_each(c, buf_string(&target), see_row, &rows);
    buf_fini(&target);
    return good;
}

static bool
fetch_junction(struct city_client *c, const struct report *r, struct report_junction *j)
{
    const struct report_streams *s = &j->streams;
    if (!fetch_rows(c, r, j, s->state, LIGHTS_BEFORE_US, report_read_state))
        return false;
    /* An intersection that does not say what it shows says its phase each second. */
    if (j->lights_count == 0 && !fetch_rows(c, r, j, s->lanes, LIGHTS_BEFORE_US, report_read_lanes))
        return false;
    return fetch_rows(c, r, j, s->queue, LIGHTS_BEFORE_US, report_read_queue) &&
           fetch_rows(c, r, j, s->rung, RUNGS_BEFORE_US, report_read_rung) &&
           fetch_rows(c, r, j, s->refusals, RUNGS_BEFORE_US, report_read_refusals) &&
           fetch_rows(c, r, j, s->why, LIGHTS_BEFORE_US, report_read_why);
}

bool
fetch_signals(struct city_client *c, struct report *r)
{
    if (!zone_client_each(c,
                          "/v1.1/Things?$top=100&$orderby=id&$expand=Locations,"
                          "Datastreams($select=id,name;$top=100)",
                          see_thing, r))
        return false;
    for (uint32_t i = 0; i < r->count; i++)
        if (!fetch_junction(c, r, r->junctions[i]))
            return false;
    return true;
}
