/* hold_test.c -- while a copy is made, the container's main file stands still. */
#include "store/embedded/place.h"

/* Twelve megabytes of entities, written over once. */
static void
write_much(struct place *p)
{
    static uint8_t record[60 * 1024];
    bool more = true;
    for (uint64_t id = 0; id < 200; id++) {
        memset(record, (int)id, sizeof record);
        CHECK_OK(store_put_entity(p->s, 1, 1 + id % 100, bytes_of(record, sizeof record)));
        CHECK_OK(store_commit(p->s));
        CHECK_OK(store_maintain(p->s, &more));
    }
}

static bool
stood_still(struct place *p)
{
    struct stat before, after;
    CHECK(fstatat(p->fd, "store.db", &before, 0) == 0);
    write_much(p);
    CHECK(fstatat(p->fd, "store.db", &after, 0) == 0);
    return before.st_size == after.st_size && before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
           before.st_mtim.tv_nsec == after.st_mtim.tv_nsec;
}

TEST(the_main_file_stands_still_while_it_is_held)
{
    struct place p;
    place_init(&p);
    CHECK(!stood_still(&p));
    store_hold(p.s, 1000);
    CHECK(stood_still(&p));
    p.clock.mono_ms += 1000; /* nobody asked again */
    CHECK(!stood_still(&p));
    store_hold(p.s, 1000);
    store_hold(p.s, 0);
    CHECK(!stood_still(&p));
    place_reopen(&p);
    place_fini(&p);
}

TEST(a_hold_ends_before_the_write_ahead_file_is_too_large)
{
    struct place p;
    place_init(&p);
    store_hold(p.s, UINT32_MAX);
    uint32_t rounds = 0;
    while (stood_still(&p))
        CHECK(++rounds < 10);
    CHECK(rounds >= 2);
    place_fini(&p);
}
