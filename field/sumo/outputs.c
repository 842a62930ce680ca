#include "field/sumo/outputs.h"

#include <dirent.h>
#include <limits.h>
#include <unistd.h>

static enum err
make_folder(char *out)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(out, PATH_MAX, "%s/signals.XXXXXX", base && base[0] ? base : "/tmp");
    if (n >= PATH_MAX)
        return ERR_LIMIT;
    return mkdtemp(out) ? OK : ERR_IO;
}

enum err
outputs_open(struct outputs *o, const char *keep)
{
    char made[PATH_MAX], whole[PATH_MAX];
    *o = (struct outputs){.kept = keep != NULL};
    enum err e = keep ? OK : make_folder(made);
    if (e != OK)
        return e;
    if (!realpath(keep ? keep : made, whole))
        return ERR_IO;
    /* SUMO puts the time in the place of this word. */
    e = strstr(whole, "TIME") ? ERR_LIMIT
                              : bytes_copy_text(bytes_text(whole), o->folder, OUTPUTS_FOLDER_SIZE);
    if (e != OK) {
        if (!keep)
            rmdir(whole);
        return e;
    }
    for (size_t i = 0; i < OUTPUTS_UP; i++)
        memcpy(o->prefix + 3 * i, "../", 3);
    snprintf(o->prefix + 3 * OUTPUTS_UP, sizeof(o->prefix) - 3 * OUTPUTS_UP, "%s/", o->folder + 1);
    return OK;
}

void
outputs_close(struct outputs *o)
{
    DIR *d = o->folder[0] && !o->kept ? opendir(o->folder) : NULL;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d) {
        closedir(d);
        rmdir(o->folder);
    }
    *o = (struct outputs){0};
}
