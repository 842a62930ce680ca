#include "field/sumo/programme.h"

#include "field/sumo/xml.h"

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

static void
put_phase(struct buf *b, struct bytes state, double seconds, const struct programme_form *form)
{
    bool green = form->actuated && is_green(state) && seconds >= SITE_GREEN_MIN_S;
    buf_format(b, "<phase duration=\"%.0f\" state=\"%.*s\"", seconds, BYTES_PRINTF(state));
    if (green)
        buf_format(b, " minDur=\"%u\" maxDur=\"%u\"", (unsigned)form->minimum_s,
                   (unsigned)form->maximum_s);
    buf_text(b, "/>\n");
}

/* A stage: one green state, and how long it and the change after it take together. */
struct stage {
    struct bytes state;
    double seconds;
};

/* Consecutive equal states are one; what is shorter than a green belongs to the change. */
static uint32_t
stages_of(const struct programme *p, struct stage out[static PROGRAMME_PHASES_MAX])
{
    uint32_t count = 0;
    double before = 0; /* what comes before the first green: the end of the last change */
    for (uint32_t i = 0; i < p->count;) {
        struct bytes state = p->phases[i].state;
        double seconds = 0;
        for (; i < p->count && bytes_equal(p->phases[i].state, state); i++)
            seconds += p->phases[i].seconds;
        if (is_green(state) && seconds >= SITE_GREEN_MIN_S)
            out[count++] = (struct stage){state, seconds};
        else if (count > 0)
            out[count - 1].seconds += seconds;
        else
            before += seconds;
    }
    if (count > 0)
        out[count - 1].seconds += before;
    return count;
}

/* What is shown from one green state to the next, as the executor does it. */
static enum err
put_change(struct bytes from, struct bytes to, const struct programme_form *form, struct buf *b)
{
    static struct site s; /* borrowed for its rule: what is between two states */
    char state[SITE_LETTERS_MAX + 1];
    s = (struct site){0};
    enum err e = site_add_state(&s, from, SITE_GREEN_MIN_S);
    if (e == OK)
        e = site_add_state(&s, to, SITE_GREEN_MIN_S);
    if (e != OK || s.phases_count != 2)
        return ERR_UNSUPPORTED;
    site_between(&s, 0, 1, false, state);
    put_phase(b, bytes_text(state), form->yellow_s, &(struct programme_form){0});
    site_between(&s, 0, 1, true, state);
    if (form->all_red_s > 0)
        put_phase(b, bytes_text(state), form->all_red_s, &(struct programme_form){0});
    return OK;
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
    return count >= 2;
}

static enum err
put_cleared(const struct programme *p, const struct programme_form *form, struct buf *b)
{
    struct stage stages[PROGRAMME_PHASES_MAX];
    uint32_t count = stages_of(p, stages);
    double change = form->yellow_s + form->all_red_s;
    if (!complete(p, stages, count))
        return ERR_UNSUPPORTED;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes next = stages[(i + 1) % count].state;
        bool stays = bytes_equal(stages[i].state, next); /* the first one goes on from the last */
        double green = stages[i].seconds - (stays ? 0 : change);
        put_phase(b, stages[i].state, green < SITE_GREEN_MIN_S ? SITE_GREEN_MIN_S : green, form);
        enum err e = stays ? OK : put_change(stages[i].state, next, form, b);
        if (e != OK)
            return e;
    }
    return OK;
}

static void
put_as_shipped(const struct programme *p, const struct programme_form *form, struct buf *b)
{
    for (uint32_t i = 0; i < p->count; i++)
        put_phase(b, p->phases[i].state, p->phases[i].seconds, form);
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
    struct buf phases;
    buf_init(&phases, 1024 * 1024);
    *out_left = 0;
    buf_text(b, "<additional>\n");
    for (uint32_t i = 0; i < p->count; i++) {
        enum err e = form->clear ? OK : ERR_UNSUPPORTED;
        buf_reset(&phases);
        if (e == OK)
            e = put_cleared(&p->list[i], form, &phases);
        if (e != OK) {
            *out_left += form->clear;
            buf_reset(&phases);
            put_as_shipped(&p->list[i], form, &phases);
        }
        put_head(&p->list[i], form, b);
        buf_put(b, buf_bytes(&phases));
        buf_text(b, "</tlLogic>\n");
    }
    buf_text(b, "</additional>\n");
    buf_fini(&phases);
}
