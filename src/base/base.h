/*
 * base.h -- what every file of Bulkhead may assume.
 *
 * The list of errors, assertions that stay on in release builds, and borrowed bytes.
 * Nothing here logs, allocates or exits, but for a failed ASSERT: a programmer's error
 * ends the process at once (a crash is a normal event; a wrong answer is not).
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))
#define UNUSED __attribute__((unused))
#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Every operating error there is. Programmer errors are ASSERTed instead. */
#define ERR_LIST(X)                                                                                \
    X(OK, "ok")                                                                                    \
    X(ERR_MALFORMED, "malformed input")                                                            \
    X(ERR_LIMIT, "a stated limit is reached")                                                      \
    X(ERR_WRONG_STATE, "not allowed in this state")                                                \
    X(ERR_DENIED, "not permitted")                                                                 \
    X(ERR_NOT_FOUND, "not found")                                                                  \
    X(ERR_EXISTS, "exists already")                                                                \
    X(ERR_IO, "input or output failed")                                                            \
    X(ERR_AGAIN, "not now, try again")                                                             \
    X(ERR_CRYPTO, "a cryptographic check failed")                                                  \
    X(ERR_UNSUPPORTED, "not supported")                                                            \
    X(ERR_CLOSED, "the other side closed")                                                         \
    X(ERR_EXPIRED, "expired")                                                                      \
    X(ERR_NO_SPACE, "no space is left on the disk")                                                \
    X(ERR_READ_ONLY, "the file system is read-only")

#define ERR_ENUM(name, text) name,
enum err { ERR_LIST(ERR_ENUM) ERR_COUNT };
#undef ERR_ENUM

/* The text of an error, for a log line or a message. Never NULL. */
const char *err_text(enum err e);

/* On in every build; no side effects inside. */
#define ASSERT(x) ((x) ? (void)0 : assert_failed(#x, __FILE__, __LINE__))
void assert_failed(const char *what, const char *file, int line) __attribute__((noreturn, cold));

/* Borrowed, read-only bytes, passed by value. p may be NULL only when len is 0. */
struct bytes {
    const uint8_t *p;
    size_t len;
};

static inline struct bytes
bytes_of(const void *p, size_t len)
{
    return (struct bytes){(const uint8_t *)p, len};
}

/* A NUL-terminated string as bytes, without the NUL. */
static inline struct bytes
bytes_text(const char *s)
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}

/* Not constant time: never for secrets. */
static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool
bytes_are(struct bytes a, const char *s)
{
    return bytes_equal(a, bytes_text(s));
}

static inline bool
bytes_start(struct bytes a, const char *s)
{
    size_t n = strlen(s);
    return a.len >= n && memcmp(a.p, s, n) == 0;
}

/* The rest after the first n bytes; n must not exceed the length. */
static inline struct bytes
bytes_skip(struct bytes a, size_t n)
{
    ASSERT(n <= a.len);
    return n == 0 ? a : (struct bytes){a.p + n, a.len - n};
}

/* The offset of the first c, or a.len when there is none. */
static inline size_t
bytes_find(struct bytes a, uint8_t c)
{
    const void *at = a.len ? memchr(a.p, c, a.len) : NULL;
    return at ? (size_t)((const uint8_t *)at - a.p) : a.len;
}

/*
 * Copy into a NUL-terminated array of `size` bytes. ERR_LIMIT when it does not fit,
 * ERR_MALFORMED when the bytes hold a NUL; the array is untouched then.
 */
enum err bytes_copy_text(struct bytes from, char *to, size_t size) MUST_USE;

/* For printf("%.*s", BYTES_PRINTF(b)). */
#define BYTES_PRINTF(b) (int)(b).len, (const char *)(b).p

/* Functions that do not compile here: they have no bound or hide an error. */
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atoll gets strncpy strncat

#endif
