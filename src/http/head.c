#include "http/head.h"

#include "base/text.h"

enum err
http_head_find(struct bytes in, size_t *scanned, size_t *out_len)
{
    size_t i = *scanned;
    ASSERT(i <= in.len);
    if (in.len && in.p[0] == '\r')
        return ERR_MALFORMED; /* an empty line first */
    while (i < in.len) {
        uint8_t c = in.p[i];
        if (c == '\r') {
            if (i + 1 == in.len)
                break;
            if (in.p[i + 1] != '\n')
                return ERR_MALFORMED;
            i += 2;
            if (i >= 4 && in.p[i - 3] == '\n') {
                *scanned = i;
                *out_len = i;
                return OK;
            }
            continue;
        }
        if ((c < 0x20 && c != '\t') || c >= 0x7F)
            return ERR_MALFORMED; /* a bare LF, a NUL, anything not ASCII */
        i++;
    }
    *scanned = i;
    return ERR_AGAIN;
}

/* tchar (RFC 9110 5.6.2) */
static bool
is_token(struct bytes s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.len > 0;
}

bool
http_same_word(struct bytes a, const char *b)
{
    size_t n = strlen(b);
    if (a.len != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = a.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c + ('a' - 'A'));
        if (c != (uint8_t)b[i])
            return false;
    }
    return true;
}

struct bytes
http_trim(struct bytes s)
{
    while (s.len && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = bytes_skip(s, 1);
    while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool
is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static bool
target_is_clean(struct bytes t)
{
    if (t.len == 0 || t.p[0] != '/')
        return false;
    for (size_t i = 0; i < t.len; i++) {
        uint8_t c = t.p[i];
        if (c <= 0x20 || c >= 0x7F || c == '#')
            return false;
        if (c != '%')
            continue;
        if (t.len - i < 3 || !is_hex(t.p[i + 1]) || !is_hex(t.p[i + 2]))
            return false;
        if (t.p[i + 1] == '0' && t.p[i + 2] == '0')
            return false; /* a NUL in disguise */
    }
    return true;
}

/* uri-host [":" port] in outline: enough that it can stand in a log line (RFC 9110 7.2). */
static bool
host_is_clean(struct bytes h)
{
    for (size_t i = 0; i < h.len; i++) {
        uint8_t c = h.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && c != '.' && c != '-' && c != '_' && c != ':' && c != '[' && c != ']')
            return false;
    }
    return h.len > 0 && h.len <= 255;
}

/* The next line without its CRLF; the head is known to end with an empty one. */
static struct bytes
next_line(struct bytes *rest)
{
    size_t n = bytes_find(*rest, '\r');
    ASSERT(n + 1 < rest->len && rest->p[n + 1] == '\n');
    struct bytes line = bytes_of(rest->p, n);
    *rest = bytes_skip(*rest, n + 2);
    return line;
}

static uint16_t
parse_request_line(struct bytes line, struct http_head *h)
{
    size_t n = bytes_find(line, ' ');
    if (n == line.len)
        return 400;
    h->method = bytes_of(line.p, n);
    line = bytes_skip(line, n + 1);
    n = bytes_find(line, ' ');
    if (n == line.len)
        return 400;
    h->target = bytes_of(line.p, n);
    struct bytes version = bytes_skip(line, n + 1);
    if (!is_token(h->method))
        return 400;
    if (version.len != 8 || !bytes_start(version, "HTTP/") || version.p[6] != '.' ||
        version.p[5] < '0' || version.p[5] > '9' || version.p[7] < '0' || version.p[7] > '9')
        return 400;
    if (!bytes_are(version, "HTTP/1.1"))
        return 505;
    if (h->method.len > HTTP_METHOD_MAX)
        return 501;
    if (h->target.len > HTTP_TARGET_MAX)
        return 414;
    return target_is_clean(h->target) ? 0 : 400;
}

/* What a head may hold at most once, by bit. */
enum once {
    HOST = 1,
    LENGTH = 2,
    CODING = 4,
    TYPE = 8,
    AUTHORIZATION = 16,
    EXPECT = 32,
    UPGRADE = 64,
    ORIGIN = 128,
    WEBSOCKET_KEY = 256,
    WEBSOCKET_VERSION = 512,
    WEBSOCKET_PROTOCOL = 1024,
};

static uint16_t
parse_connection(struct bytes value, struct http_head *h)
{
    while (value.len) {
        size_t n = bytes_find(value, ',');
        struct bytes word = http_trim(bytes_of(value.p, n));
        if (!is_token(word))
            return 400;
        if (http_same_word(word, "close"))
            h->keep_alive = false;
        if (http_same_word(word, "upgrade"))
            h->connection_upgrade = true;
        if (n == value.len)
            break;
        value = bytes_skip(value, n + 1);
        if (value.len == 0)
            return 400;
    }
    return 0;
}

/* Only bearer tokens are passed on; what else a client tries is no identity here (RFC 6750 2.1). */
static uint16_t
parse_authorization(struct bytes value, struct http_head *h)
{
    size_t n = bytes_find(value, ' ');
    if (!http_same_word(bytes_of(value.p, n), "bearer") || n == value.len)
        return 400;
    struct bytes token = http_trim(bytes_skip(value, n + 1));
    for (size_t i = 0; i < token.len; i++) {
        if (token.p[i] <= 0x20)
            return 400;
    }
    if (token.len == 0)
        return 400;
    if (token.len > HTTP_TOKEN_MAX)
        return 431;
    h->token = token;
    return 0;
}

/* Weights play no part: who names text/html at all can show it. */
static void
parse_accept(struct bytes value, struct http_head *h)
{
    while (value.len) {
        size_t n = bytes_find(value, ',');
        struct bytes range = bytes_of(value.p, n);
        range.len = bytes_find(range, ';');
        h->wants_html = h->wants_html || http_same_word(http_trim(range), "text/html");
        value = bytes_skip(value, n < value.len ? n + 1 : n);
    }
}

static uint16_t
parse_field(struct bytes name, struct bytes value, struct http_head *h, unsigned *seen)
{
    static const struct {
        const char *name;
        enum once bit;
    } known[] = {{"host", HOST},
                 {"content-length", LENGTH},
                 {"transfer-encoding", CODING},
                 {"content-type", TYPE},
                 {"authorization", AUTHORIZATION},
                 {"expect", EXPECT},
                 {"upgrade", UPGRADE},
                 {"origin", ORIGIN},
                 {"sec-websocket-key", WEBSOCKET_KEY},
                 {"sec-websocket-version", WEBSOCKET_VERSION},
                 {"sec-websocket-protocol", WEBSOCKET_PROTOCOL}};
    unsigned bit = 0;
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (http_same_word(name, known[i].name))
            bit = known[i].bit;
    }
    if (*seen & bit)
        return 400;
    *seen |= bit;
    switch (bit) {
    case HOST:
        h->host = value;
        return host_is_clean(value) ? 0 : 400;
    case LENGTH:
        h->has_length = true;
        return text_u64(value, UINT64_MAX >> 1, &h->content_length) == OK ? 0 : 400;
    case CODING:
        h->chunked = true;
        return http_same_word(value, "chunked") ? 0 : 400;
    case TYPE:
        h->content_type = value;
        return value.len <= HTTP_CONTENT_TYPE_MAX ? 0 : 400;
    case AUTHORIZATION:
        return parse_authorization(value, h);
    case EXPECT:
        h->expect_continue = true;
        return http_same_word(value, "100-continue") ? 0 : 417;
    case UPGRADE:
        h->upgrade = value;
        return 0;
    case ORIGIN:
        h->origin = value;
        return 0;
    case WEBSOCKET_KEY:
        h->websocket_key = value;
        return 0;
    case WEBSOCKET_VERSION:
        h->websocket_version = value;
        return 0;
    case WEBSOCKET_PROTOCOL:
        h->websocket_protocol = value;
        return 0;
    default:
        if (http_same_word(name, "accept"))
            parse_accept(value, h);
        return http_same_word(name, "connection") ? parse_connection(value, h) : 0;
    }
}

static uint16_t
parse_fields(struct bytes rest, struct http_head *h)
{
    unsigned seen = 0;
    for (size_t count = 0;; count++) {
        struct bytes line = next_line(&rest);
        if (line.len == 0)
            break;
        if (count == HTTP_HEADERS_MAX)
            return 431;
        size_t n = bytes_find(line, ':');
        if (n == line.len || !is_token(bytes_of(line.p, n)))
            return 400; /* no colon, a blank before it, a folded line */
        uint16_t status =
            parse_field(bytes_of(line.p, n), http_trim(bytes_skip(line, n + 1)), h, &seen);
        if (status)
            return status;
    }
    ASSERT(rest.len == 0);
    if (!(seen & HOST) || (h->chunked && h->has_length))
        return 400;
    bool content = h->chunked || h->content_length > 0;
    if (content && (bytes_are(h->method, "GET") || bytes_are(h->method, "HEAD")))
        return 400;
    return 0;
}

enum err
http_head_parse(struct bytes head, struct http_head *out, uint16_t *out_status)
{
    ASSERT(head.len >= 4 && memcmp(head.p + head.len - 4, "\r\n\r\n", 4) == 0);
    struct http_head h = {.keep_alive = true};
    struct bytes rest = head;
    uint16_t status = parse_request_line(next_line(&rest), &h);
    if (status == 0)
        status = parse_fields(rest, &h);
    if (status) {
        *out_status = status;
        return status == 431 || status == 414   ? ERR_LIMIT
               : status == 501 || status == 505 ? ERR_UNSUPPORTED
                                                : ERR_MALFORMED;
    }
    *out = h;
    return OK;
}
