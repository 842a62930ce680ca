/* durable_test.c -- what was committed is on the disk, not only in the kernel. */
#include "store/embedded/place.h"

#include "base/test_disk.h"

#include <sys/syscall.h>

static struct test_disk watched;

/* SQLite writes through the store's disk, and syncs with this. */
int fdatasync(int fd);
int
fdatasync(int fd)
{
    CHECK(fd >= 0 && fd < TEST_DISK_FILES);
    watched.unsynced[fd] = 0;
    return (int)syscall(SYS_fdatasync, fd);
}

TEST(committed_means_synced)
{
    struct store_stream meta = {"vehicle-position", "hall", 0, true};
    struct place p;
    place_init(&p);
    store_close(p.s);
    p.config.disk = test_disk(&watched);
    place_open(&p);
    CHECK(test_disk_is_durable(&watched)); /* the new segment's header with its key */
    CHECK_OK(store_add_stream(p.s, 1, &meta));
    CHECK_OK(store_commit(p.s));
    for (int i = 0; i < 20; i++) {
        uint32_t before = watched.writes;
        struct observation o = {.time_us = T0 + i,
                                .time_end_us = T0 + i,
                                .result_time_us = T0 + i,
                                .kind = RESULT_NUMBER,
                                .number = i};
        uint64_t n;
        CHECK_OK(store_append(p.s, 1, &o, false, &n));
        CHECK_OK(store_commit(p.s));
        CHECK(watched.writes > before && test_disk_is_durable(&watched));
    }
    place_fini(&p);
}
