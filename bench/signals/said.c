#include "bench/signals/said.h"

enum { OPEN_MAX = 512 }; /* of one group: seconds of one red */

struct open {
    uint32_t at_s;
    uint16_t permille;
    uint8_t in_s;
};

struct junction {
    bool begun;
    uint32_t begun_s;
    struct forecast forecast;
    struct forecast_of_group said[FORECAST_GROUPS_MAX];
    struct open open[FORECAST_GROUPS_MAX][OPEN_MAX];
    uint32_t open_count[FORECAST_GROUPS_MAX];
};

struct said {
    struct forecast_seen zone;
    struct said_table table;
    uint32_t count;
    struct junction junctions[];
};

struct said *
said_new(uint32_t junctions)
{
    struct said *s = calloc(1, sizeof(*s) + junctions * sizeof(s->junctions[0]));
    ASSERT(s);
    s->count = junctions;
    forecast_seen_init(&s->zone);
    return s;
}

void
said_free(struct said *s)
{
    free(s);
}

static bool
shows_green(const struct junction *j, const struct signals_model *m, int32_t phase, uint32_t group)
{
    for (uint32_t k = 0; phase >= 0 && k < m->links_count; k++)
        if (j->forecast.group_of_link[k] == group)
            return m->lights[phase][k] != LIGHT_RED;
    return false;
}

/* It turned green: all that was said of it is true or false. */
static void
judge(struct said *s, struct junction *j, uint32_t group, uint32_t start_s)
{
    for (uint32_t i = 0; i < j->open_count[group]; i++) {
        const struct open *o = &j->open[group][i];
        int64_t off = (int64_t)start_s - o->at_s - o->in_s;
        uint32_t t = (o->permille + 50u) / 100u;
        s->table.said[t]++;
        s->table.happened[t] += off >= -FORECAST_WITHIN_S && off <= FORECAST_WITHIN_S;
        s->table.permille[t] += o->permille;
    }
    j->open_count[group] = 0;
}

void
said_second(struct said *s, uint32_t junction, const struct signals_model *m,
            const struct control_view *view, int32_t phase, uint32_t age_s, uint32_t now_s)
{
    ASSERT(junction < s->count);
    struct junction *j = &s->junctions[junction];
    if (!j->begun) {
        forecast_init(&j->forecast, m);
        j->begun = true;
        j->begun_s = now_s;
    }
    for (uint32_t g = 0; g < j->forecast.groups_count; g++)
        if (shows_green(j, m, phase, g))
            judge(s, j, g, now_s - age_s);
    forecast_step(&j->forecast, &s->zone, m, view, phase, age_s, now_s, j->said);
    for (uint32_t g = 0; g < j->forecast.groups_count; g++) {
        if (!j->said[g].known || now_s - j->begun_s < SAID_WARM_UP_S ||
            j->open_count[g] == OPEN_MAX)
            continue;
        j->open[g][j->open_count[g]++] = (struct open){now_s, j->said[g].permille, j->said[g].in_s};
    }
}

void
said_end(const struct said *s, struct said_table *out)
{
    *out = s->table;
    for (uint32_t i = 0; i < s->count; i++)
        for (uint32_t g = 0; g < FORECAST_GROUPS_MAX; g++)
            out->open += s->junctions[i].open_count[g];
}
