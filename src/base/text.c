#include "base/text.h"

#include <math.h>
#include <time.h>

enum err
text_u64(struct bytes s, uint64_t max, uint64_t *out)
{
    if (s.len == 0 || (s.len > 1 && s.p[0] == '0'))
        return ERR_MALFORMED;
    uint64_t v = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return ERR_MALFORMED;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return ERR_LIMIT;
        v = v * 10 + digit;
    }
    if (v > max)
        return ERR_LIMIT;
    *out = v;
    return OK;
}

enum err
text_i64(struct bytes s, int64_t *out)
{
    bool negative = s.len && s.p[0] == '-';
    uint64_t v = 0;
    enum err e =
        text_u64(negative ? bytes_skip(s, 1) : s, (uint64_t)INT64_MAX + (negative ? 1 : 0), &v);
    if (e != OK)
        return e;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return OK;
}

/* The end of a run of digits that starts at i. */
static size_t
digits_end(struct bytes s, size_t i)
{
    while (i < s.len && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return i;
}

static bool
is_json_number(struct bytes s)
{
    size_t i = s.len && s.p[0] == '-' ? 1 : 0;
    size_t end = digits_end(s, i);
    if (end == i || (s.p[i] == '0' && end > i + 1))
        return false;
    i = end;
    if (i < s.len && s.p[i] == '.') {
        end = digits_end(s, i + 1);
        if (end == i + 1)
            return false;
        i = end;
    }
    if (i < s.len && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        if (i < s.len && (s.p[i] == '+' || s.p[i] == '-'))
            i++;
        end = digits_end(s, i);
        if (end == i)
            return false;
        i = end;
    }
    return i == s.len && i > 0;
}

enum err
text_double(struct bytes s, double *out)
{
    char text[64];
    if (!is_json_number(s))
        return ERR_MALFORMED;
    if (s.len >= sizeof(text))
        return ERR_LIMIT;
    memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    double v = strtod(text, NULL);
    if (!isfinite(v))
        return ERR_LIMIT;
    *out = v;
    return OK;
}

void
text_put_double(struct buf *b, double v)
{
    ASSERT(isfinite(v));
    char text[TEXT_DOUBLE_MAX];
    if (fabs(v) < 1e15 && v == (double)(int64_t)v) { /* the common case, and -0 as 0 */
        buf_format(b, "%lld", (long long)v);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    buf_text(b, text);
}

void
text_put_hex(struct buf *b, struct bytes what)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < what.len; i++) {
        buf_byte(b, (uint8_t)digits[what.p[i] >> 4]);
        buf_byte(b, (uint8_t)digits[what.p[i] & 15]);
    }
}

static int
hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum err
text_hex(struct bytes s, uint8_t *out, size_t size)
{
    if (s.len != size * 2)
        return ERR_MALFORMED;
    for (size_t i = 0; i < s.len; i++)
        if (hex_digit(s.p[i]) < 0)
            return ERR_MALFORMED;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(hex_digit(s.p[2 * i]) << 4 | hex_digit(s.p[2 * i + 1]));
    return OK;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
text_put_base64(struct buf *b, struct bytes what)
{
    for (size_t i = 0; i < what.len; i += 3) {
        size_t left = what.len - i;
        uint32_t v = (uint32_t)what.p[i] << 16;
        if (left > 1)
            v |= (uint32_t)what.p[i + 1] << 8;
        if (left > 2)
            v |= what.p[i + 2];
        buf_byte(b, (uint8_t)base64_digits[v >> 18]);
        buf_byte(b, (uint8_t)base64_digits[v >> 12 & 63]);
        buf_byte(b, left > 1 ? (uint8_t)base64_digits[v >> 6 & 63] : '=');
        buf_byte(b, left > 2 ? (uint8_t)base64_digits[v & 63] : '=');
    }
}

static int
base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum err
text_base64(struct bytes s, uint8_t *out, size_t size, size_t *out_len)
{
    if (s.len % 4 != 0)
        return ERR_MALFORMED;
    size_t pad = 0;
    while (pad < 2 && pad < s.len && s.p[s.len - 1 - pad] == '=')
        pad++;
    size_t len = s.len / 4 * 3 - pad;
    if (len > size)
        return ERR_LIMIT;
    for (size_t i = 0; i < s.len - pad; i++)
        if (base64_digit(s.p[i]) < 0)
            return ERR_MALFORMED;
    if (pad && (base64_digit(s.p[s.len - 1 - pad]) & (pad == 1 ? 3 : 15)) != 0)
        return ERR_MALFORMED;
    for (size_t i = 0, at = 0; i < s.len; i += 4) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++) {
            int digit = i + k < s.len - pad ? base64_digit(s.p[i + k]) : 0;
            v = v << 6 | (uint32_t)digit;
        }
        for (int shift = 16; shift >= 0 && at < len; shift -= 8)
            out[at++] = (uint8_t)(v >> shift);
    }
    *out_len = len;
    return OK;
}

/* Exactly `count` digits at *at. */
static bool
take_digits(struct bytes s, size_t *at, size_t count, int *out)
{
    int v = 0;
    if (s.len - *at < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t c = s.p[*at + i];
        if (c < '0' || c > '9')
            return false;
        v = v * 10 + (c - '0');
    }
    *at += count;
    *out = v;
    return true;
}

static bool
take_char(struct bytes s, size_t *at, uint8_t c)
{
    if (*at >= s.len || s.p[*at] != c)
        return false;
    (*at)++;
    return true;
}

/* Days from 1970-01-01 of a proleptic Gregorian date (H. Hinnant's civil-days arithmetic). */
static int64_t
days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int
month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Two digits; sets *bad when they are none. */
static int
pair(const uint8_t *p, unsigned *bad)
{
    unsigned tens = p[0] - (unsigned)'0', ones = p[1] - (unsigned)'0';
    *bad |= tens > 9 || ones > 9;
    return (int)(tens * 10 + ones);
}

enum err
text_time(struct bytes s, int64_t *out_us)
{
    enum { SECONDS_END = 19 }; /* "2026-03-01T12:00:00": every time has it, looked at in one go */
    if (s.len < SECONDS_END)
        return ERR_MALFORMED;
    unsigned bad = 0;
    const uint8_t *p = s.p;
    int year = 100 * pair(p, &bad) + pair(p + 2, &bad), month = pair(p + 5, &bad);
    int day = pair(p + 8, &bad), hour = pair(p + 11, &bad), minute = pair(p + 14, &bad);
    int second = pair(p + 17, &bad), zone_hour = 0, zone_minute = 0;
    if (bad || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != 't') || p[13] != ':' ||
        p[16] != ':')
        return ERR_MALFORMED;
    size_t at = SECONDS_END;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month) || hour > 23 ||
        minute > 59 || second > 59)
        return ERR_MALFORMED;
    int64_t micro = 0;
    if (take_char(s, &at, '.')) {
        size_t end = digits_end(s, at);
        if (end == at || end - at > 18)
            return ERR_MALFORMED;
        int64_t unit = 100000;
        for (; at < end; at++, unit /= 10)
            micro += unit * (s.p[at] - '0');
    }
    int sign = 0;
    if (!take_char(s, &at, 'Z') && !take_char(s, &at, 'z')) {
        sign = take_char(s, &at, '+') ? 1 : take_char(s, &at, '-') ? -1 : 0;
        if (sign == 0 || !take_digits(s, &at, 2, &zone_hour) || !take_char(s, &at, ':') ||
            !take_digits(s, &at, 2, &zone_minute) || zone_hour > 23 || zone_minute > 59)
            return ERR_MALFORMED;
    }
    if (at != s.len)
        return ERR_MALFORMED;
    int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second -
                      sign * (zone_hour * 3600 + zone_minute * 60);
    *out_us = seconds * 1000000 + micro;
    return OK;
}

void
text_put_time(struct buf *b, int64_t us)
{
    int64_t seconds = us / 1000000;
    int64_t micro = us % 1000000;
    if (micro < 0) {
        micro += 1000000;
        seconds--;
    }
    int64_t days = seconds / 86400;
    int64_t rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t z = days + 719468; /* the inverse of days_of() */
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t mp = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * mp + 2) / 5 + 1;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    buf_format(b, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld", (long long)year, (long long)month,
               (long long)day, (long long)(rest / 3600), (long long)(rest / 60 % 60),
               (long long)(rest % 60));
    if (micro % 1000 == 0)
        buf_format(b, ".%03lldZ", (long long)(micro / 1000));
    else
        buf_format(b, ".%06lldZ", (long long)micro);
}

/* The length of the valid UTF-8 sequence at the start of s, or 0. */
static size_t
utf8_sequence(struct bytes s)
{
    uint8_t c = s.p[0];
    if (c < 0x80)
        return 1;
    size_t n = c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    if (n == 0 || s.len < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s.p[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && s.p[1] < 0xa0) || (c == 0xed && s.p[1] > 0x9f) ||
        (c == 0xf0 && s.p[1] < 0x90) || (c == 0xf4 && s.p[1] > 0x8f))
        return 0; /* overlong, surrogate, or above U+10FFFF */
    return n;
}

/* How many bytes from the start are ASCII and no NUL: eight at a time, nearly always all. */
static size_t
plain_start(struct bytes s)
{
    size_t at = 0;
    for (uint64_t v; s.len - at >= sizeof(v); at += sizeof(v)) {
        memcpy(&v, s.p + at, sizeof(v));
        /* A byte of 0 borrows from 0x80, one of 0x80 and more has the bit. */
        if ((v | (v - 0x0101010101010101ULL)) & 0x8080808080808080ULL)
            break;
    }
    while (at < s.len && s.p[at] > 0 && s.p[at] < 0x80)
        at++;
    return at;
}

bool
text_is_utf8(struct bytes s)
{
    for (;;) {
        s = bytes_skip(s, plain_start(s));
        if (s.len == 0)
            return true;
        size_t n = utf8_sequence(s);
        if (n == 0 || s.p[0] == 0)
            return false;
        s = bytes_skip(s, n);
    }
}

void
text_put_json(struct buf *b, struct bytes s)
{
    buf_byte(b, '"');
    while (s.len) {
        uint8_t c = s.p[0];
        size_t n = utf8_sequence(s);
        if (n == 0) {
            buf_text(b, "\\ufffd");
            n = 1;
        } else if (c == '"' || c == '\\') {
            buf_byte(b, '\\');
            buf_byte(b, c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_format(b, "\\u%04x", c);
        } else {
            buf_put(b, bytes_of(s.p, n));
        }
        s = bytes_skip(s, n);
    }
    buf_byte(b, '"');
}

bool
text_is_name(struct bytes s)
{
    if (s.len == 0 || s.len > TEXT_NAME_MAX || s.p[0] < 'a' || s.p[0] > 'z' ||
        s.p[s.len - 1] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];
        bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        if (!letter && !digit && (c != '-' || s.p[i - 1] == '-'))
            return false;
    }
    return true;
}
