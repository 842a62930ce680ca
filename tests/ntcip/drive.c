/*
 * drive.c -- stands where the city half stands: starts the street half of a cabinet, gives it
 * wishes and prints what it reports.
 *
 *   drive CABINET    reads "wish STAGE MILLISECONDS" lines (STAGE -1: none); "end", or the end of
 *                    input, closes the pair as a city half that ended
 *
 * Output, a line each: "pid N", "confined WALLS LANDLOCK", and once a second
 * "report KEY=VALUE ...".
 */
#include "field/ntcip/cabinet.h"
#include "field/ntcip/control.h"
#include "field/ntcip/halves.h"
#include "field/ntcip/reading.h"
#include "field/ntcip/street.h"
#include "field/ntcip/timings.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct cabinet cabinet;
static struct buf text;

static bool
read_cabinet(const char *path)
{
    static char bytes[CABINET_BYTES_MAX];
    char why[CABINET_WHY_SIZE] = "";
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;
    if (f)
        fclose(f);
    if (cabinet_parse(bytes_of(bytes, n), &cabinet, why) == OK)
        return true;
    fprintf(stderr, "drive: %s\n", why);
    return false;
}

static void
print_report(const struct half_report *r)
{
    buf_reset(&text);
    reading_put_lanes(&text, &cabinet, r);
    printf("report known=%u stage=%d greens=%02x problem=\"%s\" sets=%llu why=\"%s\" rule=\"%s\" "
           "phase=%u has=%lld wants=%lld lanes=%s\n",
           (unsigned)r->known, (int)r->stage - 1, (unsigned)r->greens,
           err_text((enum err)r->problem), (unsigned long long)r->sets,
           control_why_text((enum control_why)r->why), timing_rule_text((enum timing_rule)r->rule),
           (unsigned)r->phase, (long long)r->has, (long long)r->wants, buf_string(&text));
}

/* False: the street half is gone. */
static bool
hear(int fd)
{
    uint8_t packet[HALVES_PACKET_MAX];
    struct half_confined walls;
    struct half_report r;
    struct bytes body;
    uint16_t id = 0;
    enum err e = halves_receive(fd, packet, &id, &body);
    if (e == OK && id == half_confined_id && half_confined_decode(body, &walls) == OK)
        printf("confined %x %u\n", (unsigned)walls.walls, (unsigned)walls.landlock);
    else if (e == OK && id == half_report_id && half_report_decode(body, &r) == OK)
        print_report(&r);
    fflush(stdout);
    return e == OK || e == ERR_AGAIN;
}

/* False: no more is wished. */
static bool
obey(int fd)
{
    char line[128];
    int stage = -1;
    unsigned valid_ms = 0;
    struct half_wish w = {.stage = 0};
    if (!fgets(line, sizeof(line), stdin) || strncmp(line, "end", 3) == 0)
        return false;
    if (sscanf(line, "wish %d %u", &stage, &valid_ms) != 2)
        return true;
    w.stage = (uint8_t)(stage + 1);
    w.valid_ms = valid_ms;
    buf_reset(&text);
    half_wish_encode(&w, &text);
    return halves_send(fd, half_wish_id, &text) == OK;
}

int
main(int argc, char **argv)
{
    int pair[2], status = 0;
    if (argc != 2 || !read_cabinet(argv[1]))
        return 2;
    setvbuf(stdin, NULL, _IONBF, 0);
    buf_init(&text, 8192);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return 3;
    pid_t street = fork();
    if (street == 0) {
        close(pair[0]);
        _exit(street_run(&cabinet, pair[1]));
    }
    close(pair[1]);
    printf("pid %d\n", (int)street);
    fflush(stdout);
    struct pollfd p[2] = {{.fd = pair[0], .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    while (poll(p, 2, -1) > 0) {
        if (p[0].revents && !hear(pair[0]))
            break;
        if (p[1].revents && !obey(pair[0]))
            break;
    }
    close(pair[0]);
    if (waitpid(street, &status, 0) != street)
        return 3;
    printf("ended %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
