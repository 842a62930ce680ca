/*
 * options.h -- the command line that all field programs share.
 *
 *   --devices DIR      DIR/NAME/{key.pem,cert.pem,ca.pem[,warden.vkey]} for every device
 *   --mqtts HOST:PORT  the zone's gate, MQTT over TLS
 *   --https HOST:PORT  the zone's gate, HTTP over TLS
 *   --seconds N        end after N seconds (0: until SIGTERM or SIGINT)
 *   --status FILE      key=value lines, rewritten once a second
 *   --seed N           of the program's own generator
 *   --data DIR         read public files from DIR instead, print what was read, and end
 *
 * A program adds options of its own with a table of the same kind.
 */
#ifndef FIELD_OPTIONS_H
#define FIELD_OPTIONS_H

#include "base/base.h"

enum { FIELD_HOST_SIZE = 256 };

struct field_address {
    char host[FIELD_HOST_SIZE];
    uint16_t port; /* 0: not given */
};

enum field_option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_ADDRESS, OPTION_FLAG };

struct field_option {
    const char *name;  /* with "--" */
    const char *value; /* what stands for the value in --help; NULL for a flag */
    enum field_option_kind kind;
    void *to;     /* const char **, uint64_t *, struct field_address * or bool * */
    uint64_t max; /* of a number */
    const char *sentence;
};

struct field_options {
    const char *program;                 /* "homes" */
    const char *summary;                 /* one sentence, for --help */
    const char *example;                 /* one command line, for --help */
    const char *devices, *status, *data; /* NULL: not given; they point into argv */
    struct field_address mqtts, https;
    uint64_t seconds, seed;
};

/*
 * Fill *options and what `more` (more_count rows) points at. True: go on. False: the program ends
 * with *out_exit: 0 after --help, 2 after a wrong option; the text was printed.
 */
bool field_options_parse(struct field_options *options, const struct field_option *more,
                         size_t more_count, int argc, char **argv, int *out_exit) MUST_USE;

/* "host:port" or "[address]:port". ERR_MALFORMED. */
enum err field_address_parse(const char *text, struct field_address *out) MUST_USE;

#endif
