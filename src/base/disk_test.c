/* disk_test.c -- the real disk: short writes are gone on with, failures say why. */
#include "base/disk.h"

#include "base/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static int
scratch(void)
{
    char path[] = "/tmp/bulkhead-disk-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && unlink(path) == 0);
    return fd;
}

TEST(a_full_disk_says_so)
{
    struct disk d = disk_system();
    int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(disk_write_at(&d, fd, bytes_text("x"), 0) == ERR_NO_SPACE);
    close(fd);
}

/* The kernel writes up to the limit and says how much: a short write, and then none. */
TEST(a_short_write_is_gone_on_with_until_it_fails)
{
    struct disk d = disk_system();
    struct rlimit before, small = {.rlim_cur = 100};
    static uint8_t what[300], back[300];
    size_t got;
    memset(what, 7, sizeof(what));
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    int fd = scratch();
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    enum err e = disk_write_at(&d, fd, bytes_of(what, sizeof(what)), 0);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(e == ERR_LIMIT);
    CHECK_OK(disk_read_at(&d, fd, back, sizeof(back), 0, &got));
    CHECK(got == 100 && memcmp(back, what, got) == 0);
    close(fd);
}

TEST(a_file_without_write_rights_is_an_error)
{
    struct disk d = disk_system();
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(disk_write_at(&d, fd, bytes_text("x"), 0) == ERR_IO);
    close(fd);
}

/* The bytes stay the same, and each of the range is written. */
static uint8_t written[200000];
static uint32_t syncs;

static enum err
note_write(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    const struct disk *below = ctx;
    memset(written + offset, 1, what.len);
    return disk_write_at(below, fd, what, offset);
}
static enum err
plain_read(void *ctx, int fd, void *to, size_t len, uint64_t offset, size_t *out_len)
{
    return disk_read_at((const struct disk *)ctx, fd, to, len, offset, out_len);
}
static enum err
note_sync(void *ctx, int fd)
{
    (void)ctx, (void)fd;
    syncs++;
    return OK;
}

TEST(writing_again_writes_all_of_the_range_and_changes_nothing)
{
    struct disk below = disk_system();
    struct disk d = {note_write, plain_read, note_sync, &below};
    static uint8_t what[150000], back[200000];
    size_t got;
    for (size_t i = 0; i < sizeof(what); i++)
        what[i] = (uint8_t)(i * 31);
    int fd = scratch();
    CHECK_OK(disk_write_at(&below, fd, bytes_of(what, sizeof(what)), 0));
    CHECK_OK(disk_write_again(&d, fd, 1000, 180000)); /* the file ends before */
    for (size_t i = 0; i < sizeof(written); i++)
        CHECK(written[i] == (i >= 1000 && i < sizeof(what)));
    CHECK(syncs == 1);
    CHECK_OK(disk_read_at(&below, fd, back, sizeof(back), 0, &got));
    CHECK(got == sizeof(what) && memcmp(back, what, got) == 0);
    close(fd);
}
