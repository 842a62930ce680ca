#include "field/common/seen.h"

#include "base/test.h"

#include <fcntl.h>
#include <unistd.h>

static char folder[] = "/tmp/bulkhead-seen-XXXXXX";

static void
put(const char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/sequence", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

TEST(the_highest_number_is_there_after_a_restart)
{
    uint64_t n = 9;
    CHECK(mkdtemp(folder));
    CHECK_OK(seen_read(folder, &n));
    CHECK(n == 0); /* none yet */
    CHECK_OK(seen_write(folder, 17));
    CHECK_OK(seen_read(folder, &n));
    CHECK(n == 17);
    CHECK_OK(seen_write(folder, UINT64_MAX));
    CHECK_OK(seen_read(folder, &n));
    CHECK(n == UINT64_MAX);
    static const char *const bad[] = {
        "", "17", "17\n17\n", "-1\n", "17 \n", "x\n", "18446744073709551616\n"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        put(bad[i]);
        CHECK(seen_read(folder, &n) == ERR_MALFORMED);
    }
    test_remove_tree(folder);
    CHECK(seen_read(folder, &n) == ERR_IO);
    CHECK(seen_write(folder, 1) == ERR_IO);
}
