/*
 * tls_memory.c -- where OpenSSL keeps what must not be seen.
 *
 * Private numbers (the gate's key, the halves of key exchanges) go to OpenSSL's secure heap, which
 * is locked, left out of dumps and between guard pages. Everything else of OpenSSL is overwritten
 * when it is given back: copies of a key that were made on the way, and the traffic keys of a
 * connection that ended.
 *
 * Record buffers come and go with every record (SSL_MODE_RELEASE_BUFFERS: an idle connection has
 * none). A few of them are kept for the next record of any connection, and are overwritten once at
 * the end of the round instead of 17 kB twice a message.
 */
#include "programs/gate/tls.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <sodium.h>

/* A connection takes 32 bytes of it, 12,288 of them (the most that a gate has) 384 KiB: measured.
 */
enum { SECURE_BYTES = 512 * 1024, SECURE_PIECE = 32 };

enum {
    RECORD_LEAST = 12 * 1024, /* what is longer, up to RECORD_ROOM, is a record buffer */
    RECORD_ROOM = 18 * 1024,
    RECORDS_KEPT = 8,
};
static struct {
    void *free[RECORDS_KEPT];
    uint32_t count;
    uint32_t wiped; /* the first so many are zeros */
} records;

void
tls_memory_settle(void)
{
    for (; records.wiped < records.count; records.wiped++)
        sodium_memzero(records.free[records.wiped], RECORD_ROOM);
}

static void *
record_take(void)
{
    if (records.count == 0)
        return malloc(RECORD_ROOM);
    void *p = records.free[--records.count];
    if (records.wiped > records.count)
        records.wiped = records.count;
    return p;
}

static bool
record_keep(void *p, size_t usable)
{
    enum { ROUNDING = 64 }; /* malloc's: a longer block would not be wiped to its end */
    if (usable < RECORD_ROOM || usable >= RECORD_ROOM + ROUNDING || records.count == RECORDS_KEPT)
        return false;
    records.free[records.count++] = p;
    return true;
}

static void
give_back(void *p, const char *file, int line)
{
    (void)file, (void)line;
    if (!p)
        return;
    size_t usable = malloc_usable_size(p);
    if (record_keep(p, usable))
        return;
    sodium_memzero(p, usable);
    free(p);
}

static void *
take(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return size > RECORD_LEAST && size <= RECORD_ROOM ? record_take() : malloc(size);
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
