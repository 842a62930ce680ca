/*
 * leaves_test.c -- the leaves are a ring: the root goes on whatever was cut, also after a crash, a
 * dump and the way back.
 */
#include "store/embedded/place.h"

#include "base/test.h"
#include "store/embedded/dump.h"
#include "store/embedded/embedded.h"

enum { BATCH = 5000, SIZES_MAX = 200 };

/* The roots as they were committed. */
static struct {
    uint64_t size;
    uint8_t root[32];
} heads[SIZES_MAX];
static size_t head_count;

static void
decide(struct place *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK_OK(store_decide(p->s, bytes_of(&i, sizeof i)));
    CHECK_OK(store_commit(p->s));
    store_head(p->s, &heads[head_count].size, heads[head_count].root);
    head_count++;
}

static void
check_heads(struct place *p)
{
    struct dump_tree *t = dump_tree_new(p->s);
    uint8_t root[32];
    size_t cut = 0;
    for (size_t i = 0; i < head_count; i++) {
        enum err e = dump_tree_at(t, heads[i].size, root);
        if (e == ERR_EXPIRED) {
            CHECK(heads[i].size < p->s->cut.size);
            cut++;
            continue;
        }
        CHECK_OK(e);
        CHECK(memcmp(root, heads[i].root, sizeof root) == 0);
    }
    CHECK(dump_tree_at(t, UINT64_MAX, root) == ERR_NOT_FOUND);
    CHECK(cut < head_count);
    dump_tree_free(t);
}

static void
check_file(struct place *p)
{
    struct stat st;
    CHECK(fstatat(p->fd, "leaves", &st, 0) == 0);
    CHECK(st.st_size <= (off_t)LEAVES_RING_MIN * BATCH_LEAF_SIZE);
}

struct pieces {
    struct undump *u;
    size_t count;
};
static enum err
take_piece(void *ctx, struct bytes piece)
{
    struct pieces *p = ctx;
    p->count++;
    return undump_leaves(p->u, piece);
}

static enum err
take_part(void *ctx, struct bytes part)
{
    return undump_part(ctx, part);
}
static enum err
take_keys(void *ctx, int64_t until_s, struct bytes part)
{
    (void)until_s;
    return undump_part(ctx, part);
}

static void
brought_back(struct place *p)
{
    struct place q;
    struct pieces pieces = {0};
    place_init(&q);
    store_close(q.s);
    q.s = NULL;
    place_empty(&q);
    CHECK_OK(undump_open(&q.config, &pieces.u));
    CHECK_OK(dump_rows(p->s, take_part, pieces.u));
    CHECK_OK(dump_keys(p->s, T0 / 1000000, take_keys, pieces.u));
    CHECK_OK(dump_leaves(p->s, take_piece, &pieces));
    CHECK(pieces.count >= 2);
    CHECK_OK(undump_finish(pieces.u));
    undump_close(pieces.u);
    place_open(&q);
    check_heads(&q);
    decide(&q, BATCH); /* and it goes on */
    place_reopen(&q);
    check_heads(&q);
    head_count--;
    place_fini(&q);
}

TEST(the_file_of_leaves_stays_as_large_as_it_is)
{
    struct place p;
    bool more;
    place_init(&p);
    head_count = 0;
    for (int i = 0; i < 120; i++) {
        decide(&p, BATCH);
        /* at first upkeep cuts, then the commit itself must */
        for (int k = 0; k < 8 && i < 70; k++)
            CHECK_OK(store_maintain(p.s, &more));
        if (i % 9 == 8) {
            place_reopen(&p);
            check_heads(&p);
        }
    }
    check_file(&p);
    check_heads(&p);
    CHECK(p.s->cut.size > 300000);
    brought_back(&p);
    more = true;
    p.clock.wall_us += (int64_t)3600 * 1000000;
    while (more)
        CHECK_OK(store_maintain(p.s, &more));
    place_reopen(&p);
    check_heads(&p);
    place_fini(&p);
}

TEST(leaves_of_before_stay_where_they_are)
{
    struct place p;
    place_init(&p);
    head_count = 0;
    p.s->ring = 64 * LEAVES_PIECE; /* as if a ring were far away: an earlier program knew none */
    for (int i = 0; i < 40; i++)
        decide(&p, BATCH);
    p.s->ring = 0;
    place_reopen(&p);
    check_heads(&p);
    bool more = true;
    while (more)
        CHECK_OK(store_maintain(p.s, &more));
    CHECK(p.s->cut.size > 0 && p.s->ring >= 200000);
    for (int i = 0; i < 60; i++)
        decide(&p, BATCH);
    place_reopen(&p);
    check_heads(&p);
    place_fini(&p);
}
