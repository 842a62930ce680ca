/*
 * Whatever parses has a canonical form that parses to the same canonical form and the same
 * findings, and can be checked, explained and drawn.
 */
#include "charter/charter.h"
#include "charter/radius.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT_BYTES_MAX = 16 * 1024 * 1024 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct charter first, second;
    static struct charter_findings findings, again;
    if (charter_parse(bytes_of(data, size), &first, &findings) != OK) {
        ASSERT(findings.count == 1 && findings.list[0].place.line > 0);
        return 0;
    }
    struct buf a, b;
    buf_init(&a, OUTPUT_BYTES_MAX);
    buf_init(&b, OUTPUT_BYTES_MAX);
    charter_put_canonical(&a, &first);
    enum err e = charter_parse(buf_bytes(&a), &second, &again);
    ASSERT(e == OK);
    charter_put_canonical(&b, &second);
    ASSERT(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
    uint8_t one[32], two[32];
    charter_digest(&first, one);
    charter_digest(&second, two);
    ASSERT(memcmp(one, two, sizeof(one)) == 0);

    e = charter_check(&first, &findings);
    ASSERT((e == OK) == (findings.count == 0));
    ASSERT((charter_check(&second, &again) == OK) == (e == OK));
    buf_reset(&b);
    charter_put_explanation(&b, &first);
    radius_put_text(&b, &first);
    radius_put_json(&b, &first, "fuzz.charter", &findings);
    radius_put_svg(&b, &first);
    buf_fini(&a);
    buf_fini(&b);
    return 0;
}
