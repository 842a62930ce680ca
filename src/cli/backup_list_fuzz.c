/* What the readers of a backup take is written again as the same bytes; nothing else is taken. */
#include "cli/backup_list.h"
#include "cli/backup_seal.h"

#include <sodium.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_seal(struct bytes in)
{
    static struct backup_secret secret;
    struct backup_recipients to = {.count = 1};
    struct buf out, sealed;
    if (secret.public_key[0] == 0 && sodium_init() >= 0)
        backup_key_new(&secret);
    buf_init(&out, in.len + 1);
    enum err e = backup_unseal(&secret, "fuzz", in, &out);
    ASSERT(e == ERR_MALFORMED || e == ERR_NOT_FOUND || e == ERR_CRYPTO);
    memcpy(to.key[0], secret.public_key, 32);
    buf_init(&sealed, in.len + BACKUP_SEAL_MAX);
    ASSERT(backup_seal(&to, "fuzz", in, &sealed) == OK);
    buf_reset(&out);
    ASSERT(backup_unseal(&secret, "fuzz", buf_bytes(&sealed), &out) == OK);
    ASSERT(bytes_equal(buf_bytes(&out), in));
    buf_reset(&out);
    sealed.p[in.len % sealed.len] ^= 1;
    ASSERT(backup_unseal(&secret, "fuzz", buf_bytes(&sealed), &out) != OK);
    buf_fini(&out);
    buf_fini(&sealed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct backup_list l;
    struct backup_line line;
    struct buf again;
    enum err e;
    check_seal(in);
    if (backup_list_open(in, &l) != OK)
        return 0;
    buf_init(&again, size + 256);
    backup_list_begin(&again, l.generation, l.time_us, l.ids_key);
    while ((e = backup_list_next(&l, &line)) == OK)
        backup_list_put(&again, &line);
    ASSERT(e == ERR_NOT_FOUND || e == ERR_MALFORMED);
    backup_list_end(&again);
    if (e == ERR_NOT_FOUND) {
        ASSERT(again.len == size);
        for (size_t i = 0; i < size; i++) /* hex digits may be in capitals */
            ASSERT(again.p[i] == data[i] || (data[i] >= 'A' && data[i] <= 'F'));
    }
    buf_fini(&again);
    return 0;
}
