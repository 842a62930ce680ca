#include "cli/trusted.h"

#include "programs/supervisor/confine.h"

/* The number behind "KEY:" in /proc/PID/status; all bits when it is not there. */
static uint64_t
number_of(uint32_t pid, const char *key, int base)
{
    char path[64], line[256];
    uint64_t value = UINT64_MAX;
    size_t len = strlen(key);
    snprintf(path, sizeof(path), "/proc/%u/status", pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, key, len) == 0 && line[len] == ':')
            value = strtoull(line + len + 1, NULL, base);
    if (f)
        fclose(f);
    return value;
}

/* By name what it may have, by number what it may not. */
static void
put_names(struct buf *b, uint64_t held, bool json)
{
    static const char *const names[64] = {[CAP_DAC_OVERRIDE] = "dac_override",
                                          [CAP_KILL] = "kill",
                                          [CAP_SETGID] = "setgid",
                                          [CAP_SETUID] = "setuid",
                                          [CAP_SETPCAP] = "setpcap",
                                          [CAP_SYS_ADMIN] = "sys_admin"};
    const char *between = "", *quote = json ? "\"" : "";
    for (int c = 0; c < 64; c++) {
        if (!(held >> c & 1))
            continue;
        buf_format(b, "%s%s", between, quote);
        if (names[c])
            buf_text(b, names[c]);
        else
            buf_u64_decimal(b, (uint64_t)c);
        buf_text(b, quote);
        between = json ? "," : " ";
    }
}

bool
trusted_put(struct buf *b, uint32_t pid, bool root, bool json)
{
    uint64_t held = number_of(pid, "CapPrm", 16);
    if (root)
        held |= number_of(pid, "CapBnd", 16);
    bool closed = number_of(pid, "NoNewPrivs", 10) == 1;
    uint64_t may = root ? CONFINE_KEPT | CONFINE_MAYBE : 0;
    bool good = closed && (held & ~may) == 0;
    if (json)
        buf_format(b, ",\"supervisor\":{\"pid\":%u,\"no_new_privs\":%s,\"capabilities\":[", pid,
                   closed ? "true" : "false");
    else
        buf_format(b, "supervisor: pid %u, capabilities: ", pid);
    put_names(b, held, json);
    if (json)
        buf_text(b, "]}");
    else
        buf_format(b, "%s, %s%s\n", held ? "" : "none",
                   closed ? "no new privileges" : "NEW PRIVILEGES ARE POSSIBLE",
                   good ? "" : " (MORE THAN IT NEEDS)");
    return good;
}
