#include "charter/quantity.h"
#include "base/text.h"

/* Values stay below 10^15, so that each can be written in its smallest unit and read again. */
enum { DIGITS_MAX = 18, DECIMALS_MAX = 6 };
#define VALUE_MAX INT64_C(1000000000000000)

struct unit {
    const char *text;
    enum word_unit unit;
    int64_t factor;
};

/* From large to small: put() takes the first that divides. Minutes are read, never written. */
static const struct unit units[] = {
    {"d", UNIT_MS, 86400000}, {"h", UNIT_MS, 3600000}, {"s", UNIT_MS, 1000},
    {"ms", UNIT_MS, 1},       {"min", UNIT_MS, 60000}, {"MW", UNIT_W, 1000000},
    {"kW", UNIT_W, 1000},     {"W", UNIT_W, 1},        {"%", UNIT_CENTI_PERCENT, 100},
    {"C", UNIT_CENTI_C, 100}, {"", UNIT_COUNT, 1},
};

/* "-12.50kW" into sign, 1250, 2 decimals, "kW". No leading zeros but before a point. */
struct number {
    bool negative;
    int64_t digits;
    uint32_t decimals;
    struct bytes unit;
};

static enum err
split(struct bytes s, struct number *out)
{
    struct number n = {0};
    size_t i = 0, count = 0;
    if (s.len && s.p[0] == '-') {
        n.negative = true;
        i++;
    }
    size_t start = i;
    bool point = false;
    for (; i < s.len; i++) {
        if (s.p[i] == '.' && !point && count > 0) {
            point = true;
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9')
            break;
        if (++count > DIGITS_MAX)
            return ERR_LIMIT;
        n.digits = n.digits * 10 + (s.p[i] - '0');
        n.decimals += point;
    }
    bool zero_led = count > 1 && s.p[start] == '0' && s.p[start + 1] != '.';
    if (count == 0 || zero_led || (point && n.decimals == 0) || n.decimals > DECIMALS_MAX)
        return ERR_MALFORMED;
    n.unit = bytes_skip(s, i);
    *out = n;
    return OK;
}

/* The value times the factor, when that is a whole number. */
static enum err
scale(const struct number *n, int64_t factor, int64_t *out)
{
    int64_t v = 0, divisor = 1;
    if (__builtin_mul_overflow(n->digits, factor, &v))
        return ERR_LIMIT;
    for (uint32_t i = 0; i < n->decimals; i++)
        divisor *= 10;
    if (v % divisor != 0)
        return ERR_MALFORMED;
    if (v / divisor > VALUE_MAX)
        return ERR_LIMIT;
    *out = n->negative ? -(v / divisor) : v / divisor;
    return OK;
}

enum err
quantity_read(struct bytes s, enum word_unit *out_unit, int64_t *out)
{
    struct number n;
    enum err e = split(s, &n);
    if (e != OK)
        return e;
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (!bytes_are(n.unit, units[i].text))
            continue;
        e = scale(&n, units[i].factor, out);
        if (e == OK)
            *out_unit = units[i].unit;
        return e;
    }
    return ERR_MALFORMED;
}

enum err
quantity_duration_ms(struct bytes s, uint64_t max_ms, uint64_t *out)
{
    enum word_unit unit = UNIT_NONE;
    int64_t v = 0;
    enum err e = quantity_read(s, &unit, &v);
    if (e != OK)
        return e;
    if (unit != UNIT_MS || v < 0)
        return ERR_MALFORMED;
    if ((uint64_t)v > max_ms)
        return ERR_LIMIT;
    *out = (uint64_t)v;
    return OK;
}

enum err
quantity_bytes(struct bytes s, uint64_t *out)
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
    struct number n;
    enum err e = split(s, &n);
    if (e != OK)
        return e;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (!bytes_are(n.unit, names[i]))
            continue;
        int64_t v = 0;
        e = scale(&n, (int64_t)1 << (10 * (i + 1)), &v);
        if (e != OK)
            return e;
        if (v < 0 || v % 1024 != 0)
            return ERR_MALFORMED;
        *out = (uint64_t)v;
        return OK;
    }
    return ERR_MALFORMED;
}

enum err
quantity_rate_per_hour(struct bytes s, uint64_t max, uint64_t *out)
{
    size_t slash = bytes_find(s, '/');
    if (slash == s.len)
        return ERR_MALFORMED;
    struct bytes per = bytes_skip(s, slash + 1);
    uint64_t factor = bytes_are(per, "s") ? 3600 : bytes_are(per, "min") ? 60 : 1;
    if (factor == 1 && !bytes_are(per, "h"))
        return ERR_MALFORMED;
    uint64_t n = 0;
    enum err e = text_u64(bytes_of(s.p, slash), max / factor, &n);
    if (e != OK)
        return e;
    *out = n * factor;
    return OK;
}

void
quantity_put(struct buf *b, enum word_unit unit, int64_t value)
{
    if (unit == UNIT_CENTI_PERCENT || unit == UNIT_CENTI_C) {
        uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        buf_format(b, "%s%llu", value < 0 ? "-" : "", (unsigned long long)(size / 100));
        if (size % 100 != 0)
            buf_format(b, size % 10 ? ".%02u" : ".%u",
                       (unsigned)(size % 10 ? size % 100 : size % 100 / 10));
        buf_text(b, unit == UNIT_CENTI_C ? "C" : "%");
        return;
    }
    if (value == 0) {
        buf_text(b, unit == UNIT_MS ? "0s" : unit == UNIT_W ? "0W" : "0");
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (units[i].unit != unit || value % units[i].factor != 0)
            continue;
        buf_format(b, "%lld%s", (long long)(value / units[i].factor), units[i].text);
        return;
    }
    ASSERT(false);
}

void
quantity_put_duration(struct buf *b, uint64_t ms)
{
    ASSERT(ms <= INT64_MAX);
    quantity_put(b, UNIT_MS, (int64_t)ms);
}

void
quantity_put_bytes(struct buf *b, uint64_t bytes)
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
    ASSERT(bytes % 1024 == 0);
    size_t i = 0;
    uint64_t v = bytes / 1024;
    while (v != 0 && v % 1024 == 0 && i + 1 < ARRAY_COUNT(names)) {
        v /= 1024;
        i++;
    }
    buf_format(b, "%llu%s", (unsigned long long)v, names[i]);
}

void
quantity_put_rate(struct buf *b, uint64_t per_hour)
{
    bool seconds = per_hour % 3600 == 0;
    buf_format(b, "%llu/%s", (unsigned long long)(seconds ? per_hour / 3600 : per_hour),
               seconds ? "s" : "h");
}
