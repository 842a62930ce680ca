/*
 * charter_test_kit.h -- reading charters from files, for the tests of this folder only.
 * Tests run from the repository root.
 */
#ifndef CHARTER_CHARTER_TEST_KIT_H
#define CHARTER_CHARTER_TEST_KIT_H

#include "base/test.h"
#include "charter/charter.h"

/* A file as exactly sized heap bytes; freed by test_exact_free(). */
static inline struct bytes
kit_read(const char *path)
{
    static uint8_t data[CHARTER_BYTES_MAX];
    FILE *f = fopen(path, "rb");
    if (!f)
        fprintf(stderr, "cannot read %s (tests run from the repository root)\n", path);
    CHECK(f != NULL);
    size_t n = fread(data, 1, sizeof(data), f);
    fclose(f);
    return test_exact(bytes_of(data, n));
}

/* Parse and check; the findings of whichever fails first. */
static inline enum err
kit_judge(struct bytes text, struct charter *c, struct charter_findings *f)
{
    struct bytes exact = test_exact(text);
    enum err e = charter_parse(exact, c, f);
    test_exact_free(exact);
    if (e != OK)
        CHECK(f->count == 1 && f->list[0].place.line > 0);
    return e != OK ? e : charter_check(c, f);
}

#endif
