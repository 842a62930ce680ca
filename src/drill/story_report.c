#include "drill/story_report.h"

#include "base/text.h"

enum { WIDTH = 100, INDENT = 4, LABEL = 16 };

/* ---- paragraphs ------------------------------------------------------------------------------ */

/* Words of a text, broken at WIDTH; what follows the first line stands under its beginning. */
static void
put_words(const char *text, int at, int indent)
{
    while (*text) {
        while (*text == ' ')
            text++;
        int len = (int)strcspn(text, " ");
        if (at > indent && at + 1 + len > WIDTH) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            printf(" ");
            at++;
        }
        printf("%.*s", len, text);
        at += len;
        text += len;
    }
    printf("\n");
}

static void
put_row(const char *label, const char *text)
{
    if (!text[0])
        return;
    printf("%*s%-*s", INDENT, "", LABEL, label);
    put_words(text, INDENT + LABEL, INDENT + LABEL);
}

static void
put_head(const char *label, const char *text)
{
    printf("%-*s", LABEL, label);
    put_words(text, LABEL, LABEL);
}

/* ---- the charter's line ---------------------------------------------------------------------- */

uint32_t
report_charter_line(const char *said)
{
    static const char before[] = "charter line ";
    const char *at = strstr(said, before);
    return at ? (uint32_t)strtoul(at + sizeof(before) - 1, NULL, 10) : 0;
}

struct bytes
report_line_of(struct bytes charter, uint32_t line)
{
    for (; line > 1 && charter.len; line--) {
        size_t end = bytes_find(charter, '\n');
        charter = bytes_skip(charter, end < charter.len ? end + 1 : end);
    }
    struct bytes one = line ? bytes_of(charter.p, bytes_find(charter, '\n')) : (struct bytes){0};
    one.len = bytes_find(one, '#');
    while (one.len && one.p[0] == ' ')
        one = bytes_skip(one, 1);
    while (one.len && one.p[one.len - 1] == ' ')
        one.len--;
    return one;
}

static void
put_charter_line(const char *said, struct bytes charter)
{
    char text[300];
    uint32_t line = report_charter_line(said);
    struct bytes one = report_line_of(charter, line);
    if (one.len == 0)
        return;
    snprintf(text, sizeof(text), "line %u: %.*s", line, (int)(one.len < 240 ? one.len : 240),
             (const char *)one.p);
    put_row("The charter:", text);
}

/* ---- walls ----------------------------------------------------------------------------------- */

/* Their names for people who never heard of seccomp. */
static const char *
plain_name(uint32_t wall)
{
    switch ((enum sandbox_wall)wall) {
    case WALL_SECCOMP:
        return "the filter of system calls";
    case WALL_NAMESPACES:
        return "the empty network and file system of its own";
    case WALL_UID:
        return "the user without rights of its own";
    case WALL_LANDLOCK:
        return "the kernel's ban on files and connections (Landlock)";
    case WALL_LIMITS:
        return "the limits";
    case WALL_ROOT:
    case WALL_CAPABILITIES:
    case WALL_DUMPABLE:
    case WALL_DESCRIPTORS:
    case WALL_NO_NEW_PRIVS:
    case WALL_COUNT:
        break;
    }
    return sandbox_wall_text((enum sandbox_wall)wall);
}

static void
put_names(struct buf *b, uint32_t set)
{
    bool first = true;
    for (uint32_t wall = WALL_COUNT; wall-- > 0;) {
        if (!(set >> wall & 1))
            continue;
        buf_format(b, "%s%s", first ? "" : ", ", plain_name(wall));
        first = false;
    }
    if (first)
        buf_text(b, "none of them");
}

static uint32_t
wall_of(const char *name)
{
    for (uint32_t wall = 0; wall < WALL_COUNT; wall++)
        if (strcmp(sandbox_wall_text((enum sandbox_wall)wall), name) == 0)
            return wall;
    return WALL_COUNT;
}

/* Who stopped it; who else would have; and what it would have got from nobody. */
static void
put_walls(const struct wall_findings *w, const struct outcome *o)
{
    struct buf b;
    uint32_t by = wall_of(w->by);
    bool one = by < WALL_COUNT;
    uint32_t others = w->enough & ~(one ? 1U << by : 0), weak = w->alone & ~w->enough;
    buf_init(&b, 2000);
    buf_format(&b, "by %s (%s).", one ? plain_name(by) : "more than one wall", o->how);
    put_row("Stopped:", buf_string(&b));
    buf_reset(&b);
    if (w->missed) {
        buf_text(&b, "it got through where this was missing: ");
        put_names(&b, w->missed);
        buf_text(&b, ".");
    } else {
        buf_text(&b, "still stopped, whichever of the walls is taken away.");
    }
    put_row("One wall less:", buf_string(&b));
    buf_reset(&b);
    buf_format(&b, "%s stopped by ", one ? "also" : "");
    put_names(&b, others);
    if (weak) {
        buf_text(&b, "; not by ");
        put_names(&b, weak);
    }
    buf_byte(&b, '.');
    put_row("One alone:", buf_string(&b));
    if (w->namespaces_stayed && !w->reached[0])
        put_row("No wall:", "not measured: without root a process keeps its empty network.");
    else
        put_row("No wall:", w->reached);
    buf_fini(&b);
}

/* ---- a report -------------------------------------------------------------------------------- */

void
report_begin(const struct story_config *config, const struct story *story)
{
    char city[STORY_PROSE_SIZE];
    snprintf(city, sizeof(city),
             "%s, a private copy of it, by %s (number %llu); %u zones, %u "
             "conduit%s.",
             config->charter->city, config->charter_name,
             (unsigned long long)config->charter->number, config->charter->zones_count,
             config->charter->conduits_count, config->charter->conduits_count == 1 ? "" : "s");
    printf("\n%s\n", story->title);
    for (size_t i = 0; i < strlen(story->title); i++)
        printf("=");
    printf("\n\n");
    put_head("The attacker:", story->attacker);
    put_head("He wants:", story->wants);
    put_head("The city:", city);
    printf("\n");
    fflush(stdout);
}

static const char *
place_of(const struct story_step *step, char *to, size_t size)
{
    if (step->move.compartment[0] && step->also.compartment[0])
        snprintf(to, size, "inside %s and %s, both breached", step->move.compartment,
                 step->also.compartment);
    else if (step->move.compartment[0])
        snprintf(to, size, "inside %s, breached", step->move.compartment);
    else
        snprintf(to, size, "outside");
    return to;
}

void
report_step(uint32_t number, const struct story_step *step, const struct outcome *o,
            const struct wall_findings *walls, struct bytes charter, bool told)
{
    static const char *const labels[] = {[STORY_WALL] = "Stopped:",
                                         [STORY_RULE] = "Refused:",
                                         [STORY_ALLOWED] = "Permitted:",
                                         [STORY_NOTICED] = "Noticed:"};
    char place[300];
    printf("%2u. ", number);
    put_words(step->what, INDENT, INDENT);
    put_row("Where:", place_of(step, place, sizeof(place)));
    if (!told) {
        put_row("WRONG:", "this step must not end so.");
        put_row(o->answer == ANSWER_ESCAPED ? "It got:" : "It ended:",
                o->said[0] ? o->said : o->how);
        if (walls->measured)
            put_walls(walls, o);
    } else if (step->must == STORY_WALL) {
        put_walls(walls, o);
    } else {
        put_row(labels[step->must], o->said[0] ? o->said : o->how);
        put_charter_line(o->said, charter);
    }
    if (step->file[0])
        put_row("Decided in:", step->file);
    put_row("In short:", step->because);
    printf("\n");
    fflush(stdout);
}

void
report_end(const struct story_result *r)
{
    printf("Of %u steps %u were stopped or refused, %u are permitted and %u were noticed", r->steps,
           r->stopped, r->permitted, r->noticed);
    if (r->wrong)
        printf("; %u DID NOT END AS THEY MUST.\n", r->wrong);
    else
        printf("; each ended as it must.\n");
    fflush(stdout);
}
