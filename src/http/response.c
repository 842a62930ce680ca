#include "http/response.h"

#include "base/text.h"

const char *
http_reason(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *reason;
    } rows[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].status == status)
            return rows[i].reason;
    }
    return NULL;
}

static bool
value_is_clean(struct bytes v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.p[i] < 0x20 || v.p[i] >= 0x7F)
            return false;
    }
    return true;
}

/* IMF-fixdate (RFC 9110 5.6.7), from days since 1970 without libc's time zones. */
static void
put_date(struct buf *b, int64_t now_us)
{
    static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][4] = {"Mar", "Apr", "May", "Jun", "Jul", "Aug",
                                     "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"};
    uint64_t s = now_us < 0 ? 0 : (uint64_t)now_us / 1000000;
    uint64_t day = s / 86400, second = s % 86400;
    uint64_t z = day + 719468; /* days since 1 March of the year 0 */
    uint64_t era = z / 146097, of_era = z % 146097;
    uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t month = (5 * of_year + 2) / 153; /* 0 is March */
    uint64_t of_month = of_year - (153 * month + 2) / 5 + 1;
    uint64_t year = era * 400 + year_of_era + (month >= 10);
    buf_format(b, "Date: %s, %02u %s %04u %02u:%02u:%02u GMT\r\n", days[day % 7],
               (unsigned)of_month, months[month], (unsigned)year, (unsigned)(second / 3600),
               (unsigned)(second / 60 % 60), (unsigned)(second % 60));
}

/* Fields that a status must have (RFC 9110 15.5.2, 15.5.6, 15.5.22, 15.6.4). */
static void
put_status_fields(struct buf *b, uint16_t status)
{
    if (status == 401)
        buf_text(b, "WWW-Authenticate: Bearer\r\n");
    if (status == 405)
        buf_text(b, "Allow: GET, POST, PATCH, DELETE\r\n");
    if (status == 426)
        buf_text(b, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    if (status == 429 || status == 503)
        buf_text(b, "Retry-After: 1\r\n");
}

enum err
http_put_head(struct buf *b, const struct http_response *r)
{
    const char *reason = http_reason(r->status);
    if (!reason || !value_is_clean(r->content_type) || !value_is_clean(r->location))
        return ERR_MALFORMED;
    buf_format(b, "HTTP/1.1 %u %s\r\n", r->status, reason);
    put_date(b, r->now_us);
    if (r->content_type.len) {
        buf_text(b, "Content-Type: ");
        buf_put(b, r->content_type);
        buf_text(b, "\r\n");
    }
    if (r->location.len) {
        buf_text(b, "Location: ");
        buf_put(b, r->location);
        buf_text(b, "\r\n");
    }
    if (r->status >= 200 && r->status != 204)
        buf_format(b, "Content-Length: %llu\r\n", (unsigned long long)r->body_length);
    put_status_fields(b, r->status);
    buf_text(b, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    if (!r->keep_alive)
        buf_text(b, "Connection: close\r\n");
    buf_text(b, "\r\n");
    return OK;
}

void
http_put_error(struct buf *b, uint16_t status, const char *sentence, bool head_only,
               bool keep_alive, int64_t now_us)
{
    struct buf body;
    buf_init(&body, 1024);
    buf_format(&body, "{\"code\":%u,\"type\":\"error\",\"message\":", status);
    text_put_json(&body, bytes_text(sentence));
    buf_text(&body, "}\n");
    ASSERT(buf_error(&body) == OK);
    struct http_response r = {.status = status,
                              .content_type = bytes_text("application/json"),
                              .body_length = body.len,
                              .keep_alive = keep_alive,
                              .now_us = now_us};
    enum err e = http_put_head(b, &r);
    ASSERT(e == OK);
    if (!head_only)
        buf_put(b, buf_bytes(&body));
    buf_fini(&body);
}

void
http_put_continue(struct buf *b)
{
    buf_text(b, "HTTP/1.1 100 Continue\r\n\r\n");
}

void
http_put_switch(struct buf *b, struct bytes accept, const char *protocol, int64_t now_us)
{
    ASSERT(value_is_clean(accept));
    buf_format(b, "HTTP/1.1 101 %s\r\n", http_reason(101));
    put_date(b, now_us);
    buf_format(b,
               "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n"
               "Sec-WebSocket-Protocol: %s\r\n\r\n",
               BYTES_PRINTF(accept), protocol);
}
