#include "drill/story.h"

#include "base/text.h"

#include <stdarg.h>

struct reading {
    struct story *story;
    struct story_step *step; /* the one that is being read; NULL: still the head */
    uint32_t line;
    char *why;
};

static enum err PRINTF_LIKE(2, 3) fail(struct reading *r, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->why, STORY_WHY_SIZE, format, ap);
    va_end(ap);
    return ERR_MALFORMED;
}

/* The next word of *rest, without the blanks before it; empty at the end. */
static struct bytes
take_word(struct bytes *rest)
{
    while (rest->len && rest->p[0] == ' ')
        *rest = bytes_skip(*rest, 1);
    struct bytes word = bytes_of(rest->p, bytes_find(*rest, ' '));
    *rest = bytes_skip(*rest, word.len);
    while (rest->len && rest->p[0] == ' ')
        *rest = bytes_skip(*rest, 1);
    return word;
}

static enum err
put_text(struct reading *r, struct bytes text, char *to, size_t size, const char *what)
{
    if (text.len == 0)
        return fail(r, "%s is missing", what);
    if (to[0])
        return fail(r, "%s stands here twice", what);
    if (bytes_copy_text(text, to, size) != OK)
        return fail(r, "%s is longer than %zu bytes", what, size - 1);
    return OK;
}

/* Prose goes on where it stopped. */
static enum err
add_prose(struct reading *r, struct bytes text, char to[static STORY_PROSE_SIZE], const char *what)
{
    size_t at = strlen(to);
    if (text.len == 0)
        return fail(r, "%s says nothing", what);
    if (at + text.len + 2 > STORY_PROSE_SIZE)
        return fail(r, "%s is longer than %d bytes", what, STORY_PROSE_SIZE - 2);
    if (at)
        to[at++] = ' ';
    memcpy(to + at, text.p, text.len);
    to[at + text.len] = '\0';
    return OK;
}

/* ---- a move ---------------------------------------------------------------------------------- */

static bool
is_word(struct bytes word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!(word.p[i] >= 'a' && word.p[i] <= 'z') && !(word.p[i] >= '0' && word.p[i] <= '9') &&
            word.p[i] != '-')
            return false;
    return word.len > 0;
}

/* "zone/kind" */
static bool
is_compartment(struct bytes word)
{
    size_t slash = bytes_find(word, '/');
    return slash < word.len && text_is_name(bytes_of(word.p, slash)) &&
           text_is_name(bytes_skip(word, slash + 1));
}

static enum err
add_arg(struct reading *r, struct bytes word, struct story_move *m)
{
    size_t equals = bytes_find(word, '=');
    if (equals == word.len || !is_word(bytes_of(word.p, equals)))
        return fail(r, "a move's words are KEY=VALUE, not \"%.*s\"",
                    (int)(word.len < 60 ? word.len : 60), (const char *)word.p);
    if (m->args_count == STORY_ARGS_MAX)
        return fail(r, "a move has at most %d words", STORY_ARGS_MAX);
    struct story_arg *a = &m->args[m->args_count];
    *a = (struct story_arg){0};
    if (bytes_copy_text(bytes_of(word.p, equals), a->key, sizeof(a->key)) != OK ||
        bytes_copy_text(bytes_skip(word, equals + 1), a->value, sizeof(a->value)) != OK)
        return fail(r, "a move's word is too long");
    if (story_arg(m, a->key))
        return fail(r, "%s stands here twice", a->key);
    m->args_count++;
    return OK;
}

static enum err
take_move(struct reading *r, struct bytes rest, bool inside, struct story_move *m)
{
    if (m->name[0])
        return fail(r, "a step has one move, and one with `and`");
    if (inside) {
        struct bytes place = take_word(&rest);
        if (!is_compartment(place) ||
            bytes_copy_text(place, m->compartment, sizeof(m->compartment)) != OK)
            return fail(r, "a compartment is ZONE/KIND, such as bikes/core");
    }
    struct bytes name = take_word(&rest);
    if (!is_word(name) || bytes_copy_text(name, m->name, sizeof(m->name)) != OK)
        return fail(r, "the name of a move is missing");
    enum err e = OK;
    while (e == OK && rest.len)
        e = add_arg(r, take_word(&rest), m);
    return e;
}

/* ---- what must come of it -------------------------------------------------------------------- */

static enum err
take_must(struct reading *r, struct bytes rest)
{
    static const struct {
        const char *begin;
        enum story_must must;
        bool more; /* words must follow */
    } rows[] = {{"be refused by wall ", STORY_WALL, true},
                {"be refused by rule ", STORY_RULE, true},
                {"be noticed saying ", STORY_NOTICED, true},
                {"be allowed saying ", STORY_ALLOWED, true},
                {"be allowed", STORY_ALLOWED, false}};
    if (r->step->must)
        return fail(r, "a step has one `must`");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (!bytes_start(rest, rows[i].begin))
            continue;
        struct bytes words = bytes_skip(rest, strlen(rows[i].begin));
        if (!rows[i].more && words.len)
            break;
        r->step->must = rows[i].must;
        return rows[i].more ? put_text(r, words, r->step->by, sizeof(r->step->by),
                                       "who refuses, or says what")
                            : OK;
    }
    return fail(r, "must: be refused by wall WALL, be refused by rule WORDS, be allowed [saying "
                   "WORDS], or be noticed saying WORDS");
}

/* ---- statements ------------------------------------------------------------------------------ */

static enum err
finish_step(struct reading *r)
{
    const struct story_step *s = r->step;
    if (!s)
        return OK;
    if (!s->move.name[0])
        return fail(r, "the step of line %u has no move", s->line);
    if (!s->must)
        return fail(r, "the step of line %u does not say what must come of it", s->line);
    if (!s->because[0])
        return fail(r, "the step of line %u has no sentence for the council (because)", s->line);
    if (s->must == STORY_WALL && !s->move.compartment[0])
        return fail(r, "the step of line %u: walls stand around what is inside", s->line);
    return OK;
}

static enum err
begin_step(struct reading *r, struct bytes rest)
{
    /* "step" again, before its move: the prose goes on. */
    if (r->step && !r->step->move.name[0])
        return add_prose(r, rest, r->step->what, "step");
    enum err e = finish_step(r);
    if (e != OK)
        return e;
    if (r->story->steps_count == STORY_STEPS_MAX)
        return fail(r, "a story has at most %d steps", STORY_STEPS_MAX);
    r->step = &r->story->steps[r->story->steps_count++];
    r->step->line = r->line;
    return add_prose(r, rest, r->step->what, "step");
}

static enum err
take_device(struct reading *r, struct bytes rest)
{
    struct story *s = r->story;
    struct bytes name = take_word(&rest), in = take_word(&rest), zone = take_word(&rest);
    if (s->devices_count == STORY_DEVICES_MAX)
        return fail(r, "a story has at most %d devices", STORY_DEVICES_MAX);
    if (!text_is_name(name) || !bytes_are(in, "in") || !text_is_name(zone) || rest.len)
        return fail(r, "device NAME in ZONE");
    struct story_device *d = &s->devices[s->devices_count++];
    enum err e = bytes_copy_text(name, d->name, sizeof(d->name));
    return e == OK ? bytes_copy_text(zone, d->zone, sizeof(d->zone)) : e;
}

static enum err
take_head(struct reading *r, struct bytes word, struct bytes rest)
{
    struct story *s = r->story;
    if (bytes_are(word, "story"))
        return put_text(r, rest, s->title, sizeof(s->title), "story");
    if (bytes_are(word, "attacker"))
        return add_prose(r, rest, s->attacker, "attacker");
    if (bytes_are(word, "wants"))
        return add_prose(r, rest, s->wants, "wants");
    if (bytes_are(word, "city"))
        return put_text(r, rest, s->city, sizeof(s->city), "city");
    if (bytes_are(word, "device"))
        return take_device(r, rest);
    return fail(r, "before the first step stand story, attacker, wants, city and device");
}

static enum err
take_statement(struct reading *r, struct bytes word, struct bytes rest)
{
    struct story_step *s = r->step;
    if (bytes_are(word, "step"))
        return begin_step(r, rest);
    if (!s)
        return take_head(r, word, rest);
    if (bytes_are(word, "inside"))
        return take_move(r, rest, true, &s->move);
    if (bytes_are(word, "outside"))
        return take_move(r, rest, false, &s->move);
    if (bytes_are(word, "and"))
        return take_move(r, rest, true, &s->also);
    if (bytes_are(word, "must"))
        return take_must(r, rest);
    if (bytes_are(word, "file"))
        return put_text(r, rest, s->file, sizeof(s->file), "file");
    if (bytes_are(word, "because"))
        return add_prose(r, rest, s->because, "because");
    return fail(r, "a step has inside, outside, and, must, file and because; not \"%.*s\"",
                (int)(word.len < 40 ? word.len : 40), (const char *)word.p);
}

static enum err
take_line(struct reading *r, struct bytes line)
{
    while (line.len && line.p[line.len - 1] == ' ')
        line.len--;
    for (size_t i = 0; i < line.len; i++)
        if (line.p[i] < 0x20 || line.p[i] == 0x7f)
            return fail(r, "a control character; only blanks separate");
    if (!text_is_utf8(line))
        return fail(r, "this line is not UTF-8");
    struct bytes rest = line, word = take_word(&rest);
    if (word.len == 0 || word.p[0] == '#')
        return OK;
    return take_statement(r, word, rest);
}

static enum err
finish_story(struct reading *r)
{
    const struct story *s = r->story;
    enum err e = finish_step(r);
    if (e == OK && (!s->title[0] || !s->attacker[0] || !s->wants[0] || !s->city[0]))
        e = fail(r, "a story says story, attacker, wants and city");
    if (e == OK && s->steps_count == 0)
        e = fail(r, "a story has steps");
    return e;
}

enum err
story_parse(struct bytes text, struct story *out, uint32_t *out_line,
            char out_why[static STORY_WHY_SIZE])
{
    static struct story story; /* too long for the stack; the result is untouched on failure */
    struct reading r = {.story = &story, .why = out_why};
    enum err e = OK;
    memset(&story, 0, sizeof(story));
    if (text.len > STORY_BYTES_MAX)
        e = fail(&r, "a story has at most %d bytes", STORY_BYTES_MAX);
    while (e == OK && text.len) {
        size_t end = bytes_find(text, '\n');
        r.line++;
        e = take_line(&r, bytes_of(text.p, end));
        text = bytes_skip(text, end < text.len ? end + 1 : end);
    }
    if (e == OK)
        e = finish_story(&r);
    *out_line = r.line;
    if (e == OK)
        *out = story;
    return e;
}

const char *
story_arg(const struct story_move *m, const char *key)
{
    for (uint32_t i = 0; i < m->args_count; i++)
        if (strcmp(m->args[i].key, key) == 0)
            return m->args[i].value;
    return NULL;
}

/* ---- and back -------------------------------------------------------------------------------- */

static void
put_move(const char *word, const struct story_move *m, struct buf *out)
{
    buf_format(out, "  %s", word);
    if (m->compartment[0])
        buf_format(out, " %s", m->compartment);
    buf_format(out, " %s", m->name);
    for (uint32_t i = 0; i < m->args_count; i++)
        buf_format(out, " %s=%s", m->args[i].key, m->args[i].value);
    buf_byte(out, '\n');
}

static void
put_step(const struct story_step *s, struct buf *out)
{
    static const char *const musts[] = {[STORY_WALL] = "refused by wall ",
                                        [STORY_RULE] = "refused by rule ",
                                        [STORY_ALLOWED] = "allowed",
                                        [STORY_NOTICED] = "noticed saying "};
    buf_format(out, "step %s\n", s->what);
    put_move(s->move.compartment[0] ? "inside" : "outside", &s->move, out);
    if (s->also.name[0])
        put_move("and", &s->also, out);
    buf_format(out, "  must be %s%s%s\n", musts[s->must],
               s->must == STORY_ALLOWED && s->by[0] ? " saying " : "", s->by);
    if (s->file[0])
        buf_format(out, "  file %s\n", s->file);
    buf_format(out, "  because %s\n", s->because);
}

void
story_put(const struct story *s, struct buf *out)
{
    buf_format(out, "story %s\nattacker %s\nwants %s\ncity %s\n", s->title, s->attacker, s->wants,
               s->city);
    for (uint32_t i = 0; i < s->devices_count; i++)
        buf_format(out, "device %s in %s\n", s->devices[i].name, s->devices[i].zone);
    for (uint32_t i = 0; i < s->steps_count; i++)
        put_step(&s->steps[i], out);
}
