#include "store/embedded/batch.h"

#include "store/embedded/chunk.h"
#include "store/embedded/codec.h"

enum {
    KIND_MASK = 7,
    HAS_RESULT_TIME = 8,
    HAS_END = 16,
    HAS_FEATURE = 32,
    HAS_EXTRA = 64,
    SMALL_MAX = 8 * VARINT_MAX, /* what a record takes beside its texts */
};

void
batch_init(struct batch *b, uint8_t *p, size_t max)
{
    *b = (struct batch){.p = p, .max = max};
}

static void
put_byte(struct batch *b, uint8_t c)
{
    b->p[b->len++] = c;
}
static void
put_varint(struct batch *b, uint64_t v)
{
    b->len += varint_put(b->p + b->len, v);
}
static void
put_step(struct batch *b, int64_t to, int64_t from)
{
    put_varint(b, zigzag((uint64_t)to - (uint64_t)from));
}
static void
put_raw(struct batch *b, struct bytes what)
{
    if (what.len)
        memcpy(b->p + b->len, what.p, what.len);
    b->len += what.len;
}
static void
put_text(struct batch *b, struct bytes what)
{
    put_varint(b, what.len);
    put_raw(b, what);
}

static void
put_observation(struct batch *b, const struct record *r)
{
    const struct observation *o = &r->observation.o;
    bool text = o->kind == RESULT_TEXT || o->kind == RESULT_JSON;
    unsigned flags = o->kind | (o->result_time_us != o->time_us ? HAS_RESULT_TIME : 0u) |
                     (o->time_end_us != o->time_us ? HAS_END : 0u) |
                     (o->feature_id ? HAS_FEATURE : 0u) | (o->extra.len ? HAS_EXTRA : 0u);
    put_byte(b, (uint8_t)flags);
    put_varint(b, r->observation.stream);
    put_varint(b, r->observation.n);
    put_step(b, o->time_us, b->last_us);
    b->last_us = o->time_us;
    if (flags & HAS_RESULT_TIME)
        put_step(b, o->result_time_us, o->time_us);
    if (flags & HAS_END)
        put_step(b, o->time_end_us, o->time_us);
    if (flags & HAS_FEATURE)
        put_varint(b, o->feature_id);
    if (text)
        put_text(b, o->text);
    else if (o->kind == RESULT_BOOL)
        put_byte(b, o->number == 1);
    else
        put_raw(b, bytes_of(&o->number, sizeof o->number));
    if (flags & HAS_EXTRA)
        put_text(b, o->extra);
}

static size_t
most_of(const struct record *r)
{
    switch (r->tag) {
    case RECORD_ENTITY:
        return SMALL_MAX + r->entity.record.len;
    case RECORD_STREAM:
        return SMALL_MAX + 2 * STORE_NAME_SIZE + WRAPPED_SIZE;
    case RECORD_OBSERVATION:
    case RECORD_CORRECTION:
    case RECORD_WITHDRAWAL:
        return SMALL_MAX + r->observation.o.text.len + r->observation.o.extra.len;
    case RECORD_LEAVES:
        return SMALL_MAX + r->leaves.len;
    case RECORD_HEAD:
        return BATCH_HEAD_MAX;
    }
    return SIZE_MAX;
}

enum err
batch_put(struct batch *b, const struct record *r)
{
    if (most_of(r) > b->max - b->len)
        return ERR_LIMIT;
    put_byte(b, (uint8_t)r->tag);
    switch (r->tag) {
    case RECORD_ENTITY:
        put_byte(b, r->entity.type);
        put_varint(b, r->entity.id);
        put_text(b, r->entity.record);
        break;
    case RECORD_STREAM:
        put_varint(b, r->stream.id);
        put_varint(b, r->stream.meta.keep_s);
        put_byte(b, r->stream.meta.personal);
        put_text(b, bytes_text(r->stream.meta.class_name));
        put_text(b, bytes_text(r->stream.meta.site));
        put_raw(b, r->stream.wrapped);
        break;
    case RECORD_CORRECTION:
        put_varint(b, zigzag((uint64_t)r->observation.at_us));
        put_observation(b, r);
        break;
    case RECORD_OBSERVATION:
        put_observation(b, r);
        break;
    case RECORD_WITHDRAWAL:
        put_varint(b, r->observation.stream);
        put_varint(b, r->observation.n);
        break;
    case RECORD_LEAVES:
        put_varint(b, r->leaves.len / BATCH_LEAF_SIZE);
        put_raw(b, r->leaves);
        break;
    case RECORD_HEAD:
        put_varint(b, r->head.size);
        put_raw(b, r->head.root);
        break;
    }
    return OK;
}

static enum err
get_text(struct bytes *left, size_t max, struct bytes *out)
{
    uint64_t len;
    if (varint_get(left, &len) != OK || len > max)
        return ERR_MALFORMED;
    return bytes_get(left, (size_t)len, out);
}

static enum err
get_step(struct bytes *left, int64_t from, int64_t *out)
{
    uint64_t z;
    enum err e = varint_get(left, &z);
    if (e == OK)
        *out = (int64_t)((uint64_t)from + unzigzag(z));
    return e;
}

static enum err
get_u32(struct bytes *left, uint32_t *out)
{
    uint64_t v;
    if (varint_get(left, &v) != OK || v > UINT32_MAX)
        return ERR_MALFORMED;
    *out = (uint32_t)v;
    return OK;
}

static enum err
get_entity(struct bytes *left, struct record *r)
{
    enum err e = byte_get(left, &r->entity.type);
    if (e == OK)
        e = varint_get(left, &r->entity.id);
    if (e == OK)
        e = get_text(left, STORE_ENTITY_BYTES_MAX, &r->entity.record);
    if (e == OK && (r->entity.type < 1 || r->entity.type > STORE_TYPE_MAX))
        e = ERR_MALFORMED;
    return e;
}

static enum err
get_stream(struct bytes *left, struct record *r)
{
    struct store_stream *meta = &r->stream.meta;
    struct bytes name = {0};
    uint8_t personal = 0;
    enum err e = get_u32(left, &r->stream.id);
    if (e == OK)
        e = varint_get(left, &meta->keep_s);
    if (e == OK)
        e = byte_get(left, &personal);
    if (e == OK && personal > 1)
        e = ERR_MALFORMED;
    meta->personal = personal;
    if (e == OK)
        e = get_text(left, STORE_NAME_SIZE - 1, &name);
    if (e == OK)
        e = bytes_copy_text(name, meta->class_name, sizeof meta->class_name);
    if (e == OK)
        e = get_text(left, STORE_NAME_SIZE - 1, &name);
    if (e == OK)
        e = bytes_copy_text(name, meta->site, sizeof meta->site);
    if (e == OK)
        e = bytes_get(left, WRAPPED_SIZE, &r->stream.wrapped);
    return e;
}

static enum err
get_result(struct bytes *left, struct observation *o)
{
    if (o->kind == RESULT_TEXT || o->kind == RESULT_JSON)
        return get_text(left, STORE_TEXT_MAX, &o->text);
    if (o->kind == RESULT_BOOL) {
        uint8_t v;
        if (byte_get(left, &v) != OK || v > 1)
            return ERR_MALFORMED;
        o->number = v;
        return OK;
    }
    struct bytes raw;
    enum err e = bytes_get(left, sizeof o->number, &raw);
    if (e == OK)
        memcpy(&o->number, raw.p, sizeof o->number);
    return e;
}

static enum err
get_observation(struct batch_reader *b, struct record *r)
{
    struct observation *o = &r->observation.o;
    uint8_t flags = 0;
    enum err e = byte_get(&b->left, &flags);
    o->kind = (enum result_kind)(flags & KIND_MASK);
    if (flags & 128 || o->kind < RESULT_NUMBER || o->kind > RESULT_JSON)
        e = ERR_MALFORMED;
    if (e == OK)
        e = get_u32(&b->left, &r->observation.stream);
    if (e == OK)
        e = varint_get(&b->left, &r->observation.n);
    if (e == OK)
        e = get_step(&b->left, b->last_us, &o->time_us);
    o->result_time_us = o->time_end_us = o->time_us;
    if (e == OK && flags & HAS_RESULT_TIME)
        e = get_step(&b->left, o->time_us, &o->result_time_us);
    if (e == OK && flags & HAS_END)
        e = get_step(&b->left, o->time_us, &o->time_end_us);
    if (e == OK && flags & HAS_FEATURE)
        e = varint_get(&b->left, &o->feature_id);
    if (e == OK)
        e = get_result(&b->left, o);
    if (e == OK && flags & HAS_EXTRA)
        e = get_text(&b->left, STORE_TEXT_MAX, &o->extra);
    if (e != OK)
        return e;
    b->last_us = o->time_us;
    bool honest = !(flags & HAS_RESULT_TIME) == (o->result_time_us == o->time_us) &&
                  !(flags & HAS_END) == (o->time_end_us == o->time_us) &&
                  !(flags & HAS_FEATURE) == (o->feature_id == 0) &&
                  !(flags & HAS_EXTRA) == (o->extra.len == 0);
    return honest && observation_valid(o) ? OK : ERR_MALFORMED;
}

enum err
batch_next(struct batch_reader *reader, struct record *out)
{
    if (reader->left.len == 0)
        return ERR_NOT_FOUND;
    struct batch_reader b = *reader;
    struct record r = {0};
    uint8_t tag = 0;
    uint64_t count = 0;
    enum err e = byte_get(&b.left, &tag);
    r.tag = (enum record_tag)tag;
    switch (tag) {
    case RECORD_ENTITY:
        e = get_entity(&b.left, &r);
        break;
    case RECORD_STREAM:
        e = get_stream(&b.left, &r);
        break;
    case RECORD_CORRECTION:
        e = get_step(&b.left, 0, &r.observation.at_us);
        if (e == OK)
            e = get_observation(&b, &r);
        break;
    case RECORD_OBSERVATION:
        e = get_observation(&b, &r);
        break;
    case RECORD_WITHDRAWAL:
        e = get_u32(&b.left, &r.observation.stream);
        if (e == OK)
            e = varint_get(&b.left, &r.observation.n);
        break;
    case RECORD_LEAVES:
        e = varint_get(&b.left, &count);
        if (e == OK && (count == 0 || count > STORE_BATCH_BYTES_MAX / BATCH_LEAF_SIZE))
            e = ERR_MALFORMED;
        if (e == OK)
            e = bytes_get(&b.left, (size_t)count * BATCH_LEAF_SIZE, &r.leaves);
        break;
    case RECORD_HEAD:
        e = varint_get(&b.left, &r.head.size);
        if (e == OK)
            e = bytes_get(&b.left, BATCH_LEAF_SIZE, &r.head.root);
        break;
    default:
        e = ERR_MALFORMED;
    }
    if (e != OK)
        return e;
    *reader = b;
    *out = r;
    return OK;
}
