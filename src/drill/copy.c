#include "drill/copy.h"

#include "authority/city_keys.h"

#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum err
copy_make(struct copy *c, const struct charter *original, const char *libexec)
{
    char why[400];
    c->charter = *original;
    for (uint32_t z = 0; z < c->charter.zones_count; z++)
        for (uint32_t i = 0; i < c->charter.zones[z].listen_count; i++)
            c->charter.zones[z].listen[i].port = 0;
    snprintf(c->state, sizeof(c->state), "/tmp/bulkhead-drill-XXXXXX");
    if (!mkdtemp(c->state)) {
        fprintf(stderr, "bulkhead: cannot make a temporary directory: %s\n", strerror(errno));
        c->state[0] = '\0';
        return ERR_IO;
    }
    enum err e = city_keys_make(&c->charter, c->state, why, sizeof(why));
    if (e != OK) {
        fprintf(stderr, "bulkhead: %s\n", why);
        return e;
    }
    plan_list(&c->plan, &c->charter, c->state, libexec);
    return OK;
}

static uint16_t
port_of(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    /* Both families keep the port at the same place. */
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

/* The ports that the kernel chose, so that links and clients name them: ends stand in the order of
 * the charter's listeners. */
static void
learn_ports(struct copy *c)
{
    for (uint32_t z = 0; z < c->charter.zones_count; z++) {
        struct charter_zone *zone = &c->charter.zones[z];
        uint32_t next = 0;
        for (size_t i = 0; i < c->plan.ends_count && next < zone->listen_count; i++) {
            const struct plan_end *end = &c->plan.ends[i];
            bool listens = end->role == FD_LISTEN_HTTPS || end->role == FD_LISTEN_MQTTS;
            if (listens && end->process != PLAN_SUPERVISOR &&
                c->plan.processes[end->process].zone == (int32_t)z)
                zone->listen[next++].port = port_of(end->fd);
        }
    }
}

enum err
copy_open(struct copy *c)
{
    enum err e = plan_open(&c->plan);
    if (e != OK)
        fprintf(stderr, "bulkhead: %s\n", c->plan.why);
    else
        learn_ports(c);
    return e;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

void
copy_close(struct copy *c)
{
    plan_close(&c->plan);
    if (c->state[0])
        nftw(c->state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    c->state[0] = '\0';
}
