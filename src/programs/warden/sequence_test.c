#include "programs/warden/sequence.h"
#include "base/test.h"
#include "base/test_disk.h"

#include <stdio.h>
#include <unistd.h>

static int
scratch(void)
{
    char path[] = "/tmp/bulkhead-sequence-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    unlink(path);
    return fd;
}

TEST(numbers_go_on_after_every_restart_and_never_repeat)
{
    struct disk disk = disk_system();
    int fd = scratch();
    uint64_t last = 0;
    for (int start = 0; start < 50; start++) {
        struct sequence s;
        CHECK_OK(sequence_open(&s, &disk, fd));
        CHECK(s.first_start == (start == 0));
        for (int i = 0; i < 37 * start; i++) {
            uint64_t n;
            CHECK_OK(sequence_take(&s, &n));
            CHECK(n > last);
            last = n;
        }
        uint64_t n;
        CHECK_OK(sequence_take(&s, &n));
        CHECK(n > last);
        last = n;
    }
    close(fd);
}

/* Tear the k-th write after `keep` bytes, then never write again. */
struct tear {
    struct disk below;
    int writes_left;
    size_t keep;
};

static enum err
torn_write(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    struct tear *t = ctx;
    if (t->writes_left-- > 0)
        return disk_write_at(&t->below, fd, what, offset);
    if (t->writes_left == -1)
        CHECK_OK(disk_write_at(&t->below, fd, bytes_of(what.p, t->keep), offset));
    return ERR_IO;
}

static enum err
plain_read(void *ctx, int fd, void *to, size_t len, uint64_t offset, size_t *out_len)
{
    struct tear *t = ctx;
    return disk_read_at(&t->below, fd, to, len, offset, out_len);
}

static enum err
plain_sync(void *ctx, int fd)
{
    struct tear *t = ctx;
    return disk_sync(&t->below, fd);
}

TEST(a_torn_write_loses_no_number)
{
    for (int good = 0; good < 4; good++) {
        for (size_t keep = 0; keep < SEQUENCE_SLOT; keep++) {
            struct tear tear = {disk_system(), good, keep};
            struct disk disk = {torn_write, plain_read, plain_sync, &tear};
            struct sequence s;
            int fd = scratch();
            uint64_t n, last = 0;
            CHECK_OK(sequence_open(&s, &disk, fd));
            while (sequence_take(&s, &n) == OK)
                last = n;
            struct disk whole = disk_system();
            CHECK_OK(sequence_open(&s, &whole, fd));
            CHECK_OK(sequence_take(&s, &n));
            CHECK(n > last);
            close(fd);
        }
    }
}

TEST(a_number_is_given_only_when_its_reservation_is_durable)
{
    static struct test_disk watched;
    struct disk disk = test_disk(&watched);
    struct sequence s;
    int fd = scratch();
    uint64_t n;
    CHECK_OK(sequence_open(&s, &disk, fd));
    for (int i = 0; i < 3 * SEQUENCE_BLOCK; i++) {
        CHECK_OK(sequence_take(&s, &n));
        CHECK(test_disk_is_durable(&watched));
    }
    CHECK(watched.writes >= 3);
    close(fd);
}

/* A backup is put back: the numbers that were given since are given again, unless a device tells.
 */
TEST(an_old_backup_goes_on_above_what_a_device_took)
{
    struct disk disk = disk_system();
    struct sequence s;
    uint8_t backup[2 * SEQUENCE_SLOT];
    size_t len;
    uint64_t n = 0;
    int fd = scratch();
    CHECK_OK(sequence_open(&s, &disk, fd));
    CHECK_OK(sequence_take(&s, &n));
    CHECK_OK(disk_read_at(&disk, fd, backup, sizeof(backup), 0, &len));
    for (int i = 0; i < 5000; i++)
        CHECK_OK(sequence_take(&s, &n));
    uint64_t last = n;
    CHECK(ftruncate(fd, 0) == 0);
    CHECK_OK(disk_write_at(&disk, fd, bytes_of(backup, len), 0));
    CHECK_OK(sequence_open(&s, &disk, fd));
    CHECK(s.next <= last);
    CHECK_OK(sequence_raise(&s, last));
    CHECK_OK(sequence_take(&s, &n));
    CHECK(n > last);
    CHECK_OK(sequence_raise(&s, last)); /* again: nothing to do */
    CHECK_OK(sequence_take(&s, &n));
    CHECK(n == last + 2);
    CHECK_OK(sequence_open(&s, &disk, fd)); /* a restart does not fall back */
    CHECK(s.next > n);
    CHECK(sequence_raise(&s, s.next + SEQUENCE_JUMP_MAX) == ERR_LIMIT);
    CHECK(sequence_raise(&s, UINT64_MAX) == ERR_LIMIT);
    uint64_t before = s.next;
    CHECK_OK(sequence_take(&s, &n));
    CHECK(n == before);
    close(fd);
}

TEST(a_file_with_two_bad_slots_is_refused)
{
    struct disk disk = disk_system();
    struct sequence s;
    int fd = scratch();
    uint8_t junk[2 * SEQUENCE_SLOT] = {1};
    CHECK_OK(disk_write_at(&disk, fd, bytes_of(junk, sizeof(junk)), 0));
    CHECK(sequence_open(&s, &disk, fd) == ERR_CRYPTO);
    close(fd);
}
