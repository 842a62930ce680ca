#include "http/answer.h"

#include "base/text.h"
#include "http/head.h"

enum { STATUS_LINE_MIN = 13 /* "HTTP/1.1 200 " */, FIELDS_MAX = HTTP_HEADERS_MAX };

struct reading {
    struct http_answer answer;
    bool has_length, has_type;
    uint64_t length;
};

/* A line without its CRLF off the front. */
static enum err
take_line(struct bytes *rest, struct bytes *out)
{
    size_t end = bytes_find(*rest, '\n');
    if (end == 0 || end == rest->len || rest->p[end - 1] != '\r')
        return ERR_MALFORMED;
    *out = bytes_of(rest->p, end - 1);
    *rest = bytes_skip(*rest, end + 1);
    for (size_t i = 0; i < out->len; i++)
        if ((out->p[i] < 0x20 && out->p[i] != '\t') || out->p[i] == 0x7f)
            return ERR_MALFORMED;
    return OK;
}

static enum err
parse_status(struct bytes line, uint16_t *out)
{
    uint64_t status = 0;
    if (line.len < STATUS_LINE_MIN || !bytes_start(line, "HTTP/1.1 ") || line.p[12] != ' ' ||
        text_u64(bytes_of(line.p + 9, 3), 599, &status) != OK || status < 100)
        return ERR_MALFORMED;
    *out = (uint16_t)status;
    return OK;
}

static enum err
parse_field(struct bytes line, struct reading *r)
{
    size_t colon = bytes_find(line, ':');
    if (colon == 0 || colon == line.len)
        return ERR_MALFORMED;
    struct bytes name = bytes_of(line.p, colon), value = http_trim(bytes_skip(line, colon + 1));
    if (bytes_find(name, ' ') < name.len || bytes_find(name, '\t') < name.len)
        return ERR_MALFORMED; /* a folded line, or a blank that two readers would read in two ways
                               */
    if (http_same_word(name, "transfer-encoding"))
        return ERR_UNSUPPORTED;
    if (http_same_word(name, "content-length")) {
        if (r->has_length || text_u64(value, UINT32_MAX, &r->length) != OK)
            return ERR_MALFORMED;
        r->has_length = true;
    }
    if (http_same_word(name, "content-type")) {
        if (r->has_type)
            return ERR_MALFORMED;
        r->answer.content_type = value;
        r->has_type = true;
    }
    return OK;
}

/* One head, which is whole; *rest moves behind it. */
static enum err
parse_head(struct bytes *rest, struct reading *r)
{
    struct bytes line;
    *r = (struct reading){.length = 0};
    enum err e = take_line(rest, &line);
    if (e == OK)
        e = parse_status(line, &r->answer.status);
    for (uint32_t fields = 0; e == OK; fields++) {
        if (fields > FIELDS_MAX)
            return ERR_LIMIT;
        e = take_line(rest, &line);
        if (e == OK && line.len == 0)
            return OK;
        if (e == OK)
            e = parse_field(line, r);
    }
    return e;
}

static bool
head_is_whole(struct bytes in)
{
    return in.len >= 4 && memmem(in.p, in.len, "\r\n\r\n", 4) != NULL;
}

enum err
http_answer_parse(struct bytes in, struct http_answer *out)
{
    struct reading r;
    struct bytes rest = in;
    do {
        if (!head_is_whole(rest))
            return rest.len > HTTP_TARGET_MAX ? ERR_LIMIT : ERR_AGAIN;
        enum err e = parse_head(&rest, &r);
        if (e != OK)
            return e;
    } while (r.answer.status < 200);
    bool none = r.answer.status == 204 || r.answer.status == 304;
    if (!r.has_length && !none)
        return ERR_UNSUPPORTED;
    uint64_t length = none ? 0 : r.length;
    if (rest.len < length)
        return ERR_AGAIN;
    if (rest.len > length)
        return ERR_MALFORMED;
    r.answer.body = rest;
    *out = r.answer;
    return OK;
}
