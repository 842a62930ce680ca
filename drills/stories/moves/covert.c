/*
 * covert.c -- bits of one zone's core, read by another's, inside messages that the charter permits.
 *
 * Both agreed before: 64 cells of the grid (6 bits), 32 steps of the count (5 bits), and whether
 * the message comes at its earliest tick or LATE_TICKS later (1 bit). A word of 12 bits a message.
 * The best that there is would be a little more: programs/conduit/bound.h says how much.
 */
#include "drills/stories/moves/move.h"

#include "base/text.h"

#include <time.h>

enum {
    WORD_BITS = 12,
    CONDUITS_MAX = 4,
    ROW = 12000,
    COLUMN = 9000,
    HOUR_MS = 3600000,
    TICK_MAX_MS = 1000, /* as in programs/conduit/valve.h */
    TICKS_LEAST = 16,
    LATE_TICKS = 2,
    BITS_MAX = 4096,
};

static const uint32_t steps[32] = {
    10,  12,  16,  20,  25,   31,   40,   50,   63,   80,   100,  120,  160,  200,  250,   310,
    400, 500, 630, 800, 1000, 1200, 1600, 2000, 2500, 3100, 4000, 5000, 6300, 8000, 10000, 12000};

struct line {
    const struct start_conduit *rules;
    struct channel channel;
    uint64_t slot_ms, tick_ms;
    uint64_t due_ms;  /* speaking: the next word goes then */
    uint64_t last_ms; /* hearing: when the one before came */
    uint32_t words;
    uint8_t bits[BITS_MAX]; /* 0 or 1 */
    uint32_t bits_count;
};

static uint32_t
find_lines(bool from_here, struct line lines[static CONDUITS_MAX])
{
    const struct start *start = program_given();
    uint32_t count = 0;
    for (size_t i = 0; i < start->conduits_count && count < CONDUITS_MAX; i++) {
        const struct start_conduit *c = &start->conduits[i];
        bool mine = strcmp(from_here ? c->from : c->to, start->zone) == 0;
        struct line *l = &lines[count];
        if (!mine || c->rate_per_hour == 0 || !held_channel(FD_CONDUIT, c->name, &l->channel))
            continue;
        l->rules = c;
        l->slot_ms = HOUR_MS / c->rate_per_hour;
        l->tick_ms =
            l->slot_ms / TICKS_LEAST < TICK_MAX_MS ? l->slot_ms / TICKS_LEAST : TICK_MAX_MS;
        count++;
    }
    return count;
}

/* The next bits of a text in hex; zeros behind its end. */
static uint32_t
take_bits(const char *hex, uint32_t *at, uint32_t count)
{
    uint32_t value = 0, length = 4 * (uint32_t)strlen(hex);
    for (uint32_t i = 0; i < count; i++, (*at)++) {
        char c = *at < length ? hex[*at / 4] : '0';
        uint32_t digit = (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        value = value << 1 | (digit >> (3 - *at % 4) & 1);
    }
    return value;
}

static void
speak_word(struct line *l, const char *hex, uint32_t *at, uint64_t now_ms)
{
    char area[32];
    struct timespec t;
    uint32_t cell = take_bits(hex, at, 6), step = take_bits(hex, at, 5);
    clock_gettime(CLOCK_REALTIME, &t);
    snprintf(area, sizeof(area), "cell-%u-%u", ROW + cell / 8, COLUMN + cell % 8);
    struct zone_count m = {.area = bytes_text(area),
                           .count = steps[step],
                           .window_start_s = (int64_t)t.tv_sec / 60 * 60 - 60,
                           .window_s = 60};
    if (CHANNEL_SEND(&l->channel, zone_count, &m) == OK && channel_flush(&l->channel) == OK)
        l->words++;
    /* The bit of the moment belongs to the gap after this word. */
    uint64_t late = take_bits(hex, at, 1) ? LATE_TICKS * l->tick_ms : 0;
    l->due_ms = now_ms + l->slot_ms + 3 + late;
}

/* bits=HEX: the same string into each conduit, as far as the time allows. */
int
speak_bits(const char *const targets[])
{
    static struct line lines[CONDUITS_MAX];
    static uint32_t at[CONDUITS_MAX];
    const char *hex = given(targets, "bits", "");
    uint32_t count = find_lines(true, lines);
    uint64_t start_ms = mono_ms(), end_ms = start_ms + (uint64_t)given_number(targets, "for", 5000);
    rest_ms(300); /* the other end listens by then */
    while (mono_ms() < end_ms) {
        uint64_t now_ms = mono_ms();
        for (uint32_t i = 0; i < count; i++)
            if (now_ms >= lines[i].due_ms && at[i] < 4 * strlen(hex))
                speak_word(&lines[i], hex, &at[i], now_ms);
        rest_ms(2);
    }
    note("spoke into %u conduits", count);
    return count ? REACHED : REFUSED;
}

static void
put_bits(struct line *l, uint32_t value, uint32_t count)
{
    while (count-- && l->bits_count < BITS_MAX)
        l->bits[l->bits_count++] = value >> count & 1;
}

static enum err
on_word(void *ctx, uint16_t id, struct bytes body)
{
    struct line *l = ctx;
    struct zone_count m;
    char area[64];
    unsigned row = 0, column = 0;
    uint32_t step = 0;
    uint64_t now_ms = mono_ms();
    if (id != zone_count_id || zone_count_decode(body, &m) != OK)
        return OK;
    if (l->words++) {
        /* In time it is at most a tick over the slot, late at least two. */
        put_bits(l, now_ms - l->last_ms >= l->slot_ms + l->tick_ms + l->tick_ms / 2, 1);
    }
    l->last_ms = now_ms;
    snprintf(area, sizeof(area), "%.*s", BYTES_PRINTF(m.area));
    if (sscanf(area, "cell-%u-%u", &row, &column) != 2)
        return OK;
    while (step < 31 && steps[step] < m.count)
        step++;
    put_bits(l, (row - ROW) * 8 + (column - COLUMN), 6);
    put_bits(l, step, 5);
    return OK;
}

static void
tell_line(const struct line *l)
{
    char hex[BITS_MAX / 4 + 1];
    uint32_t digits = 0;
    for (uint32_t i = 0; i < l->bits_count; i += 4) {
        uint32_t digit = 0;
        for (uint32_t k = i; k < i + 4; k++)
            digit = digit << 1 | (k < l->bits_count ? l->bits[k] : 0);
        hex[digits++] = "0123456789abcdef"[digit];
    }
    hex[digits] = '\0';
    note("heard %s %u %s", l->rules->name, l->bits_count, hex);
}

/* Tells for each conduit: its name, how many bits, the bits in hex. */
int
hear_bits(const char *const targets[])
{
    static struct line lines[CONDUITS_MAX];
    uint32_t count = find_lines(false, lines), words = 0;
    uint64_t end_ms = mono_ms() + (uint64_t)given_number(targets, "for", 5000);
    while (mono_ms() < end_ms) {
        for (uint32_t i = 0; i < count; i++)
            hear_now(&lines[i].channel, on_word, &lines[i]);
        rest_ms(2);
    }
    for (uint32_t i = 0; i < count; i++) {
        tell_line(&lines[i]);
        words += lines[i].words;
    }
    return words ? REACHED : REFUSED;
}
