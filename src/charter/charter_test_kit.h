/*
 * charter_test_kit.h -- reading charters from files, for tests.
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

/* The demo city. */
static inline void
kit_demo_listening(struct charter *c)
{
    static struct charter_findings findings;
    struct bytes text = kit_read("charters/demo.charter");
    CHECK_OK(charter_parse(text, c, &findings));
    test_exact_free(text);
}

/* Without its listening sockets: many of it may stand at once. */
static inline void
kit_demo(struct charter *c)
{
    kit_demo_listening(c);
    for (uint32_t z = 0; z < c->zones_count; z++)
        c->zones[z].listen_count = 0;
}

#endif
