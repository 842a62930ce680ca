/*
 * table_declare.h -- turns a message table into structs and prototypes.
 *
 *   #define TABLE "programs/gate_core.def"
 *   #include "wire/table_declare.h"
 *
 * A table holds only rows MESSAGE(name, id) U8 U16 U32 U64(field, largest) I64(field, min, max)
 * TEXT BLOB(field, largest length) END(name). Append only: an id is never reused, a field is
 * never changed. For MESSAGE(bike_rent, 0x0301) there result
 *
 *   enum { bike_rent_id = 0x0301 };
 *   struct bike_rent { ... };                      TEXT and BLOB are struct bytes, borrowed
 *   void bike_rent_encode(const struct bike_rent *m, struct buf *b);
 *   enum err bike_rent_decode(struct bytes body, struct bike_rent *out);
 *
 * encode asserts the bounds (breaking them is our own error) and appends body only; decode demands
 * them (ERR_MALFORMED), that all bytes are consumed, and leaves *out untouched on failure.
 */
#include "wire/fields.h"

#define MESSAGE(name, number)                                                                      \
    enum { name##_id = number };                                                                   \
    struct name {
#define U8(field, max) uint8_t field;
#define U16(field, max) uint16_t field;
#define U32(field, max) uint32_t field;
#define U64(field, max) uint64_t field;
#define I64(field, min, max) int64_t field;
#define TEXT(field, max) struct bytes field;
#define BLOB(field, max) struct bytes field;
#define END(name)                                                                                  \
    }                                                                                              \
    ;                                                                                              \
    void name##_encode(const struct name *m, struct buf *b);                                       \
    enum err name##_decode(struct bytes body, struct name *out) MUST_USE;
#include TABLE
#include "wire/table_undefine.h"
