#include "ledger/tiles.h"

#include "base/text.h"

/* Groups of three digits that a number below TREE_SIZE_MAX / 256 can need. */
enum { GROUPS_MAX = 5 };

static void
put_number(struct buf *b, uint64_t n)
{
    uint32_t groups[GROUPS_MAX + 1], count = 0;
    do {
        ASSERT(count < ARRAY_COUNT(groups));
        groups[count++] = (uint32_t)(n % 1000);
        n /= 1000;
    } while (n);
    while (count-- > 0)
        buf_format(b, "%s%03u%s", count ? "x" : "", groups[count], count ? "/" : "");
}

void
tile_put_path(struct buf *b, const struct tile *t)
{
    ASSERT(t->width >= 1 && t->width <= TILE_WIDTH && t->level <= TILE_LEVEL_MAX);
    if (t->kind == TILE_ENTRIES)
        buf_text(b, "tile/entries/");
    else
        buf_format(b, "tile/%u/", t->level);
    put_number(b, t->n);
    if (t->width < TILE_WIDTH)
        buf_format(b, ".p/%u", t->width);
}

/* Takes one path element off the front; the slash goes too. */
static struct bytes
take_element(struct bytes *rest)
{
    size_t slash = bytes_find(*rest, '/');
    struct bytes element = bytes_of(rest->p, slash);
    *rest = bytes_skip(*rest, slash == rest->len ? slash : slash + 1);
    return element;
}

static enum err
add_group(uint64_t *n, struct bytes digits)
{
    if (digits.len != 3)
        return ERR_MALFORMED;
    uint64_t group = 0;
    for (size_t i = 0; i < 3; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return ERR_MALFORMED;
        group = group * 10 + (uint64_t)(digits.p[i] - '0');
    }
    *n = *n * 1000 + group;
    return *n <= TREE_SIZE_MAX / TILE_WIDTH ? OK : ERR_MALFORMED;
}

/* "x001/x234/067" or "x001/x234/067.p/5" */
static enum err
parse_number_and_width(struct bytes rest, struct tile *t)
{
    enum err e = OK;
    struct bytes element = take_element(&rest);
    while (e == OK && element.len == 4 && element.p[0] == 'x') {
        e = add_group(&t->n, bytes_skip(element, 1));
        element = take_element(&rest);
    }
    if (e != OK)
        return e;
    t->width = TILE_WIDTH;
    if (element.len == 5 && element.p[3] == '.' && element.p[4] == 'p') {
        uint64_t width = 0;
        e = text_u64(rest, TILE_WIDTH - 1, &width);
        if (e != OK || width == 0)
            return ERR_MALFORMED;
        t->width = (uint32_t)width;
        element.len = 3;
        rest.len = 0;
    }
    e = add_group(&t->n, element);
    return e != OK || rest.len ? ERR_MALFORMED : OK;
}

enum err
tile_parse_path(struct bytes path, struct tile *out)
{
    struct bytes rest = path;
    if (path.len > TILE_PATH_MAX || !bytes_are(take_element(&rest), "tile"))
        return ERR_MALFORMED;
    struct tile t = {.kind = TILE_ENTRIES};
    struct bytes level = take_element(&rest);
    if (!bytes_are(level, "entries")) {
        uint64_t v = 0;
        enum err e = text_u64(level, TILE_LEVEL_MAX, &v);
        if (e != OK)
            return ERR_MALFORMED;
        t.kind = TILE_HASHES;
        t.level = (uint32_t)v;
    }
    enum err e = parse_number_and_width(rest, &t);
    if (e != OK)
        return ERR_MALFORMED;
    /* One tile, one path: no leading groups of zeros, no slash too many. */
    struct buf again;
    buf_init(&again, TILE_PATH_MAX);
    tile_put_path(&again, &t);
    bool same = buf_error(&again) == OK && bytes_equal(buf_bytes(&again), path);
    buf_fini(&again);
    if (!same)
        return ERR_MALFORMED;
    *out = t;
    return OK;
}

uint32_t
tile_width(uint32_t level, uint64_t n, uint64_t size)
{
    if (level * 8 >= 64 || n > TREE_SIZE_MAX / TILE_WIDTH)
        return 0;
    uint64_t nodes = size >> (8 * level), first = n * TILE_WIDTH;
    if (nodes <= first)
        return 0;
    return nodes - first < TILE_WIDTH ? (uint32_t)(nodes - first) : TILE_WIDTH;
}

enum err
tile_put_hashes(const struct tree_reader *r, uint64_t size, const struct tile *t, struct buf *out)
{
    ASSERT(t->kind == TILE_HASHES);
    if (tile_width(t->level, t->n, size) < t->width)
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < t->width; i++) {
        struct tree_hash hash;
        enum err e = r->read(r->ctx, 8 * t->level, t->n * TILE_WIDTH + i, &hash);
        if (e != OK)
            return e;
        buf_put(out, bytes_of(hash.b, TREE_HASH_SIZE));
    }
    return buf_error(out);
}

void
tile_of_node(uint32_t level, uint64_t index, uint64_t size, struct tile *out)
{
    ASSERT(level < TREE_LEVELS_MAX && index < size >> level);
    struct tile t = {.kind = TILE_HASHES, .level = level / 8};
    t.n = (index << level % 8) / TILE_WIDTH;
    t.width = tile_width(t.level, t.n, size);
    ASSERT(t.width > 0);
    *out = t;
}

enum err
tile_take_node(const struct tile *t, struct bytes hashes, uint32_t level, uint64_t index,
               struct tree_hash *out)
{
    uint32_t above = level % 8; /* so many levels over the tile's bottom */
    uint64_t first = (index << above) % TILE_WIDTH;
    uint32_t count = 1U << above;
    struct tree_hash row[TILE_WIDTH / 2];
    ASSERT(t->kind == TILE_HASHES && t->level == level / 8 && count <= ARRAY_COUNT(row));
    if (hashes.len != (size_t)t->width * TREE_HASH_SIZE || first + count > t->width)
        return ERR_MALFORMED;
    memcpy(row, hashes.p + first * TREE_HASH_SIZE, count * sizeof(row[0]));
    for (; count > 1; count /= 2)
        for (uint32_t i = 0; i < count / 2; i++)
            tree_hash_node(&row[2 * (size_t)i], &row[2 * (size_t)i + 1], &row[i]);
    *out = row[0];
    return OK;
}

void
tile_put_entry(struct buf *b, struct bytes entry)
{
    ASSERT(entry.len <= TILE_ENTRY_BYTES_MAX);
    buf_byte(b, (uint8_t)(entry.len >> 8));
    buf_byte(b, (uint8_t)entry.len);
    buf_put(b, entry);
}

enum err
tile_take_entry(struct bytes *bundle, struct bytes *out_entry)
{
    if (bundle->len < 2)
        return ERR_MALFORMED;
    size_t len = (size_t)bundle->p[0] << 8 | bundle->p[1];
    if (len > bundle->len - 2)
        return ERR_MALFORMED;
    *out_entry = bytes_of(bundle->p + 2, len);
    *bundle = bytes_skip(*bundle, 2 + len);
    return OK;
}

static enum err
each_of_level(uint64_t size, struct tile t, tile_each_fn *each, void *ctx)
{
    for (;; t.n++) {
        t.width = tile_width(t.level, t.n, size);
        if (t.width == 0)
            return OK;
        enum err e = each(ctx, &t);
        if (e != OK)
            return e;
    }
}

enum err
tile_each(uint64_t size, tile_each_fn *each, void *ctx)
{
    for (uint32_t level = 0; level * 8 < 64 && size >> (level * 8); level++) {
        struct tile t = {.kind = TILE_HASHES, .level = level};
        enum err e = each_of_level(size, t, each, ctx);
        if (e != OK)
            return e;
    }
    return each_of_level(size, (struct tile){.kind = TILE_ENTRIES}, each, ctx);
}
