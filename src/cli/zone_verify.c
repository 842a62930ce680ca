#include "cli/zone_verify.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/log_files.h"
#include "cli/zone_copy.h"
#include "store/embedded/dump.h"

#include <cjson/cJSON.h>
#include <unistd.h>

enum { PROGRESS_MS = 2000, TRIES = 5, BELIEVED = 3, WHY_SIZE = 320 };

struct verifying {
    struct zone_copy copy;
    uint64_t said_ms;
    char why[WHY_SIZE]; /* it does not hold */
};

/* A line now and then, for a person; a script reads the last ones. */
static void
on_progress(void *ctx, const struct dump_verdict *v)
{
    struct verifying *q = ctx;
    struct clock_source clock = clock_system();
    uint64_t now = clock_mono_ms(&clock);
    zone_copy_renew(&q->copy);
    if (q->said_ms && now - q->said_ms < PROGRESS_MS)
        return;
    if (q->said_ms)
        fprintf(stderr, "  zone %s: %llu streams, %llu observations so far\n", q->copy.zone,
                (unsigned long long)v->streams, (unsigned long long)v->observations);
    q->said_ms = now;
}

/* {"event":"anchor","size":N,"root":HEX}: what the tree had to be at N. */
static bool
parse_anchor(struct bytes entry, uint64_t *out_size, uint8_t out_root[static 32])
{
    cJSON *json = cJSON_ParseWithLength((const char *)entry.p, entry.len);
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(json, "size");
    const cJSON *root = cJSON_GetObjectItemCaseSensitive(json, "root");
    bool good = cJSON_IsNumber(size) && size->valuedouble >= 0 && size->valuedouble < 0x1p53 &&
                cJSON_IsString(root) && text_hex(bytes_text(root->valuestring), out_root, 32) == OK;
    if (good)
        *out_size = (uint64_t)size->valuedouble;
    cJSON_Delete(json);
    return good;
}

/* Without a store, and so without a tree, nothing was decided. */
static enum err
tree_at(struct dump_tree *tree, uint64_t size, uint8_t out_root[static 32])
{
    if (!tree)
        return size == 0 ? ERR_EXPIRED : ERR_NOT_FOUND;
    return dump_tree_at(tree, size, out_root);
}

/* Every anchor of the log against the leaves; EXIT_DOES_NOT_HOLD with a sentence in q->why. */
static int
check_anchors(struct verifying *q, const struct log_files *log, uint64_t *out_count)
{
    struct snapshot *copy = q->copy.snapshot;
    struct dump_tree *tree = copy ? dump_tree_new(snapshot_store(copy)) : NULL;
    struct buf entry;
    if (copy && !tree)
        return EXIT_CANNOT;
    buf_init(&entry, LOG_ENTRY_BYTES_MAX);
    for (uint64_t i = 0; !q->why[0] && i < log_size(&log->log); i++) {
        uint8_t anchored[32], root[32];
        uint64_t size = 0;
        enum err e = ERR_MALFORMED;
        buf_reset(&entry);
        if (log_put_entry(&log->log, i, &entry) != OK)
            snprintf(q->why, WHY_SIZE, "entry %llu of its log cannot be read",
                     (unsigned long long)i);
        else if (!bytes_start(buf_bytes(&entry), "{\"event\":\"anchor\""))
            continue;
        else if (parse_anchor(buf_bytes(&entry), &size, anchored) &&
                 (e = tree_at(tree, size, root)) == ERR_EXPIRED)
            continue; /* so old that only later anchors can be made again, which hold it */
        else if (e != OK)
            snprintf(q->why, WHY_SIZE,
                     "entry %llu of its log anchors %llu decisions, and the store has fewer: it "
                     "was cut short, or is older",
                     (unsigned long long)i, (unsigned long long)size);
        else if (memcmp(root, anchored, sizeof(root)) != 0)
            snprintf(q->why, WHY_SIZE,
                     "at %llu decisions its tree is not the one that entry %llu of its log anchors",
                     (unsigned long long)size, (unsigned long long)i);
        else
            ++*out_count;
    }
    buf_fini(&entry);
    dump_tree_free(tree);
    return q->why[0] ? EXIT_DOES_NOT_HOLD : EXIT_OK;
}

static int
check_store(struct verifying *q, const struct log_files *log, bool *out_moved)
{
    struct dump_verdict v;
    uint64_t anchors = 0;
    enum err e = dump_verify(snapshot_store(q->copy.snapshot), on_progress, q, &v);
    *out_moved = !zone_copy_holds(&q->copy);
    if (*out_moved)
        return EXIT_CANNOT;
    if (e != OK) {
        snprintf(q->why, WHY_SIZE, "%s", v.why[0] ? v.why : err_text(e));
        return EXIT_DOES_NOT_HOLD;
    }
    int status = check_anchors(q, log, &anchors);
    if (status == EXIT_OK)
        printf("zone %s: %llu streams, %llu observations, %llu entities open; %llu decisions, as "
               "%llu anchors say\n",
               q->copy.zone, (unsigned long long)v.streams, (unsigned long long)v.observations,
               (unsigned long long)v.entities, (unsigned long long)v.decisions,
               (unsigned long long)anchors);
    return status;
}

/*
 * The log is opened first: its anchors are of a store that is no newer than what is read then.
 * Leaves are read where they lie. When their ring is full its core cuts it though it is told to
 * hold still, and writes over what is read: so what does not hold is believed of a running core
 * only if later copies say it too. The cut leaves room for three quarters of the ring, and the
 * next copy begins behind it.
 */
static int
verify_zone(const char *state, const struct charter *c, const char *zone, bool running,
            const char *scratch)
{
    struct log_files *log = calloc(1, sizeof(*log));
    ASSERT(log);
    int status = log_files_open(state, zone, NULL, log);
    bool opened = status == EXIT_OK, again = opened;
    struct verifying q = {0};
    uint64_t anchors = 0;
    for (int tries = 0, doubts = 0; again && tries < TRIES; tries++) {
        q = (struct verifying){0};
        bool moved;
        again = false;
        switch (zone_copy_open(state, c, zone, running, scratch, &q.copy)) {
        case ZONE_COPY_NONE:
            printf("zone %s: no store yet\n", zone);
            status = check_anchors(&q, log, &anchors);
            break;
        case ZONE_COPY_CLOSED:
            status = EXIT_DOES_NOT_HOLD;
            break;
        case ZONE_COPY_FAILED:
            status = EXIT_CANNOT;
            break;
        case ZONE_COPY_OK:
            status = check_store(&q, log, &moved);
            again = moved || (running && q.why[0] && ++doubts < BELIEVED);
            zone_copy_close(&q.copy);
            break;
        }
    }
    if (again) {
        fprintf(stderr, "bulkhead: zone %s is written faster than it is read; try again later\n",
                zone);
        status = EXIT_CANNOT;
    } else if (q.why[0]) {
        fprintf(stderr, "bulkhead: zone %s DOES NOT HOLD: %s\n", zone, q.why);
    }
    if (opened)
        log_files_close(log);
    free(log);
    return status;
}

static int
verify_log(const char *state, const char *name)
{
    struct log_files *log = calloc(1, sizeof(*log));
    struct log_verdict v;
    ASSERT(log);
    int status = log_files_open(state, name, NULL, log);
    if (status == EXIT_OK && log_files_verify(log, &v) != OK) {
        fprintf(stderr, "bulkhead: log %s DOES NOT HOLD: %s\n", name, v.why);
        status = EXIT_DOES_NOT_HOLD;
    } else if (status == EXIT_OK) {
        printf("log %s: %llu entries hold\n", name, (unsigned long long)v.entries);
    }
    if (status == EXIT_OK)
        log_files_close(log);
    free(log);
    return status;
}

/* What does not hold is worse than what cannot be looked at. */
static int
worse(int a, int b)
{
    return a == EXIT_OK || b == EXIT_DOES_NOT_HOLD ? b : a;
}

int
state_verify(const char *state, const struct charter *c, const char *only_zone, bool running,
             const char *scratch)
{
    struct log_names names;
    int worst = EXIT_OK;
    uint32_t looked = 0;
    if (!log_files_names(state, &names))
        return EXIT_CANNOT;
    for (size_t i = 0; i < names.count; i++) {
        if (only_zone && strcmp(only_zone, names.list[i]) != 0)
            continue;
        worst = worse(worst, verify_log(state, names.list[i]));
        looked++;
    }
    for (uint32_t z = 0; z < c->zones_count; z++) {
        const char *zone = c->zones[z].name;
        if (only_zone && strcmp(only_zone, zone) != 0)
            continue;
        worst = worse(worst, verify_zone(state, c, zone, running, scratch));
        looked++;
    }
    if (looked > 0)
        return worst;
    fprintf(stderr, "bulkhead: %s has no zone %s\n", state, only_zone ? only_zone : "");
    return EXIT_CANNOT;
}
