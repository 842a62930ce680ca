/* matrix.c -- the prediction: which pairs the plan makes, and what each lets a breached end do. */
#include "charter/matrix.h"

enum { COUNT_LARGEST = 1000000 /* conduit.def: zone_count */ };

/* ---- what the charter says --------------------------------------------------------------- */

bool
matrix_conduit_passes(const struct charter *c, uint32_t conduit)
{
    const struct charter_conduit *k = &c->conduits[conduit];
    for (uint32_t i = 0; i < k->carries_count; i++)
        if (strcmp(k->carries[i], "zone-count") == 0)
            return k->group <= COUNT_LARGEST;
    return false;
}

bool
matrix_reader(const struct charter *c, uint32_t zone, uint32_t *out_caller, uint32_t *out_purpose)
{
    for (uint32_t i = 0; i < c->callers_count; i++) {
        const struct charter_caller *caller = &c->callers[i];
        for (uint32_t p = 0; (caller->zones >> zone & 1) && p < c->purposes_count; p++)
            for (uint32_t k = 0; (caller->purposes >> p & 1) && k < c->classes_count; k++)
                if ((c->zones[zone].holds >> k & 1) && (charter_class_purposes(c, k) >> p & 1)) {
                    *out_caller = i;
                    *out_purpose = p;
                    return true;
                }
    }
    return false;
}

/* Commands of which there is a budget for the whole zone: that one is granted is not certain. */
static bool
is_rationed(const char *command)
{
    static const char *const rationed[] = {"preempt", "manual", "all-red", "all-flash"};
    for (size_t i = 0; i < ARRAY_COUNT(rationed); i++)
        if (strcmp(command, rationed[i]) == 0)
            return true;
    return false;
}

const struct charter_command *
matrix_command(const struct charter *c, uint32_t zone)
{
    const struct charter_zone *z = &c->zones[zone];
    for (uint32_t i = 0; i < z->commands_count; i++)
        if (z->commands[i].people == 0 && !is_rationed(z->commands[i].name))
            return &z->commands[i];
    return NULL;
}

bool
matrix_commander(const struct charter *c, uint32_t zone, uint32_t *out_caller,
                 uint32_t *out_command)
{
    const struct charter_command *command = matrix_command(c, zone);
    int32_t operate = charter_find_purpose(c, bytes_text("operate"));
    for (uint32_t i = 0; command && operate >= 0 && i < c->callers_count; i++) {
        if (!(c->callers[i].zones >> zone & 1) || !(c->callers[i].purposes >> operate & 1))
            continue;
        *out_caller = i;
        *out_command = (uint32_t)(command - c->zones[zone].commands);
        return true;
    }
    return false;
}

bool
matrix_has_https(const struct charter *c, uint32_t zone)
{
    for (uint32_t i = 0; i < c->zones[zone].listen_count; i++)
        if (c->zones[zone].listen[i].https)
            return true;
    return false;
}

/* ---- the compartments ------------------------------------------------------------------------ */

static void
add(struct matrix *m, enum matrix_kind kind, int32_t zone, int32_t conduit)
{
    static const char *const kinds[MATRIX_KINDS] = {"ledger", "judge",  "gate",
                                                    "core",   "warden", "conduit"};
    ASSERT(m->count < MATRIX_MAX);
    struct matrix_compartment *k = &m->compartments[m->count++];
    const char *owner = zone >= 0      ? m->charter->zones[zone].name
                        : conduit >= 0 ? m->charter->conduits[conduit].name
                                       : "city";
    *k = (struct matrix_compartment){.kind = kind, .zone = zone, .conduit = conduit};
    int n = snprintf(k->name, sizeof(k->name), "%s/%s", owner, kinds[kind]);
    ASSERT(n > 0 && (size_t)n < sizeof(k->name));
}

void
matrix_list(struct matrix *m, const struct charter *c)
{
    memset(m, 0, sizeof(*m));
    m->charter = c;
    add(m, MATRIX_LEDGER, -1, -1);
    add(m, MATRIX_JUDGE, -1, -1);
    for (uint32_t z = 0; z < c->zones_count; z++) {
        add(m, MATRIX_GATE, (int32_t)z, -1);
        add(m, MATRIX_CORE, (int32_t)z, -1);
        if (c->zones[z].commands_count)
            add(m, MATRIX_WARDEN, (int32_t)z, -1);
    }
    for (uint32_t i = 0; i < c->conduits_count; i++)
        add(m, MATRIX_CONDUIT, -1, (int32_t)i);
}

int32_t
matrix_find(const struct matrix *m, const char *name)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (strcmp(m->compartments[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

static uint32_t
find(const struct matrix *m, enum matrix_kind kind, int32_t zone, int32_t conduit)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const struct matrix_compartment *k = &m->compartments[i];
        if (k->kind == kind && k->zone == zone && k->conduit == conduit)
            return i;
    }
    ASSERT(!"listed before");
    return 0;
}

/* ---- the cells ---------------------------------------------------------------------------------
 */

static void
can(struct matrix *m, uint32_t from, uint32_t to, unsigned effects)
{
    m->cells[from][to] = (uint8_t)(m->cells[from][to] | effects);
}

/*
 * Ledger. Who writes to it has one channel to one log, and reads nothing back but a number. It
 * holds what was recorded; it can withhold its answer: reads, leases and tokens wait for it, while
 * readings and counts do not.
 */
static void
predict_ledger(struct matrix *m, uint32_t at)
{
    const struct charter *c = m->charter;
    const struct matrix_compartment *k = &m->compartments[at];
    uint32_t ledger = find(m, MATRIX_LEDGER, -1, -1), caller, other;
    if (k->kind == MATRIX_LEDGER)
        return;
    if (k->kind == MATRIX_GATE) {
        can(m, at, ledger, MATRIX_WRITE); /* names and paths of refused questions, by its core */
        return;
    }
    can(m, at, ledger, MATRIX_WRITE);
    can(m, ledger, at, MATRIX_READ);
    bool waits = k->kind == MATRIX_JUDGE && c->callers_count > 0;
    if (k->kind == MATRIX_WARDEN)
        waits = matrix_command(c, (uint32_t)k->zone) != NULL;
    if (k->kind == MATRIX_CORE)
        waits = matrix_has_https(c, (uint32_t)k->zone) &&
                (matrix_reader(c, (uint32_t)k->zone, &caller, &other) ||
                 matrix_commander(c, (uint32_t)k->zone, &caller, &other));
    if (waits)
        can(m, ledger, at, MATRIX_DISTURB);
}

/*
 * A zone. The core hears any device's message from its gate, and may show a device its own rows;
 * the gate passes on what the core answers, and serves nobody when it answers nothing. The core
 * gets any lease inside the envelope; it passes on what the warden signs, and people's commands
 * wait for it.
 */
static void
predict_zone(struct matrix *m, uint32_t zone)
{
    uint32_t gate = find(m, MATRIX_GATE, (int32_t)zone, -1), caller, command;
    uint32_t core = find(m, MATRIX_CORE, (int32_t)zone, -1);
    bool https = matrix_has_https(m->charter, zone);
    can(m, gate, core, MATRIX_READ | MATRIX_WRITE);
    can(m, core, gate, MATRIX_DISTURB); /* a gate ends when it hears nonsense */
    if (m->charter->zones[zone].listen_count)
        can(m, core, gate, MATRIX_READ);
    if (https)
        can(m, core, gate, MATRIX_WRITE);
    if (m->charter->zones[zone].commands_count == 0)
        return;
    uint32_t warden = find(m, MATRIX_WARDEN, (int32_t)zone, -1);
    can(m, core, warden, MATRIX_READ);
    if (matrix_command(m->charter, zone))
        can(m, core, warden, MATRIX_COMMAND);
    can(m, warden, core, MATRIX_READ | MATRIX_COMMAND);
    if (https && matrix_commander(m->charter, zone, &caller, &command))
        can(m, warden, core, MATRIX_DISTURB);
}

/*
 * A conduit has one direction. The core at its beginning says counts, which the conduit judges,
 * makes anew and says to the core at its end; nothing comes back. Who holds the way can lie on it
 * and close it.
 */
static void
predict_conduit(struct matrix *m, uint32_t i)
{
    const struct charter_conduit *k = &m->charter->conduits[i];
    uint32_t conduit = find(m, MATRIX_CONDUIT, -1, (int32_t)i);
    uint32_t from = find(m, MATRIX_CORE, (int32_t)k->from, -1);
    uint32_t to = find(m, MATRIX_CORE, (int32_t)k->to, -1);
    /* Even where the charter lets no count pass, the core at the end would believe one. */
    if (vocabulary_find(bytes_text(m->charter->zones[k->to].service), WORD_CONDUIT_KIND,
                        bytes_text("zone-count")))
        can(m, conduit, to, MATRIX_WRITE);
    if (!matrix_conduit_passes(m->charter, i))
        return;
    can(m, conduit, from, MATRIX_READ);
    can(m, conduit, to, MATRIX_DISTURB);
    can(m, from, conduit, MATRIX_WRITE);
    can(m, from, to, MATRIX_WRITE | MATRIX_DISTURB);
    can(m, to, conduit, MATRIX_READ);
    can(m, to, from, MATRIX_READ);
}

void
matrix_predict(struct matrix *m, const struct charter *c)
{
    matrix_list(m, c);
    for (uint32_t i = 0; i < m->count; i++)
        predict_ledger(m, i);
    for (uint32_t z = 0; z < c->zones_count; z++)
        predict_zone(m, z);
    for (uint32_t i = 0; i < c->conduits_count; i++)
        predict_conduit(m, i);
}

uint8_t
matrix_between(const struct matrix *m, int32_t from_zone, int32_t to_zone)
{
    uint8_t cell = 0;
    for (uint32_t i = 0; i < m->count; i++)
        for (uint32_t k = 0; k < m->count; k++)
            if (m->compartments[i].zone == from_zone && m->compartments[k].zone == to_zone)
                cell |= m->cells[i][k];
    return cell;
}
