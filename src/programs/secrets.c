#include "programs/secrets.h"

bool
secrets_locked(void)
{
    char line[512], mode[8] = "";
    unsigned long from, to;
    bool locked = true;
    FILE *f = fopen("/proc/self/smaps", "re");
    if (!f)
        return false;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3)
            continue;
        if (strncmp(line, "VmFlags:", 8) == 0 && strncmp(mode, "rw", 2) == 0 &&
            strstr(line, " dd") && !strstr(line, " lo"))
            locked = false;
    }
    fclose(f);
    return locked;
}
