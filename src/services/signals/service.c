/*
 * service.c -- the core of a signal zone: one record an intersection, and wishes for leases.
 *
 * The warden's answer to each wish becomes an entry of the ledger, so a wish that will surely be
 * refused is not made: this file keeps the same clock of changes and holds that the envelope keeps.
 * Where the two disagree the envelope is right, and the intersection waits REFUSED_WAIT_MS.
 */
#include "programs/core/service.h"
#include "services/signals/controller.h"

enum {
    JUNCTIONS_MAX = 256,
    AREAS_MAX = 64,
    SIGNALS_STALE_MS = 3000, /* older counts lead to no wish */
    ANSWER_WAIT_MS = 5000,   /* then a wish without an answer is forgotten */
    REFUSED_WAIT_MS = 1000,
    LEASE_DEFAULT_MS = 10000,
    CHANGE_DEFAULT_MS = 10000, /* when the core was not told the envelope */
    MAXIMUM_RED_DEFAULT_MS = 120000,
};

struct junction {
    char device[START_NAME_SIZE];
    struct signals_model model;
    struct signals_counts counts;
    uint64_t counted_ms; /* when the counts came; 0: never */
    uint64_t served_ms[SIGNALS_LANES_MAX];
    int32_t granted; /* the phase of the last lease, or NO_WISH */
    uint64_t changed_ms, held_since_ms, until_ms;
    uint64_t asked_ms; /* of the open wish; 0: none is open */
    int32_t asked;
    uint64_t ref;
    uint64_t wait_until_ms;
};

struct area {
    char name[START_NAME_SIZE];
    uint32_t count;
};

struct signals {
    const struct service_ports *ports;
    uint64_t lease_ms, change_ms, maximum_red_ms;
    uint64_t next_ref;
    uint64_t wishes, granted, refused, unread;
    bool may_wish;
    uint32_t junctions_count, areas_count;
    struct junction junctions[JUNCTIONS_MAX];
    struct area areas[AREAS_MAX]; /* bikes, as other zones counted them last */
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
    s->may_wish = command != NULL;
    s->lease_ms = command ? command->lease_ms : LEASE_DEFAULT_MS;
    s->change_ms = (uint64_t)(envelope_value(start, "minimum-green") +
                              envelope_value(start, "yellow") + envelope_value(start, "all-red"));
    s->maximum_red_ms = (uint64_t)envelope_value(start, "maximum-red");
    if (s->change_ms == 0)
        s->change_ms = CHANGE_DEFAULT_MS;
    if (s->maximum_red_ms == 0)
        s->maximum_red_ms = MAXIMUM_RED_DEFAULT_MS;
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

static void
on_entity(void *self, const char *type, uint64_t id, uint64_t thing, struct bytes device,
          struct bytes json)
{
    struct signals *s = self;
    (void)id;
    (void)thing;
    struct signals_model model;
    if (strcmp(type, "Thing") != 0)
        return;
    if (signals_model_read(json, &model) != OK) {
        s->unread++; /* stored all the same; it is only not an intersection that we can guide */
        return;
    }
    struct junction *j = find(s, device);
    if (!j) {
        if (s->junctions_count == JUNCTIONS_MAX ||
            bytes_copy_text(device, s->junctions[s->junctions_count].device, START_NAME_SIZE) != OK)
            return;
        j = &s->junctions[s->junctions_count++];
        j->granted = NO_WISH;
    }
    j->model = model;
    j->counted_ms = 0; /* counts of the old shape mean nothing now */
    if (j->granted >= (int32_t)model.phases_count)
        j->granted = NO_WISH;
}

static enum err
on_admit(void *self, const struct service_stream *stream, struct observation *o,
         struct arena *arena, char *why)
{
    struct signals *s = self;
    struct signals_counts counts;
    (void)arena;
    struct junction *j = find(s, stream->device);
    if (!j || !bytes_are(stream->name, "lanes"))
        return OK;
    if (o->kind == RESULT_JSON && signals_counts_read(o->text, &j->model, &counts) == OK)
        return OK;
    snprintf(why, SERVICE_WHY_SIZE,
             "lanes needs phase, age, q and n for each of %u lanes and o for each of %u exits",
             (unsigned)j->model.lanes_count, (unsigned)j->model.exits_count);
    return ERR_DENIED;
}

static void
on_stored(void *self, const struct service_stream *stream, const struct observation *o)
{
    struct signals *s = self;
    struct junction *j = find(s, stream->device);
    struct signals_counts counts;
    if (!j || !bytes_are(stream->name, "lanes") || o->kind != RESULT_JSON ||
        signals_counts_read(o->text, &j->model, &counts) != OK)
        return;
    uint64_t now = s->ports->mono_ms(s->ports->ctx);
    bool first = j->counted_ms == 0;
    for (uint32_t l = 0; l < j->model.lanes_count; l++) {
        bool green = counts.phase >= 0 && controller_serves(&j->model, (uint32_t)counts.phase, l);
        if (first || green || counts.standing[l] == 0)
            j->served_ms[l] = now;
    }
    j->counts = counts;
    j->counted_ms = now ? now : 1;
}

/* The wished phase now, or NO_WISH when nothing need be asked. */
static int32_t
choose(const struct signals *s, const struct junction *j, uint64_t now)
{
    uint64_t unserved[SIGNALS_LANES_MAX];
    for (uint32_t l = 0; l < j->model.lanes_count; l++)
        unserved[l] = now - j->served_ms[l];
    bool leased = j->granted >= 0 && j->until_ms > now;
    bool may_change = j->granted < 0 || now - j->changed_ms >= s->change_ms;
    bool hold_ends = j->granted >= 0 && now < j->until_ms + s->maximum_red_ms &&
                     now + s->lease_ms - j->held_since_ms > s->maximum_red_ms;
    bool renew = !leased || j->until_ms - now < s->lease_ms / 2;
    struct controller_input in = {
        .model = &j->model,
        .counts = &j->counts,
        .current = leased ? j->granted : j->counts.phase,
        .barred = hold_ends ? j->granted : NO_WISH,
        .unserved_ms = unserved,
        .patience_ms = s->maximum_red_ms / 2,
    };
    int32_t wish = controller_wish(&in);
    if (wish == j->granted && wish >= 0)
        return renew ? wish : NO_WISH;
    if (may_change)
        return wish;
    /* It is too early for a change: keep what stands from running out. */
    return wish >= 0 && renew && !hold_ends ? j->granted : NO_WISH;
}

static void
wish(struct signals *s, struct junction *j, int32_t phase, uint64_t now)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "phase %d\n", (int)phase);
    ASSERT(n > 0 && (size_t)n < sizeof(text));
    uint64_t ref = ++s->next_ref;
    enum err e = s->ports->wish(s->ports->ctx, bytes_text(j->device), SIGNALS_COMMAND_REQUEST,
                                bytes_of(text, (size_t)n), ref);
    if (e == ERR_UNSUPPORTED)
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

static void
on_tick(void *self)
{
    struct signals *s = self;
    uint64_t now = s->ports->mono_ms(s->ports->ctx);
    for (uint32_t i = 0; s->may_wish && i < s->junctions_count; i++) {
        struct junction *j = &s->junctions[i];
        if (j->asked_ms != 0 && now - j->asked_ms >= ANSWER_WAIT_MS)
            j->asked_ms = 0;
        if (j->asked_ms != 0 || now < j->wait_until_ms || j->counted_ms == 0 ||
            now - j->counted_ms > SIGNALS_STALE_MS)
            continue;
        int32_t phase = choose(s, j, now);
        if (phase >= 0)
            wish(s, j, phase, now);
    }
}

static void
on_verdict(void *self, uint64_t ref, struct bytes device, bool granted, struct bytes reason)
{
    struct signals *s = self;
    (void)reason;
    uint64_t now = s->ports->mono_ms(s->ports->ctx);
    struct junction *j = find(s, device);
    if (!j || j->asked_ms == 0 || j->ref != ref)
        return; /* a person's command, or an answer that came too late */
    j->asked_ms = 0;
    if (!granted) {
        s->refused++;
        j->wait_until_ms = now + REFUSED_WAIT_MS;
        return;
    }
    s->granted++;
    bool rested = now >= j->until_ms + s->maximum_red_ms;
    if (j->asked != j->granted) {
        j->changed_ms = now;
        j->held_since_ms = now;
    } else if (rested) {
        j->held_since_ms = now;
    }
    j->granted = j->asked;
    j->until_ms = now + s->lease_ms;
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

const struct service service_this = {
    .name = "signals",
    .size = sizeof(struct signals),
    .start = on_start,
    .entity = on_entity,
    .admit = on_admit,
    .stored = on_stored,
    .tick = on_tick,
    .verdict = on_verdict,
    .counted = on_counted,
    .shown = on_shown,
};
