#include "field/common/intake.h"

#include "field/common/seen.h"

enum err
intake_open(struct intake *in, const char *folder)
{
    enum err e = bytes_copy_text(bytes_text(folder), in->folder, sizeof(in->folder));
    return e == OK ? seen_read(in->folder, &in->reader.last_sequence) : e;
}

enum err
intake_take(struct intake *in, struct bytes note, const struct intake_time *now, struct lease *out)
{
    struct lease lease;
    enum err e = lease_open(&in->reader, note, now->wall_us, &lease);
    if (e == OK && now->doubt)
        e = ERR_AGAIN;
    if (e == OK)
        e = seen_write(in->folder, lease.sequence);
    if (e != OK)
        return e;
    in->reader.last_sequence = lease.sequence;
    lease.expiry_us = now->steady_us + (lease.expiry_us - now->wall_us);
    *out = lease;
    return OK;
}

bool
intake_report_due(struct intake *in, uint64_t mono_ms)
{
    if (in->reported && mono_ms - in->reported_ms < INTAKE_REPORT_MS)
        return false;
    in->reported = true;
    in->reported_ms = mono_ms;
    return true;
}
