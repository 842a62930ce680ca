#include "drill/story_run.h"

#include "authority/city_keys.h"
#include "drill/interrupt.h"
#include "drill/moves.h"
#include "drill/story_report.h"
#include "drill/story_walls.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TARGETS_SIZE = 6000, INSIDE_WAIT_MS = 30000 };

struct telling {
    const struct story_config *config;
    const struct story *story;
    struct stage stage;
    struct story_result *result;
};

/* ---- moves ----------------------------------------------------------------------------------- */

/* The move's words as lines for the payload, with what stands for something put in. */
static bool
put_targets(struct stage *s, const struct story_move *m, char *to, size_t size)
{
    size_t at = 0;
    to[0] = '\0';
    for (uint32_t i = 0; i < m->args_count; i++) {
        char value[STAGE_TOKEN_SIZE];
        if (m->args[i].value[0] == '\0')
            value[0] = '\0';
        else if (!stage_expand(s, m->args[i].value, value, sizeof(value)))
            return false;
        int n = snprintf(to + at, size - at, "%s=%s\n", m->args[i].key, value);
        if (n < 0 || (size_t)n >= size - at)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* What the payload noted last, in place of all that the process wrote. */
static void
keep_note(struct outcome *o)
{
    static const char before[] = "note: ";
    const char *last = NULL;
    for (const char *at = o->said; (at = strstr(at, before)); at += sizeof(before) - 1)
        last = at + sizeof(before) - 1;
    if (!last) {
        o->said[0] = '\0';
        return;
    }
    size_t len = strcspn(last, "\n");
    memmove(o->said, last, len);
    o->said[len] = '\0';
}

struct outcome
story_inside(struct stage *s, const struct story_move *m, const struct story_move *also,
             uint64_t walls)
{
    char targets[TARGETS_SIZE], also_targets[TARGETS_SIZE];
    struct range_breach b = {m->compartment, s->moves, m->name, targets};
    struct range_breach second = {also ? also->compartment : "", s->moves, also ? also->name : "",
                                  also_targets};
    if (!put_targets(s, m, targets, sizeof(targets)) ||
        (also && !put_targets(s, also, also_targets, sizeof(also_targets))))
        return move_answer(ANSWER_FAILED, "a word of the move cannot be filled in");
    range_walls(s->range, walls);
    enum err e = range_breach(s->range, &b);
    if (e == OK && also)
        e = range_breach(s->range, &second);
    range_walls(s->range, 0);
    if (e != OK)
        return move_answer(ANSWER_FAILED, "the compartment could not be breached");
    struct outcome o = range_answer(s->range, m->compartment, INSIDE_WAIT_MS);
    if (also)
        (void)range_answer(s->range, also->compartment, INSIDE_WAIT_MS);
    keep_note(&o);
    return o;
}

static struct outcome
outside(struct stage *s, const struct story_move *m)
{
    const struct move *move = move_find(m->name);
    return move ? move->run(s, m) : move_answer(ANSWER_FAILED, "there is no move %s", m->name);
}

/* ---- a step ---------------------------------------------------------------------------------- */

/* Did it end as the story says? */
static bool
is_as_told(const struct story_step *step, const struct outcome *o, const struct wall_findings *w)
{
    bool says = step->by[0] == '\0' || strstr(o->said, step->by) != NULL;
    switch (step->must) {
    case STORY_WALL:
        return o->answer == ANSWER_REFUSED && w->measured && strcmp(w->by, step->by) == 0 &&
               w->reached_without_any;
    case STORY_RULE:
    case STORY_NOTICED:
        return o->answer == ANSWER_REFUSED && says;
    case STORY_ALLOWED:
        return o->answer == ANSWER_ESCAPED && says;
    }
    return false;
}

/* A compartment that was breached is empty afterwards: the city's own program comes back. */
static void
heal(struct stage *s, const struct story_move *m)
{
    if (m->compartment[0] && range_restart(s->range, m->compartment) != OK)
        fprintf(stderr, "bulkhead: %s did not come back\n", m->compartment);
}

static void
count(struct story_result *r, const struct story_step *step, bool told)
{
    r->steps++;
    r->wrong += !told;
    r->stopped += told && (step->must == STORY_WALL || step->must == STORY_RULE);
    r->permitted += told && step->must == STORY_ALLOWED;
    r->noticed += told && step->must == STORY_NOTICED;
}

static void
tell_step(struct telling *t, uint32_t number)
{
    const struct story_step *step = &t->story->steps[number];
    struct stage *s = &t->stage;
    struct wall_findings walls = {0};
    struct outcome o;
    const struct story_move *also = step->also.name[0] ? &step->also : NULL;
    if (step->move.compartment[0])
        o = story_inside(s, &step->move, also, 0);
    else
        o = outside(s, &step->move);
    if (step->must == STORY_WALL && o.answer == ANSWER_REFUSED)
        walls_measure(s, step, &o, &walls);
    heal(s, &step->move);
    if (also)
        heal(s, also);
    range_turn(s->range, 0);
    bool told = is_as_told(step, &o, &walls);
    count(t->result, step, told);
    report_step(number + 1, step, &o, &walls, t->config->charter_text, told);
}

/* ---- the city -------------------------------------------------------------------------------- */

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static enum err
enrol(struct telling *t)
{
    const struct charter *c = t->config->charter;
    const char *state = range_state(t->stage.range);
    char path[STAGE_PATH_SIZE], why[400];
    snprintf(path, sizeof(path), "%s/field", state);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return ERR_IO;
    for (uint32_t i = 0; i < t->story->devices_count; i++) {
        const struct story_device *d = &t->story->devices[i];
        int32_t zone = charter_find_zone(c, bytes_text(d->zone));
        snprintf(path, sizeof(path), "%s/field/%s", state, d->name);
        struct city_device device = {(uint32_t)zone, d->name, path};
        if (zone < 0) {
            fprintf(stderr, "bulkhead: this story needs a zone %s\n", d->zone);
            return ERR_NOT_FOUND;
        }
        if (city_keys_enrol(c, state, &device, why, sizeof(why)) != OK) {
            fprintf(stderr, "bulkhead: %s\n", why);
            return ERR_IO;
        }
    }
    return OK;
}

static enum err
open_city(struct telling *t)
{
    const struct story_config *config = t->config;
    const struct range_config range = {.charter = config->charter,
                                       .libexec = config->libexec,
                                       .drill_libexec = config->drill_libexec,
                                       .verbose = config->verbose};
    snprintf(t->stage.work, sizeof(t->stage.work), "/tmp/bulkhead-story-%d-XXXXXX", (int)getpid());
    if (!mkdtemp(t->stage.work)) {
        t->stage.work[0] = '\0';
        return ERR_IO;
    }
    enum err e = range_open(&range, &t->stage.range);
    if (e == OK)
        e = enrol(t);
    return e == OK ? range_start(t->stage.range) : e;
}

static void
close_city(struct telling *t)
{
    if (t->stage.range)
        moves_end(&t->stage);
    range_close(t->stage.range);
    if (t->stage.work[0])
        nftw(t->stage.work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

enum err
story_run(const struct story_config *config, const struct story *story, struct story_result *out)
{
    struct telling *t = calloc(1, sizeof(*t));
    ASSERT(t);
    *out = (struct story_result){0};
    *t = (struct telling){.config = config, .story = story, .result = out};
    t->stage.charter = config->charter;
    t->stage.bulkhead = config->bulkhead;
    t->stage.moves = config->moves;
    interrupt_watch();
    report_begin(config, story);
    enum err e = open_city(t);
    for (uint32_t i = 0; e == OK && i < story->steps_count; i++) {
        tell_step(t, i);
        if (interrupt_seen())
            e = ERR_CLOSED;
    }
    close_city(t);
    if (e == OK)
        report_end(out);
    free(t);
    return e;
}
