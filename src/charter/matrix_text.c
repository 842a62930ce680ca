/* matrix_text.c -- a matrix in words: for the terminal and, as one line, for programs. */
#include "charter/matrix.h"

#include "base/text.h"

static const enum matrix_effect effects[] = {MATRIX_READ, MATRIX_WRITE, MATRIX_COMMAND,
                                             MATRIX_DISTURB};
static const char letters[] = "rwcd";

void
matrix_letters(uint8_t cell, char out[static 5])
{
    for (size_t i = 0; i < ARRAY_COUNT(effects); i++)
        out[i] = cell & effects[i] ? letters[i] : '-';
    out[4] = '\0';
}

/* ---- by what message --------------------------------------------------------------------------
 */

struct carrier {
    enum matrix_kind from, to;
    enum matrix_effect effect;
    const char *by;
};

/* From the message tables in src/programs; ">" is the way through an honest process between. */
static const struct carrier carriers[] = {
    {MATRIX_GATE, MATRIX_CORE, MATRIX_READ, "answer, deliver"},
    {MATRIX_GATE, MATRIX_CORE, MATRIX_WRITE, "publish, ask"},
    {MATRIX_GATE, MATRIX_LEDGER, MATRIX_WRITE, "ask > record"},
    {MATRIX_CORE, MATRIX_GATE, MATRIX_READ, "publish, ask"},
    {MATRIX_CORE, MATRIX_GATE, MATRIX_WRITE, "answer, deliver"},
    {MATRIX_CORE, MATRIX_GATE, MATRIX_DISTURB, "no answer, peer_drop"},
    {MATRIX_CORE, MATRIX_WARDEN, MATRIX_READ, "lease_granted, lease_refused"},
    {MATRIX_CORE, MATRIX_WARDEN, MATRIX_COMMAND, "wish, inside the envelope"},
    {MATRIX_WARDEN, MATRIX_CORE, MATRIX_READ, "wish"},
    {MATRIX_WARDEN, MATRIX_CORE, MATRIX_COMMAND, "lease_granted"},
    {MATRIX_WARDEN, MATRIX_CORE, MATRIX_DISTURB, "no lease"},
    {MATRIX_CORE, MATRIX_LEDGER, MATRIX_WRITE, "record"},
    {MATRIX_WARDEN, MATRIX_LEDGER, MATRIX_WRITE, "record"},
    {MATRIX_JUDGE, MATRIX_LEDGER, MATRIX_WRITE, "record"},
    {MATRIX_CONDUIT, MATRIX_LEDGER, MATRIX_WRITE, "record"},
    {MATRIX_LEDGER, MATRIX_CORE, MATRIX_READ, "record"},
    {MATRIX_LEDGER, MATRIX_WARDEN, MATRIX_READ, "record"},
    {MATRIX_LEDGER, MATRIX_JUDGE, MATRIX_READ, "record"},
    {MATRIX_LEDGER, MATRIX_CONDUIT, MATRIX_READ, "record"},
    {MATRIX_LEDGER, MATRIX_CORE, MATRIX_DISTURB, "no recorded"},
    {MATRIX_LEDGER, MATRIX_WARDEN, MATRIX_DISTURB, "no recorded"},
    {MATRIX_LEDGER, MATRIX_JUDGE, MATRIX_DISTURB, "no recorded"},
    {MATRIX_CONDUIT, MATRIX_CORE, MATRIX_READ, "zone_count"},
    {MATRIX_CONDUIT, MATRIX_CORE, MATRIX_WRITE, "zone_count"},
    {MATRIX_CONDUIT, MATRIX_CORE, MATRIX_DISTURB, "zone_count false or withheld"},
    {MATRIX_CORE, MATRIX_CONDUIT, MATRIX_READ, "zone_count"},
    {MATRIX_CORE, MATRIX_CONDUIT, MATRIX_WRITE, "zone_count"},
    {MATRIX_CORE, MATRIX_CORE, MATRIX_READ, "zone_count"},
    {MATRIX_CORE, MATRIX_CORE, MATRIX_WRITE, "zone_count"},
    {MATRIX_CORE, MATRIX_CORE, MATRIX_DISTURB, "zone_count false or withheld"},
};

const char *
matrix_by(const struct matrix *m, uint32_t from, uint32_t to, enum matrix_effect e)
{
    ASSERT(from < m->count && to < m->count);
    for (size_t i = 0; i < ARRAY_COUNT(carriers); i++)
        if (carriers[i].from == m->compartments[from].kind &&
            carriers[i].to == m->compartments[to].kind && carriers[i].effect == e)
            return carriers[i].by;
    return "?";
}

/* ---- text ------------------------------------------------------------------------------------ */

static const char *
verb(size_t effect)
{
    static const char *const verbs[] = {"reads", "writes", "commands", "disturbs"};
    return verbs[effect];
}

static void
put_cells_of(struct buf *b, const struct matrix *m, uint32_t from)
{
    uint32_t touched = 0;
    buf_format(b, "%s, if breached:\n", m->compartments[from].name);
    for (uint32_t to = 0; to < m->count; to++) {
        char text[5];
        const char *before = "";
        if (!m->cells[from][to])
            continue;
        touched++;
        matrix_letters(m->cells[from][to], text);
        buf_format(b, "  %s  %s: ", text, m->compartments[to].name);
        for (size_t i = 0; i < ARRAY_COUNT(effects); i++) {
            if (!(m->cells[from][to] & effects[i]))
                continue;
            buf_format(b, "%s%s by %s", before, verb(i), matrix_by(m, from, to, effects[i]));
            before = "; ";
        }
        buf_byte(b, '\n');
    }
    buf_format(b, "  ----  the other %u\n", m->count - 1 - touched);
}

static void
put_zones(struct buf *b, const struct matrix *m)
{
    const struct charter *c = m->charter;
    buf_text(b, "zones, each breached as a whole:\n");
    for (int32_t from = 0; from < (int32_t)c->zones_count; from++) {
        uint32_t untouched = 0;
        for (int32_t to = 0; to < (int32_t)c->zones_count; to++) {
            uint8_t cell = from == to ? 0 : matrix_between(m, from, to);
            char text[5];
            matrix_letters(cell, text);
            if (cell)
                buf_format(b, "  %s  %s -> %s\n", text, c->zones[from].name, c->zones[to].name);
            else
                untouched += from != to;
        }
        buf_format(b, "  ----  %s -> the other %u\n", c->zones[from].name, untouched);
    }
}

static void
put_notes(struct buf *b, const struct matrix *m)
{
    const struct charter *c = m->charter;
    buf_text(b,
             "What no cell says:\n"
             "  city/judge signs tokens: together with a caller's certificate, its key and a gate, "
             "it reads what callers may read, and asks for what they may command.\n"
             "  city/ledger signs the logs: it can write a false one, which a witness sees.\n"
             "  A gate sees its callers' tokens, which end after at most 15 minutes: until then it "
             "can ask as they may.\n"
             "  A warden signs leases without its envelope: devices have limits of their own.\n"
             "  Lies in readings move what a zone's controller wishes, inside the envelope; what "
             "is counted from them reaches the zones that its conduits lead to.\n");
    for (uint32_t i = 0; i < c->callers_count; i++) {
        if (!c->callers[i].writes)
            continue;
        buf_format(b, "  %s may change what is of", c->callers[i].name);
        for (uint32_t k = 0; k < c->classes_count; k++)
            if (c->callers[i].writes >> k & 1)
                buf_format(b, " %s", c->classes[k].name);
        buf_text(b, ": so may, on record, who has their key and token, or a gate that sees it.\n");
    }
    for (uint32_t i = 0; i < c->conduits_count; i++)
        if (!matrix_conduit_passes(c, i))
            buf_format(b,
                       "  %s: the charter permits it, and conduits carry counts only: nothing "
                       "passes.\n",
                       c->conduits[i].name);
}

void
matrix_put_text(struct buf *b, const struct matrix *m)
{
    uint32_t touched = 0;
    for (uint32_t from = 0; from < m->count; from++)
        put_cells_of(b, m, from);
    put_zones(b, m);
    put_notes(b, m);
    for (uint32_t i = 0; i < m->count; i++)
        for (uint32_t k = 0; k < m->count; k++)
            touched += m->cells[i][k] != 0;
    buf_format(b, "matrix: %u compartments, %u pairs, %u touched, %u not\n", m->count,
               m->count * (m->count - 1), touched, m->count * (m->count - 1) - touched);
}

/* ---- for programs ---------------------------------------------------------------------------- */

static void
put_json_cell(struct buf *b, const struct matrix *m, uint32_t from, uint32_t to)
{
    const char *before = "";
    char text[5];
    matrix_letters(m->cells[from][to], text);
    buf_format(b, "{\"from\":\"%s\",\"to\":\"%s\",\"effects\":\"%s\",\"by\":{",
               m->compartments[from].name, m->compartments[to].name, text);
    for (size_t i = 0; i < ARRAY_COUNT(effects); i++) {
        if (!(m->cells[from][to] & effects[i]))
            continue;
        buf_format(b, "%s\"%s\":\"%s\"", before, verb(i), matrix_by(m, from, to, effects[i]));
        before = ",";
    }
    buf_text(b, "}}");
}

void
matrix_put_json(struct buf *b, const struct matrix *m)
{
    const char *before = "";
    buf_text(b, "{\"compartments\":[");
    for (uint32_t i = 0; i < m->count; i++)
        buf_format(b, "%s\"%s\"", i ? "," : "", m->compartments[i].name);
    buf_text(b, "],\"cells\":[");
    for (uint32_t from = 0; from < m->count; from++)
        for (uint32_t to = 0; to < m->count; to++)
            if (m->cells[from][to]) {
                buf_text(b, before);
                put_json_cell(b, m, from, to);
                before = ",";
            }
    buf_text(b, "]}\n");
}

uint32_t
matrix_put_difference(struct buf *b, const struct matrix *predicted, const struct matrix *measured)
{
    uint32_t count = 0;
    ASSERT(predicted->count == measured->count);
    for (uint32_t from = 0; from < predicted->count; from++)
        for (uint32_t to = 0; to < predicted->count; to++) {
            char before[5], after[5];
            if (predicted->cells[from][to] == measured->cells[from][to])
                continue;
            matrix_letters(predicted->cells[from][to], before);
            matrix_letters(measured->cells[from][to], after);
            buf_format(b, "%s -> %s: predicted %s, measured %s\n",
                       predicted->compartments[from].name, predicted->compartments[to].name, before,
                       after);
            count++;
        }
    return count;
}
