#include "sensorthings/times.h"

#include <math.h>

#include "base/text.h"

/* An instant with zone; like text_time(), but bounded so that it can be written again in UTC. */
static enum err
instant(struct bytes text, int64_t *out_us)
{
    int64_t us;
    enum err e = text_time(text, &us);
    if (e != OK)
        return e;
    if (us < STA_TIME_MIN_US || us > STA_TIME_MAX_US)
        return ERR_MALFORMED;
    *out_us = us;
    return OK;
}

enum err
sta_time_parse(struct bytes text, int64_t *out_start_us, int64_t *out_end_us)
{
    size_t slash = bytes_find(text, '/');
    int64_t start, end;
    enum err e = instant(bytes_of(text.p, slash), &start);
    if (e != OK)
        return e;
    end = start;
    if (slash < text.len)
        e = instant(bytes_skip(text, slash + 1), &end);
    if (e != OK)
        return e;
    if (end < start)
        return ERR_MALFORMED;
    *out_start_us = start;
    *out_end_us = end;
    return OK;
}

struct sta_civil
sta_civil_of(int64_t us)
{
    int64_t seconds = us / 1000000, micro = us % 1000000;
    if (micro < 0) {
        micro += 1000000;
        seconds--;
    }
    int64_t days = seconds / 86400;
    int rest = (int)(seconds % 86400);
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    /* H. Hinnant's days-to-civil arithmetic, eras of 400 years from 0000-03-01 */
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    uint32_t of_era = (uint32_t)(z - era * 146097); /* small from here on: divisions are cheaper */
    uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint32_t mp = (5 * of_year + 2) / 153;
    int month = (int)mp + (mp < 10 ? 3 : -9);
    return (struct sta_civil){
        .year = (int64_t)year + era * 400 + (month <= 2),
        .month = month,
        .day = (int)(of_year - (153 * mp + 2) / 5) + 1,
        .hour = rest / 3600,
        .minute = rest / 60 % 60,
        .second = rest % 60,
        .micro = (int)micro,
    };
}

static uint8_t *
put_digits(uint8_t *p, int64_t v, int digits)
{
    for (int i = digits - 1; i >= 0; i--, v /= 10)
        p[i] = (uint8_t)('0' + v % 10);
    return p + digits;
}

static void
put_two(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)('0' + v / 10);
    p[1] = (uint8_t)('0' + v % 10);
}

static void
put_instant(struct buf *out, int64_t us)
{
    struct sta_civil c = sta_civil_of(us);
    uint8_t text[28] = "0000-00-00T00:00:00.000";
    size_t len = 23;
    ASSERT(c.year >= 0 && c.year <= 9999);
    put_two(text, (uint32_t)c.year / 100);
    put_two(text + 2, (uint32_t)c.year % 100);
    put_two(text + 5, (uint32_t)c.month);
    put_two(text + 8, (uint32_t)c.day);
    put_two(text + 11, (uint32_t)c.hour);
    put_two(text + 14, (uint32_t)c.minute);
    put_two(text + 17, (uint32_t)c.second);
    if (c.micro % 1000) {
        put_digits(text + 20, c.micro, 6);
        len = 26;
    } else if (c.micro) {
        put_digits(text + 20, c.micro / 1000, 3);
    }
    text[len] = 'Z';
    buf_put(out, bytes_of(text, len + 1));
}

void
sta_time_put(struct buf *out, int64_t start_us, int64_t end_us)
{
    buf_byte(out, '"');
    put_instant(out, start_us);
    if (end_us != start_us) {
        buf_byte(out, '/');
        put_instant(out, end_us);
    }
    buf_byte(out, '"');
}

void
sta_number_put(struct buf *out, double v)
{
    ASSERT(isfinite(v));
    double scaled = v * 1e6;
    /* q / 10^6 with |q| < 2^53 is the correctly rounded decimal, so equality is proof. */
    if (fabs(scaled) < 9e15) {
        int64_t q = llround(scaled);
        if ((double)q / 1e6 == v) {
            uint64_t m = q < 0 ? (uint64_t)-q : (uint64_t)q;
            uint8_t fraction[7] = {'.'};
            put_digits(fraction + 1, (int64_t)(m % 1000000), 6);
            size_t len = 7;
            while (len > 1 && fraction[len - 1] == '0')
                len--;
            if (q < 0)
                buf_byte(out, '-');
            buf_u64_decimal(out, m / 1000000);
            if (len > 1)
                buf_put(out, bytes_of(fraction, len));
            return;
        }
    }
    text_put_double(out, v);
}
