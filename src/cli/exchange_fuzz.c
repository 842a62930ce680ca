/* Whatever JSON another server answers becomes JSON that can be posted, or is refused. */
#include "cli/exchange.h"

#include "sensorthings/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t
known(void *ctx, const char *set, struct bytes old_id)
{
    (void)ctx, (void)set;
    return old_id.len % 3; /* some are not */
}

static void
check(enum err e, const struct buf *out)
{
    size_t bad;
    ASSERT(e == OK || e == ERR_MALFORMED || e == ERR_NOT_FOUND || e == ERR_LIMIT);
    ASSERT(e != OK || sta_json_check(buf_bytes(out), &bad));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    struct buf out;
    size_t bad;
    if (size == 0 || size > 65536 || !sta_json_check(text, &bad))
        return 0;
    text = bytes_skip(text, sta_json_space(text, 0));
    buf_init(&out, 1024 * 1024);
    for (size_t i = 0; i < EXCHANGE_SETS; i++) {
        buf_reset(&out);
        check(exchange_put_entity(&out, exchange_sets[i].name, text, i % 2 ? "level" : NULL, known,
                                  NULL),
              &out);
    }
    for (uint64_t from = 0; from < 3; from++) {
        buf_reset(&out);
        check(exchange_put_rows(&out, text, 7, from, from + 2, known, NULL), &out);
    }
    buf_fini(&out);
    return 0;
}
