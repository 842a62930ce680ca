/*
 * place.h -- for tests: a store in a directory of its own.
 */
#ifndef STORE_EMBEDDED_PLACE_H
#define STORE_EMBEDDED_PLACE_H

#include "store/store.h"

#include "base/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A store in a directory of its own, with a seed for all that is random and a clock that stands. */
enum { DISK_BYTES = 64 * 1024 * 1024 };
static const int64_t T0 = 1700000000000000;

struct place {
    char path[64];
    int fd;
    struct clock_fake clock;
    struct random_seeded seeded;
    struct store_config config;
    struct store *s;
};

static inline void
place_open(struct place *p)
{
    CHECK_OK(store_open(&p->config, &p->s));
}

static inline void
place_init_in(struct place *p, const char *folder)
{
    *p = (struct place){.seeded = {test_seed()}};
    snprintf(p->path, sizeof p->path, "%s/store-test-XXXXXX", folder);
    CHECK(mkdtemp(p->path));
    p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(p->fd >= 0);
    p->clock.wall_us = T0;
    p->config = (struct store_config){.zone = "bikes",
                                      .directory_fd = p->fd,
                                      .master_key = {1, 2, 3},
                                      .disk_bytes = DISK_BYTES,
                                      .clock = clock_fake_source(&p->clock),
                                      .random = random_seeded_source(&p->seeded),
                                      .disk = disk_system()};
    place_open(p);
}

static inline void
place_init(struct place *p)
{
    place_init_in(p, "/tmp");
}

static inline void
place_reopen(struct place *p)
{
    store_close(p->s);
    p->s = NULL;
    place_open(p);
}

/* An empty directory again. */
static inline void
place_empty(const struct place *p)
{
    static const char *const names[] = {"leaves",    "store.db",  "store.db-wal", "journal.0",
                                        "journal.1", "journal.2", "journal.3",    "journal.4",
                                        "journal.5", "journal.6", "journal.7"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        unlinkat(p->fd, names[i], 0);
}

static inline void
place_fini(struct place *p)
{
    store_close(p->s);
    place_empty(p);
    close(p->fd);
    CHECK(rmdir(p->path) == 0); /* nothing else was left there */
}

#endif
