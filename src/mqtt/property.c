#include "mqtt/property.h"

#include "mqtt/cursor.h"

enum type { NONE, BYTE, TWO, FOUR, VARINT, TEXT, BINARY, PAIR };

struct row {
    enum type type;
    uint32_t in;
    uint32_t min;
    uint32_t max;
};

#define PROPERTY(name, id, type_, in_, min_, max_) [id] = {type_, in_, min_, max_},
static const struct row rows[MQTT_PROPERTY_ID_MAX + 1] = {
#include "mqtt/property.def"
};

static void
read_value(struct cursor *c, enum type type, struct mqtt_property *out)
{
    switch (type) {
    case BYTE:
        out->number = cursor_number(c, 1);
        break;
    case TWO:
        out->number = cursor_number(c, 2);
        break;
    case FOUR:
        out->number = cursor_number(c, 4);
        break;
    case VARINT:
        out->number = cursor_varint(c);
        break;
    case PAIR:
        out->name = cursor_text(c);
        out->value = cursor_text(c);
        break;
    case TEXT:
        out->value = cursor_text(c);
        break;
    case BINARY:
        out->value = cursor_binary(c);
        break;
    case NONE:
    default:
        c->bad = true;
    }
}

/* Identifiers are variable byte integers, but all that exist are below 0x80. */
static enum err
read_property(struct cursor *c, struct mqtt_property *out)
{
    *out = (struct mqtt_property){0};
    uint32_t id = cursor_number(c, 1);
    if (c->bad || id > MQTT_PROPERTY_ID_MAX || rows[id].type == NONE)
        return ERR_MALFORMED;
    out->id = (enum mqtt_property_id)id;
    read_value(c, rows[id].type, out);
    return c->bad ? ERR_MALFORMED : OK;
}

enum err
mqtt_properties_check(struct bytes properties, enum mqtt_type in)
{
    ASSERT(in < MQTT_TYPE_COUNT);
    struct cursor c = {properties, false};
    uint64_t seen = 0;
    size_t users = 0;
    while (c.rest.len) {
        struct mqtt_property p;
        enum err e = read_property(&c, &p);
        if (e != OK)
            return e;
        const struct row *row = &rows[p.id];
        if (!(row->in & 1u << in))
            return ERR_MALFORMED;
        if (p.id == MQTT_PROPERTY_USER) {
            if (++users > MQTT_USER_PROPERTIES_MAX)
                return ERR_LIMIT;
            continue;
        }
        bool many = p.id == MQTT_PROPERTY_SUBSCRIPTION_ID && in == MQTT_DELIVERY;
        if (!many && seen >> p.id & 1)
            return ERR_WRONG_STATE;
        seen |= 1ull << p.id;
        if (row->max && (p.number < row->min || p.number > row->max))
            return ERR_WRONG_STATE;
    }
    if (seen >> MQTT_PROPERTY_AUTH_DATA & 1 && !(seen >> MQTT_PROPERTY_AUTH_METHOD & 1))
        return ERR_WRONG_STATE; /* 3.1.2.11.10 */
    return OK;
}

bool
mqtt_property_next(struct bytes *rest, struct mqtt_property *out)
{
    if (rest->len == 0)
        return false;
    struct cursor c = {*rest, false};
    enum err e = read_property(&c, out);
    ASSERT(e == OK); /* the bytes were checked */
    *rest = c.rest;
    return true;
}

bool
mqtt_property_find(struct bytes properties, enum mqtt_property_id id, struct mqtt_property *out)
{
    struct mqtt_property p;
    while (mqtt_property_next(&properties, &p)) {
        if (p.id == id) {
            *out = p;
            return true;
        }
    }
    return false;
}

size_t
mqtt_varint_size(uint32_t v)
{
    ASSERT(v < 1u << 28);
    return v < 1u << 7 ? 1 : v < 1u << 14 ? 2 : v < 1u << 21 ? 3 : 4;
}

void
mqtt_put_varint(struct buf *b, uint32_t v)
{
    for (size_t n = mqtt_varint_size(v); n > 1; n--) {
        buf_byte(b, (uint8_t)(v & 0x7F) | 0x80);
        v >>= 7;
    }
    buf_byte(b, (uint8_t)v);
}

void
mqtt_put_number(struct buf *b, uint32_t v, size_t size)
{
    ASSERT(size <= 4);
    while (size-- > 0)
        buf_byte(b, (uint8_t)(v >> (8 * size)));
}

void
mqtt_put_binary(struct buf *b, struct bytes v)
{
    if (v.len > UINT16_MAX) {
        b->overflow = true;
        return;
    }
    mqtt_put_number(b, (uint32_t)v.len, 2);
    buf_put(b, v);
}

void
mqtt_property_put(struct buf *b, const struct mqtt_property *p)
{
    ASSERT(p->id <= MQTT_PROPERTY_ID_MAX && rows[p->id].type != NONE);
    buf_byte(b, (uint8_t)p->id);
    switch (rows[p->id].type) {
    case BYTE:
        mqtt_put_number(b, p->number, 1);
        break;
    case TWO:
        mqtt_put_number(b, p->number, 2);
        break;
    case FOUR:
        mqtt_put_number(b, p->number, 4);
        break;
    case VARINT:
        mqtt_put_varint(b, p->number);
        break;
    case PAIR:
        mqtt_put_binary(b, p->name);
        mqtt_put_binary(b, p->value);
        break;
    case TEXT:
    case BINARY:
    case NONE:
    default:
        mqtt_put_binary(b, p->value);
    }
}

void
mqtt_property_put_number(struct buf *b, enum mqtt_property_id id, uint32_t number)
{
    mqtt_property_put(b, &(struct mqtt_property){.id = id, .number = number});
}

void
mqtt_property_put_text(struct buf *b, enum mqtt_property_id id, struct bytes text)
{
    mqtt_property_put(b, &(struct mqtt_property){.id = id, .value = text});
}
