/*
 * A SUMO that answers what the input says: the intersections are read, then seconds pass. Whatever
 * it tells, the bridge's picture stays within its tables, and only what the network's own programme
 * lets go together is ever shown.
 */
#include "base/fuzz.h"
#include "field/sumo/process.h"
#include "field/sumo/traci.h"
#include "field/sumo/world.h"
#include "sensorthings/json.h"

#include <sys/mman.h>
#include <unistd.h>

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

/* What the device tells the city about its intersection is JSON. */
static void
check_properties(const struct site *s)
{
    struct buf b;
    size_t bad;
    buf_init(&b, 1024 * 1024);
    site_put_properties(s, NULL, &b);
    ASSERT(buf_error(&b) == OK && sta_json_check(buf_bytes(&b), &bad));
    buf_fini(&b);
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
        for (int cleared = 0; cleared < 2; cleared++) {
            site_between(s, 0, 1, cleared, between);
            ASSERT(site_may_show(s, bytes_text(between)));
        }
        memset(between, 'o', s->letters_count);
        ASSERT(site_may_show(s, bytes_text(between)) && site_phase_of(s, world_shown(w, i)) < 32);
        world_show(w, i, bytes_text(s->phases[0]));
        (void)site_serves(s, 0, 0);
        check_properties(s);
    }
}

/* The file that SUMO leaves behind. */
static void
check_trips(struct bytes file)
{
    static int fd = -1;
    char path[64];
    struct tripinfo t;
    if (fd < 0)
        fd = memfd_create("trips", MFD_CLOEXEC);
    ASSERT(fd >= 0 && ftruncate(fd, 0) == 0);
    ASSERT(pwrite(fd, file.p, file.len, 0) == (ssize_t)file.len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    enum err e = world_tripinfo(path, &t);
    ASSERT(e == OK || e == ERR_MALFORMED);
    ASSERT(world_tripinfo("/nowhere/trips", &t) == ERR_IO);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world_config config = {.network = "n", .routes = "r", .begin_s = -1, .seed = 1};
    char why[WORLD_WHY_SIZE] = "";
    struct world *w = NULL;
    struct traffic_totals totals;
    answers = bytes_of(data, size);
    uint8_t how = fuzz_byte(&answers);
    config.configuration = how & 1 ? "c" : NULL;
    config.begin_s = how & 2 ? 100 : -1;
    config.tripinfo = how & 4 ? "t" : NULL;
    if (world_open(&config, &w, why) != OK) {
        ASSERT(why[0]);
    } else {
        for (int i = 0; i < STEPS_MAX && world_step(w) == OK; i++) {
            check_sites(w);
            world_totals(w, &totals);
            ASSERT(world_left(w)->count <= TRACI_LIST_MAX && world_why(w));
            ASSERT(totals.running + totals.pending + totals.arrived == totals.vehicles);
            if (i == 3)
                world_mark(w);
        }
        world_close(w);
    }
    free(answer);
    answer = NULL;
    check_trips(bytes_of(data, size));
    return 0;
}
