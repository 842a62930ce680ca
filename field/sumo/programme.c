#include "field/sumo/programme.h"

#include "field/lights/intersection.h"
#include "field/sumo/walks.h"
#include "field/sumo/xml.h"

/* A green for each phase, yellow and all-red after it, and a walk's clearance before. */
_Static_assert(TIMETABLE_ROWS_MAX >= 4 * PROGRAMME_PHASES_MAX, "a programme fits in");

static struct programme *
place_of(struct programmes *p, struct bytes id)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (bytes_equal(p->list[i].id, id))
            return &p->list[i];
    }
    return p->count < PROGRAMME_SIGNALS_MAX ? &p->list[p->count++] : NULL;
}

static enum err
add_phase(struct programme *p, struct xml_tag tag)
{
    struct programme_phase phase = {.state = xml_attribute(tag, "state")};
    if (p->count == PROGRAMME_PHASES_MAX)
        return ERR_LIMIT;
    if (phase.state.len == 0 || xml_double(tag, "duration", &phase.seconds) != OK)
        return ERR_MALFORMED;
    p->phases[p->count++] = phase;
    return OK;
}

enum err
programmes_read(struct programmes *p, struct bytes xml)
{
    struct programme *now = NULL;
    struct xml_tag tag;
    while (xml_next(&xml, &tag)) {
        if (bytes_are(tag.name, "tlLogic")) {
            struct bytes id = xml_attribute(tag, "id");
            now = place_of(p, id);
            if (!now)
                return ERR_LIMIT;
            *now = (struct programme){.id = id, .offset = xml_attribute(tag, "offset")};
        } else if (bytes_are(tag.name, "phase")) {
            enum err e = now ? add_phase(now, tag) : OK;
            if (e != OK)
                return e;
        } else {
            now = NULL;
        }
    }
    return OK;
}

void
programmes_walks(struct programmes *p, const struct street *t)
{
    double crossing_m[SITE_LETTERS_MAX];
    for (uint32_t i = 0; i < p->count; i++) {
        street_walks(t, p->list[i].id, crossing_m);
        for (size_t k = 0; k < SITE_LETTERS_MAX; k++)
            p->list[i].walk_s[k] =
                crossing_m[k] < 0 ? 0 : intersection_clearance_s(site_crossing_dm(crossing_m[k]));
    }
}

static bool
has(struct bytes state, uint8_t letter)
{
    return bytes_find(state, letter) < state.len;
}

uint32_t
programmes_yellow_s(const struct programmes *p)
{
    double most = PROGRAMME_YELLOW_MIN_S;
    for (uint32_t i = 0; i < p->count; i++) {
        for (uint32_t k = 0; k < p->list[i].count; k++) {
            const struct programme_phase *phase = &p->list[i].phases[k];
            if (has(phase->state, 'y') && phase->seconds > most &&
                phase->seconds <= PROGRAMME_YELLOW_MAX_S)
                most = phase->seconds;
        }
    }
    return (uint32_t)most;
}

static bool
is_green(struct bytes state)
{
    return (has(state, 'G') || has(state, 'g')) && !has(state, 'y') && !has(state, 'Y');
}

/*
 * A stage: one green state, in one or more equal phases up to `after`; then, from there on,
 * `changing` phases that lead to the next one.
 */
struct stage {
    struct bytes state;
    double seconds; /* with its change */
    uint32_t equal, after, changing;
};

/* Consecutive equal phases are one; what is shorter than a green belongs to the change. */
static uint32_t
stages_of(const struct programme *p, struct stage out[static PROGRAMME_PHASES_MAX])
{
    uint32_t count = 0, before = 0;
    double before_s = 0; /* what comes before the first green: the end of the last change */
    for (uint32_t i = 0; i < p->count;) {
        struct bytes state = p->phases[i].state;
        uint32_t from = i;
        double seconds = 0;
        for (; i < p->count && bytes_equal(p->phases[i].state, state); i++)
            seconds += p->phases[i].seconds;
        if (is_green(state) && seconds >= SITE_GREEN_MIN_S) {
            out[count++] = (struct stage){state, seconds, i - from, i, 0};
        } else if (count > 0) {
            out[count - 1].seconds += seconds;
            out[count - 1].changing += i - from;
        } else {
            before_s += seconds;
            before += i - from;
        }
    }
    if (count > 0) {
        out[count - 1].seconds += before_s;
        out[count - 1].changing += before;
    }
    return count;
}

/*
 * One link in the change from a stage to the next, as the programme has it: green if it never
 * stops; else, if it went and is no walk, yellow; red. `cleared`: yellow is over.
 */
static uint8_t
between(const struct programme *p, const struct stage *from, const struct stage *to, size_t link,
        bool cleared)
{
    uint8_t a = from->state.p[link], b = to->state.p[link];
    bool went = a == 'G' || a == 'g', always = went && (b == 'G' || b == 'g');
    for (uint32_t i = 0; i < from->changing; i++) {
        uint8_t c = p->phases[(from->after + i) % p->count].state.p[link];
        always = always && (c == 'G' || c == 'g');
    }
    if (always)
        return a == 'g' || b == 'g' ? 'g' : 'G';
    if (went)
        return cleared || p->walk_s[link] > 0 ? 'r' : 'y';
    return a == 's' && b == 's' ? 's' : 'r';
}

static void
put_change(const struct programme *p, const struct stage *from, const struct stage *to,
           const struct programme_form *form, struct timetable *t)
{
    uint8_t state[SITE_LETTERS_MAX];
    const uint32_t seconds[] = {form->yellow_s, form->all_red_s};
    for (size_t part = 0; part < ARRAY_COUNT(seconds); part++) {
        for (size_t k = 0; k < from->state.len; k++)
            state[k] = between(p, from, to, k, part > 0);
        if (seconds[part] > 0)
            timetable_add(t, timetable_keep(t, bytes_of(state, from->state.len)), seconds[part],
                          true);
    }
}

static bool
serves(const struct stage *stages, uint32_t count, size_t letter)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t c = stages[i].state.p[letter];
        if (c == 'G' || c == 'g')
            return true;
    }
    return false;
}

/* Every link that goes in the programme goes in some stage. */
static bool
complete(const struct programme *p, const struct stage *stages, uint32_t count)
{
    size_t letters = p->count > 0 ? p->phases[0].state.len : 0;
    for (uint32_t i = 0; i < p->count; i++) {
        for (size_t k = 0; k < letters; k++) {
            if (p->phases[i].state.len != letters)
                return false;
            uint8_t c = p->phases[i].state.p[k];
            if ((c == 'G' || c == 'g') && !serves(stages, count, k))
                return false;
        }
    }
    return count >= 2 && letters <= SITE_LETTERS_MAX;
}

/* Its phases as shipped; the last one takes what is left of the time. */
static void
put_green(const struct programme *p, const struct stage *stage, double seconds, struct timetable *t)
{
    double left = seconds < SITE_GREEN_MIN_S ? SITE_GREEN_MIN_S : seconds;
    for (uint32_t i = 0; i + 1 < stage->equal; i++) {
        double own = p->phases[stage->after - stage->equal + i].seconds;
        if (left - own < 1)
            break;
        timetable_add(t, stage->state, own, false);
        left -= own;
    }
    timetable_add(t, stage->state, left, false);
}

static enum err
put_cleared(const struct programme *p, const struct programme_form *form, struct timetable *t)
{
    struct stage stages[PROGRAMME_PHASES_MAX];
    uint32_t count = stages_of(p, stages);
    double change = form->yellow_s + form->all_red_s;
    if (!complete(p, stages, count))
        return ERR_UNSUPPORTED;
    for (uint32_t i = 0; i < count; i++) {
        const struct stage *next = &stages[(i + 1) % count];
        /* The first one may go on from the last; for the clearance of a walk nobody else stops. */
        bool stays = bytes_equal(stages[i].state, next->state) ||
                     walks_only_end(stages[i].state, next->state, p->walk_s);
        put_green(p, &stages[i], stages[i].seconds - (stays ? 0 : change), t);
        if (!stays)
            put_change(p, &stages[i], next, form, t);
    }
    return OK;
}

static void
put_as_shipped(const struct programme *p, struct timetable *t)
{
    for (uint32_t i = 0; i < p->count; i++)
        timetable_add(t, p->phases[i].state, p->phases[i].seconds, false);
}

static uint32_t
larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void
put_row(struct buf *b, const struct timetable_row *row, const struct programme_form *form)
{
    buf_format(b, "<phase duration=\"%.0f\" state=\"%.*s\"", row->seconds,
               BYTES_PRINTF(row->state));
    if (form->actuated && !row->held && is_green(row->state)) {
        uint32_t least = row->clears ? row->least_s : larger(form->minimum_s, row->least_s);
        buf_format(b, " minDur=\"%u\" maxDur=\"%u\"", (unsigned)least,
                   (unsigned)larger(form->maximum_s, least));
    }
    buf_text(b, "/>\n");
}

static void
put_head(const struct programme *p, const struct programme_form *form, struct buf *b)
{
    static const char zero[] = "0";
    struct bytes offset = p->offset.len > 0 ? p->offset : bytes_text(zero);
    buf_format(b, "<tlLogic id=\"%.*s\" type=\"%s\" programID=\"compared\" offset=\"%.*s\">\n",
               BYTES_PRINTF(p->id), form->actuated ? "actuated" : "static", BYTES_PRINTF(offset));
    if (form->actuated)
        buf_text(b, "<param key=\"detector-gap\" value=\"2\"/>\n"
                    "<param key=\"max-gap\" value=\"3\"/>\n");
}

void
programmes_put(const struct programmes *p, const struct programme_form *form, struct buf *b,
               uint32_t *out_left)
{
    struct timetable t;
    *out_left = 0;
    buf_text(b, "<additional>\n");
    for (uint32_t i = 0; i < p->count; i++) {
        const struct programme *programme = &p->list[i];
        t.count = t.made = 0;
        enum err e = form->clear ? put_cleared(programme, form, &t) : ERR_UNSUPPORTED;
        if (e != OK) {
            *out_left += form->clear;
            put_as_shipped(programme, &t);
        }
        walks_make_time(&t, programme->walk_s);
        put_head(programme, form, b);
        for (uint32_t k = 0; k < t.count; k++)
            put_row(b, &t.rows[k], form);
        buf_text(b, "</tlLogic>\n");
    }
    buf_text(b, "</additional>\n");
}
