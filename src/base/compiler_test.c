/* compiler_test.c -- flags that we build with must not break what the language promises. */
#include "base/test.h"

struct hash {
    uint8_t b[32];
};
struct path {
    struct hash hashes[63];
    uint32_t count;
};
struct holder {
    uint64_t first;
    struct path path; /* 2020 bytes: padding behind it */
    struct bytes last;
};

__attribute__((noinline)) static struct path
make_path(void)
{
    struct path p = {.count = 63};
    memset(p.hashes, 0xab, sizeof(p.hashes));
    return p;
}

/* gcc 12 with -ftrivial-auto-var-init clears 4 bytes of the first hash here, at any -O. */
TEST(what_is_initialised_stays)
{
    struct path p = make_path();
    struct bytes text = bytes_text("x");
    struct holder h = {7, p, text};
    const struct holder *volatile seen = &h; /* or it is never built in memory */
    CHECK(seen->first == 7 && seen->path.count == 63 && seen->last.len == 1);
    CHECK(memcmp(seen->path.hashes, p.hashes, sizeof(p.hashes)) == 0);
}
