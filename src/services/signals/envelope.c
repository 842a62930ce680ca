/*
 * envelope.c -- what may be asked of an intersection, whatever the core believes.
 *
 * E1  Between two granted changes of one intersection lie at least minimum-green + yellow +
 *     all-red: the new green can always be served in full before it must end.
 * E2  No phase is held past maximum-red. The hold of a phase is counted from its first grant; it
 *     ends when another phase is granted, or after a whole maximum-red without any valid lease.
 * E3  Flashing intersections are never more than maximum-flash-share of those known, rounded down.
 * E4  While an intersection flashes, phase requests are refused: people asked for it.
 * E5  phase-request has exactly the parameter `phase`, 0 .. SIGNALS_PHASES_MAX - 1; all-flash has
 * none.
 *
 * What it cannot know is which phases an intersection has; that a third phase is not starved by two
 * that take turns is the executor's to enforce, and it does.
 */
#include "programs/warden/envelope.h"
#include "services/signals/model.h"

enum {
    FLASH_SHARE_DEFAULT = 2000, /* 1/100 of a percent */
    FLASH_SHARE_ALL = 10000,
    TIME_MAX_MS = 600000, /* of any value of the charter */
    NO_PHASE = -1,
};

struct light {
    char device[LEASE_NAME_SIZE];
    int32_t phase;          /* the last one granted, or NO_PHASE */
    uint64_t changed_ms;    /* when the last change was granted */
    uint64_t held_since_ms; /* when the hold of `phase` began */
    uint64_t until_ms;      /* when the last phase lease ends */
    uint64_t flash_until_ms;
};

struct value {
    uint64_t value;
    uint32_t line; /* of the charter */
};

struct state {
    struct value minimum_green, yellow, all_red, maximum_red, flash_share;
    uint32_t request_line, flash_line; /* of the commands; 0: not in the charter */
    uint32_t lights_count;
    struct light lights[ENVELOPE_DEVICES_MAX];
};

static enum err
take_value(const struct start *start, const char *name, bool required, uint64_t max,
           struct value *out, char *why)
{
    for (size_t i = 0; i < start->envelope_count; i++) {
        const struct start_envelope *e = &start->envelope[i];
        if (strcmp(e->name, name) != 0)
            continue;
        if (e->value < 0 || (uint64_t)e->value > max) {
            snprintf(why, ENVELOPE_WHY_SIZE, "charter line %u: envelope %s is out of range",
                     (unsigned)e->line, name);
            return ERR_MALFORMED;
        }
        *out = (struct value){(uint64_t)e->value, e->line};
        return OK;
    }
    if (!required)
        return OK;
    snprintf(why, ENVELOPE_WHY_SIZE, "charter line %u: zone %s has no envelope %s",
             (unsigned)start->zone_line, start->zone, name);
    return ERR_MALFORMED;
}

static enum err
init(void *state, const struct start *start, char *why)
{
    struct state *s = state;
    const struct start_command *request = start_command(start, bytes_text(SIGNALS_COMMAND_REQUEST));
    const struct start_command *flash = start_command(start, bytes_text(SIGNALS_COMMAND_FLASH));
    s->request_line = request ? request->line : 0;
    s->flash_line = flash ? flash->line : 0;
    s->flash_share = (struct value){FLASH_SHARE_DEFAULT, start->zone_line};
    enum err e = take_value(start, "minimum-green", true, TIME_MAX_MS, &s->minimum_green, why);
    if (e == OK)
        e = take_value(start, "yellow", true, TIME_MAX_MS, &s->yellow, why);
    if (e == OK)
        e = take_value(start, "all-red", true, TIME_MAX_MS, &s->all_red, why);
    if (e == OK)
        e = take_value(start, "maximum-red", true, TIME_MAX_MS, &s->maximum_red, why);
    if (e == OK)
        e = take_value(start, "maximum-flash-share", false, FLASH_SHARE_ALL, &s->flash_share, why);
    if (e != OK)
        return e;
    if (s->minimum_green.value == 0 || s->yellow.value == 0) {
        snprintf(why, ENVELOPE_WHY_SIZE, "charter line %u: minimum-green and yellow must not be 0",
                 (unsigned)s->minimum_green.line);
        return ERR_MALFORMED;
    }
    if (s->maximum_red.value <= s->minimum_green.value + s->yellow.value + s->all_red.value) {
        snprintf(why, ENVELOPE_WHY_SIZE,
                 "charter line %u: maximum-red leaves no time for one green and its clearance",
                 (unsigned)s->maximum_red.line);
        return ERR_MALFORMED;
    }
    return OK;
}

static enum err
refuse(struct envelope_verdict *out, uint32_t line, const char *what)
{
    snprintf(out->rule, sizeof(out->rule), "charter line %u: %s", (unsigned)line, what);
    return ERR_DENIED;
}

static const struct light *
find(const struct state *s, const char *device)
{
    for (uint32_t i = 0; i < s->lights_count; i++) {
        if (strcmp(s->lights[i].device, device) == 0)
            return &s->lights[i];
    }
    return NULL;
}

/* True when forgetting the light changes no later verdict about it. */
static bool
is_spent(const struct state *s, const struct light *l, uint64_t now_ms)
{
    return l->flash_until_ms <= now_ms && l->until_ms + s->maximum_red.value <= now_ms &&
           l->changed_ms + s->maximum_red.value <= now_ms;
}

static bool
has_room(const struct state *s, uint64_t now_ms)
{
    if (s->lights_count < ENVELOPE_DEVICES_MAX)
        return true;
    for (uint32_t i = 0; i < s->lights_count; i++) {
        if (is_spent(s, &s->lights[i], now_ms))
            return true;
    }
    return false;
}

static enum err
check_phase(const struct state *s, const struct lease *lease, const struct light *light,
            uint64_t now_ms, uint64_t lease_ms, struct envelope_verdict *out)
{
    if (lease->parameters_count != 1 || strcmp(lease->parameters[0].name, "phase") != 0) {
        snprintf(out->reason, sizeof(out->reason), "takes exactly one parameter, phase");
        return refuse(out, s->request_line, "command phase-request");
    }
    int64_t phase = lease->parameters[0].value;
    if (phase < 0 || phase >= SIGNALS_PHASES_MAX) {
        snprintf(out->reason, sizeof(out->reason), "phase must be 0 to %d", SIGNALS_PHASES_MAX - 1);
        return refuse(out, s->request_line, "command phase-request");
    }
    if (lease_ms > s->maximum_red.value) {
        snprintf(out->reason, sizeof(out->reason), "the lease alone would outlast maximum-red");
        return refuse(out, s->maximum_red.line, "envelope maximum-red");
    }
    if (!light)
        return OK;
    if (light->flash_until_ms > now_ms) {
        snprintf(out->reason, sizeof(out->reason), "the intersection flashes for %llu more ms",
                 (unsigned long long)(light->flash_until_ms - now_ms));
        return refuse(out, s->flash_line, "command all-flash");
    }
    if (light->phase == NO_PHASE)
        return OK;
    if (phase != light->phase) {
        uint64_t stood = now_ms - light->changed_ms;
        uint64_t need = s->minimum_green.value + s->yellow.value + s->all_red.value;
        if (stood < need) {
            snprintf(out->reason, sizeof(out->reason),
                     "the last change was granted %llu ms ago; yellow, all-red and minimum green "
                     "take %llu ms",
                     (unsigned long long)stood, (unsigned long long)need);
            return refuse(out, s->minimum_green.line, "envelope minimum-green");
        }
        return OK;
    }
    if (light->until_ms + s->maximum_red.value <= now_ms)
        return OK; /* it has been on its own plan for so long that everybody was served */
    uint64_t held = now_ms + lease_ms - light->held_since_ms;
    if (held > s->maximum_red.value) {
        snprintf(out->reason, sizeof(out->reason),
                 "phase %lld would be held for %llu ms; nobody waits longer than %llu ms",
                 (long long)phase, (unsigned long long)held,
                 (unsigned long long)s->maximum_red.value);
        return refuse(out, s->maximum_red.line, "envelope maximum-red");
    }
    return OK;
}

static enum err
check_flash(const struct state *s, const struct lease *lease, uint64_t now_ms,
            struct envelope_verdict *out)
{
    if (lease->parameters_count != 0) {
        snprintf(out->reason, sizeof(out->reason), "takes no parameters");
        return refuse(out, s->flash_line, "command all-flash");
    }
    uint64_t flashing = 1; /* this one */
    for (uint32_t i = 0; i < s->lights_count; i++) {
        const struct light *l = &s->lights[i];
        if (l->flash_until_ms > now_ms && strcmp(l->device, lease->device) != 0)
            flashing++;
    }
    if (flashing * FLASH_SHARE_ALL > s->flash_share.value * s->lights_count) {
        snprintf(out->reason, sizeof(out->reason),
                 "%llu of %u known intersections would flash; at most %llu.%02llu %% may",
                 (unsigned long long)flashing, (unsigned)s->lights_count,
                 (unsigned long long)(s->flash_share.value / 100),
                 (unsigned long long)(s->flash_share.value % 100));
        return refuse(out, s->flash_share.line, "envelope maximum-flash-share");
    }
    return OK;
}

static enum err
check(const void *state, const struct lease *lease, uint64_t now_ms, uint64_t lease_ms,
      struct envelope_verdict *out)
{
    const struct state *s = state;
    ASSERT(lease->parameters_count <= LEASE_PARAMETERS_MAX);
    *out = (struct envelope_verdict){0};
    const struct light *light = find(s, lease->device);
    if (!light && !has_room(s, now_ms)) {
        snprintf(out->reason, sizeof(out->reason), "%d intersections are under command already",
                 ENVELOPE_DEVICES_MAX);
        return refuse(out, s->request_line, "the warden's own limit");
    }
    if (strcmp(lease->command, SIGNALS_COMMAND_REQUEST) == 0)
        return check_phase(s, lease, light, now_ms, lease_ms, out);
    if (strcmp(lease->command, SIGNALS_COMMAND_FLASH) == 0)
        return check_flash(s, lease, now_ms, out);
    snprintf(out->reason, sizeof(out->reason), "signals know no such command");
    return refuse(out, s->request_line, "no such command");
}

/* The light's record; a new one when it has none. check() made sure that there is room. */
static struct light *
take(struct state *s, const char *device, uint64_t now_ms)
{
    struct light *spent = NULL;
    for (uint32_t i = 0; i < s->lights_count; i++) {
        struct light *l = &s->lights[i];
        if (strcmp(l->device, device) == 0)
            return l;
        if (!spent && is_spent(s, l, now_ms))
            spent = l;
    }
    struct light *l = spent;
    if (s->lights_count < ENVELOPE_DEVICES_MAX)
        l = &s->lights[s->lights_count++];
    ASSERT(l);
    *l = (struct light){.phase = NO_PHASE};
    enum err e = bytes_copy_text(bytes_text(device), l->device, sizeof(l->device));
    ASSERT(e == OK);
    return l;
}

static void
granted(void *state, const struct lease *lease, uint64_t now_ms, uint64_t lease_ms)
{
    struct state *s = state;
    struct light *l = take(s, lease->device, now_ms);
    if (strcmp(lease->command, SIGNALS_COMMAND_FLASH) == 0) {
        l->flash_until_ms = now_ms + lease_ms;
        return;
    }
    ASSERT(lease->parameters_count == 1);
    int32_t phase = (int32_t)lease->parameters[0].value;
    bool rested = l->until_ms + s->maximum_red.value <= now_ms;
    if (phase != l->phase) {
        l->changed_ms = now_ms;
        l->held_since_ms = now_ms;
    } else if (rested) {
        l->held_since_ms = now_ms;
    }
    l->phase = phase;
    l->until_ms = now_ms + lease_ms;
}

const struct envelope envelope_this = {
    .service = "signals",
    .size = sizeof(struct state),
    .init = init,
    .check = check,
    .granted = granted,
};
