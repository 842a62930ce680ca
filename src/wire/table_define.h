/*
 * table_define.h -- turns a message table into encoders, decoders and its rows.
 *
 *   #define TABLE "programs/gate_core.def"
 *   #define TABLE_ROWS gate_core_rows
 *   #include "wire/table_define.h"
 *
 * in exactly one .c file, after the header that declares it.
 */
#define MESSAGE(name, number)                                                                      \
    void name##_encode(const struct name *m, struct buf *b)                                        \
    {                                                                                              \
        (void)m, (void)b;
#define UNSIGNED_(field, max, width)                                                               \
    ASSERT((uint64_t)m->field <= (uint64_t)(max));                                                 \
    field_unsigned(b, width, m->field);
#define U8(field, max) UNSIGNED_(field, max, 1)
#define U16(field, max) UNSIGNED_(field, max, 2)
#define U32(field, max) UNSIGNED_(field, max, 4)
#define U64(field, max) UNSIGNED_(field, max, 8)
#define I64(field, min, max)                                                                       \
    ASSERT(m->field >= (min) && m->field <= (max));                                                \
    field_unsigned(b, 8, (uint64_t)m->field);
#define TEXT(field, max)                                                                           \
    ASSERT(m->field.len <= (max));                                                                 \
    field_blob(b, m->field);
#define BLOB(field, max)                                                                           \
    ASSERT(m->field.len <= (max));                                                                 \
    field_blob(b, m->field);
#define END(name) }
#include TABLE
#include "wire/table_undefine.h"
#undef UNSIGNED_

#define MESSAGE(name, number)                                                                      \
    enum err name##_decode(struct bytes body, struct name *out)                                    \
    {                                                                                              \
        struct name m;                                                                             \
        struct reader r = {.rest = body};                                                          \
        memset(&m, 0, sizeof(m));
#define U8(field, max) m.field = (uint8_t)reader_unsigned(&r, 1, max);
#define U16(field, max) m.field = (uint16_t)reader_unsigned(&r, 2, max);
#define U32(field, max) m.field = (uint32_t)reader_unsigned(&r, 4, max);
#define U64(field, max) m.field = reader_unsigned(&r, 8, max);
#define I64(field, min, max) m.field = reader_signed(&r, min, max);
#define TEXT(field, max) m.field = reader_text(&r, max);
#define BLOB(field, max) m.field = reader_blob(&r, max);
#define END(name)                                                                                  \
    enum err e = reader_finish(&r);                                                                \
    if (e == OK)                                                                                   \
        *out = m;                                                                                  \
    return e;                                                                                      \
    }
#include TABLE
#include "wire/table_undefine.h"

#define MESSAGE(name, number) {#name, number, "", 'm', 0, 0},
#define U8(field, max) {"", 0, #field, '1', 0, max},
#define U16(field, max) {"", 0, #field, '2', 0, max},
#define U32(field, max) {"", 0, #field, '4', 0, max},
#define U64(field, max) {"", 0, #field, '8', 0, max},
#define I64(field, min, max) {"", 0, #field, 'i', min, (uint64_t)(max)},
#define TEXT(field, max) {"", 0, #field, 't', 0, max},
#define BLOB(field, max) {"", 0, #field, 'b', 0, max},
#define END(name)
extern const struct field_row TABLE_ROWS[];
const struct field_row TABLE_ROWS[] = {
#include TABLE
    {NULL, 0, NULL, 0, 0, 0}};
#include "wire/table_undefine.h"
#undef TABLE
#undef TABLE_ROWS
