#include "field/sumo/site.h"
#include "base/text.h"

/* How much a letter lets go: red, flashing and unknown 0, stop and go 1, yielding 2, green 3. */
static int
strength(char letter)
{
    switch (letter) {
    case 'G':
        return 3;
    case 'g':
        return 2;
    case 's':
        return 1;
    default:
        return 0;
    }
}

/* The letters as they are shown here: a light that does not work while others do is a rule too. */
static void
read_letters(struct bytes state, char out[static SITE_LETTERS_MAX + 1])
{
    size_t dark = 0;
    for (size_t i = 0; i < state.len; i++)
        dark += state.p[i] == 'o' || state.p[i] == 'O';
    memcpy(out, state.p, state.len);
    out[state.len] = '\0';
    for (size_t i = 0; i < state.len && dark < state.len; i++) {
        if (out[i] == 'o')
            out[i] = 'g';
        else if (out[i] == 'O')
            out[i] = 'G';
    }
}

static bool
is_green_state(struct bytes state)
{
    bool green = false;
    for (size_t i = 0; i < state.len; i++) {
        if (!memchr("GgrsoO", state.p[i], 6))
            return false;
        green = green || state.p[i] == 'G' || state.p[i] == 'g';
    }
    return green;
}

int32_t
site_phase_of(const struct site *s, struct bytes state)
{
    char letters[SITE_LETTERS_MAX + 1];
    if (state.len > SITE_LETTERS_MAX)
        return -1;
    read_letters(state, letters);
    for (uint32_t p = 0; p < s->phases_count; p++) {
        if (strcmp(letters, s->phases[p]) == 0)
            return (int32_t)p;
    }
    return -1;
}

/* A programme may cut one green into several states that are alike; they count as one. */
static bool
goes_on(struct site *s, struct bytes state, double seconds)
{
    bool same = s->last_s > 0 && bytes_are(state, s->last);
    s->last_s = same ? s->last_s + seconds : seconds;
    memcpy(s->last, state.p, state.len);
    s->last[state.len] = '\0';
    return same && s->last_s - seconds >= SITE_GREEN_MIN_S;
}

enum err
site_add_state(struct site *s, struct bytes state, double seconds)
{
    if (state.len == 0 || state.len > SITE_LETTERS_MAX)
        return ERR_LIMIT;
    if (s->letters_count != 0 && s->letters_count != state.len)
        return ERR_MALFORMED;
    s->letters_count = (uint32_t)state.len;
    bool more = goes_on(s, state, seconds);
    if (!is_green_state(state) || s->last_s < SITE_GREEN_MIN_S)
        return OK;
    uint32_t whole = s->last_s < 3600 ? (uint32_t)(s->last_s + 0.5) : 3600;
    if (more) {
        s->plan[s->plan_count - 1].seconds = whole;
        return OK;
    }
    int32_t phase = site_phase_of(s, state);
    if (phase < 0) {
        if (s->phases_count == SITE_PHASES_MAX)
            return ERR_LIMIT;
        phase = (int32_t)s->phases_count++;
        read_letters(state, s->phases[phase]);
    }
    if (s->plan_count == SITE_PLAN_MAX)
        return ERR_LIMIT;
    s->plan[s->plan_count++] = (struct site_plan){(uint8_t)phase, whole};
    return OK;
}

static enum err
intern(char (*names)[SITE_ID_SIZE], uint32_t max, uint32_t *count, struct bytes name, uint8_t *out)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (bytes_are(name, names[i])) {
            *out = (uint8_t)i;
            return OK;
        }
    }
    if (*count == max)
        return ERR_LIMIT;
    enum err e = bytes_copy_text(name, names[*count], SITE_ID_SIZE);
    if (e == OK)
        *out = (uint8_t)(*count)++;
    return e;
}

enum err
site_add_link(struct site *s, uint32_t letter, struct bytes lane, struct bytes exit)
{
    struct site_link link = {.letter = (uint8_t)letter};
    if (s->links_count == SITE_LINKS_MAX)
        return ERR_LIMIT;
    if (letter >= SITE_LETTERS_MAX || lane.len == 0 || exit.len == 0)
        return ERR_MALFORMED;
    enum err e = intern(s->lanes, SITE_LANES_MAX, &s->lanes_count, lane, &link.lane);
    if (e == OK)
        e = intern(s->exits, SITE_EXITS_MAX, &s->exits_count, exit, &link.exit);
    if (e == OK)
        s->links[s->links_count++] = link;
    return e;
}

enum err
site_add_crossing(struct site *s, uint32_t letter, struct bytes crossing)
{
    enum err e = site_add_link(s, letter, crossing, crossing);
    if (e == OK)
        s->lane_walks[s->links[s->links_count - 1].lane] = true;
    return e;
}

uint32_t
site_crossing_dm(double length_m)
{
    bool known = length_m > 0 && length_m < 60;
    return known ? (uint32_t)(length_m * 10 + 0.5) : SITE_CROSSING_DM;
}

bool
site_has(const struct site_links *set, uint32_t link)
{
    ASSERT(link < SITE_LINKS_MAX);
    return set->bits[link / 64] >> link % 64 & 1;
}

void
site_put(struct site_links *set, uint32_t link)
{
    ASSERT(link < SITE_LINKS_MAX);
    set->bits[link / 64] |= (uint64_t)1 << link % 64;
}

struct bytes
site_edge_of(struct bytes lane)
{
    size_t n = lane.len;
    while (n > 0 && lane.p[n - 1] != '_')
        n--;
    return n > 0 ? bytes_of(lane.p, n - 1) : lane;
}

struct bytes
site_box_of(struct bytes lane)
{
    struct bytes edge = site_edge_of(lane), box = site_edge_of(edge);
    bool inside = bytes_start(lane, ":") && edge.len < lane.len && box.len < edge.len;
    return inside ? box : (struct bytes){0};
}

enum err
site_add_box(struct site *s, struct bytes lane)
{
    struct bytes box = site_box_of(lane);
    uint8_t index;
    if (box.len == 0)
        return OK;
    return intern(s->boxes, SITE_BOXES_MAX, &s->boxes_count, box, &index);
}

enum err
site_usable(const struct site *s, const char **why)
{
    const char *found = NULL;
    if (s->phases_count < 2)
        found =
            "its programme has fewer than two states of 4 s and more that are all green, red or "
            "flashing";
    else if (s->links_count == 0)
        found = "it lets nobody go anywhere";
    for (uint32_t k = 0; k < s->links_count && !found; k++) {
        if (s->links[k].letter >= s->letters_count)
            found = "a connection is said to have a letter that its states do not have";
    }
    if (found)
        *why = found;
    return found ? ERR_UNSUPPORTED : OK;
}

void
site_leave(struct site_left *left, const char *id, const char *why)
{
    if (left->count < SITE_LEFT_MAX) {
        char *to = left->first[left->count].id;
        snprintf(to, SITE_ID_SIZE, "%s", id);
        for (; *to; to++) /* a file's word, and people read it on a terminal */
            *to = *to >= ' ' && *to <= '~' ? *to : '?';
        snprintf(left->first[left->count].why, SITE_WHY_SIZE, "%s", why);
    }
    left->count++;
}

enum err
site_name(struct site *s)
{
    static const char prefix[] = "junction-";
    size_t n = sizeof(prefix) - 1;
    char name[SITE_DEVICE_SIZE];
    memcpy(name, prefix, n);
    for (const char *c = s->id; *c; c++) {
        char low = *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c;
        bool plain = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9');
        if (!plain && name[n - 1] == '-')
            continue;
        if (n + 1 >= sizeof(name))
            return ERR_LIMIT;
        name[n++] = plain ? low : '-';
    }
    while (n > 0 && name[n - 1] == '-')
        n--;
    if (!text_is_name(bytes_of(name, n)))
        return ERR_LIMIT;
    return bytes_copy_text(bytes_of(name, n), s->device, sizeof(s->device));
}

bool
site_serves(const struct site *s, uint32_t phase, uint32_t lane)
{
    ASSERT(phase < s->phases_count && lane < s->lanes_count);
    for (uint32_t k = 0; k < s->links_count; k++) {
        if (s->links[k].lane == lane && strength(s->phases[phase][s->links[k].letter]) > 0)
            return true;
    }
    return false;
}

void
site_between(const struct site *s, uint32_t from, uint32_t to, bool cleared, char *out)
{
    ASSERT(from < s->phases_count && to < s->phases_count);
    for (uint32_t i = 0; i < s->letters_count; i++) {
        char a = s->phases[from][i], b = s->phases[to][i];
        if (strength(a) > 0 && strength(b) > 0)
            out[i] = strength(a) < strength(b) ? a : b;
        else if (strength(a) > 1 && !cleared)
            out[i] = 'y';
        else
            out[i] = 'r';
    }
    out[s->letters_count] = '\0';
}

bool
site_may_show(const struct site *s, struct bytes state)
{
    if (state.len != s->letters_count)
        return false;
    size_t flashing = 0;
    for (size_t i = 0; i < state.len; i++)
        flashing += state.p[i] == 'o';
    if (flashing == state.len)
        return true;
    for (uint32_t p = 0; p < s->phases_count; p++) {
        bool covers = true;
        for (size_t i = 0; i < state.len && covers; i++) {
            int own = strength(s->phases[p][i]);
            char shown = (char)state.p[i];
            covers = shown == 'r' || (shown == 'y' && own > 1) ||
                     (strength(shown) > 0 && strength(shown) <= own);
        }
        if (covers)
            return true;
    }
    return false;
}

static void
put_names(struct buf *b, const char *key, const char (*names)[SITE_ID_SIZE], uint32_t count)
{
    buf_format(b, ",\"%s\":[", key);
    for (uint32_t i = 0; i < count; i++) {
        buf_text(b, i ? "," : "");
        text_put_json(b, bytes_text(names[i]));
    }
    buf_text(b, "]");
}

static void
put_phases(const struct site *s, struct buf *b)
{
    buf_text(b, "{\"phases\":[");
    for (uint32_t p = 0; p < s->phases_count; p++) {
        buf_text(b, p ? ",\"" : "\"");
        for (uint32_t k = 0; k < s->links_count; k++)
            buf_byte(b, (uint8_t)s->phases[p][s->links[k].letter]);
        buf_text(b, "\"");
    }
    buf_text(b, "],\"links\":[");
    for (uint32_t k = 0; k < s->links_count; k++) {
        buf_text(b, k ? ",{\"lane\":" : "{\"lane\":");
        text_put_json(b, bytes_text(s->lanes[s->links[k].lane]));
        buf_text(b, ",\"exit\":");
        text_put_json(b, bytes_text(s->exits[s->links[k].exit]));
        buf_text(b, "}");
    }
    buf_text(b, "]");
}

/* Whole numbers in the range that model.h takes; what is not known is `absent`. */
static void
put_sizes(struct buf *b, const char *key, const double *values, uint32_t count, double scale,
          double max, unsigned absent)
{
    buf_format(b, ",\"%s\":[", key);
    for (uint32_t i = 0; i < count; i++) {
        double v = values[i] * scale + 0.5;
        unsigned whole = !(v >= 1) ? 1 : v > max ? (unsigned)max : (unsigned)v;
        buf_format(b, "%s%u", i ? "," : "", values[i] > 0 ? whole : absent);
    }
    buf_text(b, "]");
}

/*
 * Links that `link` gives way to: first those that some phase lets go while it yields, then the
 * rest, as many as model.h takes.
 */
static uint32_t
yields_of(const struct site *s, uint32_t link, uint8_t out[static SITE_YIELDS_MAX])
{
    uint32_t count = 0;
    for (int together = 1; together >= 0; together--) {
        for (uint32_t k = 0; k < s->links_count && count < SITE_YIELDS_MAX; k++) {
            if (!site_has(&s->gives_way[link], k))
                continue;
            bool meet = false;
            for (uint32_t p = 0; p < s->phases_count && !meet; p++)
                meet = s->phases[p][s->links[link].letter] == 'g' &&
                       strength(s->phases[p][s->links[k].letter]) > 0;
            if (meet == (together == 1))
                out[count++] = (uint8_t)k;
        }
    }
    return count;
}

static void
put_yields(const struct site *s, struct buf *b)
{
    buf_text(b, ",\"yields\":[");
    for (uint32_t k = 0; k < s->links_count; k++) {
        uint8_t list[SITE_YIELDS_MAX];
        uint32_t count = yields_of(s, k, list);
        buf_text(b, k ? ",[" : "[");
        for (uint32_t i = 0; i < count; i++)
            buf_format(b, "%s%u", i ? "," : "", list[i]);
        buf_text(b, "]");
    }
    buf_text(b, "]");
}

/* One letter a link; a dash where it is not known. */
static void
put_turns(const struct site *s, struct buf *b)
{
    buf_text(b, ",\"turns\":\"");
    for (uint32_t k = 0; k < s->links_count; k++)
        buf_byte(b, s->links[k].turn ? (uint8_t)s->links[k].turn : '-');
    buf_text(b, "\"");
}

static void
put_reach(const struct site_reach *reach, uint32_t distance_m, struct buf *b)
{
    buf_format(b, "\"m\":%u,\"lanes\":[", (unsigned)distance_m);
    for (uint32_t i = 0; i < reach->count; i++)
        buf_format(b, "%s%u", i ? "," : "", reach->lanes[i]);
    buf_text(b, "]}");
}

static void
put_street(const struct site *s, struct buf *b)
{
    put_turns(s, b);
    put_yields(s, b);
    buf_text(b, ",\"advance\":[");
    for (uint32_t i = 0; i < s->loops_count; i++) {
        buf_text(b, i ? ",{" : "{");
        put_reach(&s->loops[i].reach, s->loops[i].distance_m, b);
    }
    buf_text(b, "],\"feeders\":[");
    for (uint32_t i = 0; i < s->feeders_count; i++) {
        buf_text(b, i ? ",{\"exit\":" : "{\"exit\":");
        text_put_json(b, bytes_text(s->feeders[i].exit));
        buf_text(b, ",");
        put_reach(&s->feeders[i].reach, s->feeders[i].distance_m, b);
    }
    buf_text(b, "]");
}

enum { LENGTH_MAX_M = 5000, LENGTH_ABSENT_M = 200, KMH_MAX = 130, KMH_ABSENT = 50 };
#define KMH_PER_M_S 3.6

/* Of each phase only where one is not as all are by default. */
static void
put_phase_times(const struct site *s, const char *name, const uint16_t *of, uint32_t usual,
                struct buf *b)
{
    bool differ = false;
    for (uint32_t p = 0; of && p < s->phases_count; p++)
        differ = differ || of[p] != usual;
    for (uint32_t p = 0; differ && p < s->phases_count; p++)
        p == 0 ? buf_format(b, ",\"%s\":[%u", name, of[p]) : buf_format(b, ",%u", of[p]);
    buf_text(b, differ ? "]" : "");
}

static void
put_times(const struct site *s, const struct site_times *times, struct buf *b)
{
    buf_format(b, ",\"times\":{\"yellow\":%u,\"all_red\":%u,\"minimum_green\":%u",
               (unsigned)times->yellow_s, (unsigned)times->all_red_s,
               (unsigned)times->minimum_green_s);
    put_phase_times(s, "minimum_greens", times->minimum_s, times->minimum_green_s, b);
    put_phase_times(s, "pedestrian_clears", times->clears_s, 0, b);
    buf_text(b, "}");
}

/* One letter a link, in the order of the links: an index may drive several links, or none. */
void
site_put_properties(const struct site *s, const struct site_times *times, struct buf *b)
{
    put_phases(s, b);
    put_names(b, "lanes", (const char(*)[SITE_ID_SIZE])s->lanes, s->lanes_count);
    put_names(b, "exits", (const char(*)[SITE_ID_SIZE])s->exits, s->exits_count);
    buf_text(b, ",\"plan\":[");
    for (uint32_t i = 0; i < s->plan_count; i++)
        buf_format(b, "%s{\"phase\":%u,\"seconds\":%u}", i ? "," : "", s->plan[i].phase,
                   (unsigned)s->plan[i].seconds);
    buf_text(b, "]");
    put_sizes(b, "lane_m", s->lane_length_m, s->lanes_count, 1, LENGTH_MAX_M, LENGTH_ABSENT_M);
    put_sizes(b, "exit_m", s->exit_length_m, s->exits_count, 1, LENGTH_MAX_M, LENGTH_ABSENT_M);
    put_sizes(b, "lane_kmh", s->lane_m_s, s->lanes_count, KMH_PER_M_S, KMH_MAX, KMH_ABSENT);
    put_sizes(b, "exit_kmh", s->exit_m_s, s->exits_count, KMH_PER_M_S, KMH_MAX, KMH_ABSENT);
    buf_text(b, ",\"kinds\":\"");
    for (uint32_t l = 0; l < s->lanes_count; l++)
        buf_byte(b, s->lane_walks[l] ? 'w' : 'v');
    buf_text(b, "\"");
    if (s->has_street)
        put_street(s, b);
    if (times)
        put_times(s, times, b);
    buf_text(b, "}");
}
