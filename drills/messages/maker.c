#include "drills/messages/maker.h"

#include "wire/channel.h"

extern const struct field_row control_rows[], gate_core_rows[], core_warden_rows[], ledger_rows[],
    judge_rows[], conduit_rows[], supervisor_rows[];

void
maker_init(struct maker *m, uint64_t seed, const struct field_row *table, uint16_t first_id,
           uint16_t last_id, maker_fill_fn *fill)
{
    *m = (struct maker){
        .state = seed, .table = table, .fill = fill, .first_id = first_id, .last_id = last_id};
    for (size_t i = 0; i < MAKER_HISTORY; i++)
        buf_init(&m->history[i].body, CHANNEL_FRAME_MAX);
}

void
maker_fini(struct maker *m)
{
    for (size_t i = 0; i < MAKER_HISTORY; i++)
        buf_fini(&m->history[i].body);
}

/* splitmix64 */
static uint64_t
next(struct maker *m)
{
    uint64_t z = m->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t
maker_random(struct maker *m, uint64_t below)
{
    return below ? next(m) % below : 0;
}

bool
maker_chance(struct maker *m, unsigned percent)
{
    return maker_random(m, 100) < percent;
}

struct bytes
maker_word(struct maker *m, const char *const words[], size_t count)
{
    return bytes_text(words[maker_random(m, count)]);
}

static uint64_t
random_number(struct maker *m, const struct field_row *f)
{
    switch (maker_random(m, 8)) {
    case 0:
        return 0;
    case 1:
        return f->max;
    case 2:
        return f->max + 1; /* beyond, or 0 again */
    case 3:
        return next(m);
    case 4:
        return UINT64_MAX - maker_random(m, 4);
    default:
        return maker_random(m, f->max < 1000 ? f->max + 1 : 1000);
    }
}

/* Text and blobs: of every length up to a little more than allowed, of good and bad bytes. */
static struct bytes
random_bytes(struct maker *m, const struct field_row *f, bool text)
{
    static uint8_t room[CHANNEL_FRAME_MAX];
    static const char spice[] = "\"\\\n\r\t{}[]/#+$%\x7f";
    size_t len = (size_t)maker_random(m, 40);
    if (maker_chance(m, 6))
        len = (size_t)f->max + maker_random(m, 3) - 1;
    else if (maker_chance(m, 20))
        len = (size_t)maker_random(m, MAKER_TEXT_MAX);
    if (len > 4096 && !maker_chance(m, 5))
        len = 4096;
    if (len > sizeof(room) - 64)
        len = sizeof(room) - 64;
    for (size_t i = 0; i < len; i++)
        room[i] = (uint8_t)(text ? 'a' + maker_random(m, 26) : next(m));
    for (uint64_t n = len && maker_chance(m, 30) ? maker_random(m, 4) : 0; n; n--)
        room[maker_random(m, len)] = (uint8_t)spice[maker_random(m, sizeof(spice) - 1)];
    if (len && maker_chance(m, 5))
        room[maker_random(m, len)] = (uint8_t)next(m); /* no UTF-8, perhaps NUL */
    return bytes_of(room, len);
}

static void
put_field(struct maker *m, const struct field_row *message, const struct field_row *f,
          struct buf *b)
{
    struct value v = {0};
    bool given =
        maker_chance(m, m->plausible) && m->fill && m->fill(m, message->message, f->field, &v);
    if (f->kind == 't' || f->kind == 'b') {
        field_blob(b, given ? v.bytes : random_bytes(m, f, f->kind == 't'));
        return;
    }
    if (!given)
        v.number = random_number(m, f);
    field_unsigned(b, f->kind == 'i' ? 8 : (size_t)(f->kind - '0'), v.number);
}

static bool
is_wanted(const struct maker *m, const struct field_row *row, bool both_ways)
{
    return row->kind == 'm' && (both_ways || (row->id >= m->first_id && row->id <= m->last_id));
}

static size_t
count_messages(const struct maker *m, const struct field_row *table, bool both_ways)
{
    size_t count = 0;
    for (; table->message; table++)
        count += is_wanted(m, table, both_ways);
    return count;
}

static void
make_fresh(struct maker *m, const struct field_row *table, bool both_ways, struct frame *to)
{
    size_t pick = (size_t)maker_random(m, count_messages(m, table, both_ways));
    while (!is_wanted(m, table, both_ways) || pick--)
        table++;
    const struct field_row *message = table++;
    to->id = message->id;
    m->plausible = maker_chance(m, 60) ? 98 : 60; /* of one piece, or with something odd in it */
    for (; table->message && table->kind != 'm'; table++)
        put_field(m, message, table, &to->body);
}

static void
make_foreign(struct maker *m, struct frame *to)
{
    static const struct field_row *const tables[] = {
        control_rows, gate_core_rows, core_warden_rows, ledger_rows,
        judge_rows,   conduit_rows,   supervisor_rows};
    make_fresh(m, tables[maker_random(m, ARRAY_COUNT(tables))], true, to);
    if (maker_chance(m, 20))
        to->id = (uint16_t)next(m);
}

static void
change(struct maker *m, struct frame *f)
{
    m->changed++;
    switch (maker_random(m, 4)) {
    case 0:
        f->id ^= (uint16_t)(1U << maker_random(m, 16));
        break;
    case 1:
        buf_byte(&f->body, (uint8_t)next(m)); /* one byte too many */
        break;
    case 2:
        f->body.len -= f->body.len ? (size_t)maker_random(m, f->body.len) : 0;
        break;
    default:
        for (uint64_t n = f->body.len ? 1 + maker_random(m, 3) : 0; n; n--)
            f->body.p[maker_random(m, f->body.len)] = (uint8_t)next(m);
    }
}

const struct frame *
maker_next(struct maker *m)
{
    struct frame *to = &m->history[m->made++ % MAKER_HISTORY];
    const struct frame *old = &m->history[maker_random(m, MAKER_HISTORY)];
    unsigned kind = (unsigned)maker_random(m, 100);
    if (kind < 12 && old != to && old->id) {
        m->replayed++;
        buf_reset(&to->body);
        to->id = old->id;
        buf_put(&to->body, buf_bytes(&old->body));
    } else if (kind < 18) {
        m->foreign++;
        buf_reset(&to->body);
        make_foreign(m, to);
    } else {
        m->fresh++;
        buf_reset(&to->body);
        make_fresh(m, m->table, maker_chance(m, 8), to);
    }
    if (maker_chance(m, 10))
        change(m, to);
    return to;
}

void
maker_packet(struct maker *m, struct buf *packet)
{
    buf_reset(packet);
    for (uint64_t n = 1 + maker_random(m, 4); n; n--) {
        const struct frame *f = maker_next(m);
        if (packet->len + f->body.len + 6 > CHANNEL_PACKET_MAX)
            break;
        channel_put_frame(packet, f->id, buf_bytes(&f->body));
    }
    if (packet->len && maker_chance(m, 3))
        packet->len = (size_t)maker_random(m, packet->len + 1); /* torn */
}
