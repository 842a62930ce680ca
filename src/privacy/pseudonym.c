#include "privacy/pseudonym.h"

#include <sodium.h>

enum { FORMAT = 1, ROW_SIZE = 48 };
_Static_assert((PSEUDONYM_SLOTS & (PSEUDONYM_SLOTS - 1)) == 0, "slots are found by a mask");
_Static_assert(PSEUDONYM_SESSIONS_MAX < PSEUDONYM_SLOTS, "a search ends at a free slot");

static void
table_clear(struct pseudonym_table *t)
{
    sodium_memzero(t->slots, sizeof(t->slots));
    t->count = 0;
    random_fill(&t->random, t->key, PSEUDONYM_KEY_SIZE);
}

void
pseudonym_init(struct pseudonym_table *t, struct random_source random)
{
    t->random = random;
    t->key = sodium_init() >= 0 ? sodium_malloc(PSEUDONYM_KEY_SIZE) : NULL;
    ASSERT(t->key);
    table_clear(t);
}

void
pseudonym_fini(struct pseudonym_table *t)
{
    sodium_free(t->key);
    t->key = NULL;
    sodium_memzero(t->slots, sizeof(t->slots));
}

static void
tag_of(const struct pseudonym_table *t, struct bytes operator_name, struct bytes vehicle,
       uint8_t out[static 16])
{
    crypto_generichash_state state;
    static const uint8_t zero = 0; /* operators are names: they hold no NUL */
    crypto_generichash_init(&state, t->key, PSEUDONYM_KEY_SIZE, 16);
    crypto_generichash_update(&state, operator_name.p, operator_name.len);
    crypto_generichash_update(&state, &zero, 1);
    crypto_generichash_update(&state, vehicle.p, vehicle.len);
    crypto_generichash_final(&state, out, 16);
}

static uint32_t
home_of(const uint8_t tag[static 16])
{
    uint32_t v;
    memcpy(&v, tag, sizeof(v));
    return v & (PSEUDONYM_SLOTS - 1);
}

/* The slot with this tag, or the free one where it would go. */
static uint32_t
slot_of(const struct pseudonym_table *t, const uint8_t tag[static 16])
{
    uint32_t i = home_of(tag);
    while (t->slots[i].seen_s != 0 && memcmp(t->slots[i].tag, tag, 16) != 0)
        i = (i + 1) & (PSEUDONYM_SLOTS - 1);
    return i;
}

/* Empty a slot and move up those that would no longer be found behind it. */
static void
slot_free(struct pseudonym_table *t, uint32_t hole)
{
    ASSERT(t->count > 0 && t->slots[hole].seen_s != 0);
    uint32_t i = hole;
    for (;;) {
        i = (i + 1) & (PSEUDONYM_SLOTS - 1);
        if (t->slots[i].seen_s == 0)
            break;
        uint32_t home = home_of(t->slots[i].tag);
        if (((i - home) & (PSEUDONYM_SLOTS - 1)) < ((i - hole) & (PSEUDONYM_SLOTS - 1)))
            continue;
        t->slots[hole] = t->slots[i];
        hole = i;
    }
    sodium_memzero(&t->slots[hole], sizeof(t->slots[hole]));
    t->count--;
}

static bool
moved(struct place a, struct place b)
{
    return abs(a.lat_e4 - b.lat_e4) > PSEUDONYM_MOVED_E4 ||
           abs(a.lon_e4 - b.lon_e4) > PSEUDONYM_MOVED_E4;
}

enum err
pseudonym_park(struct pseudonym_table *t, struct bytes operator_name, struct bytes vehicle,
               struct place place, uint64_t now_s, const struct pseudonym_session **out,
               bool *out_fresh)
{
    ASSERT(now_s > 0);
    uint8_t tag[16];
    tag_of(t, operator_name, vehicle, tag);
    uint32_t i = slot_of(t, tag);
    struct pseudonym_session *s = &t->slots[i];
    bool fresh = s->seen_s == 0 || moved(s->place, place);
    if (s->seen_s == 0) {
        if (t->count == PSEUDONYM_SESSIONS_MAX)
            return ERR_LIMIT;
        t->count++;
        memcpy(s->tag, tag, sizeof(s->tag));
    }
    if (fresh) {
        random_fill(&t->random, s->name, sizeof(s->name));
        s->place = place;
    }
    s->seen_s = now_s;
    *out = s;
    *out_fresh = fresh;
    return OK;
}

bool
pseudonym_leave(struct pseudonym_table *t, struct bytes operator_name, struct bytes vehicle)
{
    uint8_t tag[16];
    tag_of(t, operator_name, vehicle, tag);
    uint32_t i = slot_of(t, tag);
    if (t->slots[i].seen_s == 0)
        return false;
    slot_free(t, i);
    return true;
}

uint32_t
pseudonym_expire(struct pseudonym_table *t, uint64_t before_s)
{
    uint32_t gone = 0;
    for (uint32_t i = 0; i < PSEUDONYM_SLOTS; i++) {
        /* Freeing moves another session into this slot, which is looked at as well. */
        while (t->slots[i].seen_s != 0 && t->slots[i].seen_s < before_s) {
            slot_free(t, i);
            gone++;
        }
    }
    return gone;
}

/* ---- between two starts -------------------------------------------------------------------- */

static void
put_le(struct buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_byte(b, (uint8_t)(v >> (8 * i)));
}

static uint64_t
get_le(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

void
pseudonym_save(const struct pseudonym_table *t, struct buf *out)
{
    buf_byte(out, FORMAT);
    buf_put(out, bytes_of(t->key, PSEUDONYM_KEY_SIZE));
    put_le(out, t->count, 4);
    for (uint32_t i = 0; i < PSEUDONYM_SLOTS; i++) {
        const struct pseudonym_session *s = &t->slots[i];
        if (s->seen_s == 0)
            continue;
        buf_put(out, bytes_of(s->tag, sizeof(s->tag)));
        buf_put(out, bytes_of(s->name, sizeof(s->name)));
        put_le(out, (uint32_t)s->place.lat_e4, 4);
        put_le(out, (uint32_t)s->place.lon_e4, 4);
        put_le(out, s->seen_s, 8);
    }
}

static enum err
load_row(struct pseudonym_table *t, const uint8_t *row)
{
    struct pseudonym_session s;
    memcpy(s.tag, row, sizeof(s.tag));
    memcpy(s.name, row + 16, sizeof(s.name));
    s.place.lat_e4 = (int32_t)(uint32_t)get_le(row + 32, 4);
    s.place.lon_e4 = (int32_t)(uint32_t)get_le(row + 36, 4);
    s.seen_s = get_le(row + 40, 8);
    uint32_t i = slot_of(t, s.tag);
    if (s.seen_s == 0 || t->slots[i].seen_s != 0 || abs(s.place.lat_e4) > 900000 ||
        abs(s.place.lon_e4) > 1800000)
        return ERR_MALFORMED;
    t->slots[i] = s;
    t->count++;
    return OK;
}

enum err
pseudonym_load(struct pseudonym_table *t, struct bytes state)
{
    table_clear(t);
    size_t head = 1 + PSEUDONYM_KEY_SIZE + 4;
    if (state.len < head || state.p[0] != FORMAT)
        return ERR_MALFORMED;
    uint64_t count = get_le(state.p + 1 + PSEUDONYM_KEY_SIZE, 4);
    if (count > PSEUDONYM_SESSIONS_MAX || state.len != head + count * ROW_SIZE)
        return ERR_MALFORMED;
    memcpy(t->key, state.p + 1, PSEUDONYM_KEY_SIZE);
    for (uint64_t i = 0; i < count; i++) {
        enum err e = load_row(t, state.p + head + i * ROW_SIZE);
        if (e != OK) {
            table_clear(t);
            return e;
        }
    }
    return OK;
}
