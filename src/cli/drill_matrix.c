#include "cli/drill_matrix.h"

#include "cli/tool.h"
#include "drill/measure.h"

enum { OUTPUT_BYTES_MAX = 16 * 1024 * 1024 };

static void
print(FILE *to, const struct buf *b)
{
    fwrite(b->p, 1, b->len, to);
}

int
drill_matrix(const struct charter *c, const char *libexec, const char *drill_libexec, bool json,
             bool progress)
{
    static struct matrix predicted, measured;
    char payload[TOOL_PATH_SIZE];
    struct buf out, difference;
    snprintf(payload, sizeof(payload), "%s/matrix.so", drill_libexec);
    struct measure_config config = {.charter = c,
                                    .libexec = libexec,
                                    .drill_libexec = drill_libexec,
                                    .payload = payload,
                                    .progress = progress};
    if (measure_matrix(&config, &measured) != OK)
        return EXIT_CANNOT;
    matrix_predict(&predicted, c);
    buf_init(&out, OUTPUT_BYTES_MAX);
    buf_init(&difference, OUTPUT_BYTES_MAX);
    if (json)
        matrix_put_json(&out, &measured);
    else
        matrix_put_text(&out, &measured);
    uint32_t count = matrix_put_difference(&difference, &predicted, &measured);
    print(stdout, &out);
    print(stderr, &difference);
    buf_fini(&out);
    buf_fini(&difference);
    return count ? EXIT_DOES_NOT_HOLD : EXIT_OK;
}
