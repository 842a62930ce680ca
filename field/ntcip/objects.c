#include "field/ntcip/objects.h"

static const struct ntcip_row rows[NTCIP_OBJECTS_COUNT] = {
#define X(object, name, index, min, max, unit, set, ...)                                           \
    [NTCIP_##object] = {name, index, min, max, unit, set, {__VA_ARGS__}},
    NTCIP_OBJECTS(X)
#undef X
};

static const uint32_t asc[] = {1, 3, 6, 1, 4, 1, 1206, 4, 2, 1};
static const uint32_t modules[] = {1, 3, 6, 1, 6, 3}; /* snmpModules */

const struct ntcip_row *
ntcip_row(enum ntcip_object object)
{
    ASSERT((unsigned)object < NTCIP_OBJECTS_COUNT);
    return &rows[object];
}

static bool
number_fits(const struct ntcip_row *row, uint8_t number)
{
    switch (row->index) {
    case INDEX_NONE:
        return number == 0;
    case INDEX_GROUP:
        return number >= 1 && number <= NTCIP_DETECTORS_MAX / 8;
    case INDEX_PHASE:
        return number >= 1 && number <= NTCIP_PHASES;
    case INDEX_DETECTOR:
        return number >= 1 && number <= NTCIP_DETECTORS_MAX;
    }
    return false;
}

size_t
ntcip_oid(struct ntcip_name name, uint32_t out[static NTCIP_OID_MAX])
{
    const struct ntcip_row *row = ntcip_row(name.object);
    bool serial = name.object == NTCIP_SET_SERIAL;
    size_t n = serial ? ARRAY_COUNT(modules) : ARRAY_COUNT(asc);
    ASSERT(number_fits(row, name.number));
    memcpy(out, serial ? modules : asc, n * sizeof(*out));
    for (size_t i = 0; i < NTCIP_TAIL_MAX && row->tail[i]; i++) /* no arc is 0 */
        out[n++] = row->tail[i];
    out[n++] = name.number;
    return n;
}

bool
ntcip_in_range(enum ntcip_object object, int64_t number)
{
    const struct ntcip_row *row = ntcip_row(object);
    return number >= row->min && number <= row->max;
}

bool
ntcip_may_set(struct ntcip_name name, int64_t number)
{
    if ((unsigned)name.object >= NTCIP_OBJECTS_COUNT || !rows[name.object].set)
        return false;
    if (name.object == NTCIP_BACKUP_TIME)
        return name.number == 0 && number >= NTCIP_BACKUP_MIN_S && number <= NTCIP_BACKUP_MAX_S;
    if (name.object == NTCIP_SET_SERIAL)
        return name.number == 0 && ntcip_in_range(name.object, number);
    return name.number == 1 && ntcip_in_range(name.object, number);
}
