#include "cli/zone_copy.h"

#include "base/clock.h"
#include "programs/messages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 10, HOLD_MS = 30000, RENEW_MS = 8000, TAKES_EFFECT_MS = 50 };

bool
state_lock_open(const char *state, struct state_lock *out)
{
    char path[TOOL_PATH_SIZE];
    snprintf(path, sizeof(path), "%s/lock", state);
    *out = (struct state_lock){.fd = open(path, O_RDWR | O_CLOEXEC)};
    if (out->fd < 0 && errno != ENOENT) {
        fprintf(stderr, "bulkhead: cannot open %s: %s\n", path, strerror(errno));
        return false;
    }
    out->running = out->fd >= 0 && flock(out->fd, LOCK_EX | LOCK_NB) != 0;
    return true;
}

void
state_lock_close(struct state_lock *l)
{
    if (l->fd >= 0)
        close(l->fd);
}

void
remove_flat(const char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && (entry = readdir(d));)
        unlinkat(dirfd(d), entry->d_name, 0);
    if (d)
        closedir(d);
    rmdir(folder);
}

static void
hold(struct zone_copy *z, uint32_t ms)
{
    struct hold_ask m = {bytes_text(z->zone), ms};
    struct clock_source clock = clock_system();
    struct buf body;
    if (!z->running)
        return;
    buf_init(&body, CHANNEL_FRAME_MAX);
    hold_ask_encode(&m, &body);
    enum tool_answer answer = tool_ask_supervisor(z->state, hold_ask_id, buf_bytes(&body));
    (void)answer; /* a core that is down writes nothing; whether one did is looked at in the end */
    buf_fini(&body);
    z->held_ms = clock_mono_ms(&clock);
}

void
zone_copy_renew(struct zone_copy *z)
{
    struct clock_source clock = clock_system();
    if (clock_mono_ms(&clock) - z->held_ms > RENEW_MS)
        hold(z, HOLD_MS);
}

static bool
read_master(const struct zone_copy *z, uint8_t out[static 32])
{
    char path[TOOL_PATH_SIZE];
    struct buf key;
    snprintf(path, sizeof(path), "%s/keys/store-%s.key", z->state, z->zone);
    if (!tool_read_file(path, 64, &key))
        return false;
    bool good = key.len == 32;
    if (good)
        memcpy(out, key.p, 32);
    else
        fprintf(stderr, "bulkhead: %s is no store key\n", path);
    sodium_memzero(key.p, key.len);
    buf_fini(&key);
    return good;
}

static bool
make_scratch(struct zone_copy *z, const char *scratch)
{
    snprintf(z->scratch, sizeof(z->scratch), "%s/copy-%s", scratch, z->zone);
    remove_flat(z->scratch);
    if (mkdir(z->scratch, 0700) == 0)
        z->scratch_fd = open(z->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (z->scratch_fd < 0)
        fprintf(stderr, "bulkhead: cannot make %s: %s\n", z->scratch, strerror(errno));
    return z->scratch_fd >= 0;
}

static enum err
take(struct zone_copy *z, const char *scratch, struct snapshot_config *config)
{
    enum err e = ERR_AGAIN;
    for (int i = 0; i < TRIES && (e == ERR_AGAIN || e == ERR_CRYPTO); i++) {
        if (z->scratch_fd >= 0)
            close(z->scratch_fd);
        z->scratch_fd = -1;
        if (!make_scratch(z, scratch))
            return ERR_DENIED;
        if (!z->running && i > 1)
            break; /* nobody moves anything */
        hold(z, HOLD_MS);
        usleep(z->running ? TAKES_EFFECT_MS * 1000 : 0);
        config->store_fd = z->store_fd;
        config->scratch_fd = z->scratch_fd;
        e = snapshot_open(config, &z->snapshot);
    }
    return e;
}

static enum zone_copy_result
tell_failure(const struct zone_copy *z, enum err e)
{
    bool not_now = e == ERR_AGAIN || e == ERR_DENIED || e == ERR_IO || e == ERR_NO_SPACE;
    if (e == ERR_AGAIN)
        fprintf(stderr,
                "bulkhead: zone %s is written faster than its store can be read; try again when "
                "less comes in\n",
                z->zone);
    else if (e == ERR_CRYPTO)
        fprintf(stderr,
                "bulkhead: zone %s: the store does not open: its bytes were changed, or "
                "keys/store-%s.key is another one\n",
                z->zone, z->zone);
    else if (e != ERR_DENIED)
        fprintf(stderr, "bulkhead: zone %s: the store cannot be read: %s\n", z->zone, err_text(e));
    return not_now ? ZONE_COPY_FAILED : ZONE_COPY_CLOSED;
}

enum zone_copy_result
zone_copy_open(const char *state, const struct charter *c, const char *zone, bool running,
               const char *scratch, struct zone_copy *out)
{
    struct zone_copy *z = out;
    struct snapshot_config config = {.disk = disk_system(), .random = random_system()};
    char path[TOOL_PATH_SIZE];
    *z = (struct zone_copy){
        .state = state, .zone = zone, .running = running, .store_fd = -1, .scratch_fd = -1};
    snprintf(path, sizeof(path), "%s/zones/%s/store", state, zone);
    z->store_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (z->store_fd < 0 || faccessat(z->store_fd, "store.db", R_OK, 0) != 0) {
        bool none = errno == ENOENT;
        if (!none)
            fprintf(stderr, "bulkhead: cannot read %s: %s\n", path, strerror(errno));
        if (z->store_fd >= 0)
            close(z->store_fd);
        z->store_fd = -1;
        return none ? ZONE_COPY_NONE : ZONE_COPY_FAILED;
    }
    snprintf(config.zone, sizeof(config.zone), "%s", zone);
    enum err e = read_master(z, config.master_key) ? OK : ERR_DENIED;
    if (e == OK)
        e = take(z, scratch, &config);
    sodium_memzero(config.master_key, sizeof(config.master_key));
    if (e != OK) {
        enum zone_copy_result result = tell_failure(z, e);
        zone_copy_close(z);
        return result;
    }
    for (uint32_t i = 0; i < c->classes_count; i++)
        store_keep_class(snapshot_store(z->snapshot), c->classes[i].name, c->classes[i].keep_s);
    return ZONE_COPY_OK;
}

bool
zone_copy_holds(const struct zone_copy *z)
{
    return snapshot_still(z->snapshot);
}

void
zone_copy_close(struct zone_copy *z)
{
    if (z->held_ms)
        hold(z, 0);
    snapshot_close(z->snapshot);
    z->snapshot = NULL;
    if (z->scratch_fd >= 0) {
        close(z->scratch_fd);
        remove_flat(z->scratch);
    }
    if (z->store_fd >= 0)
        close(z->store_fd);
    z->scratch_fd = z->store_fd = -1;
}
