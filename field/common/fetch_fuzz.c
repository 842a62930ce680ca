/* Any bytes as header lines of an answer: what is kept is a text that fits, without blanks around.
 */
#include "field/common/fetch.c" /* for what is static */

#include "base/fuzz.h"

static void
check_kept(const char *value, size_t size)
{
    size_t n = strnlen(value, size);
    ASSERT(n < size);
    ASSERT(n == 0 || (value[0] != ' ' && value[0] != '\t' && value[n - 1] != ' '));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fetch f = {.status = 0};
    struct buf body;
    struct bytes in = bytes_of(data, size);
    buf_init(&body, 100);
    while (in.len) {
        bool header = fuzz_byte(&in) & 1;
        struct bytes part = fuzz_part(&in);
        char *exact = (char *)fuzz_exact(part);
        size_t taken =
            header ? on_header(exact, 1, part.len, &f) : on_body(exact, 1, part.len, &body);
        ASSERT(taken == part.len || (!header && body.overflow && taken == 0));
        free(exact);
        check_kept(f.location, sizeof(f.location));
        check_kept(f.content_type, sizeof(f.content_type));
    }
    buf_fini(&body);
    return 0;
}
