#include "drills/messages/play.h"

#include <stdarg.h>
#include <sys/random.h>
#include <unistd.h>

struct play play;
static uint64_t seed;

void
test_register(const char *name, void (*run)(void **state))
{
    (void)name, (void)run; /* the tests of an included harness are not run here */
}

void
test_fail(const char *what, const char *file, int line)
{
    printf("%s: FAILED after %llu messages, seed %llu\n%s:%d: %s\n", receiver_this.name,
           (unsigned long long)play.maker.made, (unsigned long long)seed, file, line, what);
    fflush(stdout);
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

void
test_remove_tree(const char *path)
{
    char command[200];
    snprintf(command, sizeof(command), "rm -rf -- '%s'", path);
    CHECK(system(command) == 0);
}

uint64_t
test_seed(void)
{
    return seed;
}

void
play_count(enum err e)
{
    *(e == OK ? &play.taken : &play.refused) += 1;
}

static uint64_t
option(int argc, char **argv, const char *name, uint64_t otherwise)
{
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], name) == 0)
            return strtoull(argv[i + 1], NULL, 10);
    return otherwise;
}

int
main(int argc, char **argv)
{
    uint32_t chosen;
    CHECK(getrandom(&chosen, sizeof(chosen), 0) == sizeof(chosen));
    seed = option(argc, argv, "--seed", chosen);
    uint64_t messages = option(argc, argv, "--messages", 10000);
    maker_init(&play.maker, seed, receiver_this.table, receiver_this.first_id,
               receiver_this.last_id, receiver_this.fill);
    receiver_this.start();
    while (play.maker.made < messages)
        receiver_this.step();
    receiver_this.stop();
    const struct maker *m = &play.maker;
    printf(
        "%-10s from %-22s %9llu messages (%llu replayed, %llu foreign, %llu changed) %9llu taken "
        "%9llu refused %8llu effects %10llu checks, seed %llu\n",
        receiver_this.name, receiver_this.who_is_breached, (unsigned long long)m->made,
        (unsigned long long)m->replayed, (unsigned long long)m->foreign,
        (unsigned long long)m->changed, (unsigned long long)play.taken,
        (unsigned long long)play.refused, (unsigned long long)play.effects,
        (unsigned long long)play.checks, (unsigned long long)seed);
    maker_fini(&play.maker);
    return 0;
}
