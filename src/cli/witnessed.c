#include "cli/witnessed.h"

#include "base/clock.h"
#include "cli/sighting.h"
#include "cli/tool.h"

struct view {
    const char *state;
    const struct log_files *files;
    const struct trust *trust;
    struct sighting_log log;
    struct tree_reader reader;
    uint64_t size; /* under the log's own newest checkpoint */
    uint64_t now_s;
    bool contradicted;
};

static void
print_age(uint64_t then_s, uint64_t now_s)
{
    static const struct {
        uint64_t s;
        const char *word;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    uint64_t age = now_s > then_s ? now_s - then_s : 0;
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        uint64_t n = age / units[i].s;
        if (n == 0 && i + 1 < ARRAY_COUNT(units))
            continue;
        printf("%llu %s%s ago", (unsigned long long)n, units[i].word, n == 1 ? "" : "s");
        return;
    }
}

/* One note of a witness; false when there is none that counts. */
static bool
look_at(struct view *v, const struct trust_witness *w, struct bytes note, struct sighting *newest)
{
    char sentence[SIGHTING_SENTENCE_MAX];
    struct sighting s;
    if (sighting_read(note, &v->log, &w->cosigner, &s) != OK) {
        printf("%-16s DOES NOT HOLD: a note of witness %s is not signed by log and witness\n",
               v->files->name, w->name);
        v->contradicted = true;
        return false;
    }
    if (sighting_judge(&s, w->name, &v->reader, v->size, sentence) != OK) {
        printf("%-16s DOES NOT HOLD: %s\n", v->files->name, sentence);
        v->contradicted = true;
        return false;
    }
    if (s.time_s >= newest->time_s)
        *newest = s;
    return true;
}

static void
verify_witness(struct view *v, const struct trust_witness *w, bool ask)
{
    char file[SIGHTING_FILE_SIZE];
    struct sighting newest = {.time_s = 0};
    struct buf note;
    bool seen = false, silent = false;
    sighting_file(&w->cosigner, file);
    if (sighting_load(v->state, v->files->name, file, &note)) {
        seen = look_at(v, w, buf_bytes(&note), &newest);
        buf_fini(&note);
    }
    if (ask && w->url[0]) {
        buf_init(&note, SIGHTING_NOTE_MAX);
        enum err e = sighting_fetch(w->url, &v->log, &note);
        silent = e != OK && e != ERR_NOT_FOUND;
        if (e == OK)
            seen = look_at(v, w, buf_bytes(&note), &newest) || seen;
        buf_fini(&note);
    }
    printf("  witness %s ", w->name);
    if (seen) {
        printf("saw %llu of %llu entries, ", (unsigned long long)newest.checkpoint.size,
               (unsigned long long)v->size);
        print_age(newest.time_s, v->now_s);
    } else {
        printf("has cosigned nothing that is here");
    }
    printf("%s\n", silent ? "; does not answer now" : "");
}

/* Who cosigned this note, a bit each. */
static uint32_t
cosigners_of(const struct view *v, struct bytes note)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < v->trust->witnesses_count; i++) {
        struct sighting s;
        if (sighting_read(note, &v->log, &v->trust->witnesses[i].cosigner, &s) == OK)
            mask |= 1U << i;
    }
    return mask;
}

/* Is this log one of the policy's, when the policy names any? */
static bool
names_log(const struct trust *t, const struct sighting_log *log)
{
    for (uint32_t i = 0; i < t->logs_count; i++)
        if (strcmp(t->logs[i].origin, log->origin) == 0 &&
            memcmp(t->logs[i].key, log->key, sizeof(log->key)) == 0)
            return true;
    return t->logs_count == 0;
}

static bool
verify_quorum(const struct view *v)
{
    struct buf note;
    struct checkpoint c = {.size = 0};
    if (!names_log(v->trust, &v->log)) {
        printf("%-16s DOES NOT HOLD: the policy names other logs and not this one\n",
               v->files->name);
        return false;
    }
    if (v->trust->quorum == TRUST_NOBODY)
        return true;
    bool there = witnessed_note(v->state, v->files, 0, &note, &c);
    bool enough = there && trust_is_quorum(v->trust, cosigners_of(v, buf_bytes(&note)));
    if (there)
        buf_fini(&note);
    if (enough)
        printf("  policy: enough witnesses saw %llu of %llu entries\n", (unsigned long long)c.size,
               (unsigned long long)v->size);
    else
        printf("%-16s DOES NOT HOLD: no checkpoint here was cosigned by as many witnesses as the "
               "policy wants\n",
               v->files->name);
    return enough;
}

static struct sighting_log
log_of(const struct log_files *f)
{
    struct sighting_log log;
    memcpy(log.origin, f->origin, sizeof(log.origin));
    memcpy(log.key, f->log.config.public_key, sizeof(log.key));
    return log;
}

int
witnessed_verify(const char *state, const struct log_files *f, const struct trust *trust, bool ask)
{
    struct clock_source clock = clock_system();
    struct view v = {.state = state,
                     .files = f,
                     .trust = trust,
                     .log = log_of(f),
                     .reader = log_reader(&f->log),
                     .size = log_size(&f->log),
                     .now_s = (uint64_t)clock_wall_us(&clock) / 1000000};
    for (uint32_t i = 0; i < trust->witnesses_count; i++)
        verify_witness(&v, &trust->witnesses[i], ask);
    /* A log that never signed anything has nothing to be cosigned. */
    bool enough = f->log.generation == 0 || verify_quorum(&v);
    return enough && !v.contradicted ? EXIT_OK : EXIT_DOES_NOT_HOLD;
}

bool
witnessed_note(const char *state, const struct log_files *f, uint64_t at_least, struct buf *out,
               struct checkpoint *out_checkpoint)
{
    struct tree_reader r = log_reader(&f->log);
    struct tree_edge edge;
    struct tree_hash root;
    struct checkpoint c;
    if (!sighting_load(state, f->name, SIGHTING_COSIGNED, out))
        return false;
    bool good = checkpoint_open(buf_bytes(out), f->origin, f->log.config.public_key, &c) == OK &&
                c.size >= at_least && c.size <= log_size(&f->log) &&
                tree_read_edge(&r, c.size, &edge) == OK;
    if (good) {
        tree_edge_root(&edge, &root);
        good = tree_hash_equal(&root, &c.root);
    }
    if (good)
        *out_checkpoint = c;
    else
        buf_fini(out);
    return good;
}
