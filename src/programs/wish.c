#include "programs/wish.h"

#include <sodium.h>

void
wish_digest(const char *zone, const struct wish *wish, uint8_t out[static 32])
{
    crypto_hash_sha256_state state;
    char head[256];
    int n = snprintf(head, sizeof(head), "bulkhead wish v1\nzone %s\ndevice %.*s\ncommand %.*s\n",
                     zone, BYTES_PRINTF(wish->device), BYTES_PRINTF(wish->command));
    ASSERT(n > 0 && (size_t)n < sizeof(head));
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)head, (unsigned long long)n);
    crypto_hash_sha256_update(&state, wish->parameters.p, wish->parameters.len);
    crypto_hash_sha256_final(&state, out);
}
