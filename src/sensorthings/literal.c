#include "sensorthings/literal.h"

#include "base/text.h"
#include "sensorthings/times.h"

#define DAY_US 86400000000LL

static bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool
shaped(struct bytes s, const char *shape)
{
    size_t n = strlen(shape);
    if (s.len < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (shape[i] == '0' ? !is_digit(s.p[i]) : s.p[i] != shape[i])
            return false;
    return true;
}

static int16_t
offset_of(struct bytes s)
{
    if (s.len < 6 || (s.p[s.len - 6] != '+' && s.p[s.len - 6] != '-') || s.p[s.len - 3] != ':')
        return 0;
    const uint8_t *z = s.p + s.len - 6;
    int minutes = ((z[1] - '0') * 10 + z[2] - '0') * 60 + (z[4] - '0') * 10 + z[5] - '0';
    return (int16_t)(z[0] == '-' ? -minutes : minutes);
}

/*
 * One instant at the start. A zone "+02:00" whose '+' became a space on its way (form encoding) is
 * still one: a time is never followed by a space and "02:00".
 */
static size_t
instant_read(struct bytes s, int64_t *out_us, int16_t *out_offset)
{
    char text[48];
    size_t n = 19;
    if (!shaped(s, "0000-00-00T00:00:00"))
        return 0;
    if (n < s.len && s.p[n] == '.')
        for (n++; n < s.len && is_digit(s.p[n]);)
            n++;
    if (n < s.len && (s.p[n] == 'Z' || s.p[n] == 'z'))
        n++;
    else if (s.len - n >= 6 && strchr("+- ", s.p[n]) && s.p[n] &&
             shaped(bytes_skip(s, n + 1), "00:00"))
        n += 6;
    if (n >= sizeof(text))
        return 0;
    memcpy(text, s.p, n);
    for (size_t i = 0; i < n; i++)
        if (text[i] == ' ')
            text[i] = '+';
    int64_t end;
    if (sta_time_parse(bytes_of(text, n), out_us, &end) != OK)
        return 0;
    *out_offset = offset_of(bytes_of(text, n));
    return n;
}

static size_t
time_read(struct bytes s, struct sta_value *out)
{
    struct sta_value v = {.kind = STA_TIME};
    size_t n = instant_read(s, &v.time_us, &v.offset_minutes);
    if (n == 0)
        return 0;
    v.end_us = v.time_us;
    if (n < s.len && s.p[n] == '/') {
        int16_t unused;
        size_t more = instant_read(bytes_skip(s, n + 1), &v.end_us, &unused);
        if (more == 0 || v.end_us < v.time_us)
            return 0;
        n += 1 + more;
    }
    *out = v;
    return n;
}

static size_t
date_read(struct bytes s, struct sta_value *out)
{
    char text[32] = {0};
    int64_t start, end;
    memcpy(text, s.p, 10);
    memcpy(text + 10, "T00:00:00Z", 10);
    if (sta_time_parse(bytes_of(text, 20), &start, &end) != OK)
        return 0;
    *out = (struct sta_value){.kind = STA_DATE, .time_us = start / DAY_US * DAY_US};
    return 10;
}

static size_t
clock_read(struct bytes s, struct sta_value *out)
{
    char text[40] = "1970-01-01T";
    size_t n = 8;
    int64_t start, end;
    if (n < s.len && s.p[n] == '.')
        for (n++; n < s.len && is_digit(s.p[n]);)
            n++;
    if (n > 20)
        return 0;
    memcpy(text + 11, s.p, n);
    text[11 + n] = 'Z';
    if (sta_time_parse(bytes_of(text, 12 + n), &start, &end) != OK)
        return 0;
    *out = (struct sta_value){.kind = STA_CLOCK, .time_us = start};
    return n;
}

size_t
sta_literal_read(struct bytes s, struct sta_value *out)
{
    if (shaped(s, "0000-00-00T"))
        return time_read(s, out);
    if (shaped(s, "0000-00-00"))
        return date_read(s, out);
    if (shaped(s, "00:00:00"))
        return clock_read(s, out);
    size_t n = 0;
    struct sta_value v = {.kind = STA_NUMBER};
    while (n < s.len && (is_digit(s.p[n]) || s.p[n] == '.' || s.p[n] == 'e' || s.p[n] == 'E' ||
                         (s.p[n] == '-' && (n == 0 || s.p[n - 1] == 'e' || s.p[n - 1] == 'E')) ||
                         (s.p[n] == '+' && n && (s.p[n - 1] == 'e' || s.p[n - 1] == 'E'))))
        n++;
    if (text_double(bytes_of(s.p, n), &v.number) != OK)
        return 0;
    *out = v;
    return n;
}

enum err
sta_duration_parse(struct bytes s, int64_t *out_us)
{
    static const char units[] = "DHMS";
    static const int64_t unit_us[] = {DAY_US, 3600000000LL, 60000000LL, 1000000LL};
    size_t at = 0, unit_at = 0;
    bool negative = s.len && s.p[0] == '-', time = false, any = false;
    double total = 0;
    at += negative;
    if (at >= s.len || s.p[at++] != 'P')
        return ERR_MALFORMED;
    while (at < s.len) {
        if (s.p[at] == 'T' && !time) {
            time = true;
            any = false;
            at++;
            continue;
        }
        size_t start = at;
        double number;
        while (at < s.len && (is_digit(s.p[at]) || s.p[at] == '.'))
            at++;
        if (at == s.len || text_double(bytes_of(s.p + start, at - start), &number) != OK)
            return ERR_MALFORMED;
        while (units[unit_at] && (uint8_t)units[unit_at] != s.p[at])
            unit_at++;
        if (!units[unit_at] || (unit_at > 0) != time)
            return ERR_MALFORMED;
        total += number * (double)unit_us[unit_at++];
        any = true;
        at++;
    }
    if (!any || total > 9e15)
        return ERR_MALFORMED;
    *out_us = (int64_t)(negative ? -total : total);
    return OK;
}

static void
put_clock(struct buf *out, int64_t us)
{
    buf_format(out, "%02lld:%02lld:%02lld", (long long)(us / 3600000000LL),
               (long long)(us / 60000000 % 60), (long long)(us / 1000000 % 60));
    if (us % 1000000)
        buf_format(out, ".%06lld", (long long)(us % 1000000));
}

static void
put_duration(struct buf *out, int64_t us)
{
    long long m = us < 0 ? -(long long)us : (long long)us;
    buf_format(out, "duration'%sPT%lld", us < 0 ? "-" : "", m / 1000000);
    if (m % 1000000)
        buf_format(out, ".%06lld", m % 1000000);
    buf_text(out, "S'");
}

void
sta_literal_print(const struct sta_value *v, struct buf *out)
{
    switch (v->kind) {
    case STA_BOOL:
        buf_text(out, v->number != 0 ? "true" : "false");
        break;
    case STA_NUMBER:
        sta_number_put(out, v->number);
        break;
    case STA_TEXT:
        buf_byte(out, '\'');
        for (size_t i = 0; i < v->text.len; i++) {
            if (v->text.p[i] == '\'')
                buf_byte(out, '\'');
            buf_byte(out, v->text.p[i]);
        }
        buf_byte(out, '\'');
        break;
    case STA_TIME: {
        struct buf quoted;
        buf_init(&quoted, 128);
        sta_time_put(&quoted, v->time_us, v->end_us);
        if (buf_error(&quoted) == OK)
            buf_put(out, bytes_of(quoted.p + 1, quoted.len - 2));
        buf_fini(&quoted);
        break;
    }
    case STA_DURATION:
        put_duration(out, v->time_us);
        break;
    case STA_DATE: {
        struct sta_civil c = sta_civil_of(v->time_us);
        buf_format(out, "%04lld-%02d-%02d", (long long)c.year, c.month, c.day);
        break;
    }
    case STA_CLOCK:
        put_clock(out, v->time_us);
        break;
    case STA_GEOMETRY:
        buf_text(out, "geography'");
        buf_put(out, v->text);
        buf_byte(out, '\'');
        break;
    case STA_NULL:
    case STA_JSON:
    case STA_UNKNOWN_KIND:
        buf_text(out, "null");
        break;
    }
}
