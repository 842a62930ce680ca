/*
 * A SUMO that answers what the input says: the intersections are read, then seconds pass. Whatever it
 * tells, the bridge's picture stays within its tables, and only what the network's own programme lets
 * go together is ever shown.
 */
#include "base/fuzz.h"
#include "field/sumo/process.h"
#include "field/sumo/traci.h"
#include "field/sumo/world.h"

enum { STEPS_MAX = 64 };

static struct bytes answers; /* what is still to be said */
static uint8_t *answer;

/* In the place of process.c: no program, no connection. */
enum err
sumo_start(struct sumo_process *s, const char *const arguments[])
{
    ASSERT(arguments[0]);
    *s = (struct sumo_process){.fd = -1};
    buf_init(&s->out, TRACI_MESSAGE_MAX);
    buf_init(&s->in, TRACI_MESSAGE_MAX);
    return OK;
}

enum err
sumo_ask(struct sumo_process *s, struct bytes *out_answer)
{
    enum err e = traci_end(&s->out);
    if (e != OK || answers.len == 0)
        return e == OK ? ERR_CLOSED : e;
    struct bytes part = fuzz_part(&answers);
    free(answer);
    answer = fuzz_exact(part);
    *out_answer = bytes_of(answer, part.len);
    return OK;
}

void
sumo_end(struct sumo_process *s)
{
    buf_fini(&s->out);
    buf_fini(&s->in);
}

enum err
sumo_run(const char *const arguments[])
{
    (void)arguments;
    return ERR_NOT_FOUND;
}

static void
check_sites(struct world *w)
{
    uint32_t count = 0;
    const struct site *sites = world_sites(w, &count);
    ASSERT(count <= TRAFFIC_SITES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const struct site *s = &sites[i];
        ASSERT(s->phases_count >= 2 && s->phases_count <= SITE_PHASES_MAX);
        ASSERT(s->lanes_count >= 1 && s->lanes_count <= SITE_LANES_MAX);
        ASSERT(world_shown(w, i).len <= SITE_LETTERS_MAX && world_counts(w, i));
        char between[SITE_LETTERS_MAX + 1];
        site_between(s, 0, 1, false, between);
        ASSERT(site_may_show(s, bytes_text(between)));
        world_show(w, i, bytes_text(s->phases[0]));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct world_config config = {.network = "n", .routes = "r", .begin_s = -1, .seed = 1};
    char why[WORLD_WHY_SIZE] = "";
    struct world *w = NULL;
    struct traffic_totals totals;
    answers = bytes_of(data, size);
    if (world_open(&config, &w, why) != OK) {
        ASSERT(why[0]);
    } else {
        for (int i = 0; i < STEPS_MAX && world_step(w) == OK; i++) {
            check_sites(w);
            world_totals(w, &totals);
            ASSERT(totals.running + totals.pending + totals.arrived == totals.vehicles);
            if (i == 3)
                world_mark(w);
        }
        world_close(w);
    }
    free(answer);
    answer = NULL;
    return 0;
}
