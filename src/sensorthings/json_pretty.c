#include "sensorthings/json.h"

static void
new_line(struct buf *out, uint32_t depth)
{
    static const char blanks[] = "                                                            ";
    size_t n = 2 * (size_t)depth;
    buf_byte(out, '\n');
    buf_put(out, bytes_of(blanks, n < sizeof(blanks) - 1 ? n : sizeof(blanks) - 1));
}

/* The end of the string that starts at `at`. */
static size_t
past_string(struct bytes json, size_t at)
{
    for (at++; at < json.len && json.p[at] != '"'; at++)
        if (json.p[at] == '\\')
            at++;
    return at < json.len ? at + 1 : json.len;
}

void
sta_json_pretty(struct bytes json, struct buf *out)
{
    uint32_t depth = 0;
    for (size_t at = 0; at < json.len;) {
        uint8_t c = json.p[at];
        size_t start = at++;
        if (c == '"') {
            at = past_string(json, start);
            buf_put(out, bytes_of(json.p + start, at - start));
        } else if (c == '{' || c == '[') {
            buf_byte(out, c);
            at = sta_json_space(json, at);
            if (at < json.len && json.p[at] == c + 2) /* ']' and '}' stand two behind */
                buf_byte(out, json.p[at++]);
            else
                new_line(out, ++depth);
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
            new_line(out, depth);
            buf_byte(out, c);
        } else if (c == ',') {
            buf_byte(out, c);
            new_line(out, depth);
        } else if (c == ':') {
            buf_text(out, ": ");
        } else if (sta_json_space(json, start) == start) {
            buf_byte(out, c);
        }
    }
    buf_byte(out, '\n');
}
