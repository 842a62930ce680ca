#include "field/sumo/walks.h"

#include "field/lights/intersection.h"

void
timetable_add(struct timetable *t, struct bytes state, double seconds, bool held)
{
    ASSERT(t->count < TIMETABLE_ROWS_MAX);
    t->rows[t->count++] = (struct timetable_row){.state = state, .seconds = seconds, .held = held};
}

struct bytes
timetable_keep(struct timetable *t, struct bytes state)
{
    ASSERT(t->made < TIMETABLE_ROWS_MAX && state.len <= SITE_LETTERS_MAX);
    uint8_t *letters = t->letters[t->made++];
    memcpy(letters, state.p, state.len);
    return bytes_of(letters, state.len);
}

static bool
goes(uint8_t letter)
{
    return letter == 'G' || letter == 'g';
}

static bool
ends(struct bytes from, struct bytes to, size_t link)
{
    return goes(from.p[link]) && !goes(to.p[link]);
}

bool
walks_only_end(struct bytes from, struct bytes to, const uint8_t walk_s[static SITE_LETTERS_MAX])
{
    ASSERT(from.len == to.len && from.len <= SITE_LETTERS_MAX);
    bool some = false;
    for (size_t k = 0; k < from.len; k++) {
        if (from.p[k] == to.p[k])
            continue;
        if (walk_s[k] == 0 || !ends(from, to, k))
            return false;
        some = true;
    }
    return some;
}

static uint32_t
row_before(const struct timetable *t, uint32_t row)
{
    return (row + t->count - 1) % t->count;
}

/* The longest clearance of the walks that end with this row; 0: none does. */
static uint32_t
clearance_s(const struct timetable *t, uint32_t row, const uint8_t *walk_s)
{
    struct bytes from = t->rows[row_before(t, row)].state, to = t->rows[row].state;
    uint32_t most = 0;
    for (size_t k = 0; k < from.len; k++) {
        if (ends(from, to, k) && walk_s[k] > most)
            most = walk_s[k];
    }
    return most;
}

/* The state before this row without the walks that end with it; whoever stops has stopped. */
static struct bytes
without_walks(struct timetable *t, uint32_t row, const uint8_t *walk_s)
{
    struct bytes from = t->rows[row_before(t, row)].state, to = t->rows[row].state;
    uint8_t letters[SITE_LETTERS_MAX];
    for (size_t k = 0; k < from.len; k++) {
        uint8_t c = from.p[k];
        bool stops = (walk_s[k] > 0 && ends(from, to, k)) || c == 'y' || c == 'Y' || c == 'u';
        letters[k] = stops ? 'r' : c;
    }
    return timetable_keep(t, bytes_of(letters, from.len));
}

static bool
gains(struct bytes from, struct bytes to)
{
    for (size_t k = 0; k < from.len; k++) {
        if (ends(to, from, k))
            return true;
    }
    return false;
}

static bool
goes_on(struct bytes ending, struct bytes ended, struct bytes state)
{
    for (size_t k = 0; k < state.len; k++) {
        if (ends(ending, ended, k) && !goes(state.p[k]))
            return false;
    }
    return true;
}

/* Not a change's: yellow has its own length. */
static bool
may_differ(const struct timetable_row *row)
{
    return !row->held && bytes_find(row->state, 'y') == row->state.len &&
           bytes_find(row->state, 'Y') == row->state.len;
}

/* How long the walk that ends with this row was green, and in how many rows before it. */
static double
walked_s(const struct timetable *t, uint32_t row, uint32_t *out_rows)
{
    struct bytes walk = t->rows[row_before(t, row)].state, clear = t->rows[row].state;
    double seconds = 0;
    uint32_t k = row_before(t, row), n = 0;
    for (; n < t->count && goes_on(walk, clear, t->rows[k].state); n++) {
        seconds += t->rows[k].seconds;
        k = row_before(t, k);
    }
    *out_rows = n;
    return seconds;
}

/* W1, and W4: these seconds of vehicles' green are the clearance's now. */
static void
shorten_walk(struct timetable *t, uint32_t row, double by_s)
{
    struct bytes walk = t->rows[row_before(t, row)].state;
    uint32_t rows;
    double spare_s = walked_s(t, row, &rows) - LIGHTS_WALK_MIN_S;
    double left_s = by_s < spare_s ? by_s : spare_s;
    for (uint32_t k = row_before(t, row); rows > 0; rows--, k = row_before(t, k)) {
        struct timetable_row *r = &t->rows[k];
        if (!may_differ(r))
            continue;
        if (left_s < 0) {
            r->seconds -= left_s;
            return;
        }
        double own_s = r->seconds - 1 < left_s ? r->seconds - 1 : left_s;
        if (own_s <= 0 || !bytes_equal(r->state, walk))
            return;
        r->seconds -= own_s;
        left_s -= own_s;
    }
}

static void
make_long(struct timetable *t, uint32_t row, uint32_t least_s)
{
    struct bytes walk = t->rows[row_before(t, row)].state, clear = t->rows[row].state;
    double own_s = 0, after_s = 0;
    uint32_t k = row, n = 0;
    for (; n < t->count && bytes_equal(t->rows[k].state, clear); n++) {
        own_s += t->rows[k].seconds;
        k = (k + 1) % t->count;
    }
    for (; n < t->count && !gains(walk, t->rows[k].state); n++) {
        after_s += t->rows[k].seconds;
        k = (k + 1) % t->count;
    }
    double want_s = least_s;
    if (after_s < LIGHTS_WALK_BUFFER_S)
        want_s += LIGHTS_WALK_BUFFER_S - after_s;
    double more_s = want_s > own_s ? want_s - own_s : 0;
    t->rows[row].clears = true;
    t->rows[row].least_s = (uint32_t)(want_s + 0.5);
    t->rows[row].seconds += more_s;
    shorten_walk(t, row, more_s);
}

static void
insert(struct timetable *t, uint32_t row, struct timetable_row new)
{
    ASSERT(t->count < TIMETABLE_ROWS_MAX && row <= t->count);
    memmove(&t->rows[row + 1], &t->rows[row], (t->count - row) * sizeof(t->rows[0]));
    t->rows[row] = new;
    t->count++;
}

static bool
has_walks(const struct timetable *t, const uint8_t *walk_s)
{
    bool some = false;
    for (uint32_t i = 0; i < t->count; i++) {
        struct bytes state = t->rows[i].state;
        if (state.len > SITE_LETTERS_MAX || state.len != t->rows[0].state.len)
            return false;
        for (size_t k = 0; k < state.len; k++)
            some = some || walk_s[k] > 0;
    }
    return some;
}

static void
keep_walk(struct timetable_row *row, const uint8_t *walk_s)
{
    for (size_t k = 0; k < row->state.len; k++) {
        if (walk_s[k] > 0 && goes(row->state.p[k]) && !row->clears)
            row->least_s = LIGHTS_WALK_MIN_S;
    }
}

void
walks_make_time(struct timetable *t, const uint8_t walk_s[static SITE_LETTERS_MAX])
{
    if (!has_walks(t, walk_s))
        return;
    /* A row that was put in is seen again, and is long enough then. */
    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t least_s = clearance_s(t, i, walk_s), row = i;
        if (least_s == 0)
            continue;
        struct bytes clear = without_walks(t, i, walk_s), from = t->rows[row_before(t, i)].state;
        bool there =
            walks_only_end(from, t->rows[i].state, walk_s) || bytes_equal(clear, t->rows[i].state);
        if (there) {
            t->made--;
        } else {
            row = i > 0 ? i : t->count;
            insert(t, row, (struct timetable_row){.state = clear, .held = true});
        }
        make_long(t, row, least_s);
    }
    for (uint32_t i = 0; i < t->count; i++)
        keep_walk(&t->rows[i], walk_s);
}
