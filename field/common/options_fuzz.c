/* Parts as the arguments of a field program: taken, or refused with a status of 0 or 2; an address
 * that is taken has a host and a port. */
#include "base/fuzz.h"
#include "field/common/options.h"

enum { ARGUMENTS_MAX = 16, ARGUMENT_SIZE = 300 };

static void
check_address(const struct field_address *a)
{
    ASSERT(a->port == 0 || (a->host[0] && memchr(a->host, 0, sizeof(a->host))));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char texts[ARGUMENTS_MAX][ARGUMENT_SIZE];
    char *argv[ARGUMENTS_MAX + 1] = {0};
    int argc = 0, status = -1;
    bool flag = false;
    uint64_t speed = 0;
    struct bytes in = bytes_of(data, size);
    struct field_options o = {.program = "fuzz", .summary = "s", .example = "e"};
    const struct field_option more[] = {
        {"--quick", NULL, OPTION_FLAG, &flag, 0, "quick"},
        {"--speed", "N", OPTION_NUMBER, &speed, 100, "speed"},
    };
    while (argc < ARGUMENTS_MAX && (argc == 0 || in.len)) {
        struct bytes part = fuzz_part(&in);
        if (bytes_copy_text(part, texts[argc], ARGUMENT_SIZE) != OK)
            return 0;
        argv[argc] = texts[argc];
        argc++;
    }
    bool go = field_options_parse(&o, more, ARRAY_COUNT(more), argc, argv, &status);
    ASSERT(go ? status == -1 : status == 0 || status == 2);
    check_address(&o.mqtts);
    check_address(&o.https);
    ASSERT(speed <= 100 && o.seconds <= 86400ULL * 366);
    return 0;
}
