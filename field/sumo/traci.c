#include "field/sumo/traci.h"

#include <math.h>

enum { LENGTH_BYTES = 4, SHORT_COMMAND_MAX = 255 };

static void
put_u32(struct buf *b, uint32_t v)
{
    buf_byte(b, (uint8_t)(v >> 24));
    buf_byte(b, (uint8_t)(v >> 16));
    buf_byte(b, (uint8_t)(v >> 8));
    buf_byte(b, (uint8_t)v);
}

static void
put_text(struct buf *b, struct bytes s)
{
    put_u32(b, (uint32_t)s.len);
    buf_put(b, s);
}

static void
put_double(struct buf *b, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    put_u32(b, (uint32_t)(bits >> 32));
    put_u32(b, (uint32_t)bits);
}

/* `len` is that of the content alone. */
static void
put_head(struct buf *b, uint8_t command, size_t len)
{
    ASSERT(len <= TRACI_MESSAGE_MAX);
    if (len + 2 <= SHORT_COMMAND_MAX) {
        buf_byte(b, (uint8_t)(len + 2));
    } else {
        buf_byte(b, 0);
        put_u32(b, (uint32_t)(len + 6));
    }
    buf_byte(b, command);
}

void
traci_begin(struct buf *b)
{
    buf_reset(b);
    put_u32(b, 0);
}

enum err
traci_end(struct buf *b)
{
    enum err e = buf_error(b);
    if (e != OK)
        return e;
    ASSERT(b->len >= LENGTH_BYTES && b->len <= TRACI_MESSAGE_MAX);
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        b->p[i] = (uint8_t)(b->len >> (24 - 8 * i));
    return OK;
}

void
traci_put_step(struct buf *b)
{
    traci_put_steps_to(b, 0); /* one step */
}

void
traci_put_steps_to(struct buf *b, double time_s)
{
    put_head(b, TRACI_STEP, 8);
    put_double(b, time_s);
}

void
traci_put_close(struct buf *b)
{
    put_head(b, TRACI_CLOSE, 0);
}

void
traci_put_get(struct buf *b, uint8_t command, uint8_t variable, struct bytes object)
{
    ASSERT(object.len <= TRACI_TEXT_MAX);
    put_head(b, command, 1 + 4 + object.len);
    buf_byte(b, variable);
    put_text(b, object);
}

void
traci_put_light(struct buf *b, struct bytes light, struct bytes state)
{
    ASSERT(light.len <= TRACI_TEXT_MAX && state.len <= TRACI_TEXT_MAX);
    put_head(b, TRACI_SET_LIGHT, 1 + 4 + light.len + 1 + 4 + state.len);
    buf_byte(b, VAR_LIGHT_STATE);
    put_text(b, light);
    buf_byte(b, TYPE_STRING);
    put_text(b, state);
}

void
traci_put_subscribe(struct buf *b, uint8_t command, struct bytes object, const uint8_t *variables,
                    uint8_t count)
{
    ASSERT(object.len <= TRACI_TEXT_MAX);
    put_head(b, command, 8 + 8 + 4 + object.len + 1 + count);
    put_double(b, 0);
    put_double(b, 1e9); /* seconds: until the end */
    put_text(b, object);
    buf_byte(b, count);
    buf_put(b, bytes_of(variables, count));
}

/* n bytes, or NULL and bad. */
static const uint8_t *
take(struct traci_reader *r, size_t n)
{
    if (r->bad || r->rest.len < n) {
        r->bad = true;
        r->rest = (struct bytes){0};
        return NULL;
    }
    const uint8_t *p = r->rest.p;
    r->rest = bytes_skip(r->rest, n);
    return p;
}

uint8_t
traci_u8(struct traci_reader *r)
{
    const uint8_t *p = take(r, 1);
    return p ? p[0] : 0;
}

uint32_t
traci_u32(struct traci_reader *r)
{
    const uint8_t *p = take(r, 4);
    if (!p)
        return 0;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

double
traci_double(struct traci_reader *r)
{
    uint64_t bits = (uint64_t)traci_u32(r) << 32;
    bits |= traci_u32(r);
    double v;
    memcpy(&v, &bits, sizeof(v));
    if (!isfinite(v)) {
        r->bad = true;
        return 0;
    }
    return r->bad ? 0 : v;
}

struct bytes
traci_text(struct traci_reader *r)
{
    uint32_t len = traci_u32(r);
    if (len > TRACI_TEXT_MAX)
        r->bad = true;
    const uint8_t *p = take(r, len);
    return p ? bytes_of(p, len) : (struct bytes){0};
}

static void
expect(struct traci_reader *r, uint8_t type)
{
    if (traci_u8(r) != type)
        r->bad = true;
}

int32_t
traci_typed_integer(struct traci_reader *r)
{
    expect(r, TYPE_INTEGER);
    uint32_t v = traci_u32(r);
    int32_t i;
    memcpy(&i, &v, sizeof(i));
    return i;
}

uint8_t
traci_typed_byte(struct traci_reader *r)
{
    expect(r, TYPE_BYTE);
    return traci_u8(r);
}

double
traci_typed_double(struct traci_reader *r)
{
    expect(r, TYPE_DOUBLE);
    return traci_double(r);
}

struct bytes
traci_typed_text(struct traci_reader *r)
{
    expect(r, TYPE_STRING);
    return traci_text(r);
}

static uint32_t
count_of(struct traci_reader *r, uint8_t type)
{
    expect(r, type);
    uint32_t n = traci_u32(r);
    if (n > TRACI_LIST_MAX)
        r->bad = true;
    return r->bad ? 0 : n;
}

uint32_t
traci_typed_list(struct traci_reader *r)
{
    return count_of(r, TYPE_STRING_LIST);
}

uint32_t
traci_typed_compound(struct traci_reader *r)
{
    return count_of(r, TYPE_COMPOUND);
}

enum err
traci_next(struct bytes *message, uint8_t *out_id, struct bytes *out_content)
{
    if (message->len == 0)
        return ERR_NOT_FOUND;
    struct traci_reader r = {*message, false};
    size_t head = 2, len = traci_u8(&r);
    if (len == 0) {
        head = 6;
        len = traci_u32(&r);
    }
    uint8_t id = traci_u8(&r);
    if (r.bad || len < head || len - head > r.rest.len)
        return ERR_MALFORMED;
    *out_id = id;
    *out_content = bytes_of(r.rest.p, len - head);
    *message = bytes_skip(*message, len);
    return OK;
}

enum err
traci_status(struct bytes content, struct bytes *out_why)
{
    struct traci_reader r = {content, false};
    uint8_t result = traci_u8(&r);
    struct bytes why = traci_text(&r);
    if (r.bad || r.rest.len != 0)
        return ERR_MALFORMED;
    *out_why = why;
    return result == 0 ? OK : ERR_DENIED;
}
