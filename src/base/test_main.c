#include "base/test.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { TESTS_MAX = 256 };
static struct CMUnitTest tests[TESTS_MAX];
static size_t tests_count;

void
test_register(const char *name, void (*run)(void **state))
{
    ASSERT(tests_count < TESTS_MAX);
    tests[tests_count++] = (struct CMUnitTest){.name = name, .test_func = run};
}

void
test_fail(const char *what, const char *file, int line)
{
    print_error("CHECK(%s) failed\n", what);
    _fail(file, line);
    abort();
}

struct bytes
test_exact(struct bytes from)
{
    uint8_t *p = malloc(from.len ? from.len : 1);
    ASSERT(p);
    if (from.len)
        memcpy(p, from.p, from.len);
    return bytes_of(p, from.len);
}

void
test_exact_free(struct bytes exact)
{
    free((void *)(uintptr_t)exact.p);
}

static int
remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

void
test_remove_tree(const char *path)
{
    CHECK(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

void __asan_init(void) __attribute__((weak)); /* there when the sanitizer is */

bool
test_sanitized(void)
{
    return __asan_init != NULL;
}

uint64_t
test_seed(void)
{
    static uint64_t seed;
    if (seed == 0) {
        const char *text = getenv("BULKHEAD_SEED");
        seed = text ? strtoull(text, NULL, 0) : 20261124;
        printf("seed %llu (BULKHEAD_SEED=N for another)\n", (unsigned long long)seed);
    }
    return seed;
}

int
main(int argc, char **argv)
{
    (void)argc;
    return _cmocka_run_group_tests(argv[0], tests, tests_count, NULL, NULL);
}
