/*
 * Any bytes as the file of sequence numbers. Opened, it hands out numbers; closed and opened again,
 * only greater ones: whatever stood there, none is used twice, nor one that a device has seen.
 */
#include "base/fuzz.h"
#include "programs/warden/sequence.h"

#include <sys/mman.h>
#include <unistd.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    struct disk disk = disk_system();
    struct sequence s;
    uint64_t last = 0;
    if (fd < 0)
        fd = memfd_create("sequence", MFD_CLOEXEC);
    ASSERT(fd >= 0 && ftruncate(fd, 0) == 0);
    enum err e = disk_write_at(&disk, fd, bytes_of(data, size), 0);
    ASSERT(e == OK);
    for (int opened = 0; opened < 3; opened++) {
        e = sequence_open(&s, &disk, fd);
        if (e != OK) {
            ASSERT(opened == 0 && e == ERR_CRYPTO);
            return 0;
        }
        /* A device says that it has seen more: what follows is above that. */
        uint64_t seen = 0;
        for (size_t i = 0; opened == 1 && i < size && i < sizeof(seen); i++)
            seen = seen << 8 | data[size - 1 - i];
        if (sequence_raise(&s, seen) == OK && seen > last)
            last = seen;
        for (int i = 0; i < SEQUENCE_BLOCK + 2; i++) {
            uint64_t n;
            e = sequence_take(&s, &n);
            if (e != OK)
                return 0;
            ASSERT(n > last);
            last = n;
        }
    }
    return 0;
}
