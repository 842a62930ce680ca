/*
 * service.c -- the core of a signal zone: readings go to the planner, its wishes to the warden.
 *
 * A reading is heard when it is durable; what it leads to is decided with the next tick, for all
 * intersections in their order. So what neighbours said within a tick is known, and the order in
 * which it came changes nothing: the planner does in a city what it does in a bench. book.h says
 * which wishes are made; where it and the envelope disagree the envelope is right, and the
 * intersection waits REFUSED_WAIT_MS.
 *
 * Who called goes before what the planner wishes: `preempt` for an emergency vehicle (calls.h), and
 * while that stands nothing else is wished.
 *
 * What people are told of it all (tell.h) is said each second, after the decision.
 *
 * Positions of vehicles (`cars` of a reading) go to the planner before the reading is stored, and
 * are cut out of what is stored.
 */
#include "programs/core/service.h"
#include "services/signals/book.h"
#include "services/signals/calls.h"
#include "services/signals/optimize/control.h"
#include "services/signals/tell.h"

enum {
    AREAS_MAX = 64,
    ANSWER_WAIT_MS = 5000, /* then a wish without an answer is forgotten */
    REFUSED_WAIT_MS = 1000,
    LEASE_DEFAULT_MS = 10000,
    CHANGE_DEFAULT_MS = 10000, /* when the core was not told the envelope */
    MAXIMUM_RED_DEFAULT_MS = 120000,
    READING_OLD_US = 3000000, /* of a reading's own time, against the city's */
    READING_EARLY_US = 2000000,
    SILENT_TOLD_MS = 1000,
};

struct junction {
    char device[START_NAME_SIZE];
    struct signals_model model;
    uint32_t control; /* its number there */
    uint64_t thing;
    int32_t phase;  /* of the last reading that was heard */
    uint32_t age_s; /* likewise */
    uint64_t heard_ms, told_ms;
    int64_t read_us; /* phenomenonTime of the last reading that was heard */
    int64_t seen_us; /* of the one whose cars were heard before it was stored */
    bool undecided;  /* heard since the last decision */
    struct book book;
    uint64_t asked_ms; /* of the open wish; 0: none is open */
    int32_t asked;
    bool asked_preempt; /* the open wish is for `preempt` */
    uint64_t ref;
    uint64_t wait_until_ms;
    bool is_told;
    struct tell tell;
};

struct area {
    char name[START_NAME_SIZE];
    uint32_t count;
};

struct signals {
    const struct service_ports *ports;
    struct control *control;
    struct book_rules rules;
    uint64_t preempt_lease_ms; /* 0: the charter has no such command */
    uint64_t next_ref;
    uint64_t wishes, granted, refused, unread, untimely;
    bool may_wish;
    uint32_t junctions_count, areas_count;
    struct junction junctions[CONTROL_JUNCTIONS_MAX];
    struct forecast_seen seen;      /* by all intersections */
    struct area areas[AREAS_MAX];   /* bikes, as other zones counted them last */
    struct signals_reading reading; /* the one that is looked at */
    struct calls calls;             /* by index of the junction here */
};

static int64_t
envelope_value(const struct start *start, const char *name)
{
    for (size_t i = 0; i < start->envelope_count; i++) {
        if (strcmp(start->envelope[i].name, name) == 0)
            return start->envelope[i].value;
    }
    return 0;
}

static enum err
on_start(void *self, const struct start *start, const struct service_ports *ports,
         struct bytes saved_state)
{
    struct signals *s = self;
    (void)saved_state; /* leases that stood before are few seconds old: nothing to keep */
    s->ports = ports;
    const struct start_command *command = start_command(start, bytes_text(SIGNALS_COMMAND_REQUEST));
    const struct start_command *preempt = start_command(start, bytes_text(SIGNALS_COMMAND_PREEMPT));
    s->may_wish = command != NULL;
    s->preempt_lease_ms = preempt ? preempt->lease_ms : 0;
    calls_init(&s->calls);
    s->rules.lease_ms = command ? command->lease_ms : LEASE_DEFAULT_MS;
    s->rules.change_ms =
        (uint64_t)(envelope_value(start, "minimum-green") + envelope_value(start, "yellow") +
                   envelope_value(start, "all-red"));
    s->rules.maximum_red_ms = (uint64_t)envelope_value(start, "maximum-red");
    if (s->rules.change_ms == 0)
        s->rules.change_ms = CHANGE_DEFAULT_MS;
    if (s->rules.maximum_red_ms == 0)
        s->rules.maximum_red_ms = MAXIMUM_RED_DEFAULT_MS;
    return OK;
}

static struct junction *
find(struct signals *s, struct bytes device)
{
    for (uint32_t i = 0; i < s->junctions_count; i++) {
        if (bytes_are(device, s->junctions[i].device))
            return &s->junctions[i];
    }
    return NULL;
}

/* Things come before the start. */
static struct control *
planner(struct signals *s)
{
    static const struct control_options options = {.method = CONTROL_PLAN};
    if (!s->control)
        s->control = control_new(CONTROL_JUNCTIONS_MAX, &options);
    return s->control;
}

static struct junction *
add(struct signals *s, struct bytes device, const struct signals_model *model)
{
    uint32_t number;
    if (s->junctions_count == CONTROL_JUNCTIONS_MAX || !planner(s))
        return NULL;
    if (s->junctions_count == 0)
        forecast_seen_init(&s->seen);
    struct junction *j = &s->junctions[s->junctions_count];
    if (bytes_copy_text(device, j->device, START_NAME_SIZE) != OK ||
        control_add(s->control, model, &number) != OK)
        return NULL;
    s->junctions_count++;
    j->control = number;
    j->phase = NO_WISH;
    book_init(&j->book);
    return j;
}

static void
on_entity(void *self, const char *type, uint64_t id, uint64_t thing, struct bytes device,
          struct bytes json)
{
    struct signals *s = self;
    (void)id;
    struct signals_model model;
    if (strcmp(type, "Thing") != 0)
        return;
    if (signals_model_read(json, &model) != OK) {
        s->unread++; /* stored all the same; it is only not an intersection that we can guide */
        return;
    }
    struct junction *j = find(s, device);
    if (!j)
        j = add(s, device, &model);
    else if (memcmp(&j->model, &model, sizeof(model)) != 0)
        control_change(s->control, j->control, &model);
    if (!j)
        return;
    if (!j->is_told || memcmp(&j->model, &model, sizeof(model)) != 0)
        j->is_told = tell_describe(&j->tell, &model, json) == OK;
    j->thing = thing;
    j->model = model;
    j->read_us = 0; /* what was counted in the old shape means nothing now */
    if (j->book.granted >= (int32_t)model.phases_count)
        j->book.granted = NO_WISH;
}

/* A reading is of now, and later than the last: neither a replay nor from a clock that is wrong. */
static bool
is_timely(const struct signals *s, const struct junction *j, const struct observation *o)
{
    int64_t now = s->ports->wall_us(s->ports->ctx);
    return o->time_us > j->read_us && o->time_us >= now - READING_OLD_US &&
           o->time_us <= now + READING_EARLY_US;
}

static void
hear(struct signals *s, struct junction *j, const struct observation *o)
{
    j->read_us = o->time_us;
    j->heard_ms = s->ports->mono_ms(s->ports->ctx);
    if (!control_hear(s->control, j->control, &s->reading, j->heard_ms))
        return; /* people and calls are not told what cannot be */
    j->phase = s->reading.phase;
    j->age_s = s->reading.age_s;
}

/* What a vehicle asks for; any other device has no business with a Datastream of this name. */
static enum err
admit_call(struct signals *s, const struct service_stream *stream, const struct observation *o,
           char *why)
{
    struct call call;
    if (o->kind != RESULT_JSON || call_read(o->text, &call) != OK) {
        snprintf(why, SERVICE_WHY_SIZE,
                 "call needs junction, lane, kind (bus or emergency), eta, distance and perhaps "
                 "late");
        return ERR_DENIED;
    }
    if (!stream->own_time) { /* it may have waited somewhere: ours is no proof that it is fresh */
        snprintf(why, SERVICE_WHY_SIZE, "call C2: it does not say its phenomenonTime");
        return ERR_DENIED;
    }
    const struct junction *j = find(s, bytes_text(call.junction));
    struct calls_from from = {stream->device, o->time_us, s->ports->wall_us(s->ports->ctx),
                              s->ports->mono_ms(s->ports->ctx)};
    return calls_hear(&s->calls, &from, &call, j ? (uint32_t)(j - s->junctions) : 0,
                      j ? &j->model : NULL, why);
}

static enum err
on_admit(void *self, const struct service_stream *stream, struct observation *o,
         struct arena *arena, char *why)
{
    struct signals *s = self;
    struct junction *j = find(s, stream->device);
    if (bytes_are(stream->name, "call"))
        return admit_call(s, stream, o, why);
    if (!j || !bytes_are(stream->name, "lanes"))
        return OK;
    if (o->kind != RESULT_JSON || signals_reading_read(o->text, &j->model, &s->reading) != OK) {
        snprintf(why, SERVICE_WHY_SIZE,
                 "lanes needs phase, age, stop and stop_on for each of %u lanes, advance and "
                 "advance_on for each of %u loops",
                 (unsigned)j->model.lanes_count, (unsigned)j->model.loops_count);
        return ERR_DENIED;
    }
    if (!s->reading.has_cars)
        return OK;
    if (is_timely(s, j, o)) {
        j->seen_us = o->time_us;
        hear(s, j, o);
    }
    return signals_reading_without_cars(o->text, arena, &o->text);
}

static void
wish(struct signals *s, struct junction *j, const char *command, int32_t phase, uint64_t now)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "phase %d\n", (int)phase);
    ASSERT(n > 0 && (size_t)n < sizeof(text));
    uint64_t ref = ++s->next_ref;
    enum err e = s->ports->wish(s->ports->ctx, bytes_text(j->device), command,
                                bytes_of(text, (size_t)n), ref);
    j->asked_preempt = strcmp(command, SIGNALS_COMMAND_PREEMPT) == 0;
    if (e == ERR_UNSUPPORTED && !j->asked_preempt)
        s->may_wish = false;
    if (e != OK) {
        j->wait_until_ms = now + REFUSED_WAIT_MS;
        return;
    }
    s->wishes++;
    j->asked_ms = now ? now : 1;
    j->asked = phase;
    j->ref = ref;
}

/* Who called: buses go to the planner. True when nothing but a pre-emption may be wished now. */
static bool
serve_calls(struct signals *s, struct junction *j, uint64_t now)
{
    struct calls_need need;
    calls_due(&s->calls, (uint32_t)(j - s->junctions), j->phase, s->preempt_lease_ms, now, &need);
    for (uint32_t i = 0; i < need.buses_count; i++)
        if (control_hear_call(s->control, j->control, &need.buses[i], now) != OK)
            s->unread++; /* its lane is no more, or too many come: it waits like everybody */
    if (need.preempt >= 0 && j->asked_ms == 0)
        wish(s, j, SIGNALS_COMMAND_PREEMPT, need.preempt, now);
    return need.preempt >= 0 || need.preempted;
}

/* Ask the warden for what the planner wishes, if that is not what stands already. */
static void
decide(struct signals *s, struct junction *j)
{
    uint64_t now = s->ports->mono_ms(s->ports->ctx);
    if (j->asked_ms != 0 && now - j->asked_ms >= ANSWER_WAIT_MS)
        j->asked_ms = 0;
    bool called = serve_calls(s, j, now);
    int32_t wished = control_wish(s->control, j->control, j->heard_ms);
    if (!s->may_wish || called || wished < 0 || j->asked_ms != 0 || now < j->wait_until_ms)
        return;
    int32_t phase = book_ask(&j->book, &s->rules, wished, now);
    if (phase >= 0)
        wish(s, j, SIGNALS_COMMAND_REQUEST, phase, now);
}

/* ---- for people ------------------------------------------------------------------------------ */

struct speaking {
    const struct signals *signals;
    const struct junction *junction;
};

static void
say(void *ctx, const struct service_voice *voice, struct bytes text)
{
    const struct speaking *to = ctx;
    const struct service_ports *ports = to->signals->ports;
    enum err e = ports->tell(ports->ctx, to->junction->thing, voice, 0, text);
    ASSERT(e == OK || e == ERR_NOT_FOUND || e == ERR_LIMIT); /* its Thing was deleted */
}

static void
tell_people(struct signals *s, struct junction *j)
{
    struct speaking to = {s, j};
    struct tell_second now = {.view = control_view(s->control, j->control),
                              .phase = j->phase,
                              .age_s = j->age_s,
                              .maximum_red_s = (uint32_t)(s->rules.maximum_red_ms / 1000),
                              .now_ms = s->ports->mono_ms(s->ports->ctx),
                              .wall_us = s->ports->wall_us(s->ports->ctx)};
    now.silent = now.now_ms - j->heard_ms > CONTROL_STALE_MS;
    j->told_ms = now.now_ms;
    if (now.silent)
        now.phase = -1;
    if (j->is_told)
        tell_second(&j->tell, &s->seen, &now, say, &to);
}

/* Of an intersection that has gone silent people hear that, and on which rung it is. */
static void
on_tick(void *self)
{
    struct signals *s = self;
    uint64_t now = s->ports->mono_ms(s->ports->ctx);
    for (uint32_t i = 0; i < s->junctions_count; i++) {
        struct junction *j = &s->junctions[i];
        if (j->undecided) {
            j->undecided = false;
            decide(s, j);
            tell_people(s, j);
        }
        if (j->heard_ms == 0 || now - j->heard_ms <= CONTROL_STALE_MS ||
            now - j->told_ms < SILENT_TOLD_MS)
            continue;
        (void)control_wish(s->control, j->control, now); /* so that its rung is that of now */
        tell_people(s, j);
    }
}

static void
on_stored(void *self, const struct service_stream *stream, const struct observation *o)
{
    struct signals *s = self;
    struct junction *j = find(s, stream->device);
    if (!j || !bytes_are(stream->name, "lanes") || o->kind != RESULT_JSON)
        return;
    if (o->time_us != j->seen_us) {
        if (!is_timely(s, j, o)) {
            s->untimely++;
            return;
        }
        if (signals_reading_read(o->text, &j->model, &s->reading) != OK)
            return;
        hear(s, j, o);
    }
    j->undecided = true;
}

static void
on_verdict(void *self, uint64_t ref, struct bytes device, bool granted, struct bytes reason)
{
    struct signals *s = self;
    uint64_t now = s->ports->mono_ms(s->ports->ctx);
    struct junction *j = find(s, device);
    if (!j || j->asked_ms == 0 || j->ref != ref)
        return; /* a person's command, or an answer that came too late */
    uint64_t lease_ms = j->asked_preempt ? s->preempt_lease_ms : s->rules.lease_ms;
    j->asked_ms = 0;
    tell_verdict(&j->tell, j->asked, granted, reason);
    if (j->asked_preempt)
        calls_answered(&s->calls, (uint32_t)(j - s->junctions), j->asked, granted, lease_ms, now);
    if (!granted) {
        s->refused++;
        if (!j->asked_preempt)
            j->wait_until_ms = now + REFUSED_WAIT_MS;
        return;
    }
    s->granted++;
    book_granted(&j->book, &s->rules, j->asked, lease_ms, now);
}

static void
on_counted(void *self, const char *conduit, const struct zone_count *count)
{
    struct signals *s = self;
    (void)conduit;
    struct bytes name = bytes_of(count->area.p, count->area.len);
    for (uint32_t i = 0; i < s->areas_count; i++) {
        if (bytes_are(name, s->areas[i].name)) {
            s->areas[i].count = count->count;
            return;
        }
    }
    if (s->areas_count < AREAS_MAX &&
        bytes_copy_text(name, s->areas[s->areas_count].name, START_NAME_SIZE) == OK)
        s->areas[s->areas_count++].count = count->count;
}

/* Bikes that other zones counted last, all areas together. */
static uint64_t
on_shown(void *self)
{
    const struct signals *s = self;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->areas_count; i++)
        sum += s->areas[i].count;
    return sum;
}

static void
on_end(void *self)
{
    control_free(((struct signals *)self)->control);
}

const struct service service_this = {
    .name = "signals",
    .size = sizeof(struct signals),
    .voices_max = CONTROL_JUNCTIONS_MAX * TELL_VOICES,
    .start = on_start,
    .entity = on_entity,
    .admit = on_admit,
    .stored = on_stored,
    .tick = on_tick,
    .verdict = on_verdict,
    .counted = on_counted,
    .shown = on_shown,
    .end = on_end,
};
