#include "tests/signals/fast/page.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

extern const char fast_mark[];
const char fast_mark[] = FAST_MARK; /* found by whoever searches a binary for it */

_Static_assert(sizeof(struct page) <= PAGE_BYTES, "the file has one page");

static void __attribute__((noreturn)) give_up(const char *path)
{
    fprintf(stderr, "event=no-fast-clock file=%s\n", path);
    _exit(1);
}

struct page *
page_open(void)
{
    enum { PATH_SIZE = 4096 };
    const char *program = (const char *)(uintptr_t)getauxval(AT_EXECFN);
    const char *end = program ? strrchr(program, '/') : NULL;
    char path[PATH_SIZE];
    if (!end || snprintf(path, sizeof(path), "%.*s/%s", (int)(end - program), program, PAGE_FILE) >=
                    PATH_SIZE)
        give_up(PAGE_FILE);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *at =
        fd < 0 ? MAP_FAILED : mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        give_up(path);
    close(fd);
    return at;
}

uint64_t
page_machine_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int64_t
machine_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct times {
    uint64_t stepped, offset_ms, base_ms, moved_ms;
    int64_t wall_less_mono_us;
};

/* Times that belong together: the street may be moving them just now. */
static struct times
times_of(const struct page *p)
{
    for (;;) {
        uint64_t before = atomic_load(&p->sequence);
        struct times t = {atomic_load(&p->stepped), atomic_load(&p->offset_ms),
                          atomic_load(&p->base_ms), atomic_load(&p->moved_ms),
                          atomic_load(&p->wall_less_mono_us)};
        if (before % 2 == 0 && atomic_load(&p->sequence) == before)
            return t;
    }
}

static uint64_t
mono_of(const struct times *t)
{
    uint64_t machine_ms = page_machine_us() / 1000;
    if (!t->stepped)
        return machine_ms + t->offset_ms;
    uint64_t since_ms = machine_ms > t->moved_ms ? machine_ms - t->moved_ms : 0;
    return t->base_ms + (since_ms > PAGE_PATIENCE_MS ? since_ms - PAGE_PATIENCE_MS : 0);
}

uint64_t
page_mono_ms(const struct page *p)
{
    struct times t = times_of(p);
    return mono_of(&t);
}

int64_t
page_wall_us(const struct page *p)
{
    struct times t = times_of(p);
    if (!t.stepped)
        return machine_wall_us() + (int64_t)t.offset_ms * 1000;
    return (int64_t)mono_of(&t) * 1000 + t.wall_less_mono_us;
}

void
page_stop_flowing(struct page *p)
{
    uint64_t now_ms = page_mono_ms(p);
    int64_t wall_us = page_wall_us(p);
    atomic_fetch_add(&p->sequence, 1);
    atomic_store(&p->base_ms, now_ms);
    atomic_store(&p->moved_ms, page_machine_us() / 1000);
    atomic_store(&p->wall_less_mono_us, wall_us - (int64_t)now_ms * 1000);
    atomic_store(&p->stepped, 1);
    atomic_fetch_add(&p->sequence, 1);
}

void
page_move(struct page *p, uint64_t to_ms)
{
    uint64_t now_ms = page_mono_ms(p);
    atomic_fetch_add(&p->sequence, 1);
    atomic_store(&p->base_ms, to_ms > now_ms ? to_ms : now_ms);
    atomic_store(&p->moved_ms, page_machine_us() / 1000);
    atomic_fetch_add(&p->steps, 1);
    atomic_fetch_add(&p->sequence, 1);
}

void
page_flow(struct page *p)
{
    uint64_t now_ms = page_mono_ms(p);
    atomic_fetch_add(&p->sequence, 1);
    atomic_store(&p->offset_ms, now_ms - page_machine_us() / 1000);
    atomic_store(&p->stepped, 0);
    atomic_fetch_add(&p->sequence, 1);
}
