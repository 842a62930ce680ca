/*
 * city.c -- what makes a program of a production city one of a fast city, at link time and nowhere
 * else: its clock is the page's, and it says there when it has nothing to do.
 *
 * The page is opened before main(), long before the sandbox closes; the walls are the production
 * ones. No production program links this object; tests/binaries/run looks for its mark.
 */
#include <sys/epoll.h>

#include "base/clock.h"
#include "tests/signals/fast/page.h"

enum { LOOK_MS = 1 }; /* how long a wait for events may miss that time has moved on */

static struct page *page;
static struct page_slot *slot;
static uint64_t steps_seen; /* before the timers ran last */
static uint64_t work;

static void __attribute__((constructor)) take_slot(void)
{
    page = page_open();
    uint64_t i = atomic_fetch_add(&page->slots_count, 1);
    ASSERT(i < PAGE_SLOTS_MAX);
    slot = &page->slots[i];
}

static uint64_t
mono_ms(void *ctx)
{
    return page_mono_ms(ctx);
}

static int64_t
wall_us(void *ctx)
{
    return page_wall_us(ctx);
}

struct clock_source __wrap_clock_system(void);
struct clock_source
__wrap_clock_system(void)
{
    return (struct clock_source){mono_ms, wall_us, page};
}

/*
 * runtime/loop.c runs its timers between two calls of this. So a program is idle when it has no
 * event, is content to wait, and its timers ran after time was moved last.
 */
int __real_epoll_wait(int fd, struct epoll_event *events, int max, int wait_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int wait_ms);
int
__wrap_epoll_wait(int fd, struct epoll_event *events, int max, int wait_ms)
{
    uint64_t question = atomic_load(&page->question);
    int n = __real_epoll_wait(fd, events, max, 0);
    if (n == 0 && wait_ms != 0) {
        if (atomic_load(&page->steps) == steps_seen) {
            atomic_store(&slot->work, work);
            atomic_store(&slot->answered, question);
        }
        n = __real_epoll_wait(fd, events, max,
                              wait_ms < 0 || wait_ms > LOOK_MS ? LOOK_MS : wait_ms);
    }
    work += n > 0;
    steps_seen = atomic_load(&page->steps);
    return n;
}
