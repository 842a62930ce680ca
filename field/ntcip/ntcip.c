/*
 * ntcip.c -- the adapter's program: one cabinet, two processes.
 *
 * options, the cabinet's file -> fork -> street half (keys of SNMP, confined) and city half
 */
#include "field/common/device.h"
#include "field/ntcip/cabinet.h"
#include "field/ntcip/city.h"
#include "field/ntcip/street.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_CANNOT = 3 };

static int
cannot(const char *what, const char *why)
{
    fprintf(stderr, "ntcip: %s: %s\n", what, why);
    return EXIT_CANNOT;
}

/* A file of less than `size` bytes, with a NUL behind it. */
static int
read_file(const char *path, char *to, size_t size, size_t *out_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, to, size) : -1;
    int failed = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return cannot(path, strerror(failed));
    if ((size_t)n == size)
        return cannot(path, "too long");
    to[n] = '\0';
    *out_len = (size_t)n;
    return 0;
}

static int
read_cabinet(const char *path, struct cabinet *out)
{
    static char text[CABINET_BYTES_MAX + 1];
    char why[CABINET_WHY_SIZE] = "";
    size_t len = 0;
    int status = read_file(path, text, sizeof(text), &len);
    if (status == 0 && cabinet_parse(bytes_of(text, len), out, why) != OK)
        return cannot(path, why);
    return status;
}

static int
start(const struct field_options *options, const struct cabinet *c, const char *properties)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return cannot("a pair of sockets", strerror(errno));
    pid_t street = fork();
    if (street < 0)
        return cannot("a second process", strerror(errno));
    if (street == 0) {
        close(pair[0]);
        _exit(street_run(c, pair[1]));
    }
    close(pair[1]);
    return city_run(options, c, properties, pair[0], street);
}

int
main(int argc, char **argv)
{
    static struct cabinet c;
    static char properties[CITY_PROPERTIES_MAX];
    const char *file = NULL;
    bool check = false;
    size_t len = 0;
    int status = 0;
    struct field_options options = {
        .program = "ntcip",
        .summary = "An NTCIP 1202 controller as a device of a signals zone, over SNMPv3 authPriv.",
        .example = "ntcip --cabinet crossing-12.cabinet --devices D --mqtts 127.0.0.1:8884 "
                   "--https 127.0.0.1:8444"};
    const struct field_option more[] = {
        {"--cabinet", "FILE", OPTION_TEXT, &file, 0, "the controller, its phases, the envelope"},
        {"--check", NULL, OPTION_FLAG, &check, 0, "read the files, say what is wrong, and end"},
    };
    if (!field_options_parse(&options, more, ARRAY_COUNT(more), argc, argv, &status))
        return status;
    if (!file || options.data) {
        fprintf(stderr, "ntcip: %s; see --help\n",
                file ? "reads no public files" : "--cabinet FILE is needed");
        return EXIT_USAGE;
    }
    status = read_cabinet(file, &c);
    if (status == 0 && c.properties[0])
        status = read_file(c.properties, properties, sizeof(properties), &len);
    if (status != 0 || check)
        return status;
    return start(&options, &c, len > 0 ? properties : NULL);
}
