/*
 * envelope.c -- what may be asked of an intersection, whatever the core believes.
 *
 * Commands in order of rank: phase-request, preempt, manual, all-red, all-flash.
 *
 * E1  Between two granted changes of what an intersection shows lie at least minimum-green +
 *     yellow + all-red: the new green can always be served in full before it must end. A command
 *     above phase-request may be granted earlier, and then counts from when the green that stands
 *     has had its time; while one waits like that, no other change is granted. (Its executor lets
 *     the green have that time: field/lights/machine.h, M3.) Flashing is no green and may begin at
 *     any time.
 * E2  No phase and no all-red is held past maximum-red. A hold is counted from its first grant, by
 *     whatever command; it ends when something else is granted, or after a whole maximum-red
 *     without any valid lease.
 * E3  Intersections that flash, stand at red or are held by hand by command are together never
 *     more than maximum-command-share of `intersections`, rounded down; of those that flash, where
 *     that is stated too, never more than maximum-flash-share. With the parameter `beyond-share 1`,
 *     and two different people who approved these very bytes, up to maximum-approved-share.
 * E4  While a command stands, commands below it are refused: people asked for it.
 * E5  phase-request, preempt and manual have the parameter `phase`, 0 .. SIGNALS_PHASES_MAX - 1;
 *     manual, all-red and all-flash may have `beyond-share 1`; nothing else. A manual hold needs
 *     somebody's approval of these bytes: a program is nobody.
 * E6  Of pre-empted intersections there are never more than maximum-preempt-share, and at least
 *     one; a phase whose pre-emption ended is not pre-empted anew within preempt-cool-down; another
 *     phase waits until the first is over. Pre-emptions of one intersection that follow each other
 *     within preempt-cool-down last together no longer than maximum-red: under a pre-emption the
 *     executor does not count who waits at red.
 *
 * The whole of every share is what the charter says, never what the core made known: it could
 * wish for intersections that it invents. A charter that does not say how many there are gets one
 * at a time, unless the share is all of them. After a restart nothing is known of what a
 * predecessor granted, so E3 grants nothing before the longest lease that it could have given has
 * ended, E6 nothing before the cool-down, E1 no change before the time of two. What a device
 * was told before by a command of higher rank its executor keeps above a phase-request (E4), and a
 * hold that a predecessor granted is counted anew (E2, where M5 of the executor is behind it).
 *
 * What it cannot do is see to it that a third phase is not starved by two that take turns. It does
 * not know which phases an intersection has: that comes through the core. And a phase that was
 * granted once and never again starves nobody as long as nobody waits there, which comes through
 * the core too: a warden that insisted on it would make every intersection serve empty lanes, and
 * could still be led past a phase that was never granted at all. The wall is the executor, which
 * sees its own loops: M5 gives a lane with somebody waiting its green, whatever is leased. Where M5
 * does not count, under a pre-emption and by order of people, E2, E3 and E6 do.
 */
#include "programs/warden/envelope.h"
#include "services/signals/model.h"

enum {
    BUDGET_SHARE_DEFAULT = 2000, /* 1/100 of a percent */
    PREEMPT_SHARE_DEFAULT = 1000,
    SHARE_ALL = 10000,
    COOL_DOWN_DEFAULT_MS = 60000,
    TIME_MAX_MS = 600000, /* of any value of the charter */
    BEYOND_PEOPLE = 2,
    ASPECT_NONE = -1,
    ASPECT_ALL_RED = SIGNALS_PHASES_MAX,
};

/* By rank: E4. */
enum mode { MODE_REQUEST, MODE_PREEMPT, MODE_MANUAL, MODE_ALL_RED, MODE_FLASH, MODES_COUNT };

static const char *const commands[MODES_COUNT] = {
    SIGNALS_COMMAND_REQUEST, SIGNALS_COMMAND_PREEMPT, SIGNALS_COMMAND_MANUAL,
    SIGNALS_COMMAND_ALL_RED, SIGNALS_COMMAND_FLASH,
};

struct light {
    char device[LEASE_NAME_SIZE];
    int32_t aspect;         /* the last one granted: a phase, ASPECT_ALL_RED or ASPECT_NONE */
    uint64_t changed_ms;    /* from when the last change counts; may lie ahead (E1) */
    uint64_t held_since_ms; /* when the hold of `aspect` began */
    uint64_t held_until_ms; /* when the last lease for an aspect ends */
    uint64_t until_ms[MODES_COUNT];
    int32_t preempted;                           /* the phase of the last pre-emption */
    uint64_t preempt_since_ms;                   /* of it and those that it followed at once */
    uint64_t preempt_end_ms[SIGNALS_PHASES_MAX]; /* of the last one of each phase; 0: none */
};

struct value {
    uint64_t value;
    uint32_t line; /* of the charter; 0: not stated */
    const char *name;
};

struct state {
    struct value minimum_green, yellow, all_red, maximum_red;
    struct value intersections, command_share, approved_share, flash_share;
    struct value preempt_share, cool_down;
    uint32_t zone_line, lines[MODES_COUNT]; /* of the commands; 0: not in the charter */
    uint64_t budget_lease_ms;               /* the longest of the commands that E3 counts */
    uint64_t preempt_lease_ms;
    /* Before these nothing is granted: a predecessor's leases may still stand. */
    uint64_t changes_from_ms, budget_from_ms, preempts_from_ms;
    uint32_t lights_count;
    struct light lights[ENVELOPE_DEVICES_MAX];
};

/* What a wish asks for. */
struct asked {
    enum mode mode;
    int32_t aspect; /* ASPECT_NONE: flashing */
    bool beyond;
    uint64_t now_ms, lease_ms;
};

/* ---- the charter's values ------------------------------------------------------------------- */

static enum err
take_value(const struct start *start, bool required, uint64_t max, struct value *out, char *why)
{
    for (size_t i = 0; i < start->envelope_count; i++) {
        const struct start_envelope *e = &start->envelope[i];
        if (strcmp(e->name, out->name) != 0)
            continue;
        if (e->value < 0 || (uint64_t)e->value > max) {
            snprintf(why, ENVELOPE_WHY_SIZE, "charter line %u: envelope %s is out of range",
                     (unsigned)e->line, out->name);
            return ERR_MALFORMED;
        }
        out->value = (uint64_t)e->value;
        out->line = e->line;
        return OK;
    }
    if (!required)
        return OK;
    snprintf(why, ENVELOPE_WHY_SIZE, "charter line %u: zone %s has no envelope %s",
             (unsigned)start->zone_line, start->zone, out->name);
    return ERR_MALFORMED;
}

static enum err
take_values(struct state *s, const struct start *start, char *why)
{
    const struct {
        struct value *to;
        const char *name;
        bool required;
        uint64_t max, missing;
    } rows[] = {
        {&s->minimum_green, "minimum-green", true, TIME_MAX_MS, 0},
        {&s->yellow, "yellow", true, TIME_MAX_MS, 0},
        {&s->all_red, "all-red", true, TIME_MAX_MS, 0},
        {&s->maximum_red, "maximum-red", true, TIME_MAX_MS, 0},
        {&s->intersections, "intersections", false, ENVELOPE_DEVICES_MAX, 0},
        {&s->flash_share, "maximum-flash-share", false, SHARE_ALL, SHARE_ALL},
        {&s->command_share, "maximum-command-share", false, SHARE_ALL, BUDGET_SHARE_DEFAULT},
        {&s->approved_share, "maximum-approved-share", false, SHARE_ALL, 0},
        {&s->preempt_share, "maximum-preempt-share", false, SHARE_ALL, PREEMPT_SHARE_DEFAULT},
        {&s->cool_down, "preempt-cool-down", false, TIME_MAX_MS, COOL_DOWN_DEFAULT_MS},
    };
    enum err e = OK;
    for (size_t i = 0; e == OK && i < ARRAY_COUNT(rows); i++) {
        *rows[i].to = (struct value){rows[i].missing, 0, rows[i].name};
        e = take_value(start, rows[i].required, rows[i].max, rows[i].to, why);
    }
    if (s->command_share.line == 0 && s->flash_share.line != 0)
        s->command_share = s->flash_share;
    if (s->approved_share.line == 0)
        s->approved_share = s->command_share;
    return e;
}

static enum err
init(void *state, const struct start *start, char *why)
{
    struct state *s = state;
    s->zone_line = start->zone_line;
    for (size_t m = 0; m < MODES_COUNT; m++) {
        const struct start_command *c = start_command(start, bytes_text(commands[m]));
        s->lines[m] = c ? c->line : 0;
        if (c && m >= MODE_MANUAL && c->lease_ms > s->budget_lease_ms)
            s->budget_lease_ms = c->lease_ms;
        if (c && m == MODE_PREEMPT)
            s->preempt_lease_ms = c->lease_ms;
    }
    enum err e = take_values(s, start, why);
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
    if (s->approved_share.value < s->command_share.value) {
        snprintf(why, ENVELOPE_WHY_SIZE,
                 "charter line %u: maximum-approved-share is less than what needs no approval",
                 (unsigned)s->approved_share.line);
        return ERR_MALFORMED;
    }
    return OK;
}

static uint64_t
change_ms(const struct state *s)
{
    return s->minimum_green.value + s->yellow.value + s->all_red.value;
}

static void
restarted(void *state, uint64_t now_ms)
{
    struct state *s = state;
    s->changes_from_ms = now_ms + 2 * change_ms(s); /* one may have been waiting */
    s->budget_from_ms = now_ms + s->budget_lease_ms;
    s->preempts_from_ms = now_ms + s->preempt_lease_ms + s->cool_down.value;
}

/* ---- what is known of the lights ------------------------------------------------------------- */

static const struct light *
find(const struct state *s, const char *device)
{
    for (uint32_t i = 0; i < s->lights_count; i++) {
        if (strcmp(s->lights[i].device, device) == 0)
            return &s->lights[i];
    }
    return NULL;
}

/* It has been on its own plan for so long that everybody was served. */
static bool
is_rested(const struct state *s, const struct light *l, uint64_t now_ms)
{
    return l->held_until_ms + s->maximum_red.value <= now_ms;
}

/* True when forgetting the light changes no later verdict about it. */
static bool
is_spent(const struct state *s, const struct light *l, uint64_t now_ms)
{
    bool spent = is_rested(s, l, now_ms) && l->changed_ms + change_ms(s) <= now_ms;
    for (size_t m = 0; spent && m < MODES_COUNT; m++)
        spent = l->until_ms[m] <= now_ms;
    for (size_t p = 0; spent && p < SIGNALS_PHASES_MAX; p++)
        spent = l->preempt_end_ms[p] == 0 || l->preempt_end_ms[p] + s->cool_down.value <= now_ms;
    return spent;
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

/* How many intersections other than `but` are under a command of rank `from` to `to`. */
static uint32_t
count_under(const struct state *s, enum mode from, enum mode to, const char *but, uint64_t now_ms)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->lights_count; i++) {
        const struct light *l = &s->lights[i];
        bool under = false;
        for (size_t m = from; m <= to; m++)
            under = under || l->until_ms[m] > now_ms;
        count += under && strcmp(l->device, but) != 0;
    }
    return count;
}

/* How many intersections a share is. */
static uint64_t
share_of(const struct state *s, uint64_t share)
{
    if (share == SHARE_ALL)
        return ENVELOPE_DEVICES_MAX;
    if (s->intersections.line == 0)
        return share > 0 ? 1 : 0;
    return share * s->intersections.value / SHARE_ALL;
}

/* ---- the rules ------------------------------------------------------------------------------- */

static enum err
refuse(struct envelope_verdict *out, uint32_t line, const char *kind, const char *what)
{
    snprintf(out->rule, sizeof(out->rule), "charter line %u: %s %s", (unsigned)line, kind, what);
    return ERR_DENIED;
}

static enum err
refuse_command(const struct state *s, struct envelope_verdict *out, enum mode mode,
               const char *reason)
{
    snprintf(out->reason, sizeof(out->reason), "%s", reason);
    return refuse(out, s->lines[mode], "command", commands[mode]);
}

static enum err
refuse_value(const struct state *s, struct envelope_verdict *out, const struct value *v)
{
    return refuse(out, v->line ? v->line : s->zone_line, "envelope", v->name);
}

/* E5. */
static enum err
check_parameters(const struct state *s, const struct lease *lease, uint32_t people,
                 struct asked *asked, struct envelope_verdict *out)
{
    bool has_phase = asked->mode <= MODE_MANUAL, may_go_beyond = asked->mode >= MODE_MANUAL;
    int64_t phase = ASPECT_NONE, beyond = 0;
    bool found = lease_parameter(lease, "phase", &phase) == OK;
    asked->beyond = may_go_beyond && lease_parameter(lease, "beyond-share", &beyond) == OK;
    if (found != has_phase ||
        lease->parameters_count != (uint32_t)has_phase + (uint32_t)asked->beyond)
        return refuse_command(s, out, asked->mode,
                              has_phase && may_go_beyond ? "takes phase, and perhaps beyond-share"
                              : has_phase                ? "takes exactly one parameter, phase"
                                          : "takes no parameter but perhaps beyond-share");
    if (has_phase && (phase < 0 || phase >= SIGNALS_PHASES_MAX)) {
        snprintf(out->reason, sizeof(out->reason), "phase must be 0 to %d", SIGNALS_PHASES_MAX - 1);
        return refuse(out, s->lines[asked->mode], "command", commands[asked->mode]);
    }
    if (asked->beyond && beyond != 1)
        return refuse_command(s, out, asked->mode, "beyond-share must be 1");
    if (asked->beyond && people < BEYOND_PEOPLE) {
        snprintf(
            out->reason, sizeof(out->reason),
            "beyond-share needs approvals of %d different people in different roles over these "
            "exact bytes",
            BEYOND_PEOPLE);
        return refuse_value(s, out, &s->approved_share);
    }
    if (asked->mode == MODE_MANUAL && people == 0)
        return refuse_command(s, out, asked->mode,
                              "a hold by hand needs the approval of who holds it, over these exact "
                              "bytes");
    asked->aspect = has_phase                     ? (int32_t)phase
                    : asked->mode == MODE_ALL_RED ? ASPECT_ALL_RED
                                                  : ASPECT_NONE;
    return OK;
}

/* What a predecessor may have granted is over. */
static enum err
check_restart(const struct state *s, const struct asked *asked, struct envelope_verdict *out)
{
    uint64_t from_ms = asked->mode == MODE_REQUEST   ? s->changes_from_ms
                       : asked->mode == MODE_PREEMPT ? s->preempts_from_ms
                                                     : s->budget_from_ms;
    if (from_ms < s->changes_from_ms)
        from_ms = s->changes_from_ms;
    if (asked->now_ms >= from_ms)
        return OK;
    snprintf(out->reason, sizeof(out->reason),
             "the warden started anew: what its predecessor granted may stand for %llu more ms",
             (unsigned long long)(from_ms - asked->now_ms));
    return refuse(out, s->lines[asked->mode], "command", commands[asked->mode]);
}

/* E4. */
static enum err
check_rank(const struct state *s, const struct light *light, const struct asked *asked,
           struct envelope_verdict *out)
{
    for (size_t m = MODES_COUNT; light && m-- > (size_t)asked->mode + 1;) {
        if (light->until_ms[m] <= asked->now_ms)
            continue;
        snprintf(out->reason, sizeof(out->reason), "the intersection is under %s for %llu more ms",
                 commands[m], (unsigned long long)(light->until_ms[m] - asked->now_ms));
        return refuse(out, s->lines[m], "command", commands[m]);
    }
    return OK;
}

/* E1. */
static enum err
check_change(const struct state *s, const struct light *light, const struct asked *asked,
             struct envelope_verdict *out)
{
    uint64_t need = change_ms(s), now = asked->now_ms;
    if (asked->mode > MODE_REQUEST && now >= light->changed_ms)
        return OK; /* it counts from when the green that stands has had its time */
    if (now >= light->changed_ms + need)
        return OK;
    if (now < light->changed_ms)
        snprintf(out->reason, sizeof(out->reason),
                 "a change that was granted before is still to come, in %llu ms",
                 (unsigned long long)(light->changed_ms - now));
    else
        snprintf(out->reason, sizeof(out->reason),
                 "the last change was granted %llu ms ago; yellow, all-red and minimum green "
                 "take %llu ms",
                 (unsigned long long)(now - light->changed_ms), (unsigned long long)need);
    return refuse_value(s, out, &s->minimum_green);
}

/* E2, and E1 where it is another aspect. */
static enum err
check_aspect(const struct state *s, const struct light *light, const struct asked *asked,
             struct envelope_verdict *out)
{
    if (asked->lease_ms > s->maximum_red.value) {
        snprintf(out->reason, sizeof(out->reason), "the lease alone would outlast maximum-red");
        return refuse_value(s, out, &s->maximum_red);
    }
    if (!light || light->aspect == ASPECT_NONE)
        return OK;
    if (asked->aspect != light->aspect)
        return check_change(s, light, asked, out);
    if (is_rested(s, light, asked->now_ms))
        return OK;
    uint64_t held = asked->now_ms + asked->lease_ms - light->held_since_ms;
    if (held <= s->maximum_red.value)
        return OK;
    char what[32] = "all-red";
    if (asked->aspect != ASPECT_ALL_RED)
        snprintf(what, sizeof(what), "phase %d", (int)asked->aspect);
    snprintf(out->reason, sizeof(out->reason),
             "%s would be held for %llu ms; nobody waits longer than %llu ms", what,
             (unsigned long long)held, (unsigned long long)s->maximum_red.value);
    return refuse_value(s, out, &s->maximum_red);
}

static enum err
check_share(const struct state *s, const struct value *share, uint64_t count, uint64_t most,
            const char *what, struct envelope_verdict *out)
{
    char whole[48] = "of a number that the charter does not say";
    if (count <= most)
        return OK;
    if (s->intersections.line)
        snprintf(whole, sizeof(whole), "of %llu", (unsigned long long)s->intersections.value);
    snprintf(out->reason, sizeof(out->reason),
             "%llu intersections %s would be %s; at most %llu may: %llu.%02llu %%",
             (unsigned long long)count, whole, what, (unsigned long long)most,
             (unsigned long long)(share->value / 100), (unsigned long long)(share->value % 100));
    return refuse_value(s, out, share);
}

/* E3. */
static enum err
check_budget(const struct state *s, const char *device, const struct asked *asked,
             struct envelope_verdict *out)
{
    const struct value *share = asked->beyond ? &s->approved_share : &s->command_share;
    uint64_t count = 1 + count_under(s, MODE_MANUAL, MODE_FLASH, device, asked->now_ms);
    enum err e = check_share(s, share, count, share_of(s, share->value),
                             "flashing, at red or held by hand", out);
    if (e != OK || asked->mode != MODE_FLASH || asked->beyond)
        return e;
    count = 1 + count_under(s, MODE_FLASH, MODE_FLASH, device, asked->now_ms);
    return check_share(s, &s->flash_share, count, share_of(s, s->flash_share.value), "flashing",
                       out);
}

/* When the row of pre-emptions began that one of now would belong to. */
static uint64_t
row_since(const struct state *s, const struct light *l, uint64_t now_ms)
{
    uint64_t end_ms = l->until_ms[MODE_PREEMPT];
    return end_ms && now_ms < end_ms + s->cool_down.value ? l->preempt_since_ms : now_ms;
}

/* E6, at this intersection. */
static enum err
check_row(const struct state *s, const struct light *light, const struct asked *asked,
          struct envelope_verdict *out)
{
    uint64_t now = asked->now_ms, ended = light->preempt_end_ms[asked->aspect];
    bool stands = light->until_ms[MODE_PREEMPT] > now;
    if (stands && light->preempted != asked->aspect) {
        snprintf(out->reason, sizeof(out->reason), "phase %d is pre-empted for %llu more ms",
                 (int)light->preempted, (unsigned long long)(light->until_ms[MODE_PREEMPT] - now));
        return refuse(out, s->lines[MODE_PREEMPT], "command", commands[MODE_PREEMPT]);
    }
    if (!stands && ended != 0 && now < ended + s->cool_down.value) {
        snprintf(out->reason, sizeof(out->reason),
                 "phase %d was pre-empted until %llu ms ago; it rests for %llu ms",
                 (int)asked->aspect, (unsigned long long)(now - ended),
                 (unsigned long long)s->cool_down.value);
        return refuse_value(s, out, &s->cool_down);
    }
    uint64_t row_ms = now + asked->lease_ms - row_since(s, light, now);
    if (row_ms <= s->maximum_red.value)
        return OK;
    snprintf(out->reason, sizeof(out->reason),
             "pre-emptions would follow each other for %llu ms; nobody waits longer than %llu ms",
             (unsigned long long)row_ms, (unsigned long long)s->maximum_red.value);
    return refuse_value(s, out, &s->maximum_red);
}

/* E6. */
static enum err
check_preempt(const struct state *s, const char *device, const struct light *light,
              const struct asked *asked, struct envelope_verdict *out)
{
    uint64_t most = share_of(s, s->preempt_share.value);
    uint64_t count = 1 + count_under(s, MODE_PREEMPT, MODE_PREEMPT, device, asked->now_ms);
    enum err e = check_share(s, &s->preempt_share, count, most > 0 ? most : 1, "pre-empted", out);
    return e == OK && light ? check_row(s, light, asked, out) : e;
}

/* ---- the envelope ---------------------------------------------------------------------------- */

static enum mode
mode_of(const struct lease *lease)
{
    for (size_t m = 0; m < MODES_COUNT; m++) {
        if (strcmp(lease->command, commands[m]) == 0)
            return (enum mode)m;
    }
    return MODES_COUNT;
}

static enum err
check(const void *state, const struct lease *lease, uint32_t people, uint64_t now_ms,
      uint64_t lease_ms, struct envelope_verdict *out)
{
    const struct state *s = state;
    struct asked asked = {.mode = mode_of(lease), .now_ms = now_ms, .lease_ms = lease_ms};
    ASSERT(lease->parameters_count <= LEASE_PARAMETERS_MAX);
    *out = (struct envelope_verdict){0};
    if (asked.mode == MODES_COUNT) {
        snprintf(out->reason, sizeof(out->reason), "signals know no such command");
        return refuse(out, s->zone_line, "zone", "commands");
    }
    const struct light *light = find(s, lease->device);
    if (!light && !has_room(s, now_ms)) {
        snprintf(out->reason, sizeof(out->reason), "%d intersections are under command already",
                 ENVELOPE_DEVICES_MAX);
        return refuse(out, s->lines[asked.mode], "the warden's limit:", "devices");
    }
    enum err e = check_parameters(s, lease, people, &asked, out);
    if (e == OK)
        e = check_restart(s, &asked, out);
    if (e == OK)
        e = check_rank(s, light, &asked, out);
    if (e == OK && asked.aspect != ASPECT_NONE)
        e = check_aspect(s, light, &asked, out);
    if (e == OK && asked.mode >= MODE_MANUAL)
        e = check_budget(s, lease->device, &asked, out);
    if (e == OK && asked.mode == MODE_PREEMPT)
        e = check_preempt(s, lease->device, light, &asked, out);
    return e;
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
    *l = (struct light){.aspect = ASPECT_NONE, .preempted = ASPECT_NONE};
    enum err e = bytes_copy_text(bytes_text(device), l->device, sizeof(l->device));
    ASSERT(e == OK);
    return l;
}

static void
hold(const struct state *s, struct light *l, int32_t aspect, uint64_t now_ms, uint64_t until_ms)
{
    if (aspect != l->aspect) {
        uint64_t from_ms = l->aspect == ASPECT_NONE ? 0 : l->changed_ms + change_ms(s);
        l->changed_ms = now_ms > from_ms ? now_ms : from_ms;
        l->held_since_ms = now_ms;
    } else if (is_rested(s, l, now_ms)) {
        l->held_since_ms = now_ms;
    }
    l->aspect = aspect;
    if (until_ms > l->held_until_ms)
        l->held_until_ms = until_ms;
}

static void
granted(void *state, const struct lease *lease, uint64_t now_ms, uint64_t lease_ms)
{
    struct state *s = state;
    enum mode mode = mode_of(lease);
    struct light *l = take(s, lease->device, now_ms);
    uint64_t until_ms = now_ms + lease_ms;
    int64_t phase = ASPECT_ALL_RED;
    ASSERT(mode < MODES_COUNT);
    if (mode == MODE_PREEMPT)
        l->preempt_since_ms = row_since(s, l, now_ms);
    l->until_ms[mode] = until_ms;
    if (mode == MODE_FLASH)
        return;
    enum err e = mode == MODE_ALL_RED ? OK : lease_parameter(lease, "phase", &phase);
    ASSERT(e == OK && phase >= 0 && phase <= ASPECT_ALL_RED);
    hold(s, l, (int32_t)phase, now_ms, until_ms);
    if (mode == MODE_PREEMPT) {
        l->preempted = (int32_t)phase;
        l->preempt_end_ms[phase] = until_ms;
    }
}

const struct envelope envelope_this = {
    .service = "signals",
    .size = sizeof(struct state),
    .init = init,
    .check = check,
    .granted = granted,
    .restarted = restarted,
};
