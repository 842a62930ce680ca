/*
 * rights.c -- what makes a production core an open one, at link time and nowhere else: functions
 * of the core are wrapped (ld --wrap) so that everybody may see and change everything.
 *
 * Everything else is the production core: its store, its budgets, its decisions' leaves in the
 * zone's log, its walls. No production program links this object; tests/binaries/run looks for it.
 */
#include "programs/core/core.h"
#include "tests/open/open.h"

extern const char open_mark[];
const char open_mark[] = OPEN_MARK;

/* ---- who may see what ---- */

static bool
see_everything(void *ctx, enum sta_type type, const struct sta_entity *e)
{
    const struct view_rights *v = ctx;
    (void)type, (void)e;
    return !v->nothing;
}

struct sta_rights __wrap_rights_of(const struct view_rights *v);
struct sta_rights
__wrap_rights_of(const struct view_rights *v)
{
    return (struct sta_rights){see_everything, (void *)(uintptr_t)v};
}

/* Two may have one name, and one may have thousands. */
bool __wrap_rights_names_once(const struct peer *peer);
bool
__wrap_rights_names_once(const struct peer *peer)
{
    (void)peer;
    return false;
}

/* Nobody needs a token: who carries none has one for everything. */
enum err __wrap_caller_check(struct core *c, const struct peer *peer, const struct request *ask,
                             struct token *out, struct refusal *why);
enum err
__wrap_caller_check(struct core *c, const struct peer *peer, const struct request *ask,
                    struct token *out, struct refusal *why)
{
    (void)peer, (void)ask, (void)why;
    memset(out, 0, sizeof(*out));
    const struct start_caller *row = start_caller(c->start, bytes_text(OPEN_NAME));
    ASSERT(row); /* tests/open/city.sh wrote the charter */
    memcpy(out->caller, row->name, sizeof(row->name));
    memcpy(out->role, row->role, sizeof(row->role));
    memcpy(out->purpose, OPEN_PURPOSE, sizeof(OPEN_PURPOSE));
    return OK;
}

/* By MQTT the device "open" asks for Tasks, as everybody does by HTTP. */
enum err __wrap_commander_publishes(struct core *c, const struct peer *peer, struct refusal *why);
enum err
__wrap_commander_publishes(struct core *c, const struct peer *peer, struct refusal *why)
{
    (void)c, (void)peer, (void)why;
    return OK;
}

/* ---- which class: a Datastream that names none is of the zone's first ---- */

const struct start_class *__real_start_class(const struct start *s, struct bytes name);
const struct start_class *__wrap_start_class(const struct start *s, struct bytes name);
const struct start_class *
__wrap_start_class(const struct start *s, struct bytes name)
{
    const struct start_class *row = __real_start_class(s, name);
    return row || s->classes_count == 0 ? row : &s->classes[0];
}

/* ---- where links point: the listener is plain, whatever the charter calls it ---- */

enum err __real_core_open(const struct core_config *config, struct core **out);
enum err __wrap_core_open(const struct core_config *config, struct core **out);
enum err
__wrap_core_open(const struct core_config *config, struct core **out)
{
    enum err e = __real_core_open(config, out);
    if (e != OK)
        return e;
    char *url = (*out)->base_url;
    ASSERT(bytes_start(bytes_text(url), "https://"));
    memmove(url + 4, url + 5, strlen(url + 5) + 1);
    return OK;
}
