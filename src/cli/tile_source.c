#include "cli/tile_source.h"

#include "cli/tool.h"
#include "programs/messages.h"

#include <unistd.h>

bool
tile_source_open(struct tile_source *s, const char *state, const char *log)
{
    memset(s, 0, sizeof(*s));
    int fd = tool_connect(state, "ledger.sock");
    if (fd < 0)
        return false;
    channel_init(&s->channel, fd);
    s->log = log;
    for (size_t i = 0; i < TILE_SOURCE_CACHE; i++)
        buf_init(&s->cache[i].bytes, TILE_WIDTH * TREE_HASH_SIZE);
    return true;
}

void
tile_source_close(struct tile_source *s)
{
    close(s->channel.fd);
    channel_fini(&s->channel);
    for (size_t i = 0; i < TILE_SOURCE_CACHE; i++)
        buf_fini(&s->cache[i].bytes);
}

struct parts {
    struct buf *out;
    uint16_t status; /* 0: nothing came yet */
    uint32_t total;
};

static enum err
on_part(void *ctx, uint16_t id, struct bytes body)
{
    struct parts *p = ctx;
    struct tile_part m;
    if (id != tile_part_id || tile_part_decode(body, &m) != OK || m.offset != p->out->len ||
        (p->status && (m.status != p->status || m.total != p->total)))
        return ERR_MALFORMED;
    p->status = m.status;
    p->total = m.total;
    buf_put(p->out, m.part);
    return buf_error(p->out);
}

enum err
tile_source_ask(struct tile_source *s, struct bytes path, struct buf *out)
{
    struct tile_ask m = {bytes_text(s->log), path};
    struct parts parts = {.out = out};
    buf_reset(out);
    enum err e = CHANNEL_SEND(&s->channel, tile_ask, &m);
    if (e == OK)
        e = channel_flush(&s->channel);
    while (e == OK && (parts.status == 0 || out->len < parts.total))
        e = channel_receive(&s->channel, on_part, &parts);
    if (e != OK)
        return ERR_IO;
    return parts.status == 200 ? OK : ERR_NOT_FOUND;
}

static bool
same_tile(const struct tile *a, const struct tile *b)
{
    return a->level == b->level && a->n == b->n && a->width == b->width;
}

static enum err
read_node(void *ctx, uint32_t level, uint64_t index, struct tree_hash *out)
{
    struct tile_source *s = ctx;
    struct tile t;
    struct buf path;
    if (level >= TREE_LEVELS_MAX || index >= s->size >> level)
        return ERR_NOT_FOUND;
    tile_of_node(level, index, s->size, &t);
    for (size_t i = 0; i < TILE_SOURCE_CACHE; i++)
        if (same_tile(&s->cache[i].tile, &t))
            return tile_take_node(&t, buf_bytes(&s->cache[i].bytes), level, index, out);
    size_t place = s->next++ % TILE_SOURCE_CACHE;
    s->cache[place].tile.width = 0;
    buf_init(&path, TILE_PATH_MAX);
    tile_put_path(&path, &t);
    enum err e = tile_source_ask(s, buf_bytes(&path), &s->cache[place].bytes);
    buf_fini(&path);
    if (e != OK)
        return e;
    s->cache[place].tile = t;
    return tile_take_node(&t, buf_bytes(&s->cache[place].bytes), level, index, out);
}

struct tree_reader
tile_source_reader(struct tile_source *s)
{
    return (struct tree_reader){read_node, s};
}
