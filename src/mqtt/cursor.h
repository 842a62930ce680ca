/*
 * cursor.h -- reading MQTT's basic types from borrowed bytes; used inside src/mqtt only.
 *
 * Failure is sticky: after one read past the end every read gives zero, and `bad` is checked once.
 */
#ifndef MQTT_CURSOR_H
#define MQTT_CURSOR_H

#include "base/base.h"
#include "base/text.h"

struct cursor {
    struct bytes rest;
    bool bad;
};

static inline struct bytes
cursor_take(struct cursor *c, size_t n)
{
    if (c->bad || n > c->rest.len) {
        c->bad = true;
        return (struct bytes){NULL, 0};
    }
    struct bytes taken = {c->rest.p, n};
    c->rest = bytes_skip(c->rest, n);
    return taken;
}

/* An unsigned number of n bytes, big endian (MQTT 5, 1.5.2 and 1.5.3). */
static inline uint32_t
cursor_number(struct cursor *c, size_t n)
{
    struct bytes b = cursor_take(c, n);
    uint32_t v = 0;
    for (size_t i = 0; i < b.len; i++)
        v = v << 8 | b.p[i];
    return v;
}

/* A variable byte integer: at most four bytes, and no more than are needed (MQTT 5, 1.5.5). */
static inline uint32_t
cursor_varint(struct cursor *c)
{
    uint32_t v = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint32_t byte = cursor_number(c, 1);
        if (c->bad)
            return 0;
        v |= (byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            c->bad = byte == 0 && shift > 0;
            return c->bad ? 0 : v;
        }
    }
    c->bad = true;
    return 0;
}

/* Two bytes of length, then as many bytes (1.5.6). */
static inline struct bytes
cursor_binary(struct cursor *c)
{
    uint32_t n = cursor_number(c, 2);
    return cursor_take(c, n);
}

/* The same, UTF-8 without NUL (1.5.4). */
static inline struct bytes
cursor_text(struct cursor *c)
{
    struct bytes b = cursor_binary(c);
    if (!c->bad && !text_is_utf8(b))
        c->bad = true;
    return c->bad ? (struct bytes){NULL, 0} : b;
}

#endif
