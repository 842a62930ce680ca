/*
 * test.h -- the test kit: TEST registers itself, CHECK says what failed and where.
 *
 * Each X_test.c becomes one program; cmocka runs it. Include this header only in tests.
 */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include "base/base.h"

void test_register(const char *name, void (*run)(void **cmocka_state));
void test_fail(const char *what, const char *file, int line) __attribute__((noreturn));

#define TEST(name)                                                                                 \
    static void name(void);                                                                        \
    static void name##_run(void **cmocka_state)                                                    \
    {                                                                                              \
        (void)cmocka_state;                                                                        \
        name();                                                                                    \
    }                                                                                              \
    __attribute__((constructor)) static void name##_register(void)                                 \
    {                                                                                              \
        test_register(#name, name##_run);                                                          \
    }                                                                                              \
    static void name(void)

#define CHECK(x) ((x) ? (void)0 : test_fail(#x, __FILE__, __LINE__))
#define CHECK_OK(call)                                                                             \
    do {                                                                                           \
        enum err test_e_ = (call);                                                                 \
        if (test_e_ != OK) {                                                                       \
            fprintf(stderr, "%s: %s\n", #call, err_text(test_e_));                                 \
            test_fail(#call, __FILE__, __LINE__);                                                  \
        }                                                                                          \
    } while (0)

/*
 * A heap copy of exactly these bytes, so that the sanitizer sees a read one past the end.
 * Freed by test_exact_free().
 */
struct bytes test_exact(struct bytes from);
void test_exact_free(struct bytes exact);

/* Remove a folder that the test made, with all that is in it. */
void test_remove_tree(const char *path);

/*
 * True with an address sanitizer, whose memory is neither locked nor made by the calls that our
 * filters allow.
 */
bool test_sanitized(void);

/* The seed of property tests: BULKHEAD_SEED or a fixed one; printed once. */
uint64_t test_seed(void);

#endif
