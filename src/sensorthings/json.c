#include "sensorthings/json.h"

#include "base/text.h"

size_t
sta_json_space(struct bytes s, size_t at)
{
    while (at < s.len && (s.p[at] == ' ' || s.p[at] == '\n' || s.p[at] == '\t' || s.p[at] == '\r'))
        at++;
    return at;
}

static int
hex4(struct bytes s, size_t at)
{
    if (s.len - at < 4)
        return -1;
    uint8_t two[2];
    if (text_hex(bytes_of(s.p + at, 4), two, 2) != OK)
        return -1;
    return two[0] << 8 | two[1];
}

/* The code point of the escape at s.p[at] == '\\', and its end; -1 when it is none (or NUL, or
 * half a surrogate pair). */
static int32_t
escape(struct bytes s, size_t at, size_t *out_end)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (s.len - at < 2)
        return -1;
    uint8_t c = s.p[at + 1];
    *out_end = at + 2;
    if (c != 'u') {
        const char *found = c ? strchr(letters, c) : NULL;
        return found ? meanings[found - letters] : -1;
    }
    int32_t high = hex4(s, at + 2);
    *out_end = at + 6;
    if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff))
        return -1;
    if (high < 0xd800 || high > 0xdbff)
        return high;
    if (s.len - at < 12 || s.p[at + 6] != '\\' || s.p[at + 7] != 'u')
        return -1;
    int32_t low = hex4(s, at + 8);
    *out_end = at + 12;
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/*
 * Eight bytes at a time: a byte of zero is the one that borrows into its top bit when 1 is taken
 * from it. A byte above ASCII may count as one too: then the bytes are looked at one by one.
 */
static const uint64_t ones = 0x0101010101010101ULL, tops = 0x8080808080808080ULL;

static uint64_t
eight_at(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* The top bits are set where `c` stands, and perhaps elsewhere; clear: it does not stand there. */
static uint64_t
eight_have(uint64_t v, uint8_t c)
{
    return (v ^ ones * c) - ones;
}

/* No byte of the eight is a control, a quote, a backslash or above ASCII. */
static bool
eight_plain(const uint8_t *p)
{
    uint64_t v = eight_at(p);
    return ((v | (v - ones * 0x20) | eight_have(v, '"') | eight_have(v, '\\')) & tops) == 0;
}

static size_t
string_end(struct bytes s, size_t at, size_t *out_bad)
{
    size_t start = at + 1;
    bool high = false;
    *out_bad = at;
    if (at >= s.len || s.p[at] != '"')
        return 0;
    for (at = start; at < s.len; at++) {
        while (s.len - at > 8 && eight_plain(s.p + at))
            at += 8;
        uint8_t c = s.p[at];
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\')
            continue; /* nearly every byte */
        if (c == '"') {
            if (high && !text_is_utf8(bytes_of(s.p + start, at - start)))
                return 0;
            return at + 1;
        }
        *out_bad = at;
        if (c < 0x20)
            return 0;
        if (c >= 0x80)
            high = true;
        if (c == '\\') {
            size_t end;
            if (escape(s, at, &end) < 0)
                return 0;
            at = end - 1;
        }
    }
    *out_bad = s.len;
    return 0;
}

bool
sta_json_decimal(struct bytes s, double *out)
{
    enum {
        DIGITS_MAX = 15
    }; /* fewer than 2^53, and 10^15 is exact: the quotient is rounded once */
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    size_t at = s.len && s.p[0] == '-', start = at, point = 0;
    uint64_t m = 0;
    if (s.len - at > DIGITS_MAX + 1)
        return false;
    for (; at < s.len; at++) {
        uint8_t c = s.p[at];
        if (c >= '0' && c <= '9')
            m = m * 10 + (uint64_t)(c - '0');
        else if (c == '.' && !point && at > start)
            point = at;
        else
            return false;
    }
    size_t whole = (point ? point : s.len) - start, fraction = point ? s.len - point - 1 : 0;
    if (whole == 0 || (whole > 1 && s.p[start] == '0') || (point && fraction == 0) ||
        whole + fraction > DIGITS_MAX)
        return false;
    double v = (double)m / powers[fraction];
    *out = start ? -v : v;
    return true;
}

static size_t
number_end(struct bytes s, size_t at, size_t *out_bad)
{
    size_t start = at;
    while (at < s.len && ((s.p[at] >= '0' && s.p[at] <= '9') || s.p[at] == '-' || s.p[at] == '+' ||
                          s.p[at] == '.' || s.p[at] == 'e' || s.p[at] == 'E'))
        at++;
    double unused;
    *out_bad = start;
    struct bytes text = bytes_of(s.p + start, at - start);
    if (at == start || (!sta_json_decimal(text, &unused) && text_double(text, &unused) != OK))
        return 0;
    return at;
}

static size_t
word_end(struct bytes s, size_t at, const char *word, size_t *out_bad)
{
    *out_bad = at;
    return bytes_start(bytes_skip(s, at), word) ? at + strlen(word) : 0;
}

/* Keys that were written differently may still be the same ("\u0061" and "a"). */
static bool
keys_equal(struct bytes a, struct bytes b)
{
    bool escaped = bytes_find(a, '\\') < a.len || bytes_find(b, '\\') < b.len;
    if (!escaped)
        return bytes_equal(a, b);
    size_t i = 0, k = 0;
    while (i < a.len && k < b.len) {
        size_t i_end = i + 1, k_end = k + 1;
        int32_t x = a.p[i] == '\\' ? escape(a, i, &i_end) : a.p[i];
        int32_t y = b.p[k] == '\\' ? escape(b, k, &k_end) : b.p[k];
        /* An escape above 127 against raw UTF-8: called equal, which only refuses more. */
        if (x != y && (x < 0x80 || y < 0x80))
            return false;
        if (x != y)
            return true;
        i = i_end;
        k = k_end;
    }
    return i == a.len && k == b.len;
}

/* A key, the colon, and where the value starts; 0 when not. */
static size_t
key_end(struct bytes s, size_t at, struct bytes *out_key, size_t *out_bad)
{
    size_t end = string_end(s, at, out_bad);
    if (end == 0)
        return 0;
    *out_key = bytes_of(s.p + at + 1, end - at - 2);
    *out_bad = at;
    if (out_key->len > STA_JSON_KEY_MAX)
        return 0;
    end = sta_json_space(s, end);
    *out_bad = end;
    if (end >= s.len || s.p[end] != ':')
        return 0;
    return sta_json_space(s, end + 1);
}

static bool
key_is_new(struct bytes s, size_t first, size_t at, struct bytes key)
{
    struct sta_json_walk w = {bytes_of(s.p + first, at - first), 0};
    struct bytes earlier, value;
    while (sta_json_next_member(&w, &earlier, &value))
        if (keys_equal(earlier, key))
            return false;
    return true;
}

static size_t
object_end(struct bytes s, size_t at, uint32_t depth, size_t *out_bad)
{
    struct bytes keys[32]; /* the usual object; the keys of larger ones are walked again */
    size_t first = at;
    uint32_t count = 0;
    at = sta_json_space(s, at + 1);
    if (at < s.len && s.p[at] == '}')
        return at + 1;
    for (;;) {
        struct bytes key = {0};
        size_t key_at = at;
        size_t value_at = key_end(s, at, &key, out_bad);
        if (value_at == 0)
            return 0;
        *out_bad = key_at;
        for (uint32_t i = 0; i < count && i < ARRAY_COUNT(keys); i++)
            if (keys_equal(keys[i], key))
                return 0;
        if (count >= STA_JSON_MEMBERS_MAX ||
            (count > ARRAY_COUNT(keys) && !key_is_new(s, first, key_at, key)))
            return 0;
        if (count < ARRAY_COUNT(keys))
            keys[count] = key;
        count++;
        at = sta_json_value_end(s, value_at, depth + 1, out_bad);
        if (at == 0)
            return 0;
        at = sta_json_space(s, at);
        *out_bad = at;
        if (at >= s.len || (s.p[at] != ',' && s.p[at] != '}'))
            return 0;
        if (s.p[at] == '}')
            return at + 1;
        at = sta_json_space(s, at + 1);
    }
}

static size_t
array_end(struct bytes s, size_t at, uint32_t depth, size_t *out_bad)
{
    at = sta_json_space(s, at + 1);
    if (at < s.len && s.p[at] == ']')
        return at + 1;
    for (;;) {
        at = sta_json_value_end(s, at, depth + 1, out_bad);
        if (at == 0)
            return 0;
        at = sta_json_space(s, at);
        *out_bad = at;
        if (at >= s.len || (s.p[at] != ',' && s.p[at] != ']'))
            return 0;
        if (s.p[at] == ']')
            return at + 1;
        at = sta_json_space(s, at + 1);
    }
}

size_t
sta_json_value_end(struct bytes s, size_t at, uint32_t depth, size_t *out_bad)
{
    *out_bad = at;
    if (at >= s.len || depth > STA_JSON_DEPTH_MAX)
        return 0;
    switch (s.p[at]) {
    case '{':
        return object_end(s, at, depth, out_bad);
    case '[':
        return array_end(s, at, depth, out_bad);
    case '"':
        return string_end(s, at, out_bad);
    case 't':
        return word_end(s, at, "true", out_bad);
    case 'f':
        return word_end(s, at, "false", out_bad);
    case 'n':
        return word_end(s, at, "null", out_bad);
    default:
        return number_end(s, at, out_bad);
    }
}

bool
sta_json_check(struct bytes text, size_t *out_bad)
{
    size_t start = sta_json_space(text, 0);
    size_t end = sta_json_value_end(text, start, 1, out_bad);
    if (end == 0)
        return false;
    *out_bad = sta_json_space(text, end);
    return *out_bad == text.len;
}

enum sta_json_kind
sta_json_kind(struct bytes value)
{
    ASSERT(value.len > 0);
    switch (value.p[0]) {
    case '{':
        return STA_JSON_OBJECT;
    case '[':
        return STA_JSON_ARRAY;
    case '"':
        return STA_JSON_TEXT;
    case 't':
    case 'f':
        return STA_JSON_BOOL;
    case 'n':
        return STA_JSON_NULL;
    default:
        return STA_JSON_NUMBER;
    }
}

/* From `at` on, past bytes that neither begin nor end anything. */
static size_t
skip_dull(struct bytes s, size_t at)
{
    for (; s.len - at > 8; at += 8) {
        uint64_t v = eight_at(s.p + at), lower = v | ones * 0x20; /* '[' becomes '{', ']' '}' */
        if ((v | eight_have(v, '"') | eight_have(lower, '{') | eight_have(lower, '}')) & tops)
            break;
    }
    return at;
}

/* The end of a checked value: only strings and brackets matter. */
static size_t
checked_end(struct bytes s, size_t at)
{
    uint32_t open = 0;
    for (;; at++) {
        ASSERT(at < s.len);
        switch (s.p[at]) {
        case '"':
            for (at++; s.p[at] != '"'; at++) {
                while (s.len - at > 8 && eight_plain(s.p + at))
                    at += 8;
                if (s.p[at] == '"')
                    break;
                if (s.p[at] == '\\')
                    at++;
                ASSERT(at + 1 < s.len);
            }
            if (open == 0)
                return at + 1;
            break;
        case '{':
        case '[':
            open++;
            break;
        case '}':
        case ']':
            ASSERT(open > 0);
            if (--open == 0)
                return at + 1;
            break;
        default:
            if (open) {
                at = skip_dull(s, at + 1) - 1;
                break;
            }
            while (at < s.len && !strchr(",]} \t\r\n", s.p[at]))
                at++;
            return at;
        }
    }
}

/* Past the bracket or the comma; false at the end of the container (or of what there is yet). */
static bool
walk_on(struct sta_json_walk *w)
{
    w->at = sta_json_space(w->value, w->at);
    if (w->at < w->value.len && (w->at == 0 || w->value.p[w->at] == ','))
        w->at = sta_json_space(w->value, w->at + 1);
    return w->at < w->value.len && w->value.p[w->at] != '}' && w->value.p[w->at] != ']';
}

bool
sta_json_next_member(struct sta_json_walk *w, struct bytes *out_key, struct bytes *out_value)
{
    if (!walk_on(w))
        return false;
    size_t end = checked_end(w->value, w->at);
    *out_key = bytes_of(w->value.p + w->at + 1, end - w->at - 2);
    size_t colon = sta_json_space(w->value, end);
    ASSERT(colon < w->value.len && w->value.p[colon] == ':');
    size_t start = sta_json_space(w->value, colon + 1);
    w->at = checked_end(w->value, start);
    *out_value = bytes_of(w->value.p + start, w->at - start);
    return true;
}

bool
sta_json_next_item(struct sta_json_walk *w, struct bytes *out_value)
{
    if (!walk_on(w))
        return false;
    size_t start = w->at;
    w->at = checked_end(w->value, start);
    *out_value = bytes_of(w->value.p + start, w->at - start);
    return true;
}

struct bytes
sta_json_member(struct bytes object, struct bytes name)
{
    struct bytes key, value;
    if (object.len == 0 || sta_json_kind(object) != STA_JSON_OBJECT)
        return (struct bytes){0};
    struct sta_json_walk w = {object, 0};
    while (sta_json_next_member(&w, &key, &value))
        if (bytes_equal(key, name))
            return value;
    return (struct bytes){0};
}

struct bytes
sta_json_step(struct bytes value, struct bytes name)
{
    uint64_t index;
    struct bytes item;
    if (value.len == 0 || sta_json_kind(value) != STA_JSON_ARRAY)
        return sta_json_member(value, name);
    if (text_u64(name, UINT32_MAX, &index) != OK)
        return (struct bytes){0};
    struct sta_json_walk w = {value, 0};
    while (sta_json_next_item(&w, &item))
        if (index-- == 0)
            return item;
    return (struct bytes){0};
}

static size_t
put_utf8(uint8_t *to, int32_t c)
{
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (uint8_t)(0xc0 | c >> 6);
        to[1] = (uint8_t)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (uint8_t)(0xe0 | c >> 12);
        to[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        to[2] = (uint8_t)(0x80 | (c & 63));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | c >> 18);
    to[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    to[2] = (uint8_t)(0x80 | (c >> 6 & 63));
    to[3] = (uint8_t)(0x80 | (c & 63));
    return 4;
}

enum err
sta_json_text(struct bytes value, struct arena *arena, struct bytes *out)
{
    if (value.len < 2 || value.p[0] != '"')
        return ERR_MALFORMED;
    struct bytes inner = bytes_of(value.p + 1, value.len - 2);
    if (bytes_find(inner, '\\') == inner.len) {
        *out = inner;
        return OK;
    }
    uint8_t *to = arena_take(arena, inner.len); /* unescaping never makes text longer */
    if (!to)
        return ERR_LIMIT;
    size_t len = 0;
    for (size_t at = 0; at < inner.len;) {
        if (inner.p[at] != '\\') {
            to[len++] = inner.p[at++];
            continue;
        }
        int32_t c = escape(inner, at, &at);
        if (c < 0)
            return ERR_MALFORMED;
        len += put_utf8(to + len, c);
    }
    *out = bytes_of(to, len);
    return OK;
}
