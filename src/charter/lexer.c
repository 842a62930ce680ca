#include "charter/lexer.h"

#include <stdarg.h>

enum { DESCRIBE_BYTES_MAX = 60, WORD_BYTES_MAX = 200 };

void
lexer_init(struct lexer *l, struct bytes text)
{
    *l = (struct lexer){.text = text, .place = {1, 1}};
}

/* The length of the UTF-8 sequence at `at` (RFC 3629 section 4) and its character; 0: none. */
static size_t
character_at(struct bytes s, size_t at, uint32_t *out)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = s.p[at];
    size_t n = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (n == 0 || first > 0xf4 || n > s.len - at)
        return 0;
    uint32_t c = n == 1 ? first : first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s.p[at + i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s.p[at + i] & 0x3fu);
    }
    if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return n;
}

/* A character that a reader cannot see, or that makes the rest read in another order than it
 * stands (Unicode 5.2 bidirectional formatting, zero-width and separator characters). */
static bool
is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x061c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

static PRINTF_LIKE(3, 4) enum err
    refuse(struct charter_finding *f, struct charter_place place, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    f->place = place;
    vsnprintf(f->text, sizeof(f->text), format, ap);
    va_end(ap);
    return ERR_MALFORMED;
}

/* One character that may stand in a comment or a string: the only ones beyond ASCII. */
static enum err
take_character(struct lexer *l, struct charter_finding *f)
{
    uint32_t c = 0;
    size_t n = character_at(l->text, l->at, &c);
    if (n == 0)
        return refuse(f, l->place, "expected UTF-8 text, found the byte 0x%02x", l->text.p[l->at]);
    if (is_hidden(c))
        return refuse(f, l->place, "expected text that can be read, found the character U+%04X", c);
    l->at += n;
    l->place.column++;
    return OK;
}

/* White space and comments. */
static enum err
skip(struct lexer *l, struct charter_finding *f)
{
    bool comment = false;
    while (l->at < l->text.len) {
        uint8_t c = l->text.p[l->at];
        if (c == '\n') {
            comment = false;
            l->at++;
            l->place = (struct charter_place){l->place.line + 1, 1};
        } else if (c == ' ' || c == '\t' || c == '\r') {
            l->at++;
            l->place.column++;
        } else if (comment || c == '#') {
            comment = true;
            enum err e = take_character(l, f);
            if (e != OK)
                return e;
        } else {
            break;
        }
    }
    return OK;
}

static enum err
take_string(struct lexer *l, struct token *t, struct charter_finding *f)
{
    l->at++;
    l->place.column++;
    size_t start = l->at;
    while (l->at < l->text.len && l->text.p[l->at] != '"') {
        if (l->text.p[l->at] == '\n')
            break;
        enum err e = take_character(l, f);
        if (e != OK)
            return e;
    }
    if (l->at == l->text.len || l->text.p[l->at] != '"')
        return refuse(f, t->place,
                      "expected a closing '\"' on the same line, found the end of the %s",
                      l->at == l->text.len ? "file" : "line");
    t->kind = TOKEN_STRING;
    t->text = bytes_of(l->text.p + start, l->at - start);
    l->at++;
    l->place.column++;
    return OK;
}

static bool
is_word_byte(uint8_t c)
{
    return c > 0x20 && c < 0x7f && c != '{' && c != '}' && c != '"' && c != '#';
}

enum err
lexer_next(struct lexer *l, struct token *out, struct charter_finding *out_finding)
{
    enum err e = skip(l, out_finding);
    if (e != OK)
        return e;
    struct token t = {.kind = TOKEN_END, .place = l->place};
    if (l->at == l->text.len) {
        *out = t;
        return OK;
    }
    uint8_t c = l->text.p[l->at];
    if (c == '"') {
        e = take_string(l, &t, out_finding);
        if (e != OK)
            return e;
        *out = t;
        return OK;
    }
    if (c == '{' || c == '}') {
        t.kind = c == '{' ? TOKEN_OPEN : TOKEN_CLOSE;
        t.text = bytes_of(l->text.p + l->at, 1);
        l->at++;
        l->place.column++;
        *out = t;
        return OK;
    }
    size_t start = l->at;
    while (l->at < l->text.len && is_word_byte(l->text.p[l->at]))
        l->at++;
    size_t len = l->at - start;
    l->place.column += (uint32_t)len;
    if (len > WORD_BYTES_MAX)
        return refuse(out_finding, t.place, "expected a word of at most %d characters, found %zu",
                      WORD_BYTES_MAX, len);
    if (len == 0) {
        uint32_t found = 0;
        if (character_at(l->text, l->at, &found) == 0)
            return refuse(out_finding, t.place, "expected UTF-8 text, found the byte 0x%02x", c);
        return refuse(out_finding, t.place,
                      "expected a word, found the character U+%04X (only strings and comments may "
                      "hold it)",
                      found);
    }
    t.kind = TOKEN_WORD;
    t.text = bytes_of(l->text.p + start, len);
    *out = t;
    return OK;
}

void
token_describe(const struct token *t, char *out, size_t size)
{
    ASSERT(size >= DESCRIBE_BYTES_MAX + 8);
    if (t->kind == TOKEN_END) {
        snprintf(out, size, "the end of the file");
        return;
    }
    size_t len = t->text.len;
    bool cut = len > DESCRIBE_BYTES_MAX;
    if (cut) {
        len = DESCRIBE_BYTES_MAX;
        while (len > 0 && (t->text.p[len] & 0xc0) == 0x80)
            len--; /* not inside a character */
    }
    char quote = t->kind == TOKEN_STRING ? '"' : '\'';
    snprintf(out, size, "%c%.*s%s%c", quote, (int)len, (const char *)t->text.p, cut ? "..." : "",
             quote);
}
