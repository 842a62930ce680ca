/*
 * tls_memory.c -- where OpenSSL keeps what must not be seen.
 *
 * Private numbers (the gate's key, the halves of key exchanges) go to OpenSSL's secure heap, which
 * is locked, left out of dumps and between guard pages. Everything else of OpenSSL is overwritten
 * when it is given back: copies of a key that were made on the way, and the traffic keys of a
 * connection that ended.
 */
#include "programs/gate/tls.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <sodium.h>

/* A connection takes 32 bytes of it, 2048 of them (the most that a gate has) 64 KiB: measured. */
enum { SECURE_BYTES = 256 * 1024, SECURE_PIECE = 32 };

static void
give_back(void *p, const char *file, int line)
{
    (void)file, (void)line;
    if (p)
        sodium_memzero(p, malloc_usable_size(p));
    free(p);
}

static void *
take(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return malloc(size);
}

static void *
take_other(void *p, size_t size, const char *file, int line)
{
    void *other = size ? malloc(size) : NULL;
    if (other && p) {
        size_t had = malloc_usable_size(p);
        memcpy(other, p, had < size ? had : size);
    }
    if (other || size == 0)
        give_back(p, file, line);
    return other;
}

enum err
tls_memory(void)
{
    bool good = CRYPTO_set_mem_functions(take, take_other, give_back) == 1 &&
                CRYPTO_secure_malloc_init(SECURE_BYTES, SECURE_PIECE) != 0;
    return good ? OK : ERR_CRYPTO;
}
