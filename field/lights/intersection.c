#include "field/lights/intersection.h"

enum { WALK_MM_S = 1070 };

void
intersection_init(struct intersection *x, uint32_t links_count)
{
    ASSERT(links_count >= 1 && links_count <= LIGHTS_LINKS_MAX);
    *x = (struct intersection){
        .links_count = links_count,
        .maximum_red_s = 120,
        .pedestrian_wait_s = 90,
        .preempt_minimum_s = 5,
        .preempt_longest_s = 120,
        .preempt_cool_s = 60,
        .bus_extension_s = 10,
        .bus_longest_s = 120,
        .box_wait_s = 12, /* with 8 s turners locked each other inside cologne3 for good */
        .silence_s = 10,
        .passage_s = 1,
        .quiet_s = 1200,
    };
    for (uint32_t i = 0; i < links_count; i++)
        x->links[i] = (struct lights_link){.yellow_s = 3, .all_red_s = 1, .minimum_green_s = 5};
}

enum err
intersection_add_phase(struct intersection *x, struct bytes letters)
{
    if (letters.len != x->links_count)
        return ERR_MALFORMED;
    for (size_t i = 0; i < letters.len; i++) {
        if (!memchr("Ggsr", letters.p[i], 4))
            return ERR_MALFORMED;
    }
    if (x->phases_count == LIGHTS_PHASES_MAX)
        return ERR_LIMIT;
    memcpy(x->phases[x->phases_count], letters.p, letters.len);
    x->phases[x->phases_count++][letters.len] = '\0';
    return OK;
}

enum err
intersection_add_lane(struct intersection *x, uint32_t *out_lane)
{
    if (x->lanes_count == LIGHTS_LANES_MAX)
        return ERR_LIMIT;
    x->lane_approach[x->lanes_count] = (uint8_t)x->lanes_count;
    *out_lane = x->lanes_count++;
    return OK;
}

enum err
intersection_add_plan(struct intersection *x, uint32_t from_s)
{
    if (x->plans_count == LIGHTS_PLANS_MAX)
        return ERR_LIMIT;
    x->plans[x->plans_count++] = (struct lights_plan){.from_s = from_s};
    return OK;
}

enum err
intersection_add_row(struct intersection *x, uint32_t phase, uint32_t seconds)
{
    if (x->plans_count == 0)
        return ERR_WRONG_STATE;
    struct lights_plan *p = &x->plans[x->plans_count - 1];
    if (p->rows_count == LIGHTS_ROWS_MAX || phase >= LIGHTS_PHASES_MAX || seconds > UINT16_MAX)
        return ERR_LIMIT;
    p->rows[p->rows_count++] = (struct lights_row){(uint8_t)phase, (uint16_t)seconds};
    return OK;
}

void
intersection_cross(struct intersection *x, uint32_t a, uint32_t b)
{
    ASSERT(a < x->links_count && b < x->links_count && a != b);
    link_add(&x->crosses[a], b);
    link_add(&x->crosses[b], a);
}

void
intersection_yield(struct intersection *x, uint32_t link, uint32_t to)
{
    ASSERT(link < x->links_count && to < x->links_count && link != to);
    link_add(&x->yields[link], to);
}

uint8_t
intersection_clearance_s(uint32_t decimetres)
{
    uint32_t clearance_s = (decimetres * 100 + WALK_MM_S - 1) / WALK_MM_S;
    if (clearance_s < LIGHTS_CLEARANCE_MIN_S)
        clearance_s = LIGHTS_CLEARANCE_MIN_S;
    return (uint8_t)(clearance_s > UINT8_MAX ? UINT8_MAX : clearance_s);
}

void
intersection_walk(struct intersection *x, uint32_t link, uint32_t decimetres)
{
    ASSERT(link < x->links_count);
    x->links[link] = (struct lights_link){
        .walk = true,
        .all_red_s = LIGHTS_WALK_BUFFER_S,
        .minimum_green_s = LIGHTS_WALK_MIN_S,
        .walk_s = LIGHTS_WALK_MIN_S,
        .clearance_s = intersection_clearance_s(decimetres),
    };
}

/* Both go: is it that one gives way to the other? */
static bool
one_yields(const struct intersection *x, uint32_t a, char shows_a, uint32_t b, char shows_b)
{
    return shows_a == 's' || shows_b == 's' || (shows_a == 'g' && link_in(&x->yields[a], b)) ||
           (shows_b == 'g' && link_in(&x->yields[b], a));
}

static char
had(const char *shown, const char *was, uint32_t link)
{
    return shown[link] == 'y' ? was[link] : shown[link];
}

bool
intersection_fits(const struct intersection *x, const char *shown, const char *was, uint32_t *out_a,
                  uint32_t *out_b)
{
    for (uint32_t a = 0; a < x->links_count; a++) {
        char shows_a = had(shown, was, a);
        if (letter_strength(shows_a) == 0)
            continue;
        for (uint32_t b = a + 1; b < x->links_count; b++) {
            char shows_b = had(shown, was, b);
            if (!link_in(&x->crosses[a], b) || letter_strength(shows_b) == 0 ||
                one_yields(x, a, shows_a, b, shows_b))
                continue;
            *out_a = a;
            *out_b = b;
            return false;
        }
    }
    return true;
}

/* True if who shows `from` must stop before the other is shown: from green to a letter that stops.
 */
static bool
loses(char from, char to)
{
    return letter_strength(from) > 1 && letter_strength(to) < 2;
}

static char
target_letter(const struct intersection *x, uint32_t to, uint32_t link)
{
    return to == LIGHTS_NO_PHASE ? 'r' : x->phases[to][link];
}

/* Who is stopped on the way: all who lose green, and vehicles that one of these gives way to. */
static struct link_set
find_stopped(const struct intersection *x, const char *from, uint32_t to)
{
    struct link_set stopped = {0}, going = {0};
    bool more = true;
    for (uint32_t i = 0; i < x->links_count; i++) {
        if (loses(from[i], target_letter(x, to, i)))
            link_add(&stopped, i);
        if (letter_strength(from[i]) > 1 && !x->links[i].walk)
            link_add(&going, i);
    }
    while (more) {
        more = false;
        for (uint32_t i = 0; i < x->links_count; i++) {
            if (from[i] != 'g' || !link_in(&stopped, i))
                continue;
            for (uint32_t w = 0; w < LIGHTS_WORDS; w++) {
                uint64_t with = x->yields[i].word[w] & going.word[w] & ~stopped.word[w];
                stopped.word[w] |= with;
                more = more || with != 0;
            }
        }
    }
    return stopped;
}

void
intersection_between(const struct intersection *x, const char *from, uint32_t to,
                     enum lights_stage stage, char *out)
{
    struct link_set stopped = find_stopped(x, from, to);
    for (uint32_t i = 0; i < x->links_count; i++) {
        char a = from[i], b = target_letter(x, to, i);
        bool walk = x->links[i].walk, stops = link_in(&stopped, i);
        char weaker = letter_strength(a) < letter_strength(b) ? a : b;
        if (stage == STAGE_CLEARANCE)
            out[i] = walk && stops ? 'y' : a;
        else if (stage == STAGE_YELLOW && !walk && stops)
            out[i] = 'y';
        else if (stops)
            out[i] = b == 's' ? 's' : 'r';
        else
            out[i] = letter_strength(weaker) > 0 ? weaker : 'r';
    }
    out[x->links_count] = '\0';
}

static uint8_t
larger(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

struct lights_change
intersection_change(const struct intersection *x, const char *from, uint32_t to)
{
    struct lights_change c = {.all_stop = true}, standing = {0};
    struct link_set stopped = find_stopped(x, from, to);
    uint8_t buffer_s = 0;
    bool ends = false;
    for (uint32_t i = 0; i < x->links_count; i++) {
        const struct lights_link *l = &x->links[i];
        if (letter_strength(from[i]) < 2)
            continue;
        if (!l->walk) {
            standing.yellow_s = larger(standing.yellow_s, l->yellow_s);
            standing.all_red_s = larger(standing.all_red_s, l->all_red_s);
        }
        if (!link_in(&stopped, i)) {
            c.all_stop = false;
            continue;
        }
        ends = true;
        if (!loses(from[i], target_letter(x, to, i))) /* red before it is green again */
            c.all_red_s = larger(c.all_red_s, 1);
        if (l->walk) {
            c.clearance_s = larger(c.clearance_s, l->clearance_s);
            buffer_s = larger(buffer_s, l->all_red_s);
            continue;
        }
        c.yellow_s = larger(c.yellow_s, l->yellow_s);
        c.all_red_s = larger(c.all_red_s, l->all_red_s);
    }
    if (buffer_s > c.yellow_s) /* a walk is red already while vehicles have yellow */
        c.all_red_s = larger(c.all_red_s, (uint8_t)(buffer_s - c.yellow_s));
    if (!ends) {
        c.yellow_s = standing.yellow_s;
        c.all_red_s = standing.all_red_s;
    }
    return c;
}

uint32_t
intersection_plan_of(const struct intersection *x, uint32_t day_s)
{
    uint32_t best = 0, last = 0;
    bool found = false;
    for (uint32_t i = 0; i < x->plans_count; i++) {
        if (x->plans[i].from_s >= x->plans[last].from_s)
            last = i;
        if (x->plans[i].from_s <= day_s &&
            (!found || x->plans[i].from_s >= x->plans[best].from_s)) {
            best = i;
            found = true;
        }
    }
    return found ? best : last; /* before the first of today yesterday's last goes on */
}
