/* core_main.c -- bulkhead-core-NAME: opens the zone's store, closes the sandbox, serves. */
#include "programs/limits.h"
#include "programs/core/core.h"
#include "runtime/log.h"
#include "runtime/sandbox_rules.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

static const struct sandbox_rule rules[] = {
#include "programs/core/core.seccomp.def"
};
static const struct sandbox_profile profile = {"core", rules, ARRAY_COUNT(rules)};

enum { DESCRIPTORS_LOOKED_AT = 512 };

struct main_state {
    struct program program;
    struct core *core;
};

static void
list_descriptors(bool open_now[static DESCRIPTORS_LOOKED_AT])
{
    for (int fd = 0; fd < DESCRIPTORS_LOOKED_AT; fd++)
        open_now[fd] = fcntl(fd, F_GETFD) >= 0;
}

static enum err
open_store(const struct start *start, struct store **out)
{
    const struct start_key *master = start_key(start, KEY_STORE_MASTER, NULL);
    struct store_config config = {
        .directory_fd = start_fd(start, FD_STORE_DIRECTORY, NULL),
        .disk_bytes = start->disk_bytes,
        .clock = clock_system(),
        .random = random_system(),
        .disk = disk_system(),
    };
    if (!master || master->len != sizeof(config.master_key) || config.directory_fd < 0)
        return ERR_NOT_FOUND;
    memcpy(config.zone, start->zone, sizeof(config.zone));
    memcpy(config.master_key, master->key, sizeof(config.master_key));
    enum err e = store_open(&config, out);
    sodium_memzero(config.master_key, sizeof(config.master_key));
    return e;
}

/* The store opened its files itself: whatever is open now and was not before stays. */
static enum err
main_open(void *self, struct start *start)
{
    struct main_state *m = self;
    static bool before[DESCRIPTORS_LOOKED_AT], after[DESCRIPTORS_LOOKED_AT];
    struct store *store;
    list_descriptors(before);
    enum err e = open_store(start, &store);
    if (e != OK) {
        char what[128];
        snprintf(what, sizeof(what), "the store does not open: %s", err_text(e));
        program_condition(what);
        log_event("store_failed", "error=\"%s\"", err_text(e));
        return e;
    }
    for (size_t i = 0; i < start->classes_count; i++)
        store_keep_class(store, start->classes[i].name, start->classes[i].keep_s);
    list_descriptors(after);
    for (int fd = 0; fd < DESCRIPTORS_LOOKED_AT; fd++)
        if (after[fd] && !before[fd])
            program_keep(fd);
    for (size_t i = 0; i < start->fds_count; i++) {
        if (start->fds[i].role != FD_STORE_DIRECTORY || start->fds[i].fd < 0)
            continue;
        close(start->fds[i].fd);
        start->fds[i].fd = -1;
    }
    m->program.limits.file_bytes =
        program_limits("core", start->memory_bytes, start->disk_bytes, 0).file_bytes;
    struct core_config config = {
        .start = start,
        .service = &service_this,
        .store = store,
        .clock = clock_system(),
        .random = random_system(),
    };
    return core_open(&config, &m->core);
}

static enum err
main_serve(void *self, struct loop *loop)
{
    return core_serve(((struct main_state *)self)->core, loop);
}

static void
main_counters(void *self, uint64_t out[static PROGRAM_COUNTERS])
{
    core_counters(((struct main_state *)self)->core, out);
}

static void
main_stop(void *self)
{
    core_stop(((struct main_state *)self)->core);
}

int
main(void)
{
    static struct main_state state = {
        .program =
            {
                .kind = "core",
                .profile = &profile,
                .open = main_open,
                .serve = main_serve,
                .counters = main_counters,
                .stop = main_stop,
            },
    };
    return program_run(&state.program, &state);
}
