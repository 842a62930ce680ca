/*
 * keys.h -- sealing bytes under a key, bound to what and where they are.
 *
 * XChaCha20-Poly1305 (libsodium) with a random nonce in front: sealed = nonce, ciphertext, tag.
 * The associated data name the use, the zone and up to eight numbers (stream, positions, times),
 * so that sealed bytes moved to another place do not open.
 */
#ifndef STORE_EMBEDDED_KEYS_H
#define STORE_EMBEDDED_KEYS_H

#include "store/embedded/tree.h"
#include "base/le.h"
#include "store/store.h"

enum { KEY_SIZE = 32, SEAL_NONCE_SIZE = 24, SEAL_TAG_SIZE = 16, SEAL_OVERHEAD = 40 };
enum { WRAPPED_SIZE = KEY_SIZE + SEAL_OVERHEAD };
enum { SEAL_NUMBERS = 8 };

enum seal_use {
    SEAL_SEGMENT = 1, /* a segment's header, under the wrapping key */
    SEAL_BATCH,       /* a batch in the journal, under the segment's key */
    SEAL_STREAM_KEY,  /* a stream's key, under the wrapping key */
    SEAL_ZONE_KEYS,   /* the zone's keys, under the wrapping key */
    SEAL_ENTITY,      /* an entity's record, under the zone's entity key */
    SEAL_HEAD,        /* a chunk's statistics, under the stream's key */
    SEAL_BODY,        /* a chunk's points, under the stream's key */
    SEAL_VERSION,     /* what an observation said before, under the stream's key */
};

struct seal_name {
    enum seal_use use;
    const char *zone;
    uint64_t number[SEAL_NUMBERS];
};

/* Writes plain.len + SEAL_OVERHEAD bytes; plain may already lie at out + SEAL_NONCE_SIZE. */
void seal_put(uint8_t *out, const uint8_t key[static 32], const struct random_source *random,
              const struct seal_name *name, struct bytes plain);

/* Writes sealed.len - SEAL_OVERHEAD bytes: elsewhere, or in place at sealed.p + SEAL_NONCE_SIZE and
 * nowhere between. ERR_CRYPTO: another key, name or bytes. */
enum err seal_get(uint8_t *out, const uint8_t key[static 32], const struct seal_name *name,
                  struct bytes sealed) MUST_USE;

/* All keys that a store holds in the clear, in memory of sodium_malloc (locked where allowed). */
struct keys {
    uint8_t wrap[KEY_SIZE];           /* derived from the master key */
    uint8_t entity[KEY_SIZE];         /* random, wrapped in the container */
    uint8_t commit[KEY_SIZE];         /* random, wrapped in the container: keys the decisions */
    struct commitment_key commitment; /* made of it */
    uint8_t segment[KEY_SIZE];        /* of the segment that is written now */
    uint8_t scratch[KEY_SIZE];
    uint8_t stream[STORE_STREAMS_MAX][KEY_SIZE]; /* by index of the stream */
};

/* NULL when there is no memory. The wrapping key is derived here. */
struct keys *keys_new(const uint8_t master[static 32]);
void keys_free(struct keys *k);

#endif
