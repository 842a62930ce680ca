#include "cli/backup_list.h"

#include "base/text.h"

static const char magic[] = "bulkhead-backup ";
enum { WORDS_MAX = 5 };

bool
backup_is_path(struct bytes path)
{
    bool first = true;
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.p[i];
        bool name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-' || (c == '.' && !first);
        if (!name && !(c == '/' && !first))
            return false;
        first = c == '/';
    }
    return path.len > 0 && path.len <= BACKUP_PATH_MAX && !first;
}

void
backup_list_begin(struct buf *b, uint64_t generation, int64_t time_us,
                  const uint8_t ids_key[static 32])
{
    buf_format(b, "%s1\ngeneration %llu\ntime %lld\nids ", magic, (unsigned long long)generation,
               (long long)time_us);
    text_put_hex(b, bytes_of(ids_key, 32));
    buf_byte(b, '\n');
}

void
backup_list_put(struct buf *b, const struct backup_line *line)
{
    switch (line->kind) {
    case LINE_FILE:
        buf_format(b, "file %u %llu %s\n", line->mode, (unsigned long long)line->size, line->path);
        return;
    case LINE_STORE:
        buf_format(b, "store %s\n", line->path);
        return;
    case LINE_LEAVES:
        buf_format(b, "leaves %s\n", line->path);
        return;
    case LINE_KEYS:
        buf_format(b, "keys %s %lld ", line->path, (long long)line->until_s);
        break;
    case LINE_PIECE:
        buf_text(b, "piece ");
        break;
    }
    text_put_hex(b, bytes_of(line->id, sizeof line->id));
    buf_format(b, " %llu\n", (unsigned long long)line->size);
}

void
backup_list_end(struct buf *b)
{
    buf_text(b, "end\n");
}

/* One line, split at single blanks. */
static enum err
take_words(struct bytes *left, struct bytes word[static WORDS_MAX], size_t *out_count)
{
    size_t len = bytes_find(*left, '\n');
    if (len == left->len)
        return ERR_MALFORMED;
    struct bytes line = bytes_of(left->p, len);
    *left = bytes_skip(*left, len + 1);
    size_t count = 0;
    for (;;) {
        size_t n = bytes_find(line, ' ');
        if (count == WORDS_MAX || n == 0)
            return ERR_MALFORMED;
        word[count++] = bytes_of(line.p, n);
        if (n == line.len)
            break;
        line = bytes_skip(line, n + 1);
    }
    *out_count = count;
    return OK;
}

/* A line of two words, the first of which is this. */
static enum err
take_named(struct bytes *left, const char *name, struct bytes *out)
{
    struct bytes word[WORDS_MAX];
    size_t count = 0;
    enum err e = take_words(left, word, &count);
    if (e != OK || count != 2 || !bytes_are(word[0], name))
        return ERR_MALFORMED;
    *out = word[1];
    return OK;
}

/* Only "0" is nothing. */
static enum err
parse_i64(struct bytes s, int64_t *out)
{
    return bytes_are(s, "-0") ? ERR_MALFORMED : text_i64(s, out);
}

enum err
backup_list_open(struct bytes list, struct backup_list *out)
{
    struct backup_list l = {.left = list};
    struct bytes version, generation, time, ids;
    enum err e = take_named(&l.left, "bulkhead-backup", &version);
    if (e != OK)
        return e;
    if (!bytes_are(version, "1"))
        return ERR_UNSUPPORTED;
    e = take_named(&l.left, "generation", &generation);
    if (e == OK)
        e = text_u64(generation, UINT32_MAX, &l.generation);
    if (e == OK)
        e = take_named(&l.left, "time", &time);
    if (e == OK)
        e = parse_i64(time, &l.time_us);
    if (e == OK)
        e = take_named(&l.left, "ids", &ids);
    if (e == OK)
        e = text_hex(ids, l.ids_key, sizeof l.ids_key);
    if (e != OK)
        return ERR_MALFORMED;
    *out = l;
    return OK;
}

static enum err
parse_sealed(struct bytes id, struct bytes size, struct backup_line *line)
{
    enum err e = text_hex(id, line->id, sizeof line->id);
    return e == OK ? text_u64(size, BACKUP_PIECE_MAX, &line->size) : e;
}

static enum err
parse_zone(struct bytes zone, struct backup_line *line)
{
    return text_is_name(zone) ? bytes_copy_text(zone, line->path, sizeof line->path)
                              : ERR_MALFORMED;
}

static enum err
parse_line(const struct bytes *word, size_t count, struct backup_line *line)
{
    uint64_t mode = 0;
    enum err e = ERR_MALFORMED;
    if (bytes_are(word[0], "file") && count == 4 && backup_is_path(word[3])) {
        line->kind = LINE_FILE;
        e = text_u64(word[1], 0777, &mode);
        line->mode = (uint32_t)mode;
        if (e == OK)
            e = text_u64(word[2], INT64_MAX, &line->size);
        return e == OK ? bytes_copy_text(word[3], line->path, sizeof line->path) : e;
    }
    if (bytes_are(word[0], "piece") && count == 3) {
        line->kind = LINE_PIECE;
        return parse_sealed(word[1], word[2], line);
    }
    if (count == 2 && (bytes_are(word[0], "store") || bytes_are(word[0], "leaves"))) {
        line->kind = bytes_are(word[0], "store") ? LINE_STORE : LINE_LEAVES;
        return parse_zone(word[1], line);
    }
    if (bytes_are(word[0], "keys") && count == 5) {
        line->kind = LINE_KEYS;
        e = parse_zone(word[1], line);
        if (e == OK)
            e = parse_i64(word[2], &line->until_s);
        if (e == OK && line->until_s < 0)
            e = ERR_MALFORMED;
        return e == OK ? parse_sealed(word[3], word[4], line) : e;
    }
    return e;
}

enum err
backup_list_next(struct backup_list *l, struct backup_line *out)
{
    struct bytes word[WORDS_MAX];
    struct backup_line line = {0};
    size_t count = 0;
    enum err e = take_words(&l->left, word, &count);
    if (e != OK)
        return e;
    if (count == 1 && bytes_are(word[0], "end"))
        return l->left.len == 0 ? ERR_NOT_FOUND : ERR_MALFORMED;
    e = parse_line(word, count, &line);
    if (e != OK)
        return ERR_MALFORMED;
    *out = line;
    return OK;
}
