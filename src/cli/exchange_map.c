#include "cli/exchange_map.h"

#include "base/hash.h"
#include "base/text.h"
#include "cli/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { MAP_BYTES_MAX = 256 * 1024 * 1024, FIRST_CAPACITY = 1024 };
static const char begun[] = "rows begun";

struct mapped {
    size_t key; /* where it begins in `keys`; 0: nothing is here */
    uint64_t value;
};
struct exchange_map {
    const char *path;
    int fd;
    struct buf keys;     /* each with its NUL; a NUL before the first one */
    struct mapped *slot; /* open hashing */
    size_t count, capacity;
};

static const char *
key_of(const struct exchange_map *m, const struct mapped *s)
{
    return (const char *)m->keys.p + s->key;
}

static struct mapped *
slot_of(const struct exchange_map *m, const char *key)
{
    for (size_t at = (size_t)(hash_bytes(HASH_START, bytes_text(key)) % m->capacity);;
         at = (at + 1) % m->capacity)
        if (!m->slot[at].key || strcmp(key_of(m, &m->slot[at]), key) == 0)
            return &m->slot[at];
}

uint64_t
exchange_map_find(const struct exchange_map *m, const char *key)
{
    return slot_of(m, key)->value;
}

static void
grow(struct exchange_map *m)
{
    struct mapped *old = m->slot;
    size_t old_capacity = m->capacity;
    m->capacity = old_capacity ? 2 * old_capacity : FIRST_CAPACITY;
    m->slot = calloc(m->capacity, sizeof(m->slot[0]));
    ASSERT(m->slot);
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].key)
            *slot_of(m, key_of(m, &old[i])) = old[i];
    free(old);
}

static void
put_one(struct exchange_map *m, const char *key, uint64_t value)
{
    if (m->count * 2 >= m->capacity)
        grow(m);
    struct mapped *s = slot_of(m, key);
    if (!s->key) {
        s->key = m->keys.len;
        buf_text(&m->keys, key);
        buf_byte(&m->keys, 0);
        ASSERT(buf_error(&m->keys) == OK);
        m->count++;
    }
    s->value = value;
}

/* An entity's line is remembered both ways: what was made for one is no other's. */
static void
put(struct exchange_map *m, const char *key, uint64_t value)
{
    char back[128];
    put_one(m, key, value);
    if (strncmp(key, "rows ", 5) == 0)
        return;
    snprintf(back, sizeof(back), "made %.*s %llu", (int)strcspn(key, " "), key,
             (unsigned long long)value);
    put_one(m, back, 1);
}

bool
exchange_map_keep(struct exchange_map *m, const char *key, uint64_t value)
{
    char line[EXCHANGE_MAP_KEY_SIZE + 32];
    int n = snprintf(line, sizeof(line), "%s %llu\n", key, (unsigned long long)value);
    put(m, key, value);
    if (n > 0 && (size_t)n < sizeof(line) && write(m->fd, line, (size_t)n) == n &&
        fdatasync(m->fd) == 0)
        return true;
    fprintf(stderr, "bulkhead: cannot write %s: %s\n", m->path, strerror(errno));
    return false;
}

/* Whole lines; *out_len is where they end. */
static bool
read_lines(struct exchange_map *m, struct bytes file, size_t *out_len)
{
    struct bytes left = file;
    *out_len = 0;
    for (size_t len; (len = bytes_find(left, '\n')) < left.len; left = bytes_skip(left, len + 1)) {
        char key[EXCHANGE_MAP_KEY_SIZE];
        uint64_t value = 0;
        size_t blank = len;
        while (blank > 0 && left.p[blank - 1] != ' ')
            blank--;
        if (blank < 2 || bytes_copy_text(bytes_of(left.p, blank - 1), key, sizeof(key)) != OK ||
            text_u64(bytes_of(left.p + blank, len - blank), UINT64_MAX, &value) != OK)
            return false;
        put(m, key, value);
        *out_len += len + 1;
    }
    return true;
}

struct exchange_map *
exchange_map_open(const char *path, bool *out_resumed)
{
    struct exchange_map *m = calloc(1, sizeof(*m));
    struct buf file;
    size_t len = 0;
    ASSERT(m);
    m->path = path;
    buf_init(&m->keys, 2 * (size_t)MAP_BYTES_MAX);
    buf_byte(&m->keys, 0);
    grow(m);
    m->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = m->fd >= 0 && tool_read_file(path, MAP_BYTES_MAX, &file);
    if (good) {
        good = read_lines(m, buf_bytes(&file), &len) && ftruncate(m->fd, (off_t)len) == 0;
        buf_fini(&file);
    }
    if (!good)
        fprintf(stderr, "bulkhead: %s is no map of an import\n", path);
    *out_resumed = exchange_map_find(m, begun) != 0;
    if (good && !*out_resumed) /* from now on somebody began before */
        good = exchange_map_keep(m, begun, 1);
    if (good)
        return m;
    exchange_map_close(m);
    return NULL;
}

void
exchange_map_close(struct exchange_map *m)
{
    if (!m)
        return;
    buf_fini(&m->keys);
    free(m->slot);
    if (m->fd >= 0)
        close(m->fd);
    free(m);
}
