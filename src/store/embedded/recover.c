/*
 * Opening: make the files, or find out what the last run left behind (docs/format.md, states).
 */
#include "store/embedded/embedded.h"
#include "store/embedded/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTITY_SEALED_MAX = STORE_ENTITY_BYTES_MAX + SEAL_OVERHEAD };

static enum err
memory(struct store *s)
{
    s->keys = keys_new(s->config.master_key);
    sodium_memzero(s->config.master_key, sizeof s->config.master_key);
    s->zipper = zipper_new();
    s->leaves = malloc(STORE_BATCH_BYTES_MAX);
    s->stream = calloc(STORE_STREAMS_MAX, sizeof s->stream[0]);
    s->hash = calloc(HASH_SIZE, sizeof s->hash[0]);
    s->oldest = calloc(STORE_STREAMS_MAX, sizeof s->oldest[0]);
    s->touched = calloc(STORE_STREAMS_MAX, sizeof s->touched[0]);
    s->queue = calloc(STORE_STREAMS_MAX, sizeof s->queue[0]);
    s->changed = calloc(STORE_STREAMS_MAX, sizeof s->changed[0]);
    s->scratch = calloc(CHUNK_POINTS_MAX, sizeof s->scratch[0]);
    s->window = calloc(WINDOW_KEYS, sizeof s->window[0]);
    s->bucket = calloc(ROLLUP_BUCKETS, sizeof s->bucket[0]);
    s->edit = calloc(BATCH_EDITS_MAX, sizeof s->edit[0]);
    s->edits_place = calloc(STORE_STREAMS_MAX, sizeof s->edits_place[0]);
    bool ok = s->keys && s->zipper && s->leaves && s->stream && s->hash && s->oldest &&
              s->touched && s->queue && s->changed && s->scratch && s->window && s->bucket &&
              s->edit && s->edits_place;
    for (size_t i = 0; i < CACHE_CHUNKS; i++) {
        s->cache[i].o = calloc(CHUNK_POINTS_MAX, sizeof s->cache[i].o[0]);
        ok = ok && s->cache[i].o;
        buf_init(&s->cache[i].plain, CHUNK_PLAIN_MAX);
    }
    buf_init(&s->plain, CHUNK_PLAIN_MAX);
    buf_init(&s->zipped, CHUNK_PLAIN_MAX + 16 * 1024);
    buf_init(&s->body, CHUNK_PLAIN_MAX + 32 * 1024);
    buf_init(&s->head, 64 * 1024); /* a chunk's head, a version */
    return ok ? OK : ERR_LIMIT;
}

static void
close_stream(struct store *s, struct stream *st)
{
    edits_drop(s, st);
    tail_shift(s, st, st->tail_count);
}

void
store_close(struct store *s)
{
    if (!s)
        return;
    if (s->journal.frame)
        store_abandon(s);
    for (uint32_t i = 0; i < s->stream_count; i++)
        close_stream(s, &s->stream[i]);
    for (size_t i = 0; i < s->hot_count; i++)
        free(s->hot[i].record);
    free(s->hot);
    sealed_close(s->sealed);
    journal_close(&s->journal);
    if (s->leaves_fd >= 0)
        close(s->leaves_fd);
    for (size_t i = 0; i < CACHE_CHUNKS; i++) {
        free(s->cache[i].o);
        buf_fini(&s->cache[i].plain);
    }
    buf_fini(&s->plain);
    buf_fini(&s->zipped);
    buf_fini(&s->body);
    buf_fini(&s->head);
    free(s->edits_place);
    free(s->edit);
    free(s->bucket);
    free(s->window);
    free(s->scratch);
    free(s->changed);
    free(s->queue);
    free(s->touched);
    free(s->oldest);
    free(s->hash);
    free(s->stream);
    free(s->leaves);
    zipper_free(s->zipper);
    keys_free(s->keys);
    free(s);
}

static struct seal_name
zone_keys_name(const struct store *s)
{
    return (struct seal_name){SEAL_ZONE_KEYS, s->config.zone, {1}};
}

/* A quarter of the space for the journal, within limits. */
static void
choose_sizes(struct store *s)
{
    uint64_t each = s->config.disk_bytes / 4 / JOURNAL_SEGMENTS_MAX / JOURNAL_FIRST * JOURNAL_FIRST;
    s->meta.segment_count = JOURNAL_SEGMENTS_MAX;
    if (each < SEGMENT_BYTES_MIN) {
        each = SEGMENT_BYTES_MIN;
        s->meta.segment_count = JOURNAL_SEGMENTS_MAX / 2;
    }
    s->meta.segment_bytes = each < SEGMENT_BYTES_MAX ? each : SEGMENT_BYTES_MAX;
    s->meta.low = 1;
}

static void
journal_setup(struct store *s)
{
    s->journal.zone = s->config.zone;
    s->journal.disk = s->config.disk;
    s->journal.random = s->config.random;
    s->journal.clock = s->config.clock;
    s->journal.keys = s->keys;
    s->journal.segment_count = s->meta.segment_count;
    s->journal.segment_bytes = s->meta.segment_bytes;
    s->journal.low = s->meta.low;
}

static enum err
open_leaves(struct store *s)
{
    s->leaves_fd =
        openat(s->config.directory_fd, "leaves", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return s->leaves_fd >= 0 ? OK : disk_error(errno);
}

/* The container's row `meta` is written last: until then there was no store. */
static enum err
create_files(struct store *s)
{
    choose_sizes(s);
    journal_setup(s);
    random_fill(&s->config.random, s->keys->entity, KEY_SIZE);
    random_fill(&s->config.random, s->keys->commit, KEY_SIZE);
    uint8_t both[2 * KEY_SIZE];
    memcpy(both, s->keys->entity, KEY_SIZE);
    memcpy(both + KEY_SIZE, s->keys->commit, KEY_SIZE);
    commitment_key(&s->keys->commitment, s->keys->commit);
    struct seal_name name = zone_keys_name(s);
    seal_put(s->meta.zone_keys, s->keys->wrap, &s->config.random, &name,
             bytes_of(both, sizeof both));
    sodium_memzero(both, sizeof both);
    enum err e = open_leaves(s);
    if (e == OK)
        e = journal_open(&s->journal, s->config.directory_fd, true);
    if (e == OK)
        e = sealed_begin(s->sealed);
    if (e == OK)
        e = sealed_put_meta(s->sealed, &s->meta);
    return e == OK ? sealed_commit(s->sealed) : e;
}

static enum err
open_files(struct store *s)
{
    if (s->meta.segment_count < 2 || s->meta.segment_count > JOURNAL_SEGMENTS_MAX ||
        s->meta.segment_bytes < SEGMENT_BYTES_MIN || s->meta.segment_bytes > SEGMENT_BYTES_MAX ||
        s->meta.low < 1)
        return ERR_CRYPTO;
    uint8_t both[2 * KEY_SIZE];
    struct seal_name name = zone_keys_name(s);
    enum err e = seal_get(both, s->keys->wrap, &name, bytes_of(s->meta.zone_keys, ZONE_KEYS_SIZE));
    if (e != OK)
        return e;
    memcpy(s->keys->entity, both, KEY_SIZE);
    memcpy(s->keys->commit, both + KEY_SIZE, KEY_SIZE);
    commitment_key(&s->keys->commitment, s->keys->commit);
    sodium_memzero(both, sizeof both);
    journal_setup(s);
    e = open_leaves(s);
    return e == OK ? journal_open(&s->journal, s->config.directory_fd, false) : e;
}

static enum err
load_stream(void *ctx, const struct sealed_stream *row)
{
    struct store *s = ctx;
    struct stream *st = streams_find(s, row->id) ? NULL : streams_add(s, row);
    if (!st)
        return ERR_CRYPTO;
    st->stored = st->committed = true;
    struct seal_name name = stream_key_name(s, row);
    if (row->has_key && seal_get(s->keys->stream[stream_index(s, st)], s->keys->wrap, &name,
                                 bytes_of(row->wrapped, WRAPPED_SIZE)) != OK)
        return ERR_CRYPTO;
    return OK;
}

static enum err
load_totals(struct store *s)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < s->stream_count; i++) {
        struct stream *st = &s->stream[i];
        struct sealed_totals t = {0};
        e = sealed_stream_totals(s->sealed, st->row.id, &t);
        if (e == OK)
            e = sealed_first_version(s->sealed, st->row.id, &st->version_us);
        e = e == ERR_NOT_FOUND ? OK : e;
        st->sweep = st->row.erased && (t.count > 0 || st->version_us != INT64_MAX);
        if (st->row.erased || t.count == 0)
            continue;
        st->sealed_count = t.count;
        st->newest_us = t.t1;
        st->span = (struct store_span){t.count, t.t0, t.t1, t.r0, t.r1};
    }
    return e;
}

static enum err
replay_stream(struct store *s, const struct record *r)
{
    if (streams_find(s, r->stream.id))
        return OK; /* in the container already, perhaps destroyed since */
    struct sealed_stream row = {.id = r->stream.id,
                                .meta = r->stream.meta,
                                .has_key = true,
                                .key_from_us = clock_wall_us(&s->config.clock)};
    memcpy(row.wrapped, r->stream.wrapped.p, WRAPPED_SIZE);
    enum err e = load_stream(s, &row);
    if (e != OK)
        return e;
    s->stream[s->stream_count - 1].stored = false;
    s->streams_unstored++;
    return OK;
}

static enum err
replay_observation(struct store *s, uint64_t segment, const struct record *r)
{
    struct stream *st = streams_find(s, r->observation.stream);
    if (!st)
        return ERR_CRYPTO;
    if (st->row.erased || r->observation.n < st->row.sealed_n)
        return OK;
    if (r->observation.n != stream_next_n(st))
        return ERR_CRYPTO;
    enum err e = tail_push(s, st, &r->observation.o);
    if (e == OK)
        tail_commit(s, st, 1, segment);
    return e;
}

/* Of a correction and a withdrawal; `index` counts those of the batch. */
static enum err
replay_edit(struct store *s, uint64_t segment, const struct record *r, uint32_t index)
{
    struct stream *st = streams_find(s, r->observation.stream);
    if (!st)
        return ERR_CRYPTO;
    if (st->row.erased)
        return OK;
    struct pending_edit edit = {stream_index(s, st), r->observation.n, r->observation.at_us, {0}};
    enum err e = s->edits_held > EDITS_MAX / 4 * 3 ? seal_edits_now(s) : OK;
    if (e == OK && r->tag == RECORD_CORRECTION)
        e = point_new(s, &r->observation.o, &edit.now);
    return e == OK ? edit_apply(s, &edit, edit_seq(s->journal.next_batch, index), segment) : e;
}

static enum err
replay_leaves(struct store *s, struct bytes leaves)
{
    enum err e = leaves_write(s, s->tree.size, leaves);
    for (size_t at = 0; at < leaves.len; at += BATCH_LEAF_SIZE)
        tree_add(&s->tree, leaves.p + at);
    return e;
}

static enum err
replay_batch(void *ctx, uint64_t segment, struct bytes plain)
{
    struct store *s = ctx;
    struct batch_reader reader = {.left = plain};
    struct record r;
    uint32_t edits = 0;
    uint8_t root[TREE_HASH_SIZE];
    enum err e = OK;
    while (e == OK && (e = batch_next(&reader, &r)) == OK) {
        switch (r.tag) {
        case RECORD_ENTITY: /* changed often, they may be more than memory had to hold at once */
            if (s->tail_bytes > TAIL_BYTES_MAX / 4 * 3)
                e = seal_entities_now(s);
            if (e == OK)
                e = hot_push(s, r.entity.type, r.entity.id, r.entity.record);
            s->hot_pending = 0;
            break;
        case RECORD_STREAM:
            e = replay_stream(s, &r);
            break;
        case RECORD_OBSERVATION:
            e = replay_observation(s, segment, &r);
            break;
        case RECORD_CORRECTION:
        case RECORD_WITHDRAWAL:
            e = replay_edit(s, segment, &r, edits++);
            break;
        case RECORD_LEAVES:
            e = replay_leaves(s, r.leaves);
            break;
        case RECORD_HEAD:
            tree_root(&s->tree, root);
            if (r.head.size != s->tree.size || memcmp(root, r.head.root.p, sizeof root) != 0)
                e = ERR_CRYPTO;
            break;
        }
    }
    if (e == ERR_NOT_FOUND)
        return OK;
    return e == ERR_MALFORMED ? ERR_CRYPTO : e; /* authentic, but not what we write */
}

/* Leaves of segments that are gone were made durable before they went. */
static enum err
check_leaves(const struct store *s)
{
    struct stat st;
    if (fstat(s->leaves_fd, &st) != 0)
        return ERR_IO;
    return (uint64_t)st.st_size >= leaves_end(s) ? OK : ERR_CRYPTO;
}

static enum err
load_cut(struct store *s)
{
    enum err e = sealed_get_cut(s->sealed, &s->cut, &s->ring);
    if (e == ERR_NOT_FOUND)
        return OK;
    bool good = s->ring >= LEAVES_RING_MIN && s->ring % LEAVES_PIECE == 0 &&
                s->cut.size < 1ULL << TREE_LEVELS;
    return e == OK && !good ? ERR_CRYPTO : e;
}

static enum err
recover(struct store *s)
{
    enum err e = load_cut(s);
    if (e == OK)
        e = sealed_each_stream(s->sealed, load_stream, s);
    if (e == OK)
        e = load_totals(s);
    if (e == OK)
        e = journal_replay(&s->journal, &s->tree, replay_batch, s);
    if (e == OK)
        e = check_leaves(s);
    if (e == OK && s->tree.size < s->cut.size)
        e = ERR_CRYPTO;
    if (e == OK && s->journal.active == 0)
        e = journal_advance(&s->journal, &s->tree);
    batch_restart(s);
    s->disk_used = sealed_bytes(s->sealed);
    return e;
}

enum err
store_open(const struct store_config *config, struct store **out)
{
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_LIMIT;
    s->config = *config;
    s->config.zone[STORE_NAME_SIZE - 1] = 0;
    s->leaves_fd = -1;
    for (size_t i = 0; i < JOURNAL_SEGMENTS_MAX; i++)
        s->journal.segment[i].fd = -1;
    vfs_allow(config->directory_fd, &s->config.disk);
    enum err e = memory(s);
    if (e == OK)
        e = sealed_open(s->config.disk_bytes, &s->sealed);
    if (e == OK) {
        e = sealed_get_meta(s->sealed, &s->meta);
        if (e == ERR_NOT_FOUND)
            e = create_files(s);
        else if (e == OK)
            e = open_files(s);
    }
    if (e == OK)
        e = recover(s);
    vfs_deny();
    if (e != OK) {
        store_close(s);
        return e;
    }
    *out = s;
    return OK;
}

struct entity_call {
    struct store *s;
    store_entity_fn *each;
    void *ctx;
};

static enum err
open_entity(void *ctx, uint8_t type, uint64_t id, struct bytes sealed)
{
    struct entity_call *call = ctx;
    struct buf *b = &call->s->body;
    buf_reset(b);
    if (sealed.len > ENTITY_SEALED_MAX || sealed.len < SEAL_OVERHEAD)
        return ERR_CRYPTO;
    buf_put(b, sealed);
    struct seal_name name = {SEAL_ENTITY, call->s->config.zone, {type, id}};
    uint8_t *plain = b->p + SEAL_NONCE_SIZE;
    enum err e = seal_get(plain, call->s->keys->entity, &name, buf_bytes(b));
    if (e == OK)
        call->each(call->ctx, type, id, bytes_of(plain, b->len - SEAL_OVERHEAD));
    return e;
}

enum err
store_each_entity(struct store *s, store_entity_fn *each, void *ctx)
{
    enum err e = OK;
    if (s->hot_count > s->hot_pending)
        e = seal_entities_now(s);
    struct entity_call call = {s, each, ctx};
    return e == OK ? sealed_each_entity(s->sealed, open_entity, &call) : e;
}
