#include "witness/seen.h"
#include "base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static void
make_folder(struct seen *s)
{
    snprintf(folder, sizeof(folder), "/tmp/witness-seen-XXXXXX");
    CHECK(mkdtemp(folder));
    CHECK_OK(seen_open(s, folder));
}

static void
remove_folder(struct seen *s)
{
    seen_close(s);
    test_remove_tree(folder);
}

static enum err
content_is(const struct seen *s, const char *file, const char *expected)
{
    struct buf b;
    buf_init(&b, 4096);
    enum err e = seen_read(s, file, &b);
    if (e == OK && !bytes_are(buf_bytes(&b), expected))
        e = ERR_MALFORMED;
    buf_fini(&b);
    return e;
}

TEST(what_was_kept_is_read_back)
{
    struct seen s;
    make_folder(&s);
    CHECK(content_is(&s, "a", "") == ERR_NOT_FOUND);
    CHECK_OK(seen_keep(&s, "a", bytes_text("first, and longer")));
    CHECK_OK(seen_keep(&s, "a", bytes_text("second")));
    CHECK_OK(content_is(&s, "a", "second"));
    char long_text[3001];
    memset(long_text, 'x', 3000);
    long_text[3000] = '\0';
    CHECK_OK(seen_keep(&s, "b", bytes_text(long_text)));
    CHECK_OK(content_is(&s, "b", long_text));
    struct buf small;
    buf_init(&small, 2999);
    CHECK(seen_read(&s, "b", &small) == ERR_LIMIT);
    buf_fini(&small);
    remove_folder(&s);
}

TEST(one_witness_a_folder)
{
    struct seen s, second;
    make_folder(&s);
    CHECK(seen_open(&second, folder) == ERR_EXISTS);
    seen_close(&s);
    CHECK_OK(seen_open(&second, folder));
    CHECK(seen_open(&s, "/nowhere/at/all") == ERR_IO);
    remove_folder(&second);
}

/* The n-th write or sync fails: what was there before stays, whole, unless all was done. */
struct faulty {
    struct disk real;
    uint32_t left;
    bool torn;
};

static enum err
faulty_write(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    struct faulty *f = ctx;
    if (f->left-- > 0)
        return disk_write_at(&f->real, fd, what, offset);
    enum err e = disk_write_at(&f->real, fd, bytes_of(what.p, what.len / 2), offset);
    CHECK(e == OK);
    f->torn = true;
    return ERR_IO;
}

static enum err
faulty_sync(void *ctx, int fd)
{
    struct faulty *f = ctx;
    return f->left-- > 0 ? disk_sync(&f->real, fd) : ERR_IO;
}

TEST(a_failing_disk_leaves_the_old_file_or_the_new_one)
{
    struct seen s;
    make_folder(&s);
    for (uint32_t n = 0; n < 3; n++) {
        struct faulty f = {.real = disk_system(), .left = n};
        CHECK_OK(seen_keep(&s, "a", bytes_text("the old content")));
        s.disk = (struct disk){faulty_write, f.real.read_at, faulty_sync, &f};
        CHECK(seen_keep(&s, "a", bytes_text("new")) == ERR_IO);
        s.disk = f.real;
        CHECK(f.torn == (n == 0));
        CHECK_OK(content_is(&s, "a", n < 2 ? "the old content" : "new"));
    }
    remove_folder(&s);
}

/* Killed at any moment: the file is one of the two, whole. */
TEST(a_killed_witness_leaves_a_whole_file)
{
    struct seen s;
    make_folder(&s);
    CHECK_OK(seen_keep(&s, "a", bytes_text("0000000000")));
    for (int round = 0; round < 20; round++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            for (char c = '0';; c = (char)(c == '9' ? '0' : c + 1)) {
                char text[11] = {c, c, c, c, c, c, c, c, c, c, 0};
                if (seen_keep(&s, "a", bytes_text(text)) != OK)
                    _exit(1);
            }
        }
        usleep(2000 + (useconds_t)round * 300);
        CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
        struct buf b;
        buf_init(&b, 64);
        CHECK_OK(seen_read(&s, "a", &b));
        CHECK(b.len == 10 && memcmp(b.p, b.p + 1, 9) == 0);
        buf_fini(&b);
    }
    remove_folder(&s);
}
