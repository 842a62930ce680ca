/*
 * Any bytes as the text of an audit record. What is taken says of itself what was taken: the same
 * numbers in a record of the plainest form are read back as the same.
 */
#include "base/fuzz.h"
#include "programs/supervisor/audit.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audit_kill k, again;
    uint8_t *exact = fuzz_exact(bytes_of(data, size));
    if (audit_parse(bytes_of(exact, size), &k) == OK) {
        char text[256], call[AUDIT_CALL_SIZE];
        int n =
            snprintf(text, sizeof(text),
                     "audit(0.0:0): auid=0 uid=%u gid=0 ses=0 pid=%u comm=\"c\" exe=\"e\" sig=31 "
                     "arch=%08x syscall=%u",
                     k.uid, k.pid, k.arch, k.call);
        ASSERT(n > 0 && (size_t)n < sizeof(text));
        enum err e = audit_parse(bytes_text(text), &again);
        ASSERT(e == OK && memcmp(&k, &again, sizeof(k)) == 0);
        audit_call_text(&k, call);
        ASSERT(strlen(call) < sizeof(call));
    }
    free(exact);
    return 0;
}
